"""2,000 numbers sold out by 16 buyers at once, beside a query and a transaction by bare botocore."""

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

from bench.figure import Figure, spread
from bench.meter import Request, timed
from bench.stage import START, Stage, reserve, stranger
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
QUERY, LEAVES, TRANSACTION = range(3)  # an order's requests
REPLAYS = {  # which of them are sent once more by bare botocore
    "a bare query and transaction": (QUERY, TRANSACTION),
    "the same requests, bare": (QUERY, LEAVES, TRANSACTION),
}
Bought = list[tuple[str, dict[str, Any]]]  # the requests of one order: operation and parameters
_barrier: Barrier


class Shift(NamedTuple):
    """One process's part: when it began and ended, and the seconds that each order took."""

    begun: float
    ended: float
    seconds: list[float]


def sell_out(stage: Stage) -> Iterator[Figure]:
    recording = make_raffle(stage.container, numbers=NUMBERS)
    orders = _recorded(stage, recording)
    rates = defaultdict[str, list[float]](list)  # who → orders a second in each round
    seconds, wrong = list[float](), 0
    # What comes second in a round finds the engine warmer: so they take turns. The round before the first warms it up.
    runs = [OURS, *REPLAYS]
    for number in range(1 + ROUNDS):
        stage.progress(f"sell-out by 16 buyers: round {number} of {ROUNDS}")
        for who in runs if number % 2 else reversed(runs):
            raffle = make_raffle(stage.container, numbers=NUMBERS)
            if who == OURS:
                first = 1 + number * PROCESSES  # nobody comes twice: a contact is new only once
                shifts = _together(_buy_out, [(stage.endpoint, raffle.id, first + seed) for seed in range(PROCESSES)])
                seconds += [second for shift in shifts for second in shift.seconds] if number else ()
                wrong += stage.container.consistency.check(raffle.id).differences
            else:
                again = [_elsewhere(order, recording.id, raffle.id, REPLAYS[who]) for order in orders]
                shares = [(stage.endpoint, again[start::PROCESSES]) for start in range(PROCESSES)]
                shifts = _together(_replay, shares)
            if number:
                rates[who].append(_rate(shifts))
    percentiles = quantiles(seconds, n=100)
    for who, goal in zip(REPLAYS, (">= 0.7", ""), strict=True):
        ratios = [ours / bare for ours, bare in zip(rates[OURS], rates[who], strict=True)]
        note = f"{min(ratios):.2f} to {max(ratios):.2f}; {median(rates[OURS]):.0f} orders/s to {median(rates[who]):.0f}"
        yield Figure(f"sell-out by 16 buyers: orders/s to {who}", round(median(ratios), 2), "ratio", goal, note)
    value = round(percentiles[98] / percentiles[49], 2)
    yield Figure("sell-out by 16 buyers: p99 to p50", value, "ratio", "<= 5", spread(seconds))
    yield Figure("sell-out by 16 buyers: numbers sold twice or lost", wrong, "numbers", "<= 0")


def _recorded(stage: Stage, raffle: Raffle) -> list[Bought]:
    """The requests of every order of a sell-out, one after another."""
    orders = list[Bought]()
    for number in range(NUMBERS // 3):
        stage.progress(f"sell-out by 16 buyers: recording order {number + 1}")
        buy = partial(_reserve, stage.container, raffle.id, stranger(0, number))
        made: Sequence[Request] = stage.meter.during(buy)
        orders.append([(one.operation, one.parameters) for one in made])
    return orders


def _reserve(
    container: Container, raffle_id: str, contact: Contact, quantity: int = 3, chosen: RandomNumbers | None = None
) -> None:
    """What a buyer's wish for random numbers takes: the board, their leaves, and the transaction."""
    chosen = chosen or RandomNumbers(random=container.random)
    try:
        reserve(container, raffles.board(raffle_id), contact, quantity, chosen)
    except ConditionsFailed as failure:
        chosen.lose(board.in_the_way(failure.named(board.TICKET)))
        raise


def _elsewhere(order: Bought, recorded_in: str, raffle_id: str, kept: Sequence[int]) -> Bought:
    """The same requests, as far as they are to be kept, in another raffle, by other contacts, for other orders."""
    assert [operation for operation, _ in order] == ["Query", "Query", "TransactWriteItems"]
    kept_of = [order[position] for position in kept]
    text = dumps([(operation, {n: v for n, v in asked.items() if n != TOKEN}) for operation, asked in kept_of])
    for name, other in (
        (recorded_in, raffle_id),
        ('"CONTACT#', f'"CONTACT#{raffle_id}-'),
        ('"ORDER#', f'"ORDER#{raffle_id}-'),
    ):
        text = text.replace(name, other)
    found: Bought = loads(text)
    return found


# In processes of their own


def _together(work: Callable[..., Shift], tasks: Sequence[tuple[Any, ...]]) -> list[Shift]:
    """Each task in a process; all of them begin at the same moment, when the last one is ready."""
    context = get_context("spawn")
    barrier = context.Barrier(len(tasks))
    with context.Pool(len(tasks), initializer=_take_place, initargs=(barrier,)) as pool:
        return pool.starmap(work, tasks, chunksize=1)


def _take_place(barrier: Barrier) -> None:
    global _barrier  # noqa: PLW0603 - the one way to hand a barrier to a pool's processes
    _barrier = barrier


def _buy_out(endpoint: str, raffle_id: str, seed: int) -> Shift:
    """Four buyers who take three random numbers again and again, until none is left."""
    container = open_container(endpoint, clock=lambda: START, seed=seed)
    raffles.board(raffle_id)  # the connection is there

    def buy(thread: int) -> list[float]:
        seconds, quantity = list[float](), 3
        for number in count():
            attempt = partial(
                _reserve,
                container,
                raffle_id,
                stranger(seed * THREADS + thread, number),
                quantity,
                RandomNumbers(random=container.random),
            )
            try:
                seconds.append(timed(partial(_insistently, attempt)))
            except TooFewFree as refusal:
                quantity = refusal.free
                if not quantity:
                    return seconds
        return seconds

    return _shift(buy, range(THREADS))


def _insistently(attempt: Callable[[], object]) -> None:
    """As a message is: tried again at once, and by the queue when that did not help."""
    for _ in range(DELIVERIES):
        with suppress(TryAgain):
            retry(attempt, again_on=(Busy, ConditionsFailed))
            return
    raise RuntimeError("an order is refused again and again")


def _replay(endpoint: str, orders: Sequence[Bought]) -> Shift:
    """The orders that are this process's, by bare botocore."""
    open_container(endpoint, clock=lambda: START, seed=0)
    client = boto3.client("dynamodb", config=Config(parameter_validation=False, max_pool_connections=THREADS))
    client.list_tables()

    def send(order: Bought) -> None:
        for operation, parameters in order:
            getattr(client, xform_name(operation))(**parameters)

    def replay(share: Sequence[Bought]) -> list[float]:
        return [timed(partial(send, order)) for order in share]

    return _shift(replay, [orders[start::THREADS] for start in range(THREADS)])


def _shift(work: Callable[[Any], list[float]], shares: Sequence[Any]) -> Shift:
    _barrier.wait()
    begun = time()
    with ThreadPoolExecutor(THREADS) as pool:
        seconds = [second for series in pool.map(work, shares) for second in series]
    return Shift(begun, time(), seconds)


def _rate(shifts: Sequence[Shift]) -> float:
    """Orders a second, all processes together."""
    orders = sum(len(shift.seconds) for shift in shifts)
    return orders / (max(shift.ended for shift in shifts) - min(shift.begun for shift in shifts))
