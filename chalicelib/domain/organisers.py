"""Organisers: their roles, their access tokens, and who is acting."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from unicodedata import normalize

from chalicelib.domain.messages import Identity
from chalicelib.domain.phone_spellings import same_number


class Role(StrEnum):
    """What a token may do. Each role includes the ones before it."""

    VIEWER = "viewer"  # reads
    CASHIER = "cashier"  # also settles payments and writes to buyers
    MANAGER = "manager"  # does everything: raffles, tokens, erasing personal data

    def may(self, needed: "Role") -> bool:
        """Return whether this role includes `needed`."""
        ranks = list(Role)
        return ranks.index(self) >= ranks.index(needed)


@dataclass(frozen=True)
class Actor:
    """Who is acting: the name, role and id of their token. There is no id on the command line."""

    name: str
    role: Role
    token_id: str | None = None


LINK_LIFETIME = timedelta(minutes=10)  # of a sign-in link (O13)
COMMAND_LINE = Actor("command line", Role.MANAGER)
PHONE_APP = "WhatsApp Business app"  # whoever writes to people from the phone, not through us
NOBODY = "nobody"  # what API Gateway is told instead of a name if a token opens nothing
# The audit log and API Gateway's log know these names: no token may look like one of them.
BY_PHONE = re.compile(r"whatsapp ?[+0-9].*")  # what `actor_in_chat` makes, and whatever looks like it
RESERVED_NAMES = frozenset((COMMAND_LINE.name, NOBODY, "tombola", PHONE_APP.casefold()))


@dataclass(frozen=True, kw_only=True)
class Token:
    """An access token, without its key."""

    id: str
    name: str
    role: Role
    created_at: datetime
    created_by: str
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None

    def is_valid(self, now: datetime) -> bool:
        """Return whether it is neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


@dataclass(frozen=True, kw_only=True)
class SignInLink:
    """A link with which a colleague gets a token, once and within ten minutes (O13). Its secret is not kept.

    Attributes:
        name: of the token, with `role` and `token_expires_at`.
        created_by: the name of the token of the manager who made it, and `created_by_token` its id; None: a command.
        token_id: the token that it was exchanged for; None: it was not used yet.
    """

    id: str
    name: str
    role: Role
    token_expires_at: datetime | None
    created_at: datetime
    created_by: str
    created_by_token: str | None
    expires_at: datetime
    token_id: str | None = None


def same_name(name: str) -> str:
    """Return the form in which two names that a reader would take for one are equal."""
    return " ".join(normalize("NFKC", name).casefold().split())


def is_reserved(name: str) -> bool:
    """Return whether a name reads like one that Tombola itself uses."""
    same = same_name(name)
    return same in RESERVED_NAMES or BY_PHONE.fullmatch(same) is not None


def find_organiser(phone: str | None, organisers: Iterable[Identity]) -> Identity | None:
    """Return the organiser with this phone number, in whatever spelling; None if there is none."""
    known = (one for one in organisers if one.phone is not None and same_number(one.phone, phone))
    return next(known, None) if phone else None


def actor_in_chat(organiser: Identity) -> Actor:
    """Return who acts when an organiser decides in the chat: their phone number is their name in the audit log."""
    return Actor(f"WhatsApp +{organiser.phone}", Role.CASHIER)
