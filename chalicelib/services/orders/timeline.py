"""What happened to an order: what was said around it, and what organisers did."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from chalicelib.domain.audit import AuditEntry
from chalicelib.domain.delivery import Outbound
from chalicelib.domain.orders import Order, OrderReview
from chalicelib.domain.refusals import ContactNotFound
from chalicelib.store import audit, history, order_reviews
from chalicelib.store.history import ReceivedMessage
from chalicelib.store.pages import Page

MOST = 90  # messages, and actions: with fewer than a hundred, reading the messages takes two requests
BEFORE = timedelta(hours=1)  # before the order was made, its buyer chose the raffle and asked questions
AFTER = timedelta(days=1)  # after its last change, they may still talk about it


class Timeline(NamedTuple):
    """An order, who has it open, and what happened around it.

    `is_complete`: False if there were more messages or actions than the newest of them.
    """

    order: Order
    review: OrderReview | None
    actions: Sequence[AuditEntry]
    messages: Sequence[ReceivedMessage | Outbound]
    is_complete: bool


def read_timeline(order_id: str, now: datetime) -> Timeline:
    """Read an order, the audit entries about it, and the buyer's messages of that time. Four requests.

    Raises OrderNotFound.
    """
    order, review = order_reviews.read_with_order(order_id, now)
    actions = audit.listed(target=f"order:{order.id}", limit=MOST)
    messages = _read_messages(order)
    since = order.created_at - BEFORE
    of_that_time = [message for message in messages.items if _moment(message) >= since]
    are_all = messages.next is None or len(of_that_time) < len(messages.items)
    return Timeline(order, review, actions.items, of_that_time, are_all and actions.next is None)


def _read_messages(order: Order) -> Page[ReceivedMessage | Outbound]:
    try:
        return history.page(order.contact_id, limit=MOST, until=order.updated_at + AFTER)
    except ContactNotFound:
        return Page([], None, None)


def _moment(message: ReceivedMessage | Outbound) -> datetime:
    return message.received_at if isinstance(message, ReceivedMessage) else message.created_at
