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
    PROOF_REJECTED = "asked for another proof"
    REFUNDED = "refunded"
    REASSIGNED = "given other numbers"
    REASSIGNED_UNPAID = "given other numbers for review"


class OrderTransition(NamedTuple):
    sources: tuple[OrderStatus, ...]
    target: OrderStatus


_S = OrderStatus
TRANSITIONS = {
    OrderEvent.CONFIRMED: OrderTransition((_S.DRAFT,), _S.PENDING_PAYMENT),
    # Who pays without tapping "confirm" has confirmed; who sends a second picture adds to the first.
    OrderEvent.PROOF_RECEIVED: OrderTransition((_S.DRAFT, _S.PENDING_PAYMENT, _S.IN_REVIEW), _S.IN_REVIEW),
    OrderEvent.PAYMENT_CONFIRMED: OrderTransition((_S.DRAFT, _S.PENDING_PAYMENT, _S.IN_REVIEW), _S.PAID),
    # A proof in review stops the clock, so IN_REVIEW never expires.
    OrderEvent.DEADLINE_PASSED: OrderTransition((_S.DRAFT, _S.PENDING_PAYMENT), _S.EXPIRED),
    # Once a proof is in, money may have moved: only an organiser cancels.
    OrderEvent.DROPPED: OrderTransition((_S.DRAFT, _S.PENDING_PAYMENT), _S.CANCELLED),
    OrderEvent.CANCELLED: OrderTransition((_S.DRAFT, _S.PENDING_PAYMENT, _S.IN_REVIEW), _S.CANCELLED),
    # A proof that comes after the end (P5): the same numbers again, or, if they are gone, an organiser settles it.
    # What was cancelled is not held again by a picture; but the picture is kept.
    OrderEvent.REVIVED: OrderTransition((_S.EXPIRED,), _S.IN_REVIEW),
    OrderEvent.PROOF_TOO_LATE: OrderTransition((_S.EXPIRED, _S.CANCELLED, _S.LATE), _S.LATE),
    # The clock that the proof has stopped starts anew (P2).
    OrderEvent.PROOF_REJECTED: OrderTransition((_S.IN_REVIEW,), _S.PENDING_PAYMENT),
    # Only money that has come goes back (P3). What is in review is cancelled. Of an order that has ended the buyer may
    # have sent no proof: an organiser has seen the money, as in the bank's statement.
    OrderEvent.REFUNDED: OrderTransition((_S.PAID, _S.LATE, _S.EXPIRED, _S.CANCELLED), _S.REFUNDED),
    # An organiser has seen the money, or still has to look (P5).
    OrderEvent.REASSIGNED: OrderTransition((_S.LATE, _S.EXPIRED, _S.CANCELLED), _S.PAID),
    OrderEvent.REASSIGNED_UNPAID: OrderTransition((_S.LATE, _S.EXPIRED, _S.CANCELLED), _S.IN_REVIEW),
}

_PAID_SINCE = "If the buyer has paid: reassign it, to its own numbers if they are free, or refund it."
_E = OrderEvent
# What leads on where the life cycle says no: event, status → a sentence for the organiser.
INSTEAD: dict[tuple[OrderEvent, OrderStatus], str] = {
    (_E.PAYMENT_CONFIRMED, _S.EXPIRED): _PAID_SINCE,
    (_E.PAYMENT_CONFIRMED, _S.CANCELLED): _PAID_SINCE,
    (_E.PAYMENT_CONFIRMED, _S.LATE): "It owns no numbers: reassign it, to its own ones if they are free, or refund it.",
    (_E.PAYMENT_CONFIRMED, _S.REFUNDED): "Its money was given back: the buyer has to order anew.",
    (_E.CANCELLED, _S.PAID): "Refund it instead.",
    (_E.CANCELLED, _S.LATE): "It owns no numbers, but money may have come: refund it, or reassign it.",
    (_E.CANCELLED, _S.EXPIRED): "Its numbers are free already.",
    (_E.CANCELLED, _S.REFUNDED): "Its numbers are free already.",
    (_E.PROOF_REJECTED, _S.DRAFT): "No proof is in.",
    (_E.PROOF_REJECTED, _S.PENDING_PAYMENT): "It waits for a proof already.",
    (_E.PROOF_REJECTED, _S.PAID): "Its payment is confirmed: refund it instead.",
    (_E.PROOF_REJECTED, _S.LATE): "It owns no numbers: refund it, or reassign it.",
    (_E.REFUNDED, _S.DRAFT): "No payment is confirmed: cancel it instead.",
    (_E.REFUNDED, _S.PENDING_PAYMENT): "No payment is confirmed: cancel it instead.",
    (_E.REFUNDED, _S.IN_REVIEW): "No payment is confirmed: cancel it instead, or confirm the payment first.",
    **{
        (event, status): "Only an order that owns no numbers can: one that is LATE, EXPIRED or CANCELLED."
        for event in (_E.REASSIGNED, _E.REASSIGNED_UNPAID)
        for status in _S
        if status not in (_S.LATE, _S.EXPIRED, _S.CANCELLED)
    },
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
    image_hash: bytes | None = None
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
    reminded_at: datetime | None = None  # in this hold
    late: bool = False  # whether a proof came when the numbers were not its own any more (P5); stays
    rejected_at: datetime | None = None  # when a proof was rejected last, which began the hold anew (P2)
    rejected_reason: str | None = None
    reassigned_at: datetime | None = None
    refunded_at: datetime | None = None
    refund_reason: str | None = None

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
            and self.reserved_until - (self.rejected_at or self.created_at) >= 2 * REMINDER
            and now < self.reserved_until <= now + REMINDER
        )

    def after(self, event: OrderEvent) -> OrderStatus:
        """The status after `event`. Raises OrderOutOfTurn where the life cycle has no such step."""
        transition = TRANSITIONS[event]
        if self.status not in transition.sources:
            raise OrderOutOfTurn(self.id, event.value, self.status, instead=INSTEAD.get((event, self.status), ""))
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
    return missing_character(body, "")


def missing_character(before: str, after: str) -> str:
    """The one character that makes a code right between these two parts."""
    base = len(CODE_ALPHABET)
    total = 0
    for index, character in enumerate(reversed(before + CODE_ALPHABET[0] + after)):  # the first adds nothing
        value = CODE_ALPHABET.index(character) * (1 + index % 2)
        total += value // base + value % base
    value = -total % base
    if len(after) % 2:  # it counts twice, with its two digits added up: undone
        value = (value + base - 1 if value % 2 else value) // 2
    return CODE_ALPHABET[value]


def is_code(text: str) -> bool:
    """Whether `text` is a well-formed order code, its check character included."""
    return (
        len(text) == CODE_LENGTH
        and all(character in CODE_ALPHABET for character in text)
        and check_character(text[:-1]) == text[-1]
    )
