"""Somebody uses the chat's memory against it: old owners of numbers, old buttons, late words, endless captions."""

import time
from dataclasses import replace
from random import Random

import pytest

from chalicelib.domain.orders import new_code
from chalicelib.services.chat import handler
from chalicelib.store import orders
from tests.support.contact_chat import known, write
from tests.support.organisers import OLGA, OSCAR, choice_of, person, set_organisers, tap
from tests.support.request_counts import Requests
from tests.support.steps import MILLION, buy, confirm_payment, hold, hold_and_confirm, hold_and_prove
from tests.support.world import PNG, Buyer, World, text_of
from whatsapp_sandbox import webhooks


@pytest.fixture(autouse=True)
def _in_english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handler, "guess_language", lambda _: None)


def status(order_id: str) -> str:
    return orders.get(order_id).status.value


def without_phone(who: Buyer) -> Buyer:
    """WhatsApp no longer tells their number."""
    return replace(who, person=replace(who.person, phone=None))


# Numbers that have another owner


def test_o11_a_former_owner_of_an_organisers_number_decides_nothing(world: World, lucia: Buyer) -> None:
    world.raffle()
    former = person(world, OLGA, "Mallory", user_id="GT.MALLORY1")
    former.says("hi")
    person(world, OLGA, "Olga", user_id="GT.OLGA1").says("hi")
    order_id = hold_and_prove(lucia)
    notice = next(one for one in reversed(world.graph.sent) if "Payment proof" in text_of(one))
    sent = len(world.graph.sent)
    without_phone(former).sends(tap(without_phone(former), choice_of(notice, "Approve")))
    without_phone(former).says("pending")
    assert status(order_id) == "IN_REVIEW"
    assert not any("Lucía" in text_of(one) for one in world.graph.sent[sent:])


def test_m10_news_do_not_reach_whoever_has_the_number_now(world: World) -> None:
    world.raffle()
    former = person(world, "+50255509999", "Old", user_id="GT.OLD1")
    order_id = hold_and_confirm(former, "5")
    person(world, "+50255509999", "New", user_id="GT.NEW1").says("hi")
    sent = len(world.graph.sent)
    world.clock.pass_minutes(11)
    world.minute()
    confirm_payment(world, order_id)
    news = world.graph.sent[sent:]
    assert news and all(one.get("to") != "+50255509999" for one in news)
    assert {one.get("recipient") for one in news} == {"GT.OLD1"}


# Old buttons


def test_o11_an_old_reject_does_not_reject_the_same_file_that_came_again(world: World, lucia: Buyer) -> None:
    world.raffle(max_rejections=2)
    olga = world.organiser()
    olga.says("hi")
    set_organisers(world, OLGA, OSCAR)
    oscar = person(world, OSCAR, user_id="GT.OSCAR1")
    oscar.says("hi")
    order_id = hold_and_prove(lucia)
    old = choice_of(oscar.heard[-1], "Reject") + ":amount"
    olga.taps("Reject")
    olga.taps("The amount")
    world.clock.pass_minutes(2)
    lucia.sends_proof()
    oscar.sends(tap(oscar, old))
    assert status(order_id) == "IN_REVIEW"


@pytest.mark.parametrize("between", ["Confirm", "raffles"])
def test_m7_the_same_button_holds_once_whatever_comes_between(world: World, lucia: Buyer, between: str) -> None:
    raffle = world.raffle()
    shown = lucia.says("BIKE")
    lucia.taps("Random 3")
    lucia.taps(between) if between == "Confirm" else lucia.says(between)
    again = webhooks.button_reply(
        lucia.person, button_id=f"random:{raffle['id']}:3", title="Random 3", message_id=world.new_id(), at=world.at,
        reply_to=world.graph.id_of(shown),
    )  # fmt: skip
    lucia.sends(again)
    assert len(world.api("GET", "/api/orders").body["results"]) == 1


@pytest.mark.parametrize("choice", ["change", "draw_again", "draw_more", "more_time"])
def test_m7_a_button_of_somebody_elses_order_changes_none(
    world: World, lucia: Buyer, marco: Buyer, choice: str
) -> None:
    world.raffle()
    theirs, own = hold(marco, "9"), hold(lucia, "5")
    before = [orders.get(order_id) for order_id in (theirs, own)]
    lucia.sends(tap(lucia, f"{choice}:{theirs}"))
    assert [orders.get(order_id) for order_id in (theirs, own)] == before


# A yes to something else


