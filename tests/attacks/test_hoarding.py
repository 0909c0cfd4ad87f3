"""H9 to H12, P10, P11: somebody holds as much as they can and never pays."""

from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.choices import pick_random_choice
from chalicelib.domain.messages import Identity, IncomingMessage, MessageKind
from chalicelib.domain.orders import Order
from chalicelib.domain.raffles import Board
from chalicelib.services.orders.settlement import Settlement
from chalicelib.store import contacts, raffles
from chalicelib.store.records import ContactRecord
from chalicelib.whatsapp.inbound import Message
from tests.support.identities import contact_of
from tests.support.request_counts import Requests
from tests.support.steps import (
    assert_board_is_exact,
    buy,
    cancel,
    confirm_payment,
    hold,
    hold_and_confirm,
    hold_and_prove,
    late,
    reassign,
    reject,
)
from tests.support.world import PNG, Buyer, World, text_of


def proof(number: int) -> bytes:
    """A picture of its own each time."""
    return PNG + bytes([number])


# H9


def test_h9_three_taps_for_forty_numbers_each_hold_forty(world: World, lucia: Buyer) -> None:
    raffle = world.raffle(limited=True, last_number=1000)
    hold(lucia, "1-40")
    for numbers in ("41-80", "81-120", "random 1"):
        lucia.says("BIKE")
        assert "at most 40 unpaid numbers" in text_of(lucia.says(numbers))
    assert world.availability(raffle) == (960, 40, 0)
    assert_board_is_exact(world, raffle)


def test_h9_many_small_orders_are_two(world: World, lucia: Buyer) -> None:
    raffle = world.raffle(limited=True)
    hold(lucia, "1")
    hold(lucia, "2")
    lucia.says("BIKE")
    assert "already have 2 unpaid orders" in text_of(lucia.says("#3"))
    assert world.availability(raffle) == (98, 2, 0)


def test_h9_orders_in_review_count_and_paid_ones_do_not(world: World, lucia: Buyer) -> None:
    world.raffle(limited=True)
    buy(lucia, "1")
    buy(lucia, "2")
    hold_and_prove(lucia, "3")
    hold_and_prove(lucia, "4")  # who has paid may have two in review
    lucia.says("BIKE")
    assert "unpaid orders" in text_of(lucia.says("#5"))


def test_h9_two_messages_at_once_do_not_pass_the_limit_together(world: World, lucia: Buyer, requests: Requests) -> None:
    raffle = world.raffle(limited=True)
    lucia.says("BIKE")
    other = Message(
        id="wamid.OTHER",
        phone_number_id=world.container.settings.WHATSAPP_PHONE_NUMBER_ID,
        sender=Identity(user_id=lucia.person.user_id, phone=lucia.person.wa_id),
        name=lucia.person.name,
        sent_at=world.clock.now,
        incoming=IncomingMessage(kind=MessageKind.CHOICE, choice=pick_random_choice(raffle["id"], 39)),
        kind="interactive",
    )
    requests.before_the_next_commit(lambda: world.container.chat.answer(other))
    lucia.taps("Random 3")
    assert world.availability(raffle) == (61, 39, 0)
    assert_board_is_exact(world, raffle)


def test_h9_holds_that_are_over_do_not_count(world: World, lucia: Buyer) -> None:
    raffle = world.raffle(limited=True)
    hold(lucia, "1-20")
    hold(lucia, "21-40")
    world.clock.pass_minutes(15)
    lucia.says("BIKE")
    assert "holding" in text_of(lucia.says("41-80"))
    assert world.availability(raffle) == (60, 40, 0)


def test_h9_each_raffle_has_its_own_limits(world: World, lucia: Buyer) -> None:
    world.raffle(limited=True, max_unpaid_orders=3, max_unpaid_numbers=5)
    for number in (1, 2, 3):
        hold(lucia, f"#{number}")
    lucia.says("BIKE")
    assert "already have 3 unpaid orders" in text_of(lucia.says("#4"))
    other = world.raffle(limited=True, code="CAR", max_unpaid_numbers=5)
    lucia.says("CAR")
    assert "at most 5 unpaid numbers" in text_of(lucia.says("1-6"))
    assert "holding" in text_of(lucia.says("1-5"))
    assert world.availability(other) == (95, 5, 0)


