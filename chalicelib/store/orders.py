"""Orders in the table: add one, move it along its life cycle, read and list them."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import fields
from datetime import datetime
from functools import reduce
from operator import and_, or_
from typing import Any, NamedTuple

from pynamodb.expressions.condition import Condition, size
from pynamodb.expressions.update import Action
from pynamodb.indexes import GlobalSecondaryIndex

from chalicelib.domain.filters import OrderFilter
from chalicelib.domain.orders import (
    MAX_PROOFS,
    RUNNING,
    TRANSITIONS,
    Order,
    OrderEvent,
    OrderStatus,
    Proof,
)
from chalicelib.domain.raffles import Raffle
from chalicelib.domain.refusals import OrderNotFound
from chalicelib.store import raffles
from chalicelib.store.pages import FILTERED, UNBOUNDED, Bounds, CursorInvalid, Page, cursor_after, page_of
from chalicelib.store.records import OrderRecord, ProofMap, Record, stamp, update_if
from chalicelib.store.transaction import Transaction
from chalicelib.telemetry import logger

ALL = "ORDERS"
ORDER = "order"  # the name of the condition on an order's status
FIELDS = tuple(field.name for field in fields(Order))
PROOF_FIELDS = tuple(field.name for field in fields(Proof) if field.name != "image_hash")  # stored as a fingerprint
# Every event writes these.
LIFE_CYCLE = ("status", "updated_at", "queue_key", "queue_at", "status_key", "reserved_until", "in_review_since")
NO_DEADLINE = "9999-12-31T23:59:59.999999Z"  # sorts after every real one


def add(transaction: Transaction, order: Order) -> None:
    """Store a new order. Committing raises ConditionsFailed if its id is in use."""
    transaction.put(as_record(order), name=ORDER, only_if=OrderRecord.pk.does_not_exist())


def move(
    transaction: Transaction,
    order: Order,
    event: OrderEvent,
    *,
    changed: Iterable[str] = (),
    over_at: datetime | None = None,
    only_from: OrderStatus | None = None,
    unchanged: Order | None = None,
    has_proofs: int | None = None,
    unchanged_since: datetime | None = None,
) -> None:
    """Store `order` as it is after `event`.

    Committing raises ConditionsFailed if the life cycle does not allow the event in the stored status.

    Args:
        changed: the fields that the event sets, apart from status and deadline. They are named and not found by
            comparison, because the stored order may have changed since it was read.
        over_at: also require that the stored hold has ended by this time.
        only_from: require this status instead of any that the life cycle allows.
        unchanged: also require that the stored hold ends when it does in this order, and has the same numbers.
        has_proofs: also require that so many proofs are stored: whoever decides has seen the newest one.
        unchanged_since: also require that the last change was at this time: whoever decides has seen it.
    """
    sources = TRANSITIONS[event].sources if only_from is None else (only_from,)
    allowed = OrderRecord.status.is_in(*(status.value for status in sources))
    if over_at is not None:
        allowed &= OrderRecord.reserved_until <= over_at
    if unchanged is not None:
        allowed &= OrderRecord.numbers == list(unchanged.numbers)
        until = OrderRecord.reserved_until
        allowed &= until.does_not_exist() if unchanged.reserved_until is None else until == unchanged.reserved_until
    if has_proofs is not None:
        allowed &= size(OrderRecord.proofs) == has_proofs
    if unchanged_since is not None:
        allowed &= OrderRecord.updated_at == unchanged_since
    if "proofs" in changed:
        # Whether organisers are told of a proof depends on whether they have seen the ones before (M8).
        seen = OrderRecord.looked_at
        allowed &= seen.does_not_exist() if order.looked_at is None else seen == order.looked_at
    record = as_record(order)
    actions = [_set_or_remove(name, getattr(record, name)) for name in dict.fromkeys((*LIFE_CYCLE, *changed))]
    transaction.update(OrderRecord(*key(order.id)), actions, name=ORDER, only_if=allowed)


def _set_or_remove(name: str, value: Any) -> Action:
    attribute = getattr(OrderRecord, name)
    action: Action = attribute.remove() if value is None else attribute.set(value)
    return action


def mark_looked_at(order: Order) -> bool:
    """Store that an organiser looks at the proofs that the order had when it was read. One request.

    Return whether it has no others by now. Otherwise nothing is stored.
    """
    return update_if(
        OrderRecord(*key(order.id)),
        [OrderRecord.looked_at.set(order.proofs[-1].received_at)],
        OrderRecord.pk.exists() & (size(OrderRecord.proofs) == len(order.proofs)),
    )


def get(order_id: str) -> Order:
    """Return an order. One request. Raises OrderNotFound."""
    try:
        return as_order(OrderRecord.get(*key(order_id), consistent_read=True))
    except OrderRecord.DoesNotExist:
        raise OrderNotFound(order_id) from None


def newest_writes(limit: int) -> list[datetime]:
    """Return when the newest orders were last written, by the clocks of those who wrote them. One query."""
    found = Record.by_time.query(ALL, limit=limit, scan_index_forward=False)
    moments = [record.attribute_values.get("updated_at") for record in found]
    return [moment for moment in moments if moment is not None]  # a damaged order has none


def get_all(order_ids: Iterable[str]) -> dict[str, Order]:
    """Return those of the orders that exist and can be read, by id. One request for up to 100."""
    return found_in(OrderRecord.batch_get([key(order_id) for order_id in order_ids], consistent_read=True))


def found_in(records: Iterable[Record]) -> dict[str, Order]:
    """Return the orders among items that were read together, by id."""
    return {order.id: order for order in _readable(record for record in records if isinstance(record, OrderRecord))}


def with_raffle(order_id: str, *, likely_raffle_id: str | None) -> tuple[Order | None, Raffle | None]:
    """Return the order, if it exists, and its raffle, if the guess was right. One request."""
    keys = [key(order_id)]
    if likely_raffle_id is not None:
        keys.append(raffles.key(likely_raffle_id))
    records = list(Record.batch_get(keys, consistent_read=True))
    order = next(iter(found_in(records).values()), None)
    raffle = next((raffle for raffle in raffles.found_in(records) if order and raffle.id == order.raffle_id), None)
    return order, raffle


def reload(orders: Sequence[Order]) -> list[tuple[Raffle, Order]]:
    """Return orders that came from an index as they are now, with their raffles. One request.

    Orders that are gone or can't be read are left out.
    """
    keys = {key(order.id) for order in orders} | {raffles.key(order.raffle_id) for order in orders}
    records = list(Record.batch_get(keys, consistent_read=True))
    current = found_in(records)
    raffle_by_id = {raffle.id: raffle for raffle in raffles.found_in(records)}
    return [(raffle_by_id[order.raffle_id], current[order.id]) for order in orders if order.id in current]


def of_contact(contact_id: str, *, limit: int) -> list[Order]:
    """Return the contact's newest orders, newest first. One query of an index, which may be behind."""
    return _readable(Record.by_contact.query(contact_id, scan_index_forward=False, limit=limit))


