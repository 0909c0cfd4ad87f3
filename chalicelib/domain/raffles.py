"""The raffle: its numbers, its price, and its life cycle."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from types import MappingProxyType
from typing import NamedTuple

from chalicelib.domain.board import Layout
from chalicelib.domain.languages import LanguageCode
from chalicelib.domain.refusals import Changed, RaffleOutOfTurn

MAX_NUMBERS = 1_000_000  # N1
# Each of these unless the raffle says otherwise.
HOLD_MINUTES = 15  # H3
MAX_UNPAID_ORDERS = 2  # H9
MAX_UNPAID_NUMBERS = 40  # H9
MAX_IN_REVIEW = 1  # H10
MAX_NEWCOMER_PERCENT = 80  # H10
NO_LIMIT_PERCENT = 100
MAX_UNPAID_HOLDS = 3  # H11
MAX_REJECTIONS = 2  # P10
REVIEW_HOURS = 48  # P11
MAX_FAQ = 20
PROPOSAL_LIFETIME = timedelta(days=1)  # O10


COPIED = re.compile(r"^[ \t]*`([^`\n]*[^`\s][^`\n]*)`[ \t]*$\n?", re.MULTILINE)


class RaffleStatus(StrEnum):
    DRAFT = "DRAFT"
    ACTIVE = "ACTIVE"
    INACTIVE = "INACTIVE"
    CLOSED = "CLOSED"
    DRAWN = "DRAWN"
    CANCELLED = "CANCELLED"


class TicketStatus(StrEnum):
    AVAILABLE = "AVAILABLE"
    RESERVED = "RESERVED"
    SOLD = "SOLD"


class RaffleEvent(StrEnum):
    """What an organiser does to a raffle. The value completes the sentence "it can't be …"."""

    ACTIVATED = "activated"
    DEACTIVATED = "deactivated"
    CLOSED = "closed"
    CANCELLED = "cancelled"
    DELETED = "deleted"


class RaffleTransition(NamedTuple):
    sources: tuple[RaffleStatus, ...]
    target: RaffleStatus | None  # None: the raffle no longer exists


_S = RaffleStatus
TRANSITIONS = {
    # Repeating an event is no error: two organisers may press the same button.
    RaffleEvent.ACTIVATED: RaffleTransition((_S.DRAFT, _S.INACTIVE, _S.ACTIVE), _S.ACTIVE),
    RaffleEvent.DEACTIVATED: RaffleTransition((_S.ACTIVE, _S.INACTIVE), _S.INACTIVE),
    RaffleEvent.CLOSED: RaffleTransition((_S.ACTIVE, _S.INACTIVE, _S.CLOSED), _S.CLOSED),
    # Stop selling before cancelling, so that nobody buys in the meantime.
    RaffleEvent.CANCELLED: RaffleTransition((_S.DRAFT, _S.INACTIVE, _S.CLOSED, _S.CANCELLED), _S.CANCELLED),
    RaffleEvent.DELETED: RaffleTransition((_S.DRAFT,), None),
}


@dataclass(frozen=True, kw_only=True)
class RaffleOrganiser:
    """The organiser whom buyers see. `contact` is a telephone number, an address or a page."""

    name: str
    contact: str | None = None


@dataclass(frozen=True, kw_only=True)
class Permit:
    """The permission to run a raffle: who gave it, and its number."""

    authority: str
    number: str


@dataclass(frozen=True, kw_only=True)
class RafflePicture:
    """A picture that buyers see above the details of a raffle: its key in the bucket, its type, its size in bytes."""

    key: str
    mime_type: str
    size: int


@dataclass(frozen=True, kw_only=True)
class Faq:
    """An answer that the bot gives to a question with any of these words."""

    words: tuple[str, ...]
    answer: str


@dataclass(frozen=True, kw_only=True)
class Raffle:
    """A raffle. `unit_amount` is in minor units of `currency` (ISO 4217). `hold_minutes` None means no time limit.

    Attributes:
        max_unpaid_orders: how many orders a person may have that are not paid (H9).
        max_unpaid_numbers: how many numbers these may have together (H9).
        max_in_review: how many orders of a newcomer may be in review (H10).
        max_newcomer_percent: the share of the numbers that all newcomers together may hold unpaid (H10).
        max_unpaid_holds: after so many holds that ended unpaid, a person has to wait (H11).
        max_rejections: after so many rejected proofs, an order gets no fresh hold (P10).
        review_hours: after this long, a review may be ended (P11).
        draws_at: when the numbers are drawn.
        draw_method: how, in the organiser's words.
        minimum_age: how old buyers must be, in years.
        faq: what buyers often ask, and the answers.
        language: in which the bot talks to people of whom it knows no language (M9).
    """

    id: str
    title: str
    description: str
    prize: str
    unit_amount: int
    currency: str
    first_number: int
    last_number: int
    hold_minutes: int | None
    max_per_contact: int | None
    payment_instructions: str
    code: str
    status: RaffleStatus
    opens_at: datetime | None
    closes_at: datetime | None
    time_zone: str
    page_size: int  # never changes once numbers are taken: it decides where each number's bit is
    created_at: datetime
    updated_at: datetime
    max_unpaid_orders: int = MAX_UNPAID_ORDERS
    max_unpaid_numbers: int = MAX_UNPAID_NUMBERS
    max_in_review: int = MAX_IN_REVIEW
    max_newcomer_percent: int = MAX_NEWCOMER_PERCENT
    max_unpaid_holds: int = MAX_UNPAID_HOLDS
    max_rejections: int = MAX_REJECTIONS
    review_hours: int = REVIEW_HOURS
    draws_at: datetime | None = None
    draw_method: str = ""
    organiser: RaffleOrganiser | None = None
    permit: Permit | None = None
    rules_url: str | None = None
    minimum_age: int | None = None
    picture: RafflePicture | None = None
    faq: tuple[Faq, ...] = ()
    language: LanguageCode | None = None

    @property
    def layout(self) -> Layout:
        return Layout(self.first_number, self.last_number, self.page_size)

    @property
    def version(self) -> str:
        """A string that is different after each change."""
        return sha256(f"{self.updated_at.isoformat()} {self.status}".encode()).hexdigest()[:16]

    @property
    def last_change(self) -> Changed:
        return Changed(f"raffle:{self.id}", self.updated_at)

    @property
    def total(self) -> int:
        return self.last_number - self.first_number + 1

    @property
    def max_of_newcomers(self) -> int:
        """Return the largest count of numbers that newcomers may hold unpaid in one tally (H10).

        A raffle has as many tallies as it has pages, at most 16. So all of them together keep the raffle's share, and
        no counter exists that every buyer would have to write.
        """
        if self.max_newcomer_percent == NO_LIMIT_PERCENT:
            return 2 * MAX_NUMBERS  # also more than a board shows that changes while it is read
        share = max(MAX_UNPAID_NUMBERS, self.total * self.max_newcomer_percent // 100)
        return share // self.layout.tallies

    @property
    def payment_account(self) -> str | None:
        """Return what buyers copy to pay: the first line of the payment instructions that stands between backticks."""
        marked = COPIED.search(self.payment_instructions)
        return marked[1].strip() if marked else None

    @property
    def payment_text(self) -> str:
        """Return the payment instructions without what buyers copy, and without other backticks."""
        return _without_copied(self.payment_instructions).replace("`", "").strip()

    def sells_at(self, now: datetime) -> bool:
        """Return whether numbers can be held at this time."""
        has_opened = self.opens_at is None or now >= self.opens_at
        has_closed = self.closes_at is not None and now >= self.closes_at
        return self.status is RaffleStatus.ACTIVE and has_opened and not has_closed

    def after(self, event: RaffleEvent) -> RaffleStatus | None:
        """Return the status after `event`. Raises RaffleOutOfTurn if the life cycle does not allow it."""
        transition = TRANSITIONS[event]
        if self.status not in transition.sources:
            raise RaffleOutOfTurn(event.value, self.status, changed=self.last_change)
        return transition.target


def has_stray_backtick(payment_instructions: str) -> bool:
    """Return whether there is a backtick that does not belong to the one line which buyers copy."""
    return "`" in _without_copied(payment_instructions)


def _without_copied(payment_instructions: str) -> str:
    return COPIED.sub("", payment_instructions, count=1)


@dataclass(frozen=True, kw_only=True)
class PaymentChange:
    """A change of how buyers of a raffle pay, which one manager proposes and another confirms (O10).

    Attributes:
        replaces: the payment instructions when it was proposed.
        proposed_by: the name of the token, and `token_id` its id.
        confirmed_by: the name of the second one; None while the change is only proposed.
    """

    raffle_id: str
    payment_instructions: str
    replaces: str
    proposed_by: str
    token_id: str
    proposed_at: datetime
    confirmed_by: str | None = None

    @property
    def valid_until(self) -> datetime:
        return self.proposed_at + PROPOSAL_LIFETIME


class Availability(NamedTuple):
    """How many of a raffle's numbers are in each state. `total` is the sum of the others."""

    total: int
    available: int
    reserved: int
    sold: int


class Board(NamedTuple):
    """A raffle and the sums of its tallies.

    `taken` is how many numbers are taken on each page; pages with none are left out. `paid` is the total price of the
    numbers sold, in minor units. `newcomers` is how many numbers newcomers hold unpaid, by tally.
    """

    raffle: Raffle
    taken: dict[int, int]
    sold: int
    paid: int = 0
    newcomers: Mapping[int, int] = MappingProxyType({})

    @property
    def availability(self) -> Availability:
        taken = sum(self.taken.values())
        return Availability(self.raffle.total, self.raffle.total - taken, taken - self.sold, self.sold)

    @property
    def room_for_newcomers(self) -> dict[int, int]:
        """Return for each tally how many more numbers newcomers may hold unpaid (H10)."""
        most = self.raffle.max_of_newcomers
        return {tally: most - self.newcomers.get(tally, 0) for tally in range(self.raffle.layout.tallies)}

    @property
    def free_by_page(self) -> dict[int, int]:
        layout = self.raffle.layout
        free = {page: size - self.taken.get(page, 0) for page, size in enumerate(layout.capacities())}
        return {page: count for page, count in free.items() if count > 0}
