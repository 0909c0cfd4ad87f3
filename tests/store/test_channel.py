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
