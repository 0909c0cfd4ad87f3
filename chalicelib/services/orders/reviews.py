"""Who has which order open for review, so that two organisers don't judge the same one unknowingly (O12)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from chalicelib.domain.orders import REVIEW_LEASE, OrderReview
from chalicelib.domain.organisers import Actor
from chalicelib.domain.refusals import TryAgain
from chalicelib.store import order_reviews

TRIES = 3  # when somebody else opens it at the same moment


@dataclass(frozen=True)
class OrderReviews:
    """A courtesy: it blocks no decision, writes nothing to the order, and is not in the audit log."""

    clock: Callable[[], datetime]

    def open(self, order_id: str, *, by: Actor, take_over: bool = False) -> OrderReview:
        """Store that an organiser has an order open for the next two minutes, unless somebody else does.

        Return who has it open then. One read and one write. Raises OrderNotFound, TryAgain.

        Args:
            take_over: also if somebody else does.
        """
        now = self.clock()
        mine = OrderReview(order_id=order_id, reviewer=by.name, token_id=by.token_id or "", until=now + REVIEW_LEASE)
        for _ in range(TRIES):
            _, current = order_reviews.read_with_order(order_id, now)
            if current is not None and current.token_id != mine.token_id and not take_over:
                return current
            if order_reviews.put(mine, now, take_over=take_over):
                return mine
        raise TryAgain

    def close(self, order_id: str, *, by: Actor) -> None:
        """Store that an organiser does not have an order open any more. Do nothing if another one does."""
        order_reviews.delete(order_id, by.token_id or "")
