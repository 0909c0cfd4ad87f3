"""What is set up, and what is missing."""

from typing import Annotated

from pydantic import Field

from chalicelib.http.dispatch import Call
from chalicelib.http.schemas import View
from chalicelib.http.sending import SendingView
from chalicelib.services.setup import SetupCode, read_setup


class SetupCheckView(View):
    """A part of the set-up. `setting`: the environment variable that it depends on. `text`: what it is good for."""

    code: SetupCode
    is_done: bool
    setting: Annotated[str | None, Field(examples=["WHATSAPP_ORGANISERS"])]
    text: str


class TemplateApprovalView(View):
    """A message template in one language, and whether WhatsApp lets us send it, as far as we know."""

    name: Annotated[str, Field(examples=["tombola_payment_confirmed_2"])]
    language: Annotated[str, Field(examples=["es"])]
    is_approved: bool


class SetupView(View):
    """What is set up. The values of settings are not shown."""

    organisers: Annotated[int, Field(description="How many people are notified in WhatsApp.")]
    sending: SendingView
    checks: list[SetupCheckView]
    templates: list[TemplateApprovalView]


def read_set_up(call: Call) -> SetupView:
    """Get what is set up, and what is missing.

    WhatsApp is not asked. Whether the number works, and all that the API needs can be reached: GET /api/health?deep=1.
    """
    setup = read_setup(call.container.settings)
    return SetupView(
        organisers=setup.organisers,
        sending=SendingView.model_validate(setup.channel),
        checks=[SetupCheckView.model_validate(check) for check in setup.checks],
        templates=[TemplateApprovalView.model_validate(template) for template in setup.templates],
    )
