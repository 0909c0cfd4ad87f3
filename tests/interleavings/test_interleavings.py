"""What two operations leave behind, in every order in which their requests to DynamoDB can come."""

from collections.abc import Callable
from functools import partial
from os import environ
from typing import Any

import pytest

from chalicelib.domain.decisions import Act, RejectReason
from chalicelib.domain.messages import IncomingMessage, MessageKind
from chalicelib.domain.organisers import COMMAND_LINE
from chalicelib.store import audit, board, contacts, messages, orders
from chalicelib.store.transaction import Transaction
from tests.support.expired_holds import expire_order
from tests.support.interleavings.stage import Stage
from tests.support.receipts import picture

soak = pytest.mark.skipif(not environ.get("TOMBOLA_SOAK"), reason="a minute long; TOMBOLA_SOAK=1 runs it")


def test_h2_a_number_that_two_ask_for_goes_to_one_of_them(stage: Stage) -> None:
    stage.scene.open()
    stage.lucia.says("BIKE")
    stage.marco.says("BIKE")
    assert stage.endings(partial(stage.lucia.says, "7"), partial(stage.marco.says, "6, 7")) == {
        "lucia's DRAFT; lucia: held; marco: taken",
        "lucia: taken; marco's DRAFT; marco: held",
    }


def test_h1_two_overlapping_orders_never_split_each_other(stage: Stage) -> None:
    stage.scene.open()
    stage.lucia.says("BIKE")
    stage.marco.says("BIKE")
    assert stage.endings(partial(stage.lucia.says, "3, 7"), partial(stage.marco.says, "7, 3")) == {
        "lucia's DRAFT; lucia: held; marco: taken",
        "lucia: taken; marco's DRAFT; marco: held",
    }


def test_h2_two_buyers_of_neighbouring_numbers_both_get_theirs(stage: Stage) -> None:
    stage.scene.open()
    stage.lucia.says("BIKE")
    stage.marco.says("BIKE")
    assert stage.endings(partial(stage.lucia.says, "7"), partial(stage.marco.says, "8")) == {
        "lucia's DRAFT; lucia: held; marco's DRAFT; marco: held"
    }


def test_h5_random_numbers_for_two_when_too_few_are_left_for_both(stage: Stage) -> None:
    stage.scene.open(numbers=3)
    stage.lucia.says("BIKE")
    stage.marco.says("BIKE")
    assert stage.endings(partial(stage.lucia.says, "random 2"), partial(stage.marco.says, "random 2")) == {
        "lucia's DRAFT; lucia: held; marco: too few",
        "lucia: too few; marco's DRAFT; marco: held",
    }


@soak
def test_h4_a_number_of_an_ended_hold_that_two_ask_for_goes_to_one(stage: Stage) -> None:
    stage.scene.open()
    nina = stage.visitor("nina")
    stage.hold(nina)
    stage.lucia.says("BIKE")
    stage.marco.says("BIKE")
    stage.scene.pass_time(minutes=15)
    assert stage.endings(partial(stage.lucia.says, "7"), partial(stage.marco.says, "7")) == {
        "lucia's DRAFT; lucia: held; marco: taken; nina's EXPIRED; nina: expired",
        "lucia: taken; marco's DRAFT; marco: held; nina's EXPIRED; nina: expired",
    }


def test_h6_two_messages_of_one_contact_together_stay_within_the_limit(stage: Stage) -> None:
    stage.scene.open(max_per_contact=3)
    stage.lucia.says("BIKE")
    assert stage.endings(*[partial(stage.lucia.taps, stage.random_two)] * 2) == {
        "lucia's DRAFT; lucia: held; lucia: limit"
    }


def test_m1_a_message_delivered_twice_at_once_takes_effect_once(stage: Stage) -> None:
    stage.scene.open()
    stage.lucia.says("BIKE")
    message = stage.lucia.message(IncomingMessage(kind=MessageKind.TEXT, text="7"))
    assert stage.endings(*[partial(stage.lucia.sends, message)] * 2) == {"lucia's DRAFT; lucia: held"}


