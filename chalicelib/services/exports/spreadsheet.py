"""Write rows into a CSV or XLSX file, batch by batch: memory does not grow with the number of rows."""

import csv
import os
from codecs import getwriter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from decimal import Decimal
from fcntl import LOCK_EX, LOCK_NB, flock
from functools import cache
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory, gettempdir
from typing import IO, Any
from zoneinfo import ZoneInfo

from iso4217 import Currency
from xlsxwriter import Workbook
from xlsxwriter.worksheet import Worksheet

from chalicelib.domain.csv_escaping import is_phone, is_safe, safe
from chalicelib.domain.export_columns import CellMoney, Column, ColumnKind, Fact, Row
from chalicelib.domain.exports import Format

FOLDER_PREFIX = "tombola-sheet-"
MAX_ROWS = 1_048_576 - 1  # of an XLSX sheet, without the header
NAME_WIDTH, VALUE_WIDTH = 36, 60  # characters, of the sheet with the raffle's facts
CONTENT_TYPES = {
    Format.CSV: "text/csv; charset=utf-8",
    Format.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


class SheetFull(Exception):
    """There are more rows than an XLSX sheet can have."""


AddRows = Callable[[Iterable[Row]], None]


@contextmanager
def open_sheet(
    form: Format, file: IO[bytes], columns: Sequence[Column], *, time_zone: str, about: Sequence[Fact] = ()
) -> Iterator[AddRows]:
    """Yield a function that adds rows. The file is complete when the context ends without an error.

    Adding raises SheetFull.

    Args:
        about: facts for a second sheet of an XLSX file. CSV has one table only.
    """
    zone = ZoneInfo(time_zone)
    opened = _open_csv(file, columns, zone) if form is Format.CSV else _open_xlsx(file, columns, zone, about)
    with opened as add:
        yield add


# CSV: RFC 4180, in UTF-8 with a byte order mark. Without the mark, Excel reads CSV in the computer's old code page.


@contextmanager
def _open_csv(file: IO[bytes], columns: Sequence[Column], zone: ZoneInfo) -> Iterator[AddRows]:
    writer = csv.writer(getwriter("utf-8-sig")(file), lineterminator="\r\n")
    formatters = [_CSV_FORMATTERS.get(column.kind) or _time_formatter(zone) for column in columns]

    def add(rows: Iterable[Row]) -> None:
        writer.writerows(
            ["" if cell is None else as_text(cell) for as_text, cell in zip(formatters, row, strict=True)]
            for row in rows
        )

    writer.writerow([column.name for column in columns])
    yield add


def _phone_text(cell: Any) -> str:
    # At worst, a spreadsheet takes a phone number with its + for a number. With an apostrophe, no program but Excel
    # would read it as a phone number.
    return str(cell) if is_phone(cell) else safe(cell)


def _money_text(cell: Any) -> str:
    return str(_decimal(cell))


def _time_formatter(zone: ZoneInfo) -> Callable[[Any], str]:
    return lambda moment: moment.astimezone(zone).isoformat(timespec="seconds")


_CSV_FORMATTERS: dict[ColumnKind, Callable[[Any], str]] = {
    ColumnKind.TEXT: safe,
    ColumnKind.PHONE: _phone_text,
    ColumnKind.COUNT: str,
    ColumnKind.MONEY: _money_text,
}


# XLSX


@contextmanager
def _open_xlsx(file: IO[bytes], columns: Sequence[Column], zone: ZoneInfo, about: Sequence[Fact]) -> Iterator[AddRows]:
    with _temporary_folder() as folder:
        # Rows go to disk one by one. Shared strings, as Excel itself writes them, would keep all texts in memory.
        book = Workbook(file, {"constant_memory": True, "tmpdir": str(folder)})
        worksheet = book.add_worksheet("export", worksheet_class=_PlainWorksheet)
        writer = _XlsxWriter(book, worksheet, columns, zone)
        yield writer.add
        if about:
            writer.add_facts(book.add_worksheet("raffle", worksheet_class=_PlainWorksheet), about)
        book.close()


@contextmanager
def _temporary_folder() -> Iterator[Path]:
    """Make a folder for XlsxWriter's temporary files and delete it afterwards.

    Also delete what a stopped process has left: on Lambda the next call may run in the same sandbox, and find half a
    gigabyte with people's names on the disk.
    """
    for leftover in Path(gettempdir()).glob(f"{FOLDER_PREFIX}*"):
        with suppress(OSError), _locked(leftover):
            if any(leftover.iterdir()):  # an empty one may be so new that it is not locked yet
                rmtree(leftover)
    with TemporaryDirectory(prefix=FOLDER_PREFIX) as folder, _locked(Path(folder)):
        yield Path(folder)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Lock the folder. Raises BlockingIOError if a living process has locked it."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        flock(handle, LOCK_EX | LOCK_NB)
        yield
    finally:
        os.close(handle)


class _PlainWorksheet(Worksheet):  # type: ignore[misc]  # XlsxWriter publishes no types, so its classes are Any
    """A worksheet that never takes text for markup."""

    def _escape_control_characters(self, text: str) -> str:
        # XlsxWriter does not escape a text that looks like one of its rich strings in the XML of the sheet.
        # _x003C_ is "<" (ECMA-376, ST_Xstring).
        escaped: str = Worksheet._escape_control_characters(text)  # noqa: SLF001 - it offers no other place for this
        return "_x003C_" + escaped[1:] if escaped.startswith("<r>") else escaped


class _XlsxWriter:
    """Writes the cells of a book. Each sheet is written row by row."""

    def __init__(self, book: Workbook, worksheet: Worksheet, columns: Sequence[Column], zone: ZoneInfo) -> None:
        self._book = book
        self._worksheet = worksheet
        self._zone = zone
        self._rows = 0
        self._text_format = book.add_format({"num_format": "@"})
        # As when somebody types an apostrophe before the text in Excel: the cell is text, without the apostrophe.
        self._quoted_format = book.add_format({"num_format": "@", "quote_prefix": True})
        self._time_format = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        self._count_format = book.add_format({"num_format": "0"})
        self._money_format = cache(self._add_money_format)
        self._header = book.add_format({"bold": True})
        worksheet.freeze_panes(1, 0)
        worksheet.ignore_errors({"number_stored_as_text": "A1:XFD1048576"})  # padded numbers are meant to be text
        for position, column in enumerate(columns):
            name = self._name(column.name, column.kind)
            is_time = column.kind is ColumnKind.TIME
            worksheet.set_column(position, position, max(column.width, len(name) + 2 if is_time else 0))
            worksheet.write_string(0, position, name, self._header)
        self._cell_writers: dict[ColumnKind, Callable[[Worksheet, int, int, Any], None]] = {
            ColumnKind.TEXT: self._write_text,
            ColumnKind.PHONE: self._write_text,
            ColumnKind.COUNT: self._write_count,
            ColumnKind.MONEY: self._write_money,
            ColumnKind.TIME: self._write_time,
        }
        self._kinds = [column.kind for column in columns]

    def add(self, rows: Iterable[Row]) -> None:
        cell_writers = [(position, self._cell_writers[kind]) for position, kind in enumerate(self._kinds)]
        for row in rows:
            self._rows += 1
            if self._rows > MAX_ROWS:
                raise SheetFull
            for position, write_cell in cell_writers:
                cell = row[position]
                if cell is not None and cell != "":
                    write_cell(self._worksheet, self._rows, position, cell)

    def add_facts(self, worksheet: Worksheet, facts: Sequence[Fact]) -> None:
        """Write facts into another sheet: a name and its value in each row."""
        worksheet.set_column(0, 0, NAME_WIDTH)
        worksheet.set_column(1, 1, VALUE_WIDTH)
        for row, fact in enumerate(facts):
            worksheet.write_string(row, 0, self._name(fact.name, fact.kind), self._header)
            self._cell_writers[fact.kind](worksheet, row, 1, fact.value)

    def _name(self, name: str, kind: ColumnKind) -> str:
        """Return the name of a column or a fact. A cell's time has no zone, so its name has it."""
        return f"{name} ({self._zone.key})" if kind is ColumnKind.TIME else name

    def _write_text(self, worksheet: Worksheet, row: int, column: int, cell: Any) -> None:
        worksheet.write_string(row, column, cell, self._text_format if is_safe(cell) else self._quoted_format)

    def _write_count(self, worksheet: Worksheet, row: int, column: int, cell: Any) -> None:
        worksheet.write_number(row, column, cell, self._count_format)

    def _write_money(self, worksheet: Worksheet, row: int, column: int, cell: Any) -> None:
        worksheet.write_number(row, column, _decimal(cell), self._money_format(cell.currency))

    def _write_time(self, worksheet: Worksheet, row: int, column: int, cell: Any) -> None:
        local: datetime = cell.astimezone(self._zone).replace(tzinfo=None, microsecond=0)
        worksheet.write_datetime(row, column, local, self._time_format)

    def _add_money_format(self, currency: str) -> Any:
        decimals = _decimals(currency)
        return self._book.add_format({"num_format": "#,##0" + ("." + "0" * decimals if decimals else "")})


def _decimal(money: CellMoney) -> Decimal:
    return Decimal(money.amount).scaleb(-_decimals(money.currency))


@cache
def _decimals(currency: str) -> int:
    """Return how many decimals an amount in the currency has (ISO 4217): JPY 0, GTQ 2, KWD 3."""
    return Currency(currency).exponent or 0
