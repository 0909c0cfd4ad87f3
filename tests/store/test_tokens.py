"""Tokens, where two changes meet. The audit log stands before these conditions, so each is tried without it."""

from dataclasses import replace

import pytest

from chalicelib.domain.organisers import COMMAND_LINE, Role, Token
from chalicelib.domain.refusals import TokenNotFound
from chalicelib.store import tokens
from chalicelib.store.transaction import ConditionsFailed, Transaction
from tests.support.world import World


@pytest.fixture
def token(world: World) -> Token:
    return world.container.tokens.create("Olga", Role.MANAGER, by=COMMAND_LINE).token


def revoking(world: World, token_id: str) -> Transaction:
    transaction = Transaction()
    tokens.revoke(transaction, token_id, world.clock.now)
    return transaction


def test_a_token_replaces_no_other_one_with_its_key(world: World, token: Token) -> None:
    adding = Transaction()
    tokens.add(adding, replace(token, name="Marta"), tokens.Lock(b"salt", b"hash"))
    with pytest.raises(ConditionsFailed):
        adding.commit()


def test_o7_a_name_means_one_token(world: World, token: Token) -> None:
    adding = Transaction()
    tokens.add(adding, replace(token, id="another"), tokens.Lock(b"salt", b"hash"))
    with pytest.raises(ConditionsFailed):
        adding.commit()


def test_a_token_is_revoked_once(world: World, token: Token) -> None:
    for_one = revoking(world, token.id)
    first = world.clock.now
    world.clock.pass_minutes(1)
    for_other = revoking(world, token.id)
    for_one.commit()
    with pytest.raises(ConditionsFailed):
        for_other.commit()
    assert tokens.get(token.id)[0].revoked_at == first


def test_nothing_is_made_of_a_token_that_is_not_stored(world: World) -> None:
    with pytest.raises(ConditionsFailed):
        revoking(world, "gone").commit()
    tokens.record_use("gone", world.clock.now)
    with pytest.raises(TokenNotFound):
        tokens.get("gone")


def test_o6_a_token_that_was_just_revoked_is_no_other_managers(world: World, token: Token) -> None:
    relying = Transaction()
    tokens.require_unrevoked(relying, token.id)
    revoking(world, token.id).commit()
    with pytest.raises(ConditionsFailed):
        relying.commit()
