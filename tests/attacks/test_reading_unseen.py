"""Somebody reads what people sent, or takes their data out, and leaves no trace: each leaves one (O9).

And what a stranger sent as a proof is opened in an organiser's browser: it is saved, never opened (P12).
"""

from urllib.parse import parse_qs, urlsplit

import pytest

from chalicelib.services.orders.proofs import LINK_LIFETIME
from tests.support.contact_chat import known
from tests.support.steps import buy, hold_and_prove
from tests.support.tokens import a_token
from tests.support.world import Buyer, World

Seen = list[tuple[str, str, str]]


def recorded(world: World, action: str) -> Seen:
    """Who did this, to what: newest first."""
    entries = world.api("GET", "/api/audit").body["results"]
    return [(entry["action"], entry["target"], entry["by"]) for entry in entries if entry["action"] == action]


def test_o9_looking_at_a_proof_is_recorded(world: World, lucia: Buyer) -> None:
    world.raffle()
    order_id = hold_and_prove(lucia)
    viewer = a_token(world, "viewer")
    assert world.api("GET", f"/api/orders/{order_id}/proof", token=viewer["key"]).status == 200
    assert recorded(world, "proof.read") == [("proof.read", f"order:{order_id}", viewer["name"])]


def test_o9_an_order_without_a_proof_records_nothing(world: World, lucia: Buyer) -> None:
    world.raffle()
    buy(lucia, "5")
    [order] = world.api("GET", "/api/orders").body["results"]
    assert world.api("GET", f"/api/orders/{order['id']}/proof").status == 404
    assert recorded(world, "proof.read") == []


def test_o9_fetching_an_export_that_somebody_else_asked_for_is_recorded(world: World, lucia: Buyer) -> None:
    raffle = world.raffle()
    buy(lucia, "5")
    asked = world.api("POST", f"/api/raffles/{raffle['id']}/exports", {"of": "buyers", "format": "csv"}).body
    viewer = a_token(world, "viewer")
    assert world.api("GET", f"/api/exports/{asked['id']}", token=viewer["key"]).body["url"] is None
    assert recorded(world, "raffle.export_read") == []
    world.work_on_exports()
    assert world.api("GET", f"/api/exports/{asked['id']}", token=viewer["key"]).body["url"]
    expected = ("raffle.export_read", f"raffle:{raffle['id']}", viewer["name"])
    assert recorded(world, "raffle.export_read") == [expected]


def test_o9_each_page_of_a_persons_data_is_recorded(
    world: World, lucia: Buyer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chalicelib.http.contacts.MAX_MESSAGE_BYTES", 1)
    for _ in range(50):
        lucia.says("help")
        world.clock.pass_minutes(1)
    contact_id = known(lucia).id
    first = world.api("GET", f"/api/contacts/{contact_id}/export").body
    other = a_token(world, "manager")
    assert world.api("GET", first["next"], token=other["key"]).status == 200
    assert [by for _, _, by in recorded(world, "contact.exported")] == [other["name"], "local"]


def test_o9_a_page_that_is_refused_is_not_recorded(world: World, lucia: Buyer) -> None:
    lucia.says("help")
    assert world.api("GET", f"/api/contacts/{known(lucia).id}/export?cursor=%2Bmade-up.0123").status == 422
    assert recorded(world, "contact.exported") == []


def test_p12_a_proof_is_saved_and_never_opened(world: World, lucia: Buyer) -> None:
    world.raffle()
    order_id = hold_and_prove(lucia)
    answer = world.api("GET", f"/api/orders/{order_id}/proof")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    told = parse_qs(urlsplit(answer.body["url"]).query)
    assert told["response-content-disposition"] == [f'attachment; filename="{order_id}.png"']
    assert told["response-content-type"] == ["image/png"]
    assert told["X-Amz-Expires"] == [str(int(LINK_LIFETIME.total_seconds()))]


def test_p12_so_is_one_in_the_export_of_a_person(world: World, lucia: Buyer) -> None:
    world.raffle()
    order_id = hold_and_prove(lucia)
    [order] = world.api("GET", f"/api/contacts/{known(lucia).id}/export").body["orders"]
    [proof] = order["proofs"]
    told = parse_qs(urlsplit(proof["url"]).query)
    assert told["response-content-disposition"] == [f'attachment; filename="{order_id}.png"']
