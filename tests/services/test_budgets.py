"""What things cost, counted in requests to DynamoDB. docs/data-model.md lists the costs."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from chalicelib.domain.messages import Identity
from chalicelib.domain.organisers import COMMAND_LINE
from chalicelib.services.orders.holds import RandomNumbers
from chalicelib.store import raffles
from chalicelib.store.records import FingerprintRecord
from tests.support.order_codes import code_in
from tests.support.receipts import picture
from tests.support.request_counts import Requests
from tests.support.steps import (
    MILLION,
    SPREAD,
    buy,
    confirm_payment,
    hold,
    hold_and_confirm,
    hold_and_prove,
    late,
    reassign,
    refund,
    reject,
)
from tests.support.world import PNG, Buyer, World, rows_of, text_of
from tools import cost


def looks_around(buyer: Buyer) -> None:
    buyer.says("raffles")


def opens(buyer: Buyer) -> None:
    buyer.says("BIKE")


Step = Callable[[Buyer], object]


@pytest.mark.parametrize(
    ("before", "said"),
    [
        ((), "menu"),
        ((), "help"),
        ((), "nonsense!"),
        ((), "BIKE"),
        ((), "cancel"),
        ((looks_around,), "1"),
        ((looks_around,), "menu"),
        ((opens,), "which?"),
        ((opens,), "menu"),
        ((opens,), "999"),
        ((hold,), "confirm"),
        ((hold,), "cancel"),
        ((hold,), "what?"),
        ((hold_and_confirm,), "cancel"),
        ((hold_and_confirm,), "what?"),
        ((hold_and_prove,), "thanks"),
    ],
)
def test_a_message_that_holds_nothing_takes_at_most_four_requests(
    world: World, lucia: Buyer, requests: Requests, before: tuple[Step, ...], said: str
) -> None:
    world.raffle()
    lucia.says("menu")
    for step in before:
        step(lucia)
    operations = requests.during(lambda: lucia.says(said))
    assert len(operations) <= 4, operations


@pytest.mark.parametrize("count", [0, 1, 3, 10, 12])
def test_a_list_takes_one_more_request_for_each_raffle_in_it(
    world: World, lucia: Buyer, requests: Requests, count: int
) -> None:
    for number in range(count):
        world.raffle(code=f"RAFFLE-{number}")
    lucia.says("menu")
    operations = requests.during(lambda: lucia.says("raffles"))
    listed = sum(not row.startswith("More") for row in rows_of(lucia.heard[-1])) if count else 0
    assert len(operations) <= 4 + listed, operations


def test_the_list_of_ones_orders_takes_one_more_request(world: World, lucia: Buyer, requests: Requests) -> None:
    world.raffle()
    for number in range(4):
        hold_and_confirm(lucia, f"#{number + 1}")
    operations = requests.during(lambda: lucia.says("my orders"))
    assert len(operations) <= 4 + 1, operations


@pytest.mark.parametrize("content", [PNG, picture()])
def test_a_proof_takes_one_more_request_for_its_fingerprints_and_one_for_each_organiser(
    world: World, lucia: Buyer, requests: Requests, content: bytes
) -> None:
    world.raffle()
    hold_and_confirm(lucia)
    operations = requests.during(lambda: lucia.sends_proof(content))
    assert len(operations) <= 4 + 1 + 1, operations


@pytest.mark.parametrize("size", [100, 10_000, MILLION])
@pytest.mark.parametrize("asked", ["#7", "5, 12, 99", "1-40", "random 1", "random 3", "random 40"])
def test_a_message_that_holds_numbers_takes_at_most_five_requests(
    world: World, lucia: Buyer, requests: Requests, size: int, asked: str
) -> None:
    world.raffle(last_number=size)
    lucia.says("BIKE")
    operations = requests.during(lambda: lucia.says(asked))
    assert code_in(text_of(lucia.heard[-1]))
    assert len(operations) <= 5, operations


def test_random_numbers_of_a_million_take_one_read_and_one_transaction(
    world: World, lucia: Buyer, requests: Requests
) -> None:
    raffle = world.raffle(last_number=MILLION)
    lucia.says("BIKE")
    assert requests.during(lambda: lucia.says("random 3")) == [
        "BatchGetItem",  # the contact
        "Query",  # the raffle and its tallies
        "BatchGetItem",  # the leaves of the pages that were drawn
        "TransactWriteItems",
        "UpdateItem",  # Meta's id
    ]
    found = raffles.board(raffle["id"])
    assert len(requests.during(lambda: RandomNumbers(random=world.container.random).choose(found, 3))) == 1


@pytest.mark.parametrize("reach", [hold, hold_and_confirm, hold_and_prove])
def test_confirming_a_payment_takes_at_most_four_requests(
    world: World, lucia: Buyer, requests: Requests, reach: Callable[[Buyer], str]
) -> None:
    world.raffle()
    order_id = reach(lucia)
    operations = requests.during(lambda: world.container.settlement.confirm_payment(order_id, by=COMMAND_LINE))
    assert len(operations) <= 4, operations


@pytest.mark.parametrize(
    ("reach", "settle"),
    [(hold_and_prove, reject), (buy, refund)],
)
def test_rejecting_a_proof_and_refunding_take_at_most_four_requests(
    world: World,
    lucia: Buyer,
    requests: Requests,
    reach: Callable[[Buyer], str],
    settle: Callable[[World, str], object],
) -> None:
    world.raffle()
    order_id = reach(lucia)
    operations = requests.during(lambda: settle(world, order_id))
    assert len(operations) <= 4, operations


@pytest.mark.parametrize("size", [100, MILLION])
@pytest.mark.parametrize("numbers", [[50, 60], None])
def test_reassigning_takes_at_most_five_requests(
    world: World, lucia: Buyer, marco: Buyer, requests: Requests, size: int, numbers: list[int] | None
) -> None:
    world.raffle(last_number=size)
    order_id = late(lucia, marco)
    operations = requests.during(lambda: reassign(world, order_id, numbers))
    assert len(operations) <= 5, operations


@pytest.mark.parametrize("size", [100, MILLION])
def test_availability_takes_one_request(world: World, lucia: Buyer, requests: Requests, size: int) -> None:
    raffle = world.raffle(last_number=size)
    hold(lucia)
    assert requests.during(lambda: raffles.board(raffle["id"]).availability) == ["Query"]
    # Over HTTP, one more for the token.
    assert requests.during(lambda: world.availability(raffle)) == ["GetItem", "Query"]


@pytest.mark.parametrize("status", ["", "&status=AVAILABLE", "&status=RESERVED", "&status=SOLD"])
@pytest.mark.parametrize("size", [100, MILLION])
def test_a_ticket_page_takes_two_requests(
    world: World, lucia: Buyer, requests: Requests, size: int, status: str
) -> None:
    raffle = world.raffle(last_number=size)
    buy(lucia, "41-80")
    hold(lucia, "1-40")
    path = f"/api/raffles/{raffle['id']}/tickets?page_size=50{status}"
    token, *two = requests.during(lambda: world.api("GET", path))
    assert (token, two) == ("GetItem", ["Query", "BatchGetItem"])


def test_forty_numbers_far_apart_fit_into_a_transaction_whatever_happens_to_them(
    world: World, lucia: Buyer, requests: Requests
) -> None:
    world.raffle(last_number=MILLION)
    order_id = hold(lucia, SPREAD)
    assert world.order(order_id)["quantity"] == 40
    lucia.says("confirm")
    world.clock.pass_minutes(15)
    world.minute()
    lucia.sends_proof()
    assert world.order(order_id)["status"] == "IN_REVIEW"
    assert confirm_payment(world, order_id).body["status"] == "PAID"
    assert refund(world, order_id).status == "REFUNDED"
    assert 80 < requests.largest_transaction <= 100


def test_a_late_proof_of_forty_numbers_is_remembered_as_far_as_there_is_room(
    world: World, lucia: Buyer, marco: Buyer, requests: Requests
) -> None:
    """Forty tickets and leaves, order, tally, message, contact, reply and ten notices are 95; so the file, and four
    parts of what it looks like."""
    organisers = [Identity(phone=f"5025559{number:04}") for number in range(10)]
    vars(world.container)["chat"] = replace(world.container.chat, organisers=organisers)
    world.raffle(last_number=MILLION)
    order_id = hold(lucia, SPREAD)
    lucia.says("confirm")
    world.clock.pass_minutes(15)
    world.minute()
    lucia.sends_proof(picture())
    assert world.order(order_id)["status"] == "IN_REVIEW"
    assert requests.largest_transaction == 100
    assert len(list(FingerprintRecord.scan())) == 5
    for copy, flag in ((picture(), "same_file_as"), (picture(quality=60), "looks_like")):
        other = hold_and_confirm(marco, "2" if flag == "looks_like" else "3")
        marco.sends_proof(copy)
        assert world.order(other)["proof"][flag] == order_id


def test_a_whole_purchase_takes_few_messages(world: World, lucia: Buyer) -> None:
    world.raffle()
    inbound = ["raffles", "1", "5,12,99"]
    for said in inbound:
        lucia.says(said)
    order_id = code_in(text_of(lucia.heard[-1]))
    assert len(inbound) <= 3
    lucia.taps("Confirm")
    lucia.sends_proof()
    confirm_payment(world, order_id)
    world.minute()
    assert len(lucia.heard) <= 6


def test_an_idle_minute_of_both_schedules_takes_what_the_sheet_of_costs_says(world: World, requests: Requests) -> None:
    world.minute()
    assert len(requests.during(world.minute)) == cost.IDLE_QUERIES
