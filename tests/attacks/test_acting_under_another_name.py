"""A manager creates a token that reads like somebody else's, so that the audit log blames them."""

from functools import partial

import pytest

from chalicelib.domain.organisers import COMMAND_LINE, Role
from chalicelib.domain.refusals import TokenNameTaken
from chalicelib.store import tokens
from tests.support.request_counts import Requests
from tests.support.tokens import a_token, a_token_of_before
from tests.support.world import World

ALIKE = ["Olga", "olga", "OLGA ", "Ｏlga"]  # the last one begins with a full-width letter


def assert_refused(world: World, name: str) -> None:
    before = len(tokens.all_tokens())
    refused = world.api("POST", "/api/tokens", {"name": name, "role": "viewer"})
    assert (refused.status, refused.body["code"]) == (409, "token_name_taken")
    assert [error["field"] for error in refused.body["errors"]] == ["name"]
    assert len(tokens.all_tokens()) == before


@pytest.mark.parametrize("name", ALIKE)
def test_o7_a_name_that_a_token_has_is_taken(world: World, name: str) -> None:
    a_token(world, name="Olga")
    assert_refused(world, name)


@pytest.mark.parametrize("name", ALIKE)
def test_o7_so_is_that_of_a_token_of_the_version_before(world: World, name: str) -> None:
    a_token_of_before(world, "Olga")
    assert_refused(world, name)


def test_o7_a_revoked_token_keeps_its_name(world: World) -> None:
    world.api("DELETE", f"/api/tokens/{a_token(world, name='Olga')['id']}")
    assert_refused(world, "Olga")


@pytest.mark.parametrize("name", ["command line", "Command  Line", "COMMAND LINE", "nobody", "Tombola"])
def test_o7_a_name_that_tombola_uses_itself_is_reserved(world: World, name: str) -> None:
    assert_refused(world, name)


def test_o7_of_two_who_create_a_name_at_once_one_gets_it(world: World, requests: Requests) -> None:
    create = partial(world.container.tokens.create, role=Role.VIEWER, by=COMMAND_LINE)
    requests.before_the_next_commit(partial(create, "olga"))
    with pytest.raises(TokenNameTaken):
        create("Olga")
    assert {token.name for token in tokens.all_tokens()} == {"local", "olga"}


def test_o7_the_index_need_not_have_a_name_for_it_to_be_taken(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    a_token(world, name="Olga")
    monkeypatch.setattr(tokens, "all_tokens", list)
    assert world.api("POST", "/api/tokens", {"name": "olga", "role": "viewer"}).status == 409
