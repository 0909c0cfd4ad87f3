"""End holds that are over (H3, H4), in the schedule's run or when somebody needs the numbers; remind buyers in time."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any, NamedTuple, TypeVar

from chalicelib.domain.contacts import Contact
from chalicelib.domain.conversation import after_reminder
from chalicelib.domain.delivery import Outbound, Queue
from chalicelib.domain.messages import Reply
from chalicelib.domain.orders import REMINDER_LEAD, RUNNING, Order, OrderEvent, OrderStatus
from chalicelib.domain.raffles import Raffle
from chalicelib.domain.refusals import TryAgain
from chalicelib.services.messaging.texts import Texts, texts_for
from chalicelib.services.orders.changes import OrderChange, OrderChanges
from chalicelib.store import board, contacts, orders
from chalicelib.store.order_context import OrderContext, load_context, load_contexts
from chalicelib.store.transaction import TRIES, Busy, ConditionsFailed, Transaction
from chalicelib.telemetry import count, logger, measure

CHUNK = 94  # orders at a time: with a few raffles, what they belong to is one batch read of at most 100
TRIES_ANEW = 3
MAX_REMINDERS = 500  # in a run, of each status; the rest follow a minute later
EXPIRE_BATCH = 50  # orders that a buyer's message reads at a time to end holds: enough for the largest order
# Counted from the start of a run, which has 55 seconds. What is left waits for the next one, a minute later.
END_UNTIL = timedelta(seconds=30)
TELL_UNTIL = timedelta(seconds=38)
REMIND_UNTIL = timedelta(seconds=45)
EXPIRED = "OrdersExpired"  # the metric
# Ends of a hold that the buyer did not pay (H11).
UNPAID_ENDS = (
    OrderEvent.DEADLINE_PASSED,
    OrderEvent.DEADLINE_PASSED_WITH_PROOF,
    OrderEvent.DROPPED,
    OrderEvent.LAST_PROOF_REJECTED,
)

T = TypeVar("T")


class LoadedOrder(NamedTuple):
    order: Order
    context: OrderContext | None  # None: its raffle or its contact is missing


class RunResult(NamedTuple):
    ended: int
    failed: int


def expire(unit: OrderChange) -> None:
    """End the hold if it is over: free its numbers and tell the buyer."""
    if unit.order.hold_has_ended(unit.now):
        release(unit, OrderEvent.DEADLINE_PASSED, over_at=unit.now)
        unit.reply(ended_text(unit.order))


def _expire_unasked(unit: OrderChange) -> None:
    """End the hold if it is over, without the buyer having written anything."""
    expire(unit)
    if unit.is_made:
        unit.forget_question()


def ended_text(order: Order) -> Callable[[Texts, Raffle, Order], Reply]:
    """Return the text for an order whose hold has ended: a proof that nobody has looked at is not lost (P5)."""
    return Texts.not_checked_in_time if order.status is OrderStatus.LATE else Texts.expired


def release(unit: OrderChange, event: OrderEvent, *, over_at: datetime | None = None, **fields: Any) -> None:
    """End an order that owns its numbers: these are free again (P3). Raises OrderOutOfTurn."""
    if event is OrderEvent.DEADLINE_PASSED and unit.before.has_unjudged_proof:
        event = OrderEvent.DEADLINE_PASSED_WITH_PROOF
        fields["late"] = True
    reserved_until = unit.before.reserved_until if event is OrderEvent.DEADLINE_PASSED else None
    unit.apply(event, reserved_until=reserved_until, over_at=over_at, **fields)
    unit.release_numbers()
    unit.close_conversation()
    if event in UNPAID_ENDS:
        unit.contact = unit.contact.with_unpaid_hold(unit.now)


@dataclass(frozen=True, kw_only=True)
class Expiry:
    """Ends holds. Runs may overlap, stop anywhere and see an index that is behind: each order's conditions decide.

    `workers` is how many orders the schedule's run ends at a time.
    """

    changes: OrderChanges
    clock: Callable[[], datetime]
    workers: int

    def run(self) -> RunResult:
        """End the holds that are over, the longest over first; then tell their buyers; then remind others."""
        begun = self.clock()
        result = RunResult(0, 0)
        messages = list[Outbound]()
        with ThreadPoolExecutor(self.workers) as pool:
            for chunk in self._overdue(begun):
                for order_id in chunk.unreadable:
                    logger.error("a hold could not be ended", extra={"order_id": order_id})
                result = result._replace(failed=result.failed + len(chunk.unreadable))
                groups = self._groups(chunk.orders, begun)
                ended_groups = pool.map(self._end_group, groups) if self.workers > 1 else map(self._end_group, groups)
                for group_result, group_messages in ended_groups:
                    result = RunResult(result.ended + group_result.ended, result.failed + group_result.failed)
                    messages += group_messages
                logger.info("ending holds", extra=result._asdict())
        if result.failed:
            count("HoldsNotEnded", result.failed)
        self.changes.outbox.send(self._while(begun + TELL_UNTIL, messages))
        self._remind_due(begun)
        return result

    def expire(self, order_id: str, *, tries: int = TRIES) -> list[Outbound] | None:
        """End one hold that is over, and return the messages to send. None if it is not over, or not any more.

        Raises OrderNotFound, LookupError without raffle or contact, and TryAgain if every try met a conflict or the
        order is damaged.
        """
        was_over = False

        def change(unit: OrderChange) -> None:
            nonlocal was_over
            was_over = was_over or unit.order.hold_has_ended(unit.now)
            expire(unit)

        unit = self.changes.commit(order_id, change, metric=EXPIRED, tries=tries)
        # If it ended while we tried, one of our tries may have done it without our getting the answer.
        ended_before = was_over and unit.order.status in (OrderStatus.EXPIRED, OrderStatus.LATE)
        return unit.messages if unit.is_made or ended_before else None

    def expire_overdue(self, candidates: Iterable[Order], messages: list[Outbound]) -> bool:
        """End those of the orders whose hold is over, as the schedule would have (H4).

        Return whether numbers may have come free, even if somebody else ended the hold. Messages to the buyers are
        added to `messages`.
        """
        now = self.clock()
        has_ended = False
        for order in candidates:
            if order.hold_has_ended(now):
                try:
                    messages += self.expire(order.id) or ()
                except (TryAgain, LookupError):  # what is wrong with it must not fail somebody else's message
                    logger.exception("a hold could not be ended", extra={"order_id": order.id})
                else:
                    has_ended = True
        return has_ended

    def expire_in_raffle(self, raffle: Raffle, messages: list[Outbound]) -> bool:
        """End the raffle's holds that are over (H4), as `expire_overdue` does."""
        now = self.clock()
        overdue = (
            order
            for status in RUNNING
            for order in orders.overdue(status, now, limit=EXPIRE_BATCH, raffle_id=raffle.id).orders
        )
        return self.expire_overdue(overdue, messages)

    def expire_of_contact(self, contact: Contact, messages: list[Outbound]) -> bool:
        """End the contact's own holds that are over, so that they don't count against the limit (H6)."""
        return self.expire_overdue(orders.of_contact(contact.id, limit=EXPIRE_BATCH), messages)

    def _overdue(self, begun: datetime) -> Iterator[orders.Overdue]:
        """Yield the orders whose hold is over, in chunks. None comes twice in a run, so a bad one delays nobody."""
        for status in RUNNING:
            last = ""
            while self.clock() < begun + END_UNTIL:
                chunk = orders.overdue(status, begun, limit=CHUNK, after=last)
                if chunk.last is None:
                    break
                if not last:
                    late = [begun - order.reserved_until for order in chunk.orders if order.reserved_until]
                    measure("HoldsOverFor", max(late, default=timedelta(0)))
                yield chunk
                last = chunk.last

    def _groups(self, chunk: Sequence[Order], begun: datetime) -> list[Iterator[LoadedOrder]]:
        """Group the orders by the tally that they count in, each with what it belongs to. One request.

        A group is processed in turn: in parallel its orders would only be in each other's way.
        """
        contexts = load_contexts(chunk)
        groups = defaultdict[object, list[LoadedOrder]](list)
        for order in chunk:
            context = contexts.get(order.id)
            groups[context and board.tally_key(context.raffle, order)].append(LoadedOrder(order, context))
        return [self._while(begun + END_UNTIL, group) for group in groups.values()]

    def _end_group(self, group: Iterator[LoadedOrder]) -> tuple[RunResult, list[Outbound]]:
        ended = 0
        failed = 0
        messages = list[Outbound]()
        for loaded in group:
            try:
                order_messages = self._end(loaded)
                ended += order_messages is not None
                messages += order_messages or ()
            except Exception:  # noqa: BLE001 - one bad order must not keep the others held
                logger.exception("a hold could not be ended", extra={"order_id": loaded.order.id})
                failed += 1
        return RunResult(ended, failed), messages

    def _end(self, loaded: LoadedOrder) -> list[Outbound] | None:
        if loaded.context is not None:
            with suppress(Busy, ConditionsFailed):
                unit = OrderChange(loaded.order, now=self.clock(), context=loaded.context)
                self.changes.commit_loaded(unit, _expire_unasked, metric=EXPIRED)
                return unit.messages if unit.is_made else None
        # Something has changed, or the index was behind, so read the order from the table. If it still fails, it is
        # damaged: the others must not wait for it, and the next run tries it again.
        return self.expire(loaded.order.id, tries=TRIES_ANEW)

    def _remind_due(self, begun: datetime) -> None:
        """Tell the buyers whose hold ends within five minutes, each once."""
        for status in RUNNING:
            due = orders.ending(status, begun, begun + REMINDER_LEAD, limit=MAX_REMINDERS)
            for order in self._while(begun + REMIND_UNTIL, due):
                if order.wants_reminder(begun):
                    try:
                        self._remind(order, begun)
                    except Exception:  # noqa: BLE001 - one bad order must not keep the others unreminded
                        logger.exception("a buyer could not be reminded", extra={"order_id": order.id})

    def _remind(self, order: Order, now: datetime) -> None:
        """Send one reminder. It changes no order status, so it is no OrderChange.

        If something else was asked last, the contact is saved in the same request: a yes now answers the reminder.
        """
        context = load_context(order)
        transaction = Transaction()
        orders.record_reminder(transaction, order, now)
        reminder = texts_for(context.contact).reminder(context.raffle, order, now)
        messages = self.changes.outbox.enqueue(
            transaction, context.contact, [reminder], channel=context.channel, now=now
        )
        conversation = after_reminder(context.contact.conversation, order.id)
        is_sent = any(message.queue is not Queue.WITHHELD for message in messages)
        if is_sent and conversation != context.contact.conversation:
            contacts.save(transaction, replace(context.contact, conversation=conversation), now=now)
        try:
            transaction.commit()
        except (Busy, ConditionsFailed):  # it changed just now, or another run was faster; the next minute looks again
            return
        count("RemindersSent")
        self.changes.outbox.send(messages)

    def _while(self, until: datetime, items: Iterable[T]) -> Iterator[T]:
        """Yield the items one by one, as long as there is time."""
        return takewhile(lambda _: self.clock() < until, items)
