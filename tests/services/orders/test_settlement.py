"""P2, P3 and P5: what organisers settle by hand, and what is refused with a way out."""

from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.domain.orders import Order, OrderStatus
from chalicelib.domain.organisers import COMMAND_LINE
from chalicelib.domain.refusals import (
    ContactErased,
    NumbersInvalid,
    NumbersTaken,
    OrderNotFound,
    OrderOutOfTurn,
    ProofNotSeen,
    RaffleOutOfTurn,
    Refusal,
    ReviewNotOver,
    TooFewFree,
    TooManyForContact,
)
from chalicelib.services.orders.settlement import SAME_REQUEST
from chalicelib.store import channel as channels
from chalicelib.store import orders, raffles
from chalicelib.store.order_context import load_context
from chalicelib.store.records import OrderRecord, RaffleRecord
from chalicelib.store.transaction import Transaction, Unsure
from chalicelib.whatsapp.templates import DEFINITIONS
from tests.support.races.findings import differences
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
    refund,
    reject,
)
from tests.support.world import PNG, Buyer, Json, World, text_of

REASON = "the amount cannot be read"
STEPS: dict[str, Callable[[World, str], object]] = {
    "confirm": confirm_payment,
    "cancel": cancel,
    "reject": reject,
    "refund": refund,
    "reassign": reassign,
}


def exact(world: World, raffle: Json) -> bool:
    assert_board_is_exact(world, raffle)
    return differences(raffles.get(raffle["id"])) == []


def held_by(world: World, order: Json | Order, raffle: Json) -> int:
    """How many numbers the order's contact counts as theirs."""
    found = load_context(order) if isinstance(order, Order) else None
    assert found is not None
    return found.contact.held.get(raffle["id"], 0)


def hears(buyer: Buyer) -> str:
    return text_of(buyer.heard[-1])


def out_of_turn(do: Callable[[], object]) -> str:
    with pytest.raises(OrderOutOfTurn) as refusal:
        do()
    return str(refusal.value)


# P2


def test_p2_the_buyer_reads_why_a_proof_was_rejected_and_the_clock_restarts(world: World, lucia: Buyer) -> None:
    raffle = world.raffle()
    order_id = hold_and_prove(lucia)
    world.clock.pass_minutes(60)
    rejected = reject(world, order_id, REASON + ".")
    assert (rejected.status, rejected.rejected_reason) == ("PENDING_PAYMENT", REASON + ".")
    assert world.order(order_id)["reserved_until"] == "2026-11-23T15:15:00Z"
    assert world.order(order_id)["rejected_at"] == "2026-11-23T15:00:00Z"
    assert f"{REASON}.\n" in hears(lucia)
    assert "Held until 15:15 (15 minutes)" in hears(lucia)
    assert exact(world, raffle)


def test_p2_another_proof_is_accepted_and_confirmed(world: World, lucia: Buyer) -> None:
    raffle = world.raffle()
    order_id = hold_and_prove(lucia)
    reject(world, order_id)
    lucia.sends_proof()
    assert world.order(order_id)["status"] == "IN_REVIEW"
    assert world.order(order_id)["rejected_reason"] == REASON  # of the one before
    assert confirm_payment(world, order_id).body["status"] == "PAID"
    assert exact(world, raffle)


def test_p2_the_new_hold_has_a_reminder_and_an_end_like_any_other(world: World, lucia: Buyer) -> None:
    raffle = world.raffle()
    order_id = hold_and_confirm(lucia)
    world.clock.pass_minutes(11)
    world.minute()
    assert "ends soon" in hears(lucia)
    lucia.sends_proof()
    reject(world, order_id)
    world.clock.pass_minutes(9)
    world.minute()
    assert "could not accept" in hears(lucia)
    world.clock.pass_minutes(2)
    world.minute()
    assert "ends soon" in hears(lucia)
    world.clock.pass_minutes(4)
    world.minute()
    assert world.order(order_id)["status"] == "EXPIRED"
    assert exact(world, raffle)


