"""Draw the board of a raffle: which numbers are free, held, sold, and one's own.

The four look different without colours, too: held numbers are hatched, sold ones are dark and struck through, one's own
have a thick frame and a tick.
"""

from collections.abc import Mapping, Sequence
from math import ceil

from PIL import Image, ImageDraw, ImageFont

from chalicelib.domain.pictures import (
    BLOCKS_IN_A_PICTURE,
    IN_A_PICTURE,
    BoardPicture,
    MapPicture,
    NumberState,
)
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
GAP = 6
CELL = (WIDTH - 2 * MARGIN + GAP) // COLUMNS - GAP
BLOCK_COLUMNS = 5
BLOCK_GAP = 8
BLOCK_WIDTH = (WIDTH - 2 * MARGIN + BLOCK_GAP) // BLOCK_COLUMNS - BLOCK_GAP
BLOCK_HEIGHT = 60
LEAST_LABEL = 18  # pixels of the letters in a block that can be read on a phone
LABEL_SIZES = {1: 30, 2: 28, 3: 24}  # pixels, by the length of a label
LONGEST_LABEL = 3  # digits that can be read in a cell on a phone
# Of a longer number, those that differ within a hundred stand large in the cell, below those before them.
ENDING, ENDING_SIZE = 2, 32
BEGINNING_SIZES = {2: 22, 3: 20, 4: 18, 5: 16}  # pixels, by the count of digits
BESIDE_TICK = 3  # digits of a beginning that leave room for a tick
TITLE_LINES = 2
STROKE = "#9aa5b1"  # of a sold number, below its digits, which must be read
CELL_COLOURS = 24  # in a file with numbers: each of its cells has few, and a hundred of them are a small file


def draw_board(board: BoardPicture) -> bytes:
    """Draw up to IN_A_PICTURE numbers. Return a PNG."""
    numbers = board.numbers
    if len(numbers) > IN_A_PICTURE:
        raise ValueError(f"{len(numbers)} numbers, at most {IN_A_PICTURE} fit")
    rows = ceil(len(numbers) / COLUMNS)
    top = _heading_height(board)
    shown = [state for state in NumberState if state in board.states]
    image, draw = new_canvas(top + rows * (CELL + GAP) + 70)
    _draw_heading(draw, board)
    hatching = _hatching()
    for at, (label, state) in enumerate(numbers):
        row, column = divmod(at, COLUMNS)
        corner = MARGIN + column * (CELL + GAP), top + row * (CELL + GAP)
        _draw_cell(image, draw, corner, label, state, hatching)
    _draw_legend(image, draw, top + rows * (CELL + GAP) + 10, board.legend, shown, hatching)
    return encode(image, CELL_COLOURS)


def draw_map(board: MapPicture) -> bytes:
    """Draw a large board as blocks of numbers, with how many are free in each. Return a PNG."""
    if len(board.free) > BLOCKS_IN_A_PICTURE:
        raise ValueError(f"{len(board.free)} blocks, at most {BLOCKS_IN_A_PICTURE} fit")
    rows = ceil(len(board.free) / BLOCK_COLUMNS)
    top = _heading_height(board)
    image, draw = new_canvas(top + rows * (BLOCK_HEIGHT + BLOCK_GAP) + MARGIN)
    _draw_heading(draw, board)
    for at in range(len(board.free)):
        row, column = divmod(at, BLOCK_COLUMNS)
        left, up = MARGIN + column * (BLOCK_WIDTH + BLOCK_GAP), top + row * (BLOCK_HEIGHT + BLOCK_GAP)
        _draw_block(draw, left, up, board, at)
    return encode(image)


def _heading_height(board: BoardPicture | MapPicture) -> int:
    return 24 + 42 * len(_title_lines(board)) + (38 if board.subtitle else 0) + 12


def _title_lines(board: BoardPicture | MapPicture) -> list[str]:
    return wrapped(drawable(board.title), WIDTH - 2 * MARGIN, font(34, bold=True), most=TITLE_LINES)


