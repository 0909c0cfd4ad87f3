"""Small files that would take gigabytes or minutes to decode, and harmless ones at the limits."""

import struct
import zlib
from collections.abc import Iterable
from io import BytesIO
from itertools import repeat

from PIL import Image

PNG_MARK = b"\x89PNG\r\n\x1a\n"
SOS, EOI = b"\xff\xda", b"\xff\xd9"
GRAY, RGBA = 0, 6  # colour types of PNG


# PNG


def chunk(name: bytes, content: bytes = b"") -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png(
    width: int,
    height: int,
    rows: Iterable[bytes],
    *,
    depth: int = 8,
    colour: int = GRAY,
    before: bytes = b"",
    after: bytes = b"",
) -> bytes:
    """A PNG of these rows, with more chunks before and after its pixels. Each row begins with its filter's byte."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    packer = zlib.compressobj(9)
    pixels = b"".join([*map(packer.compress, rows), packer.flush()])
    return PNG_MARK + chunk(b"IHDR", header) + before + chunk(b"IDAT", pixels) + after + chunk(b"IEND")


def flat_png() -> bytes:
    return png(40_000_000, 1, repeat(bytes(1_000_000), 41))


def tall_png() -> bytes:
    """80 KB of 1 × 40,000,000 pixels."""
    return png(1, 40_000_000, repeat(bytes(1_000_000), 80))


def striped_png(*, before: bytes = b"", after: bytes = b"") -> bytes:
    rows = repeat(b"\0" + (b"\0" * 50 + b"\xff" * 50) * 9, 900)
    return png(900, 900, rows, before=before, after=after)


def png_of_texts() -> bytes:
    """Sixty texts of 1 MB each when unpacked, and a colour profile of 64 MB."""
    text = zlib.compress(bytes(2**20 - 1), 9)
    profile = zlib.compress(bytes(64 * 2**20), 1)
    texts = b"".join(chunk(b"zTXt", b"key%d\0\0" % number + text) for number in range(60))
    return striped_png(before=chunk(b"iCCP", b"profile\0\0" + profile) + texts, after=texts)


def png_of_empty_chunks() -> bytes:
    return striped_png(before=chunk(b"tEXt") * 1_300_000)


def animated_png() -> bytes:
    """It says that it has a million frames, of which some follow."""
    control = struct.pack(">IIIIIHHBB", 0, 900, 900, 0, 0, 1, 10, 0, 0)
    frames = b"".join(
        chunk(b"fcTL", struct.pack(">I", 2 * number + 1) + control[4:])
        + chunk(b"fdAT", struct.pack(">I", 2 * number + 2) + zlib.compress(bytes(901 * 900), 1))
        for number in range(1000)
    )
    begin = chunk(b"acTL", struct.pack(">II", 1_000_000, 0)) + chunk(b"fcTL", control)
    return striped_png(before=begin, after=frames)


def png_at_the_limits() -> bytes:
    """25 million pixels of four channels, 16 bits each."""
    row = b"\0" + (bytes(8 * 250) + b"\xff" * (8 * 250)) * 10
    return png(5000, 5000, repeat(row, 5000), depth=16, colour=RGBA)


# JPEG


def photo(width: int, height: int, mode: str = "RGB") -> Image.Image:
    stripes = Image.effect_mandelbrot((300, 300), (-2, -1.5, 1, 1.5), 30)
    return stripes.resize((width, height)).convert(mode)


def saved(picture: Image.Image, form: str = "JPEG", **options: object) -> bytes:
    file = BytesIO()
    picture.save(file, form, **options)
    return file.getvalue()


def stripes(width: int, height: int) -> Image.Image:
    """Upright, 64 pixels wide: each block of 8 × 8 is plain, so that a scan takes few bytes."""
    row = bytes(255 * (place // 64 % 2) for place in range(width))
    return Image.frombytes("L", (width, 1), row).resize((width, height), Image.Resampling.NEAREST).convert("RGB")


def jpeg_of_scans(scans: int, width: int, height: int) -> bytes:
    """A progressive JPEG whose last scan is repeated, so that there are this many."""
    whole = saved(stripes(width, height), progressive=True).removesuffix(EOI)
    last = whole[whole.rindex(SOS) :]
    return whole + last * (scans - whole.count(SOS)) + EOI


def jpeg_of_exif_tags() -> bytes:
    """5,400 tags, each of which has the same 64 KB as its value."""
    count = 5400
    tags = b"".join(struct.pack(">HHII", 0x8000 + number, 7, 65_000, 0) for number in range(count))
    tiff = b"MM\0*" + struct.pack(">IH", 8, count) + tags + bytes(4)
    exif = b"Exif\0\0" + tiff + bytes(65_533 - 8 - len(tiff))
    whole = saved(photo(900, 900))
    return whole[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + whole[2:]


def jpeg_of_segments() -> bytes:
    whole = saved(photo(900, 900))
    return whole[:2] + b"\xff\xfe\x00\x02" * 4_000_000 + whole[2:]


def cmyk_jpeg() -> bytes:
    return saved(photo(5000, 5000, "CMYK"), quality=30, progressive=True)


# WebP


def webp(*chunks: bytes) -> bytes:
    content = b"WEBP" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(content)) + content


def riff(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content + bytes(len(content) % 2)


def plain_lossless(width: int, height: int) -> bytes:
    """Thirty bytes as a file, however many pixels: each of the five codes has one symbol, which takes no bits."""
    # No transform, no cache, no further codes. Then each code is simple, has one symbol, of one bit, which is 0.
    bits = "000" + "1000" * 5
    value = 0x2F | (width - 1) << 8 | (height - 1) << 22
    for place, bit in enumerate(bits):
        value |= int(bit) << (40 + place)
    return riff(b"VP8L", value.to_bytes(10, "little"))


def frame(width: int, height: int, pixels: bytes) -> bytes:
    sizes = b"".join(number.to_bytes(3, "little") for number in (0, 0, width - 1, height - 1, 10))
    return riff(b"ANMF", sizes + b"\0" + pixels)


def canvas(width: int, height: int) -> bytes:
    sides = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return riff(b"VP8X", b"\x02\0\0\0" + sides) + riff(b"ANIM", bytes(6))


def large_webp() -> bytes:
    return webp(plain_lossless(16_383, 16_383))


def large_canvas_webp() -> bytes:
    """A canvas of a gigabyte, for frames that are small."""
    small = saved(photo(900, 900), "WEBP")[12:]
    return webp(canvas(16_383, 16_383), frame(900, 900, small) * 50)


def webp_of_frames() -> bytes:
    return webp(canvas(900, 900), frame(900, 900, plain_lossless(900, 900)) * 100_000)


def webp_at_the_limits() -> bytes:
    return saved(photo(2500, 2500), "WEBP", quality=30, method=0)


# Files that are no proofs


def gif() -> bytes:
    """It says that it has 65,535 × 65,535 pixels, in a hundred thousand frames."""
    head = b"GIF89a" + struct.pack("<HHBBB", 65_535, 65_535, 0x80, 0, 0) + bytes(6)
    picture = b"," + struct.pack("<HHHHB", 0, 0, 65_535, 65_535, 0) + b"\x02\x02\x44\x01\x00"
    return head + picture * 100_000 + b";"


def tiff() -> bytes:
    """It says that it has 40,000 × 40,000 pixels, in strips that all lie at the same place."""
    values = {256: 40_000, 257: 40_000, 258: 8, 259: 1, 262: 1, 273: 200, 277: 1, 278: 40_000, 279: 2**31}
    tags = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in values.items())
    return b"II*\0" + struct.pack("<IH", 8, len(values)) + tags + bytes(4) + bytes(1000)


def truncated(content: bytes) -> bytes:
    return content[: len(content) // 2]
