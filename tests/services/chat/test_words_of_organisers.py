"""O11: what organisers write, below a notice or alone, decides nothing and is never about an order of their own."""

import pytest

from chalicelib.store import channel as channels
from tests.support.deliveries import EVERY_TEMPLATE, pass_time, refused
from tests.support.order_codes import code_in
from tests.support.organisers import OLGA, OSCAR, acts, choice_of, person, set_organisers, tap
from tests.support.steps import buy, hold, hold_and_confirm, hold_and_prove
from tests.support.world import Buyer, Json, World, buttons_of, rows_of, text_of
from whatsapp_sandbox import webhooks

OUTSIDE = 131047
DECISIONS = ["Approve", "Reject", "Open"]


@pytest.fixture
def olga(world: World) -> Buyer:
    """The organiser, with an open window."""
    organiser = world.organiser()
    organiser.says("english")  # and may write as they like
    return organiser


def status(world: World, order_id: str) -> str:
    return str(world.order(order_id)["status"])


@pytest.mark.parametrize(
    "text",
    [
        *("ok", "yes", "sí", "si confirmado", "confirm", "aprobado", "Aprobar!", "approve", "approved", "aprovado"),
        *("no", "cancel", "cancelar", "5, 12", "quita el 7", "¿quién es?", "BIKE", "I have paid", "👍"),
    ],
)
def test_o11_words_below_a_notice_ask_with_its_buttons(world: World, lucia: Buyer, olga: Buyer, text: str) -> None:
    world.raffle()
    own = hold(olga, "7")
    order_id = hold_and_prove(lucia)
    notice = olga.heard[-1]
    asked = olga.says(text, quoting=notice)
    assert f"What shall I do about order *{order_id}*?" in text_of(asked) and buttons_of(asked) == DECISIONS
    assert text_of(olga.says(text, quoting=asked)) == text_of(asked)
    assert (status(world, own), world.order(own)["numbers"]) == ("DRAFT", [7])
    assert status(world, order_id) == "IN_REVIEW" and acts(world, order_id) == []
    olga.taps("Approve")
    assert (status(world, order_id), status(world, own)) == ("PAID", "DRAFT")
    assert "is waiting for your OK" in text_of(olga.says("yes"))  # to the notice, or to their own order?
    assert text_of(olga.says("yes")).startswith("Done! Your order code") and status(world, own) != "DRAFT"


@pytest.mark.parametrize("text", ["rechazado", "Reject, sorry", "rejeitado!"])
def test_o11_a_rejection_below_a_notice_asks_for_the_reason(world: World, lucia: Buyer, olga: Buyer, text: str) -> None:
    world.raffle()
    order_id = hold_and_prove(lucia)
    asked = olga.says(text, quoting=olga.heard[-1])
    assert rows_of(asked)[0] == "The amount differs" and "Nothing is rejected yet" in text_of(asked)
    assert status(world, order_id) == "IN_REVIEW"
    olga.taps("The amount differs")
    assert status(world, order_id) == "PENDING_PAYMENT"


@pytest.mark.parametrize("way", ["typed below the reasons", "after Other", "typed below the notice", "typed after it"])
def test_o11_a_reason_of_their_own_is_shown_before_the_buyer_reads_it(
    world: World, lucia: Buyer, olga: Buyer, way: str
) -> None:
    world.raffle()
    order_id = hold_and_prove(lucia)
    notice = olga.heard[-1]
    if way == "typed below the notice":
        asked = olga.says("rejected: the  money is\nmissing", quoting=notice)
    else:
        reasons = olga.taps("Reject")
        if way == "after Other":
            assert "Write the reason as the buyer" in text_of(olga.taps("Other: I'll write it"))
        asked = olga.says("the money is missing", quoting=reasons if "below" in way else None)
    assert "The buyer will read: “the money is missing”" in text_of(asked)
    assert buttons_of(asked) == ["Reject", "Another reason"] and status(world, order_id) == "IN_REVIEW"
    told = text_of(olga.taps("Reject"))
    assert told.startswith(f"The proof of order *{order_id}* is rejected.")
    assert "the money is missing." in text_of(lucia.heard[-1]) and status(world, order_id) == "PENDING_PAYMENT"


def test_o11_a_yes_to_a_reason_of_their_own_rejects_nothing(world: World, lucia: Buyer, olga: Buyer) -> None:
    world.raffle()
    own = hold(olga, "7")
    order_id = hold_and_prove(lucia)
    olga.taps("Reject")
    assert "Nothing is rejected yet" in text_of(olga.says("yes"))
    olga.taps("Reject")
    asked = olga.says("the money is missing")
    assert text_of(olga.says("yes")) == text_of(asked)
    assert "“the amount is wrong”" in text_of(olga.says("the amount is wrong"))
    assert (status(world, order_id), status(world, own)) == ("IN_REVIEW", "DRAFT")
    assert rows_of(olga.taps("Another reason"))[0] == "The amount differs"
    assert status(world, order_id) == "IN_REVIEW" and acts(world, order_id) == []


