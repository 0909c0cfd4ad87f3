"""O1: tokens are made, shown once, listed, and revoked. What each may do: tests/api/test_roles.py."""

import json
from datetime import timedelta

import pytest
from pynamodb.connection import Connection

from chalicelib.domain.organisers import COMMAND_LINE, Actor, Role
from chalicelib.services.tokens import IDS_READ_EVERY, id_of
from chalicelib.store.idempotency import IdempotencyKey
from chalicelib.store.records import TokenRecord
from tests.support.request_counts import Requests
from tests.support.tokens import a_token, a_token_of_before, in_another_process
from tests.support.world import TOKEN, World


@pytest.mark.parametrize("why", ["revoked", "expired"])
def test_o1_a_revoked_or_expired_token_opens_nothing(world: World, why: str) -> None:
    expires_at = (world.clock.now + timedelta(hours=1)).isoformat()
    made = a_token(world, "manager", expires_at=expires_at)
    assert world.api("GET", "/api/raffles", token=made["key"]).status == 200
    if why == "revoked":
        assert world.api("DELETE", f"/api/tokens/{made['id']}").body["revoked_at"] is not None
        assert world.api("DELETE", f"/api/tokens/{made['id']}").status == 200  # twice is once
    else:
        world.clock.now += timedelta(hours=1)
    assert world.api("GET", "/api/raffles", token=made["key"]).status == 403


def test_o1_the_key_is_shown_once_and_only_hashes_are_kept(world: World) -> None:
    made = a_token(world)
    listed = world.api("GET", "/api/tokens").body["results"]
    assert made["id"] in {one["id"] for one in listed} and "key" not in listed[0]
    stored = json.dumps([str(record.attribute_values) for record in TokenRecord.scan()])
    assert made["key"] not in stored and TOKEN not in stored


def test_the_same_request_again_makes_no_second_token(world: World) -> None:
    body = {"name": "Olga", "role": "cashier"}
    first = world.api("POST", "/api/tokens", body, **{"Idempotency-Key": "k1"})
    again = world.api("POST", "/api/tokens", body, **{"Idempotency-Key": "k1"})
    other = world.api("POST", "/api/tokens", body | {"name": "Otto"}, **{"Idempotency-Key": "k1"})
    assert (first.status, again.status, again.body["code"]) == (201, 409, "token_shown_before")
    assert (other.status, other.body["code"]) == (422, "idempotency_key_used")
    assert len(world.api("GET", "/api/tokens").body["results"]) == 2


def test_when_a_token_was_used_last_is_known_to_within_ten_minutes(world: World) -> None:
    made = a_token(world)
    world.api("GET", "/api/raffles", token=made["key"])
    first = world.clock.now
    for _ in range(9):
        world.clock.pass_minutes(1)
        world.api("GET", "/api/raffles", token=made["key"])
    shown = next(one for one in world.api("GET", "/api/tokens").body["results"] if one["id"] == made["id"])
    assert shown["last_used_at"] == first.isoformat().replace("+00:00", "Z")
    world.clock.pass_minutes(1)
    world.api("GET", "/api/raffles", token=made["key"])
    shown = next(one for one in world.api("GET", "/api/tokens").body["results"] if one["id"] == made["id"])
    assert shown["last_used_at"] == world.clock.now.isoformat().replace("+00:00", "Z")


def test_o1_a_key_without_a_check_part_works_until_it_is_revoked(world: World, requests: Requests) -> None:
    """Those of before there were check parts, and those that somebody chose."""
    key = a_token_of_before(world, "Olga")
    process = in_another_process(world)
    first = requests.during(lambda: process.admit(f"Token {key}"))
    assert [first, requests.during(lambda: process.admit(f"Token {key}"))] == [
        ["Query", "GetItem", "UpdateItem"],  # the ids of all tokens, once; and its use, once in ten minutes
        ["GetItem"],
    ]
    assert world.api("DELETE", f"/api/tokens/{id_of(key)}").status == 200
    assert process.admit(f"Token {key}") is None


def test_a_chosen_key_opens_the_api_at_once_or_ten_seconds_later_in_another_process(world: World) -> None:
    process = in_another_process(world)
    assert process.admit("Token my-own-key") is None
    assert world.container.tokens.admit("Token my-own-key") is None
    world.container.tokens.create("dev", Role.VIEWER, by=COMMAND_LINE, key="my-own-key")
    assert world.container.tokens.admit("Token my-own-key")
    assert process.admit("Token my-own-key") is None
    world.clock.now += IDS_READ_EVERY
    assert process.admit("Token my-own-key")


def test_a_token_that_cannot_be_read_keeps_out_no_other(world: World) -> None:
    """Such as one of a later version, after a rollback."""
    key = a_token_of_before(world, "Olga")
    later = TokenRecord.get(f"TOKEN#{id_of(TOKEN)}", "TOKEN")
    later.update([TokenRecord.role.set("of a later version")])
    assert in_another_process(world).admit(f"Token {key}")


def test_ids_beyond_the_first_page_of_the_index_are_known(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = [a_token_of_before(world, name) for name in ("Olga", "Ana", "Eva")]
    query = Connection.query
    monkeypatch.setattr(Connection, "query", lambda *given, **named: query(*given, **{**named, "limit": 1}))
    process = in_another_process(world)
    assert all(process.admit(f"Token {key}") for key in (TOKEN, *keys))


def test_an_id_reveals_nothing_of_the_key() -> None:
    assert len({id_of(f"{number}") for number in range(1000)}) == 1000
    assert id_of(TOKEN) not in TOKEN and len(id_of(TOKEN)) == 16


@pytest.mark.parametrize("role", Role)
def test_a_token_may_ask_whose_it_is(world: World, role: Role) -> None:
    expires_at = (world.clock.now + timedelta(hours=1)).isoformat()
    made = a_token(world, role, expires_at=expires_at)
    found = world.api("GET", "/api/me", token=made["key"])
    assert found.body == {"token": made["id"], **{name: made[name] for name in ("name", "role", "expires_at")}}


def test_a_token_that_would_be_expired_is_not_made(world: World) -> None:
    body = {"name": "old", "role": "viewer", "expires_at": world.clock.now.isoformat()}
    found = world.api("POST", "/api/tokens", body)
    assert (found.status, found.body["errors"][0]["field"]) == (422, "expires_at")


def test_creating_and_revoking_take_as_many_requests_as_documented(world: World, requests: Requests) -> None:
    viewer, first, second = (a_token(world, role, name=name) for role, name in (
        ("viewer", "A"), ("manager", "B"), ("manager", "C"),
    ))  # fmt: skip
    by = Actor("C", Role.MANAGER, second["id"])
    access = world.container.tokens
    key = IdempotencyKey("k1", "fingerprint")
    assert len(requests.during(lambda: access.create("D", Role.VIEWER, by=by))) == 3
    assert len(requests.during(lambda: access.create("E", Role.VIEWER, by=by, idempotency_key=key))) == 4
    assert len(requests.during(lambda: access.revoke(viewer["id"], by=by))) == 4
    assert len(requests.during(lambda: access.revoke(first["id"], by=by))) == 5
    assert len(requests.during(lambda: access.revoke(second["id"], by=by))) == 6
