"""A hall full of buyers: Tombola's use cases in several processes, with several threads each, on one real engine."""

import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from logging import getLogger
from multiprocessing import get_context
from multiprocessing.sharedctypes import Synchronized
from multiprocessing.synchronize import Barrier
from random import Random
from threading import local
from typing import Any, ClassVar, NamedTuple, Self
from unittest.mock import patch

import boto3

from chalicelib.container import Container
from chalicelib.domain.orders import Order
from chalicelib.domain.raffles import Raffle
from chalicelib.domain.refusals import Refusal
from chalicelib.services.chat import handler, misses
from chalicelib.services.messaging import outbox
from chalicelib.store import board
from chalicelib.store.records import TicketRecord, low_level
from chalicelib.store.transaction import Transaction
from chalicelib.telemetry import logger, metrics
from chalicelib.whatsapp.graph import Accepted
from local import in_process
from local.engines import ENGINES
from tests.support.quick_client import quicken
from tests.support.world import FakeGraph, text_of

OUR_NUMBER = "1"  # the id of the phone number that people write to
START = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
LONGER_THAN_A_HOLD = timedelta(minutes=16)
PROCESSES, THREADS = 4, 8
NO_LIMIT = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Profile:
    """A raffle, and who comes to it."""

    numbers: int
    quantities: tuple[int, ...]  # how many numbers buyers ask for
    most: int | None  # max_per_contact
    haste: float  # the share of buyers who pay cash, so that large boards fill in bearable time
    taps: bool  # whether those just tap for one order after the other
    least: int  # how many attempts to buy there are in all; if need be, some come when all is sold
    blocks: int = 0  # orders of MAX_NUMBERS that each thread buys first, while nobody else wants them


@dataclass
class Tale:
    """What a process saw. All of it is told once the race is over, and held against the table."""

    picks: list[str] = field(default_factory=list)  # messages that ask for numbers
    deliveries: list[str] = field(default_factory=list)  # messages, as often as they were delivered
    heard: list[str] = field(default_factory=list)  # those that the product took without an error
    proofs: list[tuple[str, str]] = field(default_factory=list)  # messages with a file, and the file's SHA-256
    sent: list[tuple[str, str]] = field(default_factory=list)  # what people were told: tag, text
    paid: list[str] = field(default_factory=list)  # orders that the organiser was told are PAID
    refunded: list[str] = field(default_factory=list)  # orders that the organiser was told are REFUNDED
    refused: list[str] = field(default_factory=list)  # codes
    wrong: list[str] = field(default_factory=list)  # errors that are no refusals, and anything else that must not be

    def __iadd__(self, other: "Tale") -> Self:
        for one in fields(self):
            getattr(self, one.name).extend(getattr(other, one.name))
        return self


class Shared:
    """What all processes of a hall have in common."""

    hours: ClassVar["Synchronized[int]"]  # how often a hold's time has passed
    line: ClassVar[Barrier]  # where all buyers of all processes wait for each other

    @classmethod
    def join(cls, hours: "Synchronized[int]", line: Barrier) -> None:
        cls.hours, cls.line = hours, line


def clock() -> datetime:
    return START + LONGER_THAN_A_HOLD * Shared.hours.value


def let_time_pass() -> None:
    """All holds that run are over, for everybody, whatever they are doing just now."""
    with Shared.hours.get_lock():
        Shared.hours.value += 1


class Meta(FakeGraph):
    """Takes every message, and can say what the thread that asks has sent."""

    def __init__(self) -> None:
        super().__init__()
        self.here = local()

    def send(self, message: Mapping[str, Any]) -> Accepted:
        vars(self.here).setdefault("texts", []).append(text_of(dict(message)))
        return super().send(message)

    def upload(
        self, content: bytes, mime_type: str, filename: str, *, timeout: tuple[float, float] | None = None
    ) -> str:
        """Take every picture, and keep none: a race has thousands."""
        return "1"

    def sent_here(self) -> list[str]:
        """The texts that this thread has sent since it last asked."""
        texts: list[str] = vars(self.here).pop("texts", [])
        return texts


class Place(NamedTuple):
    """Where a thread is: in front of this raffle, with these parts of the product."""

    container: Container
    raffle: Raffle
    meta: Meta
    tale: Tale


Run = Callable[[Place, Random, str, Profile], None]  # what a thread does; the text is its name


@dataclass(frozen=True)
class Hall:
    """An engine and the processes that race on it."""

    endpoint: str
    pool: ProcessPoolExecutor

    @contextmanager
    def raffle(self, profile: Profile) -> Iterator["Stage"]:
        """An active raffle in a table of its own, so that everything stored is about this race."""
        table = f"races-{os.urandom(6).hex()}"
        container = open_container(self.endpoint, table, seed=table)
        in_process.make_table(table)
        raffle = in_process.make_raffle(container, numbers=profile.numbers, max_per_contact=profile.most, code="RACE")
        try:
            yield Stage(self, table, raffle, profile, container)
        finally:
            boto3.client("dynamodb").delete_table(TableName=table)


