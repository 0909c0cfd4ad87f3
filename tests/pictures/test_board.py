"""The pictures of a board can be read on a small phone, without colours, and are small themselves."""

from io import BytesIO
from itertools import combinations

import pytest
from PIL import Image, ImageChops, ImageStat

from chalicelib.pictures.board import (
    CELL,
    MAX_BLOCKS,
    MAX_NUMBERS,
    Block,
    BoardTexts,
    State,
    draw_board,
    draw_map,
)
from chalicelib.pictures.canvas import MARGIN, WIDTH, drawable, fitting, font, wrapped

WORDS = {State.FREE: "Libre", State.HELD: "Apartado", State.SOLD: "Vendido", State.OWN: "Tuyo"}
TEXTS = BoardTexts(title="Canasta navideña", subtitle="₲ 20.000 · quedan 62", legend=WORDS, full="agotado")
BIG = 60_000  # bytes


def picture(content: bytes) -> Image.Image:
    return Image.open(BytesIO(content)).convert("RGB")


def numbers(count: int, width: int = 3) -> list[tuple[str, State]]:
    states = list(State)
    return [(f"{number:0{width}}", states[number % 4]) for number in range(count)]


def test_a_hundred_numbers_are_a_small_file_as_wide_as_two_phones() -> None:
    content = draw_board(TEXTS, numbers(100))
    image = picture(content)
    assert image.width == WIDTH == 720
    assert image.height < 2 * image.width
    assert len(content) <= BIG


def test_the_states_differ_without_colours() -> None:
    """In shades of grey, with the same number in it, no two cells look alike."""
    cells = {}
    for state in State:
        grey = picture(draw_board(TEXTS, [("007", state)])).convert("L")
        top = grey.height - 70 - CELL - 6
        cells[state] = grey.crop((MARGIN, top, MARGIN + CELL, top + CELL))
    for one, other in combinations(State, 2):
        difference = ImageStat.Stat(ImageChops.difference(cells[one], cells[other])).mean[0]
        assert difference > 15, (one, other)


def test_only_the_states_that_occur_are_explained() -> None:
    free, both = (picture(draw_board(TEXTS, [("1", State.FREE), ("2", other)])) for other in (State.FREE, State.SOLD))
    legend = (0, free.height - 70, WIDTH, free.height)
    assert ImageChops.difference(free.crop(legend), both.crop(legend)).getbbox() is not None


def test_a_picture_has_at_most_two_hundred_numbers() -> None:
    assert len(draw_board(TEXTS, numbers(MAX_NUMBERS, width=7))) <= 2 * BIG
    with pytest.raises(ValueError, match="at most 200"):
        draw_board(TEXTS, numbers(MAX_NUMBERS + 1))


@pytest.mark.parametrize("count", [1, 7, 10, 11, 100])
def test_any_count_of_numbers_can_be_drawn(count: int) -> None:
    assert picture(draw_board(TEXTS, numbers(count))).height > 0


def test_no_label_leaves_its_cell() -> None:
    """Between the cells all is white, however long the labels are."""
    for width in range(1, 8):
        image = picture(draw_board(TEXTS, [("8" * width, State.FREE)] * 20))
        top = image.height - 70 - 2 * (CELL + 6)
        gap = image.crop((MARGIN + CELL + 2, top, MARGIN + CELL + 5, top + CELL))
        assert min(gap.convert("L").tobytes()) > 250, width


def test_a_map_shows_blocks() -> None:
    blocks = [Block(f"{100 * at:05}", f"{100 * at + 99:05}", free=at, total=100) for at in range(MAX_BLOCKS)]
    assert len(draw_map(TEXTS, blocks)) <= 2 * BIG
    with pytest.raises(ValueError, match="at most 100"):
        draw_map(TEXTS, [*blocks, blocks[0]])


def test_the_letters_and_signs_of_our_languages_are_there() -> None:
    for text in ("áéíóúüñç ¿¡ ãõâêôà ÁÉÍÓÚÑÇ", "₲ R$ € £ Q S/ – — … “” ‘’ « » ° № ✓"):
        assert drawable(text) == text


def test_what_the_fonts_lack_is_left_out() -> None:
    assert drawable("Rifa 🎄 de\u202e Navidad\n漢字 ✓") == "Rifa de Navidad ✓"


def test_long_texts_shrink_and_are_cut() -> None:
    text, chosen = fitting("a" * 500, 300, 40)
    assert text.endswith("…") and chosen.getlength(text) <= 300
    lines = wrapped("Gran rifa de la escuela " * 30, 600, font(34), most=2)
    assert len(lines) == 2 and lines[1].endswith("…")
    assert all(font(34).getlength(line) <= 600 for line in lines)
    assert wrapped("x" * 500, 600, font(34), most=2)[0].endswith("…")
    assert wrapped("", 600, font(34), most=2) == []
