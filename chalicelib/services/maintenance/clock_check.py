"""The clock of a schedule, compared with what others have written: a wrong one would end holds that are not over."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.store import orders
from chalicelib.telemetry import count, logger

MAX_BEHIND = timedelta(minutes=2)
MAX_AHEAD = timedelta(minutes=5)  # AWS may hand over the event of a minute some minutes late
WITNESSES = 3  # newest orders: one that was written by a wrong clock proves nothing


@dataclass(frozen=True)
class ClockCheck:
    """Says whether a schedule may act."""

    clock: Callable[[], datetime]

    def is_right(self, fired_at: datetime | None) -> bool:
        """Return whether this process's clock may be right; if not, raise an alarm. One query.

        Args:
            fired_at: when AWS's own clock fired the schedule, if that is known.
        """
        now = self.clock()
        written = orders.newest_writes(WITNESSES)
        is_behind = len(written) > 1 and min(written) > now + MAX_BEHIND
        if fired_at is not None:
            is_behind = is_behind or fired_at > now + MAX_BEHIND
        is_ahead = fired_at is not None and now > fired_at + MAX_AHEAD
        if is_behind or is_ahead:
            logger.error(
                "the clock of a schedule is wrong", extra={"now": now, "newest": written, "fired_at": fired_at}
            )
            count("ClockWrong")
        return not (is_behind or is_ahead)
