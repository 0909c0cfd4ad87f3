"""What is written is read back by other programs as it was, and never as a formula."""

import io
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain.csv_escaping import is_safe, original
from chalicelib.domain.export_columns import CellMoney, Column, ColumnKind, Row
from chalicelib.domain.exports import Format
from chalicelib.services.exports import spreadsheet
from chalicelib.services.exports.spreadsheet import SheetFull, open_sheet
from tests.support.spreadsheets import csv_rows, xlsx_rows, xlsx_sheet

NOON = datetime(2026, 11, 23, 18, 0, 0, 123456, tzinfo=UTC)
TEXTS = st.one_of(
    st.text(min_size=1),
    st.lists(st.sampled_from(["=", "+", "-", "@", "\t", "\r", "\n", ";", '"', "'", ",", "a", "1"]), min_size=1).map(
        "".join
    ),
    st.sampled_from(
        ["<r>x</r>", "<r>", "_x003C_", "\x00", "\ufffe\uffff", "=HYPERLINK(1)", "http://a.b", "{=1}", "TRUE"]
    ),
)


def column(kind: ColumnKind, name: str = "x") -> Column:
    return Column(name, kind, 10)


def export(form: Format, columns: Sequence[Column], *rows: Row, time_zone: str = "UTC") -> bytes:
    file = io.BytesIO()
    with open_sheet(form, file, columns, time_zone=time_zone) as add:
        for row in rows:
            add([row])
    return file.getvalue()


def read_cell(form: Format, kind: ColumnKind, cell: Any, **named: Any) -> Any:
    """The value that a reader finds in the only cell."""
    read = csv_rows if form is Format.CSV else xlsx_rows
    (row,) = read(export(form, [column(kind)], [cell], **named))
    (value,) = row.values()
    return value


@given(TEXTS)
@settings(deadline=None)
def test_any_text_is_read_back_from_csv_and_is_no_formula(text: str) -> None:
    cell = read_cell(Format.CSV, ColumnKind.TEXT, text)

    assert original(cell) == text
    assert is_safe(cell)


@given(st.lists(TEXTS, min_size=1, max_size=30))
@settings(deadline=None, max_examples=50)
def test_any_text_is_read_back_from_xlsx_as_it_was_and_is_no_formula(texts: list[str]) -> None:
    content = export(Format.XLSX, [column(ColumnKind.TEXT)], *([text] for text in texts))

    assert [row["x"] for row in xlsx_rows(content)] == texts
    for cell, text in zip(list(xlsx_sheet(content)["A"])[1:], texts, strict=True):
        assert (cell.data_type, cell.number_format) == ("s", "@")
        assert bool(cell.quotePrefix) is not is_safe(text)


def test_a_text_that_looks_like_markup_stays_text() -> None:
    """xlsxwriter would write it into the sheet's XML as it is."""
    assert read_cell(Format.XLSX, ColumnKind.TEXT, "<r><t>not what it is</t></r>") == "<r><t>not what it is</t></r>"
    assert read_cell(Format.XLSX, ColumnKind.TEXT, "<r></is></c></row></r>") == "<r></is></c></row></r>"


@pytest.mark.parametrize(
    ("amount", "currency", "written", "form"),
    [
        (1500, "JPY", "1500", "#,##0"),
        (2500, "GTQ", "25.00", "#,##0.00"),
        (1234567, "KWD", "1234.567", "#,##0.000"),
        (0, "GTQ", "0.00", "#,##0.00"),
        (40_000_000_000_000, "GTQ", "400000000000.00", "#,##0.00"),
    ],
)
def test_money_is_a_number_with_the_currencys_decimals(amount: int, currency: str, written: str, form: str) -> None:
    money = CellMoney(amount, currency)
    cell = xlsx_sheet(export(Format.XLSX, [column(ColumnKind.MONEY)], [money]))["A2"]

    assert read_cell(Format.CSV, ColumnKind.MONEY, money) == written
    assert (cell.data_type, cell.number_format) == ("n", form)
    assert Decimal(str(cell.value)) == Decimal(written)


def test_padded_numbers_keep_their_zeros() -> None:
    content = export(Format.XLSX, [column(ColumnKind.TEXT)], ["007"])

    assert read_cell(Format.CSV, ColumnKind.TEXT, "007") == "007"
    assert (xlsx_sheet(content)["A2"].value, xlsx_sheet(content)["A2"].data_type) == ("007", "s")


