"""The queue of wishes to look at a person, under a clock that the test moves."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

import app
from chalicelib.services.messaging.wake_ups import WakeUps
from local.worker import Context, sqs_event
from tests.support.world import Clock, World


@dataclass
class WishQueue:
    """Hands each wish to its function when its delay is over. `others` is told of each instead, if it is given."""

    clock: Clock
    others: Callable[[float, str], object] | None = None
    waiting: list[tuple[float, str]] = field(default_factory=list)  # moment, body

    def send_message(self, *, QueueUrl: str, MessageBody: str, DelaySeconds: int) -> None:  # noqa: N803 - boto3's names
        assert 0 <= DelaySeconds <= 900
        if self.others is not None:
            self.others(DelaySeconds, MessageBody)
        else:
            self.waiting.append((self.clock.now.timestamp() + DelaySeconds, MessageBody))

    def pass_time(self, *, seconds: float) -> None:
        """Move the clock, and stop at each wish on the way."""
        until = self.clock.now.timestamp() + seconds
        while self.waiting and min(self.waiting)[0] <= until:
            wish = min(self.waiting)
            self.waiting.remove(wish)
            self.clock.now += timedelta(seconds=max(0.0, wish[0] - self.clock.now.timestamp()))
            look(wish[1])
        self.clock.now += timedelta(seconds=until - self.clock.now.timestamp())


def look(body: str) -> None:
    """What Lambda does with a wish."""
    message = {"MessageId": "1", "ReceiptHandle": "1", "Body": body}
    app.deliver_to_person(sqs_event(message, "wake-ups"), Context("deliver_to_person"))


def wishes_of(world: World) -> WishQueue:
    """Put a queue of wishes into a world that has not sent anything yet."""
    queue = WishQueue(world.clock)
    vars(world.container)["wake_ups"] = WakeUps(
        sqs=lambda: queue, queue_url="https://queue/wake-ups", clock=world.clock
    )
    return queue
