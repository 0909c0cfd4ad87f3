"""The money report of a raffle, and the figures of a dashboard."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import NamedTuple
from zoneinfo import ZoneInfo

from chalicelib.domain.alarms import Alarm, find_alarms
from chalicelib.domain.channel import Channel
from chalicelib.domain.delivery import Queue
from chalicelib.domain.orders import REMINDER_LEAD, RUNNING, OrderStatus
from chalicelib.domain.raffles import Board, RaffleStatus
from chalicelib.domain.refusals import ReportTooLarge
from chalicelib.domain.reports import (
    SALES_DAYS,
    Difference,
    Ending,
    Part,
    ReportedOrder,
    ReportTotals,
    Reviews,
    Sales,
    Waiting,
    count_ending,
    sum_reviews,
    sum_sales,
    sum_waiting,
)
from chalicelib.store import channel, contacts, dead_letters, messages, raffles, report_reads
from chalicelib.store.report_reads import Queued

MAX_UNDELIVERED = 1000  # messages that are searched for those to a raffle's buyers
MAX_WAITING = 6_000  # orders of each status that the dashboard sums up: six queries each
NEWEST_PEOPLE = 100  # whose messages show how often the bot is not understood: one batch
MAX_COUNTED = 10_000  # items that are counted of any other queue
# Orders on which somebody has to act.
STATUSES = (OrderStatus.DRAFT, OrderStatus.PENDING_PAYMENT, OrderStatus.IN_REVIEW, OrderStatus.LATE)


@dataclass(frozen=True, kw_only=True)
class RaffleReport:
    """The money of a raffle.

    Attributes:
        undelivered: how many messages to the raffle's buyers were not delivered.
        changed: whether payments were confirmed or refunded while the orders were read, which may explain differences.
    """

    made_at: datetime
    board: Board
    report: ReportTotals
    undelivered: int
    changed: bool
    differences: list[Difference]


class Active(NamedTuple):
    """An active raffle: its board, the orders in review, those reserved without a proof, and what was sold lately."""

    board: Board
    in_review: Part
    reserved: Part
    sales: Sales


class Understanding(NamedTuple):
    """How often the bot could make nothing of what the newest people typed, each on the last day that they wrote.

    A sample: it comes from the contacts themselves, so that no message costs a write more.
    """

    people: int
    messages: int
    not_understood: int


@dataclass(frozen=True, kw_only=True)
class Stats:
    """The figures of a dashboard.

    Attributes:
        reviews: the orders in review, by age.
        holds_ending: the holds that end within five minutes.
        sales: by currency.
        sales_are_complete: False if more orders were paid within seven days than were read, newest first.
    """

    made_at: datetime
    raffles: dict[RaffleStatus, int]
    active: list[Active]
    orders: dict[OrderStatus, Waiting]
    people_waiting: Queued
    undelivered: Queued
    dead_letters: Queued
    channel: Channel
    alarms: list[Alarm]
    understanding: Understanding
    reviews: Reviews
    holds_ending: Ending
    sales: dict[str, Sales]
    sales_are_complete: bool


@dataclass(frozen=True)
class Reports:
    clock: Callable[[], datetime]

    def build_report(self, raffle_id: str, *, seconds: int | None = None) -> RaffleReport:
        """Sum up all orders of a raffle: a query for each thousand of them, and three more.

        Raises RaffleNotFound, ReportTooLarge, Busy.

        Args:
            seconds: how long it may take; None: no limit.
        """
        started_at = monotonic()
        before = raffles.board(raffle_id)
        totals = ReportTotals(zone=ZoneInfo(before.raffle.time_zone), currency=before.raffle.currency)
        for _, order in report_reads.orders_of_raffle(raffle_id):
            if order is None:
                totals.unreadable += 1
            else:
                totals.add(order)
            if seconds is not None and monotonic() - started_at > seconds:
                raise ReportTooLarge(raffle_id, seconds)
        after = raffles.board(raffle_id)
        undelivered = messages.waiting(Queue.UNDELIVERED, limit=MAX_UNDELIVERED)
        # If numbers were sold or refunded meanwhile, the orders may match either board, or one in between.
        board = min((after, before), key=lambda board: len(totals.differences(board)))
        return RaffleReport(
            made_at=self.clock(),
            board=board,
            report=totals,
            undelivered=sum(message.contact_id in totals.contacts for message in undelivered),
            changed=(before.sold, before.paid) != (after.sold, after.paid),
            differences=totals.differences(board),
        )

    def get_stats(self) -> Stats:
        """Return the figures of a dashboard.

        18 requests, one for each 100 tallies of active raffles (six large ones), one more for raffles that are not
        active any more, and one more for each thousand orders that wait or were paid within seven days. Raises Busy.
        """
        now = self.clock()
        counts = raffles.count_inactive()
        active = raffles.active()
        queues = {status: _read_queue(status) for status in STATUSES}
        sold, sales_are_complete = report_reads.orders_in_queue(
            OrderStatus.PAID, most=MAX_WAITING, since=now - timedelta(days=SALES_DAYS)
        )
        reviews = queues[OrderStatus.IN_REVIEW].orders
        paid = [(raffle_id, order) for raffle_id, order in sold if order is not None]
        known = {raffle.id: raffle for raffle in active}
        if others := {raffle_id for raffle_id, _ in (*reviews, *paid)} - known.keys():
            known |= {raffle.id: raffle for raffle in raffles.get_all(sorted(others))}
        zones = {raffle.id: ZoneInfo(raffle.time_zone) for raffle in known.values()}
        sales = sum_sales(paid, zones, now=now)
        orders = {status: queue.sum_up() for status, queue in queues.items()}
        running = [order for status in RUNNING for _, order in queues[status].orders]
        letters = report_reads.count_queue(dead_letters.LETTERS, most=MAX_COUNTED)
        state = channel.read()
        alarms = find_alarms(
            channel=state,
            dead_letter_at=letters.oldest_at,
            hold_until=min((order.reserved_until for order in running if order.reserved_until), default=None),
            message_due_at=report_reads.first_in_queue(messages.queue_key(Queue.DUE)),
            now=now,
        )
        return Stats(
            made_at=now,
            raffles={**counts, RaffleStatus.ACTIVE: len(active)},
            active=[_sum_active(board, orders, sales) for board in raffles.boards(active)],
            orders=orders,
            people_waiting=report_reads.count_queue(contacts.PERSON_WANTED, most=MAX_COUNTED),
            undelivered=report_reads.count_queue(messages.queue_key(Queue.UNDELIVERED), most=MAX_COUNTED),
            dead_letters=letters,
            channel=state,
            alarms=alarms,
            understanding=_sum_understanding(),
            reviews=sum_reviews(reviews, known, now=now),
            holds_ending=count_ending(running, now=now, until=now + REMINDER_LEAD),
            sales=_by_currency(sales),
            sales_are_complete=sales_are_complete,
        )


def _sum_understanding() -> Understanding:
    newest = contacts.listed(limit=NEWEST_PEOPLE).items
    limits = [contact.reply_limits for contact in newest]
    return Understanding(len(newest), sum(one.heard for one in limits), sum(one.missed for one in limits))


class _OrderQueue(NamedTuple):
    """The orders in a status that can be read, each with its raffle's id, and whether these are all."""

    orders: list[tuple[str, ReportedOrder]]
    is_complete: bool

    def sum_up(self) -> Waiting:
        return sum_waiting(self.orders, is_complete=self.is_complete)


