"""The pictures: how long drawing takes, and how large the files are."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from statistics import median
from time import process_time

from bench.figures import Figure, spread
from bench.testbed import START, Testbed, new_contact, reserve
from chalicelib.domain.pictures import NumberState, TicketPicture
from chalicelib.domain.raffles import Permit, RaffleOrganiser
from chalicelib.pictures.board import draw_board, draw_map
from chalicelib.pictures.ticket import draw_ticket
from chalicelib.services.messaging.texts import texts_in
from chalicelib.store import raffles
from local.in_process import make_raffle

RUNS = 100
LINK = "https://wa.me/16315551181?text={code}"


def pictures(testbed: Testbed) -> Iterator[Figure]:
    """Draw a board with every state in it, a map of a hundred blocks, and tickets of three and of forty numbers."""
    texts = texts_in("es", "GT")
    raffle = make_raffle(testbed.container, numbers=10_000, title="Canasta navideña de la escuela")
    numbers = range(10_000)
    board = texts.board_picture(raffle, numbers[:100], "".join(NumberState) * 25)
    blocks = texts.map_picture(raffle, numbers, range(100), 100)
    yield from _figures("a board of 100 numbers", partial(draw_board, board), testbed, most_ms=60, most_kb=60)
    yield from _figures("a map of 100 blocks", partial(draw_map, blocks), testbed)
    for quantity in (3, 40):
        drawn = partial(_draw, _ticket(testbed, raffle.id, quantity))
        yield from _figures(f"a ticket of {quantity} numbers", drawn, testbed, most_ms=100)


def _ticket(testbed: Testbed, raffle_id: str, quantity: int) -> TicketPicture:
    board = raffles.board(raffle_id)
    order = reserve(testbed.container, board, new_contact(quantity), quantity)
    raffle = replace(
        board.raffle,
        prize="Una canasta con 30 productos",
        draws_at=START + timedelta(days=30),
        organiser=RaffleOrganiser(name="Escuela Benito Juárez"),
        permit=Permit(authority="SEGOB", number="S/2026/117"),
    )
    picture = texts_in("es", "GT").payment_confirmed(raffle, order, "María José Núñez").picture
    assert isinstance(picture, TicketPicture)
    return picture


def _draw(picture: TicketPicture) -> bytes:
    return draw_ticket(picture, LINK.format(code=picture.code))


def _figures(
    name: str, draw: Callable[[], bytes], testbed: Testbed, *, most_ms: int | None = None, most_kb: int | None = None
) -> Iterator[Figure]:
    """Measure the processor time of a picture, and its size. The first one, which loads the fonts, is not measured."""
    content = draw()
    seconds: list[float] = []
    for run in range(runs := testbed.runs(RUNS)):
        testbed.progress(f"{name}: {run + 1} of {runs}")
        before = process_time()
        draw()
        seconds.append(process_time() - before)
    goal = f"<= {most_ms}" if most_ms else ""
    yield Figure(f"pictures: processor time, {name}", round(1000 * median(seconds), 1), "ms", goal, spread(seconds))
    goal = f"<= {most_kb}" if most_kb else ""
    yield Figure(f"pictures: {name}", round(len(content) / 1000, 1), "KB", goal)
