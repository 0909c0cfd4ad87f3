"""Whatever is posted as a statement is read or refused, soon and in bounded memory: never an error of ours."""

import gc
import os
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from random import Random
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.refusals import StatementTooLarge, StatementUnreadable
from chalicelib.domain.statements import Statement
from chalicelib.http.routes import FILE_LIMIT
from chalicelib.statements.detect import read
from chalicelib.statements.options import ParseOptions, StatementFormat

HERE = Path(__file__).parent
SAMPLES = [path.read_bytes() for path in sorted((*(HERE / "samples").iterdir(), *(HERE / "corpus").iterdir()))]
TIMES = int(os.environ.get("TOMBOLA_SOAK", "1"))
MUTANTS = 1500 * TIMES
SIZE = FILE_LIMIT // 4  # of the largest files here; all that they take grows with their size
SMALLER = 4  # times; what grows with the square of the size takes 16 times as long
MEGABYTES = 60  # beside the file; the function has 1,024
ODD = (
    b"", b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b";", b",", b'"', b"\n", b"\r", b"<", b">", b"&amp;", b"&#0;",
    b"<Ntry>", b"]]>", b":61:", b":86:", b":20:", b"?20", b"-", b"-}", b"{4:", b"9" * 400, b"1,234.56", b"1e999",
    b"NaN",
    b"\xc3\x28", b"\xed\xa0\x80", b"31.02.2026", b"99999999", "٣".encode(), "²".encode(), b"EUR", b"XXX", b"CRDT",
    b"xmlns:x='y'",
)  # fmt: skip


def tried(raw: bytes, options: ParseOptions = ParseOptions()) -> Statement | None:  # noqa: B008 - a tuple
    try:
        found = read(raw, options)
    except (StatementUnreadable, StatementTooLarge):
        return None
    assert all(payment.amount > 0 and len(payment.currency) == 3 for payment in found.payments)
    return found


@given(st.binary(max_size=400), st.sampled_from([None, *StatementFormat]))
def test_any_bytes_are_read_or_refused(raw: bytes, format_: StatementFormat | None) -> None:
    tried(raw, ParseOptions(format=format_, currency="EUR"))


CELLS = st.one_of(
    st.sampled_from(["20.11.2026", "1.234,56", "-1", '"', "", "Fecha", "EUR", "x\ny", "0", "9" * 30]),
    st.text(max_size=8),
)


@given(st.lists(st.lists(CELLS, min_size=1, max_size=5).map(";".join), max_size=12).map("\n".join))
def test_any_table_is_read_or_refused(rows: str) -> None:
    text = ("Fecha;Concepto;Importe EUR\n" + rows).encode("utf-8", "surrogatepass")
    tried(text)
    tried(text, ParseOptions(date="1", amount="3", text=("2",), currency="EUR"))


def mutated(random: Random) -> bytes:
    raw = bytearray(random.choice(SAMPLES))
    for _ in range(random.choice((1, 1, 2, 4, 8))):
        at = random.randrange(len(raw) + 1)
        to = min(len(raw), at + random.choice((0, 1, 1, 3, 20, 200)))
        match random.randrange(4):
            case 0:
                raw[at:to] = random.choice(ODD)
            case 1:
                raw[at:to] = bytes(random.randrange(256) for _ in range(to - at))
            case 2:
                raw[at:at] = raw[at:to] * random.choice((1, 2, 30))
            case _:
                other = random.choice(SAMPLES)
                raw[at:to] = other[: random.randrange(len(other))]
    return bytes(raw)


def test_mutated_samples_are_read_or_refused(record_property: Callable[[str, int], None]) -> None:
    random = Random(14)
    read_after_all = sum(tried(mutated(random), ParseOptions(currency="EUR")) is not None for _ in range(MUTANTS))
    assert MUTANTS // 20 < read_after_all < MUTANTS  # neither all whole nor all broken
    record_property("mutated statements tried", MUTANTS)


BOMB = b"<!ENTITY a 'aaaaaaaaaa'>" + b"".join(
    b"<!ENTITY %c '%s'>" % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(9)
)
HEAD = b"<Document><BkToCstmrStmt><Stmt>"
ENTRY = (
    b'<Ntry><Amt Ccy="EUR">1.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><BookgDt><Dt>2026-11-20</Dt></BookgDt><NtryDtls>'
    b"<TxDtls><RmtInf><Ustrd>8WGRRPW3</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>"
)
ROW = b"20.11.2026;TRANSF 8WGRRPW3;1,00\n"
HEADINGS = b"Fecha;Concepto;Importe EUR\n"
BOOKING = b":61:2611201120C1,00NTRFNONREF\n:86:TRANSF 8WGRRPW3\n"


