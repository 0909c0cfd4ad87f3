"""Somebody with a manager's token revokes all the others, and the last one too, so that nobody can manage tokens."""

from datetime import timedelta
from functools import partial

import pytest

from chalicelib.domain.organisers import COMMAND_LINE, Actor, Role
from chalicelib.domain.refusals import LastManager, TokenNotFound
from chalicelib.services.tokens import id_of
from chalicelib.store import tokens
from chalicelib.store.records import TokenRecord
from tests.support.request_counts import Requests
from tests.support.tokens import a_token, a_token_of_before
from tests.support.world import TOKEN, World

LOCAL = id_of(TOKEN)  # the only manager of a new world


def managers(world: World) -> set[str]:
    return {
        token.name for token in tokens.all_tokens() if token.role is Role.MANAGER and token.is_valid(world.clock.now)
    }


def manager(world: World, name: str) -> Actor:
    made = world.container.tokens.create(name, Role.MANAGER, by=COMMAND_LINE).token
    return Actor(made.name, made.role, made.id)


def revoke(world: World, token_id: str, by: Actor) -> None:
    world.container.tokens.revoke(token_id, by=by)


def test_o6_the_last_manager_is_not_revoked(world: World) -> None:
    for role in ("viewer", "cashier"):
        a_token(world, role)
    refused = world.api("DELETE", f"/api/tokens/{LOCAL}")
    assert (refused.status, refused.body["code"]) == (409, "last_manager")
    assert "Create another manager's token first" in refused.body["detail"]
    assert managers(world) == {"local"}
    second = a_token(world, "manager")
    for _ in range(2):  # twice is once
        assert world.api("DELETE", f"/api/tokens/{LOCAL}", token=second["key"]).status == 200
    assert managers(world) == {"the manager"}


def test_o6_the_last_manager_is_not_revoked_from_the_command_line_either(world: World) -> None:
    with pytest.raises(LastManager):
        revoke(world, LOCAL, COMMAND_LINE)
    a_token_of_before(world, "Olga")
    revoke(world, LOCAL, COMMAND_LINE)
    assert managers(world) == {"Olga"}


def test_o6_a_manager_whose_token_has_expired_does_not_count(world: World) -> None:
    soon = world.clock.now + timedelta(hours=1)
    expiring = a_token(world, "manager", expires_at=soon.isoformat())
    world.clock.now = soon
    by = Actor(expiring["name"], Role.MANAGER, expiring["id"])
    with pytest.raises(LastManager):
        revoke(world, LOCAL, by)
    revoke(world, expiring["id"], by)  # it is no manager any more
    assert managers(world) == {"local"}


def test_o6_an_expired_token_is_revoked_though_no_manager_is_left(world: World) -> None:
    soon = world.clock.now + timedelta(hours=1)
    expiring = a_token(world, "manager", expires_at=soon.isoformat())
    TokenRecord.get(f"TOKEN#{LOCAL}", "TOKEN").delete()
    world.clock.now = soon
    revoke(world, expiring["id"], COMMAND_LINE)
    assert tokens.get(expiring["id"])[0].revoked_at == soon


def test_o6_a_viewer_who_acts_is_no_other_manager(world: World) -> None:
    with pytest.raises(LastManager):
        revoke(world, LOCAL, Actor("the viewer", Role.MANAGER, a_token(world, "viewer")["id"]))


def test_o6_who_acts_need_not_have_a_token_that_is_still_there(world: World) -> None:
    with pytest.raises(LastManager):
        revoke(world, LOCAL, Actor("gone", Role.MANAGER, "0" * 16))
    with pytest.raises(TokenNotFound):
        revoke(world, "0" * 16, COMMAND_LINE)


def test_o6_two_managers_who_revoke_each_other_at_once_leave_one(world: World, requests: Requests) -> None:
    ana, eva = manager(world, "Ana"), manager(world, "Eva")
    revoke(world, LOCAL, ana)
    requests.before_the_next_commit(partial(revoke, world, str(ana.token_id), eva))
    with pytest.raises(LastManager):
        revoke(world, str(eva.token_id), ana)
    assert managers(world) == {"Eva"}


def test_o6_three_managers_who_revoke_one_another_in_a_circle_leave_one(world: World, requests: Requests) -> None:
    ana, eva, ida = manager(world, "Ana"), manager(world, "Eva"), manager(world, "Ida")
    revoke(world, LOCAL, ana)
    requests.before_the_next_commit(partial(revoke, world, str(ida.token_id), eva))
    requests.before_the_next_commit(partial(revoke, world, str(ana.token_id), ida))
    with pytest.raises(LastManager):
        revoke(world, str(eva.token_id), ana)
    assert managers(world) == {"Eva"}


def test_o6_two_who_revoke_the_same_manager_at_once_both_succeed(world: World, requests: Requests) -> None:
    ana, eva = manager(world, "Ana"), manager(world, "Eva")
    requests.before_the_next_commit(partial(revoke, world, LOCAL, eva))
    revoke(world, LOCAL, ana)
    assert managers(world) == {"Ana", "Eva"}
