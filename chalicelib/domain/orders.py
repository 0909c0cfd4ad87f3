"""The order: its life cycle as a table, its hold, and its code."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from random import Random
from typing import NamedTuple

from chalicelib.domain.refusals import OrderOutOfTurn

MOST_NUMBERS = 40  # H6
REMINDER = timedelta(minutes=5)  # before the end of a hold
CODE_ALPHABET = "2346789BCDFGHJKMPQRTVWXY"  # no look-alikes, no vowels that would spell words
CODE_LENGTH = 8


class OrderStatus(StrEnum):
    DRAFT = "DRAFT"
    PENDING_PAYMENT = "PENDING_PAYMENT"
    IN_REVIEW = "IN_REVIEW"
    PAID = "PAID"
    EXPIRED = "EXPIRED"
    CANCELLED = "CANCELLED"
    LATE = "LATE"
    REFUNDED = "REFUNDED"


class OrderEvent(StrEnum):
    """What happens to an order; the value completes the sentence "it can't be …"."""

    CONFIRMED = "confirmed by the buyer"
    PROOF_RECEIVED = "given a proof"
    PAYMENT_CONFIRMED = "marked as paid"
    DEADLINE_PASSED = "expired"
    DROPPED = "cancelled by the buyer"
    CANCELLED = "cancelled"
    REVIVED = "held again"
    PROOF_TOO_LATE = "kept as paid late"


class Transition(NamedTuple):
    sources: tuple[OrderStatus, ...]
    target: OrderStatus


_S = OrderStatus
TRANSITIONS = {
    OrderEvent.CONFIRMED: Transition((_S.DRAFT,), _S.PENDING_PAYMENT),
    # Who pays without tapping "confirm" has confirmed; who sends a second picture adds to the first.
    OrderEvent.PROOF_RECEIVED: Transition((_S.DRAFT, _S.PENDING_PAYMENT, _S.IN_REVIEW), _S.IN_REVIEW),
    OrderEvent.PAYMENT_CONFIRMED: Transition((_S.DRAFT, _S.PENDING_PAYMENT, _S.IN_REVIEW), _S.PAID),
    # A proof in review stops the clock, so IN_REVIEW never expires.
    OrderEvent.DEADLINE_PASSED: Transition((_S.DRAFT, _S.PENDING_PAYMENT), _S.EXPIRED),
    # Once a proof is in, money may have moved: only an organiser cancels.
    OrderEvent.DROPPED: Transition((_S.DRAFT, _S.PENDING_PAYMENT), _S.CANCELLED),
    OrderEvent.CANCELLED: Transition((_S.DRAFT, _S.PENDING_PAYMENT, _S.IN_REVIEW), _S.CANCELLED),
    # A proof that comes after the end (P5): the same numbers again, or, if they are gone, an organiser settles it.
    # What was cancelled is not held again by a picture; but the picture is kept.
    OrderEvent.REVIVED: Transition((_S.EXPIRED,), _S.IN_REVIEW),
    OrderEvent.PROOF_TOO_LATE: Transition((_S.EXPIRED, _S.CANCELLED, _S.LATE), _S.LATE),
}

OWNING = frozenset({_S.DRAFT, _S.PENDING_PAYMENT, _S.IN_REVIEW, _S.PAID})  # these own their numbers
RUNNING = frozenset({_S.DRAFT, _S.PENDING_PAYMENT})  # these have a clock that runs


@dataclass(frozen=True, kw_only=True)
class Proof:
    """A stored payment proof. `key` is its place in the private bucket, `sha256` the hex digest of its bytes.

    `look` is what a picture looks like (see `likeness`); the order is stored without it. P6: `same_file_as` and
    `looks_like` are the ids of earlier orders that the same file, or a picture like it, came with.
    """

    key: str
    mime_type: str
    sha256: str
    size: int
    received_at: datetime
    look: bytes | None = None
    same_file_as: str | None = None
    looks_like: str | None = None


@dataclass(frozen=True, kw_only=True)
class Order:
    """One contact's numbers in one raffle. Amounts are in minor units; the price is frozen at the hold (H7)."""

    id: str
    raffle_id: str
    contact_id: str
    numbers: tuple[int, ...]
    unit_amount: int
    currency: str
    status: OrderStatus
    reserved_until: datetime | None  # None: no time limit, or the clock has stopped
    created_at: datetime
    updated_at: datetime
    paid_at: datetime | None = None
    proofs: tuple[Proof, ...] = ()
    reminded_at: datetime | None = None

    @property
    def quantity(self) -> int:
        return len(self.numbers)

    @property
    def amount(self) -> int:
        return self.unit_amount * len(self.numbers)

    def is_over(self, now: datetime) -> bool:
        """H3: whether the hold has ended, swept or not."""
        return self.status in RUNNING and self.reserved_until is not None and now >= self.reserved_until

    def wants_reminder(self, now: datetime) -> bool:
        """Whether the buyer should hear now that the hold ends soon; holds that were short anyway get no reminder."""
        return (
            self.status in RUNNING
            and self.reminded_at is None
            and self.reserved_until is not None
            and self.reserved_until - self.created_at >= 2 * REMINDER
            and now < self.reserved_until <= now + REMINDER
        )

    def after(self, event: OrderEvent) -> OrderStatus:
        """The status after `event`. Raises OrderOutOfTurn where the life cycle has no such step."""
        transition = TRANSITIONS[event]
        if self.status not in transition.sources:
            raise OrderOutOfTurn(self.id, event.value, self.status)
        return transition.target


def hold_until(now: datetime, hold_minutes: int | None) -> datetime | None:
    return None if hold_minutes is None else now + timedelta(minutes=hold_minutes)


def new_code(random: Random) -> str:
    """A fresh order code: seven random characters and a check character."""
    body = "".join(random.choice(CODE_ALPHABET) for _ in range(CODE_LENGTH - 1))
    return body + check_character(body)


def check_character(body: str) -> str:
    """The Luhn mod N check character: every single wrong character and nearly every swap of neighbours shows.

    Source: ISO/IEC 7812-1 annex B, generalised to an alphabet of N characters.
    """
    total, base = 0, len(CODE_ALPHABET)
    for index, character in enumerate(reversed(body)):
        value = CODE_ALPHABET.index(character) * (2 - index % 2)
        total += value // base + value % base
    return CODE_ALPHABET[-total % base]


def is_code(text: str) -> bool:
    """Whether `text` is a well-formed order code, its check character included."""
    return (
        len(text) == CODE_LENGTH
        and all(character in CODE_ALPHABET for character in text)
        and check_character(text[:-1]) == text[-1]
    )
