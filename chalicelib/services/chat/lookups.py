"""Find the order or the raffle that a message is about."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from chalicelib.domain.conversation import Conversation, Stage
from chalicelib.domain.orders import Order, OrderStatus
from chalicelib.domain.raffles import Board, Raffle
from chalicelib.domain.refusals import RaffleNotFound
from chalicelib.services.chat.turn import Turn
from chalicelib.store import orders, raffles

ORDERS_SHOWN = 5


class OwnOrder(NamedTuple):
    """An order of the contact, with its raffle."""

    raffle: Raffle
    order: Order


def find_own(turn: Turn, order_id: str) -> OwnOrder | None:
    """Find the contact's own order. Codes are no secret, so another contact's order is not returned."""
    found = find_named(turn, order_id)
    return OwnOrder(*found) if found is not None and found[1].contact_id == turn.contact.id else None


def find_named(turn: Turn, order_id: str) -> tuple[Raffle, Order] | None:
    """Find anybody's order. What it says about its buyer is for nobody else."""
    if order_id not in turn.named_orders:
        at_hand = turn.contact.conversation.raffle_id
        order, raffle = orders.with_raffle(order_id, likely_raffle_id=at_hand)
        if order is None:
            return None
        turn.named_orders[order_id] = raffle or raffles.get(order.raffle_id), order
    return turn.named_orders[order_id]


def latest_orders(turn: Turn) -> Sequence[Order]:
    """Return the contact's newest orders, newest first, as the index has them. One request in a turn."""
    if turn.latest_orders is None:
        turn.latest_orders = orders.of_contact(turn.contact.id, limit=ORDERS_SHOWN)
    return turn.latest_orders


def find_newest(turn: Turn, *preferred: Collection[OrderStatus]) -> OwnOrder | None:
    """Find the newest of the contact's latest orders that has one of the first statuses, else one of the next."""
    for statuses in preferred:
        for order in latest_orders(turn):
            if order.status in statuses:
                return OwnOrder(raffles.get(order.raffle_id), order)
    return None


def find_raffle(raffle_id: str | None) -> Raffle | None:
    try:
        return raffles.get(raffle_id) if raffle_id is not None else None
    except RaffleNotFound:
        return None


def board_on_sale(turn: Turn, raffle_id: str) -> Board | None:
    try:
        board = raffles.board(raffle_id)
    except RaffleNotFound:
        return None
    return board if board.raffle.sells_at(turn.now) else None


def keeping_order(
    turn: Turn, stage: Stage, *, raffle_id: str | None = None, shown: tuple[str, ...] = (), page: int = 1
) -> Conversation:
    """Return a conversation that keeps the order at hand while the contact looks at raffles.

    So `cancel` and a proof still find it.
    """
    order_id = turn.contact.conversation.order_id
    return Conversation(
        stage=stage,
        raffle_id=raffle_id,
        order_id=order_id,
        shown=shown,
        page=page,
        since=turn.written_at,
        tapped=turn.contact.conversation.tapped,
    )
