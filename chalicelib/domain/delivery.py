"""Outbound messages: how far their delivery is, and whether and how they may be sent."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from chalicelib.domain.channel import Channel
from chalicelib.domain.contacts import WINDOW, Contact
from chalicelib.domain.messages import StoredFile, Template
from chalicelib.domain.pictures import Picture

# WhatsApp's error code. We also use it for messages that we give up without asking WhatsApp.
OUTSIDE_THE_WINDOW = 131047


class DeliveryState(StrEnum):
    PENDING = "PENDING"  # to be sent
    UNKNOWN = "UNKNOWN"  # may have been sent: we got no answer from WhatsApp
    ACCEPTED = "ACCEPTED"  # WhatsApp took it
    SENT = "SENT"
    DELIVERED = "DELIVERED"
    READ = "READ"
    FAILED = "FAILED"  # given up
    WITHHELD = "WITHHELD"  # not sent: the contact opted out or was erased, or the message came too late to be useful


class Queue(StrEnum):
    """The list in which a message waits, or is kept for organisers to see."""

    DUE = "DUE"  # to be sent at its `due_at`
    STOPPED = "STOPPED"  # to be sent once business-initiated messages are resumed
    WITHHELD = "WITHHELD"  # for organisers to see
    UNDELIVERED = "UNDELIVERED"  # for organisers to see: FAILED, or UNKNOWN for good


_PROGRESS = [state for state in DeliveryState if state not in (DeliveryState.FAILED, DeliveryState.WITHHELD)]

# State → the states from which it can be reached. Statuses arrive in any order, and a state only moves forwards.
# A late failure counts unless the message was delivered. A FAILED message can still move on: another attempt than the
# failed one may have arrived.
REACHABLE_FROM: dict[DeliveryState, tuple[DeliveryState, ...]] = {
    **{state: (*_PROGRESS[:index], DeliveryState.FAILED) for index, state in enumerate(_PROGRESS)},
    DeliveryState.FAILED: tuple(_PROGRESS[: _PROGRESS.index(DeliveryState.DELIVERED)]),
    DeliveryState.WITHHELD: (DeliveryState.PENDING,),
}


@dataclass(frozen=True, kw_only=True)
class Outbound:
    """A message to a contact.

    Attributes:
        id: unique among the contact's messages; sorts by time.
        body: the request to WhatsApp.
        picture: goes with the text of `body`, which is sent alone if the picture can't be.
        template: the same content as a template, for use outside the 24-hour window; None if there is none.
        header: a file that is shown above the text; added when it is sent.
        attempts: how often we tried to send it, including the attempt under way.
        paused: how many attempts failed because nothing could be sent to anybody; they don't count as its own.
        in_reply_to: our id of the inbound message that it replies to.
        queue: where it waits or is kept; None once WhatsApp took it.
        due_at: when the schedule may send it.
        useful_until: after this moment it is not worth sending; None: always worth it.
        behind: the id of an earlier message to the contact that must be sent first.
        message_id: WhatsApp's id, once WhatsApp took it.
        failed_ids: WhatsApp's ids of attempts that it took first and failed later.
        error_code: WhatsApp's last reason for refusing it.
        by: the organiser who wrote it, by the name of their token.
        reply: which of the bot's replies it is (`ReplyName`); None for an organiser's message, and for older ones.
    """

    contact_id: str
    id: str
    body: dict[str, Any]
    created_at: datetime
    template: Template | None = None
    header: StoredFile | None = None
    state: DeliveryState = DeliveryState.PENDING
    attempts: int = 0
    paused: int = 0
    in_reply_to: str | None = None
    queue: Queue | None = Queue.DUE
    due_at: datetime | None = None
    useful_until: datetime | None = None
    behind: str | None = None
    message_id: str | None = None
    failed_ids: frozenset[str] = frozenset()
    error_code: int | None = None
    by: str | None = None
    reply: str | None = None
    picture: Picture | None = None

    @property
    def tag(self) -> str:
        """The string that WhatsApp returns with every status of this message. It identifies the message."""
        return f"{self.contact_id}/{self.id}"

    @property
    def is_waiting(self) -> bool:
        """Whether it is still to be sent, so that later messages to the contact must wait."""
        return self.queue is Queue.DUE

    @property
    def must_wait(self) -> bool:
        """Return whether it was never tried and is left to the schedule or to a wake-up."""
        return self.is_waiting and not self.attempts

    @property
    def is_reply(self) -> bool:
        """Whether it replies to something the contact wrote. An organiser's message, written in the window, does."""
        return self.in_reply_to is not None or self.by is not None


class Decision(StrEnum):
    """What to do with a message that is to be sent."""

    SEND = "send"
    SEND_TEMPLATE = "send as a template"
    AWAIT_RESUME = "keep until sending is resumed"
    WITHHOLD = "withhold"  # M5, or it is not useful any more
    GIVE_UP = "give up"  # M4


@dataclass(frozen=True)
class Permission:
    """Whether and how a message may be sent. `language` is the template's, for SEND_TEMPLATE."""

    decision: Decision
    language: str = ""


def permission(outbound: Outbound, contact: Contact, channel: Channel, now: datetime) -> Permission:
    """Decide whether the message may be sent, and in which form (M4, M5). When to send it is decided elsewhere."""
    language = None
    if outbound.useful_until is not None and now >= outbound.useful_until:
        return Permission(Decision.WITHHOLD)
    if contact.erased_at is not None:
        return Permission(Decision.WITHHOLD)
    if contact.opted_out and not outbound.is_reply:
        return Permission(Decision.WITHHOLD)
    if contact.window_is_over(now):
        template = outbound.template
        language = channel.language_for(template.name, contact.language) if template else None
        if language is None:
            return Permission(Decision.GIVE_UP)
    elif outbound.is_reply and now >= outbound.created_at + WINDOW:
        # The window is open since the contact wrote something else: a day-old reply would only confuse them.
        return Permission(Decision.GIVE_UP)
    if channel.stops(is_reply=outbound.is_reply):
        return Permission(Decision.AWAIT_RESUME)
    return Permission(Decision.SEND) if language is None else Permission(Decision.SEND_TEMPLATE, language)
