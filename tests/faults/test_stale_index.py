"""An index is behind the table: what it answers was true before, and nothing is done on the strength of that alone."""

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from moto.backends import get_backend

from chalicelib.lambdas import deliver_messages, expire_reservations
from chalicelib.store.records import OrderRecord
from tests.support.faults.scene import Scene
from tests.support.faults.wire import Asked, Wire
from tests.support.steps import assert_board_is_exact, buy, cancel, confirm_payment, hold, hold_and_confirm
from tests.support.world import Buyer, World, rows_of, text_of


@pytest.fixture
def behind(world: World, wire: Wire, scene: Scene) -> Iterator[Callable[[], Any]]:
    """`with behind():` every query of an index answers what is true at that moment, whatever happens inside."""

    @contextmanager
    def stale() -> Iterator[None]:
        before = copy.deepcopy(the_table().items)

        def as_before(asked: Asked) -> AWSResponse:
            table = the_table()
            now, table.items = table.items, before
            try:
                return asked.passed()
            finally:
                table.items = now

        wire.effect = lambda _, asked: as_before if "IndexName" in asked.body else None
        yield
        wire.rests()

    yield stale
    assert scene.again == 0, "a message had to be delivered again"


def the_table() -> Any:
    """Moto's; another one after each transaction that fails."""
    (table,) = get_backend("dynamodb")["123456789012"]["us-east-1"].tables.values()
    return table


def test_p1_a_proof_that_just_came_in_is_not_expired(world: World, lucia: Buyer, behind: Any) -> None:
    raffle = world.raffle()
    order_id = hold_and_confirm(lucia)
    with behind():
        lucia.sends_proof()
        world.clock.pass_minutes(16)
        expire_reservations()
    assert world.order(order_id)["status"] == "IN_REVIEW"
    assert_board_is_exact(world, raffle)


def test_p4_an_order_that_was_just_paid_is_not_expired(world: World, lucia: Buyer, behind: Any) -> None:
    raffle = world.raffle()
    order_id = hold(lucia)
    world.clock.pass_minutes(16)
    with behind():
        confirm_payment(world, order_id)
        expire_reservations()
    assert world.order(order_id)["status"] == "PAID"
    assert_board_is_exact(world, raffle)


def test_h3_a_hold_whose_deadline_was_extended_is_not_expired(world: World, lucia: Buyer, behind: Any) -> None:
    raffle = world.raffle()
    order_id = hold(lucia)
    with behind():
        later = OrderRecord.reserved_until.set(world.clock.now + timedelta(hours=1))
        OrderRecord(f"ORDER#{order_id}", "ORDER").update([later])
        world.clock.pass_minutes(16)
        expire_reservations()
    assert world.order(order_id)["status"] == "DRAFT"
    assert_board_is_exact(world, raffle)


def test_h4_a_hold_that_was_ended_is_not_ended_twice(world: World, lucia: Buyer, behind: Any) -> None:
    raffle = world.raffle()
    hold(lucia)
    world.clock.pass_minutes(16)
    with behind():
        expire_reservations()
        heard = len(lucia.heard)
        expire_reservations()
        expire_reservations()
    assert len(lucia.heard) == heard
    assert world.availability(raffle) == (100, 0, 0)
    assert_board_is_exact(world, raffle)


def test_h4_a_hold_that_the_index_does_not_show_yet_is_ended_a_minute_later(
    world: World, lucia: Buyer, behind: Any
) -> None:
    raffle = world.raffle()
    with behind():
        hold(lucia)
        world.clock.pass_minutes(16)
        expire_reservations()
        assert world.availability(raffle) == (98, 2, 0)
    expire_reservations()
    assert world.availability(raffle) == (100, 0, 0)


def test_h4_numbers_that_were_paid_at_the_last_moment_are_not_freed(
    world: World, lucia: Buyer, marco: Buyer, behind: Any
) -> None:
    raffle = world.raffle(last_number=3)
    order_id = hold(lucia, "1,2,3")
    world.clock.pass_minutes(16)
    with behind():
        confirm_payment(world, order_id)
        assert "sold out" in text_of(marco.says("BIKE"))
    assert world.availability(raffle) == (0, 0, 3)
    assert_board_is_exact(world, raffle)


def reminders(buyer: Buyer) -> list[str]:
    return [text_of(message) for message in buyer.heard if "ends soon" in text_of(message)]


def test_a_buyer_who_has_just_confirmed_is_not_reminded_to_confirm(world: World, lucia: Buyer, behind: Any) -> None:
    world.raffle()
    hold(lucia)
    world.clock.pass_minutes(11)
    with behind():
        lucia.says("confirm")
        expire_reservations()
        assert reminders(lucia) == []
    expire_reservations()
    assert len(reminders(lucia)) == 1
    assert "Send a photo or PDF" in reminders(lucia)[0]


def test_nobody_is_reminded_twice(world: World, lucia: Buyer, behind: Any) -> None:
    world.raffle()
    hold(lucia)
    world.clock.pass_minutes(11)
    with behind():
        for _ in range(3):
            expire_reservations()
    assert len(reminders(lucia)) == 1


def test_m3_a_message_that_was_just_sent_is_not_sent_again(world: World, lucia: Buyer, behind: Any) -> None:
    world.raffle()
    lucia.says("menu")
    hold(lucia)
    world.clock.pass_minutes(16)
    expire_reservations()
    with behind():
        heard = len(lucia.says("help")) and len(lucia.heard)
        world.clock.pass_minutes(5)
        deliver_messages()
        deliver_messages()
    assert len(lucia.heard) == heard


def test_a_raffle_that_was_just_deactivated_is_not_listed(world: World, lucia: Buyer, behind: Any) -> None:
    world.raffle()
    car = world.raffle(title="Car", code="CAR")
    with behind():
        world.api("POST", f"/api/raffles/{car['id']}/deactivate")
        assert rows_of(lucia.says("raffles")) == ["1. Bicycle"]


def test_p5_a_proof_goes_by_the_orders_and_not_by_the_index(world: World, lucia: Buyer, behind: Any) -> None:
    """Two orders wait, by the index; one of them was paid in the meantime. The proof is for the other."""
    raffle = world.raffle()
    older = hold_and_confirm(lucia, "#1")
    newer = hold_and_confirm(lucia, "#2")
    third = buy(lucia, "#3")  # so that none is at hand
    with behind():
        confirm_payment(world, newer)
        lucia.sends_proof()
    assert {order_id: world.order(order_id)["status"] for order_id in (older, newer, third)} == {
        older: "IN_REVIEW",
        newer: "PAID",
        third: "PAID",
    }
    assert_board_is_exact(world, raffle)


def test_p3_an_order_that_was_just_cancelled_can_be_cancelled_again(world: World, lucia: Buyer, behind: Any) -> None:
    raffle = world.raffle()
    order_id = hold(lucia)
    with behind():
        for _ in range(2):
            assert cancel(world, order_id).status == 200
        lucia.says("cancel")
    assert world.order(order_id)["status"] == "CANCELLED"
    assert_board_is_exact(world, raffle)