def all_of_contact(contact_id: str) -> list[Order]:
    """Return all orders of the contact that are in the index, newest first, as they are now.

    One query per megabyte, and one request per 100 orders.
    """
    ids = [record.pk.removeprefix("ORDER#") for record in Record.by_contact.query(contact_id, scan_index_forward=False)]
    current = get_all(ids)
    return [current[order_id] for order_id in ids if order_id in current]


def scan_proof_keys() -> Iterator[str]:
    """Yield the key of each file that an order names, by reading the whole table."""
    for record in OrderRecord.scan(consistent_read=True):
        yield from (proof.key for proof in record.proofs or ())


def forget_proofs(order: Order) -> None:
    """Remove the proofs from an order after their files were deleted."""
    OrderRecord(*key(order.id)).update([OrderRecord.proofs.set([])], condition=OrderRecord.pk.exists())


def listed(wanted: OrderFilter, *, limit: int, after: str | None = None, backwards: bool = False) -> Page[Order]:
    """Return one page of orders, newest first. One query of the most specific index.

    What the index does not tell is filtered: at most FILTERED orders are read then, so the page may be short.
    """
    (status,) = wanted.statuses if len(wanted.statuses) == 1 else (None,)
    index: GlobalSecondaryIndex[Any] = Record.by_time
    hash_key = ALL
    told = {"contact_id"}
    if wanted.contact_id is not None:
        index = Record.by_contact
        hash_key = wanted.contact_id
    elif wanted.raffle_id is not None and status is not None:
        index = Record.by_raffle_status
        hash_key = queue(status, wanted.raffle_id)
        told = {"raffle_id", "statuses"}
    elif wanted.raffle_id is not None:
        index = Record.by_raffle
        hash_key = wanted.raffle_id
        told = {"raffle_id"}
    elif status is not None:
        index = Record.by_queue
        hash_key = queue(status)
        told = {"statuses"}
    is_by_time = "statuses" not in told  # the other indexes are sorted by deadline
    only = _filter(wanted, told | ({"created_after", "created_before"} if is_by_time else set()))
    within = Bounds.of_time(wanted.created_after, wanted.created_before) if is_by_time else UNBOUNDED
    return page_of(index, hash_key, _readable, limit=limit, after=after, backwards=backwards, only=only, within=within)


