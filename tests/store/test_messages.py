"""The states of outbound messages, where two answers about the same message meet (M3)."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.domain.delivery import DeliveryState, Outbound, Queue
from chalicelib.store import messages
from chalicelib.store.transaction import ConditionsFailed, Transaction
from chalicelib.whatsapp.graph import NotSent
from tests.support.world import Buyer, World
from whatsapp_sandbox import webhooks

S = DeliveryState
FIRST, SECOND = "wamid.OUT1", "wamid.OUT2"  # WhatsApp's ids of two tries


@pytest.fixture
def waiting(world: World, lucia: Buyer) -> Outbound:
    """A reply that could not be sent, and is due by now."""
    world.graph.refuses = [NotSent("no connection")]
    lucia.says("menu")
    world.clock.pass_minutes(2)
    (found,) = messages.waiting(Queue.DUE, until=world.clock.now, limit=5)
    return found


@pytest.fixture
def moved(world: World, waiting: Outbound) -> Callable[..., bool]:
    """Have WhatsApp report a state of the message."""
    now = world.clock.now
    return lambda state, message_id=None: messages.advance(waiting.tag, state, now, message_id=message_id).moved


@pytest.fixture
def tried_again(world: World, waiting: Outbound) -> Callable[..., bool]:
    """Have the message sent once more, after a try that failed."""
    later = world.clock.now + timedelta(minutes=1)
    return lambda failed_id=None: messages.try_again(waiting, later, now=world.clock.now, failed_id=failed_id)


def stored(waiting: Outbound) -> Outbound:
    message = messages.get(waiting.tag)
    assert message
    return message


def test_m3_of_two_runs_that_found_a_message_one_sends_it(world: World, waiting: Outbound) -> None:
    assert messages.claim(waiting, world.clock.now)
    assert messages.claim(waiting, world.clock.now) is None


def test_m3_a_run_does_not_send_what_another_one_has_just_withheld(world: World, waiting: Outbound) -> None:
    """Its place in the queue may be the same: that of what is withheld is when it was made."""
    found = replace(waiting, due_at=waiting.created_at)
    messages.put_aside(waiting, Queue.WITHHELD, S.WITHHELD, world.clock.now)
    assert messages.claim(found, world.clock.now) is None


@pytest.mark.parametrize("failed_id", [None, FIRST])
def test_m3_a_message_that_was_delivered_meanwhile_is_not_sent_again(
    waiting: Outbound, moved: Callable[..., bool], tried_again: Callable[..., bool], failed_id: str | None
) -> None:
    moved(S.DELIVERED, FIRST)
    assert not tried_again(failed_id)
    assert (stored(waiting).state, stored(waiting).queue) == (S.DELIVERED, None)


def test_m3_the_failure_of_an_earlier_try_has_no_message_sent_again(
    world: World, waiting: Outbound, tried_again: Callable[..., bool]
) -> None:
    messages.mark_accepted(waiting, SECOND, world.clock.now)
    assert not tried_again(FIRST)
    assert (stored(waiting).state, stored(waiting).message_id) == (S.ACCEPTED, SECOND)


def test_m3_a_failure_that_is_reported_twice_has_a_message_sent_again_once(
    world: World, waiting: Outbound, tried_again: Callable[..., bool]
) -> None:
    messages.mark_accepted(waiting, FIRST, world.clock.now)
    assert tried_again(FIRST)
    assert not tried_again(FIRST)


def test_m3_a_failure_that_comes_before_we_have_stored_the_sending_has_the_message_sent_again_once(
    world: World, waiting: Outbound, tried_again: Callable[..., bool]
) -> None:
    assert tried_again(FIRST)
    messages.mark_accepted(waiting, FIRST, world.clock.now)
    assert (stored(waiting).state, stored(waiting).message_id) == (S.PENDING, None)


@pytest.mark.parametrize("state", [S.SENT, S.FAILED])
def test_m3_a_late_status_of_a_try_that_failed_moves_nothing(
    waiting: Outbound, moved: Callable[..., bool], tried_again: Callable[..., bool], state: DeliveryState
) -> None:
    assert tried_again(FIRST)
    assert not moved(state, FIRST)
    assert stored(waiting).state is S.PENDING


def test_m3_the_failure_of_another_try_does_not_replace_accepted(
    world: World, waiting: Outbound, moved: Callable[..., bool]
) -> None:
    messages.mark_accepted(waiting, SECOND, world.clock.now)
    assert not moved(S.FAILED, FIRST)
    assert stored(waiting).state is S.ACCEPTED


def test_m3_a_failure_that_comes_before_we_have_stored_the_sending_is_stored(
    waiting: Outbound, moved: Callable[..., bool]
) -> None:
    assert moved(S.FAILED, FIRST)
    assert stored(waiting).queue is Queue.UNDELIVERED


def test_m3_a_state_only_moves_forwards(waiting: Outbound, moved: Callable[..., bool]) -> None:
    assert moved(S.READ, FIRST)
    for earlier in (S.ACCEPTED, S.SENT, S.DELIVERED, S.FAILED):
        assert not moved(earlier, FIRST)
    assert stored(waiting).state is S.READ


def test_m3_a_message_that_was_given_up_meanwhile_no_longer_waits(
    world: World, waiting: Outbound, moved: Callable[..., bool]
) -> None:
    moved(S.FAILED)
    messages.postpone(waiting, world.clock.now + timedelta(minutes=1), None)
    assert stored(waiting).queue is Queue.UNDELIVERED


@pytest.mark.parametrize("state", [S.WITHHELD, S.FAILED])
def test_m3_a_message_that_was_delivered_meanwhile_is_not_called_unsent(
    world: World, waiting: Outbound, moved: Callable[..., bool], state: DeliveryState
) -> None:
    moved(S.DELIVERED, FIRST)
    messages.put_aside(waiting, Queue.WITHHELD, state, world.clock.now)
    assert (stored(waiting).state, stored(waiting).queue) == (S.DELIVERED, None)


def test_m3_a_message_that_arrives_meanwhile_is_not_sent_again_although_an_organiser_asked_for_it(
    world: World, waiting: Outbound, moved: Callable[..., bool]
) -> None:
    moved(S.FAILED)
    asked = Transaction()
    messages.start_again(asked, stored(waiting), world.clock.now)
    moved(S.DELIVERED)
    with pytest.raises(ConditionsFailed):
        asked.commit()


def test_m3_a_message_that_a_status_settles_meanwhile_is_not_left_unknown(
    world: World, waiting: Outbound, moved: Callable[..., bool]
) -> None:
    moved(S.DELIVERED, FIRST)
    messages.leave_unknown(waiting, world.clock.now)
    assert stored(waiting).queue is None


@pytest.fixture
def left_unknown(world: World, waiting: Outbound) -> Outbound:
    """The message, after nobody learned what became of it."""
    messages.try_again(waiting, world.clock.now, now=world.clock.now, state=S.UNKNOWN)
    messages.leave_unknown(waiting, world.clock.now)
    return stored(waiting)


def once_more(world: World, message: Outbound) -> bool:
    return messages.try_once_more(message, world.clock.now + timedelta(minutes=5), world.clock.now)


def test_m3_a_message_that_was_left_unknown_is_sent_once_more_once(world: World, left_unknown: Outbound) -> None:
    assert [found.id for found in messages.left_unknown(left_unknown.created_at)] == [left_unknown.id]
    assert once_more(world, left_unknown)
    messages.leave_unknown(left_unknown, world.clock.now)
    assert stored(left_unknown).queue is Queue.UNDELIVERED
    assert not once_more(world, left_unknown)
    assert messages.left_unknown(left_unknown.created_at) == []


def test_m3_a_message_that_whatsapp_refused_meanwhile_is_not_sent_once_more(
    world: World, left_unknown: Outbound, moved: Callable[..., bool]
) -> None:
    moved(S.FAILED)
    assert not once_more(world, left_unknown)
    assert (stored(left_unknown).state, stored(left_unknown).queue) == (S.FAILED, Queue.UNDELIVERED)


def test_m3_a_message_that_still_waits_for_its_outcome_is_not_sent_once_more(world: World, waiting: Outbound) -> None:
    messages.try_again(waiting, world.clock.now, now=world.clock.now, state=S.UNKNOWN)
    assert not once_more(world, waiting)


@pytest.mark.parametrize("meanwhile", ["it is claimed", "it may have been sent"])
def test_m8_a_message_that_is_being_sent_is_not_taken_back(world: World, waiting: Outbound, meanwhile: str) -> None:
    """Its place in the queue may be the same after a try."""
    assert waiting.due_at
    taking_back = Transaction()
    messages.withdraw(taking_back, waiting, world.clock.now)
    if meanwhile == "it is claimed":
        messages.claim(waiting, world.clock.now)
    else:
        messages.try_again(waiting, waiting.due_at, now=world.clock.now, state=S.UNKNOWN)
    with pytest.raises(ConditionsFailed):
        taking_back.commit()


def test_nothing_is_sent_before_it_is_due(world: World, waiting: Outbound) -> None:
    assert waiting.due_at
    assert messages.waiting(Queue.DUE, until=waiting.due_at - timedelta(seconds=1), limit=5) == []


def decide(world: World, inbound_id: str) -> None:
    transaction = Transaction()
    messages.record_decision(transaction, inbound_id, world.clock.now)
    transaction.commit()


def test_o11_a_decision_is_recorded_once(world: World, lucia: Buyer) -> None:
    body = webhooks.text_message(lucia.person, "hi", message_id="wamid.INTAP", at=world.at)
    lucia.sends(body)
    inbound_id = messages.inbound_id(world.container.settings.WHATSAPP_PHONE_NUMBER_ID, "wamid.INTAP")
    decide(world, inbound_id)
    with pytest.raises(ConditionsFailed) as failed:
        decide(world, inbound_id)
    assert failed.value.named(messages.DECIDED)


def test_o11_a_decision_needs_the_message_that_it_came_with(world: World) -> None:
    with pytest.raises(ConditionsFailed):
        decide(world, "0" * 32)