def test_o11_a_reason_of_their_own_is_no_longer_than_a_button_carries(world: World, lucia: Buyer, olga: Buyer) -> None:
    world.raffle()
    hold_and_prove(lucia)
    olga.taps("Reject")
    asked = olga.says("the money is missing " * 40)
    assert text_of(asked).endswith(f"“{('the money is missing ' * 40)[:180].rstrip()}”")
    olga.taps("Reject")
    assert ("the money is missing " * 40)[:170] in text_of(lucia.heard[-1])


@pytest.mark.parametrize("text", ["pendientes", "what's pending?", "ver comprovantes", "Proofs"])
def test_o11_organisers_see_what_waits_when_they_ask(world: World, lucia: Buyer, olga: Buyer, text: str) -> None:
    world.raffle()
    order_id = hold_and_prove(lucia)
    assert order_id in text_of(olga.says(text)) and buttons_of(olga.heard[-1]) == DECISIONS


def test_o11_an_organiser_who_writes_a_code_sees_that_order(world: World, lucia: Buyer, olga: Buyer) -> None:
    world.raffle()
    order_id = hold_and_prove(lucia)
    assert buttons_of(olga.says(order_id.lower())) == DECISIONS and order_id in text_of(olga.heard[-1])


@pytest.mark.parametrize(("text", "begins"), [("help", "You get each"), ("blah blah blub", "I did not understand")])
def test_o11_organisers_hear_what_they_can_do_here(world: World, olga: Buyer, text: str, begins: str) -> None:
    told = text_of(olga.says(text))
    assert told.startswith(begins) and "Write *pending* to see the proofs that wait" in told


@pytest.mark.parametrize(("text", "said"), [("gracias", "You are welcome"), ("menu", "What would you like")])
def test_o11_commands_below_a_notice_are_obeyed(world: World, lucia: Buyer, olga: Buyer, text: str, said: str) -> None:
    world.raffle()
    hold_and_prove(lucia)
    assert said in text_of(olga.says(text, quoting=olga.heard[-1]))
    assert "no more messages" in text_of(olga.says("stop", quoting=olga.heard[-2]))


def test_o11_a_notice_is_found_though_the_organiser_is_known_by_another_id(world: World, lucia: Buyer) -> None:
    """Notices go to the number in the settings; who writes has a user id, too."""
    set_organisers(world, OLGA, OSCAR)
    oscar = person(world, OSCAR, user_id="GT.OSCAR1")
    oscar.says("hi")
    world.raffle()
    own = hold(oscar, "7")
    hold_and_prove(lucia)
    assert buttons_of(oscar.says("ok", quoting=oscar.heard[-1])) == DECISIONS
    assert status(world, own) == "DRAFT"


def test_o11_a_notice_that_names_no_order_confirms_none_of_theirs(world: World, lucia: Buyer, olga: Buyer) -> None:
    world.raffle()
    own = hold(olga, "7")
    lucia.says("human")
    assert "would like to talk to a person" in text_of(olga.heard[-1])
    assert "is waiting for your OK" in text_of(olga.says("ok", quoting=olga.heard[-1]))
    assert status(world, own) == "DRAFT"


def test_o11_a_notice_about_their_own_order_confirms_nothing_by_words(world: World, olga: Buyer) -> None:
    world.raffle()
    order_id = hold_and_prove(olga, "7")
    notice = next(message for message in olga.heard if "Payment proof" in text_of(message))
    assert buttons_of(olga.says("ok", quoting=notice)) == DECISIONS
    assert status(world, order_id) == "IN_REVIEW"


def test_o11_words_below_what_is_decided_say_so(world: World, lucia: Buyer, olga: Buyer) -> None:
    world.raffle()
    order_id = hold_and_prove(lucia)
    notice = olga.heard[-1]
    decided = olga.taps("Approve")
    assert "not to be checked any more: paid" in text_of(olga.says("aprobado", quoting=decided))
    olga.says("aprobado", quoting=notice)
    assert "not to be checked any more: paid" in text_of(olga.taps("Approve"))
    assert [act for _, act in acts(world, order_id)] == ["order.paid"]


