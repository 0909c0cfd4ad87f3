"""What a person may ask for: all that is held about them, and to be forgotten."""

import json
from contextlib import suppress
from datetime import timedelta
from typing import Any

import boto3
import pytest

from chalicelib.domain.contacts import Contact
from chalicelib.domain.organisers import Actor, Role
from chalicelib.domain.refusals import ContactErased, ContactHasOrders, ContactNotFound, TryAgain
from chalicelib.services.messaging.texts import texts_in
from chalicelib.store import contacts, history, orders
from chalicelib.store.order_context import load_context
from chalicelib.store.records import FingerprintRecord, Record, low_level
from chalicelib.store.transaction import Transaction
from chalicelib.whatsapp.graph import NotSent
from tests.support.contact_chat import known, said, write
from tests.support.identities import NEW_PHONE, PHONE, USER_ID, contact_of, moves, person, writes
from tests.support.receipts import picture
from tests.support.request_counts import Requests
from tests.support.steps import assert_board_is_exact, buy, cancel, hold, hold_and_confirm, hold_and_prove
from tests.support.world import Buyer, World, text_of
from whatsapp_sandbox import webhooks

MANAGER = Actor("Olga's laptop", Role.MANAGER, "t1")
SAID = "my number plate is P-123"


def erase(world: World, buyer: Buyer) -> Any:
    return world.container.privacy.erase(known(buyer).id, by=MANAGER)


def everything_stored(world: World) -> str:
    """The whole table and the names and metadata of all objects in all their versions, as text."""
    s3 = boto3.client("s3", region_name="us-east-1")
    objects = s3.list_object_versions(Bucket=world.stack.bucket)
    items = [json.dumps(record.serialize(), ensure_ascii=False, default=str) for record in Record.scan()]
    return "\n".join([*items, json.dumps(objects.get("Versions", []), default=str)])


def traces(world: World, buyer: Buyer) -> list[str]:
    stored = everything_stored(world)
    who = buyer.person
    names = [who.name, str(who.phone).removeprefix("+"), str(who.user_id), SAID, "wamid."]
    return [name for name in names if name in stored]


def files(world: World) -> int:
    s3 = boto3.client("s3", region_name="us-east-1")
    found = s3.list_object_versions(Bucket=world.stack.bucket)
    return len(found.get("Versions", ())) + len(found.get("DeleteMarkers", ()))


def a_whole_life(world: World, lucia: Buyer) -> tuple[str, str]:
    """Orders that are paid and cancelled, proofs, a call for a person, talk with one, notices, a dead letter."""
    world.raffle(max_per_contact=50)
    lucia.says("menu")
    lucia.says(SAID)
    paid = hold_and_confirm(lucia)
    lucia.sends_proof(picture())
    world.api("POST", f"/api/orders/{paid}/confirm-payment")
    cancelled = hold_and_prove(lucia, "7")
    cancel(world, cancelled)
    world.clock.pass_minutes(1)
    lucia.says("human")
    write(world, lucia, f"You said: {SAID}")
    lucia.says(SAID)
    lucia.sends(webhooks.message(lucia.person, "reaction", {"emoji": "👍"}, message_id=world.new_id(), at=world.at))
    letter = {"kind": "message", "value": {"from": lucia.person.wa_id, "text": {"body": SAID}}}
    world.container.dead_letters.keep(json.dumps(letter), "KeyError", tries=5)
    return paid, cancelled


# Being forgotten


def test_v2_after_erasure_nothing_in_table_or_bucket_names_the_person(world: World, lucia: Buyer) -> None:
    paid, cancelled = a_whole_life(world, lucia)
    contact, board_before = known(lucia), world.availability({"id": world.order(paid)["raffle"]})
    assert len(traces(world, lucia)) == 5 and files(world) == 2  # else this would show nothing
    erasure = erase(world, lucia)
    assert erasure.finished
    assert (traces(world, lucia), files(world)) == ([], 0)
    assert not list(FingerprintRecord.scan())
    for order_id, status in ((paid, "PAID"), (cancelled, "CANCELLED")):
        order = world.order(order_id)
        assert (order["status"], order["contact"], order["proof"]) == (status, contact.id, None)
        assert order["amount"] == 2500 * len(order["numbers"]) > 0
    assert world.availability({"id": world.order(paid)["raffle"]}) == board_before
    assert_board_is_exact(world, {**world.api("GET", f"/api/raffles/{world.order(paid)['raffle']}").body})


