"""The raffles over REST."""

from typing import Any

import pytest

from chalicelib.store import raffles
from chalicelib.store.records import RaffleRecord
from tests.support.request_counts import Requests
from tests.support.steps import confirm_payment, everything, hold, hold_and_confirm, late, refund
from tests.support.world import Answer, Buyer, World, text_of

GOOD = {"title": "Car", "unit_amount": 100, "currency": "GTQ", "last_number": 10, "code": "CAR"}


def fields_of(found: Answer) -> set[str]:
    assert found.headers["Content-Type"] == "application/problem+json"
    return {str(error["field"]) for error in found.body["errors"]}


BAD: list[tuple[str, Any]] = [
    ("title", ""), ("title", None), ("title", 5), ("title", "a\x00b"), ("title", "x" * 101), ("title", ["x"]),
    ("title", "a\nb"), ("title", "a\r\nb"), ("title", "a\rb"), ("title", "a\u2028b"),
    ("unit_amount", -1), ("unit_amount", 1.5), ("unit_amount", 2.0), ("unit_amount", "100"), ("unit_amount", True),
    ("unit_amount", 10**30), ("unit_amount", None), ("currency", "gtq"), ("currency", "ZZZ"), ("currency", "GTQQ"),
    ("currency", 1), ("last_number", 0.5), ("last_number", "10"), ("last_number", 10**400), ("last_number", -1),
    ("first_number", None), ("hold_minutes", 0), ("hold_minutes", -5), ("hold_minutes", 10**9), ("hold_minutes", 1.5),
    ("max_per_contact", 0), ("max_per_contact", "3"), ("code", "A"), ("code", "5A"), ("code", "MENU"), ("code", "A B"),
    ("code", "cancel"), ("code", 7), ("opens_at", "tomorrow"), ("opens_at", "2026-11-23T14:00:00"), ("closes_at", {}),
    ("opens_at", "0001-01-01T00:00:00+14:00"), ("time_zone", "Mars/Base"), ("time_zone", "../../etc/passwd"),
    ("time_zone", "\x00"), ("time_zone", "/etc/passwd"), ("description", "x" * 2001), ("unknown", 1),
    ("unknown", None), ("draws_at", "soon"), ("minimum_age", 0), ("minimum_age", 18.5), ("draw_method", "x" * 301),
    ("rules_url", "http://example.org/rules"), ("rules_url", "https://"), ("rules_url", "https://a b"),
]  # fmt: skip
BAD_PARTS: list[tuple[str, Any, str]] = [
    ("organiser", {}, "organiser.name"), ("organiser", {"name": ""}, "organiser.name"),
    ("organiser", {"name": "School", "phone": "1"}, "organiser.phone"), ("organiser", "School", "organiser"),
    ("permit", 5, "permit"), ("faq", ["x"], "faq.0"),
    ("permit", {"authority": "Ministry"}, "permit.number"), ("faq", [{"words": [], "answer": "x"}], "faq.0.words"),
    ("faq", [{"words": ["a"], "answer": ""}], "faq.0.answer"), ("faq", [{"words": ["a"], "answer": "b"}] * 21, "faq"),
]  # fmt: skip
FACTS = {
    "draws_at": "2026-12-20T00:00:00Z", "draw_method": "With the national lottery",
    "organiser": {"name": "Lincoln School", "contact": "+502 5555 0000"},
    "permit": {"authority": "Ministry", "number": "7"}, "rules_url": "https://example.org/rules", "minimum_age": 18,
    "faq": [{"words": ["delivery", "pick up"], "answer": "At the school office."}],
}  # fmt: skip


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_a_bad_field_is_named(world: World, method: str) -> None:
    path = "/api/raffles" if method == "POST" else f"/api/raffles/{world.raffle(active=False)['id']}"
    answers = {}
    for field, value in BAD:
        if method == "PATCH" and value is None and field != "unknown":
            continue  # RFC 7396: null takes a field back to its default
        body = {field: value} if method == "PATCH" else {**GOOD, field: value}
        found = world.api(method, path, body)
        named = {error["field"] for error in found.body["errors"]} if found.status == 422 else set()
        if named != {field}:
            answers[field, repr(value)[:40]] = found.status, named
    assert answers == {}


