"""Bulk actions (O3): change many orders or raffles in one request, independently, with a result for each.

A request has 29 seconds. Items for which there was no time are reported as not tried, and the client sends them again.
Of a bulk action nothing is stored except its effects (ADR 10).
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from typing import Any, NamedTuple, Protocol

from chalicelib.domain.batches import batched
from chalicelib.domain.orders import TRANSITIONS, Order, OrderEvent, is_code
from chalicelib.domain.organisers import Actor
from chalicelib.domain.raffles import Raffle, RaffleEvent
from chalicelib.domain.refusals import OrderNotFound, RaffleNotFound, Refusal, ReviewNotOver
from chalicelib.services.orders.settlement import Settlement, was_rejected
from chalicelib.services.raffles import Raffles
from chalicelib.store import orders, raffles
from chalicelib.telemetry import logger, pseudonym

MAX_ITEMS = 1000
BATCH = 100  # items that are read in one request
# No item is started later than this after the start of the request. In the worst case the last one takes ten seconds.
TIME_TO_START = timedelta(seconds=18)
# The first few buyers get their message at once, if there is time. The schedule sends the others.
SENT_AT_ONCE = 5
TIME_TO_SEND = timedelta(seconds=8)


class OrderAction(StrEnum):
    CONFIRM_PAYMENT = "confirm-payment"
    CANCEL = "cancel"
    REJECT_PROOF = "reject-proof"
    END_REVIEW = "end-review"


class RaffleAction(StrEnum):
    ACTIVATE = "activate"
    DEACTIVATE = "deactivate"
    GENERATE_TICKETS = "generate-tickets"


EVENTS = {
    OrderAction.CONFIRM_PAYMENT: OrderEvent.PAYMENT_CONFIRMED,
    OrderAction.CANCEL: OrderEvent.CANCELLED,
    OrderAction.REJECT_PROOF: OrderEvent.PROOF_REJECTED,
    OrderAction.END_REVIEW: OrderEvent.REVIEW_ENDED,
}
MOVES = {RaffleAction.ACTIVATE: RaffleEvent.ACTIVATED, RaffleAction.DEACTIVATE: RaffleEvent.DEACTIVATED}


class Outcome(StrEnum):
    DONE = "done"  # in a dry run: would be done
    UNCHANGED = "unchanged"  # it was done before
    REFUSED = "refused"
    NOT_TRIED = "not_tried"  # there was no time: send it again


class Result(NamedTuple):
    """The outcome for one item. `code` and `detail` give the reason, as in a problem; None if it was done."""

    id: str
    outcome: Outcome
    code: str | None = None
    detail: str | None = None


class BulkAction(Protocol):
    """An action on one kind of items."""

    def read(self, ids: Sequence[str]) -> Mapping[str, Any]:
        """Return those of up to BATCH items that exist, by id."""

    def preview(self, item_id: str, item: Any) -> str:
        """Return why the item would stay unchanged, or "" if it would change. Raises the Refusal it would meet."""

    def change(self, item_id: str) -> None:
        """Change the item. Raises Refusal."""


@dataclass(frozen=True, kw_only=True)
class Bulk:
    """The use cases of bulk actions. A failing item never affects the others. Duplicates are handled once.

    Items are read a hundred at a time. That alone decides which of them need no change or can't be changed, so a
    request that is sent again quickly reaches the items that were not tried.
    """

    settlement: Settlement
    raffles: Raffles
    clock: Callable[[], datetime]

    def process_orders(
        self, action: OrderAction, order_ids: Iterable[str], *, reason: str = "", dry_run: bool, by: Actor
    ) -> list[Result]:
        """Confirm or cancel orders, reject their proofs or end their reviews, in the given order.

        Only a rejection has a `reason`.
        """
        ids = dict.fromkeys(order_id.upper() for order_id in order_ids)
        bulk_action = _ActionOnOrders(self.settlement, self.clock, action, reason, by)
        return self._process(ids, bulk_action, action, dry_run=dry_run, by=by)

    def process_raffles(
        self, action: RaffleAction, raffle_ids: Iterable[str], *, dry_run: bool, by: Actor
    ) -> list[Result]:
        """Activate or deactivate raffles, or generate their tickets, in the given order."""
        bulk_action = _ActionOnRaffles(self.raffles, action, by, dry_run)
        return self._process(dict.fromkeys(raffle_ids), bulk_action, action, dry_run=dry_run, by=by)

    def _process(
        self, ids: Iterable[str], bulk_action: BulkAction, action: StrEnum, *, dry_run: bool, by: Actor
    ) -> list[Result]:
        until = self.clock() + TIME_TO_START
        results = dict[str, Result]()
        for batch in batched(ids, BATCH):
            if self.clock() < until:
                items = bulk_action.read(batch)
                for item_id in batch:
                    results[item_id] = _run(item_id, partial(bulk_action.preview, item_id, items.get(item_id)))
            else:
                results |= {item_id: _not_tried(item_id) for item_id in batch}
        if not dry_run:
            would_change = [item_id for item_id, preview in results.items() if preview.outcome is Outcome.DONE]
            for item_id in would_change:
                if self.clock() < until:
                    results[item_id] = _run(item_id, partial(bulk_action.change, item_id))
                else:
                    results[item_id] = _not_tried(item_id)
        counts = Counter(result.outcome.value for result in results.values())
        extra = {"action": action.value, "dry_run": dry_run, "by": pseudonym(by.name), **counts}
        logger.info("bulk action", extra=extra)
        return list(results.values())


class _ActionOnOrders:
    """An action on orders."""

    def __init__(
        self, settlement: Settlement, clock: Callable[[], datetime], action: OrderAction, reason: str, by: Actor
    ) -> None:
        self.clock = clock
        self.action = action
        self.reason = reason
        self.by = by
        self.begun = clock()
        self.changed = 0
        self.review_hours: dict[str, int] = {}  # raffle id → its review_hours, for ending reviews
        outbox_later = replace(settlement.changes.outbox, defer=True)
        self.at_once = settlement
        self.later = replace(settlement, changes=replace(settlement.changes, outbox=outbox_later))

    def read(self, ids: Sequence[str]) -> Mapping[str, Order]:
        found = orders.get_all(filter(is_code, ids))
        if self.action is OrderAction.END_REVIEW:
            missing = {order.raffle_id for order in found.values()} - self.review_hours.keys()
            for raffle in raffles.get_all(missing) if missing else ():
                self.review_hours[raffle.id] = raffle.review_hours
        return found

    def preview(self, order_id: str, order: Order | None) -> str:
        if order is None:
            raise OrderNotFound(order_id)
        if self.action is OrderAction.REJECT_PROOF and was_rejected(order, self.reason, self.begun):
            return "Its proof was rejected for this reason a moment ago. If another has come since, look at it first."
        event = EVENTS[self.action]
        if self.action is not OrderAction.REJECT_PROOF and order.status is TRANSITIONS[event].target:
            return f"It is {order.status} already."
        order.after(event)
        hours = self.review_hours.get(order.raffle_id)
        if hours is not None and not order.review_is_over(self.begun, hours):
            raise ReviewNotOver(order_id, hours)
        return ""

    def change(self, order_id: str) -> None:
        sends_at_once = self.changed < SENT_AT_ONCE and self.clock() < self.begun + TIME_TO_SEND
        settlement = self.at_once if sends_at_once else self.later
        self.changed += 1
        match self.action:
            case OrderAction.CONFIRM_PAYMENT:
                settlement.confirm_payment(order_id, by=self.by)
            case OrderAction.CANCEL:
                settlement.cancel(order_id, by=self.by)
            case OrderAction.REJECT_PROOF:
                settlement.reject_proof(order_id, reason=self.reason, by=self.by)
            case OrderAction.END_REVIEW:
                settlement.end_review(order_id, by=self.by)


@dataclass(frozen=True)
class _ActionOnRaffles:
    """An action on raffles."""

    raffles: Raffles
    action: RaffleAction
    by: Actor
    dry_run: bool

    def read(self, ids: Sequence[str]) -> Mapping[str, Raffle]:
        return {raffle.id: raffle for raffle in raffles.get_all(ids)}

    def preview(self, raffle_id: str, raffle: Raffle | None) -> str:
        if raffle is None:
            raise RaffleNotFound(raffle_id)
        if self.action is RaffleAction.GENERATE_TICKETS:
            if self.dry_run:  # reading the board takes one more request, and a real run reads it anyway
                self.raffles.unsold_board(raffle_id)
        elif raffle.after(MOVES[self.action]) is raffle.status:
            return f"It is {raffle.status} already."
        return ""

    def change(self, raffle_id: str) -> None:
        if self.action is RaffleAction.GENERATE_TICKETS:
            self.raffles.generate_tickets(raffle_id, by=self.by)
        else:
            self.raffles.move(raffle_id, MOVES[self.action], by=self.by)


def _run(item_id: str, step: Callable[[], str | None]) -> Result:
    """Run a step and return its result. The step returns why the item is unchanged, or nothing."""
    try:
        reason = step()
    except Refusal as refusal:
        return Result(item_id, Outcome.REFUSED, refusal.code, str(refusal))
    except Exception:  # noqa: BLE001 - one damaged item must not keep the others from being handled
        logger.exception("an item of a bulk action failed", extra={"item": item_id})
        return Result(item_id, Outcome.REFUSED, "internal_error", "This one failed. The log has the reason.")
    return Result(item_id, Outcome.UNCHANGED, "unchanged", reason) if reason else Result(item_id, Outcome.DONE)


def _not_tried(item_id: str) -> Result:
    return Result(item_id, Outcome.NOT_TRIED, "not_tried", "No time was left for this one: send it again.")
