"""Exports over HTTP: the file at once, or where to look for it."""

from typing import Any

import pytest

from chalicelib.domain.organisers import COMMAND_LINE, Role
from chalicelib.services.exports import service
from local.stack import TEMPLATE
from tests.support.spreadsheets import csv_rows, xlsx_rows
from tests.support.steps import buy
from tests.support.world import TOKEN, Buyer, World

Json = dict[str, Any]
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@pytest.fixture
def raffle(world: World, lucia: Buyer) -> Json:
    found = world.raffle()
    buy(lucia, "5,12")
    return found


def download(world: World, raffle: Json, query: str = "", *, accept: str | None = "*/*") -> Any:
    headers = {"Authorization": f"Token {TOKEN}", **({"Accept": accept} if accept else {})}
    return world.client.http.get(f"/api/raffles/{raffle['id']}/export{query}", headers=headers)


@pytest.mark.parametrize("accept", ["*/*", None, "text/html, */*;q=0.8", "application/json"])
def test_a_small_export_is_the_file_itself(world: World, raffle: Json, accept: str | None) -> None:
    """As `curl -OJ` takes it; whatever the client says that it accepts."""
    found = download(world, raffle, accept=accept)

    assert (found.status_code, found.headers["Content-Type"]) == (200, "text/csv; charset=utf-8")
    assert found.headers["Content-Disposition"] == 'attachment; filename="bike-tickets-20261123-1400.csv"'
    assert found.headers["Cache-Control"] == "no-store"
    assert len(csv_rows(found.body)) == 100


def test_xlsx_arrives_as_bytes(world: World, raffle: Json) -> None:
    found = download(world, raffle, "?format=xlsx&of=buyers")

    assert (found.status_code, found.headers["Content-Type"]) == (200, XLSX)
    assert found.headers["Content-Disposition"].endswith('.xlsx"')
    assert [row["buyer"] for row in xlsx_rows(found.body)] == ["Lucía"]


def test_api_gateway_treats_marked_answers_as_bytes() -> None:
    """Otherwise who accepts everything, as curl does, would get base64."""
    assert '"x-amazon-apigateway-binary-media-types": ["*/*"]' in TEMPLATE.read_text()


def test_tickets_of_one_status(world: World, raffle: Json) -> None:
    assert {row["number"] for row in csv_rows(download(world, raffle, "?status=SOLD").body)} == {"005", "012"}


def test_a_large_export_is_made_in_the_background(world: World) -> None:
    large = world.raffle(first_number=1, last_number=10_001)
    asked = world.api("GET", f"/api/raffles/{large['id']}/export?format=csv")

    assert asked.status == 202
    assert asked.headers["Location"] == f"/api/exports/{asked.body['id']}"
    assert asked.headers["Retry-After"] == "3"
    assert (asked.body["status"], asked.body["progress"], asked.body["url"]) == ("WAITING", 0, None)
    waiting = world.api("GET", asked.headers["Location"])
    assert (waiting.body, waiting.headers["Retry-After"]) == (asked.body, "3")

    world.work_on_exports()
    ready = world.api("GET", asked.headers["Location"])
    assert "Retry-After" not in ready.headers
    assert ready.body | {
        "raffle": large["id"], "of": "tickets", "format": "csv", "ticket_status": None, "status": "READY",
        "rows": 10_001, "done": 10_001, "progress": 100, "reason": None, "url_expires_at": "2026-11-23T14:05:00Z",
        "vanishes_at": "2026-11-30T14:00:00Z", "file_name": "bike-tickets-20261123-1400.csv",
    } == ready.body  # fmt: skip
    assert ready.body["url"].startswith("https://")


def test_a_small_export_can_be_made_in_the_background_too(world: World, raffle: Json) -> None:
    wanted = {"format": "xlsx", "of": "tickets", "status": "SOLD"}
    asked = world.api("POST", f"/api/raffles/{raffle['id']}/exports", wanted)

    assert (asked.status, asked.body["ticket_status"]) == (202, "SOLD")
    assert world.api("POST", f"/api/raffles/{raffle['id']}/exports", wanted).body["id"] == asked.body["id"]
    world.work_on_exports()
    assert world.api("GET", asked.headers["Location"]).body["rows"] == 2


