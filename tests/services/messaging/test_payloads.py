"""Every body that Meta is known to post, through the webhook and the queue: harmless."""

import json
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.whatsapp.webhook import split
from tests.support.quick_queue import QuickQueue, work_off
from tests.support.steps import assert_board_is_exact
from tests.support.whatsapp_samples import OURS, PAYLOADS, raw, taken_apart
from tests.support.world import World

OBJECT = "whatsapp_business_account"


@pytest.fixture
def queue(world: World) -> QuickQueue:
    made = QuickQueue()
    vars(world.container)["inbox"] = replace(world.container.inbox, sqs=lambda: made)
    return made


def texts(world: World) -> str:
    return json.dumps(world.graph.sent, ensure_ascii=False)


def test_every_body_is_accepted_and_does_no_harm(world: World, queue: QuickQueue) -> None:
    raffle = world.raffle()
    for name in PAYLOADS:
        apart, before = taken_apart(name), len(world.graph.sent)
        assert world.post_webhook(raw(name)) == 200, name
        letters = len(world.container.dead_letters.list_all())
        assert work_off(queue) == (len(apart.updates) + len(apart.unusable), []), name
        kept = len(world.container.dead_letters.list_all()) - letters
        assert kept <= len(apart.unusable), name  # the same one may have come before
        messages = sum(update.kind == "message" for update in apart.updates)
        assert len(world.graph.sent) - before <= messages, name
    # One body opens the raffle, and the next one that names numbers ("5,12") holds those, and no others.
    assert world.availability(raffle) == (98, 2, 0)
    world.minute()


def test_all_bodies_are_accepted_in_one_batch(world: World, queue: QuickQueue) -> None:
    raffle = world.raffle()
    entries: list[Any] = []
    names = []
    for name in PAYLOADS:
        try:
            body = json.loads(raw(name).decode("utf-8-sig"))
        except (ValueError, RecursionError):
            continue
        ours = isinstance(body, dict) and body.get("object", OBJECT) == OBJECT and isinstance(body.get("entry"), list)
        if ours and name != "batch_1000_statuses":
            entries += body["entry"]
            names.append(name)
    batch = json.dumps({"object": "whatsapp_business_account", "entry": entries}).encode()
    known = {(update.kind, update.id) for name in names for update in taken_apart(name).updates}
    unusable = {(one.reason, one.body) for one in split(batch, phone_number_id=OURS).unusable}
    for _ in range(2):  # and once more: M1
        assert world.post_webhook(batch) == 200
        done, raised = work_off(queue)
        assert (done, raised) == (len(known) + len(unusable), [])
    assert len(known) > 100
    assert_board_is_exact(world, raffle)


@pytest.mark.parametrize("name", [name for name in PAYLOADS if name.startswith("profile_name")])
def test_a_hostile_name_stays_out_of_what_we_say(world: World, queue: QuickQueue, name: str) -> None:
    world.post_webhook(raw(name))
    work_off(queue)
    assert "<script>" not in texts(world) and "\u202e" not in texts(world)
