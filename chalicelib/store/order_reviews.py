"""Who has which order open for review, in the table (O12). The order's own item is never written."""

from dataclasses import fields
from datetime import datetime

from chalicelib.domain.orders import Order, OrderReview
from chalicelib.domain.refusals import OrderNotFound
from chalicelib.store import orders
from chalicelib.store.records import OrderRecord, OrderReviewRecord, Record, delete_if, stamp, update_if

OPEN = "REVIEWS"
FIELDS = tuple(field.name for field in fields(OrderReview))


def read_with_order(order_id: str, now: datetime) -> tuple[Order, OrderReview | None]:
    """Return an order, and who has it open. One request. Raises OrderNotFound."""
    order = review = None
    for record in Record.batch_get([orders.key(order_id), _key(order_id)], consistent_read=True):
        if isinstance(record, OrderRecord):
            order = orders.as_order(record)
        elif isinstance(record, OrderReviewRecord) and record.until > now:
            review = _as_review(record)
    if order is None:
        raise OrderNotFound(order_id)
    return order, review


def all_open(now: datetime) -> dict[str, OrderReview]:
    """Return who has which orders open, by their ids. One query of an index, which may be a moment behind."""
    live = Record.by_queue.query(OPEN, Record.queue_at > stamp(now, "~"))
    return {record.order_id: _as_review(record) for record in live if isinstance(record, OrderReviewRecord)}


def put(review: OrderReview, now: datetime, *, take_over: bool) -> bool:
    """Store that somebody has an order open. Return False if somebody else does by now. One request.

    Args:
        take_over: also if somebody else does.
    """
    record = OrderReviewRecord
    is_free = record.pk.does_not_exist() | (record.until <= now) | (record.token_id == review.token_id)
    values = {
        **{name: getattr(review, name) for name in FIELDS},
        "kind": record,
        "queue_key": OPEN,
        "queue_at": stamp(review.until, review.order_id),
        "vanishes_at": review.until,
    }
    actions = [getattr(record, name).set(value) for name, value in values.items()]
    return update_if(record(*_key(review.order_id)), actions, None if take_over else is_free)


def delete(order_id: str, token_id: str) -> None:
    """Store that an organiser does not have an order open any more. Do nothing if another one does. One request."""
    delete_if(OrderReviewRecord(*_key(order_id)), OrderReviewRecord.token_id == token_id)


def _key(order_id: str) -> tuple[str, str]:
    return f"ORDER#{order_id}", "REVIEW"


def _as_review(record: OrderReviewRecord) -> OrderReview:
    return OrderReview(**{name: getattr(record, name) for name in FIELDS})
