"""A scene for the module, a wire for it, and no real pauses."""

from collections.abc import Iterator

import pytest

from chalicelib import container as composition
from chalicelib.domain.organisers import COMMAND_LINE, Role
from chalicelib.store import retries, transaction
from local.stack import Stack
from tests.support.faults.pauses import Pauses
from tests.support.faults.scene import Scene
from tests.support.faults.wire import Wire, tapped
from tests.support.world import TOKEN, World, make_world


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> Pauses:
    made = Pauses()
    monkeypatch.setattr(transaction, "sleep", made.append)
    monkeypatch.setattr(retries, "sleep", made.append)
    monkeypatch.setattr(retries, "monotonic", made.now)
    return made


@pytest.fixture(scope="module")
def scene(stack: Stack) -> Iterator[Scene]:
    """One scene for all of a module's tests, which put it back: making a world takes longer than a deed in it."""
    with pytest.MonkeyPatch.context() as patch:
        world = make_world(stack)
        composition.container.cache_clear()
        patch.setattr(composition, "make", lambda _: world.container)
        world.container.tokens.create("local", Role.MANAGER, by=COMMAND_LINE, key=TOKEN)
        with tapped(moto=True) as found:
            yield Scene(world, found)
        composition.container.cache_clear()


@pytest.fixture
def world(scene: Scene) -> World:
    """As everywhere, a Tombola with an organiser's token and no raffle: the module's, put back."""
    scene.go_back(scene.nothing)
    return scene.world


@pytest.fixture
def wire(world: World, scene: Scene) -> Wire:
    """The wire of that world."""
    return scene.wire
