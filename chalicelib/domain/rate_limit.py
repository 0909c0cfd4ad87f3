"""Rate limits: how many messages or attempts are allowed in a stretch of time."""

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, kw_only=True)
class RateLimit:
    """Allow one event per `interval`, and up to `burst` events at once after a quiet time.

    A leaky bucket. Its whole state is one moment: when the bucket will be empty. The caller keeps that moment.

    Source: the generic cell rate algorithm, ITU-T I.371, in its virtual scheduling version.
    """

    interval: timedelta
    burst: int

    def reserve(self, used_until: datetime | None, now: datetime, count: int = 1) -> datetime:
        """Reserve `count` events and return the moment until which the limit is used up.

        Args:
            used_until: the result of the last reservation; None before the first one.
        """
        return max(used_until or now, now) + count * self.interval

    def earliest(self, used_until: datetime) -> datetime:
        """Return when the last reserved event may happen. It may lie in the past."""
        return used_until - self.burst * self.interval


# Between our number and one contact. WhatsApp answers 131056 when it is exceeded.
# Source: https://developers.facebook.com/docs/whatsapp/cloud-api/overview#pair-rate-limits
PAIR_RATE_LIMIT = RateLimit(interval=timedelta(seconds=6), burst=45)