def test_m2_the_first_two_messages_of_somebody_make_one_contact(stage: Stage) -> None:
    stage.scene.open()
    assert stage.endings(partial(stage.lucia.says, "BIKE"), partial(stage.lucia.says, "blah blah")) == {
        "lucia: menu; lucia: raffle",
        "lucia: raffle; lucia: unclear",
    }


def test_p4_expiry_against_confirming_has_one_winner(stage: Stage) -> None:
    stage.scene.open()
    order = stage.hold(stage.lucia)
    stage.scene.pass_time(minutes=15)
    assert stage.endings(stage.expires(order), stage.confirms(order)) == {
        "lucia's EXPIRED; lucia: expired; refused: order_out_of_turn",
        "lucia's PAID; lucia: paid",
    }


def test_p4_two_confirmations_at_once_succeed_and_the_buyer_hears_it_once(stage: Stage) -> None:
    stage.scene.open()
    order = stage.hold(stage.lucia)
    assert stage.endings(*[stage.confirms(order)] * 2) == {"lucia's PAID; lucia: paid"}


def test_p3_confirming_against_an_organisers_cancel_has_one_winner(stage: Stage) -> None:
    stage.scene.open()
    order = stage.hold(stage.lucia)
    assert stage.endings(stage.confirms(order), stage.cancels(order)) == {
        "lucia's CANCELLED; lucia: cancelled by organiser; refused: order_out_of_turn",
        "lucia's PAID; lucia: paid; refused: order_out_of_turn",
    }


def test_p3_confirming_against_the_buyers_cancel_has_one_winner(stage: Stage) -> None:
    stage.scene.open()
    order = stage.hold(stage.lucia)
    assert stage.endings(stage.confirms(order), partial(stage.lucia.taps, f"cancel:{order}")) == {
        "lucia's CANCELLED; lucia: cancelled; refused: order_out_of_turn",
        "lucia's PAID; lucia: not cancelled; lucia: paid",
    }


def test_p3_two_cancels_free_the_numbers_once(stage: Stage) -> None:
    stage.scene.open()
    order = stage.hold(stage.lucia)
    assert stage.endings(stage.cancels(order), partial(stage.lucia.taps, f"cancel:{order}")) == {
        "lucia's CANCELLED; lucia: cancelled",
        "lucia's CANCELLED; lucia: cancelled by organiser; lucia: not cancelled",
    }


def test_p3_a_cancel_against_expiry_frees_the_numbers_once(stage: Stage) -> None:
    stage.scene.open()
    order = stage.hold(stage.lucia)
    stage.scene.pass_time(minutes=15)
    assert stage.endings(stage.cancels(order), stage.expires(order)) == {
        "lucia's CANCELLED; lucia: cancelled by organiser",
        "lucia's EXPIRED; lucia: expired; refused: order_out_of_turn",
    }


def test_p5_a_proof_that_comes_as_the_hold_ends_is_never_lost(stage: Stage) -> None:
    stage.scene.open()
    order = stage.hold(stage.lucia)
    stage.scene.pass_time(minutes=15)
    assert stage.endings(stage.expires(order), stage.lucia.sends_proof) == {
        "Olga: notice; lucia's IN_REVIEW; lucia: in review",
        "Olga: notice; lucia's IN_REVIEW; lucia: expired; lucia: in review",  # held again
    }


def test_p5_two_proofs_at_once_are_both_kept(stage: Stage) -> None:
    stage.scene.open()
    stage.hold(stage.lucia)
    assert stage.endings(*[stage.lucia.sends_proof] * 2) == {
        "Olga: notice; lucia's IN_REVIEW with 2 proofs; lucia: in review"
    }


def test_p5_a_late_proof_against_a_takeover(stage: Stage) -> None:
    stage.scene.open()
    order = stage.hold(stage.lucia)
    stage.marco.says("BIKE")
    stage.scene.pass_time(minutes=15)
    expire_order(stage.scene.container, order)
    assert stage.endings(partial(stage.marco.says, "7"), stage.lucia.sends_proof) == {
        "Olga: notice; lucia's IN_REVIEW; lucia: in review; marco: taken",
        "Olga: notice of a late proof; lucia's LATE; lucia: late; marco's DRAFT; marco: held",
    }


