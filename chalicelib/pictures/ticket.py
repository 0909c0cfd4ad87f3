"""Draw the ticket of a paid order. Its QR code opens the chat, which says whether the ticket is valid."""

from collections.abc import Iterator, Sequence
from math import ceil
from typing import NamedTuple

import segno
from PIL import Image, ImageDraw, ImageFont

from chalicelib.domain.batches import batched
from chalicelib.domain.pictures import TicketPicture
from chalicelib.pictures.canvas import (
    ACCENT,
    INK,
    LINE,
    MARGIN,
    PAPER,
    QUIET,
    WIDTH,
    drawable,
    encode,
    fitting,
    font,
    new_canvas,
    wrapped,
)

TITLE_SIZES = ((36, 2), (28, 4))  # pixels, and how many lines
NUMBER_SIZES = (64, 52, 44, 36, 30, 26, 22)
LEAST_FOR_ONE_LINE = 44  # pixels: smaller than that, two lines are better
SPACE = "   "  # between two numbers
LEADING = 16  # pixels between two lines of them
NUMBERS_HEIGHT = 250  # for all numbers, whose letters shrink to fit
FACT_HEIGHT = 46  # of a fact that fits beside its label
FACT_LINE = 33  # pixels between two lines of a longer one
FACT_SIZES = (28, 26, 24)
LABEL_WIDTH = 160
FACT_LINES = 6  # for the 200 characters of a prize
MODULE = 8  # pixels of a module of the QR code
NO_QR_HEIGHT = 220  # of the order's code and the hint alone


class _Fact(NamedTuple):
    """A label, and the lines of what it says: one beside the label, or all below it."""

    label: str
    lines: list[str]
    size: int
    is_beside: bool

    @property
    def height(self) -> int:
        return FACT_HEIGHT if self.is_beside else FACT_HEIGHT + FACT_LINE * len(self.lines)