def test_h9_while_an_organiser_talks_a_tap_holds_nothing(world: World, lucia: Buyer) -> None:
    raffle = world.raffle(limited=True)
    lucia.says("BIKE")
    contact = contact_of(lucia.person)
    assert world.api("PATCH", f"/api/contacts/{contact.id}", {"bot_paused": True}).status == 200
    lucia.taps("Random 3")
    assert world.availability(raffle) == (100, 0, 0)


# H10


def test_h10_all_newcomers_together_hold_at_most_their_share(world: World) -> None:
    raffle = world.raffle(limited=True)
    for number in range(10, 15):
        newcomer = world.buyer(number=number)
        newcomer.says("BIKE")
        answer = text_of(newcomer.says("random 20" if world.availability(raffle)[0] < 40 else "random 40"))
    assert "first-time buyers" in answer
    assert world.availability(raffle) == (20, 80, 0)
    assert_board_is_exact(world, raffle)


def test_h10_whoever_has_paid_or_is_vouched_for_still_gets_numbers(world: World, lucia: Buyer, marco: Buyer) -> None:
    world.raffle(limited=True, code="CAR")
    buy(lucia, "1", "CAR")
    raffle = world.raffle(limited=True)
    for number in (10, 11):
        hold(world.buyer(number=number), "random 40")
    assert "holding" in text_of((lucia.says("BIKE"), lucia.says("random 10"))[1])
    marco.says("BIKE")
    assert "first-time buyers" in text_of(marco.says("random 1"))
    path = f"/api/contacts/{contact_of(marco.person).id}"
    assert world.api("PATCH", path, {"vouched_for": True}).body["vouched_for"] is True
    assert "holding" in text_of(marco.says("random 10"))
    assert world.availability(raffle) == (0, 100, 0)


def test_h10_the_share_is_free_again_once_holds_end_are_paid_or_cancelled(world: World, lucia: Buyer) -> None:
    raffle = world.raffle(limited=True)
    paid = hold(world.buyer(number=10), "1-40")
    over = hold(world.buyer(number=11), "41-80")
    assert confirm_payment(world, paid).status == 200
    assert "holding" in text_of((lucia.says("BIKE"), lucia.says("81-90"))[1])
    assert cancel(world, over).status == 200
    assert "holding" in text_of((lucia.says("BIKE"), lucia.says("41-60"))[1])
    world.clock.pass_minutes(15)
    world.minute()
    for number in (12, 13):
        hold(world.buyer(number=number), "random 30")
    assert world.availability(raffle) == (0, 60, 40)
    assert_board_is_exact(world, raffle)


def test_h10_the_share_is_free_at_the_second_at_which_holds_end(world: World, lucia: Buyer) -> None:
    raffle = world.raffle(limited=True)
    for number in (10, 11):
        hold(world.buyer(number=number), "random 40")
    lucia.says("BIKE")
    assert "first-time buyers" in text_of(lucia.says("random 20"))
    world.clock.pass_minutes(15)  # the schedule has not run
    assert "holding" in text_of(lucia.says("random 20"))
    assert world.availability(raffle) == (80, 20, 0)


def test_h10_two_newcomers_at_once_do_not_pass_the_share_together(
    world: World, lucia: Buyer, marco: Buyer, requests: Requests
) -> None:
    raffle = world.raffle(limited=True)
    hold(world.buyer(number=10), "1-40")
    lucia.says("BIKE")
    marco.says("BIKE")
    requests.before_the_next_commit(lambda: marco.says("41-70"))
    assert "first-time buyers" in text_of(lucia.says("71-90"))
    assert world.availability(raffle) == (30, 70, 0)
    assert_board_is_exact(world, raffle)


def test_h10_a_newcomers_second_proof_does_not_stop_the_clock_but_is_kept(world: World, lucia: Buyer) -> None:
    raffle = world.raffle(limited=True)
    first = hold_and_prove(lucia, "1-20")
    second = hold_and_confirm(lucia, "21-40")
    answer = text_of(lucia.sends_proof(proof(2)))
    assert f"keep your payment proof for order *{second}*" in answer and "Held until" in answer
    assert world.order(second)["status"] == "PENDING_PAYMENT"
    world.clock.pass_minutes(15)
    world.minute()
    order = world.order(second)
    assert (order["status"], order["proof"] is not None, order["late"]) == ("LATE", True, True)
    assert "Your proof is kept" in text_of(lucia.heard[-1])
    assert world.order(first)["status"] == "IN_REVIEW"
    assert world.availability(raffle) == (80, 20, 0)
    assert_board_is_exact(world, raffle)


