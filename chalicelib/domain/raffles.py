"""The raffle: its range of numbers, its price, and the life cycle that chat, API and store share."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import NamedTuple

from chalicelib.domain.board import Layout
from chalicelib.domain.refusals import RaffleOutOfTurn

MOST_NUMBERS = 1_000_000  # N1
HOLD_MINUTES = 15  # H3, unless the raffle says otherwise


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
    """What an organiser does to a raffle; the value completes the sentence "it can't be …"."""

    ACTIVATED = "activated"
    DEACTIVATED = "deactivated"
    CLOSED = "closed"
    CANCELLED = "cancelled"
    DELETED = "deleted"


class RaffleTransition(NamedTuple):
    sources: tuple[RaffleStatus, ...]
    target: RaffleStatus | None  # None: the raffle is gone


_S = RaffleStatus
TRANSITIONS = {
    # Asking twice for what is already so is no error: two organisers may press the same button.
    RaffleEvent.ACTIVATED: RaffleTransition((_S.DRAFT, _S.INACTIVE, _S.ACTIVE), _S.ACTIVE),
    RaffleEvent.DEACTIVATED: RaffleTransition((_S.ACTIVE, _S.INACTIVE), _S.INACTIVE),
    RaffleEvent.CLOSED: RaffleTransition((_S.ACTIVE, _S.INACTIVE, _S.CLOSED), _S.CLOSED),
    # Who calls a raffle off stops selling first, so that nobody buys meanwhile.
    RaffleEvent.CANCELLED: RaffleTransition((_S.DRAFT, _S.INACTIVE, _S.CLOSED, _S.CANCELLED), _S.CANCELLED),
    RaffleEvent.DELETED: RaffleTransition((_S.DRAFT,), None),
}


@dataclass(frozen=True, kw_only=True)
class Raffle:
    """A raffle. `unit_amount` is in minor units of `currency` (ISO 4217); `hold_minutes` None = no time limit."""

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
    page_size: int  # fixed when the raffle is made: where each number's bit is depends on it
    created_at: datetime
    updated_at: datetime

    @property
    def layout(self) -> Layout:
        return Layout(self.first_number, self.last_number, self.page_size)

    @property
    def version(self) -> str:
        """Another one after each change."""
        return sha256(f"{self.updated_at.isoformat()} {self.status}".encode()).hexdigest()[:16]

    @property
    def total(self) -> int:
        return self.last_number - self.first_number + 1

    def sells_at(self, now: datetime) -> bool:
        """Whether numbers can be held now."""
        opened = self.opens_at is None or now >= self.opens_at
        closed = self.closes_at is not None and now >= self.closes_at
        return self.status is RaffleStatus.ACTIVE and opened and not closed

    def after(self, event: RaffleEvent) -> RaffleStatus | None:
        """The status after `event`. Raises RaffleOutOfTurn where the life cycle has no such step."""
        transition = TRANSITIONS[event]
        if self.status not in transition.sources:
            raise RaffleOutOfTurn(event.value, self.status)
        return transition.target


class Availability(NamedTuple):
    """How many numbers of a raffle are in which state; available + reserved + sold = total."""

    total: int
    available: int
    reserved: int
    sold: int


class Board(NamedTuple):
    """A raffle and what its tallies say: numbers taken on each page (pages without are left out), numbers sold, and
    what these came to in minor units."""

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
