"""M5: who has opted out gets no message that they did not ask for, until they take it back."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.contacts import Contact
from chalicelib.domain.messages import Identity
from chalicelib.store import contacts
from chalicelib.store.contact_ids import contact_ids_of
from chalicelib.whatsapp.graph import NotSent, SendRefused
from tests.support.request_counts import Requests
from tests.support.steps import (
    assert_board_is_exact,
    cancel,
    confirm_payment,
    hold,
    hold_and_confirm,
    hold_and_prove,
    outbounds,
)
from tests.support.updates import tag_of
from tests.support.world import Buyer, World, buttons_of, text_of
from whatsapp_sandbox import webhooks

Json = dict[str, Any]
OPTED_OUT = 131050  # Meta's code: the person has stopped our messages


def preference(buyer: Buyer, value: str, at: float, *, person: webhooks.Person | None = None) -> Json:
    """WhatsApp's notice that the person stopped our messages, or resumed them, in its own menu."""
    person = person or buyer.person
    preference = {
        "wa_id": person.wa_id, "user_id": person.user_id, "detail": "User requested", "value": value,
        "category": "marketing_messages", "timestamp": int(at),
    }  # fmt: skip
    body = webhooks.envelope({"contacts": [webhooks.contact(person)], "user_preferences": [preference]})
    body["entry"][0]["changes"][0]["field"] = "user_preferences"
    return body


def contact_of(buyer: Buyer) -> Contact:
    person = Identity(user_id=buyer.person.user_id, phone=buyer.person.wa_id)
    found = contacts.get(contact_ids_of(person)[0])
    assert found is not None
    return found


def by_word(buyer: Buyer) -> None:
    buyer.says("STOP")


def by_notice(buyer: Buyer) -> None:
    buyer.sends(preference(buyer, "stop", buyer.world.at))


def by_refusal(buyer: Buyer) -> None:
    """Meta refuses a message, since the person stopped ours."""
    buyer.world.graph.refuses = [SendRefused(OPTED_OUT, "", 400, None)]
    buyer.says("help")


def by_late_refusal(buyer: Buyer) -> None:
    """Meta took the message, and says afterwards that the person stopped ours."""
    buyer.says("help")
    errors, tag = [(OPTED_OUT, "stopped")], tag_of(buyer)
    buyer.sends(webhooks.status(buyer.person, "wamid.X", "failed", at=buyer.world.at, tracking=tag, errors=errors))


WAYS = [by_word, by_notice, by_refusal, by_late_refusal]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
@pytest.mark.parametrize("news", ["paid", "cancelled", "expired"])
def test_m5_news_for_an_opted_out_buyer_is_withheld_and_organisers_can_see_it(
    world: World, lucia: Buyer, way: Callable[[Buyer], None], news: str
) -> None:
    raffle = world.raffle()
    order_id = hold_and_confirm(lucia)
    way(lucia)
    before = len(lucia.heard)
    world.clock.pass_minutes(1)
    if news == "paid":
        confirm_payment(world, order_id)
    elif news == "cancelled":
        cancel(world, order_id)
    else:
        world.clock.pass_minutes(15)
    for _ in range(3):
        world.minute()
        world.clock.pass_minutes(2)
    assert len(lucia.heard) == before
    assert [record.state for record in outbounds(lucia)][-1] == "WITHHELD"
    assert world.order(order_id)["status"] == {"paid": "PAID", "cancelled": "CANCELLED", "expired": "EXPIRED"}[news]
    assert_board_is_exact(world, raffle)


@pytest.mark.parametrize("word", ["STOP", "stop.", "Baja", "ALTO", "parar", "unsubscribe"])
def test_m5_one_word_opts_out_and_is_answered_once(world: World, lucia: Buyer, word: str) -> None:
    answer = text_of(lucia.says(word))
    assert "no more messages" in answer and "START" in answer
    assert contact_of(lucia).opted_out


def test_m5_a_sentence_opts_out_and_is_answered_in_its_language(world: World, lucia: Buyer) -> None:
    assert "ya no te mandaremos mensajes" in text_of(lucia.says("no quiero mensajes"))
    assert contact_of(lucia).opted_out


@pytest.mark.parametrize("word", ["salir", "SAIR"])
def test_m5_to_leave_may_mean_the_menu_the_order_or_the_messages_so_it_is_asked(
    world: World, lucia: Buyer, word: str
) -> None:
    assert buttons_of(lucia.says(word)) == ["Menu", "No more messages"]
    world.raffle()
    order_id = hold(lucia)
    asked = lucia.says(word)
    assert order_id in text_of(asked) and buttons_of(asked) == ["Menu", "Cancel it", "No more messages"]
    assert world.order(order_id)["status"] == "DRAFT" and not contact_of(lucia).opted_out
    lucia.taps("No more messages")
    assert contact_of(lucia).opted_out