@pytest.mark.parametrize(("field", "value", "named"), BAD_PARTS)
def test_a_bad_part_of_a_field_is_named(world: World, field: str, value: Any, named: str) -> None:
    found = world.api("POST", "/api/raffles", {**GOOD, field: value})
    assert (found.status, fields_of(found)) == (422, {named})
    assert "Form" not in str(found.body)  # the names of our classes are nobody's business


def test_what_buyers_ask_about_a_raffle_is_kept_and_can_be_changed(world: World) -> None:
    path = f"/api/raffles/{world.api('POST', '/api/raffles', {**GOOD, **FACTS}).body['id']}"
    stored = world.api("GET", path).body
    assert {name: stored[name] for name in FACTS} == FACTS
    changes: dict[str, Any] = {"organiser": {"name": "Rowing club"}, "permit": None, "faq": []}
    changed = world.api("PATCH", path, changes).body
    assert (changed["organiser"], changed["permit"], changed["faq"]) == (
        {"name": "Rowing club", "contact": None},
        None,
        [],
    )
    assert {name: changed[name] for name in FACTS.keys() - changes} == {
        name: FACTS[name] for name in FACTS.keys() - changes
    }
    entries = world.api("GET", f"/api/audit?target=raffle:{stored['id']}").body["results"]
    assert entries[0]["after"]["organiser"] == {"name": "Rowing club", "contact": None}


STRAY = ["Account `0123`", "`0123` Bank X", "Bank X\n`0123`\n`4567`", "```\n0123\n```", "Bank ` X", "``"]


@pytest.mark.parametrize("instructions", STRAY)
def test_a_backtick_that_copies_nothing_is_refused(world: World, instructions: str) -> None:
    """One line of its own between backticks is what buyers copy."""
    good = {**GOOD, "payment_instructions": "Bank X\n`0123`\nThank you"}
    bad = {**GOOD, "payment_instructions": instructions}
    path = f"/api/raffles/{world.api('POST', '/api/raffles', good).body['id']}"
    for method, at, body in (
        ("POST", "/api/raffles", {**bad, "code": "NEW"}),
        ("PUT", path, bad),
        ("PATCH", path, {"payment_instructions": instructions}),
        ("POST", f"{path}/payment-change", {"payment_instructions": instructions}),
    ):
        found = world.api(method, at, body)
        assert (found.status, fields_of(found)) == (422, {"payment_instructions"})
        assert "backticks only around one line of its own" in found.body["errors"][0]["message"]
    assert world.api("GET", path).body["payment_instructions"] == good["payment_instructions"]


@pytest.mark.parametrize("instructions", STRAY)
def test_a_backtick_from_before_hinders_no_other_change_and_is_not_shown(
    world: World, lucia: Buyer, instructions: str
) -> None:
    raffle = world.raffle()
    RaffleRecord(*raffles.key(raffle["id"])).update([RaffleRecord.payment_instructions.set(instructions)])
    path = f"/api/raffles/{raffle['id']}"
    assert world.api("PATCH", path, {"prize": "A car"}).status == 200
    assert world.api("PUT", path, world.api("GET", path).body).status == 200
    lucia.says("BIKE")
    assert "`" not in text_of(lucia.says("how do I pay?"))
    hold_and_confirm(lucia)
    said = [text_of(message) for message in lucia.heard]
    assert "`" not in "".join(said) and any("0123" in text for text in said) == ("0123" in instructions)


@pytest.mark.parametrize("field", ["title", "unit_amount", "currency", "last_number"])
def test_a_missing_field_is_named(world: World, field: str) -> None:
    found = world.api("POST", "/api/raffles", {name: value for name, value in GOOD.items() if name != field})
    assert (found.status, fields_of(found)) == (422, {field})


