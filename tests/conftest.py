"""Fixtures that every test may use."""

from collections.abc import Iterator

import pytest
from moto import mock_aws

from chalicelib import runtime as composition
from local.stack import create
from tests.world import TOKEN, Buyer, World, make_world


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        yield


@pytest.fixture
def world(aws: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A whole Tombola with an organiser's token and no raffle."""
    made = make_world(create(None))
    composition.runtime.cache_clear()
    monkeypatch.setattr(composition, "make", lambda _: made.runtime)
    made.runtime.organising.create_token("local", key=TOKEN)
    yield made
    composition.runtime.cache_clear()


@pytest.fixture
def lucia(world: World) -> Buyer:
    return world.buyer("Lucía", 1)


@pytest.fixture
def marco(world: World) -> Buyer:
    return world.buyer("Marco", 2)
