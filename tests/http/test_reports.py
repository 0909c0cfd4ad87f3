"""The report of a raffle's money and the dashboard's figures over REST, and as a command."""

import json
from typing import Any

import pytest

from chalicelib.cli.commands import main
from chalicelib.domain.channel import Stop
from chalicelib.domain.orders import OrderStatus
from chalicelib.services import reports
from chalicelib.store import channel
from chalicelib.store.records import OrderRecord, TallyRecord
from tests.support.deliveries import refused
from tests.support.request_counts import Requests
from tests.support.steps import buy, cancel, confirm_payment, hold, hold_and_confirm, hold_and_prove, refund
from tests.support.world import Buyer, World

Json = dict[str, Any]


def report(world: World, raffle: Json) -> Json:
    answer = world.api("GET", f"/api/raffles/{raffle['id']}/report")
    assert answer.status == 200, answer.body
    return dict(answer.body)


def stats(world: World) -> Json:
    answer = world.api("GET", "/api/stats")
    assert answer.status == 200, answer.body
    return dict(answer.body)


def part(orders: int, numbers: int, amount: int) -> Json:
    return {"orders": orders, "numbers": numbers, "amount": amount}


def test_p8_sales_are_shown_by_price_and_by_day(world: World) -> None:
    raffle = world.raffle(time_zone="America/Guatemala")
    waiting = hold_and_prove(world.buyer(number=1), "1,2")
    buy(world.buyer(number=2), "3")
    world.api("PATCH", f"/api/raffles/{raffle['id']}", {"unit_amount": 3000})
    world.clock.pass_minutes(24 * 60)
    assert confirm_payment(world, waiting).status == 200  # at the price of its hold (H7)
    buy(world.buyer(number=3), "4,5")
    found = report(world, raffle)
    assert found["sold"] == {"numbers": 5, "amount": 13500}
    assert found["confirmed"] == part(3, 5, 13500) and found["kept"] == 13500
    assert found["prices"] == [{**part(2, 3, 7500), "unit_amount": 2500}, {**part(1, 2, 6000), "unit_amount": 3000}]
    assert found["days"] == [
        {"date": "2026-11-23", **part(1, 1, 2500), "refunded": 0},
        {"date": "2026-11-24", **part(2, 4, 11000), "refunded": 0},
    ]
    assert found["differences"] == [] and not found["changed"]
    assert found["by_status"] == {"PAID": part(3, 5, 13500)}


def test_what_is_left_to_settle_is_named(world: World) -> None:
    raffle = world.raffle()
    late = hold_and_prove(world.buyer(number=1), "1")
    cancel(world, late)
    world.buyer(number=1).sends_proof()
    found = report(world, raffle)
    assert (found["late"]["ids"], found["late"]["orders"]) == ([late], 1)
    assert found["kept"] == 0 and found["sold"]["amount"] == 0


def test_undelivered_messages_to_its_buyers_are_counted(world: World) -> None:
    raffle = world.raffle()
    order = hold_and_confirm(world.buyer(number=1), "1")
    world.graph.refuses = [refused(131026)]
    confirm_payment(world, order)
    assert report(world, raffle)["undelivered"] == 1
    assert report(world, world.raffle(code="CAR"))["undelivered"] == 0
    assert stats(world)["undelivered"]["count"] == 1


def test_p8_a_board_and_orders_that_disagree_are_named(world: World) -> None:
    raffle = world.raffle()
    buy(world.buyer(), "1")
    TallyRecord(f"BOARD#{raffle['id']}", "TALLY#00").update([TallyRecord.paid.add(100), TallyRecord.sold.add(1)])
    found = report(world, raffle)
    assert [(one["code"], one["by"]) for one in found["differences"]] == [
        ("numbers_differ", -1),
        ("money_differs", -100),
    ]
    assert main(["check", "BIKE", "--repair"]) == 0
    assert report(world, raffle)["differences"] == []


