"""Times, as ratios of medians that are measured alternately in one run."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from statistics import median
from time import process_time
from unittest.mock import patch

from bench.bulk_data import RaffleFiller
from bench.dynamodb_meter import timed
from bench.figures import Figure, ratio, spread
from bench.request_counts import MILLION
from bench.testbed import Buyer, Testbed, new_contact, release_order, reserve
from chalicelib.domain.orders import Order
from chalicelib.domain.organisers import COMMAND_LINE
from chalicelib.domain.raffles import Raffle, TicketStatus
from chalicelib.services.raffles import ticket_cursor
from chalicelib.store import raffles
from local.in_process import make_raffle

SHARES = (0, 0.5, 0.99, 0.999)
RUNS = 60
PAGE = 50  # the default page size of lists
_contact_numbers = count(1)


def overhead(testbed: Testbed) -> Iterator[Figure]:
    """Compare our own time with that of the same requests by bare botocore, buyer after buyer.

    The ticket of a confirmed payment is not drawn: its own figure says how long that takes.
    """
    ours = defaultdict[str, list[float]](list)
    baseline = defaultdict[str, list[float]](list)
    for choice in ("three numbers", "random 3"):
        raffle, other = (make_raffle(testbed.container, numbers=10_000) for _ in range(2))
        testbed.copy_audit()
        for run in range(runs := testbed.runs(RUNS)):
            testbed.progress(f"our own time: {choice}, buyer {run + 1} of {runs}")
            text = choice if choice == "random 3" else f"#{3 * run}, #{3 * run + 1}, #{3 * run + 2}"
            with patch.object(testbed.container.pictures, "request_for", lambda message: message.body):
                steps = _buy_twice(testbed, raffle, other, text)
            for step, (own, bare) in steps.items():
                ours[f"{step} {choice}"].append(own)
                baseline[f"{step} {choice}"].append(bare)
    for step, seconds in ours.items():
        yield ratio(f"our time to bare botocore's: {step}", seconds, baseline[step], "<= 1.4")


def processor(testbed: Testbed) -> Iterator[Figure]:
    """Measure the processor time of a message that holds three numbers. Lambda assigns processor power by memory."""
    raffle = make_raffle(testbed.container, numbers=10_000)
    used: list[float] = []
    for run in range(runs := testbed.runs(RUNS)):
        testbed.progress(f"processor: buyer {run + 1} of {runs}")
        buyer = Buyer(testbed)
        buyer.says(raffle.code)
        before = process_time()
        buyer.says("random 3")
        used.append(process_time() - before)
    name = "processor time: a message that holds random 3"
    yield Figure(name, round(1000 * median(used), 1), "ms", note=spread(used))


def _buy_twice(testbed: Testbed, raffle: Raffle, other: Raffle, text: str) -> dict[str, tuple[float, float]]:
    """Return the seconds of each step of a purchase, and of the same requests replayed in the other raffle."""
    buyer = Buyer(testbed)

    def both(step: Callable[[], object]) -> tuple[float, float]:
        before = buyer.elsewhere(raffle, other)  # a paid order is no longer part of the conversation afterwards
        seconds = timed(lambda: testbed.meter.during(step))
        return seconds, testbed.bare.replay(testbed.meter.requests, before | buyer.elsewhere(raffle, other))

    both(lambda: buyer.says(raffle.code))
    hold_seconds = both(lambda: buyer.says(text))
    order_id = buyer.order_id()
    return {
        "hold": hold_seconds,
        "confirm": both(lambda: testbed.container.settlement.confirm_payment(order_id, by=COMMAND_LINE)),
    }


def random(testbed: Testbed) -> Iterator[Figure]:
    """Compare `random 3` (read the board, draw, one transaction) in a million numbers with that in ten thousand."""
    pair = [make_raffle(testbed.container, numbers=numbers) for numbers in (MILLION, 10_000)]
    fillers = [RaffleFiller(testbed, raffle) for raffle in pair]
    for share in SHARES:
        for filler in fillers:
            filler.up_to(share)
        seconds: tuple[list[float], list[float]] = ([], [])
        requests: tuple[list[int], list[int]] = ([], [])
        for run in range(runs := testbed.runs(RUNS)):
            testbed.progress(f"random 3 at {share:.1%} sold: {run + 1} of {runs}")
            for position, raffle in enumerate(pair):
                duration, request_count = _random_3(testbed, raffle)
                seconds[position].append(duration)
                requests[position].append(request_count)
        yield ratio(f"random 3 of 1,000,000 to 10,000, {share:.1%} sold", *seconds, "<= 2.5")
        more = max(requests[0]) - max(requests[1])
        yield Figure(f"random 3 of 1,000,000 to 10,000, {share:.1%} sold: requests more", more, "requests", "<= 0")


def _random_3(testbed: Testbed, raffle: Raffle) -> tuple[float, int]:
    """Return seconds and number of requests. Releases the numbers again, so that the share does not change."""
    orders: list[Order] = []
    contact = new_contact(next(_contact_numbers))

    def hold() -> None:
        orders.append(reserve(testbed.container, raffles.board(raffle.id), contact))

    seconds = timed(lambda: testbed.meter.during(hold))
    request_count = len(testbed.meter.requests)
    release_order(testbed, raffle, orders[0])
    return seconds, request_count


def making(testbed: Testbed) -> Iterator[Figure]:
    """Compare creating and activating a large raffle with a small one (N2)."""
    seconds: dict[int, list[float]] = {MILLION: [], 100: []}
    for run in range(runs := testbed.runs(RUNS)):
        testbed.progress(f"making raffles: {run + 1} of {runs}")
        for numbers, series in seconds.items():
            series.append(timed(partial(make_raffle, testbed.container, numbers=numbers)))
    yield ratio("making and activating 1,000,000 to 100 numbers", seconds[MILLION], seconds[100], "<= 1.2")


def tickets(testbed: Testbed) -> Iterator[Figure]:
    """Compare the last page of tickets with the first: half of a million sold, one in a hundred reserved."""
    raffle = make_raffle(testbed.container, numbers=MILLION)
    filler = RaffleFiller(testbed, raffle)
    filler.up_to(0.5)
    filler.up_to(0.51, sold=False)
    # The list of a status ends somewhere among the last numbers.
    last: dict[TicketStatus | None, int] = dict.fromkeys(TicketStatus, raffle.last_number - 20 * PAGE)
    last[None] = raffle.last_number - PAGE + 1
    most = 0
    for status, number in last.items():
        first_page: list[float] = []
        last_page: list[float] = []
        for run in range(runs := testbed.runs(RUNS)):
            testbed.progress(f"tickets, {status or 'all'}: {run + 1} of {runs}")
            for cursor, series in ((None, first_page), (ticket_cursor(raffle.layout, number), last_page)):
                list_page = partial(
                    testbed.container.raffles.tickets, raffle.id, status=status, limit=PAGE, cursor=cursor
                )
                series.append(timed(partial(testbed.meter.during, list_page)))
                most = max(most, len(testbed.meter.requests))
        yield ratio(f"tickets of 1,000,000, {status or 'all'}: last page to first", last_page, first_page, "<= 1.5")
    yield Figure("tickets of 1,000,000: a page, at most", most, "requests", "<= 2")
