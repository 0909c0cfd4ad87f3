"""Identifies people in the bodies that WhatsApp posts: user ids, phones, their entries in `contacts`."""

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Any

from chalicelib.domain.messages import Identity
from chalicelib.domain.phone_spellings import canonical

Json = dict[str, Any]

USER_ID = re.compile(r"[A-Z]{2}\.(ENT\.)?[0-9A-Za-z]{1,128}", re.ASCII)
PHONE = re.compile(r"[0-9]{4,20}", re.ASCII)


def identify(user_id: object, phone: object, contact: Mapping[str, Any] | None = None) -> Identity | None:
    """Return the person with this user id, phone, or both, or None if neither is usable.

    What is missing is taken from the entry of `contacts`. So the same person is found whether a body has both in the
    message or only the phone there.
    """
    contact = contact or {}
    usable_id = parse_user_id(user_id) or parse_user_id(contact.get("user_id"))
    usable_phone = parse_phone(phone) or parse_phone(contact.get("wa_id"))
    if not (usable_id or usable_phone):
        return None
    return Identity(user_id=usable_id, phone=usable_phone)


def find_contact_entry(contacts: object, user_id: object, phone: object) -> Json:
    """Return the person's entry of `contacts`, or {}. Never by position: failed statuses may list others."""
    entries = [entry for entry in contacts if isinstance(entry, dict)] if isinstance(contacts, list) else []
    for key, wanted, parse in (
        ("user_id", parse_user_id(user_id), parse_user_id),
        ("wa_id", parse_phone(phone), parse_phone),
    ):
        for entry in entries:
            if wanted and parse(entry.get(key)) == wanted:
                return entry
    return {}


def make_group_id(person: Identity) -> str:
    """Return 32 hex digits that stand for the person in queues and logs. They do not reveal the phone.

    They are the same for all spellings of a number, so that a person's messages are handled one after another (M2).
    """
    return sha256_hex([person.user_id or canonical(person.phone or "")])[:32]


def parse_user_id(value: object) -> str | None:
    """Return a business-scoped user id, or None if it is not one."""
    return value if isinstance(value, str) and USER_ID.fullmatch(value) else None


def parse_phone(value: object) -> str | None:
    """Return the digits as WhatsApp sent them, or None if it is not a phone number.

    They may differ from what people dial: Mexico's 521, Argentina's 549, Brazil without the ninth digit.
    """
    if not isinstance(value, str):
        return None
    digits = re.sub(r"[\s+().-]", "", value)
    return digits if PHONE.fullmatch(digits) else None


def sha256_hex(parts: Iterable[str]) -> str:
    """Return SHA-256 in hex. It also takes lone surrogates, which JSON can carry."""
    return hashlib.sha256("\x1f".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
