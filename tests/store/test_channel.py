"""What stops and pauses sending, in whatever order it is told."""

from datetime import timedelta

from chalicelib.domain.channel import Stop
from chalicelib.store import channel
from tests.support.world import World

A_MINUTE = timedelta(minutes=1)


def test_a_narrower_stop_replaces_no_wider_one(world: World) -> None:
    channel.stop(Stop.ALL, world.clock.now, code=190)
    channel.stop(Stop.BUSINESS_INITIATED, world.clock.now + A_MINUTE, code=131048)
    assert (channel.read().stopped, channel.read().code) == (Stop.ALL, 190)


def test_a_stop_that_is_repeated_keeps_its_time_and_code(world: World) -> None:
    channel.stop(Stop.ALL, world.clock.now, code=190)
    channel.stop(Stop.ALL, world.clock.now + A_MINUTE, code=368)
    assert (channel.read().since, channel.read().code) == (world.clock.now, 190)


def test_a_wider_stop_replaces_a_narrower_one(world: World) -> None:
    channel.stop(Stop.BUSINESS_INITIATED, world.clock.now, code=131048)
    channel.stop(Stop.ALL, world.clock.now, code=190)
    assert (channel.read().stopped, channel.read().code) == (Stop.ALL, 190)


def test_what_happened_before_sending_was_resumed_stops_nothing(world: World) -> None:
    channel.resume(world.clock.now)
    channel.stop(Stop.ALL, world.clock.now - A_MINUTE, code=190)
    assert channel.read().stopped is None
    channel.stop(Stop.ALL, world.clock.now, code=190)
    assert channel.read().stopped is Stop.ALL


def test_a_shorter_pause_replaces_no_longer_one(world: World) -> None:
    channel.pause(world.clock.now + 10 * A_MINUTE)
    channel.pause(world.clock.now + 5 * A_MINUTE)
    assert channel.read().resumes_at == world.clock.now + 10 * A_MINUTE
    channel.pause(world.clock.now + 15 * A_MINUTE)
    assert channel.read().resumes_at == world.clock.now + 15 * A_MINUTE


def test_m3_an_answer_is_that_of_a_silence_only_after_it_began(world: World) -> None:
    channel.note_answer(world.clock.now)
    channel.note_silence(world.clock.now + A_MINUTE)
    assert channel.read().answered_at is None


def test_m3_the_first_answer_ends_a_silence(world: World) -> None:
    channel.note_silence(world.clock.now)
    for minutes in (1, 2):
        channel.note_answer(world.clock.now + minutes * A_MINUTE)
    assert channel.read().answered_at == world.clock.now + A_MINUTE


def test_m3_a_silence_that_has_begun_since_is_not_forgotten(world: World) -> None:
    channel.note_silence(world.clock.now)
    channel.end_silence(world.clock.now - A_MINUTE)
    assert channel.read().silent_since == world.clock.now
