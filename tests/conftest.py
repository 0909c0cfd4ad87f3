"""Fixtures that every test may use."""

from collections.abc import Iterator

import pytest
from moto import mock_aws
from moto.backends import get_backend

from chalicelib import runtime as composition
from local.stack import Stack, create
from tests.world import TOKEN, Buyer, World, make_world


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """AWS as moto has it, with the stack's resources: made once a module, since that takes longer than most tests."""
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
            patch.delenv(name, raising=False)
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "test")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        yield create(None)


@pytest.fixture
def world(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A whole Tombola with an organiser's token and no raffle."""
    empty(stack)
    made = make_world(stack)
    composition.runtime.cache_clear()
    monkeypatch.setattr(composition, "make", lambda _: made.runtime)
    made.runtime.organising.create_token("local", key=TOKEN)
    yield made
    composition.runtime.cache_clear()


def empty(stack: Stack) -> None:
    """Take away what an earlier test has left in moto."""
    account = "123456789012"
    get_backend("dynamodb")[account]["us-east-1"].tables[stack.table].items.clear()
    queue = get_backend("sqs")[account]["us-east-1"].get_queue(stack.queue_url.rpartition("/")[2])
    queue._messages, queue._pending_messages = [], set()
    get_backend("s3")[account]["aws"].buckets[stack.bucket].keys.clear()


@pytest.fixture
def lucia(world: World) -> Buyer:
    return world.buyer("Lucía", 1)


@pytest.fixture
def marco(world: World) -> Buyer:
    return world.buyer("Marco", 2)