def test_p2_the_new_hold_has_no_limit_if_the_raffle_has_none(world: World, lucia: Buyer) -> None:
    world.raffle(hold_minutes=None)
    order_id = hold_and_prove(lucia)
    assert reject(world, order_id).reserved_until is None
    assert "no time limit" in hears(lucia)
    world.clock.pass_minutes(60 * 24 * 30)
    world.minute()
    assert world.order(order_id)["status"] == "PENDING_PAYMENT"


def test_p2_the_order_is_current_again_unless_another_one_is(world: World, lucia: Buyer) -> None:
    world.raffle()
    world.raffle(code="CAR", title="Car")
    order_id = hold_and_prove(lucia, "5")
    hold(lucia, "7", "CAR")
    lucia.says("cancel")
    reject(world, order_id)
    assert order_id in text_of(lucia.says("how?"))
    other = hold(lucia, "8", "CAR")
    lucia.sends_proof()  # for the one that waits for its payment
    assert world.order(order_id)["status"] == "IN_REVIEW"
    hold(lucia, "9", "CAR")
    reject(world, order_id, "too dark")
    assert order_id not in text_of(lucia.says("hm"))
    assert world.order(other)["status"] == "DRAFT"


def test_p2_the_raffle_that_the_buyer_looks_at_stays_open(world: World, lucia: Buyer) -> None:
    world.raffle()
    order_id = hold_and_prove(lucia, "5")
    hold(lucia, "6")
    lucia.says("cancel")
    lucia.says("BIKE")
    reject(world, order_id)
    assert "holding" in text_of(lucia.says("7"))


def test_p2_a_second_rejection_has_no_further_effect(world: World, lucia: Buyer) -> None:
    world.raffle()
    order_id = hold_and_prove(lucia)
    reject(world, order_id)
    assert "already waiting for a proof" in out_of_turn(lambda: reject(world, order_id, "too dark"))
    assert sum("could not accept" in text_of(said) for said in lucia.heard) == 1


def test_p2_the_same_request_again_does_not_reject_a_proof_that_came_since(world: World, lucia: Buyer) -> None:
    """Whoever asks again did not hear the answer, and has not seen the new proof."""
    world.raffle()
    order_id = hold_and_prove(lucia)
    rejected = reject(world, order_id)
    assert reject(world, order_id) == rejected
    lucia.sends_proof()
    with pytest.raises(ProofNotSeen):
        reject(world, order_id)
    assert orders.get(order_id).status is OrderStatus.IN_REVIEW
    assert sum("could not accept" in text_of(said) for said in lucia.heard) == 1
    assert reject(world, order_id, "too dark").status is OrderStatus.PENDING_PAYMENT


def test_p2_ten_minutes_later_it_is_another_request(world: World, lucia: Buyer) -> None:
    world.raffle()
    order_id = hold_and_prove(lucia)
    reject(world, order_id)
    lucia.sends_proof()
    world.clock.now += SAME_REQUEST
    assert reject(world, order_id).status is OrderStatus.PENDING_PAYMENT


def test_p2_a_rejection_that_names_a_proof_rejects_only_that_one(world: World, lucia: Buyer) -> None:
    world.raffle()
    order_id = hold_and_prove(lucia)
    seen = orders.get(order_id).proofs[-1].sha256
    lucia.sends_proof(PNG + b"2")
    newest = orders.get(order_id).proofs[-1].sha256
    with pytest.raises(ProofNotSeen):
        reject(world, order_id, proof=seen)
    assert orders.get(order_id).status is OrderStatus.IN_REVIEW
    assert reject(world, order_id, proof=newest).status is OrderStatus.PENDING_PAYMENT
    assert reject(world, order_id, proof=newest).rejected_at == world.clock.now  # perhaps the answer was not heard
    lucia.sends_proof()
    assert reject(world, order_id, proof=seen).status is OrderStatus.PENDING_PAYMENT, "again blurred, and looked at"


