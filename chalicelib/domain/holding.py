"""Limit what a person holds without having paid (H9 to H12), so that nobody can lock up a raffle.

The limits count what the contact's own item says, so they cost no request, and the version of the contact that the
transaction requires keeps two messages at once from passing them together.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from chalicelib.domain.orders import UNPAID, Order, OrderStatus
from chalicelib.domain.raffles import Raffle
from chalicelib.domain.refusals import HoldLimit, HoldLimited

if TYPE_CHECKING:
    from chalicelib.domain.contacts import Contact

FIRST_WAIT = timedelta(minutes=5)  # doubled with each further hold that ends unpaid
MAX_WAIT = timedelta(hours=24)
FORGIVEN_AFTER = timedelta(days=7)  # without a hold that ended unpaid


class UnpaidOrder(NamedTuple):
    """An order that owns its numbers and is not paid."""

    raffle_id: str
    quantity: int
    in_review: bool = False


def unpaid_orders(orders: Iterable[Order]) -> dict[str, UnpaidOrder]:
    """Return what a contact keeps of these orders of theirs (H9), by order id: of those that are unpaid."""
    return {
        order.id: UnpaidOrder(order.raffle_id, order.quantity, order.status is OrderStatus.IN_REVIEW)
        for order in orders
        if order.status in UNPAID
    }


def check_hold(raffle: Raffle, person: Sequence["Contact"], quantity: int, now: datetime) -> None:
    """Raise HoldLimited if the person may not hold so many more numbers now (H9, H11, H12).

    Args:
        person: their contact, and others that turned out to be the same person.
    """
    _check_person(raffle, person, now)
    check_unpaid(raffle, person, quantity)


def check_change(raffle: Raffle, person: Sequence["Contact"], more: int, now: datetime) -> None:
    """Raise HoldLimited if the person may not choose numbers for an order of theirs now, `more` than it has (H15)."""
    _check_person(raffle, person, now)
    if more > 0:
        _check_numbers(raffle, _unpaid_of(raffle, person), more)


def _check_person(raffle: Raffle, person: Sequence["Contact"], now: datetime) -> None:
    if any(contact.blocked_at is not None for contact in person):
        raise HoldLimited(HoldLimit.BLOCKED)
    wait_until = max(
        (until for contact in person if (until := contact.may_hold_from(raffle.max_unpaid_holds))), default=now
    )
    if now < wait_until:
        raise HoldLimited(HoldLimit.WAIT, until=wait_until)


def check_unpaid(raffle: Raffle, person: Sequence["Contact"], quantity: int) -> None:
    """Raise HoldLimited if the person would have too many unpaid orders or numbers of the raffle (H9)."""
    unpaid = _unpaid_of(raffle, person)
    if len(unpaid) >= raffle.max_unpaid_orders:
        raise HoldLimited(HoldLimit.ORDERS, most=raffle.max_unpaid_orders, has=len(unpaid))
    _check_numbers(raffle, unpaid, quantity)


def _unpaid_of(raffle: Raffle, person: Sequence["Contact"]) -> list[UnpaidOrder]:
    return [order for contact in person for order in contact.unpaid.values() if order.raffle_id == raffle.id]


def _check_numbers(raffle: Raffle, unpaid: Sequence[UnpaidOrder], quantity: int) -> None:
    numbers = sum(order.quantity for order in unpaid)
    if numbers + quantity > raffle.max_unpaid_numbers:
        raise HoldLimited(HoldLimit.NUMBERS, most=raffle.max_unpaid_numbers, has=numbers)


def may_go_in_review(raffle: Raffle, person: Sequence["Contact"], order_id: str) -> bool:
    """Return whether a proof stops the clock of this order: not for a newcomer whose other orders are in review."""
    if not is_newcomer(person):
        return True
    others = (other for contact in person for id_, other in contact.unpaid.items() if id_ != order_id)
    return sum(other.in_review for other in others) < raffle.max_in_review


def is_newcomer(person: Iterable["Contact"]) -> bool:
    """Return whether the person has never paid, and no organiser has vouched for them."""
    return not any(contact.has_paid or contact.vouched_for for contact in person)


def wait_after(holds: int, most: int) -> timedelta:
    """Return how long to wait after so many holds that ended unpaid, `most` of which are free."""
    if holds < most:
        return timedelta(0)
    doubled: int = 1 << min(holds - most, 10)
    return min(MAX_WAIT, FIRST_WAIT * doubled)
