"""A raffle may be for people of some age: they are asked once, before their first hold (H16)."""

import pytest

from tests.support.contact_chat import known
from tests.support.steps import confirm_payment
from tests.support.world import Buyer, World, buttons_of, text_of


@pytest.fixture(autouse=True)
def _for_adults(world: World) -> None:
    world.raffle(minimum_age=18)
    world.raffle(code="WINE", title="A case of wine", minimum_age=21)


def orders(world: World) -> list[list[int]]:
    return [order["numbers"] for order in world.api("GET", "/api/orders").body["results"]]


@pytest.mark.parametrize("yes", ["tap", "sí", "yes", "yes, I am", "👍"])
def test_h16_one_yes_before_the_first_hold_and_the_numbers_are_held(world: World, lucia: Buyer, yes: str) -> None:
    lucia.says("BIKE")
    asked = lucia.says("5, 12")
    assert "18 or older" in text_of(asked) and buttons_of(asked) == ["Yes, I am 18+", "No"]
    assert orders(world) == []
    lucia.taps("Yes, I am") if yes == "tap" else lucia.says(yes)
    assert orders(world) == [[5, 12]]
    contact = world.api("GET", f"/api/contacts/{known(lucia).id}").body
    assert (contact["age_confirmed"], contact["age_confirmed_at"][:10]) == (18, world.clock.now.date().isoformat())


def test_h16_who_has_said_so_is_not_asked_again_unless_more_is_required(world: World, lucia: Buyer) -> None:
    lucia.says("BIKE 5")
    lucia.taps("Yes, I am 18+")
    lucia.says("BIKE 6")
    assert len(orders(world)) == 2
    assert "21 or older" in text_of(lucia.says("WINE 7"))
    lucia.taps("Yes, I am 21+")
    assert len(orders(world)) == 3 and known(lucia).age_confirmed == 21


def test_h16_random_numbers_and_taps_wait_for_the_yes_too(world: World, lucia: Buyer) -> None:
    lucia.says("BIKE")
    assert "18 or older" in text_of(lucia.taps("Random 3"))
    lucia.taps("Yes, I am 18+")
    assert [len(numbers) for numbers in orders(world)] == [3]


@pytest.mark.parametrize("answer", ["no", "menu"])
def test_h16_a_later_yes_answers_something_else(world: World, lucia: Buyer, answer: str) -> None:
    lucia.says("BIKE 5")
    lucia.says(answer)
    lucia.says("yes")
    assert orders(world) == [] and known(lucia).age_confirmed is None


def test_h16_more_numbers_than_a_button_can_carry_are_asked_for_again(world: World, lucia: Buyer) -> None:
    world.raffle(code="BIG", title="Big", last_number=1_000_000, minimum_age=18)
    lucia.says("BIG " + ", ".join(str(900_000 + number) for number in range(40)))
    assert "Which numbers would you like" in text_of(lucia.taps("Yes, I am 18+"))
    assert known(lucia).age_confirmed == 18 and orders(world) == []


@pytest.mark.parametrize("choice", ["of_age:nothing:18:#5", "of_age:{id}:12:#5", "of_age:{id}:99:#5"])
def test_h16_a_forged_tap_confirms_no_age_that_was_not_asked(world: World, lucia: Buyer, choice: str) -> None:
    lucia.says("BIKE 5")
    raffle_id = known(lucia).conversation.raffle_id
    shown = lucia.heard[-1]
    shown["interactive"]["action"]["buttons"][0]["reply"]["id"] = choice.format(id=raffle_id)
    lucia.taps("Yes, I am 18+")
    assert orders(world) == [] and known(lucia).age_confirmed is None


def asked_about_wine(world: World, lucia: Buyer) -> None:
    """She holds 5 of the bicycle, and is asked for her age five minutes before that hold ends."""
    lucia.says("BIKE 5")
    lucia.taps("Yes, I am 18+")
    world.clock.pass_minutes(9)
    assert "21 or older" in text_of(lucia.says("WINE 7"))


def test_h16_a_yes_after_a_reminder_confirms_the_order_and_no_age(world: World, lucia: Buyer) -> None:
    asked_about_wine(world, lucia)
    world.clock.pass_minutes(2)
    world.minute()
    assert "ends soon" in text_of(lucia.heard[-1])
    lucia.says("yes")
    assert orders(world) == [[5]] and known(lucia).age_confirmed == 18
    assert world.api("GET", "/api/orders").body["results"][0]["status"] == "PENDING_PAYMENT"
    lucia.taps("Yes, I am 21+")  # the button still says what it is about
    assert orders(world) == [[7], [5]]


@pytest.mark.parametrize("yes", ["yes", "ok", "21"])
def test_h16_a_yes_after_news_of_an_order_confirms_no_age(world: World, lucia: Buyer, yes: str) -> None:
    asked_about_wine(world, lucia)
    order_id = world.api("GET", "/api/orders").body["results"][0]["id"]
    assert confirm_payment(world, order_id).status == 200
    lucia.says(yes)
    assert orders(world) == [[5]] and known(lucia).age_confirmed == 18


def test_h16_a_yes_after_a_hold_has_ended_confirms_no_age(world: World, lucia: Buyer) -> None:
    asked_about_wine(world, lucia)
    world.clock.pass_minutes(6)
    world.minute()
    assert "is over" in text_of(lucia.heard[-1])
    lucia.says("yes")
    assert orders(world) == [[5]] and known(lucia).age_confirmed == 18
