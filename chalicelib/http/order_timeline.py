"""The timeline of an order: messages, proofs and decisions, with who and when."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Field

from chalicelib.domain.organisers import Role
from chalicelib.http.contacts import MessageView, present_message
from chalicelib.http.dispatch import Call
from chalicelib.http.orders import ExpandQuery, OrderView, ProofView, present_one
from chalicelib.http.schemas import Moment, View
from chalicelib.services.orders.timeline import Timeline, read_timeline


class ActionView(View):
    """What an organiser did, as in the audit log."""

    action: Annotated[str, Field(examples=["order.rejected"])]
    by: Annotated[str, Field(description="The name of the token that was used, or `WhatsApp` and the phone number.")]
    role: Role
    before: dict[str, Any]
    after: dict[str, Any]


class EventView(View):
    """Something that happened. `kind` says which of `proof`, `action` and `message` is not null."""

    at: Moment
    kind: Annotated[
        Literal["held", "proof", "action", "message"], Field(description="`held`: the numbers were held; nothing more.")
    ]
    proof: ProofView | None = None
    action: ActionView | None = None
    message: MessageView | None = None


class TimelineView(View):
    """An order and what happened around it, oldest first."""

    order: OrderView
    events: list[EventView]
    is_complete: Annotated[bool, Field(description="False if only the newest messages or actions are there.")]


def order_timeline(call: Call, order_id: str, query: ExpandQuery) -> TimelineView:
    """Get what happened around an order.

    The messages with its buyer from an hour before it was made until a day after its last change, all proofs, and what
    organisers did. At most 90 messages and 90 actions, the newest ones.
    """
    timeline = read_timeline(order_id.upper(), call.container.clock())
    events = sorted(_events(timeline), key=lambda event: event.at)
    order = present_one(timeline.order, timeline.review, query.expand)
    return TimelineView(order=order, events=events, is_complete=timeline.is_complete)


def _events(timeline: Timeline) -> Iterator[EventView]:
    order = timeline.order
    yield EventView(at=order.created_at, kind="held")
    for proof in order.proofs:
        yield EventView(at=proof.received_at, kind="proof", proof=ProofView.model_validate(proof))
    for entry in timeline.actions:
        action = ActionView(action=entry.action, by=entry.name, role=entry.role, before=entry.before, after=entry.after)
        yield EventView(at=entry.at, kind="action", action=action)
    for message in reversed(timeline.messages):  # of the same moment, the earlier one first
        view = present_message(message)
        yield EventView(at=view.at, kind="message", message=view)
