"""H1, H2: many buyers in many processes sell a raffle out on a real engine, and nothing is sold twice."""

from collections.abc import Iterator

import pytest

from chalicelib.store import raffles
from local.engines import ENGINES
from tests.races.hall import differences, sell

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module", params=ENGINES)
def engine(request: pytest.FixtureRequest) -> Iterator[str]:
    with ENGINES[request.param]() as endpoint:
        yield endpoint


@pytest.mark.parametrize("numbers", [10, 100])
def test_h2_a_sell_out_by_four_processes_leaves_one_owner_for_each_number(engine: str, numbers: int) -> None:
    raffle, tale = sell(engine, numbers=numbers)
    assert tale.errors == []
    assert raffles.board(raffle.id).availability.sold == numbers
    assert differences(raffle) == []
