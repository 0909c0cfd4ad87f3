"""Bulk actions on many orders or raffles at once."""

from collections import Counter
from collections.abc import Sequence
from typing import Annotated

from pydantic import ConfigDict, Field, model_validator

from chalicelib.http.dispatch import ID, Call
from chalicelib.http.schemas import Form, Text, View, only_if
from chalicelib.services.bulk import MAX_ITEMS, OrderAction, Outcome, RaffleAction, Result

Ids = Annotated[list[Annotated[str, Field(pattern=ID)]], Field(min_length=1, max_length=MAX_ITEMS)]
DryRun = Annotated[bool, Field(description="Only say what would happen, and change nothing.")]


class OrdersBulkBody(Form):
    """The action and the orders. `reason` is required for reject-proof and not allowed otherwise."""

    model_config = ConfigDict(
        json_schema_extra=only_if(
            {"action": {"const": OrderAction.REJECT_PROOF.value}},
            then={"reason": {"type": "string"}},
            otherwise={"reason": {"type": "null"}},
        )
    )

    action: Annotated[OrderAction, Field(strict=False)]
    ids: Annotated[Ids, Field(examples=[["8WGRRPW3"]])]
    reason: Annotated[Text, Field(min_length=1, max_length=300)] | None = None
    dry_run: DryRun = False

    @model_validator(mode="after")
    def _reason_only_for_rejection(self) -> "OrdersBulkBody":
        if (self.reason is not None) is not (self.action is OrderAction.REJECT_PROOF):
            raise ValueError("reason: expected for reject-proof, and only there")
        return self


class RafflesBulkBody(Form):
    """The action and the raffles."""

    action: Annotated[RaffleAction, Field(strict=False)]
    ids: Ids
    dry_run: DryRun = False


class ResultView(View):
    """The outcome for one item. `code` and `detail` say why, as in a problem."""

    id: str
    outcome: Outcome
    code: str | None
    detail: str | None


class CountsView(View):
    """How many items had each outcome."""

    done: int
    unchanged: int
    refused: int
    not_tried: int


class BulkView(View):
    """One result for each item, in the order of the request. Repeated ids count once."""

    action: str
    dry_run: bool
    counts: CountsView
    results: list[ResultView]


def bulk_orders(call: Call, body: OrdersBulkBody) -> BulkView:
    """Confirm, cancel or reject many orders, or end their reviews.

    `end-review` frees the numbers of orders that have been in review for longer than the raffle's `review_hours`. They
    become LATE: their proofs are kept, to be settled.

    Each order is processed on its own. If time runs out, the rest is `not_tried`: repeat the request, and those already
    done will be `unchanged`. In a dry run, `done` means that the action would succeed. Buyers of the first five orders
    are notified at once, the others within a minute.
    """
    results = call.container.bulk.process_orders(
        body.action, body.ids, reason=body.reason or "", dry_run=body.dry_run, by=call.by
    )
    return _present(body, results)


def bulk_raffles(call: Call, body: RafflesBulkBody) -> BulkView:
    """Activate, deactivate or prepare many raffles.

    Each raffle is processed on its own. If time runs out, the rest is `not_tried`: repeat the request. In a dry run,
    `done` means that the action would succeed.
    """
    results = call.container.bulk.process_raffles(body.action, body.ids, dry_run=body.dry_run, by=call.by)
    return _present(body, results)


def _present(body: OrdersBulkBody | RafflesBulkBody, results: Sequence[Result]) -> BulkView:
    counts = Counter(result.outcome.value for result in results)
    return BulkView(
        action=body.action,
        dry_run=body.dry_run,
        counts=CountsView(**{outcome.value: counts[outcome.value] for outcome in Outcome}),
        results=[ResultView.model_validate(result) for result in results],
    )
