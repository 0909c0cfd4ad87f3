"""Detects the type of a file by its content, since names and declared types can be wrong."""

# Type, and its marks: (position, bytes). All marks of a type must match.
MARKS: tuple[tuple[str, tuple[tuple[int, bytes], ...]], ...] = (
    ("image/jpeg", ((0, b"\xff\xd8\xff"),)),
    ("image/png", ((0, b"\x89PNG\r\n\x1a\n"),)),
    ("image/webp", ((0, b"RIFF"), (8, b"WEBP"))),
    ("application/pdf", ((0, b"%PDF-"),)),
)


def sniff(content: bytes) -> str | None:
    """Return the MIME type of a JPEG, PNG, WebP or PDF, or None for anything else, which is refused as a proof (P6)."""
    for mime_type, marks in MARKS:
        if all(content[at : at + len(mark)] == mark for at, mark in marks):
            return mime_type
    return None
