"""O2: every change by an organiser is in a log that nobody can change unseen."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.cli.commands import main
from chalicelib.domain.audit import CHAINS, AuditEntry, AuditEvent, Head, flaws, next_entry
from chalicelib.domain.organisers import COMMAND_LINE
from chalicelib.store import audit
from chalicelib.store.records import AuditRecord
from tests.support.steps import everything, hold_and_prove
from tests.support.world import Buyer, World

NOW = datetime(2026, 11, 23, 14, tzinfo=UTC)


def actions(world: World, **filters: str) -> list[str]:
    query = "&".join(f"{name}={value}" for name, value in filters.items())
    return [one["action"] for one in world.api("GET", f"/api/audit?{query}").body["results"]]


def test_o2_an_entry_says_who_did_what_when_before_and_after(world: World, lucia: Buyer) -> None:
    raffle = world.raffle()
    order_id = hold_and_prove(lucia)
    world.clock.pass_minutes(1)
    world.api("POST", f"/api/orders/{order_id}/confirm-payment")
    entry = world.api("GET", "/api/audit").body["results"][0]
    assert (entry["action"], entry["target"], entry["by"]) == ("order.paid", f"order:{order_id}", "local")
    assert entry["at"] == world.clock.now.isoformat().replace("+00:00", "Z")
    assert (entry["before"], entry["after"]) == ({"status": "IN_REVIEW"}, {"status": "PAID"})
    world.api("PATCH", f"/api/raffles/{raffle['id']}", {"title": "Two bicycles"})
    assert actions(world, target=f"raffle:{raffle['id']}") == ["raffle.changed", "raffle.activated", "raffle.created"]
    entry = world.api("GET", "/api/audit").body["results"][0]
    assert (entry["before"], entry["after"]) == ({"title": "Bicycle"}, {"title": "Two bicycles"})
    assert actions(world, by="local") == ["raffle.changed", "order.paid", "raffle.activated", "raffle.created"]
    assert actions(world, target=f"raffle:{raffle['id']}", by="somebody else") == []


def test_o2_entries_are_found_by_action_and_time(world: World, lucia: Buyer) -> None:
    raffle = world.raffle()
    world.clock.pass_minutes(60)
    order_id = hold_and_prove(lucia)
    world.api("POST", f"/api/orders/{order_id}/confirm-payment")
    world.clock.pass_minutes(60)
    world.api("POST", f"/api/raffles/{raffle['id']}/deactivate")
    assert actions(world, action="order.paid") == ["order.paid"]
    assert actions(world, action="order.paid", by="local", target=f"order:{order_id}") == ["order.paid"]
    assert actions(world, action="order.paid", target=f"raffle:{raffle['id']}") == []
    assert actions(world, created_after="2026-11-23T15:00:00Z") == ["raffle.deactivated", "order.paid"]
    assert actions(world, created_before="2026-11-23T15:00:00Z") == [
        "raffle.activated",
        "raffle.created",
        "token.created",
    ]
    both = {"created_after": "2026-11-23T15:00:00Z", "created_before": "2026-11-23T16:00:00Z"}
    assert actions(world, **both) == actions(world, **both, by="local") == ["order.paid"]
    assert actions(world, **both, action="raffle.created") == []
    one_by_one = everything(world, "/api/audit?page_size=1&created_before=2026-11-23T16:00:00Z")
    assert [entry["action"] for entry in one_by_one] == [
        "order.paid",
        "raffle.activated",
        "raffle.created",
        "token.created",
    ]


@pytest.mark.parametrize(
    ("query", "field"),
    [("action=paid", "action"), ("action=Order.paid", "action"), ("created_after=now", "created_after")],
)
def test_a_wrong_filter_is_named(world: World, query: str, field: str) -> None:
    found = world.api("GET", f"/api/audit?{query}")
    assert (found.status, [error["field"] for error in found.body["errors"]]) == (422, [field])


def test_o2_a_request_that_changes_nothing_is_not_recorded(world: World) -> None:
    raffle = world.raffle()
    before = actions(world)
    world.api("POST", f"/api/raffles/{raffle['id']}/activate")
    world.api("PUT", f"/api/raffles/{raffle['id']}", raffle)
    world.api("PATCH", f"/api/raffles/{raffle['id']}", {})
    assert actions(world) == before


def test_o2_the_log_holds_no_personal_data(world: World, lucia: Buyer) -> None:
    world.raffle()
    world.api("POST", f"/api/orders/{hold_and_prove(lucia)}/cancel")
    stored = json.dumps([str(record.attribute_values) for record in AuditRecord.scan()])
    assert "Luc" not in stored and str(lucia.person.wa_id) not in stored and str(lucia.person.user_id) not in stored


def test_o2_an_intact_log_passes_the_check(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.raffle()
    assert main(["check-audit"]) == 0
    assert capsys.readouterr().out == "3 entries checked, no problems found.\n"


@pytest.mark.parametrize("how", ["changed", "taken out", "cut off"])
def test_o2_tampering_is_detected(world: World, how: str, capsys: pytest.CaptureFixture[str]) -> None:
    raffle = world.raffle()
    entries = [one for one in AuditRecord.scan() if one.target == f"raffle:{raffle['id']}"]
    first, last = sorted(entries, key=lambda entry: int(entry.number))
    match how:
        case "changed":
            first.update(actions=[AuditRecord.name.set("somebody else")])
        case "taken out":
            first.delete()
        case _:
            last.delete()
    assert main(["check-audit", "--json"]) == 1
    assert len(json.loads(capsys.readouterr().out)["flaws"]) >= 1


@given(st.lists(st.tuples(st.sampled_from(["a:1", "b:2"]), st.integers()), min_size=1, max_size=8), st.data())
def test_o2_any_change_of_any_entry_is_detected(deeds: list[tuple[str, int]], data: st.DataObject) -> None:
    head, entries = Head(), list[AuditEntry]()
    for _, value in deeds:
        deed = AuditEvent(action="x.done", target="a:1", by=COMMAND_LINE, at=NOW, before={}, after={"value": value})
        entries.append(next_entry(head, deed))
        head = Head(entries[-1].number, entries[-1].seal)
    assert list(flaws(entries, head)) == []
    at = data.draw(st.integers(0, len(entries) - 1))
    forged = next_entry(
        Head(entries[at].number - 1, entries[at].previous),
        AuditEvent(action="x.done", target="a:1", by=COMMAND_LINE, at=NOW, before={}, after={"value": "forged"}),
    )
    assert list(flaws([*entries[:at], forged, *entries[at + 1 :]], head))
    assert list(flaws([*entries[:at], *entries[at + 1 :]], head))


def test_o2_organisers_who_meet_in_a_chain_lose_nothing(world: World) -> None:
    ids = [world.raffle(code=f"R{number}A", active=False)["id"] for number in range(CHAINS + 4)]
    assert len({audit.head_key(f"raffle:{one}") for one in ids}) < len(ids)  # some share one
    assert main(["check-audit"]) == 0
    assert actions(world, page_size="200").count("raffle.created") == len(ids)
