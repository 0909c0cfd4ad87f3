"""Finds out which columns a file has, by what banks call them (bank_words.toml)."""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import NamedTuple

from chalicelib.domain.codes import words_of
from chalicelib.domain.refusals import StatementUnreadable
from chalicelib.statements.bank_words import bank_words
from chalicelib.statements.options import ParseOptions


class Columns(NamedTuple):
    """Positions, counted from 0. Amounts are in `amount`, or in `credit` (and `debit`); where there are `amount` and
    `debit`, what is in both went out. `unread` may have amounts, too, and are not to be passed over."""

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


def columns_of(row: Sequence[str], options: ParseOptions) -> Columns | None:
    """The columns that a row of headings names, those that were wished for first; None for a row that is none."""
    names = [plain(cell) for cell in row]
    taken: dict[str, int | None] = {}
    for field, known in bank_words().columns.items():
        wish = getattr(options, field)
        if wish is not None:
            taken[field] = _wished(wish, names)
            if taken[field] is None:
                return None
        else:
            fitting = [name if _may_be(field, name, cell) else "" for name, cell in zip(names, row, strict=True)]
            taken[field] = next((p for name in known if (p := _called(name, fitting, taken)) is not None), None)
            if taken[field] is None and field in _sides():
                taken[field] = next((p for p, cell in enumerate(row) if _is_amount_of(field, cell, taken, p)), None)
            if taken[field] is None and field == "sign":
                taken[field] = next(
                    (p for p, n in enumerate(names) if p not in taken.values() and len(_sides_of(n)) == 2), None
                )
    if any((options.credit, options.debit)) and options.amount is None:
        taken["amount"] = None
    if options.amount:
        taken |= {name: None for name in ("credit", "debit") if getattr(options, name) is None}
    elif taken["credit"] is not None:
        taken["amount"] = None
    date = taken.pop("date")
    if date is None or (taken["amount"] is None and taken["credit"] is None):
        return None
    used = {date, *taken.values()}
    text = _text_columns(names, used, options)
    unread = tuple(p for p, cell in enumerate(row) if p not in used and _is_of_amounts(cell))
    return None if text is None else Columns(date=date, text=text, unread=unread, **taken)


def _sides_of(cell: str) -> set[str]:
    """Which sides a heading names, also within brackets: "Monto (cargo)"."""
    words = set(words_of(cell[:100]))
    return {side for side, known in _sides().items() if words & known}


@cache
def _sides() -> dict[str, frozenset[str]]:
    """The single words that name a debit or a credit."""
    columns = bank_words().columns
    return {side: frozenset(name for name in columns[side] if " " not in name) for side in ("credit", "debit")}


def _may_be(field: str, name: str, cell: str) -> bool:
    """Whether nothing else in the heading speaks against it."""
    sides = _sides_of(cell)
    match field:
        case "credit" | "debit":
            return sides <= {field}
        case "amount":
            return not sides or (len(sides) == 2 and not _sides_of(name))
        case "sign":
            return not _is_any(name, bank_words().headings.no_sign)
    return True


def _is_amount_of(side: str, cell: str, taken: Mapping[str, int | None], position: int) -> bool:
    """Whether it is called both an amount and a debit, or a credit: "Monto débito GTQ"."""
    return position not in taken.values() and _sides_of(cell) == {side} and _is_of_amounts(cell)


def _is_of_amounts(cell: str) -> bool:
    """Whether a heading may be one of amounts that are bookings, as it is called an amount, a debit or a credit."""
    name = plain(cell)
    columns = bank_words().columns
    named = set(words_of(cell[:100])) & set(columns["amount"]) or _is_any(name, (*columns["credit"], *columns["debit"]))
    return bool(named) and not _is_any(name, (*columns["date"], *bank_words().headings.no_text))


def numbered(options: ParseOptions) -> Columns | None:
    """The columns of a file without headings: all that is wished for is a number."""
    given = {field: getattr(options, field) for field in bank_words().columns}
    if not all(_is_number(wish) for wish in (*(wish for wish in given.values() if wish), *options.text)):
        return None
    if not given["date"] or not (given["amount"] or given["credit"]):
        return None
    if not options.text:
        raise StatementUnreadable("Where columns are numbers, name those with the text, too.")
    positions = {field: int(wish) - 1 for field, wish in given.items() if wish}
    text = tuple(int(wish) - 1 for wish in options.text)
    if any(not 0 <= position < 1000 for position in (*positions.values(), *text)):
        raise StatementUnreadable("Columns are counted from 1.")
    return Columns(text=text, unread=(), **positions)


def missing(rows: Iterable[Sequence[str]], options: ParseOptions) -> str | None:
    """The first wish, as the query calls it, that names a heading which no row has."""
    names = [[plain(cell) for cell in row] for row in rows]
    wished = [(field, wish) for field in bank_words().columns if (wish := getattr(options, field))]
    wished += [("text", wish) for wish in options.text]
    absent = (field for field, wish in wished if all(_wished(wish, row) is None for row in names))
    field = next(absent, None)
    return "currency_column" if field == "money" else field


def plain(cell: str) -> str:
    """A heading as it is compared: without accents, signs, and what is in brackets."""
    return " ".join(words_of(re.sub(r"\([^)]*\)|\[[^]]*\]", " ", cell[:100])))


def _is_number(wish: str) -> bool:
    return wish.isascii() and wish.isdecimal()


def _wished(wish: str, names: Sequence[str]) -> int | None:
    if _is_number(wish) and 1 <= int(wish[:4]) <= len(names):
        return int(wish) - 1
    return names.index(plain(wish)) if plain(wish) in names else None


def _called(name: str, names: Sequence[str], taken: dict[str, int | None]) -> int | None:
    free = [position for position in range(len(names)) if position not in taken.values()]
    exact = next((position for position in free if names[position] == name), None)
    if exact is not None or name in bank_words().headings.exact:
        return exact
    return next((position for position in free if names[position].startswith(f"{name} ")), None)


def _text_columns(names: Sequence[str], used: set[int | None], options: ParseOptions) -> tuple[int, ...] | None:
    """Those that were wished for, else all that are nothing else: a code may be in any of them."""
    if options.text:
        wished = [_wished(wish, names) for wish in options.text]
        return None if None in wished else tuple(position for position in wished if position is not None)
    others = (*bank_words().columns["date"], *bank_words().headings.no_text)
    return tuple(
        position for position, name in enumerate(names) if position not in used and name and not _is_any(name, others)
    )


def _is_any(name: str, known: Iterable[str]) -> bool:
    return any(name == one or name.startswith(f"{one} ") for one in known)
