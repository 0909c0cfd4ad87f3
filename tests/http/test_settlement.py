"""P2, P3, P5 and O3 over REST: what organisers settle, one by one and many at once."""

from typing import Any

import pytest

from tests.support.steps import buy, confirm_payment, hold, hold_and_confirm, hold_and_prove, late
from tests.support.world import PNG, Answer, Buyer, Json, World, text_of

LONG = "x" * 301


def post(world: World, order_id: str, what: str, body: Any = None) -> Answer:
    return world.api("POST", f"/api/orders/{order_id}/{what}", body)


def bulk(world: World, **body: Any) -> Answer:
    return world.api("POST", "/api/orders/bulk", body)


def deeds(world: World, order_id: str) -> list[tuple[str, Json, Json]]:
    """What the audit log says about the order, the newest first."""
    found = world.api("GET", f"/api/audit?target=order:{order_id}").body["results"]
    return [(entry["action"], entry["before"], entry["after"]) for entry in found]


def wrong_fields(answer: Answer) -> list[str]:
    assert (answer.status, answer.body["code"]) == (422, "invalid_fields")
    return [error["field"] for error in answer.body["errors"]]


def test_p2_a_proof_is_rejected_for_a_reason(world: World, lucia: Buyer) -> None:
    world.raffle()
    order_id = hold_and_prove(lucia)
    found = post(world, order_id.lower(), "reject-proof", {"reason": " blurred \r\n"})
    assert found.status == 200
    assert (found.body["status"], found.body["rejected_reason"]) == ("PENDING_PAYMENT", "blurred")
    assert "blurred" in text_of(lucia.heard[-1])
    again = post(world, order_id, "reject-proof", {"reason": "too dark"})
    assert (again.status, again.body["code"]) == (409, "order_out_of_turn")
    assert deeds(world, order_id) == [("order.rejected", {"status": "IN_REVIEW"}, {"status": "PENDING_PAYMENT"})]


def test_p2_the_proof_that_was_looked_at_can_be_named(world: World, lucia: Buyer) -> None:
    world.raffle()
    order_id = hold_and_prove(lucia)
    seen = world.api("GET", f"/api/orders/{order_id}/proof").body["sha256"]
    lucia.sends_proof(PNG + b"2")
    body = {"reason": "blurred", "proof": seen}
    found = post(world, order_id, "reject-proof", body)
    assert (found.status, found.body["code"]) == (409, "proof_not_seen")
    newest = world.api("GET", f"/api/orders/{order_id}/proof").body["sha256"]
    assert post(world, order_id, "reject-proof", body | {"proof": newest}).body["status"] == "PENDING_PAYMENT"
    assert wrong_fields(post(world, order_id, "reject-proof", body | {"proof": "the first"})) == ["proof"]


@pytest.mark.parametrize("what", ["reject-proof", "refund"])
@pytest.mark.parametrize("body", [{}, {"reason": ""}, {"reason": " \n"}, {"reason": LONG}, {"reason": 5}])
def test_p2_without_a_good_reason_nothing_happens(world: World, lucia: Buyer, what: str, body: Json) -> None:
    world.raffle()
    order_id = hold_and_prove(lucia) if what == "reject-proof" else buy(lucia)
    before = world.order(order_id)
    assert wrong_fields(post(world, order_id, what, body)) == ["reason"]
    assert world.order(order_id) == before


