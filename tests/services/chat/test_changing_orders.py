"""The numbers of an order are changed by words, all of the change or none (H15)."""

import pytest

from chalicelib.domain.orders import OrderStatus
from chalicelib.services.chat import handler
from chalicelib.store import orders
from tests.support.contact_chat import known
from tests.support.request_counts import Requests
from tests.support.steps import assert_board_is_exact, hold, hold_and_confirm, hold_and_prove
from tests.support.world import Buyer, Json, World, buttons_of, text_of


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
        ("en vez del 5 el 8", [8, 12]),
        ("instead of 5 give me 8", [8, 12]),
        ("em vez do 5 me dá o 8", [8, 12]),
        ("not 12, swap it for 22", [5, 22]),
        ("no el 12, cámbialo por el 22", [5, 22]),
        ("não o 12, troca pelo 22", [5, 22]),
        ("no espera quita el 12", [5]),
        ("não, pera, tira o 12", [5]),
        ("no, wait: remove the 12", [5]),
        ("oye pero tmb quiero cambiar el 5 por el 21", [12, 21]),
        ("na vdd troca o 5 pelo 88", [12, 88]),
        ("actually, add the 60", [5, 12, 60]),
        ("coloca mais o 100 tb", [5, 12, 100]),
        ("and add number 60 for my wife", [5, 12, 60]),
        ("agrega el 60 para mi esposa", [5, 12, 60]),
        ("solo el 5", [5]),
        ("quiero quedarme solo con el 5", [5]),
        ("só o 12", [12]),
        ("only the 5", [5]),
        ("solo el 5, quita el 12", [5]),
        ("no, mejor cancela el 12", [5]),
        ("apártame también el 27", [5, 12, 27]),
        ("saca el 5 y pone el 7", [7, 12]),
        ("¿podría cambiar el 5 por el 46?", [12, 46]),
        ("cambia el 5 x el 7", [7, 12]),
        ("mejor el 8 en ves del 5", [8, 12]),
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


@pytest.mark.parametrize(
    "text",
    [
        *("mejor quiero el 33", "I'd rather have 55", "prefiro o 33", "mejor dame el 33", "i prefer number 33"),
        *("cámbialo por el 33", "troca pelo 33", "muda pro 55", "change it to 33"),
    ],
)
def test_h15_who_would_rather_have_another_number_gets_it_instead_of_the_only_one(
    world: World, lucia: Buyer, text: str
) -> None:
    raffle = world.raffle()
    order_id = hold(lucia, "5")
    lucia.says(text)
    assert orders.get(order_id).numbers in ((33,), (55,))
    assert_board_is_exact(world, raffle)


@pytest.mark.parametrize("reach", [hold, hold_and_confirm])
@pytest.mark.parametrize(
    ("text", "button", "numbers"),
    [
        ("mejor el 33", "Add 033", [5, 12, 33]),
        ("mejor el 33", "Instead of 012", [5, 33]),
        ("otro no, el 33", "Only 033", [33]),
        ("cambia el 5 y el 8", "Instead of 005", [8, 12]),
        ("agrega 2", "Number 2", [2, 5, 12]),
        ("no, el 5", "Take out 005", [12]),
        ("no, el 5", "Only 005", [5]),
        ("no, el 8 y el 9", "Add these", [5, 8, 9, 12]),
        ("no, el 8 y el 9", "Only these", [8, 9]),
    ],
)
def test_h15_buttons_ask_what_becomes_of_numbers_that_were_named(
    world: World, lucia: Buyer, reach: object, text: str, button: str, numbers: list[int]
) -> None:
    raffle = world.raffle()
    assert callable(reach)
    order_id = reach(lucia)
    assert button in buttons_of(lucia.says(text))
    assert list(orders.get(order_id).numbers) == [5, 12]
    lucia.taps(button)
    assert list(orders.get(order_id).numbers) == numbers
    assert_board_is_exact(world, raffle)


@pytest.mark.parametrize("reach", [hold, hold_and_confirm])
@pytest.mark.parametrize("text", ["cámbiame el 5", "change 5", "quiero cambiar el 5"])
def test_h15_the_next_number_comes_instead_of_the_one_to_change(
    world: World, lucia: Buyer, reach: object, text: str
) -> None:
    raffle = world.raffle()
    assert callable(reach)
    order_id = reach(lucia)
    assert "instead of 005?" in text_of(lucia.says(text))
    assert list(orders.get(order_id).numbers) == [5, 12]
    lucia.says("el 8")
    assert list(orders.get(order_id).numbers) == [8, 12]
    assert_board_is_exact(world, raffle)


@pytest.mark.parametrize("text", ["mejor el 33", "otros por favor", "cancelar", "salir", "3 al azar"])
def test_h15_a_yes_answers_no_question_with_two_answers(world: World, lucia: Buyer, text: str) -> None:
    world.raffle()
    before = orders.get(hold(lucia))
    asked = text_of(lucia.says(text))
    assert text_of(lucia.says("sí")) == asked or "is waiting for your OK" in text_of(lucia.heard[-1])
    assert orders.get(before.id) == before
    lucia.says(text)
    assert before.id in text_of(lucia.says("no"))
    assert orders.get(before.id) == before
    lucia.says("sí")  # the last question was whether to confirm
    assert orders.get(before.id).status is OrderStatus.PENDING_PAYMENT


