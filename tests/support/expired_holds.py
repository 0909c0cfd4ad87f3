"""End one hold as the schedule does, and tell its buyer."""

from chalicelib.container import Container


def expire_order(container: Container, order_id: str) -> bool:
    """End a hold whose time is over, and tell its buyer. Return False if it is not over (any more)."""
    messages = container.expiry.expire(order_id)
    container.outbox.send(messages or ())
    return messages is not None
