"""The number that buyers write to, as organisers share it."""

import pytest

from chalicelib.whatsapp.graph import NotSent
from tests.support.tokens import a_token
from tests.support.world import FakeGraph, World


def test_whoever_may_read_is_told_the_number(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeGraph, "number", lambda *_, **__: "+1 631-555-1181")
    viewer = a_token(world, "viewer")
    answer = world.api("GET", "/api/number", token=viewer["key"])
    assert (answer.status, answer.body) == (200, {"number": "+1 631-555-1181"})


def test_while_whatsapp_is_silent_there_is_none(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> str:
        raise NotSent("no answer")

    monkeypatch.setattr(FakeGraph, "number", fail)
    assert world.api("GET", "/api/number").body == {"number": None}
