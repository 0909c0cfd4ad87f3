"""Messages and contacts as JSON, for the page and for tests."""

from __future__ import annotations

from typing import Any

from whatsapp_sandbox.contacts import Contact
from whatsapp_sandbox.store import Message

Json = dict[str, Any]


def message_json(message: Message) -> Json:
    """Return a message as the page shows it."""
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


def accepted_message_json(message: Message) -> Json:
    """Return a message that the application sent, with the whole request and the current status."""
    return {
        "id": message.id,
        "contact": message.contact,
        "type": message.kind,
        "at": message.at,
        "status": message.status,
        "request": message.request,
    }


def contact_json(contact: Contact, *, unread: int, last: Message | None, window_until: float, typing: float) -> Json:
    """Return a person for the list on the page. `typing`: for how many more seconds to show "typing"."""
    return {
        "id": contact.id,
        "name": contact.person.name,
        "phone": contact.person.phone,
        "user_id": contact.person.user_id,
        "role": contact.role,
        "unread": unread,
        "last": message_json(last) if last else None,
        "window_until": window_until or None,
        "typing": max(0.0, typing),
    }
