"""The reminder five minutes before a hold ends."""

import pytest

from chalicelib.store import orders
from tests.support.request_counts import Requests
from tests.support.steps import hold, hold_and_confirm, reject
from tests.support.world import Buyer, World, buttons_of, text_of


def reminders(buyer: Buyer) -> list[str]:
    return [text_of(message) for message in buyer.heard if "ends soon" in text_of(message)]


def test_a_buyer_is_reminded_once_five_minutes_before_the_end(world: World, lucia: Buyer) -> None:
    world.raffle()
    hold(lucia, "5,12")
    world.clock.pass_minutes(9)
    world.minute()
    assert reminders(lucia) == []
    for _ in range(5):
        world.clock.pass_minutes(1)
        world.minute()
    assert len(reminders(lucia)) == 1
    assert "005, 012" in reminders(lucia)[0]
    assert "5 minutes" in reminders(lucia)[0]
    assert buttons_of(lucia.heard[-1]) == ["Confirm", "More time", "Cancel"]


def test_a_buyer_who_has_confirmed_is_asked_for_the_proof(world: World, lucia: Buyer) -> None:
    world.raffle()
    hold(lucia, "5")
    lucia.says("confirm")
    world.clock.pass_minutes(11)
    world.minute()
    assert "Send a photo or PDF" in reminders(lucia)[0]


def test_a_buyer_who_has_sent_the_proof_gets_no_reminder(world: World, lucia: Buyer) -> None:
    world.raffle()
    hold(lucia, "5")
    lucia.sends_proof()
    world.clock.pass_minutes(11)
    world.minute()
    assert reminders(lucia) == []


@pytest.mark.parametrize("minutes", [5, 9, None])
def test_a_short_or_endless_hold_has_no_reminder(world: World, lucia: Buyer, minutes: int | None) -> None:
    world.raffle(hold_minutes=minutes)
    hold(lucia, "5")
    for _ in range(4):
        world.clock.pass_minutes(1)
        world.minute()
    assert reminders(lucia) == []


# What the order was when the run read it is not what it is when the reminder is stored:


def test_a_buyer_who_confirms_at_that_moment_is_not_reminded_to_confirm(
    world: World, lucia: Buyer, requests: Requests
) -> None:
    world.raffle()
    hold(lucia, "5")
    world.clock.pass_minutes(11)
    requests.before_the_next_commit(lambda: lucia.says("confirm"))
    for _ in range(2):  # the run may have looked at the confirmed ones before
        world.minute()
        world.clock.pass_minutes(1)
    [reminder] = reminders(lucia)
    assert "Send a photo or PDF" in reminder


def test_a_buyer_whose_proof_is_rejected_at_that_moment_is_not_reminded_of_the_old_deadline(
    world: World, lucia: Buyer, requests: Requests
) -> None:
    world.raffle()
    order_id = hold_and_confirm(lucia, "5")
    world.clock.pass_minutes(11)

    def sends_what_is_rejected() -> None:
        lucia.sends_proof()
        reject(world, order_id)

    requests.before_the_next_commit(sends_what_is_rejected)
    world.minute()
    assert reminders(lucia) == []


def test_two_runs_at_the_same_moment_remind_a_buyer_once(world: World, lucia: Buyer, requests: Requests) -> None:
    world.raffle()
    hold(lucia, "5")
    world.clock.pass_minutes(11)
    requests.before_the_next_commit(world.minute)
    world.minute()
    assert len(reminders(lucia)) == 1


# A reminder asks last, so a yes answers it:


def until_reminded(world: World, buyer: Buyer) -> None:
    """Let the time pass until the buyer is reminded."""
    count = len(reminders(buyer))
    while len(reminders(buyer)) == count:
        world.clock.pass_minutes(1)
        world.minute()


def status(world: World, order_id: str) -> str:
    return str(world.order(order_id)["status"])


def test_a_yes_after_a_reminder_is_about_the_order_of_the_reminder(world: World, lucia: Buyer) -> None:
    world.raffle()
    older = hold(lucia, "5")
    world.clock.pass_minutes(1)
    newer = hold(lucia, "6")
    until_reminded(world, lucia)
    lucia.says("yes")
    assert (status(world, older), status(world, newer)) == ("PENDING_PAYMENT", "DRAFT")


def test_a_yes_after_a_reminder_cancels_nothing(world: World, lucia: Buyer) -> None:
    world.raffle()
    order_id = hold_and_confirm(lucia, "5")
    assert "Shall I cancel it?" in text_of(lucia.says("please cancel my order"))
    until_reminded(world, lucia)
    assert "is waiting for your payment" in text_of(lucia.says("yes"))
    assert status(world, order_id) == "PENDING_PAYMENT"


def test_a_no_after_a_reminder_of_another_order_is_asked_about(world: World, lucia: Buyer) -> None:
    world.raffle()
    older = hold(lucia, "5")
    world.clock.pass_minutes(1)
    newer = hold(lucia, "6")
    until_reminded(world, lucia)
    assert f"You have order {older}: 005. Shall I cancel it?" in text_of(lucia.says("no"))
    lucia.says("yes")
    assert (status(world, older), status(world, newer)) == ("CANCELLED", "DRAFT")


def test_m7_a_yes_from_before_the_reminder_confirms_nothing(world: World, lucia: Buyer) -> None:
    world.raffle()
    older = hold(lucia, "5")
    world.clock.pass_minutes(1)
    newer = hold(lucia, "6")
    until_reminded(world, lucia)
    lucia.says("yes", at=world.at - 30)
    assert (status(world, older), status(world, newer)) == ("DRAFT", "DRAFT")


def test_whoever_asked_for_no_messages_was_not_reminded_so_a_yes_answers_what_was_asked(
    world: World, lucia: Buyer
) -> None:
    world.raffle()
    older = hold(lucia, "5")
    world.clock.pass_minutes(1)
    newer = hold(lucia, "6")
    lucia.says("STOP")
    world.clock.pass_minutes(9.5)  # the older one's reminder is due, the newer one's is not
    world.minute()
    assert orders.get(older).reminded_at is not None
    assert reminders(lucia) == []
    lucia.says("confirm")
    assert (status(world, older), status(world, newer)) == ("DRAFT", "PENDING_PAYMENT")


@pytest.mark.parametrize("asked", [False, True])
def test_a_reminder_takes_as_many_requests_whatever_was_asked_before(
    world: World, lucia: Buyer, requests: Requests, asked: bool
) -> None:
    world.raffle()
    hold(lucia, "5")
    if asked:
        assert "Shall I cancel it?" in text_of((lucia.says("BIKE"), lucia.says("I think I want to cancel"))[1])
    world.clock.pass_minutes(11)
    assert len(requests.during(world.minute)) == 12
    assert len(reminders(lucia)) == 1
