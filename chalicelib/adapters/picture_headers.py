"""Judge pictures of strangers by their headers, before anything decodes them.

A small file can claim a huge size, or hold so many parts that decoding it takes gigabytes or minutes. What it would
take is estimated here from its headers. Parts that its pixels do not need are left out: texts, profiles, Exif data,
thumbnails, further pictures. The decoder never sees them.
"""

import re
import struct
from collections.abc import Callable
from typing import NamedTuple

MAX_SIDE = 12_000  # pixels
MAX_PIXELS = 25_000_000
MAX_SCANS = 100  # of a JPEG. A progressive one has about ten
MAX_SCANNED_PIXELS = 300_000_000  # of all scans of a JPEG together: each may pass over all of its pixels
MAX_PARTS = 10_000  # segments or chunks. 16 MB in chunks of 8 KB, as libpng writes them, are 2,000
MAX_DECODED_BYTES = 128 * 2**20  # what decoding may take beside the file itself

# A WebP is decoded into canvas, last canvas, lossless pixels, a copy and the picture: 4 bytes a pixel each, and 1 gray.
WEBP_BYTES_A_PIXEL = 21
# In a lossless WebP, each block of 16 pixels may have tables of its own. They take this much, and 20 bits of the file.
WEBP_BYTES_OF_TABLES = 6_000
WEBP_BITS_OF_TABLES = 20
WEBP_MAX_TABLES = 65_536
PNG_BYTES_A_PIXEL = 5  # at most four channels, and gray


class PictureUnfit(Exception):
    """Decoding the picture might take too much, or it is damaged. The text says which, and quotes nothing of it."""


class Picture(NamedTuple):
    """A picture that can be decoded without harm.

    Attributes:
        content: a file of the same type, with the parts alone that its pixels need.
        orientation: as in Exif: 1 is upright, the others up to 8 say how to turn it.
    """

    content: bytes
    orientation: int


def read_headers(content: bytes, mime_type: str) -> Picture:
    """Return the parts of a JPEG, PNG or WebP that its first picture needs.

    Takes no more memory than the file has, twice, and less than 0.1 s. Raises PictureUnfit.
    """
    try:
        return READERS[mime_type](content)
    except (struct.error, IndexError):
        raise PictureUnfit("its headers are damaged") from None


def _check_size(width: int, height: int, *, bytes_a_pixel: float, more_bytes: int = 0) -> None:
    if not (width and height):
        raise PictureUnfit("it has no pixels")
    if max(width, height) > MAX_SIDE:
        raise PictureUnfit("a side is too long")
    if width * height > MAX_PIXELS:
        raise PictureUnfit("too many pixels")
    if width * height * bytes_a_pixel + more_bytes > MAX_DECODED_BYTES:
        raise PictureUnfit("decoding it would take too much memory")


# JPEG: https://www.w3.org/Graphics/JPEG/itu-t81.pdf, B.1

# A marker that matters. In the data of a scan, FF is followed by 00, or by D0 to D7 where the decoder restarts. An FF
# before the marker's own is padding.
MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
SOI, EOI, SOS, APP1, TEM = 0xD8, 0xD9, 0xDA, 0xE1, 0x01
# Huffman coding only: baseline, extended, progressive. No camera writes the others, and arithmetic coding is slow.
FRAMES = (0xC0, 0xC1, 0xC2)
OTHER_FRAMES = frozenset(range(0xC3, 0xD0)) - {0xC4, 0xC8, 0xCC}
PROGRESSIVE = 0xC2
TABLES = (0xC4, 0xDB, 0xDD)  # Huffman, quantisation, restart interval
COLOURS = (0xE0, 0xEE)  # JFIF and Adobe: how colours are meant
MAX_COLOURS = 64  # bytes. A JFIF segment has more only for a thumbnail


class _Frame(NamedTuple):
    width: int
    height: int
    components: int
    samples: float  # of all components, for each pixel
    progressive: bool


def _read_jpeg(content: bytes) -> Picture:
    kept = [content[:2]]
    frame: _Frame | None = None
    orientation = 1
    scans = 0
    begin = end = len(content)  # of the scans
    at = 2
    for _ in range(MAX_PARTS):
        found = MARKER.search(content, at)
        if found is None:
            break
        code = content[found.end() - 1]
        if code == EOI:
            end = found.end()
            break
        if code == TEM:
            at = found.end()
            continue
        at = found.end() + _length_of_segment(content, code, found.end())
        segment = content[found.start() : at]
        if code == SOS:
            scans += 1
            begin = min(begin, found.start())
            if scans > MAX_SCANS:
                raise PictureUnfit("too many scans")
        elif code in FRAMES:
            if frame is not None:
                raise PictureUnfit("it has two sizes")
            frame = _read_frame(segment)
        elif code == APP1 and segment[4:10] == b"Exif\0\0":
            orientation = _read_orientation(segment[10:])
        if not scans and (code in (*FRAMES, *TABLES) or (code in COLOURS and len(segment) <= MAX_COLOURS)):
            kept.append(segment)
    else:
        raise PictureUnfit("too many parts")
    if frame is None or not scans:
        raise PictureUnfit("it has no pixels")
    _check_frame(frame, scans)
    return Picture(b"".join([*kept, memoryview(content)[begin:end]]), orientation)


