"""Orders in the table: added and moved along their life cycle within a transaction, found and listed."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import reduce
from operator import and_
from typing import Any, NamedTuple

from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.indexes import GlobalSecondaryIndex

from chalicelib.domain.orders import RUNNING, TRANSITIONS, Order, OrderEvent, OrderStatus, Proof
from chalicelib.domain.raffles import Raffle
from chalicelib.domain.refusals import OrderNotFound
from chalicelib.store import raffles
from chalicelib.store.pages import FILTERED, CursorInvalid, Page, cursor_after, page_of
from chalicelib.store.records import OrderRecord, ProofMap, Record, stamp
from chalicelib.store.transaction import Transaction
from chalicelib.telemetry import logger

ALL = "ORDERS"
ORDER = "order"  # the name of the condition on an order's status
# What an event changes beside the status, the deadline and the place in the queue.
ALSO_CHANGES = {
    OrderEvent.PROOF_RECEIVED: ("proofs",),
    OrderEvent.REVIVED: ("proofs",),
    OrderEvent.PROOF_TOO_LATE: ("proofs", "late"),
    OrderEvent.PAYMENT_CONFIRMED: ("paid_at",),
    OrderEvent.PROOF_REJECTED: ("rejected_at", "rejected_reason", "reminded_at"),
    OrderEvent.REFUNDED: ("refunded_at", "refund_reason"),
    OrderEvent.REASSIGNED: ("numbers", "reassigned_at", "paid_at"),
    OrderEvent.REASSIGNED_UNPAID: ("numbers", "reassigned_at"),
}
NO_DEADLINE = "9999-12-31T23:59:59.999999Z"  # sorts after every real one


def add(transaction: Transaction, order: Order) -> None:
    transaction.put(as_record(order), name=ORDER, only_if=OrderRecord.pk.does_not_exist())


def move(
    transaction: Transaction,
    order: Order,
    event: OrderEvent,
    *,
    over_at: datetime | None = None,
    only_from: OrderStatus | None = None,
) -> None:
    """Store `order` as it is after `event`, if the stored one is still where the life cycle allows that.

    Args:
        over_at: only if the stored hold is over at that moment, too.
        only_from: of the statuses that the life cycle allows, only this one: where what else is done depends on it.
    """
    sources = TRANSITIONS[event].sources if only_from is None else (only_from,)
    allowed = OrderRecord.status.is_in(*(status.value for status in sources))
    if over_at is not None:
        allowed &= OrderRecord.reserved_until <= over_at
    record = as_record(order)
    names = ("status", "updated_at", "queue_key", "queue_at", "status_key", "reserved_until")
    actions = [_put(name, getattr(record, name)) for name in (*names, *ALSO_CHANGES.get(event, ()))]
    transaction.update(OrderRecord(*key(order.id)), actions, name=ORDER, only_if=allowed)


def _put(name: str, value: Any) -> Action:
    attribute = getattr(OrderRecord, name)
    action: Action = attribute.remove() if value is None else attribute.set(value)
    return action


def get(order_id: str) -> Order:
    """Raises OrderNotFound."""
    try:
        return as_order(OrderRecord.get(*key(order_id), consistent_read=True))
    except OrderRecord.DoesNotExist:
        raise OrderNotFound(order_id) from None


def get_all(order_ids: Iterable[str]) -> dict[str, Order]:
    """Those of the orders that exist and can be read. One request for up to 100."""
    return found_in(OrderRecord.batch_get([key(order_id) for order_id in order_ids], consistent_read=True))


def found_in(records: Iterable[Record]) -> dict[str, Order]:
    """Those of the orders that can be read, by their ids."""
    return {order.id: order for order in _readable(record for record in records if isinstance(record, OrderRecord))}


def with_raffle(order_id: str, *, likely_raffle_id: str | None) -> tuple[Order | None, Raffle | None]:
    """The order, if it exists, and its raffle, if that is the one that was guessed: one request for both."""
    keys = [key(order_id)]
    if likely_raffle_id is not None:
        keys.append(raffles.key(likely_raffle_id))
    found = list(Record.batch_get(keys, consistent_read=True))
    order = next(iter(_readable(record for record in found if isinstance(record, OrderRecord))), None)
    raffle = next((raffle for raffle in raffles.found_in(found) if order and raffle.id == order.raffle_id), None)
    return order, raffle


def as_they_are(found: Sequence[Order]) -> list[tuple[Raffle, Order]]:
    """The orders as they are now, with their raffles: an index may be behind. One request.

    Those that are gone or can't be read any more are left out.
    """
    keys = {key(order.id) for order in found} | {raffles.key(order.raffle_id) for order in found}
    records = list(Record.batch_get(keys, consistent_read=True))
    now = {order.id: order for order in _readable(record for record in records if isinstance(record, OrderRecord))}
    of_id = {raffle.id: raffle for raffle in raffles.found_in(records)}
    return [(of_id[order.raffle_id], now[order.id]) for order in found if order.id in now]


def of_contact(contact_id: str, *, limit: int) -> list[Order]:
    """The contact's newest orders, the newest first. One query of an index, which may be behind."""
    found = Record.by_contact.query(contact_id, scan_index_forward=False, limit=limit)
    return _readable(found)


