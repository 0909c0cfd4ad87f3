"""What came in and what waits: the report of a raffle's money, and the figures of a dashboard."""

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
from chalicelib.domain.reports import Difference, Part, ReportTotals, Waiting, waiting
from chalicelib.store import channel, contacts, dead_letters, messages, raffles, report_reads
from chalicelib.store.report_reads import Queued

MOST_UNDELIVERED = 1000  # messages that are looked through for a raffle's buyers
MOST_WAITING = 6_000  # orders in each status that are summed up for the dashboard: six queries
MOST_COUNTED = 10_000  # of everything else
STATUSES = (
    OrderStatus.DRAFT,
    OrderStatus.PENDING_PAYMENT,
    OrderStatus.IN_REVIEW,
    OrderStatus.LATE,
)  # somebody is to act


@dataclass(frozen=True, kw_only=True)
class RaffleReport:
    """`undelivered`: messages that buyers of the raffle did not get. `changed`: payments were confirmed or refunded
    while the orders were read, so the differences may be of that."""

    made_at: datetime
    board: Board
    report: ReportTotals
    undelivered: int
    changed: bool
    differences: list[Difference]


class Active(NamedTuple):
    """An active raffle: its availability, and what is paid, in review, and reserved without a proof."""

    board: Board
    in_review: Part
    reserved: Part


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


@dataclass(frozen=True)
class Reports:
    clock: Callable[[], datetime]

    def report(self, raffle_id: str, *, seconds: int | None = None) -> RaffleReport:
        """All orders of a raffle, summed up: a query for each thousand of them, and three.

        Args:
            seconds: how long it may take; None: as long as it does.

        Raises RaffleNotFound, ReportTooLarge; Busy.
        """
        began = monotonic()
        before = raffles.board(raffle_id)
        found = ReportTotals(zone=ZoneInfo(before.raffle.time_zone), currency=before.raffle.currency)
        for _, sale in report_reads.of_raffle(raffle_id):
            if sale is None:
                found.unreadable += 1
            else:
                found.add(sale)
            if seconds is not None and monotonic() - began > seconds:
                raise ReportTooLarge(raffle_id, seconds)
        after = raffles.board(raffle_id)
        given_up = messages.waiting(Queue.UNDELIVERED, limit=MOST_UNDELIVERED)
        # Sold or refunded meanwhile: then what was read belongs to either of the two moments, or to one in between.
        board = min((after, before), key=lambda board: len(found.differences(board)))
        return RaffleReport(
            made_at=self.clock(),
            board=board,
            report=found,
            undelivered=sum(message.contact_id in found.contacts for message in given_up),
            changed=(before.sold, before.paid) != (after.sold, after.paid),
            differences=found.differences(board),
        )

    def stats(self) -> Stats:
        """The figures of a dashboard: 14 requests, one for each active raffle, and one more for each thousand orders
        that wait. Raises Busy."""
        counts, running = raffles.count_inactive(), raffles.active()
        orders = {status: _waiting(status) for status in STATUSES}
        return Stats(
            made_at=self.clock(),
            raffles={**counts, RaffleStatus.ACTIVE: len(running)},
            active=[_active(raffles.board(raffle.id), orders) for raffle in running],
            orders=orders,
            people_waiting=report_reads.queued(contacts.PERSON_WANTED, most=MOST_COUNTED),
            undelivered=report_reads.queued(messages.queue_key(Queue.UNDELIVERED), most=MOST_COUNTED),
            dead_letters=report_reads.queued(dead_letters.LETTERS, most=MOST_COUNTED),
            channel=channel.read(),
        )


def _waiting(status: OrderStatus) -> Waiting:
    found, is_complete = report_reads.in_queue(status, most=MOST_WAITING)
    return waiting(((one.raffle_id, one.sale) for one in found if one.sale is not None), is_complete=is_complete)


def _active(board: Board, orders: dict[OrderStatus, Waiting]) -> Active:
    def part(*statuses: OrderStatus) -> Part:
        parts = [orders[status].by_raffle.get(board.raffle.id, Part()) for status in statuses]
        return Part(*(sum(values) for values in zip(*((p.orders, p.numbers, p.amount) for p in parts), strict=True)))

    return Active(board, part(OrderStatus.IN_REVIEW), part(OrderStatus.DRAFT, OrderStatus.PENDING_PAYMENT))