def large(size: int) -> dict[str, bytes]:
    """A file of about so many bytes of each kind that may be slow to read."""

    def filled(start: bytes, part: bytes, end: bytes = b"") -> bytes:
        return start + part * ((size - len(start) - len(end)) // len(part)) + end

    return {
        "bomb": b"<!DOCTYPE x [" + BOMB + b"]><x>&j;</x>",
        "outside": b"<!DOCTYPE x [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><x>&a;</x>",
        "deep": filled(b"", b"<a>"),
        "attributes": b"<x " + b" ".join(b"a%d=''" % n for n in range(size // 12)) + b"/>",
        "names": filled(b"<x>", b"<Ntry/>", b"</x>"),
        "entries": filled(HEAD, ENTRY, b"</Stmt></BkToCstmrStmt></Document>"),
        "parts": HEAD + filled(ENTRY[:-18], ENTRY[91:-18])[: size - 100],
        "one text": HEAD + filled(b"<Ntry>", b"x"),
        "rows": filled(HEADINGS, ROW),
        "short lines": HEADINGS + b"1.1.26;a;1,0\n" * (size // 10),
        "empty rows": filled(HEADINGS, b"\n"),
        "short rows": filled(HEADINGS, b";\n"),
        "delimiters": filled(HEADINGS, b";"),
        "quotes": filled(HEADINGS, b'"'),
        "open quote": filled(HEADINGS + b'"', b"x\n"),
        "one cell": filled(HEADINGS, b"x"),
        "digits": filled(HEADINGS + b"20.11.2026;x;", b"1"),
        "groups": filled(HEADINGS + b"20.11.2026;x;1", b".111"),
        "numbers": filled(HEADINGS + b"20.11.2026;x;1", b" 1"),
        "commas": filled(b"", b","),
        "bookings": filled(b":20:X\n:60F:C261119EUR1,00\n", BOOKING),
        "statements": filled(b"", b":20:X\n:60F:C261119EUR1,00\n" + BOOKING),
        "details": filled(b":20:X\n:60F:C261119EUR1,00\n:61:261120C1,00NTRFX\n:86:166?00", b"?20x"),
        "tags": filled(b":20:X\n", b":86:\n"),
        "unknown tags": filled(b":20:X\n:86:\n", b":99:\n"),
        "envelopes": filled(b":20:X\n", b"{1:"),
        "colons": filled(b":20:X\n:61:", b":"),
        "zeros": filled(b"a", b"\x00"),
    }  # fmt: skip


LARGE = large(SIZE)


@pytest.mark.parametrize("name", LARGE)
def test_the_largest_files_take_time_in_proportion_to_their_size(name: str) -> None:
    smaller = large(SIZE // SMALLER)[name]
    assert seconds(LARGE[name]) < 2 * SMALLER * seconds(smaller) + 0.1


def seconds(raw: bytes) -> float:
    """Of the processor, which reading takes; the least of three times. Without the collector, whose time does not grow
    with the file but with all that the process has."""
    times = []
    gc.collect()
    gc.disable()
    try:
        for _ in range(3):
            began = process_time()
            tried(raw)
            times.append(process_time() - began)
    finally:
        gc.enable()
    return min(times)


@pytest.mark.parametrize(
    "name", ["deep", "attributes", "entries", "names", "rows", "empty rows", "delimiters", "bookings"]
)
def test_the_largest_files_take_bounded_memory(name: str) -> None:
    raw = LARGE[name][: SIZE // 4]  # tracing makes it many times slower
    tracemalloc.start()
    try:
        tried(raw)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < MEGABYTES / 4 * 1_000_000


def test_whole_files_of_each_format_are_read_to_their_end() -> None:
    for name, part in (("rows", ROW), ("entries", ENTRY), ("bookings", BOOKING)):
        found = tried(LARGE[name])
        assert found is not None and len(found.payments) == LARGE[name].count(part)


def test_a_file_with_too_many_lines_is_refused_before_they_are_parsed() -> None:
    with pytest.raises(StatementTooLarge, match="50,000 lines"):
        read(LARGE["short lines"], ParseOptions())
