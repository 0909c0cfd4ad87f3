"""Help with a raffle before it is on sale: a preview, a checklist, and a copy of another raffle."""

from typing import Annotated

from pydantic import Field, field_validator

from chalicelib.domain.board import page_size
from chalicelib.domain.languages import LanguageCode
from chalicelib.domain.raffle_checklist import CheckCode, Severity, checklist
from chalicelib.domain.raffles import Raffle, RaffleStatus
from chalicelib.http.dispatch import Call
from chalicelib.http.raffles import (
    CODE,
    RaffleBody,
    RaffleView,
    check_payment_instructions,
    present,
    usable_code,
    values_of,
)
from chalicelib.http.schemas import Form, SomeLine, View
from chalicelib.services.raffle_cards import render_cards
from chalicelib.store import raffles as stored


class CardView(View):
    """What buyers of one language read, and the buttons below it."""

    language: LanguageCode
    text: Annotated[str, Field(description="With WhatsApp's signs for bold (*) and italics (_).")]
    choices: list[str]


class PreviewView(View):
    """The card of a raffle in each language of the chat."""

    cards: list[CardView]


class CheckView(View):
    """A point of the checklist. `text` says why it matters, `field` which field of the raffle it is about."""

    code: CheckCode
    severity: Severity
    is_done: bool
    field: Annotated[str, Field(examples=["prize"])]
    text: str


class ChecklistView(View):
    """What is to be thought of before a raffle is activated, the most important first.

    `blocks`: it can't be activated. `warns`: buyers can't do something, or read something wrong. `advises`: better so.
    """

    raffle: str
    can_activate: bool
    checks: list[CheckView]


class DuplicateBody(Form):
    """What the copy has of its own."""

    title: Annotated[SomeLine, Field(min_length=1, max_length=100, examples=["Summer fair 2027"])] | None = None
    code: Annotated[str, CODE, Field(description="A random one if absent.", examples=["FAIR2027"])] | None = None

    _usable_code = field_validator("code")(usable_code)


def preview_raffle(call: Call, body: RaffleBody) -> PreviewView:
    """Preview what buyers read of a raffle.

    As the chat shows it when they open the raffle, in each of its languages. Nothing is stored. Takes the same body as
    creating a raffle, and refuses the same fields.
    """
    check_payment_instructions(body.payment_instructions)
    now = call.container.clock()
    values = values_of(body)
    raffle = Raffle(
        **{**values, "code": values["code"] or "CODE"},
        id="preview",
        status=RaffleStatus.DRAFT,
        page_size=page_size(body.last_number - body.first_number + 1),
        created_at=now,
        updated_at=now,
    )
    return PreviewView(cards=[CardView.model_validate(card) for card in render_cards(raffle, now)])


def read_checklist(call: Call, raffle_id: str) -> ChecklistView:
    """Get what is to be thought of before activating."""
    checks = checklist(stored.get(raffle_id), call.container.clock())
    return ChecklistView(
        raffle=raffle_id,
        can_activate=all(check.is_done for check in checks if check.severity is Severity.BLOCKS),
        checks=[CheckView.model_validate(check) for check in checks],
    )


def duplicate_raffle(call: Call, raffle_id: str, body: DuplicateBody) -> RaffleView:
    """Create a raffle like another one.

    A DRAFT with the same settings and picture, and a code of its own. It has no permit, and no times of opening,
    closing and drawing, since these are hardly the same.
    """
    raffle = call.container.raffles.duplicate(
        raffle_id, title=body.title, code=body.code, by=call.by, idempotency_key=call.idempotency_key
    )
    folder = str(call.request.context["path"]).partition(f"/{raffle_id}/")[0]
    call.headers["Location"] = f"{folder}/{raffle.id}"
    return present(call, raffle)
