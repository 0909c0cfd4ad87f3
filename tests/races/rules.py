"""What the races show on any engine. `test_sell_out_….py` run these, a file for each engine: so both go at once."""

import pytest

from tests.races.hall import PROCESSES, THREADS, Hall
from tests.races.profiles import RUSH, SIZES, hold_race
from tests.races.visitors import rush, sell_out


def test_h2_a_number_that_all_want_at_once_goes_to_one(hall: Hall) -> None:
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


def test_there_were_enough_attempts() -> None:
    """On the two engines together."""
    assert 2 * sum(profile.least for profile in (RUSH, *SIZES.values())) >= 5_000
