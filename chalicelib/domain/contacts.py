"""The contact: a person as we know them, and the rules that depend on what they did last."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import sha256

from chalicelib.domain.conversation import Conversation
from chalicelib.domain.countries import country_of, language_of
from chalicelib.domain.holding import FORGIVEN_AFTER, UnpaidOrder, unpaid_orders, wait_after
from chalicelib.domain.languages import DEFAULT_LANGUAGE, LanguageCode, LanguageSource
from chalicelib.domain.messages import Identity
from chalicelib.domain.orders import Order, OrderStatus
from chalicelib.domain.phone_spellings import same_number
from chalicelib.domain.rate_limit import PAIR_RATE_LIMIT
from chalicelib.domain.reply_limits import ReplyLimits
from chalicelib.domain.searches import phone_end, words_of

WINDOW = timedelta(hours=24)  # after a contact's last message; once it is over WhatsApp takes only templates (M4)
PAUSE = timedelta(hours=24)  # after an organiser's last message or pause; then the bot answers again (M6)
MAX_PACE = timedelta(hours=1)  # so far ahead reach six hundred messages to one person
MAX_NEWEST_ORDERS = 20  # order ids that a contact's item keeps, eight bytes each


@dataclass(frozen=True, kw_only=True)
class Contact:
    """A person who buys from us or has written to us.

    Attributes:
        name_kept: an organiser corrected the name, so WhatsApp's profile name does not replace it.
        chosen_language: the language that they, or an organiser for them, chose (M9).
        written_language: the language in which they last wrote, if that was beyond doubt.
        raffle_language: the language of the raffle that they opened last.
        held: how many numbers they own, by raffle id.
        unpaid: those of their orders that own numbers and are not paid, by order id (H9).
        has_paid: whether an order of theirs was ever paid (H10). None: stored before this was kept, so unknown.
        age_confirmed: the age in years that they said to have reached, when a raffle asked (H16).
        age_confirmed_at: when they said so.
        vouched_for: an organiser trusts them like somebody who has paid.
        unpaid_holds: how many of their holds ended unpaid in a row (H11).
        unpaid_hold_at: when the last of these ended.
        blocked_at: since when they may hold nothing (H12).
        blocked_told: they were told so.
        last_heard_at: when they last wrote, by WhatsApp's clock; None if they never did.
        opted_out: they want no messages other than replies (M5).
        opted_at: when they last opted out or in.
        waits_for: the id of the last message to them that had to wait; later messages queue behind it.
        paced_until: until when the messages sent to them use up the pair rate limit.
        person_wanted_at: since when they have been waiting for a person; None if they are not.
        person_called_at: when the organisers were last told about that.
        bot_paused_until: until when the bot is silent, because an organiser talks with them (M6).
        bot_paused_by: the organiser who paused the bot, by the name of their token.
        bot_paused_at: when the bot was last paused, or a pause ended early.
        reply_limits: what they have used up of what the bot says to one person in a day (M8).
        same_person: ids of contacts of the same person that stay apart because both had orders (H13).
        also: ids of contacts that turned out to be the same person; their messages are still stored under these.
        erased_at: when their erasure began (V2). From then on we don't know who they are.
        successor_id: the id of the new contact if the erased person writes again.
        newest_orders: ids of their last orders, newest first.
        has_older_orders: they have, or may have, orders besides the newest ones.
        indexed_terms: the `index_terms` under which they are indexed; None if they are not indexed yet.
        version: the version that was read; 0 for a new contact.
    """

    id: str
    user_id: str | None = None
    phone: str | None = None
    name: str = ""
    name_kept: bool = False
    chosen_language: LanguageCode | None = None
    written_language: LanguageCode | None = None
    raffle_language: LanguageCode | None = None
    conversation: Conversation = field(default_factory=Conversation)
    held: dict[str, int] = field(default_factory=dict)
    unpaid: dict[str, UnpaidOrder] = field(default_factory=dict)
    has_paid: bool | None = False
    age_confirmed: int | None = None
    age_confirmed_at: datetime | None = None
    vouched_for: bool = False
    unpaid_holds: int = 0
    unpaid_hold_at: datetime | None = None
    blocked_at: datetime | None = None
    blocked_told: bool = False
    last_heard_at: datetime | None = None
    opted_out: bool = False
    opted_at: datetime | None = None
    waits_for: str | None = None
    paced_until: datetime | None = None
    person_wanted_at: datetime | None = None
    person_called_at: datetime | None = None
    bot_paused_until: datetime | None = None
    bot_paused_by: str | None = None
    bot_paused_at: datetime | None = None
    reply_limits: ReplyLimits = field(default_factory=ReplyLimits)
    same_person: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    erased_at: datetime | None = None
    successor_id: str | None = None
    newest_orders: tuple[str, ...] = ()
    has_older_orders: bool = False
    indexed_terms: tuple[str, ...] | None = None
    created_at: datetime | None = None
    version: int = 0

    @property
    def edit_version(self) -> str:
        """A string that is different after each change of what organisers may change.

        What people write changes `version`, and not this: else nobody could edit somebody who is writing.
        """
        seen = (
            self.id, self.name, self.name_kept, self.chosen_language, self.bot_paused_until, self.bot_paused_by,
            self.person_wanted_at, self.blocked_at, self.vouched_for, self.erased_at,
        )  # fmt: skip
        return sha256(repr(seen).encode()).hexdigest()[:16]

    @property
    def index_terms(self) -> tuple[str, ...]:
        """The terms that find them: the words of their name, and "#" with the last digits of their phone number."""
        end = phone_end(self.phone or "")
        return (*words_of(self.name), *([f"#{end}"] if end else ()))

    @property
    def identity(self) -> Identity:
        return Identity(user_id=self.user_id, phone=self.phone)

    @property
    def country(self) -> str | None:
        """Return the country of their phone number (ISO 3166), or None if the table does not have it."""
        return country_of(self.phone, self.user_id)

    @property
    def language(self) -> LanguageCode:
        """Return the language to talk to them in (M9)."""
        return self._language_and_source[0]

    @property
    def language_source(self) -> LanguageSource:
        """Return how their language is known."""
        return self._language_and_source[1]

    @property
    def _language_and_source(self) -> tuple[LanguageCode, LanguageSource]:
        if self.chosen_language is not None:
            return self.chosen_language, "chosen"
        if self.written_language is not None:
            return self.written_language, "written"
        if (of_phone := language_of(self.country)) is not None:
            return of_phone, "phone"
        if self.raffle_language is not None:
            return self.raffle_language, "raffle"
        return DEFAULT_LANGUAGE, "default"

    def rate_limited_until(self, now: datetime) -> datetime | None:
        """Return the earliest time for the last message to them under the pair rate limit. It may lie in the past."""
        paced_until = self._believed_pace(now)
        return None if paced_until is None else PAIR_RATE_LIMIT.earliest(paced_until)

    def _believed_pace(self, now: datetime) -> datetime | None:
        """Return `paced_until`, unless it is further ahead than a pace can be: then a clock was wrong."""
        is_wrong = self.paced_until is not None and self.paced_until > now + MAX_PACE
        return None if is_wrong else self.paced_until

    @property
    def window_until(self) -> datetime | None:
        """Until when free text may be sent to them; None if they never wrote, so that only templates may."""
        return None if self.last_heard_at is None else self.last_heard_at + WINDOW

    def window_is_over(self, now: datetime) -> bool:
        """Return whether we know that only templates may be sent to them.

        False for a contact who never wrote to us, since we don't know their window: WhatsApp decides.
        """
        return self.window_until is not None and now >= self.window_until

    def with_message_at(self, at: datetime) -> "Contact":
        """Return the contact after a message that they wrote at `at`. Messages may arrive late and out of order."""
        return replace(self, last_heard_at=max(self.last_heard_at or at, at))

    def with_profile_name(self, name: str) -> "Contact":
        """Return the contact with the name of their WhatsApp profile, unless an organiser corrected it."""
        return replace(self, name=name) if name and not self.name_kept else self

    def bot_is_paused(self, now: datetime) -> bool:
        return self.bot_paused_until is not None and now < self.bot_paused_until

    def with_bot_paused(self, *, by: str, at: datetime) -> "Contact":
        """Return the contact with the bot paused for a day from `at`, because an organiser talks with them (M6).

        A pause that is older than the last one, or than its early end, is ignored.
        """
        if self.bot_paused_at is not None and at < self.bot_paused_at:
            return self
        return replace(self, bot_paused_until=at + PAUSE, bot_paused_by=by, bot_paused_at=at)

    def with_bot_resumed(self, at: datetime) -> "Contact":
        return replace(self, bot_paused_until=None, bot_paused_by=None, bot_paused_at=at)

    def as_erased(self, at: datetime) -> "Contact":
        """Return what remains after an erasure: ids, and how many numbers they own (V2)."""
        return Contact(
            id=self.id,
            held=self.held,
            also=self.also,
            newest_orders=self.newest_orders,
            has_older_orders=self.has_older_orders,
            indexed_terms=self.indexed_terms,  # saving the contact removes the index entries under these
            erased_at=at,
            successor_id=self.successor_id,
            created_at=self.created_at,
            version=self.version,
        )

    def with_messages_sent(self, count: int, now: datetime) -> "Contact":
        """Return the contact after `count` messages to them, which use up part of the pair rate limit."""
        if not count:
            return self
        return replace(self, paced_until=PAIR_RATE_LIMIT.reserve(self._believed_pace(now), now, count))

    def with_opt_out(self, *, out: bool, at: datetime) -> "Contact":
        """Return the contact after they opted out (or in). A wish older than the last known one is ignored."""
        if self.opted_at is not None and at < self.opted_at:
            return self
        return replace(self, opted_out=out, opted_at=at)

    def merged_with(self, other: "Contact") -> "Contact":
        """Return the contact merged with another one that turned out to be the same person."""
        moments = [moment for moment in (self.last_heard_at, other.last_heard_at) if moment is not None]
        also = (*self.also, other.id, *other.also)
        merged = replace(
            self,
            last_heard_at=max(moments, default=None),
            also=also,
            chosen_language=self.chosen_language or other.chosen_language,
            written_language=other.written_language or self.written_language,  # the other one wrote last
        )
        return merged.with_opt_out(out=other.opted_out, at=other.opted_at) if other.opted_at else merged

    def known_as(self, other_id: str) -> "Contact":
        """Return the contact knowing another one that is the same person, and stays a contact of its own."""
        known = other_id == self.id or other_id in self.same_person
        return self if known else replace(self, same_person=(*self.same_person, other_id))

    def with_identity(self, old: Identity, new: Identity) -> "Contact":
        """Return the contact with a new identity. Unchanged if they no longer have the old one.

        Somebody who changes their number also gets a new user id. Until WhatsApp tells us that id, they have none.
        """
        if old.phone and self.phone is not None and not same_number(self.phone, old.phone):
            return self
        if old.user_id and self.user_id not in (None, old.user_id):
            return self
        phone_changes = new.phone is not None and not same_number(new.phone, self.phone)
        user_id = new.user_id or (None if phone_changes else self.user_id)
        return replace(self, user_id=user_id, phone=new.phone or self.phone)

    def with_person_wanted(self, now: datetime) -> "Contact":
        """Return the contact once the organisers are told that they want a person.

        They keep their place in the waiting list if they asked before.
        """
        return replace(self, person_wanted_at=self.person_wanted_at or now, person_called_at=now)

    def with_order(self, order_id: str) -> "Contact":
        """Return the contact with one more order."""
        has_older = self.has_older_orders or len(self.newest_orders) >= MAX_NEWEST_ORDERS
        newest = (order_id, *self.newest_orders)[:MAX_NEWEST_ORDERS]
        return replace(self, newest_orders=newest, has_older_orders=has_older)

    def may_hold_from(self, most_unpaid: int) -> datetime | None:
        """Return from when they may hold numbers again after holds that ended unpaid (H11); None: they need not wait.

        Args:
            most_unpaid: how many such holds have no consequence.
        """
        if self.unpaid_hold_at is None or self.unpaid_holds < most_unpaid:
            return None
        return self.unpaid_hold_at + wait_after(self.unpaid_holds, most_unpaid)

    def with_state_of(self, order: Order) -> "Contact":
        """Return the contact with what has become of an order of theirs: unpaid, in review, paid or over."""
        others = {order_id: other for order_id, other in self.unpaid.items() if order_id != order.id}
        unpaid = others | unpaid_orders([order])
        if order.status is not OrderStatus.PAID:
            return replace(self, unpaid=unpaid)
        return replace(self, unpaid=unpaid, has_paid=True, unpaid_holds=0, unpaid_hold_at=None)

    def with_unpaid_hold(self, now: datetime) -> "Contact":
        """Return the contact after a hold that ended unpaid (H11)."""
        is_forgiven = self.unpaid_hold_at is not None and now >= self.unpaid_hold_at + FORGIVEN_AFTER
        return replace(self, unpaid_holds=(0 if is_forgiven else self.unpaid_holds) + 1, unpaid_hold_at=now)

    def with_numbers(self, raffle_id: str, change: int) -> "Contact":
        """Return the contact with `change` more (or fewer) numbers of a raffle."""
        after = {**self.held, raffle_id: max(0, self.held.get(raffle_id, 0) + change)}
        return replace(self, held={raffle: count for raffle, count in after.items() if count})
