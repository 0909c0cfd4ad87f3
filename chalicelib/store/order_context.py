"""What an order belongs to: its raffle, buyer, channel and the newest entry of its audit chain, in one request."""

from collections.abc import Sequence
from typing import NamedTuple

from chalicelib.domain.audit import Head
from chalicelib.domain.channel import Channel
from chalicelib.domain.contacts import Contact
from chalicelib.domain.orders import Order
from chalicelib.domain.raffles import Raffle
from chalicelib.store import audit, channel, contacts, raffles
from chalicelib.store.records import Record


class OrderContext(NamedTuple):
    raffle: Raffle
    contact: Contact
    channel: Channel = Channel()
    audit_head: Head = Head()


def load_context(order: Order) -> OrderContext:
    """Read what one order belongs to: one request. Raises LookupError for an order without raffle or contact."""
    keys = [
        raffles.key(order.raffle_id),
        contacts.key(order.contact_id),
        channel.KEY,
        audit.head_key(audit_target(order)),
    ]
    records = list(Record.batch_get(keys, consistent_read=True))
    return OrderContext(
        raffle=raffles.found_in(records)[0],
        contact=contacts.found_in(records)[0],
        channel=channel.found_in(records),
        audit_head=audit.head_in(records),
    )


def load_contexts(orders: Sequence[Order]) -> dict[str, OrderContext]:
    """Read what many orders belong to, by order id, without the audit chains: one request for up to 100 items.

    Orders whose raffle or contact is missing are left out.
    """
    keys = {raffles.key(order.raffle_id) for order in orders} | {contacts.key(order.contact_id) for order in orders}
    keys.add(channel.KEY)
    records = list(Record.batch_get(keys, consistent_read=True))
    raffle_by_id = {raffle.id: raffle for raffle in raffles.found_in(records)}
    contact_by_id = {contact.id: contact for contact in contacts.found_in(records)}
    channel_now = channel.found_in(records)
    return {
        order.id: OrderContext(raffle_by_id[order.raffle_id], contact_by_id[order.contact_id], channel_now)
        for order in orders
        if order.raffle_id in raffle_by_id and order.contact_id in contact_by_id
    }


def audit_target(order: Order) -> str:
    """Name the order as the audit log does."""
    return f"order:{order.id}"