@dataclass(frozen=True)
class Stage:
    """A raffle that is ready to be raced for."""

    hall: Hall
    table: str
    raffle: Raffle
    profile: Profile
    container: Container

    def race(self, run: Run, *, guarded: bool = True) -> Tale:
        """Let all processes run on the raffle at once. `guarded=False` takes away the condition that is H2."""
        Shared.hours.value = 0
        parts = [self.hall.pool.submit(in_a_process, self.work(seed, run, guarded)) for seed in range(PROCESSES)]
        tale = Tale()
        for part in parts:
            tale += part.result()
        # The hall's time jumps, so a run of the schedule may have had none left to tell everybody: the next one does.
        let_time_pass()
        self.container.outbox.send_due()
        tale.sent += said(self.container)
        return tale

    def work(self, seed: int, run: Run, guarded: bool) -> "Work":
        return Work(self.hall.endpoint, self.table, self.raffle, self.profile, seed, run, guarded)


class Work(NamedTuple):
    """What a process is told to do."""

    endpoint: str
    table: str
    raffle: Raffle
    profile: Profile
    seed: int
    run: Run
    guarded: bool


@contextmanager
def open_hall(engine: str) -> Iterator[Hall]:
    """Start the engine and the processes."""
    context = get_context("spawn")
    shared = context.Value("i", 0), context.Barrier(PROCESSES * THREADS, timeout=1200)
    Shared.join(*shared)
    with (
        ENGINES[engine]() as endpoint,
        ProcessPoolExecutor(PROCESSES, context, initializer=Shared.join, initargs=shared) as pool,
    ):
        yield Hall(endpoint, pool)


def open_container(endpoint: str, table: str, *, seed: object) -> Container:
    """The product on the engine, with the hall's clock."""
    container = in_process.open_container(endpoint, clock=clock, seed=str(seed), table=table)
    vars(container)["graph"] = Meta()
    # The client is made here, too: otherwise each thread would make one, which takes longer than all its requests.
    quicken(low_level().client, timeout_seconds=in_process.READ_TIMEOUT_SECONDS)
    return container


def in_a_process(work: Work) -> Tale:
    """THREADS buyers at once."""
    container = open_container(work.endpoint, work.table, seed=f"{work.table} {work.seed}")
    tale, meta = Tale(), container.graph
    assert isinstance(meta, Meta)
    place = Place(container, work.raffle, meta, tale)

    def thread(number: int) -> None:
        name = f"{work.seed}.{number}"
        work.run(place, Random(f"{work.table} {name}"), name, work.profile)

    condition = nullcontext() if work.guarded else without_the_condition()
    with logged_to(tale), no_metrics(), no_silence(), condition, ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(thread, range(THREADS)))
    tale.sent = said(container)
    return tale


def said(container: Container) -> list[tuple[str, str]]:
    """Tag and text of everything that went out to Meta from these parts."""
    assert isinstance(container.graph, Meta)
    return [(str(message["biz_opaque_callback_data"]), text_of(message)) for message in container.graph.sent]


@contextmanager
def logged_to(tale: Tale) -> Iterator[None]:
    """What the product only logs, since it goes on with other work, must come to light as well."""

    class Noting(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            note(tale, record.getMessage(), record.exc_info[1] if record.exc_info else None)

    handler = Noting(logging.ERROR)
    # Powertools wraps the logger that is meant.
    inner = getLogger(logger.name)
    inner.addHandler(handler)
    try:
        yield
    finally:
        inner.removeHandler(handler)


def note(tale: Tale, what: str, error: BaseException | None) -> None:
    if isinstance(error, Refusal):
        tale.refused.append(error.code)
    else:
        tale.wrong.append(f"{what}: {type(error).__name__}: {error}"[:300])


def no_metrics() -> AbstractContextManager[object]:
    """Outside Lambda nobody collects them, so that they would be printed."""
    return patch.object(metrics, "add_metric")


@contextmanager
def no_silence() -> Iterator[None]:
    """Each message is answered, however many one person sends: otherwise a lost answer could pass for silence (M8)."""
    with (
        patch.object(misses, "MAX_SAME", NO_LIMIT),
        patch.object(handler, "MAX_REPLIES", NO_LIMIT),
        patch.object(outbox, "MAX_WAITING", NO_LIMIT),
    ):
        yield


def without_the_condition() -> AbstractContextManager[object]:
    """The product as it would be if a ticket were put whether or not there is one."""

    def take(transaction: Transaction, raffle: Raffle, order: Order) -> None:
        for number in order.numbers:
            ticket = TicketRecord(*board.ticket_key(raffle, number), order_id=order.id, contact_id=order.contact_id)
            transaction.put(ticket)
        board._change_board(transaction, raffle, order, taken=+1)

    return patch.object(board, "take", take)


def at_once(calls: Sequence[Callable[[], object]]) -> None:
    with ThreadPoolExecutor(len(calls)) as pool:
        list(pool.map(lambda call: call(), calls))
