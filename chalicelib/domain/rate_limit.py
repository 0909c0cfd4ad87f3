"""Rate limits, such as WhatsApp's on messages to one person."""

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, kw_only=True)
class Pace:
    """One event per `interval`, and up to `burst` at once: a leaky bucket, stored as the moment when it is empty.

    Source: the generic cell rate algorithm, ITU-T I.371, in its virtual scheduling version.
    """

    interval: timedelta
    burst: int

    def book(self, booked: datetime | None, now: datetime, count: int = 1) -> datetime:
        """Book `count` more events. `booked` and the result: until when the bucket is in use."""
        return max(booked or now, now) + count * self.interval

    def earliest(self, booked: datetime) -> datetime:
        """Return when the last booked event may happen; this may be long ago."""
        return booked - self.burst * self.interval


# What WhatsApp allows for messages to one person: one every 6 seconds, or a burst of 45.
# Source: "Pair rate limits", https://developers.facebook.com/docs/whatsapp/cloud-api/overview (2026-11)
A_PERSON = Pace(interval=timedelta(seconds=6), burst=45)
