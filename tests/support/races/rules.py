"""What the races show on any engine. `test_sell_out_….py` run these, a file for each engine: so both go at once."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from chalicelib.domain.board import LeafKey
from chalicelib.domain.consistency import DifferenceKind
from chalicelib.domain.raffles import Raffle
from chalicelib.services.maintenance.consistency import ConsistencyCheck
from chalicelib.store import board
from chalicelib.store.records import LeafRecord, TallyRecord
from tests.support.races.findings import differences
from tests.support.races.hall import PROCESSES, THREADS, Hall
from tests.support.races.profiles import RUSH, SIZES, hold_race
from tests.support.races.visitors import rush, sell_out


def test_h2_a_number_that_everybody_wants_at_once_goes_to_one(hall: Hall) -> None:
    result = hold_race(hall, RUSH, rush)
    assert result.wrong == []
    assert result.outcomes == {"held": RUSH.numbers, "numbers_taken": RUSH.numbers * (PROCESSES * THREADS - 1)}
    assert result.availability.sold == RUSH.numbers


def test_h2_without_the_condition_on_tickets_the_same_race_sells_twice(hall: Hall) -> None:
    """The control: a race that could not go wrong would show nothing."""
    result = hold_race(hall, RUSH, rush, guarded=False)
    assert "a number has two owners" in result.wrong
    assert result.outcomes["held"] > RUSH.numbers


@pytest.mark.parametrize("numbers", SIZES)
def test_h2_a_sell_out_leaves_one_owner_for_each_number_and_nothing_lost(hall: Hall, numbers: int) -> None:
    result = hold_race(hall, SIZES[numbers], sell_out)
    assert result.wrong == []
    assert result.availability == (numbers, 0, 0, numbers)
    assert result.attempts >= SIZES[numbers].least


def test_a_check_during_a_rush_finds_only_planted_faults_and_its_repairs_lose_no_sale(hall: Hall) -> None:
    consistency, found = ConsistencyCheck(pause=lambda _: None), set[DifferenceKind]()
    with hall.raffle(SIZES[100]) as stage, ThreadPoolExecutor(1) as aside:
        race = aside.submit(stage.race, sell_out)
        plant(stage.raffle)
        while not race.done():
            found.update(consistency.check(stage.raffle.id, repair=True).findings)
        assert race.result().wrong == []
        found.update(consistency.check(stage.raffle.id, repair=True).findings)
        assert differences(stage.raffle) == []
    assert found == {DifferenceKind.TALLY_PAGE, DifferenceKind.TALLY_SOLD, DifferenceKind.STRAY_BITS}


def plant(raffle: Raffle) -> None:
    """Wrong counts, and bits beyond the last number, which no sale touches."""
    tally = TallyRecord(f"BOARD#{raffle.id}", "TALLY#00")
    tally.update([TallyRecord.kind.set(TallyRecord), TallyRecord.page(0).add(3), TallyRecord.sold.add(-2)])
    leaf = LeafRecord(*board.leaf_key(raffle.id, LeafKey(0, 0)))
    first = LeafRecord.first.set(raffle.first_number)
    leaf.update([LeafRecord.kind.set(LeafRecord), first, LeafRecord.word("t", 1).add(1 << 50)])


def test_there_were_enough_attempts() -> None:
    """On the two engines together."""
    assert 2 * sum(profile.least for profile in (RUSH, *SIZES.values())) >= 5_000