def _read_queue(status: OrderStatus) -> _OrderQueue:
    orders_read, is_complete = report_reads.orders_in_queue(status, most=MAX_WAITING)
    return _OrderQueue([(raffle_id, order) for raffle_id, order in orders_read if order is not None], is_complete)


def _by_currency(sales: dict[tuple[str, str], Sales]) -> dict[str, Sales]:
    """Add up the sales of all raffles with the same currency."""
    sums = dict[str, Sales]()
    for (_, currency), of_raffle in sales.items():
        known = sums.get(currency, Sales())
        sums[currency] = Sales(known.today + of_raffle.today, known.last_7_days + of_raffle.last_7_days)
    return sums


def _sum_active(board: Board, orders: dict[OrderStatus, Waiting], sales: dict[tuple[str, str], Sales]) -> Active:
    def sum_statuses(*statuses: OrderStatus) -> Part:
        return sum((orders[status].by_raffle.get(board.raffle.id, Part()) for status in statuses), Part())

    return Active(
        board=board,
        in_review=sum_statuses(OrderStatus.IN_REVIEW),
        reserved=sum_statuses(OrderStatus.DRAFT, OrderStatus.PENDING_PAYMENT),
        sales=sales.get((board.raffle.id, board.raffle.currency), Sales()),
    )
