"""One way to change an order: load, change, save, audit, tell the buyer, commit and send are written here, once.

docs/how-a-change-is-made.md shows the steps.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Concatenate, NamedTuple, ParamSpec

from chalicelib.domain.audit import AuditEvent, Facts
from chalicelib.domain.contacts import Contact
from chalicelib.domain.conversation import Conversation, Stage
from chalicelib.domain.delivery import Outbound
from chalicelib.domain.messages import Reply
from chalicelib.domain.orders import Order, OrderEvent, OrderStatus
from chalicelib.domain.organisers import Actor
from chalicelib.domain.raffles import Raffle
from chalicelib.domain.refusals import Changed, Outdated, Versions
from chalicelib.services.messaging.outbox import Outbox
from chalicelib.services.messaging.texts import Texts, texts_for
from chalicelib.store import audit, board, contacts, orders
from chalicelib.store.order_context import OrderContext, audit_target, load_context
from chalicelib.store.transaction import TRIES, Busy, ConditionsFailed, Transaction, retry
from chalicelib.telemetry import count, logger, pseudonym

P = ParamSpec("P")


class OrderChange:
    """One try at changing one order, inside one transaction.

    A function that changes an order gets one of these and says what happens, in the order in which it happens. What the
    order belongs to is read when it is first needed: a change that is refused by the order's status costs one request.

    Attributes:
        before: the order as it was read.
        order: the order as it is once the transaction is committed.
        contact: the buyer, as they are to be saved.
        replies: what the buyer is told.
        messages: the queued `replies`, to be sent after the commit.
        more_messages: what somebody else is told in the same transaction, sent after `messages`.
        is_silent: the buyer is told nothing, on purpose.
        expected: the versions of the order that may be changed; None: any. A change that applies nothing needs none.
    """

    def __init__(
        self,
        order: Order,
        *,
        now: datetime,
        transaction: Transaction | None = None,
        context: OrderContext | None = None,
    ) -> None:
        self.before = order
        self.order = order
        self.now = now
        self.transaction = transaction or Transaction()
        self.replies: list[Reply] = []
        self.messages: list[Outbound] = []
        self.more_messages: list[Outbound] = []
        self.is_silent = False
        self.expected: Versions = None
        self._context = context
        self._contact: Contact | None = None

    @property
    def context(self) -> OrderContext:
        """Return what the order belongs to. The first call takes one request.

        Raises LookupError if the raffle or the contact is missing.
        """
        if self._context is None:
            self._context = load_context(self.before)
        return self._context

    @property
    def raffle(self) -> Raffle:
        return self.context.raffle

    @property
    def contact(self) -> Contact:
        return self._contact or self.context.contact

    @contact.setter
    def contact(self, contact: Contact) -> None:
        self._contact = contact

    @property
    def is_made(self) -> bool:
        """Return whether an event was applied. A repeated request applies none."""
        return self.order is not self.before

    def apply(
        self,
        event: OrderEvent,
        *,
        only_from: OrderStatus | None = None,
        over_at: datetime | None = None,
        if_unchanged: bool = False,
        same_proofs: bool = False,
        **fields: Any,
    ) -> None:
        """Move the order along its life cycle and set `fields` of it. Raises OrderOutOfTurn, Outdated.

        Args:
            only_from: commit only if the stored order is in this status: the rest of the change depends on it.
            over_at: commit only if the stored hold has ended by then.
            if_unchanged: commit only if the stored order has the numbers and the deadline that were read.
            same_proofs: commit only if no proof has come since the order was read.
        """
        if self.expected is not None and self.before.version not in self.expected:
            raise Outdated(Changed(audit_target(self.order), self.order.updated_at))
        status = self.before.after(event)
        since = (self.before.in_review_since or self.now) if status is OrderStatus.IN_REVIEW else None
        self.order = replace(self.before, status=status, updated_at=self.now, in_review_since=since, **fields)
        self.contact = self.contact.with_state_of(self.order)
        orders.move(
            self.transaction,
            self.order,
            event,
            changed=fields,
            only_from=only_from,
            over_at=over_at,
            unchanged=self.before if if_unchanged else None,
            has_proofs=len(self.before.proofs) if same_proofs else None,
            unchanged_since=None if self.expected is None else self.before.updated_at,
        )

    def take_numbers(self) -> None:
        """Give the order its numbers (H1). The commit fails if somebody has one of them (H2)."""
        board.take(self.transaction, self.raffle, self.order)
        self.contact = self.contact.with_numbers(self.order.raffle_id, self.order.quantity)

    def change_numbers(self, numbers: Sequence[int], *, newcomer_tally: int | None) -> None:
        """Give a running order other numbers (H15). The commit fails if one is taken, or if the order has changed.

        Args:
            newcomer_tally: the tally in which they count as held by a newcomer (H10); None: they don't count.
        """
        before = self.before
        self.apply(
            OrderEvent.CHANGED,
            only_from=before.status,
            if_unchanged=True,
            reserved_until=before.reserved_until,
            numbers=tuple(numbers),
            newcomer_tally=newcomer_tally,
        )
        board.exchange(self.transaction, self.raffle, before, self.order)
        self.contact = self.contact.with_numbers(before.raffle_id, self.order.quantity - before.quantity)

    def sell_numbers(self) -> None:
        """Mark the order's numbers as sold."""
        board.sell(self.transaction, self.raffle, self.order)

    def release_numbers(self) -> None:
        """Free the numbers that the order owned when it was read."""
        board.free(self.transaction, self.raffle, self.before)
        self.contact = self.contact.with_numbers(self.before.raffle_id, -self.before.quantity)

    def close_conversation(self) -> None:
        """End the conversation about this order, if there is one. If the buyer looks at raffles, that stays open."""
        conversation = self.contact.conversation
        if conversation.order_id == self.order.id:
            is_looking = conversation.stage in (Stage.BROWSING, Stage.SELECTING)
            remaining = (
                replace(conversation, order_id=None) if is_looking else Conversation(raffle_id=self.order.raffle_id)
            )
            self.contact = replace(self.contact, conversation=remaining)

    def reopen_conversation(self) -> None:
        """Turn the conversation to this order's payment, unless it is about another order.

        If the buyer looks at raffles, that stays open.
        """
        conversation = self.contact.conversation
        if conversation.order_id is not None:
            return
        if conversation.stage in (Stage.BROWSING, Stage.SELECTING):
            about_order = replace(conversation, order_id=self.order.id)
        else:
            about_order = Conversation(stage=Stage.PAYMENT, raffle_id=self.order.raffle_id, order_id=self.order.id)
        self.contact = replace(self.contact, conversation=about_order)

    def forget_question(self) -> None:
        """Let no word answer what the bot asked last: the buyer reads something else before they answer."""
        self.contact = replace(self.contact, conversation=replace(self.contact.conversation, asks=None))

    def reply(
        self, text: Callable[Concatenate[Texts, Raffle, Order, P], Reply], *arguments: P.args, **named: P.kwargs
    ) -> None:
        """Tell the buyer about the order as it is now, in their language: `reply(Texts.last_proof_rejected)`."""
        self.replies.append(text(texts_for(self.contact), self.raffle, self.order, *arguments, **named))


