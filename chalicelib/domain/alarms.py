"""Find faults of the service in its own data. CloudWatch has further alarms."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from chalicelib.domain.channel import Channel

# As late as in the alarms HoldsNotEndedInTime and AnswersWait of infra/resources.json.
HOLDS_LATE = timedelta(minutes=3)
MESSAGES_LATE = timedelta(minutes=10)


class AlarmCode(StrEnum):
    """The values are part of the API."""

    SENDING_STOPPED = "sending_stopped"
    SENDING_PAUSED = "sending_paused"
    WHATSAPP_SILENT = "whatsapp_silent"
    DEAD_LETTERS = "dead_letters"
    HOLDS_NOT_ENDED = "holds_not_ended"
    MESSAGES_WAIT = "messages_wait"


TEXTS = {
    AlarmCode.SENDING_STOPPED: "Sending is stopped: messages wait until somebody resumes it.",
    AlarmCode.SENDING_PAUSED: "WhatsApp takes nothing for the moment: messages wait, and go out by themselves.",
    AlarmCode.WHATSAPP_SILENT: "WhatsApp does not answer.",
    AlarmCode.DEAD_LETTERS: "Something came in that could not be handled: look at the dead letters.",
    AlarmCode.HOLDS_NOT_ENDED: "Holds end more than three minutes late: the schedule may have stopped.",
    AlarmCode.MESSAGES_WAIT: "Messages are more than ten minutes overdue: the schedule may have stopped.",
}


class Alarm(NamedTuple):
    """Something that is wrong, and since when, if that is known."""

    code: AlarmCode
    since: datetime | None

    @property
    def text(self) -> str:
        return TEXTS[self.code]


def find_alarms(
    *,
    channel: Channel,
    dead_letter_at: datetime | None,
    hold_until: datetime | None,
    message_due_at: datetime | None,
    now: datetime,
) -> list[Alarm]:
    """Return what is wrong, the gravest first.

    Args:
        dead_letter_at: when the oldest dead letter came.
        hold_until: when the hold ends, or should have ended, that is the first one to end.
        message_due_at: when the message was due that has been due for the longest.
    """

    def alarms() -> Iterator[Alarm]:
        if channel.stopped is not None:
            yield Alarm(AlarmCode.SENDING_STOPPED, channel.since)
        if channel.silent_since is not None:
            yield Alarm(AlarmCode.WHATSAPP_SILENT, channel.silent_since)
        if hold_until is not None and now >= hold_until + HOLDS_LATE:
            yield Alarm(AlarmCode.HOLDS_NOT_ENDED, hold_until)
        if message_due_at is not None and now >= message_due_at + MESSAGES_LATE:
            yield Alarm(AlarmCode.MESSAGES_WAIT, message_due_at)
        if dead_letter_at is not None:
            yield Alarm(AlarmCode.DEAD_LETTERS, dead_letter_at)
        if channel.is_paused(now):
            yield Alarm(AlarmCode.SENDING_PAUSED, None)

    return list(alarms())
