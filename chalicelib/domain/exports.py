"""An export of a raffle: what was requested, how far it is, and when it expires."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from chalicelib.domain.orders import OWNING, OrderStatus
from chalicelib.domain.raffles import TicketStatus

KEPT = timedelta(days=7)  # after the request; infra/resources.json deletes the file after the same time
# The function has 15 minutes (.chalice/config.json). A run gives up a little earlier, so that the reason is recorded.
LONGEST = timedelta(minutes=14)
# A run owns its export for as long as the function can live, and a little longer.
LEASE = timedelta(seconds=930)
# The queue delivers an export three times, 16 minutes apart. After an hour without progress no run is left.
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
    TOO_MANY_ROWS = "too_many_rows"  # for an XLSX sheet; CSV has no limit
    TOO_LONG = "too_long"
    INTERNAL_ERROR = "internal_error"
    GIVEN_UP = "given_up"  # abandoned: the function was stopped each time


class ExportRequest(NamedTuple):
    """What to export. `status`: only tickets with this status; None: all."""

    raffle_id: str
    of: Of = Of.TICKETS
    format: Format = Format.CSV
    status: TicketStatus | None = None


@dataclass(frozen=True, kw_only=True)
class Export:
    """An export in the background.

    Attributes:
        rows: how many rows the file will have; None: not counted yet.
        done: how many rows are written.
        progress: per cent of the work.
        run: id of the run that owns the export until `leased_until`.
    """

    id: str
    request: ExportRequest
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
        """The file's key in the bucket. Every run writes to the same key."""
        return f"exports/{self.id}"

    def is_gone(self, now: datetime) -> bool:
        """Return whether the export has expired. DynamoDB deletes the item some time later."""
        return now >= self.vanishes_at

    def is_abandoned(self, now: datetime) -> bool:
        return self.status in UNFINISHED and now >= self.updated_at + ABANDONED

    def is_being_made(self, now: datetime) -> bool:
        """Return whether a file is still to be expected, so that a second export would be of no use."""
        return self.status in UNFINISHED and not self.is_abandoned(now) and not self.is_gone(now)


class Person(NamedTuple):
    """A contact as exports show it.

    Attributes:
        phone: as +50255550001, or empty.
        age_confirmed: the age in years that they said to have reached (H16), and `age_confirmed_at` when.
    """

    name: str
    phone: str
    age_confirmed: int | None = None
    age_confirmed_at: datetime | None = None


class ExportedOrder(NamedTuple):
    """An order as exports show it. Amounts are in minor units."""

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
    """Return the status of a number whose ticket names this order. An order that has ended owns no numbers."""
    if order is None or order.status not in OWNING:
        return TicketStatus.AVAILABLE
    return TicketStatus.SOLD if order.status is OrderStatus.PAID else TicketStatus.RESERVED


def file_name(code: str, request: ExportRequest, at: datetime) -> str:
    """Name the file with letters, digits and hyphens only: safe on every system and in a header.

    `at` is in the raffle's time zone.
    """
    status = f"-{request.status.lower()}" if request.status else ""
    return f"{code.lower()}-{request.of}{status}-{at:%Y%m%d-%H%M}.{request.format}"