def all_of_contact(contact_id: str) -> list[Order]:
    """Every order of the contact that an index knows of, as it is now, newest first: a query a megabyte, and a request
    for each 100."""
    ids = [record.pk.removeprefix("ORDER#") for record in Record.by_contact.query(contact_id, scan_index_forward=False)]
    now = get_all(ids)
    return [now[order_id] for order_id in ids if order_id in now]


def forget_proofs(order: Order) -> None:
    """The order without its proofs, whose files are gone."""
    OrderRecord(*key(order.id)).update([OrderRecord.proofs.set([])], condition=OrderRecord.pk.exists())


def listed(
    *,
    status: OrderStatus | None = None,
    raffle_id: str | None = None,
    contact_id: str | None = None,
    limit: int,
    after: str | None = None,
    backwards: bool = False,
) -> Page[Order]:
    """One page of orders, newest first: one query of the narrowest index.

    Of a contact who has many, at most FILTERED are looked at for what else was asked for: the page may be short.
    """
    only = None
    index: GlobalSecondaryIndex[Any]
    if contact_id is not None:
        index, hash_key = Record.by_contact, contact_id
        only = _only(status, raffle_id)
    elif raffle_id is not None and status is not None:
        index, hash_key = Record.by_raffle_status, queue(status, raffle_id)
    elif raffle_id is not None:
        index, hash_key = Record.by_raffle, raffle_id
    elif status is not None:
        index, hash_key = Record.by_queue, queue(status)
    else:
        index, hash_key = Record.by_time, ALL
    return page_of(index, hash_key, _readable, limit=limit, after=after, backwards=backwards, only=only)


def _only(status: OrderStatus | None, raffle_id: str | None) -> Condition | None:
    asked = []
    if status is not None:
        asked.append(OrderRecord.status == status.value)
    if raffle_id is not None:
        asked.append(OrderRecord.raffle_id == raffle_id)
    return reduce(and_, asked) if asked else None


def behind(order: Order) -> str:
    """The cursor for the orders of the same contact that are older than this one."""
    return cursor_after(Record.by_contact, as_record(order))


def waiting(
    statuses: Sequence[OrderStatus], *, raffle_id: str | None = None, limit: int, after: str | None
) -> Page[Order]:
    """One page of the orders (of a raffle) in these statuses, status by status, each the longest waiting first.

    Forwards only. At most a query for each status.

    A cursor is the position of a status and, after a dot, a cursor within its list.
    """
    start, inner = _split_cursor(after, len(statuses))
    found: list[Order] = []
    index: GlobalSecondaryIndex[Any] = Record.by_queue if raffle_id is None else Record.by_raffle_status
    for position in range(start, len(statuses)):
        room, hash_key = limit - len(found), queue(statuses[position], raffle_id)
        page = page_of(index, hash_key, _readable, limit=room or 1, after=inner, newest_first=False)
        inner = None
        if not room and (page.items or page.next):  # a damaged one may hide those behind it
            return Page(found, f"{position}.", None)
        if room:
            found += page.items
            if page.next:
                return Page(found, f"{position}.{page.next}", None)
    return Page(found, None, None)


def in_queue(status: OrderStatus, *, limit: int, raffle_id: str | None = None) -> list[Order]:
    """The orders in a status (of one raffle), those first that end or changed first: a query for each thousand."""
    only = None if raffle_id is None else OrderRecord.raffle_id == raffle_id
    found = Record.by_queue.query(queue(status), filter_condition=only, limit=limit, page_size=FILTERED)
    return _readable(found)


def _split_cursor(cursor: str | None, positions: int) -> tuple[int, str | None]:
    if cursor is None:
        return 0, None
    position, dot, inner = cursor.partition(".")
    if not dot or position not in map(str, range(positions)):
        raise CursorInvalid
    return int(position), inner or None


class Overdue(NamedTuple):
    """Some orders whose hold is over. `unreadable` are the ids of damaged ones; `last`: where the next ones begin."""

    orders: list[Order]
    unreadable: list[str]
    last: str | None


def overdue(
    status: OrderStatus, now: datetime, *, limit: int, raffle_id: str | None = None, after: str = ""
) -> Overdue:
    """Orders (of one raffle) whose hold is over, the longest first; behind `after`, the `last` of those before.

    Looked up in an index, which may be behind: check again when acting.
    """
    index = Record.by_queue if raffle_id is None else Record.by_raffle_status
    # "!" and "~" sort before and after whatever follows a time.
    passed = Record.queue_at.between(f"{after}!", stamp(now, "~"))
    ended = index.query(queue(status, raffle_id), passed, limit=limit)
    found, unreadable, last = list[Order](), list[str](), None
    for record in ended:
        last = record.queue_at
        order = _readable([record])
        found += order
        unreadable += () if order else (record.pk.removeprefix("ORDER#"),)
    return Overdue(found, unreadable, last)


