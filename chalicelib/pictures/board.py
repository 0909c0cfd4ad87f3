"""Draw the board of a raffle: which numbers are free, held, sold, and one's own.

The four look different without colours, too: held numbers are hatched, sold ones are dark and struck through, one's own
have a thick frame and a tick.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import ceil
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFont

from chalicelib.pictures.canvas import (
    ACCENT,
    INK,
    LINE,
    MARGIN,
    QUIET,
    WIDTH,
    drawable,
    encode,
    fitting,
    font,
    new_canvas,
    wrapped,
)

COLUMNS = 10
MAX_NUMBERS = 200  # in one picture; of more, the map shows blocks
MAX_BLOCKS = 100
GAP = 6
CELL = (WIDTH - 2 * MARGIN + GAP) // COLUMNS - GAP
BLOCK_COLUMNS = 4
BLOCK_WIDTH = (WIDTH - 2 * MARGIN + 2 * GAP) // BLOCK_COLUMNS - 2 * GAP
BLOCK_HEIGHT = 70
LABEL_SIZES = {1: 30, 2: 28, 3: 24, 4: 20}  # pixels, by the length of a label
LONGEST_LABEL = 4  # digits that can be read in a cell on a phone; of longer numbers, a cell shows the end
TITLE_LINES = 2


class State(StrEnum):
    FREE = "free"
    HELD = "held"
    SOLD = "sold"
    OWN = "own"


class Block(NamedTuple):
    """A range of numbers on the map. `first` and `last` as they are shown."""

    first: str
    last: str
    free: int
    total: int


@dataclass(frozen=True, kw_only=True)
class BoardTexts:
    """The words of a picture, in somebody's language.

    Attributes:
        subtitle: such as the price and how many are free.
        legend: what each state is called.
        free: says how many numbers of a block are free, given a count.
        full: says that none is.
    """

    title: str
    subtitle: str
    legend: Mapping[State, str]
    free: Mapping[int, str] | None = None
    full: str = ""


def draw_board(texts: BoardTexts, numbers: Sequence[tuple[str, State]]) -> bytes:
    """Draw up to MAX_NUMBERS numbers, each as it is shown and with its state. Return a PNG."""
    if len(numbers) > MAX_NUMBERS:
        raise ValueError(f"{len(numbers)} numbers, at most {MAX_NUMBERS} fit")
    rows = ceil(len(numbers) / COLUMNS)
    top = _heading_height(texts)
    shown = [state for state in State if any(state is other for _, other in numbers)]
    image, draw = new_canvas(top + rows * (CELL + GAP) + 70)
    _draw_heading(draw, texts)
    hatching = _hatching()
    for at, (label, state) in enumerate(numbers):
        row, column = divmod(at, COLUMNS)
        corner = MARGIN + column * (CELL + GAP), top + row * (CELL + GAP)
        _draw_cell(image, draw, corner, label if len(label) <= LONGEST_LABEL else f"…{label[-3:]}", state, hatching)
    _draw_legend(image, draw, top + rows * (CELL + GAP) + 10, texts, shown, hatching)
    return encode(image)


def draw_map(texts: BoardTexts, blocks: Sequence[Block]) -> bytes:
    """Draw a large board as blocks of numbers, with how many are free in each. Return a PNG."""
    if len(blocks) > MAX_BLOCKS:
        raise ValueError(f"{len(blocks)} blocks, at most {MAX_BLOCKS} fit")
    rows = ceil(len(blocks) / BLOCK_COLUMNS)
    top = _heading_height(texts)
    image, draw = new_canvas(top + rows * (BLOCK_HEIGHT + 2 * GAP) + MARGIN)
    _draw_heading(draw, texts)
    longest = max((f"{block.first}–{block.last}" for block in blocks), key=len, default="")
    _, chosen = fitting(longest, BLOCK_WIDTH - 12, 22, bold=True, least=12)
    for at, block in enumerate(blocks):
        row, column = divmod(at, BLOCK_COLUMNS)
        left, up = MARGIN + column * (BLOCK_WIDTH + 2 * GAP), top + row * (BLOCK_HEIGHT + 2 * GAP)
        _draw_block(draw, left, up, texts, block, chosen)
    return encode(image)


def _heading_height(texts: BoardTexts) -> int:
    return 24 + 42 * len(_title_lines(texts)) + (38 if texts.subtitle else 0) + 12


def _title_lines(texts: BoardTexts) -> list[str]:
    return wrapped(drawable(texts.title), WIDTH - 2 * MARGIN, font(34, bold=True), most=TITLE_LINES)


def _draw_heading(draw: ImageDraw.ImageDraw, texts: BoardTexts) -> None:
    at = 24
    for line in _title_lines(texts):
        draw.text((MARGIN, at), line, fill=INK, font=font(34, bold=True))
        at += 42
    if texts.subtitle:
        text, chosen = fitting(drawable(texts.subtitle), WIDTH - 2 * MARGIN, 26)
        draw.text((MARGIN, at + 4), text, fill=QUIET, font=chosen)


def _hatching() -> Image.Image:
    """Return a cell of a held number without its frame."""
    hatching = Image.new("RGB", (CELL + 1, CELL + 1), "#fff3c4")
    draw = ImageDraw.Draw(hatching)
    for start in range(-CELL, CELL, 12):
        draw.line((start, CELL, start + CELL, 0), fill="#f0c23b", width=3)
    return hatching


def _draw_cell(
    image: Image.Image,
    draw: ImageDraw.ImageDraw,
    corner: tuple[int, int],
    label: str,
    state: State,
    hatching: Image.Image,
) -> None:
    left, up = corner
    box = (left, up, left + CELL, up + CELL)
    middle = (left + CELL // 2, up + CELL // 2)
    size = LABEL_SIZES[len(label)]
    match state:
        case State.FREE:
            draw.rectangle(box, outline=LINE, width=2)
            draw.text(middle, label, fill=INK, font=font(size, bold=True), anchor="mm")
        case State.HELD:
            image.paste(hatching, corner)
            draw.rectangle(box, outline="#8d6708", width=2)
            half = int(font(size).getlength(label)) // 2 + 3
            draw.rectangle((middle[0] - half, middle[1] - 14, middle[0] + half, middle[1] + 14), fill="#fff3c4")
            draw.text(middle, label, fill="#5c4205", font=font(size), anchor="mm")
        case State.SOLD:
            draw.rectangle(box, fill=QUIET)
            draw.text(middle, label, fill="#cbd2d9", font=font(size), anchor="mm")
            draw.line((left + 8, up + CELL - 8, left + CELL - 8, up + 8), fill="#cbd2d9", width=3)
        case State.OWN:
            draw.rectangle(box, fill="#e3f9ee", outline=ACCENT, width=6)
            draw.text((middle[0], middle[1] + 6), label, fill=ACCENT, font=font(size - 2, bold=True), anchor="mm")
            draw.text((left + CELL - 10, up + 9), "✓", fill=ACCENT, font=font(18, bold=True), anchor="rt")


def _draw_legend(
    image: Image.Image,
    draw: ImageDraw.ImageDraw,
    up: int,
    texts: BoardTexts,
    states: Sequence[State],
    hatching: Image.Image,
) -> None:
    """Draw a small cell and the word for each state that occurs."""
    room = (WIDTH - 2 * MARGIN) // max(1, len(states))
    for at, state in enumerate(states):
        left = MARGIN + at * room
        box = (left, up, left + 30, up + 30)
        match state:
            case State.FREE:
                draw.rectangle(box, outline=LINE, width=2)
            case State.HELD:
                image.paste(hatching.crop((0, 0, 31, 31)), (left, up))
                draw.rectangle(box, outline="#8d6708", width=2)
            case State.SOLD:
                draw.rectangle(box, fill=QUIET)
                draw.line((left + 5, up + 25, left + 25, up + 5), fill="#cbd2d9", width=3)
            case State.OWN:
                draw.rectangle(box, fill="#e3f9ee", outline=ACCENT, width=4)
                draw.text((left + 15, up + 15), "✓", fill=ACCENT, font=font(20, bold=True), anchor="mm")
        text, chosen = fitting(drawable(texts.legend[state]), room - 46, 24)
        draw.text((left + 40, up + 15), text, fill=INK, font=chosen, anchor="lm")


def _draw_block(
    draw: ImageDraw.ImageDraw, left: int, up: int, texts: BoardTexts, block: Block, chosen: ImageFont.FreeTypeFont
) -> None:
    """Draw a block: the range, how many are free, and a bar that is as long as what is taken."""
    box = (left, up, left + BLOCK_WIDTH, up + BLOCK_HEIGHT)
    is_full = block.free == 0
    draw.rectangle(box, fill=QUIET if is_full else None, outline=QUIET if is_full else LINE, width=2)
    middle = left + BLOCK_WIDTH // 2
    draw.text(
        (middle, up + 20), f"{block.first}–{block.last}", fill="#ffffff" if is_full else INK, font=chosen, anchor="mm"
    )
    words = texts.full if is_full else (texts.free or {}).get(block.free, str(block.free))
    text, smaller = fitting(drawable(words), BLOCK_WIDTH - 12, 20, least=14)
    draw.text((middle, up + 44), text, fill="#e4e7eb" if is_full else ACCENT, font=smaller, anchor="mm")
    if not is_full:
        taken = round((BLOCK_WIDTH - 4) * (block.total - block.free) / block.total)
        draw.rectangle((left + 2, up + BLOCK_HEIGHT - 9, left + BLOCK_WIDTH - 2, up + BLOCK_HEIGHT - 2), fill="#e4e7eb")
        if taken:
            draw.rectangle((left + 2, up + BLOCK_HEIGHT - 9, left + 2 + taken, up + BLOCK_HEIGHT - 2), fill=QUIET)
