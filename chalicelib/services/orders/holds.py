"""Holding, selling and freeing numbers: what each does to order, board and contact, inside one transaction."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from random import Random
from typing import NamedTuple

from chalicelib.domain import board as arithmetic
from chalicelib.domain.audit import AuditEvent, Facts, Head
from chalicelib.domain.channel import Channel
from chalicelib.domain.contacts import Contact
from chalicelib.domain.conversation import Conversation, Stage
from chalicelib.domain.delivery import Outbound
from chalicelib.domain.orders import RUNNING, Order, OrderEvent, OrderStatus, Proof, hold_until, new_code
from chalicelib.domain.organisers import Actor
from chalicelib.domain.raffles import Board, Raffle
from chalicelib.domain.refusals import TooFewFree, TooManyForContact, TryAgain
from chalicelib.services.messaging.outbox import Outbox
from chalicelib.services.messaging.texts import words
from chalicelib.store import audit, board, contacts, orders, raffles
from chalicelib.store import channel as channels
from chalicelib.store.records import Record
from chalicelib.store.transaction import TRIES, Busy, ConditionsFailed, Transaction, retry
from chalicelib.telemetry import count, logger, pseudonym

FEW_PAGES = 16  # so many are read as a whole to draw from, which costs no more than some of them: 2,048 numbers
EXPIRE_BATCH = 50  # holds of a raffle that a buyer's message ends at most: enough for the largest order


class OrderContext(NamedTuple):
    """What an order belongs to, and what may be said about it; and where the audit log ends."""

    raffle: Raffle
    contact: Contact
    channel: Channel = Channel()
    head: Head = Head()


@dataclass
class Draw:
    """Random numbers of one raffle, from one try at holding them to the next."""

    raffle_id: str = ""
    numbers: Sequence[int] = ()
    lost: frozenset[int] = frozenset()
    stuck: frozenset[int] = frozenset()  # lost twice, so the board shows them as free although they have an owner

    def lose(self, gone: Collection[int]) -> None:
        """Others were faster with some. The rest stays drawn, so that many who draw at once are done the sooner."""
        self.numbers = [number for number in self.numbers if number not in gone]
        self.stuck |= self.lost.intersection(gone)
        self.lost |= frozenset(gone)


@dataclass(frozen=True, kw_only=True)
class Holds:
    """The use cases that change orders."""

    outbox: Outbox
    clock: Callable[[], datetime]
    random: Random

    # In a buyer's message: these add to the message's transaction

    def hold(
        self, transaction: Transaction, raffle: Raffle, contact: Contact, numbers: Sequence[int]
    ) -> tuple[Order, Contact]:
        """Hold exactly these numbers for the contact (H1), at today's price (H7).

        Raises TooManyForContact (H6). That somebody has one of the numbers shows when the transaction is committed.
        """
        now = self.clock()
        check_limit(raffle, contact, len(numbers))
        order = Order(
            id=new_code(self.random),
            raffle_id=raffle.id,
            contact_id=contact.id,
            numbers=tuple(numbers),
            unit_amount=raffle.unit_amount,
            currency=raffle.currency,
            status=OrderStatus.DRAFT,
            reserved_until=hold_until(now, raffle.hold_minutes),
            created_at=now,
            updated_at=now,
        )
        orders.add(transaction, order)
        board.take(transaction, raffle, order)
        return order, replace(contact.ordering(order.id), held=contact.holding(raffle.id, order.quantity))

    def draw_random(self, found: Board, quantity: int, draw: Draw | None = None) -> Sequence[int]:
        """H5: `quantity` free numbers, every set of them equally likely.

        One request; of many pages one more when the pages that were read are newer than the board. `draw` keeps the
        numbers of an earlier try that still are free; only the others are drawn. Raises TooFewFree.
        """
        raffle = found.raffle
        if draw is None or draw.raffle_id != raffle.id:
            draw = Draw() if draw is None else draw
            draw.raffle_id, draw.numbers, draw.lost, draw.stuck = raffle.id, (), frozenset(), frozenset()
        numbers = self._draw_by_counts(found, quantity, draw) if raffle.layout.pages > FEW_PAGES else None
        draw.numbers = self.draw_from_all(raffle, quantity, draw) if numbers is None else numbers
        return draw.numbers

    def _draw_by_counts(self, found: Board, quantity: int, draw: Draw) -> list[int] | None:
        """Numbers from the pages that are drawn by their counts. None when these are not the pages' any more."""
        layout, kept, free_by_page = found.raffle.layout, set(draw.numbers), found.free_by_page
        in_all, kept_on = sum(free_by_page.values()), layout.count_by_page(kept)
        if in_all < quantity:
            raise TooFewFree(quantity, in_all)
        free = {page: free_by_page.get(page, 0) - kept_on.get(page, 0) for page in free_by_page | kept_on}
        if min(free.values()) < 0:  # one of those to be kept has gone
            return None
        share = arithmetic.share_out(free, quantity - len(kept), self.random)
        by_page = board.free_numbers(layout, board.leaves(found.raffle, share))
        if any(len(by_page[page]) != free_by_page[page] for page in share):
            return None
        fit = {page: [number for number in by_page[page] if number not in kept | draw.stuck] for page in share}
        if any(len(fit[page]) < wanted for page, wanted in share.items()):
            return None
        new = (number for page, wanted in share.items() for number in self.random.sample(fit[page], wanted))
        return sorted([*kept, *new])

    def draw_from_all(self, raffle: Raffle, quantity: int, draw: Draw) -> list[int]:
        """As `draw_random`, but without the board: all leaves, in one request. Raises TooFewFree."""
        by_page = board.free_numbers(raffle.layout, board.leaves(raffle, range(raffle.layout.pages)))
        free = [number for numbers in by_page.values() for number in numbers if number not in draw.stuck]
        if len(free) < quantity:
            raise TooFewFree(quantity, len(free))
        kept = set(draw.numbers).intersection(free)
        others = [number for number in free if number not in kept] if kept else free
        return sorted([*kept, *self.random.sample(others, quantity - len(kept))])

    def confirm(self, transaction: Transaction, order: Order) -> Order:
        """The buyer's yes. Raises OrderOutOfTurn."""
        moved = replace(order, status=order.after(OrderEvent.CONFIRMED), updated_at=self.clock())
        orders.move(transaction, moved, OrderEvent.CONFIRMED)
        return moved

    def drop(self, transaction: Transaction, raffle: Raffle, order: Order, contact: Contact) -> tuple[Order, Contact]:
        """The buyer's cancel: the numbers are free again (P3). Raises OrderOutOfTurn."""
        return self._release(transaction, OrderContext(raffle, contact), order, OrderEvent.DROPPED)

    def end(self, transaction: Transaction, raffle: Raffle, order: Order, contact: Contact) -> tuple[Order, Contact]:
        """A hold whose time is over (H3) and that the schedule has not freed yet."""
        around, event = OrderContext(raffle, contact), OrderEvent.DEADLINE_PASSED
        return self._release(transaction, around, order, event, over_at=self.clock())

    def add_proof(self, transaction: Transaction, order: Order, proof: Proof) -> Order:
        """The proof is in and the clock stops (P1). Raises OrderOutOfTurn."""
        moved = self._with_proof(order, proof, OrderEvent.PROOF_RECEIVED)
        orders.move(transaction, moved, OrderEvent.PROOF_RECEIVED)
        return moved

    def revive(
        self, transaction: Transaction, around: OrderContext, order: Order, proof: Proof
    ) -> tuple[Order, Contact]:
        """A proof after the hold has ended: hold the same numbers again, in review at once (P5).

        Raises TooManyForContact (H6).
        """
        check_limit(around.raffle, around.contact, order.quantity)
        moved = self._with_proof(order, proof, OrderEvent.REVIVED)
        orders.move(transaction, moved, OrderEvent.REVIVED)
        board.take(transaction, around.raffle, moved)
        held = around.contact.holding(order.raffle_id, order.quantity)
        return moved, replace(around.contact, held=held)

    def keep_late(self, transaction: Transaction, order: Order, proof: Proof) -> Order:
        """A proof after the hold has ended whose numbers are gone: kept for an organiser to settle (P5)."""
        moved = replace(self._with_proof(order, proof, OrderEvent.PROOF_TOO_LATE), late=True)
        orders.move(transaction, moved, OrderEvent.PROOF_TOO_LATE)
        return moved

    def _with_proof(self, order: Order, proof: Proof, event: OrderEvent) -> Order:
        return replace(
            order,
            status=order.after(event),
            updated_at=self.clock(),
            reserved_until=None,
            proofs=(*order.proofs, proof),
        )

    def _release(
        self,
        transaction: Transaction,
        around: OrderContext,
        order: Order,
        event: OrderEvent,
        *,
        over_at: datetime | None = None,
    ) -> tuple[Order, Contact]:
        until = order.reserved_until if event is OrderEvent.DEADLINE_PASSED else None
        moved = replace(order, status=order.after(event), updated_at=self.clock(), reserved_until=until)
        orders.move(transaction, moved, event, over_at=over_at)
        board.free(transaction, around.raffle, order)
        contact = replace(around.contact, held=around.contact.holding(order.raffle_id, -order.quantity))
        return moved, leave(contact, order)

    # By an organiser or the clock: each is a transaction of its own

    def confirm_payment(self, order_id: str, *, by: Actor) -> Order:
        """The payment is there: the numbers are sold and the buyer is told (P4). Idempotent.

        Raises OrderNotFound, OrderOutOfTurn, TryAgain.
        """

        def attempt() -> tuple[Order, list[Outbound]]:
            order = orders.get(order_id)
            if order.status is OrderStatus.PAID:
                return order, []
            status = order.after(OrderEvent.PAYMENT_CONFIRMED)
            around, now = self.around(order), self.clock()
            paid = replace(order, status=status, updated_at=now, paid_at=now, reserved_until=None)
            transaction = Transaction()
            orders.move(transaction, paid, OrderEvent.PAYMENT_CONFIRMED)
            board.sell(transaction, around.raffle, paid)
            contact = leave(around.contact, order)
            said = words(contact.language).paid(around.raffle, paid)
            outbounds = self.outbox.enqueue_for(transaction, contact, [said], channel=around.channel, now=now)
            self.note(transaction, around, "order.paid", order, paid, by)
            transaction.commit()
            logger.info("payment confirmed", extra={"order_id": order_id, "by": pseudonym(by.name)})
            count("PaymentsConfirmed")
            return paid, outbounds

        return self.finish(attempt)

    def cancel(self, order_id: str, *, by: Actor) -> Order:
        """An organiser's cancel (P3): the numbers are free and the buyer is told. Idempotent.

        Raises OrderNotFound, OrderOutOfTurn, TryAgain.
        """

        def attempt() -> tuple[Order, list[Outbound]]:
            order = orders.get(order_id)
            if order.status is OrderStatus.CANCELLED:
                return order, []
            around, now = self.around(order), self.clock()
            transaction = Transaction()
            moved, contact = self._release(transaction, around, order, OrderEvent.CANCELLED)
            said = words(contact.language).cancelled(around.raffle, order, by_organiser=True)
            outbounds = self.outbox.enqueue_for(transaction, contact, [said], channel=around.channel, now=now)
            self.note(transaction, around, "order.cancelled", order, moved, by)
            transaction.commit()
            logger.info("order cancelled", extra={"order_id": order_id, "by": pseudonym(by.name)})
            return moved, outbounds

        return self.finish(attempt)

    def note(
        self, transaction: Transaction, around: OrderContext, action: str, old: Order, new: Order, by: Actor
    ) -> None:
        """O2: have an organiser's change noted with it. What they give as a reason stays with the order."""
        before: Facts = {"status": old.status.value}
        after: Facts = {"status": new.status.value}
        if old.numbers != new.numbers:
            before["numbers"], after["numbers"] = list(old.numbers), list(new.numbers)
        deed = AuditEvent(action=action, target=_target(new), by=by, at=self.clock(), before=before, after=after)
        audit.append(transaction, around.head, deed)

    def expire(self, order_id: str) -> bool:
        """End a hold whose time is over: free its numbers, tell the buyer. False when it is not over (any more)."""
        outbounds = self.expired(order_id)
        self.outbox.send(outbounds or ())
        return outbounds is not None

    def expired(self, order_id: str, *, tries: int = TRIES) -> list[Outbound] | None:
        """End a hold whose time is over; what is returned is still to be sent. None when it is not over (any more).

        Raises TryAgain when others were at it at each try, or the order is damaged.
        """
        was_over = False

        def attempt() -> list[Outbound] | None:
            nonlocal was_over
            order, now = orders.get(order_id), self.clock()
            if not order.is_over(now):
                # It has ended under our hands: perhaps by a try of ours of which we did not hear.
                return [] if was_over and order.status is OrderStatus.EXPIRED else None
            was_over = True
            return self.expire_as_read(order, self.around(order), now)

        return retry(attempt, again_on=(Busy, ConditionsFailed), tries=tries)

    def expire_as_read(self, order: Order, around: OrderContext, now: datetime) -> list[Outbound]:
        """End a hold, if all is still as it was read: one request. What is returned is still to be sent.

        Raises ConditionsFailed, Busy.
        """
        transaction = Transaction()
        _, contact = self._release(transaction, around, order, OrderEvent.DEADLINE_PASSED, over_at=now)
        said = words(contact.language).expired(around.raffle, order)
        outbounds = self.outbox.enqueue_for(transaction, contact, [said], channel=around.channel, now=now)
        transaction.commit()
        count("OrdersExpired")
        return outbounds

    def free_ended(self, found: Iterable[Order], to_tell: list[Outbound]) -> bool:
        """H4: end those of the orders whose hold is over, as the schedule would have.

        Whether numbers may have come free: also when somebody else ended a hold just before. What their buyers are to
        be told is added to `to_tell`: whoever waits for the numbers comes first.
        """
        now, free = self.clock(), False
        for order in found:
            if order.is_over(now):
                try:
                    to_tell += self.expired(order.id) or ()
                except (TryAgain, LookupError):  # what is wrong with it must not fail somebody else's message
                    logger.exception("a hold could not be ended", extra={"order_id": order.id})
                else:
                    free = True
        return free

    def free_ended_of(self, raffle: Raffle, to_tell: list[Outbound]) -> bool:
        """H4 for a whole raffle: end its holds that are over. Whether numbers may have come free."""
        now = self.clock()
        return self.free_ended(
            (
                order
                for status in RUNNING
                for order in orders.overdue(status, now, limit=EXPIRE_BATCH, raffle_id=raffle.id).orders
            ),
            to_tell,
        )

    def free_ended_by(self, contact: Contact, to_tell: list[Outbound]) -> bool:
        """H6: end the contact's own holds that are over, so that they do not count against the limit."""
        return self.free_ended(orders.of_contact(contact.id, limit=EXPIRE_BATCH), to_tell)

    def around(self, order: Order) -> OrderContext:
        """What the order belongs to: one request. Raises LookupError for an order that lacks raffle or contact."""
        keys = [
            raffles.key(order.raffle_id),
            contacts.key(order.contact_id),
            channels.KEY,
            audit.head_key(_target(order)),
        ]
        found = list(Record.batch_get(keys, consistent_read=True))
        raffle, contact = raffles.found_in(found)[0], contacts.found_in(found)[0]
        return OrderContext(raffle, contact, channels.found_in(found), audit.head_in(found))

    def finish(self, attempt: Callable[[], tuple[Order, list[Outbound]]]) -> Order:
        """Attempt until it is done, and send what is to be said. Raises what `attempt` raises, and TryAgain."""
        order, outbounds = retry(attempt, again_on=(Busy, ConditionsFailed))
        self.outbox.send(outbounds)
        return order


def _target(order: Order) -> str:
    """The order, as the audit log names it."""
    return f"order:{order.id}"


def check_limit(raffle: Raffle, contact: Contact, quantity: int) -> None:
    """Raises TooManyForContact when the contact can't have so many more (H6)."""
    has = contact.held.get(raffle.id, 0)
    if raffle.max_per_contact is not None and has + quantity > raffle.max_per_contact:
        raise TooManyForContact(raffle.max_per_contact, has)


def leave(contact: Contact, order: Order) -> Contact:
    """The contact, no longer in conversation about the order, if they were. What they look at since stays open."""
    conversation = contact.conversation
    if conversation.order_id != order.id:
        return contact
    looking = conversation.stage in (Stage.BROWSING, Stage.SELECTING)
    return replace(
        contact, conversation=replace(conversation, order_id=None) if looking else Conversation(stage=Stage.IDLE)
    )