def test_a_phone_number_is_whole_in_both_and_text_in_xlsx() -> None:
    cell = xlsx_sheet(export(Format.XLSX, [column(ColumnKind.PHONE)], ["+50255550001"]))["A2"]

    assert read_cell(Format.CSV, ColumnKind.PHONE, "+50255550001") == "+50255550001"
    assert (cell.value, cell.data_type, bool(cell.quotePrefix)) == ("+50255550001", "s", True)


def test_text_that_only_looks_like_a_phone_number_is_made_safe() -> None:
    assert read_cell(Format.CSV, ColumnKind.PHONE, "+1+cmd") == "'+1+cmd"


def test_times_are_in_the_raffles_zone() -> None:
    named = {"time_zone": "America/Guatemala"}
    content = export(Format.XLSX, [column(ColumnKind.TIME, "paid_at")], [NOON], **named)
    header = xlsx_sheet(content)["A1"]
    cell = xlsx_sheet(content)["A2"]

    assert read_cell(Format.CSV, ColumnKind.TIME, NOON, **named) == "2026-11-23T12:00:00-06:00"
    assert header.value == "paid_at (America/Guatemala)"
    assert cell.is_date
    assert cell.value == datetime(2026, 11, 23, 12, 0)  # noqa: DTZ001 - a spreadsheet's times have no zone


def test_empty_cells_are_empty() -> None:
    columns = [column(kind, kind.name) for kind in ColumnKind if kind is not ColumnKind.TIME]

    (csv_row,) = csv_rows(export(Format.CSV, [*columns, column(ColumnKind.TEXT)], [*(None for _ in columns), "1"]))
    (xlsx_row,) = xlsx_rows(export(Format.XLSX, [*columns, column(ColumnKind.TEXT)], [*(None for _ in columns), "1"]))
    assert set(csv_row.values()) == {"", "1"}
    assert set(xlsx_row.values()) == {None, "1"}


def test_an_export_without_rows_has_its_header() -> None:
    assert (
        export(Format.CSV, [column(ColumnKind.TEXT, "number"), column(ColumnKind.TEXT, "status")])
        == b"\xef\xbb\xbfnumber,status\r\n"
    )
    worksheet = xlsx_sheet(export(Format.XLSX, [column(ColumnKind.TEXT, "number")]))
    assert [cell.value for cell in worksheet[1]] == ["number"]


def test_csv_follows_rfc_4180() -> None:
    content = export(
        Format.CSV, [column(ColumnKind.TEXT), column(ColumnKind.TEXT, "y")], ['say "hi"', "a,b"], ["two\nlines", None]
    )

    assert content.decode("utf-8-sig") == 'x,y\r\n"say ""hi""","a,b"\r\n"two\nlines",\r\n'


def test_the_header_stays_in_sight_and_columns_have_widths() -> None:
    worksheet = xlsx_sheet(export(Format.XLSX, [Column("buyer", ColumnKind.TEXT, 24)], ["Lucía"]))

    assert worksheet.freeze_panes == "A2"
    assert 24 <= worksheet.column_dimensions["A"].width < 26


def test_more_rows_than_a_sheet_has_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert spreadsheet.MAX_ROWS == 1_048_575
    monkeypatch.setattr(spreadsheet, "MAX_ROWS", 2)
    export(Format.XLSX, [column(ColumnKind.TEXT)], ["1"], ["2"])
    with pytest.raises(SheetFull):
        export(Format.XLSX, [column(ColumnKind.TEXT)], ["1"], ["2"], ["3"])


def test_files_of_a_dead_process_are_removed_and_those_of_a_living_one_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    left = tmp_path / "tombola-sheet-left"
    left.mkdir()
    (left / "sheet").write_text("Lucía")
    with open_sheet(Format.XLSX, io.BytesIO(), [column(ColumnKind.TEXT)], time_zone="UTC") as add:
        add([["1"]])
        (living,) = tmp_path.iterdir()
        export(Format.XLSX, [column(ColumnKind.TEXT)], ["2"])
        assert list(tmp_path.iterdir()) == [living]
    assert list(tmp_path.iterdir()) == []
