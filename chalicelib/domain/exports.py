"""An export: what of a raffle is asked for in which form, how far it is, and when it is gone."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from chalicelib.domain.orders import OWNING, OrderStatus
from chalicelib.domain.raffles import TicketStatus

KEPT = timedelta(days=7)  # after it was asked for; infra/resources.json lets the file vanish as late
# The function that makes it has 15 minutes (.chalice/config.json). It gives up by itself a little earlier, so that the
# reason is known. Who makes an export has it to themselves for as long as the function can live, and a little longer.
LONGEST = timedelta(minutes=14)
LEASE = timedelta(seconds=930)
# The queue hands it over three times, 16 minutes apart. Of what has not moved for so long nothing will come any more.
ABANDONED = timedelta(hours=1)


class Of(StrEnum):
    """What a row is about."""

    TICKETS = "tickets"
    ORDERS = "orders"
    BUYERS = "buyers"


class Format(StrEnum):
    CSV = "csv"
    XLSX = "xlsx"


class ExportStatus(StrEnum):
    WAITING = "WAITING"
    RUNNING = "RUNNING"
    READY = "READY"
    FAILED = "FAILED"


UNFINISHED = frozenset({ExportStatus.WAITING, ExportStatus.RUNNING})


class Reason(StrEnum):
    """Why there is no file."""

    RAFFLE_GONE = "raffle_gone"
    TOO_MANY_ROWS = "too_many_rows"  # more than an XLSX sheet has: as CSV there is no such bound
    TOO_LONG = "too_long"
    INTERNAL_ERROR = "internal_error"
    GIVEN_UP = "given_up"  # nobody is at it any more: the function was stopped each time


class ExportRequest(NamedTuple):
    """What is asked for. `status` leaves out the tickets that have another one; None leaves out none."""

    raffle_id: str
    of: Of = Of.TICKETS
    format: Format = Format.CSV
    status: TicketStatus | None = None


@dataclass(frozen=True, kw_only=True)
class Export:
    """An export that is made in the background.

    `rows` is how many there will be (None: not counted yet), `done` how many are written, `progress` per cent of the
    work. `run` names whoever makes it just now, who has it to themselves until `leased_until`.
    """

    id: str
    wanted: ExportRequest
    status: ExportStatus
    file_name: str
    created_at: datetime
    updated_at: datetime
    rows: int | None = None
    done: int = 0
    progress: int = 0
    size: int | None = None  # bytes
    reason: Reason | None = None
    finished_at: datetime | None = None
    run: str | None = None
    leased_until: datetime | None = None

    @property
    def vanishes_at(self) -> datetime:
        return self.created_at + KEPT

    @property
    def key(self) -> str:
        """Where the file is in the bucket: the same, however often it is made."""
        return f"exports/{self.id}"

    def is_gone(self, now: datetime) -> bool:
        """Whether its days are over; DynamoDB takes the item away some time later."""
        return now >= self.vanishes_at

    def is_abandoned(self, now: datetime) -> bool:
        return self.status in UNFINISHED and now >= self.updated_at + ABANDONED

    def is_being_made(self, now: datetime) -> bool:
        """Whether a file will come of it, so that nobody needs to ask for another one."""
        return self.status in UNFINISHED and not self.is_abandoned(now) and not self.is_gone(now)


class Person(NamedTuple):
    """What organisers need of a contact. `phone` as +50255550001, or empty."""

    name: str
    phone: str


class ExportedOrder(NamedTuple):
    """An order, as far as exports show it. Amounts are in minor units."""

    id: str
    contact_id: str
    status: OrderStatus
    numbers: tuple[int, ...]
    unit_amount: int
    currency: str
    created_at: datetime
    reserved_until: datetime | None
    paid_at: datetime | None
    refunded_at: datetime | None
    refund_reason: str | None

    @property
    def amount(self) -> int:
        return self.unit_amount * len(self.numbers)


def ticket_status(order: ExportedOrder | None) -> TicketStatus:
    """Of a number whose ticket names this order. An order that has ended meanwhile has no numbers any more."""
    if order is None or order.status not in OWNING:
        return TicketStatus.AVAILABLE
    return TicketStatus.SOLD if order.status is OrderStatus.PAID else TicketStatus.RESERVED


def file_name(code: str, wanted: ExportRequest, at: datetime) -> str:
    """Of letters, digits and hyphens, so that every system and every header takes it. `at` in the raffle's time."""
    status = f"-{wanted.status.lower()}" if wanted.status else ""
    return f"{code.lower()}-{wanted.of}{status}-{at:%Y%m%d-%H%M}.{wanted.format}"
