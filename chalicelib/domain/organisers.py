"""Who acts on the organisers' side, and what each role may do."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Role(StrEnum):
    """Each may do what those before it may."""

    VIEWER = "viewer"  # looks
    CASHIER = "cashier"  # settles payments, writes to buyers
    MANAGER = "manager"  # everything: raffles, tokens, erasing a person

    def may(self, needed: "Role") -> bool:
        ranks = list(Role)
        return ranks.index(self) >= ranks.index(needed)


@dataclass(frozen=True)
class Actor:
    """Who acts: the name of a token, and its id; None where somebody acts from a terminal."""

    name: str
    role: Role
    token_id: str | None = None


COMMAND_LINE = Actor("command line", Role.MANAGER)


@dataclass(frozen=True, kw_only=True)
class Token:
    """An API token, without the key that it stands for."""

    id: str
    name: str
    role: Role
    created_at: datetime
    created_by: str
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None

    def is_good(self, now: datetime) -> bool:
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)
