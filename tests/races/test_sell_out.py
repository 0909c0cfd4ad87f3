"""H1, H2: many buyers in many processes sell a raffle out on a real engine, nothing is sold twice, and a check that
runs meanwhile neither sees faults that are none nor loses a sale with its repairs."""

from collections.abc import Iterator

import pytest

from chalicelib.checking import Checking
from chalicelib.domain.checks import Kind, Report
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


def test_a_check_while_all_buy_sees_no_faults(engine: str) -> None:
    checking, reports = Checking(pause=lambda _: None), list[Report]()

    def check(_: Runtime, raffle: Raffle) -> None:
        reports.append(checking.check(raffle.id))

    raffle, tale = sell(engine, numbers=300, meanwhile=check)
    assert tale.errors == []
    assert len(reports) >= 3
    assert [report.findings for report in reports if report.findings] == []
    assert checking.check(raffle.id).tickets == 300


def test_a_repair_while_all_buy_mends_what_was_planted_and_loses_no_sale(engine: str) -> None:
    checking, mended = Checking(pause=lambda _: None), set[Kind]()

    def plant_and_repair(_: Runtime, raffle: Raffle) -> None:
        tally = TallyRecord(f"BOARD#{raffle.id}", "TALLY#01")
        tally.update([TallyRecord.kind.set(TallyRecord), TallyRecord.page(1).add(3), TallyRecord.sold.add(-2)])
        # Bits beyond the last number, which no sale touches.
        leaf = LeafRecord(*board.leaf_key(raffle.id, raffle.layout.leaf_keys(2)[0]))
        leaf.update([LeafRecord.kind.set(LeafRecord), LeafRecord.word("t", 0).add(1 << 50)])
        mended.update(checking.check(raffle.id, repair=True).findings)

    raffle, tale = sell(engine, numbers=300, meanwhile=plant_and_repair)
    assert tale.errors == []
    checking.check(raffle.id, repair=True)
    assert differences(raffle) == []
    assert mended == {Kind.TALLY_PAGE, Kind.TALLY_SOLD, Kind.STRAY_BITS}
