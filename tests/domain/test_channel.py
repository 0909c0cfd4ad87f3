"""Whether our number may send: a stop until somebody resumes it, and a pause that ends by itself."""

from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.domain.channel import Channel, Stop

NOW = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)


def test_a_pause_lasts_until_its_very_end() -> None:
    paused = Channel(resumes_at=NOW)
    assert not paused.is_open(NOW - timedelta(seconds=1))
    assert paused.is_open(NOW)


@pytest.mark.parametrize(
    ("stopped", "answers", "others", "is_open"),
    [(None, False, False, True), (Stop.BUSINESS_INITIATED, False, True, True), (Stop.ALL, True, True, False)],
)
def test_what_a_stop_keeps_back(stopped: Stop | None, answers: bool, others: bool, is_open: bool) -> None:
    channel = Channel(stopped=stopped)
    assert (channel.stops(is_reply=True), channel.stops(is_reply=False)) == (answers, others)
    assert channel.is_open(NOW) is is_open
