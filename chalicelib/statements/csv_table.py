"""Read statements that are tables (CSV), whatever the dialect of the bank."""

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from io import StringIO
from itertools import islice, takewhile
from typing import NamedTuple

from chalicelib.domain.code_mentions import MAX_TEXT, find_codes
from chalicelib.domain.codes import ascii_words
from chalicelib.domain.refusals import StatementTooLarge, StatementUnreadable
from chalicelib.domain.statements import Outgoing, Payment, Statement, Why
from chalicelib.statements import doubtful_words, values
from chalicelib.statements.bank_words import bank_words
from chalicelib.statements.headings import (
    Columns,
    find_columns,
    find_missing_option,
    find_numbered_columns,
    is_loose_sign,
)
from chalicelib.statements.options import DateOrder, ParseOptions
from chalicelib.statements.side_columns import SideColumn, find_side_column, is_state_column, named_side_column

DELIMITERS = (";", ",", "\t", "|")
MAX_ABOVE = 60  # rows above the headings: account, holder, period
MAX_ROWS = 50_000  # rows below the headings; they take a second or two
MAX_LINES = 1_000_000  # blank ones and those within cells included
MAX_CELLS = 200  # in a row
MAX_IGNORED = 20  # ignored lines that are named
SAMPLE = 2000  # rows that show how amounts are written
_CODE = re.compile(r"(?<![A-Z])[A-Z]{3}(?![A-Z])")


class Row(NamedTuple):
    """A row of a file. `line` is where it begins; `follows` is False if a blank row is before it."""

    line: int
    cells: list[str]
    follows: bool = True

    def cell(self, position: int | None) -> str:
        return self.cells[position].strip() if position is not None and position < len(self.cells) else ""


class Layout(NamedTuple):
    """Where things are in a file. `above` are the rows before the bookings, headings included."""

    delimiter: str
    columns: Columns
    above: list[Row]
    has_headings: bool


class Notation(NamedTuple):
    """How the values of a file are written.

    Attributes:
        currency: of all amounts that have none in a column of their own.
        heading_currency: the one that the headings name.
        signed: money that went out has a minus. So a line with an unknown word for its side is still clear.
        sides: the columns that tell which side money went.
        suffixes: what single letters behind amounts mean.
        states: the columns that tell whether a line is booked.
        others: columns whose words may raise doubts: all that have another use neither here nor in `Columns`.
        returns: those of them that hold something only if a payment came back: "Causa devolución".
        coded: columns that are no text but may have a code of an order.
    """

    dates: DateOrder
    decimal: str
    currency: str | None
    heading_currency: str | None = None
    signed: bool = False
    sides: tuple[SideColumn, ...] = ()
    suffixes: Mapping[str, int] = values.NO_LETTERS
    states: tuple[int, ...] = ()
    others: tuple[int, ...] = ()
    returns: tuple[int, ...] = ()
    coded: tuple[int, ...] = ()

    @property
    def tells_direction(self) -> bool:
        return self.signed or bool(self.sides) or bool(self.suffixes)


def read(text: str, options: ParseOptions) -> Statement:
    """Read the bookings of a table. Raises StatementUnreadable, StatementTooLarge."""
    if max(text.count("\n"), text.count("\r")) > MAX_LINES:
        raise StatementTooLarge(f"The file has more than {MAX_LINES:,} lines.")
    layout = _find_layout(text, options)
    below = islice(_rows(text, layout.delimiter), len(layout.above), None)
    rows = list(islice(_filled(below), MAX_ROWS + 1))
    if len(rows) > MAX_ROWS:
        raise StatementTooLarge(f"The file has more than {MAX_ROWS:,} lines.")
    notation = _find_notation(rows, layout, options)
    payments: list[Payment] = []
    outgoing: list[Outgoing] = []
    ignored: list[int] = []
    pending = 0
    for row, more in _with_continuations(rows, layout.columns, notation):
        booking = _read_booking(row, more, layout.columns, notation)
        if booking is None:
            ignored += [row.line, *(continuation.line for continuation in more)]
        elif isinstance(booking, Outgoing):
            outgoing.append(booking)
        elif Why.STATE_UNKNOWN in booking.doubts and _is_pending(row, notation):
            pending += 1
        else:
            payments.append(booking)
    if not payments and not outgoing and not pending:
        raise StatementUnreadable("No line has a date and an amount. Name the columns: date, amount (or credit), text.")
    return Statement(
        payments=payments,
        outgoing=outgoing,
        pending=pending,
        ignored=tuple(ignored[:MAX_IGNORED]),
        lines=len(rows),
        read_as=_describe(layout, notation, options),
    )


