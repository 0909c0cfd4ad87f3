"""Manual settlement by organisers: confirm a payment, cancel, reject a proof, refund, reassign a late payment."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

from chalicelib.domain.orders import OWNING, TRANSITIONS, Order, OrderEvent, OrderStatus, hold_until
from chalicelib.domain.organisers import Actor
from chalicelib.domain.raffles import Raffle, RaffleStatus
from chalicelib.domain.refusals import (
    ContactErased,
    NumbersInvalid,
    NumbersTaken,
    ProofNotSeen,
    RaffleOutOfTurn,
    ReviewNotOver,
    TooFewFree,
    TooManyForContact,
    Versions,
)
from chalicelib.services.messaging.texts import Texts
from chalicelib.services.orders.changes import OrderChange, OrderChanges
from chalicelib.services.orders.conflicts import Conflicts, nearest_free
from chalicelib.services.orders.expiry import Expiry, release
from chalicelib.services.orders.holds import RandomNumbers, check_limit
from chalicelib.store.transaction import Busy, ConditionsFailed, Unsure

# How long an equal rejection counts as a repeated request. A repeat must not reject a proof that has come in the
# meantime and that nobody has looked at.
SAME_REQUEST = timedelta(minutes=10)


@dataclass(frozen=True, kw_only=True)
class Settlement:
    """Changes orders on behalf of organisers. Each change is one transaction, is audited, and the buyer is told.

    `expected` are the versions of the order that may be changed, None: any. All raise Outdated if it is another one.
    """

    changes: OrderChanges
    expiry: Expiry
    random: Random

    def confirm_payment(self, order_id: str, *, by: Actor, expected: Versions = None) -> Order:
        """Mark an order as paid: its numbers are sold (P4). Idempotent.

        Raises OrderNotFound, OrderOutOfTurn, TryAgain.
        """

        def change(unit: OrderChange) -> None:
            if unit.order.status is not OrderStatus.PAID:
                confirm(unit)

        return self.changes.run(
            order_id, change, by=by, action="order.paid", metric="PaymentsConfirmed", expected=expected
        )

    def cancel(self, order_id: str, *, by: Actor, silently: bool = False, expected: Versions = None) -> Order:
        """Cancel an order: its numbers are free again (P3). Idempotent.

        Raises OrderNotFound, OrderOutOfTurn, TryAgain.

        Args:
            silently: tell the buyer nothing, because they are blocked (H12).
        """

        def change(unit: OrderChange) -> None:
            if unit.order.status is OrderStatus.CANCELLED:
                return
            release(unit, OrderEvent.CANCELLED)
            unit.is_silent = silently
            if not silently:
                unit.reply(Texts.cancelled, by_organiser=True)

        return self.changes.run(order_id, change, by=by, action="order.cancelled", expected=expected)

    def reject_proof(
        self, order_id: str, *, reason: str, proof: str | None = None, by: Actor, expected: Versions = None
    ) -> Order:
        """Reject the proof (P2): the order waits for its payment again, with a fresh hold.

        After the raffle's `max_rejections` there is none: the order is EXPIRED, and its numbers are free (P10).

        Repeating the request within ten minutes, for the same reason, has no further effect. If a new proof has come
        by then, the request must name it: otherwise the sender may not have seen it.

        Raises OrderNotFound, OrderOutOfTurn, ProofNotSeen, TryAgain.

        Args:
            proof: the SHA-256 of the rejected proof, in hex; None: whichever is the newest.
        """

        def change(unit: OrderChange) -> None:
            order = unit.order
            is_repeated = was_rejected(order, reason, unit.now)
            if is_repeated and order.status is not OrderStatus.IN_REVIEW:
                return
            order.after(OrderEvent.PROOF_REJECTED)  # a wrong status is refused before the proof is looked at
            newest = order.proofs[-1].sha256 if order.proofs else None
            is_unseen = is_repeated if proof is None else proof != newest
            if is_unseen:
                raise ProofNotSeen(order_id)
            reject(unit, reason, same_proofs=proof is not None)

        return self.changes.run(
            order_id, change, by=by, action="order.rejected", metric="ProofsRejected", expected=expected
        )

    def end_review(self, order_id: str, *, by: Actor) -> Order:
        """End a review that has taken too long (P11): the numbers are free, and the order is LATE with its proof.

        Idempotent. Raises OrderNotFound, OrderOutOfTurn, ReviewNotOver, TryAgain.
        """

        def change(unit: OrderChange) -> None:
            if unit.order.status is OrderStatus.LATE:
                return
            unit.order.after(OrderEvent.REVIEW_ENDED)
            if not unit.order.review_is_over(unit.now, unit.raffle.review_hours):
                raise ReviewNotOver(order_id, unit.raffle.review_hours)
            release(unit, OrderEvent.REVIEW_ENDED, late=True)
            unit.reply(Texts.not_checked_in_time)

        return self.changes.run(order_id, change, by=by, action="order.review_ended", metric="ReviewsEnded")

    def refund(self, order_id: str, *, reason: str, by: Actor, expected: Versions = None) -> Order:
        """Record that the money goes back (P3, P5). Idempotent.

        The numbers of a PAID order are free again. An order in another status owns none, but an organiser has seen its
        money.

        Raises OrderNotFound, OrderOutOfTurn, TryAgain.
        """

        def change(unit: OrderChange) -> None:
            status = unit.order.status
            if status is OrderStatus.REFUNDED:
                return
            unit.apply(
                OrderEvent.REFUNDED,
                only_from=status,
                reserved_until=None,
                refunded_at=unit.now,
                refund_reason=reason,
            )
            if status in OWNING:
                unit.release_numbers()
            unit.close_conversation()
            unit.reply(Texts.refunded)

        return self.changes.run(
            order_id, change, by=by, action="order.refunded", metric="OrdersRefunded", expected=expected
        )

    def reassign(
        self,
        order_id: str,
        numbers: Sequence[int] | None,
        *,
        paid: bool,
        by: Actor,
        expected: Versions = None,
    ) -> Order:
        """Give numbers to an order that owns none: as many as it had, at its price (P5), by the rules of a hold.

        Idempotent if the numbers are named.

        Raises OrderNotFound, OrderOutOfTurn, RaffleOutOfTurn, ContactErased, NumbersInvalid, NumbersTaken with the
        nearest free ones (H8), TooFewFree, TooManyForContact, TryAgain.

        Args:
            numbers: None for random ones.
            paid: whether the money was seen; otherwise the order is in review.
        """
        conflicts = Conflicts(expiry=self.expiry, random_numbers=RandomNumbers(random=self.random))
        reassignment = _Reassignment(
            numbers, OrderEvent.REASSIGNED if paid else OrderEvent.REASSIGNED_UNPAID, conflicts
        )
        try:
            return self.changes.run(
                order_id,
                reassignment.change,
                by=by,
                action="order.reassigned",
                metric="OrdersReassigned",
                on_failure=reassignment.learn,
                expected=expected,
            )
        finally:
            self.changes.outbox.send(conflicts.messages)


def confirm(unit: OrderChange, **conditions: Any) -> None:
    """Mark an order as paid, and tell the buyer. `conditions`: of `OrderChange.apply`. Raises OrderOutOfTurn."""
    was_over = unit.order.hold_has_ended(unit.now)
    unit.apply(
        OrderEvent.PAYMENT_CONFIRMED, paid_at=unit.now, reserved_until=None, hold_was_over=was_over, **conditions
    )
    unit.sell_numbers()
    unit.close_conversation()
    unit.reply(Texts.payment_confirmed, unit.contact.name)


def reject(unit: OrderChange, reason: str, *, same_proofs: bool) -> None:
    """Reject the newest proof, and tell the buyer: a fresh hold, or the end of the order (P10). Raises OrderOutOfTurn.

    Args:
        same_proofs: commit only if no proof has come since the order was read.
    """
    rejections = unit.order.rejections + 1
    rejection: dict[str, Any] = {
        "rejections": rejections,
        "rejected_at": unit.now,
        "rejected_reason": reason,
        "same_proofs": same_proofs,
    }
    if rejections >= unit.raffle.max_rejections:
        release(unit, OrderEvent.LAST_PROOF_REJECTED, **rejection)
        unit.reply(Texts.last_proof_rejected)
        return
    reserved_until = hold_until(unit.now, unit.raffle.hold_minutes)
    new_hold: dict[str, Any] = {"reserved_until": reserved_until, "reminded_at": None, "extended_at": None}
    unit.apply(OrderEvent.PROOF_REJECTED, **new_hold, **rejection)
    unit.reopen_conversation()
    unit.reply(Texts.proof_rejected, unit.now)


def was_rejected(order: Order, reason: str, now: datetime) -> bool:
    """Return whether a proof of the order was rejected just now, for the same reason."""
    return order.rejected_at is not None and order.rejected_reason == reason and now < order.rejected_at + SAME_REQUEST


@dataclass
class _Reassignment:
    """Gives one order other numbers, and learns from each failed try.

    Attributes:
        numbers: the numbers that were named; None for random ones.
        is_unsure: whether a try may have been committed without our getting the answer.
    """

    numbers: Sequence[int] | None
    event: OrderEvent
    conflicts: Conflicts
    is_unsure: bool = False

    def change(self, unit: OrderChange) -> None:
        if self._is_done(unit):
            return
        unit.order.after(self.event)
        raffle = unit.raffle
        if raffle.status in (RaffleStatus.DRAWN, RaffleStatus.CANCELLED):
            raise RaffleOutOfTurn("sold any more", raffle.status, changed=raffle.last_change)
        if unit.contact.erased_at is not None:
            raise ContactErased(unit.contact.id)
        self._check_limit(unit)
        is_paid = self.event is OrderEvent.REASSIGNED
        paid_fields: dict[str, Any] = {"paid_at": unit.now} if is_paid else {}
        numbers = self._choose(raffle, unit.order)
        # An organiser gives the numbers, so these don't count as held by a newcomer (H10).
        unit.apply(
            self.event,
            numbers=tuple(numbers),
            reserved_until=None,
            reassigned_at=unit.now,
            newcomer_tally=None,
            **paid_fields,
        )
        unit.take_numbers()
        if not is_paid:
            unit.reopen_conversation()
        unit.reply(Texts.reassigned, unit.contact.name)

    def learn(self, unit: OrderChange, failure: Exception) -> None:
        """Learn from a failed try."""
        if isinstance(failure, ConditionsFailed):
            self.conflicts.learn(failure, unit.before.contact_id)
        elif isinstance(failure, Unsure):
            self.is_unsure = True

    def _is_done(self, unit: OrderChange) -> bool:
        """Return whether a try whose answer was lost did it, or an earlier request for the same numbers."""
        order = unit.order
        if order.reassigned_at is None or order.status is not TRANSITIONS[self.event].target:
            return False
        as_wished = self.numbers is not None and sorted(order.numbers) == sorted(self.numbers)
        return as_wished or (self.is_unsure and order.reassigned_at == unit.now)

    def _choose(self, raffle: Raffle, order: Order) -> Sequence[int]:
        if self.numbers is None:
            return self._choose_random(raffle, order.quantity)
        _check_numbers(raffle, order, self.numbers)
        taken = self.conflicts.taken
        if taken is not None:
            raise NumbersTaken(taken.until, taken.own, nearest_free(raffle, list(taken.until)))
        return self.numbers

    def _choose_random(self, raffle: Raffle, quantity: int) -> Sequence[int]:
        try:
            return self.conflicts.random_numbers.choose_from_all(raffle, quantity)
        except TooFewFree:
            if self.conflicts.release_in_raffle(raffle):
                raise Busy from None  # try again with the numbers that have just come free
            raise

    def _check_limit(self, unit: OrderChange) -> None:
        try:
            check_limit(unit.raffle, [unit.contact], unit.order.quantity)
        except TooManyForContact:
            if self.conflicts.release_of_contact(unit.contact):
                raise Busy from None
            raise


def _check_numbers(raffle: Raffle, order: Order, numbers: Sequence[int]) -> None:
    """Raise NumbersInvalid unless the numbers are the raffle's (N1), each named once, and as many as before."""
    if len(set(numbers)) != order.quantity or len(numbers) != order.quantity:
        many = "1 number" if order.quantity == 1 else f"{order.quantity} numbers"
        raise NumbersInvalid(f"Order {order.id} is for {many}: name as many, each once.", numbers)
    outside = sorted(number for number in numbers if not raffle.first_number <= number <= raffle.last_number)
    if outside:
        named = ", ".join(map(str, outside))
        raise NumbersInvalid(
            f"The numbers go from {raffle.first_number} to {raffle.last_number}; not: {named}.", outside
        )