def test_p2_after_a_day_of_silence_the_reason_goes_by_template(world: World, lucia: Buyer) -> None:
    channels.approve([f"{one.name}/en" for one in DEFINITIONS], approved=True)
    world.raffle(limited=True)
    order_id = hold_and_prove(lucia)
    world.clock.pass_minutes(60 * 25)
    reject(world, order_id)
    assert hears(lucia) == f"tombola_proof_rejected_2 en {order_id} Bicycle {REASON} Tue 24 Nov, 15:15"
    lucia.sends_proof()
    world.clock.pass_minutes(60 * 25)
    reject(world, order_id)
    assert hears(lucia) == f"tombola_last_proof_rejected en {order_id} Bicycle {REASON} 005, 012"


def test_p2_an_organisers_reason_cannot_change_the_messages_formatting(world: World, lucia: Buyer) -> None:
    world.raffle()
    order_id = hold_and_prove(lucia)
    reject(world, order_id, "see\n*this* _one_")
    assert ": see ∗this∗ ˍoneˍ." in hears(lucia)


# P3


def test_p3_a_refund_frees_the_sold_numbers_and_says_why(world: World, lucia: Buyer, marco: Buyer) -> None:
    raffle = world.raffle(max_per_contact=2)
    order_id = buy(lucia)
    world.clock.pass_minutes(5)
    refunded = refund(world, order_id, "the draw is off")
    shown = world.order(order_id)
    assert (shown["status"], shown["refund_reason"]) == ("REFUNDED", "the draw is off")
    assert (shown["paid_at"], shown["refunded_at"]) == ("2026-11-23T14:00:00Z", "2026-11-23T14:05:00Z")
    assert "GTQ 50.00" in hears(lucia) and "the draw is off" in hears(lucia)
    assert world.availability(raffle) == (100, 0, 0)
    assert held_by(world, refunded, raffle) == 0
    assert exact(world, raffle)
    buy(marco, "5,12")
    hold(lucia, "7,8")  # H6: what was refunded does not count
    assert exact(world, raffle)


def test_p3_refunding_twice_has_no_further_effect(world: World, lucia: Buyer) -> None:
    raffle = world.raffle()
    order_id = buy(lucia)
    first = refund(world, order_id)
    world.clock.pass_minutes(5)
    assert refund(world, order_id, "another reason") == first
    assert sum("goes back to you" in text_of(said) for said in lucia.heard) == 1
    assert exact(world, raffle)


def test_p3_a_buyer_who_asks_about_a_refunded_order_is_told_so(world: World, lucia: Buyer) -> None:
    world.raffle()
    order_id = hold(lucia)
    tapped = len(lucia.heard) - 1
    confirm_payment(world, order_id)
    refund(world, order_id)
    world.graph.sent.append(lucia.heard[tapped])  # the old message with its buttons
    assert f"The money for order {order_id} goes back" in text_of(lucia.taps("Confirm"))
    assert "paid back" in text_of(lucia.sends_proof())


def test_p3_after_a_day_of_silence_a_refund_goes_by_template(world: World, lucia: Buyer) -> None:
    channels.approve([f"{one.name}/en" for one in DEFINITIONS], approved=True)
    world.raffle()
    order_id = buy(lucia)
    world.clock.pass_minutes(60 * 25)
    refund(world, order_id, "the draw is off.")
    assert hears(lucia) == f"tombola_order_refunded en {order_id} Bicycle GTQ 50.00 the draw is off"


def test_p3_a_late_order_that_is_refunded_frees_nothing(world: World, lucia: Buyer, marco: Buyer) -> None:
    raffle = world.raffle()
    order_id = late(lucia, marco)
    assert refund(world, order_id).status == "REFUNDED"
    assert world.availability(raffle) == (99, 1, 0)
    assert exact(world, raffle)