def test_a_body_that_is_no_json_object_is_malformed(world: World) -> None:
    bodies = (
        b"{",
        b"[]",
        b"null",
        b'"x"',
        b"5",
        b"\xff\xfe",
        b"{'a':1}",
        b"[" * 50_000,
        b"nan",
        b"{}{}",
        b"9" * 5000,
    )
    for path in ("/api/raffles", "/api/raffles/x/generate-tickets"):
        for body in bodies:
            found = world.api("POST", path, body)
            assert (found.status, found.body["code"]) == (400, "malformed"), body[:20]


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("GET", "/api/raffles?status=DRAFT&status=ACTIVE", None, "status"),
        ("POST", "/api/raffles/{id}/activate", {"reason": "x"}, "body"),
        ("DELETE", "/api/raffles/{id}", {"force": True}, "body"),
        ("PATCH", "/api/raffles/{id}", {"status": "ACTIVE"}, "status"),
    ],
)
def test_values_that_would_be_silently_lost_are_refused(
    world: World, method: str, path: str, body: dict[str, object] | None, field: str
) -> None:
    raffle = world.raffle(active=False)
    found = world.api(method, path.format(id=raffle["id"]), body)
    assert (found.status, [error["field"] for error in found.body["errors"]]) == (422, [field])
    assert world.api("GET", f"/api/raffles/{raffle['id']}").body == raffle


def test_a_raffle_is_made_read_changed_and_deleted(world: World) -> None:
    made = world.api("POST", "/api/raffles/", {**GOOD, "code": "car", "id": "mine", "status": "ACTIVE"})
    assert made.status == 201
    assert (made.body["status"], made.body["code"], made.body["hold_minutes"]) == ("DRAFT", "CAR", 15)
    path = f"/api/raffles/{made.body['id']}/"
    assert world.api("GET", path).body == made.body
    patched = world.api("PATCH", path, {"title": "Van", "hold_minutes": None}).body
    assert (patched["title"], patched["hold_minutes"], patched["unit_amount"]) == ("Van", None, 100)
    replaced = world.api("PUT", path, {**GOOD, "title": "Bus"}).body
    assert (replaced["title"], replaced["hold_minutes"], replaced["code"]) == ("Bus", 15, "CAR")
    assert world.api("DELETE", path).status == 204
    assert world.api("GET", path).status == 404
    assert world.api("POST", "/api/raffles", GOOD).status == 201  # the code is free again


def test_an_unknown_raffle_is_not_found(world: World) -> None:
    answers = {}
    for raffle_id in ("nothing", "%00", "%2e%2e", "x" * 1500, "ñ"):
        for method, end in (
            *((method, "") for method in ("GET", "PUT", "PATCH", "DELETE")),
            *(("POST", move) for move in ("/activate", "/deactivate", "/generate-tickets")),
            *(("GET", part) for part in ("/availability", "/tickets")),
        ):
            body = {**GOOD, "code": "OTHER"} if method in ("PUT", "PATCH") else None
            found = world.api(method, f"/api/raffles/{raffle_id}{end}", body)
            if found.status != 404 or found.body["code"] != "raffle_not_found":
                answers[method, raffle_id[:9], end] = found.status
    assert answers == {}


def test_a_rule_that_says_no_is_a_409(world: World, lucia: Buyer) -> None:
    raffle = world.raffle()
    path = f"/api/raffles/{raffle['id']}"
    hold(lucia)
    refused = {
        "code_taken": world.api("POST", "/api/raffles", {**GOOD, "code": "bike"}),
        "raffle_out_of_turn": world.api("DELETE", path),
        "raffle_has_sales": world.api("PATCH", path, {"currency": "USD"}),
        "numbers_invalid": world.api("PATCH", path, {"last_number": 50}),
    }
    assert {code: found.body["code"] for code, found in refused.items()} == {code: code for code in refused}
    assert {found.status for found in refused.values()} == {409}
    draft = world.raffle(active=False, code="VAN")
    assert world.api("POST", f"/api/raffles/{draft['id']}/deactivate").status == 409
    assert world.api("PATCH", f"/api/raffles/{draft['id']}", {"code": "BIKE"}).body["code"] == "code_taken"