@soak
def test_p5_a_proof_for_a_hold_that_is_over_against_a_takeover(stage: Stage) -> None:
    stage.scene.open()
    stage.hold(stage.lucia)
    stage.marco.says("BIKE")
    stage.scene.pass_time(minutes=15)
    assert stage.endings(partial(stage.marco.says, "7"), stage.lucia.sends_proof) == {
        "Olga: notice; lucia's IN_REVIEW; lucia: in review; marco: taken",
        "Olga: notice; lucia's IN_REVIEW; lucia: expired; lucia: in review; marco: taken",
        "Olga: notice of a late proof; lucia's LATE; lucia: expired; lucia: late; marco's DRAFT; marco: held",
    }


def test_p5_a_proof_against_confirming_ends_paid(stage: Stage) -> None:
    stage.scene.open()
    order = stage.hold(stage.lucia)
    assert stage.endings(stage.confirms(order), stage.lucia.sends_proof) == {
        "Olga: notice; lucia's PAID; lucia: in review; lucia: paid",
        "Olga: notice; lucia's PAID; lucia: file kept; lucia: paid",
    }


def test_p5_a_proof_against_an_organisers_cancel_is_kept(stage: Stage) -> None:
    stage.scene.open()
    order = stage.hold(stage.lucia)
    assert stage.endings(stage.cancels(order), stage.lucia.sends_proof) == {
        "Olga: notice; lucia's CANCELLED; lucia: cancelled by organiser; lucia: in review",
        "Olga: notice of a late proof; lucia's LATE; lucia: cancelled by organiser; lucia: kept",
    }


def test_h3_two_runs_of_the_schedule_end_a_hold_once(stage: Stage) -> None:
    stage.scene.open()
    order = stage.hold(stage.lucia)
    stage.scene.pass_time(minutes=15)
    assert stage.endings(stage.expires(order), stage.expires(order)) == {"lucia's EXPIRED; lucia: expired"}
    assert stage.endings(stage.schedule, stage.schedule) == {"lucia's EXPIRED; lucia: expired"}


def test_h3_the_reminder_against_confirming(stage: Stage) -> None:
    stage.scene.open()
    order = stage.hold(stage.lucia)
    stage.scene.pass_time(minutes=11)
    assert stage.endings(stage.schedule, stage.confirms(order)) == {
        "lucia's PAID; lucia: paid",
        "lucia's PAID; lucia: paid; lucia: reminder",
    }


# What organisers settle


def test_p2_two_rejections_at_once_start_the_clock_once(stage: Stage) -> None:
    stage.scene.open()
    order = stage.hold(stage.lucia)
    stage.lucia.sends_proof()
    assert stage.endings(*[stage.rejects(order)] * 2) == {"lucia's PENDING_PAYMENT; lucia: rejected"}


def in_review(stage: Stage) -> str:
    stage.scene.open()
    order = stage.hold(stage.lucia)
    stage.lucia.says("confirm")
    stage.lucia.sends_proof()
    return order


def test_o11_a_decision_that_is_delivered_twice_at_once_is_carried_out_once(stage: Stage) -> None:
    order = in_review(stage)
    approves = stage.decides(Act.APPROVE, order)
    assert stage.endings(approves, approves) == {"Olga: decided; lucia's PAID; lucia: paid"}


def test_o11_of_two_decisions_at_once_one_is_first_and_each_is_answered(stage: Stage) -> None:
    order = in_review(stage)
    approves, rejects = stage.decides(Act.APPROVE, order), stage.decides(Act.REJECT, order, RejectReason.USED)
    assert stage.endings(approves, rejects) == {
        "Olga: decided; Olga: decided; lucia's PAID; lucia: paid",
        "Olga: decided; Olga: decided; lucia's PENDING_PAYMENT; lucia: rejected",
    }


