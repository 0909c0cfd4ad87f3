"""Statements as tables (CSV): which dialect a bank writes, and its rows as bookings."""

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from io import StringIO
from itertools import islice, takewhile
from typing import NamedTuple

from chalicelib.domain.code_mentions import MOST_TEXT
from chalicelib.domain.codes import words_of
from chalicelib.domain.refusals import StatementTooLarge, StatementUnreadable
from chalicelib.domain.statements import Outgoing, Payment, Statement, Why
from chalicelib.statements import values
from chalicelib.statements.headings import Columns, columns_of, missing, numbered
from chalicelib.statements.options import DateOrder, ParseOptions

DELIMITERS = (";", ",", "\t", "|")
MOST_ABOVE = 60  # rows above the headings: account, holder, period
MOST_ROWS = 50_000  # below them, which take a second or two
MOST_CELLS = 200  # of a row
MOST_IGNORED = 20  # lines that are named
SAMPLE = 2000  # rows that show how amounts are written
_CODE = re.compile(r"(?<![A-Z])[A-Z]{3}(?![A-Z])")


class Row(NamedTuple):
    line: int  # where it begins
    cells: list[str]

    def cell(self, position: int | None) -> str:
        return self.cells[position].strip() if position is not None and position < len(self.cells) else ""


class Dialect(NamedTuple):
    """How a file is to be read; `above` are the rows before its bookings, the headings included."""

    delimiter: str
    columns: Columns
    above: list[Row]
    has_headings: bool


class Written(NamedTuple):
    """How its values are written."""

    dates: DateOrder
    decimal: str
    currency: str | None  # of all amounts that have none in a column of their own
    heading: str | None = None  # the one that the headings name
    signed: bool = False  # what went out has a minus, so a word that tells no side takes nothing away


def read(text: str, options: ParseOptions) -> Statement:
    """The bookings of a table. Raises StatementUnreadable, StatementTooLarge."""
    dialect = _dialect(text, options)
    below = islice(_rows(text, dialect.delimiter), len(dialect.above), None)
    rows = list(islice((row for row in below if any(row.cells)), MOST_ROWS + 1))
    if len(rows) > MOST_ROWS:
        raise StatementTooLarge(f"The file has more than {MOST_ROWS:,} lines: choose a shorter period.")
    written = _written(rows, dialect, options)
    payments: list[Payment] = []
    outgoing: list[Outgoing] = []
    ignored: list[int] = []
    pending = 0
    for row in rows:
        booked = _booked(row, dialect.columns, written)
        if booked is None:
            ignored.append(row.line)
        elif isinstance(booked, Outgoing):
            outgoing.append(booked)
        elif _state(row, dialect.columns) in values.WAITING:
            pending += 1
        else:
            payments.append(booked)
    if not payments and not outgoing and not pending:
        raise StatementUnreadable("No line has a date and an amount. Name the columns: date, amount (or credit), text.")
    return Statement(
        payments=payments,
        outgoing=outgoing,
        pending=pending,
        ignored=tuple(ignored[:MOST_IGNORED]),
        lines=len(rows),
        read_as=_described(dialect, written, options),
    )


