"""Files as banks write them, of several countries and formats: samples made for these tests, with invented people."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from chalicelib.domain.code_mentions import find_mentions
from chalicelib.domain.refusals import StatementUnreadable
from chalicelib.domain.statements import Payment, Statement
from chalicelib.statements.detect import read
from chalicelib.statements.options import DateOrder, ParseOptions, StatementFormat

SAMPLES = Path(__file__).parent / "samples"


def sample(name: str, **options: Any) -> Statement:
    return read((SAMPLES / name).read_bytes(), ParseOptions(**options))


def told(found: Statement) -> list[tuple[int, str, int, str]]:
    return [(one.line, one.on.isoformat(), one.amount, one.currency) for one in found.payments]


GUATEMALA = [(7, "2026-11-20", 7500, "GTQ"), (9, "2026-11-21", 150000, "GTQ"), (10, "2026-11-22", 2500, "GTQ")]


@pytest.mark.parametrize(
    ("name", "options", "payments", "debits"),
    [
        ("guatemala.csv", {}, GUATEMALA, 1),
        ("brazil.csv", {}, [(5, "2026-11-20", 2500, "BRL"), (7, "2026-11-21", 125000, "BRL")], 1),
        ("spain.csv", {}, [(5, "2026-11-20", 750, "EUR"), (7, "2026-11-21", 100750, "EUR")], 1),
        ("germany.csv", {}, [(2, "2026-11-20", 1250, "EUR"), (4, "2026-11-23", 101250, "EUR")], 1),
        ("mexico_sign.csv", {}, [(2, "2026-11-20", 125000, "MXN")], 1),
        ("paraguay.csv", {"currency": "PYG"}, [(2, "2026-11-20", 25000, "PYG")], 1),
        ("us_dates.csv", {}, [(2, "2026-11-20", 2500, "USD")], 1),
        (
            "no_headings.csv",
            {"date": "1", "text": ("2",), "amount": "3", "currency": "EUR"},
            [(1, "2026-11-20", 2500, "EUR")],
            1,
        ),
        (
            "plain.sta",
            {},
            [(5, "2026-11-20", 7500, "GTQ"), (7, "2026-11-20", 2500, "GTQ"), (17, "2026-11-23", 2500, "USD")],
            1,
        ),
        ("structured.sta", {}, [(6, "2026-11-20", 1250, "EUR"), (13, "2026-11-22", 700, "EUR")], 2),
        (
            "camt053_v2.xml",
            {},
            [(1, "2026-11-20", 1250, "EUR"), (3, "2026-11-22", 1250, "EUR"), (3, "2026-11-22", 1250, "EUR")],
            1,
        ),
        ("camt053_v8.xml", {}, [(1, "2026-11-20", 7500, "BRL"), (2, "2026-11-20", 700, "BRL")], 0),
        ("camt054_v8_utf16.xml", {}, [(1, "2026-11-20", 7500, "BRL"), (2, "2026-11-20", 700, "BRL")], 0),
    ],
)
def test_incoming_payments_are_read(
    name: str, options: dict[str, Any], payments: list[tuple[int, str, int, str]], debits: int
) -> None:
    found = sample(name, **options)
    assert told(found) == payments
    assert found.debits == debits
    assert "8WGRRPW3" in {mention.code for mention in find_mentions(found.payments[0].text)}


def test_every_sample_has_its_expected_payments() -> None:
    source = Path(__file__).read_text(encoding="utf-8")
    assert all(f'"{path.name}"' in source for path in SAMPLES.iterdir())


def text_of(name: str, position: int = 0) -> str:
    return sample(name).payments[position].text


def test_texts_keep_their_accents_in_each_encoding() -> None:
    assert "BANCA MÓVIL" in text_of("guatemala.csv")  # Windows-1252
    assert "JOÃO" in text_of("brazil.csv")  # UTF-8 with a mark
    assert "Ordenante" in sample("spain.csv").read_as["text_columns"]  # UTF-16
    assert "Jörg Müller" in text_of("germany.csv")


def test_the_result_says_how_the_file_was_read() -> None:
    assert sample("guatemala.csv").read_as == {
        "format": "csv", "encoding": "cp1252", "delimiter": ",", "decimal": ".", "date_order": "dmy", "currency": "GTQ",
        "date_column": "Fecha", "credit_column": "Crédito (+)", "debit_column": "Débito (-)",
        "text_columns": "Docto., Descripción, Agencia",
    }  # fmt: skip


def test_sums_and_balances_are_named_and_are_no_bookings() -> None:
    assert sample("guatemala.csv").ignored == (11,)
    assert sample("brazil.csv").ignored == (8,)


def test_a_booking_that_is_pending_has_not_come_in() -> None:
    assert sample("camt053_v2.xml").pending == 1


def test_a_payment_that_the_bank_took_back_is_marked() -> None:
    assert [one.reversal for one in sample("camt053_v8.xml").payments] == [False, True]
    assert [one.reversal for one in sample("structured.sta").payments] == [False, True]  # RD; RC went out


def test_the_banks_own_reference_is_kept() -> None:
    assert sample("structured.sta").payments[0].reference == "B1234567"
    assert sample("camt053_v8.xml").payments[0].reference == "X77"


def test_payments_booked_together_are_told_apart_by_their_own_amounts() -> None:
    assert [one.text for one in sample("camt053_v2.xml").payments[1:]] == ["8WGRRPW3", "Los"]


def test_only_what_people_wrote_is_text_and_no_address() -> None:
    assert text_of("camt053_v2.xml") == "Tombola Los 8WGR RPW3 Jörg Müller GUTSCHRIFT"


# MT940: what the package would do otherwise


def mt940(*lines: str) -> Statement:
    head = (":20:X", ":25:1", ":28C:1", ":60F:C261119EUR0,00")
    return read("\n".join([*head, *lines, ":62F:C261122EUR0,00"]).encode(), ParseOptions())


def test_a_booking_without_a_type_is_not_overwritten_by_the_next_one() -> None:
    found = mt940(":61:261120C1,00", ":61:261120C2,00", ":61:261120C3,00")
    assert [one.amount for one in found.payments] == [100, 200, 300]


def test_long_details_are_not_cut_off_before_the_code() -> None:
    found = mt940(":61:261120C1,00NTRFX", ":86:" + "\n".join("x" * 65 for _ in range(11)) + "\n8WGRRPW3")
    assert found.payments[0].text.replace(" ", "").startswith("x" * 715 + "8WGRRPW3")


def test_a_reversed_credit_is_not_a_payment() -> None:
    assert mt940(":61:261120RC1,00NTRFX").payments == []
    assert mt940(":61:261120rc1,00NTRFX").payments == []


def test_a_text_that_is_the_name_of_a_file_does_not_open_it(tmp_path: Path) -> None:
    hidden = tmp_path / "statement.sta"
    hidden.write_bytes((SAMPLES / "plain.sta").read_bytes())
    with pytest.raises(StatementUnreadable):
        read(str(hidden).encode(), ParseOptions(format=StatementFormat.MT940))


def test_the_package_logs_nothing_of_the_file(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(1), pytest.raises(StatementUnreadable):
        mt940(":61:LUCIA MENDEZ")
    assert "LUCIA" not in caplog.text


def test_mt940_without_a_currency_takes_the_one_that_is_named() -> None:
    raw = b":20:X\n:61:261120C1,00NTRFX\n"
    with pytest.raises(StatementUnreadable, match="Line 2: expected the currency"):
        read(raw, ParseOptions())
    assert read(raw, ParseOptions(currency="GTQ")).payments[0].currency == "GTQ"


# What is refused, and how


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "The file is empty"),
        (b" \r\n\x00", "The file is empty"),
        (b"PK\x03\x04\x14\x00", "a ZIP archive: unpack it"),
        (b"PK\x03\x04\x14\x00 xl/workbook.xml", "a spreadsheet (XLSX or ODS): save it as CSV"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "old spreadsheet (XLS)"),
        (b"<html><table><tr><td>1</td></tr></table>", "a web page (HTML), even if its name ends in .xls"),
        (b"\xef\xbb\xbf\n<!DOCTYPE HTML PUBLIC '-//W3C'><html>", "a web page (HTML)"),
        ("\ufeff<TABLE border=1>".encode("utf-16-le"), "a web page (HTML)"),
        (b"<!-- x --><style>p{}</style><table>", "a web page (HTML)"),
        (b"MIME-Version: 1.0\nContent-Type: multipart/related", "a web page (HTML)"),
        (b"<Workbook xmlns='urn:schemas-microsoft-com:office:spreadsheet'/>", "a spreadsheet (XML)"),
        (b"Rar!\x1a", "a RAR archive"),
        (b"{\\rtf1", "a text document"),
        (b"%PDF-1.7", "a PDF"),
        (b"\x1f\x8b\x08", "compressed"),
        (b"hello", "Expected a row of headings"),
        (b"Fecha;Concepto;Importe\n", "does not say which currency"),
        (b"Fecha;Concepto;Importe EUR\n", "No line has a date and an amount"),
        (b"Fecha;Concepto;Importe\n20.11.2026;x;1,00\n", "does not say which currency"),
        (b"Fecha;Concepto;Importe EUR\n20.11.2026;x;1.000\n", "may be one or a thousand"),
        (
            b"Fecha;Concepto;Importe EUR\n20.11.2026;x;1,00\n21.11.2026;y;1.0,00\n",
            "Line 3, column 3: expected an amount in EUR",
        ),
        (
            b"Fecha;Concepto;Importe EUR\n20.11.2026;x;1,00\n21.11.2026;y;many\n",
            "Line 3, column 3: expected an amount in EUR",
        ),
        (b"Fecha;Concepto;Importe EUR\n20.11.2026;x;1,00\n31.11.2026;y;1,00\n", "Line 3, column 1: expected a date"),
        (b"Fecha;Concepto;Importe;Divisa\n20.11.2026;x;1,00;XYZ\n", "Line 2, column 4: expected a currency"),
        (b'Fecha;Concepto;Importe EUR\n20.11.2026;"x;1,00\n21.11.2026;y;1,00\n', "Line 2: expected"),
        (b'Fecha;Concepto;Importe EUR\n20.11.2026;"x;1,00\n21.11.2026;"y";1,00\n', "Line 2: expected"),
        (b'Fecha;Concepto;Importe EUR\n20.11.2026;x;1,00\n21.11.2026;"y;1,00\n', "Line 3: expected quotation marks"),
        (b"<x>" * 61, "nested deeper than any statement"),
        (b"<x/>", "Expected a statement as camt.053"),
        (b"<x>", "Line 1: expected well-formed XML"),
        (b"<!DOCTYPE x><x/>", "declares a document type"),
        (b'<?xml version="1.0" encoding="shift-jis"?><x/>', "encoding"),
        (b":20:X\n:61:nothing\n", "Line 2: expected a booking"),
        (b":20:X\n:25:1\n", "Expected MT940"),
    ],
)  # fmt: skip
def test_an_unreadable_file_is_refused_with_what_was_expected(raw: bytes, said: str) -> None:
    with pytest.raises(StatementUnreadable) as refused:
        read(raw, ParseOptions())
    assert said in str(refused.value)


def entry(**changes: str) -> bytes:
    parts = {
        "amount": '<Amt Ccy="EUR">1.00</Amt>', "day": "<BookgDt><Dt>2026-11-20</Dt></BookgDt>", "sign": "CRDT",
        **changes,
    }  # fmt: skip
    inner = f"<Ntry>{parts['amount']}<CdtDbtInd>{parts['sign']}</CdtDbtInd>{parts['day']}</Ntry>"
    return f"<Document><BkToCstmrStmt><Stmt>{inner}</Stmt></BkToCstmrStmt></Document>".encode()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"amount": ""}, "Entry 1: expected an amount"),
        ({"amount": "<Amt>1.00</Amt>"}, "Entry 1: expected an amount"),
        ({"amount": '<Amt Ccy="EUR">1.005</Amt>'}, "Entry 1: expected an amount"),
        ({"amount": '<Amt Ccy="EUR">1e5</Amt>'}, "Entry 1: expected an amount"),
        ({"amount": '<Amt Ccy="EUR">-1.00</Amt>'}, "Entry 1: expected an amount"),
        ({"day": ""}, "Entry 1: expected a date"),
        ({"day": "<BookgDt><Dt>20.11.2026</Dt></BookgDt>"}, "Entry 1: expected a date"),
    ],
)
def test_an_entry_that_cannot_be_read_is_named(changes: dict[str, str], said: str) -> None:
    assert len(read(entry(), ParseOptions()).payments) == 1
    with pytest.raises(StatementUnreadable, match=said):
        read(entry(**changes), ParseOptions())


def test_a_refusal_quotes_nothing_of_the_file() -> None:
    with pytest.raises(StatementUnreadable) as refused:
        read(b"Fecha;Concepto;Importe EUR\n20.11.2026;LUCIA;1,00\n20.11.2026;LUCIA;SECRET\n", ParseOptions())
    assert "LUCIA" not in str(refused.value) and "SECRET" not in str(refused.value)


# What may be said


def csv(table: str, /, **options: Any) -> list[Payment]:
    return list(read(table.encode(), ParseOptions(**options)).payments)


def test_columns_may_be_named_by_heading_or_number() -> None:
    table = "Tag;Wann;Summe;Woher\n1;20.11.2026;1,00;LUCIA\n"
    for date_column, amount, text in (("wann", "SUMME", "Woher"), ("2", "3", "4"), ("Wann", "3", "4")):
        (found,) = csv(table, date=date_column, amount=amount, text=(text,), currency="EUR")
        assert (found.on, found.amount, found.text, found.line) == (date(2026, 11, 20), 100, "LUCIA", 2)


def test_the_order_of_days_and_months_may_be_given() -> None:
    table = "Date;Text;Amount EUR\n03/04/2026;x;1.00\n"
    assert csv(table)[0].on == date(2026, 4, 3)
    assert csv(table, date_order=DateOrder.MONTH_FIRST)[0].on == date(2026, 3, 4)


def test_the_decimal_mark_may_be_given() -> None:
    table = "Date;Text;Amount EUR\n03/04/2026;x;1.000\n"
    assert csv(table, decimal=".")[0].amount == 100
    assert csv(table, decimal=",")[0].amount == 100000


def test_the_delimiter_may_be_given() -> None:
    table = "Date,x;Text;Amount EUR\n03/04/2026;x;1,00\n"
    assert csv(table, date="Date,x", delimiter=";")[0].amount == 100


def test_a_quotation_mark_within_a_cell_is_text() -> None:
    assert csv('Date;Text;Amount EUR\n03/04/2026;the "rifa";1,00\n')[0].text == 'the "rifa"'


def test_a_cell_over_two_lines_is_one() -> None:
    first, second = csv('Date;Text;Amount EUR\n03/04/2026;"a\nb";1,00\n03/04/2026;c;2,00\n')
    assert (first.line, first.text, second.line) == (2, "a\nb", 4)


def test_a_wrong_encoding_is_refused() -> None:
    with pytest.raises(StatementUnreadable, match="not in utf-8"):
        read((SAMPLES / "germany.csv").read_bytes(), ParseOptions(encoding="utf-8"))
