"""The order: its life cycle as a table, its hold and its code."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from random import Random
from typing import NamedTuple

from chalicelib.domain.refusals import OrderOutOfTurn

MAX_NUMBERS = 40  # H6
MAX_PROOFS = 10  # files that are kept with an order (M8)
REVIEW_LEASE = timedelta(minutes=2)  # how long an organiser counts as having an order open (O12)
REMINDER_LEAD = timedelta(minutes=5)  # how long before the end of a hold the buyer is reminded
ALBUM = timedelta(seconds=20)  # files that come so soon after another one belong together: one answer for all
MORE_TIME = timedelta(minutes=10)  # that a buyer may have once a hold (H14)
CODE_ALPHABET = "2346789BCDFGHJKMPQRTVWXY"  # no characters that look alike, and no vowels, so it spells no words
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
    """What may happen to an order. The value completes the sentence "it can't be …"."""

    CONFIRMED = "confirmed by the buyer"
    PROOF_RECEIVED = "given a proof"
    PAYMENT_CONFIRMED = "marked as paid"
    DEADLINE_PASSED = "expired"
    DROPPED = "cancelled by the buyer"
    EXTENDED = "held longer"
    CHANGED = "given other numbers by the buyer"
    CANCELLED = "cancelled"
    REVIVED = "held again"
    PROOF_TOO_LATE = "kept as paid late"
    PROOF_REJECTED = "asked for another proof"
    LAST_PROOF_REJECTED = "ended for its rejected proofs"
    PROOF_KEPT = "given a proof that does not stop its clock"
    FILE_ADDED = "given a further file"
    DEADLINE_PASSED_WITH_PROOF = "ended with a proof that nobody has looked at"
    REVIEW_ENDED = "ended unreviewed"
    REFUNDED = "refunded"
    REASSIGNED = "given other numbers"
    REASSIGNED_UNPAID = "given other numbers for review"


class OrderTransition(NamedTuple):
    """The status after an event, and the statuses in which the event may happen. Without a target, the status stays."""

    sources: tuple[OrderStatus, ...]
    target: OrderStatus | None


_S = OrderStatus
TRANSITIONS = {
    OrderEvent.CONFIRMED: OrderTransition((_S.DRAFT,), _S.PENDING_PAYMENT),
    # A buyer who pays without tapping "Confirm" has confirmed. A second proof is added to the first.
    OrderEvent.PROOF_RECEIVED: OrderTransition((_S.DRAFT, _S.PENDING_PAYMENT, _S.IN_REVIEW), _S.IN_REVIEW),
    OrderEvent.PAYMENT_CONFIRMED: OrderTransition((_S.DRAFT, _S.PENDING_PAYMENT, _S.IN_REVIEW), _S.PAID),
    # A proof in review stops the clock, so IN_REVIEW never expires.
    OrderEvent.DEADLINE_PASSED: OrderTransition((_S.DRAFT, _S.PENDING_PAYMENT), _S.EXPIRED),
    # Once there is a proof, money may have moved, so only an organiser cancels.
    OrderEvent.DROPPED: OrderTransition((_S.DRAFT, _S.PENDING_PAYMENT), _S.CANCELLED),
    # The buyer's hold lasts longer, once (H14).
    OrderEvent.EXTENDED: OrderTransition((_S.DRAFT, _S.PENDING_PAYMENT), None),
    # The buyer adds, removes or exchanges numbers (H15).
    OrderEvent.CHANGED: OrderTransition((_S.DRAFT, _S.PENDING_PAYMENT), None),
    OrderEvent.CANCELLED: OrderTransition((_S.DRAFT, _S.PENDING_PAYMENT, _S.IN_REVIEW), _S.CANCELLED),
    # A proof after the hold ended (P5): the order gets its numbers back if they are free. Else an organiser decides.
    # A cancelled order does not get its numbers again, but the proof is kept.
    OrderEvent.REVIVED: OrderTransition((_S.EXPIRED,), _S.IN_REVIEW),
    OrderEvent.PROOF_TOO_LATE: OrderTransition((_S.EXPIRED, _S.CANCELLED, _S.LATE), _S.LATE),
    # The proof had stopped the clock. The hold starts anew (P2).
    OrderEvent.PROOF_REJECTED: OrderTransition((_S.IN_REVIEW,), _S.PENDING_PAYMENT),
    # After too many rejected proofs there is no fresh hold (P10).
    OrderEvent.LAST_PROOF_REJECTED: OrderTransition((_S.IN_REVIEW,), _S.EXPIRED),
    # Another order of a newcomer is in review (H10). If the clock runs out, the proof is still there to be settled.
    OrderEvent.PROOF_KEPT: OrderTransition((_S.DRAFT, _S.PENDING_PAYMENT), _S.PENDING_PAYMENT),
    # A buyer may send another file after paying. Organisers see it with the order.
    OrderEvent.FILE_ADDED: OrderTransition((_S.PAID, _S.REFUNDED), None),
    OrderEvent.DEADLINE_PASSED_WITH_PROOF: OrderTransition((_S.DRAFT, _S.PENDING_PAYMENT), _S.LATE),
    # Nobody has looked at the proof for too long (P11). Money may have been paid, so an organiser still settles it.
    OrderEvent.REVIEW_ENDED: OrderTransition((_S.IN_REVIEW,), _S.LATE),
    # Only money that was received is refunded (P3); an order in review is cancelled instead. An order that ended may be
    # refunded without a proof: an organiser saw the money, for example in a bank statement.
    OrderEvent.REFUNDED: OrderTransition((_S.PAID, _S.LATE, _S.EXPIRED, _S.CANCELLED), _S.REFUNDED),
    # PAID if an organiser has seen the money, IN_REVIEW if they still have to check (P5).
    OrderEvent.REASSIGNED: OrderTransition((_S.LATE, _S.EXPIRED, _S.CANCELLED), _S.PAID),
    OrderEvent.REASSIGNED_UNPAID: OrderTransition((_S.LATE, _S.EXPIRED, _S.CANCELLED), _S.IN_REVIEW),
}

_PAID_TOO_LATE = "If the buyer has paid, reassign it (to its own numbers if they are free) or refund it."
_E = OrderEvent
# Event, status → what an organiser can do where the life cycle refuses the event.
HINTS: dict[tuple[OrderEvent, OrderStatus], str] = {
    (_E.PAYMENT_CONFIRMED, _S.EXPIRED): _PAID_TOO_LATE,
    (_E.PAYMENT_CONFIRMED, _S.CANCELLED): _PAID_TOO_LATE,
    (_E.PAYMENT_CONFIRMED, _S.LATE): "It owns no numbers. Reassign it (to its own if they are free) or refund it.",
    (_E.PAYMENT_CONFIRMED, _S.REFUNDED): "It was refunded. The buyer has to place a new order.",
    (_E.CANCELLED, _S.PAID): "Refund it instead.",
    (_E.CANCELLED, _S.LATE): "It owns no numbers, but money may have been paid. Refund it or reassign it.",
    (_E.CANCELLED, _S.EXPIRED): "Its numbers are already free.",
    (_E.CANCELLED, _S.REFUNDED): "Its numbers are already free.",
    (_E.PROOF_REJECTED, _S.DRAFT): "It has no proof.",
    (_E.PROOF_REJECTED, _S.PENDING_PAYMENT): "It is already waiting for a proof.",
    (_E.PROOF_REJECTED, _S.PAID): "Its payment is confirmed. Refund it instead.",
    (_E.PROOF_REJECTED, _S.LATE): "It owns no numbers. Refund it or reassign it.",
    (_E.REFUNDED, _S.DRAFT): "No payment is confirmed. Cancel it instead.",
    (_E.REFUNDED, _S.PENDING_PAYMENT): "No payment is confirmed. Cancel it instead.",
    (_E.REFUNDED, _S.IN_REVIEW): "No payment is confirmed. Cancel it instead, or confirm the payment first.",
    **{
        (event, status): "That is only possible for an order that owns no numbers: LATE, EXPIRED or CANCELLED."
        for event in (_E.REASSIGNED, _E.REASSIGNED_UNPAID)
        for status in _S
        if status not in (_S.LATE, _S.EXPIRED, _S.CANCELLED)
    },
    **{(_E.REVIEW_ENDED, status): "It is not in review." for status in _S if status is not _S.IN_REVIEW},
}

UNPAID = frozenset({_S.DRAFT, _S.PENDING_PAYMENT, _S.IN_REVIEW})  # orders that own their numbers without being paid
OWNING = frozenset({_S.DRAFT, _S.PENDING_PAYMENT, _S.IN_REVIEW, _S.PAID})  # orders that own their numbers
RUNNING = frozenset({_S.DRAFT, _S.PENDING_PAYMENT})  # orders whose hold may end


@dataclass(frozen=True, kw_only=True)
class Proof:
    """A stored payment proof.

    Attributes:
        key: its key in the private bucket.
        sha256: the hex digest of its content.
        size: in bytes.
        image_hash: what a picture looks like (see `image_similarity`); not stored with the order.
        same_file_as: the id of an earlier order with the same file (P6).
        looks_like: the id of an earlier order with a similar picture (P6).
    """

    key: str
    mime_type: str
    sha256: str
    size: int
    received_at: datetime
    image_hash: bytes | None = None
    same_file_as: str | None = None
    looks_like: str | None = None

    @property
    def is_flagged(self) -> bool:
        """Return whether the same or a similar file was sent for an earlier order (P6)."""
        return self.same_file_as is not None or self.looks_like is not None


@dataclass(frozen=True, kw_only=True)
class OrderReview:
    """An organiser has an order open, until `until` unless they say so again (O12).

    Attributes:
        reviewer: the name of their token, and `token_id` its id.
    """

    order_id: str
    reviewer: str
    token_id: str
    until: datetime


@dataclass(frozen=True, kw_only=True)
class Order:
    """A contact's numbers in a raffle.

    Attributes:
        unit_amount: the price of a number in minor units, frozen when the numbers were held (H7).
        reserved_until: when the hold ends; None: it has no time limit, or the clock has stopped.
        reminded_at: when the buyer was reminded during this hold.
        extended_at: when the buyer got more time during this hold (H14).
        late: whether a proof ever came after the numbers were gone (P5).
        hold_was_over: whether the payment was confirmed after the hold had ended (P4).
        rejected_at: when a proof was last rejected, which started the hold anew (P2).
        rejections: how many proofs were rejected (P10).
        in_review_since: when the review began that is going on; further proofs don't change it (P11).
        newcomer_tally: the tally in which its numbers count as held by a newcomer while it is unpaid (H10); None: they
            don't count.
        looked_at: when the newest proof came of those that an organiser has looked at.
    """

    id: str
    raffle_id: str
    contact_id: str
    numbers: tuple[int, ...]
    unit_amount: int
    currency: str
    status: OrderStatus
    reserved_until: datetime | None
    created_at: datetime
    updated_at: datetime
    paid_at: datetime | None = None
    proofs: tuple[Proof, ...] = ()
    reminded_at: datetime | None = None
    extended_at: datetime | None = None
    late: bool = False
    rejected_at: datetime | None = None
    rejected_reason: str | None = None
    reassigned_at: datetime | None = None
    refunded_at: datetime | None = None
    refund_reason: str | None = None
    newcomer_tally: int | None = None
    rejections: int = 0
    in_review_since: datetime | None = None
    looked_at: datetime | None = None
    hold_was_over: bool = False

    @property
    def waits_for_another_proof(self) -> bool:
        """Return whether the last proof was rejected."""
        return self.rejected_at is not None and 0 < len(self.proofs) <= self.rejections

    @property
    def version(self) -> str:
        """A string that is different after each change that the API shows."""
        seen = (self.updated_at.isoformat(), self.status, self.numbers, len(self.proofs), self.rejections)
        return sha256(repr(seen).encode()).hexdigest()[:16]

    @property
    def quantity(self) -> int:
        return len(self.numbers)

    @property
    def amount(self) -> int:
        return self.unit_amount * len(self.numbers)

    @property
    def has_unseen_proof(self) -> bool:
        """Return whether a proof came since an organiser last looked at the proofs, or decided about them."""
        return self._has_proof_since(
            self.looked_at, self.rejected_at, self.reassigned_at, self.paid_at, self.refunded_at
        )

    def hold_has_ended(self, now: datetime) -> bool:
        """Return whether the hold has ended, even if the schedule has not expired the order yet (H3)."""
        return self.status in RUNNING and self.reserved_until is not None and now >= self.reserved_until

    @property
    def has_unjudged_proof(self) -> bool:
        """Return whether a proof came that stopped no clock, and that nobody has judged yet."""
        return self.status in RUNNING and self._has_proof_since(self.rejected_at)

    @property
    def files_to_judge(self) -> tuple[Proof, ...]:
        """Return the files that came since a proof was last rejected, oldest first."""
        since = self.rejected_at
        return tuple(proof for proof in self.proofs if since is None or proof.received_at > since)

    def _has_proof_since(self, *moments: datetime | None) -> bool:
        """Return whether the newest proof came after all of these moments."""
        return bool(self.proofs) and all(at is None or self.proofs[-1].received_at > at for at in moments)

    def review_is_over(self, now: datetime, review_hours: int) -> bool:
        """Return whether the review has taken so long that it may be ended (P11)."""
        since = self.in_review_since or self.updated_at
        return self.status is OrderStatus.IN_REVIEW and now >= since + timedelta(hours=review_hours)

    def wants_reminder(self, now: datetime) -> bool:
        """Return whether to remind the buyer now that the hold ends soon. A short hold gets no reminder."""
        return (
            self.status in RUNNING
            and self.reminded_at is None
            and self.reserved_until is not None
            and self.reserved_until - (self.rejected_at or self.created_at) >= 2 * REMINDER_LEAD
            and now < self.reserved_until <= now + REMINDER_LEAD
        )

    def after(self, event: OrderEvent) -> OrderStatus:
        """Return the status after an event. Raises OrderOutOfTurn if the life cycle does not allow it."""
        transition = TRANSITIONS[event]
        if self.status not in transition.sources:
            instead = HINTS.get((event, self.status), "")
            raise OrderOutOfTurn(self.id, event.value, self.status, instead=instead, changed_at=self.updated_at)
        return transition.target or self.status


def hold_until(now: datetime, hold_minutes: int | None) -> datetime | None:
    """Return when a hold that starts now will end; None without a time limit."""
    return None if hold_minutes is None else now + timedelta(minutes=hold_minutes)


def new_code(random: Random) -> str:
    """Return a new order code: seven random characters and a check character."""
    body = "".join(random.choice(CODE_ALPHABET) for _ in range(CODE_LENGTH - 1))
    return body + check_character(body)


def check_character(body: str) -> str:
    """Return the Luhn mod N check character of a code's other characters.

    It detects every single wrong character and nearly every swap of neighbours.

    Source: ISO/IEC 7812-1 annex B, generalised to an alphabet of N characters.
    """
    return missing_character(body, "")


def missing_character(before: str, after: str) -> str:
    """Return the one character between two parts of a code that makes the code valid."""
    base = len(CODE_ALPHABET)
    total = 0
    for index, character in enumerate(reversed(before + CODE_ALPHABET[0] + after)):  # the first character counts as 0
        value = CODE_ALPHABET.index(character) * (1 + index % 2)
        total += value // base + value % base
    value = -total % base
    if len(after) % 2:  # this position counts double, with the digits of the product added up: undo that
        value = (value + base - 1 if value % 2 else value) // 2
    return CODE_ALPHABET[value]


def is_code(text: str) -> bool:
    """Return whether a text is a well-formed order code with the right check character."""
    return (
        len(text) == CODE_LENGTH
        and all(character in CODE_ALPHABET for character in text)
        and check_character(text[:-1]) == text[-1]
    )