def test_a_yes_to_shall_i_cancel_cancels_and_a_no_keeps(world: World, lucia: Buyer) -> None:
    world.raffle()
    kept = hold(lucia, "5")
    assert "Shall I cancel it?" in text_of(lucia.says("quita el 5"))
    lucia.says("no")
    assert status(kept) == "DRAFT"
    lucia.says("quita el 5")
    lucia.says("yes")
    assert status(kept) == "CANCELLED"


def test_h16_a_yes_from_before_the_question_confirms_no_age(world: World, lucia: Buyer) -> None:
    world.raffle(minimum_age=18)
    lucia.says("BIKE")
    world.clock.pass_minutes(1)
    lucia.says("5")
    world.clock.pass_minutes(1)
    lucia.says("yes", at=world.at - 90)
    assert known(lucia).age_confirmed is None


def test_h16_a_yes_that_quotes_the_question_confirms_no_order(world: World, lucia: Buyer) -> None:
    world.raffle()
    world.raffle(code="WINE", title="Wine", minimum_age=18)
    order_id = hold(lucia, "5")
    asked = lucia.says("WINE 7")
    lucia.says("thanks")
    lucia.says("yes", quoting=asked)
    assert status(order_id) == "DRAFT"


@pytest.mark.parametrize(
    ("answer", "age"), [("tengo 20 años", 18), ("sim, sou maior de idade", 18), ("I am 17", None), ("no", None)]
)
def test_h16_an_age_in_words_is_an_answer(world: World, lucia: Buyer, answer: str, age: int | None) -> None:
    world.raffle(minimum_age=18)
    lucia.says("BIKE 5")
    lucia.says(answer)
    assert known(lucia).age_confirmed == age


def test_h16_numbers_added_after_the_age_was_required_wait_for_the_yes(world: World, lucia: Buyer) -> None:
    raffle = world.raffle()
    order_id = hold(lucia, "5")
    assert world.api("PATCH", f"/api/raffles/{raffle['id']}", {"minimum_age": 18}).status == 200
    lucia.says("y el 12")
    assert orders.get(order_id).numbers == (5,)


# Files


def test_m6_a_paused_bot_says_nothing_about_a_file_of_a_paid_order(world: World, lucia: Buyer) -> None:
    world.raffle()
    buy(lucia)
    world.clock.pass_minutes(5)
    write(world, lucia)
    heard = len(lucia.heard)
    lucia.sends_proof(PNG + b"x")
    assert len(lucia.heard) == heard


def test_m8_an_order_that_becomes_late_is_told_to_both_however_many_files_came(world: World, lucia: Buyer) -> None:
    world.raffle(max_in_review=1)
    hold_and_prove(lucia, "5")
    order_id = hold_and_confirm(lucia, "6")
    world.clock.now = orders.get(order_id).reserved_until or world.clock.now
    world.clock.pass_minutes(-0.1)
    lucia.sends_proof(PNG + b"a")
    world.clock.pass_minutes(0.2)
    heard, told = len(lucia.heard), len(world.organiser().heard)
    lucia.sends_proof(PNG + b"b")
    assert status(order_id) == "LATE"
    assert len(lucia.heard) > heard and len(world.organiser().heard) > told


# What it costs


@pytest.mark.parametrize("count", [20, 21, 40])
def test_h15_other_numbers_for_a_large_order_fit_one_transaction_or_are_refused(
    world: World, lucia: Buyer, count: int
) -> None:
    world.raffle(last_number=MILLION)
    order_id = hold(lucia, ",".join(str(1 + place * 24_000) for place in range(count)))
    before = orders.get(order_id).numbers
    lucia.says("another")
    answer = lucia.taps("Other numbers")
    changed = orders.get(order_id).numbers != before
    assert changed == (count <= 20)
    assert "too many" in text_of(answer) or changed


def test_a_caption_full_of_codes_costs_a_few_requests(world: World, lucia: Buyer, requests: Requests) -> None:
    world.raffle()
    hold_and_confirm(lucia, "5")
    random = Random(3)
    world.graph.files["1"] = PNG
    caption = " ".join(new_code(random) for _ in range(113))
    file = webhooks.File(media_id="1", mime_type="image/png", sha256="", caption=caption)
    body = webhooks.image(lucia.person, file, message_id=world.new_id(), at=world.at)
    assert len(requests.during(lambda: world.deliver(body))) <= 12


@pytest.mark.parametrize("text", ["㏂" * 4096, "⑴" * 4096, "1 " * 2048])
def test_characters_that_expand_are_read_in_bounded_time(world: World, lucia: Buyer, text: str) -> None:
    world.raffle()
    lucia.says("raffles")
    began = time.process_time()
    lucia.says(text)
    assert time.process_time() - began < 1.0  # it took more than that; of the whole path, most is moto's
