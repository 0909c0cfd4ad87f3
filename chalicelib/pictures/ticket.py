"""Draw the ticket of a paid order. Its QR code opens the chat, which says whether the ticket is valid."""

from collections.abc import Sequence
from math import ceil

import segno
from PIL import Image

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

NUMBER_SIZES = (64, 52, 44, 36, 30, 26, 22)
SPACE = "   "  # between two numbers
LEADING = 16  # pixels between two lines of them
NUMBERS_HEIGHT = 250  # for all numbers, whose letters shrink to fit
MODULE = 8  # pixels of a module of the QR code
NO_QR_HEIGHT = 220  # of the order's code and the hint alone


def draw_ticket(ticket: TicketPicture, link: str) -> bytes:
    """Draw a ticket whose QR code has `link`; "" if the link is not known. Return a PNG."""
    inner = WIDTH - 4 * MARGIN
    titles = wrapped(drawable(ticket.title), inner, font(36, bold=True), most=2)
    lines, size = _number_lines(ticket.numbers, inner)
    facts = [(drawable(label), drawable(value)) for label, value in ticket.facts if drawable(value)]
    head = 2 * MARGIN + 46 * len(titles) + 60
    numbers_height = len(lines) * (size + LEADING)
    below = head + 24 + numbers_height + 24
    code = _qr_code(link) if link else None
    height = below + 18 + 52 * len(facts) + (code.height if code else NO_QR_HEIGHT) + MARGIN // 2 + 4
    image, draw = new_canvas(height)
    draw.rectangle((MARGIN // 2, MARGIN // 2, WIDTH - MARGIN // 2, height - MARGIN // 2), outline=ACCENT, width=4)
    draw.rectangle((MARGIN // 2, MARGIN // 2, WIDTH - MARGIN // 2, head), fill=ACCENT)
    at = 2 * MARGIN - 14
    for line in titles:
        draw.text((2 * MARGIN, at), line, fill=PAPER, font=font(36, bold=True))
        at += 46
    status, chosen = fitting("✓ " + drawable(ticket.status), inner, 30, bold=True)
    draw.text((2 * MARGIN, at + 6), status, fill=PAPER, font=chosen)
    at = head + 24
    for line in lines:
        draw.text((WIDTH // 2, at + size // 2 + 8), line, fill=INK, font=font(size, bold=True), anchor="mm")
        at += size + LEADING
    draw.line((2 * MARGIN, below, WIDTH - 2 * MARGIN, below), fill=LINE, width=2)
    at = below + 18
    for label, value in facts:
        text, chosen = fitting(label, inner // 3, 24)
        draw.text((2 * MARGIN, at + 22), text, fill=QUIET, font=chosen, anchor="lm")
        text, chosen = fitting(value, inner - inner // 3 - 16, 28, bold=True)
        draw.text((2 * MARGIN + inner // 3 + 16, at + 22), text, fill=INK, font=chosen, anchor="lm")
        at += 52
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


def _number_lines(numbers: Sequence[str], width: int) -> tuple[list[str], int]:
    """Return the numbers in lines, and the largest size in which they fit."""
    widest = max(numbers, key=len, default="")
    for size in NUMBER_SIZES:
        chosen = font(size, bold=True)
        gap = chosen.getlength(SPACE)
        a_line = max(1, int((width + gap) // (chosen.getlength(widest) + gap)))
        if ceil(len(numbers) / a_line) * (size + LEADING) <= NUMBERS_HEIGHT or size == NUMBER_SIZES[-1]:
            break
    return [SPACE.join(line) for line in batched(numbers, a_line)], size


def _qr_code(link: str) -> Image.Image:
    """Return a QR code with the quiet zone around it."""
    modules = [list(row) for row in segno.make_qr(link, error="m").matrix_iter(border=4)]
    image = Image.frombytes(
        "L", (len(modules[0]), len(modules)), bytes(0 if dark else 255 for row in modules for dark in row)
    )
    return image.resize((MODULE * image.width, MODULE * image.height), Image.Resampling.NEAREST).convert("RGB")
