"""One contact over REST."""

from typing import Any
from urllib.parse import urlencode

import pytest

from chalicelib.domain.delivery import OUTSIDE_THE_WINDOW
from chalicelib.http import contacts as http_contacts
from chalicelib.store.records import OutboundRecord
from chalicelib.whatsapp import error_codes, templates
from chalicelib.whatsapp.messages import build_template
from chalicelib.whatsapp.rendered_text import extract_text
from tests.support.contact_chat import known
from tests.support.identities import NEW_PHONE, PHONE, USER_ID, contact_of, moves, person, writes
from tests.support.steps import cancel, everything, hold, hold_and_confirm, hold_and_prove, outbounds
from tests.support.tokens import a_token
from tests.support.world import Answer, Buyer, World

Json = dict[str, Any]


def path(buyer: Buyer, more: str = "") -> str:
    return f"/api/contacts/{known(buyer).id}{more}"


def shown(world: World, buyer: Buyer) -> Json:
    return dict(world.api("GET", path(buyer)).body)


def messages(world: World, buyer: Buyer) -> list[Json]:
    return list(world.api("GET", path(buyer, "/messages")).body["results"])


def change(world: World, buyer: Buyer, body: Json, **headers: str) -> Answer:
    return world.api("PATCH", path(buyer), body, **headers)


def write(world: World, buyer: Buyer, text: str = "How can I help?", **more: Any) -> Answer:
    headers = {"Idempotency-Key": more.pop("key")} if "key" in more else {}
    return world.api("POST", path(buyer, "/messages"), {"text": text, **more}, **headers)


def test_a_contact_shows_who_they_are_and_where_the_conversation_stands(world: World, lucia: Buyer) -> None:
    raffle = world.raffle()
    order_id = hold_and_confirm(lucia)
    lucia.says("human")
    now, tomorrow = "2026-11-23T14:00:00Z", "2026-11-24T14:00:00Z"
    assert shown(world, lucia) == {
        "id": known(lucia).id, "name": "Lucía", "phone": "+50255500001", "user_id": "GT.770001", "language": "en",
        "language_source": "default", "state": "PAYMENT", "context": {"raffle": raffle["id"], "order": order_id},
        "blocked_at": None,
        "age_confirmed": None, "age_confirmed_at": None,
        "vouched_for": False, "opted_out": False, "opted_out_since": None, "person_wanted_at": now,
        "bot_paused": False, "bot_paused_until": None,
        "bot_paused_by": None, "last_heard_at": now, "window_until": tomorrow, "held": {raffle["id"]: 2},
        "erased_at": None, "created_at": now, "version": known(lucia).version,
    }  # fmt: skip


def test_an_order_leads_to_its_contact_and_a_former_id_to_the_present_one(world: World) -> None:
    before, after = person(PHONE, USER_ID), person(NEW_PHONE)
    writes(world, before).says("menu")
    writes(world, after).says("menu")
    former = contact_of(after).id
    world.deliver(moves(world, before, NEW_PHONE))
    found = world.api("GET", f"/api/contacts/{former}")
    assert (found.status, found.body["id"]) == (200, contact_of(before).id)
    assert len(world.api("GET", f"/api/contacts/{former}/messages").body["results"]) == 5


@pytest.mark.parametrize("more", ["", "/messages", "/export"])
def test_an_unknown_contact_is_not_found(world: World, more: str) -> None:
    answer = world.api("GET", f"/api/contacts/{'0' * 24}{more}")
    assert (answer.status, answer.body["code"]) == (404, "contact_not_found")