def test_a_raffle_with_late_orders_is_not_cancelled_before_they_are_settled(
    world: World, lucia: Buyer, marco: Buyer
) -> None:
    path = f"/api/raffles/{world.raffle()['id']}"
    order_id = late(lucia, marco)
    world.clock.pass_minutes(15)
    world.minute()
    world.api("POST", f"{path}/deactivate")
    refused = world.api("POST", f"{path}/cancel")
    assert (refused.status, refused.body["code"]) == (409, "raffle_has_late_orders")
    assert order_id in refused.body["detail"]
    refund(world, order_id)
    assert world.api("POST", f"{path}/cancel").status == 200


def test_cancelling_a_raffle_twice_has_no_further_effect_although_a_proof_came_since(
    world: World, lucia: Buyer
) -> None:
    path = f"/api/raffles/{world.raffle()['id']}"
    order_id = hold_and_confirm(lucia)
    world.clock.pass_minutes(15)
    world.minute()
    world.api("POST", f"{path}/deactivate")
    assert world.api("POST", f"{path}/cancel").status == 200
    lucia.sends_proof()
    assert world.order(order_id)["status"] == "LATE"
    assert world.api("POST", f"{path}/cancel").body["status"] == "CANCELLED"


def test_the_currency_is_fixed_once_there_was_an_order(world: World, lucia: Buyer) -> None:
    """A late proof, or an organiser, may bring the order back, at its own price."""
    raffle = world.raffle()
    path = f"/api/raffles/{raffle['id']}"
    assert world.api("PATCH", path, {"currency": "USD"}).status == 200
    order_id = hold_and_confirm(lucia)
    world.clock.pass_minutes(15)
    world.minute()
    refused = world.api("PATCH", path, {"currency": "GTQ"})
    assert (refused.status, refused.body["code"]) == (409, "raffle_has_orders")
    lucia.sends_proof()
    assert confirm_payment(world, order_id).body["currency"] == world.api("GET", path).body["currency"] == "USD"
    assert world.api("PATCH", path, {"title": "Car", "currency": "USD"}).status == 200


def test_a_key_whose_raffle_was_deleted_since_makes_none(world: World) -> None:
    made = world.api("POST", "/api/raffles", GOOD, **{"Idempotency-Key": "k"})
    assert world.api("DELETE", f"/api/raffles/{made.body['id']}").status == 204
    again = world.api("POST", "/api/raffles", GOOD, **{"Idempotency-Key": "k"})
    assert (again.status, again.body["code"]) == (409, "deleted_since")
    assert made.body["id"] in again.body["detail"]
    assert world.api("POST", "/api/raffles", GOOD, **{"Idempotency-Key": "other"}).status == 201


def test_a_code_that_is_taken_is_named_as_the_field(world: World) -> None:
    world.raffle()
    assert fields_of(world.api("POST", "/api/raffles", {**GOOD, "code": "BIKE"})) == {"code"}