def test_m5_who_opts_out_while_numbers_wait_for_a_yes_is_asked_again(world: World, lucia: Buyer) -> None:
    world.raffle()
    order_id = hold(lucia)
    asked = lucia.says("STOP")
    assert "no more messages" in text_of(asked) and order_id in text_of(asked)
    assert buttons_of(asked) == ["Confirm", "Change", "Cancel"] and contact_of(lucia).opted_out


@pytest.mark.parametrize("reach", [hold, hold_and_confirm, hold_and_prove])
def test_m5_opting_out_leaves_the_order_as_it_is(world: World, lucia: Buyer, reach: Callable[[Buyer], str]) -> None:
    world.raffle()
    order_id = reach(lucia)
    before = world.order(order_id)
    lucia.says("stop")
    assert world.order(order_id) == before
    assert order_id in text_of(lucia.says("my orders"))


def test_m5_messages_of_an_opted_out_buyer_are_still_answered(world: World, lucia: Buyer) -> None:
    world.raffle()
    lucia.says("stop")
    order_id = hold_and_confirm(lucia)
    answer = text_of(lucia.sends_proof())
    assert order_id in answer and "write *START* to hear" in answer
    assert "will hear from us" not in answer


@pytest.mark.parametrize("word", ["START", "alta", "Resume"])
def test_m5_one_word_opts_in_again(world: World, lucia: Buyer, word: str) -> None:
    world.raffle()
    order_id = hold_and_prove(lucia)
    lucia.says("stop")
    assert "Welcome back" in text_of(lucia.says(word))
    confirm_payment(world, order_id)
    assert "Good luck!" in text_of(lucia.heard[-1])


def test_start_shows_the_menu_to_a_person_who_never_stopped(world: World, lucia: Buyer) -> None:
    assert buttons_of(lucia.says("start")) == ["Browse raffles", "My orders", "Help"]


def test_cancelar_may_mean_the_order_or_the_messages_so_it_is_asked(world: World, lucia: Buyer) -> None:
    world.raffle()
    order_id = hold(lucia)
    asked = lucia.says("Cancelar")
    assert order_id in text_of(asked) and buttons_of(asked) == ["The order", "No more messages"]
    assert world.order(order_id)["status"] == "DRAFT" and not contact_of(lucia).opted_out
    lucia.taps("The order")
    assert world.order(order_id)["status"] == "CANCELLED" and not contact_of(lucia).opted_out
    asked = lucia.says("cancelar")
    assert buttons_of(asked)[0] == "No more messages"
    lucia.taps("No more messages")
    assert contact_of(lucia).opted_out


def test_cancelar_finds_an_order_that_is_not_at_hand(world: World, lucia: Buyer) -> None:
    world.raffle()
    world.raffle(code="CAKE")
    first = hold(lucia, "5", "BIKE")
    second = hold(lucia, "7", "CAKE")
    cancel(world, second)
    assert first in text_of(lucia.says("cancelar"))


def test_m5_a_notice_counts_once_and_only_the_latest(world: World, lucia: Buyer) -> None:
    lucia.says("menu")
    at = world.at
    world.clock.pass_minutes(1)
    lucia.sends(preference(lucia, "resume", at + 20))
    lucia.sends(preference(lucia, "stop", at + 10))  # it was said before
    assert not contact_of(lucia).opted_out
    lucia.sends(preference(lucia, "stop", at + 30))
    assert contact_of(lucia).opted_out
    world.clock.pass_minutes(1)
    lucia.says("start")
    version = contact_of(lucia).version
    lucia.sends(preference(lucia, "stop", at + 30))  # delivered once more, days later perhaps
    assert not contact_of(lucia).opted_out
    assert contact_of(lucia).version == version


def test_m5_a_refusal_from_before_they_opted_in_no_longer_counts(world: World, lucia: Buyer) -> None:
    lucia.says("help")
    tag, at = tag_of(lucia), world.at
    world.clock.pass_minutes(10)
    lucia.says("stop")
    lucia.says("start")
    errors = [(OPTED_OUT, "stopped")]
    lucia.sends(webhooks.status(lucia.person, "wamid.X", "failed", at=at, tracking=tag, errors=errors))
    assert not contact_of(lucia).opted_out


