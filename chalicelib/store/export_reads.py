"""All of a raffle's tickets, orders and contacts, as exports read them: in DynamoDB's form, and no more of each item
than is shown. A record class looks at every attribute, which takes longer than DynamoDB does."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, NamedTuple, TypeVar

from chalicelib.domain.exports import ExportedOrder
from chalicelib.domain.orders import OrderStatus
from chalicelib.store import contacts, orders
from chalicelib.store.board import BATCH
from chalicelib.store.records import Record, Stored, low_level, stored_in
from chalicelib.telemetry import logger

T = TypeVar("T")
OF_AN_ORDER = (
    "pk", "contact_id", "numbers", "unit_amount", "currency", "status", "created_at", "reserved_until", "paid_at",
    "refunded_at", "refund_reason",
)  # fmt: skip
OF_A_CONTACT = ("pk", "name", "phone", "contact_id")


class Name(NamedTuple):
    """What a contact's id leads to: a person, or another contact that took it over (`alias_of`)."""

    name: str = ""
    phone: str = ""
    alias_of: str | None = None


def owners(raffle_id: str, page: int) -> Iterator[tuple[int, str]]:
    """number → order id of a page's tickets, in order: a strongly consistent query for each megabyte, some 10,000."""
    for item in stored_in(f"TICKETS#{raffle_id}#{page:03}"):
        yield int(item["sk"]["S"]), item["order_id"]["S"]


def sales_of(raffle_id: str) -> Iterator[list[ExportedOrder]]:
    """All orders of a raffle, the oldest first, as many as a query brings: a megabyte, some 1,500 of them.

    From an index, which may be a moment behind. Damaged orders are left out, and logged.
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


def sales(order_ids: Iterable[str]) -> Iterator[list[ExportedOrder]]:
    """Those of the orders that exist and can be read: a strongly consistent request for each hundred."""
    for some in chunks(order_ids, BATCH):
        yield _readable(_batch([orders.key(order_id) for order_id in some], OF_AN_ORDER))


def names(contact_ids: Iterable[str]) -> Iterator[dict[str, Name]]:
    """id → name of those contacts that exist: a strongly consistent request for each hundred."""
    for some in chunks(contact_ids, BATCH):
        yield {
            item["pk"]["S"].removeprefix("CONTACT#"): _name(item)
            for item in _batch([contacts.key(contact_id) for contact_id in some], OF_A_CONTACT)
        }


def chunks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    rest = iter(items)
    while found := list(islice(rest, size)):
        yield found


def _batch(keys: Sequence[tuple[str, str]], attributes: Sequence[str]) -> list[Stored]:
    table = Record.Meta.table_name
    wanted: list[Any] = [{"pk": pk, "sk": sk} for pk, sk in keys]
    answer = low_level().batch_get_item(table, wanted, consistent_read=True, attributes_to_get=list(attributes))
    found: list[Stored] = answer["Responses"].get(table, [])
    return found


def _readable(items: Iterable[Stored]) -> list[ExportedOrder]:
    found = []
    for item in items:
        try:
            found.append(_sale(item))
        except (KeyError, TypeError, ValueError):
            logger.error("an order cannot be read", extra={"order_id": item["pk"]["S"].removeprefix("ORDER#")})
    return found


def _sale(item: Stored) -> ExportedOrder:
    return ExportedOrder(
        id=item["pk"]["S"].removeprefix("ORDER#"),
        contact_id=item["contact_id"]["S"],
        status=OrderStatus(item["status"]["S"]),
        numbers=tuple(int(number["N"]) for number in item["numbers"]["L"]),
        unit_amount=int(item["unit_amount"]["N"]),
        currency=item["currency"]["S"],
        created_at=datetime.fromisoformat(item["created_at"]["S"]),
        reserved_until=_moment(item, "reserved_until"),
        paid_at=_moment(item, "paid_at"),
        refunded_at=_moment(item, "refunded_at"),
        refund_reason=item.get("refund_reason", {}).get("S"),
    )


def _moment(item: Stored, name: str) -> datetime | None:
    return datetime.fromisoformat(item[name]["S"]) if "S" in item.get(name, ()) else None


def _name(item: Stored) -> Name:
    def text(name: str) -> str:
        return str(item.get(name, {}).get("S", ""))

    phone = text("phone")
    return Name(text("name"), f"+{phone.removeprefix('+')}" if phone else "", text("contact_id") or None)
