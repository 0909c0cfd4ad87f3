"""Organisers and one person: pausing the bot, writing to them, reading what was said."""

import pytest

from chalicelib.domain.channel import Stop
from chalicelib.domain.contacts import Contact
from chalicelib.domain.delivery import DeliveryState
from chalicelib.domain.refusals import (
    ContactNotFound,
    ContactOptedOut,
    Outdated,
    SendingStopped,
    WindowClosed,
)
from chalicelib.store import channel, history
from chalicelib.whatsapp.graph import NotSent
from tests.support.contact_chat import BY, known, line_of, said, write
from tests.support.identities import NEW_PHONE, PHONE, USER_ID, contact_of, moves, person, writes
from tests.support.request_counts import Requests
from tests.support.steps import hold, hold_and_confirm
from tests.support.world import Buyer, World, text_of
from whatsapp_sandbox import webhooks


def pause(world: World, buyer: Buyer, on: bool = True) -> Contact:
    return world.container.contacts.change(known(buyer).id, {"bot_paused": on}, by=BY)


# M6: pausing the bot


def test_m6_the_bot_is_silent_while_an_organiser_talks_and_organisers_are_notified(world: World, lucia: Buyer) -> None:
    world.raffle()
    order_id = hold(lucia)
    pause(world, lucia)
    before = len(lucia.heard)
    for text in ("hello?", "yes", "BIKE", "5,12"):
        world.clock.pass_minutes(1)
        lucia.says(text)
    assert len(lucia.heard) == before
    assert world.order(order_id)["status"] == "DRAFT"
    [notice] = world.organiser().heard
    assert text_of(notice).startswith("Lucía has written") and "https://wa.me/50255500001" in text_of(notice)
    assert said(known(lucia).id)[:4] == ["< 5,12", "< BIKE", "< yes", "< hello?"]


def test_m6_a_message_for_an_organiser_is_not_marked_as_read(world: World, lucia: Buyer) -> None:
    lucia.says("menu")
    pause(world, lucia)
    read = len(world.graph.read)
    lucia.says("hello?")
    assert len(world.graph.read) == read


def test_m6_organisers_are_notified_again_after_an_hour(world: World, lucia: Buyer) -> None:
    lucia.says("menu")
    pause(world, lucia)
    for _ in range(3):
        lucia.says("hello?")
        world.clock.pass_minutes(30)
    assert len(world.organiser().heard) == 2


def test_m6_a_proof_is_still_accepted_and_acknowledged(world: World, lucia: Buyer) -> None:
    world.raffle()
    order_id = hold_and_confirm(lucia)
    pause(world, lucia)
    before = len(lucia.heard)
    lucia.sends_proof()
    assert world.order(order_id)["status"] == "IN_REVIEW"
    assert len(lucia.heard) == before + 1
    assert order_id in text_of(world.organiser().heard[-1])


def test_m6_a_picture_that_no_order_waits_for_is_for_the_organiser(world: World, lucia: Buyer) -> None:
    lucia.says("menu")
    pause(world, lucia)
    world.clock.pass_minutes(1)
    lucia.sends_proof()
    assert len(lucia.heard) == 1
    assert "Lucía sent a file" in text_of(world.organiser().heard[-1])
    assert said(known(lucia).id)[0] == "< image"


def test_m6_a_hold_still_ends_and_the_buyer_is_told(world: World, lucia: Buyer) -> None:
    world.raffle()
    order_id = hold(lucia)
    pause(world, lucia)
    world.clock.pass_minutes(15)
    world.minute()
    assert world.order(order_id)["status"] == "EXPIRED"
    assert order_id in text_of(lucia.heard[-1])


def test_m6_a_tap_holds_longer_what_is_held_already_once(world: World, lucia: Buyer) -> None:
    """Otherwise they lose it while they talk. It holds no further numbers (H9)."""
    world.raffle()
    order_id = hold_and_confirm(lucia)
    pause(world, lucia)
    world.clock.pass_minutes(11)
    world.minute()
    assert "ten more minutes" in text_of(lucia.taps("More time"))
    order = world.order(order_id)
    assert order["extended_at"] is not None and order["reserved_until"] == "2026-11-23T14:25:00Z"
    world.clock.pass_minutes(1)
    assert "can't hold them longer" in text_of(lucia.taps("More time"))
    assert world.order(order_id)["reserved_until"] == order["reserved_until"]


def test_m6_stop_is_obeyed_and_answered(world: World, lucia: Buyer) -> None:
    lucia.says("menu")
    pause(world, lucia)
    assert "START" in text_of(lucia.says("STOP"))
    assert known(lucia).opted_out


