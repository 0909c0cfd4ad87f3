"""Delivery failures: updates that could not be handled (dead letters) and messages that were not delivered."""

from typing import Annotated, Literal

from pydantic import Field

from chalicelib.domain import refusals
from chalicelib.domain.delivery import DeliveryState, Outbound, Queue
from chalicelib.http.bulk import ResultView
from chalicelib.http.dispatch import Call
from chalicelib.http.schemas import Form, Listed, Moment, PageQuery, View
from chalicelib.services.bulk import Outcome
from chalicelib.services.messaging.dead_letters import kind_of
from chalicelib.store import dead_letters as stored_letters
from chalicelib.store import messages
from chalicelib.store.dead_letters import DeadLetter

MAX_AT_ONCE = 100


class LetterView(View):
    """An update from WhatsApp that could not be handled."""

    id: str
    received_at: Moment
    tries: int
    kind: Annotated[str, Field(description="message, status, other or unreadable")]
    reason: str


class WholeLetterView(LetterView):
    """A dead letter with its body."""

    body: Annotated[str, Field(description="The update as it was in the queue. It may contain personal data.")]


class Replayed(View):
    """What was put back into the queue."""

    queued: Annotated[int, Field(description="How many updates were put back into the queue.")]


class UndeliveredView(View):
    """An undelivered message. FAILED: it did not arrive; UNKNOWN: it may have arrived; WITHHELD: it was not sent."""

    id: str
    contact: str
    state: DeliveryState
    error_code: Annotated[
        int | None, Field(description="WhatsApp's code, such as 131047: the 24-hour window was closed.")
    ]
    asked: Annotated[bool, Field(description="Whether it answers something that the person wrote.")]
    template: Annotated[str | None, Field(description="The template that says the same, if there is one.")]
    created_at: Moment


class UndeliveredQuery(PageQuery):
    kind: Annotated[
        Literal["UNDELIVERED", "WITHHELD"],
        Field(
            description="UNDELIVERED: sent without success. WITHHELD: not sent, as they opted out or it was too late."
        ),
    ] = "UNDELIVERED"


class AgainBody(Form):
    """The undelivered messages to send again."""

    ids: Annotated[list[Annotated[str, Field(max_length=200)]], Field(min_length=1, max_length=MAX_AT_ONCE)]


class Outcomes(View):
    """One result for each message, in the order of the request."""

    results: list[ResultView]


def list_letters(call: Call, query: PageQuery) -> Listed[LetterView]:
    """List dead letters.

    Updates from WhatsApp that could not be handled, oldest first.
    """
    return call.page(
        query,
        lambda after, backwards: stored_letters.page(limit=query.page_size, after=after, backwards=backwards),
        lambda letter: LetterView(**_fields(letter)),
    )


def read_letter(call: Call, letter_id: str) -> WholeLetterView:
    """Get a dead letter with its body."""
    return present_whole(call.container.dead_letters.get(letter_id))


def present_whole(letter: DeadLetter) -> WholeLetterView:
    """Return a dead letter with its body as the API shows it."""
    return WholeLetterView(**_fields(letter), body=letter.body)


def replay_letter(call: Call, letter_id: str) -> Replayed:
    """Put a dead letter back into the queue.

    Do this once its cause is fixed. Nothing in it takes effect twice.
    """
    return Replayed(queued=call.container.dead_letters.replay(letter_id, by=call.by))


def list_undelivered(call: Call, query: UndeliveredQuery) -> Listed[UndeliveredView]:
    """List undelivered messages.

    Oldest first.
    """
    return call.page(
        query,
        lambda after, backwards: messages.page(
            Queue(query.kind), limit=query.page_size, after=after, backwards=backwards
        ),
        _undelivered,
    )


def send_again(call: Call, body: AgainBody) -> Outcomes:
    """Send undelivered messages again.

    Each one goes out within a minute or two, if WhatsApp's rules allow it.
    """
    return Outcomes(results=[_send_again(call, tag) for tag in dict.fromkeys(body.ids)])


def _send_again(call: Call, tag: str) -> ResultView:
    try:
        call.container.outbox.send_again(tag, by=call.by)
    except refusals.Refusal as refusal:
        return ResultView(id=tag, outcome=Outcome.REFUSED, code=refusal.code, detail=str(refusal))
    return ResultView(id=tag, outcome=Outcome.DONE, code=None, detail=None)


def _fields(letter: DeadLetter) -> dict[str, object]:
    fields = {name: value for name, value in letter._asdict().items() if name != "body"}
    return fields | {"kind": kind_of(letter)}


def _undelivered(message: Outbound) -> UndeliveredView:
    return UndeliveredView(
        id=message.tag,
        contact=message.contact_id,
        state=message.state,
        error_code=message.error_code,
        asked=message.is_reply,
        template=message.template.name if message.template else None,
        created_at=message.created_at,
    )
