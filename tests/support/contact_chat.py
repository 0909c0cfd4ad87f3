"""What organisers and a contact write to each other."""

from typing import Any

from chalicelib.domain.contacts import Contact
from chalicelib.domain.delivery import Outbound
from chalicelib.domain.organisers import Actor, Role
from chalicelib.store import history
from chalicelib.store.history import ReceivedMessage
from tests.support.identities import contact_of
from tests.support.world import Buyer, World, text_of

BY = Actor("Olga's laptop", Role.CASHIER, "t1")


def known(buyer: Buyer) -> Contact:
    return contact_of(buyer.person)


def write(world: World, buyer: Buyer, text: str = "How can I help?", **named: Any) -> Outbound:
    return world.container.contacts.write(known(buyer).id, text, by=BY, **named)


def said(contact_id: str, limit: int = 100) -> list[str]:
    """What was said, newest first: "> …" by us, "< …" by them."""
    return [line_of(one) for one in history.page(contact_id, limit=limit).items]


def line_of(one: ReceivedMessage | Outbound) -> str:
    return f"< {one.text or one.form}" if isinstance(one, ReceivedMessage) else f"> {text_of(one.body).splitlines()[0]}"