def test_m6_the_bot_answers_again_when_it_is_told_to(world: World, lucia: Buyer) -> None:
    lucia.says("menu")
    pause(world, lucia)
    pause(world, lucia, on=False)
    lucia.says("menu")
    assert len(lucia.heard) == 2


def test_m6_the_bot_answers_again_a_day_after_the_organisers_last_message(world: World, lucia: Buyer) -> None:
    lucia.says("menu")
    write(world, lucia)
    world.clock.pass_minutes(20 * 60)
    lucia.says("hello?")
    write(world, lucia)
    world.clock.pass_minutes(23 * 60)
    lucia.says("hello?")
    assert len(lucia.heard) == 3
    world.clock.pass_minutes(60)
    lucia.says("hello?")
    assert len(lucia.heard) == 4


# Writing


def test_an_organiser_writes_and_the_bot_leaves_the_talking_to_them(world: World, lucia: Buyer) -> None:
    lucia.says("menu")
    message = write(world, lucia, "The draw is on Sunday *at noon*.")
    assert text_of(lucia.heard[-1]) == "The draw is on Sunday *at noon*."
    assert (message.state, message.by) == (DeliveryState.ACCEPTED, BY.name)
    found = known(lucia)
    assert found.bot_is_paused(world.clock.now) and found.bot_paused_by == BY.name


def test_the_bot_may_be_told_to_go_on(world: World, lucia: Buyer) -> None:
    lucia.says("menu")
    write(world, lucia, pause_bot=False)
    lucia.says("menu")
    assert len(lucia.heard) == 3


def nothing_is_stored(world: World, lucia: Buyer) -> bool:
    return len(said(known(lucia).id)) == 2 and len(lucia.heard) == 1 and known(lucia).bot_paused_until is None


def test_m4_after_a_day_a_message_is_refused_and_not_kept(world: World, lucia: Buyer) -> None:
    lucia.says("menu")
    world.clock.pass_minutes(24 * 60)
    with pytest.raises(WindowClosed) as raised:
        write(world, lucia)
    assert raised.value.until == world.clock.now
    assert nothing_is_stored(world, lucia)


def test_m4_in_the_last_minute_of_the_day_it_goes_out(world: World, lucia: Buyer) -> None:
    lucia.says("menu")
    world.clock.pass_minutes(24 * 60 - 1)
    assert write(world, lucia).state is DeliveryState.ACCEPTED


def test_m5_an_organiser_cannot_write_to_somebody_who_has_opted_out(world: World, lucia: Buyer) -> None:
    lucia.says("stop")
    with pytest.raises(ContactOptedOut):
        write(world, lucia)
    assert nothing_is_stored(world, lucia)


def test_while_sending_is_stopped_a_message_is_refused_and_not_kept(world: World, lucia: Buyer) -> None:
    lucia.says("menu")
    channel.stop(Stop.ALL, world.clock.now, code=190)
    with pytest.raises(SendingStopped):
        write(world, lucia)
    assert nothing_is_stored(world, lucia)


def test_a_message_that_does_not_reach_whatsapp_says_so_and_is_tried_again(world: World, lucia: Buyer) -> None:
    lucia.says("menu")
    world.graph.refuses = [NotSent("no connection")]
    assert write(world, lucia).state is DeliveryState.PENDING
    world.clock.pass_minutes(1)
    world.minute()
    assert text_of(lucia.heard[-1]) == "How can I help?"


def test_an_organiser_cannot_write_to_an_unknown_contact(world: World) -> None:
    with pytest.raises(ContactNotFound):
        world.container.contacts.write("0" * 24, "hello", by=BY)


# Changing


def test_a_corrected_name_stays_whatever_whatsapp_calls_them(world: World, lucia: Buyer) -> None:
    lucia.says("menu")
    world.container.contacts.change(known(lucia).id, {"name": "Lucía Pérez"}, by=BY)
    lucia.says("menu")
    assert known(lucia).name == "Lucía Pérez"
    world.container.contacts.change(known(lucia).id, {"name": None}, by=BY)
    lucia.says("menu")
    assert known(lucia).name == "Lucía"


def test_m6_a_person_who_was_written_to_is_off_the_waiting_list_until_they_answer(world: World, lucia: Buyer) -> None:
    def waiting() -> list[str]:
        return [one["name"] for one in world.api("GET", "/api/contacts?person_wanted=true").body["results"]]

    lucia.says("human")
    assert waiting() == ["Lucía"]
    world.container.contacts.write(known(lucia).id, "How can I help?", by=BY)
    assert waiting() == []
    lucia.says("Which bank is it?")
    lucia.says("Hello?")
    assert waiting() == ["Lucía"]
    assert len(world.organiser().heard) == 1, "they are told once an hour"
    world.clock.pass_minutes(60)
    lucia.says("Anybody?")
    assert len(world.organiser().heard) == 2