def test_o11_a_proof_that_comes_while_one_is_approved_is_shown_first_or_comes_after(stage: Stage) -> None:
    order = in_review(stage)
    stage.scene.graph.files["other"] = picture()
    other = partial(stage.lucia.sends_proof, file="other")
    assert stage.endings(stage.decides(Act.APPROVE, order), other) == {
        "Olga: decided; Olga: notice; lucia's PAID with 2 proofs; lucia: paid",
        "Olga: newer proof; lucia's IN_REVIEW with 2 proofs",
    }


def test_p2_confirming_against_rejecting_has_one_winner_or_both_in_turn(stage: Stage) -> None:
    stage.scene.open()
    order = stage.hold(stage.lucia)
    stage.lucia.sends_proof()
    assert stage.endings(stage.rejects(order), stage.confirms(order)) == {
        "lucia's PAID; lucia: paid; refused: order_out_of_turn",
        "lucia's PAID; lucia: paid; lucia: rejected",
    }


def test_p2_another_proof_as_the_first_is_rejected_is_kept(stage: Stage) -> None:
    stage.scene.open()
    order = stage.hold(stage.lucia)
    stage.lucia.sends_proof()
    assert stage.endings(stage.rejects(order), stage.lucia.sends_proof) == {
        "Olga: notice; lucia's IN_REVIEW with 2 proofs; lucia: in review; lucia: rejected",
        "lucia's PENDING_PAYMENT with 2 proofs; lucia: rejected",
    }


def test_p3_two_refunds_free_the_numbers_once(stage: Stage) -> None:
    stage.scene.open()
    order = stage.hold(stage.lucia)
    stage.settlement.confirm_payment(order, by=COMMAND_LINE)
    assert stage.endings(*[stage.refunds(order)] * 2) == {"lucia's REFUNDED; lucia: refunded"}


def test_p3_a_refund_against_confirming_comes_after_it_or_too_early(stage: Stage) -> None:
    stage.scene.open()
    order = stage.hold(stage.lucia)
    assert stage.endings(stage.refunds(order), stage.confirms(order)) == {
        "lucia's PAID; lucia: paid; refused: order_out_of_turn",
        "lucia's REFUNDED; lucia: paid; lucia: refunded",
    }


def test_p3_refunded_numbers_can_be_bought_at_once(stage: Stage) -> None:
    stage.scene.open()
    order = stage.hold(stage.lucia)
    stage.settlement.confirm_payment(order, by=COMMAND_LINE)
    stage.marco.says("BIKE")
    assert stage.endings(stage.refunds(order), partial(stage.marco.says, "7")) == {
        "lucia's REFUNDED; lucia: refunded; marco's DRAFT; marco: held",
        "lucia's REFUNDED; lucia: refunded; marco: taken",
    }


def test_p5_a_late_order_is_refunded_or_reassigned_and_then_refunded(stage: Stage) -> None:
    stage.scene.open()
    order = stage.is_late(stage.lucia)
    assert stage.endings(stage.refunds(order), stage.reassigns(order, [8])) == {
        "lucia's REFUNDED; lucia: reassigned; lucia: refunded",
        "lucia's REFUNDED; lucia: refunded; refused: order_out_of_turn",
    }


def test_p5_two_reassignments_at_once_give_one_set_of_numbers(stage: Stage) -> None:
    stage.scene.open()
    order = stage.is_late(stage.lucia)
    assert stage.endings(stage.reassigns(order, [8]), stage.reassigns(order)) == {
        "lucia's PAID; lucia: reassigned; refused: order_out_of_turn"
    }


def test_p5_a_number_reassigned_and_held_at_once_goes_to_one(stage: Stage) -> None:
    stage.scene.open()
    order = stage.is_late(stage.lucia)
    stage.marco.says("BIKE")
    assert stage.endings(stage.reassigns(order, [8]), partial(stage.marco.says, "8")) == {
        "lucia's LATE; marco's DRAFT; marco: held; refused: numbers_taken",
        "lucia's PAID; lucia: reassigned; marco: taken",
    }