def _rows(text: str, delimiter: str) -> Iterator[Row]:
    """Raises StatementUnreadable where quotation marks do not close: the rows in between would be lost in one cell."""
    reader = csv.reader(StringIO(text, newline=""), delimiter=delimiter, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error:
            raise StatementUnreadable("expected quotation marks around whole cells only.", line) from None
        if cells is None:
            return
        if len(cells) > MOST_CELLS:
            raise StatementUnreadable(f"expected at most {MOST_CELLS} columns.", line)
        if reader.line_num > line and any(cell.count(delimiter) > 1 and "\n" in cell for cell in cells):
            raise StatementUnreadable("expected the quotation marks of a cell to close before the next row.", line)
        yield Row(line, cells)


def _dialect(text: str, options: ParseOptions) -> Dialect:
    """The delimiter with which a row of headings is found; without headings, columns must be given as numbers."""
    candidates = (options.delimiter,) if options.delimiter else DELIMITERS
    by_number = numbered(options)
    best: Dialect | None = None
    for delimiter in candidates if by_number is None else ():
        above: list[Row] = []
        try:
            for row in islice(_rows(text, delimiter), MOST_ABOVE):
                above.append(row)
                if len(row.cells) > 1 and (columns := columns_of(row.cells, options)):
                    found = Dialect(delimiter, columns, above, has_headings=True)
                    best = found if best is None or len(row.cells) > len(best.above[-1].cells) else best
                    break
        except StatementUnreadable:
            if options.delimiter:
                raise
    if by_number is not None:
        delimiter = _likeliest(text, candidates)
        return Dialect(delimiter, by_number, _before_the_first(text, delimiter, by_number), has_headings=False)
    if best is not None:
        return best
    delimiter = _likeliest(text, candidates)
    if field := missing((row.cells for row in islice(_rows(text, delimiter), MOST_ABOVE)), options):
        raise StatementUnreadable(
            f"None of the first {MOST_ABOVE} rows has a heading like the one named ({field}).", option=field
        )
    raise StatementUnreadable(
        f"Expected a row of headings among the first {MOST_ABOVE} with a date and an amount or a credit, and under it "
        "the bookings. Say which columns are what: date, amount (or credit), text; by heading or by number."
    )


def _before_the_first(text: str, delimiter: str, columns: Columns) -> list[Row]:
    """The rows before the first one that has a date."""
    orders = tuple(DateOrder)
    return list(
        takewhile(
            lambda row: not any(values.as_date(row.cell(columns.date), order) for order in orders),
            islice(_rows(text, delimiter), MOST_ABOVE),
        )
    )


def _likeliest(text: str, candidates: Sequence[str]) -> str:
    """The delimiter that comes most often, the same number of times in most lines."""
    lines = [line for line in islice(StringIO(text), MOST_ABOVE) if line.strip()]

    def regularity(delimiter: str) -> tuple[int, int]:
        counts = Counter(line.count(delimiter) for line in lines if delimiter in line)
        (count, times), *_ = counts.most_common(1) or [(0, 0)]
        return times, count

    return max(candidates, key=regularity)


def _written(rows: Sequence[Row], dialect: Dialect, options: ParseOptions) -> Written:
    columns, sample = dialect.columns, rows[:SAMPLE]
    dates = options.date_order or values.order_of(row.cell(columns.date) for row in rows)
    dated = [row for row in sample if values.as_date(row.cell(columns.date), dates)]
    heading = _heading(dialect)
    currency = options.currency if columns.money is not None else _currency(dialect, dated, options.currency)
    decimal = options.decimal
    if decimal is None:
        decimal = values.decimal_of(row.cell(position) for row in dated for position in columns.amounts)
    whole = columns.money is None and currency is not None and not values.exponent(currency)
    if decimal is None and whole:  # so the marks are for thousands
        decimal = "," if any("." in row.cell(position) for row in dated for position in columns.amounts) else "."
    if decimal is None:
        raise StatementUnreadable(
            "Amounts like 1.234 may be one or a thousand: say which mark the decimals have (decimal)."
        )
    signed = columns.amount is not None and any(values.has_minus(row.cell(columns.amount)) for row in rows)
    return Written(dates, decimal, currency, heading, signed)


def _heading(dialect: Dialect) -> str | None:
    found = _currencies(_headings(dialect), values.SYMBOLS)
    return found.pop() if len(found) == 1 else None


def _headings(dialect: Dialect) -> list[str]:
    columns = dialect.columns
    return [dialect.above[-1].cell(position) for position in columns.amounts] if dialect.has_headings else []


def _currencies(cells: Iterable[str], signs: Mapping[str, str]) -> set[str]:
    found = {code for cell in cells for code in _CODE.findall(cell.upper()) if values.is_currency(code)}
    return found | {code for cell in cells for mark, code in signs.items() if mark in cell}


def _currency(dialect: Dialect, rows: Sequence[Row], wish: str | None) -> str:
    """What the headings say of the amounts, or the amounts themselves, or the rows above them; then what was said."""
    columns = dialect.columns
    amounts = [row.cell(position) for row in rows[:50] for position in columns.amounts]
    above = [cell for row in dialect.above[: -1 if dialect.has_headings else None] for cell in row.cells]
    for cells, signs in ((_headings(dialect), values.SYMBOLS), (amounts, values.SYMBOLS), (above, dict[str, str]())):
        found = _currencies(cells, signs)
        if len(found) == 1:
            return found.pop()
        if found and wish not in found and signs:
            raise StatementUnreadable(
                "Expected amounts in one currency, or a column that says which (currency_column)."
            )
    if wish is None:
        raise StatementUnreadable(
            "The file does not say which currency the amounts are in: name it (currency).", option="currency"
        )
    return wish


def _booked(row: Row, columns: Columns, written: Written) -> Payment | Outgoing | None:
    """A payment that came in, what went out, or None where the row is no booking.

    Raises StatementUnreadable for a booking that can't be read: it may be somebody's payment.
    """
    day = values.as_date(row.cell(columns.date), written.dates)
    cells = {position: text for position in columns.amounts if (text := row.cell(position)).strip("-– ")}
    if day is None:
        if cells and any(character.isdigit() for character in row.cell(columns.date)):
            raise StatementUnreadable("expected a date, such as 23.11.2026 or 2026-11-23.", row.line)
        return None  # headings once more, a sum, a balance carried over
    if _has_money(columns.unread, row) and not _has_money(columns.amounts, row):
        raise StatementUnreadable(
            "expected an amount in the columns that are read; it is in another: name it.", row.line
        )
    if not cells:
        return None
    currency = row.cell(columns.money).upper() or written.currency or ""
    if not values.is_currency(currency):
        raise StatementUnreadable("expected a currency's code, such as EUR or GTQ.", row.line)
    amounts = {position: values.as_amount(text, written.decimal, currency) for position, text in cells.items()}
    if None in amounts.values():
        raise StatementUnreadable(f"expected an amount in {currency}{_example(written)}.", row.line)
    amount, doubts = _signed(row, columns, {position: found or 0 for position, found in amounts.items()}, written)
    text = " ".join(filter(None, (row.cell(position) for position in columns.text)))
    if amount <= 0:
        return Outgoing(row.line, text) if amount else None
    if columns.state is not None and _state(row, columns) not in values.DONE:
        doubts = (*doubts, Why.STATE_UNKNOWN)
    if columns.money is not None and written.heading not in (None, currency):
        doubts = (*doubts, Why.CURRENCY_UNCLEAR)
    text = text[: MOST_TEXT + 1]  # one more shows that it was cut off
    return Payment(line=row.line, on=day, amount=amount, currency=currency, text=text, doubts=doubts)


def _has_money(positions: Iterable[int], row: Row) -> bool:
    return any(re.search("[1-9]", row.cell(position)) for position in positions)


def _state(row: Row, columns: Columns) -> str:
    return " ".join(words_of(row.cell(columns.state)))


def _signed(row: Row, columns: Columns, amounts: dict[int, int], written: Written) -> tuple[int, tuple[Why, ...]]:
    """The amount, below 0 for what went out, and why that may not be so."""
    amount, credit, debit = (
        amounts.get(p, 0) if p is not None else 0 for p in (columns.amount, columns.credit, columns.debit)
    )
    came_in = credit if columns.amount is None else amount
    side = 1 if columns.sign is None else values.side_of(row.cell(columns.sign))
    if side < 0:
        return -abs(came_in or debit), ()
    if not came_in or (debit and abs(debit) == came_in):
        return -abs(debit), ()
    return came_in, () if (side or written.signed) and not debit else (Why.SIGN_UNKNOWN,)


def _example(written: Written) -> str:
    return f" with “{written.decimal}” before the decimals" if written.decimal else " without decimals"


def _described(dialect: Dialect, written: Written, options: ParseOptions) -> dict[str, str]:
    """How the file was read, for who wants to see whether that was right."""
    columns = dialect.columns
    head = dialect.above[-1] if dialect.has_headings else None

    def named(position: int) -> str:
        return (head.cell(position) if head else "") or str(position + 1)

    single = {name: at for name, at in columns._asdict().items() if isinstance(at, int)}
    return {
        "format": "csv",
        "encoding": options.encoding or "",
        "delimiter": dialect.delimiter,
        "decimal": written.decimal,
        "date_order": written.dates.value,
        **({"currency": written.currency} if written.currency and columns.money is None else {}),
        **{f"{name}_column": named(position) for name, position in single.items()},
        "text_columns": ", ".join(named(position) for position in columns.text),
    }
