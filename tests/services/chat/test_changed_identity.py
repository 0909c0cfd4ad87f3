"""One person stays one contact under whichever names WhatsApp knows them, and two people stay two."""

from typing import Any

import pytest

from chalicelib.whatsapp.inbound import Message, read
from tests.support.identities import NEW_PHONE, NEW_USER_ID, PHONE, USER_ID, contact_of, moves, person, writes
from tests.support.request_counts import Requests
from tests.support.steps import confirm_payment, hold, hold_and_prove
from tests.support.updates import a_text, update_of
from tests.support.world import World, text_of
from whatsapp_sandbox import webhooks

Json = dict[str, Any]


def gets_user_id(world: World, who: webhooks.Person, user_id: str) -> Json:
    content = {"body": "changed", "user_id": user_id, "type": "user_changed_user_id"}
    return webhooks.message(who, "system", content, message_id=world.new_id(), at=world.at)


def updates_user_id(phone: str | None, old: str, new: str) -> Json:
    """The notice beside the messages that says the same."""
    update = {"wa_id": phone and phone.removeprefix("+"), "user_id": {"previous": old, "current": new}}
    body = webhooks.envelope({"user_id_update": [update]})
    body["entry"][0]["changes"][0]["field"] = "user_id_update"
    return body


ONCE = [person(PHONE), person(PHONE, USER_ID)]


@pytest.mark.parametrize("before", ONCE, ids=["phone", "both"])
@pytest.mark.parametrize("after", [person(NEW_PHONE), person(NEW_PHONE, NEW_USER_ID)], ids=["phone", "both"])
@pytest.mark.parametrize("key", ["wa_id", "new_wa_id"])
def test_a_person_who_moves_to_another_number_keeps_their_orders(
    world: World, before: webhooks.Person, after: webhooks.Person, key: str
) -> None:
    world.raffle()
    order_id = hold_and_prove(writes(world, before))
    world.deliver(moves(world, before, NEW_PHONE, key))
    assert confirm_payment(world, order_id).status == 200
    assert world.graph.sent[-1]["to"] == NEW_PHONE  # news go to where they are now
    assert order_id in text_of(writes(world, after).says("my orders"))
    assert contact_of(after).phone == NEW_PHONE.removeprefix("+")


@pytest.mark.parametrize("notice", ["message", "update"])
def test_a_person_who_gets_another_user_id_keeps_their_orders(world: World, notice: str) -> None:
    world.raffle()
    before = person(PHONE, USER_ID)
    order_id = hold(writes(world, before))
    world.deliver(
        gets_user_id(world, person(PHONE), NEW_USER_ID)
        if notice == "message"
        else updates_user_id(PHONE, USER_ID, NEW_USER_ID)
    )
    for after in (person(PHONE, NEW_USER_ID), person(None, NEW_USER_ID), person(PHONE)):
        assert order_id in text_of(writes(world, after).says("my orders"))


def test_a_user_id_that_changes_may_tell_the_phone_for_the_first_time(world: World) -> None:
    world.raffle()
    order_id = hold(writes(world, person(None, USER_ID)))
    world.deliver(updates_user_id(PHONE, USER_ID, NEW_USER_ID))
    for after in (person(PHONE, NEW_USER_ID), person(None, NEW_USER_ID), person(PHONE)):
        assert order_id in text_of(writes(world, after).says("my orders"))


def test_a_new_owner_of_the_old_number_sees_none_of_it(world: World) -> None:
    world.raffle()
    order_id = hold(writes(world, person(PHONE, USER_ID)))
    world.deliver(moves(world, person(PHONE, USER_ID), NEW_PHONE))
    stranger = writes(world, person(PHONE, "GT.5500112233445500"))
    assert "no orders yet" in text_of(stranger.says("my orders"))
    assert order_id in text_of(writes(world, person(NEW_PHONE, NEW_USER_ID)).says("my orders"))
    assert "no orders yet" in text_of(stranger.says("my orders"))


def test_a_person_who_wrote_under_the_new_number_before_the_notice_is_merged(world: World) -> None:
    world.raffle()
    before, after = person(PHONE, USER_ID), person(NEW_PHONE, NEW_USER_ID)
    order_id = hold(writes(world, before))
    writes(world, after).says("hello")
    assert contact_of(after).id != contact_of(before).id
    world.deliver(moves(world, before, NEW_PHONE))
    assert order_id in text_of(writes(world, after).says("my orders"))
    assert contact_of(after).id == contact_of(person(NEW_PHONE)).id


def test_a_person_who_bought_under_the_new_number_stays_two_contacts_so_that_no_order_is_lost(world: World) -> None:
    world.raffle()
    before, after = person(PHONE, USER_ID), person(NEW_PHONE, NEW_USER_ID)
    first, second = hold(writes(world, before), "5"), hold(writes(world, after), "6")
    world.deliver(moves(world, before, NEW_PHONE))
    assert first in text_of(writes(world, before).says("my orders"))
    assert second in text_of(writes(world, after).says("my orders"))


def test_an_old_notice_that_is_delivered_once_more_changes_nothing(world: World) -> None:
    world.raffle()
    writes(world, person(PHONE)).says("hello")
    first, second = moves(world, person(PHONE), NEW_PHONE), moves(world, person(NEW_PHONE), "+50277777777")
    for notice in (first, second, first):
        world.deliver(notice)
        world.clock.pass_minutes(6)  # longer than the queue remembers
    assert contact_of(person("+50277777777")).phone == "50277777777"
    world.deliver(updates_user_id(None, USER_ID, NEW_USER_ID))
    updates = [
        updates_user_id("+50277777777", USER_ID, NEW_USER_ID),
        updates_user_id(None, NEW_USER_ID, "GT.1234567890"),
    ]
    for notice in (*updates, updates[0]):
        world.deliver(notice)
    assert contact_of(person("+50277777777")).user_id == "GT.1234567890"


def test_a_notice_about_an_unknown_person_leaves_nothing(world: World) -> None:
    world.deliver(updates_user_id(PHONE, USER_ID, NEW_USER_ID))
    assert contact_of(person(PHONE, NEW_USER_ID)).version == 0


def test_a_notice_that_comes_together_with_their_message_is_not_lost(world: World, requests: Requests) -> None:
    before = person(PHONE, USER_ID)
    writes(world, before).says("hello")
    meanwhile = read(update_of(a_text(writes(world, before), "menu")))
    assert isinstance(meanwhile, Message)
    requests.before_the_next_commit(lambda: world.container.chat.answer(meanwhile))
    world.deliver(moves(world, before, NEW_PHONE))
    assert contact_of(person(NEW_PHONE)).phone == NEW_PHONE.removeprefix("+")
    assert contact_of(person(NEW_PHONE)).version > 1


def test_what_is_bought_under_the_new_number_while_the_notice_is_handled_is_not_lost(
    world: World, requests: Requests
) -> None:
    world.raffle()
    before, after = person(PHONE, USER_ID), person(NEW_PHONE, NEW_USER_ID)
    first = hold(writes(world, before), "5")
    writes(world, after).says("BIKE")
    meanwhile = read(update_of(a_text(writes(world, after), "6")))
    assert isinstance(meanwhile, Message)
    requests.before_the_next_commit(lambda: world.container.chat.answer(meanwhile))
    world.deliver(moves(world, before, NEW_PHONE))
    assert "006" in text_of(writes(world, after).says("my orders"))
    assert first in text_of(writes(world, before).says("my orders"))
