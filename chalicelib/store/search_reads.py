"""Read for a search: up to a hundred items of different kinds in one request, sorted by kind."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from chalicelib.domain.contacts import Contact
from chalicelib.domain.orders import Order
from chalicelib.domain.raffles import Raffle
from chalicelib.store import contact_index, contacts, orders, raffles
from chalicelib.store.contact_index import IndexEntry
from chalicelib.store.records import PhoneRecord, Record, TicketRecord

Key = tuple[str, str]
BATCH = 100  # DynamoDB's limit


@dataclass
class ItemsRead:
    """The items that exist.

    `owner_ids`: ids of the orders that own the tickets read. `people`: contacts that the phone entries read lead to.
    """

    orders: dict[str, Order] = field(default_factory=dict)
    contacts: dict[str, Contact] = field(default_factory=dict)
    raffles: list[Raffle] = field(default_factory=list)
    owner_ids: list[str] = field(default_factory=list)
    people: list[IndexEntry] = field(default_factory=list)


def read(keys: Iterable[Key]) -> ItemsRead:
    """Read items by key, strongly consistent: one request, or none if there are no keys."""
    unique_keys = dict.fromkeys(keys)
    records = list(Record.batch_get(unique_keys, consistent_read=True)) if unique_keys else []
    return ItemsRead(
        orders=orders.found_in(records),
        contacts={contact.id: contact for contact in contacts.found_in(records)},
        raffles=raffles.found_in(records),
        owner_ids=[record.order_id for record in records if isinstance(record, TicketRecord)],
        people=[
            entry for record in records if isinstance(record, PhoneRecord) for entry in contact_index.entries_in(record)
        ],
    )