def _filter(wanted: OrderFilter, told: Collection[str]) -> Condition | None:
    """Return the condition on what an index does not tell."""
    record = OrderRecord
    conditions = {
        "statuses": record.status.is_in(*(status.value for status in wanted.statuses)) if wanted.statuses else None,
        "raffle_id": record.raffle_id == wanted.raffle_id if wanted.raffle_id is not None else None,
        "created_after": record.created_at >= wanted.created_after if wanted.created_after is not None else None,
        "created_before": record.created_at < wanted.created_before if wanted.created_before is not None else None,
        "updated_after": record.updated_at >= wanted.updated_after if wanted.updated_after is not None else None,
        "updated_before": record.updated_at < wanted.updated_before if wanted.updated_before is not None else None,
        "flagged": _has_flagged_proof() if wanted.flagged else None,
    }
    needed = [condition for name, condition in conditions.items() if condition is not None and name not in told]
    return reduce(and_, needed) if needed else None


def _has_flagged_proof() -> Condition:
    """Return the condition that some proof was sent for an earlier order, or looks like one that was."""
    flags: list[Condition] = [
        OrderRecord.proofs[position][name].exists()
        for position in range(MAX_PROOFS)
        for name in ("same_file_as", "looks_like")
    ]
    return reduce(or_, flags)


def cursor_after_order(order: Order) -> str:
    """Return the cursor after this order in the list of its contact's orders."""
    return cursor_after(Record.by_contact, as_record(order))


def waiting(
    statuses: Sequence[OrderStatus], *, raffle_id: str | None = None, limit: int, after: str | None
) -> Page[Order]:
    """Return one page of the orders (of a raffle) in these statuses, one status after the other.

    Within a status, the longest waiting come first. There is no way back to an earlier page. At most one query per
    status. A cursor is the position of a status and, after a dot, a cursor within its list.
    """
    start, inner = _split_cursor(after, len(statuses))
    orders: list[Order] = []
    index: GlobalSecondaryIndex[Any] = Record.by_queue if raffle_id is None else Record.by_raffle_status
    for position in range(start, len(statuses)):
        room = limit - len(orders)
        hash_key = queue(statuses[position], raffle_id)
        page = page_of(index, hash_key, _readable, limit=room or 1, after=inner, newest_first=False)
        inner = None
        if not room and (page.items or page.next):  # no items but a next page: a damaged order was left out
            return Page(orders, f"{position}.", None)
        if room:
            orders += page.items
            if page.next:
                return Page(orders, f"{position}.{page.next}", None)
    return Page(orders, None, None)


def in_status(status: OrderStatus, *, limit: int, raffle_id: str | None = None) -> list[Order]:
    """Return the orders (of a raffle) in a status, earliest deadline or change first. One query per thousand."""
    only = None if raffle_id is None else OrderRecord.raffle_id == raffle_id
    return _readable(Record.by_queue.query(queue(status), filter_condition=only, limit=limit, page_size=FILTERED))


def _split_cursor(cursor: str | None, positions: int) -> tuple[int, str | None]:
    if cursor is None:
        return 0, None
    position, dot, inner = cursor.partition(".")
    if not dot or position not in map(str, range(positions)):
        raise CursorInvalid
    return int(position), inner or None


class Overdue(NamedTuple):
    """Some orders whose hold is over. `unreadable` are ids of damaged ones. `last` is the place to go on after."""

    orders: list[Order]
    unreadable: list[str]
    last: str | None


def overdue(
    status: OrderStatus, now: datetime, *, limit: int, raffle_id: str | None = None, after: str = ""
) -> Overdue:
    """Return orders (of a raffle) whose hold is over, the one that ended first coming first. One query.

    They come from an index, which may be behind. Check again before changing one.

    Args:
        after: `last` of the previous call.
    """
    index = Record.by_queue if raffle_id is None else Record.by_raffle_status
    # "!" and "~" sort before and after anything that follows a time.
    is_over = Record.queue_at.between(f"{after}!", stamp(now, "~"))
    orders = list[Order]()
    unreadable = list[str]()
    last = None
    for record in index.query(queue(status, raffle_id), is_over, limit=limit):
        last = record.queue_at
        if readable := _readable([record]):
            orders += readable
        else:
            unreadable.append(record.pk.removeprefix("ORDER#"))
    return Overdue(orders, unreadable, last)


