"""Bulk actions over REST (O3)."""

from collections import Counter
from collections.abc import Sequence
from typing import Annotated

from pydantic import ConfigDict, Field, model_validator

from chalicelib.http.dispatch import ID, Call
from chalicelib.http.schemas import Form, Text, View, only_if
from chalicelib.services.bulk import MAX_ITEMS, OrderAction, Outcome, RaffleAction, Result

Ids = Annotated[list[Annotated[str, Field(pattern=ID)]], Field(min_length=1, max_length=MAX_ITEMS)]
DryRun = Annotated[bool, Field(description="say what would happen, and change nothing")]


class OrdersBulkBody(Form):
    """What to do to which orders. `reason` is for reject-proof, and needed there."""

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
    def _reason_where_needed(self) -> "OrdersBulkBody":
        if (self.reason is not None) is not (self.action is OrderAction.REJECT_PROOF):
            raise ValueError("reason: expected one for reject-proof, and none for other actions")
        return self


class RafflesBulkBody(Form):
    """What to do to which raffles."""

    action: Annotated[RaffleAction, Field(strict=False)]
    ids: Ids
    dry_run: DryRun = False


class ResultView(View):
    """What became of one item. `code` and `detail` say why, as those of a problem."""

    id: str
    outcome: Outcome
    code: str | None
    detail: str | None


class CountsView(View):
    """How many items had which outcome."""

    done: int
    unchanged: int
    refused: int
    not_tried: int


class BulkView(View):
    """A result for each item, in the order named; one that was named twice is there once."""

    action: str
    dry_run: bool
    counts: CountsView
    results: list[ResultView]


def bulk_orders(call: Call, body: OrdersBulkBody) -> BulkView:
    """Confirm or cancel many orders, or reject their proofs, each by itself.

    What is `not_tried`, since no time was left, is done by the same request again; what was done is `unchanged` then.
    In a dry run `done` means that it would be. From the sixth order on, buyers are told within a minute.
    """
    found = call.container.bulk.process_orders(
        body.action, body.ids, reason=body.reason or "", dry_run=body.dry_run, by=call.by
    )
    return _shown(body, found)


def bulk_raffles(call: Call, body: RafflesBulkBody) -> BulkView:
    """Activate, deactivate, or prepare many raffles, each by itself.

    Send what is `not_tried` again. In a dry run `done` means that it would be.
    """
    found = call.container.bulk.process_raffles(body.action, body.ids, dry_run=body.dry_run, by=call.by)
    return _shown(body, found)


def _shown(body: OrdersBulkBody | RafflesBulkBody, found: Sequence[Result]) -> BulkView:
    counts = Counter(result.outcome.value for result in found)
    return BulkView(
        action=body.action,
        dry_run=body.dry_run,
        counts=CountsView(**{outcome.value: counts[outcome.value] for outcome in Outcome}),
        results=[ResultView.model_validate(result) for result in found],
    )
