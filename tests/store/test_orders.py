"""Orders, and what belongs to them, where two changes meet."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from pynamodb.exceptions import UpdateError

from chalicelib.domain.orders import OrderEvent, OrderStatus
from chalicelib.store import board, consistency_reads, orders, raffles
from chalicelib.store.consistency_reads import Indexed
from chalicelib.store.records import OrderRecord, stored_in
from chalicelib.store.transaction import Busy, ConditionsFailed, Transaction
from tests.support.steps import assert_board_is_exact, cancel, hold, hold_and_prove
from tests.support.world import Buyer, World


def test_an_order_replaces_no_other_one_with_its_code(world: World, lucia: Buyer) -> None:
    world.raffle()
    order = orders.get(hold(lucia))
    adding = Transaction()
    orders.add(adding, replace(order, numbers=(7,)))
    with pytest.raises(ConditionsFailed):
        adding.commit()


def test_h2_an_order_frees_no_number_that_another_one_has_by_now(world: World, lucia: Buyer, marco: Buyer) -> None:
    raffle = world.raffle()
    order = orders.get(hold(lucia, "5"))
    freeing = Transaction()
    board.free(freeing, raffles.get(raffle["id"]), order)
    cancel(world, order.id)
    hold(marco, "5")
    with pytest.raises(ConditionsFailed):
        freeing.commit()
    assert_board_is_exact(world, raffle)


def test_an_order_changes_only_in_a_status_that_allows_it(world: World, lucia: Buyer) -> None:
    world.raffle()
    order = orders.get(hold(lucia))
    confirming = Transaction()
    confirmed = replace(order, status=OrderStatus.PENDING_PAYMENT)
    orders.move(confirming, confirmed, OrderEvent.CONFIRMED)
    cancel(world, order.id)
    with pytest.raises(ConditionsFailed):
        confirming.commit()


def test_p3_an_order_changes_only_in_the_status_that_the_change_goes_by(world: World, lucia: Buyer) -> None:
    world.raffle()
    order = orders.get(hold(lucia))
    refunded = replace(order, status=OrderStatus.REFUNDED)
    refunding = Transaction()
    orders.move(refunding, refunded, OrderEvent.REFUNDED, only_from=OrderStatus.PAID)
    cancel(world, order.id)  # also a status in which money may go back, but by then it owns no numbers
    with pytest.raises(ConditionsFailed):
        refunding.commit()


def test_waiting_orders_of_one_raffle_are_not_those_of_all(world: World, lucia: Buyer) -> None:
    raffle = world.raffle()
    order_id = hold(lucia)
    found = {raffle_id: orders.in_status(OrderStatus.DRAFT, limit=5, raffle_id=raffle_id) for raffle_id in
             (raffle["id"], "another", None)}  # fmt: skip
    assert {raffle_id: [order.id for order in listed] for raffle_id, listed in found.items()} == {
        raffle["id"]: [order_id], "another": [], None: [order_id],
    }  # fmt: skip


def test_h3_a_hold_that_has_begun_anew_is_not_ended(world: World, lucia: Buyer) -> None:
    world.raffle()
    order = orders.get(hold(lucia))
    ending = Transaction()
    ended = replace(order, status=OrderStatus.EXPIRED)
    orders.move(ending, ended, OrderEvent.DEADLINE_PASSED, over_at=world.clock.now + timedelta(minutes=15))
    fresh = world.clock.now + timedelta(minutes=16)
    OrderRecord(*orders.key(order.id)).update([OrderRecord.reserved_until.set(fresh)])
    with pytest.raises(ConditionsFailed):
        ending.commit()


@pytest.mark.parametrize("meanwhile", [{"reserved_until": None}, {"numbers": (5,)}])
def test_h14_a_hold_is_made_longer_only_as_it_was_read(world: World, lucia: Buyer, meanwhile: dict[str, Any]) -> None:
    world.raffle()
    order = orders.get(hold(lucia))
    assert order.reserved_until is not None
    extending = Transaction()
    longer = replace(order, reserved_until=order.reserved_until + timedelta(minutes=10))
    orders.move(extending, longer, OrderEvent.EXTENDED, unchanged=order)
    orders.as_record(replace(order, **meanwhile)).save()
    with pytest.raises(ConditionsFailed):
        extending.commit()


def test_h14_a_hold_without_a_limit_is_changed_only_as_it_was_read(world: World, lucia: Buyer) -> None:
    world.raffle()
    stored = orders.get(hold(lucia))
    changing = Transaction()
    endless = replace(stored, reserved_until=None)
    orders.move(changing, endless, OrderEvent.EXTENDED, unchanged=endless)
    with pytest.raises(ConditionsFailed):
        changing.commit()


def test_v2_nothing_is_made_of_an_order_that_is_not_stored(world: World, lucia: Buyer) -> None:
    world.raffle()
    gone = replace(orders.get(hold(lucia)), id="2222222G")
    with pytest.raises(UpdateError):
        orders.forget_proofs(gone)
    assert orders.get_all([gone.id]) == {}


def test_m8_a_look_at_an_order_that_is_not_stored_makes_nothing(world: World, lucia: Buyer) -> None:
    world.raffle()
    gone = replace(orders.get(hold_and_prove(lucia)), id="2222222G")
    orders.mark_looked_at(gone)
    assert list(stored_in(orders.key(gone.id)[0])) == []


@pytest.mark.parametrize("what", ["status", "time"])
def test_a_repair_of_an_orders_places_in_the_indexes_undoes_no_change(world: World, lucia: Buyer, what: str) -> None:
    """A change of the same moment has another status; one that leaves the status, a second proof, another time."""
    world.raffle()
    order = orders.get(hold_and_prove(lucia))
    record = OrderRecord(*orders.key(order.id))
    if what == "status":
        record.update([OrderRecord.status.set("PAID")])
    else:
        record.update([OrderRecord.updated_at.set(order.updated_at + timedelta(minutes=1))])
    with pytest.raises(Busy):
        consistency_reads.set_order_keys(Indexed(order, {"queue_key": "ORDER#IN_REVIEW"}))


def test_an_order_changes_only_as_it_was_seen(world: World, lucia: Buyer) -> None:
    world.raffle()
    order = orders.get(hold_and_prove(lucia))
    paying = Transaction()
    paid = replace(order, status=OrderStatus.PAID)
    orders.move(paying, paid, OrderEvent.PAYMENT_CONFIRMED, unchanged_since=order.updated_at)
    world.clock.pass_minutes(1)
    lucia.sends_proof(b"%PDF-1.7 another")
    with pytest.raises(ConditionsFailed):
        paying.commit()
