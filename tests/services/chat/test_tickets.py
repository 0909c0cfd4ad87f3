"""P13: whoever writes the code of a ticket hears whether it is valid, and nothing about its buyer."""

from collections.abc import Callable
from random import Random

import pytest

from chalicelib.domain.orders import OrderStatus, new_code
from chalicelib.domain.reply_limits import MAX_CHECKS, MAX_PICTURES
from chalicelib.store import channel as channels
from chalicelib.store import orders
from tests.support.deliveries import EVERY_TEMPLATE
from tests.support.request_counts import Requests
from tests.support.steps import buy, cancel, confirm_payment, hold, hold_and_confirm, hold_and_prove, outbounds, refund
from tests.support.world import Buyer, World, text_of


@pytest.fixture
def marco(world: World) -> Buyer:
    return world.buyer("Marco", 2)


def unused_code() -> str:
    """A code that no order has. It begins with a letter, so that a raffle may have it."""
    random = Random(5)
    return next(code for code in iter(lambda: new_code(random), "") if code[0].isalpha())


def test_p13_the_buyer_hears_that_their_ticket_is_valid(world: World, lucia: Buyer) -> None:
    world.raffle()
    code = buy(lucia)
    answer = text_of(lucia.says(code))
    assert f"*{code}* is paid, and your ticket is valid" in answer and "Bicycle: *005, 012*" in answer


def test_p13_the_buyer_gets_the_ticket_once_more(world: World, lucia: Buyer) -> None:
    """So does who was told by a template that the payment is confirmed."""
    channels.approve(EVERY_TEMPLATE, approved=True)
    world.raffle()
    code = hold_and_prove(lucia)
    world.clock.pass_minutes(25 * 60)
    confirm_payment(world, code)
    proofs = len(world.graph.uploads)
    assert lucia.heard[-1]["type"] == "template"
    assert lucia.says(code)["type"] == "image"
    for _ in range(MAX_PICTURES):
        lucia.says(code)
    assert lucia.heard[-1]["type"] == "text" and "your ticket is valid" in text_of(lucia.heard[-1])
    assert len(world.graph.uploads) == proofs + MAX_PICTURES


@pytest.mark.parametrize("words", ["{code}", "{code}?", "code {code}", "pedido {code}"])
def test_p13_anybody_else_hears_what_the_board_shows(world: World, lucia: Buyer, marco: Buyer, words: str) -> None:
    world.raffle()
    code = buy(lucia)
    answer = text_of(marco.says(words.format(code=code)))
    assert f"Ticket *{code}* is paid and valid" in answer and "Bicycle: *005, 012*" in answer
    assert "Lucía" not in answer and "5025550" not in answer
    assert outbounds(marco)[0].reply == "ticket"


@pytest.mark.parametrize("reach", [hold, hold_and_confirm, hold_and_prove])
def test_p13_what_is_not_paid_is_no_ticket(
    world: World, lucia: Buyer, marco: Buyer, reach: Callable[[Buyer], str]
) -> None:
    world.raffle()
    code = reach(lucia)
    assert f"*{code}* is not a valid ticket" in text_of(marco.says(code))


def test_p13_what_was_paid_back_or_never_was_gets_the_same_answer(world: World, lucia: Buyer, marco: Buyer) -> None:
    """So nobody learns from it which orders there are."""
    world.raffle()
    refunded, cancelled = buy(lucia), hold(lucia, "7")
    refund(world, refunded)
    cancel(world, cancelled)
    codes = (refunded, cancelled, unused_code())
    assert len({text_of(marco.says(code)).replace(code, "") for code in codes}) == 1


def test_p13_nobody_finds_codes_by_guessing(world: World, lucia: Buyer, marco: Buyer) -> None:
    world.raffle()
    code = buy(lucia)
    for _ in range(MAX_CHECKS):
        assert "is paid and valid" in text_of(marco.says(code))
    assert "valid" not in text_of(marco.says(code))
    world.clock.pass_minutes(24 * 60)
    assert "is paid and valid" in text_of(marco.says(code))


def test_p13_the_code_of_a_raffle_opens_the_raffle(world: World, marco: Buyer) -> None:
    world.raffle(code=unused_code())
    assert "*Bicycle*" in text_of(marco.says(unused_code()))


def test_p13_somebody_elses_order_is_not_confirmed_or_cancelled(world: World, lucia: Buyer, marco: Buyer) -> None:
    world.raffle()
    code = hold(lucia)
    for words in ("cancel {}", "confirm {}"):
        marco.says(words.format(code))
    assert orders.get(code).status is OrderStatus.DRAFT


def test_p13_a_check_takes_one_more_request_for_the_raffle(
    world: World, lucia: Buyer, marco: Buyer, requests: Requests
) -> None:
    world.raffle()
    code = buy(lucia)
    marco.says("menu")
    assert len(requests.during(lambda: marco.says(code))) <= 4 + 1
