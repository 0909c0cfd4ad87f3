"""Before a raffle is on sale: what buyers will read, what is still to be thought of, and a copy of another one."""

from datetime import timedelta
from typing import Any

import pytest

from tests.support.request_counts import Requests
from tests.support.steps import buy
from tests.support.world import Buyer, World, buttons_of, text_of

Json = dict[str, Any]
BODY: Json = {
    "title": "Summer fair", "description": "For the new roof.", "prize": "A bicycle", "unit_amount": 2500,
    "currency": "GTQ", "last_number": 100, "code": "FAIR", "draws_at": "2026-12-20T18:00:00Z",
    "organiser": {"name": "Lincoln School"}, "payment_instructions": "Bank X\n`0123`", "minimum_age": 18,
    "time_zone": "America/Guatemala",
}  # fmt: skip


# The preview


@pytest.mark.parametrize(("language", "chosen"), [("en", "English"), ("es", "Español"), ("pt", "Português")])
def test_the_preview_is_what_buyers_read(world: World, lucia: Buyer, language: str, chosen: str) -> None:
    cards = {card["language"]: card for card in world.api("POST", "/api/raffles/preview", BODY).body["cards"]}
    assert set(cards) == {"en", "es", "pt"}
    world.raffle(**BODY)
    lucia.says("language")
    lucia.taps(chosen)
    shown = lucia.says("FAIR")
    assert cards[language] == {"language": language, "text": text_of(shown), "choices": buttons_of(shown)}


def test_a_preview_needs_no_code_stores_nothing_and_reads_nothing(world: World, requests: Requests) -> None:
    body = {name: value for name, value in BODY.items() if name != "code"}
    world.api("GET", "/api/raffles")  # records the use of the token
    assert requests.during(lambda: world.api("POST", "/api/raffles/preview", body)) == ["GetItem"]  # the token
    assert world.api("GET", "/api/raffles").body["results"] == []


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"title": ""}, "title"),
        ({"last_number": 0}, "last_number"),
        ({"payment_instructions": "`a` `b`"}, "payment_instructions"),
        ({"code": "MENU"}, "code"),
        ({"unknown": 1}, "unknown"),
    ],
)
def test_a_preview_names_the_fields_that_creating_would_refuse(world: World, change: Json, field: str) -> None:
    previewed = world.api("POST", "/api/raffles/preview", {**BODY, **change})
    assert (previewed.status, [error["field"] for error in previewed.body["errors"]]) == (422, [field])
    assert world.api("POST", "/api/raffles", {**BODY, **change}).body == previewed.body


def test_the_longest_raffle_has_a_preview(world: World) -> None:
    longest = {"title": "W" * 100, "description": "W " * 1000, "prize": "W" * 200, "draw_method": "W" * 300}
    assert world.api("POST", "/api/raffles/preview", {**BODY, **longest}).status == 200


# The checklist


def checks(world: World, raffle: Json) -> dict[str, Json]:
    found = world.api("GET", f"/api/raffles/{raffle['id']}/checklist").body
    return {check["code"]: check for check in found["checks"]}


def open_points(world: World, raffle: Json) -> dict[str, str]:
    return {code: check["severity"] for code, check in checks(world, raffle).items() if not check["is_done"]}


def test_a_complete_raffle_leaves_only_its_picture_and_its_permit(world: World) -> None:
    raffle = world.raffle(active=False, **BODY, draw_method="By the national lottery")
    assert open_points(world, raffle) == {"permit": "advises", "picture": "advises"}


