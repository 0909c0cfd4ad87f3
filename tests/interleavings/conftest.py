"""A stage for each test, on a table that is made once a module."""

from collections.abc import Callable, Iterator

import pytest

from chalicelib.store.records import low_level
from tests.support.interleavings.scene import Kept, Scene, scene
from tests.support.interleavings.stage import Stage
from tests.support.interleavings.turns import OwnRandom, note_answer, stop_before


@pytest.fixture(scope="module")
def shared() -> Iterator[tuple[Scene, OwnRandom, Kept]]:
    random = OwnRandom()
    with scene(random) as made:
        events = low_level().client.meta.events
        events.register("before-call.dynamodb", stop_before)
        events.register("after-call.dynamodb", note_answer)
        yield made, random, made.keep()
        events.unregister("before-call.dynamodb", stop_before)
        events.unregister("after-call.dynamodb", note_answer)


@pytest.fixture
def stage(shared: tuple[Scene, OwnRandom, Kept], record_property: Callable[[str, object], None]) -> Stage:
    made, random, empty = shared
    made.put_back(empty)
    made.said.clear()
    random.begin(7)
    return Stage(made, random, record_property)
