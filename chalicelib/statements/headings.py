"""Find out which columns a table has, by what banks call them (bank_words.toml)."""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import NamedTuple

from chalicelib.domain.codes import ascii_words
from chalicelib.domain.refusals import StatementUnreadable
from chalicelib.statements.bank_words import bank_words
from chalicelib.statements.options import ParseOptions


class Columns(NamedTuple):
    """Positions of columns, counted from 0.

    Amounts are in `amount`, or in `credit` and perhaps `debit`. If there are `amount` and `debit`, what is in both went
    out. `unread` columns may have amounts, too: a row with an amount only there must not be skipped.
    """

    date: int
    text: tuple[int, ...]
    amount: int | None = None
    credit: int | None = None
    debit: int | None = None
    sign: int | None = None
    money: int | None = None
    state: int | None = None
    unread: tuple[int, ...] = ()

    @property
    def amounts(self) -> list[int]:
        return [position for position in (self.amount, self.credit, self.debit) if position is not None]


def find_columns(row: Sequence[str], options: ParseOptions) -> Columns | None:
    """Find the columns that a row of headings names, or return None if it is not such a row.

    A column that the options name is taken as named.
    """
    names = [normalise(cell) for cell in row]
    taken: dict[str, int | None] = {}
    for field, words in bank_words().columns.items():
        option = getattr(options, field)
        if option is not None:
            taken[field] = _position_of(option, names)
            if taken[field] is None:
                return None
        else:
            fitting = [name if _may_be(field, name, cell) else "" for name, cell in zip(names, row, strict=True)]
            taken[field] = next((p for word in words if (p := _find_heading(word, fitting, taken)) is not None), None)
            if taken[field] is None and field in _side_words():
                taken[field] = next((p for p, cell in enumerate(row) if _is_amount_of(field, cell, taken, p)), None)
            if taken[field] is None and field == "sign":
                taken[field] = next(
                    (p for p, name in enumerate(names) if p not in taken.values() and len(_sides_in(name)) == 2), None
                )
    if any((options.credit, options.debit)) and options.amount is None:
        taken["amount"] = None
    if options.amount:
        taken |= {side: None for side in ("credit", "debit") if getattr(options, side) is None}
    elif taken["credit"] is not None:
        taken["amount"] = None
    date = taken.pop("date")
    if date is None or (taken["amount"] is None and taken["credit"] is None):
        return None
    used = {date, *taken.values()}
    text = _text_columns(names, used, options)
    unread = tuple(p for p, cell in enumerate(row) if p not in used and _may_have_amounts(cell))
    return None if text is None else Columns(date=date, text=text, unread=unread, **taken)


def find_numbered_columns(options: ParseOptions) -> Columns | None:
    """Return the columns of a table without headings, or None unless the options name all columns by number."""
    named = {field: getattr(options, field) for field in bank_words().columns}
    if not all(_is_number(option) for option in (*(option for option in named.values() if option), *options.text)):
        return None
    if not named["date"] or not (named["amount"] or named["credit"]):
        return None
    if not options.text:
        raise StatementUnreadable("If columns are given by number, also give those with the text.")
    positions = {field: int(option) - 1 for field, option in named.items() if option}
    text = tuple(int(option) - 1 for option in options.text)
    if any(not 0 <= position < 1000 for position in (*positions.values(), *text)):
        raise StatementUnreadable("Expected column numbers from 1 to 1000.")
    return Columns(text=text, unread=(), **positions)


def find_missing_option(rows: Iterable[Sequence[str]], options: ParseOptions) -> str | None:
    """Return the first option, as the query calls it, that names a heading which no row has."""
    names = [[normalise(cell) for cell in row] for row in rows]
    named = [(field, option) for field in bank_words().columns if (option := getattr(options, field))]
    named += [("text", option) for option in options.text]
    absent = (field for field, option in named if all(_position_of(option, row) is None for row in names))
    field = next(absent, None)
    return "currency_column" if field == "money" else field


def normalise(cell: str) -> str:
    """Return a heading as it is compared: in capitals, without accents, signs and anything in brackets."""
    return " ".join(ascii_words(re.sub(r"\([^)]*\)|\[[^]]*\]", " ", cell[:100])))


def _sides_in(cell: str) -> set[str]:
    """Return the sides that a heading names, also within brackets: "Monto (cargo)"."""
    words = set(ascii_words(cell[:100]))
    return {side for side, known in _side_words().items() if words & known}


@cache
def _side_words() -> dict[str, frozenset[str]]:
    """Return side → the single words that name it."""
    columns = bank_words().columns
    return {side: frozenset(name for name in columns[side] if " " not in name) for side in ("credit", "debit")}


def _may_be(field: str, name: str, cell: str) -> bool:
    """Return whether no other word of the heading rules the field out."""
    sides = _sides_in(cell)
    match field:
        case "credit" | "debit":
            return sides <= {field}
        case "amount":
            return not sides or (len(sides) == 2 and not _sides_in(name))
        case "sign":
            return not _starts_with_any(name, bank_words().headings.no_sign)
    return True


def _is_amount_of(side: str, cell: str, taken: Mapping[str, int | None], position: int) -> bool:
    """Return whether the heading names both an amount and this side: "Monto débito GTQ"."""
    return position not in taken.values() and _sides_in(cell) == {side} and _may_have_amounts(cell)


def _may_have_amounts(cell: str) -> bool:
    """Return whether a heading names an amount, a debit or a credit, and neither a date nor a balance."""
    name = normalise(cell)
    columns = bank_words().columns
    named = set(ascii_words(cell[:100])) & set(columns["amount"])
    if not named and not _starts_with_any(name, (*columns["credit"], *columns["debit"])):
        return False
    return not _starts_with_any(name, (*columns["date"], *bank_words().headings.no_text))


def _is_number(option: str) -> bool:
    return option.isascii() and option.isdecimal()


def _position_of(option: str, names: Sequence[str]) -> int | None:
    if _is_number(option) and 1 <= int(option[:4]) <= len(names):
        return int(option) - 1
    return names.index(normalise(option)) if normalise(option) in names else None


def _find_heading(word: str, names: Sequence[str], taken: Mapping[str, int | None]) -> int | None:
    free = [position for position in range(len(names)) if position not in taken.values()]
    exact = next((position for position in free if names[position] == word), None)
    if exact is not None or word in bank_words().headings.exact:
        return exact
    return next((position for position in free if names[position].startswith(f"{word} ")), None)


def _text_columns(names: Sequence[str], used: set[int | None], options: ParseOptions) -> tuple[int, ...] | None:
    """Return the columns that the options name, else all unused ones: a code may be in any of them."""
    if options.text:
        named = [_position_of(option, names) for option in options.text]
        return None if None in named else tuple(position for position in named if position is not None)
    others = (*bank_words().columns["date"], *bank_words().headings.no_text)
    return tuple(
        position
        for position, name in enumerate(names)
        if position not in used
        and name
        and not _starts_with_any(name, others)
        and not any(name.endswith(f" {word}") for word in bank_words().headings.no_text)
    )


def is_loose_sign(heading: str) -> bool:
    """Return whether a column of this name may also hold the kind of a payment, beside its side."""
    return normalise(heading) in bank_words().headings.loose_sign


def _starts_with_any(name: str, words: Iterable[str]) -> bool:
    return any(name == word or name.startswith(f"{word} ") for word in words)
