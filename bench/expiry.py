"""The schedule's run over holds that are over: a thousand of them, and ten thousand."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

from bench.bulk import hold_all
from bench.figure import Figure
from bench.meter import timed
from bench.stage import Stage, Visitor
from chalicelib.store import orders, raffles
from local.in_process import make_raffle

FEW, MANY = 1_000, 10_000


def expiry(stage: Stage) -> Iterator[Figure]:
    """Ending the holds, and telling each buyer. Requests are counted apart: the first is what frees the numbers."""
    seconds: dict[int, float] = {}
    for holds in (FEW, MANY):
        raffle = make_raffle(stage.container, numbers=holds)
        hold_all(stage, raffle)
        stage.clock.now += timedelta(minutes=15)
        stage.progress(f"ending {holds:,} holds")
        seconds[holds] = timed(lambda: stage.meter.during(stage.container.expiry.run))
        left = holds - raffles.board(raffle.id).availability.available
        assert not left, f"{left} holds were not ended"
    made = Counter(request.operation for request in stage.meter.made)
    telling = made.pop("UpdateItem")
    yield Figure("expiry of 10,000 holds: ending one", made.total() / MANY, "requests", "<= 2")
    yield Figure("expiry of 10,000 holds: storing what became of its message", telling / MANY, "requests")
    note = f"{seconds[MANY]:.1f} s against {seconds[FEW]:.1f} s"
    yield Figure("expiry of 10,000 holds to 1,000", round(seconds[MANY] / seconds[FEW], 2), "ratio", "<= 12", note)


def deadline(stage: Stage) -> Iterator[Figure]:
    """Numbers whose hold is over, bought at that very second; the schedule never runs."""
    raffle = make_raffle(stage.container, numbers=40)
    hold_all(stage, raffle)
    held_until = stage.clock() + timedelta(minutes=15)
    bought = []
    for early in (timedelta(microseconds=1), timedelta(0)):
        visitor = Visitor(stage)
        stage.clock.now = held_until - early
        visitor.says(raffle.code)
        visitor.says("#5, #12, #33")
        bought.append(len(orders.of_contact(visitor.contact_id, limit=2)))
    yield Figure("bought a microsecond before the deadline of its hold", bought[0], "orders", "<= 0")
    yield Figure("bought at the deadline, without the schedule", bought[1], "orders", ">= 1")
