"""Detects the type of a file by its content, since names and declared types can be wrong."""

MAX_IMAGE = 5 * 2**20  # bytes
EIGHT_BIT_RGB = ((8, 2), (8, 6))  # bit depth and colour type in a PNG's header, without and with alpha
# Type, and its marks: (position, bytes). All marks of a type must match.
MARKS: tuple[tuple[str, tuple[tuple[int, bytes], ...]], ...] = (
    ("image/jpeg", ((0, b"\xff\xd8\xff"),)),
    ("image/png", ((0, b"\x89PNG\r\n\x1a\n"),)),
    ("image/webp", ((0, b"RIFF"), (8, b"WEBP"))),
)
# A PDF may begin with a byte order mark, a line end or a mail header: its mark counts anywhere here, as readers take it
# (PDF Reference 1.7, implementation note 13).
PDF_MARK = b"%PDF-"
PDF_MARK_WITHIN = 1024  # bytes
# Brands of HEIF, the family of HEIC, in which phones keep their photos; and of AVIF.
HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1", b"avif")


def sniff(content: bytes) -> str | None:
    """Return the MIME type of a JPEG, PNG, WebP or PDF, or None for anything else, which is refused as a proof (P6)."""
    for mime_type, marks in MARKS:
        if all(content[at : at + len(mark)] == mark for at, mark in marks):
            return mime_type
    return "application/pdf" if PDF_MARK in content[:PDF_MARK_WITHIN] else None


def is_showable(content: bytes, mime_type: str) -> bool:
    """Tell whether WhatsApp shows this file above a text: JPEG, PNG with 8 bits a colour, or PDF.

    Source: https://developers.facebook.com/documentation/business-messaging/whatsapp/business-phone-numbers/media
    """
    if mime_type == "application/pdf":
        return True
    if mime_type not in ("image/jpeg", "image/png") or len(content) > MAX_IMAGE:
        return False
    return mime_type == "image/jpeg" or tuple(content[24:26]) in EIGHT_BIT_RGB


def is_heif(content: bytes) -> bool:
    """Tell whether this is a photo as phones keep it (HEIC), which browsers do not show."""
    return content[4:8] == b"ftyp" and content[8:12] in HEIF_BRANDS
