"""The timeline of an order: what was said, sent and decided, by whom and when, in one request."""

from typing import Any

from tests.support.request_counts import Requests
from tests.support.steps import confirm_payment, hold_and_confirm, hold_and_prove
from tests.support.tokens import a_token
from tests.support.world import PNG, Buyer, World

Json = dict[str, Any]


def timeline(world: World, order_id: str, query: str = "") -> Json:
    found = world.api("GET", f"/api/orders/{order_id}/timeline{query}")
    assert found.status == 200, found.body
    return dict(found.body)


def told(event: Json) -> str:
    """An event in a few words."""
    if event["kind"] == "message":
        message = event["message"]
        return f"{message['direction']} {message['reply'] or message['text'] or message['kind']}"
    if event["kind"] == "action":
        return f"{event['action']['by']}: {event['action']['action']}"
    return str(event["kind"])


def hold_slowly(buyer: Buyer) -> str:
    """The id of a confirmed order. No two messages have the same time."""
    for text in ("BIKE", "5"):
        buyer.says(text)
        buyer.world.clock.pass_minutes(0.1)
    buyer.says("confirm")
    (order,) = buyer.world.api("GET", "/api/orders").body["results"]
    return str(order["id"])


def test_a_timeline_tells_a_sale_in_order(world: World, lucia: Buyer) -> None:
    world.raffle()
    olga = a_token(world, "cashier", name="Olga")["key"]
    order_id = hold_slowly(lucia)
    world.clock.pass_minutes(1)
    lucia.sends_proof()
    world.clock.pass_minutes(1)
    rejection = {"reason": "the amount cannot be read"}
    world.api("POST", f"/api/orders/{order_id}/reject-proof", rejection, token=olga)
    world.clock.pass_minutes(1)
    lucia.sends_proof(b"%PDF-1.4 clearer")
    world.clock.pass_minutes(1)
    assert confirm_payment(world, order_id).status == 200
    found = timeline(world, order_id)
    events = [told(event) for event in found["events"]]
    assert [event for event in events if not event.startswith(("in", "out"))] == [
        "held",
        "proof",
        "Olga: order.rejected",
        "proof",
        "local: order.paid",
    ]
    said = [event for event in events if event.startswith(("in", "out"))]
    assert said == [
        "in BIKE", "out raffle", "in 5", "out held", "in confirm", "out payment_instructions", "in image",
        "out in_review", "out proof_rejected", "in image", "out in_review", "out paid",
    ]  # fmt: skip
    moments = [event["at"] for event in found["events"]]
    assert moments == sorted(moments)
    assert found["order"]["status"] == "PAID" and found["is_complete"]
    (rejected,) = [event["action"] for event in found["events"] if told(event) == "Olga: order.rejected"]
    assert (rejected["role"], rejected["after"]["status"]) == ("cashier", "PENDING_PAYMENT")


def test_what_was_said_long_before_or_after_is_left_out(world: World, lucia: Buyer) -> None:
    world.raffle()
    lucia.says("help")
    world.clock.pass_minutes(61)
    order_id = hold_slowly(lucia)
    world.clock.pass_minutes(24 * 60 + 1)
    lucia.says("menu")
    said = [told(event) for event in timeline(world, order_id)["events"] if event["kind"] == "message"]
    assert said == ["in BIKE", "out raffle", "in 5", "out held", "in confirm", "out payment_instructions"]


def test_a_timeline_shows_who_looked_and_which_proof_was_seen_before(world: World, lucia: Buyer, marco: Buyer) -> None:
    world.raffle()
    first = hold_and_prove(lucia, "1")
    second = hold_and_confirm(marco, "2")
    marco.sends_proof(PNG)
    world.api("GET", f"/api/orders/{second}/proof")
    events = timeline(world, second)["events"]
    assert [event["proof"]["same_file_as"] for event in events if event["kind"] == "proof"] == [first]
    assert "local: proof.read" in [told(event) for event in events]


def test_a_timeline_is_cut_where_there_is_too_much(world: World, lucia: Buyer) -> None:
    world.raffle()
    order_id = hold_and_confirm(lucia, "5")
    for number in range(50):
        lucia.says(f"1{number}")
        world.clock.pass_minutes(0.1)
    found = timeline(world, order_id)
    assert sum(event["kind"] == "message" for event in found["events"]) == 90
    assert not found["is_complete"]


def test_a_timeline_takes_four_requests_and_two_more_with_raffle_and_contact(
    world: World, lucia: Buyer, requests: Requests
) -> None:
    world.raffle()
    order_id = hold_and_prove(lucia, "5")
    world.api("GET", "/api/raffles")  # records the use of the token
    made = requests.during(lambda: timeline(world, order_id))
    assert made == ["GetItem", "BatchGetItem", "Query", "Query", "BatchGetItem"]  # the first one is for the token
    found: list[Json] = []
    made = requests.during(lambda: found.append(timeline(world, order_id, "?expand=raffle,contact")))
    assert len(made) == 7
    assert found[0]["order"]["expanded"]["contact"]["name"] == "Lucía"
    assert world.api("GET", f"/api/orders/{order_id}?expand=raffle").body["expanded"]["raffle"]["code"] == "BIKE"


def test_the_timeline_of_an_erased_person_names_nobody(world: World, lucia: Buyer) -> None:
    world.raffle()
    order_id = hold_and_prove(lucia, "5")
    assert confirm_payment(world, order_id).status == 200
    contact = world.order(order_id)["contact"]
    while not world.api("POST", f"/api/contacts/{contact}/erase").body["finished"]:
        pass
    found = timeline(world, order_id)
    assert [event["kind"] for event in found["events"]] == ["held", "action"]
    assert "Lucía" not in str(found)


def test_an_unknown_order_has_no_timeline(world: World) -> None:
    assert world.api("GET", "/api/orders/22222222/timeline").body["code"] == "order_not_found"
