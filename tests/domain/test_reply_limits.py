"""M8: what a person has used up of the bot's replies."""

from datetime import UTC, datetime, timedelta

from chalicelib.domain.reply_limits import LATE, MAX_REPLIES, MAX_SAME, MAX_WAITING, ReplyLimits

NOW = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)


def after_messages(count: int, every: timedelta) -> tuple[ReplyLimits, datetime]:
    limits = ReplyLimits()
    for number in range(count):
        limits = limits.with_message(NOW + number * every)
    return limits, NOW + (count - 1) * every


def test_m8_more_than_ten_messages_that_waited_are_a_flood() -> None:
    for count in (MAX_WAITING, MAX_WAITING + 1):
        limits, now = after_messages(count, timedelta())
        assert limits.is_flood(now - LATE, now) is (count > MAX_WAITING)
        assert not limits.is_flood(now - LATE + timedelta(microseconds=1), now)  # it did not wait


def test_m8_one_message_a_second_is_no_flood_however_late_they_are() -> None:
    limits, now = after_messages(500, timedelta(seconds=1))
    assert not limits.is_flood(now - timedelta(days=1), now)


def test_m8_a_flood_is_over_ten_seconds_after_its_last_message() -> None:
    limits, now = after_messages(500, timedelta(milliseconds=10))
    later = now + timedelta(seconds=11)
    assert not limits.with_message(later).is_flood(later - LATE, later)


def test_m8_all_counts_begin_anew_the_next_day() -> None:
    limits = ReplyLimits().with_message(NOW).with_replies(5, must_wait=True).with_file().with_unclear("menu")
    assert limits.with_message(NOW + timedelta(hours=9)).files == 1
    tomorrow = NOW + timedelta(hours=10)
    assert limits.with_message(tomorrow) == ReplyLimits().with_message(tomorrow)


def test_m8_another_unclear_message_counts_from_one() -> None:
    limits = ReplyLimits().with_unclear("menu").with_unclear("menu")
    assert limits.times == MAX_SAME and not limits.may_be_silent
    assert limits.with_unclear("menu").may_be_silent
    assert limits.with_unclear("numbers").times == 1
    assert not limits.understood().may_be_silent


def test_m8_a_reply_that_is_sent_at_once_waits_behind_none() -> None:
    limits = ReplyLimits().with_replies(MAX_WAITING, must_wait=True)
    assert limits.waiting == MAX_WAITING
    assert limits.with_replies(1, must_wait=False).waiting == 0
    assert limits.with_replies(MAX_REPLIES, must_wait=False).may_be_silent
