"""The contact: who a person is to us, and where their conversation stands."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from chalicelib.domain.conversation import Conversation
from chalicelib.domain.languages import DEFAULT_LANGUAGE
from chalicelib.domain.messages import Identity
from chalicelib.domain.rate_limit import A_PERSON
from chalicelib.domain.searches import phone_end, words_of

WINDOW = timedelta(hours=24)  # from a person's last message on; after that WhatsApp takes templates only (M4)
PAUSE = timedelta(hours=24)  # from what an organiser did last on; after that the bot answers again by itself (M6)
MOST_NEWEST = 20  # orders whose ids a contact's item keeps: eight bytes each


@dataclass(frozen=True, kw_only=True)
class Contact:
    """A person. `held` counts the numbers that they own in each raffle; `version` is that of the last read (0: new).

    `opted_out`: they want no message that they did not ask for (M5); `opted_at` is when they said so, or took it back.
    `last_heard_at` is when they wrote, not when it reached us; None for who has never written. `erased_at`: all that
    named them is being taken away since then, or is gone; who they are is not known any more.
    """

    id: str
    user_id: str | None = None
    phone: str | None = None
    name: str = ""
    name_kept: bool = False  # an organiser has put it right: WhatsApp's does not replace it
    language: str = DEFAULT_LANGUAGE
    conversation: Conversation = field(default_factory=Conversation)
    held: dict[str, int] = field(default_factory=dict)
    last_heard_at: datetime | None = None
    opted_out: bool = False
    opted_at: datetime | None = None
    waits_for: str | None = None  # id of the last message to them that had to wait: while it does, others go behind it
    paced_until: datetime | None = None  # what was said to them lately uses up WhatsApp's pace for a person until then
    person_wanted_at: datetime | None = None  # since when they ask for a person, and nobody has said "done"
    person_called_at: datetime | None = None  # when the organisers were last told so
    bot_paused_until: datetime | None = None  # while an organiser talks with them (M6)
    bot_paused_by: str | None = None  # the name of the token that did it
    also: tuple[str, ...] = ()  # contacts that they were, too, before we knew: what was said then lies there
    erased_at: datetime | None = None
    successor_id: str | None = None  # of who was erased: the id that they get if they write again
    newest_orders: tuple[str, ...] = ()  # ids, the newest first
    has_older_orders: bool = False  # or may have
    found_by: tuple[str, ...] | None = None  # the `finding` under which they are filed; None: not in any list yet
    created_at: datetime | None = None
    version: int = 0

    @property
    def finding(self) -> tuple[str, ...]:
        """Under what they are to be found: the words of their name, and "#" with the end of their phone number."""
        end = phone_end(self.phone or "")
        return (*words_of(self.name), *([f"#{end}"] if end else ()))

    @property
    def identity(self) -> Identity:
        return Identity(user_id=self.user_id, phone=self.phone)

    @property
    def paced_from(self) -> datetime | None:
        """When what was said to them last may be sent, by WhatsApp's pace; perhaps long ago."""
        return None if self.paced_until is None else A_PERSON.earliest(self.paced_until)

    @property
    def window_until(self) -> datetime | None:
        """Until when anything may be written to them; None for who never wrote: then only a template may."""
        return None if self.last_heard_at is None else self.last_heard_at + WINDOW

    def window_is_over(self, now: datetime) -> bool:
        """Whether only a template may go to them. Of who never wrote that is not known: WhatsApp says."""
        return self.last_heard_at is not None and now >= self.last_heard_at + WINDOW

    def heard(self, at: datetime) -> "Contact":
        """The contact after a message that they wrote at that time; perhaps an old one that comes late."""
        return replace(self, last_heard_at=max(self.last_heard_at or at, at))

    def called(self, name: str) -> "Contact":
        """The contact, under the name that they have in WhatsApp by now."""
        return replace(self, name=name) if name and not self.name_kept else self

    def bot_is_paused(self, now: datetime) -> bool:
        return self.bot_paused_until is not None and now < self.bot_paused_until

    def pausing(self, *, by: str, now: datetime) -> "Contact":
        """The contact from now on, when an organiser talks with them (M6)."""
        return replace(self, bot_paused_until=now + PAUSE, bot_paused_by=by)

    def resuming(self) -> "Contact":
        return replace(self, bot_paused_until=None, bot_paused_by=None)

    def erased(self, at: datetime) -> "Contact":
        """What stays of a person who is forgotten: the id that orders name, and how many numbers they own."""
        return Contact(
            id=self.id,
            held=self.held,
            also=self.also,
            newest_orders=self.newest_orders,
            has_older_orders=self.has_older_orders,
            found_by=self.found_by,  # what leads from there to them is taken away when this is stored
            erased_at=at,
            successor_id=self.successor_id,
            created_at=self.created_at,
            version=self.version,
        )

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
        also = (*self.also, other.id, *other.also)
        merged = replace(self, last_heard_at=max(moments, default=None), also=also)
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

    def wanting_person(self, now: datetime) -> "Contact":
        """The contact when the organisers are told that they want a person: who asked already waits since then."""
        return replace(self, person_wanted_at=self.person_wanted_at or now, person_called_at=now)

    def ordering(self, order_id: str) -> "Contact":
        """The contact with one order more."""
        older = self.has_older_orders or len(self.newest_orders) >= MOST_NEWEST
        return replace(self, newest_orders=(order_id, *self.newest_orders)[:MOST_NEWEST], has_older_orders=older)

    def holding(self, raffle_id: str, change: int) -> dict[str, int]:
        """`held` after `change` more (or fewer) numbers of a raffle."""
        after = {**self.held, raffle_id: max(0, self.held.get(raffle_id, 0) + change)}
        return {raffle: count for raffle, count in after.items() if count}
