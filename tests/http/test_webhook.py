"""The webhook: 200 only for what WhatsApp signed and what is safely queued."""

import json
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.store.records import Record
from tests.support.whatsapp_samples import raw, vectors
from tests.support.world import Buyer, World
from whatsapp_sandbox import webhooks

VERIFY = {"hub.mode": "subscribe", "hub.verify_token": "local-verify-token", "hub.challenge": "1158201444"}


def query(**changes: str | None) -> str:
    given = {**VERIFY, **{name.replace("_", ".", 1): value for name, value in changes.items()}}
    return "&".join(f"{name}={value}" for name, value in given.items() if value is not None)


def test_metas_verification_gets_its_challenge_back_verbatim(world: World) -> None:
    found = world.api("GET", f"/whatsapp/webhook?{query()}", token=None)
    assert (found.status, found.body) == (200, "1158201444")
    assert found.headers["Content-Type"].startswith("text/plain")


@pytest.mark.parametrize(
    "bad", [{"hub_verify_token": "x"}, {"hub_verify_token": None}, {"hub_mode": "x"}, {"hub_mode": None}]
)
def test_metas_verification_with_another_token_is_refused(world: World, bad: dict[str, Any]) -> None:
    found = world.api("GET", f"/whatsapp/webhook?{query(**bad)}", token=None)
    assert found.status == 403
    assert "1158201444" not in str(found.body)


def items(world: World) -> int:
    return sum(1 for _ in Record.scan())


def signed_with(world: World, secret: str) -> None:
    vars(world.container)["inbox"] = replace(world.container.inbox, app_secrets=lambda: (secret,))


@pytest.mark.parametrize("vector", vectors(), ids=lambda vector: vector["name"])
def test_the_signature_covers_the_exact_bytes(world: World, vector: dict[str, Any]) -> None:
    signed_with(world, vector["app_secret"])
    before = items(world)
    wrong = [f"sha256={'0' * 64}", "sha256=", vector["x_hub_signature_256"].upper(), vector["x_hub_signature_256"][7:]]
    if vector["name"] != "empty":
        wrong.append(vector["hmac_if_wrongly_reserialised"])
    for signature in wrong:
        assert world.post_webhook(vector["raw"], signature) == 401
    assert (world.queued(), items(world)) == (0, before)
    assert world.post_webhook(vector["raw"], vector["x_hub_signature_256"]) == 200
    assert world.queued() == 1


def test_without_a_signature_nothing_is_kept(world: World, lucia: Buyer) -> None:
    before = items(world)
    body = webhooks.encode(webhooks.text_message(lucia.person, "menu", message_id="wamid.1", at=world.at))
    assert world.api("POST", "/whatsapp/webhook", body, token=None).status == 401
    assert (world.queued(), items(world)) == (0, before)


def test_during_a_rotation_the_old_secret_counts_too(world: World, lucia: Buyer) -> None:
    vars(world.container)["inbox"] = replace(world.container.inbox, app_secrets=lambda: ("new", "old"))
    body = webhooks.encode(webhooks.text_message(lucia.person, "menu", message_id="wamid.1", at=world.at))
    for secret, status in (("old", 200), ("new", 200), ("older", 401), ("", 401)):
        assert world.post_webhook(body, webhooks.sign(body, secret)) == status


class CountingQueue:
    def __init__(self, fails_at: int = 0, raises: Exception | None = None) -> None:
        self.calls: list[int] = []
        self.fails_at, self.raises = fails_at, raises

    def send_message_batch(self, *, QueueUrl: str, Entries: list[dict[str, str]]) -> dict[str, Any]:  # noqa: N803 - boto3's names
        self.calls.append(len(Entries))
        if len(self.calls) == self.fails_at:
            if self.raises:
                raise self.raises
            return {"Failed": [{"Id": Entries[0]["Id"]}]}
        assert len({entry["Id"] for entry in Entries}) == len(Entries)
        assert sum(len(entry["MessageBody"]) for entry in Entries) <= 262_144
        return {"Successful": []}


def use(world: World, queue: CountingQueue) -> None:
    vars(world.container)["inbox"] = replace(world.container.inbox, sqs=lambda: queue)


@pytest.mark.parametrize("fails_at", [1, 2, 50, 100])
@pytest.mark.parametrize("raises", [None, ConnectionError("queue out of reach")])
def test_a_body_that_is_not_queued_does_not_get_200(world: World, fails_at: int, raises: Exception | None) -> None:
    use(world, CountingQueue(fails_at, raises))
    assert world.post_webhook(raw("batch_1000_statuses")) >= 500


def test_a_thousand_statuses_take_a_hundred_calls_and_are_answered_once_all_are_queued(world: World) -> None:
    queue = CountingQueue()
    use(world, queue)
    assert world.post_webhook(raw("batch_1000_statuses")) == 200
    assert len(queue.calls) <= 100
    assert sum(queue.calls) == 1000


def test_large_updates_are_split_below_the_limit_of_a_call(world: World, lucia: Buyer) -> None:
    queue = CountingQueue()
    use(world, queue)
    body = webhooks.text_message(lucia.person, "x", message_id="wamid.0", at=world.at)
    messages = body["entry"][0]["changes"][0]["value"]["messages"]
    for number in range(1, 20):
        messages.append({**messages[0], "id": f"wamid.{number}", "text": {"body": "é" * 10_000}})
    assert world.post_webhook(json.dumps(body).encode()) == 200
    assert sum(queue.calls) == 20
