"""The main job, end to end: a number is sold over WhatsApp."""

from tests.support.order_codes import code_in
from tests.support.world import Buyer, World, buttons_of, rows_of, text_of


def test_the_sale_word_for_word(world: World, lucia: Buyer) -> None:
    raffle = world.raffle()
    world.organiser().says("hi")

    answer = lucia.says("menu")
    assert buttons_of(answer) == ["Browse raffles", "My orders", "Help"]

    answer = lucia.taps("Browse raffles")
    assert rows_of(answer) == ["1. Bicycle"]
    assert "GTQ 25.00" in text_of(answer)
    assert "100 of 100 free" in text_of(answer)

    answer = lucia.says("1")
    assert "Which numbers" in text_of(answer)

    answer = lucia.says("5,12,99")
    assert "005, 012, 099" in text_of(answer)
    assert "14:15" in text_of(answer)
    assert "GTQ 75.00" in text_of(answer)
    assert buttons_of(answer) == ["Confirm", "Change", "Cancel"]
    order_id = code_in(text_of(answer))
    assert world.order(order_id)["numbers"] == [5, 12, 99]
    assert world.availability(raffle) == (97, 3, 0)

    answer = lucia.says("confirm")
    assert "Bank X, account 123" in text_of(answer)
    assert order_id in text_of(answer)
    assert "photo or PDF" in text_of(answer)

    answer = lucia.sends_proof()
    assert "Your numbers are safe" in text_of(answer)
    assert order_id in text_of(world.organiser().heard[-1])
    assert world.order(order_id)["status"] == "IN_REVIEW"

    confirmed = world.api("POST", f"/api/orders/{order_id}/confirm-payment")
    assert confirmed.status == 200
    assert confirmed.body["status"] == "PAID"
    assert world.availability(raffle) == (97, 0, 3)
    assert "is confirmed" in text_of(lucia.heard[-1])
    assert len(lucia.heard) == 7
