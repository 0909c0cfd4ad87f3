"""Parse dates and amounts as banks write them."""

import re
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from functools import cache
from unicodedata import normalize

from iso4217 import Currency

from chalicelib.domain.codes import ascii_words
from chalicelib.statements.bank_words import bank_words
from chalicelib.statements.options import DateOrder

MAX_UNITS = 10**15  # minor units; anything larger is two numbers that ran together, not a payment

_DATE = re.compile(r"(\d{1,4})([./ -])(\d{1,2}|[^\W\d_]{3,10})\.?\2(\d{2,4})(?=$|[ T,])")
_ISO = re.compile(r"(\d{4})(\d{2})(\d{2})(?=$|[ T])")
_AMOUNT = re.compile(r"(?P<digits>\d[\d., ']*)")
_NEGATIVE = re.compile(r"[-−–(]")
_MARKS = {"+": 1, "-": -1, "−": -1, "–": -1}


def detect_date_order(cells: Iterable[str]) -> DateOrder:
    """Detect how the dates of a column are written. If nothing shows it, the day is first, as nearly everywhere."""
    order = DateOrder.DAY_FIRST
    for cell in cells:
        match = _DATE.match(cell.strip())
        if match is None:
            continue
        first, _, second, _ = match.groups()
        if len(first) == 4:
            return DateOrder.YEAR_FIRST
        if int(first) > 12:
            return DateOrder.DAY_FIRST
        if second.isdigit() and int(second) > 12:
            order = DateOrder.MONTH_FIRST
    return order


def parse_date(cell: str, order: DateOrder) -> date | None:
    """Return the day, without the time, or None if the cell is not a date."""
    text = cell.strip()
    if match := _ISO.match(text):
        return _day(match[1], match[2], match[3])
    match = _DATE.match(text)
    if match is None:
        return None
    first, _, second, third = match.groups()
    if not second.isdigit():
        month = _months().get("".join(ascii_words(second))[:3])
        return None if month is None else _day(third, str(month), first)
    if len(first) == 4 or order is DateOrder.YEAR_FIRST:
        return _day(first, second, third)
    return _day(third, first, second) if order is DateOrder.MONTH_FIRST else _day(third, second, first)


@cache
def _months() -> dict[str, int]:
    return {name: number for number, names in bank_words().months.items() for name in names}


def _day(year: str, month: str, day: str) -> date | None:
    try:
        parsed = date(int(year) + (2000 if len(year) == 2 else 0), int(month), int(day))
    except ValueError:
        return None
    return parsed if 1990 <= parsed.year < 2100 else None


def detect_decimal(cells: Iterable[str]) -> str | None:
    """Return the decimal mark of a column, "" if no amount has any mark, or None if it may be either.

    If an amount has both marks, the last one is the decimal mark. So is a mark before more or fewer than three digits.
    A mark that comes twice in an amount separates thousands.
    """
    marked = False
    decimals = set[str]()
    for cell in cells:
        match = _AMOUNT.search(normalize("NFKC", cell))
        digits = match["digits"].rstrip("., '") if match else ""
        marks = [character for character in digits if character in ",."]
        if not marks:
            continue
        marked = True
        last = marks[-1]
        other = "," if last == "." else "."
        if len(set(marks)) == 2:
            decimals.add(last)
        elif len(marks) > 1:
            decimals.add(other)
        elif len(digits.rpartition(last)[2]) != 3:
            decimals.add(last)
    if len(decimals) == 1:
        return decimals.pop()
    return None if marked else ""


def parse_amount(cell: str, decimal: str, currency: str) -> int | None:
    """Return minor units, negative for a debit, or None if the cell is not an amount of the currency."""
    text = normalize("NFKC", cell).strip().upper()
    side = _side_suffix().search(text)
    match = _AMOUNT.search(text)
    if match is None or _AMOUNT.search(text, match.end()):
        return None
    around = f"{text[: match.start()]} {text[match.end() : side.start() if side else None]}"
    if re.sub(rf"{_signs_pattern(currency)}|[-+−–() ]", "", around):  # what is left is another currency's sign
        return None
    digits = re.sub(r"[ ']", "", match["digits"])
    whole, mark, part = digits.rpartition(decimal) if decimal and decimal in digits else (digits, "", "")
    group = {",": ".", ".": ","}.get(decimal, "")
    if not re.fullmatch(rf"\d+|\d{{1,3}}(?:[{group}]\d{{3}})+" if group else r"\d+", whole) or (mark and not part):
        return None
    amount = minor_units(Decimal(f"{re.sub('[.,]', '', whole)}.{part or 0}"), currency)
    if amount is None:
        return None
    negative = bool(_NEGATIVE.search(around)) or (side is not None and side[1] in bank_words().sides.debit)
    return -amount if negative else amount


@cache
def _side_suffix() -> re.Pattern[str]:
    return re.compile(rf"(?<=[\d) ])({'|'.join(map(re.escape, bank_words().sides.suffixes))})$")


@cache
def _signs_pattern(currency: str) -> str:
    """Return a pattern of what may stand beside an amount in this currency."""
    currencies = bank_words().currencies
    meanings = {**{sign: (code,) for sign, code in currencies.symbols.items()}, **currencies.signs}
    signs = sorted((sign for sign, codes in meanings.items() if currency in codes), key=len, reverse=True)
    return "|".join([currency, *(rf"{re.escape(sign)}\.?" for sign in signs)])


def detect_side(cell: str) -> int:
    """Return which side a word in the column of signs means: 1 came in, -1 went out, 0 unknown.

    One word for a debit is enough. For a credit, all other words must be neutral: "CREDIT CARD" is unknown.
    """
    if cell.strip() in _MARKS:
        return _MARKS[cell.strip()]
    words = ascii_words(cell)
    whole = set(words) if len(words) == 1 else {word for word in words if len(word) > 2}
    sides = bank_words().sides
    came_in = whole & sides.credit
    went_out = whole & sides.debit
    if came_in and not went_out and whole <= sides.credit | sides.neutral:
        return 1
    return -1 if went_out and not came_in else 0


def has_minus(cell: str) -> bool:
    """Return whether an amount is written as negative: with a minus before or after it, or in brackets."""
    return bool(re.search(r"[-−–(]\s*[^\d\s]{0,3}\s*\d|\d\s*[-−–]\s*$", cell))


def minor_units(amount: Decimal, currency: str) -> int | None:
    """Return minor units, or None if the currency has no such small units or the amount is absurdly large."""
    scaled = amount.scaleb(exponent(currency))
    return int(scaled) if scaled == scaled.to_integral_value() and abs(scaled) < MAX_UNITS else None


@cache
def exponent(currency: str) -> int:
    """Return how many decimals the currency has (ISO 4217)."""
    return Currency(currency).exponent or 0


@cache
def is_currency(code: str) -> bool:
    """Return whether it is an ISO 4217 code."""
    try:
        Currency(code)
    except ValueError:
        return False
    return True
