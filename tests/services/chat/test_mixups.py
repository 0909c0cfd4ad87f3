"""Things that people mix up, and that must not become mix-ups of orders, raffles or persons."""

from dataclasses import replace

from chalicelib.whatsapp.graph import SendRefused
from tests.support.steps import hold, hold_and_confirm
from tests.support.world import ORGANISER, PNG, Buyer, World, buttons_of, text_of
from whatsapp_sandbox import webhooks


def status(world: World, order_id: str) -> str:
    return str(world.order(order_id)["status"])


def test_p1_a_receipt_goes_to_the_order_that_waits_for_payment_and_not_to_a_newer_draft(
    world: World, lucia: Buyer
) -> None:
    world.raffle()
    world.raffle(code="MOTO", title="Motorcycle")
    waits = hold_and_confirm(lucia, "5")
    draft = hold(lucia, "6", "MOTO")
    lucia.sends_proof()
    assert (status(world, waits), status(world, draft)) == ("IN_REVIEW", "DRAFT")


def test_p1_a_second_receipt_goes_to_the_other_order_that_waits(world: World, lucia: Buyer) -> None:
    world.raffle()
    orders = [hold_and_confirm(lucia, "5"), hold_and_confirm(lucia, "6")]
    lucia.sends_proof()
    lucia.sends_proof(PNG + b"2")
    assert [status(world, order_id) for order_id in orders] == ["IN_REVIEW", "IN_REVIEW"]


def test_p1_the_code_in_the_caption_names_the_order(world: World, lucia: Buyer) -> None:
    world.raffle()
    older, newer = hold_and_confirm(lucia, "5"), hold_and_confirm(lucia, "6")
    world.graph.files["1"] = PNG
    file = webhooks.File(media_id="1", mime_type="image/png", sha256="", caption=f"payment of {older.lower()}, thanks")
    lucia.sends(webhooks.image(lucia.person, file, message_id=world.new_id(), at=world.at))
    assert (status(world, older), status(world, newer)) == ("IN_REVIEW", "PENDING_PAYMENT")


def test_p5_a_picture_does_not_hold_cancelled_numbers_again(world: World, lucia: Buyer) -> None:
    raffle = world.raffle()
    order_id = hold_and_confirm(lucia, "5")
    lucia.says("cancel")
    assert "not held" in text_of(lucia.sends_proof())
    assert status(world, order_id) == "LATE"
    assert world.availability(raffle) == (100, 0, 0)


def test_p3_cancel_asks_before_it_takes_an_order_that_was_not_talked_about(world: World, lucia: Buyer) -> None:
    world.raffle()
    first, second = hold_and_confirm(lucia, "5"), hold(lucia, "6")
    lucia.says("cancel")
    assert "Shall I cancel it?" in text_of(lucia.says("cancel"))
    assert (status(world, first), status(world, second)) == ("PENDING_PAYMENT", "CANCELLED")
    lucia.taps("Cancel it")
    assert status(world, first) == "CANCELLED"


def test_an_old_button_buys_in_the_raffle_that_it_was_shown_with(world: World, lucia: Buyer) -> None:
    bike = world.raffle()
    moto = world.raffle(code="MOTO", title="Motorcycle")
    lucia.says("BIKE")
    old = lucia.heard[-1]["interactive"]["action"]["buttons"][0]["reply"]
    lucia.says("MOTO")
    lucia.sends(
        webhooks.button_reply(
            lucia.person, button_id=old["id"], title="x", message_id=world.new_id(), at=world.at, reply_to="w"
        )
    )
    assert (world.availability(bike)[1], world.availability(moto)[1]) == (1, 0)


def test_a_doubt_between_a_number_and_a_quantity_is_two_buttons(world: World, lucia: Buyer) -> None:
    raffle = world.raffle()
    lucia.says("BIKE")
    assert buttons_of(lucia.says("5 tickets")) == ["Number 5", "Any 5"]
    lucia.taps("Any 5")
    assert world.availability(raffle) == (95, 5, 0)


def test_h8_the_buyers_own_number_is_not_called_taken(world: World, lucia: Buyer) -> None:
    world.raffle()
    hold(lucia, "5")
    lucia.says("BIKE")
    answer = text_of(lucia.says("#5, 6"))
    assert "Already yours: 005" in answer
    assert "taken" not in answer


def test_a_phone_with_a_new_owner_does_not_open_the_old_owners_orders(world: World, lucia: Buyer) -> None:
    world.raffle()
    order_id = hold(lucia, "5")
    stranger = Buyer(world=world, person=replace(lucia.person, name="Pedro", user_id="GT.NEWOWNER1"))
    assert order_id not in text_of(stranger.says("my orders"))
    assert order_id in text_of(lucia.says("my orders"))
    stranger.says("cancel")
    assert status(world, order_id) == "DRAFT"


def test_m3_an_organiser_who_also_buys_and_cannot_be_notified_blocks_nobody(world: World, lucia: Buyer) -> None:
    """Their notices are kept under their phone, and they are known by their user id."""
    world.raffle()
    Buyer(world=world, person=replace(ORGANISER, user_id="GT.ORGANISER1")).says("hi")
    hold_and_confirm(lucia, "5")
    world.graph.refuses = [SendRefused(131056, "", 400, None), SendRefused(131056, "", 400, None)]
    lucia.sends_proof()
    for _ in range(4):
        world.clock.pass_minutes(1)
        world.minute()
    assert "Your numbers are safe" in text_of(lucia.heard[-1])
    assert "Payment proof" in text_of(world.organiser().heard[-1])


def test_an_impossible_id_is_not_found(world: World) -> None:
    for path in ("/api/raffles/" + "x" * 3000, "/api/orders/" + "X" * 3000, "/api/orders/a%23b"):
        answer = world.api("GET", path)
        assert (answer.status, answer.headers["Content-Type"]) == (404, "application/problem+json")


def test_an_order_code_may_be_typed_in_lower_case(world: World, lucia: Buyer) -> None:
    world.raffle()
    order_id = hold(lucia, "5")
    assert world.api("GET", f"/api/orders/{order_id.lower()}").body["id"] == order_id


def test_m7_the_code_of_an_order_says_which_one_is_meant_wherever_the_conversation_stands(
    world: World, lucia: Buyer
) -> None:
    world.raffle()
    first, second = hold(lucia, "5"), hold(lucia, "6")
    assert "5" in text_of(lucia.says(first.lower()))
    lucia.says("yes")
    assert (status(world, first), status(world, second)) == ("PENDING_PAYMENT", "DRAFT")
    lucia.says("menu")
    lucia.says(f"confirm {second}")
    assert status(world, second) == "PENDING_PAYMENT"
    lucia.says(f"please cancel my order {first}")
    assert (status(world, first), status(world, second)) == ("CANCELLED", "PENDING_PAYMENT")


def test_m7_a_code_beside_other_words_or_a_doubtful_word_changes_nothing(world: World, lucia: Buyer) -> None:
    world.raffle()
    order_id = hold(lucia, "5")
    lucia.says("menu")
    for text in (f"don't cancel {order_id}", f"cancell {order_id}", f"yes or no {order_id}", f"{order_id} 7"):
        lucia.says(text)
        assert status(world, order_id) == "DRAFT", text


def test_the_code_of_somebody_elses_order_opens_nothing(world: World, lucia: Buyer) -> None:
    world.raffle()
    order_id = hold(lucia, "5")
    marta = world.buyer("Marta", 2)
    assert "Bicycle: 05" not in text_of(marta.says(order_id))
    marta.says(f"cancel {order_id}")
    assert status(world, order_id) == "DRAFT"
