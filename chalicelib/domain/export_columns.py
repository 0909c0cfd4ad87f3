"""The columns of each export, and how to build a row. `docs/exports.md` explains them to organisers."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import Enum, auto
from typing import NamedTuple

from chalicelib.domain.exports import ExportedOrder, Of, Person, ticket_status
from chalicelib.domain.orders import OrderStatus
from chalicelib.domain.raffles import TicketStatus

# An XLSX cell holds at most 32,767 characters (Excel's limit), so longer lists of numbers are cut. The column
# `quantity` has the full count.
MAX_LISTED = 1_000


class ColumnKind(Enum):
    TEXT = auto()
    PHONE = auto()
    COUNT = auto()
    MONEY = auto()
    TIME = auto()


class Column(NamedTuple):
    name: str
    kind: ColumnKind
    width: int  # characters


class CellMoney(NamedTuple):
    amount: int  # minor units
    currency: str


Cell = str | int | datetime | CellMoney | None
Row = Sequence[Cell]

_BUYER = (Column("buyer", ColumnKind.TEXT, 24), Column("phone", ColumnKind.PHONE, 17))
_AMOUNT = (Column("amount", ColumnKind.MONEY, 12), Column("currency", ColumnKind.TEXT, 9))

COLUMNS = {
    Of.TICKETS: (
        Column("number", ColumnKind.TEXT, 9),
        Column("status", ColumnKind.TEXT, 11),
        Column("order", ColumnKind.TEXT, 10),
        *_BUYER,
        *_AMOUNT,
        Column("paid_at", ColumnKind.TIME, 20),
    ),
    Of.ORDERS: (
        Column("order", ColumnKind.TEXT, 10),
        Column("status", ColumnKind.TEXT, 17),
        Column("numbers", ColumnKind.TEXT, 32),
        Column("quantity", ColumnKind.COUNT, 9),
        *_AMOUNT,
        *_BUYER,
        Column("created_at", ColumnKind.TIME, 20),
        Column("reserved_until", ColumnKind.TIME, 20),
        Column("paid_at", ColumnKind.TIME, 20),
        Column("refunded_at", ColumnKind.TIME, 20),
        Column("refund_reason", ColumnKind.TEXT, 32),
    ),
    Of.BUYERS: (
        *_BUYER,
        Column("numbers", ColumnKind.TEXT, 32),
        Column("quantity", ColumnKind.COUNT, 9),
        Column("paid", ColumnKind.COUNT, 9),
        Column("reserved", ColumnKind.COUNT, 9),
        Column("paid_amount", ColumnKind.MONEY, 12),
        Column("reserved_amount", ColumnKind.MONEY, 15),
        Column("currency", ColumnKind.TEXT, 9),
        Column("orders", ColumnKind.COUNT, 9),
        Column("first_order_at", ColumnKind.TIME, 20),
        Column("last_order_at", ColumnKind.TIME, 20),
    ),
}


def ticket_row(number: str, order: ExportedOrder | None, buyer: Person) -> tuple[TicketStatus, Row]:
    """Build the row of a padded number, and return its status too. `order`: the one that its ticket names."""
    status = ticket_status(order)
    if order is None or status is TicketStatus.AVAILABLE:
        return status, (number, status.value, None, None, None, None, None, None)
    price = CellMoney(order.unit_amount, order.currency)
    return status, (number, status.value, order.id, *buyer, price, order.currency, order.paid_at)


def order_row(order: ExportedOrder, buyer: Person, digits: int) -> Row:
    """Build the row of an order. Its numbers are padded to `digits`."""
    return (
        order.id,
        order.status.value,
        join_numbers(order.numbers, digits),
        len(order.numbers),
        CellMoney(order.amount, order.currency),
        order.currency,
        *buyer,
        order.created_at,
        order.reserved_until,
        order.paid_at,
        order.refunded_at,
        order.refund_reason,
    )


def buyer_row(orders: Sequence[ExportedOrder], buyer: Person, digits: int) -> Row:
    """Build the row of a buyer. `orders`: all their orders that own numbers, oldest first, at least one."""
    paid_orders = [order for order in orders if order.status is OrderStatus.PAID]
    reserved_orders = [order for order in orders if order.status is not OrderStatus.PAID]
    numbers = sorted(number for order in orders for number in order.numbers)
    # A raffle's currency cannot change once a number is taken.
    currency = orders[0].currency
    return (
        *buyer,
        join_numbers(numbers, digits),
        len(numbers),
        sum(len(order.numbers) for order in paid_orders),
        sum(len(order.numbers) for order in reserved_orders),
        CellMoney(sum(order.amount for order in paid_orders), currency),
        CellMoney(sum(order.amount for order in reserved_orders), currency),
        currency,
        len(orders),
        orders[0].created_at,
        orders[-1].created_at,
    )


def join_numbers(numbers: Iterable[int], digits: int) -> str:
    """Join padded numbers with commas.

    A space follows each comma, so that no program reads two numbers as one with decimals or thousands.
    """
    padded = [f"{number:0{digits}}" for number in numbers]
    return ", ".join(padded[:MAX_LISTED]) + (", …" if len(padded) > MAX_LISTED else "")
