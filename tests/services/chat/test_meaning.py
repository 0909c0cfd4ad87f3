"""What is meant by words within a sentence is carried out, and questions are answered."""

import json
from base64 import b64encode
from collections.abc import Callable
from datetime import timedelta

import pytest

from chalicelib.domain.orders import OrderStatus
from chalicelib.services.chat import handler
from chalicelib.store import orders
from chalicelib.whatsapp.graph import Accepted
from tests.support.contact_chat import known
from tests.support.request_counts import Requests
from tests.support.steps import buy, hold, hold_and_confirm, hold_and_prove, outbounds, reject
from tests.support.world import Buyer, Json, World, buttons_of, text_of
from whatsapp_sandbox import webhooks


@pytest.fixture(autouse=True)
def _answers_are_in_english(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the language of the question, so that these tests quote one of them."""
    monkeypatch.setattr(handler, "guess_language", lambda _: None)


def cancelled(buyer: Buyer) -> str:
    order_id = hold(buyer)
    buyer.taps("Cancel")
    return order_id


def reacts(buyer: Buyer, emoji: str, message_id: str) -> None:
    world = buyer.world
    content = {"message_id": message_id, "emoji": emoji}
    buyer.sends(webhooks.message(buyer.person, "reaction", content, message_id=world.new_id(), at=world.at))


def test_a_thumb_on_the_question_confirms_the_order(world: World, lucia: Buyer) -> None:
    world.raffle()
    order_id = hold(lucia)
    reacts(lucia, "👍", f"wamid.OUT{len(world.graph.sent)}")
    assert world.order(order_id)["status"] == "PENDING_PAYMENT"
    assert "Bank X, account 123" in text_of(lucia.heard[-1])


def message_id(name: str, about: bytes) -> str:
    """An id of a message as WhatsApp makes it. What it says about the person may change, its name does not."""
    return f"wamid.{b64encode(about + bytes(1) + name.encode() + bytes(1)).decode()}"


@pytest.mark.parametrize(("name", "status"), [("3EB0C431C26A1916E07A", "PENDING_PAYMENT"), ("3EB0" * 5, "DRAFT")])
def test_m7_a_thumb_finds_the_question_though_whatsapp_names_it_otherwise_by_now(
    world: World, lucia: Buyer, name: str, status: str
) -> None:
    world.raffle()
    send = world.graph.send

    def accept(message: Json) -> Accepted:
        send(message)
        return Accepted(message_id=message_id("3EB0C431C26A1916E07A", b"\x0d5215512345678"))

    lucia.says("BIKE")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(world.graph, "send", accept)
        lucia.says("5, 12")
    [order] = world.api("GET", "/api/orders").body["results"]
    reacts(lucia, "👍", message_id(name, b"\x10MX.7700112233445"))
    assert world.order(order["id"])["status"] == status


@pytest.mark.parametrize(("emoji", "sent"), [("👍", 1), ("😂", 2), ("👍", 99)])
def test_m7_a_reaction_to_anything_else_changes_nothing(world: World, lucia: Buyer, emoji: str, sent: int) -> None:
    world.raffle()
    order_id = hold(lucia)
    before = len(lucia.heard)
    reacts(lucia, emoji, f"wamid.OUT{sent}")
    assert world.order(order_id)["status"] == "DRAFT" and len(lucia.heard) == before


@pytest.mark.parametrize(
    ("text", "numbers"), [("BIKE 5, 12", [5, 12]), ("Hola, BIKE 5 y 12 por favor", [5, 12]), ("bike 5-7", [5, 6, 7])]
)
def test_one_message_may_do_it_all(
    world: World, lucia: Buyer, requests: Requests, text: str, numbers: list[int]
) -> None:
    world.raffle()
    lucia.says("menu")
    operations = requests.during(lambda: lucia.says(text))
    [order] = world.api("GET", "/api/orders").body["results"]
    assert order["numbers"] == numbers and len(operations) <= 5


@pytest.mark.parametrize("text", ["the bike one", "quiero la BIKE", "BIKE $50", "BIKE 5 o 12"])
def test_beside_a_code_a_doubtful_number_only_opens_the_raffle(world: World, lucia: Buyer, text: str) -> None:
    world.raffle()
    lucia.says("menu")
    assert "*Bicycle*" in text_of(lucia.says(text))
    assert world.api("GET", "/api/orders").body["results"] == []


@pytest.mark.parametrize("text", ["quiero la bicicleta", "la bicicleta roja por favor", "bicicletta"])
def test_a_raffle_is_opened_by_words_of_its_title(world: World, lucia: Buyer, text: str) -> None:
    world.raffle(title="Bicicleta roja", code="B1")
    world.raffle(title="Canasta navideña", code="C1")
    lucia.says("raffles")
    assert "*Bicicleta roja*" in text_of(lucia.says(text))


def test_asking_whether_numbers_are_free_holds_none(world: World, lucia: Buyer, marco: Buyer) -> None:
    raffle = world.raffle()
    hold(marco, "10")
    lucia.says("BIKE")
    assert "007 is free" in text_of(lucia.says("está libre el 7?"))
    assert buttons_of(lucia.heard[-1]) == ["Number 007"]
    assert "This number is taken" in text_of(lucia.says("is 10 free?"))
    answer = text_of(lucia.says("está libre el 7 o el 10?"))
    assert "007 is free" in answer and "010 is taken" in answer
    lucia.says("qué números hay?")
    assert "99 of 100 free" in text_of(lucia.heard[-2])  # the picture; then comes the question with its buttons
    assert world.availability(raffle) == (99, 1, 0)


def test_a_doubtful_number_is_named(world: World, lucia: Buyer) -> None:
    world.raffle()
    lucia.says("BIKE")
    assert "“55 12 34 56 78”" in text_of(lucia.says("55 12 34 56 78"))


def test_after_the_second_miss_in_a_row_a_person_is_offered(world: World, lucia: Buyer) -> None:
    lucia.says("qwertz uiop")
    assert "Talk to a person" not in buttons_of(lucia.heard[-1])
    lucia.says("asdf ghjk")
    assert buttons_of(lucia.heard[-1])[-1] == "Talk to a person" and "*human*" in text_of(lucia.heard[-1])
    assert "An organiser has been told" in text_of(lucia.taps("Talk to a person"))
    lucia.says("menu")
    lucia.says("qwertz uiop")
    assert "Talk to a person" not in buttons_of(lucia.heard[-1])


def test_a_miss_of_another_kind_is_a_second_miss_too(world: World, lucia: Buyer) -> None:
    world.raffle()
    lucia.says("qwertz uiop")
    world.graph.sent.clear()
    body = webhooks.message(lucia.person, "audio", {"id": "7"}, message_id=world.new_id(), at=world.at)
    lucia.sends(body)
    assert "can't listen" in text_of(lucia.heard[-1]) and "*human*" in text_of(lucia.heard[-1])


def test_misses_are_counted_by_language_and_state(
    world: World, lucia: Buyer, capsys: pytest.CaptureFixture[str]
) -> None:
    world.raffle()
    lucia.says("BIKE")
    capsys.readouterr()
    lucia.says("qwertz uiop")
    counted = [json.loads(line) for line in capsys.readouterr().out.splitlines() if '"not_understood"' in line]
    assert [(one["language"], one["state"], one["not_understood"]) for one in counted] == [("en", "SELECTING", [1.0])]


@pytest.mark.parametrize("reach", [hold, hold_and_confirm])
def test_a_doubtful_change_of_numbers_is_answered_with_what_can_be_done(
    world: World, lucia: Buyer, reach: object
) -> None:
    world.raffle()
    assert callable(reach)
    order_id = reach(lucia)
    answer = lucia.says("cámbiame el 5")
    assert order_id in text_of(answer) and "Cancel order" in buttons_of(answer)
    assert world.order(order_id)["numbers"] == [5, 12]


@pytest.mark.parametrize("reach", [hold, hold_and_confirm])
def test_h14_who_needs_more_time_gets_ten_minutes_once(world: World, lucia: Buyer, reach: object) -> None:
    world.raffle()
    assert callable(reach)
    order = orders.get(reach(lucia))
    world.clock.pass_minutes(5)
    assert order.reserved_until is not None
    longer = order.reserved_until + timedelta(minutes=10)
    answer = lucia.says("me das más tiempo?")
    assert "ten more minutes" in text_of(answer) and "20 minutes" in text_of(answer)
    extended = orders.get(order.id)
    assert (extended.status, extended.reserved_until, extended.extended_at) == (order.status, longer, world.clock.now)
    again = lucia.says("more time please")
    assert "can't hold them longer" in text_of(again) and orders.get(order.id) == extended
    world.clock.pass_minutes(19)
    world.container.expiry.run()
    assert orders.get(order.id).status is order.status
    world.clock.pass_minutes(1)
    world.container.expiry.run()
    assert orders.get(order.id).status is OrderStatus.EXPIRED


def test_h14_a_hold_without_a_limit_needs_no_more_time(world: World, lucia: Buyer) -> None:
    world.raffle(hold_minutes=None)
    order = orders.get(hold(lucia))
    assert "no time limit" in text_of(lucia.says("more time"))
    assert orders.get(order.id) == order


def test_h14_who_holds_nothing_gets_no_more_time(world: World, lucia: Buyer) -> None:
    world.raffle()
    assert "no order" in text_of(world.buyer("Ana", 9).says("necesito más tiempo"))


def test_who_says_that_they_paid_is_told_where_their_order_stands(world: World, lucia: Buyer) -> None:
    world.raffle()
    assert "can't see an order of yours" in text_of(lucia.says("ya pagué"))
    order_id = hold_and_prove(lucia)
    lucia.says("raffles")
    assert order_id in text_of(lucia.says("ya pagué")) and "being checked" in text_of(lucia.heard[-1])


@pytest.mark.parametrize("reach", [hold_and_confirm, hold_and_prove])
def test_a_loose_no_is_asked_before_anything_is_cancelled(world: World, lucia: Buyer, reach: object) -> None:
    world.raffle()
    assert callable(reach)
    order_id = reach(lucia)
    before = world.order(order_id)
    lucia.says("ya no lo quiero, cancela por favor")
    assert world.order(order_id) == before


def test_questions_that_may_be_asked_at_any_time(world: World, lucia: Buyer) -> None:
    world.raffle(description="The draw is on 22 December.")
    said = {
        "cuándo es el sorteo?": ("draw_date", "22 December"),
        "quién ganó?": ("draw_result", "after the draw"),
        "es confiable?": ("help", "real people"),
        "cómo pago?": ("how_to_pay", "photo or PDF"),
        "5, 12": ("ask_raffle", "In which raffle"),
    }
    for text, (name, words) in said.items():
        world.clock.pass_minutes(1)
        assert words in text_of(lucia.says(text))
        assert outbounds(lucia)[-1].reply == name
    assert known(lucia).conversation.order_id is None


@pytest.mark.parametrize("stage", ["selecting", "confirming", "payment"])
def test_what_organisers_answered_ahead_is_said_wherever_the_raffle_is_at_hand(
    world: World, lucia: Buyer, stage: str
) -> None:
    world.raffle(faq=[{"words": ["delivery"], "answer": "You can pick it up at school."}])
    lucia.says("BIKE")
    if stage != "selecting":
        lucia.says("5")
    if stage == "payment":
        lucia.says("yes")
    for _ in range(5):  # it is understood, so it is answered every time
        assert text_of(lucia.says("do you do delivery")) == "You can pick it up at school."
    assert outbounds(lucia)[-1].reply == "answer"


@pytest.mark.parametrize("reach", [None, hold, hold_and_confirm, buy])
@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("puedo pagar en oxxo?", "Yes, at any Oxxo."),
        ("tienen garantía?", "A year."),
        ("dónde recogen el premio?", "At the school."),
        ("cuándo es el sorteo de la rifa, en diciembre?", "On the 20th."),
    ],
)
def test_what_organisers_answered_comes_before_what_the_bot_would_say(
    world: World, lucia: Buyer, reach: Callable[[Buyer], str] | None, text: str, answer: str
) -> None:
    words = {
        "oxxo": "Yes, at any Oxxo.",
        "garantía": "A year.",
        "recoger": "At the school.",
        "diciembre": "On the 20th.",
    }
    world.raffle(faq=[{"words": [word], "answer": said} for word, said in words.items()])
    if reach is None:
        lucia.says("BIKE")
    else:
        reach(lucia)
    assert text_of(lucia.says(text)) == answer


def test_an_answer_of_the_organisers_holds_confirms_and_cancels_nothing_instead(world: World, lucia: Buyer) -> None:
    world.raffle(faq=[{"words": ["yes", "cancel", "5", "number", "paid"], "answer": "What?"}])
    lucia.says("BIKE")
    assert "holding" in text_of(lucia.says("number 5"))
    assert "code" in text_of(lucia.says("yes"))
    assert "photo or PDF" in text_of(lucia.says("i have paid"))
    assert "cancel it?" in text_of(lucia.says("please cancel my order"))


def test_the_prize_and_the_price_are_told_alone(world: World, lucia: Buyer) -> None:
    world.raffle(prize="A red bicycle", unit_amount=500)
    lucia.says("BIKE")
    assert "Price: GTQ 5.00" in text_of(lucia.says("cuánto cuesta?")) and "Prize" not in text_of(lucia.heard[-1])
    assert "3 numbers: GTQ 15.00" in text_of(lucia.says("how much are 3 tickets?"))
    assert "A red bicycle" in text_of(lucia.says("qué me puedo ganar?")) and "Price" not in text_of(lucia.heard[-1])
    assert "Random 1" in buttons_of(lucia.heard[-1])
    lucia.says("5")
    assert "A red bicycle" in text_of(lucia.says("qué premio es?")) and "Random 1" not in buttons_of(lucia.heard[-1])
    assert "Shall I confirm" not in text_of(lucia.heard[-1])


def test_the_draw_is_that_of_the_raffle_in_which_they_have_numbers(world: World, lucia: Buyer) -> None:
    world.raffle(draws_at="2026-12-20T20:00:00Z")
    world.raffle(code="OTHER", title="Another raffle", draws_at="2027-01-10T20:00:00Z")
    assert "Another raffle" in text_of(lucia.says("cuándo es la rifa?"))
    buy(lucia)
    assert "Another raffle" not in text_of(lucia.says("cuándo es la rifa?")) and "20 Dec" in text_of(lucia.heard[-1])


@pytest.mark.parametrize("text", ["y ahora qué hago?", "que hago entonces", "what now?", "e agora?"])
def test_who_does_not_know_what_to_do_hears_what_their_order_waits_for(world: World, lucia: Buyer, text: str) -> None:
    world.raffle()
    assert "How it works" in text_of(lucia.says(text))
    order_id = hold_and_confirm(lucia)
    assert f"Order *{order_id}* is waiting for your payment" in text_of(lucia.says(text))


@pytest.mark.parametrize(
    "text", ["manda o pix de novo", "mándame los datos otra vez", "send me the bank details again"]
)
def test_again_repeats_what_was_said_and_opens_nothing(world: World, lucia: Buyer, text: str) -> None:
    world.raffle()
    order_id = hold_and_confirm(lucia)
    assert f"Order *{order_id}* is waiting for your payment" in text_of(lucia.says(text))


def test_m8_who_is_not_understood_three_times_hears_that_a_person_will_answer(world: World, lucia: Buyer) -> None:
    lucia.says("qwertz uiop")
    lucia.says("asdf ghjk")
    assert "a person will write to you" in text_of(lucia.says("yxcv bnm"))
    said = len(lucia.heard)
    lucia.says("qayx edc")
    assert len(lucia.heard) == said
    assert sum("keeps writing" in str(notice) for notice in world.organiser().heard) == 1


def test_a_rejected_proof_comes_with_what_can_be_done(world: World, lucia: Buyer) -> None:
    world.raffle()
    order_id = hold_and_prove(lucia)
    reject(world, order_id)
    assert buttons_of(lucia.heard[-1]) == ["How to pay", "More time", "Talk to a person"]
    assert "is waiting for your payment" in text_of(lucia.taps("How to pay"))


def test_a_reminder_offers_more_time(world: World, lucia: Buyer) -> None:
    world.raffle()
    order_id = hold(lucia)
    world.clock.pass_minutes(12)
    world.container.expiry.run()
    assert buttons_of(lucia.heard[-1]) == ["Confirm", "More time", "Cancel"]
    lucia.taps("More time")
    assert world.order(order_id)["extended_at"]


@pytest.mark.parametrize("reach", [buy, cancelled])
def test_who_was_in_a_raffle_goes_on_about_it(world: World, lucia: Buyer, reach: Callable[[Buyer], str]) -> None:
    world.raffle(prize="A red bicycle")
    world.raffle(code="MOTO", title="Motorcycle")
    reach(lucia)
    lucia.says("menu")
    assert "A red bicycle" in text_of(lucia.says("qué se gana?"))
    assert "Price: GTQ 25.00" in text_of(lucia.says("cuánto cuesta?"))
    assert "020, 021" in text_of(lucia.says("quiero el 20 y el 21"))


def test_who_has_bought_may_buy_more_by_numbers_alone(world: World, lucia: Buyer) -> None:
    world.raffle()
    world.raffle(code="MOTO", title="Motorcycle")
    buy(lucia)
    assert "Bicycle" in str(world.api("GET", "/api/raffles?status=ACTIVE").body)
    lucia.says("20 y 21")
    held = world.api("GET", "/api/orders?status=DRAFT").body["results"]
    assert [order["numbers"] for order in held] == [[20, 21]]


@pytest.mark.parametrize(
    "text",
    [
        "mándame otra vez mi boleto",
        "cadê meu bilhete?",
        "resend my ticket please",
        "se me borró el boleto",
        "lost my ticket",
    ],
)
def test_the_ticket_of_the_only_paid_order_is_sent_again(world: World, lucia: Buyer, text: str) -> None:
    world.raffle()
    assert "no orders" in text_of(lucia.says(text))
    order_id = buy(lucia)
    assert order_id in text_of(lucia.says(text)) and "valid" in text_of(lucia.heard[-1])
    buy(lucia, "7")
    assert "Your latest orders" in text_of(lucia.says(text))


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("blz manda aí o 7 e o 13", [7, 13]),
        ("ok gimme 7 n 22 n 13 pls", [7, 13, 22]),
        ("Sim, o 25 e o 48. Seriam esses aí", [25, 48]),
        ("quero o 64 e o 65 mas não o 66 viu", [64, 65]),
    ],
)
def test_clear_numbers_among_unknown_words_are_held_after_a_yes(
    world: World, lucia: Buyer, text: str, numbers: list[int]
) -> None:
    world.raffle()
    lucia.says("BIKE")
    said = text_of(lucia.says(text))
    held = world.api("GET", "/api/orders").body["results"]
    if not held:
        assert said.startswith("Shall I hold numbers")
        lucia.says("yes")
        held = world.api("GET", "/api/orders").body["results"]
    assert [sorted(order["numbers"]) for order in held] == [numbers]


@pytest.mark.parametrize(
    "text",
    [
        *("tengo 45 años", "son 50 pesos verdad", "a las 5 nos vemos", "mis hijos de 15 y 12", "el 5 de enero"),
        *("llámame al 5512345678", "55 12 34 56 78 es mi cel", "it was 5.50", "tengo 3 hijos", "5% de descuento"),
        *("ten 5²", "no sé si el 5 o el 12 o 13", "25 e 48, idades dos meus dois filhos"),
    ],
)
def test_numbers_of_other_things_are_not_offered(world: World, lucia: Buyer, text: str) -> None:
    world.raffle()
    lucia.says("BIKE")
    assert "Shall I hold" not in text_of(lucia.says(text))
    lucia.says("yes")
    assert world.api("GET", "/api/orders").body["results"] == []


def test_a_no_to_offered_numbers_shows_what_is_free(world: World, lucia: Buyer) -> None:
    world.raffle()
    lucia.says("BIKE")
    assert "Shall I hold" in text_of(lucia.says("mira pues el 7 mi rey"))
    assert "Which numbers would you like?" in text_of(lucia.says("no"))
    assert world.api("GET", "/api/orders").body["results"] == []


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("me apunto con el 55 de la BIKE mi rey", "Shall I hold number 055"),
        ("hola, quiero 3 boletos de la BIKE", "Do you mean the number 3, or any 3 numbers?"),
        ("quiero el 55 de la bicycle", "Shall I hold number 055"),
    ],
)
def test_a_number_in_the_sentence_that_opens_a_raffle_is_not_lost(
    world: World, lucia: Buyer, text: str, asked: str
) -> None:
    world.raffle()
    world.raffle(code="MOTO", title="Motorcycle")
    said = text_of(lucia.says(text))
    orders_made = world.api("GET", "/api/orders").body["results"]
    assert asked in said or [order["numbers"] for order in orders_made] == [[55]]


def test_who_refuses_one_raffle_and_names_another_gets_that_one(world: World, lucia: Buyer) -> None:
    world.raffle(code="CESTA", title="Cesta de Natal do clube")
    world.raffle(code="MOTO", title="Motorcycle")
    lucia.says("MOTO")
    assert "Cesta de Natal" in text_of(lucia.says("Não é moto não. É a da cesta de natal"))
    lucia.says("MOTO")
    assert "Cesta de Natal" in text_of(lucia.says("eu quero a cesta de natal do clube"))


def test_a_picture_whose_caption_names_numbers_is_for_the_order_that_has_them(world: World, lucia: Buyer) -> None:
    world.raffle(max_unpaid_orders=3)
    first = hold_and_confirm(lucia, "11")
    lucia.says("menu")
    second = hold_and_confirm(lucia, "20,21")
    lucia.sends_proof(caption="ya pagué el 11")
    assert (orders.get(first).status, orders.get(second).status) == (
        OrderStatus.IN_REVIEW,
        OrderStatus.PENDING_PAYMENT,
    )


def test_a_new_picture_is_for_the_order_whose_proof_was_rejected(world: World, lucia: Buyer) -> None:
    world.raffle(max_unpaid_orders=3)
    first = hold_and_prove(lucia, "1-5")
    second = hold_and_confirm(lucia, "61")
    world.clock.pass_minutes(1)
    reject(world, first)
    world.clock.pass_minutes(1)
    lucia.sends_proof(b"%PDF-1.7 the right one")
    assert (orders.get(first).status, orders.get(second).status) == (
        OrderStatus.IN_REVIEW,
        OrderStatus.PENDING_PAYMENT,
    )


@pytest.mark.parametrize(
    "text",
    [
        "Sí señor, confirmo",
        "sí, le confirmo señorita",
        "confirma logo moça",
        "yes love, confirmed lovely",
        "pode confirmar amor",
    ],
)
def test_who_confirms_in_a_sentence_has_confirmed(world: World, lucia: Buyer, text: str) -> None:
    world.raffle()
    order_id = hold(lucia)
    lucia.says(text)
    assert orders.get(order_id).status is OrderStatus.PENDING_PAYMENT


def test_who_says_confirm_after_looking_at_the_raffle_again_has_confirmed(world: World, lucia: Buyer) -> None:
    raffle = world.raffle()
    order_id = hold(lucia)
    lucia.says(raffle["code"])
    lucia.says("confirm")
    assert orders.get(order_id).status is OrderStatus.PENDING_PAYMENT


@pytest.mark.parametrize(
    "text",
    [
        *("cómo confirmo", "confirmo si me dan el 7", "confirmo pero solo el 5", "todavía no confirmo"),
        *(
            "confirmado?",
            "confirmo cuando pague mi marido",
            "confirm if you keep them till friday",
            "quando confirmo",
        ),
        *("i confirm 5 only", "confirmo o 7", "antes de confirmar quiero ver otra"),
    ],
)
def test_a_sentence_that_may_mean_something_else_confirms_nothing(world: World, lucia: Buyer, text: str) -> None:
    world.raffle()
    order_id = hold(lucia)
    lucia.says(text)
    assert orders.get(order_id).status is OrderStatus.DRAFT


@pytest.mark.parametrize("reach", ["nothing", "numbers", "a hold", "an order"])
def test_who_asks_what_only_people_know_is_offered_one(world: World, lucia: Buyer, reach: str) -> None:
    world.raffle()
    for text in {"nothing": (), "numbers": ("BIKE",), "a hold": ("BIKE 5",), "an order": ("BIKE 5", "confirm")}[reach]:
        lucia.says(text)
    heard = lucia.says("is the saddle made of leather?")
    assert "I don't know the answer to that" in text_of(heard) and "Talk to a person" in buttons_of(heard)
    assert "An organiser has been told" in text_of(lucia.taps("Talk to a person"))


@pytest.mark.parametrize(
    "text", ["¿me la llevan a la casa?", "vocês trazem aqui?", "do you ship to Puebla?", "¿dónde la recojo si gano?"]
)
def test_the_organisers_answer_is_given_to_other_words_for_the_same(world: World, lucia: Buyer, text: str) -> None:
    world.raffle(faq=[{"words": ["entrega"], "answer": "Se entrega en la escuela."}])
    lucia.says("BIKE")
    assert text_of(lucia.says(text)) == "Se entrega en la escuela."


def test_organisers_read_what_somebody_asked_before_they_tapped(world: World, lucia: Buyer) -> None:
    world.raffle()
    order_id = hold_and_confirm(lucia)
    lucia.says("is the saddle made of leather?")
    lucia.taps("Talk to a person")
    notice = text_of(world.organiser().heard[-1])
    assert "“is the saddle made of leather?”" in notice and f"Order *{order_id}*" in notice


def test_organisers_read_the_words_with_which_a_person_was_called(world: World, lucia: Buyer) -> None:
    lucia.says("I want to talk to a person about _my_ refund")
    assert "“I want to talk to a person about ˍmyˍ refund”" in text_of(world.organiser().heard[-1])


def test_who_looks_at_the_board_with_an_order_hears_how_to_change_it(world: World, lucia: Buyer) -> None:
    world.raffle()
    order_id = hold(lucia, "5")
    asked = lucia.says("which are free?")
    assert f"You have order {order_id}: 005" in text_of(asked) and "Which numbers" not in text_of(asked)
    lucia.says("add number 7")
    assert world.order(order_id)["numbers"] == [5, 7]


def test_who_asks_how_to_pay_before_the_yes_gets_the_button(world: World, lucia: Buyer) -> None:
    world.raffle()
    hold(lucia, "5")
    told = lucia.says("how do I pay?")
    assert text_of(told).startswith("Tap *Confirm* first") and buttons_of(told)[0] == "Confirm"
    assert text_of(lucia.says("yes")).startswith("Order") and "is waiting for your OK" in text_of(lucia.heard[-1])


def test_who_changes_the_language_before_the_yes_is_asked_again(world: World, lucia: Buyer) -> None:
    world.raffle()
    order_id = hold(lucia, "5")
    told = lucia.says("español")
    assert "desde ahora te escribo en español" in text_of(told) and order_id in text_of(told)
    assert text_of(lucia.says("sí")).startswith("¡Listo!")


@pytest.mark.parametrize("text", ["puedo pagar mañana?", "me los guardas hasta el viernes?", "posso pagar na sexta?"])
def test_h14_who_wants_to_pay_on_another_day_loses_no_ten_minutes(world: World, lucia: Buyer, text: str) -> None:
    world.raffle()
    before = orders.get(hold_and_confirm(lucia))
    told = lucia.says(text)
    assert "an organiser may" in text_of(told) and buttons_of(told) == ["Talk to a person", "More time"]
    assert orders.get(before.id).reserved_until == before.reserved_until
    assert "ten more minutes" in text_of(lucia.taps("More time"))


def test_numbers_after_an_objection_are_asked_about(world: World, lucia: Buyer) -> None:
    world.raffle()
    order_id = hold(lucia, "13, 76")
    lucia.says("na esos no")
    asked = lucia.says("dame el 8 y el 18")
    assert buttons_of(asked)[:2] == ["Add these", "Only these"] and world.order(order_id)["numbers"] == [13, 76]
    lucia.taps("Only these")
    assert world.order(order_id)["numbers"] == [8, 18]


def test_amounts_are_no_numbers_of_an_order(world: World, lucia: Buyer) -> None:
    world.raffle()
    order_id = hold_and_confirm(lucia)
    assert order_id in text_of(lucia.says("mandei 20 reais em vez de 30 reais"))
    assert "Add" not in str(lucia.heard[-1]) and world.order(order_id)["numbers"] == [5, 12]


def test_a_proposal_leaves_out_what_they_refuse_and_what_is_taken(world: World, lucia: Buyer, marco: Buyer) -> None:
    world.raffle()
    hold(marco, "63")
    lucia.says("BIKE")
    asked = text_of(lucia.says("me reserva o 61, 62 e 63, mas o 62 não"))
    assert asked.startswith("061 is free.\n063 is taken.")
    lucia.says("yes")
    [order] = [one for one in world.api("GET", "/api/orders").body["results"] if 61 in one["numbers"]]
    assert order["numbers"] == [61]


def test_a_yes_to_free_numbers_holds_them(world: World, lucia: Buyer) -> None:
    world.raffle()
    lucia.says("BIKE")
    assert "Shall I hold them for you?" in text_of(lucia.says("are 7 and 8 free?"))
    lucia.says("yes please")
    assert [one["numbers"] for one in world.api("GET", "/api/orders").body["results"]] == [[7, 8]]


def test_a_condition_is_no_question(world: World, lucia: Buyer) -> None:
    world.raffle()
    lucia.says("BIKE")
    assert "I am holding" in text_of(lucia.says("quiero el 7 y el 8 si están libres"))


@pytest.mark.parametrize(
    "text", ["can I pay cash?", "¿aceptan tarjeta?", "dá pra pagar com picpay?", "do you take venmo"]
)
@pytest.mark.parametrize("reach", ["nothing", "an order"])
def test_a_way_to_pay_that_the_raffle_does_not_name_is_for_the_organisers(
    world: World, lucia: Buyer, reach: str, text: str
) -> None:
    world.raffle(payment_instructions="Bank transfer:\n`12-34`")
    lucia.says("BIKE")
    if reach == "an order":
        lucia.says("5")
        lucia.says("confirm")
    said = len(lucia.heard)
    told = lucia.says(text)
    assert len(lucia.heard) == said + 1
    assert "12-34" in text_of(told) and buttons_of(told)[0] in (
        "Talk to a person",
        "Hablar con alguien",
        "Falar com uma pessoa",
    )


def test_a_way_to_pay_that_the_raffle_names_is_told(world: World, lucia: Buyer) -> None:
    world.raffle(payment_instructions="Cash at the school, or PayPal:\n`me@club.example`")
    lucia.says("BIKE")
    assert text_of(lucia.says("can I pay cash?")).startswith("Choose your numbers")


def test_who_has_chosen_nothing_hears_how_long_numbers_are_held(world: World, lucia: Buyer) -> None:
    world.raffle()
    lucia.says("BIKE")
    assert "I hold your numbers for 15 minutes" in text_of(lucia.says("how long do I have to pay?"))


def test_who_says_again_that_they_paid_after_a_rejection_is_offered_a_person(world: World, lucia: Buyer) -> None:
    world.raffle()
    order_id = hold_and_prove(lucia)
    world.api("POST", f"/api/orders/{order_id}/reject-proof", {"reason": "it shows 5"})
    told = lucia.says("but I have paid everything")
    assert "An organiser can look again" in text_of(told) and buttons_of(told)[-1] == "Talk to a person"


def test_a_number_that_is_refused_loudly_is_not_offered(world: World, lucia: Buyer) -> None:
    world.raffle()
    lucia.says("BIKE")
    assert "007, 022" in text_of(lucia.says("o 13 naooo, so o 7 e o 22")) and "013" not in text_of(lucia.heard[-1])


def test_who_refuses_the_only_number_and_names_another_gets_that_one(world: World, lucia: Buyer) -> None:
    world.raffle()
    order_id = hold(lucia, "22")
    lucia.says("No, ese no. Mejor el 20")
    assert world.order(order_id)["numbers"] == [20]
