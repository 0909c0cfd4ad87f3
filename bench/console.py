"""Measure what the organisers' console requests most: boards, the dashboard, the review queue, timelines."""

from collections.abc import Callable, Iterator
from functools import partial
from gzip import compress
from typing import Any

from bench.bulk_data import RaffleFiller
from bench.dataset import build_dataset
from bench.figures import Figure
from bench.testbed import Buyer, Testbed
from chalicelib.domain.filters import OrderFilter
from chalicelib.domain.orders import OrderStatus
from chalicelib.domain.organisers import COMMAND_LINE
from chalicelib.domain.raffles import Raffle
from chalicelib.http import boards
from chalicelib.services.orders.timeline import read_timeline
from chalicelib.store import order_reviews, orders
from local.in_process import make_raffle

MILLION = 1_000_000
SOLD = 0.5
ORDERS = 1_000  # of which a tenth each is in review, waits for payment, and is held
PAGE = 50


def console(testbed: Testbed) -> Iterator[Figure]:
    for numbers, goal in ((10_000, "<= 20"), (MILLION, "<= 120")):
        raffle = make_raffle(testbed.container, numbers=numbers)
        testbed.progress(f"a board of {numbers:,}")
        RaffleFiller(testbed, raffle).up_to(SOLD)
        yield from _board(testbed, raffle, goal)
    testbed.progress("orders")
    build_dataset(testbed, ORDERS)
    order_id = _sale(testbed)
    now = testbed.clock()
    wanted = OrderFilter(statuses=(OrderStatus.IN_REVIEW,))

    def list_queue() -> None:
        orders.listed(wanted, limit=PAGE)
        order_reviews.all_open(now)

    opened = partial(testbed.container.order_reviews.open, order_id, by=COMMAND_LINE)
    yield from _cost(testbed, f"the dashboard, {ORDERS:,} orders", testbed.container.reports.get_stats, 24)
    yield from _cost(testbed, f"{PAGE} orders in review, and who has them open", list_queue, 2)
    yield from _cost(testbed, "opening an order for review", opened, 2)
    yield from _cost(testbed, "the timeline of an order", partial(read_timeline, order_id, now), 4)


def _board(testbed: Testbed, raffle: Raffle, units: str) -> Iterator[Figure]:
    name = f"console: a board of {raffle.total:,}, half sold"
    read = partial(testbed.container.raffles.section, raffle.id, None, None)
    made = testbed.meter.during(read)
    answer = boards.present(read()).model_dump_json().encode()
    yield Figure(f"{name}: requests", len(made), "requests", "<= 2")
    yield Figure(f"{name}: read units", sum(request.read_units for request in made), "read units", units)
    yield Figure(f"{name}: compressed", round(len(compress(answer)) / 1000, 1), "KB", "<= 5", f"{len(answer):,} bytes")


def _sale(testbed: Testbed) -> str:
    """Sell in the usual way. Return the order, which is in review."""
    raffle = make_raffle(testbed.container, numbers=100)
    buyer = Buyer(testbed)
    for text in (raffle.code, "5, 12", "confirm"):
        buyer.says(text)
    buyer.sends_proof()
    return buyer.order_id()


def _cost(testbed: Testbed, name: str, action: Callable[[], Any], most: int) -> Iterator[Figure]:
    made = testbed.meter.during(action)
    yield Figure(f"console: {name}: requests", len(made), "requests", f"<= {most}")
    yield Figure(f"console: {name}: read units", sum(request.read_units for request in made), "read units")
