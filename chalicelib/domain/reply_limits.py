"""Limit what the bot says to one person, so that neither people nor machines make it answer without end (M8)."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from chalicelib.domain.rate_limit import RateLimit

MAX_SAME = 2  # times in a row that it says that it can make nothing of what came; then that a person will read it
PAUSE = timedelta(hours=1)  # after so long without a message, it says so again
MAX_REPLIES = 100  # to one person in a day
MAX_FILES = 20  # of one person in a day
MAX_CHECKS = 20  # of other people's tickets, for one person in a day: nobody finds codes by guessing (P13)
MAX_PICTURES = 20  # that one person asks for in a day: boards, and tickets once more; then they read the text alone
MAX_DECISIONS = 500  # of one organiser in a day (O11); what they tap takes none of their replies
MAX_WAITING = 10  # messages of a person that wait; of more, only the newest is answered
LATE = timedelta(seconds=2)  # a message that is handled so long after it was written has waited
NEWEST_WAITS = timedelta(seconds=10)  # for a newer one, before it is answered
# Messages that come faster than this pile up if they also wait.
_PACE = RateLimit(interval=timedelta(seconds=1), burst=MAX_WAITING)


@dataclass(frozen=True, kw_only=True)
class ReplyLimits:
    """Count what the bot has said to one person today, and what it has fetched for them. A new day begins at zero.

    Attributes:
        day: the UTC day, such as "2026-11-29"; "" before the first message.
        replies: how many replies they got, and one more once they get none.
        files: how many files were fetched for them.
        checks: how many codes of tickets they wrote that are not theirs.
        pictures: how many pictures they got that they had asked for.
        decisions: how often they chose something as an organiser.
        unclear: which "not understood" they were told last; "" if they have been understood since.
        times: how often in a row, and how often it would have been said.
        misses: how many of their messages in a row the bot could make nothing of, whatever it said. Files don't count.
        heard: how many messages they typed today.
        missed: how many of these the bot could make nothing of.
        waiting: how many replies to them wait to be sent.
        busy_until: until when the messages that came use up the pace.
    """

    day: str = ""
    replies: int = 0
    files: int = 0
    checks: int = 0
    pictures: int = 0
    decisions: int = 0
    unclear: str = ""
    times: int = 0
    misses: int = 0
    heard: int = 0
    missed: int = 0
    waiting: int = 0
    busy_until: datetime | None = None

    def with_message(self, now: datetime) -> "ReplyLimits":
        """Return the limits when a message is handled."""
        day = now.date().isoformat()
        limits = self if day == self.day else ReplyLimits(day=day)
        if limits.busy_until is not None and now - limits.busy_until >= PAUSE:
            limits = limits.understood()
        # Beyond twice the burst it does not grow, so that a flood is over soon after its last message.
        busy_until = min(_PACE.reserve(limits.busy_until, now), now + 2 * _PACE.burst * _PACE.interval)
        return replace(limits, busy_until=busy_until)

    def is_flood(self, written_at: datetime, now: datetime) -> bool:
        """Return whether a message has waited behind so many that the newest one alone is to be answered."""
        piles_up = self.busy_until is not None and _PACE.earliest(self.busy_until) > now
        return piles_up and now - written_at >= LATE

    def with_replies(self, count: int, *, must_wait: bool) -> "ReplyLimits":
        """Return the limits with `count` more replies, which take no other one's place.

        Args:
            must_wait: whether they wait to be sent. If they are sent at once, none waits.
        """
        return replace(self, replies=self.replies + count, waiting=self.waiting + count if must_wait else 0)

    def with_silence(self) -> "ReplyLimits":
        """Return the limits after the first message that got no reply because there were enough today."""
        return replace(self, replies=MAX_REPLIES + 1)

    def with_unclear(self, unclear: str, *, is_file: bool = False) -> "ReplyLimits":
        """Return the limits after a message of which the bot can make nothing. A file may well be understood later."""
        times = self.times + 1 if unclear == self.unclear else 1
        return replace(self, unclear=unclear, times=times, misses=self.misses + (not is_file))

    def with_typed(self, *, missed: bool) -> "ReplyLimits":
        """Return the limits with one more typed message, of which the bot could make nothing if it is `missed`."""
        return replace(self, heard=self.heard + 1, missed=self.missed + missed)

    def with_file(self) -> "ReplyLimits":
        return replace(self, files=self.files + 1)

    def with_check(self) -> "ReplyLimits":
        return replace(self, checks=self.checks + 1)

    def with_pictures(self, count: int) -> "ReplyLimits":
        return replace(self, pictures=self.pictures + count)

    def with_decision(self) -> "ReplyLimits":
        return replace(self, decisions=self.decisions + 1)

    def understood(self) -> "ReplyLimits":
        return replace(self, unclear="", times=0, misses=0)

    @property
    def is_lost(self) -> bool:
        """Return whether it has been said often enough that nothing can be made of what comes."""
        return max(self.times, self.misses - 1) > MAX_SAME  # one more if it is unclear in different ways

    @property
    def may_be_silent(self) -> bool:
        """Return whether the next message may get no reply."""
        return self.is_lost or self.replies >= MAX_REPLIES
