"""What organisers settle by hand: a proof that won't do, money that goes back, and payments that came too late."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from chalicelib.domain.contacts import Contact
from chalicelib.domain.conversation import Conversation, Stage
from chalicelib.domain.delivery import Outbound
from chalicelib.domain.orders import OWNING, TRANSITIONS, Order, OrderEvent, OrderStatus, hold_until
from chalicelib.domain.organisers import Actor
from chalicelib.domain.raffles import Raffle, RaffleStatus
from chalicelib.domain.refusals import (
    ContactErased,
    NumbersInvalid,
    NumbersTaken,
    ProofNotSeen,
    RaffleOutOfTurn,
    TooFewFree,
    TooManyForContact,
)
from chalicelib.services.messaging.outbox import Outbox
from chalicelib.services.messaging.texts import words
from chalicelib.services.orders.conflicts import explain_conflict, nearest_free
from chalicelib.services.orders.holds import Draw, Holds, check_limit, leave
from chalicelib.store import board, orders
from chalicelib.store.transaction import Busy, ConditionsFailed, Transaction, Unsure
from chalicelib.telemetry import count, logger, pseudonym

# A request that is made again must not reject a proof that has come since the first one, and nobody has looked at.
SAME_REQUEST = timedelta(minutes=10)
Told = tuple[Order, list[Outbound]]  # an order as it is now, and what is still to be sent


@dataclass(frozen=True, kw_only=True)
class Settlement:
    """The use cases. Each is a transaction of its own, and the buyer is told."""

    holds: Holds
    outbox: Outbox
    clock: Callable[[], datetime]

    def reject_proof(self, order_id: str, *, reason: str, proof: str | None = None, by: Actor) -> Order:
        """The proof won't do (P2): the order waits for its payment again, with a fresh hold.

        Idempotent for ten minutes, where no other proof has come since: whoever asks again for the same reason may not
        have heard the answer, nor seen the new proof.

        Args:
            proof: the SHA-256 of the proof that is meant, in hex; whichever is the newest where none is named.

        Raises OrderNotFound, OrderOutOfTurn, ProofNotSeen, TryAgain.
        """
        now = self.clock()

        def attempt() -> Told:
            order = orders.get(order_id)
            again = was_rejected(order, reason, now)
            if again and order.status is not OrderStatus.IN_REVIEW:
                return order, []
            status = order.after(OrderEvent.PROOF_REJECTED)
            if again if proof is None else proof not in (one.sha256 for one in order.proofs[-1:]):
                raise ProofNotSeen(order_id)
            around = self.holds.around(order)
            rejected = replace(
                order,
                status=status,
                updated_at=now,
                reserved_until=hold_until(now, around.raffle.hold_minutes),
                rejected_at=now,
                rejected_reason=reason,
                reminded_at=None,
            )
            transaction = Transaction()
            orders.move(transaction, rejected, OrderEvent.PROOF_REJECTED)
            contact = _back_to(around.contact, order)
            said = words(contact.language).rejected(around.raffle, rejected, now)
            outbounds = self.outbox.enqueue_for(transaction, contact, [said], channel=around.channel, now=now)
            self.holds.note(transaction, around, "order.rejected", order, rejected, by)
            transaction.commit()
            _log("proof rejected", "ProofsRejected", order_id, by)
            return rejected, outbounds

        return self.holds.finish(attempt)

    def refund(self, order_id: str, *, reason: str, by: Actor) -> Order:
        """The money goes back (P3, P5); what a PAID order owned is free again; of others an organiser has seen that it
        came. Idempotent.

        Raises OrderNotFound, OrderOutOfTurn, TryAgain.
        """

        def attempt() -> Told:
            order = orders.get(order_id)
            if order.status is OrderStatus.REFUNDED:
                return order, []
            status = order.after(OrderEvent.REFUNDED)
            around, now = self.holds.around(order), self.clock()
            refunded = replace(
                order, status=status, updated_at=now, reserved_until=None, refunded_at=now, refund_reason=reason
            )
            transaction = Transaction()
            orders.move(transaction, refunded, OrderEvent.REFUNDED, only_from=order.status)
            contact = leave(around.contact, order)
            if order.status in OWNING:
                board.free(transaction, around.raffle, order)
                contact = replace(contact, held=contact.holding(order.raffle_id, -order.quantity))
            said = words(contact.language).refunded(around.raffle, refunded)
            outbounds = self.outbox.enqueue_for(transaction, contact, [said], channel=around.channel, now=now)
            self.holds.note(transaction, around, "order.refunded", order, refunded, by)
            transaction.commit()
            _log("order refunded", "OrdersRefunded", order_id, by)
            return refunded, outbounds

        return self.holds.finish(attempt)

    def reassign(self, order_id: str, numbers: Sequence[int] | None, *, paid: bool, by: Actor) -> Order:
        """An order that owns none gets numbers, as many as it had, at its price (P5) and by the rules of a hold.

        Idempotent where the numbers are named.

        Args:
            numbers: None for random ones.
            paid: whether the money was seen; otherwise the order is in review.

        Raises OrderNotFound, OrderOutOfTurn, RaffleOutOfTurn, ContactErased, NumbersInvalid, NumbersTaken with the
        nearest free ones (H8), TooFewFree, TooManyForContact, TryAgain.
        """
        reassigning = _Reassigning(self, order_id, numbers, paid=paid, by=by)
        try:
            return self.holds.finish(reassigning.attempt)
        finally:
            self.outbox.send(reassigning.to_tell)


def was_rejected(order: Order, reason: str, now: datetime) -> bool:
    """Whether a proof of it was rejected just now, for the same reason."""
    return order.rejected_at is not None and order.rejected_reason == reason and now < order.rejected_at + SAME_REQUEST


class _Reassigning:
    """Other numbers for one order, from one try to the next."""

    def __init__(
        self, settlement: Settlement, order_id: str, numbers: Sequence[int] | None, *, paid: bool, by: Actor
    ) -> None:
        self.holds, self.outbox, self.now = settlement.holds, settlement.outbox, settlement.clock()
        self.order_id, self.numbers, self.by = order_id, numbers, by
        self.event = OrderEvent.REASSIGNED if paid else OrderEvent.REASSIGNED_UNPAID
        self.unsure = False
        self.draw = Draw()
        self.taken: NumbersTaken | None = None
        self.orphaned_orders: set[str] = set()
        self.to_tell: list[Outbound] = []  # those whose hold was over, and ended for this

    def attempt(self) -> Told:
        order = orders.get(self.order_id)
        if self._is_done(order):
            return order, []
        status, now = order.after(self.event), self.now
        around = self.holds.around(order)
        raffle, contact = around.raffle, around.contact
        if raffle.status in (RaffleStatus.DRAWN, RaffleStatus.CANCELLED):
            raise RaffleOutOfTurn("sold any more", raffle.status)
        if contact.erased_at is not None:
            raise ContactErased(contact.id)
        self._check_limit(raffle, contact, order)
        chosen = self._chosen(raffle, order)
        moved = replace(
            order, status=status, numbers=tuple(chosen), reserved_until=None, updated_at=now, reassigned_at=now
        )
        if status is OrderStatus.PAID:
            moved = replace(moved, paid_at=now)
        else:
            contact = _back_to(contact, order)
        transaction = Transaction()
        orders.move(transaction, moved, self.event)
        board.take(transaction, raffle, moved)
        contact = replace(contact, held=contact.holding(raffle.id, order.quantity))
        said = words(contact.language).reassigned(raffle, moved)
        outbounds = self.outbox.enqueue_for(transaction, contact, [said], channel=around.channel, now=now)
        self.holds.note(transaction, around, "order.reassigned", order, moved, self.by)
        try:
            transaction.commit()
        except Unsure:
            self.unsure = True
            raise
        except ConditionsFailed as failure:
            self._learn(board.in_the_way(failure.named(board.TICKET)), contact)
            raise
        _log("order reassigned", "OrdersReassigned", order.id, self.by)
        return moved, outbounds

    def _is_done(self, order: Order) -> bool:
        """By a try of ours of which we did not hear, or by an earlier request for the same numbers."""
        if order.reassigned_at is None or order.status is not TRANSITIONS[self.event].target:
            return False
        as_wished = self.numbers is not None and sorted(order.numbers) == sorted(self.numbers)
        return as_wished or (self.unsure and order.reassigned_at == self.now)

    def _chosen(self, raffle: Raffle, order: Order) -> Sequence[int]:
        if self.numbers is None:
            return self._drawn(raffle, order.quantity)
        _check_numbers(raffle, order, self.numbers)
        if self.taken is not None:
            nearest = nearest_free(raffle, list(self.taken.until))
            raise NumbersTaken(self.taken.until, self.taken.own, nearest)
        return self.numbers

    def _drawn(self, raffle: Raffle, quantity: int) -> Sequence[int]:
        try:
            self.draw.numbers = self.holds.draw_from_all(raffle, quantity, self.draw)
        except TooFewFree:
            if self.holds.free_ended_of(raffle, self.to_tell):
                raise Busy from None  # try again with the numbers that have just come free
            raise
        return self.draw.numbers

    def _check_limit(self, raffle: Raffle, contact: Contact, order: Order) -> None:
        try:
            check_limit(raffle, contact, order.quantity)
        except TooManyForContact:
            if self.holds.free_ended_by(contact, self.to_tell):
                raise Busy from None
            raise

    def _learn(self, in_the_way: dict[int, str], contact: Contact) -> None:
        """What a try came up against."""
        if self.numbers is None:
            self.draw.lose(in_the_way)
        else:
            self.taken = explain_conflict(self.holds, in_the_way, contact.id, self.orphaned_orders, self.to_tell)


def _check_numbers(raffle: Raffle, order: Order, numbers: Sequence[int]) -> None:
    """N1, and as many as before. Raises NumbersInvalid."""
    if len(set(numbers)) != order.quantity or len(numbers) != order.quantity:
        many = "1 number" if order.quantity == 1 else f"{order.quantity} numbers"
        raise NumbersInvalid(f"Order {order.id} is for {many}: name as many, each once.", numbers)
    outside = sorted(number for number in numbers if not raffle.first_number <= number <= raffle.last_number)
    if outside:
        named = ", ".join(map(str, outside))
        raise NumbersInvalid(
            f"The numbers go from {raffle.first_number} to {raffle.last_number}; not: {named}.", outside
        )


def _back_to(contact: Contact, order: Order) -> Contact:
    """The contact with the order at hand, unless another is. What they look at stays open."""
    conversation = contact.conversation
    if conversation.order_id is not None:
        return contact
    if conversation.stage in (Stage.BROWSING, Stage.SELECTING):
        return replace(contact, conversation=replace(conversation, order_id=order.id))
    return replace(
        contact, conversation=Conversation(stage=Stage.PAYMENT, raffle_id=order.raffle_id, order_id=order.id)
    )


def _log(what: str, metric: str, order_id: str, by: Actor) -> None:
    logger.info(what, extra={"order_id": order_id, "by": pseudonym(by.name)})
    count(metric)
