"""Hash what a picture looks like, so that a copy is recognised after it was compressed or resized.

The hash is a difference hash: https://www.hackerfactor.com/blog/index.php?/archives/529-Kind-of-Like-That.html
"""

from io import BytesIO
from itertools import pairwise
from typing import TYPE_CHECKING

from chalicelib.adapters.picture_headers import PictureUnfit, read_headers
from chalicelib.domain.image_similarity import COLUMNS, HASH_BITS, ROWS
from chalicelib.telemetry import logger

if TYPE_CHECKING:
    from PIL.Image import Image

FORMATS = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WEBP"}
DRAFT = 1_000  # pixels: a JPEG is decoded as small as possible, but at least this wide and high
CONTRAST = 8  # of 255: smaller differences are shades or noise from compression
# Exif's orientations other than upright, and the turn that puts each right.
TURNS = {
    2: "FLIP_LEFT_RIGHT",
    3: "ROTATE_180",
    4: "FLIP_TOP_BOTTOM",
    5: "TRANSPOSE",
    6: "ROTATE_270",
    7: "TRANSVERSE",
    8: "ROTATE_90",
}
MIN_BITS = HASH_BITS // 64  # a picture with fewer edges is plain, and plain pictures all look alike


def compute_image_hash(content: bytes, mime_type: str) -> bytes | None:
    """Return the hash of a picture. Raises nothing.

    None for a PDF, a plain picture, one that is damaged, or one that would take too much to decode (P9). At the limits
    of `picture_headers` it takes 128 MB beside the file, and two seconds. Compare two hashes with
    `image_similarity.are_alike`.
    """
    if mime_type not in FORMATS:
        return None
    try:
        image_hash = _difference_hash(_gray(content, mime_type))
    except PictureUnfit as failure:
        logger.info("a picture is not decoded", extra={"reason": str(failure)})
        return None
    except Exception as failure:  # noqa: BLE001 - the bytes come from a stranger, and a proof counts without a hash
        logger.info("a picture cannot be read", extra={"reason": type(failure).__name__})
        return None
    return image_hash if int.from_bytes(image_hash).bit_count() >= MIN_BITS else None


def _gray(content: bytes, mime_type: str) -> "Image":
    """Return the file's first picture upright, gray and small: one column wider than the hash. Raises PictureUnfit."""
    from PIL import Image  # noqa: PLC0415 - slow to import, and only proofs need it

    picture = read_headers(content, mime_type)
    gray = _decode(picture.content, FORMATS[mime_type])
    if picture.orientation in TURNS:
        gray = gray.transpose(Image.Transpose[TURNS[picture.orientation]])
    return gray.resize((COLUMNS + 1, ROWS), Image.Resampling.BICUBIC)


def _decode(content: bytes, form: str) -> "Image":
    from PIL import Image  # noqa: PLC0415 - as above

    with Image.open(BytesIO(content), formats=[form]) as picture:
        picture.draft("L", (DRAFT, DRAFT))
        return picture.convert("L")


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