def draw_ticket(ticket: TicketPicture, link: str) -> bytes:
    """Draw a ticket whose QR code has `link`; "" if the link is not known. Return a PNG."""
    inner = WIDTH - 4 * MARGIN
    titles, title_size = _title_lines(drawable(ticket.title), inner)
    leading = title_size + 10
    lines, size = _number_lines(ticket.numbers, inner)
    facts = [_fact(drawable(label), drawable(value), inner) for label, value in ticket.facts if drawable(value)]
    head = 2 * MARGIN + leading * len(titles) + 60
    numbers_height = len(lines) * (size + LEADING)
    below = head + 24 + numbers_height + 24
    code = _qr_code(link) if link else None
    height = below + 18 + sum(fact.height for fact in facts) + (code.height if code else NO_QR_HEIGHT)
    height += MARGIN // 2 + 4
    image, draw = new_canvas(height)
    draw.rectangle((MARGIN // 2, MARGIN // 2, WIDTH - MARGIN // 2, height - MARGIN // 2), outline=ACCENT, width=4)
    draw.rectangle((MARGIN // 2, MARGIN // 2, WIDTH - MARGIN // 2, head), fill=ACCENT)
    at = 2 * MARGIN - 14
    for line in titles:
        draw.text((2 * MARGIN, at), line, fill=PAPER, font=font(title_size, bold=True))
        at += leading
    status, chosen = fitting("✓ " + drawable(ticket.status), inner, 30, bold=True)
    draw.text((2 * MARGIN, at + 6), status, fill=PAPER, font=chosen)
    at = head + 24
    for line in lines:
        draw.text((WIDTH // 2, at + size // 2 + 8), line, fill=INK, font=font(size, bold=True), anchor="mm")
        at += size + LEADING
    draw.line((2 * MARGIN, below, WIDTH - 2 * MARGIN, below), fill=LINE, width=2)
    at = below + 18
    for fact in facts:
        _draw_fact(draw, at, fact)
        at += fact.height
    left = 2 * MARGIN
    if code is not None:
        image.paste(code, (MARGIN, at))
        left = MARGIN + code.width
    room = WIDTH - 2 * MARGIN - left
    text, chosen = fitting(ticket.code, room, 44, bold=True)
    draw.text((left, at + 50), text, fill=INK, font=chosen)
    at += 114
    for line in wrapped(drawable(ticket.hint), room, font(24), most=3):
        draw.text((left, at), line, fill=QUIET, font=font(24))
        at += 32
    return encode(image)


def _title_lines(title: str, width: int) -> tuple[list[str], int]:
    """Return the lines of a title, and the size of their letters. A long one is smaller and takes more lines."""
    for size, most in TITLE_SIZES:
        lines = wrapped(title, width, font(size, bold=True), most=most)
        if lines and not lines[-1].endswith("…"):
            break
    return lines, size


def _fact(label: str, value: str, width: int) -> _Fact:
    """Lay out a fact: beside its label if it fits there, else below it, on as many lines as it needs."""
    for size in FACT_SIZES:
        if font(size, bold=True).getlength(value) <= width - LABEL_WIDTH:
            return _Fact(label, [value], size, is_beside=True)
    chosen = font(size, bold=True)
    lines = wrapped(" ".join(_pieces(value, width, chosen)), width, chosen, most=FACT_LINES)
    return _Fact(label, lines, size, is_beside=False)


def _pieces(text: str, width: int, chosen: ImageFont.FreeTypeFont) -> Iterator[str]:
    """Yield the words of a text; those that are wider than a line in pieces, so that nothing of them is lost."""
    for word in text.split():
        rest = word
        while chosen.getlength(rest) > width:
            count = next(count for count in range(len(rest), 0, -1) if chosen.getlength(rest[:count]) <= width)
            yield rest[:count]
            rest = rest[count:]
        yield rest


def _draw_fact(draw: ImageDraw.ImageDraw, up: int, fact: _Fact) -> None:
    left, middle = 2 * MARGIN, up + FACT_HEIGHT // 2
    label, chosen = fitting(fact.label, LABEL_WIDTH - 10, 24)
    draw.text((left, middle), label, fill=QUIET, font=chosen, anchor="lm")
    if fact.is_beside:
        draw.text((left + LABEL_WIDTH, middle), fact.lines[0], fill=INK, font=font(fact.size, bold=True), anchor="lm")
        return
    for line in fact.lines:
        middle += FACT_LINE
        draw.text((left, middle), line, fill=INK, font=font(fact.size, bold=True), anchor="lm")


def _number_lines(numbers: Sequence[str], width: int) -> tuple[list[str], int]:
    """Return the numbers in lines, and the largest size in which they fit: on one line if that is large enough."""
    for size in NUMBER_SIZES:
        if size < LEAST_FOR_ONE_LINE:
            break
        if _count_in_line(numbers, width, size) >= len(numbers):
            return [SPACE.join(numbers)], size
    for size in NUMBER_SIZES:
        in_line = _count_in_line(numbers, width, size)
        if ceil(len(numbers) / in_line) * (size + LEADING) <= NUMBERS_HEIGHT or size == NUMBER_SIZES[-1]:
            break
    return [SPACE.join(line) for line in batched(numbers, in_line)], size


def _count_in_line(numbers: Sequence[str], width: int, size: int) -> int:
    chosen = font(size, bold=True)
    gap = chosen.getlength(SPACE)
    widest = max(numbers, key=len, default="")
    return max(1, int((width + gap) // (chosen.getlength(widest) + gap)))


def _qr_code(link: str) -> Image.Image:
    """Return a QR code with the quiet zone around it."""
    modules = [list(row) for row in segno.make_qr(link, error="m").matrix_iter(border=4)]
    image = Image.frombytes(
        "L", (len(modules[0]), len(modules)), bytes(0 if dark else 255 for row in modules for dark in row)
    )
    return image.resize((MODULE * image.width, MODULE * image.height), Image.Resampling.NEAREST).convert("RGB")
