"""What did not go as it should, over REST: dead letters, and messages that did not reach their reader."""

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

MOST_AT_ONCE = 100


class LetterView(View):
    """Something that WhatsApp handed over and nothing could be made of."""

    id: str
    received_at: Moment
    tries: int
    kind: Annotated[str, Field(description="message, status, other, or unreadable")]
    reason: str


class WholeLetterView(LetterView):
    body: Annotated[str, Field(description="what was in the queue; it may hold personal data")]


class Replayed(View):
    queued: Annotated[int, Field(description="updates that are in the queue once more")]


class UndeliveredView(View):
    """A message that was given up. FAILED: it did not arrive; UNKNOWN: perhaps it did; WITHHELD: it was not sent."""

    id: str
    contact: str
    state: DeliveryState
    error_code: Annotated[int | None, Field(description="WhatsApp's; 131047: more than 24 hours after they wrote")]
    asked: Annotated[bool, Field(description="whether it answers what the person wrote")]
    template: Annotated[str | None, Field(description="what it was about, where there is a template for that")]
    created_at: Moment


class UndeliveredQuery(PageQuery):
    kind: Literal["UNDELIVERED", "WITHHELD"] = "UNDELIVERED"


class AgainBody(Form):
    ids: Annotated[list[Annotated[str, Field(max_length=200)]], Field(min_length=1, max_length=MOST_AT_ONCE)]


class Outcomes(View):
    results: list[ResultView]


def list_letters(call: Call, query: PageQuery) -> Listed[LetterView]:
    """Dead letters, the oldest first."""
    return call.page(
        query,
        lambda after, backwards: stored_letters.page(limit=query.page_size, after=after, backwards=backwards),
        lambda letter: LetterView(**_told(letter)),
    )


def read_letter(call: Call, letter_id: str) -> WholeLetterView:
    """A dead letter, whole."""
    return whole(call.container.dead_letters.get(letter_id))


def whole(letter: DeadLetter) -> WholeLetterView:
    return WholeLetterView(**_told(letter), body=letter.body)


def replay_letter(call: Call, letter_id: str) -> Replayed:
    """Handle a dead letter once more, when its reason is mended. What takes effect does so once."""
    return Replayed(queued=call.container.dead_letters.replay(letter_id, by=call.by))


def list_undelivered(call: Call, query: UndeliveredQuery) -> Listed[UndeliveredView]:
    """Messages that did not reach their reader, the oldest first."""
    return call.page(
        query,
        lambda after, backwards: messages.page(
            Queue(query.kind), limit=query.page_size, after=after, backwards=backwards
        ),
        _undelivered,
    )


def send_again(call: Call, body: AgainBody) -> Outcomes:
    """Send messages once more that were given up; each goes out within a minute or two, if it may."""
    return Outcomes(results=[_again(call, tag) for tag in dict.fromkeys(body.ids)])


def _again(call: Call, tag: str) -> ResultView:
    try:
        call.container.outbox.send_again(tag, by=call.by)
    except refusals.Refusal as refusal:
        return ResultView(id=tag, outcome=Outcome.REFUSED, code=refusal.code, detail=str(refusal))
    return ResultView(id=tag, outcome=Outcome.DONE, code=None, detail=None)


def _told(letter: DeadLetter) -> dict[str, object]:
    told = {name: value for name, value in letter._asdict().items() if name != "body"}
    return told | {"kind": kind_of(letter)}


def _undelivered(found: Outbound) -> UndeliveredView:
    return UndeliveredView(
        id=found.tag,
        contact=found.contact_id,
        state=found.state,
        error_code=found.error_code,
        asked=found.is_reply,
        template=found.template.name if found.template else None,
        created_at=found.created_at,
    )