def _draw_heading(draw: ImageDraw.ImageDraw, board: BoardPicture | MapPicture) -> None:
    at = 24
    for line in _title_lines(board):
        draw.text((MARGIN, at), line, fill=INK, font=font(34, bold=True))
        at += 42
    if board.subtitle:
        text, chosen = fitting(drawable(board.subtitle), WIDTH - 2 * MARGIN, 26)
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
    state: NumberState,
    hatching: Image.Image,
) -> None:
    left, up = corner
    box = (left, up, left + CELL, up + CELL)
    beginning = label[:-ENDING] if len(label) > LONGEST_LABEL else ""
    label = label[len(beginning) :]
    middle = (left + CELL // 2, up + CELL // 2 + 9 * bool(beginning))
    size = ENDING_SIZE if beginning else LABEL_SIZES[len(label)]
    match state:
        case NumberState.FREE:
            draw.rectangle(box, outline=LINE, width=2)
            draw.text(middle, label, fill=INK, font=font(size, bold=True), anchor="mm")
        case NumberState.HELD:
            image.paste(hatching, corner)
            draw.rectangle(box, outline="#8d6708", width=2)
            half = int(font(size).getlength(label)) // 2 + 3
            draw.rectangle((middle[0] - half, middle[1] - 14, middle[0] + half, middle[1] + 14), fill="#fff3c4")
            draw.text(middle, label, fill="#5c4205", font=font(size), anchor="mm")
        case NumberState.SOLD:
            draw.rectangle(box, fill=QUIET)
            draw.line((left + 4, up + CELL - 4, left + CELL - 4, up + 4), fill=STROKE, width=4)
            draw.text(middle, label, fill="#ffffff", font=font(size), anchor="mm")
        case NumberState.OWN:
            draw.rectangle(box, fill="#e3f9ee", outline=ACCENT, width=6)
            lower = 2 if beginning else 6
            draw.text((middle[0], middle[1] + lower), label, fill=ACCENT, font=font(size - 2, bold=True), anchor="mm")
            if len(beginning) < BESIDE_TICK:
                draw.text((left + CELL - 8, up + 8), "✓", fill=ACCENT, font=font(18, bold=True), anchor="rt")
    if beginning:
        _draw_beginning(draw, left, up, beginning, state)


def _draw_beginning(draw: ImageDraw.ImageDraw, left: int, up: int, digits: str, state: NumberState) -> None:
    """Draw the first digits of a long number above its last ones. All numbers of a picture begin about alike."""
    chosen = font(BEGINNING_SIZES[len(digits)])
    middle = (left + CELL // 2, up + 15)
    match state:
        case NumberState.FREE:
            draw.text(middle, digits, fill=INK, font=chosen, anchor="mm")
        case NumberState.HELD:
            half = int(chosen.getlength(digits)) // 2 + 2
            draw.rectangle((middle[0] - half, up + 4, middle[0] + half, up + 26), fill="#fff3c4")
            draw.text(middle, digits, fill="#5c4205", font=chosen, anchor="mm")
        case NumberState.SOLD:
            draw.text(middle, digits, fill="#ffffff", font=chosen, anchor="mm")
        case NumberState.OWN:
            at = (left + 9, up + 18) if len(digits) < BESIDE_TICK else (left + CELL // 2, up + 18)
            anchor = "lm" if len(digits) < BESIDE_TICK else "mm"
            draw.text(at, digits, fill=ACCENT, font=font(BEGINNING_SIZES[len(digits)] - 2), anchor=anchor)


def _draw_legend(
    image: Image.Image,
    draw: ImageDraw.ImageDraw,
    up: int,
    legend: Mapping[str, str],
    states: Sequence[NumberState],
    hatching: Image.Image,
) -> None:
    """Draw a small cell and the word for each state that occurs."""
    room = (WIDTH - 2 * MARGIN) // max(1, len(states))
    for at, state in enumerate(states):
        left = MARGIN + at * room
        box = (left, up, left + 30, up + 30)
        match state:
            case NumberState.FREE:
                draw.rectangle(box, outline=LINE, width=2)
            case NumberState.HELD:
                image.paste(hatching.crop((0, 0, 31, 31)), (left, up))
                draw.rectangle(box, outline="#8d6708", width=2)
            case NumberState.SOLD:
                draw.rectangle(box, fill=QUIET)
                draw.line((left + 3, up + 27, left + 27, up + 3), fill=STROKE, width=4)
            case NumberState.OWN:
                draw.rectangle(box, fill="#e3f9ee", outline=ACCENT, width=4)
                draw.text((left + 15, up + 15), "✓", fill=ACCENT, font=font(20, bold=True), anchor="mm")
        text, chosen = fitting(drawable(legend[state]), room - 46, 24)
        draw.text((left + 40, up + 15), text, fill=INK, font=chosen, anchor="lm")


def _draw_block(draw: ImageDraw.ImageDraw, left: int, up: int, board: MapPicture, at: int) -> None:
    """Draw a block: its numbers, how many are free, and a bar that is as long as what is taken."""
    box = (left, up, left + BLOCK_WIDTH, up + BLOCK_HEIGHT)
    first = board.first + at * board.size
    last = min(first + board.size - 1, board.last)
    free, total = board.free[at], last - first + 1
    is_full = free == 0
    draw.rectangle(box, fill=QUIET if is_full else None, outline=QUIET if is_full else LINE, width=2)
    middle = left + BLOCK_WIDTH // 2
    label, chosen = _block_label(first, last, board.width)
    draw.text((middle, up + 17), label, fill="#ffffff" if is_full else INK, font=chosen, anchor="mm")
    words = board.full if is_full else board.some.format(count=free)
    text, smaller = fitting(drawable(words), BLOCK_WIDTH - 10, 20, least=14)
    draw.text((middle, up + 39), text, fill="#e4e7eb" if is_full else ACCENT, font=smaller, anchor="mm")
    if not is_full:
        taken = round((BLOCK_WIDTH - 4) * (total - free) / total)
        draw.rectangle((left + 2, up + BLOCK_HEIGHT - 8, left + BLOCK_WIDTH - 2, up + BLOCK_HEIGHT - 2), fill="#e4e7eb")
        if taken:
            draw.rectangle((left + 2, up + BLOCK_HEIGHT - 8, left + 2 + taken, up + BLOCK_HEIGHT - 2), fill=QUIET)


def _block_label(first: int, last: int, width: int) -> tuple[str, ImageFont.FreeTypeFont]:
    """Return the range of a block; only where it begins if the letters would be too small. All have one size anyway."""
    span = f"{first:0{width}}–{last:0{width}}"
    if font(LEAST_LABEL, bold=True).getlength(span) <= BLOCK_WIDTH - 10:
        return fitting(span, BLOCK_WIDTH - 10, 22, bold=True, least=LEAST_LABEL)
    return fitting(f"{first:0{width}} …", BLOCK_WIDTH - 10, 22, bold=True, least=LEAST_LABEL)
