"""M6: while somebody at the business writes from the phone app, the bot is silent for that person."""

from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.contacts import Contact
from chalicelib.domain.messages import Identity
from chalicelib.domain.organisers import COMMAND_LINE
from chalicelib.store import contacts
from chalicelib.store.contact_ids import contact_ids_of
from chalicelib.store.records import InboundRecord
from tests.support.steps import hold_and_confirm
from tests.support.world import ORGANISER, Buyer, World, text_of
from whatsapp_sandbox import webhooks

Json = dict[str, Any]
WRITTEN = "Hello, Olga here: I will look after your order myself."


def echo(buyer: Buyer, at: float | None, **more: Any) -> Json:
    """What WhatsApp posts when somebody wrote to the person in the phone app."""
    written: Json = {
        "from": webhooks.OUR_BUSINESS.display_number, "to": buyer.person.wa_id, "to_user_id": buyer.person.user_id,
        "id": buyer.world.new_id(), "timestamp": None if at is None else str(int(at)), "type": "text",
        "text": {"body": WRITTEN}, **more,
    }  # fmt: skip
    body = webhooks.envelope({"message_echoes": [{name: part for name, part in written.items() if part is not None}]})
    body["entry"][0]["changes"][0]["field"] = "smb_message_echoes"
    return body


def contact_of(buyer: Buyer) -> Contact:
    found = contacts.get(contact_ids_of(Identity(user_id=buyer.person.user_id, phone=buyer.person.wa_id))[0])
    assert found is not None
    return found


@pytest.mark.parametrize("known", [True, False])
def test_m6_the_bot_is_silent_while_somebody_writes_from_the_phone(world: World, lucia: Buyer, known: bool) -> None:
    if known:
        lucia.says("menu")
    said = len(lucia.heard)
    lucia.sends(echo(lucia, world.at))
    world.clock.pass_minutes(1)
    lucia.says("thank you, yes")
    assert len(lucia.heard) == said
    assert "has written" in text_of(world.organiser().heard[-1])
    found = world.api("GET", f"/api/contacts/{contact_of(lucia).id}").body
    assert found["bot_paused"] and found["bot_paused_by"] == "WhatsApp Business app"


@pytest.mark.parametrize("more", [{"to": None}, {"to_user_id": None}])
def test_m6_whoever_was_written_to_is_found_by_phone_or_user_id(world: World, lucia: Buyer, more: Json) -> None:
    lucia.says("menu")
    lucia.sends(echo(lucia, world.at, **more))
    assert contact_of(lucia).bot_is_paused(world.clock.now)


def test_m6_the_pause_ends_24_hours_after_the_last_message_from_the_phone(world: World, lucia: Buyer) -> None:
    lucia.sends(echo(lucia, world.at))
    first = world.at
    world.clock.pass_minutes(60)
    lucia.sends(echo(lucia, world.at))
    lucia.sends(echo(lucia, first))  # it comes once more
    world.clock.now += timedelta(hours=24, minutes=-1)
    assert not lucia.says("menu")
    world.clock.pass_minutes(1)
    assert "Welcome" in text_of(lucia.says("menu"))


def test_m6_a_pause_that_an_organiser_ended_does_not_come_back_with_an_old_message(world: World, lucia: Buyer) -> None:
    body = echo(lucia, world.at)
    lucia.sends(body)
    world.clock.pass_minutes(10)
    world.container.contacts.change(contact_of(lucia).id, {"bot_paused": False}, by=COMMAND_LINE)
    for old in (body, echo(lucia, world.at - 60)):
        lucia.sends(old)
        assert not contact_of(lucia).bot_is_paused(world.clock.now)
    world.clock.pass_minutes(1)
    lucia.sends(echo(lucia, world.at))
    assert contact_of(lucia).bot_is_paused(world.clock.now)


def test_m6_a_message_from_the_phone_that_comes_a_day_late_pauses_nothing(world: World, lucia: Buyer) -> None:
    lucia.sends(echo(lucia, world.at - 24 * 3600))
    assert "Welcome" in text_of(lucia.says("menu"))


def test_m6_the_bot_still_takes_proofs_and_the_waiting_person_has_been_answered(world: World, lucia: Buyer) -> None:
    world.raffle()
    order_id = hold_and_confirm(lucia)
    lucia.says("human")
    assert contact_of(lucia).person_wanted_at is not None
    world.clock.pass_minutes(1)
    lucia.sends(echo(lucia, world.at))
    assert contact_of(lucia).person_wanted_at is None
    assert order_id in text_of(lucia.sends_proof())


def test_m6_who_wrote_again_since_still_waits(world: World, lucia: Buyer) -> None:
    world.clock.pass_minutes(5)
    lucia.says("human")
    lucia.sends(echo(lucia, world.at - 60))  # it comes late
    assert contact_of(lucia).person_wanted_at is not None and contact_of(lucia).bot_is_paused(world.clock.now)


def test_nothing_of_what_was_written_on_the_phone_is_queued_or_stored(world: World, lucia: Buyer) -> None:
    assert world.post_webhook(webhooks.encode(echo(lucia, world.at, text={"body": WRITTEN * 10_000}))) == 200
    queued = world.sqs.receive_message(QueueUrl=world.stack.queue_url, VisibilityTimeout=0)["Messages"]
    assert len(queued) == 1 and WRITTEN not in queued[0]["Body"] and len(queued[0]["Body"]) < 1000
    world.work()
    assert world.container.dead_letters.list_all() == [] and list(InboundRecord.scan()) == []


@pytest.mark.parametrize(
    "more", [{"to": "120363025246125888@g.us", "to_user_id": None}, {"to": None, "to_user_id": None}]
)
def test_what_was_written_to_no_person_is_ignored(world: World, lucia: Buyer, more: Json) -> None:
    lucia.sends(echo(lucia, world.at, **more))
    assert world.container.dead_letters.list_all() == []


def test_no_token_looks_like_the_phone_app(world: World) -> None:
    made = world.api("POST", "/api/tokens", {"name": "whatsapp business  APP", "role": "viewer"})
    assert (made.status, made.body["code"]) == (409, "token_name_taken")


def test_an_organisers_own_phone_is_no_exception(world: World) -> None:
    olga = Buyer(world=world, person=ORGANISER)
    olga.sends(echo(olga, world.at))
    assert not olga.says("menu") or "has written" in text_of(olga.heard[-1])
