"""OFX as banks write it: SGML without end tags, XML, and what may make an amount or its sign unclear."""

import pytest

from chalicelib.domain.refusals import StatementTooLarge, StatementUnreadable
from chalicelib.domain.statements import Statement, find_all_mentions, match_payments
from chalicelib.statements.detect import read
from chalicelib.statements.ofx import MAX_TAGS
from chalicelib.statements.options import ParseOptions, StatementFormat
from tests.support.matching_orders import CODE, NOW, order

HEADER = """OFXHEADER:100
DATA:OFXSGML
VERSION:102
SECURITY:NONE
ENCODING:USASCII
CHARSET:1252
COMPRESSION:NONE
OLDFILEUID:NONE
NEWFILEUID:NONE

"""
OUT = "<STMTTRN><TRNTYPE>DEBIT<DTPOSTED>20261121<TRNAMT>-1.00<NAME>Luz</STMTTRN>"


def booking(amount: str = "25.00", kind: str = "CREDIT", more: str = f"<MEMO>{CODE}", day: str = "20261120") -> str:
    return f"<STMTTRN><TRNTYPE>{kind}<DTPOSTED>{day}<TRNAMT>{amount}<FITID>7{more}</STMTTRN>\n"


def ofx(*bookings: str, currency: str = "<CURDEF>GTQ", kind: str = "", header: str = HEADER) -> str:
    body = "".join(bookings)
    return (
        f"{header}<OFX><BANKMSGSRSV1><STMTTRNRS><{kind}STMTRS>{currency}<BANKTRANLIST>\n{body}</BANKTRANLIST>"
        f"</{kind}STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>"
    )


def parsed(text: str, **options: str) -> Statement:
    return read(text.encode("cp1252"), ParseOptions(**options))  # type: ignore[arg-type]


def why(text: str) -> list[list[str]]:
    found = parsed(text)
    orders = {CODE: order(numbers=(5,))}
    mentions = find_all_mentions(found.payments)
    matches = match_payments(found.payments, mentions, orders, orders.values(), NOW, found.outgoing)
    return [[reason.code.value for reason in match.reasons] for match in matches]


def test_bookings_are_read_with_their_lines() -> None:
    found = parsed(ofx(booking(more=f"<NAME>Lucía<MEMO>rifa {CODE} &amp; más"), OUT))
    (payment,) = found.payments
    assert (payment.line, payment.on.isoformat(), payment.amount, payment.currency, payment.reference) == (
        12, "2026-11-20", 2500, "GTQ", "7"
    )  # fmt: skip
    assert payment.text == f"Lucía rifa {CODE} & más"
    assert [one.line for one in found.outgoing] == [13] and found.lines == 2
    assert found.read_as == {"format": "ofx", "encoding": "cp1252"}


def test_xml_is_read_like_sgml() -> None:
    xml = (
        f"<STMTTRN><TRNTYPE>CREDIT</TRNTYPE><DTPOSTED>20261120120000[-3:BRT]</DTPOSTED><TRNAMT>25,00</TRNAMT>"
        f"<FITID>1</FITID><NAME></NAME><MEMO>{CODE}</MEMO></STMTTRN>"
    )
    header = '<?xml version="1.0" encoding="UTF-8"?><?OFX OFXHEADER="200" VERSION="211"?>'
    assert why(ofx(xml, header=header, currency="<CURDEF>GTQ</CURDEF>")) == [[]]


@pytest.mark.parametrize("kind", ["CREDIT", "DEP", "DIRECTDEP", "credit"])
def test_o4_a_type_of_incoming_money_is_clear(kind: str) -> None:
    assert why(ofx(booking(kind=kind))) == [[]]


@pytest.mark.parametrize("kind", ["DEBIT", "PAYMENT", "FEE", "ATM", "POS", "CHECK", "DIRECTDEBIT", "WIBBLE", ""])
def test_o4_a_positive_amount_of_another_type_is_not_sure(kind: str) -> None:
    for more in ((), (OUT,)):
        assert why(ofx(booking(kind=kind), *more)) == [["sign_unknown"]]


@pytest.mark.parametrize("kind", ["XFER", "OTHER"])
def test_o4_a_type_without_a_side_is_clear_where_amounts_have_signs(kind: str) -> None:
    assert why(ofx(booking(kind=kind))) == [["sign_unknown"]]
    assert why(ofx(booking(kind=kind), OUT)) == [[]]


