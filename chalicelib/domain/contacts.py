"""The contact: who a person is to us, and where their conversation stands."""

from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256

from chalicelib.domain.conversation import Conversation
from chalicelib.domain.talk import Identity


@dataclass(frozen=True, kw_only=True)
class Contact:
    """A person. `held` counts the numbers that they own in each raffle; `version` is that of the last read (0: new)."""

    id: str
    user_id: str | None = None
    phone: str | None = None
    name: str = ""
    language: str = "en"
    talk: Conversation = field(default_factory=Conversation)
    held: dict[str, int] = field(default_factory=dict)
    last_heard_at: datetime | None = None
    waits_until: datetime | None = None  # an earlier message to them waits; what is said before then goes behind it
    created_at: datetime | None = None
    version: int = 0

    @property
    def identity(self) -> Identity:
        return Identity(user_id=self.user_id, phone=self.phone)

    def holding(self, raffle_id: str, change: int) -> dict[str, int]:
        """`held` after `change` more (or fewer) numbers of a raffle."""
        after = {**self.held, raffle_id: max(0, self.held.get(raffle_id, 0) + change)}
        return {raffle: count for raffle, count in after.items() if count}


def contact_ids(identity: Identity) -> list[str]:
    """Under which ids a person may be known, the preferred one first.

    Hashes, so that a phone number never is part of a key, a link or a log line.
    """
    return [sha256(name.encode()).hexdigest()[:24] for name in (identity.user_id, identity.phone) if name]
