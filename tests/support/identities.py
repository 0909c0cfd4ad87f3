"""A person whose phone number or user id changes."""

from typing import Any

from chalicelib.domain.contacts import Contact
from chalicelib.domain.messages import Identity
from chalicelib.store import contacts
from tests.support.world import Buyer, World
from whatsapp_sandbox import webhooks

Json = dict[str, Any]
PHONE, NEW_PHONE = "+50255501234", "+50244443333"
USER_ID, NEW_USER_ID = "GT.7700112233445566", "GT.9900112233445599"


def person(phone: str | None = None, user_id: str | None = None) -> webhooks.Person:
    return webhooks.Person(name="Lucía", phone=phone, user_id=user_id)


def writes(world: World, who: webhooks.Person) -> Buyer:
    return Buyer(world=world, person=who)


def moves(world: World, who: webhooks.Person, phone: str, key: str = "wa_id") -> Json:
    """The system message of a person who has another number now. Older bodies say it under another key."""
    content = {"body": "changed", key: phone.removeprefix("+"), "type": "user_changed_number"}
    return webhooks.message(who, "system", content, message_id=world.new_id(), at=world.at)


def contact_of(who: webhooks.Person) -> Contact:
    found = contacts.look_up(Identity(user_id=who.user_id, phone=who.wa_id), phone_number_id="", message_id="")
    return found.contact
