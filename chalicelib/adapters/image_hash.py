"""Hash what a picture looks like, so that a copy is recognised after it was compressed or resized.

The hash is a difference hash: https://www.hackerfactor.com/blog/index.php?/archives/529-Kind-of-Like-That.html
"""

from io import BytesIO
from itertools import pairwise
from typing import TYPE_CHECKING

from chalicelib.domain.image_similarity import COLUMNS, HASH_BITS, ROWS
from chalicelib.telemetry import logger

if TYPE_CHECKING:
    from PIL.Image import Image

FORMATS = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WEBP"}
# 40 million pixels take at most 160 MB and another 40 MB in gray; the function has 1,024 MB. A larger JPEG, as phone
# cameras take them, is decoded at a reduced size (`draft`).
MAX_PIXELS = 40_000_000
MAX_JPEG_PIXELS = 100_000_000
DRAFT = 1_000  # pixels: a JPEG is decoded as small as possible, but at least this wide and high
CONTRAST = 8  # of 255: smaller differences are shades or noise from compression
MIN_BITS = HASH_BITS // 64  # a picture with fewer edges is plain, and plain pictures all look alike


def compute_image_hash(content: bytes, mime_type: str) -> bytes | None:
    """Return the hash of a picture, or None for a PDF, a plain picture or an unreadable file. Raises nothing.

    Compare two hashes with `image_similarity.are_alike`.
    """
    if mime_type not in FORMATS:
        return None
    try:
        image_hash = _difference_hash(_gray(content, FORMATS[mime_type]))
    except Exception as failure:  # noqa: BLE001 - the bytes come from a stranger, and a proof counts without a hash
        logger.info("a picture cannot be read", extra={"reason": type(failure).__name__})
        return None
    return image_hash if int.from_bytes(image_hash).bit_count() >= MIN_BITS else None


def _gray(content: bytes, form: str) -> "Image":
    """Return the file's first picture upright, gray and small: one column wider than the hash."""
    from PIL import Image, ImageOps  # noqa: PLC0415 - slow to import, and only proofs need it

    with Image.open(BytesIO(content), formats=[form]) as picture:
        if picture.width * picture.height > (MAX_JPEG_PIXELS if form == "JPEG" else MAX_PIXELS):
            raise ValueError("too many pixels")
        picture.draft("L", (DRAFT, DRAFT))
        gray = picture.convert("L")
    ImageOps.exif_transpose(gray, in_place=True)
    return gray.resize((COLUMNS + 1, ROWS), Image.Resampling.BICUBIC)


def _difference_hash(gray: "Image") -> bytes:
    """Set a bit for each pixel whose right neighbour is clearly brighter."""
    levels = gray.tobytes()
    width = COLUMNS + 1
    bits = 0
    for start in range(0, ROWS * width, width):
        row = levels[start : start + width]
        for left, right in pairwise(row):
            bits = bits << 1 | (right - left > CONTRAST)
    return bits.to_bytes(HASH_BITS // 8)