def test_h10_a_newcomers_second_proof_after_the_hold_ended_holds_nothing(world: World, lucia: Buyer) -> None:
    raffle = world.raffle(limited=True)
    hold_and_prove(lucia, "1-20")
    second = hold_and_confirm(lucia, "21-40")
    world.clock.pass_minutes(15)  # the schedule has not run yet
    lucia.sends_proof(proof(2))
    order = world.order(second)
    assert (order["status"], order["proof"] is not None) == ("LATE", True)
    assert world.availability(raffle) == (80, 20, 0)
    assert_board_is_exact(world, raffle)


def newcomers_hold(raffle: dict[str, Any]) -> dict[int, int]:
    """How many numbers count as held by newcomers, by tally."""
    return {tally: count for tally, count in raffles.board(raffle["id"]).newcomers.items() if count}


def test_h10_who_has_paid_meanwhile_adds_numbers_without_the_newcomers_limit(world: World, lucia: Buyer) -> None:
    world.raffle(limited=True, code="CAR")
    raffle = world.raffle(limited=True)
    order_id = hold(lucia, "1-39")
    buy(lucia, "1", "CAR")
    others = [hold(world.buyer(number=number), numbers) for number, numbers in ((10, "40-79"), (11, "80"))]
    assert newcomers_hold(raffle) == {0: 80}
    lucia.says(order_id)
    lucia.says("add number 90")
    assert world.order(order_id)["numbers"][-1] == 90
    assert newcomers_hold(raffle) == {0: 41}  # what she holds counts no more
    assert "holding" in text_of((lucia.says("BIKE"), world.buyer(number=12).says("BIKE 91-100"))[1])
    assert confirm_payment(world, order_id).status == 200
    for other in others:
        assert cancel(world, other).status == 200
    assert newcomers_hold(raffle) == {0: 10}
    assert_board_is_exact(world, raffle)


def test_h10_a_newcomer_whose_own_numbers_go_still_counts(world: World, lucia: Buyer) -> None:
    raffle = world.raffle(limited=True)
    order_id = hold(lucia, "1-20")
    lucia.says("remove number 20")
    assert newcomers_hold(raffle) == {0: 19}
    assert cancel(world, order_id).status == 200
    assert newcomers_hold(raffle) == {}


def test_h10_what_an_organiser_reassigns_is_not_limited_and_does_not_count(
    world: World, lucia: Buyer, marco: Buyer
) -> None:
    raffle = world.raffle(limited=True)
    order_id = late(lucia, marco, "1-10", taken="1-40")
    hold(world.buyer(number=10), "41-80")
    assert newcomers_hold(raffle) == {0: 80}
    reassign(world, order_id, list(range(81, 91)), paid=False)
    assert world.order(order_id)["status"] == "IN_REVIEW"
    assert newcomers_hold(raffle) == {0: 80}
    assert cancel(world, order_id).status == 200
    assert newcomers_hold(raffle) == {0: 80}
    assert_board_is_exact(world, raffle)


def test_h10_a_change_gets_the_room_of_holds_that_are_over(world: World, lucia: Buyer) -> None:
    raffle = world.raffle(limited=True)
    hold(world.buyer(number=10), "41-80")
    world.clock.pass_minutes(10)
    order_id = hold(lucia, "1-30")
    hold(world.buyer(number=11), "81-90")
    assert "first-time buyers" in text_of(lucia.says("add number 100"))
    world.clock.pass_minutes(5)  # the schedule has not run
    lucia.says("add number 100")
    assert world.order(order_id)["numbers"][-1] == 100
    assert newcomers_hold(raffle) == {0: 41}
    assert_board_is_exact(world, raffle)


def test_h10_a_change_gets_the_room_that_the_schedule_made_at_that_moment(
    world: World, lucia: Buyer, monkeypatch: pytest.MonkeyPatch
) -> None:
    raffle = world.raffle(limited=True)
    hold(world.buyer(number=10), "41-80")
    world.clock.pass_minutes(10)
    order_id = hold(lucia, "1-30")
    hold(world.buyer(number=11), "81-90")
    world.clock.pass_minutes(5)
    read = raffles.board

    def read_after_the_schedule(raffle_id: str) -> Board:
        world.minute()
        return read(raffle_id)

    monkeypatch.setattr(raffles, "board", read_after_the_schedule)
    lucia.says("add number 100")
    assert world.order(order_id)["numbers"][-1] == 100
    assert newcomers_hold(raffle) == {0: 41}