def test_v2_what_organisers_were_told_when_they_decided_is_erased_too(world: World, lucia: Buyer) -> None:
    olga = world.organiser()
    olga.says("hi")
    world.raffle(max_rejections=1)
    hold_and_prove(lucia)
    lucia.sends_proof(picture())
    olga.taps("Open")
    olga.taps("Approve")  # the newer one is shown
    olga.taps("Reject")
    olga.taps("It is no payment")
    assert sum("Lucía" in text_of(told) for told in olga.heard) == 4
    assert "wa.me" in everything_stored(world)
    assert erase(world, lucia).finished
    left = everything_stored(world)
    assert not [trace for trace in ("Lucía", "wa.me", str(lucia.person.wa_id)) if trace in left]


def test_v2_other_peoples_data_stays(world: World, lucia: Buyer, marco: Buyer) -> None:
    world.raffle()
    mine, theirs = hold_and_confirm(lucia), hold_and_confirm(marco, "7")
    lucia.sends_proof(picture())
    marco.sends_proof(picture(seed=2))
    marco.says(SAID)
    for order_id in (mine, theirs):
        world.api("POST", f"/api/orders/{order_id}/confirm-payment")
    before = said(known(marco).id)
    erase(world, lucia)
    assert said(known(marco).id) == before
    assert world.order(theirs)["proof"] and files(world) == 1
    assert any("Marco" in text_of(notice) for notice in world.organiser().heard)
    assert "Marco" in everything_stored(world)


@pytest.mark.parametrize("reach", [hold, hold_and_confirm, hold_and_prove])
def test_v2_a_person_with_an_open_order_is_not_erased(world: World, lucia: Buyer, reach: Any) -> None:
    world.raffle()
    order_id = reach(lucia)
    before = everything_stored(world)
    with pytest.raises(ContactHasOrders) as raised:
        erase(world, lucia)
    assert raised.value.order_ids == (order_id,)
    assert everything_stored(world) == before


def test_v2_a_preview_says_what_goes_what_stays_and_what_is_in_the_way(world: World, lucia: Buyer) -> None:
    world.raffle()
    paid, in_review = buy(lucia, "1"), hold_and_prove(lucia, "2")
    path = f"/api/contacts/{known(lucia).id}/erasure"
    before = world.api("GET", path).body
    assert before == {
        "contact": known(lucia).id, "erased_at": None, "can_erase": False, "unsettled": [in_review], "orders": 2,
        "files": 1,
    }  # fmt: skip
    assert world.order(paid)["status"] == "PAID" and known(lucia).erased_at is None
    assert world.api("POST", f"/api/orders/{in_review}/cancel").status == 200
    after = world.api("GET", path).body
    assert (after["can_erase"], after["unsettled"]) == (True, [])
    assert erase(world, lucia).finished
    assert world.api("GET", path).body["files"] == 0
    assert world.api("GET", "/api/contacts/nobody/erasure").status == 404


def test_p5_a_person_who_paid_late_and_waits_for_the_money_is_not_erased(world: World, lucia: Buyer) -> None:
    world.raffle()
    order_id = hold_and_confirm(lucia)
    cancel(world, order_id)
    lucia.sends_proof()
    assert world.order(order_id)["status"] == "LATE"
    with pytest.raises(ContactHasOrders):
        erase(world, lucia)


