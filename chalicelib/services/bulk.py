"""Bulk actions (O3): many orders or raffles in one request, each by itself, with a result for each.

A request has 29 seconds. What does not fit is reported as not tried, and whoever asks sends it again: of a bulk action
nothing is kept but what it did (ADR 10).
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from itertools import islice
from typing import Any, NamedTuple, Protocol

from chalicelib.domain.orders import TRANSITIONS, Order, OrderEvent, is_code
from chalicelib.domain.organisers import Actor
from chalicelib.domain.raffles import Raffle, RaffleEvent
from chalicelib.domain.refusals import OrderNotFound, RaffleNotFound, Refusal
from chalicelib.services.orders.settlement import Settlement, was_rejected
from chalicelib.services.raffles import Raffles
from chalicelib.store import orders, raffles
from chalicelib.telemetry import logger, pseudonym

MOST = 1000  # items of a request
BATCH = 100  # items that are read at a time
# Counted from the start of a request. An item that is begun then may take ten seconds, where all goes wrong.
BEGIN_UNTIL = timedelta(seconds=18)
# The buyers of so many orders are told at once, if that takes no longer; those of others by the schedule.
TOLD_AT_ONCE, TELL_UNTIL = 5, timedelta(seconds=8)


class OrderAction(StrEnum):
    CONFIRM_PAYMENT = "confirm-payment"
    CANCEL = "cancel"
    REJECT_PROOF = "reject-proof"


class RaffleAction(StrEnum):
    ACTIVATE = "activate"
    DEACTIVATE = "deactivate"
    GENERATE_TICKETS = "generate-tickets"


EVENTS = {
    OrderAction.CONFIRM_PAYMENT: OrderEvent.PAYMENT_CONFIRMED,
    OrderAction.CANCEL: OrderEvent.CANCELLED,
    OrderAction.REJECT_PROOF: OrderEvent.PROOF_REJECTED,
}
MOVES = {RaffleAction.ACTIVATE: RaffleEvent.ACTIVATED, RaffleAction.DEACTIVATE: RaffleEvent.DEACTIVATED}


class Outcome(StrEnum):
    DONE = "done"  # in a dry run: would be
    UNCHANGED = "unchanged"  # it is so already
    REFUSED = "refused"
    NOT_TRIED = "not_tried"  # no time was left: ask again


class Result(NamedTuple):
    """What became of one item. `code` and `detail` say why, as those of a problem; None where it was done."""

    id: str
    outcome: Outcome
    code: str | None = None
    detail: str | None = None


class Work(Protocol):
    """What an action is to its kind of items."""

    def read(self, ids: Sequence[str]) -> Mapping[str, Any]:
        """The items that there are, of up to BATCH."""

    def preview(self, item_id: str, found: Any) -> str:
        """Why an item stays as it is; "" when it is to be changed. Raises the Refusal that it would meet."""

    def change(self, item_id: str) -> object:
        """Raises Refusal."""


@dataclass(frozen=True, kw_only=True)
class Bulk:
    """The use cases. One bad item never harms the others; one that is named twice is handled once.

    What is so already, and what can't be, is told from what was read, a hundred items a request. So a request that is
    made again soon gets to those that were not tried.
    """

    settlement: Settlement
    raffles: Raffles
    clock: Callable[[], datetime]

    def process_orders(
        self, action: OrderAction, order_ids: Iterable[str], *, reason: str = "", dry_run: bool, by: Actor
    ) -> list[Result]:
        """Confirm, cancel, or reject the proofs of orders, in the order named. `reason` is that of a rejection."""
        ids = dict.fromkeys(order_id.upper() for order_id in order_ids)
        work = _Orders(self.settlement, self.clock, action, reason, by)
        return self._process(ids, work, action, dry_run=dry_run, by=by)

    def process_raffles(
        self, action: RaffleAction, raffle_ids: Iterable[str], *, dry_run: bool, by: Actor
    ) -> list[Result]:
        """Activate, deactivate, or prepare raffles, in the order named."""
        work = _Raffles(self.raffles, action, by, dry_run)
        return self._process(dict.fromkeys(raffle_ids), work, action, dry_run=dry_run, by=by)

    def _process(self, ids: Iterable[str], work: Work, action: StrEnum, *, dry_run: bool, by: Actor) -> list[Result]:
        until = self.clock() + BEGIN_UNTIL
        results = dict[str, Result]()
        for some in _in_parts(ids, BATCH):
            found = work.read(some) if self.clock() < until else None
            for item in some:
                results[item] = _not_tried(item) if found is None else _previewed(work, item, found.get(item))
        for item, foreseen in results.items():
            if foreseen.outcome is Outcome.DONE and not dry_run:
                results[item] = _changed(work, item) if self.clock() < until else _not_tried(item)
        counts = Counter(result.outcome.value for result in results.values())
        about = {"action": action.value, "dry_run": dry_run, "by": pseudonym(by.name), **counts}
        logger.info("bulk action", extra=about)
        return list(results.values())


class _Orders:
    """An action on orders."""

    def __init__(
        self, settlement: Settlement, clock: Callable[[], datetime], action: OrderAction, reason: str, by: Actor
    ) -> None:
        self.clock, self.action, self.reason, self.by = clock, action, reason, by
        self.begun, self.changed = clock(), 0
        outbox_later = replace(settlement.changes.outbox, defer=True)
        self.at_once = settlement
        self.later = replace(settlement, changes=replace(settlement.changes, outbox=outbox_later))

    def read(self, ids: Sequence[str]) -> Mapping[str, Order]:
        return orders.get_all(filter(is_code, ids))

    def preview(self, order_id: str, order: Order | None) -> str:
        if order is None:
            raise OrderNotFound(order_id)
        if self.action is OrderAction.REJECT_PROOF and was_rejected(order, self.reason, self.begun):
            return "Its proof was rejected for this reason a moment ago. If another has come since, look at it first."
        event = EVENTS[self.action]
        if self.action is not OrderAction.REJECT_PROOF and order.status is TRANSITIONS[event].target:
            return f"It is {order.status} already."
        order.after(event)
        return ""

    def change(self, order_id: str) -> None:
        told = self.changed < TOLD_AT_ONCE and self.clock() < self.begun + TELL_UNTIL
        settlement, self.changed = self.at_once if told else self.later, self.changed + 1
        match self.action:
            case OrderAction.CONFIRM_PAYMENT:
                settlement.confirm_payment(order_id, by=self.by)
            case OrderAction.CANCEL:
                settlement.cancel(order_id, by=self.by)
            case OrderAction.REJECT_PROOF:
                settlement.reject_proof(order_id, reason=self.reason, by=self.by)


@dataclass(frozen=True)
class _Raffles:
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
            if self.dry_run:  # the board is a request of its own, and whoever changes it reads it anyway
                self.raffles.unsold_board(raffle_id)
        elif raffle.after(MOVES[self.action]) is raffle.status:
            return f"It is {raffle.status} already."
        return ""

    def change(self, raffle_id: str) -> None:
        if self.action is RaffleAction.GENERATE_TICKETS:
            self.raffles.generate_tickets(raffle_id, by=self.by)
        else:
            self.raffles.move(raffle_id, MOVES[self.action], by=self.by)


def _previewed(work: Work, item: str, found: Any) -> Result:
    return _result(item, partial(work.preview, item, found))


def _changed(work: Work, item: str) -> Result:
    return _result(item, partial(work.change, item))


def _result(item: str, do: Callable[[], object]) -> Result:
    """What comes of it; what `do` returns says why nothing does."""
    try:
        unchanged = do()
    except Refusal as refusal:
        return Result(item, Outcome.REFUSED, refusal.code, str(refusal))
    except Exception:  # noqa: BLE001 - one that is damaged must not keep the others from being handled
        logger.exception("an item of a bulk action failed", extra={"item": item})
        return Result(item, Outcome.REFUSED, "internal_error", "This one failed. The log has the reason.")
    return Result(item, Outcome.UNCHANGED, "unchanged", str(unchanged)) if unchanged else Result(item, Outcome.DONE)


def _not_tried(item: str) -> Result:
    return Result(item, Outcome.NOT_TRIED, "not_tried", "No time was left for this one: send it again.")


def _in_parts(ids: Iterable[str], size: int) -> Iterator[list[str]]:
    rest = iter(ids)
    while part := list(islice(rest, size)):
        yield part