def test_p3_a_refund_of_an_order_that_was_just_reassigned_frees_its_new_numbers(
    world: World, lucia: Buyer, marco: Buyer, requests: Requests
) -> None:
    raffle = world.raffle()
    order_id = late(lucia, marco)
    requests.before_the_next_commit(lambda: reassign(world, order_id, [20, 21]))
    refunded = refund(world, order_id)
    assert (refunded.status, refunded.numbers) == ("REFUNDED", (20, 21))
    assert world.availability(raffle) == (99, 1, 0)
    assert exact(world, raffle)


def test_p3_a_refund_goes_by_the_status_that_the_order_has_when_it_is_stored(
    world: World, lucia: Buyer, marco: Buyer, requests: Requests
) -> None:
    """Usually the contact changes with the order, which the next try notices. A refund is safe without that, too."""
    world.raffle()
    order_id = late(lucia, marco)
    cancelled = OrderRecord.status.set("CANCELLED")
    requests.before_the_next_commit(lambda: OrderRecord(f"ORDER#{order_id}", "ORDER").update([cancelled]))
    operations = requests.during(lambda: refund(world, order_id))
    assert operations.count("TransactWriteItems") == 2
    assert world.order(order_id)["status"] == "REFUNDED"


# P5


def test_p5_a_late_order_gets_other_numbers_at_its_price(world: World, lucia: Buyer, marco: Buyer) -> None:
    raffle = world.raffle()
    order_id = late(lucia, marco)
    assert world.order(order_id)["late"] is True
    world.api("PATCH", f"/api/raffles/{raffle['id']}", {"unit_amount": 9900})
    settled = reassign(world, order_id, [20, 5])
    shown = world.order(order_id)
    assert (settled.status, shown["numbers"], shown["amount"]) == ("PAID", [20, 5], 5000)  # H7
    assert shown["paid_at"] == shown["reassigned_at"] == "2026-11-23T14:15:00Z"
    assert shown["late"] is True
    assert "*020, 005*\nYour payment is confirmed" in hears(lucia)
    assert held_by(world, settled, raffle) == 2
    assert exact(world, raffle)
    assert "is PAID" in out_of_turn(lambda: reassign(world, order_id, [30, 31]))


def test_p5_a_late_order_gets_its_own_numbers_if_they_are_free_again(world: World, lucia: Buyer, marco: Buyer) -> None:
    raffle = world.raffle()
    order_id = late(lucia, marco)
    marco.says("cancel")
    said = out_of_turn(lambda: confirm_payment_of(world, order_id))
    assert "Reassign it" in said and "refund it" in said
    assert reassign(world, order_id, [5, 12]).status == "PAID"
    assert exact(world, raffle)


@pytest.mark.parametrize("cancelled", [False, True])
def test_p5_money_that_came_without_a_proof_is_settled_without_one(world: World, lucia: Buyer, cancelled: bool) -> None:
    """As the bank's statement shows it: the buyer has sent no picture, and need not."""
    raffle = world.raffle()
    first, second = hold_and_confirm(lucia, "5,12"), hold_and_confirm(lucia, "7")
    if cancelled:
        for order_id in (first, second):
            world.container.settlement.cancel(order_id, by=COMMAND_LINE)
    world.clock.pass_minutes(15)
    world.minute()
    assert {world.order(one)["status"] for one in (first, second)} == {"CANCELLED" if cancelled else "EXPIRED"}
    found = reassign(world, first, [5, 12])
    assert (found.status.value, found.numbers, found.reserved_until) == ("PAID", (5, 12), None)
    given_back = refund(world, second)
    assert (given_back.status.value, given_back.paid_at, given_back.reserved_until) == ("REFUNDED", None, None)
    report = world.container.reports.build_report(raffle["id"])
    assert (report.report.kept, report.report.given_back.orders, report.differences) == (found.amount, 1, [])
    assert exact(world, raffle)


