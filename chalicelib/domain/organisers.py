"""Organisers: their roles, their access tokens, and who is acting."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from unicodedata import normalize


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


COMMAND_LINE = Actor("command line", Role.MANAGER)
PHONE_APP = "WhatsApp Business app"  # whoever writes to people from the phone, not through us
NOBODY = "nobody"  # what API Gateway is told instead of a name if a token opens nothing
# The audit log and API Gateway's log know these names: no token may look like one of them.
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


def same_name(name: str) -> str:
    """Return the form in which two names that a reader would take for one are equal."""
    return " ".join(normalize("NFKC", name).casefold().split())


def is_reserved(name: str) -> bool:
    """Return whether a name reads like one that Tombola itself uses."""
    return same_name(name) in RESERVED_NAMES
