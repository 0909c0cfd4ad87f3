"""Changes of how buyers of a raffle pay, while orders wait for payment: two managers agree on them."""

from typing import Annotated

from pydantic import Field

from chalicelib.domain.raffles import PaymentChange
from chalicelib.http.dispatch import Call
from chalicelib.http.raffles import check_payment_instructions
from chalicelib.http.schemas import Form, Moment, Text, View


class PaymentChangeBody(Form):
    """The payment instructions that are to be, word by word."""

    payment_instructions: Annotated[Text, Field(max_length=2000, examples=["Bank Y, account 456"])]


class PaymentChangeView(View):
    """A change of how buyers pay. It has taken effect once `confirmed_by` names the second manager."""

    raffle: str
    payment_instructions: str
    replaces: Annotated[str, Field(examples=["Bank X, account 123"])]
    proposed_by: str
    proposed_at: Moment
    valid_until: Moment
    confirmed_by: Annotated[str | None, Field(examples=["Pia's laptop"])]


def read_payment_change(call: Call, raffle_id: str) -> PaymentChangeView:
    """Get the proposed change of how buyers pay."""
    return _present(call.container.payment_changes.get(raffle_id))


def agree_on_payment_change(call: Call, raffle_id: str, body: PaymentChangeBody) -> PaymentChangeView:
    """Propose or confirm how buyers pay.

    A first manager proposes. A second one, with a token of another name, sends the very same within a day, and it takes
    effect. All organisers are told in WhatsApp of either. A token that was made through the API less than a day ago can
    do neither.
    """
    check_payment_instructions(body.payment_instructions)
    return _present(call.container.payment_changes.agree(raffle_id, body.payment_instructions, by=call.by))


def _present(change: PaymentChange) -> PaymentChangeView:
    values = {name: value for name, value in vars(change).items() if name in PaymentChangeView.model_fields}
    return PaymentChangeView(raffle=change.raffle_id, valid_until=change.valid_until, **values)