def test_a_change_by_a_merge_patch(world: World, lucia: Buyer) -> None:
    lucia.says("human")
    body = {"name": "Lucía Pérez", "language": "es", "bot_paused": True, "person_wanted_at": None}
    answer = change(world, lucia, body)
    assert answer.status == 200, answer.body
    told = {name: answer.body[name] for name in body}
    assert told == body and answer.body["bot_paused_until"] == "2026-11-24T14:00:00Z"
    assert answer.body["bot_paused_by"] == "local"
    assert shown(world, lucia) == answer.body


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"phone": "+50255509999"}, "phone"),
        ({"held": {}}, "held"),
        ({"id": "x"}, "id"),
        ({"language": "xx"}, "language"),
        ({"name": ""}, "name"),
        ({"name": "a" * 61}, "name"),
        ({"name": "two\x07"}, "name"),
        ({"bot_paused": "yes"}, "bot_paused"),
        ({"person_wanted_at": "2026-11-24T14:00:00Z"}, "person_wanted_at"),
        ({"phone": None}, "phone"),
        ({"version": None}, "version"),
        ({"unknown": None}, "unknown"),
    ],
)
def test_fields_that_cannot_be_changed_are_named(world: World, lucia: Buyer, body: Json, field: str) -> None:
    lucia.says("menu")
    before = shown(world, lucia)
    answer = change(world, lucia, body)
    assert (answer.status, [error["field"] for error in answer.body["errors"]]) == (422, [field])
    assert shown(world, lucia) == before


def test_two_organisers_do_not_undo_each_others_changes(world: World, lucia: Buyer) -> None:
    lucia.says("menu")
    read = world.api("GET", path(lucia)).headers["ETag"]
    first = change(world, lucia, {"bot_paused": True}, **{"If-Match": read})
    second = change(world, lucia, {"language": "es"}, **{"If-Match": read})
    assert (first.status, second.status, second.body["code"]) == (200, 412, "outdated")
    assert change(world, lucia, {"language": "es"}, **{"If-Match": first.headers["ETag"]}).status == 200


def test_o2_who_changed_what_is_in_the_audit_log_and_no_name_or_text(world: World, lucia: Buyer) -> None:
    lucia.says("human")
    change(world, lucia, {"name": "Lucía Pérez", "language": "es", "person_wanted_at": None})
    write(world, lucia, "As you wish")
    entries = world.api("GET", f"/api/audit?target=contact:{known(lucia).id}").body["results"]
    until = "2026-11-24T14:00:00+00:00"
    assert {entry["action"]: (entry["before"], entry["after"]) for entry in entries} == {
        "contact.changed": (
            {"language": "en", "language_chosen": False, "person_wanted": True, "name_kept": False},
            {
                "language": "es",
                "language_chosen": True,
                "person_wanted": False,
                "name_kept": True,
                "name": "another",
            },
        ),
        "contact.written_to": ({"bot_paused_until": None}, {"bot_paused_until": until}),
    }


# Messages


def test_an_organisers_message_is_sent_shown_and_marked(world: World, lucia: Buyer) -> None:
    lucia.says("menu")
    world.clock.pass_minutes(1)
    answer = write(world, lucia)
    assert answer.status == 201, answer.body
    assert (answer.body["by"], answer.body["state"], answer.body["text"]) == ("local", "ACCEPTED", "How can I help?")
    assert messages(world, lucia)[0] == answer.body
    assert shown(world, lucia)["bot_paused"] is True


def test_the_history_shows_texts_and_the_state_of_each_message(world: World, lucia: Buyer) -> None:
    world.raffle()
    lucia.says("menu")
    reply, heard = messages(world, lucia)
    assert (heard["direction"], heard["text"], heard["kind"], heard["state"]) == ("in", "menu", "text", None)
    assert (reply["direction"], reply["kind"], reply["state"], reply["by"]) == ("out", "interactive", "ACCEPTED", None)
    assert reply["choices"] == ["Browse raffles", "My orders", "Help"] and reply["in_reply_to"] == heard["id"]


def test_the_history_says_which_reply_of_the_bot_a_message_is(world: World, lucia: Buyer) -> None:
    world.raffle()
    lucia.says("BIKE")
    world.clock.pass_minutes(1)
    lucia.says("5")
    world.clock.pass_minutes(1)
    write(world, lucia)
    assert [message["reply"] for message in messages(world, lucia)] == [None, "held", None, "raffle", None]


def test_a_message_from_before_replies_had_names_is_shown_without_one(world: World, lucia: Buyer) -> None:
    lucia.says("menu")
    [stored] = outbounds(lucia)
    stored.update([OutboundRecord.reply.remove()])
    assert messages(world, lucia)[0]["reply"] is None