def test_o4_what_is_not_booked_moved_back_or_is_of_a_card_is_not_sure() -> None:
    assert why(ofx(booking(kind="HOLD"))) == [["sign_unknown", "state_unknown"]]
    assert why(ofx(booking(more=f"<MEMO>{CODE}<CORRECTFITID>3<CORRECTACTION>DELETE"))) == [["reversal"]]
    assert why(ofx(booking(more=f"<MEMO>ESTORNO {CODE}"))) == [["reversal"]]
    assert why(ofx(booking(), kind="CC")) == [["sign_unknown"]]
    assert why(ofx(booking(more=f"<MEMO>{CODE}<CURRENCY><CURRATE>7<CURSYM>USD</CURRENCY>"))) == [["currency_unclear"]]
    assert why(ofx(booking(), booking("-25.00", "DEBIT"))) == [["taken_back"]]
    pending = parsed(ofx(booking(), booking().replace("STMTTRN>", "STMTTRNP>")))
    assert (pending.pending, len(pending.payments)) == (1, 1)


@pytest.mark.parametrize("amount", ["25,00", "+25.00", "25", "25.0", "25.00000"])
def test_amounts_are_read(amount: str) -> None:
    assert why(ofx(booking(amount))) == [[]]


@pytest.mark.parametrize("amount", ["", "25.000", "1.025,00", "x", "1e2", "25.005", "25.00<TRNAMT>1.00", "2 5"])
def test_o4_an_amount_that_is_unclear_refuses_the_line(amount: str) -> None:
    with pytest.raises(StatementUnreadable, match="Line 12: expected one amount"):
        parsed(ofx(booking(amount)))


def test_o4_text_of_a_payer_makes_no_booking() -> None:
    forged = f"</STMTTRN><STMTTRN><TRNTYPE>CREDIT<DTPOSTED>20261120<TRNAMT>25.00<MEMO>{CODE}"
    cdata = parsed(ofx(booking("1.00", more=f"<MEMO><![CDATA[{forged}]]>")))
    assert [one.amount for one in cdata.payments] == [100] and CODE in cdata.payments[0].text
    comment = parsed(ofx(booking("1.00", more=f"<!-- \n{forged} --><MEMO>x"), booking("2.00")))
    assert [(one.amount, one.line) for one in comment.payments] == [(100, 12), (200, 14)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (ofx(), "Expected OFX"),
        ("OFXHEADER:100\n", "Expected OFX: a header"),
        (ofx(booking(), currency=""), "Line 11: expected the currency"),
        (ofx(booking(), currency="<CURDEF>XYZ"), "Line 11: expected a currency code"),
        (ofx(booking(day="20261320")), "Line 12: expected a date"),
        (ofx(booking(more="<A>" * MAX_TAGS)), f"Line 12: expected at most {MAX_TAGS} tags"),
        (ofx(booking()).replace("STMTRS", "X"), "Expected all bookings"),
        (ofx("<!ENTITY x 'y'>"), "Expected no declarations"),
        (ofx("<![CDATA[ x"), "CDATA sections and comments of OFX to end"),
    ],
)  # fmt: skip
def test_what_is_unreadable_is_refused_with_what_was_expected(text: str, said: str) -> None:
    with pytest.raises(StatementUnreadable) as refused:
        parsed(text)
    assert said in str(refused.value)


def test_a_currency_that_the_file_does_not_name_may_be_given() -> None:
    assert parsed(ofx(booking(), currency=""), currency="GTQ").payments[0].currency == "GTQ"
    assert parsed(ofx(booking()), currency="USD").payments[0].currency == "GTQ"


def test_the_encoding_may_be_given_and_a_wrong_one_is_refused() -> None:
    text = ofx(booking(more="<NAME>Lucía"))
    assert parsed(text, encoding="latin-1").payments[0].text == "Lucía"
    with pytest.raises(StatementUnreadable, match="not in utf-8"):
        parsed(text, encoding="utf-8")
    assert read(text.encode(), ParseOptions(format=StatementFormat.OFX)).payments[0].text == "LucÃ\xada"  # as it says


def test_a_file_of_too_many_bookings_or_statements_is_refused() -> None:
    for part in ("<STMTTRN>" * 20_001, "<STMTRS>" * 1_001):
        with pytest.raises(StatementTooLarge):
            parsed(ofx(part))
