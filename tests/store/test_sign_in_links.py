"""Sign-in links in the table: each condition by itself (O13)."""

from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.organisers import Role, SignInLink
from chalicelib.store import sign_in_links
from chalicelib.store.records import SignInLinkRecord
from chalicelib.store.tokens import Lock
from chalicelib.store.transaction import ConditionsFailed, Transaction
from tests.support.world import World

LOCK = Lock(b"salt", b"hash")


def a_link(world: World, **fields: Any) -> SignInLink:
    now = world.clock.now
    values: dict[str, Any] = {
        "id": "1", "name": "Olga", "role": Role.CASHIER, "token_expires_at": now + timedelta(days=1),
        "created_at": now, "created_by": "local", "created_by_token": "2", "expires_at": now + timedelta(minutes=10),
        **fields,
    }  # fmt: skip
    return SignInLink(**values)


def add(link: SignInLink, lock: Lock = LOCK) -> None:
    transaction = Transaction()
    sign_in_links.add(transaction, link, lock)
    transaction.commit()


def use(link: SignInLink, token_id: str) -> None:
    transaction = Transaction()
    sign_in_links.use(transaction, link, token_id)
    transaction.commit()


def test_a_link_is_read_as_it_was_stored(world: World) -> None:
    link = a_link(world)
    add(link)
    assert sign_in_links.get("1") == (link, LOCK)


def test_o13_a_link_is_used_once(world: World) -> None:
    add(a_link(world))
    use(a_link(world), "first")
    with pytest.raises(ConditionsFailed):
        use(a_link(world), "second")
    assert sign_in_links.get("1")[0].token_id == "first"


def test_o13_a_link_that_is_gone_is_not_used(world: World) -> None:
    with pytest.raises(ConditionsFailed):
        use(a_link(world), "first")
    assert list(SignInLinkRecord.scan()) == []


def test_o13_no_link_takes_the_place_of_another_one(world: World) -> None:
    add(a_link(world))
    with pytest.raises(ConditionsFailed):
        add(a_link(world, name="Otto"))
    assert sign_in_links.get("1")[0].name == "Olga"