def test_the_exports_of_a_raffle_are_listed(world: World, raffle: Json) -> None:
    path = f"/api/raffles/{raffle['id']}/exports"
    assert world.api("GET", path).body["results"] == []
    for number, wanted in enumerate(({"of": "tickets"}, {"of": "buyers"}, {"of": "tickets"})):
        world.api("POST", path, wanted)
        world.work_on_exports()
        world.clock.pass_minutes(number + 1)
    found = world.api("GET", path).body["results"]
    assert [(one["of"], one["status"], one["url"]) for one in found] == [
        ("tickets", "READY", None),
        ("buyers", "READY", None),
    ]
    assert world.api("GET", f"/api/exports/{found[0]['id']}").body["url"]
    world.clock.pass_minutes(8 * 24 * 60)
    assert world.api("GET", path).body["results"] == []
    assert world.api("GET", "/api/raffles/nosuch/exports").status == 404


def test_the_same_idempotency_key_makes_one_export_even_when_it_is_ready(world: World, raffle: Json) -> None:
    def ask() -> str:
        answer = world.api("POST", f"/api/raffles/{raffle['id']}/exports", {"of": "orders"}, **{"Idempotency-Key": "k"})
        assert answer.status == 202
        return str(answer.body["id"])

    first = ask()
    world.work_on_exports()
    assert ask() == first
    assert world.api("POST", f"/api/raffles/{raffle['id']}/exports", {"of": "orders"}).body["id"] != first


@pytest.mark.parametrize(
    "query", ["?format=pdf", "?of=proofs", "?status=PAID", "?of=orders&status=SOLD", "?formats=csv", "?page_size=5"]
)
def test_an_impossible_export_is_refused(world: World, raffle: Json, query: str) -> None:
    answer = world.api("GET", f"/api/raffles/{raffle['id']}/export{query}")
    assert (answer.status, answer.body["code"]) == (422, "invalid_fields")


def test_an_unknown_export_is_not_found(world: World) -> None:
    assert world.api("GET", "/api/raffles/none/export").body["code"] == "raffle_not_found"
    assert world.api("POST", "/api/raffles/none/exports", {}).body["code"] == "raffle_not_found"
    assert world.api("GET", "/api/exports/none").body["code"] == "export_not_found"
    assert world.api("GET", "/api/exports/no-id-at-all").body["code"] == "export_not_found"


def test_o1_without_a_token_there_is_no_export(world: World, raffle: Json) -> None:
    assert world.api("GET", f"/api/raffles/{raffle['id']}/export", token=None).status == 401


def test_o2_the_log_says_who_exported_data(world: World, raffle: Json, monkeypatch: pytest.MonkeyPatch) -> None:
    viewer = world.container.tokens.create("Vera", Role.VIEWER, by=COMMAND_LINE)
    world.api("GET", f"/api/raffles/{raffle['id']}/export?of=buyers", token=viewer.key)
    monkeypatch.setattr(service, "MAX_ROWS", 10)
    asked = world.api("GET", f"/api/raffles/{raffle['id']}/export?status=AVAILABLE", token=viewer.key)
    world.api("GET", f"/api/raffles/{raffle['id']}/export?status=AVAILABLE")

    entries = world.api("GET", f"/api/audit?target=raffle:{raffle['id']}").body["results"][:3]
    assert {entry["action"] for entry in entries} == {"raffle.exported"}
    assert [(entry["by"], entry["after"]) for entry in entries[::-1]] == [
        ("Vera", {"of": "buyers", "format": "csv", "rows": 1}),
        ("Vera", {"of": "tickets", "format": "csv", "status": "AVAILABLE", "export": asked.body["id"]}),
        ("local", {"of": "tickets", "format": "csv", "status": "AVAILABLE", "export": asked.body["id"]}),
    ]
