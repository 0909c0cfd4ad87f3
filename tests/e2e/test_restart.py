"""Ctrl-C and `make run` again: what was done is there, and what ended meanwhile is ended. And starts that must fail."""

import socket
from contextlib import suppress
from pathlib import Path

import pytest
import requests

from local.environment import HOST
from tests.support.order_codes import code_in
from tests.support.running import (
    START_SECONDS,
    STOP_SECONDS,
    Elsewhere,
    Json,
    OnThePhone,
    Run,
    Somebody,
    free_ports,
    is_listening,
    running,
    start,
    until,
)
from tests.support.running_sales import PHOTO
from tests.support.world import text_of

DEMO = {"BIKE", "MOTO", "HOUSE"}
NEVER = str(24 * 3600)  # seconds between two runs of the schedules


def test_after_a_restart_all_is_there_and_a_hold_that_ended_meanwhile_is_freed(tmp_path: Path) -> None:
    state, ports = tmp_path / "state", free_ports()
    with running(state, ports, TOMBOLA_TICK_SECONDS=NEVER) as run:
        lucia, marco, nadie = OnThePhone(run, "lucia"), OnThePhone(run, "marco"), Elsewhere(run)
        for phone in (OnThePhone(run, "organiser"), lucia, marco):
            phone.says("hi")
        paid = buy(run, lucia, "HOUSE", "999999")
        held = hold(marco, "BIKE", "1, 2")
        confirmed = hold(nadie, "MOTO", "random 2")
        nadie.says("confirm")
        short = run.raffle("SHORT", hold_minutes=1)
        ended = hold(lucia, "SHORT", "7, 8")
        assert run.availability(short) == (98, 2, 0)
        known = len(lucia.heard())
        before = what_there_is(run, [held, confirmed, paid])
        history, chats = history_of(run), [ids(lucia), ids(marco)]
        run.end_hold(ended)
        assert run.order(ended)["status"] == "DRAFT", "the schedule must not have come by"

    # The schedules run once at the start. That alone must end the hold.
    with running(state, ports, TOMBOLA_TICK_SECONDS=NEVER) as run:
        lucia, marco = OnThePhone(run, "lucia", known), OnThePhone(run, "marco")
        assert "demo raffles were made" not in run.said()
        assert what_there_is(run, [held, confirmed, paid]) == before
        assert history <= history_of(run)
        assert [ids(lucia)[: len(chats[0])], ids(marco)[: len(chats[1])]] == chats

        until(lambda: run.order(ended)["status"] == "EXPIRED", "the hold is freed")
        told = text_of(lucia.hears())
        assert ended in told and "is over" in told
        assert run.availability(short) == (100, 0, 0)

        # And the conversations go on where they were.
        assert held in text_of(marco.says("my orders"))
        assert held in text_of(marco.says("confirm"))
        assert run.order(held)["status"] == "PENDING_PAYMENT"
        assert sorted(run.tickets(run.raffles()["BIKE"], "RESERVED")) == [1, 2]


def test_a_second_run_says_in_one_line_that_one_is_running(tmp_path: Path) -> None:
    state = tmp_path / "state"
    with running(state) as run:
        second = start(state, free_ports())
        assert second.process.wait(STOP_SECONDS) == 1
        assert lines(second) == ["`make run` is already running here. Stop it with Ctrl-C first."]
        assert run.api("GET", "/api/health") == {"status": "ok"}


def test_once_health_answers_the_token_and_the_raffles_are_there(tmp_path: Path) -> None:
    run = start(tmp_path / "state")

    def health() -> int | None:
        assert run.process.poll() is None, run.complained()
        with suppress(requests.ConnectionError):
            return run.organiser.get(f"{run.api_url}/api/health").status_code
        return None

    assert until(health, "health answers", START_SECONDS) == 200
    raffles = run.organiser.get(f"{run.api_url}/api/raffles")
    assert (raffles.status_code, {raffle["code"] for raffle in raffles.json()["results"]}) == (200, DEMO)
    assert {raffle["status"] for raffle in raffles.json()["results"]} == {"ACTIVE"}
    deep = run.organiser.get(f"{run.api_url}/api/health?deep=1").json()
    assert deep == {"status": "ok", "reachable": dict.fromkeys(deep["reachable"], "ok")}
    assert run.stop() == 0


def test_ctrl_c_while_it_starts_stops_what_has_started(tmp_path: Path) -> None:
    run = start(tmp_path / "state")
    until(lambda: is_listening(run.ports), "something listens")
    assert run.stop() == 0
    assert lines(run) == ["Starting …", "Stopping. Your data is kept …", "Stopped."]
    assert not is_listening(run.ports)


@pytest.mark.parametrize("name", ["API_PORT", "PHONE_PORT", "AWS_PORT"])
def test_a_port_in_use_is_reported_in_one_line(tmp_path: Path, name: str) -> None:
    ports = free_ports()
    port = {"API_PORT": ports.api, "PHONE_PORT": ports.phone, "AWS_PORT": ports.aws}[name]
    with socket.socket() as other:
        other.bind((HOST, port))
        other.listen()
        run = start(tmp_path / "state", ports)
        assert run.process.wait(STOP_SECONDS) == 1
    (line,) = lines(run)
    assert line.startswith(f"Port {port} is in use")
    assert f"make run {name}=" in line


def hold(buyer: Somebody, code: str, pick: str) -> str:
    """Returns the id of the order."""
    buyer.says(code)
    return code_in(text_of(buyer.says(pick)))


def buy(run: Run, buyer: OnThePhone, code: str, pick: str) -> str:
    order_id = hold(buyer, code, pick)
    buyer.says("confirm")
    buyer.sends(PHOTO.content, PHOTO.mime_type)
    run.api("POST", f"/api/orders/{order_id}/confirm-payment")
    assert order_id in text_of(buyer.hears())
    return order_id


def what_there_is(run: Run, order_ids: list[str]) -> Json:
    raffles = run.raffles()
    demo = [raffles[code] for code in ("BIKE", "MOTO", "HOUSE")]
    return {
        "raffles": raffles,
        "orders": [run.order(order_id) for order_id in order_ids],
        "boards": [run.availability(raffle) for raffle in demo],
        "reserved": [run.tickets(raffle, "RESERVED") for raffle in demo],
        "sold": [run.tickets(raffle, "SOLD") for raffle in demo],
    }


def history_of(run: Run) -> set[tuple[str, str]]:
    """The keys of everything that was heard and said."""
    return {key for key, item in run.items().items() if item["kind"]["S"] in ("inbound", "outbound")}


def ids(person: OnThePhone) -> list[str]:
    return [message["id"] for message in person.chat()]


def lines(run: Run) -> list[str]:
    """All that a start that failed printed."""
    return [line for line in (run.said() + run.complained()).splitlines() if line]
