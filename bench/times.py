"""Times, as ratios of medians that are measured in turn in one run."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from statistics import median
from time import process_time

from bench.bulk import Filling
from bench.counts import MILLION
from bench.figure import Figure, ratio, spread
from bench.meter import timed
from bench.stage import Stage, Visitor, reserve, stranger, take_back
from chalicelib.domain.orders import Order
from chalicelib.domain.organisers import COMMAND_LINE
from chalicelib.domain.raffles import Raffle, TicketStatus
from chalicelib.services.raffles import ticket_cursor
from chalicelib.store import raffles
from local.lab import make_raffle

SHARES = (0, 0.5, 0.99, 0.999)
RUNS = 60
PAGE = 50  # the usual size of a list's page
_strangers = count(1)


def overhead(stage: Stage) -> Iterator[Figure]:
    """Our own time: the same requests by the product and by bare botocore, buyer after buyer."""
    ours, floor = defaultdict[str, list[float]](list), defaultdict[str, list[float]](list)
    for what in ("three numbers", "random 3"):
        raffle, other = (make_raffle(stage.container, numbers=10_000) for _ in range(2))
        stage.copy_audit()
        for run in range(runs := stage.runs(RUNS)):
            stage.progress(f"our own time: {what}, buyer {run + 1} of {runs}")
            wish = what if what == "random 3" else f"#{3 * run}, #{3 * run + 1}, #{3 * run + 2}"
            for step, (own, bare) in _bought_twice(stage, raffle, other, wish).items():
                ours[f"{step} {what}"].append(own)
                floor[f"{step} {what}"].append(bare)
    for what, seconds in ours.items():
        yield ratio(f"our time to bare botocore's: {what}", seconds, floor[what], "<= 1.4")


def processor(stage: Stage) -> Iterator[Figure]:
    """What the processor does for an update that holds three numbers, waiting left out: Lambda gives it by memory."""
    raffle, used = make_raffle(stage.container, numbers=10_000), list[float]()
    for run in range(RUNS):
        stage.progress(f"processor: buyer {run + 1} of {RUNS}")
        visitor = Visitor(stage)
        visitor.says(raffle.code)
        before = process_time()
        visitor.says("random 3")
        used.append(process_time() - before)
    name = "processor time: a message that holds random 3"
    yield Figure(name, round(1000 * median(used), 1), "ms", note=spread(used))


def _bought_twice(stage: Stage, raffle: Raffle, other: Raffle, wish: str) -> dict[str, tuple[float, float]]:
    """Seconds for each step of a purchase, and for its very requests once more in the other raffle."""
    visitor = Visitor(stage)

    def both(do: Callable[[], object]) -> tuple[float, float]:
        before = visitor.elsewhere(raffle, other)  # an order that is paid is no longer at hand afterwards
        seconds = timed(lambda: stage.meter.during(do))
        return seconds, stage.bare.replay(stage.meter.made, before | visitor.elsewhere(raffle, other))

    both(lambda: visitor.says(raffle.code))
    held = both(lambda: visitor.says(wish))
    order_id = visitor.order_id()
    return {"hold": held, "confirm": both(lambda: stage.container.holds.confirm_payment(order_id, by=COMMAND_LINE))}


def random(stage: Stage) -> Iterator[Figure]:
    """`random 3`: reading the board, drawing, one transaction; in a million numbers beside ten thousand."""
    pair = [make_raffle(stage.container, numbers=numbers) for numbers in (MILLION, 10_000)]
    fillings = [Filling(stage, raffle) for raffle in pair]
    for share in SHARES:
        for filling in fillings:
            filling.up_to(share)
        seconds: tuple[list[float], list[float]] = ([], [])
        requests: tuple[list[int], list[int]] = ([], [])
        for run in range(RUNS):
            stage.progress(f"random 3 at {share:.1%} sold: {run + 1} of {RUNS}")
            for position, raffle in enumerate(pair):
                taken, made = _random_3(stage, raffle)
                seconds[position].append(taken)
                requests[position].append(made)
        yield ratio(f"random 3 of 1,000,000 to 10,000, {share:.1%} sold", *seconds, "<= 2.5")
        more = max(requests[0]) - max(requests[1])
        yield Figure(f"random 3 of 1,000,000 to 10,000, {share:.1%} sold: requests more", more, "requests", "<= 0")


def _random_3(stage: Stage, raffle: Raffle) -> tuple[float, int]:
    """Seconds and requests. The numbers are given back, so that the share stays."""
    held: list[Order] = []
    buyer = stranger(next(_strangers))

    def do() -> None:
        held.append(reserve(stage.container, raffles.board(raffle.id), buyer))

    seconds = timed(lambda: stage.meter.during(do))
    made = len(stage.meter.made)
    take_back(stage, raffle, held[0])
    return seconds, made


def making(stage: Stage) -> Iterator[Figure]:
    """Making and activating a raffle (N2)."""
    seconds: dict[int, list[float]] = {MILLION: [], 100: []}
    for run in range(RUNS):
        stage.progress(f"making raffles: {run + 1} of {RUNS}")
        for numbers, series in seconds.items():
            series.append(timed(partial(make_raffle, stage.container, numbers=numbers)))
    yield ratio("making and activating 1,000,000 to 100 numbers", seconds[MILLION], seconds[100], "<= 1.2")


def tickets(stage: Stage) -> Iterator[Figure]:
    """Pages of the list of tickets: half of a million sold, one in a hundred reserved."""
    raffle = make_raffle(stage.container, numbers=MILLION)
    filling = Filling(stage, raffle)
    filling.up_to(0.5)
    filling.up_to(0.51, sold=False)
    # By status, the end of the list is somewhere among the last numbers.
    last: dict[TicketStatus | None, int] = dict.fromkeys(TicketStatus, raffle.last_number - 20 * PAGE)
    last[None] = raffle.last_number - PAGE + 1
    most = 0
    for status, number in last.items():
        first_page, last_page = list[float](), list[float]()
        for run in range(RUNS):
            stage.progress(f"tickets, {status or 'all'}: {run + 1} of {RUNS}")
            for cursor, series in ((None, first_page), (ticket_cursor(raffle.layout, number), last_page)):
                list_page = partial(
                    stage.container.raffles.tickets, raffle.id, status=status, limit=PAGE, cursor=cursor
                )
                series.append(timed(partial(stage.meter.during, list_page)))
                most = max(most, len(stage.meter.made))
        yield ratio(f"tickets of 1,000,000, {status or 'all'}: last page to first", last_page, first_page, "<= 1.5")
    yield Figure("tickets of 1,000,000: a page, at most", most, "requests", "<= 2")
