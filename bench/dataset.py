"""A table as after years of use: a raffle of a million numbers with very many orders and contacts."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import islice, product
from random import Random

from bench.bulk_data import Item, count_in, load
from bench.testbed import Testbed
from chalicelib.domain.contacts import Contact
from chalicelib.domain.orders import Order, OrderStatus, new_code
from chalicelib.domain.raffles import Raffle
from chalicelib.store import contact_index, contacts, orders
from chalicelib.store.board import ticket_key
from chalicelib.store.records import ListedRecord, NameRecord, PhoneRecord, TicketRecord, stamp
from local.in_process import make_raffle

MILLION = 1_000_000
BATCH = 5_000  # items between two lines of progress
HEAVY = 50  # every 50th order belongs to the same contact: 2,000 of 100,000
FLAGGED = 40  # of 40 contacts, one asked for a person, and another one has opted out
STATUSES = (*[OrderStatus.PAID] * 7, OrderStatus.IN_REVIEW, OrderStatus.PENDING_PAYMENT, OrderStatus.DRAFT)
SYLLABLES = ("a", "be", "ca", "da", "e", "fo", "go", "hi", "i", "jo", "ka", "lu", "ma", "no", "o", "pe", "ra", "so")


@dataclass(frozen=True)
class Dataset:
    """What was written, oldest first."""

    raffle: Raffle
    orders: list[Order]
    contacts: list[Contact]

    @property
    def heavy(self) -> Contact:
        """The contact with very many orders."""
        return self.contacts[0]


def build_dataset(testbed: Testbed, size: int) -> Dataset:
    """Write `size` orders of one number each, and as many contacts."""
    raffle = make_raffle(testbed.container, numbers=MILLION)
    factory = _Factory(testbed, raffle, size)
    all_orders = [factory.order(number) for number in range(size)]
    by_contact: dict[str, list[str]] = {}
    for order in all_orders:
        by_contact.setdefault(order.contact_id, []).insert(0, order.id)
    all_contacts = [factory.contact(number, by_contact.get(_contact_id(number), [])) for number in range(size)]
    items = _items(raffle, all_orders, all_contacts)
    written = 0
    while batch := list(islice(items, BATCH)):
        testbed.progress(f"writing: {written:,} of about {7 * size:,} items")
        load(testbed, batch)
        written += len(batch)
    testbed.progress("updating leaves and tallies")
    for paid in (True, False):
        owned = {order.numbers[0]: order.id for order in all_orders if (order.status is OrderStatus.PAID) == paid}
        count_in(raffle, owned, sold=paid)
    return Dataset(raffle, all_orders, all_contacts)


class _Factory:
    def __init__(self, testbed: Testbed, raffle: Raffle, size: int) -> None:
        self._raffle = raffle
        self._start = testbed.clock() - timedelta(seconds=2 * size)
        self._random = Random(11)
        self._names = list(islice(_names(), 400))

    def order(self, number: int) -> Order:
        at = self._start + timedelta(seconds=number)
        return Order(
            id=new_code(self._random), raffle_id=self._raffle.id,
            contact_id=_contact_id(0 if number % HEAVY == 0 else number), numbers=(number,), unit_amount=2500,
            currency=self._raffle.currency, status=self._random.choice(STATUSES), reserved_until=None,
            created_at=at, updated_at=at,
        )  # fmt: skip

    def contact(self, number: int, order_ids: list[str]) -> Contact:
        at = self._start + timedelta(seconds=number)
        contact = Contact(
            id=_contact_id(number), user_id=f"GT.{number:015}", phone=f"502{50_000_000 + number}",
            name=" ".join(self._random.sample(self._names, 2)).title(), held={self._raffle.id: 1}, created_at=at,
            last_heard_at=at, version=3, opted_out=number % FLAGGED == 1, opted_at=at,
            person_wanted_at=at if number % FLAGGED in (0, 1) else None,
        )  # fmt: skip
        for order_id in reversed(order_ids):
            contact = contact.with_order(order_id)
        return replace(contact, indexed_terms=contact.index_terms)


def _contact_id(number: int) -> str:
    return f"{number:024x}"


def _names() -> Iterator[str]:
    """Return an iterator of three-syllable words in random order."""
    words = ["".join(parts) + "n" for parts in product(SYLLABLES, repeat=3)]
    Random(5).shuffle(words)
    return iter(words)


def _items(raffle: Raffle, all_orders: list[Order], all_contacts: list[Contact]) -> Iterator[Item]:
    for order in all_orders:
        yield orders.as_record(order).serialize()
        key = ticket_key(raffle, order.numbers[0])
        yield TicketRecord(*key, order_id=order.id, contact_id=order.contact_id).serialize()
    for contact in all_contacts:
        yield contacts.as_record(contact).serialize()
        yield from _entries(contact)
    by_end: dict[str, set[str]] = {}
    for contact in all_contacts:
        by_end.setdefault(contact.index_terms[-1][1:], set()).add(contact.id)
    for end, ids in by_end.items():
        yield PhoneRecord(*contact_index.phone_key(end), contact_ids=ids).serialize()


def _entries(contact: Contact) -> Iterator[Item]:
    assert contact.created_at is not None
    listed = ListedRecord(f"LISTED#{contact.id}", "LISTED", contact_id=contact.id)
    listed.time_key, listed.time_at = contact_index.ALL, stamp(contact.created_at, contact.id)
    yield listed.serialize()
    words = contact.index_terms[:-1]
    for word in words:
        key = f"NAMES#{word[0]}", f"{word}#{contact.id}"
        yield NameRecord(*key, contact_id=contact.id, words=" ".join(words)).serialize()
