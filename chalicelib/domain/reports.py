"""Sum up the money of a raffle: numbers sold against payments, day by day, and what is left to settle."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo
from enum import StrEnum
from typing import NamedTuple

from chalicelib.domain.orders import OrderStatus
from chalicelib.domain.raffles import Board, Raffle

MAX_NAMED = 100  # orders to settle that are named; all are counted
SALES_DAYS = 7


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
    reserved_until: datetime | None = None
    in_review_since: datetime | None = None

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

    def __add__(self, other: "Part") -> "Part":
        return Part(self.orders + other.orders, self.numbers + other.numbers, self.amount + other.amount)


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


@dataclass
class Reviews:
    """Orders in review by how long they have been there.

    Attributes:
        overdue: how many of them have been there for longer than their raffle's `review_hours` (P11).
    """

    under_an_hour: int = 0
    under_a_day: int = 0
    longer: int = 0
    overdue: int = 0


def sum_reviews(
    orders: Iterable[tuple[str, ReportedOrder]], raffles: Mapping[str, Raffle], *, now: datetime
) -> Reviews:
    """Sum up orders in review, each given with its raffle's id."""
    reviews = Reviews()
    for raffle_id, order in orders:
        waited = now - (order.in_review_since or order.changed_at)
        if waited < timedelta(hours=1):
            reviews.under_an_hour += 1
        elif waited < timedelta(days=1):
            reviews.under_a_day += 1
        else:
            reviews.longer += 1
        if raffle_id in raffles and waited >= timedelta(hours=raffles[raffle_id].review_hours):
            reviews.overdue += 1
    return reviews


@dataclass(frozen=True)
class Ending:
    """Holds that end soon: how many, and when the first one does."""

    count: int
    first_until: datetime | None


def count_ending(orders: Iterable[ReportedOrder], *, now: datetime, until: datetime) -> Ending:
    """Count the holds that end after `now` and by `until`."""
    ends = [order.reserved_until for order in orders if order.reserved_until is not None]
    soon = [end for end in ends if now < end <= until]
    return Ending(len(soon), min(soon, default=None))


@dataclass
class Sales:
    """Orders that are paid, by when their payment was confirmed: today, and within seven days including today."""

    today: Part = field(default_factory=Part)
    last_7_days: Part = field(default_factory=Part)

    def add(self, order: ReportedOrder, days_ago: int) -> None:
        if days_ago <= 0:
            self.today.add(order)
        if days_ago < SALES_DAYS:
            self.last_7_days.add(order)


def sum_sales(
    orders: Iterable[tuple[str, ReportedOrder]], zones: Mapping[str, tzinfo], *, now: datetime
) -> dict[tuple[str, str], Sales]:
    """Sum up paid orders by raffle and currency. A day is one in the time zone of the raffle.

    Orders of a raffle without a zone are left out: it is gone.
    """
    sales = dict[tuple[str, str], Sales]()
    for raffle_id, order in orders:
        if raffle_id not in zones:
            continue
        zone = zones[raffle_id]
        paid_on = (order.paid_at or order.changed_at).astimezone(zone).date()
        days_ago = (now.astimezone(zone).date() - paid_on).days
        sales.setdefault((raffle_id, order.currency), Sales()).add(order, days_ago)
    return sales