def test_p5_an_erased_buyer_gets_no_numbers(world: World, lucia: Buyer) -> None:
    world.raffle()
    order_id = hold_and_confirm(lucia)
    world.container.settlement.cancel(order_id, by=COMMAND_LINE)
    world.container.privacy.erase(world.order(order_id)["contact"], by=COMMAND_LINE)
    with pytest.raises(ContactErased):
        reassign(world, order_id)


def test_p5_a_reassigned_order_may_still_be_in_review(world: World, lucia: Buyer, marco: Buyer) -> None:
    raffle = world.raffle()
    order_id = late(lucia, marco)
    settled = reassign(world, order_id, [20, 21], paid=False)
    assert (settled.status, settled.paid_at, settled.reserved_until) == ("IN_REVIEW", None, None)
    assert "still being checked" in hears(lucia)
    assert exact(world, raffle)
    assert confirm_payment(world, order_id).body["status"] == "PAID"
    assert exact(world, raffle)


def test_p5_a_late_order_gets_random_numbers(world: World, lucia: Buyer, marco: Buyer) -> None:
    raffle = world.raffle(last_number=12)
    order_id = late(lucia, marco)
    settled = reassign(world, order_id, None)
    assert len(set(settled.numbers) - {12}) == 2
    assert exact(world, raffle)


def test_p5_random_numbers_that_somebody_takes_meanwhile_are_drawn_again(
    world: World, lucia: Buyer, marco: Buyer, requests: Requests
) -> None:
    raffle = world.raffle(last_number=13, max_per_contact=None)
    order_id = late(lucia, marco)
    nina = world.buyer("Nina", 3)
    nina.says("BIKE")
    requests.before_the_next_commit(lambda: nina.says("#1-10"))
    assert reassign(world, order_id, None).numbers == (11, 13)
    assert exact(world, raffle)


def test_p5_numbers_that_are_taken_are_named_with_free_ones_nearby(world: World, lucia: Buyer, marco: Buyer) -> None:
    raffle = world.raffle()
    order_id = late(lucia, marco)
    with pytest.raises(NumbersTaken) as refusal:
        reassign(world, order_id, [12, 5])
    assert set(refusal.value.until) == {12}
    assert str(refusal.value) == "Already taken: 12. Free nearby: 9, 10, 11, 13, 14, 15."
    assert world.order(order_id)["status"] == "LATE"
    assert exact(world, raffle)


def test_p5_numbers_of_ended_holds_can_be_reassigned_and_their_buyer_is_told(
    world: World, lucia: Buyer, marco: Buyer
) -> None:
    """H4"""
    raffle = world.raffle()
    order_id = late(lucia, marco)
    world.clock.pass_minutes(15)
    assert reassign(world, order_id, [5, 12]).status == "PAID"
    assert "is over" in hears(marco)
    assert exact(world, raffle)


@pytest.mark.parametrize("wish", [[5, 6, 7], None])
def test_p5_the_last_numbers_of_ended_holds_and_ones_own_can_be_reassigned(
    world: World, lucia: Buyer, marco: Buyer, wish: list[int] | None
) -> None:
    """H4 and H6: what is over neither is in the way nor counts against the limit."""
    raffle = world.raffle(last_number=7, max_per_contact=4)
    order_id = late(lucia, marco, "5-7", "7")
    hold(lucia, "1-4")
    world.clock.pass_minutes(15)
    assert reassign(world, order_id, wish).status == "PAID"
    assert exact(world, raffle)


def test_p5_random_numbers_may_come_from_ended_holds(world: World, lucia: Buyer, marco: Buyer) -> None:
    """H4"""
    raffle = world.raffle(last_number=2)
    order_id = late(lucia, marco, "1,2", "2")
    world.clock.pass_minutes(15)
    assert reassign(world, order_id).numbers == (1, 2)
    assert "is over" in hears(marco)
    assert exact(world, raffle)


