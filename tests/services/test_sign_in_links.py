"""O13: a link gives a colleague a token, once and within ten minutes."""

import json
from typing import Any

import pytest

from chalicelib.cli.commands import main
from chalicelib.domain.organisers import COMMAND_LINE, Actor, Role
from chalicelib.domain.refusals import SignInLinkOver, SignInLinkUsed
from chalicelib.services.tokens import id_of
from chalicelib.store.records import Record, SignInLinkRecord
from tests.support.request_counts import Requests
from tests.support.tokens import a_token
from tests.support.world import TOKEN, Answer, World

Json = dict[str, Any]


def a_link(world: World, name: str = "Olga", role: str = "cashier", *, token: str = TOKEN, **fields: Any) -> Json:
    made = world.api("POST", "/api/sign-in-links", {"name": name, "role": role, **fields}, token=token)
    assert made.status == 201, made.body
    return dict(made.body)


def secret_in(link: Json) -> str:
    before, fragment, secret = link["path"].partition("#/sign-in/")
    assert (before, fragment) == ("/console/", "#/sign-in/")
    return str(secret)


def exchange(world: World, secret: str) -> Answer:
    return world.api("POST", "/api/sign-in", {"secret": secret}, token=None)


def test_o13_a_link_gives_a_token_with_its_name_and_role(world: World) -> None:
    link = a_link(world)
    assert (link["name"], link["role"], link["valid_until"]) == ("Olga", "cashier", "2026-11-23T14:10:00Z")
    made = exchange(world, secret_in(link))
    assert made.status == 201
    me = world.api("GET", "/api/me", token=made.body["key"]).body
    assert (me["token"], me["name"], me["role"], me["expires_at"]) == (made.body["id"], "Olga", "cashier", None)
    direct = a_token(world, "cashier", name="Otto")
    assert direct.keys() == made.body.keys()
    assert (made.body["created_by"], direct["created_by"]) == ("local", "local")


def test_o13_a_link_works_once(world: World) -> None:
    secret = secret_in(a_link(world))
    first = exchange(world, secret)
    again = exchange(world, secret)
    assert (again.status, again.body["code"]) == (409, "sign_in_link_used")
    assert "key" not in again.body
    assert world.api("GET", "/api/me", token=first.body["key"]).status == 200
    assert [one["name"] for one in world.api("GET", "/api/tokens").body["results"]].count("Olga") == 1


def test_o13_a_link_works_for_ten_minutes(world: World) -> None:
    links = [secret_in(a_link(world, name)) for name in ("Olga", "Otto")]
    world.clock.pass_minutes(9.99)
    assert exchange(world, links[0]).status == 201
    world.clock.pass_minutes(0.01)
    late = exchange(world, links[1])
    assert (late.status, late.body["code"]) == (409, "sign_in_link_over")


def test_o13_of_two_who_open_it_at_the_same_moment_one_gets_a_token(world: World, requests: Requests) -> None:
    secret = secret_in(a_link(world))
    others: list[Any] = []
    requests.before_the_next_commit(lambda: others.append(world.container.sign_in_links.exchange(secret)))
    with pytest.raises(SignInLinkUsed):
        world.container.sign_in_links.exchange(secret)
    names = [token["name"] for token in world.api("GET", "/api/tokens").body["results"]]
    assert (len(others), names.count("Olga")) == (1, 1)


def test_o13_two_links_for_one_name_give_one_token(world: World, requests: Requests) -> None:
    first, second = (secret_in(a_link(world)) for _ in range(2))
    requests.before_the_next_commit(lambda: exchange(world, first))
    assert exchange(world, second).body["code"] == "token_name_taken"
    assert exchange(world, second).body["code"] == "token_name_taken"


def test_o13_a_name_that_is_taken_gets_no_link(world: World) -> None:
    for name in ("local", "LOCAL", "command line", "WhatsApp +50255550000"):
        refused = world.api("POST", "/api/sign-in-links", {"name": name, "role": "viewer"})
        assert (refused.status, refused.body["code"]) == (409, "token_name_taken"), name


@pytest.mark.parametrize("role", ["viewer", "cashier"])
def test_o13_only_who_may_create_tokens_makes_links(world: World, role: str) -> None:
    key = a_token(world, role)["key"]
    refused = world.api("POST", "/api/sign-in-links", {"name": "Olga", "role": "viewer"}, token=key)
    assert (refused.status, refused.body["code"]) == (403, "role_not_allowed")