def test_p3_a_refund_is_recorded_and_refunding_twice_has_no_further_effect(world: World, lucia: Buyer) -> None:
    raffle = world.raffle()
    order_id = buy(lucia)
    first = post(world, order_id, "refund", {"reason": "paid twice"})
    assert (first.status, first.body["status"], first.body["refund_reason"]) == (200, "REFUNDED", "paid twice")
    assert post(world, order_id, "refund", {"reason": "paid three times"}).body == first.body
    assert world.availability(raffle) == (100, 0, 0)
    assert deeds(world, order_id)[:-1] == [("order.refunded", {"status": "PAID"}, {"status": "REFUNDED"})]
    assert [world.order(order_id)["id"]] == [
        order["id"] for order in world.api("GET", "/api/orders?status=REFUNDED").body["results"]
    ]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"numbers": [20, 21]}, "PAID"),
        ({"numbers": [20, 21], "paid": False}, "IN_REVIEW"),
        ({"random": True}, "PAID"),
    ],
)
def test_p5_a_late_order_is_reassigned(world: World, lucia: Buyer, marco: Buyer, body: Json, status: str) -> None:
    world.raffle()
    order_id = late(lucia, marco)
    found = post(world, order_id, "reassign", body)
    assert (found.status, found.body["status"], found.body["late"]) == (200, status, True)
    numbers = found.body["numbers"]
    assert numbers == body.get("numbers", numbers)
    before, after = {"status": "LATE", "numbers": [5, 12]}, {"status": status, "numbers": numbers}
    assert deeds(world, order_id) == [("order.reassigned", before, after)]


def test_p5_taken_numbers_are_a_409_that_names_them_and_free_ones(world: World, lucia: Buyer, marco: Buyer) -> None:
    world.raffle()
    order_id = late(lucia, marco)
    found = post(world, order_id, "reassign", {"numbers": [5, 12]})
    assert (found.status, found.body["code"]) == (409, "numbers_taken")
    assert found.body["detail"] == "Already taken: 12. Free nearby: 9, 10, 11, 13, 14, 15."


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "numbers"),
        ({"numbers": [1, 2], "random": True}, "numbers"),
        ({"random": False}, "numbers"),
        ({"numbers": []}, "numbers"),
        ({"numbers": list(range(41))}, "numbers"),
        ({"numbers": [-1]}, "numbers.0"),
        ({"numbers": [1.5]}, "numbers.0"),
        ({"numbers": [True]}, "numbers.0"),
        ({"numbers": "1,2"}, "numbers"),
        ({"random": True, "paid": "no"}, "paid"),
    ],
)
def test_p5_a_malformed_request_is_named(world: World, body: Json, field: str) -> None:
    assert wrong_fields(post(world, "22222222", "reassign", body)) == [field]


@pytest.mark.parametrize("what", ["reject-proof", "refund", "reassign"])
def test_an_unknown_order_is_not_found(world: World, what: str) -> None:
    body = {"random": True} if what == "reassign" else {"reason": "x"}
    found = post(world, "22222222", what, body)
    assert (found.status, found.body["code"]) == (404, "order_not_found")


# O3


def test_o3_each_order_of_many_has_a_result_and_an_audit_entry(world: World, lucia: Buyer, marco: Buyer) -> None:
    world.raffle()
    one, two = hold_and_prove(lucia, "1"), buy(marco, "2")
    body = {"action": "confirm-payment", "ids": [one.lower(), two, one, "22222222"]}
    foreseen = bulk(world, **body, dry_run=True)
    assert world.order(one)["status"] == "IN_REVIEW"
    found = bulk(world, **body)
    assert (found.status, found.body["counts"]) == (200, {"done": 1, "unchanged": 1, "refused": 1, "not_tried": 0})
    assert found.body["results"] == foreseen.body["results"] == [
        {"id": one, "outcome": "done", "code": None, "detail": None},
        {"id": two, "outcome": "unchanged", "code": "unchanged", "detail": "It is PAID already."},
        {"id": "22222222", "outcome": "refused", "code": "order_not_found", "detail": "There is no order 22222222."},
    ]  # fmt: skip
    assert (found.body["dry_run"], foreseen.body["dry_run"]) == (False, True)
    assert [action for action, _, _ in deeds(world, one)] == ["order.paid"]
    assert len(deeds(world, two)) == 1


