"""What a picture looks like: a difference hash, by which a copy is known that was compressed or resized anew."""

from io import BytesIO
from itertools import pairwise
from typing import TYPE_CHECKING

from chalicelib.domain.image_similarity import COLUMNS, HASH_BITS, ROWS
from chalicelib.telemetry import logger

if TYPE_CHECKING:
    from PIL.Image import Image

FORMATS = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WEBP"}
# 40 million pixels are 160 MB at most, and 40 more in gray; the function has 1,024 MB. Of a larger JPEG, as a phone's
# camera takes them, only as much is decoded as is needed (`draft`).
MOST_PIXELS = 40_000_000
LARGEST_JPEG = 100_000_000
DRAFT = 1_000  # pixels each way: a JPEG is decoded as small as it can be while it has these
CONTRAST = 8  # of 255: what differs by less is a shade or the noise of compression
FEWEST_BITS = HASH_BITS // 64  # a picture with fewer edges is plain, and plain pictures look too much alike


def compute_image_hash(content: bytes, mime_type: str) -> bytes | None:
    """The look of a picture; None for a PDF, a plain picture, and whatever cannot be read. Raises nothing.

    Compare with `likeness.are_alike`.
    """
    if mime_type not in FORMATS:
        return None
    try:
        found = _difference_hash(_gray(content, FORMATS[mime_type]))
    except Exception as failure:  # noqa: BLE001 - the bytes are a stranger's, and the proof counts without this
        logger.info("a picture cannot be read", extra={"reason": type(failure).__name__})
        return None
    return found if int.from_bytes(found).bit_count() >= FEWEST_BITS else None


def _gray(content: bytes, form: str) -> "Image":
    """The first picture of the file as it is to be seen, upright, gray and small: a column wider than the hash."""
    from PIL import Image, ImageOps  # noqa: PLC0415 - only proofs need it, and it takes a while

    with Image.open(BytesIO(content), formats=[form]) as picture:
        if picture.width * picture.height > (LARGEST_JPEG if form == "JPEG" else MOST_PIXELS):
            raise ValueError("too many pixels")
        picture.draft("L", (DRAFT, DRAFT))
        gray = picture.convert("L")
    ImageOps.exif_transpose(gray, in_place=True)
    return gray.resize((COLUMNS + 1, ROWS), Image.Resampling.BICUBIC)


def _difference_hash(gray: "Image") -> bytes:
    """A bit for each place that is followed by a clearly brighter one on its right."""
    levels, width = gray.tobytes(), COLUMNS + 1
    bits = 0
    for start in range(0, ROWS * width, width):
        row = levels[start : start + width]
        for left, right in pairwise(row):
            bits = bits << 1 | (right - left > CONTRAST)
    return bits.to_bytes(HASH_BITS // 8)
