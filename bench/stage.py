"""The stage of a measurement: a running engine, buyers, and raffles filled to any share."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count, islice
from random import Random
from typing import Any
from zlib import crc32

import boto3

from bench.meter import Bare, Meter
from chalicelib.domain.contacts import Contact, contact_ids
from chalicelib.domain.orders import Order
from chalicelib.domain.raffles import Board, Raffle
from chalicelib.domain.talk import Heard, HeardKind, Identity, Media
from chalicelib.runtime import Runtime
from chalicelib.store import contacts
from chalicelib.store.board import leaf_key
from chalicelib.store.transaction import Transaction
from chalicelib.whatsapp.inbound import Message
from local.engines import ENGINES
from local.lab import TABLE, QuietGraph, make_table, open_runtime

START = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
TICKETS_AT_THE_ENDS = 10_000
WRITERS = 4  # threads that fill a raffle
OUR_NUMBER = "100000000000001"
_visitors = count(1)


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


@dataclass(frozen=True)
class Stage:
    engine: str
    endpoint: str
    runtime: Runtime
    clock: Clock
    meter: Meter
    bare: Bare
    progress: Callable[[str], None]

    @property
    def graph(self) -> QuietGraph:
        found = self.runtime.graph
        assert isinstance(found, QuietGraph)
        return found


@contextmanager
def staged(engine: str, progress: Callable[[str], None]) -> Iterator[Stage]:
    """The product on a fresh engine with an empty table. Raises EngineMissing."""
    clock = Clock()
    with ENGINES[engine]() as endpoint:
        runtime = open_runtime(endpoint, clock=clock, seed=1)
        make_table()
        yield Stage(engine, endpoint, runtime, clock, Meter(), Bare(), progress)


class Visitor:
    """A buyer, who writes through the use case behind every inbound message."""

    def __init__(self, stage: Stage) -> None:
        self.number = next(_visitors)
        self.person = Identity(user_id=f"GT.{self.number:015}", phone=f"502{self.number:08}")
        self._stage, self.messages = stage, 0

    def says(self, text: str) -> None:
        self._sends(Heard(kind=HeardKind.TEXT, text=text))

    def sends_proof(self) -> None:
        self._sends(Heard(kind=HeardKind.MEDIA, media=Media(id="proof")))

    def _sends(self, heard: Heard) -> None:
        self.messages += 1
        message = Message(
            id=self._message_id, phone_number_id=OUR_NUMBER, sender=self.person, name="Ana García",
            sent_at=self._stage.clock(), heard=heard, kind="text",
        )  # fmt: skip
        self._stage.runtime.conversing.answer(message)

    @property
    def _message_id(self) -> str:
        # As long as Meta's.
        return f"wamid.HBgLNTAyNTU1NTAwMDEVAgASGBQz{self.number:016}{self.messages:04}AA=="

    def order_id(self) -> str:
        """The order at hand, whose numbers were held for this buyer."""
        order_id = self._contact().talk.order_id
        assert order_id is not None
        return order_id

    def _contact(self) -> Contact:
        return contacts.arrival(self.person, phone_number_id=OUR_NUMBER, message_id="none", code=None).contact

    def elsewhere(self, raffle: Raffle, other: Raffle) -> dict[str, str]:
        """Names under which the requests of this visitor can be made once more, beside the real ones."""
        names = {raffle.id: other.id, raffle.code: other.code, self._message_id: "-".join(self._message_id.split("Bg"))}
        at_hand = self._contact().talk.order_id
        return names | {name: name[::-1] for name in (*contact_ids(self.person), at_hand) if name}


def reserve(stage: Stage, found: Board, contact: Contact | None = None, quantity: int = 3) -> Order:
    """The reservation itself: random numbers, and the transaction that holds them for a (new) contact."""
    selling, transaction = stage.runtime.selling, Transaction()
    contact = contact or Contact(id=contact_ids(Visitor(stage).person)[0])
    numbers = selling.draw_random(found, quantity)
    order, contact = selling.hold(transaction, found.raffle, contact, numbers)
    contacts.save(transaction, contact, now=stage.clock())
    transaction.commit()
    return order


def take_back(stage: Stage, raffle: Raffle, order: Order) -> None:
    """Free the numbers of a reservation."""
    contact, transaction = contacts.get(order.contact_id), Transaction()
    assert contact is not None
    _, contact = stage.runtime.selling.drop(transaction, raffle, order, contact)
    contacts.save(transaction, contact, now=stage.clock())
    transaction.commit()


class Filling:
    """Sells numbers of a raffle in bulk, spread at random, forty an order: only ever more of them.

    Leaves and tallies are those of the whole raffle; tickets are written for the numbers near its ends only, where the
    lists look for owners: writing a million takes long.
    """

    def __init__(self, stage: Stage, raffle: Raffle) -> None:
        self._stage, self._raffle = stage, raffle
        self._numbers = list(range(raffle.first_number, raffle.last_number + 1))
        Random(4).shuffle(self._numbers)
        self._taken = 0

    def up_to(self, share: float, *, sold: bool = True) -> None:
        """Tickets, leaves and tallies as if more numbers were sold, or reserved, until the share has owners."""
        goal = round(len(self._numbers) * share)
        new = self._numbers[self._taken : goal]
        client = boto3.client("dynamodb")
        what = f"filling {share:.1%} of {len(self._numbers):,} numbers"

        def write(items: Sequence[dict[str, Any]]) -> int:
            client.batch_write_item(RequestItems={TABLE: [{"PutRequest": {"Item": item}} for item in items]})
            return len(items)

        with ThreadPoolExecutor(WRITERS) as pool:
            done = 0
            for batch in chunks(chunks(self._tickets(new), 25), 400):
                done += sum(pool.map(write, batch))
                self._stage.progress(f"{what}: {done:,} tickets")
            list(pool.map(lambda update: client.update_item(TableName=TABLE, **update), self._counts(new, sold=sold)))
        self._taken = goal

    def left(self, quantity: int) -> list[int]:
        """Numbers that stay free up to the next filling, far from each other."""
        return sorted(self._numbers[self._taken : self._taken + quantity])

    def _order_of(self, position: int) -> str:
        return f"F{position // 40:07}"

    def _tickets(self, numbers: Sequence[int]) -> Iterator[dict[str, Any]]:
        inner = range(self._raffle.first_number + TICKETS_AT_THE_ENDS, self._raffle.last_number - TICKETS_AT_THE_ENDS)
        for position, number in enumerate(numbers, self._taken):
            if number in inner:
                continue
            page = self._raffle.layout.place(number).page
            yield {
                "kind": {"S": "ticket"},
                "pk": {"S": f"TICKETS#{self._raffle.id}#{page:03}"},
                "sk": {"S": f"{number:07}"},
                "order_id": {"S": self._order_of(position)},
                "contact_id": {"S": "f" * 24},
            }

    def _counts(self, numbers: Sequence[int], *, sold: bool) -> Iterator[dict[str, Any]]:
        layout = self._raffle.layout
        for key, words in layout.bits(numbers).items():
            added = {f"{which}{word}": bits for word, bits in words.items() for which in ("ts" if sold else "t")}
            pk, sk = leaf_key(self._raffle.id, key)
            yield _adding(pk, sk, added, kind={"S": "leaf"}, first={"N": str(layout.numbers(key).start)})
        tallies: dict[int, Counter[str]] = defaultdict(Counter)
        for position, number in enumerate(numbers, self._taken):
            tally = tallies[crc32(self._order_of(position).encode()) % layout.tallies]
            tally[f"p{layout.place(number).page}"] += 1
            tally["sold"] += sold
        for tally_number, counts in tallies.items():
            yield _adding(f"BOARD#{self._raffle.id}", f"TALLY#{tally_number:02}", counts, kind={"S": "tally"})


def chunks(items: Iterable[Any], size: int) -> Iterator[list[Any]]:
    rest = iter(items)
    while found := list(islice(rest, size)):
        yield found


def _adding(pk: str, sk: str, added: dict[str, int], **fixed: dict[str, str]) -> dict[str, Any]:
    """An update that adds the numbers to the item's and sets the rest."""
    names = {f"#a{i}": name for i, name in enumerate(added)} | {f"#f{i}": name for i, name in enumerate(fixed)}
    values: dict[str, Any] = {f":a{i}": {"N": str(value)} for i, value in enumerate(added.values())}
    values |= {f":f{i}": value for i, value in enumerate(fixed.values())}
    adds = ", ".join(f"#a{i} :a{i}" for i in range(len(added)))
    sets = ", ".join(f"#f{i} = :f{i}" for i in range(len(fixed)))
    return {
        "Key": {"pk": {"S": pk}, "sk": {"S": sk}},
        "UpdateExpression": f"SET {sets} ADD {adds}",
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": values,
    }
