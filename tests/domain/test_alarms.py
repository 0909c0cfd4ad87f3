"""What is wrong with the service is told from its data, with the time since when."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.domain.alarms import TEXTS, AlarmCode, find_alarms
from chalicelib.domain.channel import Channel, Stop

NOW = datetime(2026, 11, 23, 14, tzinfo=UTC)
AGO = NOW - timedelta(hours=1)


def found(**known: Any) -> list[tuple[AlarmCode, datetime | None]]:
    well = {"channel": Channel(), "dead_letter_at": None, "hold_until": None, "message_due_at": None}
    return [(alarm.code, alarm.since) for alarm in find_alarms(**{**well, **known}, now=NOW)]


def test_all_is_well() -> None:
    later = NOW + timedelta(minutes=1)
    assert found(channel=Channel(resumes_at=NOW), hold_until=later, message_due_at=later) == []


@pytest.mark.parametrize("stop", Stop)
def test_a_stop_by_hand_or_by_whatsapp(stop: Stop) -> None:
    assert found(channel=Channel(stopped=stop, since=AGO)) == [(AlarmCode.SENDING_STOPPED, AGO)]


def test_a_pause_ends_by_itself_and_a_silence_does_not() -> None:
    paused = Channel(resumes_at=NOW + timedelta(seconds=1))
    assert found(channel=paused) == [(AlarmCode.SENDING_PAUSED, None)]
    assert found(channel=Channel(silent_since=AGO)) == [(AlarmCode.WHATSAPP_SILENT, AGO)]


@pytest.mark.parametrize(
    ("name", "minutes", "code"),
    [("hold_until", 3, AlarmCode.HOLDS_NOT_ENDED), ("message_due_at", 10, AlarmCode.MESSAGES_WAIT)],
)
def test_what_a_schedule_should_have_done_is_an_alarm_after_minutes(name: str, minutes: int, code: AlarmCode) -> None:
    due = NOW - timedelta(minutes=minutes)
    assert found(**{name: due}) == [(code, due)]
    assert found(**{name: due + timedelta(microseconds=1)}) == []


def test_each_alarm_has_a_text() -> None:
    assert set(TEXTS) == set(AlarmCode)
