"""Who comes second hears who was first: 409 and 412 say who changed it and when, as far as that is known."""

from typing import Any

import pytest

from chalicelib.store import audit
from chalicelib.store.transaction import Busy
from tests.support.steps import hold_and_confirm, hold_and_prove
from tests.support.tokens import a_token
from tests.support.world import Answer, Buyer, World

Json = dict[str, Any]
OLD = {"If-Match": '"0000000000000000"'}


def change_in(answer: Answer) -> tuple[int, str | None, str | None]:
    return answer.status, answer.body.get("changed_by"), answer.body.get("changed_at")


@pytest.fixture
def olga(world: World) -> str:
    return str(a_token(world, "manager", name="Olga")["key"])


def test_a_second_decision_about_an_order_names_the_first_organiser(world: World, lucia: Buyer, olga: str) -> None:
    world.raffle()
    order_id = hold_and_prove(lucia)
    tag = world.api("GET", f"/api/orders/{order_id}").headers["ETag"]
    world.clock.pass_minutes(1)
    world.api("POST", f"/api/orders/{order_id}/confirm-payment", token=olga)
    world.clock.pass_minutes(1)
    world.api("GET", f"/api/orders/{order_id}/proof")  # who only looks, changes nothing
    rejection = {"reason": "too blurred"}
    refused = world.api("POST", f"/api/orders/{order_id}/reject-proof", rejection)
    assert (refused.body["code"], change_in(refused)) == ("order_out_of_turn", (409, "Olga", "2026-11-23T14:01:00Z"))
    outdated = world.api("POST", f"/api/orders/{order_id}/refund", rejection, **{"If-Match": tag})
    assert (outdated.body["code"], change_in(outdated)) == ("outdated", (412, "Olga", "2026-11-23T14:01:00Z"))


def test_a_change_by_the_buyer_or_the_clock_names_nobody(world: World, lucia: Buyer, olga: str) -> None:
    world.raffle()
    order_id = hold_and_prove(lucia)
    rejection = {"reason": "too blurred"}
    assert world.api("POST", f"/api/orders/{order_id}/reject-proof", rejection, token=olga).status == 200
    tag = world.api("GET", f"/api/orders/{order_id}").headers["ETag"]
    world.clock.pass_minutes(1)
    lucia.sends_proof(b"%PDF-1.4 better")
    outdated = world.api("POST", f"/api/orders/{order_id}/confirm-payment", **{"If-Match": tag})
    assert change_in(outdated) == (412, None, "2026-11-23T14:01:00Z")
    expired = hold_and_confirm(lucia, "20")
    world.clock.pass_minutes(16)
    world.minute()
    refused = world.api("POST", f"/api/orders/{expired}/cancel")
    assert change_in(refused) == (409, None, "2026-11-23T14:17:00Z")


def test_a_raffle_names_who_changed_it(world: World, olga: str) -> None:
    path = f"/api/raffles/{world.raffle()['id']}"
    tag = world.api("GET", path).headers["ETag"]
    world.clock.pass_minutes(1)
    world.api("PATCH", path, {"prize": "A car"}, token=olga)
    for method in ("PATCH", "PUT"):
        outdated = world.api(method, path, world.api("GET", path).body, **{"If-Match": tag})
        assert change_in(outdated) == (412, "Olga", "2026-11-23T14:01:00Z")
    world.clock.pass_minutes(1)
    world.api("POST", f"{path}/close", token=olga)
    refused = world.api("POST", f"{path}/activate")
    assert (refused.body["code"], change_in(refused)) == ("raffle_out_of_turn", (409, "Olga", "2026-11-23T14:02:00Z"))


def test_a_contact_names_who_changed_it_unless_they_have_asked_for_a_person_since(
    world: World, lucia: Buyer, olga: str
) -> None:
    lucia.says("menu")
    contact_id = world.api("GET", "/api/contacts").body["results"][0]["id"]
    path = f"/api/contacts/{contact_id}"
    tag = world.api("GET", path).headers["ETag"]
    world.clock.pass_minutes(1)
    world.api("PATCH", path, {"name": "Lucia"}, token=olga)
    outdated = {"If-Match": tag}
    assert change_in(world.api("PATCH", path, {"name": "L"}, **outdated)) == (412, "Olga", "2026-11-23T14:01:00Z")
    world.clock.pass_minutes(1)
    lucia.says("human")
    assert change_in(world.api("PATCH", path, {"name": "L"}, **outdated)) == (412, None, "2026-11-23T14:02:00Z")


def test_what_somebody_writes_hinders_nobody_from_editing_them(world: World, lucia: Buyer) -> None:
    world.raffle()
    lucia.says("menu")
    path = f"/api/contacts/{world.api('GET', '/api/contacts').body['results'][0]['id']}"
    tag = world.api("GET", path).headers["ETag"]
    hold_and_confirm(lucia)
    assert world.api("PATCH", path, {"name": "Lucia"}, **{"If-Match": tag}).status == 200
    assert world.api("PATCH", path, {"vouched_for": True}, **{"If-Match": tag}).status == 412
    for change in ({"vouched_for": True}, {"bot_paused": True}, {"blocked": True}, {"language": "pt"}, {"name": None}):
        tag = world.api("GET", path).headers["ETag"]
        assert world.api("PATCH", path, change).status == 200
        assert world.api("GET", path).headers["ETag"] != tag, change


def test_other_refusals_name_nobody(world: World, lucia: Buyer) -> None:
    raffle = world.raffle()
    hold_and_confirm(lucia)
    refused = world.api("POST", f"/api/raffles/{raffle['id']}/generate-tickets")
    assert refused.status == 409 and {"changed_by", "changed_at"}.isdisjoint(refused.body)


def test_a_refusal_does_not_fail_because_the_audit_log_can_not_be_read(
    world: World, lucia: Buyer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_: object) -> None:
        raise Busy("throttled")

    world.raffle()
    order_id = hold_and_confirm(lucia)
    monkeypatch.setattr(audit, "last_change", busy)
    refused = world.api("POST", f"/api/orders/{order_id}/cancel", **OLD)
    assert change_in(refused) == (412, None, "2026-11-23T14:00:00Z")
