"""The columns of each export, and how to build a row. `docs/exports.md` explains them to organisers."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import Enum, auto
from typing import NamedTuple

from chalicelib.domain.exports import ExportedOrder, Of, Person, ticket_status
from chalicelib.domain.orders import OrderStatus
from chalicelib.domain.raffles import Raffle, TicketStatus

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


class Fact(NamedTuple):
    """A field of the raffle, as the second sheet of an XLSX shows it."""

    name: str
    kind: ColumnKind
    value: Cell


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
        Column("age_confirmed", ColumnKind.COUNT, 14),
        Column("age_confirmed_at", ColumnKind.TIME, 20),
    ),
}


def ticket_row(number: str, order: ExportedOrder | None, buyer: Person) -> tuple[TicketStatus, Row]:
    """Build the row of a padded number, and return its status too. `order`: the one that its ticket names."""
    status = ticket_status(order)
    if order is None or status is TicketStatus.AVAILABLE:
        return status, (number, status.value, None, None, None, None, None, None)
    price = CellMoney(order.unit_amount, order.currency)
    return status, (number, status.value, order.id, buyer.name, buyer.phone, price, order.currency, order.paid_at)


def order_row(order: ExportedOrder, buyer: Person, digits: int) -> Row:
    """Build the row of an order. Its numbers are padded to `digits`."""
    return (
        order.id,
        order.status.value,
        join_numbers(order.numbers, digits),
        len(order.numbers),
        CellMoney(order.amount, order.currency),
        order.currency,
        buyer.name,
        buyer.phone,
        order.created_at,
        order.reserved_until,
        order.paid_at,
        order.refunded_at,
        order.refund_reason,
    )


def buyer_row(orders: Sequence[ExportedOrder], buyer: Person, digits: int, *, asks_age: bool) -> Row:
    """Build the row of a buyer.

    Args:
        orders: all their orders that own numbers, oldest first, at least one.
        asks_age: whether the raffle has a minimum age. What they said for another raffle is nobody's business here.
    """
    paid_orders = [order for order in orders if order.status is OrderStatus.PAID]
    reserved_orders = [order for order in orders if order.status is not OrderStatus.PAID]
    numbers = sorted(number for order in orders for number in order.numbers)
    # A raffle's currency cannot change once a number is taken.
    currency = orders[0].currency
    return (
        buyer.name,
        buyer.phone,
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
        buyer.age_confirmed if asks_age else None,
        buyer.age_confirmed_at if asks_age else None,
    )


def raffle_facts(raffle: Raffle) -> list[Fact]:
    """Return what the raffle itself is, as pairs of a field's name and its value. What is not known is left out."""
    organiser, permit = raffle.organiser, raffle.permit
    facts = [
        Fact("title", ColumnKind.TEXT, raffle.title),
        Fact("code", ColumnKind.TEXT, raffle.code),
        Fact("status", ColumnKind.TEXT, raffle.status.value),
        Fact("prize", ColumnKind.TEXT, raffle.prize),
        Fact("unit_amount", ColumnKind.MONEY, CellMoney(raffle.unit_amount, raffle.currency)),
        Fact("currency", ColumnKind.TEXT, raffle.currency),
        Fact("first_number", ColumnKind.COUNT, raffle.first_number),
        Fact("last_number", ColumnKind.COUNT, raffle.last_number),
        Fact("opens_at", ColumnKind.TIME, raffle.opens_at),
        Fact("closes_at", ColumnKind.TIME, raffle.closes_at),
        Fact("draws_at", ColumnKind.TIME, raffle.draws_at),
        Fact("draw_method", ColumnKind.TEXT, raffle.draw_method),
        Fact("organiser", ColumnKind.TEXT, organiser.name if organiser else None),
        Fact("organiser_contact", ColumnKind.TEXT, organiser.contact if organiser else None),
        Fact("permit_authority", ColumnKind.TEXT, permit.authority if permit else None),
        Fact("permit_number", ColumnKind.TEXT, permit.number if permit else None),
        Fact("rules_url", ColumnKind.TEXT, raffle.rules_url),
        Fact("minimum_age", ColumnKind.COUNT, raffle.minimum_age),
        Fact("time_zone", ColumnKind.TEXT, raffle.time_zone),
    ]
    return [fact for fact in facts if fact.value not in (None, "")]


def join_numbers(numbers: Iterable[int], digits: int) -> str:
    """Join padded numbers with commas.

    A space follows each comma, so that no program reads two numbers as one with decimals or thousands.
    """
    padded = [f"{number:0{digits}}" for number in numbers]
    return ", ".join(padded[:MAX_LISTED]) + (", …" if len(padded) > MAX_LISTED else "")
