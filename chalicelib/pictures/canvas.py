"""What all pictures share: fonts, colours, text that fits, and small PNG files.

Pictures are drawn for a phone 360 pixels wide, at twice that size. Texts come in ready to be shown: in somebody's
language, with amounts and dates as they write them. Most messages need no picture, so import this package on first use.
"""

from functools import lru_cache
from pathlib import Path
from struct import pack
from zlib import compress, crc32

from PIL import Image, ImageDraw, ImageFont

FONTS = Path(__file__).parent / "fonts"
WIDTH = 720
MARGIN = 30
COLOURS = 64  # in a file: enough for smooth letters
SIGNATURE, NO_FILTER = b"\x89PNG\r\n\x1a\n", b"\0"  # how a PNG begins, and each line of it
INK, QUIET, PAPER, LINE = "#102a43", "#52606d", "#ffffff", "#9fb3c8"
ACCENT = "#0b6e4f"


@lru_cache(maxsize=64)
def font(size: int, *, bold: bool = False) -> ImageFont.FreeTypeFont:
    """Return DejaVu Sans in a size in pixels."""
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(str(FONTS / name), size, layout_engine=ImageFont.Layout.BASIC)


def new_canvas(height: int) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    """Return a white picture of WIDTH pixels and what draws on it."""
    image = Image.new("RGB", (WIDTH, height), PAPER)
    return image, ImageDraw.Draw(image)


def drawable(text: str) -> str:
    """Return a text without the characters that the fonts lack, such as emoji."""
    return " ".join("".join(char for char in text if ord(char) in _known()).split())


@lru_cache(maxsize=1)
def _known() -> frozenset[int]:
    missing = bytes(font(20).getmask("\ufffe"))
    codes = (*range(0x20, 0x7F), *range(0xA0, 0x180), *range(0x2010, 0x2027), *range(0x2039, 0x203B))
    codes += (*range(0x20A0, 0x20C0), *map(ord, "№™−✓✗★●○■□▲"))
    return frozenset(code for code in codes if bytes(font(20).getmask(chr(code))) != missing)


def fitting(
    text: str, width: int, size: int, *, bold: bool = False, least: int = 18
) -> tuple[str, ImageFont.FreeTypeFont]:
    """Return a text and a font in which it is at most `width` pixels wide.

    The font shrinks from `size` to `least` pixels. If that is not enough, the text is cut and ends with "…".
    """
    for pixels in range(size, least - 1, -2):
        chosen = font(pixels, bold=bold)
        if chosen.getlength(text) <= width:
            return text, chosen
    chosen = font(least, bold=bold)
    while text and chosen.getlength(text + "…") > width:
        text = text[:-1].rstrip()
    return text + "…", chosen


def wrapped(text: str, width: int, chosen: ImageFont.FreeTypeFont, *, most: int) -> list[str]:
    """Break a text into at most `most` lines of `width` pixels. The last one ends with "…" if there was more."""
    lines: list[str] = []
    words = text.split()
    while words and len(lines) < most:
        line = words.pop(0)
        while words and chosen.getlength(f"{line} {words[0]}") <= width:
            line = f"{line} {words.pop(0)}"
        is_last = len(lines) == most - 1
        rest = f"{line} {' '.join(words)}" if is_last and words else line
        while chosen.getlength(rest) > width:
            rest = rest.removesuffix("…")[:-1].rstrip() + "…"
        lines.append(rest)
    return lines


def encode(image: Image.Image, colours: int = COLOURS) -> bytes:
    """Return a picture as a PNG with few colours.

    WhatsApp takes no palette, only RGB. Pillow would choose a filter for each line, which suits photographs. Without
    any, flat areas and equal letters take two thirds of the bytes.
    """
    few = image.quantize(colours, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE).convert("RGB")
    raw, width = few.tobytes(), 3 * few.width
    lines = b"".join(NO_FILTER + raw[at : at + width] for at in range(0, len(raw), width))
    header = pack(">IIBBBBB", few.width, few.height, 8, 2, 0, 0, 0)  # 8 bits for each of red, green and blue
    return b"".join((SIGNATURE, _chunk(b"IHDR", header), _chunk(b"IDAT", compress(lines, 6)), _chunk(b"IEND", b"")))


def _chunk(kind: bytes, content: bytes) -> bytes:
    return pack(">I", len(content)) + kind + content + pack(">I", crc32(kind + content))
