"""The numbers of an order are changed by words, all of the change or none (H15)."""

import pytest

from chalicelib.domain.orders import OrderStatus
from chalicelib.services.chat import handler
from chalicelib.store import orders
from tests.support.request_counts import Requests
from tests.support.steps import assert_board_is_exact, hold, hold_and_confirm, hold_and_prove
from tests.support.world import Buyer, Json, World, text_of


@pytest.fixture(autouse=True)
def _answers_are_in_english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handler, "guess_language", lambda _: None)


@pytest.mark.parametrize("reach", [hold, hold_and_confirm])
@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("y el 15", [5, 12, 15]),
        ("agrega el 15", [5, 12, 15]),
        ("e o 15", [5, 12, 15]),
        ("quita el 12", [5]),
        ("tira o 12", [5]),
        ("remove the 12", [5]),
        ("cambia 5 por 8", [8, 12]),
        ("troca o 5 pelo 8", [8, 12]),
        ("swap 5 for 8", [8, 12]),
        ("mejor el 8 en vez del 5", [8, 12]),
        ("quita el 5 y agrega el 8", [8, 12]),
    ],
)
def test_h15_an_order_gets_other_numbers(
    world: World, lucia: Buyer, reach: object, text: str, numbers: list[int]
) -> None:
    raffle = world.raffle()
    assert callable(reach)
    before = orders.get(reach(lucia))
    answer = lucia.says(text)
    after = orders.get(before.id)
    assert list(after.numbers) == numbers
    assert (after.status, after.reserved_until) == (before.status, before.reserved_until)
    assert "Your order now has" in text_of(answer)
    assert_board_is_exact(world, raffle)


def test_h15_numbers_sent_one_by_one_join_the_order(world: World, lucia: Buyer) -> None:
    raffle = world.raffle()
    order_id = hold(lucia, "5")
    lucia.says("12")
    lucia.says("15")
    assert orders.get(order_id).numbers == (5, 12, 15)
    assert_board_is_exact(world, raffle)


@pytest.mark.parametrize(
    "text",
    ["change 5", "cambia el 5 y el 8", "no, el 8", "agrega 2", "solo el 5", "en vez del 5 el 8", "yes, and the 8?"],
)
def test_h15_what_is_doubtful_changes_nothing(world: World, lucia: Buyer, text: str) -> None:
    world.raffle()
    before = orders.get(hold(lucia))
    lucia.says(text)
    assert orders.get(before.id) == before


def test_h15_a_number_alone_may_be_an_amount_once_payment_is_due(world: World, lucia: Buyer) -> None:
    world.raffle()
    before = orders.get(hold_and_confirm(lucia))
    lucia.says("50")
    assert orders.get(before.id) == before


def test_h15_what_is_not_in_the_order_is_said(world: World, lucia: Buyer) -> None:
    world.raffle()
    before = orders.get(hold(lucia))
    answer = lucia.says("quita el 7")
    assert "7 is not in your order" in text_of(answer)
    assert orders.get(before.id) == before


def test_h15_all_of_a_change_or_none(world: World, lucia: Buyer, marco: Buyer) -> None:
    raffle = world.raffle()
    hold(marco, "8")
    before = orders.get(hold(lucia))
    answer = lucia.says("cambia el 5 por el 8")
    assert "taken" in text_of(answer) and "as it was before" in text_of(answer)
    assert orders.get(before.id) == before
    assert_board_is_exact(world, raffle)


def test_h15_removing_all_numbers_asks_whether_to_cancel(world: World, lucia: Buyer) -> None:
    world.raffle()
    before = orders.get(hold(lucia, "5"))
    assert "Shall I cancel it?" in text_of(lucia.says("quita el 5"))
    assert orders.get(before.id) == before


