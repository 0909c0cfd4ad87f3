"""The raffle's life cycle, when it sells, and what its board says."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.raffles import TRANSITIONS, Board, RaffleEvent, RaffleStatus
from chalicelib.domain.refusals import RaffleOutOfTurn
from tests.support.raffles import NOW, a_raffle

INSTANT = timedelta(microseconds=1)
S, E = RaffleStatus, RaffleEvent

# From (row) by what an organiser does (column) to; a dot is "that can't be", "gone" no raffle at all.
LIFE = """
          ACTIVATED DEACTIVATED CLOSED CANCELLED DELETED
DRAFT     ACTIVE    .           .      CANCELLED gone
ACTIVE    ACTIVE    INACTIVE    CLOSED .         .
INACTIVE  ACTIVE    INACTIVE    CLOSED CANCELLED .
CLOSED    .         .           CLOSED CANCELLED .
DRAWN     .         .           .      .         .
CANCELLED .         .           .      CANCELLED .
"""
HEAD, *ROWS = LIFE.strip().splitlines()
STEPS = [
    (S[row.split()[0]], E[event], cell)
    for row in ROWS
    for event, cell in zip(HEAD.split(), row.split()[1:], strict=True)
]


@pytest.mark.parametrize(("status", "event", "target"), STEPS)
def test_a_raffle_takes_the_steps_of_its_life_cycle_and_no_other(
    status: RaffleStatus, event: RaffleEvent, target: str
) -> None:
    raffle = a_raffle(status=status)
    if target == ".":
        with pytest.raises(RaffleOutOfTurn) as refusal:
            raffle.after(event)
        assert refusal.value.status == status
        assert event.value in str(refusal.value)
    else:
        assert raffle.after(event) is (None if target == "gone" else S[target])


def test_the_table_says_something_about_every_status_and_event() -> None:
    assert {(status, event) for status, event, _ in STEPS} == {(status, event) for status in S for event in E}
    assert set(TRANSITIONS) == set(E)


@pytest.mark.parametrize("status", list(S))
def test_only_an_active_raffle_sells(status: RaffleStatus) -> None:
    assert a_raffle(status=status).sells_at(NOW) is (status is S.ACTIVE)


@pytest.mark.parametrize(
    ("opens_at", "closes_at", "sells"),
    [
        (None, None, True),
        (NOW, None, True),
        (NOW + INSTANT, None, False),
        (None, NOW + INSTANT, True),
        (None, NOW, False),
        (NOW, NOW + INSTANT, True),
    ],
)
def test_a_raffle_sells_from_its_opening_to_just_before_its_closing(
    opens_at: datetime | None, closes_at: datetime | None, sells: bool
) -> None:
    assert a_raffle(opens_at=opens_at, closes_at=closes_at).sells_at(NOW) is sells


@given(st.integers(1, 1_000_000), st.sampled_from([0, 1, 500]), st.data())
def test_available_reserved_and_sold_are_all_there_is(total: int, first: int, data: st.DataObject) -> None:
    raffle = a_raffle(first_number=first, last_number=first + total - 1)
    pages = st.integers(0, raffle.layout.pages - 1)
    taken = {
        page: data.draw(st.integers(0, raffle.layout.capacity(page))) for page in data.draw(st.sets(pages, max_size=5))
    }
    board = Board(raffle, taken, data.draw(st.integers(0, sum(taken.values()))))
    found = board.availability
    assert found.available + found.reserved + found.sold == found.total == total
    assert min(found) >= 0
    assert sum(board.free_by_page.values()) == found.available
    assert min(board.free_by_page.values(), default=1) > 0
