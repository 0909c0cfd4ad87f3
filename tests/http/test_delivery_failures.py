"""What did not go as it should is seen and mended over REST: dead letters, messages given up, and proofs to look at."""

import requests

from tests.support.deliveries import pass_time, refused
from tests.support.steps import hold_and_prove, outbounds
from tests.support.tokens import a_token
from tests.support.updates import a_text
from tests.support.world import PNG, Buyer, World


def test_a_dead_letter_is_listed_shown_and_replayed(world: World, lucia: Buyer) -> None:
    body = a_text(lucia, "menu")
    del body["entry"][0]["changes"][0]["value"]["messages"][0]["id"]
    world.deliver(body)
    [letter] = world.api("GET", "/api/dead-letters").body["results"]
    assert (letter["reason"], letter["kind"], letter["tries"]) == ("a message without id", "unreadable", 1)
    whole = world.api("GET", f"/api/dead-letters/{letter['id']}").body
    assert "menu" in whole["body"] and "body" not in letter
    assert world.api("POST", f"/api/dead-letters/{letter['id']}/replay").body == {"queued": 1}
    world.work()
    assert world.api("GET", "/api/audit").body["results"][0]["action"] == "letter.replayed"
    assert world.api("GET", "/api/dead-letters/22222222").body["code"] == "letter_not_found"


def test_a_viewer_does_not_see_what_a_person_wrote(world: World) -> None:
    key = a_token(world, "viewer")["key"]
    assert world.api("GET", "/api/dead-letters/22222222", token=key).body["code"] == "role_not_allowed"


def test_a_message_that_was_given_up_is_sent_again_once(world: World, lucia: Buyer) -> None:
    world.clock.pass_minutes(1)  # after the token was made, so that the audit log has an order
    world.graph.refuses = [refused(131026)]
    lucia.says("menu")
    [given_up] = world.api("GET", "/api/undelivered").body["results"]
    assert (given_up["state"], given_up["error_code"], given_up["asked"]) == ("FAILED", 131026, True)
    done = world.api("POST", "/api/undelivered/send-again", {"ids": [given_up["id"], "nobody/nothing"]}).body
    assert [(one["outcome"], one["code"]) for one in done["results"]] == [
        ("done", None),
        ("refused", "message_not_found"),
    ]
    again = world.api("POST", "/api/undelivered/send-again", {"ids": [given_up["id"]]}).body["results"]
    assert again[0]["code"] == "message_not_given_up"
    pass_time(world, minutes=1)
    assert len(lucia.heard) == 1 and outbounds(lucia)[0].state == "ACCEPTED"
    assert world.api("GET", "/api/undelivered").body["results"] == []
    assert world.api("GET", "/api/audit").body["results"][0]["action"] == "message.sent_again"


def test_p6_a_proof_is_opened_by_a_link_that_lives_minutes(world: World, lucia: Buyer) -> None:
    world.raffle()
    order_id = hold_and_prove(lucia)
    found = world.api("GET", f"/api/orders/{order_id}/proof").body
    assert requests.get(found["url"], timeout=60).content == PNG
    assert found["mime_type"] == "image/png" and found["earlier"] == []
    assert "Expires=300" in found["url"]
    assert "url" not in world.order(order_id)["proof"]


def test_without_a_proof_there_is_no_link(world: World, lucia: Buyer) -> None:
    world.raffle()
    lucia.says("BIKE")
    order_id = world.api("GET", "/api/orders").body["results"]
    assert order_id == [] and world.api("GET", "/api/orders/22222222/proof").status == 404


# Sending


def test_sending_is_stopped_and_resumed(world: World, lucia: Buyer) -> None:
    assert world.api("GET", "/api/sending").body == {
        "stopped": None, "code": None, "since": None, "resumes_at": None, "silent_since": None,
    }  # fmt: skip
    stopped = world.api("POST", "/api/sending/stop").body
    assert stopped["stopped"] == "all" and stopped == world.api("GET", "/api/sending").body
    world.clock.pass_minutes(1)
    assert world.api("POST", "/api/sending/stop").body == stopped
    lucia.says("menu")
    assert lucia.heard == []
    assert world.api("POST", "/api/sending/resume").body["stopped"] is None
    pass_time(world, minutes=2)
    assert len(lucia.heard) == 1
    actions = [entry["action"] for entry in world.api("GET", "/api/audit").body["results"]]
    assert actions[:3] == ["sending.resumed", "sending.stopped", "sending.stopped"]


def test_only_managers_stop_sending(world: World) -> None:
    key = a_token(world, "cashier")["key"]
    assert world.api("GET", "/api/sending", token=key).status == 200
    assert world.api("POST", "/api/sending/stop", token=key).body["code"] == "role_not_allowed"
