"""The furnished Tombola behind its gateway: made once a module, and as it was at the begin of each test."""

from collections.abc import Iterator

import pytest

from local.stack import Stack
from tests.support.api import scene as scenes
from tests.support.api.scene import Kept, Scene


@pytest.fixture(scope="module")
def furnished(stack: Stack) -> Iterator[tuple[Scene, Kept]]:
    """A scene, and how it was at first: for tests that put it back themselves, again and again."""
    with scenes.scene(stack) as made:
        yield made, made.keep()


@pytest.fixture
def scene(furnished: tuple[Scene, Kept]) -> Scene:
    made, kept = furnished
    made.put_back(kept)
    return made
