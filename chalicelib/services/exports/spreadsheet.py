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
from chalicelib.domain.export_columns import CellMoney, Column, ColumnKind, Row
from chalicelib.domain.exports import Format

FOLDERS = "tombola-sheet-"  # of unfinished XLSX files
MOST_ROWS = 1_048_576 - 1  # of an XLSX sheet, beside the header
CONTENT_TYPES = {
    Format.CSV: "text/csv; charset=utf-8",
    Format.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


class TooManyRows(Exception):
    """More rows than an XLSX sheet can have."""


Add = Callable[[Iterable[Row]], None]


@contextmanager
def sheet(form: Format, file: IO[bytes], columns: Sequence[Column], *, time_zone: str) -> Iterator[Add]:
    """Yield a function that adds rows. The file is complete when the context ends without an error.

    Adding raises TooManyRows.
    """
    write = _csv if form is Format.CSV else _xlsx
    with write(file, columns, ZoneInfo(time_zone)) as add:
        yield add


# CSV: RFC 4180, in UTF-8 with a byte order mark. Without the mark, Excel reads CSV in the computer's old code page.


@contextmanager
def _csv(file: IO[bytes], columns: Sequence[Column], zone: ZoneInfo) -> Iterator[Add]:
    writer = csv.writer(getwriter("utf-8-sig")(file), lineterminator="\r\n")
    as_text = [_CSV_TEXT.get(column.kind) or _in(zone) for column in columns]

    def add(rows: Iterable[Row]) -> None:
        writer.writerows(
            ["" if cell is None else text(cell) for text, cell in zip(as_text, row, strict=True)] for row in rows
        )

    writer.writerow([column.name for column in columns])
    yield add


def _phone(cell: Any) -> str:
    # A phone number's + makes it a number at worst. An apostrophe would make it none for every program but Excel.
    return str(cell) if is_phone(cell) else safe(cell)


def _money(cell: Any) -> str:
    return str(_decimal(cell))


def _in(zone: ZoneInfo) -> Callable[[Any], str]:
    return lambda moment: moment.astimezone(zone).isoformat(timespec="seconds")


_CSV_TEXT: dict[ColumnKind, Callable[[Any], str]] = {
    ColumnKind.TEXT: safe,
    ColumnKind.PHONE: _phone,
    ColumnKind.COUNT: str,
    ColumnKind.MONEY: _money,
}


# XLSX


@contextmanager
def _xlsx(file: IO[bytes], columns: Sequence[Column], zone: ZoneInfo) -> Iterator[Add]:
    with _folder() as folder:
        # Row by row into a file: with shared strings, which Excel itself prefers, all texts would stay in memory.
        book = Workbook(file, {"constant_memory": True, "tmpdir": str(folder)})
        page = book.add_worksheet("export", worksheet_class=_Plain)
        writer = _XlsxRows(book, page, columns, zone)
        yield writer.add
        book.close()


@contextmanager
def _folder() -> Iterator[Path]:
    """A folder that is gone afterwards; also, at the next call, where the process was stopped in between.

    On Lambda the next call may find what the one before has left on the disk: half a gigabyte, with people's names.
    """
    for left in Path(gettempdir()).glob(f"{FOLDERS}*"):
        with suppress(OSError), _locked(left):
            if any(left.iterdir()):  # one that somebody has just made is empty, and perhaps not locked yet
                rmtree(left)
    with TemporaryDirectory(prefix=FOLDERS) as made, _locked(Path(made)):
        yield Path(made)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Raises BlockingIOError where a living process has locked it."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        flock(handle, LOCK_EX | LOCK_NB)
        yield
    finally:
        os.close(handle)


class _Plain(Worksheet):  # type: ignore[misc]
    """A sheet in which text is never taken for markup."""

    def _escape_control_characters(self, text: str) -> str:
        # xlsxwriter would write a text that looks like its own rich strings as it is, into the XML of the sheet.
        # _x003C_ is "<" (ECMA-376, ST_Xstring).
        found: str = Worksheet._escape_control_characters(text)  # noqa: SLF001 - it offers no other place for this
        return "_x003C_" + found[1:] if found.startswith("<r>") else found


class _XlsxRows:
    def __init__(self, book: Workbook, page: Worksheet, columns: Sequence[Column], zone: ZoneInfo) -> None:
        self._page, self._book, self._at = page, book, 0
        self._zone = zone
        self._text = book.add_format({"num_format": "@"})
        # What Excel does with an apostrophe before the text: the text stays as it is, and text.
        self._quoted = book.add_format({"num_format": "@", "quote_prefix": True})
        self._time = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        self._count = book.add_format({"num_format": "0"})
        self._prices = cache(self._price)
        page.freeze_panes(1, 0)
        page.ignore_errors({"number_stored_as_text": "A1:XFD1048576"})  # padded numbers are meant to be text
        header = book.add_format({"bold": True})
        for at, column in enumerate(columns):
            # A cell's moment has no zone: the header says in which it is.
            name = f"{column.name} ({zone.key})" if column.kind is ColumnKind.TIME else column.name
            page.set_column(at, at, max(column.width, len(name) + 2 if column.kind is ColumnKind.TIME else 0))
            page.write_string(0, at, name, header)
        kinds = {
            ColumnKind.TEXT: self._write_text,
            ColumnKind.PHONE: self._write_text,
            ColumnKind.COUNT: self._write_count,
            ColumnKind.MONEY: self._write_money,
            ColumnKind.TIME: self._write_time,
        }
        self._writers = [kinds[column.kind] for column in columns]

    def add(self, rows: Iterable[Row]) -> None:
        writers = list(enumerate(self._writers))
        for row in rows:
            self._at += 1
            if self._at > MOST_ROWS:
                raise TooManyRows
            for at, write in writers:
                cell = row[at]
                if cell is not None and cell != "":
                    write(self._at, at, cell)

    def _write_text(self, row: int, at: int, cell: Any) -> None:
        self._page.write_string(row, at, cell, self._text if is_safe(cell) else self._quoted)

    def _write_count(self, row: int, at: int, cell: Any) -> None:
        self._page.write_number(row, at, cell, self._count)

    def _write_money(self, row: int, at: int, cell: Any) -> None:
        self._page.write_number(row, at, _decimal(cell), self._prices(cell.currency))

    def _write_time(self, row: int, at: int, cell: Any) -> None:
        local: datetime = cell.astimezone(self._zone).replace(tzinfo=None, microsecond=0)
        self._page.write_datetime(row, at, local, self._time)

    def _price(self, currency: str) -> Any:
        decimals = _decimals(currency)
        return self._book.add_format({"num_format": "#,##0" + ("." + "0" * decimals if decimals else "")})


def _decimal(money: CellMoney) -> Decimal:
    return Decimal(money.amount).scaleb(-_decimals(money.currency))


@cache
def _decimals(currency: str) -> int:
    """Of an amount in the currency (ISO 4217): JPY 0, GTQ 2, KWD 3."""
    return Currency(currency).exponent or 0
