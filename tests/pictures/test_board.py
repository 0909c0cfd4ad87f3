"""The pictures of a board can be read on a small phone, without colours, and are small themselves."""

from dataclasses import replace
from io import BytesIO
from itertools import combinations

import pytest
from PIL import Image, ImageChops, ImageStat

from chalicelib.domain.pictures import BLOCKS_IN_A_PICTURE, IN_A_PICTURE, BoardPicture, MapPicture, NumberState
from chalicelib.pictures.board import (
    BEGINNING_SIZES,
    CELL,
    ENDING,
    ENDING_SIZE,
    LABEL_SIZES,
    LONGEST_LABEL,
    draw_board,
    draw_map,
)
from chalicelib.pictures.canvas import MARGIN, WIDTH, drawable, fitting, font, wrapped

LEGEND = {"f": "Libre", "h": "Apartado", "s": "Vendido", "o": "Tuyo"}
BIG = 60_000  # bytes
MAP = MapPicture(
    title="Canasta navideña",
    subtitle="₲ 20.000 · quedan 62",
    first=0,
    last=9_999,
    size=100,
    width=5,
    free=tuple(range(100)),
    some="libres: {count}",
    full="agotado",
)


def picture(content: bytes) -> Image.Image:
    return Image.open(BytesIO(content)).convert("RGB")


def board(states: str = "fhso" * 25, *, first: int = 0, width: int = 3) -> BoardPicture:
    subtitle = "₲ 20.000 · quedan 62"
    return BoardPicture(
        title="Canasta navideña", subtitle=subtitle, legend=LEGEND, first=first, width=width, states=states
    )


def test_a_hundred_numbers_are_a_small_file_as_wide_as_two_phones() -> None:
    content = draw_board(board())
    image = picture(content)
    assert image.width == WIDTH == 720
    assert image.height < 2 * image.width
    assert len(content) <= BIG


@pytest.mark.parametrize("content", [draw_board(board()), draw_map(MAP)])
def test_a_picture_is_of_the_kind_that_whatsapp_takes(content: bytes) -> None:
    """Its PNGs have eight bits for each of red, green and blue: a palette would be refused (131053)."""
    assert tuple(content[24:26]) == (8, 2)
    with Image.open(BytesIO(content)) as image:
        image.verify()


def test_the_states_differ_without_colours() -> None:
    """In shades of grey, with the same number in it, no two cells look alike."""
    cells = {}
    for state in NumberState:
        grey = picture(draw_board(board(state, first=7))).convert("L")
        top = grey.height - 70 - CELL - 6
        cells[state] = grey.crop((MARGIN, top, MARGIN + CELL, top + CELL))
    for one, other in combinations(NumberState, 2):
        difference = ImageStat.Stat(ImageChops.difference(cells[one], cells[other])).mean[0]
        assert difference > 15, (one, other)


def test_only_the_states_that_occur_are_explained() -> None:
    free, both = (picture(draw_board(board(states))) for states in ("ff", "fs"))
    legend = (0, free.height - 70, WIDTH, free.height)
    assert ImageChops.difference(free.crop(legend), both.crop(legend)).getbbox() is not None


def is_white(content: bytes) -> bool:
    """Whether the paper is, although the picture has few colours."""
    return min(picture(content).crop((0, 0, 20, 20)).tobytes()) >= 253


@pytest.mark.parametrize("width", range(1, 8))
def test_a_hundred_numbers_are_a_small_file_however_long_they_are(width: int) -> None:
    content = draw_board(
        board("fhso" * (IN_A_PICTURE // 4), first=98 * 10 ** (width - 2) if width > 2 else 0, width=width)
    )
    assert len(content) <= BIG
    assert is_white(content)


@pytest.mark.parametrize("states", ["f", "s", "fs", "fh", "fo", "hso"])
def test_paper_is_white_whatever_the_cells_have(states: str) -> None:
    assert is_white(draw_board(board(states * 33)))


@pytest.mark.parametrize("width", range(1, 8))
def test_the_digits_in_which_numbers_differ_are_large_enough_for_a_phone(width: int) -> None:
    """Twelve pixels high on a screen of 360: the picture has twice as many."""
    size = LABEL_SIZES[width] if width <= LONGEST_LABEL else ENDING_SIZE
    assert size >= 24
    assert width <= LONGEST_LABEL or BEGINNING_SIZES[width - ENDING] >= 16


def test_a_picture_has_at_most_a_hundred_numbers() -> None:
    with pytest.raises(ValueError, match="at most 100"):
        draw_board(board("f" * (IN_A_PICTURE + 1)))


@pytest.mark.parametrize("count", [1, 7, 10, 11, 100])
def test_any_count_of_numbers_can_be_drawn(count: int) -> None:
    assert picture(draw_board(board("f" * count))).height > 0


def test_no_label_leaves_its_cell() -> None:
    """Between the cells all is white, however long the labels are."""
    for width in range(1, 8):
        image = picture(draw_board(board("f" * 20, first=max(0, 8 * (10**width - 1) // 9 - 20), width=width)))
        top = image.height - 70 - 2 * (CELL + 6)
        gap = image.crop((MARGIN + CELL + 2, top, MARGIN + CELL + 5, top + CELL))
        assert min(gap.convert("L").tobytes()) > 250, width


def test_a_map_shows_blocks() -> None:
    assert len(draw_map(MAP)) <= 2 * BIG
    with pytest.raises(ValueError, match="at most 100"):
        draw_map(replace(MAP, last=10_099, free=(0,) * (BLOCKS_IN_A_PICTURE + 1)))


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
