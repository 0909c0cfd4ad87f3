"""A question of the bot stays open while somebody asks something else."""

import pytest

from tests.support.steps import hold
from tests.support.world import Buyer, World, buttons_of, text_of

FAQ = [{"words": ["delivery"], "answer": "At the school."}]


def numbers(world: World) -> list[list[int]]:
    return [order["numbers"] for order in world.api("GET", "/api/orders").body["results"]]


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("do you deliver?", "At the school."), ("how do I pay?", "Choose your numbers"), ("when is the draw?", "Draw"),
        ("is it legit?", "I am the organisers' assistant"), ("qwertz uiop", "Sorry, I didn't get that."),
        ("is the saddle made of leather?", "Sorry, I didn't get that."),
    ],
)  # fmt: skip
def test_a_yes_after_an_answer_still_holds_the_numbers_that_were_offered(
    world: World, lucia: Buyer, text: str, answer: str
) -> None:
    world.raffle(faq=FAQ, draws_at="2027-01-01T20:00:00Z")
    lucia.says("BIKE")
    asked = text_of(lucia.says("blz qro o 7 e 13"))
    said = len(lucia.heard)
    lucia.says(text)
    assert answer in text_of(lucia.heard[said]) and text_of(lucia.heard[-1]).endswith(asked)
    lucia.says("yes")
    assert numbers(world) == [[7, 13]]


def test_an_age_is_asked_again_until_it_is_told(world: World, lucia: Buyer) -> None:
    world.raffle(minimum_age=18)
    lucia.says("BIKE 5")
    assert "18 or older?" in text_of(lucia.says("why do you need that, dear?"))
    lucia.says("Oh yes I am 83 next week")
    assert numbers(world) == [[5]]


def test_numbers_that_are_added_before_the_age_is_told_are_held_too(world: World, lucia: Buyer) -> None:
    world.raffle(minimum_age=18)
    lucia.says("BIKE 14, 41")
    lucia.says("add number 88")
    lucia.taps("Yes, I am 18+")
    assert numbers(world) == [[14, 41, 88]]


@pytest.mark.parametrize(
    ("text", "held"),
    [
        ("not 23, can I have 32 instead", [7, 32]), ("only the 7", [7]), ("remove the 23", [7]),
        ("add number 40", [7, 23, 40]), ("change 23 for 32", [7, 32]),
    ],
)  # fmt: skip
def test_offered_numbers_can_be_changed_before_they_are_held(
    world: World, lucia: Buyer, text: str, held: list[int]
) -> None:
    world.raffle()
    lucia.says("BIKE")
    assert "Shall I hold numbers 007, 023" in text_of(lucia.says("hmkay 7 and 23 sounds nice"))
    lucia.says(text)
    assert numbers(world) in ([held], []) and (numbers(world) or str(held[-1]) in text_of(lucia.heard[-1]))


def test_a_change_that_was_asked_about_stays_open(world: World, lucia: Buyer) -> None:
    world.raffle()
    hold(lucia, "5")
    asked = lucia.says("maybe 33 hmm dunno")
    if "Add 033" in buttons_of(asked):
        lucia.says("is it legit?")
        assert text_of(lucia.heard[-1]) == text_of(asked)


def test_a_no_closes_the_question(world: World, lucia: Buyer) -> None:
    world.raffle()
    lucia.says("BIKE")
    lucia.says("blz qro o 7 e 13")
    lucia.says("no")
    assert "Shall I hold" not in text_of(lucia.heard[-1])
    lucia.says("yes")
    assert numbers(world) == []
