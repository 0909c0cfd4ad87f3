"""Filters of the lists of orders and raffles."""

from dataclasses import dataclass
from datetime import datetime

from chalicelib.domain.orders import Order, OrderStatus
from chalicelib.domain.raffles import Raffle, RaffleStatus


@dataclass(frozen=True, kw_only=True)
class OrderFilter:
    """Select orders. A field that is None or empty selects all.

    Attributes:
        created_after: the earliest time of creation.
        created_before: the time before which they were created.
        updated_after: the earliest time of the last change.
        updated_before: the time before which the last change was.
        flagged: only orders with a proof that was sent for another order before, or looks like one that was.
    """

    statuses: tuple[OrderStatus, ...] = ()
    raffle_id: str | None = None
    contact_id: str | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None
    updated_after: datetime | None = None
    updated_before: datetime | None = None
    flagged: bool = False

    def matches(self, order: Order) -> bool:
        return (
            (not self.statuses or order.status in self.statuses)
            and self.raffle_id in (None, order.raffle_id)
            and self.contact_id in (None, order.contact_id)
            and is_within(order.created_at, self.created_after, self.created_before)
            and is_within(order.updated_at, self.updated_after, self.updated_before)
            and (not self.flagged or any(proof.is_flagged for proof in order.proofs))
        )


@dataclass(frozen=True, kw_only=True)
class RaffleFilter:
    """Select raffles. A field that is None selects all. `after` includes its own time, `before` does not."""

    status: RaffleStatus | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None
    updated_after: datetime | None = None
    updated_before: datetime | None = None

    def matches(self, raffle: Raffle) -> bool:
        return (
            self.status in (None, raffle.status)
            and is_within(raffle.created_at, self.created_after, self.created_before)
            and is_within(raffle.updated_at, self.updated_after, self.updated_before)
        )


def is_within(moment: datetime, first: datetime | None, end: datetime | None) -> bool:
    """Return whether a time is `first` or later, and before `end`."""
    return (first is None or moment >= first) and (end is None or moment < end)
