"""H1, H2: many buyers in many processes sell a raffle out on a real engine, and nothing is sold twice.

A check that runs meanwhile sees no faults that are none, and loses no sale with its repairs.
"""

from collections.abc import Iterator

import pytest

from chalicelib.checking import Checking
from chalicelib.domain.checks import Kind
from chalicelib.domain.raffles import Raffle
from chalicelib.runtime import Runtime
from chalicelib.store import board, raffles
from chalicelib.store.records import LeafRecord, TallyRecord
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


def test_a_check_while_all_buy_finds_just_what_was_planted_and_its_repairs_lose_no_sale(engine: str) -> None:
    checking, found = Checking(pause=lambda _: None), set[Kind]()

    def plant_and_repair(_: Runtime, raffle: Raffle) -> None:
        tally = TallyRecord(f"BOARD#{raffle.id}", "TALLY#01")
        tally.update([TallyRecord.kind.set(TallyRecord), TallyRecord.page(1).add(3), TallyRecord.sold.add(-2)])
        # Bits beyond the last number, which no sale touches.
        leaf = LeafRecord(*board.leaf_key(raffle.id, raffle.layout.leaf_keys(1)[0]))
        leaf.update([LeafRecord.kind.set(LeafRecord), LeafRecord.word("t", 1).add(1 << 50)])
        found.update(checking.check(raffle.id, repair=True).findings)

    raffle, tale = sell(engine, numbers=200, rounds=6, meanwhile=plant_and_repair)
    assert tale.errors == []
    checking.check(raffle.id, repair=True)
    assert differences(raffle) == []
    assert found == {Kind.TALLY_PAGE, Kind.TALLY_SOLD, Kind.STRAY_BITS}
