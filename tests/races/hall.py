"""A hall full of buyers: Tombola's use cases in several processes on one real engine, and what must hold afterwards."""

import os
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from random import Random
from time import sleep
from typing import Any

import boto3
from botocore.exceptions import ClientError

from chalicelib.domain.board import set_numbers
from chalicelib.domain.orders import OWNING, OrderStatus
from chalicelib.domain.raffles import Raffle, RaffleEvent
from chalicelib.domain.refusals import Refusal
from chalicelib.domain.talk import Heard, HeardKind, Identity, Media
from chalicelib.runtime import Runtime
from chalicelib.settings import load
from chalicelib.store import board, contacts, orders, raffles
from chalicelib.store.records import Record, TicketRecord
from chalicelib.whatsapp.inbound import Message
from local.environment import Ports, local_environment
from local.stack import Stack, data_template
from tests.world import PNG, FakeGraph

TABLE = "tombola-races"
START = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
THREADS = 8


def make_table() -> None:
    """The table of `infra/`, on an engine that has no CloudFormation."""
    properties = data_template()["Resources"]["Table"]["Properties"]
    wanted = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode")
    boto3.client("dynamodb").create_table(TableName=TABLE, **{name: properties[name] for name in wanted})


def open_runtime(endpoint: str, *, seed: int, late: bool = False) -> Runtime:
    """The product on the engine. `late`: its clock is where every hold is over."""
    os.environ.update(
        AWS_ENDPOINT_URL=endpoint,
        AWS_ACCESS_KEY_ID="test",
        AWS_SECRET_ACCESS_KEY="test",
        AWS_DEFAULT_REGION="us-east-1",
    )
    Record._connection = None  # the process may have spoken to another engine before
    stack = Stack(table=TABLE, bucket="bucket", queue_url="http://127.0.0.1/none")
    settings = load(local_environment({}, Ports(api=1, phone=2, aws=3), stack))
    now = START + timedelta(hours=1) if late else START
    runtime = replace(Runtime(settings), clock=lambda: now, random=Random(seed))
    graph = FakeGraph()
    graph.files["proof"] = PNG
    vars(runtime)["graph"] = graph
    vars(runtime)["_clients"] = {"s3": _NoBucket()}
    return runtime


class _NoBucket:
    def put_object(self, **_: Any) -> None:
        """The races are about the table: DynamoDB Local has no S3 beside it."""


@dataclass
class Tale:
    """What a process saw."""

    answered: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    errors: list[str] = field(default_factory=list)


def crowd(endpoint: str, raffle_id: str, seed: int, rounds: int) -> Tale:
    """One process: THREADS buyers at once until the raffle is sold out, or for so many rounds each."""
    runtime = open_runtime(endpoint, seed=seed)
    late = replace(runtime, clock=lambda: START + timedelta(hours=1))
    vars(late).update({name: vars(runtime)[name] for name in ("graph", "_clients")})
    tale = Tale()

    def buyer(number: int) -> None:
        Visitor(runtime, late, raffle_id, Random(seed * 1000 + number), f"{seed}-{number}", tale).buy(rounds)

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(buyer, range(THREADS)))
    return tale


class Visitor:
    """One thread that buys, changes its mind, sends things twice, and forgets to pay."""

    def __init__(self, runtime: Runtime, late: Runtime, raffle_id: str, random: Random, name: str, tale: Tale) -> None:
        self.runtime, self.late, self.raffle_id = runtime, late, raffle_id
        self.random, self.name, self.tale = random, name, tale
        self.messages = 0

    def buy(self, rounds: int) -> None:
        for turn in range(rounds):
            found = raffles.board(self.raffle_id)
            if found.availability.sold == found.availability.total:
                return
            person = Identity(user_id=f"GT.{self.name.replace('-', 'x')}y{turn % 7}")
            self.says(person, found.raffle.code)
            self.says(person, self.wish(found.raffle))
            order_id = self.order_at_hand(person)
            if order_id is not None:
                self.settle(person, order_id)

    def wish(self, raffle: Raffle) -> str:
        if self.random.random() < 0.5:
            return f"random {self.random.choice((1, 2, 3, 5))}"
        start = self.random.randint(raffle.first_number, raffle.last_number)
        numbers = {min(raffle.last_number, start + step) for step in range(self.random.choice((1, 2, 3)))}
        return ", ".join(f"#{number}" for number in sorted(numbers))

    def settle(self, person: Identity, order_id: str) -> None:
        fate = self.random.random()
        if fate < 0.15:
            self.says(person, "cancel")
        elif fate < 0.3:
            both = (lambda: self.late.selling.expire(order_id), lambda: self.confirm_payment(order_id))
            self.together([lambda: self.attempt("expire", both[0]), both[1]])
        elif fate < 0.4:
            self.attempt("expire", lambda: self.late.selling.expire(order_id))
            self.sends(person, Heard(kind=HeardKind.MEDIA, media=Media(id="proof")))
            self.confirm_payment(order_id)
        else:
            self.says(person, "confirm")
            self.sends(person, Heard(kind=HeardKind.MEDIA, media=Media(id="proof")))
            self.together([lambda: self.confirm_payment(order_id), lambda: self.confirm_payment(order_id)])

    def confirm_payment(self, order_id: str) -> None:
        self.attempt("confirm", lambda: self.runtime.selling.confirm_payment(order_id, by="races"))

    def order_at_hand(self, person: Identity) -> str | None:
        found = contacts.arrival(person, phone_number_id="1", message_id="none", code=None)
        return found.contact.talk.order_id

    def says(self, person: Identity, text: str) -> None:
        self.sends(person, Heard(kind=HeardKind.TEXT, text=text))

    def sends(self, person: Identity, heard: Heard) -> None:
        self.messages += 1
        message = Message(
            id=f"wamid.{self.name}.{self.messages}", phone_number_id="1", sender=person, name="", sent_at=START,
            heard=heard, kind="text",
        )  # fmt: skip

        def answer() -> None:
            self.attempt("message", lambda: self.runtime.conversing.answer(message))

        if self.random.random() < 0.2:
            self.together([answer, answer])  # delivered twice at once
        else:
            answer()

    def together(self, calls: Sequence[Callable[[], object]]) -> None:
        with ThreadPoolExecutor(len(calls)) as pool:
            list(pool.map(lambda call: call(), calls))

    def attempt(self, what: str, call: Callable[[], object]) -> None:
        try:
            call()
            self.tale.answered[what] += 1
        except Refusal as refusal:
            self.tale.refused[refusal.code] += 1
        except Exception as error:
            self.tale.errors.append(f"{what}: {type(error).__name__}: {error}"[:300])