def test_p5_a_reassignment_keeps_the_limit_of_each_person(world: World, lucia: Buyer, marco: Buyer) -> None:
    """H6"""
    raffle = world.raffle(max_per_contact=3)
    order_id = late(lucia, marco)
    buy(lucia, "1,2")
    for wish in ([20, 21], None):
        with pytest.raises(TooManyForContact):
            reassign(world, order_id, wish)
    assert exact(world, raffle)


@pytest.mark.parametrize("wish", [[20], [20, 20], [20, 21, 22], [], [20, 101], [0, 20]])
def test_p5_a_reassignment_needs_as_many_numbers_each_once_and_in_the_range(
    world: World, lucia: Buyer, marco: Buyer, wish: list[int]
) -> None:
    """N1"""
    world.raffle()
    order_id = late(lucia, marco)
    with pytest.raises(NumbersInvalid):
        reassign(world, order_id, wish)


def test_p5_if_too_few_are_free_the_refusal_says_how_many(world: World, lucia: Buyer, marco: Buyer) -> None:
    world.raffle(last_number=3)
    order_id = late(lucia, marco, "1,2,3", "1")
    with pytest.raises(TooFewFree) as refusal:
        reassign(world, order_id, None)
    assert (refusal.value.wanted, refusal.value.free) == (3, 2)


def test_p5_asking_again_for_the_same_numbers_has_no_further_effect(world: World, lucia: Buyer, marco: Buyer) -> None:
    raffle = world.raffle()
    order_id = late(lucia, marco)
    first = reassign(world, order_id, [20, 21])
    world.clock.pass_minutes(1)
    assert reassign(world, order_id, [21, 20]) == first
    assert "is PAID" in out_of_turn(lambda: reassign(world, order_id, [20, 21], paid=False))
    assert sum("has found numbers" in text_of(said) for said in lucia.heard) == 1
    assert exact(world, raffle)


def test_p5_nothing_is_reassigned_in_a_drawn_or_cancelled_raffle(world: World, lucia: Buyer, marco: Buyer) -> None:
    raffle = world.raffle()
    order_id = late(lucia, marco)
    RaffleRecord(*raffles.key(raffle["id"])).update([RaffleRecord.status.set("DRAWN")])
    with pytest.raises(RaffleOutOfTurn):
        reassign(world, order_id, [20, 21])


@pytest.mark.parametrize("paid", [True, False])
def test_p5_after_a_day_of_silence_a_reassignment_goes_by_template(
    world: World, lucia: Buyer, marco: Buyer, paid: bool
) -> None:
    channels.approve([f"{one.name}/en" for one in DEFINITIONS], approved=True)
    world.raffle()
    order_id = late(lucia, marco)
    world.clock.pass_minutes(60 * 25)
    reassign(world, order_id, [20, 21], paid=paid)
    said = f"en {order_id} Bicycle 020, 021"
    if paid:
        assert hears(lucia) == f"tombola_payment_confirmed_2 {said} to be announced"
    else:
        assert hears(lucia) == f"tombola_numbers_changed {said}"


# What is refused, and what is not known


def confirm_payment_of(world: World, order_id: str) -> Order:
    return world.container.settlement.confirm_payment(order_id, by=COMMAND_LINE)


@pytest.mark.parametrize("step", [reject, refund, reassign])
def test_an_unknown_order_is_not_found(world: World, step: Callable[[World, str], object]) -> None:
    with pytest.raises(OrderNotFound):
        step(world, "22222222")


@pytest.mark.parametrize(
    ("reach", "step", "status", "advice"),
    [
        (buy, "cancel", "PAID", "Refund it instead"),
        (buy, "reject", "PAID", "Refund it instead"),
        (hold, "refund", "DRAFT", "Cancel it instead"),
        (hold_and_prove, "refund", "IN_REVIEW", "Cancel it instead"),
        (hold_and_prove, "reassign", "IN_REVIEW", "LATE"),
    ],
)
def test_a_step_out_of_turn_says_what_to_do_instead(
    world: World, lucia: Buyer, reach: Callable[[Buyer], str], step: str, status: str, advice: str
) -> None:
    raffle = world.raffle()
    order_id = reach(lucia)
    try:
        answer: Any = STEPS[step](world, order_id)
        said = answer.body["detail"]
    except Refusal as refusal:
        said = str(refusal)
    assert advice in said
    assert world.order(order_id)["status"] == status
    assert exact(world, raffle)


