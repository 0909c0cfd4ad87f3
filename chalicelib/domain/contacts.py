"""The contact: who a person is to us, and where their conversation stands."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import sha256

from chalicelib.domain.conversation import Conversation
from chalicelib.domain.pace import A_PERSON
from chalicelib.domain.talk import Identity

WINDOW = timedelta(hours=24)  # from a person's last message on; after that WhatsApp takes templates only (M4)


@dataclass(frozen=True, kw_only=True)
class Contact:
    """A person. `held` counts the numbers that they own in each raffle; `version` is that of the last read (0: new).

    `opted_out`: they want no message that they did not ask for (M5); `opted_at` is when they said so, or took it back.
    `last_heard_at` is when they wrote, not when it reached us; None for who has never written.
    """

    id: str
    user_id: str | None = None
    phone: str | None = None
    name: str = ""
    language: str = "en"
    talk: Conversation = field(default_factory=Conversation)
    held: dict[str, int] = field(default_factory=dict)
    last_heard_at: datetime | None = None
    opted_out: bool = False
    opted_at: datetime | None = None
    waits_for: str | None = None  # id of the last message to them that had to wait: while it does, others go behind it
    paced_until: datetime | None = None  # what was said to them lately uses up WhatsApp's pace for a person until then
    person_wanted_at: datetime | None = None  # when they last asked for a person
    created_at: datetime | None = None
    version: int = 0

    @property
    def identity(self) -> Identity:
        return Identity(user_id=self.user_id, phone=self.phone)

    @property
    def paced_from(self) -> datetime | None:
        """When what was said to them last may be sent, by WhatsApp's pace; perhaps long ago."""
        return None if self.paced_until is None else A_PERSON.earliest(self.paced_until)

    def window_is_over(self, now: datetime) -> bool:
        """Whether only a template may go to them. Of who never wrote that is not known: WhatsApp says."""
        return self.last_heard_at is not None and now >= self.last_heard_at + WINDOW

    def heard(self, at: datetime) -> "Contact":
        """The contact after a message that they wrote at that time; perhaps an old one that comes late."""
        return replace(self, last_heard_at=max(self.last_heard_at or at, at))

    def told(self, count: int, now: datetime) -> "Contact":
        """The contact after `count` messages to them."""
        return replace(self, paced_until=A_PERSON.book(self.paced_until, now, count)) if count else self

    def opting(self, *, out: bool, at: datetime) -> "Contact":
        """The contact after a wish to hear nothing more, or to hear from us again.

        An older wish than the last one that is known changes nothing.
        """
        if self.opted_at is not None and at < self.opted_at:
            return self
        return replace(self, opted_out=out, opted_at=at)

    def joined(self, other: "Contact") -> "Contact":
        """The contact, with what was heard from the same person as another contact."""
        moments = [moment for moment in (self.last_heard_at, other.last_heard_at) if moment is not None]
        merged = replace(self, last_heard_at=max(moments, default=None))
        return merged.opting(out=other.opted_out, at=other.opted_at) if other.opted_at else merged

    def renamed(self, old: Identity, new: Identity) -> "Contact":
        """The contact under the new names that replace the old ones; unchanged if it has others by now.

        Who changes their number gets a new user id, too: until it is told, they have none.
        """
        if old.phone and self.phone not in (None, old.phone):
            return self
        if old.user_id and self.user_id not in (None, old.user_id):
            return self
        moved = new.phone is not None and new.phone != self.phone
        user_id = new.user_id or (None if moved else self.user_id)
        return replace(self, user_id=user_id, phone=new.phone or self.phone)

    def holding(self, raffle_id: str, change: int) -> dict[str, int]:
        """`held` after `change` more (or fewer) numbers of a raffle."""
        after = {**self.held, raffle_id: max(0, self.held.get(raffle_id, 0) + change)}
        return {raffle: count for raffle, count in after.items() if count}


def contact_ids(identity: Identity) -> list[str]:
    """Under which ids a person may be known, the preferred one first.

    Hashes, so that a phone number never is part of a key, a link or a log line.
    """
    return [sha256(name.encode()).hexdigest()[:24] for name in (identity.user_id, identity.phone) if name]
