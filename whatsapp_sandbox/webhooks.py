"""Webhook bodies as Meta sends them, their encoding and signature. Pure functions: no clock, no network, no state.

`at` is in Unix seconds. A person without a phone number has neither `wa_id` nor `from`.
Source: https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

Json = dict[str, Any]
State = Literal["sent", "delivered", "read", "failed"]

# Service messages have been billed since 2026-10-01.
PRICING: Json = {"billable": True, "pricing_model": "PMP", "type": "regular"}
ERROR_PAGE = "/documentation/business-messaging/whatsapp/support/error-codes"


@dataclass(frozen=True, kw_only=True)
class Business:
    """The business number that people write to."""

    phone_number_id: str = "112233445566778"
    display_number: str = "50223110099"
    account_id: str = "109876543210987"


@dataclass(frozen=True, kw_only=True)
class Person:
    """Somebody on WhatsApp, with a `phone` (E.164 with the plus), a `user_id` (the BSUID) or both."""

    name: str
    phone: str | None = None
    user_id: str | None = None
    username: str | None = None

    @property
    def wa_id(self) -> str | None:
        """The phone number as webhooks write it: without the plus."""
        return self.phone.removeprefix("+") if self.phone else None


@dataclass(frozen=True, kw_only=True)
class File:
    """A file that a person sends. `sha256` is in base64, as in webhooks. (Media look-ups have it in hex.)"""

    media_id: str
    mime_type: str
    sha256: str
    caption: str | None = None
    filename: str | None = None


OUR_BUSINESS = Business()


def sign(raw: bytes, secret: str) -> str:
    """Return the value of X-Hub-Signature-256 for exactly these bytes."""
    return "sha256=" + hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest()


def encode(body: Json) -> bytes:
    """Encode a body as Meta does: non-ASCII characters, slashes and at signs are escaped."""
    text = json.dumps(body, ensure_ascii=True, separators=(",", ":"))
    return text.replace("/", "\\/").replace("@", "\\u0040").encode("ascii")


def new_message_id(owner: str, direction: Literal["in", "out"]) -> str:
    """Return a new wamid. Like Meta's, it contains the person's number, so it is personal data."""
    identifier = owner.removeprefix("+").encode()
    marker, length = (b"\x12", 20) if direction == "in" else (b"\x11", 18)
    code = secrets.token_hex(length // 2).upper().encode()
    raw = (
        b"\x1c\x18"
        + bytes([len(identifier) % 256])
        + identifier
        + b"\x15\x02\x00"
        + marker
        + b"\x18"
        + bytes([length])
        + code
        + b"\x00"
    )
    return "wamid." + base64.b64encode(raw).decode()


def text_message(
    person: Person,
    text: str,
    *,
    message_id: str,
    at: float,
    reply_to: str | None = None,
    business: Business = OUR_BUSINESS,
) -> Json:
    """Build a text message. `reply_to` is the wamid of the message that the person quotes."""
    return message(person, "text", {"body": text}, message_id=message_id, at=at, reply_to=reply_to, business=business)


def button_reply(
    person: Person,
    *,
    button_id: str,
    title: str,
    message_id: str,
    at: float,
    reply_to: str,
    business: Business = OUR_BUSINESS,
) -> Json:
    """Build a tap on a reply button of the message `reply_to`."""
    content = {"type": "button_reply", "button_reply": {"id": button_id, "title": title}}
    return message(person, "interactive", content, message_id=message_id, at=at, reply_to=reply_to, business=business)


def list_reply(
    person: Person,
    *,
    row_id: str,
    title: str,
    description: str | None = None,
    message_id: str,
    at: float,
    reply_to: str,
    business: Business = OUR_BUSINESS,
) -> Json:
    """Build the choice of a row from the list of the message `reply_to`."""
    row = {"id": row_id, "title": title} | ({"description": description} if description else {})
    content = {"type": "list_reply", "list_reply": row}
    return message(person, "interactive", content, message_id=message_id, at=at, reply_to=reply_to, business=business)


def template_button(
    person: Person,
    *,
    payload: str,
    text: str,
    message_id: str,
    at: float,
    reply_to: str,
    business: Business = OUR_BUSINESS,
) -> Json:
    """Build a tap on a quick-reply button of the template `reply_to`."""
    content = {"payload": payload, "text": text}
    return message(person, "button", content, message_id=message_id, at=at, reply_to=reply_to, business=business)


def image(
    person: Person,
    file: File,
    *,
    message_id: str,
    at: float,
    reply_to: str | None = None,
    business: Business = OUR_BUSINESS,
) -> Json:
    """Build an image with an optional caption."""
    content = file_content(file)
    content.pop("filename", None)
    return message(person, "image", content, message_id=message_id, at=at, reply_to=reply_to, business=business)


def document(
    person: Person,
    file: File,
    *,
    message_id: str,
    at: float,
    reply_to: str | None = None,
    business: Business = OUR_BUSINESS,
) -> Json:
    """Build a document with an optional file name and caption."""
    content = file_content(file)
    return message(person, "document", content, message_id=message_id, at=at, reply_to=reply_to, business=business)


def location(
    person: Person, latitude: float, longitude: float, *, message_id: str, at: float, reply_to: str | None = None,
    business: Business = OUR_BUSINESS,
) -> Json:  # fmt: skip
    """Build a message with the person's location."""
    content = {"latitude": latitude, "longitude": longitude}
    return message(person, "location", content, message_id=message_id, at=at, reply_to=reply_to, business=business)