def ending(status: OrderStatus, now: datetime, until: datetime, *, limit: int) -> list[Order]:
    """Orders whose hold ends after `now` and by `until`, the first to end first, that were not reminded. One query."""
    soon = Record.queue_at.between(stamp(now, "~"), stamp(until, "~"))
    found = Record.by_queue.query(
        queue(status), soon, filter_condition=OrderRecord.reminded_at.does_not_exist(), limit=limit, page_size=FILTERED
    )
    return _readable(found)


def remind(transaction: Transaction, order: Order, now: datetime) -> None:
    """Note that the buyer was reminded, if the hold still is the same and they were not.

    The order comes from an index, which may be behind: what the reminder says of it must still be so.
    """
    same = (
        (OrderRecord.status == order.status.value)
        & (OrderRecord.reserved_until == order.reserved_until)
        & OrderRecord.reminded_at.does_not_exist()
    )
    transaction.update(OrderRecord(*key(order.id)), [OrderRecord.reminded_at.set(now)], name=ORDER, only_if=same)


def queue(status: OrderStatus, raffle_id: str | None = None) -> str:
    """The key under which an index has the orders in a status, of all raffles or of one."""
    return f"ORDER#{status.value}" if raffle_id is None else f"{raffle_id}#{status.value}"


def key(order_id: str) -> tuple[str, str]:
    return f"ORDER#{order_id}", "ORDER"


def _queue_at(order: Order) -> str:
    if order.status not in RUNNING:
        return stamp(order.updated_at, order.id)
    return f"{NO_DEADLINE}#{order.id}" if order.reserved_until is None else stamp(order.reserved_until, order.id)


def as_record(order: Order) -> OrderRecord:
    made = stamp(order.created_at, order.id)
    return OrderRecord(
        *key(order.id),
        contact_key=order.contact_id,
        contact_at=made,
        raffle_key=order.raffle_id,
        raffle_at=made,
        status_key=queue(order.status, order.raffle_id),
        time_key=ALL,
        time_at=made,
        queue_key=queue(order.status),
        queue_at=_queue_at(order),
        id=order.id,
        raffle_id=order.raffle_id,
        contact_id=order.contact_id,
        numbers=list(order.numbers),
        unit_amount=order.unit_amount,
        currency=order.currency,
        status=order.status.value,
        reserved_until=order.reserved_until,
        created_at=order.created_at,
        updated_at=order.updated_at,
        paid_at=order.paid_at,
        reminded_at=order.reminded_at,
        late=order.late or None,
        rejected_at=order.rejected_at,
        rejected_reason=order.rejected_reason,
        reassigned_at=order.reassigned_at,
        refunded_at=order.refunded_at,
        refund_reason=order.refund_reason,
        proofs=[
            ProofMap(
                key=proof.key,
                mime_type=proof.mime_type,
                sha256=proof.sha256,
                size=proof.size,
                received_at=proof.received_at,
                same_file_as=proof.same_file_as,
                looks_like=proof.looks_like,
            )
            for proof in order.proofs
        ],
    )


def _readable(records: Iterable[Record]) -> list[Order]:
    """The orders without damaged ones, which must hold up nobody: they are logged, and `check` names them too."""
    found = []
    for record in records:
        try:
            found.append(as_order(record))
        except (AssertionError, AttributeError, TypeError, ValueError):
            logger.error("an order cannot be read", extra={"order_id": record.pk.removeprefix("ORDER#")})
    return found


def as_order(record: Record) -> Order:
    assert isinstance(record, OrderRecord)
    return Order(
        id=record.id,
        raffle_id=record.raffle_id,
        contact_id=record.contact_id,
        numbers=tuple(int(number) for number in record.numbers),
        unit_amount=int(record.unit_amount),
        currency=record.currency,
        status=OrderStatus(record.status),
        reserved_until=record.reserved_until,
        created_at=record.created_at,
        updated_at=record.updated_at,
        paid_at=record.paid_at,
        reminded_at=record.reminded_at,
        late=bool(record.late),
        rejected_at=record.rejected_at,
        rejected_reason=record.rejected_reason,
        reassigned_at=record.reassigned_at,
        refunded_at=record.refunded_at,
        refund_reason=record.refund_reason,
        proofs=tuple(
            Proof(
                key=proof.key,
                mime_type=proof.mime_type,
                sha256=proof.sha256,
                size=int(proof.size),
                received_at=proof.received_at,
                same_file_as=proof.same_file_as,
                looks_like=proof.looks_like,
            )
            for proof in record.proofs or ()
        ),
    )
