"""Private chats from the phone of the business: nothing of them is queued, stored, or kept as a dead letter."""

import json
from typing import Any

import pytest

from tests.support.world import World
from whatsapp_sandbox import webhooks

Json = dict[str, Any]
PRIVATE = "See you at dinner"


def body_with(field: object, value: object) -> bytes:
    body = webhooks.envelope({})
    body["entry"][0]["changes"] = [{"field": field, "value": value}]
    return json.dumps(body).encode()


def chats(count: int) -> Json:
    message = {"id": "wamid.H", "from": "50255509876", "timestamp": "1", "type": "text", "text": {"body": PRIVATE}}
    threads = [{"id": "50255509876", "messages": [message] * count}]
    metadata = {"phone_number_id": webhooks.OUR_BUSINESS.phone_number_id}
    return {"metadata": metadata, "history": [{"metadata": {"phase": 0}, "threads": threads}]}


def deep(levels: int) -> Json:
    return {"history": deep(levels - 1) if levels else PRIVATE}


@pytest.mark.parametrize(
    "value",
    [
        chats(1),
        chats(3_000),  # larger than the queue takes
        chats(25_000),  # about the 3 MB that WhatsApp posts at most
        {**chats(1), "messages": [{"text": PRIVATE}]},
        {"messages": [{"id": "wamid.H", "from": "50255509876", "type": "text", "text": {"body": PRIVATE}}]},
        deep(100),
        [PRIVATE],
        PRIVATE,
        None,
    ],
    ids=["small", "large", "largest", "with messages", "messages alone", "deep", "a list", "a text", "null"],
)
@pytest.mark.parametrize("field", ["history", "smb_app_state_sync"])
def test_m6_private_chats_leave_nothing_behind(world: World, field: str, value: object) -> None:
    assert world.post_webhook(body_with(field, value)) == 200
    assert world.queued() == 0
    assert world.container.dead_letters.list_all() == []


def test_what_comes_beside_private_chats_is_answered(world: World) -> None:
    lucia = world.buyer()
    body = webhooks.text_message(lucia.person, "menu", message_id="wamid.1", at=world.at)
    body["entry"][0]["changes"].insert(0, {"field": "history", "value": chats(3_000)})
    lucia.sends(body)
    assert len(lucia.heard) == 1


@pytest.mark.parametrize("field", [["history"], {"history": 1}, 5, None])
def test_a_field_without_a_name_stops_nothing(world: World, field: object) -> None:
    assert world.post_webhook(body_with(field, {"a": 1})) == 200
