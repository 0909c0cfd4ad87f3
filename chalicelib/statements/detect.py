"""Detect the format of a bank statement and read it. Imported only when a statement comes in."""

import codecs
import re
from collections.abc import Callable

from chalicelib.domain.refusals import StatementUnreadable
from chalicelib.domain.statements import Statement
from chalicelib.statements import camt, csv_table, mt940
from chalicelib.statements.options import ParseOptions, StatementFormat

BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
READERS: dict[StatementFormat, Callable[[str, ParseOptions], Statement]] = {
    StatementFormat.CSV: csv_table.read,
    StatementFormat.MT940: mt940.read,
}
HEAD = 4096  # bytes that are enough to detect the format
# Files that people send by mistake, and what to do instead.
FOREIGN = (
    (b"\xd0\xcf\x11\xe0", "an old spreadsheet (XLS): save it as CSV"),
    (b"%PDF", "a PDF: ask the bank for CSV, MT940 or CAMT.053"),
    (b"\x1f\x8b", "compressed (GZIP): unpack it first"),
    (b"Rar!", "a RAR archive: unpack it first"),
    (b"7z\xbc\xaf", "a 7z archive: unpack it first"),
    (b"{\\rtf", "a text document (RTF): ask the bank for CSV, MT940 or CAMT.053"),
)
ZIP = b"PK\x03\x04"
SPREADSHEETS = (b"xl/workbook", b"xl/worksheets", b"application/vnd.oasis.opendocument.spreadsheet")
# Pages and spreadsheets that banks call .xls.
_HTML = re.compile(rb"<(?:!doctype\s+html|html|table)\b", re.IGNORECASE)
_MHTML = re.compile(rb"\s*MIME-Version:", re.IGNORECASE)
_SPREADSHEET_XML = b"urn:schemas-microsoft-com:office:spreadsheet"
_OFX = re.compile(rb"^\s*OFXHEADER\s*:|<OFX>|<\?OFX\b", re.IGNORECASE)
_MT940 = re.compile(r"^\s*(?:\{1:|:20:|:\n?2[058]C?:)|^:61:", re.MULTILINE)


def read(raw: bytes, options: ParseOptions) -> Statement:
    """Read the bookings of a file in any of the formats. Raises StatementUnreadable, StatementTooLarge."""
    if not raw.strip(b"\x00 \t\r\n"):
        raise StatementUnreadable("The file is empty.")
    if meaning := _foreign(raw):
        raise StatementUnreadable(f"The file is {meaning}.")
    if options.format is StatementFormat.OFX or (options.format is None and _OFX.search(_plain_head(raw))):
        from chalicelib.statements import ofx  # noqa: PLC0415 - no other format waits for its package to load

        return ofx.read(raw, options)
    if options.format is StatementFormat.CAMT or (options.format is None and _is_xml(raw)):
        return camt.read(raw)
    text, encoding = decode(raw, options.encoding)
    detected = options.format or (StatementFormat.MT940 if _MT940.search(text[:HEAD]) else StatementFormat.CSV)
    return READERS[detected](text, options._replace(encoding=encoding))


def _foreign(raw: bytes) -> str | None:
    """Return what the file is if it is none that is read here, and what to do instead."""
    if raw.startswith(ZIP):
        if any(name in raw for name in SPREADSHEETS):
            return "a spreadsheet (XLSX or ODS): save it as CSV"
        return "a ZIP archive: unpack it, and send the file in it; save a spreadsheet as CSV"
    head = _plain_head(raw)
    if (head.lstrip().startswith(b"<") and _HTML.search(head)) or _MHTML.match(head):
        return "a web page (HTML), even if its name ends in .xls: open it in a spreadsheet and save it as CSV"
    if _SPREADSHEET_XML in head:
        return "a spreadsheet (XML), even if its name ends in .xls: open it in a spreadsheet and save it as CSV"
    return next((meaning for magic, meaning in FOREIGN if raw.startswith(magic)), None)


def _plain_head(raw: bytes) -> bytes:
    head = raw[:HEAD]
    for bom, _ in BOMS:
        head = head.removeprefix(bom)
    return head.replace(b"\x00", b"")


def decode(raw: bytes, option: str | None = None) -> tuple[str, str]:
    """Return the file's text and its encoding: the given one, or else what its bytes show.

    Text that is not UTF-8 is taken as Windows-1252, which banks in Western Europe and the Americas write.
    """
    encoding = option or _detect_encoding(raw)
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError:
        if option:
            raise StatementUnreadable(f"The file is not in {option}, the encoding that was given.") from None
        encoding = "latin-1"  # has a character for each byte, unlike Windows-1252
        text = raw.decode(encoding)
    return text.removeprefix("\ufeff").replace("\x00", ""), encoding


def _detect_encoding(raw: bytes) -> str:
    for bom, encoding in BOMS:
        if raw.startswith(bom):
            return encoding
    head = raw[:HEAD]
    if head.count(0) > len(head) // 4:  # Western text in UTF-16: every other byte is zero
        return "utf-16-le" if head[1::2].count(0) > head[::2].count(0) else "utf-16-be"
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def _is_xml(raw: bytes) -> bool:
    return _plain_head(raw).lstrip().startswith(b"<")