def test_what_is_missing_is_named_with_its_field_and_a_reason(world: World) -> None:
    raffle = world.api(
        "POST", "/api/raffles", {k: BODY[k] for k in ("title", "unit_amount", "currency", "last_number")}
    )
    assert open_points(world, raffle.body) == {
        "payment_instructions": "warns", "prize": "warns", "draw_date": "advises", "draw_method": "advises",
        "organiser": "advises", "permit": "advises", "picture": "advises", "time_zone": "advises",
    }  # fmt: skip
    assert checks(world, raffle.body)["payment_instructions"] == {
        "code": "payment_instructions", "severity": "warns", "is_done": False, "field": "payment_instructions",
        "text": "Without them, buyers are not told how to pay.",
    }  # fmt: skip
    assert all(check["field"] in raffle.body for check in checks(world, raffle.body).values())


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"closes_at": -1}, {"closes_later": "warns"}),
        ({"closes_at": 1}, {}),
        ({"draws_at": -1}, {"draws_later": "warns"}),
        ({"closes_at": 2, "draws_at": 1}, {"draws_later": "warns"}),
        ({"closes_at": 1, "draws_at": 2}, {}),
        ({"opens_at": 1}, {"has_opened": "advises"}),
        ({"opens_at": -1}, {}),
    ],
)
def test_times_are_compared_with_now(world: World, changes: dict[str, int], expected: dict[str, str]) -> None:
    times = {name: (world.clock.now + timedelta(hours=hours)).isoformat() for name, hours in changes.items()}
    raffle = world.raffle(active=False, **{**BODY, **times})
    found = open_points(world, raffle)
    assert {code: found[code] for code in found if code in ("closes_later", "draws_later", "has_opened")} == expected


def test_a_gift_needs_no_payment(world: World) -> None:
    raffle = world.raffle(active=False, unit_amount=0, payment_instructions="")
    assert {"payment_instructions", "payment_account"}.isdisjoint(open_points(world, raffle))
    assert open_points(world, raffle)["price"] == "advises"


def test_the_checklist_says_whether_activating_would_be_refused(world: World) -> None:
    raffle = world.raffle(active=False)
    path = f"/api/raffles/{raffle['id']}"
    for move, can_activate in (("activate", True), ("deactivate", True), ("close", False), ("cancel", False)):
        assert world.api("GET", f"{path}/checklist").body["can_activate"]
        world.api("POST", f"{path}/{move}")
        found = world.api("GET", f"{path}/checklist").body
        assert found["can_activate"] is can_activate
        assert (open_points(world, raffle).get("status") == "blocks") is not can_activate
        if not can_activate:
            break
    assert world.api("POST", f"{path}/activate").body["code"] == "raffle_out_of_turn"


# A copy


def test_a_copy_is_a_draft_with_the_same_settings_and_no_times(world: World, lucia: Buyer) -> None:
    faq = [{"words": ["pick up"], "answer": "At the office."}]
    values = {**BODY, "minimum_age": None, "permit": {"authority": "Ministry", "number": "7"}, "faq": faq}
    raffle_id = world.raffle(**values)["id"]
    buy(lucia, "5", "FAIR")
    world.clock.pass_minutes(1)
    raffle = world.api("GET", f"/api/raffles/{raffle_id}").body
    made = world.api("POST", f"/api/raffles/{raffle_id}/duplicate", {})
    assert made.status == 201
    copy = made.body
    assert made.headers["Location"] == f"/api/raffles/{copy['id']}"
    assert world.api("GET", made.headers["Location"]).headers["ETag"] == made.headers["ETag"]
    different = {name for name in raffle if raffle[name] != copy[name]}
    assert different == {"id", "code", "status", "permit", "draws_at", "created_at", "updated_at"}
    assert (copy["status"], copy["permit"], copy["draws_at"]) == ("DRAFT", None, None)
    assert world.availability(copy) == (100, 0, 0)


def test_a_copy_may_have_another_title_and_a_code(world: World) -> None:
    raffle = world.raffle()
    path = f"/api/raffles/{raffle['id']}/duplicate"
    made = world.api("POST", path, {"title": "Next year", "code": "fair2"})
    assert (made.body["title"], made.body["code"]) == ("Next year", "FAIR2")
    assert world.api("POST", path, {"code": "BIKE"}).body["code"] == "code_taken"
    for code in ("MENU", "5A"):
        assert world.api("POST", path, {"code": code}).body["errors"][0]["field"] == "code"
    (entry,) = world.api("GET", f"/api/audit?target=raffle:{made.body['id']}").body["results"]
    assert (entry["action"], entry["after"]["title"]) == ("raffle.created", "Next year")


def test_the_same_request_again_makes_no_second_copy(world: World) -> None:
    path = f"/api/raffles/{world.raffle()['id']}/duplicate"
    first, again = (world.api("POST", path, {}, **{"Idempotency-Key": "k1"}) for _ in range(2))
    assert first.body == again.body
    assert len(world.api("GET", "/api/raffles").body["results"]) == 2
    assert world.api("POST", "/api/raffles/nothing/duplicate", {}).status == 404
