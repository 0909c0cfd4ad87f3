"""Reads exports as other programs do: Python's csv for RFC 4180, openpyxl for XLSX."""

import csv
import io
from typing import Any

from openpyxl import load_workbook
from openpyxl.utils.escape import unescape

Rows = list[dict[str, Any]]


def csv_rows(content: bytes) -> Rows:
    """header → cell of each row."""
    assert content.startswith(b"\xef\xbb\xbf")
    text = content.decode("utf-8-sig")
    assert text.endswith("\r\n")
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


def xlsx_sheet(content: bytes) -> Any:
    """The sheet with the rows."""
    return load_workbook(io.BytesIO(content)).worksheets[0]


def xlsx_facts(content: bytes) -> dict[str, Any]:
    """name → value of each fact of the second sheet."""
    [_, facts] = load_workbook(io.BytesIO(content)).worksheets
    return {str(name.value): _plain(value.value) for name, value in facts.iter_rows()}


def xlsx_rows(content: bytes) -> Rows:
    """header → value of each row. openpyxl leaves the _xHHHH_ of ECMA-376 in texts, and has an `unescape` for them."""
    header, *rows = xlsx_sheet(content).iter_rows()
    names = [str(cell.value) for cell in header]
    for cell in (cell for row in rows for cell in row):
        assert cell.data_type != "f", f"a formula in {cell.coordinate}"
    return [dict(zip(names, (_plain(cell.value) for cell in row), strict=True)) for row in rows]


def _plain(value: Any) -> Any:
    return unescape(value) if isinstance(value, str) else value