class AuditNote(NamedTuple):
    """The part of an audit entry (O2) that the caller knows: the actor, and the action, such as "order.paid"."""

    by: Actor
    action: str


@dataclass(frozen=True, kw_only=True)
class OrderChanges:
    """Changes orders. Nobody can forget the contact, the audit entry or the message: they are written here."""

    outbox: Outbox
    clock: Callable[[], datetime]

    def run(
        self,
        order_id: str,
        change: Callable[[OrderChange], None],
        *,
        by: Actor,
        action: str,
        metric: str | None = None,
        on_failure: Callable[[OrderChange, Exception], None] | None = None,
        expected: Versions = None,
    ) -> Order:
        """Change an order on behalf of an organiser, and send what the buyer is told. Return the order as it is then.

        `change` is called for each try. If it applies no event, nothing is written, so a repeated request has no
        further effect. Raises what `change` raises, OrderNotFound and TryAgain.

        Args:
            action: the change's name in the audit log and in the log.
            metric: the metric that counts such changes.
            on_failure: called after a failed try, before the next one.
            expected: the versions that the organiser may have seen; None: any. Otherwise Outdated is raised.
        """
        note = AuditNote(by, action)
        unit = self.commit(order_id, change, note=note, metric=metric, on_failure=on_failure, expected=expected)
        self.outbox.send([*unit.messages, *unit.more_messages])
        return unit.order

    def commit(
        self,
        order_id: str,
        change: Callable[[OrderChange], None],
        *,
        note: AuditNote | None = None,
        metric: str | None = None,
        tries: int = TRIES,
        on_failure: Callable[[OrderChange, Exception], None] | None = None,
        expected: Versions = None,
    ) -> OrderChange:
        """Do as `run` does, but leave the sending of `messages` to the caller.

        Args:
            note: None if the clock makes the change and not an organiser.
        """
        now = self.clock()

        def attempt() -> OrderChange:
            unit = OrderChange(orders.get(order_id), now=now)
            unit.expected = expected
            try:
                return self.commit_loaded(unit, change, note=note, metric=metric)
            except (Busy, ConditionsFailed) as failure:
                if on_failure is not None:
                    on_failure(unit, failure)
                raise

        return retry(attempt, again_on=(Busy, ConditionsFailed), tries=tries)

    def commit_loaded(
        self,
        unit: OrderChange,
        change: Callable[[OrderChange], None],
        *,
        note: AuditNote | None = None,
        metric: str | None = None,
    ) -> OrderChange:
        """Change an order that was read before, in one try. Raises what `change` raises, ConditionsFailed and Busy."""
        change(unit)
        if not unit.is_made:
            return unit
        if not unit.replies and not unit.is_silent:
            raise RuntimeError(f"a change of order {unit.order.id} tells its buyer nothing")
        if note is not None and unit.replies:
            unit.forget_question()
        contact, unit.messages = self.outbox.enqueue_for(
            unit.transaction, unit.contact, unit.replies, channel=unit.context.channel, now=unit.now
        )
        contacts.save(unit.transaction, contact, now=unit.now)
        if note is not None:
            audit.append(unit.transaction, unit.context.audit_head, _audit_event(unit, note))
        unit.transaction.commit()
        if note is not None:
            logger.info(note.action, extra={"order_id": unit.order.id, "by": pseudonym(note.by.name)})
        if metric is not None:
            count(metric)
        return unit


def _audit_event(unit: OrderChange, note: AuditNote) -> AuditEvent:
    """Return what the audit log says about a change (O2). An organiser's reason is stored with the order instead."""
    before: Facts = {"status": unit.before.status.value}
    after: Facts = {"status": unit.order.status.value}
    if unit.before.numbers != unit.order.numbers:
        before["numbers"] = list(unit.before.numbers)
        after["numbers"] = list(unit.order.numbers)
    if unit.order.hold_was_over and not unit.before.hold_was_over:
        after["hold_was_over"] = True
    return AuditEvent(
        action=note.action, target=audit_target(unit.order), by=note.by, at=unit.now, before=before, after=after
    )