def test_h10_a_late_proof_gets_the_room_of_holds_that_are_over(world: World, lucia: Buyer) -> None:
    raffle = world.raffle(limited=True)
    order_id = hold_and_confirm(lucia, "1-10")
    world.clock.pass_minutes(15)
    world.minute()
    for number, numbers in ((10, "41-80"), (11, "11-40"), (12, "81-90")):
        hold(world.buyer(number=number), numbers)
    world.clock.pass_minutes(15)  # the schedule has not run
    lucia.sends_proof()
    assert world.order(order_id)["status"] == "IN_REVIEW"
    assert newcomers_hold(raffle) == {0: 10}
    assert_board_is_exact(world, raffle)


def test_h10_a_changed_order_counts_in_another_tally_if_its_own_is_full(world: World, lucia: Buyer) -> None:
    """A raffle of two pages has two tallies, with 20 numbers for newcomers in each."""
    raffle = world.raffle(limited=True, last_number=256, max_newcomer_percent=16)
    order_id = hold(lucia, "1-10")
    [own] = newcomers_hold(raffle)
    filled = hold(world.buyer(number=10), "101-120")
    hold(world.buyer(number=11), "201-210")
    assert newcomers_hold(raffle) == {0: 20, 1: 20}
    assert "first-time buyers" in text_of(lucia.says("add number 50"))
    assert cancel(world, filled).status == 200
    lucia.says("add number 50")
    assert world.order(order_id)["numbers"][-1] == 50
    assert newcomers_hold(raffle) == {own: 10, 1 - own: 11}
    assert cancel(world, order_id).status == 200
    assert newcomers_hold(raffle) == {own: 10}
    assert_board_is_exact(world, raffle)


# H11


def test_h11_after_three_holds_that_ended_unpaid_the_wait_grows(world: World, lucia: Buyer) -> None:
    raffle = world.raffle(limited=True)

    def let_it_end() -> None:
        hold(lucia, "#1")
        world.clock.pass_minutes(15)
        world.minute()

    for _ in range(3):
        let_it_end()
    for minutes in (5, 10, 20):
        world.clock.pass_minutes(minutes - 1)
        lucia.says("BIKE")
        assert "again from" in text_of(lucia.says("#1"))
        assert world.availability(raffle) == (100, 0, 0)
        world.clock.pass_minutes(1)
        let_it_end()


def test_h11_a_payment_ends_the_wait(world: World, lucia: Buyer) -> None:
    world.raffle(limited=True)
    kept = hold_and_prove(lucia, "1")
    for _ in range(3):
        hold(lucia, "#2")
        lucia.says("cancel")
        lucia.taps("Cancel it") if "Shall I cancel" in text_of(lucia.heard[-1]) else None
    lucia.says("BIKE")
    assert "again from" in text_of(lucia.says("#2"))
    assert confirm_payment(world, kept).status == 200
    lucia.says("BIKE")
    assert "holding" in text_of(lucia.says("#2"))


# H12


def test_h12_a_blocked_contact_loses_their_unpaid_orders_and_hears_one_sentence(
    world: World, lucia: Buyer, marco: Buyer
) -> None:
    raffle = world.raffle(limited=True)
    other = hold(marco, "50")
    paid = buy(lucia, "1")
    in_review = hold_and_prove(lucia, "2,3")
    held = hold(lucia, "4")
    path = f"/api/contacts/{contact_of(lucia.person).id}"
    heard = len(lucia.heard)
    answer = world.api("PATCH", path, {"blocked": True})
    assert (answer.status, answer.body["blocked_at"], answer.body["held"]) == (
        200, "2026-11-23T14:00:00Z", {raffle["id"]: 1},
    )  # fmt: skip
    statuses = [world.order(order_id)["status"] for order_id in (paid, in_review, held, other)]
    assert statuses == ["PAID", "CANCELLED", "CANCELLED", "DRAFT"]
    assert len(lucia.heard) == heard
    for text in ("hi", "BIKE", "random 3", "yes"):
        lucia.says(text)
    lucia.sends_proof(proof(3))
    assert [text_of(message) for message in lucia.heard[heard:]] == [
        "I can't sell you numbers here. Please talk to the organisers if you think this is a mistake."
    ]
    assert world.availability(raffle) == (98, 1, 1)
    assert_board_is_exact(world, raffle)
    world.api("PATCH", path, {"blocked": False})
    assert "holding" in text_of((lucia.says("BIKE"), lucia.says("#7"))[1])


