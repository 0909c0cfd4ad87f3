"""What kind of file some bytes are, by content: names and declared types are claims."""

# (type, where the mark stands, the mark); all marks of a type must match.
MARKS: tuple[tuple[str, tuple[tuple[int, bytes], ...]], ...] = (
    ("image/jpeg", ((0, b"\xff\xd8\xff"),)),
    ("image/png", ((0, b"\x89PNG\r\n\x1a\n"),)),
    ("image/webp", ((0, b"RIFF"), (8, b"WEBP"))),
    ("application/pdf", ((0, b"%PDF-"),)),
)


def sniff(content: bytes) -> str | None:
    """The MIME type of a JPEG, PNG, WebP or PDF; None for everything else, which no proof may be (rule P6)."""
    for mime_type, marks in MARKS:
        if all(content[at : at + len(mark)] == mark for at, mark in marks):
            return mime_type
    return None
