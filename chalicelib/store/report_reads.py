"""Orders as reports need them: a few of their attributes, a thousand orders a request, in DynamoDB's form.

DynamoDB reads and bills whole items, whatever is asked for of them. But what is left out is not sent, and nothing is
made a record of; and that takes most of the time.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from json import loads
from typing import Any, NamedTuple

from chalicelib.domain.orders import OrderStatus
from chalicelib.domain.reports import ReportedOrder
from chalicelib.store.orders import queue
from chalicelib.store.pages import FILTERED
from chalicelib.store.records import Record, Stored, low_level

ATTRIBUTES = (
    "id", "raffle_id", "contact_id", "status", "numbers", "unit_amount", "currency", "created_at", "updated_at",
    "paid_at", "refunded_at", "rejected_at",
)  # fmt: skip

_plain: ContextVar[bool] = ContextVar("plain", default=False)


class OrdersRead(NamedTuple):
    """An order of a raffle; `sale` is None for one that can't be read."""

    raffle_id: str
    sale: ReportedOrder | None


@dataclass(frozen=True)
class Queued:
    """How much waits, and since when the first of it. Where it is not complete there is more."""

    count: int
    oldest_at: datetime | None
    is_complete: bool


def of_raffle(raffle_id: str) -> Iterator[OrdersRead]:
    """All orders of a raffle, the oldest first. A query for each thousand; the index may be a moment behind."""
    return (_found(item) for page in _pages("by_raffle", raffle_id) for item in page)


def in_queue(status: OrderStatus, *, most: int) -> tuple[list[OrdersRead], bool]:
    """Orders in a status, until `most` are read, and whether these are all. A query for each thousand."""
    found: list[OrdersRead] = []
    for page in _pages("by_queue", queue(status)):
        found += map(_found, page)
        if len(found) > most:
            return found[:most], False
    return found, True


def queued(key: str, *, most: int) -> Queued:
    """How much is in a queue. A query for each thousand, until `most` are counted."""
    count, oldest = 0, None
    for page in _pages("by_queue", key, ("queue_at",)):
        if page and oldest is None:
            oldest = datetime.fromisoformat(page[0]["queue_at"]["S"].partition("#")[0])
        count += len(page)
        if count > most:
            return Queued(most, oldest, is_complete=False)
    return Queued(count, oldest, is_complete=True)


def _pages(index: str, key: str, attributes: Sequence[str] = ATTRIBUTES) -> Iterator[list[Stored]]:
    connection, start = low_level(), None
    # Registered again it is still one handler. It leaves alone what is asked outside of `_plainly`.
    connection.client.meta.events.register("before-parse.dynamodb.Query", _read_plainly, unique_id="tombola-plainly")
    while True:
        with _plainly():
            page = connection.query(
                Record.Meta.table_name,
                key,
                index_name=index,
                attributes_to_get=list(attributes),
                exclusive_start_key=start,
                limit=FILTERED,
            )
        yield page["Items"]
        start = page.get("LastEvaluatedKey")
        if not start:
            return


@contextmanager
def _plainly() -> Iterator[None]:
    before = _plain.set(True)
    try:
        yield
    finally:
        _plain.reset(before)


def _read_plainly(response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: Any) -> None:
    """Hand on an answer as the JSON that it is.

    botocore compares each value with the service's description, which takes five times as long as all else here, and
    changes nothing about what has no binary values.
    """
    if _plain.get() and response_dict["status_code"] == 200:
        customized_response_dict.update(loads(response_dict["body"]))
        response_dict["body"] = b"{}"


def _found(item: Stored) -> OrdersRead:
    try:
        sale = ReportedOrder(
            id=item["id"]["S"],
            status=OrderStatus(item["status"]["S"]),
            contact_id=item["contact_id"]["S"],
            quantity=len(item["numbers"]["L"]),
            unit_amount=int(item["unit_amount"]["N"]),
            currency=item["currency"]["S"],
            changed_at=_moment(item, "updated_at") or datetime.fromisoformat(item["created_at"]["S"]),
            paid_at=_moment(item, "paid_at"),
            refunded_at=_moment(item, "refunded_at"),
            rejected_at=_moment(item, "rejected_at"),
        )
    except (KeyError, TypeError, ValueError):
        return OrdersRead(str(item.get("raffle_id", {}).get("S", "")), None)
    return OrdersRead(item["raffle_id"]["S"], sale)


def _moment(item: Stored, name: str) -> datetime | None:
    """PynamoDB writes its times with "+0000" and microseconds."""
    text = item.get(name, {}).get("S")
    return None if text is None else datetime.fromisoformat(text)
