"""How far an outbound message is, and whether it may go out: forwards only, whatever order the news comes in."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from chalicelib.domain.channel import Channel
from chalicelib.domain.contacts import WINDOW, Contact
from chalicelib.domain.messages import Template

OUTSIDE_THE_WINDOW = 131047  # WhatsApp's code; ours too, for what we know without asking


class DeliveryState(StrEnum):
    PENDING = "PENDING"  # to be sent
    UNKNOWN = "UNKNOWN"  # may have been sent: WhatsApp did not say
    ACCEPTED = "ACCEPTED"  # WhatsApp took it
    SENT = "SENT"
    DELIVERED = "DELIVERED"
    READ = "READ"
    FAILED = "FAILED"  # for good
    WITHHELD = "WITHHELD"  # not sent: the person has opted out, or it came too late to be of use


class Queue(StrEnum):
    """What a message waits for."""

    DUE = "DUE"  # its time
    STOPPED = "STOPPED"  # that messages which nobody asked for may be sent again
    WITHHELD = "WITHHELD"  # nothing: organisers see it
    UNDELIVERED = "UNDELIVERED"  # nothing: organisers see it. Its state is FAILED, or UNKNOWN for good


_FORWARDS = [state for state in DeliveryState if state not in (DeliveryState.FAILED, DeliveryState.WITHHELD)]

# The states from which each state may be entered. A failure that comes late counts, unless the person has the message.
# What was given up may have arrived by another try than the one that failed.
BEFORE: dict[DeliveryState, tuple[DeliveryState, ...]] = {
    **{state: (*_FORWARDS[:index], DeliveryState.FAILED) for index, state in enumerate(_FORWARDS)},
    DeliveryState.FAILED: tuple(_FORWARDS[: _FORWARDS.index(DeliveryState.DELIVERED)]),
    DeliveryState.WITHHELD: (DeliveryState.PENDING,),
}


@dataclass(frozen=True, kw_only=True)
class Outbound:
    """A message to a contact. `body` is in WhatsApp's form; `id` is unique within the contact and sorts by time.

    `template` says the same where only a template may go; `message_id` is WhatsApp's, once it took the message, and
    `error_code` its last reason for not doing so.
    """

    contact_id: str
    id: str
    body: dict[str, Any]
    created_at: datetime
    template: Template | None = None
    state: DeliveryState = DeliveryState.PENDING
    attempts: int = 0
    paused: int = 0  # of the attempts: those after which nothing could be sent to anybody
    in_reply_to: str | None = None
    queue: Queue | None = Queue.DUE
    due_at: datetime | None = None
    until: datetime | None = None  # afterwards it makes no sense any more
    behind: str | None = None  # id of an earlier message to the contact, which goes first
    message_id: str | None = None
    failed_ids: frozenset[str] = frozenset()  # WhatsApp's, of tries that it gave up after taking them
    error_code: int | None = None
    by: str | None = None  # the organiser who wrote it, by the name of their token

    @property
    def tag(self) -> str:
        """What WhatsApp hands back with every status of this message, so that we find it again."""
        return f"{self.contact_id}/{self.id}"

    @property
    def waits(self) -> bool:
        """Whether it is still to be sent, so that later messages to the same person stay behind it."""
        return self.queue is Queue.DUE

    @property
    def asked(self) -> bool:
        """Whether it answers what the person wrote; what an organiser writes within the 24 hours does."""
        return self.in_reply_to is not None or self.by is not None


class Way(StrEnum):
    SEND = "send"
    SEND_TEMPLATE = "send as a template"
    STOP = "keep until sending is resumed"
    WITHHOLD = "withhold"  # M5, or nobody needs it any more
    GIVE_UP = "give up"  # M4


@dataclass(frozen=True)
class Permission:
    way: Way
    language: str = ""  # of the template


def permission(outbound: Outbound, contact: Contact, channel: Channel, now: datetime) -> Permission:
    """Whether the message may go out now, and in which form (M4, M5). When it may is another question."""
    language = None
    if outbound.until is not None and now >= outbound.until:
        return Permission(Way.WITHHOLD)
    if contact.erased_at is not None:
        return Permission(Way.WITHHOLD)
    if contact.opted_out and not outbound.asked:
        return Permission(Way.WITHHOLD)
    if contact.window_is_over(now):
        template = outbound.template
        language = channel.language_for(template.name, contact.language) if template else None
        if language is None:
            return Permission(Way.GIVE_UP)
    elif outbound.asked and now >= outbound.created_at + WINDOW:  # they have written something else since
        return Permission(Way.GIVE_UP)
    if channel.stops(asked=outbound.asked):
        return Permission(Way.STOP)
    return Permission(Way.SEND) if language is None else Permission(Way.SEND_TEMPLATE, language)
