"""Sum up the money of a raffle: numbers sold against payments, day by day, and what is left to settle."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo
from enum import StrEnum
from typing import NamedTuple

from chalicelib.domain.orders import OrderStatus
from chalicelib.domain.raffles import Board

MAX_NAMED = 100  # orders to settle that are named; all are counted


class Differs(StrEnum):
    """What may not balance. The values are part of the API."""

    NUMBERS = "numbers_differ"
    MONEY = "money_differs"
    CURRENCY = "currencies_differ"
    UNREADABLE = "orders_unreadable"


MEANINGS = {
    Differs.NUMBERS: "The board and the paid orders disagree on how many numbers are sold. If payments are being "
    "confirmed right now, ask again. If the difference persists, run python -m chalicelib check.",
    Differs.MONEY: "The board and the paid orders disagree on the money received. If payments are being confirmed "
    "right now, ask again. If the difference persists, run python -m chalicelib check.",
    Differs.CURRENCY: "Orders in a currency other than the raffle's are left out of all sums.",
    Differs.UNREADABLE: "Orders that can't be read are left out. To list them, run python -m chalicelib check.",
}


class ReportedOrder(NamedTuple):
    """An order as reports need it."""

    id: str
    status: OrderStatus
    contact_id: str
    quantity: int
    unit_amount: int
    currency: str
    changed_at: datetime
    paid_at: datetime | None
    refunded_at: datetime | None
    rejected_at: datetime | None

    @property
    def amount(self) -> int:
        return self.quantity * self.unit_amount


@dataclass
class Part:
    """The sums over some orders: how many, their numbers, and their amounts in minor units."""

    orders: int = 0
    numbers: int = 0
    amount: int = 0

    def add(self, order: ReportedOrder) -> None:
        self.orders += 1
        self.numbers += order.quantity
        self.amount += order.amount


@dataclass
class Day:
    """The payments confirmed and the refunds made on one day in the raffle's time zone."""

    confirmed: Part = field(default_factory=Part)
    refunded: Part = field(default_factory=Part)


@dataclass
class Named:
    """Orders that somebody has to settle: all are counted, the first ones are named."""

    part: Part = field(default_factory=Part)
    ids: list[str] = field(default_factory=list)

    def add(self, order: ReportedOrder) -> None:
        self.part.add(order)
        if len(self.ids) < MAX_NAMED:
            self.ids.append(order.id)


class Difference(NamedTuple):
    """`by`: the orders' sum minus the board's; or how many orders are left out."""

    what: Differs
    by: int


@dataclass
class ReportTotals:
    """The sums of one raffle's report. Orders are added one by one.

    Attributes:
        confirmed: orders whose payment was confirmed, even if they were refunded afterwards.
        refunded: those of them that were refunded. Confirmed minus refunded is what the raffle keeps.
        given_back: refunded orders whose payment was never confirmed because it came too late.
        prices: price → paid orders at this price. The price is frozen at the hold, so there may be several (H7).
        late: orders paid too late, to be reassigned or refunded.
        rejected: orders whose proof was rejected and that have not been paid since.
        foreign: how many orders are in another currency.
        unreadable: how many orders can't be read.
    """

    zone: tzinfo
    currency: str
    confirmed: Part = field(default_factory=Part)
    refunded: Part = field(default_factory=Part)
    given_back: Part = field(default_factory=Part)
    prices: dict[int, Part] = field(default_factory=lambda: defaultdict(Part))
    days: dict[date, Day] = field(default_factory=lambda: defaultdict(Day))
    by_status: dict[OrderStatus, Part] = field(default_factory=lambda: defaultdict(Part))
    late: Named = field(default_factory=Named)
    rejected: Named = field(default_factory=Named)
    contacts: Counter[str] = field(default_factory=Counter)
    foreign: int = 0
    unreadable: int = 0

    def add(self, order: ReportedOrder) -> None:
        if order.currency != self.currency:
            self.foreign += 1
            return
        self.by_status[order.status].add(order)
        self.contacts[order.contact_id] += 1
        if order.status is OrderStatus.PAID:
            self.prices[order.unit_amount].add(order)
        if order.status in (OrderStatus.PAID, OrderStatus.REFUNDED):
            self._add_money(order)
        if order.status is OrderStatus.LATE:
            self.late.add(order)
        elif order.rejected_at is not None and order.status not in (OrderStatus.PAID, OrderStatus.REFUNDED):
            self.rejected.add(order)

    def _add_money(self, order: ReportedOrder) -> None:
        if order.status is OrderStatus.REFUNDED and order.paid_at is None:
            self.given_back.add(order)
            return
        self.confirmed.add(order)
        self._day(order.paid_at or order.changed_at).confirmed.add(order)
        if order.status is OrderStatus.REFUNDED:
            self.refunded.add(order)
            self._day(order.refunded_at or order.changed_at).refunded.add(order)

    def _day(self, moment: datetime) -> Day:
        return self.days[moment.astimezone(self.zone).date()]

    @property
    def kept(self) -> int:
        """What the raffle keeps: confirmed minus refunded."""
        return self.confirmed.amount - self.refunded.amount

    def differences(self, board: Board) -> list[Difference]:
        """Compare the orders with the board. Returns an empty list if everything balances."""
        numbers = self.confirmed.numbers - self.refunded.numbers
        all_differences = (
            Difference(Differs.NUMBERS, numbers - board.sold),
            Difference(Differs.MONEY, self.kept - board.paid),
            Difference(Differs.CURRENCY, self.foreign),
            Difference(Differs.UNREADABLE, self.unreadable),
        )
        return [difference for difference in all_differences if difference.by]


@dataclass(frozen=True)
class Waiting:
    """Orders in a status: how many, their sums by raffle, and since when the oldest has been waiting.

    `is_complete`: False if there are more orders than were counted.
    """

    count: int
    by_raffle: dict[str, Part]
    oldest_at: datetime | None
    is_complete: bool


def sum_waiting(orders: Iterable[tuple[str, ReportedOrder]], *, is_complete: bool) -> Waiting:
    """Sum up orders, each given with its raffle's id."""
    count = 0
    by_raffle: dict[str, Part] = {}
    oldest_at = None
    for raffle_id, order in orders:
        count += 1
        by_raffle.setdefault(raffle_id, Part()).add(order)
        oldest_at = order.changed_at if oldest_at is None else min(oldest_at, order.changed_at)
    return Waiting(count, by_raffle, oldest_at, is_complete)
