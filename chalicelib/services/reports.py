"""The money report of a raffle, and the figures of a dashboard."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from typing import NamedTuple
from zoneinfo import ZoneInfo

from chalicelib.domain.channel import Channel
from chalicelib.domain.delivery import Queue
from chalicelib.domain.orders import OrderStatus
from chalicelib.domain.raffles import Board, RaffleStatus
from chalicelib.domain.refusals import ReportTooLarge
from chalicelib.domain.reports import Difference, Part, ReportTotals, Waiting, sum_waiting
from chalicelib.store import channel, contacts, dead_letters, messages, raffles, report_reads
from chalicelib.store.report_reads import Queued

MAX_UNDELIVERED = 1000  # messages that are searched for those to a raffle's buyers
MAX_WAITING = 6_000  # orders of each status that the dashboard sums up: six queries
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
    """An active raffle: its board, and the orders in review and those reserved without a proof."""

    board: Board
    in_review: Part
    reserved: Part


class Understanding(NamedTuple):
    """How often the bot could make nothing of what the newest people typed, each on the last day that they wrote.

    A sample: it comes from the contacts themselves, so that no message costs a write more.
    """

    people: int
    messages: int
    not_understood: int


@dataclass(frozen=True, kw_only=True)
class Stats:
    made_at: datetime
    raffles: dict[RaffleStatus, int]
    active: list[Active]
    orders: dict[OrderStatus, Waiting]
    people_waiting: Queued
    undelivered: Queued
    dead_letters: Queued
    channel: Channel
    understanding: Understanding


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

        16 requests, one for each active raffle, and one more for each thousand waiting orders. Raises Busy.
        """
        counts = raffles.count_inactive()
        active = raffles.active()
        orders = {status: _sum_queue(status) for status in STATUSES}
        return Stats(
            made_at=self.clock(),
            raffles={**counts, RaffleStatus.ACTIVE: len(active)},
            active=[_sum_active(raffles.board(raffle.id), orders) for raffle in active],
            orders=orders,
            people_waiting=report_reads.count_queue(contacts.PERSON_WANTED, most=MAX_COUNTED),
            undelivered=report_reads.count_queue(messages.queue_key(Queue.UNDELIVERED), most=MAX_COUNTED),
            dead_letters=report_reads.count_queue(dead_letters.LETTERS, most=MAX_COUNTED),
            channel=channel.read(),
            understanding=_sum_understanding(),
        )


def _sum_understanding() -> Understanding:
    newest = contacts.listed(limit=NEWEST_PEOPLE).items
    limits = [contact.reply_limits for contact in newest]
    return Understanding(len(newest), sum(one.heard for one in limits), sum(one.missed for one in limits))


def _sum_queue(status: OrderStatus) -> Waiting:
    orders_read, is_complete = report_reads.orders_in_queue(status, most=MAX_WAITING)
    readable = ((raffle_id, order) for raffle_id, order in orders_read if order is not None)
    return sum_waiting(readable, is_complete=is_complete)


def _sum_active(board: Board, orders: dict[OrderStatus, Waiting]) -> Active:
    def sum_statuses(*statuses: OrderStatus) -> Part:
        parts = [orders[status].by_raffle.get(board.raffle.id, Part()) for status in statuses]
        return Part(
            orders=sum(part.orders for part in parts),
            numbers=sum(part.numbers for part in parts),
            amount=sum(part.amount for part in parts),
        )

    return Active(
        board=board,
        in_review=sum_statuses(OrderStatus.IN_REVIEW),
        reserved=sum_statuses(OrderStatus.DRAFT, OrderStatus.PENDING_PAYMENT),
    )