def test_activating_twice_has_no_further_effect(world: World) -> None:
    path = f"/api/raffles/{world.raffle()['id']}"
    for move, status in (("activate", "ACTIVE"), ("deactivate", "INACTIVE"), ("deactivate", "INACTIVE")):
        assert world.api("POST", f"{path}/{move}").body["status"] == status


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8])
def test_pages_neither_skip_nor_repeat_forwards_and_back(world: World, size: int) -> None:
    made = []
    for number in range(7):
        world.clock.pass_minutes(1)
        made.append(world.raffle(active=number % 2 == 0, code=f"R-{number}")["id"])
    url = f"/api/raffles?page_size={size}"
    assert [raffle["id"] for raffle in everything(world, url)] == made[::-1]
    pages = [world.api("GET", url).body]
    while pages[-1]["next"]:
        pages.append(world.api("GET", pages[-1]["next"]).body)
    back = pages[-1]
    for page in pages[-2::-1]:
        back = world.api("GET", back["previous"]).body
        assert back["results"] == page["results"]
    assert back["previous"] is None
    active = everything(world, f"/api/raffles?status=ACTIVE&page_size={size}")
    assert [raffle["id"] for raffle in active] == made[::-2]


def test_a_bad_query_is_named(world: World) -> None:
    for path in ("/api/raffles", "/api/orders"):
        for query in ("page_size=0", "page_size=201", "page_size=x", "page_size=", "status=NO", "foo=1"):
            found = world.api("GET", f"{path}?{query}")
            assert (found.status, fields_of(found)) == (422, {query.partition("=")[0]}), query


def test_a_cursor_that_we_never_gave_is_refused(world: World) -> None:
    tickets = f"/api/raffles/{world.raffle()['id']}/tickets"
    answers = {}
    for path in ("/api/raffles", "/api/orders", "/api/orders/pending-payment", tickets):
        for cursor in ("x", "-", "--", "W10", "bnVsbA", "WyJhIl0", "%00", "-x", "9" * 100, "é", "a" * 601):
            found = world.api("GET", f"{path}?cursor={cursor}")
            if found.status != 422:
                answers[path, cursor[:12]] = found.status
    assert answers == {}


def test_a_cursor_of_another_list_is_refused(world: World) -> None:
    for number in range(2):
        world.raffle(code=f"R-{number}")
    cursor = world.api("GET", "/api/raffles?page_size=1").body["next"].partition("cursor=")[2]
    assert world.api("GET", f"/api/orders?cursor={cursor}").status == 422


@pytest.mark.parametrize(("status", "numbers"), [("RESERVED", [5, 12]), ("SOLD", []), ("AVAILABLE", [1, 2, 3])])
def test_tickets_by_status(world: World, lucia: Buyer, status: str, numbers: list[int]) -> None:
    raffle = world.raffle()
    hold(lucia)
    found = everything(world, f"/api/raffles/{raffle['id']}/tickets/?status={status}&page_size=30")
    assert [ticket["number"] for ticket in found][:3] == numbers


def test_a_title_that_was_stored_with_line_ends_is_one_line(world: World) -> None:
    made = world.api("POST", "/api/raffles", GOOD).body
    RaffleRecord(f"BOARD#{made['id']}", "RAFFLE").update([RaffleRecord.title.set("Big\n car\r\n")])
    path = f"/api/raffles/{made['id']}"
    assert world.api("GET", path).body["title"] == "Big car"
    patched = world.api("PATCH", path, {"prize": "A car"})
    assert (patched.status, patched.body["title"]) == (200, "Big car")


def test_a_raffle_has_a_language_or_none(world: World) -> None:
    raffle = world.raffle()
    path = f"/api/raffles/{raffle['id']}"
    assert raffle["language"] is None
    assert world.api("PATCH", path, {"language": "pt"}).body["language"] == "pt"
    assert world.api("PATCH", path, {"title": "Rifa"}).body["language"] == "pt"
    assert world.api("PATCH", path, {"language": None}).body["language"] is None
    refused = world.api("PATCH", path, {"language": "pt-BR"})
    assert refused.status == 422 and "language" in str(refused.body)


# Filters


def test_a_raffle_is_found_by_its_code(world: World) -> None:
    raffle = world.raffle()
    world.raffle(code="CAR")
    for code in ("BIKE", "bike"):
        assert [one["id"] for one in world.api("GET", f"/api/raffles?code={code}").body["results"]] == [raffle["id"]]
    for query in ("code=NOSUCH", f"code={raffle['id'][:-1]}x", "code=BIKE&status=DRAFT"):
        assert world.api("GET", f"/api/raffles?{query}").body["results"] == []
    assert world.api("GET", "/api/raffles?code=").status == 422


