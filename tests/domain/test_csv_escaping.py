"""No text that a buyer chooses becomes a formula, and every text can be had back as it was."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.csv_escaping import is_phone, is_safe, original, safe

STARTERS = "=+-@＝＋－＠"
PIECES = st.one_of(st.sampled_from("=+-@\t\r\n;|' \"1a＝"), st.text())
HOSTILE = st.lists(PIECES, max_size=8).map("".join)


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("＝1", "'＝1"),
        ("\tLucía", "'\tLucía"),
        ("\rx", "'\rx"),
        ("\n=x", "'\n'=x"),
        ("  =1", "  '=1"),
        ("x;=1+1;y", "x;'=1+1;y"),  # where a semicolon ends a cell
        ("'=1", "''=1"),
    ],
)
def test_a_cell_that_would_be_a_formula_gets_an_apostrophe(text: str, made: str) -> None:
    assert safe(text) == made
    assert original(made) == text


@pytest.mark.parametrize("text", ["", "Lucía Pérez", "'t Hooft", "a-b", "a = b", "Ana; María", "5", "😀", "Jean-Luc"])
def test_other_text_stays_as_it_is(text: str) -> None:
    assert safe(text) == text == original(text)


@given(HOSTILE)
def test_no_cell_begins_as_a_formula_and_each_original_can_be_restored(text: str) -> None:
    made = safe(text)

    assert is_safe(made)
    assert not made.lstrip(" ").startswith(tuple(STARTERS))
    assert not made.startswith(("\t", "\r", "\n"))
    assert original(made) == text


@given(HOSTILE, st.sampled_from(";\t"))
def test_no_cell_begins_as_a_formula_where_another_separator_is_taken_for_the_end_of_a_cell(
    text: str, separator: str
) -> None:
    """As Excel opens CSV in countries where the comma is the decimal point: quotes do not hold there."""
    for line in csv.reader(io.StringIO(safe(text), newline=""), delimiter=separator, quoting=csv.QUOTE_NONE):
        for cell in line:
            assert not cell.lstrip(" ").startswith(tuple(STARTERS)), cell


def test_a_phone_number_is_told_from_a_formula() -> None:
    assert is_phone("+50255550001")
    assert not any(map(is_phone, ("50255550001", "+1+1", "+502 5555", "+", "+٣٣٣٣", "+50255550001\n", "=50255550001")))
