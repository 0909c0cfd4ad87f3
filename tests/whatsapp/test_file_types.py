"""Files are what their bytes say."""

import pytest

from chalicelib.whatsapp.file_types import PDF_MARK_WITHIN, is_heif, sniff


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", "image/jpeg"),
        (b"\x89PNG\r\n\x1a\n\x00", "image/png"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"),
        (b"%PDF-1.7\n", "application/pdf"),
        (b"RIFF\x00\x00\x00\x00WAVEfmt ", None),
        (b"GIF89a", None),
        (b"<html><script>", None),
        (b" %PDF-1.7", "application/pdf"),
        (b"\xef\xbb\xbf%PDF-1.7", "application/pdf"),
        (bytes(PDF_MARK_WITHIN - 5) + b"%PDF-1.7", "application/pdf"),
        (bytes(PDF_MARK_WITHIN - 4) + b"%PDF-1.7", None),
        (b"\x00\x00\x00\x18ftypheic", None),
        (b"MZ\x90\x00", None),
        (b"PK\x03\x04", None),
        (b"\xff\xd8", None),
        (b"", None),
    ],
)
def test_the_type_is_judged_by_content(content: bytes, expected: str | None) -> None:
    assert sniff(content) == expected


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"\x00\x00\x00\x18ftypheic\x00", True),
        (b"\x00\x00\x00\x18ftypmif1", True),
        (b"\x00\x00\x00\x18ftypavif", True),
        (b"\x00\x00\x00\x18ftypisom", False),
        (b"ftypheic", False),
        (b"", False),
    ],
)
def test_a_phones_own_photo_is_known_by_its_brand(content: bytes, expected: bool) -> None:
    assert is_heif(content) is expected