def test_v2_an_order_that_the_index_does_not_show_yet_counts(
    world: World, lucia: Buyer, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.raffle()
    hold(lucia)
    monkeypatch.setattr(orders, "all_of_contact", lambda _: [])
    monkeypatch.setattr("chalicelib.store.transaction.sleep", lambda _: None)
    with pytest.raises(TryAgain):
        erase(world, lucia)
    assert known(lucia).erased_at is None


def test_m2_a_hold_that_is_made_during_an_erasure_wins(world: World, lucia: Buyer, requests: Requests) -> None:
    world.raffle()
    lucia.says("BIKE")
    requests.before_the_next_commit(lambda: lucia.says("5"))
    with pytest.raises(ContactHasOrders):
        erase(world, lucia)
    assert known(lucia).erased_at is None


class Stopped(Exception):
    """The process ends."""


def test_v2_an_erasure_that_stopped_anywhere_goes_on_with_the_next_request(world: World, lucia: Buyer) -> None:
    """It is stopped before its first request to DynamoDB, then before the second, and so on to its end."""
    a_whole_life(world, lucia)
    contact_id, made, allowed, finished = known(lucia).id, 0, 0, False

    def stop(**_: Any) -> None:
        nonlocal made
        made += 1
        if made > allowed:
            raise Stopped

    events = low_level().client.meta.events
    events.register("before-call.dynamodb", stop)
    try:
        while not finished:
            made, allowed = 0, allowed + 1
            with suppress(Stopped):
                finished = world.container.privacy.erase(contact_id, by=MANAGER).finished
    finally:
        events.unregister("before-call.dynamodb", stop)
    assert allowed > 9
    assert (traces(world, lucia), files(world)) == ([], 0)


def test_v2_an_erasure_too_long_for_one_request_goes_on_with_the_next(
    world: World, lucia: Buyer, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_whole_life(world, lucia)
    contact_id, take_away = known(lucia).id, history.take_away

    def slowly(one: str) -> bool:
        world.clock.now += timedelta(seconds=20)
        return take_away(one)

    monkeypatch.setattr(history, "take_away", slowly)
    finished = [world.container.privacy.erase(contact_id, by=MANAGER).finished for _ in range(4)]
    assert finished[0] is False and finished[-1] is True
    assert traces(world, lucia) == []


def test_v2_erasing_twice_has_no_further_effect_and_the_audit_log_has_no_name(world: World, lucia: Buyer) -> None:
    lucia.says("menu")
    contact_id = known(lucia).id
    first, again = (world.container.privacy.erase(contact_id, by=MANAGER) for _ in range(2))
    assert first == again
    found = world.api("GET", f"/api/audit?target=contact:{contact_id}").body["results"]
    assert [(entry["action"], entry["before"], entry["after"]) for entry in found] == [("contact.erased", {}, {})]


def test_v2_an_unknown_contact_is_not_erased(world: World) -> None:
    with pytest.raises(ContactNotFound):
        world.container.privacy.erase("0" * 24, by=MANAGER)


# Afterwards


def erased(world: World, buyer: Buyer) -> Contact:
    buyer.says("menu")
    before = known(buyer)
    assert erase(world, buyer).finished
    return before


def test_v2_an_erased_person_who_writes_again_is_somebody_new(world: World, lucia: Buyer) -> None:
    world.raffle()
    order_id = buy(lucia)
    before = erased(world, lucia)
    assert "no orders yet" in text_of(lucia.says("my orders"))
    after = known(lucia)
    assert after.id != before.id and after.name == "Lucía"
    assert before.id not in str(world.api("GET", f"/api/contacts/{after.id}").body)
    assert after.id not in str(world.api("GET", f"/api/contacts/{before.id}").body), "nothing leads on"
    assert [line for line in said(after.id) if line.startswith("<")] == ["< my orders"]
    assert said(before.id) == []
    new = hold(lucia, "7")
    assert world.order(new)["contact"] == after.id != world.order(order_id)["contact"]


def test_v2_an_erased_person_is_somebody_new_under_each_of_their_names(world: World) -> None:
    both = person(PHONE, USER_ID)
    before = erased(world, writes(world, both))
    writes(world, both).says("menu")
    after = contact_of(both)
    for who in (person(None, USER_ID), person(PHONE)):
        writes(world, who).says("menu")
        assert contact_of(who).id == after.id != before.id


def test_v2_a_person_erased_twice_is_somebody_new_twice(world: World, lucia: Buyer) -> None:
    first = erased(world, lucia)
    second = erased(world, lucia)
    lucia.says("menu")
    assert len({first.id, second.id, known(lucia).id}) == 3
    assert text_of(lucia.says("raffles"))


def test_v2_a_new_owner_of_their_number_is_not_taken_for_them(world: World) -> None:
    erased(world, writes(world, person(PHONE, USER_ID)))
    stranger = writes(world, person(PHONE, "GT.5500112233445500"))
    stranger.says("menu")
    returned = writes(world, person(NEW_PHONE, USER_ID))
    returned.says("menu")
    assert known(stranger).id != known(returned).id


def test_v2_the_owner_of_a_number_that_they_had_long_before_is_not_taken_for_them(world: World) -> None:
    old, new = person(PHONE, USER_ID), person(NEW_PHONE, USER_ID)
    writes(world, old).says("menu")
    world.deliver(moves(world, old, NEW_PHONE))
    erased(world, writes(world, new))
    stranger = writes(world, person(PHONE, "GT.5500112233445500"))
    stranger.says("menu")
    writes(world, new).says("menu")
    assert known(stranger).id != contact_of(new).id
    assert writes(world, person(PHONE)).says("menu")


def test_m1_a_message_from_before_the_erasure_that_comes_again_has_no_effect(world: World, lucia: Buyer) -> None:
    body = webhooks.text_message(lucia.person, "menu", message_id=world.new_id(), at=world.at)
    world.deliver(body)
    erase(world, lucia)
    world.clock.pass_minutes(6)  # longer than the queue remembers
    world.deliver(body)
    assert len(lucia.heard) == 1
    assert traces(world, lucia) == []


def test_v2_a_status_that_comes_late_brings_nothing_back(world: World, lucia: Buyer) -> None:
    lucia.says("menu")
    tag = lucia.heard[-1]["biz_opaque_callback_data"]
    erase(world, lucia)
    world.deliver(webhooks.status(lucia.person, "wamid.OUT1", "read", at=world.at, tracking=tag))
    assert traces(world, lucia) == []


def test_v2_messages_still_to_be_sent_are_not_sent(world: World, lucia: Buyer) -> None:
    world.graph.refuses = [NotSent("no connection")]
    lucia.says("menu")
    erase(world, lucia)
    world.clock.pass_minutes(5)
    world.minute()
    assert lucia.heard == []


def test_v2_news_of_an_old_order_goes_to_nobody_and_stops_nothing(world: World, lucia: Buyer) -> None:
    world.raffle()
    order_id = buy(lucia)
    before, heard = erased(world, lucia), len(lucia.heard)
    order, found = orders.get(order_id), contacts.get(before.id)
    context = load_context(order)
    assert context.contact == found
    transaction = Transaction()
    told = [texts_in("en").cancelled(context.raffle, order, by_organiser=True)]
    contact, made = world.container.outbox.enqueue_for(
        transaction, context.contact, told, channel=context.channel, now=world.clock.now
    )
    contacts.save(transaction, contact, now=world.clock.now)
    transaction.commit()
    assert made == [] and len(lucia.heard) == heard
    assert said(before.id) == []


def test_v2_an_erased_contact_cannot_be_written_to_or_changed(world: World, lucia: Buyer) -> None:
    before = erased(world, lucia)
    contacts = world.container.contacts
    with pytest.raises(ContactErased):
        contacts.write(before.id, "hello", by=MANAGER)
    with pytest.raises(ContactErased):
        contacts.change(before.id, {"name": "Lucía"}, by=MANAGER)
    with pytest.raises(ContactErased):
        world.container.privacy.collect(before.id, by=MANAGER)


def test_v2_a_person_with_merged_contacts_is_erased_as_both(world: World) -> None:
    before, after = person(PHONE, USER_ID), person(NEW_PHONE)
    writes(world, before).says("menu")
    writes(world, after).says(SAID)
    world.deliver(moves(world, before, NEW_PHONE))
    lucia = writes(world, person(NEW_PHONE, USER_ID))
    assert erase(world, lucia).finished
    assert traces(world, lucia) == [] and str(PHONE).removeprefix("+") not in everything_stored(world)


# Seeing all of it


def test_v1_a_manager_gets_everything_that_is_held_about_a_person(world: World, lucia: Buyer, marco: Buyer) -> None:
    paid, cancelled = a_whole_life(world, lucia)
    hold_and_prove(marco, "9")
    held = world.container.privacy.collect(known(lucia).id, by=MANAGER)
    assert held.contact == known(lucia)
    assert {order.id for order in held.orders} == {paid, cancelled}
    assert {record.contact_id for record in held.fingerprints} == {held.contact.id}
    assert len(held.dead_letters) == 1
    found = world.api("GET", f"/api/audit?target=contact:{held.contact.id}").body["results"]
    assert "contact.exported" in [entry["action"] for entry in found]
