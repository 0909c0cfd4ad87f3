"""Which range of numbers somebody wants to see, and how many pictures it takes."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.pictures import BLOCKS_IN_A_PICTURE, IN_A_PICTURE
from chalicelib.domain.ranges import MAX_PARTS, blocks_of, parts_of, read_range


@pytest.mark.parametrize(
    "text",
    [
        "201-300", "201 - 300", "201–300", "del 201 al 300", "libres del 201 a 300?", "201 hasta 300", "do 201 ao 300",
        "de 201 até 300", "201 to 300", "are 201 through 300 free", "２０１-３００",
        "que números hay entre el 201 y el 300", "quais livres entre 201 e 300?", "between 201 and 300",
        "muéstrame del 201 al 300", "show me 201 to 300",
    ],
)  # fmt: skip
def test_a_range_is_read_as_people_write_it(text: str) -> None:
    assert read_range(text, first=1, last=1000) == range(201, 301)


@pytest.mark.parametrize("text", ["", "7", "201", "5, 12", "1-5, 8-9", "3 of 201-300", "300-201", "7-7", "1001-2000"])
def test_what_is_no_single_range_is_none(text: str) -> None:
    assert read_range(text, first=1, last=1000) is None


def test_a_range_ends_where_the_raffle_ends() -> None:
    assert read_range("0-5000", first=1, last=1000) == range(1, 1001)


@given(st.integers(0, 1000), st.integers(1, 1_000_000))
def test_pictures_and_blocks_hold_all_numbers_once(first: int, count: int) -> None:
    numbers = range(first, first + count)
    parts, blocks = parts_of(numbers), blocks_of(numbers)
    for pieces in filter(None, (parts, blocks)):
        assert pieces[0].start == first and pieces[-1].stop == numbers.stop
        assert all(one.stop == other.start for one, other in pairwise(pieces))
    assert len(parts) <= MAX_PARTS and all(len(part) <= IN_A_PICTURE for part in parts)
    assert len(blocks) <= BLOCKS_IN_A_PICTURE
    assert bool(parts) == (count <= 200)
