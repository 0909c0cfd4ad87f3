"""Money and waiting work over REST: the report of a raffle, and the figures of a dashboard."""

from datetime import date
from typing import Annotated, ClassVar

from pydantic import Field

from chalicelib.domain.channel import Stop
from chalicelib.domain.orders import OrderStatus
from chalicelib.domain.raffles import RaffleStatus
from chalicelib.domain.reports import MEANINGS, Differs, Named, Part, Waiting
from chalicelib.http.dispatch import Call
from chalicelib.http.raffles import AvailabilityView
from chalicelib.http.schemas import Moment, View
from chalicelib.services.reports import Active, RaffleReport, Stats
from chalicelib.store.report_reads import Queued

SECONDS = 22  # for reading orders; API Gateway waits 29


class PartView(View):
    """Some orders: how many, their numbers, and what they come to in minor units."""

    orders: int
    numbers: int
    amount: int


class PriceView(PartView):
    """Paid orders with one price of a number, which was frozen when they were held."""

    unit_amount: int


class DayView(View):
    """A day in the raffle's time zone: what was confirmed on it, and what was refunded."""

    date: date
    orders: int
    numbers: int
    amount: int
    refunded: int


class NamedView(PartView):
    """Orders to settle: all of them are counted, up to 100 are named."""

    ids: list[str]


class SoldView(View):
    """What the board says: numbers sold, and what was booked with them."""

    numbers: int
    amount: int


class DifferenceView(View):
    """What does not come out even. `by`: how much more the orders say than the board, or how many are left out."""

    code: Differs
    by: int
    text: str


class ReportView(View):
    """The money of a raffle: sold = confirmed − refunded, or the differences say what is not.

    `given_back`: refunds of payments that came too late and were never confirmed, so they are in no other sum.
    `changed`: payments were confirmed or refunded while this was read. `undelivered`: messages that buyers did not get.
    """

    IS: ClassVar = "raffle_id"

    raffle: str
    currency: str
    time_zone: str
    made_at: Moment
    sold: SoldView
    confirmed: PartView
    refunded: PartView
    kept: Annotated[int, Field(description="confirmed less refunded")]
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
    """`oldest_at`: since when the first of them waits. Where it is not complete there are more."""

    count: int
    oldest_at: Moment | None
    is_complete: bool


class ActiveView(View):
    """An active raffle. Money is in minor units: `paid` by the board, the others by the orders that wait."""

    id: str
    title: str
    code: str
    currency: str
    availability: AvailabilityView
    paid: int
    in_review: PartView
    reserved: PartView


class SendingView(View):
    """Whether messages go out. `stopped`: nothing, or nothing that was not asked for, until somebody resumes."""

    stopped: Stop | None
    code: int | None
    since: Moment | None
    resumes_at: Moment | None


class StatsView(View):
    made_at: Moment
    raffles: dict[RaffleStatus, int]
    active: list[ActiveView]
    orders: dict[OrderStatus, WaitingView]
    people_waiting: WaitingView
    undelivered: WaitingView
    dead_letters: WaitingView
    sending: SendingView


def raffle_report(call: Call, raffle_id: str) -> ReportView:
    """What was sold against what was paid, by day and by price, and what is left to settle."""
    return present(call.container.reports.build_report(raffle_id, seconds=SECONDS))


def stats(call: Call) -> StatsView:
    """The figures of a dashboard: raffles, money, and whatever waits for somebody."""
    return _stats(call.container.reports.get_stats())


def present(made: RaffleReport) -> ReportView:
    """Also what the command prints for programs."""
    raffle, found = made.board.raffle, made.report
    return ReportView(
        raffle=raffle.id,
        currency=raffle.currency,
        time_zone=raffle.time_zone,
        made_at=made.made_at,
        sold=SoldView(numbers=made.board.sold, amount=made.board.paid),
        confirmed=_part(found.confirmed),
        refunded=_part(found.refunded),
        kept=found.kept,
        given_back=_part(found.given_back),
        prices=[PriceView(unit_amount=price, **vars(part)) for price, part in sorted(found.prices.items())],
        days=[
            DayView(date=day, **vars(sums.confirmed), refunded=sums.refunded.amount)
            for day, sums in sorted(found.days.items())
        ],
        by_status={status: _part(part) for status, part in sorted(found.by_status.items())},
        late=_named(found.late),
        rejected=_named(found.rejected),
        undelivered=made.undelivered,
        changed=made.changed,
        differences=[DifferenceView(code=one.what, by=one.by, text=MEANINGS[one.what]) for one in made.differences],
    )


def _stats(found: Stats) -> StatsView:
    return StatsView(
        made_at=found.made_at,
        raffles=found.raffles,
        active=[_active(one) for one in found.active],
        orders={status: _waiting(one) for status, one in found.orders.items()},
        people_waiting=_waiting(found.people_waiting),
        undelivered=_waiting(found.undelivered),
        dead_letters=_waiting(found.dead_letters),
        sending=SendingView.model_validate(found.channel),
    )


def _active(one: Active) -> ActiveView:
    raffle = one.board.raffle
    return ActiveView(
        id=raffle.id,
        title=raffle.title,
        code=raffle.code,
        currency=raffle.currency,
        availability=AvailabilityView(**one.board.availability._asdict()),
        paid=one.board.paid,
        in_review=_part(one.in_review),
        reserved=_part(one.reserved),
    )


def _part(part: Part) -> PartView:
    return PartView(**vars(part))


def _named(named: Named) -> NamedView:
    return NamedView(**vars(named.part), ids=named.ids)


def _waiting(found: Waiting | Queued) -> WaitingView:
    return WaitingView(count=found.count, oldest_at=found.oldest_at, is_complete=found.is_complete)