def sell(
    endpoint: str,
    *,
    numbers: int,
    processes: int = 4,
    rounds: int = 400,
    meanwhile: Callable[[Runtime, Raffle], None] = lambda runtime, raffle: sleep(0.1),
    **fields: Any,
) -> tuple[Raffle, Tale]:
    """Make a raffle, let the processes loose on it, and return what they saw. `meanwhile` is done again and again."""
    runtime = open_runtime(endpoint, seed=numbers)
    try:
        make_table()
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceInUseException":
            raise
    values = {
        "title": "Race", "description": "", "prize": "", "unit_amount": 100, "currency": "GTQ", "first_number": 0,
        "last_number": numbers - 1, "hold_minutes": 15, "max_per_contact": None,
        "payment_instructions": "", "code": None,
        "opens_at": None, "closes_at": None, "time_zone": "UTC", **fields,
    }  # fmt: skip
    raffle = runtime.organising.create(values, by="races")
    raffle = runtime.organising.move(raffle.id, RaffleEvent.ACTIVATED, by="races")
    tale = Tale()
    with get_context("spawn").Pool(processes) as pool:
        crowds = pool.starmap_async(crowd, [(endpoint, raffle.id, seed, rounds) for seed in range(1, processes + 1)])
        while not crowds.ready():
            meanwhile(runtime, raffle)
        for part in crowds.get():
            tale.answered += part.answered
            tale.refused += part.refused
            tale.errors += part.errors
    return raffle, tale


def differences(raffle: Raffle) -> list[str]:
    """What does not fit together in all that is stored about the raffle."""
    stored = [orders.as_order(record) for record in Record.by_raffle.query(raffle.id)]
    owning = [(number, order.id) for order in stored if order.status in OWNING for number in order.numbers]
    owner = dict(owning)
    sold = {number for order in stored if order.status is OrderStatus.PAID for number in order.numbers}
    taken_bits, sold_bits = bits(raffle)
    counted = raffles.board(raffle.id)
    held = Counter[str]()
    for order in stored:
        held[order.contact_id] += order.quantity if order.status in OWNING else 0
    checks = {
        "a number has two owners": len(owner) == len(owning),
        "tickets differ from orders": tickets(raffle) == owner,
        "taken bits differ from orders": taken_bits == set(owner),
        "sold bits differ from orders": sold_bits == sold,
        "tallies differ from orders": {p: n for p, n in counted.taken.items() if n}
        == raffle.layout.count_by_page(owner),
        "tallies differ in what is sold": counted.sold == len(sold),
        "contacts count other numbers than they hold": all(
            (found := contacts.get(contact_id)) is not None and found.held.get(raffle.id, 0) == count
            for contact_id, count in held.items()
        ),
    }
    return [what for what, holds in checks.items() if not holds]


def tickets(raffle: Raffle) -> dict[int, str]:
    found: dict[int, str] = {}
    for page in range(raffle.layout.pages):
        hash_key, _ = board.ticket_key(raffle, raffle.first_number + page * raffle.page_size)
        found |= {int(str(record.sk)): str(record.order_id) for record in TicketRecord.query(hash_key)}
    return found


def bits(raffle: Raffle) -> tuple[set[int], set[int]]:
    """The numbers that the board's leaves show as taken, and as sold."""
    leaves = board.leaves(raffle, range(raffle.layout.pages))
    taken = {number for leaf in leaves for number in set_numbers(leaf.first, leaf.taken)}
    return taken, {number for leaf in leaves for number in set_numbers(leaf.first, leaf.sold)}
