"""The schedule's run over the holds: end those that are over, and remind the buyers of those that soon will be."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile
from typing import NamedTuple, TypeVar

from chalicelib.domain.delivery import Outbound
from chalicelib.domain.orders import REMINDER, RUNNING, Order
from chalicelib.services.messaging.outbox import Outbox
from chalicelib.services.messaging.texts import words
from chalicelib.services.orders.holds import Holds, OrderContext
from chalicelib.store import board, contacts, orders, raffles
from chalicelib.store import channel as channels
from chalicelib.store.records import Record
from chalicelib.store.transaction import Busy, ConditionsFailed, Transaction
from chalicelib.telemetry import count, logger, measure

CHUNK = 94  # orders at a time: with a few raffles, what they belong to is one batch read of at most 100
TRIES_ANEW = 3
REMIND_MOST = 500  # a run; the rest follow a minute later
# Counted from the start of a run, which has 55 seconds. What is left is there for the next one, a minute later.
END_UNTIL = timedelta(seconds=30)
TELL_UNTIL = timedelta(seconds=38)
REMIND_UNTIL = timedelta(seconds=45)

T = TypeVar("T")


class Item(NamedTuple):
    order: Order
    around: OrderContext | None  # None: its raffle or its contact is missing


class Done(NamedTuple):
    ended: int
    failed: int


@dataclass(frozen=True, kw_only=True)
class Expiry:
    """Runs may overlap, stop anywhere and see an index that is behind: each order's own conditions decide."""

    holds: Holds
    outbox: Outbox
    clock: Callable[[], datetime]
    workers: int

    def run(self) -> Done:
        """End the holds that are over, the longest first; then tell their buyers; then remind others."""
        begun = self.clock()
        done, to_tell = Done(0, 0), list[Outbound]()
        with ThreadPoolExecutor(self.workers) as pool:
            for chunk in self._overdue(begun):
                for order_id in chunk.unreadable:
                    logger.error("a hold could not be ended", extra={"order_id": order_id})
                done = done._replace(failed=done.failed + len(chunk.unreadable))
                groups = self._groups(chunk.orders, begun)
                for ended, outbounds in pool.map(self._end, groups) if self.workers > 1 else map(self._end, groups):
                    done = Done(done.ended + ended.ended, done.failed + ended.failed)
                    to_tell += outbounds
                logger.info("ending holds", extra=done._asdict())
        if done.failed:
            count("HoldsNotEnded", done.failed)
        self.outbox.send(self._while(begun + TELL_UNTIL, to_tell))
        self._remind_due(begun)
        return done

    def _overdue(self, begun: datetime) -> Iterator[orders.Overdue]:
        """The orders whose hold is over, chunk by chunk: none twice in a run, so that a bad one holds up nobody."""
        for status in RUNNING:
            last = ""
            while self.clock() < begun + END_UNTIL:
                found = orders.overdue(status, begun, limit=CHUNK, after=last)
                if found.last is None:
                    break
                if not last:
                    late = [begun - order.reserved_until for order in found.orders if order.reserved_until]
                    measure("HoldsOverFor", max(late, default=timedelta(0)))
                yield found
                last = found.last

    def _groups(self, found: Sequence[Order], begun: datetime) -> list[Iterator[Item]]:
        """The orders with what they belong to, those that count in one tally together.

        A group is worked off in turn: in parallel they would only be in each other's way. One request.
        """
        keys = {raffles.key(order.raffle_id) for order in found} | {contacts.key(order.contact_id) for order in found}
        keys.add(channels.KEY)
        records = list(Record.batch_get(keys, consistent_read=True))
        raffle_of = {raffle.id: raffle for raffle in raffles.found_in(records)}
        contact_of = {contact.id: contact for contact in contacts.found_in(records)}
        channel = channels.found_in(records)
        groups = defaultdict[object, list[Item]](list)
        for order in found:
            raffle, contact = raffle_of.get(order.raffle_id), contact_of.get(order.contact_id)
            around = OrderContext(raffle, contact, channel) if raffle and contact else None
            groups[raffle and board.tally_key(raffle, order)].append(Item(order, around))
        return [self._while(begun + END_UNTIL, group) for group in groups.values()]

    def _end(self, group: Iterator[Item]) -> tuple[Done, list[Outbound]]:
        ended, failed, to_tell = 0, 0, list[Outbound]()
        for order, around in group:
            try:
                outbounds = self._end_one(order, around)
                ended += outbounds is not None
                to_tell += outbounds or ()
            except Exception:  # noqa: BLE001 - one bad order must not keep the others held
                logger.exception("a hold could not be ended", extra={"order_id": order.id})
                failed += 1
        return Done(ended, failed), to_tell

    def _end_one(self, order: Order, around: OrderContext | None) -> list[Outbound] | None:
        if around is not None:
            with suppress(Busy, ConditionsFailed):
                return self.holds.expire_as_read(order, around, self.clock())
        # Something changed, or the index was behind: anew, from the table. One that fails then, too, is damaged, and
        # the others wait no longer for it; the next run comes to it again.
        return self.holds.expired(order.id, tries=TRIES_ANEW)

    def _remind_due(self, begun: datetime) -> None:
        """Tell the buyers whose hold ends within five minutes, each once."""
        for status in RUNNING:
            due = orders.ending(status, begun, begun + REMINDER, limit=REMIND_MOST)
            for order in self._while(begun + REMIND_UNTIL, due):
                if order.wants_reminder(begun):
                    try:
                        self._remind(order, begun)
                    except Exception:  # noqa: BLE001 - one bad order must not keep the others unreminded
                        logger.exception("a buyer could not be reminded", extra={"order_id": order.id})

    def _remind(self, order: Order, now: datetime) -> None:
        around = self.holds.around(order)
        transaction = Transaction()
        orders.remind(transaction, order, now)
        said = words(around.contact.language).reminder(around.raffle, order, now)
        outbounds = self.outbox.enqueue(transaction, around.contact, [said], channel=around.channel, now=now)
        try:
            transaction.commit()
        except (Busy, ConditionsFailed):  # it changed just now, or another run was faster; the next minute looks again
            return
        count("RemindersSent")
        self.outbox.send(outbounds)

    def _while(self, until: datetime, items: Iterable[T]) -> Iterator[T]:
        """The items one by one, as long as there is time."""
        return takewhile(lambda _: self.clock() < until, items)