def test_a_person_who_was_helped_may_call_again_at_once(world: World, lucia: Buyer) -> None:
    lucia.says("human")
    world.container.contacts.change(known(lucia).id, {"person_wanted_at": None}, by=BY)
    assert known(lucia).person_wanted_at is None
    lucia.says("human")
    assert len(world.organiser().heard) == 2


def test_a_change_to_an_older_version_is_refused(world: World, lucia: Buyer) -> None:
    lucia.says("menu")
    read = known(lucia)
    change = world.container.contacts.change
    change(read.id, {"vouched_for": True}, by=BY)
    with pytest.raises(Outdated):
        change(read.id, {"bot_paused": True}, by=BY, expected=frozenset({read.edit_version}))
    expected = frozenset({known(lucia).edit_version})
    lucia.says("menu")  # which organisers don't change
    changed = change(read.id, {"bot_paused": True}, by=BY, expected=expected)
    assert changed.version == known(lucia).version == read.version + 3


def test_m2_a_change_that_collides_with_a_message_is_made_after_it(
    world: World, lucia: Buyer, requests: Requests
) -> None:
    lucia.says("menu")
    requests.before_the_next_commit(lambda: lucia.says("raffles"))
    pause(world, lucia)
    found = known(lucia)
    assert found.bot_is_paused(world.clock.now) and found.conversation.stage == "BROWSING"


# Reading


def test_all_messages_are_one_list_with_the_newest_first(world: World, lucia: Buyer) -> None:
    world.raffle()
    lucia.says("menu")
    world.clock.pass_minutes(1)
    lucia.says("human")
    world.clock.pass_minutes(1)
    lucia.sends(webhooks.message(lucia.person, "reaction", {"emoji": "👍"}, message_id=world.new_id(), at=world.at))
    world.clock.pass_minutes(1)
    write(world, lucia, "Yes?")
    assert said(known(lucia).id) == [
        "> Yes?",
        "< reaction",
        "> An organiser has been told that you would like to talk to a person, and will write to you.",
        "< human",
        "> Welcome! Here you can buy raffle numbers. What would you like to do?",
        "< menu",
    ]


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 50])
def test_pages_neither_skip_nor_repeat_while_messages_arrive(world: World, lucia: Buyer, limit: int) -> None:
    world.raffle()
    for number in range(5):
        lucia.says(f"line {number}")
        world.clock.pass_minutes(1)
    contact_id = known(lucia).id
    everything = said(contact_id)
    found, cursor = list[str](), None
    while True:
        page = history.page(contact_id, limit=limit, after=cursor)
        found += map(line_of, page.items)
        lucia.says("menu")  # newer ones come in meanwhile
        cursor = page.next
        if cursor is None:
            break
        assert len(page.items) == limit
    assert found == everything


def test_a_page_takes_two_requests(world: World, lucia: Buyer, requests: Requests) -> None:
    for number in range(30):
        lucia.says(f"line {number}")
    contact_id = known(lucia).id
    assert requests.during(lambda: history.page(contact_id, limit=50)) == ["Query", "BatchGetItem"]


def test_a_message_caused_by_somebody_else_is_only_in_its_readers_history(world: World, lucia: Buyer) -> None:
    raffle = world.raffle()
    marco = world.buyer("Marco", 2)
    order_id = hold(marco, "5")
    lucia.says("BIKE")
    world.clock.pass_minutes(16)
    lucia.says("5")
    assert "< 5" in said(known(lucia).id)
    assert order_id in said(known(marco).id)[0]
    assert world.availability(raffle) == (99, 1, 0)


def test_messages_from_before_a_merge_are_in_the_history_too(world: World) -> None:
    world.raffle()
    before, after = person(PHONE, USER_ID), person(NEW_PHONE)
    writes(world, before).says("menu")
    world.clock.pass_minutes(1)
    writes(world, after).says("raffles")
    other_id = contact_of(after).id
    world.clock.pass_minutes(1)
    world.deliver(moves(world, before, NEW_PHONE))
    contact_id = contact_of(before).id
    assert [line for line in said(contact_id) if line.startswith("<")] == ["< system", "< raffles", "< menu"]
    assert said(other_id) == said(contact_id)
    found, cursor = list[str](), None
    while cursor != "":
        page = history.page(other_id, limit=2, after=cursor)
        found += map(line_of, page.items)
        cursor = page.next or ""
    assert found == said(contact_id)


def test_an_unknown_contact_has_no_history(world: World) -> None:
    with pytest.raises(ContactNotFound):
        history.page("0" * 24, limit=5)
