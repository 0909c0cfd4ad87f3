"""The furnished Tombola behind its gateway: made once a module, and as it was at the begin of each test."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from chalicelib.services import tokens
from local.stack import Stack
from tests.support.api import scene as scenes
from tests.support.api.scene import Kept, Scene


@pytest.fixture(scope="module")
def furnished(stack: Stack) -> Iterator[tuple[Scene, Kept]]:
    """A scene, and how it was at first: for tests that put it back themselves, again and again."""
    with scenes.scene(stack) as made, pytest.MonkeyPatch.context() as patch:
        # All those wrong tokens come faster than they would be looked up.
        patch.setattr(tokens, "FAILURES", replace(tokens.FAILURES, burst=1_000_000))
        yield made, made.keep()


@pytest.fixture
def scene(furnished: tuple[Scene, Kept]) -> Scene:
    made, kept = furnished
    made.put_back(kept)
    return made
