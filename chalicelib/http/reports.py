"""Reports: the money of a raffle, and the figures of a dashboard."""

from datetime import date
from typing import Annotated, ClassVar

from pydantic import Field

from chalicelib.domain.alarms import AlarmCode
from chalicelib.domain.orders import OrderStatus
from chalicelib.domain.raffles import RaffleStatus
from chalicelib.domain.reports import MEANINGS, Differs, Named, Part, Sales, Waiting
from chalicelib.http.dispatch import Call
from chalicelib.http.raffles import AvailabilityView
from chalicelib.http.schemas import Moment, View
from chalicelib.http.sending import SendingView
from chalicelib.services.reports import Active, RaffleReport, Stats, Understanding
from chalicelib.store.report_reads import Queued

REPORT_SECONDS = 22  # for reading orders: API Gateway waits 29


class PartView(View):
    """The sum of some orders: how many they are, how many numbers they have, and their amount in minor units."""

    orders: int
    numbers: int
    amount: int


class PriceView(PartView):
    """Paid orders with the same price of a number, which is fixed when the numbers are held."""

    unit_amount: int


class DayView(View):
    """What was confirmed and refunded on one day, in the raffle's time zone."""

    date: date
    orders: int
    numbers: int
    amount: int
    refunded: int


class NamedView(PartView):
    """Orders to settle: the sum of all of them, and the ids of up to 100."""

    ids: list[str]


class SoldView(View):
    """Sold numbers and their amount according to the board, not to the orders."""

    numbers: int
    amount: int


class DifferenceView(View):
    """A difference between orders and board. `by`: the orders' figure minus the board's, or how many are left out."""

    code: Differs
    by: int
    text: str


class ReportView(View):
    """The money of a raffle. Sold equals confirmed minus refunded; otherwise `differences` says why not.

    `given_back` are refunds of late payments that were never confirmed; they are in no other sum. `undelivered` counts
    messages that buyers did not get. `changed` is true if payments were confirmed or refunded during the reading.
    """

    ID_PARAMETER: ClassVar = "raffle_id"

    raffle: str
    currency: str
    time_zone: str
    made_at: Moment
    sold: SoldView
    confirmed: PartView
    refunded: PartView
    kept: Annotated[int, Field(description="Confirmed minus refunded.")]
    given_back: PartView
    prices: list[PriceView]
    days: list[DayView]
    by_status: dict[OrderStatus, PartView]
    late: NamedView
    rejected: NamedView
    undelivered: int
    changed: bool
    differences: list[DifferenceView]


class WaitingView(View):
    """How many items wait, and since when the first one does. If the count is not complete, there are more."""

    count: int
    oldest_at: Moment | None
    is_complete: bool


class SalesView(View):
    """Paid orders whose payment was confirmed today, and within seven days, today included. No refunded ones.

    A day is one in the raffle's time zone.
    """

    today: PartView
    last_7_days: PartView


class CurrencySalesView(SalesView):
    """The sales of all raffles with this currency."""

    currency: str


class ReviewsView(View):
    """Orders in review by how long they have been there."""

    under_an_hour: int
    under_a_day: int
    longer: int
    overdue: Annotated[int, Field(description="How many have been there for longer than their raffle's review_hours.")]


class EndingView(View):
    """Holds that end within five minutes."""

    count: int
    first_until: Moment | None


class ActiveView(View):
    """An active raffle. `paid` is in minor units and comes from the board, the other sums from orders."""

    id: str
    title: str
    code: str
    currency: str
    availability: AvailabilityView
    paid: int
    in_review: PartView
    reserved: PartView
    sales: SalesView


class UnderstandingView(View):
    """How often the bot could make nothing of what the newest people typed, each on the last day that they wrote.

    `share` is null if nobody has typed anything.
    """

    people: int
    messages: int
    not_understood: int
    share: float | None


class AlarmView(View):
    """Something that is wrong with the service itself, and since when, if that is known."""

    code: AlarmCode
    since: Moment | None
    text: str