@pytest.mark.parametrize("why", ["revoked", "expired"])
def test_o13_the_link_of_a_manager_who_is_none_any_more_gives_nothing(world: World, why: str) -> None:
    soon = world.clock.now.replace(minute=5).isoformat()
    mallory = a_token(world, "manager", name="Mallory", **({"expires_at": soon} if why == "expired" else {}))
    secret = secret_in(a_link(world, token=mallory["key"]))
    world.clock.pass_minutes(6)
    if why == "revoked":
        world.api("DELETE", f"/api/tokens/{mallory['id']}")
    assert exchange(world, secret).body["code"] == "sign_in_link_over"


def test_o13_revoking_the_maker_and_using_the_link_at_the_same_moment_gives_nothing(
    world: World, requests: Requests
) -> None:
    mallory = a_token(world, "manager", name="Mallory")
    secret = secret_in(a_link(world, token=mallory["key"]))
    requests.before_the_next_commit(lambda: world.container.tokens.revoke(mallory["id"], by=COMMAND_LINE))
    with pytest.raises(SignInLinkOver):
        world.container.sign_in_links.exchange(secret)


def test_o13_the_token_may_expire(world: World) -> None:
    until = "2026-11-23T15:00:00Z"
    made = exchange(world, secret_in(a_link(world, expires_at=until)))
    assert made.body["expires_at"] == until
    world.clock.pass_minutes(61)
    assert world.api("GET", "/api/me", token=made.body["key"]).status == 403
    refused = world.api("POST", "/api/sign-in-links", {"name": "Otto", "role": "viewer", "expires_at": until})
    assert refused.body["errors"][0]["field"] == "expires_at"


def test_o13_garbage_costs_no_look_up(world: World, requests: Requests) -> None:
    secret = secret_in(a_link(world))
    for wrong in ("x", "link_" + "x" * 51, secret[:-1], secret[:-1] + "-", secret.upper(), TOKEN, "é"):
        before = len(requests.made)
        found = exchange(world, wrong)
        assert (found.status, found.body["code"]) == (404, "sign_in_link_not_found")
        assert len(requests.made) == before
    for wrong in ("", "x" * 201):
        assert exchange(world, wrong).body["errors"][0]["field"] == "secret"


def test_o13_an_id_that_is_right_opens_nothing_with_another_secret(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if two secrets had one id: the hash decides."""
    secret, other = (secret_in(a_link(world, name)) for name in ("Olga", "Otto"))
    monkeypatch.setattr(
        "chalicelib.services.sign_in_links.id_of", lambda text: id_of(secret if text == other else text)
    )
    assert exchange(world, other).body["code"] == "sign_in_link_not_found"


def test_o13_the_secret_is_stored_nowhere(world: World) -> None:
    secret = secret_in(a_link(world))
    exchange(world, secret)
    assert len(list(SignInLinkRecord.scan())) == 1
    for record in Record.scan():
        stored = str(record.attribute_values)
        assert secret not in stored and secret[5:20] not in stored


def test_o13_both_steps_are_in_the_audit_log_without_the_secret(world: World) -> None:
    link = a_link(world)
    secret = secret_in(link)
    world.clock.pass_minutes(1)
    made = exchange(world, secret).body
    entries = {entry["target"]: entry for entry in world.api("GET", "/api/audit").body["results"]}
    created, used = entries[f"link:{link['id']}"], entries[f"token:{made['id']}"]
    assert (created["action"], created["target"], created["by"]) == ("link.created", f"link:{link['id']}", "local")
    assert created["after"] == {"name": "Olga", "role": "cashier", "token_expires_at": None}
    assert (used["action"], used["target"], used["by"]) == ("token.created", f"token:{made['id']}", "local")
    assert used["after"] == {"name": "Olga", "role": "cashier", "expires_at": None, "link": link["id"]}
    assert world.api("GET", f"/api/audit?target=link:{link['id']}").body["results"] == [created]
    assert secret not in json.dumps([used, created])


def test_o13_a_command_makes_a_link_too(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["create-link", "Olga", "--days", "30", "--console", "https://raffles.example/api/console"]) == 0
    address, said = capsys.readouterr().out.splitlines()
    assert address.startswith("https://raffles.example/api/console/#/sign-in/link_")
    assert "once, until 14:10 UTC" in said
    made = exchange(world, address.partition("#/sign-in/")[2]).body
    assert (made["role"], made["created_by"], made["expires_at"]) == ("cashier", "command line", "2026-12-23T14:00:00Z")
    assert main(["create-link", "Olga"]) == 1
    assert "The name Olga is taken" in capsys.readouterr().err


def test_o13_exchanging_takes_five_requests(world: World, requests: Requests) -> None:
    made = world.container.sign_in_links.create("Olga", Role.VIEWER, by=Actor("local", Role.MANAGER, id_of(TOKEN)))
    taken = requests.during(lambda: world.container.sign_in_links.exchange(made.secret))
    assert taken == ["GetItem", "GetItem", "Query", "BatchGetItem", "TransactWriteItems"]
