"""Read orders for reports: a thousand per request, in DynamoDB's form, with the few attributes that are needed.

DynamoDB reads and bills whole items all the same. But sending the other attributes and building records is what takes
most of the time.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from json import loads
from typing import Any, NamedTuple

from pynamodb.expressions.condition import Condition

from chalicelib.domain.orders import OrderStatus
from chalicelib.domain.reports import ReportedOrder
from chalicelib.store.orders import queue as queue_of
from chalicelib.store.pages import FILTERED
from chalicelib.store.records import Record, Stored, low_level, stamp, stored_moment

ATTRIBUTES = (
    "id", "raffle_id", "contact_id", "status", "numbers", "unit_amount", "currency", "created_at", "updated_at",
    "paid_at", "refunded_at", "rejected_at", "reserved_until", "in_review_since",
)  # fmt: skip

_plain: ContextVar[bool] = ContextVar("plain", default=False)


class OrderRead(NamedTuple):
    """An order and its raffle. `order` is None if it can't be read."""

    raffle_id: str
    order: ReportedOrder | None


@dataclass(frozen=True)
class Queued:
    """How many items are in a queue, and since when the oldest. If it is not complete, there are more."""

    count: int
    oldest_at: datetime | None
    is_complete: bool


def orders_of_raffle(raffle_id: str) -> Iterator[OrderRead]:
    """Yield all orders of a raffle, oldest first. A query for each thousand; the index may lag a moment behind."""
    return (_as_order_read(item) for page in _pages("by_raffle", raffle_id) for item in page)


def orders_in_queue(status: OrderStatus, *, most: int, since: datetime | None = None) -> tuple[list[OrderRead], bool]:
    """Return up to `most` orders in a status, and whether these are all. A query for each thousand.

    Args:
        since: only those that were changed since then, the newest first.
    """
    orders: list[OrderRead] = []
    within = None if since is None else Record.queue_at >= stamp(since)
    for page in _pages("by_queue", queue_of(status), within=within, ascending=since is None):
        orders += map(_as_order_read, page)
        if len(orders) > most:
            return orders[:most], False
    return orders, True


def count_queue(key: str, *, most: int) -> Queued:
    """Count up to `most` items in a queue. A query for each thousand."""
    count = 0
    oldest_at = None
    for page in _pages("by_queue", key, ("queue_at",)):
        if page and oldest_at is None:
            oldest_at = _moment(page[0]["queue_at"]["S"])
        count += len(page)
        if count > most:
            return Queued(most, oldest_at, is_complete=False)
    return Queued(count, oldest_at, is_complete=True)


def first_in_queue(key: str) -> datetime | None:
    """Return the time of the first item in a queue; None if it is empty. One query."""
    first = next(iter(Record.by_queue.query(key, limit=1)), None)
    return None if first is None else _moment(first.queue_at)


def _moment(queue_at: str) -> datetime:
    return datetime.fromisoformat(queue_at.partition("#")[0])


def _pages(
    index: str,
    key: str,
    attributes: Sequence[str] = ATTRIBUTES,
    *,
    within: Condition | None = None,
    ascending: bool = True,
) -> Iterator[list[Stored]]:
    connection = low_level()
    start = None
    # Because of its id, the handler is registered only once. It does nothing outside of `_plain_answers`.
    connection.client.meta.events.register("before-parse.dynamodb.Query", _parse_plainly, unique_id="tombola-plainly")
    while True:
        with _plain_answers():
            page = connection.query(
                Record.Meta.table_name,
                key,
                within,
                index_name=index,
                scan_index_forward=ascending,
                attributes_to_get=list(attributes),
                exclusive_start_key=start,
                limit=FILTERED,
            )
        yield page["Items"]
        start = page.get("LastEvaluatedKey")
        if not start:
            return


@contextmanager
def _plain_answers() -> Iterator[None]:
    before = _plain.set(True)
    try:
        yield
    finally:
        _plain.reset(before)


def _parse_plainly(response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: Any) -> None:
    """Pass the JSON of an answer on as it is.

    botocore would compare each value with the service's description. That takes five times as long as everything else
    here, and changes nothing, as there are no binary values.
    """
    if _plain.get() and response_dict["status_code"] == 200:
        customized_response_dict.update(loads(response_dict["body"]))
        response_dict["body"] = b"{}"


def _as_order_read(item: Stored) -> OrderRead:
    try:
        order = ReportedOrder(
            id=item["id"]["S"],
            status=OrderStatus(item["status"]["S"]),
            contact_id=item["contact_id"]["S"],
            quantity=len(item["numbers"]["L"]),
            unit_amount=int(item["unit_amount"]["N"]),
            currency=item["currency"]["S"],
            changed_at=stored_moment(item, "updated_at") or datetime.fromisoformat(item["created_at"]["S"]),
            paid_at=stored_moment(item, "paid_at"),
            refunded_at=stored_moment(item, "refunded_at"),
            rejected_at=stored_moment(item, "rejected_at"),
            reserved_until=stored_moment(item, "reserved_until"),
            in_review_since=stored_moment(item, "in_review_since"),
        )
    except (KeyError, TypeError, ValueError):
        return OrderRead(str(item.get("raffle_id", {}).get("S", "")), None)
    return OrderRead(item["raffle_id"]["S"], order)