def ending(status: OrderStatus, now: datetime, until: datetime, *, limit: int) -> list[Order]:
    """Return orders without a reminder whose hold ends after `now` and by `until`, earliest first. One query."""
    ends_soon = Record.queue_at.between(stamp(now, "~"), stamp(until, "~"))
    not_reminded = OrderRecord.reminded_at.does_not_exist()
    records = Record.by_queue.query(
        queue(status), ends_soon, filter_condition=not_reminded, limit=limit, page_size=FILTERED
    )
    return _readable(records)


def record_reminder(transaction: Transaction, order: Order, now: datetime) -> None:
    """Record that the buyer is reminded.

    Committing raises ConditionsFailed if the hold has changed or the buyer was reminded already. The order comes from
    an index, which may be behind, and what the reminder says must still be true.
    """
    is_unchanged = (
        (OrderRecord.status == order.status.value)
        & (OrderRecord.reserved_until == order.reserved_until)
        & OrderRecord.reminded_at.does_not_exist()
    )
    transaction.update(
        OrderRecord(*key(order.id)), [OrderRecord.reminded_at.set(now)], name=ORDER, only_if=is_unchanged
    )


def queue(status: OrderStatus, raffle_id: str | None = None) -> str:
    """Return the index key of the orders in a status, of all raffles or of one."""
    return f"ORDER#{status.value}" if raffle_id is None else f"{raffle_id}#{status.value}"


def key(order_id: str) -> tuple[str, str]:
    return f"ORDER#{order_id}", "ORDER"


def _queue_at(order: Order) -> str:
    if order.status not in RUNNING:
        # A further proof does not move an order back in the queue of reviews.
        since = order.in_review_since if order.status is OrderStatus.IN_REVIEW else None
        return stamp(since or order.updated_at, order.id)
    return f"{NO_DEADLINE}#{order.id}" if order.reserved_until is None else stamp(order.reserved_until, order.id)


def as_record(order: Order) -> OrderRecord:
    """Map an order to its item. Only fields that are stored in another form are listed here."""
    created_at = stamp(order.created_at, order.id)
    converted = {
        "numbers": list(order.numbers),
        "status": order.status.value,
        "late": order.late or None,
        "rejections": order.rejections or None,
        "hold_was_over": order.hold_was_over or None,
        "proofs": [ProofMap(**{name: getattr(proof, name) for name in PROOF_FIELDS}) for proof in order.proofs],
    }
    return OrderRecord(
        *key(order.id),
        contact_key=order.contact_id,
        contact_at=created_at,
        raffle_key=order.raffle_id,
        raffle_at=created_at,
        status_key=queue(order.status, order.raffle_id),
        time_key=ALL,
        time_at=created_at,
        queue_key=queue(order.status),
        queue_at=_queue_at(order),
        **{name: getattr(order, name) for name in FIELDS} | converted,
    )


def _readable(records: Iterable[Record]) -> list[Order]:
    """Return the orders without damaged ones, which are logged, and reported by `check`, but must not block others."""
    readable = []
    for record in records:
        try:
            readable.append(as_order(record))
        except (AssertionError, AttributeError, TypeError, ValueError):
            logger.error("an order cannot be read", extra={"order_id": record.pk.removeprefix("ORDER#")})
    return readable


def as_order(record: Record) -> Order:
    """Map an item to its order. The reverse of `as_record`."""
    assert isinstance(record, OrderRecord)
    converted: dict[str, Any] = {
        "numbers": tuple(int(number) for number in record.numbers),
        "unit_amount": int(record.unit_amount),
        "status": OrderStatus(record.status),
        "late": bool(record.late),
        # A rejection of before they were counted was at least one.
        "rejections": int(record.rejections or record.rejected_at is not None),
        "hold_was_over": bool(record.hold_was_over),
        "proofs": tuple(_as_proof(proof) for proof in record.proofs or ()),
    }
    return Order(**{name: getattr(record, name) for name in FIELDS} | converted)


def _as_proof(stored: ProofMap) -> Proof:
    return Proof(**{name: getattr(stored, name) for name in PROOF_FIELDS} | {"size": int(stored.size)})
