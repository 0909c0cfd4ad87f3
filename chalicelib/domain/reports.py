"""The money of a raffle: what was sold against what was paid, day by day, and what is still to be settled."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo
from enum import StrEnum
from typing import NamedTuple

from chalicelib.domain.orders import OrderStatus
from chalicelib.domain.raffles import Board

MOST_NAMED = 100  # orders of a kind that are named; all are counted


class Differs(StrEnum):
    """What may not come out even. The values are part of the outside contract."""

    NUMBERS = "numbers_differ"
    MONEY = "money_differs"
    CURRENCY = "currencies_differ"
    UNREADABLE = "orders_unreadable"


MEANINGS = {
    Differs.NUMBERS: "The board shows another count of sold numbers than the paid orders have. While payments are "
    "confirmed, ask again; if it stays: python -m chalicelib check.",
    Differs.MONEY: "What was booked with the sold numbers is not what the paid orders come to. While payments are "
    "confirmed, ask again; if it stays: python -m chalicelib check.",
    Differs.CURRENCY: "Orders in another currency than the raffle's are left out of all sums.",
    Differs.UNREADABLE: "Orders that can't be read are left out: python -m chalicelib check names them.",
}


class ReportedOrder(NamedTuple):
    """What a report needs of an order."""

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
    """Some of the orders: how many, their numbers, and what they come to in minor units."""

    orders: int = 0
    numbers: int = 0
    amount: int = 0

    def add(self, sale: ReportedOrder) -> None:
        self.orders += 1
        self.numbers += sale.quantity
        self.amount += sale.amount


@dataclass
class Day:
    """What was confirmed on a day of the raffle's time zone, and what was refunded on it."""

    confirmed: Part = field(default_factory=Part)
    refunded: Part = field(default_factory=Part)


@dataclass
class Named:
    """Orders that somebody has to look at: all counted, the first ones named."""

    part: Part = field(default_factory=Part)
    ids: list[str] = field(default_factory=list)

    def add(self, sale: ReportedOrder) -> None:
        self.part.add(sale)
        if len(self.ids) < MOST_NAMED:
            self.ids.append(sale.id)


class Difference(NamedTuple):
    """`by`: how much more the orders say than the board; or how many are left out."""

    what: Differs
    by: int


@dataclass
class ReportTotals:
    """The report of one raffle, which orders are added to one by one.

    Attributes:
        confirmed: all whose payment was confirmed, also those that were refunded afterwards.
        refunded: those of them; so confirmed − refunded is what the raffle has.
        given_back: refunded orders whose payment was never confirmed: it came too late, and went back.
        prices: price → the paid orders with it; it is frozen at the hold, so there may be several (H7).
        late: paid too late, to be reassigned or refunded.
        rejected: whose proof was rejected, and that are not paid (yet).
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

    def add(self, sale: ReportedOrder) -> None:
        if sale.currency != self.currency:
            self.foreign += 1
            return
        self.by_status[sale.status].add(sale)
        self.contacts[sale.contact_id] += 1
        if sale.status is OrderStatus.PAID:
            self.prices[sale.unit_amount].add(sale)
        if sale.status in (OrderStatus.PAID, OrderStatus.REFUNDED):
            self._add_money(sale)
        if sale.status is OrderStatus.LATE:
            self.late.add(sale)
        elif sale.rejected_at is not None and sale.status not in (OrderStatus.PAID, OrderStatus.REFUNDED):
            self.rejected.add(sale)

    def _add_money(self, sale: ReportedOrder) -> None:
        if sale.status is OrderStatus.REFUNDED and sale.paid_at is None:
            self.given_back.add(sale)
            return
        self.confirmed.add(sale)
        self._day(sale.paid_at or sale.changed_at).confirmed.add(sale)
        if sale.status is OrderStatus.REFUNDED:
            self.refunded.add(sale)
            self._day(sale.refunded_at or sale.changed_at).refunded.add(sale)

    def _day(self, moment: datetime) -> Day:
        return self.days[moment.astimezone(self.zone).date()]

    @property
    def kept(self) -> int:
        """What the raffle has: confirmed − refunded."""
        return self.confirmed.amount - self.refunded.amount

    def differences(self, board: Board) -> list[Difference]:
        """What does not come out even between the orders and the board; nothing when all does."""
        numbers = self.confirmed.numbers - self.refunded.numbers
        found = (
            Difference(Differs.NUMBERS, numbers - board.sold),
            Difference(Differs.MONEY, self.kept - board.paid),
            Difference(Differs.CURRENCY, self.foreign),
            Difference(Differs.UNREADABLE, self.unreadable),
        )
        return [difference for difference in found if difference.by]


@dataclass(frozen=True)
class Waiting:
    """Orders in a status: how many, what they come to by raffle, and since when the oldest has been there.

    `is_complete` is False where there are more than were counted.
    """

    count: int
    by_raffle: dict[str, Part]
    oldest_at: datetime | None
    is_complete: bool


def waiting(sales: Iterable[tuple[str, ReportedOrder]], *, is_complete: bool) -> Waiting:
    """The sum of orders, each with its raffle's id."""
    count, by_raffle, oldest = 0, dict[str, Part](), None
    for raffle_id, sale in sales:
        count += 1
        by_raffle.setdefault(raffle_id, Part()).add(sale)
        oldest = sale.changed_at if oldest is None else min(oldest, sale.changed_at)
    return Waiting(count, by_raffle, oldest, is_complete)
