"""Somebody has captured a signed notice about a template and posts it again: it is older than what is known (O9)."""

from datetime import timedelta
from typing import Any

import pytest

from chalicelib.lambdas import handle_update
from chalicelib.store import channel as channels
from chalicelib.store.records import ChannelRecord
from chalicelib.whatsapp.templates import DEFINITIONS
from chalicelib.whatsapp.webhook import split
from tests.support.world import World
from whatsapp_sandbox import webhooks

Json = dict[str, Any]
NAME = DEFINITIONS[0].name
USED = frozenset({f"{NAME}/es"})


def notice(event: str, at: float | None) -> bytes:
    value = {"event": event, "message_template_name": NAME, "message_template_language": "es"}
    body = webhooks.envelope(value)
    body["entry"][0] |= {"changes": [{"value": value, "field": "message_template_status_update"}]}
    body["entry"][0].pop("time", None)
    if at is not None:
        body["entry"][0]["time"] = int(at)
    return webhooks.encode(body)


def post(world: World, raw: bytes) -> None:
    """Hand it over as hours later, when the queue would no longer know it."""
    found = split(raw, phone_number_id=world.container.settings.WHATSAPP_PHONE_NUMBER_ID)
    assert found.updates and not found.unusable
    for update in found.updates:
        handle_update(update.to_json())


@pytest.mark.parametrize(("first", "then"), [("APPROVED", "PAUSED"), ("PAUSED", "APPROVED")])
def test_o9_a_captured_notice_changes_nothing_when_it_comes_again(world: World, first: str, then: str) -> None:
    captured = notice(first, world.at)
    post(world, captured)
    post(world, notice(then, world.at + 60))
    known = channels.read().approved
    assert known == (USED if then == "APPROVED" else frozenset())
    for _ in range(2):
        post(world, captured)
    assert channels.read().approved == known


def test_o9_nor_does_one_that_is_older_than_what_whatsapp_was_asked(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    captured = notice("APPROVED", world.at)
    world.clock.now += timedelta(hours=1)
    monkeypatch.setattr(world.graph, "templates", lambda _: [])
    world.container.templates.check()
    post(world, captured)
    assert channels.read().approved == frozenset()


def test_o9_one_without_a_time_changes_only_what_is_not_known(world: World) -> None:
    post(world, notice("APPROVED", None))
    assert channels.read().approved == USED
    post(world, notice("PAUSED", world.at))
    post(world, notice("APPROVED", None))
    assert channels.read().approved == frozenset()


def test_o9_a_template_of_the_version_before_is_still_used_and_changes(world: World) -> None:
    """It has no time: what is known of it is older than any notice."""
    ChannelRecord(*channels.KEY, approved={f"{NAME}/es"}).save()
    assert channels.read().approved == USED
    post(world, notice("PAUSED", world.at))
    assert channels.read().approved == frozenset()
