"""The stage of a measurement: a running engine, buyers, and raffles filled to any share."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from unittest.mock import patch

from bench.meter import Bare, Meter
from chalicelib.container import Container
from chalicelib.domain.audit import CHAINS
from chalicelib.domain.contacts import Contact
from chalicelib.domain.messages import Identity, IncomingMessage, Media, MessageKind
from chalicelib.domain.orders import Order
from chalicelib.domain.raffles import Board, Raffle
from chalicelib.services.orders.holds import Draw
from chalicelib.store import audit, contacts
from chalicelib.store.contact_ids import contact_ids_of
from chalicelib.store.messages import inbound_key
from chalicelib.store.records import AuditHeadRecord
from chalicelib.store.transaction import Transaction
from chalicelib.telemetry import metrics
from chalicelib.whatsapp.inbound import Message
from local.engines import ENGINES
from local.lab import QuietGraph, make_table, open_container

START = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
COPIED_AUDIT = "COPIED#"
OUR_NUMBER = "100000000000001"
FEWEST_RUNS = 3  # quartiles need two
_visitors = count(1)


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


@dataclass(frozen=True)
class Stage:
    endpoint: str
    container: Container
    clock: Clock
    meter: Meter
    bare: Bare
    progress: Callable[[str], None]
    quick: bool = False

    def runs(self, number: int) -> int:
        """How often to repeat what is timed. Counts need no repetition."""
        return min(number, FEWEST_RUNS) if self.quick else number

    @property
    def graph(self) -> QuietGraph:
        found = self.container.graph
        assert isinstance(found, QuietGraph)
        return found

    def copy_audit(self) -> None:
        """The ends of the audit's chains once more, where requests made elsewhere go on with them."""
        for chain in range(CHAINS):
            newest = audit.head_of(chain)
            if newest.number:
                key = (f"{COPIED_AUDIT}{chain:02}", "HEAD")
                AuditHeadRecord(*key, number=newest.number, seal=newest.seal).save()


@contextmanager
def staged(engine: str, progress: Callable[[str], None], *, quick: bool = False) -> Iterator[Stage]:
    """The product on a fresh engine with an empty table. Raises EngineMissing."""
    clock = Clock()
    # Powertools prints the metrics, a hundred at a time: that would be among the figures.
    with ENGINES[engine]() as endpoint, patch.object(metrics, "add_metric"):
        container = open_container(endpoint, clock=clock, seed=1)
        make_table()
        yield Stage(endpoint, container, clock, Meter(), Bare(), progress, quick)


class Visitor:
    """A buyer, who writes through the use case behind every inbound message."""

    def __init__(self, stage: Stage) -> None:
        self.number = next(_visitors)
        self.person = Identity(user_id=f"GT.{self.number:015}", phone=f"502{self.number:08}")
        self._stage, self.messages = stage, 0

    def says(self, text: str) -> None:
        self._sends(IncomingMessage(kind=MessageKind.TEXT, text=text))

    def sends_proof(self) -> None:
        self._sends(IncomingMessage(kind=MessageKind.MEDIA, media=Media(id="proof")))

    def _sends(self, heard: IncomingMessage) -> None:
        self.messages += 1
        message = Message(
            id=self._message_id, phone_number_id=OUR_NUMBER, sender=self.person, name="Ana García",
            sent_at=self._stage.clock(), heard=heard, kind="text",
        )  # fmt: skip
        self._stage.container.chat.answer(message)

    @property
    def _message_id(self) -> str:
        # As long as Meta's.
        return f"wamid.HBgLNTAyNTU1NTAwMDEVAgASGBQz{self.number:016}{self.messages:04}AA=="

    @property
    def contact_id(self) -> str:
        return self._contact().id

    def order_id(self) -> str:
        """The order at hand, whose numbers were held for this buyer."""
        order_id = self._contact().conversation.order_id
        assert order_id is not None
        return order_id

    def _contact(self) -> Contact:
        return contacts.arrival(self.person, phone_number_id=OUR_NUMBER, message_id="none", code=None).contact

    def elsewhere(self, raffle: Raffle, other: Raffle) -> dict[str, str]:
        """Names under which the requests of this visitor can be made once more, beside the real ones."""
        names = {raffle.id: other.id, raffle.code: other.code, self._message_id: "-".join(self._message_id.split("Bg"))}
        stored, _ = inbound_key(OUR_NUMBER, self._message_id)
        names[stored] = stored[:-1] + ("a" if stored[-1] == "b" else "b")
        names["AUDIT#"] = COPIED_AUDIT
        at_hand = self._contact().conversation.order_id
        return names | {name: name[::-1] for name in (*contact_ids_of(self.person), at_hand) if name}


def reserve(container: Container, found: Board, contact: Contact, quantity: int = 3, draw: Draw | None = None) -> Order:
    """The reservation itself: random numbers, and the transaction that holds them for the contact.

    `draw` is what a message keeps from one try to the next. Raises TooFewFree, ConditionsFailed, Busy.
    """
    transaction = Transaction()
    numbers = container.holds.draw_random(found, quantity, draw)
    order, contact = container.holds.hold(transaction, found.raffle, contact, numbers)
    contacts.save(transaction, contact, now=container.clock())
    transaction.commit()
    return order


def stranger(*numbers: int) -> Contact:
    """Somebody who never wrote before; the numbers tell one from the other."""
    return Contact(id="".join(f"{number:08}" for number in numbers).rjust(24, "0"), phone="50255550000")


def take_back(stage: Stage, raffle: Raffle, order: Order) -> None:
    """Free the numbers of a reservation."""
    contact, transaction = contacts.get(order.contact_id), Transaction()
    assert contact is not None
    _, contact = stage.container.holds.drop(transaction, raffle, order, contact)
    contacts.save(transaction, contact, now=stage.clock())
    transaction.commit()