def test_o11_below_a_template_the_proof_is_shown(world: World, lucia: Buyer, olga: Buyer) -> None:
    """It has no buttons, and nobody has seen the picture."""
    channels.approve(EVERY_TEMPLATE, approved=True)
    world.raffle()
    own = hold(olga, "7")
    hold_and_prove(world.buyer(number=9), "20")
    world.clock.pass_minutes(1)
    order_id = hold_and_confirm(lucia)
    send = world.graph.send

    def only_templates(message: Json) -> object:
        if message["to"] == OLGA and message["type"] != "template":
            raise refused(OUTSIDE)
        return send(message)

    vars(world.graph)["send"] = only_templates
    lucia.sends_proof()
    pass_time(world, minutes=1)
    vars(world.graph)["send"] = send
    told = len(olga.heard)
    assert text_of(olga.heard[-1]).startswith(f"tombola_proof_came en {order_id}")
    olga.says("ok", quoting=olga.heard[-1])
    [shown] = olga.heard[told:]
    assert code_in(text_of(shown)) == order_id and buttons_of(shown) == DECISIONS
    assert (status(world, order_id), status(world, own)) == ("IN_REVIEW", "DRAFT")


@pytest.mark.parametrize("text", ["aprobado", "Approved!", "rechazado", "rechazado, no llegó el dinero", "aprovado"])
def test_o11_such_a_word_alone_shows_what_waits(
    world: World, lucia: Buyer, marco: Buyer, olga: Buyer, text: str
) -> None:
    assert text_of(olga.says(text)) == "No proof is waiting just now."
    world.raffle()
    first = hold_and_prove(lucia, "1")
    world.clock.pass_minutes(1)
    second = hold_and_prove(marco, "2")
    told = len(olga.heard)
    olga.says(text)
    assert [code_in(text_of(message)) for message in olga.heard[told:]] == [first, second]
    told = len(olga.heard)
    olga.says(f"{text} {second}")
    assert [code_in(text_of(message)) for message in olga.heard[told:]] == [second]
    assert (status(world, first), status(world, second)) == ("IN_REVIEW", "IN_REVIEW")
    told = len(lucia.heard)
    assert "Payment proof" not in text_of(lucia.says(text))


def test_o11_a_word_with_the_code_of_a_settled_order_says_how_it_stands(
    world: World, lucia: Buyer, olga: Buyer
) -> None:
    world.raffle()
    assert "not to be checked any more: paid" in text_of(olga.says(f"aprobado {buy(lucia)}"))
    assert "I don't find order 22222222" in text_of(olga.says("aprobado 22222222"))


def test_m1_words_below_a_notice_are_answered_once(world: World, lucia: Buyer, olga: Buyer) -> None:
    world.raffle()
    hold_and_prove(lucia)
    for text in ("aprobado", "rechazado"):
        body = webhooks.text_message(
            olga.person, text, message_id=world.new_id(), at=world.at, reply_to=world.graph.id_of(olga.heard[-1])
        )
        olga.sends(body)
        told = len(olga.heard)
        olga.sends(body)
        assert len(olga.heard) == told


def test_o11_a_reason_of_their_own_for_what_is_decided_changes_nothing(world: World, lucia: Buyer, olga: Buyer) -> None:
    world.raffle()
    order_id = hold_and_prove(lucia)
    notice = olga.heard[-1]
    olga.taps("Reject")
    olga.says("the money is missing")
    olga.sends(tap(olga, choice_of(notice, "Approve")))
    told = text_of(olga.taps("Reject"))
    assert told.startswith(f"Order *{order_id}* is not to be checked any more: paid.")
    assert status(world, order_id) == "PAID"


@pytest.mark.parametrize(
    "text",
    [
        "El comprobante está cortado, no se ve el monto", "no se ve la cantidad", "La transferencia es de otra fecha.",
        "el banco lo dio por rechazado", "aparece pendiente, no llegó",
        "o comprovante está cortado", "não dá pra ver o valor", "there is no date on it",
    ],
)  # fmt: skip
def test_o11_a_reason_is_a_reason_in_each_language(world: World, lucia: Buyer, olga: Buyer, text: str) -> None:
    world.raffle()
    hold_and_prove(lucia)
    olga.taps("Reject")
    olga.taps("Other: I'll write it")
    assert f"“{text}”" in text_of(olga.says(text))


@pytest.mark.parametrize("text", ["no espera, ese sí está bien", "wait, that one is fine", "espera aí, esse tá certo"])
def test_o11_an_objection_is_no_reason(world: World, lucia: Buyer, olga: Buyer, text: str) -> None:
    world.raffle()
    hold_and_prove(lucia)
    olga.taps("Reject")
    assert text not in text_of(olga.says(text))