def _length_of_segment(content: bytes, code: int, at: int) -> int:
    [length] = struct.unpack_from(">H", content, at)
    if length < 2 or code == SOI or code in OTHER_FRAMES:
        raise PictureUnfit("its headers are damaged or of a kind that is not read")
    return int(length)


def _read_frame(segment: bytes) -> _Frame:
    height, width, components = struct.unpack_from(">HHB", segment, 5)
    factors = [(factor >> 4, factor & 15) for factor in segment[11 : 10 + 3 * components : 3]]
    largest = max(across for across, _ in factors) * max(down for _, down in factors) if factors else 0
    if len(factors) != components or not largest:
        raise PictureUnfit("its headers are damaged")
    samples = sum(across * down for across, down in factors) / largest
    return _Frame(width, height, components, samples, segment[1] == PROGRESSIVE)


def _check_frame(frame: _Frame, scans: int) -> None:
    """Check what decoding takes at most. Its size is reduced only for pictures that are large in both directions."""
    bytes_a_pixel: float = 5 if frame.components > 3 else 2
    if frame.progressive or scans > 1:
        bytes_a_pixel += 2 * frame.samples  # the coefficients of the whole picture are kept until the last scan
    _check_size(frame.width, frame.height, bytes_a_pixel=bytes_a_pixel)
    if frame.width * frame.height * scans > MAX_SCANNED_PIXELS:
        raise PictureUnfit("too many scans for its size")


# PNG: https://www.w3.org/TR/png-3/, 5

PNG_CHUNKS = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")


def _read_png(content: bytes) -> Picture:
    view = memoryview(content)
    kept = [view[:8]]
    orientation = 1
    at = 8
    for number in range(MAX_PARTS):
        if at + 8 > len(content):
            break
        length, name = struct.unpack_from(">I4s", content, at)
        if (name == b"IHDR") != (number == 0):
            raise PictureUnfit("its headers are damaged")
        if number == 0:
            width, height = struct.unpack_from(">II", content, at + 8)
            _check_size(width, height, bytes_a_pixel=PNG_BYTES_A_PIXEL)
        if name == b"eXIf":
            orientation = _read_orientation(content[at + 8 : at + 8 + length])
        if name in PNG_CHUNKS:
            kept.append(view[at : at + 12 + length])
        if name == b"IEND":
            break
        at += 12 + length
    else:
        raise PictureUnfit("too many parts")
    return Picture(b"".join(kept), orientation)


# WebP: https://developers.google.com/speed/webp/docs/riff_container

LOSSY, LOSSLESS = b"VP8 ", b"VP8L"


def _read_webp(content: bytes) -> Picture:
    """Keep the pixels of the first picture alone, without a canvas around it, transparency or animation."""
    pixels = b""
    orientation = 1
    at = 12
    for _ in range(MAX_PARTS):
        if at + 8 > len(content):
            break
        name, length = struct.unpack_from("<4sI", content, at)
        if name == b"ANMF" and not pixels:
            at += 8 + 16  # go on inside of the first frame, behind its header
            continue
        if name == b"EXIF":
            orientation = _read_orientation(content[at + 8 : at + 8 + length].removeprefix(b"Exif\0\0"))
        elif name in (LOSSY, LOSSLESS) and not pixels:
            pixels = content[at : at + 8 + length + length % 2]
            _check_webp(name, pixels)
        at += 8 + length + length % 2
    else:
        raise PictureUnfit("too many parts")
    if not pixels:
        raise PictureUnfit("it has no pixels")
    return Picture(b"RIFF" + struct.pack("<I", 4 + len(pixels)) + b"WEBP" + pixels, orientation)


def _check_webp(name: bytes, pixels: bytes) -> None:
    tables = 0
    if name == LOSSY:
        width, height = (side & 0x3FFF for side in struct.unpack_from("<HH", pixels, 8 + 6))
    else:
        [sides] = struct.unpack_from("<I", pixels, 8 + 1)
        width, height = (sides & 0x3FFF) + 1, (sides >> 14 & 0x3FFF) + 1
        tables = min(WEBP_MAX_TABLES, width * height // 16, len(pixels) * 8 // WEBP_BITS_OF_TABLES)
    _check_size(width, height, bytes_a_pixel=WEBP_BYTES_A_PIXEL, more_bytes=tables * WEBP_BYTES_OF_TABLES)


# Exif: a TIFF of which the first directory names the orientation

ORIENTATION, SHORT = 0x0112, 3


def _read_orientation(tiff: bytes) -> int:
    """Return the orientation that Exif data name, or 1.

    Pillow would read all tags. A few thousand that point to the same 64 KB take hundreds of megabytes.
    """
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None:
        return 1
    try:
        [directory] = struct.unpack_from(f"{order}I", tiff, 4)
        [count] = struct.unpack_from(f"{order}H", tiff, directory)
        for place in range(directory + 2, directory + 2 + 12 * count, 12):
            tag, kind, _, value = struct.unpack_from(f"{order}HHIH", tiff, place)
            if tag == ORIENTATION:
                return int(value) if kind == SHORT and value in range(1, 9) else 1
    except struct.error:
        pass  # a picture without readable tags is as good as one without tags
    return 1


READERS: dict[str, Callable[[bytes], Picture]] = {
    "image/jpeg": _read_jpeg,
    "image/png": _read_png,
    "image/webp": _read_webp,
}