@pytest.mark.parametrize(
    ("asks", "words", "numbers"),
    [
        ("otro no, el 33", "agrégalo", [5, 12, 33]),
        ("otro no, el 33", "solo ese", [33]),
        ("otro no, el 33", "add it please", [5, 12, 33]),
        ("no, el 5", "quítalo", [12]),
        ("no, el 5", "deja solo el 5", [5]),
        ("no, el 5", "só isso", [5]),
    ],
)
def test_h15_what_buttons_ask_may_be_answered_in_words(
    world: World, lucia: Buyer, asks: str, words: str, numbers: list[int]
) -> None:
    world.raffle()
    order_id = hold(lucia)
    lucia.says(asks)
    lucia.says(words)
    assert list(orders.get(order_id).numbers) == numbers


def test_h15_a_yes_to_numbers_that_were_not_changed_confirms_nothing(world: World, lucia: Buyer) -> None:
    world.raffle()
    order_id = hold(lucia)
    for text in ("pon otra cosa ahí", "vc nao entendeu"):
        lucia.says(text)
        assert "005, 012" in text_of(lucia.says("ok"))
        assert orders.get(order_id).status is OrderStatus.DRAFT
    lucia.says("blabla bla")
    assert orders.get(order_id).status is OrderStatus.DRAFT
    lucia.says("no")  # to what?
    assert orders.get(order_id).status is OrderStatus.DRAFT


@pytest.mark.parametrize("reach", [hold, hold_and_confirm])
@pytest.mark.parametrize(
    "text",
    [
        *("no vayas a cancelar eh, ya voy a pagar", "va pues, no lo canceles", "não, não cancela!"),
        *("no wait dont cancel", "no cancelen mi pedido", "please do not cancel it", "não quero cancelar"),
    ],
)
def test_who_says_not_to_cancel_keeps_the_order_whatever_they_say_next(
    world: World, lucia: Buyer, reach: object, text: str
) -> None:
    world.raffle()
    assert callable(reach)
    order_id = reach(lucia)
    for words in (text, "ok", text, "no"):
        lucia.says(words)
        assert orders.get(order_id).status is not OrderStatus.CANCELLED


@pytest.mark.parametrize("reach", [hold, hold_and_confirm])
@pytest.mark.parametrize(
    "text", ["Actually the wife says no. Cancel the lot please", "mejor ya cancela todo", "sí, cancela"]
)
def test_a_wish_to_cancel_is_asked_about_and_a_yes_is_the_answer(
    world: World, lucia: Buyer, reach: object, text: str
) -> None:
    world.raffle()
    assert callable(reach)
    order_id = reach(lucia)
    lucia.says(text)
    if orders.get(order_id).status is not OrderStatus.CANCELLED:
        lucia.says("sim pode cancelar")
    assert orders.get(order_id).status is OrderStatus.CANCELLED


@pytest.mark.parametrize(("words", "is_cancelled"), [("o pedido", True), ("el pedido", True), ("mensajes", False)])
def test_what_to_cancel_may_be_said_in_words(world: World, lucia: Buyer, words: str, *, is_cancelled: bool) -> None:
    world.raffle()
    order_id = hold(lucia)
    lucia.says("cancelar")
    lucia.says(words)
    assert (orders.get(order_id).status is OrderStatus.CANCELLED) is is_cancelled
    assert known(lucia).opted_out is not is_cancelled


@pytest.mark.parametrize("text", ["otros", "others please", "outros", "otra vez", "unos distintos"])
def test_h15_other_numbers_are_asked_about(world: World, lucia: Buyer, text: str) -> None:
    raffle = world.raffle()
    order_id = hold(lucia)
    assert buttons_of(lucia.says(text)) == ["Other numbers", "One more", "Confirm"]
    lucia.taps("Other numbers")
    after = orders.get(order_id).numbers
    assert len(after) == 2 and not {5, 12} & {*after}
    assert_board_is_exact(world, raffle)


def test_h15_numbers_at_random_may_come_instead_or_beside(world: World, lucia: Buyer) -> None:
    raffle = world.raffle()
    order_id = hold(lucia)
    assert buttons_of(lucia.says("random 3")) == ["Other numbers", "3 more", "Confirm"]
    lucia.taps("3 more")
    assert orders.get(order_id).quantity == 5
    assert "Other numbers" in buttons_of(lucia.says("give me 3 random ones instead"))  # of all five, or of three?
    lucia.taps("Other numbers")
    assert orders.get(order_id).quantity == 3 and not {5, 12} & {*orders.get(order_id).numbers}
    lucia.says("agrega 2 al azar")
    assert orders.get(order_id).quantity == 5
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
    [
        *(
            "change 5",
            "cambia el 5 y el 8",
            "no, el 8",
            "agrega 2",
            "quita solo el 5",
            "yes, and the 8?",
            "mejor el 33",
        ),
        *("no quites el 5", "não tira o 5", "don't remove the 5", "no cambies el 5 por el 8", "no no quita el 5"),
        *("não, espera, não tira o 5", "do not swap 5 for 8", "agrega el 5²", "quita el 5, espera"),
        *("I'd rather have 33", "prefiero el 3"),
    ],
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
