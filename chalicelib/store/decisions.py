"""Read what is needed to carry out an organiser's decision."""

from datetime import datetime
from typing import NamedTuple

from chalicelib.domain.channel import Channel
from chalicelib.domain.contacts import Contact
from chalicelib.store import channel, contacts
from chalicelib.store.messages import INBOUND_PREFIX, INBOUND_SK
from chalicelib.store.records import InboundRecord, Record


class DecisionContext(NamedTuple):
    """Who chose, and our channel to them."""

    contact: Contact
    channel: Channel


def load(contact_id: str, inbound_id: str) -> DecisionContext | None:
    """Read who chose something with a message. None if it was carried out, or if they sent no such message.

    One request.
    """
    keys = [contacts.key(contact_id), channel.KEY, (INBOUND_PREFIX + inbound_id, INBOUND_SK)]
    records = list(Record.batch_get(keys, consistent_read=True))
    inbound = next((record for record in records if isinstance(record, InboundRecord)), None)
    contact = next(iter(contacts.found_in(records)), None)
    if inbound is None or contact is None or inbound.contact_id != contact.id:
        return None
    decided_at: datetime | None = inbound.decided_at
    if decided_at is not None:
        return None
    return DecisionContext(contact, channel.found_in(records))
