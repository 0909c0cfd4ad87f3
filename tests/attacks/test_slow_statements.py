"""A bank's file that is made to be read for minutes."""

from contextlib import suppress
from time import process_time

import pytest

from chalicelib.domain.refusals import StatementTooLarge, StatementUnreadable
from chalicelib.statements.detect import read
from chalicelib.statements.options import ParseOptions

MAX_SECONDS = 5.0  # for 10 MB; each of these took minutes, and grew with the square of the size
SIZE = 10_000_000
CELL = 130_000  # the csv module takes no longer cell
CAMT = b"<Document><BkToCstmrStmt><Stmt><Ntry>"
END = b"</Ntry></Stmt></BkToCstmrStmt></Document>"
DAY = b"<BookgDt><Dt>2026-11-20</Dt></BookgDt>"
PART = b'<NtryDtls><TxDtls><Amt Ccy="EUR">1.00</Amt></TxDtls></NtryDtls>'
MT940 = b":20:X\n:60F:C261119EUR1,00\n"
OFX = b"OFXHEADER:100\n\n<OFX><STMTRS><CURDEF>EUR"
BOOKING = b":61:261120C1,00NTRFX\n"


def collective(parts: int, more: bytes = b"") -> bytes:
    """An entry of so many transactions, each in details of its own."""
    head = b'<Amt Ccy="EUR">%d.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts>' % parts
    return CAMT + head + DAY + PART * parts + more + END


def csv(amount: bytes, text: bytes = b"x") -> bytes:
    return b"Fecha;Concepto;Importe EUR\n20.11.2026;%b;%b\n21.11.2026;y;1,00\n" % (text, amount)


FILES = {
    "one entry of many transactions": collective(SIZE // (2 * len(PART))),
    "one entry of as many as are read": collective(60_000),
    "a long text for each of many transactions": collective(
        60_000, b"<AddtlNtryInf>" + b"x" * (SIZE // 2) + b"</AddtlNtryInf>"
    ),
    "a minus far before its amount": csv(b"-" + b" " * CELL + b"x") * (SIZE // CELL),
    "a minus far behind its amount": csv(b"1" + b" " * CELL + b"x") * (SIZE // CELL),
    "elements that are no entries": CAMT.replace(b"<Ntry>", b"<x>") + b"<a/>" * (SIZE // 4),
    "empty entries": CAMT.replace(b"<Ntry>", b"<x>") + b"<Ntry/>" * (SIZE // 7),
    "an entry of many elements": CAMT + b"<a/>" * (SIZE // 4),
    "many details of one booking": MT940 + BOOKING + b":86:xxxx\n" * (SIZE // 9),
    "many other texts of one booking": MT940 + BOOKING + b":NS:01xx\n" * (SIZE // 9),
    "both by turns": MT940 + BOOKING + b":86:xxxx\n:NS:01xx\n" * (SIZE // 18),
    "many statements without bookings": b":20:X\n" * (SIZE // 6),
    "many attributes": CAMT + b"<x " + b" ".join(b"a%d='>'" % n for n in range(SIZE // 12)) + b"/>",
    "blank rows": csv(b"1,00") + b"\n" * SIZE,
    "rows of empty cells": csv(b"1,00") + b";\n" * (SIZE // 2),
    "rows that go on": csv(b"1,00") + b";x;\n" * 49_000,
    "long rows that go on": csv(b"-1,00") + b";" + b"x" * 200 + b";\n" * 45_000,
    "headings of many columns": (b";".join([b"tipo de credito y debito"] * 200) + b"\n") * 59,
    "columns of states and sides": b"Fecha;Importe EUR" + b";" * 150 + b"\n"
    + (b"20.11.2026;1,00" + b";H" * 75 + b";Done" * 75 + b"\n") * (SIZE // 560),
    "OFX: many bookings": OFX + b"<STMTTRN><TRNTYPE>DEP<DTPOSTED>20261120<TRNAMT>1.00<NAME>x</STMTTRN>" * 20_000,
    "OFX: many bookings of many tags": OFX + (b"<STMTTRN>" + b"<A>" * 74 + b"</B>" * 74) * 19_000,
    "OFX: tags that end nowhere": OFX + b"<A>" * (SIZE // 7) + b"</B>" * (SIZE // 7),
    "OFX: statements without bookings": OFX + b"<STMTRS>" * (SIZE // 8),
    "OFX: literals that end nowhere": OFX + b"<![CDATA[" * (SIZE // 9),
    "OFX: literals": OFX + b"<!---->" * (SIZE // 7),
    "OFX: headers": b"<?OFX " * (SIZE // 6),
    "OFX: many headers": b"<?xml version='1.0'?>" + b"<!-- >" * (SIZE // 6) + b"<OFX>",
    "OFX: a header without an end": b"OFXHEADER:100\n" + b"a:b\n" * (SIZE // 4),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_o4_a_statement_that_is_made_to_be_slow_takes_seconds(name: str) -> None:
    raw = FILES[name][: SIZE + 1000]
    began = process_time()
    with suppress(StatementUnreadable, StatementTooLarge):
        read(raw, ParseOptions())
    assert process_time() - began < MAX_SECONDS
