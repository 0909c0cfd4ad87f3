"""Translates the updates that WhatsApp posts into the domain's words."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from chalicelib.domain.messages import Identity, IncomingMessage, Media, MessageKind
from chalicelib.whatsapp.error_codes import Action, remedy
from chalicelib.whatsapp.identities import Json, identify, parse_phone, parse_user_id
from chalicelib.whatsapp.text import clean, clean_line, clean_name
from chalicelib.whatsapp.webhook import ID, Update

MEDIA_ID = re.compile(r"[A-Za-z0-9_-]{1,128}", re.ASCII)
YEAR_10000 = 253_402_300_800


@dataclass(frozen=True, kw_only=True)
class Message:
    """A person wrote, tapped or sent something."""

    id: str
    phone_number_id: str
    sender: Identity
    name: str  # profile name, cleaned, may be ""
    sent_at: datetime | None  # UTC; when the person sent it, up to a week ago
    incoming: IncomingMessage
    kind: str  # Meta's type: "text", "audio", "system" …; an open set
    error_code: int | None = None  # e.g. 131052: their file never reached WhatsApp
    becomes: Identity | None = None  # the person's new phone or user id, if WhatsApp says that it changed


@dataclass(frozen=True, kw_only=True)
class Status:
    """The delivery status of one of our messages. States may come in any order, and unknown ones may come."""

    message_id: str
    state: str  # "sent", "delivered", "read", "played", "failed" …
    at: datetime | None
    tag: str | None  # what we sent as biz_opaque_callback_data
    recipient: Identity | None
    error_code: int | None = None
    error_details: str = ""


@dataclass(frozen=True, kw_only=True)
class Echo:
    """Somebody at the business wrote to a person in the phone app, not through us."""

    recipient: Identity
    sent_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Preference:
    """A person stopped (or resumed) messages of a `category`. Today that is always "marketing_messages"."""

    person: Identity
    stops: bool
    category: str
    at: datetime | None  # when they said so


@dataclass(frozen=True, kw_only=True)
class Renewal:
    """A person's user id was replaced."""

    old: Identity
    new: Identity


@dataclass(frozen=True, kw_only=True)
class Other:
    """A notice about the account, a template, a number or a person's preferences, or of an unknown kind."""

    field: str
    kind: str  # WhatsApp's `event` ("PAUSED", "ACCOUNT_VIOLATION" …) or ""
    body: Json
    at: datetime | None = None  # when WhatsApp wrote it; an older one may come later, or again
    preferences: tuple[Preference, ...] = ()
    renewals: tuple[Renewal, ...] = ()
    template: tuple[str, str] | None = None  # name and language of the template whose status is now `kind`
    error_code: int | None = None  # if the notice is an error


def read(update: Update) -> Message | Status | Echo | Other:
    """Translate one update of `webhook.split`. Missing parts become None or "".

    Raises ValueError only for a message or an echo without a person, which `split` never lets through.
    """
    if update.kind == "message":
        return _message(update)
    if update.kind == "status":
        return _status(update)
    if update.kind == "echo":
        return _echo(update)
    return _other(update)


def _message(update: Update) -> Message:
    value = update.value
    sender = identify(value.get("from_user_id"), value.get("from"), update.contact)
    if sender is None:
        raise ValueError("a message without sender")
    kind = clean_line(value.get("type"), 40)
    return Message(
        id=update.id,
        phone_number_id=update.phone_number_id,
        sender=sender,
        name=clean_name(_part(update.contact, "profile").get("name")),
        sent_at=_moment(value.get("timestamp")),
        incoming=replace(_content(value, kind), quotes=_id(_part(value, "context").get("id"))),
        kind=kind,
        error_code=_error(value)[0],
        becomes=_successor(_part(value, "system")),
    )


def _status(update: Update) -> Status:
    value = update.value
    code, details = _error(value)
    return Status(
        message_id=clean_line(value.get("id"), 512),
        state=clean_line(value.get("status"), 40),
        at=_moment(value.get("timestamp")),
        tag=clean_line(value.get("biz_opaque_callback_data"), 512) or None,
        recipient=identify(value.get("recipient_user_id"), value.get("recipient_id"), update.contact),
        error_code=code,
        error_details=details,
    )


def _echo(update: Update) -> Echo:
    recipient = identify(update.value.get("to_user_id"), update.value.get("to"))
    if recipient is None:
        raise ValueError("an echo without recipient")
    return Echo(recipient=recipient, sent_at=_moment(update.value.get("timestamp")))


def _other(update: Update) -> Other:
    return Other(
        field=update.field,
        kind=clean_line(update.value.get("event"), 60),
        body=update.value,
        at=_moment(update.time),
        preferences=tuple(filter(None, map(_preference, _list(update.value, "user_preferences")))),
        renewals=tuple(filter(None, map(_renewal, _list(update.value, "user_id_update")))),
        template=_template(update),
        error_code=_error(update.value)[0],
    )


def _content(value: Json, kind: str) -> IncomingMessage:
    content = CONTENT_READERS.get(kind, _read_other)(_part(value, kind))
    code, _ = _error(value)
    if kind in (*FILES, "unsupported") and code is not None and remedy(code).action is Action.ASK_AGAIN:
        # Asking for the same file again would be a loop.
        return replace(content, kind=MessageKind.TOO_LARGE if _is_too_large(value) else MessageKind.LOST)
    return content


def _is_too_large(value: Json) -> bool:
    """Tell whether an error says that a file has more than the 100 MB that WhatsApp takes. No code says so."""
    return any(
        TOO_LARGE.search(clean_line(text, 300))
        for error in _list(value, "errors")
        for text in (error.get("title"), error.get("message"), _part(error, "error_data").get("details"))
    )


