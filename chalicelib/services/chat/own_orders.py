"""Find orders of the contact who writes."""

from collections.abc import Collection
from typing import NamedTuple

from chalicelib.domain.orders import Order, OrderStatus
from chalicelib.domain.raffles import Raffle
from chalicelib.services.chat.turn import Turn
from chalicelib.store import orders, raffles

ORDERS_SHOWN = 5


class OwnOrder(NamedTuple):
    """An order of the contact, with its raffle."""

    raffle: Raffle
    order: Order


def find_own(turn: Turn, order_id: str) -> OwnOrder | None:
    """Find the contact's own order. Codes are no secret, so another contact's order is not returned."""
    if order_id in turn.own_orders:
        return OwnOrder(*turn.own_orders[order_id])
    at_hand = turn.contact.conversation.raffle_id
    order, raffle = orders.with_raffle(order_id, likely_raffle_id=at_hand)
    if order is None or order.contact_id != turn.contact.id:
        return None
    own = OwnOrder(raffle or raffles.get(order.raffle_id), order)
    turn.own_orders[order_id] = own
    return own


def find_newest(turn: Turn, *preferred: Collection[OrderStatus]) -> OwnOrder | None:
    """Find the newest of the contact's latest orders that has one of the first statuses, else one of the next."""
    latest = orders.of_contact(turn.contact.id, limit=ORDERS_SHOWN)
    for statuses in preferred:
        for order in latest:
            if order.status in statuses:
                return OwnOrder(raffles.get(order.raffle_id), order)
    return None