def test_p4_an_ended_order_is_not_confirmed_and_the_refusal_says_what_to_do(world: World, lucia: Buyer) -> None:
    world.raffle()
    ended, cancelled = hold(lucia, "1"), hold(lucia, "2")
    lucia.says("cancel")
    world.clock.pass_minutes(15)
    world.minute()
    for order_id in (ended, cancelled):
        refused = confirm_payment(world, order_id)
        assert (refused.status, refused.body["code"]) == (409, "order_out_of_turn")
        assert "reassign it" in refused.body["detail"]


@pytest.mark.parametrize("step", [reject, refund, reassign])
def test_a_commit_whose_answer_was_lost_is_found_to_be_done(
    world: World, lucia: Buyer, marco: Buyer, monkeypatch: pytest.MonkeyPatch, step: Callable[[World, str], Order]
) -> None:
    raffle = world.raffle()
    order_id = late(lucia, marco) if step is reassign else hold_and_prove(lucia) if step is reject else buy(lucia)
    commit, lost = Transaction.commit, [True]

    def commits(transaction: Transaction) -> None:
        commit(transaction)
        if lost:
            lost.clear()
            raise Unsure("no answer")

    monkeypatch.setattr(Transaction, "commit", commits)
    heard = len(lucia.heard)
    found = step(world, order_id)
    assert found.status == {reject: "PENDING_PAYMENT", refund: "REFUNDED", reassign: "PAID"}[step]
    world.clock.pass_minutes(2)
    world.minute()
    assert len(lucia.heard) == heard + 1
    assert exact(world, raffle)


def test_p11_who_sent_the_proof_in_time_is_never_told_that_it_came_late(world: World, lucia: Buyer) -> None:
    channels.approve([f"tombola_not_checked/{language}" for language in ("en", "es")], approved=True)
    world.raffle()
    order_id = hold_and_prove(lucia)
    world.clock.pass_minutes(48 * 60)
    heard = len(lucia.heard)
    world.container.settlement.end_review(order_id, by=COMMAND_LINE)
    assert text_of(lucia.heard[-1]).startswith("tombola_not_checked en")
    asked_again = text_of(lucia.says(order_id))
    assert f"Order *{order_id}* has no numbers any more." in asked_again and "Your proof is kept" in asked_again
    world.clock.pass_minutes(5)
    assert text_of(lucia.sends_proof(PNG + b"2")) == asked_again
    assert "without numbers" in text_of(lucia.says("my orders"))
    assert not [said for said in map(text_of, lucia.heard[heard:]) if "paid late" in said or "after the hold" in said]


def test_p5_who_asks_again_about_a_proof_that_came_late_hears_what_becomes_of_it(
    world: World, lucia: Buyer, marco: Buyer
) -> None:
    world.raffle()
    order_id = late(lucia, marco)
    assert "came after the hold had ended" in text_of(lucia.heard[-1])
    assert "An organiser will offer you other numbers" in text_of(lucia.says(order_id))


def test_p11_a_review_ends_once_its_hours_are_over_and_no_sooner(world: World, lucia: Buyer) -> None:
    """A bulk action looks at the orders first, and by then one may be in another review."""
    world.raffle()
    order_id = hold_and_prove(lucia)
    world.clock.pass_minutes(48 * 60 - 1)
    with pytest.raises(ReviewNotOver):
        world.container.settlement.end_review(order_id, by=COMMAND_LINE)
    world.clock.pass_minutes(1)
    assert world.container.settlement.end_review(order_id, by=COMMAND_LINE).status is OrderStatus.LATE
