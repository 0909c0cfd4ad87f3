"""The schedule's run over expired holds: a thousand of them, and ten thousand."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

from bench.bulk_data import hold_all
from bench.dynamodb_meter import timed
from bench.figures import Figure
from bench.testbed import Buyer, Testbed
from chalicelib.store import orders, raffles
from local.in_process import make_raffle

FEW, MANY = 1_000, 10_000


def expiry(testbed: Testbed) -> Iterator[Figure]:
    """End the holds and notify each buyer. Requests that release numbers are counted separately from the others."""
    seconds: dict[int, float] = {}
    for holds in (FEW, MANY):
        raffle = make_raffle(testbed.container, numbers=holds)
        hold_all(testbed, raffle)
        testbed.clock.now += timedelta(minutes=15)
        testbed.progress(f"ending {holds:,} holds")
        seconds[holds] = timed(lambda: testbed.meter.during(testbed.container.expiry.run))
        left = holds - raffles.board(raffle.id).availability.available
        assert not left, f"{left} holds were not ended"
    operations = Counter(request.operation for request in testbed.meter.requests)
    message_updates = operations.pop("UpdateItem")
    yield Figure("expiry of 10,000 holds: ending one", operations.total() / MANY, "requests", "<= 2")
    yield Figure("expiry of 10,000 holds: storing what became of its message", message_updates / MANY, "requests")
    note = f"{seconds[MANY]:.1f} s against {seconds[FEW]:.1f} s"
    yield Figure("expiry of 10,000 holds to 1,000", round(seconds[MANY] / seconds[FEW], 2), "ratio", "<= 12", note)


def deadline(testbed: Testbed) -> Iterator[Figure]:
    """Buy numbers at the very second in which their hold ends. The schedule never runs."""
    raffle = make_raffle(testbed.container, numbers=40)
    hold_all(testbed, raffle)
    held_until = testbed.clock() + timedelta(minutes=15)
    orders_bought: list[int] = []
    for early in (timedelta(microseconds=1), timedelta(0)):
        buyer = Buyer(testbed)
        testbed.clock.now = held_until - early
        buyer.says(raffle.code)
        buyer.says("#5, #12, #33")
        orders_bought.append(len(orders.of_contact(buyer.contact_id, limit=2)))
    yield Figure("bought a microsecond before the deadline of its hold", orders_bought[0], "orders", "<= 0")
    yield Figure("bought at the deadline, without the schedule", orders_bought[1], "orders", ">= 1")
