"""Dates and amounts as banks write them."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.statements import values
from chalicelib.statements.options import DateOrder


@pytest.mark.parametrize(
    ("text", "decimal", "currency", "amount"),
    [
        ("25,00", ",", "EUR", 2500), ("1.234,56", ",", "EUR", 123456), ("1,234.56", ".", "USD", 123456),
        ("-25,00", ",", "EUR", -2500), ("25,00-", ",", "EUR", -2500), ("(25.00)", ".", "USD", -2500),
        ("+25,00", ",", "EUR", 2500), ("−25,00", ",", "EUR", -2500), ("25", ",", "EUR", 2500),
        ("25,5", ",", "EUR", 2550),
        ("Q1,250.00", ".", "GTQ", 125000), ("Q. 75.00", ".", "GTQ", 7500), ("R$ 1.250,00", ",", "BRL", 125000),
        ("€ 12,50", ",", "EUR", 1250), ("12,50 EUR", ",", "EUR", 1250), ("$ 1,000.00", ".", "MXN", 100000),
        ("25.00 CR", ".", "USD", 2500), ("25.00 DR", ".", "USD", -2500), ("25,00 C", ",", "BRL", 2500),
        ("25,00 D", ",", "BRL", -2500), ("12,50 S", ",", "EUR", -1250), ("12,50 H", ",", "EUR", 1250),
        ("1'234.50", ".", "CHF", 123450), ("1 234,50", ",", "EUR", 123450), ("1\u00a0234,50", ",", "EUR", 123450),
        ("25.000", ",", "PYG", 25000), ("25,000", ".", "CLP", 25000), ("25.000", ".", "EUR", 2500),
        ("1.234", ",", "BHD", 1234000), ("1.234", ".", "BHD", 1234), ("0,00", ",", "EUR", 0),
    ],
)  # fmt: skip
def test_amounts_are_read(text: str, decimal: str, currency: str, amount: int) -> None:
    assert values.parse_amount(text, decimal, currency) == amount


@pytest.mark.parametrize(
    ("text", "decimal", "currency"),
    [
        ("", ",", "EUR"), ("x", ",", "EUR"), ("12,50 USD", ",", "EUR"), ("1,2,3", ",", "EUR"), ("1.23", ",", "EUR"),
        ("12.5,0", ",", "EUR"), ("0,005", ",", "EUR"), ("1,00 2,00", ",", "EUR"), ("12,50", ",", "PYG"),
        ("1,", ",", "EUR"), ("9" * 17, ",", "EUR"), ("9" * 5000, ",", "EUR"), ("20.11.2026", ",", "EUR"),
        ("1e5", ".", "EUR"), ("0x10", ".", "EUR"),
    ],
)  # fmt: skip
def test_text_that_is_not_an_amount_is_refused(text: str, decimal: str, currency: str) -> None:
    assert values.parse_amount(text, decimal, currency) is None


@given(st.integers(1, 10**12), st.sampled_from((",", ".")), st.booleans())
def test_written_amounts_are_read_back(amount: int, decimal: str, grouped: bool) -> None:
    whole = f"{amount // 100:,}" if grouped else str(amount // 100)
    other = "." if decimal == "," else ","
    text = whole.replace(",", other) + f"{decimal}{amount % 100:02}"
    assert values.parse_amount(text, decimal, "EUR") == amount
    assert values.detect_decimal([text]) == decimal


@pytest.mark.parametrize(
    ("cells", "mark"),
    [
        (["1.234,56"], ","), (["1,234.56"], "."), (["12,5"], ","), (["1.234", "12,50"], ","), (["1.234.567"], ","),
        (["25", ""], ""), (["1.234"], None), (["1,234", "5.678"], None), (["1,50", "1.50"], None), ([], ""),
    ],
)  # fmt: skip
def test_the_decimal_mark_is_detected_or_in_doubt(cells: list[str], mark: str | None) -> None:
    assert values.detect_decimal(cells) == mark


@pytest.mark.parametrize(
    "text",
    [
        "23.11.2026", "23/11/2026", "23-11-26", "23.11.26", "2026-11-23", "2026/11/23", "20261123", "23-nov-2026",
        "23 NOV 2026", "23/Nov/26", "23 novembre 2026", "23/11/2026 14:05", "2026-11-23T14:05:00Z", "23.11.2026, 14:05",
        " 23.11.2026 ", "23112026", "'23112026'", "'23112026", '"2026-11-23"', "23112026 14:05",
    ],
)  # fmt: skip
def test_dates_are_read(text: str) -> None:
    assert values.parse_date(text, DateOrder.DAY_FIRST) == date(2026, 11, 23)


@pytest.mark.parametrize(
    ("text", "month"), [("1-mär-26", 3), ("1-dez-26", 12), ("1 ene 26", 1), ("1 março 2026", 3), ("1 fev 26", 2)]
)
def test_months_in_the_banks_languages(text: str, month: int) -> None:
    assert values.parse_date(text, DateOrder.DAY_FIRST) == date(2026, month, 1)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "31.11.2026",
        "23.11",
        "23.11.20266",
        "1.234,56",
        "00.00.0000",
        "1/1/3000",
        "99112026",
        "231120266",
        "2311202",
    ],
)
def test_text_that_is_not_a_date_is_refused(text: str) -> None:
    assert values.parse_date(text, DateOrder.DAY_FIRST) is None


@pytest.mark.parametrize(
    ("cells", "order"),
    [
        (["23/11/2026"], DateOrder.DAY_FIRST), (["11/12/2026", "11/23/2026"], DateOrder.MONTH_FIRST),
        (["23112026"], DateOrder.DAY_FIRST), (["11122026", "'11232026'"], DateOrder.MONTH_FIRST),
        (["20261123"], DateOrder.YEAR_FIRST), (["03042026"], DateOrder.DAY_FIRST),
        (["2026-11-23"], DateOrder.YEAR_FIRST), (["03/04/2026"], DateOrder.DAY_FIRST), ([], DateOrder.DAY_FIRST),
    ],
)  # fmt: skip
def test_the_order_of_days_and_months_is_detected(cells: list[str], order: DateOrder) -> None:
    assert values.detect_date_order(cells) is order


@given(st.dates(date(1990, 1, 1), date(2099, 12, 31)))
def test_o4_eight_digits_are_one_date_in_one_order(day: date) -> None:
    """A date that begins with the year is none that begins with the day, and the other way round."""
    assert values.parse_date(f"{day:%Y%m%d}", DateOrder.DAY_FIRST) == day
    assert values.parse_date(f"{day:%d%m%Y}", DateOrder.DAY_FIRST) == day
    assert values.parse_date(f"{day:%m%d%Y}", DateOrder.MONTH_FIRST) == day


@pytest.mark.parametrize(
    ("cell", "minus"),
    [
        ("-25", True), ("- $ 25", True), ("25-", True), ("25 -", True), ("(25)", True), ("(Q 25)", True), ("−25", True),
        ("25", False), ("+25", False), ("", False), ("-", False), ("- - -", False),
    ],
)  # fmt: skip
def test_a_minus_is_seen(cell: str, minus: bool) -> None:
    assert values.has_minus(cell) is minus
