"""O12, O13: organisers who do the same thing at the same moment, on engines. A control takes the conditions away."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from chalicelib.container import Container
from chalicelib.domain.orders import REVIEW_LEASE, OrderReview
from chalicelib.domain.organisers import COMMAND_LINE, Role
from chalicelib.domain.refusals import SignInLinkUsed
from chalicelib.store import order_reviews, sign_in_links, tokens
from chalicelib.store.records import Record, SignInLinkRecord, TokenNameRecord
from chalicelib.store.transaction import Transaction
from local.engines import ENGINES
from local.in_process import make_table, open_container
from tests.support.races.hall import START

AT_ONCE = 6
ROUNDS = 10


@pytest.fixture(scope="module", params=ENGINES)
def container(request: pytest.FixtureRequest) -> Iterator[Container]:
    with ENGINES[request.param]() as endpoint:
        opened = open_container(endpoint, clock=lambda: START, seed=1)
        make_table()
        yield opened
        Record._connection = None  # the next test module may speak to another


def at_once(do: Any) -> list[Any]:
    """What each of some threads gets that begin together."""
    barrier = Barrier(AT_ONCE)

    def begin(number: int) -> Any:
        barrier.wait()
        return do(number)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(begin, range(AT_ONCE)))


def exchange_at_once(container: Container, name: str) -> list[str]:
    """The ids of the tokens that a link gives to all who open it together."""
    secret = container.sign_in_links.create(name, Role.VIEWER, by=COMMAND_LINE).secret

    def exchange(_: int) -> str:
        try:
            return container.sign_in_links.exchange(secret).token.id
        except SignInLinkUsed:
            return ""

    return [token_id for token_id in at_once(exchange) if token_id]


def tokens_named(name: str) -> list[str]:
    return [token.id for token in tokens.all_tokens() if token.name == name]


def test_o13_a_link_gives_one_token_however_many_open_it_at_once(container: Container) -> None:
    for number in range(ROUNDS):
        given = exchange_at_once(container, f"Colleague {number}")
        assert len(given) == 1
        assert tokens_named(f"Colleague {number}") == given


def test_control_without_its_conditions_a_link_gives_several_tokens(
    container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    def use(transaction: Transaction, link: Any, token_id: str) -> None:
        record = SignInLinkRecord(f"TOKEN_LINK#{link.id}", "TOKEN_LINK")
        transaction.update(record, [SignInLinkRecord.token_id.set(token_id)])

    put = Transaction.put

    def put_any_name(self: Transaction, record: Record, **options: Any) -> None:
        put(self, record, **({} if isinstance(record, TokenNameRecord) else options))

    monkeypatch.setattr(sign_in_links, "use", use)
    monkeypatch.setattr(Transaction, "put", put_any_name)
    monkeypatch.setattr(type(container.tokens), "check_name", lambda *_: None)
    assert any(len(exchange_at_once(container, f"Control {number}")) > 1 for number in range(ROUNDS))


def open_at_once(order_id: str, *, take_over: bool = False) -> list[bool]:
    until = START + REVIEW_LEASE

    def put(number: int) -> bool:
        review = OrderReview(order_id=order_id, reviewer=f"Olga {number}", token_id=str(number), until=until)
        return order_reviews.put(review, START, take_over=take_over)

    return at_once(put)


def test_o12_of_all_who_open_an_order_at_once_one_has_it(container: Container) -> None:
    for number in range(ROUNDS):
        assert open_at_once(f"ORDER{number}").count(True) == 1


def test_control_without_the_condition_all_have_it(container: Container) -> None:
    assert all(open_at_once("CONTROL", take_over=True))
