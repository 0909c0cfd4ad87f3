"""The picture of a ticket has what the buyer needs, and a code that leads back to the chat."""

from dataclasses import replace
from io import BytesIO

import pytest
import segno
from PIL import Image

from chalicelib.domain.pictures import TicketPicture
from chalicelib.pictures.canvas import MARGIN, WIDTH, font
from chalicelib.pictures.ticket import FACT_SIZES, MODULE, _fact, _number_lines, _title_lines, draw_ticket

TEXTS = TicketPicture(
    title="Canasta navideña de la escuela",
    status="Pagado",
    numbers=("005", "012", "099"),
    facts=(("Nombre", "María José Núñez"), ("Sorteo", "sáb 20 dic 2026, 18:00"), ("Organiza", "Escuela Benito Juárez")),
    code="K7M3Q2XW",
    hint="Escanea para ver si es válido",
)
LINK = "https://wa.me/16315551181?text=K7M3Q2XW"


def picture(texts: TicketPicture = TEXTS) -> Image.Image:
    return Image.open(BytesIO(draw_ticket(texts, LINK))).convert("L")


def test_the_code_in_the_picture_is_the_link() -> None:
    """Module by module, with a quiet zone around it."""
    image = picture()
    wanted = [[bool(dark) for dark in row] for row in segno.make_qr(LINK, error="m").matrix_iter(border=4)]
    side = MODULE * len(wanted)
    top = image.height - MARGIN // 2 - 4 - side
    half = MODULE // 2
    shades = [
        [image.getpixel((MARGIN + MODULE * x + half, top + MODULE * y + half)) for x, _ in enumerate(row)]
        for y, row in enumerate(wanted)
    ]
    assert [[bool(shade == 0) for shade in row] for row in shades] == wanted


@pytest.mark.parametrize("count", [1, 2, 9, 40, 100])
@pytest.mark.parametrize("width", [1, 4, 7])
def test_any_numbers_fit(count: int, width: int) -> None:
    image = picture(replace(TEXTS, numbers=tuple(f"{number:0{width}}" for number in range(count))))
    assert image.width == WIDTH and image.height <= 2400
    for column in (MARGIN // 2 + 10, WIDTH - MARGIN // 2 - 10):  # nothing runs over the frame
        assert min(image.crop((column, 300, column + 2, image.height - 40)).tobytes()) > 240


def test_a_few_numbers_stand_on_one_line() -> None:
    assert _number_lines(("0005", "0012", "0099"), WIDTH - 4 * MARGIN) == (["0005   0012   0099"], 52)
    assert len(_number_lines(tuple(f"{number:07}" for number in range(4)), WIDTH - 4 * MARGIN)[0]) == 2


def test_facts_that_are_missing_take_no_room() -> None:
    assert picture(replace(TEXTS, facts=(*TEXTS.facts, ("Permiso", "")))).height == picture().height
    assert picture(replace(TEXTS, facts=(*TEXTS.facts, ("Permiso", "SEGOB 7")))).height > picture().height


PERMIT = "DGJS/SCEVF/0123/2026 (Secretaría de Gobernación, Dirección General de Juegos y Sorteos)"


@pytest.mark.parametrize("value", [PERMIT, "W" * 60, "Una cena " * 22], ids=["permit", "one word", "prize"])
def test_a_long_fact_stands_below_its_label_and_loses_nothing(value: str) -> None:
    inner = WIDTH - 4 * MARGIN
    fact = _fact("Permiso", value, inner)
    assert fact.size == FACT_SIZES[-1] and not fact.is_beside
    assert "".join(fact.lines).replace(" ", "") == value.replace(" ", "")
    assert all(font(fact.size, bold=True).getlength(line) <= inner for line in fact.lines)
    assert picture(replace(TEXTS, facts=(("Permiso", value),))).height > picture(replace(TEXTS, facts=())).height + 100


def test_a_long_title_is_smaller_and_not_cut() -> None:
    title = "Gran rifa de Navidad de la Escuela Primaria Benito Juárez y la Asociación de Padres de Familia 2026"
    lines, size = _title_lines(title, WIDTH - 4 * MARGIN)
    assert " ".join(lines) == title and size < _title_lines("Moto", WIDTH - 4 * MARGIN)[1]


def test_a_short_fact_stands_beside_its_label() -> None:
    assert _fact("Sorteo", "sáb 20 dic 2026, 18:00", WIDTH - 4 * MARGIN).is_beside


def test_a_ticket_is_a_small_file() -> None:
    assert len(draw_ticket(TEXTS, LINK)) <= 60_000


def test_without_a_link_the_ticket_has_no_code_to_scan() -> None:
    """Our number may not be known. The order's code is there all the same."""
    content = draw_ticket(TEXTS, "")
    assert tuple(content[24:26]) == (8, 2)
    assert Image.open(BytesIO(content)).height < picture().height