def test_m5_a_notice_about_an_unknown_person_is_kept_for_later(world: World, lucia: Buyer) -> None:
    lucia.sends(preference(lucia, "stop", world.at))
    assert contact_of(lucia).opted_out
    assert contact_of(lucia).phone == lucia.person.wa_id
    only_phone = webhooks.Person(name="", phone=lucia.person.phone)
    world.clock.pass_minutes(1)
    lucia.sends(preference(lucia, "resume", world.at, person=only_phone))  # the same person, by another name
    assert not contact_of(lucia).opted_out


def test_m5_a_notice_that_comes_together_with_their_message_is_not_lost(
    world: World, lucia: Buyer, requests: Requests
) -> None:
    lucia.says("menu")
    requests.before_the_next_commit(lambda: lucia.sends(preference(lucia, "stop", world.at)))
    lucia.says("help")
    assert contact_of(lucia).opted_out


def test_m5_news_that_waited_to_be_sent_is_withheld_once_they_opt_out(world: World, lucia: Buyer) -> None:
    world.raffle()
    order_id = hold_and_prove(lucia)
    world.clock.now += timedelta(milliseconds=1)  # so that the news is the newest message
    world.graph.refuses = [NotSent("ConnectTimeout")]
    confirm_payment(world, order_id)
    waiting = outbounds(lucia)[-1]
    assert waiting.state == "PENDING"
    lucia.sends(preference(lucia, "stop", world.at))
    before = len(lucia.heard)
    world.clock.now += timedelta(minutes=10)
    world.minute()
    world.minute()
    assert len(lucia.heard) == before
    assert {record.sk: record.state for record in outbounds(lucia)}[waiting.sk] == "WITHHELD"


def test_m5_an_answer_that_waited_is_sent_even_after_they_opt_out(world: World, lucia: Buyer) -> None:
    world.graph.refuses = [NotSent("ConnectTimeout")]
    lucia.says("help")
    lucia.sends(preference(lucia, "stop", world.at))
    world.clock.now += timedelta(minutes=10)
    world.minute()
    assert "How it works" in text_of(lucia.heard[-1])


def says_late(buyer: Buyer, text: str, *, minutes_ago: float) -> Json:
    """A message that they wrote some minutes ago comes only now."""
    world = buyer.world
    at = world.at - 60 * minutes_ago
    return buyer.sends(webhooks.text_message(buyer.person, text, message_id=world.new_id(), at=at))


@pytest.mark.parametrize(
    ("first", "then", "out"),
    [("START", "STOP", False), ("STOP", "START", True)],
    ids=["START came first", "STOP came first"],
)
def test_m5_the_word_that_was_written_later_counts_in_whatever_order_they_come(
    world: World, lucia: Buyer, first: str, then: str, out: bool
) -> None:
    lucia.says("menu")
    world.clock.pass_minutes(60)
    says_late(lucia, first, minutes_ago=10)
    answer = text_of(says_late(lucia, then, minutes_ago=20))
    assert contact_of(lucia).opted_out is out
    assert ("no more messages" in answer) is out  # they are told how it stands


@pytest.mark.parametrize(("word", "notice", "out"), [("STOP", "resume", True), ("START", "stop", False)])
@pytest.mark.parametrize("word_first", [True, False])
def test_m5_words_and_notices_count_by_when_they_were_written(
    world: World, lucia: Buyer, word: str, notice: str, out: bool, word_first: bool
) -> None:
    """The word was written ten minutes after the choice in WhatsApp's menu. Both come late, in any order."""
    lucia.says("menu")
    world.clock.pass_minutes(60)
    notified = preference(lucia, notice, world.at - 60 * 20)
    if not word_first:
        lucia.sends(notified)
    says_late(lucia, word, minutes_ago=10)
    if word_first:
        lucia.sends(notified)
    assert contact_of(lucia).opted_out is out


@pytest.mark.parametrize(("word", "notice", "out"), [("STOP", "resume", False), ("START", "stop", True)])
def test_m5_a_notice_that_was_written_after_a_late_word_counts(
    world: World, lucia: Buyer, word: str, notice: str, out: bool
) -> None:
    """The word was handled later than the choice in the menu was made, but written before it."""
    lucia.says("menu")
    world.clock.pass_minutes(60)
    says_late(lucia, word, minutes_ago=20)
    lucia.sends(preference(lucia, notice, world.at - 60 * 10))
    assert contact_of(lucia).opted_out is out


def test_m5_a_notice_from_a_wrong_clock_does_not_hold_for_ever(world: World, lucia: Buyer) -> None:
    lucia.says("menu")
    lucia.sends(preference(lucia, "stop", world.at + 3600 * 24 * 365))
    world.clock.pass_minutes(1)
    assert "Welcome back" in text_of(lucia.says("START"))