def test_raffles_are_filtered_by_when_they_were_made_and_changed(world: World) -> None:
    made = []
    for code in ("RED", "BLUE", "GREEN"):
        made.append(world.raffle(code=code))
        world.clock.pass_minutes(10)
    world.api("PATCH", f"/api/raffles/{made[0]['id']}", {"title": "Another title"})
    changed = world.api("GET", f"/api/raffles/{made[0]['id']}").body["updated_at"]

    def codes(query: str) -> list[str]:
        found = everything(world, f"/api/raffles?page_size=1&{query}")
        return [raffle["code"] for raffle in found]

    second = made[1]["created_at"]
    assert codes(f"created_after={second}") == ["GREEN", "BLUE"]
    assert codes(f"created_before={second}") == ["RED"]
    assert codes(f"created_after={second}&status=ACTIVE&updated_before={changed}") == ["GREEN", "BLUE"]
    assert codes(f"updated_after={changed}") == ["RED"]
    assert codes(f"created_after={second}&created_before={second}") == []


def test_one_number_tells_its_state_and_owner(world: World, lucia: Buyer, requests: Requests) -> None:
    raffle = world.raffle(last_number=1_000_000)
    order_id = hold(lucia, "500001")
    path = f"/api/raffles/{raffle['id']}/tickets"
    found: list[Any] = []
    operations = requests.during(lambda: found.append(world.api("GET", f"{path}?number=500001")))
    assert len(operations) <= 4
    (ticket,) = found[0].body["results"]
    assert (ticket["number"], ticket["status"], ticket["order"]) == (500001, "RESERVED", order_id)
    (ticket,) = world.api("GET", f"{path}?number=500002").body["results"]
    assert (ticket["number"], ticket["status"], ticket["order"]) == (500002, "AVAILABLE", None)
    assert world.api("GET", f"{path}?number=500001&status=SOLD").body["results"] == []
    assert world.api("GET", f"{path}?number=0").body["results"] == []
    assert world.api("GET", f"{path}?number=1000001").body["results"] == []
    assert world.api("GET", f"{path}?number=-1").status == 422


def test_what_was_created_says_where_it_is(world: World) -> None:
    answer = world.api("POST", "/api/raffles", GOOD)
    assert answer.headers["Location"] == f"/api/raffles/{answer.body['id']}"
    assert world.api("GET", answer.headers["Location"]).body["code"] == "CAR"


def test_a_list_of_raffles_shows_how_far_each_is_sold_in_few_requests(
    world: World, lucia: Buyer, requests: Requests
) -> None:
    world.raffle(code="SMALL")
    for number in range(7):
        world.raffle(code=f"LARGE-{number}", last_number=10_000)
    confirm_payment(world, hold(lucia, "1, 9000", "LARGE-3"))
    hold(lucia, "5", "SMALL")
    found: list[Any] = []
    made = requests.during(lambda: found.append(world.api("GET", "/api/raffles?expand=availability").body["results"]))
    assert made == ["GetItem", "Query", "BatchGetItem", "BatchGetItem"]  # the token, the list, 113 tallies
    shown = {raffle["code"]: raffle["expanded"]["availability"] for raffle in found[0]}
    for raffle in found[0]:
        assert shown[raffle["code"]] == world.api("GET", f"/api/raffles/{raffle['id']}/availability").body
    assert (shown["LARGE-3"]["sold"], shown["SMALL"]["reserved"]) == (2, 1)
    assert world.api("GET", "/api/raffles?code=SMALL&expand=availability").body["results"][0]["expanded"]
    assert world.api("GET", "/api/raffles?code=SMALL").body["results"][0]["expanded"] is None
    assert world.api("GET", "/api/raffles?expand=orders").status == 422