def test_p5_two_late_orders_of_one_contact_stay_within_the_limit(stage: Stage) -> None:
    """H6"""
    stage.scene.open(max_per_contact=1)
    first, second = stage.is_late(stage.lucia, "7"), stage.is_late(stage.lucia, "8")
    assert stage.endings(stage.reassigns(first), stage.reassigns(second)) == {
        "lucia's LATE; lucia's PAID; lucia: reassigned; refused: too_many_for_contact"
    }


# Controls: what the conditions are for, and that the search finds what is wrong without them.


def without(patch: pytest.MonkeyPatch, *conditions: str) -> None:
    """The product without its conditions of these names."""
    for method in ("put", "update", "delete"):
        patch.setattr(Transaction, method, _careless(getattr(Transaction, method), conditions))


def _careless(write: Callable[..., None], conditions: tuple[str, ...]) -> Callable[..., None]:
    def careless(*given: Any, name: str = "", only_if: Any = None) -> None:
        write(*given, name=name, only_if=None if name in conditions else only_if)

    return careless


def test_h2_control_without_the_tickets_condition_a_number_is_sold_twice(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.scene.open()
    stage.lucia.says("BIKE")
    stage.marco.says("BIKE")
    without(monkeypatch, board.TICKET)
    found = stage.search(partial(stage.lucia.says, "7"), partial(stage.marco.says, "7"))
    assert "a number has two owners" in found.faults
    assert "lucia's DRAFT; lucia: held; marco's DRAFT; marco: held" in found.endings


def test_p4_control_without_the_orders_condition_a_paid_order_loses_its_numbers(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.scene.open()
    order = stage.hold(stage.lucia)
    stage.scene.pass_time(minutes=15)
    without(monkeypatch, orders.ORDER)
    found = stage.search(stage.expires(order), stage.confirms(order))
    assert {"tickets differ from orders", "sold bits differ from orders"} <= found.faults


def test_p5_control_without_the_contacts_condition_a_proof_is_lost(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.scene.open()
    stage.hold(stage.lucia)
    without(monkeypatch, contacts.CONTACT)
    found = stage.search(*[stage.lucia.sends_proof] * 2)
    assert "P5: a proof belongs to no order, and its sender does not know" in found.faults


def test_p3_a_refund_is_conditioned_on_the_status_that_was_read(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a LATE order it frees nothing, of a PAID one its numbers; and the order may come from one to the other."""
    stage.scene.open()
    order = stage.is_late(stage.lucia)
    without(monkeypatch, contacts.CONTACT, audit.AUDIT)
    found = stage.search(stage.refunds(order), stage.reassigns(order, [8]))
    assert "tickets differ from orders" not in found.faults


def test_m1_control_without_the_messages_condition_it_takes_effect_twice(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.scene.open()
    stage.lucia.says("BIKE")
    message = stage.lucia.message(IncomingMessage(kind=MessageKind.CHOICE, choice=stage.random_two))
    without(monkeypatch, messages.INBOUND, contacts.CONTACT)
    found = stage.search(*[partial(stage.lucia.sends, message)] * 2)
    assert "M1: a message was answered 2 times" in found.faults


def test_the_pruned_search_finds_every_state_that_the_whole_one_finds(stage: Stage) -> None:
    stage.scene.open()
    order = stage.hold(stage.lucia)
    operations = stage.confirms(order), stage.cancels(order)
    whole, pruned = stage.search(*operations, pruned=False), stage.search(*operations)
    # The one that commits first wins, in four steps, the third of which is the commit. If the other one has read the
    # order before that, it takes four steps as well: its commit fails, it reads the order again and is refused. There
    # are 30 orders of these eight steps. If it reads the order only afterwards, it is refused at once, before or after
    # the winner's last step. Either of the two may win.
    assert whole.schedules == 2 * (30 + 2)
    assert pruned.begun < whole.begun / 3
    assert pruned.states == whole.states
