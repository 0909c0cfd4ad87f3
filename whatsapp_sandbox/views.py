"""How messages and contacts look in the JSON that the page and the tests read."""

from __future__ import annotations

from typing import Any

from whatsapp_sandbox.people import Contact
from whatsapp_sandbox.store import Message

Json = dict[str, Any]


def shown(message: Message) -> Json:
    """A message for the page."""
    return {
        "seq": message.seq,
        "id": message.id,
        "contact": message.contact,
        "direction": message.direction,
        "at": message.at,
        "kind": message.kind,
        "content": message.content,
        "status": message.status,
        "note": message.note,
        "reply_to": message.reply_to,
    }


def for_tests(message: Message) -> Json:
    """A message that the product sent: the whole request, and what became of it."""
    return {
        "id": message.id,
        "contact": message.contact,
        "type": message.kind,
        "at": message.at,
        "status": message.status,
        "request": message.request,
    }


def contact_card(contact: Contact, *, unread: int, last: Message | None, window_until: float, typing: float) -> Json:
    """A person at the side of the page; `typing` is for how many seconds more the business types."""
    return {
        "id": contact.id,
        "name": contact.person.name,
        "phone": contact.person.phone,
        "user_id": contact.person.user_id,
        "role": contact.role,
        "unread": unread,
        "last": shown(last) if last else None,
        "window_until": window_until or None,
        "typing": max(0.0, typing),
    }
