"""H3: the schedule ends the holds that are over: all of them, in time, whatever is wrong with one."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pynamodb.expressions.update import Action

from chalicelib.services.orders import expiry
from chalicelib.services.orders.changes import OrderChanges
from chalicelib.store.records import OrderRecord, Record
from tests.support.request_counts import Requests
from tests.support.steps import assert_board_is_exact, confirm_payment, hold, hold_and_confirm, hold_and_prove
from tests.support.world import Buyer, Clock, World, text_of


@pytest.fixture
def chunks_of_three(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expiry, "CHUNK", 3)


def many_holds(world: World, count: int) -> list[str]:
    """Every second one is confirmed by its buyer: both statuses have a clock that runs."""
    reach = (hold, hold_and_confirm)
    return [reach[number % 2](world.buyer(f"B{number}", number), str(number)) for number in range(1, count + 1)]


def statuses(world: World, order_ids: Sequence[str]) -> list[Any]:
    return [world.order(order_id)["status"] for order_id in order_ids]


def test_h3_all_holds_that_are_over_end_in_one_run(world: World, chunks_of_three: None) -> None:
    raffle = world.raffle()
    order_ids = many_holds(world, 10)
    world.clock.pass_minutes(15)
    assert world.container.expiry.run() == (10, 0)
    assert set(statuses(world, order_ids)) == {"EXPIRED"}
    assert all("is over" in text_of(world.buyer(f"B{n}", n).heard[-1]) for n in range(1, 11))
    assert_board_is_exact(world, raffle)


def test_ending_a_hold_takes_one_request_and_telling_its_buyer_another(world: World, requests: Requests) -> None:
    world.raffle()
    many_holds(world, 10)
    world.clock.pass_minutes(15)
    operations = requests.during(world.container.expiry.run)
    assert operations.count("TransactWriteItems") == 10
    assert operations.count("UpdateItem") == 10  # what WhatsApp said about each message
    # A chunk of each status: the orders, and what they belong to. Then each status is at its end, and the reminders.
    assert operations.count("Query") == 4 + 2
    assert operations.count("BatchGetItem") == 2


def test_one_bad_order_never_holds_up_the_others(world: World, chunks_of_three: None) -> None:
    world.raffle()
    order_ids = many_holds(world, 10)
    orphan, broken = order_ids[0], order_ids[3]
    OrderRecord(f"ORDER#{orphan}", "ORDER").update([OrderRecord.contact_id.set("0" * 24)])
    ticket = next(iter(Record.query(next_ticket_key(world), Record.sk == "0000004")))
    ticket.delete()
    world.clock.pass_minutes(15)
    assert world.container.expiry.run() == (8, 2)
    assert statuses(world, order_ids).count("EXPIRED") == 8
    assert {world.order(order_id)["status"] for order_id in (orphan, broken)} <= {"DRAFT", "PENDING_PAYMENT"}
    # A minute later they are tried again, and nobody else is told twice.
    heard = len(world.graph.sent)
    assert world.container.expiry.run() == (0, 2)
    assert len(world.graph.sent) == heard


DAMAGE: dict[str, list[Action]] = {
    "a status that nobody knows": [OrderRecord.status.set("WHAT")],
    "no numbers": [OrderRecord.numbers.remove()],
    "a deadline that is lost": [OrderRecord.reserved_until.remove()],
    "a place in the queue before its deadline": [OrderRecord.queue_at.set("2020-01-01T00:00:00.000000Z#X")],
    "a deadline after its place in the queue": [OrderRecord.reserved_until.set(datetime(2030, 1, 1, tzinfo=UTC))],
}


@pytest.mark.parametrize("position", [0, 2, 4])
@pytest.mark.parametrize("damage", DAMAGE)
def test_the_other_holds_end_and_are_told_whatever_is_wrong_with_one(
    world: World, chunks_of_three: None, damage: str, position: int
) -> None:
    world.raffle()
    order_ids = [hold(world.buyer(f"B{number}", number), str(number)) for number in range(1, 6)]
    OrderRecord(f"ORDER#{order_ids[position]}", "ORDER").update(DAMAGE[damage])
    world.clock.pass_minutes(15)
    world.container.expiry.run()
    others = [order_id for order_id in order_ids if order_id != order_ids[position]]
    assert set(statuses(world, others)) == {"EXPIRED"}
    # Nor does it fail the message of somebody who asks for more than is free.
    late = world.buyer("Late", 9)
    late.says("BIKE")
    assert "free" in text_of(late.says("random 40")) or "holding" in text_of(late.heard[-1])


@pytest.mark.parametrize("position", [0, 2, 4])
@pytest.mark.parametrize("damage", ["a status that nobody knows", "no numbers"])
def test_an_order_that_cannot_be_read_keeps_nobody_from_reminders_lists_and_replies(
    world: World, damage: str, position: int
) -> None:
    world.raffle()
    buyers = [world.buyer(f"B{number}", number) for number in range(1, 6)]
    order_ids = [hold(buyer, str(number)) for number, buyer in enumerate(buyers, start=1)]
    OrderRecord(f"ORDER#{order_ids[position]}", "ORDER").update(DAMAGE[damage])
    heard = [len(buyer.heard) for buyer in buyers]
    world.clock.pass_minutes(11)
    world.minute()
    reminded = [len(buyer.heard) - before for buyer, before in zip(buyers, heard, strict=True)]
    assert reminded == [int(place != position) for place in range(5)]
    others = {order_id for place, order_id in enumerate(order_ids) if place != position}
    for query in ("", "?status=DRAFT", f"?raffle={world.api('GET', '/api/raffles').body['results'][0]['id']}"):
        listed = world.api("GET", f"/api/orders{query}")
        assert (listed.status, {order["id"] for order in listed.body["results"]}) == (200, others)
    for said in ("my orders", "confirm", "cancel", "menu"):
        assert buyers[position].says(said)


def test_an_order_that_cannot_be_read_hides_none_behind_it_in_a_list(world: World) -> None:
    world.raffle()
    buyers = [world.buyer(f"B{number}", number) for number in range(1, 5)]
    steps = (hold_and_prove, hold_and_prove, hold_and_confirm, hold_and_confirm)
    made = [step(buyer, str(number)) for number, (step, buyer) in enumerate(zip(steps, buyers, strict=True), start=1)]
    for damaged in (made[0], made[2]):  # the longest waiting of each status
        OrderRecord(f"ORDER#{damaged}", "ORDER").update(DAMAGE["no numbers"])
    found, query = list[str](), "?page_size=1"
    while query:
        page = world.api("GET", f"/api/orders/pending-payment{query}").body
        found += [order["id"] for order in page["results"]]
        query = "?" + page["next"].partition("?")[2] if page["next"] else ""
    assert sorted(found) == sorted([made[1], made[3]])


def next_ticket_key(world: World) -> str:
    raffle_id = world.api("GET", "/api/raffles").body["results"][0]["id"]
    return f"TICKETS#{raffle_id}#000"


@pytest.mark.parametrize("chunk", [3, 94], ids=["in a later chunk", "in the same chunk"])
def test_holds_that_a_run_has_no_time_for_are_left_to_the_next(
    world: World, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expiry, "CHUNK", chunk)
    raffle = world.raffle()
    order_ids = many_holds(world, 10)
    world.clock.pass_minutes(15)
    take_time(world.clock, monkeypatch, expiry.END_UNTIL / 3)
    done = world.container.expiry.run()
    assert done.ended == 3
    assert statuses(world, order_ids).count("EXPIRED") == done.ended
    monkeypatch.undo()
    assert world.container.expiry.run().ended == 10 - done.ended
    assert_board_is_exact(world, raffle)
    world.clock.now += timedelta(seconds=60)
    world.minute()  # whoever could not be told in time is told now
    assert all("is over" in text_of(world.buyer(f"B{n}", n).heard[-1]) for n in range(1, 11))


def take_time(clock: Clock, monkeypatch: pytest.MonkeyPatch, each: timedelta) -> None:
    """Let every order that is ended take so long."""
    end = OrderChanges.commit_loaded

    def slowly(*given: Any, **named: Any) -> Any:
        clock.now += each
        return end(*given, **named)

    monkeypatch.setattr(OrderChanges, "commit_loaded", slowly)


def test_a_payment_that_comes_while_a_run_is_under_way_wins(
    world: World, lucia: Buyer, marco: Buyer, requests: Requests
) -> None:
    raffle = world.raffle()
    paid, forgotten = hold(lucia, "5"), hold(marco, "6")
    world.clock.pass_minutes(15)
    requests.before_the_next_commit(lambda: confirm_payment(world, paid))
    assert world.container.expiry.run() == (1, 0)
    assert statuses(world, [paid, forgotten]) == ["PAID", "EXPIRED"]
    assert "is confirmed" in text_of(lucia.heard[-1])
    assert_board_is_exact(world, raffle)


def test_a_run_within_a_run_ends_each_hold_once(world: World, requests: Requests, chunks_of_three: None) -> None:
    raffle = world.raffle()
    order_ids = many_holds(world, 7)
    world.clock.pass_minutes(15)
    before = len(world.graph.sent)
    requests.before_the_next_commit(world.container.expiry.run)
    world.container.expiry.run()
    assert set(statuses(world, order_ids)) == {"EXPIRED"}
    assert len(world.graph.sent) - before == 7
    assert_board_is_exact(world, raffle)


@pytest.mark.parametrize("ended_by", ["the schedule", "its buyer"])
def test_h3_a_hold_that_begins_anew_at_that_moment_is_not_ended(
    world: World, lucia: Buyer, requests: Requests, ended_by: str
) -> None:
    """Usually the contact changes with the order, which the next try notices. The hold is safe without that, too."""
    world.raffle()
    order_id = hold_and_confirm(lucia, "5")
    world.clock.pass_minutes(15)
    fresh = OrderRecord.reserved_until.set(world.clock.now + timedelta(minutes=15))
    requests.before_the_next_commit(lambda: OrderRecord(f"ORDER#{order_id}", "ORDER").update([fresh]))
    if ended_by == "the schedule":
        world.container.expiry.run()
    else:
        lucia.says("confirm")
    assert statuses(world, [order_id]) == ["PENDING_PAYMENT"]


def test_h3_a_hold_that_is_not_over_is_left_as_it_is(world: World, lucia: Buyer, requests: Requests) -> None:
    world.raffle()
    order_id = hold(lucia, "5")
    world.clock.pass_minutes(14)
    operations = requests.during(lambda: world.container.expiry.expire(order_id))
    assert operations == ["GetItem"], "the index was behind, and nothing is tried"
    assert statuses(world, [order_id]) == ["DRAFT"]