def message(
    person: Person,
    kind: str,
    content: Json,
    *,
    message_id: str,
    at: float,
    reply_to: str | None = None,
    business: Business = OUR_BUSINESS,
) -> Json:
    """Build any inbound message. `content` is the object under the name of its kind."""
    inbound: Json = {"from": person.wa_id, "from_user_id": person.user_id, "id": message_id, "timestamp": str(int(at))}
    inbound |= {"type": kind, kind: content}
    if reply_to:
        inbound["context"] = {"from": business.display_number, "id": reply_to}
    return envelope({"contacts": [contact(person)], "messages": [_present(inbound)]}, business)


def status(
    person: Person,
    message_id: str,
    state: State,
    *,
    at: float,
    tracking: str | None = None,
    category: str = "service",
    errors: Sequence[tuple[int, str]] = (),
    business: Business = OUR_BUSINESS,
) -> Json:
    """Build a status of an outbound message.

    `tracking` is the message's biz_opaque_callback_data, `errors` are pairs of code and title.
    """
    report: Json = {
        "id": message_id,
        "status": state,
        "timestamp": str(int(at)),
        "recipient_id": person.wa_id,
        "recipient_user_id": person.user_id,
        "biz_opaque_callback_data": tracking,
    }
    if state == "failed":
        report["errors"] = [
            {"code": code, "title": title, "message": title, "error_data": {"details": title}, "href": ERROR_PAGE}
            for code, title in errors
        ]
        # Meta sends a failed status without contacts. Code that expects one contact per status breaks.
        return envelope({"statuses": [_present(report)]}, business)
    report["pricing"] = PRICING | {"category": category}
    recipient = contact(person)
    if state == "sent":
        recipient.pop("profile")
    return envelope({"contacts": [recipient], "statuses": [_present(report)]}, business)


def contact(person: Person) -> Json:
    """Return the entry of `contacts` for a person."""
    profile = _present({"name": person.name, "username": person.username})
    return _present({"profile": profile, "wa_id": person.wa_id, "user_id": person.user_id})


def file_content(file: File) -> Json:
    """Return the object under `image` or `document`."""
    return _present(
        {
            "mime_type": file.mime_type,
            "sha256": file.sha256,
            "id": file.media_id,
            "filename": file.filename,
            "caption": file.caption,
        }
    )


def envelope(value: Json, business: Business = OUR_BUSINESS) -> Json:
    """Wrap `value` as the only change in a webhook for the field `messages`."""
    metadata = {"display_phone_number": business.display_number, "phone_number_id": business.phone_number_id}
    change = {"value": {"messaging_product": "whatsapp", "metadata": metadata, **value}, "field": "messages"}
    return {"object": "whatsapp_business_account", "entry": [{"id": business.account_id, "changes": [change]}]}


def _present(fields: Json) -> Json:
    return {name: value for name, value in fields.items() if value is not None}
