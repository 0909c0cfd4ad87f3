"""Read all tickets, orders and contacts of a raffle for an export.

Items stay in DynamoDB's form and only the attributes that exports show are read: building records would take longer
than DynamoDB itself.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, NamedTuple

from chalicelib.domain.batches import batched
from chalicelib.domain.exports import ExportedOrder
from chalicelib.domain.orders import OrderStatus
from chalicelib.store import contacts, orders
from chalicelib.store.board import BATCH, tickets_partition
from chalicelib.store.records import Record, Stored, low_level, stored_at, stored_in, stored_moment
from chalicelib.telemetry import logger

OF_AN_ORDER = (
    "pk", "contact_id", "numbers", "unit_amount", "currency", "status", "created_at", "reserved_until", "paid_at",
    "refunded_at", "refund_reason",
)  # fmt: skip
OF_A_CONTACT = ("pk", "name", "phone", "contact_id", "age_confirmed", "age_confirmed_at")


class ContactName(NamedTuple):
    """Who a contact id stands for: a person, or the contact that took it over (`alias_of`)."""

    name: str = ""
    phone: str = ""
    alias_of: str | None = None
    age_confirmed: int | None = None
    age_confirmed_at: datetime | None = None


def owners(raffle_id: str, page: int) -> Iterator[tuple[int, str]]:
    """Yield number and order id of a page's tickets, in order.

    A strongly consistent query for each megabyte, which is about 10,000 tickets.
    """
    for item in stored_in(tickets_partition(raffle_id, page)):
        yield int(item["sk"]["S"]), item["order_id"]["S"]


def orders_of_raffle(raffle_id: str) -> Iterator[list[ExportedOrder]]:
    """Yield all orders of a raffle, oldest first, query by query: a megabyte each, which is about 1,500 orders.

    They come from an index that may lag a moment behind. Damaged orders are left out and logged.
    """
    start: Any = None
    while True:
        page = low_level().query(
            Record.Meta.table_name,
            raffle_id,
            index_name=Record.by_raffle.Meta.index_name,
            attributes_to_get=list(OF_AN_ORDER),
            exclusive_start_key=start,
        )
        yield _readable(page["Items"])
        start = page.get("LastEvaluatedKey")
        if not start:
            return


def get_orders(order_ids: Iterable[str]) -> Iterator[list[ExportedOrder]]:
    """Yield the orders that exist and can be read: a strongly consistent request for each hundred."""
    for batch in batched(order_ids, BATCH):
        yield _readable(stored_at((orders.key(order_id) for order_id in batch), OF_AN_ORDER))


def get_names(contact_ids: Iterable[str]) -> Iterator[dict[str, ContactName]]:
    """Yield id → name of the contacts that exist: a strongly consistent request for each hundred."""
    for batch in batched(contact_ids, BATCH):
        yield {
            item["pk"]["S"].removeprefix("CONTACT#"): _as_name(item)
            for item in stored_at((contacts.key(contact_id) for contact_id in batch), OF_A_CONTACT)
        }


def _readable(items: Iterable[Stored]) -> list[ExportedOrder]:
    readable = []
    for item in items:
        try:
            readable.append(_as_order(item))
        except (KeyError, TypeError, ValueError):
            logger.error("an order cannot be read", extra={"order_id": item["pk"]["S"].removeprefix("ORDER#")})
    return readable


def _as_order(item: Stored) -> ExportedOrder:
    return ExportedOrder(
        id=item["pk"]["S"].removeprefix("ORDER#"),
        contact_id=item["contact_id"]["S"],
        status=OrderStatus(item["status"]["S"]),
        numbers=tuple(int(number["N"]) for number in item["numbers"]["L"]),
        unit_amount=int(item["unit_amount"]["N"]),
        currency=item["currency"]["S"],
        created_at=datetime.fromisoformat(item["created_at"]["S"]),
        reserved_until=stored_moment(item, "reserved_until"),
        paid_at=stored_moment(item, "paid_at"),
        refunded_at=stored_moment(item, "refunded_at"),
        refund_reason=item.get("refund_reason", {}).get("S"),
    )


def _as_name(item: Stored) -> ContactName:
    def text(name: str) -> str:
        return str(item.get(name, {}).get("S", ""))

    phone = text("phone")
    age = item.get("age_confirmed", {}).get("N")
    return ContactName(
        text("name"),
        f"+{phone.removeprefix('+')}" if phone else "",
        text("contact_id") or None,
        None if age is None else int(float(age)),
        stored_moment(item, "age_confirmed_at"),
    )
