"""Who somebody is in Meta's bodies: user ids, phones, the matching entry of `contacts`."""

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Any

from chalicelib.domain.messages import Identity

Json = dict[str, Any]

USER_ID = re.compile(r"[A-Z]{2}\.(ENT\.)?[0-9A-Za-z]{1,128}", re.ASCII)
PHONE = re.compile(r"[0-9]{4,20}", re.ASCII)


def identify(user_id: object, phone: object, contact: Mapping[str, Any] | None = None) -> Identity | None:
    """The person named by a user id, a phone, or both; None when neither is usable.

    What the update itself omits is taken from its `contact` entry: a body that names only the phone in the message but
    both in `contacts` is the same person as one that names both in the message.
    """
    contact = contact or {}
    found_user_id = as_user_id(user_id) or as_user_id(contact.get("user_id"))
    found_phone = as_phone(phone) or as_phone(contact.get("wa_id"))
    if not (found_user_id or found_phone):
        return None
    return Identity(user_id=found_user_id, phone=found_phone)


def matching(contacts: object, user_id: object, phone: object) -> Json:
    """The entry of `contacts` for this person, or {}. Never by position: failed statuses may carry none, or others'."""
    entries = [entry for entry in contacts if isinstance(entry, dict)] if isinstance(contacts, list) else []
    for key, wanted, form in (
        ("user_id", as_user_id(user_id), as_user_id),
        ("wa_id", as_phone(phone), as_phone),
    ):
        for entry in entries:
            if wanted and form(entry.get(key)) == wanted:
                return entry
    return {}


def group_of(person: Identity) -> str:
    """A name for the person that can stand in queues and logs: 32 hex digits, from which no phone can be read off."""
    return digest([person.user_id or person.phone or ""])[:32]


def as_user_id(value: object) -> str | None:
    return value if isinstance(value, str) and USER_ID.fullmatch(value) else None


def as_phone(value: object) -> str | None:
    """Digits alone, as Meta sent them (Mexico's 521, Argentina's 549 and Brazil's missing ninth digit included)."""
    if not isinstance(value, str):
        return None
    digits = re.sub(r"[\s+().-]", "", value)
    return digits if PHONE.fullmatch(digits) else None


def digest(parts: Iterable[str]) -> str:
    """SHA-256 in hex. Lone surrogates, which JSON can carry, are hashed too and never raise."""
    return hashlib.sha256("\x1f".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
