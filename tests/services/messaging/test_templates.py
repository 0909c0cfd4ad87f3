"""M4: which templates WhatsApp has approved, and the commands around sending."""

import json
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.cli.commands import main
from chalicelib.domain.channel import Stop
from chalicelib.store import channel as channels
from chalicelib.whatsapp.graph import SendRefused
from chalicelib.whatsapp.templates import DEFINITIONS, FORMER_DEFINITIONS
from tests.support.steps import confirm_payment, hold_and_prove
from tests.support.world import Buyer, World
from whatsapp_sandbox import webhooks

Json = dict[str, Any]
ALL = {f"{one.name}/{language}" for one in DEFINITIONS for language in one.texts}


@pytest.fixture
def account(world: World, monkeypatch: pytest.MonkeyPatch) -> list[Json]:
    """The templates that WhatsApp has of us."""
    kept: list[Json] = []

    def submit(account_id: str, definition: Json) -> str:
        kept.append({**definition, "status": "PENDING"})
        return "PENDING"

    monkeypatch.setattr(world.graph, "templates", lambda account_id: kept)
    monkeypatch.setattr(world.graph, "submit_template", submit)
    return kept


def status_update(event: str, name: str, language: str = "es", *, at: float | None = None) -> Json:
    value = {
        "event": event, "message_template_id": 1, "message_template_name": name, "message_template_language": language,
    }  # fmt: skip
    body = webhooks.envelope(value)
    body["entry"][0]["changes"][0] |= {"value": value, "field": "message_template_status_update"}
    return body if at is None else {**body, "entry": [{**body["entry"][0], "time": int(at)}]}


def test_m4_missing_templates_are_submitted_once_and_used_when_approved(
    world: World, account: list[Json], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["templates"]) == 1
    assert capsys.readouterr().out.count("MISSING") == len(ALL)
    for _ in range(2):
        assert main(["templates", "--submit"]) == 1
    assert len(account) == len(ALL)
    assert channels.read().approved == frozenset()
    for one in account:
        one["status"] = "APPROVED"
    world.clock.pass_minutes(1)
    assert main(["templates"]) == 0
    assert channels.read().approved == ALL


def test_m4_former_versions_are_used_if_they_are_approved_and_never_submitted(
    world: World, account: list[Json], capsys: pytest.CaptureFixture[str]
) -> None:
    former = FORMER_DEFINITIONS[0]
    account.append({**former.request("es"), "status": "APPROVED"})
    assert main(["templates", "--submit"]) == 1
    assert channels.read().approved == {f"{former.name}/es"}
    assert len(account) == 1 + len(ALL)
    world.deliver(status_update("PAUSED", former.name, at=world.at + 1))
    assert channels.read().approved == frozenset()


@pytest.mark.parametrize("status", ["PAUSED", "REJECTED", "DISABLED", "PENDING"])
def test_m4_a_template_that_is_no_longer_approved_is_no_longer_used(
    world: World, account: list[Json], status: str
) -> None:
    main(["templates", "--submit"])
    for one in account:
        one["status"] = "APPROVED"
    world.clock.pass_minutes(1)
    main(["templates"])
    account[0]["status"] = status
    world.clock.pass_minutes(1)
    assert main(["templates"]) == 1
    assert channels.read().approved == ALL - {f"{account[0]['name']}/{account[0]['language']}"}


def test_m4_a_template_of_our_name_with_another_text_is_not_used(
    world: World, account: list[Json], capsys: pytest.CaptureFixture[str]
) -> None:
    main(["templates", "--submit"])
    account[0] |= {"status": "APPROVED", "components": [{"type": "BODY", "text": "Hello {{name}}!"}]}
    capsys.readouterr()
    assert main(["templates", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)[0]["status"] == "DIFFERS"
    assert channels.read().approved == frozenset()


def test_m4_whatsapps_notices_change_what_is_used(world: World) -> None:
    name = DEFINITIONS[0].name
    world.deliver(status_update("APPROVED", name, at=world.at))
    assert channels.read().approved == {f"{name}/es"}
    world.deliver(status_update("PAUSED", name, at=world.at + 1))
    assert channels.read().approved == frozenset()
    world.deliver(status_update("APPROVED", "somebody_elses", at=world.at + 2))
    assert channels.read().approved == frozenset()


def test_without_the_account_the_command_says_what_is_missing(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.container.templates.__dict__["account_id"] = ""
    assert main(["templates"]) == 2
    assert "WHATSAPP_ACCOUNT_ID is missing" in capsys.readouterr().err


# Sending


def test_sending_is_shown_stopped_and_resumed(world: World, lucia: Buyer, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sending"]) == 0
    assert capsys.readouterr().out == "Messages are sent.\n"
    assert main(["sending", "stop"]) == 0
    assert channels.read().stopped is Stop.ALL
    lucia.says("menu")
    assert lucia.heard == []
    capsys.readouterr()
    main(["sending"])
    shown = capsys.readouterr().out
    assert (
        "Nothing has been sent since 2026-11-23 14:00 UTC: stopped by hand." in shown
        and "1 waiting to be sent" in shown
    )
    assert main(["sending", "resume"]) == 0
    world.minute()
    assert len(lucia.heard) == 1


def test_undelivered_messages_are_listed_with_reasons_and_without_texts(
    world: World, lucia: Buyer, capsys: pytest.CaptureFixture[str]
) -> None:
    world.raffle()
    order_id = hold_and_prove(lucia)
    world.clock.now += timedelta(hours=25)
    confirm_payment(world, order_id)
    world.graph.refuses = [SendRefused(190, "", 401, None)]
    lucia.says("menu")
    main(["sending"])
    shown = capsys.readouterr().out
    assert "WhatsApp refused with code 190" in shown
    assert "FAILED   code 131047" in shown
    assert order_id not in shown
    main(["sending", "--json"])
    told = json.loads(capsys.readouterr().out)
    assert (told["stopped"], told["code"], told["waiting"]["UNDELIVERED"]) == ("all", 190, 1)
    assert told["undelivered"][0]["code"] == 131047