def test_h15_limits_hold_for_added_numbers(world: World, lucia: Buyer) -> None:
    world.raffle(max_per_contact=3)
    before = orders.get(hold(lucia))
    assert "at most" in text_of(lucia.says("y el 15, 16"))
    assert orders.get(before.id) == before
    lucia.says("y el 15")
    assert orders.get(before.id).quantity == 3
    lucia.says("cambia el 15 por el 16")
    assert orders.get(before.id).numbers == (5, 12, 16)


def test_h15_what_a_person_may_hold_unpaid_counts_added_numbers(world: World, lucia: Buyer) -> None:
    world.raffle(max_unpaid_numbers=2)
    before = orders.get(hold(lucia))
    lucia.says("y el 15")
    assert orders.get(before.id) == before


def test_h15_newcomers_add_no_more_than_their_share(world: World, lucia: Buyer) -> None:
    world.raffle(first_number=1, last_number=60, max_newcomer_percent=1, max_unpaid_numbers=60)
    before = orders.get(hold(lucia, "1-40"))
    lucia.says("quita el 40")
    assert orders.get(before.id).quantity == 39
    hold(world.buyer("Marco", 77), "#50")
    lucia.says("y el 45")
    assert orders.get(before.id).quantity == 39


def test_h15_an_order_in_review_stays_as_it_is(world: World, lucia: Buyer) -> None:
    world.raffle()
    before = orders.get(hold_and_prove(lucia))
    lucia.says("quita el 12")
    assert orders.get(before.id) == before


def test_h15_a_change_takes_six_requests_at_most(world: World, lucia: Buyer, requests: Requests) -> None:
    world.raffle()
    hold(lucia)
    operations = requests.during(lambda: lucia.says("cambia el 5 por el 8"))
    assert len(operations) <= 6
    assert operations.count("TransactWriteItems") <= 3  # the change, and sending its answer


# Holds that are over are ended on the way (H4), though the schedule has not run


@pytest.mark.parametrize("limit", ["max_per_contact", "max_unpaid_numbers"])
def test_h15_ones_own_holds_that_are_over_do_not_count(world: World, lucia: Buyer, limit: str) -> None:
    limits: Json = {limit: 3}
    raffle = world.raffle(**limits)
    over = hold(lucia, "1, 2")
    world.clock.pass_minutes(10)
    order_id = hold(lucia, "5")
    assert "at most 3" in text_of(lucia.says("add number 6"))
    assert orders.get(order_id).numbers == (5,)
    world.clock.pass_minutes(5)
    lucia.says("add number 6")
    assert orders.get(order_id).numbers == (5, 6)
    assert orders.get(over).status is OrderStatus.EXPIRED
    assert_board_is_exact(world, raffle)


def test_h15_numbers_of_a_hold_that_is_over_can_be_had(world: World, lucia: Buyer, marco: Buyer) -> None:
    raffle = world.raffle()
    over = hold(marco, "8")
    world.clock.pass_minutes(10)
    order_id = hold(lucia)
    assert "as it was before" in text_of(lucia.says("cambia el 5 por el 8"))
    world.clock.pass_minutes(5)
    lucia.says("cambia el 5 por el 8")
    assert orders.get(order_id).numbers == (8, 12)
    assert orders.get(over).status is OrderStatus.EXPIRED
    assert "is over" in text_of(marco.heard[-1])
    assert_board_is_exact(world, raffle)


def test_h15_one_more_at_random_comes_from_a_hold_that_is_over(world: World, lucia: Buyer, marco: Buyer) -> None:
    raffle = world.raffle(last_number=3)
    hold(marco, "1, 2")
    world.clock.pass_minutes(10)
    order_id = hold(lucia, "#3")
    assert "one more?" in text_of(lucia.says("otro"))
    lucia.taps("One more")
    assert orders.get(order_id).numbers == (3,)
    world.clock.pass_minutes(5)
    lucia.taps("One more")
    assert orders.get(order_id).quantity == 2
    assert_board_is_exact(world, raffle)
