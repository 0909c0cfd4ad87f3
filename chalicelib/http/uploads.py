"""Files in forms: read the one file of a multipart/form-data body (RFC 7578), as browsers and `curl -F` send it."""

from io import BytesIO

from chalicelib.http.problems import FieldInvalid, Malformed

FORM = "multipart/form-data"
FILE = "file"  # the name of the field
EXPECTED = f"expected a form with one field, a file named {FILE}"


def is_form(content_type: str) -> bool:
    """Return whether a Content-Type is that of a form with files."""
    return content_type.partition(";")[0].strip().lower() == FORM


def read_file(content_type: str, body: bytes) -> bytes:
    """Return the content of the file in a form. What it is called and said to be does not count.

    The body's length is checked before. Raises Malformed, FieldInvalid.
    """
    from multipart import MultipartError, MultipartParser, parse_options_header  # noqa: PLC0415 - few requests need it

    _, options = parse_options_header(content_type)
    boundary = options.get("boundary", "")
    size = len(body)
    try:
        # One part more than there may be tells a form with too many from a broken one. Nothing goes to the disk.
        parser = MultipartParser(
            BytesIO(body), boundary, size, strict=True, part_limit=2, spool_limit=size, memory_limit=size, disk_limit=0
        )
        parts = list(parser)
    except (MultipartError, ValueError):  # ValueError: a boundary or a name that can't be decoded
        raise Malformed(f"The body is not {FORM}: {EXPECTED}.") from None
    if len(parts) != 1 or parts[0].name != FILE or parts[0].filename is None:
        raise FieldInvalid(FILE, EXPECTED)
    content: bytes = parts[0].raw
    return content
