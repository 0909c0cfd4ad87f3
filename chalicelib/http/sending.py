"""Sending: whether messages go out, and a stop for all of them."""

from typing import Annotated

from pydantic import Field

from chalicelib.domain.channel import Channel, Stop
from chalicelib.http.dispatch import Call
from chalicelib.http.schemas import Moment, View
from chalicelib.store import channel as channels
from chalicelib.whatsapp.graph import GraphError

NUMBER_SECONDS = 5.0  # to wait for WhatsApp


class SendingView(View):
    """Whether messages are sent. `stopped` is null, or says what is not sent until somebody resumes it."""

    stopped: Annotated[Stop | None, Field(description="`all`, or `unasked`: everything but replies to people.")]
    code: Annotated[int | None, Field(description="WhatsApp's error code of the cause; null for a stop by hand.")]
    since: Moment | None
    resumes_at: Annotated[Moment | None, Field(description="Until when a pause lasts that ends by itself.")]
    silent_since: Annotated[
        Moment | None, Field(description="Since when WhatsApp has not answered; null if all is well.")
    ]


class NumberView(View):
    """Our number as WhatsApp shows it; null while WhatsApp does not tell it."""

    number: Annotated[str | None, Field(examples=["+1 631-555-1181"])]


def read_number(call: Call) -> NumberView:
    """Get the number that buyers write to.

    WhatsApp is asked each time, so keep the answer.
    """
    try:
        return NumberView(number=call.container.graph.number(within=NUMBER_SECONDS) or None)
    except GraphError:
        return NumberView(number=None)


def read_sending(call: Call) -> SendingView:
    """Get whether messages go out."""
    return _present(channels.read())


def stop_sending(call: Call) -> SendingView:
    """Stop sending.

    Nothing goes out until it is resumed; messages wait. Repeating the request has no further effect.
    """
    return _present(call.container.sending_stops.stop(by=call.by))


def resume_sending(call: Call) -> SendingView:
    """Resume sending.

    Do this once the cause of a stop is fixed. Waiting messages go out within a minute or two.
    """
    return _present(call.container.sending_stops.resume(by=call.by))


def _present(channel: Channel) -> SendingView:
    return SendingView.model_validate(channel)
