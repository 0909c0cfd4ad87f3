"""The raffle: its numbers, its price, and its life cycle."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import NamedTuple

from chalicelib.domain.board import Layout
from chalicelib.domain.refusals import RaffleOutOfTurn

MAX_NUMBERS = 1_000_000  # N1
HOLD_MINUTES = 15  # H3, unless the raffle says otherwise
PROPOSAL_LIFETIME = timedelta(days=1)  # O9


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
class Raffle:
    """A raffle. `unit_amount` is in minor units of `currency` (ISO 4217). `hold_minutes` None means no time limit."""

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

    @property
    def layout(self) -> Layout:
        return Layout(self.first_number, self.last_number, self.page_size)

    @property
    def version(self) -> str:
        """A string that is different after each change."""
        return sha256(f"{self.updated_at.isoformat()} {self.status}".encode()).hexdigest()[:16]

    @property
    def total(self) -> int:
        return self.last_number - self.first_number + 1

    def sells_at(self, now: datetime) -> bool:
        """Return whether numbers can be held at this time."""
        has_opened = self.opens_at is None or now >= self.opens_at
        has_closed = self.closes_at is not None and now >= self.closes_at
        return self.status is RaffleStatus.ACTIVE and has_opened and not has_closed

    def after(self, event: RaffleEvent) -> RaffleStatus | None:
        """Return the status after `event`. Raises RaffleOutOfTurn if the life cycle does not allow it."""
        transition = TRANSITIONS[event]
        if self.status not in transition.sources:
            raise RaffleOutOfTurn(event.value, self.status)
        return transition.target


@dataclass(frozen=True, kw_only=True)
class PaymentChange:
    """A change of how buyers of a raffle pay, which one manager proposes and another confirms (O9).

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
    numbers sold, in minor units.
    """

    raffle: Raffle
    taken: dict[int, int]
    sold: int
    paid: int = 0

    @property
    def availability(self) -> Availability:
        taken = sum(self.taken.values())
        return Availability(self.raffle.total, self.raffle.total - taken, taken - self.sold, self.sold)

    @property
    def free_by_page(self) -> dict[int, int]:
        layout = self.raffle.layout
        free = {page: size - self.taken.get(page, 0) for page, size in enumerate(layout.capacities())}
        return {page: count for page, count in free.items() if count > 0}
