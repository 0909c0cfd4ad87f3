"""Stop sending by hand, and resume it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from chalicelib.domain.channel import Channel, Stop
from chalicelib.domain.organisers import Actor
from chalicelib.store import audit
from chalicelib.store import channel as channels
from chalicelib.store.transaction import Busy, ConditionsFailed, Transaction, retry


@dataclass(frozen=True, kw_only=True)
class SendingStops:
    """Stops and resumes all sending of our WhatsApp number. The audit log records who did it.

    The audit entry comes first: if the process ends between the two, an entry is too many, and none is missing.
    """

    clock: Callable[[], datetime]

    def stop(self, *, by: Actor) -> Channel:
        """Send nothing until somebody resumes. Messages wait. Idempotent. Raises TryAgain."""
        return self._change(lambda now: channels.stop(Stop.ALL, now, code=None), "sending.stopped", by)

    def resume(self, *, by: Actor) -> Channel:
        """Send again, whatever stopped or paused it. Idempotent. Raises TryAgain."""
        return self._change(channels.resume, "sending.resumed", by)

    def _change(self, act: Callable[[datetime], None], action: str, by: Actor) -> Channel:
        now = self.clock()

        def record() -> None:
            transaction = Transaction()
            audit.record(transaction, action=action, target="sending", by=by, at=now, before={}, after={})
            transaction.commit()

        retry(record, again_on=(Busy, ConditionsFailed))
        act(now)
        return channels.read()