def _read_text(part: Json) -> IncomingMessage:
    text = clean(part.get("body"))
    return IncomingMessage(kind=MessageKind.TEXT, text=text) if text else IncomingMessage(kind=MessageKind.OTHER)


def _read_button(part: Json) -> IncomingMessage:
    return _read_tap(part.get("payload"), part.get("text"))


def _read_interactive(part: Json) -> IncomingMessage:
    """Read a reply button or a list row. Flows, addresses and anything else are not understood."""
    kind = part.get("type")
    if kind not in ("button_reply", "list_reply"):
        return IncomingMessage(kind=MessageKind.OTHER)
    reply = _part(part, kind)
    return _read_tap(reply.get("id"), reply.get("title"))


def _read_tap(choice: object, title: object) -> IncomingMessage:
    """Read a tap. Without an id it counts as if the title had been typed."""
    identifier = clean_line(choice, 256)
    text = clean(title)
    if identifier:
        return IncomingMessage(kind=MessageKind.CHOICE, choice=identifier, text=text)
    return _read_text({"body": title})


def _read_media(part: Json) -> IncomingMessage:
    identifier = part.get("id")
    caption = clean(part.get("caption"))
    if not (isinstance(identifier, str) and MEDIA_ID.fullmatch(identifier)):
        return IncomingMessage(kind=MessageKind.OTHER, text=caption)
    return IncomingMessage(kind=MessageKind.MEDIA, text=caption, media=Media(id=identifier))


def _read_other(_part: Json) -> IncomingMessage:
    return IncomingMessage(kind=MessageKind.OTHER)


def _read_welcome(_part: Json) -> IncomingMessage:
    """They opened a chat with us but wrote nothing yet. It counts as a tap for the menu."""
    return IncomingMessage(kind=MessageKind.CHOICE, choice="menu")


def _read_voice(_part: Json) -> IncomingMessage:
    return IncomingMessage(kind=MessageKind.VOICE)


def _read_reaction(part: Json) -> IncomingMessage:
    """Read a reaction. If its emoji is missing, they took it back, which needs no reply."""
    emoji = clean_line(part.get("emoji"), 16)
    message_id = _id(part.get("message_id"))
    if not emoji or message_id is None:
        return IncomingMessage(kind=MessageKind.EVENT)
    return IncomingMessage(kind=MessageKind.REACTION, text=emoji, reacts_to=message_id)


def _read_event(_part: Json) -> IncomingMessage:
    return IncomingMessage(kind=MessageKind.EVENT)


FILES = ("image", "document")
TOO_LARGE = re.compile(r"\b100 ?MB\b|\btoo (big|large)\b", re.IGNORECASE)

# Any other type is OTHER: stickers, places, orders, types to come.
CONTENT_READERS = {
    "text": _read_text,
    "button": _read_button,
    "interactive": _read_interactive,
    "request_welcome": _read_welcome,
    **dict.fromkeys(FILES, _read_media),
    "audio": _read_voice,
    "reaction": _read_reaction,
    **dict.fromkeys(("edit", "revoke", "system"), _read_event),
}


def _successor(system: Json) -> Identity | None:
    """Return who the sender is from now on. Older bodies have `new_wa_id`."""
    if system.get("type") not in ("user_changed_number", "user_changed_user_id"):
        return None
    return identify(system.get("user_id"), parse_phone(system.get("wa_id")) or system.get("new_wa_id"))


def _preference(entry: Json) -> Preference | None:
    person = identify(entry.get("user_id"), entry.get("wa_id"))
    if person is None or entry.get("value") not in ("stop", "resume"):
        return None
    category = clean_line(entry.get("category"), 60)
    stops = entry["value"] == "stop"
    return Preference(person=person, stops=stops, category=category, at=_moment(entry.get("timestamp")))


def _renewal(entry: Json) -> Renewal | None:
    ids = _part(entry, "user_id")
    phone = parse_phone(entry.get("wa_id"))
    new = parse_user_id(ids.get("current"))
    old = identify(ids.get("previous"), phone)
    return Renewal(old=old, new=Identity(user_id=new, phone=phone)) if old and new else None


def _template(update: Update) -> tuple[str, str] | None:
    if update.field != "message_template_status_update":
        return None
    name = clean_line(update.value.get("message_template_name"), 512)
    return name, clean_line(update.value.get("message_template_language"), 20)


def _error(value: Mapping[str, Any]) -> tuple[int | None, str]:
    """Return code and details of the first of `errors`. Details may name people, so they must not be logged."""
    for error in _list(value, "errors"):
        code = error.get("code")
        details = _part(error, "error_data").get("details") or error.get("message") or error.get("title")
        if isinstance(code, int) and not isinstance(code, bool):
            return code, clean_line(details, 300)
    return None, ""


def _moment(seconds: object) -> datetime | None:
    if isinstance(seconds, str) and re.fullmatch(r"[0-9]{1,12}", seconds, re.ASCII):
        seconds = int(seconds)
    if isinstance(seconds, int) and not isinstance(seconds, bool) and 0 < seconds < YEAR_10000:
        return datetime.fromtimestamp(seconds, UTC)
    return None


def _id(value: object) -> str | None:
    return value if isinstance(value, str) and ID.fullmatch(value) else None


def _part(value: Mapping[str, Any], key: str) -> Json:
    part = value.get(key)
    return part if isinstance(part, dict) else {}


def _list(value: Mapping[str, Any], key: str) -> list[Json]:
    parts = value.get(key)
    return [part for part in parts if isinstance(part, dict)] if isinstance(parts, list) else []