class StatsView(View):
    """The figures of a dashboard: raffles, money, and whatever waits for somebody."""

    made_at: Moment
    raffles: dict[RaffleStatus, int]
    active: list[ActiveView]
    orders: dict[OrderStatus, WaitingView]
    people_waiting: WaitingView
    undelivered: WaitingView
    dead_letters: WaitingView
    sending: SendingView
    alarms: Annotated[
        list[AlarmView], Field(description="The gravest first. CloudWatch has further alarms, which write e-mails.")
    ]
    understanding: UnderstandingView
    reviews: ReviewsView
    holds_ending: EndingView
    sales: list[CurrencySalesView]
    sales_are_complete: Annotated[
        bool, Field(description="Whether all orders that were paid within seven days are counted; if not, the newest.")
    ]


def raffle_report(call: Call, raffle_id: str) -> ReportView:
    """Get the report of a raffle.

    Compares sold numbers with payments, sums payments by day and by price, and lists what is left to settle.
    """
    return present(call.container.reports.build_report(raffle_id, seconds=REPORT_SECONDS))


def stats(call: Call) -> StatsView:
    """Get the figures of a dashboard.

    Raffles, money, and whatever waits for somebody.
    """
    return _present_stats(call.container.reports.get_stats())


def present(report: RaffleReport) -> ReportView:
    """Return a report as the API shows it. The command line prints the same with --json."""
    raffle = report.board.raffle
    totals = report.report
    return ReportView(
        raffle=raffle.id,
        currency=raffle.currency,
        time_zone=raffle.time_zone,
        made_at=report.made_at,
        sold=SoldView(numbers=report.board.sold, amount=report.board.paid),
        confirmed=_part(totals.confirmed),
        refunded=_part(totals.refunded),
        kept=totals.kept,
        given_back=_part(totals.given_back),
        prices=[PriceView(unit_amount=price, **vars(part)) for price, part in sorted(totals.prices.items())],
        days=[
            DayView(date=day, **vars(sums.confirmed), refunded=sums.refunded.amount)
            for day, sums in sorted(totals.days.items())
        ],
        by_status={status: _part(part) for status, part in sorted(totals.by_status.items())},
        late=_named(totals.late),
        rejected=_named(totals.rejected),
        undelivered=report.undelivered,
        changed=report.changed,
        differences=[
            DifferenceView(code=difference.what, by=difference.by, text=MEANINGS[difference.what])
            for difference in report.differences
        ],
    )


def _present_stats(stats: Stats) -> StatsView:
    return StatsView(
        made_at=stats.made_at,
        raffles=stats.raffles,
        active=[_active(active) for active in stats.active],
        orders={status: _waiting(waiting) for status, waiting in stats.orders.items()},
        people_waiting=_waiting(stats.people_waiting),
        undelivered=_waiting(stats.undelivered),
        dead_letters=_waiting(stats.dead_letters),
        sending=SendingView.model_validate(stats.channel),
        alarms=[AlarmView.model_validate(alarm) for alarm in stats.alarms],
        understanding=_understanding(stats.understanding),
        reviews=ReviewsView.model_validate(stats.reviews),
        holds_ending=EndingView.model_validate(stats.holds_ending),
        sales=[
            CurrencySalesView(currency=currency, **dict(_sales(sales)))
            for currency, sales in sorted(stats.sales.items())
        ],
        sales_are_complete=stats.sales_are_complete,
    )


def _understanding(sums: Understanding) -> UnderstandingView:
    share = round(sums.not_understood / sums.messages, 4) if sums.messages else None
    return UnderstandingView(**sums._asdict(), share=share)


def _active(active: Active) -> ActiveView:
    raffle = active.board.raffle
    return ActiveView(
        id=raffle.id,
        title=raffle.title,
        code=raffle.code,
        currency=raffle.currency,
        availability=AvailabilityView(**active.board.availability._asdict()),
        paid=active.board.paid,
        in_review=_part(active.in_review),
        reserved=_part(active.reserved),
        sales=_sales(active.sales),
    )


def _sales(sales: Sales) -> SalesView:
    return SalesView(today=_part(sales.today), last_7_days=_part(sales.last_7_days))


def _part(part: Part) -> PartView:
    return PartView(**vars(part))


def _named(named: Named) -> NamedView:
    return NamedView(**vars(named.part), ids=named.ids)


def _waiting(waiting: Waiting | Queued) -> WaitingView:
    return WaitingView(count=waiting.count, oldest_at=waiting.oldest_at, is_complete=waiting.is_complete)
