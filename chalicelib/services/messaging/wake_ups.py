"""Wishes to look at a person at a given moment, so that what waits for them goes out within seconds.

They only save time. If one is lost, the schedule finds the message within a minute. If one comes twice, the second
finds nothing to do.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from json import dumps, loads
from math import ceil
from typing import Any, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.telemetry import count, logger

MAX_DELAY = timedelta(minutes=15)  # SQS's limit; a later wish is put into the queue again


class WakeUp(NamedTuple):
    """A wish to look at a person.

    Attributes:
        contact_id: the person.
        since: the id of the first message to them that may be waiting.
        at: when to look. The queue may deliver it sooner.
    """

    contact_id: str
    since: str
    at: datetime

    def to_json(self) -> str:
        return dumps({"contact": self.contact_id, "since": self.since, "at": self.at.isoformat()})

    @classmethod
    def from_json(cls, body: str) -> "WakeUp":
        """Read what `to_json` wrote. Raises ValueError, KeyError, TypeError."""
        fields = loads(body)
        return cls(str(fields["contact"]), str(fields["since"]), datetime.fromisoformat(fields["at"]))


@dataclass(frozen=True, kw_only=True)
class WakeUps:
    """Puts wishes into the queue.

    Attributes:
        sqs: makes a boto3 SQS client.
        queue_url: empty if there is no such queue: then everything that waits is left to the schedule.
    """

    sqs: Callable[[], Any]
    queue_url: str
    clock: Callable[[], datetime]

    def request(self, contact_id: str, since: str, at: datetime) -> None:
        """Have somebody look at a person at `at`, in whole seconds and never sooner. A failure raises nothing."""
        if not self.queue_url:
            return
        wish = WakeUp(contact_id, since, at)
        delay = min(max(at - self.clock(), timedelta()), MAX_DELAY)
        try:
            self.sqs().send_message(
                QueueUrl=self.queue_url, MessageBody=wish.to_json(), DelaySeconds=ceil(delay.total_seconds())
            )
        except (BotoCoreError, ClientError) as failure:
            logger.warning("a wake-up could not be queued", extra={"reason": type(failure).__name__})
            count("WakeUpsLost")