def test_h12_an_order_that_is_held_while_somebody_is_blocked_is_cancelled_too(
    world: World, lucia: Buyer, requests: Requests
) -> None:
    raffle = world.raffle(limited=True)
    lucia.says("BIKE")
    path = f"/api/contacts/{contact_of(lucia.person).id}"
    requests.before_the_next_commit(lambda: world.api("PATCH", path, {"blocked": True}))
    lucia.says("random 3")
    assert world.availability(raffle) == (100, 0, 0)


def test_h12_what_there_is_no_time_for_is_cancelled_by_the_next_request(
    world: World, lucia: Buyer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each order takes six seconds to cancel, and the request has fifteen."""
    raffle = world.raffle()
    for number in range(1, 6):
        hold(lucia, f"#{number}")
    cancel_one = Settlement.cancel

    def cancel_slowly(self: Settlement, order_id: str, **named: Any) -> Order:
        world.clock.now += timedelta(seconds=6)
        return cancel_one(self, order_id, **named)

    monkeypatch.setattr(Settlement, "cancel", cancel_slowly)
    path = f"/api/contacts/{contact_of(lucia.person).id}"
    assert world.api("PATCH", path, {"blocked": True}).status == 429  # try again
    assert world.availability(raffle) == (98, 2, 0)
    assert world.api("PATCH", path, {"blocked": True}).status == 200
    assert world.availability(raffle) == (100, 0, 0)


# P10


def test_p10_after_two_rejected_proofs_there_is_no_fresh_hold(world: World, lucia: Buyer) -> None:
    raffle = world.raffle(limited=True)
    order_id = hold_and_prove(lucia, "1-40")
    reject(world, order_id)
    assert world.order(order_id)["status"] == "PENDING_PAYMENT"
    lucia.sends_proof(proof(2))
    reject(world, order_id, "a cat")
    order = world.order(order_id)
    assert (order["status"], order["rejections"]) == ("EXPIRED", 2)
    assert "either: a cat" in text_of(lucia.heard[-1]) and "free again" in text_of(lucia.heard[-1])
    assert world.availability(raffle) == (100, 0, 0)
    lucia.sends_proof(proof(3))  # money may have moved, so it is kept, but it holds nothing
    assert world.order(order_id)["status"] == "LATE"
    assert world.availability(raffle) == (100, 0, 0)
    assert_board_is_exact(world, raffle)


# P11


def test_p11_reviews_that_take_too_long_come_first_and_are_ended_in_bulk(
    world: World, lucia: Buyer, marco: Buyer
) -> None:
    raffle = world.raffle(limited=True)
    old = hold_and_prove(lucia, "1-40")
    world.clock.pass_minutes(60)
    young = hold_and_prove(marco, "41-50")
    world.clock.pass_minutes(30)
    lucia.sends_proof(proof(4))  # another proof does not move the order back in the queue
    pending = world.api("GET", "/api/orders/pending-payment").body["results"]
    assert [order["id"] for order in pending] == [old, young]
    world.clock.pass_minutes(48 * 60 - 90)
    for dry_run in (True, False):
        body = {"action": "end-review", "ids": [old, young], "dry_run": dry_run}
        answer = world.api("POST", "/api/orders/bulk", body)
        assert [(result["outcome"], result["code"]) for result in answer.body["results"]] == [
            ("done", None), ("refused", "review_not_over"),
        ]  # fmt: skip
    assert world.order(old)["status"] == "LATE"
    assert world.availability(raffle) == (90, 10, 0)
    assert_board_is_exact(world, raffle)


# What was stored before


@pytest.mark.parametrize("has_paid", [True, False])
def test_h10_who_paid_before_payments_were_kept_with_the_contact_is_no_newcomer(
    world: World, lucia: Buyer, has_paid: bool
) -> None:
    world.raffle(limited=True)
    (buy if has_paid else hold)(lucia, "1")
    record = ContactRecord.get(*contacts.key(contact_of(lucia.person).id))
    record.update([ContactRecord.has_paid.remove(), ContactRecord.unpaid.remove()])
    hold(lucia, "2")
    assert contact_of(lucia.person).has_paid is has_paid