def test_an_order_that_cannot_be_read_is_counted(world: World) -> None:
    raffle = world.raffle()
    order = buy(world.buyer(), "1")
    OrderRecord(f"ORDER#{order}", "ORDER").update([OrderRecord.currency.remove()])
    assert "orders_unreadable" in [one["code"] for one in report(world, raffle)["differences"]]


def test_a_raffle_without_orders_has_no_differences_and_an_unknown_one_is_not_found(world: World) -> None:
    found = report(world, world.raffle())
    assert (found["days"], found["prices"], found["differences"], found["kept"]) == ([], [], [], 0)
    assert world.api("GET", "/api/raffles/nothing/report").status == 404


def test_the_dashboard_shows_what_is_sold_and_what_waits(world: World) -> None:
    raffle = world.raffle()
    world.raffle(code="CAR", active=False)
    buy(world.buyer(number=1), "1,2")
    hold_and_prove(world.buyer(number=2), "3")
    world.clock.pass_minutes(5)
    hold_and_confirm(world.buyer(number=3), "4")
    hold(world.buyer(number=4), "5,6")
    found = stats(world)
    assert {status: count for status, count in found["raffles"].items() if count} == {"ACTIVE": 1, "DRAFT": 1}
    (active,) = found["active"]
    assert (active["id"], active["paid"]) == (raffle["id"], 5000)
    assert active["availability"] == {"total": 100, "available": 94, "reserved": 4, "sold": 2}
    assert active["in_review"] == part(1, 1, 2500) and active["reserved"] == part(2, 3, 7500)
    assert {status: one["count"] for status, one in found["orders"].items()} == {
        "DRAFT": 1, "PENDING_PAYMENT": 1, "IN_REVIEW": 1, "LATE": 0
    }  # fmt: skip
    assert found["orders"]["IN_REVIEW"]["oldest_at"] == "2026-11-23T14:00:00Z"
    assert found["orders"]["PENDING_PAYMENT"]["oldest_at"] == "2026-11-23T14:05:00Z"
    assert found["orders"]["LATE"] == {"count": 0, "oldest_at": None, "is_complete": True}


def test_people_dead_letters_and_a_stop_are_on_the_dashboard(world: World) -> None:
    before = stats(world)
    assert (before["people_waiting"]["count"], before["dead_letters"]["count"]) == (0, 0)
    assert before["sending"]["stopped"] is None
    world.buyer().says("humano")
    world.clock.pass_minutes(1)
    world.buyer().says("menu")  # what they say afterwards does not take it back
    world.container.dead_letters.keep('{"unusable": "x"}', "broken", tries=1)
    channel.stop(Stop.ALL, world.clock(), code=190)
    after = stats(world)
    assert after["people_waiting"] == {"count": 1, "oldest_at": "2026-11-23T14:00:00Z", "is_complete": True}
    assert after["dead_letters"]["count"] == 1
    assert (after["sending"]["stopped"], after["sending"]["code"]) == ("all", 190)