def _rows(text: str, delimiter: str) -> Iterator[Row]:
    """Yield the rows. Raises StatementUnreadable if a quotation mark is not closed: one cell would swallow rows."""
    reader = csv.reader(StringIO(text, newline=""), delimiter=delimiter, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error:
            raise StatementUnreadable("expected quotation marks only around whole cells.", line) from None
        if cells is None:
            return
        if len(cells) > MAX_CELLS:
            raise StatementUnreadable(f"expected at most {MAX_CELLS} columns.", line)
        if reader.line_num > line and any(cell.count(delimiter) > 1 and "\n" in cell for cell in cells):
            raise StatementUnreadable("expected the quotation marks of a cell to close before the next row.", line)
        yield Row(line, cells)


def _filled(rows: Iterable[Row]) -> Iterator[Row]:
    """Yield the rows that are not blank."""
    follows = True
    for row in rows:
        if any(row.cells):
            yield row if follows else row._replace(follows=False)
        follows = any(row.cells)


def _with_continuations(
    rows: Iterable[Row], columns: Columns, notation: Notation
) -> Iterator[tuple[Row, Sequence[Row]]]:
    """Yield each row with the rows directly below it that go on with its text: they have no date and no amount."""
    first: Row | None = None
    more: list[Row] = []
    for row in rows:
        if first is not None and _continues(row, columns, notation):
            more.append(row)
            continue
        if first is not None:
            yield first, more
        first, more = row, []
    if first is not None:
        yield first, more


def _continues(row: Row, columns: Columns, notation: Notation) -> bool:
    if not row.follows or row.cell(columns.date) or not any(row.cell(position) for position in columns.text):
        return False
    has_amount = any(row.cell(position).strip("-– ") for position in columns.amounts)
    has_unread = any(_has_money(row, position) for position in columns.unread)
    return not has_amount and not has_unread and not _is_balance(row, notation)


def _find_layout(text: str, options: ParseOptions) -> Layout:
    """Try the delimiters until one yields a row of headings. Without headings, columns must be given by number."""
    candidates = (options.delimiter,) if options.delimiter else DELIMITERS
    numbered = find_numbered_columns(options)
    best: Layout | None = None
    for delimiter in candidates if numbered is None else ():
        above: list[Row] = []
        try:
            for row in islice(_rows(text, delimiter), MAX_ABOVE):
                above.append(row)
                if len(row.cells) > 1 and (columns := find_columns(row.cells, options)):
                    layout = Layout(delimiter, columns, above, has_headings=True)
                    best = layout if best is None or len(row.cells) > len(best.above[-1].cells) else best
                    break
        except StatementUnreadable:
            if options.delimiter:
                raise
    if numbered is not None:
        delimiter = _likeliest(text, candidates)
        return Layout(delimiter, numbered, _rows_before_dates(text, delimiter, numbered), has_headings=False)
    if best is not None:
        return best
    delimiter = _likeliest(text, candidates)
    if option := find_missing_option((row.cells for row in islice(_rows(text, delimiter), MAX_ABOVE)), options):
        raise StatementUnreadable(
            f"None of the first {MAX_ABOVE} rows has the heading that was given ({option}).", option=option
        )
    raise StatementUnreadable(
        f"Expected a row of headings among the first {MAX_ABOVE} rows, with a date and an amount or a credit, and the "
        "bookings below it. Name the columns, by heading or by number: date, amount (or credit), text."
    )


def _rows_before_dates(text: str, delimiter: str, columns: Columns) -> list[Row]:
    """Return the rows before the first one that has a date."""
    orders = tuple(DateOrder)
    return list(
        takewhile(
            lambda row: not any(values.parse_date(row.cell(columns.date), order) for order in orders),
            islice(_rows(text, delimiter), MAX_ABOVE),
        )
    )


def _likeliest(text: str, candidates: Sequence[str]) -> str:
    """Return the delimiter that most lines have the same number of times."""
    lines = [line for line in islice(StringIO(text), MAX_ABOVE) if line.strip()]

    def regularity(delimiter: str) -> tuple[int, int]:
        counts = Counter(line.count(delimiter) for line in lines if delimiter in line)
        (count, times), *_ = counts.most_common(1) or [(0, 0)]
        return times, count

    return max(candidates, key=regularity)


def _find_notation(rows: Sequence[Row], layout: Layout, options: ParseOptions) -> Notation:
    columns = layout.columns
    dates = options.date_order or values.detect_date_order(row.cell(columns.date) for row in rows)
    dated = [row for row in rows[:SAMPLE] if values.parse_date(row.cell(columns.date), dates)]
    heading_currency = _heading_currency(layout)
    currency = options.currency if columns.money is not None else _currency(layout, dated, options.currency)
    decimal = options.decimal
    if decimal is None:
        decimal = values.detect_decimal(row.cell(position) for row in dated for position in columns.amounts)
    has_no_decimals = columns.money is None and currency is not None and not values.exponent(currency)
    if decimal is None and has_no_decimals:  # so the marks separate thousands
        decimal = "," if any("." in row.cell(position) for row in dated for position in columns.amounts) else "."
    if decimal is None:
        raise StatementUnreadable(
            "Amounts like 1.234 may be one or a thousand. Say which mark stands before the decimals (decimal)."
        )
    signed = columns.amount is not None and any(values.has_minus(row.cell(columns.amount)) for row in rows)
    notation = Notation(dates, decimal, currency, heading_currency, signed)
    return _with_column_meanings(notation, rows, dated, layout, options)


def _with_column_meanings(
    notation: Notation, rows: Sequence[Row], dated: Sequence[Row], layout: Layout, options: ParseOptions
) -> Notation:
    """Add what the columns tell of sides and states, whatever they are called."""
    columns = layout.columns
    headings = layout.above[-1] if layout.has_headings else None

    def heading(position: int) -> str:
        return headings.cell(position) if headings else ""

    width = max((len(row.cells) for row in dated), default=0)
    used = {columns.date, columns.money, columns.sign, columns.state, *columns.amounts}
    free = [position for position in range(width) if position not in used]
    sides: list[SideColumn] = []
    if columns.sign is not None:
        cells = (row.cell(columns.sign) for row in rows)
        is_loose = options.sign is None and is_loose_sign(heading(columns.sign))
        sides.append(named_side_column(columns.sign, heading(columns.sign), cells, is_loose=is_loose))
    if columns.credit is None:
        for position in free:
            found = [row.cell(position) for row in dated]
            if column := find_side_column(position, heading(position), found, is_signed=notation.signed):
                sides.append(column)
    free = [position for position in free if position not in {column.position for column in sides}]
    states = [position for position in free if is_state_column(row.cell(position) for row in dated)]
    behind = {values.letter_behind(row.cell(position)) for row in rows for position in columns.amounts}
    named = [] if columns.state is None else [columns.state]
    others = [position for position in free if position not in states]
    return notation._replace(
        sides=tuple(sides),
        suffixes=values.letter_meanings("", behind - {""}),
        states=(*named, *states),
        others=tuple(others),
        returns=tuple(position for position in others if doubtful_words.find(heading(position)).reversal),
        coded=() if options.text else tuple(p for p in (columns.sign, columns.state) if p is not None),
    )


def _heading_currency(layout: Layout) -> str | None:
    codes = _currencies(_amount_headings(layout), bank_words().currencies.symbols)
    return codes.pop() if len(codes) == 1 else None


def _amount_headings(layout: Layout) -> list[str]:
    return [layout.above[-1].cell(position) for position in layout.columns.amounts] if layout.has_headings else []


def _currencies(cells: Iterable[str], symbols: Mapping[str, str]) -> set[str]:
    codes = {code for cell in cells for code in _CODE.findall(cell.upper()) if values.is_currency(code)}
    return codes | {code for cell in cells for symbol, code in symbols.items() if symbol in cell}


def _currency(layout: Layout, rows: Sequence[Row], option: str | None) -> str:
    """Return the currency of the headings, else of the amounts, else of the rows above them, else the option."""
    amounts = [row.cell(position) for row in rows[:50] for position in layout.columns.amounts]
    above = [cell for row in layout.above[: -1 if layout.has_headings else None] for cell in row.cells]
    symbols = bank_words().currencies.symbols
    sources = ((_amount_headings(layout), symbols), (amounts, symbols), (above, dict[str, str]()))
    for cells, meanings in sources:
        codes = _currencies(cells, meanings)
        if len(codes) == 1:
            return codes.pop()
        if codes and option not in codes and meanings:
            raise StatementUnreadable(
                "Expected amounts in one currency, or a column that names the currency (currency_column)."
            )
    if option is None:
        raise StatementUnreadable(
            "The file does not say which currency the amounts are in. Name it (currency).", option="currency"
        )
    return option


def _read_booking(row: Row, more: Sequence[Row], columns: Columns, notation: Notation) -> Payment | Outgoing | None:
    """Read a row and its continuations, or return None if it is not a booking.

    Raises StatementUnreadable for a booking that can't be read: it may be somebody's payment.
    """
    day = values.parse_date(row.cell(columns.date), notation.dates)
    cells = {position: text for position in columns.amounts if (text := row.cell(position)).strip("-– ")}
    if _is_balance(row, notation):
        return None
    if day is None:
        if cells and any(character.isdigit() for character in row.cell(columns.date)):
            raise StatementUnreadable(
                "expected a date, such as 23.11.2026 or 2026-11-23.", row.line, column=columns.date + 1
            )
        return None  # headings once more, a sum, a balance carried over
    unread = next((position for position in columns.unread if _has_money(row, position)), None)
    if unread is not None and not any(_has_money(row, position) for position in columns.amounts):
        raise StatementUnreadable(
            f"expected an amount in the columns that are read, but it is in column {unread + 1}. Name that column "
            "(amount, credit or debit).",
            row.line,
        )
    if not cells:
        return None
    currency = row.cell(columns.money).upper() or notation.currency or ""
    if not values.is_currency(currency):
        column = None if columns.money is None else columns.money + 1
        raise StatementUnreadable("expected a currency code, such as EUR or GTQ.", row.line, column=column)
    amounts = {position: _read_amount(row, position, notation, currency) for position in cells}
    amount, is_clear = _signed(row, columns, amounts, notation)
    text = _text([row, *more], columns, notation)
    if amount <= 0:
        return Outgoing(row.line, text) if amount else None
    found = _words_of_doubt([row, *more], columns, notation)
    doubts = [] if is_clear else [Why.SIGN_UNKNOWN]
    if any(_state(row, position) not in bank_words().states.booked for position in notation.states):
        doubts.append(Why.STATE_UNKNOWN)
    doubts += [doubt for doubt in found.doubts if doubt not in doubts]
    if columns.money is not None and notation.heading_currency not in (None, currency):
        doubts.append(Why.CURRENCY_UNCLEAR)
    return Payment(
        line=row.line,
        on=day,
        amount=amount,
        currency=currency,
        text=text[: MAX_TEXT + 1],  # the one character more shows that it was cut off
        reversal=found.reversal,
        doubts=tuple(doubts),
    )


def _text(rows: Iterable[Row], columns: Columns, notation: Notation) -> str:
    """Return what may have a code. A column of signs or states is added only if it has one."""
    cells = [row.cell(position) for row in rows for position in columns.text]
    coded = [cell for row in rows for position in notation.coded if find_codes(cell := row.cell(position))]
    return " ".join(filter(None, (*cells, *coded)))


def _words_of_doubt(rows: Iterable[Row], columns: Columns, notation: Notation) -> doubtful_words.DoubtfulWords:
    """Find what a row's words say against its money having come in, in whatever column they stand."""
    cells = [cell for row in rows for position in notation.others if (cell := row.cell(position))]
    reversal, doubts = doubtful_words.find(" ".join(cells))
    returned = any(
        len(words := ascii_words(row.cell(position))) and words not in (["0"], ["NO"], ["N"])
        for row in rows
        for position in notation.returns
    )
    if Why.STATE_UNKNOWN not in doubts and any(map(doubtful_words.is_state_of_no_money, cells)):
        doubts = (*doubts, Why.STATE_UNKNOWN)
    has_direction = notation.tells_direction or columns.credit is not None
    if not has_direction and doubtful_words.names_debit(cells):
        doubts = (*doubts, Why.SIGN_UNKNOWN)
    return doubtful_words.DoubtfulWords(reversal or returned, doubts)


def _is_balance(row: Row, notation: Notation) -> bool:
    return doubtful_words.is_balance([row.cell(position) for position in notation.others])


def _has_money(row: Row, position: int) -> bool:
    return re.search("[1-9]", row.cell(position)) is not None


def _read_amount(row: Row, position: int, notation: Notation, currency: str) -> int:
    amount = values.parse_amount(row.cell(position), notation.decimal, currency)
    if amount is None:
        form = f"with “{notation.decimal}” before the decimals" if notation.decimal else "without decimals"
        raise StatementUnreadable(f"expected an amount in {currency} {form}.", row.line, column=position + 1)
    return amount


def _is_pending(row: Row, notation: Notation) -> bool:
    return any(_state(row, position) in bank_words().states.pending for position in notation.states)


def _state(row: Row, position: int) -> str:
    return _normalised(row.cell(position))


@lru_cache(maxsize=4096)
def _normalised(cell: str) -> str:
    return " ".join(ascii_words(cell))


def _signed(row: Row, columns: Columns, amounts: Mapping[int, int], notation: Notation) -> tuple[int, bool]:
    """Return the amount, negative if it went out, and whether that is clear."""
    amount, credit, debit = (
        0 if position is None else amounts.get(position, 0)
        for position in (columns.amount, columns.credit, columns.debit)
    )
    came_in = credit if columns.amount is None else amount
    told = [(column.side_of(row.cell(column.position)), column) for column in notation.sides]
    sides = {side for side, _ in told if side}
    if sides == {-1}:
        return -abs(came_in or debit), True
    if not came_in or (debit and abs(debit) == came_in):
        return -abs(debit), True
    is_clear = len(sides) < 2 and all(side or (column.is_loose and notation.signed) for side, column in told)
    letters = {values.letter_behind(row.cell(position)) for position in amounts} - {""}
    return came_in, is_clear and not debit and letters <= set(notation.suffixes)


def _describe(layout: Layout, notation: Notation, options: ParseOptions) -> dict[str, str]:
    """Describe how the file was read, so that a person can check it."""
    columns = layout.columns
    headings = layout.above[-1] if layout.has_headings else None

    def label(position: int) -> str:
        return (headings.cell(position) if headings else "") or str(position + 1)

    single = {name: position for name, position in columns._asdict().items() if isinstance(position, int)}
    return {
        "format": "csv",
        "encoding": options.encoding or "",
        "delimiter": layout.delimiter,
        "decimal": notation.decimal,
        "date_order": notation.dates.value,
        **({"currency": notation.currency} if notation.currency and columns.money is None else {}),
        **{f"{name}_column": label(position) for name, position in single.items()},
        "text_columns": ", ".join(label(position) for position in columns.text),
    }
