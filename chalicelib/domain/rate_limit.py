"""How fast may be spoken. WhatsApp counts for each person and for each number of ours."""

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, kw_only=True)
class Pace:
    """One each `interval`, and up to `burst` at once: a leaky bucket, kept as the one moment at which it is empty.

    Source: the generic cell rate algorithm, ITU-T I.371, as virtual scheduling.
    """

    interval: timedelta
    burst: int

    def book(self, booked: datetime | None, now: datetime, count: int = 1) -> datetime:
        """Until when the pace is used up, once `count` more are said; `booked` is until when it was before."""
        return max(booked or now, now) + count * self.interval

    def earliest(self, booked: datetime) -> datetime:
        """When the last of what was booked may be said; perhaps long ago."""
        return booked - self.burst * self.interval


# Source: "Rates" in the contract (docs of the WhatsApp Cloud API, 2026-11).
A_PERSON = Pace(interval=timedelta(seconds=6), burst=45)
A_NUMBER = 80  # messages a second, in and out together