def test_the_command_prints_a_table(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    raffle = world.raffle()
    buy(world.buyer(), "1,2")
    capsys.readouterr()  # what was logged so far
    assert main(["report", "bike"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"Raffle {raffle['id']} (Bicycle), 2026-11-23 14:00 UTC",
        "",
        "                           orders    numbers                 amount",
        "  confirmed                     1          2              GTQ 50.00",
        "  refunded                      0          0               GTQ 0.00",
        "  confirmed minus refunded                                GTQ 50.00",
        "  on the board                             2              GTQ 50.00",
        "",
        "  day            orders    numbers              confirmed               refunded",
        "  2026-11-23          1          2              GTQ 50.00",
        "",
        "  Orders and board agree.",
    ]


def test_the_command_names_differences_and_prints_the_apis_answer(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    raffle = world.raffle()
    buy(world.buyer(), "1")
    capsys.readouterr()
    assert main(["report", "BIKE", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == report(world, raffle)
    TallyRecord(f"BOARD#{raffle['id']}", "TALLY#00").update([TallyRecord.paid.add(100)])
    assert main(["report", "BIKE"]) == 1
    assert "money_differs: -100" in capsys.readouterr().out
    assert main(["report", "nothing"]) == 1


def test_every_status_in_which_somebody_is_to_act_is_counted(world: World) -> None:
    assert set(stats(world)["orders"]) == {"DRAFT", "PENDING_PAYMENT", "IN_REVIEW", "LATE"} <= set(OrderStatus)


def test_a_report_that_would_take_too_long_says_so(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    raffle = world.raffle()
    hold(world.buyer(), "1")
    monkeypatch.setattr("chalicelib.http.reports.REPORT_SECONDS", -1)
    answer = world.api("GET", f"/api/raffles/{raffle['id']}/report")
    assert (answer.status, answer.body["code"]) == (409, "report_too_large")
    assert main(["report", "BIKE"]) == 0  # the command has the time


def test_the_dashboard_shows_how_often_the_bot_is_not_understood(world: World, lucia: Buyer, marco: Buyer) -> None:
    assert stats(world)["understanding"] == {"people": 0, "messages": 0, "not_understood": 0, "share": None}
    for text in ("menu", "qwertz uiop", "help"):
        lucia.says(text)
    marco.says("asdf ghjk")
    lucia.sends_proof()  # not typed
    assert stats(world)["understanding"] == {"people": 2, "messages": 4, "not_understood": 2, "share": 0.5}


def test_the_dashboard_shows_how_long_proofs_wait_and_which_are_overdue(world: World) -> None:
    world.raffle(review_hours=30, max_per_contact=40)
    for number, hours in ((1, 10), (2, 21), (3, 2), (4, 0)):
        hold_and_prove(world.buyer(number=number), str(number))
        world.clock.pass_minutes(60 * hours)
    reviews = stats(world)["reviews"]
    assert reviews == {"under_an_hour": 1, "under_a_day": 2, "longer": 1, "overdue": 1}
    world.buyer(number=1).sends_proof(b"\xff\xd8\xff another")  # a further file does not make a review younger
    assert stats(world)["reviews"] == reviews


def test_the_dashboard_shows_holds_that_end_soon(world: World) -> None:
    world.raffle()
    world.raffle(code="SLOW", hold_minutes=None)
    assert stats(world)["holds_ending"] == {"count": 0, "first_until": None}
    hold(world.buyer(number=1), "1")
    world.clock.pass_minutes(2)
    hold_and_confirm(world.buyer(number=2), "2")
    hold(world.buyer(number=3), "3", "SLOW")
    world.clock.pass_minutes(8.5)
    assert stats(world)["holds_ending"] == {"count": 1, "first_until": "2026-11-23T14:15:00Z"}
    world.clock.pass_minutes(2)
    assert stats(world)["holds_ending"]["count"] == 2
    world.clock.pass_minutes(2.5)  # the first one is over
    assert stats(world)["holds_ending"] == {"count": 1, "first_until": "2026-11-23T14:17:00Z"}


def test_the_dashboard_shows_what_was_sold_today_and_within_a_week_in_the_raffles_time_zone(world: World) -> None:
    world.raffle(time_zone="America/Guatemala")  # six hours behind: it is 8 o'clock on the 23rd
    world.raffle(code="REAL", currency="BRL", unit_amount=100, time_zone="America/Sao_Paulo")
    buy(world.buyer(number=1), "1")
    world.clock.pass_minutes(15 * 60)  # 5 o'clock on the 24th, and in Guatemala 23 o'clock on the 23rd
    buy(world.buyer(number=2), "2,3")
    refunded = buy(world.buyer(number=3), "4")
    buy(world.buyer(number=4), "1", "REAL")
    refund(world, refunded)
    late_evening = stats(world)
    gtq, brl = {"currency": "GTQ"}, {"currency": "BRL"}
    assert late_evening["sales"] == [
        {"today": part(1, 1, 100), "last_7_days": part(1, 1, 100), **brl},
        {"today": part(2, 3, 7500), "last_7_days": part(2, 3, 7500), **gtq},
    ]
    world.clock.pass_minutes(2 * 60)
    assert stats(world)["sales"][1] == {"today": part(0, 0, 0), "last_7_days": part(2, 3, 7500), **gtq}
    active = {one["currency"]: one["sales"] for one in stats(world)["active"]}
    assert active["BRL"] == {"today": part(1, 1, 100), "last_7_days": part(1, 1, 100)}
    world.clock.pass_minutes(6 * 24 * 60)
    assert stats(world)["sales"] == [
        {"today": part(0, 0, 0), "last_7_days": part(1, 1, 100), **brl},
        {"today": part(0, 0, 0), "last_7_days": part(0, 0, 0), **gtq},
    ]


def test_sales_of_a_raffle_that_is_over_count(world: World) -> None:
    raffle = world.raffle()
    buy(world.buyer(), "1")
    world.api("POST", f"/api/raffles/{raffle['id']}/close")
    found = stats(world)
    assert (found["active"], found["sales"][0]["today"]) == ([], part(1, 1, 2500))


def test_more_sales_than_are_read_are_said_to_be_more(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reports, "MAX_WAITING", 2)
    world.raffle()
    for number in (1, 2):
        buy(world.buyer(number=number), str(number))
    assert stats(world)["sales_are_complete"]
    world.clock.pass_minutes(24 * 60)
    buy(world.buyer(number=3), "3")
    found = stats(world)
    assert not found["sales_are_complete"]
    assert found["sales"][0]["today"] == part(1, 1, 2500)  # the newest are read first


@pytest.mark.parametrize(("raffles", "tallies"), [(1, 1), (7, 2), (13, 3)])
def test_the_dashboard_takes_few_requests(world: World, requests: Requests, raffles: int, tallies: int) -> None:
    """18, one for each hundred tallies (16 in a large raffle), and one for raffles that are over; another is for the
    token."""
    for number in range(raffles):
        world.raffle(code=f"RAFFLE-{number}", last_number=10_000)
    buy(world.buyer(number=1), "1", "RAFFLE-0")
    hold_and_prove(world.buyer(number=2), "2", "RAFFLE-0")
    assert len(requests.during(lambda: stats(world))) == 1 + 18 + tallies
    closed = world.api("GET", "/api/raffles?code=RAFFLE-0").body["results"][0]
    world.api("POST", f"/api/raffles/{closed['id']}/close")
    assert len(requests.during(lambda: stats(world))) <= 1 + 18 + tallies + 1


def alarms(world: World) -> list[tuple[str, str | None]]:
    return [(alarm["code"], alarm["since"]) for alarm in stats(world)["alarms"]]


def test_the_dashboard_shows_what_is_wrong_with_the_service_itself(world: World) -> None:
    assert stats(world)["alarms"] == []
    world.container.dead_letters.keep('{"unusable": "x"}', "broken", tries=1)
    world.clock.pass_minutes(1)
    world.api("POST", "/api/sending/stop")
    assert alarms(world) == [("sending_stopped", "2026-11-23T14:01:00Z"), ("dead_letters", "2026-11-23T14:00:00Z")]
    assert all(alarm["text"] for alarm in stats(world)["alarms"])


def test_a_schedule_that_has_stopped_is_seen_by_what_it_leaves(world: World) -> None:
    world.raffle()
    hold(world.buyer(), "5")  # until 14:15, and the answer is sent at once
    world.clock.pass_minutes(17.9)
    assert alarms(world) == []
    world.clock.pass_minutes(0.1)
    assert alarms(world) == [("holds_not_ended", "2026-11-23T14:15:00Z")]
    world.minute()
    assert alarms(world) == []


def test_messages_that_wait_too_long_are_an_alarm(world: World) -> None:
    world.raffle()
    order = hold_and_confirm(world.buyer(), "5")
    world.api("POST", "/api/sending/stop")
    confirm_payment(world, order)
    world.clock.pass_minutes(11)
    world.api("POST", "/api/sending/resume")
    assert [code for code, _ in alarms(world)] == ["messages_wait"]
