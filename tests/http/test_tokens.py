"""O1: tokens are made, shown once, listed, and revoked. What each may do: tests/api/test_roles.py."""

import json
from datetime import timedelta

import pytest

from chalicelib.domain.organisers import COMMAND_LINE, Role
from chalicelib.domain.refusals import TryAgain
from chalicelib.lambdas import admit
from chalicelib.services import tokens as entrance
from chalicelib.services.tokens import FAILURES, Tokens, id_of
from chalicelib.store.records import TokenRecord
from chalicelib.store.transaction import Busy
from tests.support.tokens import a_token
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


def guess(access: Tokens) -> None:
    for number in range(FAILURES.burst + 1):
        assert access.admit(f"Token guess{number}") is None


def test_guessing_tokens_soon_costs_no_reads_and_keeps_nobody_out(world: World) -> None:
    access = world.container.tokens
    stranger = access.create("Stranger", Role.VIEWER, by=COMMAND_LINE).key
    assert access.admit(f"Token {TOKEN}")
    guess(access)
    assert access.admit(f"Token {TOKEN}")  # known here
    for key in (stranger, "another guess"):
        with pytest.raises(TryAgain):  # not "wrong", which API Gateway would remember
            admit(f"Token {key}")
    world.clock.now += 2 * FAILURES.interval
    assert access.admit(f"Token {stranger}")


def test_the_most_recent_tokens_are_remembered(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entrance, "MAX_REMEMBERED", 2)
    access = world.container.tokens
    first, second, third = (access.create(name, Role.VIEWER, by=COMMAND_LINE).key for name in ("A", "B", "C"))
    for key in (first, second, first, third):
        assert access.admit(f"Token {key}")
    guess(access)
    assert access.admit(f"Token {first}") and access.admit(f"Token {third}")
    with pytest.raises(Busy):
        access.admit(f"Token {second}")


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
