"""The testbed of all measurements: the application on a running engine, a clock set by hand, buyers and contacts."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from unittest.mock import patch

from bench.dynamodb_meter import BareClient, RequestMeter
from chalicelib.container import Container
from chalicelib.domain.audit import CHAINS
from chalicelib.domain.contacts import Contact
from chalicelib.domain.messages import Identity, IncomingMessage, Media, MessageKind
from chalicelib.domain.orders import Order, OrderEvent
from chalicelib.domain.raffles import Board, Raffle
from chalicelib.services.orders.changes import OrderChange
from chalicelib.services.orders.expiry import release
from chalicelib.services.orders.holds import RandomNumbers
from chalicelib.store import audit, contacts
from chalicelib.store.contact_ids import contact_ids_of
from chalicelib.store.messages import inbound_key
from chalicelib.store.order_context import OrderContext
from chalicelib.store.records import AuditHeadRecord
from chalicelib.store.transaction import Transaction
from chalicelib.telemetry import metrics
from chalicelib.whatsapp.inbound import Message
from local.engines import ENGINES
from local.in_process import QuietGraph, make_table, open_container

START = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
COPIED_AUDIT = "COPIED#"
OUR_NUMBER = "100000000000001"
MIN_RUNS = 3  # quartiles need two
_buyer_numbers = count(1)


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


@dataclass(frozen=True)
class Testbed:
    """The application on an engine, with meters. `progress` shows a line of progress."""

    endpoint: str
    container: Container
    clock: Clock
    meter: RequestMeter
    bare: BareClient
    progress: Callable[[str], None]
    quick: bool = False

    def runs(self, number: int) -> int:
        """Return how often to repeat a timed step. Counts need no repetition."""
        return min(number, MIN_RUNS) if self.quick else number

    @property
    def graph(self) -> QuietGraph:
        graph = self.container.graph
        assert isinstance(graph, QuietGraph)
        return graph

    def copy_audit(self) -> None:
        """Copy the heads of the audit chains, so that replayed requests can continue the copies."""
        for chain in range(CHAINS):
            newest = audit.head_of(chain)
            if newest.number:
                key = (f"{COPIED_AUDIT}{chain:02}", "HEAD")
                AuditHeadRecord(*key, number=newest.number, seal=newest.seal).save()


@contextmanager
def open_testbed(engine: str, progress: Callable[[str], None], *, quick: bool = False) -> Iterator[Testbed]:
    """Start an engine with an empty table, and the application on it. Raises EngineMissing."""
    clock = Clock()
    # Powertools prints the metrics in batches of a hundred. The figures must not include that.
    with ENGINES[engine]() as endpoint, patch.object(metrics, "add_metric"):
        container = open_container(endpoint, clock=clock, seed=1)
        make_table()
        yield Testbed(endpoint, container, clock, RequestMeter(), BareClient(), progress, quick)


class Buyer:
    """A buyer whose messages go through the same service as every inbound message."""

    def __init__(self, testbed: Testbed) -> None:
        self.number = next(_buyer_numbers)
        self.person = Identity(user_id=f"GT.{self.number:015}", phone=f"502{self.number:08}")
        self.messages = 0
        self._testbed = testbed

    def says(self, text: str) -> None:
        self._sends(IncomingMessage(kind=MessageKind.TEXT, text=text))

    def sends_proof(self) -> None:
        self._sends(IncomingMessage(kind=MessageKind.MEDIA, media=Media(id="proof")))

    def _sends(self, content: IncomingMessage) -> None:
        self.messages += 1
        message = Message(
            id=self._message_id, phone_number_id=OUR_NUMBER, sender=self.person, name="Ana García",
            sent_at=self._testbed.clock(), incoming=content, kind="text",
        )  # fmt: skip
        self._testbed.container.chat.answer(message)

    @property
    def _message_id(self) -> str:
        # As long as one of Meta's.
        return f"wamid.HBgLNTAyNTU1NTAwMDEVAgASGBQz{self.number:016}{self.messages:04}AA=="

    @property
    def contact_id(self) -> str:
        return self._contact().id

    def order_id(self) -> str:
        """Return the order in this buyer's conversation, whose numbers are held."""
        order_id = self._contact().conversation.order_id
        assert order_id is not None
        return order_id

    def _contact(self) -> Contact:
        return contacts.look_up(self.person, phone_number_id=OUR_NUMBER, message_id="none").contact

    def elsewhere(self, raffle: Raffle, other: Raffle) -> dict[str, str]:
        """Return other ids under which the requests of this buyer can be replayed beside the real ones."""
        names = {raffle.id: other.id, raffle.code: other.code, self._message_id: "-".join(self._message_id.split("Bg"))}
        stored, _ = inbound_key(OUR_NUMBER, self._message_id)
        names[stored] = stored[:-1] + ("a" if stored[-1] == "b" else "b")
        names["AUDIT#"] = COPIED_AUDIT
        order_id = self._contact().conversation.order_id
        return names | {name: name[::-1] for name in (*contact_ids_of(self.person), order_id) if name}


def reserve(
    container: Container,
    board: Board,
    contact: Contact,
    quantity: int = 3,
    drawn: RandomNumbers | None = None,
) -> Order:
    """Draw random numbers and hold them for the contact in one transaction.

    `drawn` is what a message keeps from one try to the next. Raises TooFewFree, ConditionsFailed, Busy.
    """
    transaction = Transaction()
    numbers = (drawn or RandomNumbers(random=container.random)).choose(board, quantity)
    order, contact = container.holds.hold(transaction, board, contact, numbers)
    contacts.save(transaction, contact, now=container.clock())
    transaction.commit()
    return order


def new_contact(*numbers: int) -> Contact:
    """Return a contact who has never written before. The numbers make up the id."""
    return Contact(id="".join(f"{number:08}" for number in numbers).rjust(24, "0"), phone="50255550000")


def release_order(testbed: Testbed, raffle: Raffle, order: Order) -> None:
    """Release the numbers of an order."""
    contact = contacts.get(order.contact_id)
    transaction = Transaction()
    assert contact is not None
    context = OrderContext(raffle, contact)
    unit = OrderChange(order, now=testbed.clock(), transaction=transaction, context=context)
    release(unit, OrderEvent.DROPPED)
    contacts.save(transaction, unit.contact, now=testbed.clock())
    transaction.commit()