def test_m4_an_undelivered_message_says_why(world: World, lucia: Buyer) -> None:
    world.raffle(hold_minutes=None)
    order_id = hold(lucia)
    world.clock.pass_minutes(24 * 60)
    cancel(world, order_id)
    newest = messages(world, lucia)[0]
    assert (newest["state"], newest["error_code"]) == ("FAILED", OUTSIDE_THE_WINDOW)
    assert "24 hours" in newest["error"]


def test_every_code_that_whatsapp_is_known_to_send_has_a_meaning() -> None:
    codes = [code for codes, _ in error_codes.REMEDIES for code in codes]
    assert all(error_codes.meaning(code) for code in (*codes, 999_999))


@pytest.mark.parametrize("definition", templates.DEFINITIONS, ids=lambda one: one.name)
@pytest.mark.parametrize("language", ["en", "es", "pt_BR"])
def test_a_template_is_shown_as_text_with_its_values(definition: templates.Definition, language: str) -> None:
    values = {name: f"«{name}»" for name in definition.values}
    read = extract_text(build_template(definition.name, language, values))
    assert all(value in read.text for value in values.values()) and "{{" not in read.text
    assert definition.name not in read.text


def test_m4_after_a_day_the_refusal_says_what_is_possible(world: World, lucia: Buyer) -> None:
    lucia.says("menu")
    world.clock.pass_minutes(24 * 60)
    answer = write(world, lucia)
    assert (answer.status, answer.body["code"]) == (409, "window_closed")
    assert "templates" in answer.body["detail"] and "2026-11-24T14:00:00Z" in answer.body["detail"]
    assert len(messages(world, lucia)) == 2


def test_m5_a_contact_who_opted_out_cannot_be_written_to(world: World, lucia: Buyer) -> None:
    lucia.says("stop")
    answer = write(world, lucia)
    assert (answer.status, answer.body["code"]) == (409, "contact_opted_out")
    assert shown(world, lucia)["opted_out_since"] == "2026-11-23T14:00:00Z"


@pytest.mark.parametrize("text", ["", "  ", "a" * 4097, None, 5])
def test_a_text_that_whatsapp_would_not_take_is_named(world: World, lucia: Buyer, text: Any) -> None:
    lucia.says("menu")
    answer = write(world, lucia, text)
    assert (answer.status, answer.body["errors"][0]["field"]) == (422, "text")


def test_the_longest_text_goes_out(world: World, lucia: Buyer) -> None:
    lucia.says("menu")
    assert write(world, lucia, "ñ" * 4096).status == 201


def test_the_same_request_again_writes_once(world: World, lucia: Buyer) -> None:
    lucia.says("menu")
    first, again = (write(world, lucia, key="k1") for _ in range(2))
    other = write(world, lucia, "Another text", key="k1")
    assert first.body == again.body and first.status == again.status == 201
    assert (other.status, other.body["code"]) == (422, "idempotency_key_used")
    assert len(lucia.heard) == 2


def test_pages_lead_on_to_the_end(world: World, lucia: Buyer) -> None:
    for _ in range(4):
        lucia.says("menu")
        world.clock.pass_minutes(1)
    found, url = [], path(lucia, "/messages?page_size=3")
    while url:
        page = world.api("GET", url).body
        found += page["results"]
        url = page["next"]
    assert found == messages(world, lucia) and len(found) == 8


# Privacy


def test_everything_about_a_person_as_one_answer(world: World, lucia: Buyer) -> None:
    world.raffle()
    order_id = hold_and_prove(lucia)
    answer = world.api("GET", path(lucia, "/export"))
    assert answer.status == 200, answer.body
    assert answer.body["contact"]["phone"] == "+50255500001"
    assert answer.body["messages"] == messages(world, lucia)
    [exported] = answer.body["orders"]
    assert exported["order"] == world.order(order_id)
    assert "X-Amz-Expires=300" in exported["proofs"][0]["url"]
    assert [one["what"] for one in answer.body["fingerprints"]] == ["file"]
    assert answer.body["dead_letters"] == []


