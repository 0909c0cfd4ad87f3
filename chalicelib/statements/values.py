"""Parse dates and amounts as banks write them."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
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
_COMPACT = re.compile(r"(\d{2})(\d{2})(\d{4})(?=$|[ T])")  # never a date as _ISO too: 20xx would be a month
_QUOTES = " '\"`´’"  # around a cell that a spreadsheet must not take for a number
_AMOUNT = re.compile(r"(?P<digits>\d[\d., ']*)")
_NEGATIVE = re.compile(r"[-−–(]")
_MINUS = re.compile(r"[-−–(]\D{0,3}\d|\d[-−–]$")
_SPACES = re.compile(r"\s+")
NO_LETTERS: Mapping[str, int] = {}
_MARKS = {"+": 1, "-": -1, "−": -1, "–": -1}


def detect_date_order(cells: Iterable[str]) -> DateOrder:
    """Detect how the dates of a column are written. If nothing shows it, the day is first, as nearly everywhere."""
    order = DateOrder.DAY_FIRST
    for cell in cells:
        text = cell.strip(_QUOTES)
        if match := _DATE.match(text):
            first, _, second, _ = match.groups()
        elif _ISO.match(text) and _parse_iso(text):
            return DateOrder.YEAR_FIRST
        elif match := _COMPACT.match(text):
            first, second, _ = match.groups()
        else:
            continue
        if len(first) == 4:
            return DateOrder.YEAR_FIRST
        if int(first) > 12:
            return DateOrder.DAY_FIRST
        if second.isdigit() and int(second) > 12:
            order = DateOrder.MONTH_FIRST
    return order


def parse_date(cell: str, order: DateOrder) -> date | None:
    """Return the day, without the time, or None if the cell is not a date."""
    text = cell.strip(_QUOTES)
    if parsed := _parse_iso(text):
        return parsed
    if match := _COMPACT.match(text):
        first, second, third = match.groups()
        return _day(third, first, second) if order is DateOrder.MONTH_FIRST else _day(third, second, first)
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


def _parse_iso(text: str) -> date | None:
    match = _ISO.match(text)
    return _day(match[1], match[2], match[3]) if match else None


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
    negative = bool(_NEGATIVE.search(around)) or (side is not None and _is_debit_suffix(side[1]))
    return -amount if negative else amount


def _is_debit_suffix(suffix: str) -> bool:
    sides = bank_words().sides
    return suffix in sides.debit or any(suffix == debit for _, debit in sides.letters)


def letter_behind(cell: str) -> str:
    """Return the single letter behind an amount that may tell its side, or "" if there is none."""
    side = _side_suffix().search(cell.strip().upper())
    return side[1] if side and len(side[1]) == 1 else ""


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


def detect_side(cell: str, letters: Mapping[str, int] = NO_LETTERS) -> int:
    """Return which side a word in the column of signs means: 1 came in, -1 went out, 0 unknown.

    One word for a debit is enough. For a credit, all other words must be neutral: "CREDIT CARD" is unknown.

    Args:
        letters: what single letters mean in this column, as `letter_meanings` found it.
    """
    if cell.strip() in _MARKS:
        return _MARKS[cell.strip()]
    words = ascii_words(cell)
    if len(words) == 1 and len(words[0]) == 1:
        return letters.get(words[0], 0)
    whole = set(words) if len(words) == 1 else {word for word in words if len(word) > 2}
    sides = bank_words().sides
    came_in = whole & sides.credit
    went_out = whole & sides.debit
    if came_in and not went_out and whole <= sides.credit | sides.neutral:
        return 1
    return -1 if went_out and not came_in else 0


def letter_meanings(heading: str, letters: Iterable[str]) -> dict[str, int]:
    """Return what single letters mean in a column: letter → 1 came in, -1 went out. Any other letter is unknown.

    A heading that names both sides by words decides: in "Cargo/Abono", C is money that went out. Else both letters of
    a pair must be there, in the cells or in the heading: C alone may be a crédito or a cargo.

    Args:
        letters: the single letters that stand in the column.
    """
    words = ascii_words(heading[:100])
    by_letter: dict[str, set[int]] = defaultdict(set)
    for word in words:
        if len(word) > 1 and (side := _side_of(word)):
            by_letter[word[0]].add(side)
    if {side for sides in by_letter.values() for side in sides} == {1, -1}:
        return {letter: min(sides) for letter, sides in by_letter.items() if len(sides) == 1}
    name = "".join(word for word in words if len(word) == 1) or (words[0] if len(words) == 1 else "")
    for credit, debit in bank_words().sides.letters:
        seen = {*letters, *(name if set(name) == {credit, debit} else ())}
        if seen == {credit, debit}:
            return {credit: 1, debit: -1}
    return {}


def _side_of(word: str) -> int:
    words = bank_words()
    is_credit = word in words.sides.credit or word in words.columns["credit"]
    is_debit = word in words.sides.debit or word in words.columns["debit"]
    return int(is_credit) - int(is_debit)


def has_minus(cell: str) -> bool:
    """Return whether an amount is written as negative: with a minus before or after it, or in brackets."""
    return bool(_MINUS.search(_SPACES.sub("", cell)))


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
