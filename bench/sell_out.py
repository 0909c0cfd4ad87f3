"""16 concurrent buyers sell out 2,000 numbers, compared with a query and a transaction by bare botocore."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from itertools import count
from json import dumps, loads
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier
from statistics import median, quantiles
from time import time
from typing import Any, NamedTuple

import boto3
from botocore import xform_name
from botocore.config import Config

from bench.dynamodb_meter import Request, timed
from bench.figures import Figure, spread
from bench.testbed import START, Testbed, new_contact, reserve
from chalicelib.container import Container
from chalicelib.domain.contacts import Contact
from chalicelib.domain.raffles import Raffle
from chalicelib.domain.refusals import TooFewFree, TryAgain
from chalicelib.services.orders.holds import RandomNumbers
from chalicelib.store import board, raffles
from chalicelib.store.transaction import Busy, ConditionsFailed, retry
from local.in_process import make_raffle, open_container

NUMBERS = 2_000
TOKEN = "ClientRequestToken"
PROCESSES, THREADS = 4, 4
ROUNDS = 7
DELIVERIES = 5
OURS = "ours"
QUERY, LEAVES, TRANSACTION = range(3)  # the requests of an order
REPLAYS = {  # which of them bare botocore replays
    "a bare query and transaction": (QUERY, TRANSACTION),
    "the same requests, bare": (QUERY, LEAVES, TRANSACTION),
}
OrderRequests = list[tuple[str, dict[str, Any]]]  # the requests of one order: operation and parameters
_barrier: Barrier


class Shift(NamedTuple):
    """The work of one process: start, end, and the seconds of each order."""

    started_at: float
    ended_at: float
    seconds: list[float]


def sell_out(testbed: Testbed) -> Iterator[Figure]:
    """Compare the rate of a sell-out with that of bare botocore, over several rounds."""
    recording = make_raffle(testbed.container, numbers=NUMBERS)
    orders = _recorded(testbed, recording)
    rates = defaultdict[str, list[float]](list)  # orders per second in each round
    seconds: list[float] = []
    differences = 0
    # The second one in a round finds a warmer engine, so they take turns. Round 0 only warms the engine up.
    runs = [OURS, *REPLAYS]
    for number in range(1 + ROUNDS):
        testbed.progress(f"sell-out by 16 buyers: round {number} of {ROUNDS}")
        for run in runs if number % 2 else reversed(runs):
            raffle = make_raffle(testbed.container, numbers=NUMBERS)
            if run == OURS:
                first = 1 + number * PROCESSES  # no contact comes twice, because a contact is new only once
                shifts = _in_processes(
                    _buy_out, [(testbed.endpoint, raffle.id, first + seed) for seed in range(PROCESSES)]
                )
                seconds += [second for shift in shifts for second in shift.seconds] if number else ()
                differences += testbed.container.consistency.check(raffle.id).differences
            else:
                replayed = [_elsewhere(order, recording.id, raffle.id, REPLAYS[run]) for order in orders]
                shares = [(testbed.endpoint, replayed[start::PROCESSES]) for start in range(PROCESSES)]
                shifts = _in_processes(_replay, shares)
            if number:
                rates[run].append(_rate(shifts))
    percentiles = quantiles(seconds, n=100)
    for base, goal in zip(REPLAYS, (">= 0.7", ""), strict=True):
        ratios = [ours / bare for ours, bare in zip(rates[OURS], rates[base], strict=True)]
        medians = f"{median(rates[OURS]):.0f} orders/s to {median(rates[base]):.0f}"
        note = f"{min(ratios):.2f} to {max(ratios):.2f}; {medians}"
        yield Figure(f"sell-out by 16 buyers: orders/s to {base}", round(median(ratios), 2), "ratio", goal, note)
    value = round(percentiles[98] / percentiles[49], 2)
    yield Figure("sell-out by 16 buyers: p99 to p50", value, "ratio", "<= 5", spread(seconds))
    yield Figure("sell-out by 16 buyers: numbers sold twice or lost", differences, "numbers", "<= 0")


def _recorded(testbed: Testbed, raffle: Raffle) -> list[OrderRequests]:
    """Return the requests of every order of a sequential sell-out."""
    orders = list[OrderRequests]()
    for number in range(NUMBERS // 3):
        testbed.progress(f"sell-out by 16 buyers: recording order {number + 1}")
        buy = partial(_reserve, testbed.container, raffle.id, new_contact(0, number))
        requests: Sequence[Request] = testbed.meter.during(buy)
        orders.append([(request.operation, request.parameters) for request in requests])
    return orders


def _reserve(
    container: Container, raffle_id: str, contact: Contact, quantity: int = 3, drawn: RandomNumbers | None = None
) -> None:
    """Reserve random numbers as a message does: read the board, read the leaves, write the transaction."""
    drawn = drawn or RandomNumbers(random=container.random)
    try:
        reserve(container, raffles.board(raffle_id), contact, quantity, drawn)
    except ConditionsFailed as failure:
        drawn.lose(board.conflicting_orders(failure.named(board.TICKET)))
        raise


def _elsewhere(order: OrderRequests, recorded_in: str, raffle_id: str, positions: Sequence[int]) -> OrderRequests:
    """Return some requests of an order, changed to another raffle, other contacts and other orders."""
    assert [operation for operation, _ in order] == ["Query", "Query", "TransactWriteItems"]
    requests = [order[position] for position in positions]
    text = dumps(
        [
            (operation, {name: value for name, value in parameters.items() if name != TOKEN})
            for operation, parameters in requests
        ]
    )
    for name, other in (
        (recorded_in, raffle_id),
        ('"CONTACT#', f'"CONTACT#{raffle_id}-'),
        ('"ORDER#', f'"ORDER#{raffle_id}-'),
    ):
        text = text.replace(name, other)
    changed: OrderRequests = loads(text)
    return changed


# In separate processes


def _in_processes(work: Callable[..., Shift], tasks: Sequence[tuple[Any, ...]]) -> list[Shift]:
    """Run each task in its own process. All of them start at the same moment, when the last one is ready."""
    context = get_context("spawn")
    barrier = context.Barrier(len(tasks))
    with context.Pool(len(tasks), initializer=_set_barrier, initargs=(barrier,)) as pool:
        return pool.starmap(work, tasks, chunksize=1)


def _set_barrier(barrier: Barrier) -> None:
    global _barrier  # noqa: PLW0603 - the only way to pass a barrier to the processes of a pool
    _barrier = barrier


def _buy_out(endpoint: str, raffle_id: str, seed: int) -> Shift:
    """Run four buyers who take three random numbers again and again until none are left."""
    container = open_container(endpoint, clock=lambda: START, seed=seed)
    raffles.board(raffle_id)  # opens the connection

    def buy(thread: int) -> list[float]:
        seconds: list[float] = []
        quantity = 3
        for number in count():
            attempt = partial(
                _reserve,
                container,
                raffle_id,
                new_contact(seed * THREADS + thread, number),
                quantity,
                RandomNumbers(random=container.random),
            )
            try:
                seconds.append(timed(partial(_retry_like_the_queue, attempt)))
            except TooFewFree as refusal:
                quantity = refusal.free
                if not quantity:
                    return seconds
        return seconds

    return _shift(buy, range(THREADS))


def _retry_like_the_queue(attempt: Callable[[], object]) -> None:
    """Try like a message: again at once, and if that does not help, again by the queue."""
    for _ in range(DELIVERIES):
        with suppress(TryAgain):
            retry(attempt, again_on=(Busy, ConditionsFailed))
            return
    raise RuntimeError("an order was refused again and again")


def _replay(endpoint: str, orders: Sequence[OrderRequests]) -> Shift:
    """Replay this process's share of the orders with bare botocore."""
    open_container(endpoint, clock=lambda: START, seed=0)
    client = boto3.client("dynamodb", config=Config(parameter_validation=False, max_pool_connections=THREADS))
    client.list_tables()

    def send(order: OrderRequests) -> None:
        for operation, parameters in order:
            getattr(client, xform_name(operation))(**parameters)

    def replay(share: Sequence[OrderRequests]) -> list[float]:
        return [timed(partial(send, order)) for order in share]

    return _shift(replay, [orders[start::THREADS] for start in range(THREADS)])


def _shift(work: Callable[[Any], list[float]], shares: Sequence[Any]) -> Shift:
    _barrier.wait()
    started_at = time()
    with ThreadPoolExecutor(THREADS) as pool:
        seconds = [second for series in pool.map(work, shares) for second in series]
    return Shift(started_at, time(), seconds)


def _rate(shifts: Sequence[Shift]) -> float:
    """Return the orders per second of all processes together."""
    orders = sum(len(shift.seconds) for shift in shifts)
    return orders / (max(shift.ended_at for shift in shifts) - min(shift.started_at for shift in shifts))