def test_a_very_long_history_is_exported_in_parts(world: World, lucia: Buyer, monkeypatch: pytest.MonkeyPatch) -> None:
    world.raffle()
    order_id = hold_and_prove(lucia)
    monkeypatch.setattr(http_contacts, "BATCH", 3)
    monkeypatch.setattr(http_contacts, "MAX_MESSAGE_BYTES", 1)
    parts = [world.api("GET", path(lucia, "/export")).body]
    while (further := parts[-1]["next"]) is not None:
        parts.append(world.api("GET", further).body)
    assert [len(part["messages"]) for part in parts[:-1]] == [3] * (len(parts) - 1) and len(parts) > 2
    assert [message for part in parts for message in part["messages"]] == messages(world, lucia)
    assert [[one["order"]["id"] for one in part["orders"]] for part in parts] == [[order_id]] + [[]] * (len(parts) - 1)
    noted = world.api("GET", f"/api/audit?target=contact:{parts[0]['contact']['id']}").body["results"]
    assert [entry["action"] for entry in noted].count("contact.exported") == 3


def test_a_person_is_erased_by_a_manager_alone(world: World, lucia: Buyer) -> None:
    lucia.says("menu")
    where = path(lucia)
    cashier = a_token(world, "cashier")["key"]
    assert world.api("POST", f"{where}/erase", token=cashier).status == 403
    answer = world.api("POST", f"{where}/erase")
    assert (answer.status, answer.body["finished"], answer.body["erased_at"]) == (200, True, "2026-11-23T14:00:00Z")
    left = world.api("GET", where).body
    assert (left["name"], left["phone"], left["user_id"]) == ("", None, None)
    assert world.api("GET", f"{where}/messages").body["results"] == []
    assert world.api("GET", f"{where}/export").body["code"] == "contact_erased"


def test_a_person_is_not_erased_while_an_order_is_to_be_settled(world: World, lucia: Buyer) -> None:
    world.raffle()
    order_id = hold(lucia)
    answer = world.api("POST", path(lucia, "/erase"))
    assert (answer.status, answer.body["code"]) == (409, "contact_has_orders")
    assert order_id in answer.body["detail"]


@pytest.mark.parametrize("size", [1, 2, 50])
def test_contacts_are_listed_filtered_and_searched(world: World, size: int) -> None:
    world.raffle()
    order_id = hold(world.buyer("María López", number=1), "5")
    world.clock.pass_minutes(1)
    world.buyer("Mario", number=2).says("human")
    world.clock.pass_minutes(1)
    world.buyer("Ana", number=3).says("stop")
    for query, names in (
        ({}, ["Ana", "Mario", "María López"]),
        ({"person_wanted": "true"}, ["Mario"]),
        ({"opted_out": "true"}, ["Ana"]),
        ({"opted_out": "true", "person_wanted": "true"}, []),
        ({"search": "MARI"}, ["María López", "Mario"]),
        ({"search": "mari", "person_wanted": "true"}, ["Mario"]),
        ({"search": "5550-0003"}, ["Ana"]),
        ({"search": order_id.lower()}, ["María López"]),
    ):
        found = everything(world, f"/api/contacts?{urlencode({'page_size': size, **query})}")
        assert [contact["name"] for contact in found] == names, query
    one = world.api("GET", "/api/contacts?search=ana").body["results"][0]
    assert world.api("GET", f"/api/contacts/{one['id']}").body == one


@pytest.mark.parametrize(
    "query", ["search=", "search=%20", "search=" + "x" * 101, "person_wanted=false", "opted_out=1"]
)
def test_a_bad_filter_of_contacts_is_named(world: World, query: str) -> None:
    found = world.api("GET", f"/api/contacts?{query}")
    assert (found.status, found.body["errors"][0]["field"]) == (422, query.partition("=")[0])


def test_contacts_are_read_by_their_ids(world: World) -> None:
    for number, name in enumerate(("Ana", "Bea", "Cora"), 1):
        world.buyer(name, number=number).says("menu")
    ids = {one["name"]: one["id"] for one in world.api("GET", "/api/contacts").body["results"]}
    wanted = ",".join((ids["Cora"], ids["Ana"], ids["Cora"], "abcdef"))
    found = world.api("GET", f"/api/contacts?ids={wanted}").body
    assert ([one["name"] for one in found["results"]], found["next"]) == (["Cora", "Ana"], None)
    for query in (f"ids={wanted}&search=ana", "ids=", "ids=" + ",".join(["a"] * 101), "ids=x"):
        refused = world.api("GET", f"/api/contacts?{query}")
        assert (refused.status, refused.body["errors"][0]["field"]) == (422, "ids")
