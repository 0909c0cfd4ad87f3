"""A clock that is wrong holds nobody up, ends no hold and offers nothing that is over."""

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib import lambdas
from chalicelib.domain.contacts import MAX_PACE, Contact
from chalicelib.domain.rate_limit import PAIR_RATE_LIMIT
from chalicelib.services.maintenance import clock_check
from chalicelib.whatsapp.graph import NotSent
from tests.support.deliveries import pass_time, texts
from tests.support.steps import buy, hold, hold_and_confirm, outbounds
from tests.support.world import Buyer, World


def test_m3_an_offer_whose_hold_is_over_is_not_sent_late(world: World, lucia: Buyer) -> None:
    world.raffle()
    lucia.says("BIKE")
    for asked in ("5", "confirm", "what?"):
        world.graph.refuses = [NotSent("no connection")]
        lucia.says(asked)
        pass_time(world, hours=3)
        late = [text for text in texts(lucia) if "Shall I confirm" in text or "waits" in text or "Thank you" in text]
        assert late == []
    assert "WITHHELD" in {stored.state for stored in outbounds(lucia)}
    assert any(text.startswith("The time for order") for text in texts(lucia))


def test_m3_an_offer_is_sent_late_as_long_as_its_hold_lasts(world: World, lucia: Buyer) -> None:
    world.raffle()
    lucia.says("BIKE")
    world.graph.refuses = [NotSent("no connection")]
    lucia.says("5")
    pass_time(world, minutes=2)
    assert "Shall I confirm" in texts(lucia)[-1]


def test_m3_a_pace_that_no_messages_can_have_used_up_is_not_believed(world: World) -> None:
    now = world.clock.now
    wrong = Contact(id="c", paced_until=now + timedelta(hours=7))
    assert wrong.rate_limited_until(now) is None
    assert wrong.with_messages_sent(1, now).paced_until == now + PAIR_RATE_LIMIT.interval
    right = replace(wrong, paced_until=now + MAX_PACE)
    assert right.rate_limited_until(now) == now + MAX_PACE - 45 * PAIR_RATE_LIMIT.interval


def test_m3_a_clock_that_was_hours_ahead_for_a_moment_holds_nobody_up(world: World, lucia: Buyer) -> None:
    world.clock.pass_minutes(7 * 60)
    lucia.says("menu")
    world.clock.pass_minutes(-7 * 60)
    heard = len(lucia.heard)
    lucia.says("help")
    assert len(lucia.heard) == heard + 1


def test_p4_confirming_a_hold_that_is_over_says_so(world: World, lucia: Buyer, marco: Buyer) -> None:
    world.raffle()
    order_id, in_time = hold_and_confirm(lucia, "5"), hold_and_confirm(marco, "6")
    assert not world.api("POST", f"/api/orders/{in_time}/confirm-payment").body["hold_was_over"]
    world.clock.pass_minutes(16)  # and the schedule has not come by
    for _ in range(2):
        answer = world.api("POST", f"/api/orders/{order_id}/confirm-payment")
        assert (answer.status, answer.body["status"], answer.body["hold_was_over"]) == (200, "PAID", True)
    entries = world.api("GET", "/api/audit").body["results"]
    said = {entry["target"]: entry["after"] for entry in entries if entry["action"] == "order.paid"}
    assert said[f"order:{order_id}"]["hold_was_over"] is True
    assert "hold_was_over" not in said[f"order:{in_time}"]


def test_h3_a_schedule_whose_clock_is_minutes_behind_does_nothing_and_alarms(
    world: World, lucia: Buyer, marco: Buyer, monkeypatch: pytest.MonkeyPatch
) -> None:
    alarms = list[str]()
    monkeypatch.setattr(clock_check, "count", alarms.append)
    world.raffle()
    for buyer, number in ((lucia, "5"), (marco, "6")):
        buyer.says("BIKE")
        hold(buyer, number)
    world.graph.refuses = [NotSent("no connection")]
    lucia.says("help")
    heard = len(lucia.heard)
    world.clock.pass_minutes(30)
    buy(world.buyer("Ana", 3), "7")
    buy(world.buyer("Eva", 4), "8")
    buy(world.buyer("Iris", 5), "9")
    world.clock.pass_minutes(-10)  # twenty minutes later: the holds are over by this clock, too
    world.minute()
    assert len(lucia.heard) == heard
    assert alarms == ["ClockWrong"] * 2  # of both schedules
    world.clock.pass_minutes(10)
    world.minute()
    assert len(lucia.heard) > heard


def test_h3_a_schedule_whose_clock_is_minutes_ahead_ends_no_hold(world: World, lucia: Buyer) -> None:
    raffle = world.raffle()
    hold(lucia, "5")
    fired_at = world.clock.now.isoformat()
    world.clock.pass_minutes(20)
    lambdas.expire_reservations(fired_at)
    assert world.availability(raffle) == (99, 1, 0)
    lambdas.expire_reservations(world.clock.now.isoformat())
    assert world.availability(raffle) == (100, 0, 0)


def test_h3_a_schedule_is_minutes_behind_if_aws_says_so(world: World, lucia: Buyer) -> None:
    raffle = world.raffle()
    hold(lucia, "5")
    world.clock.pass_minutes(20)
    lambdas.expire_reservations((world.clock.now + timedelta(minutes=3)).isoformat())
    assert world.availability(raffle) == (99, 1, 0)


def test_h3_one_order_from_the_future_stops_no_schedule(world: World, lucia: Buyer, marco: Buyer) -> None:
    raffle = world.raffle()
    hold(lucia, "5")
    world.clock.pass_minutes(60)
    hold(marco, "6")
    world.clock.pass_minutes(-40)
    world.minute()
    assert world.availability(raffle) == (99, 1, 0)
