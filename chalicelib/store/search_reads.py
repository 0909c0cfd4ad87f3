"""What a search reads: up to a hundred items of any kinds in one request, told apart."""

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
    """What there is of what was asked for. `owners` are the orders that tickets name; `people` may have a phone."""

    orders: dict[str, Order] = field(default_factory=dict)
    contacts: dict[str, Contact] = field(default_factory=dict)
    raffles: list[Raffle] = field(default_factory=list)
    owners: list[str] = field(default_factory=list)
    people: list[IndexEntry] = field(default_factory=list)


def read(keys: Iterable[Key]) -> ItemsRead:
    """Strongly consistent. No keys take no request."""
    wanted = dict.fromkeys(keys)
    records = list(Record.batch_get(wanted, consistent_read=True)) if wanted else []
    return ItemsRead(
        orders=orders.found_in(records),
        contacts={contact.id: contact for contact in contacts.found_in(records)},
        raffles=raffles.found_in(records),
        owners=[record.order_id for record in records if isinstance(record, TicketRecord)],
        people=[
            entry for record in records if isinstance(record, PhoneRecord) for entry in contact_index.entries_in(record)
        ],
    )