def test_o3_each_buyer_reads_the_reason_of_a_bulk_rejection(world: World, lucia: Buyer, marco: Buyer) -> None:
    world.raffle()
    ids = [hold_and_prove(lucia, "1"), hold_and_prove(marco, "2")]
    found = bulk(world, action="reject-proof", ids=ids, reason="blurred")
    assert found.body["counts"]["done"] == 2
    assert all("blurred" in text_of(buyer.heard[-1]) for buyer in (lucia, marco))


def test_o3_raffles_too(world: World, lucia: Buyer) -> None:
    raffle, sold = world.raffle(active=False), world.raffle(code="CAR")
    ids = [raffle["id"], sold["id"]]
    assert world.api("POST", "/api/raffles/bulk", {"action": "activate", "ids": ids}).body["counts"]["done"] == 1
    hold(lucia, "1", "CAR")
    found = world.api("POST", "/api/raffles/bulk", {"action": "generate-tickets", "ids": ids}).body
    assert [result["outcome"] for result in found["results"]] == ["done", "refused"]
    log = world.api("GET", f"/api/audit?target=raffle:{raffle['id']}").body["results"]
    assert [entry["action"] for entry in log] == ["raffle.activated", "raffle.created"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"action": "confirm-payment"}, "ids"),
        ({"action": "confirm-payment", "ids": []}, "ids"),
        ({"action": "confirm-payment", "ids": ["2"] * 1001}, "ids"),
        ({"action": "confirm-payment", "ids": ["../x"]}, "ids.0"),
        ({"action": "confirm-payment", "ids": [5]}, "ids.0"),
        ({"action": "refund", "ids": ["2"]}, "action"),
        ({"action": "reject-proof", "ids": ["2"]}, "reason"),
        ({"action": "cancel", "ids": ["2"], "reason": "x"}, "reason"),
        ({"action": "cancel", "ids": ["2"], "dry_run": "yes"}, "dry_run"),
        ({"action": "cancel", "ids": ["2"], "dryrun": True}, "dryrun"),
    ],
)
def test_o3_a_malformed_request_is_named_before_anything_happens(world: World, body: Json, field: str) -> None:
    assert wrong_fields(bulk(world, **body)) == [field]


def test_o3_a_thousand_items_are_accepted(world: World, lucia: Buyer) -> None:
    world.raffle()
    order_id = hold_and_confirm(lucia)
    found = bulk(world, action="cancel", ids=[order_id, *(f"{number:08}" for number in range(999))])
    assert found.body["counts"] == {"done": 1, "unchanged": 0, "refused": 999, "not_tried": 0}


# If-Match


@pytest.mark.parametrize(
    ("act", "body"),
    [
        ("confirm-payment", None),
        ("cancel", None),
        ("reject-proof", {"reason": "too small"}),
        ("refund", {"reason": "paid twice"}),
    ],
)
def test_an_order_that_has_changed_since_it_was_read_stays_as_it_is(
    world: World, lucia: Buyer, act: str, body: Json | None
) -> None:
    world.raffle()
    order_id = hold_and_confirm(lucia)
    path = f"/api/orders/{order_id}"
    tag = world.api("GET", path).headers["ETag"]
    lucia.sends_proof()
    if act == "refund":
        confirm_payment(world, order_id)
    before = world.order(order_id)
    refused = world.api("POST", f"{path}/{act}", body, **{"If-Match": tag})
    assert (refused.status, refused.body["code"]) == (412, "outdated")
    assert world.order(order_id) == before
    now = world.api("GET", path).headers["ETag"]
    done = world.api("POST", f"{path}/{act}", body, **{"If-Match": now})
    assert done.status == 200 and done.headers["ETag"] not in (tag, now)
    assert world.api("GET", path).headers["ETag"] == done.headers["ETag"]
    again = world.api("POST", f"{path}/{act}", body, **{"If-Match": now})  # its answer was lost
    assert (again.status, again.body) == (200, done.body)
