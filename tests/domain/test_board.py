"""The board's arithmetic: each number has a place of its own, pages and leaves are bounded, random picks are fair."""

from collections import Counter
from collections.abc import Sequence
from itertools import combinations, pairwise
from math import comb
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.board import (
    LEAF_NUMBERS,
    LEAF_WORDS,
    WORD_BITS,
    Layout,
    LeafKey,
    count_blocks,
    count_taken,
    letters_of,
    page_size,
    set_numbers,
    share_out,
)

MILLION = 1_000_000
FIRSTS = st.sampled_from([0, 1, 7, 1000])


def layout_of(first: int, total: int) -> Layout:
    return Layout(first, first + total - 1, page_size(total))


LAYOUTS = st.builds(layout_of, FIRSTS, st.integers(1, MILLION))
SMALL_LAYOUTS = st.builds(layout_of, FIRSTS, st.integers(1, 7000))


@st.composite
def some_numbers(draw: st.DrawFn, layouts: st.SearchStrategy[Layout] = LAYOUTS) -> tuple[Layout, set[int]]:
    layout = draw(layouts)
    return layout, draw(st.sets(st.integers(layout.first, layout.last), max_size=60))


@given(SMALL_LAYOUTS)
def test_every_number_has_a_place_of_its_own(layout: Layout) -> None:
    numbers = range(layout.first, layout.last + 1)
    assert len({layout.place(number) for number in numbers}) == len(numbers)


@given(some_numbers())
def test_a_place_leads_back_to_its_number(found: tuple[Layout, set[int]]) -> None:
    layout, numbers = found
    for number in numbers:
        page, leaf, word, bit = layout.place(number)
        assert 0 <= page < layout.pages
        assert 0 <= leaf < layout.leaves_per_page
        assert 0 <= word < LEAF_WORDS
        assert 0 <= bit < WORD_BITS
        assert layout.numbers(LeafKey(page, leaf))[word * WORD_BITS + bit] == number


@given(LAYOUTS)
def test_the_leaves_together_hold_the_whole_range_in_order(layout: Layout) -> None:
    at = layout.first
    for page in range(layout.pages):
        held = 0
        for key in layout.leaf_keys(page):
            numbers = layout.numbers(key)
            assert numbers.start == at
            assert 1 <= len(numbers) <= LEAF_NUMBERS
            at, held = numbers.stop, held + len(numbers)
        assert held == layout.capacity(page) >= 1
    assert at == layout.last + 1


@pytest.mark.parametrize("word", [-1, -(1 << 63), 1 << 64, 5 + (1 << 70)])
def test_a_damaged_word_shows_no_numbers_beyond_its_own(word: int) -> None:
    assert set(set_numbers(100, {1: word})) <= set(range(164, 228))


@given(some_numbers(SMALL_LAYOUTS))
def test_bits_round_trip(found: tuple[Layout, set[int]]) -> None:
    layout, numbers = found
    bits = layout.bits(numbers)
    keys = [key for page in range(layout.pages) for key in layout.leaf_keys(page)]
    taken = [number for key in keys for number in set_numbers(layout.numbers(key).start, bits.get(key, {}))]
    free = [number for key in keys for number in layout.clear_bits(key, bits.get(key, {}))]
    assert taken == sorted(numbers)
    assert free == sorted(set(range(layout.first, layout.last + 1)) - numbers)
    assert all(0 < word_bits < 2**WORD_BITS for words in bits.values() for word_bits in words.values())


@given(some_numbers())
def test_each_page_counts_its_own_numbers(found: tuple[Layout, set[int]]) -> None:
    layout, numbers = found
    assert layout.count_by_page(numbers) == Counter(layout.place(number).page for number in numbers)


@given(some_numbers(), st.integers(0, 5000))
def test_n3_a_raffle_that_grows_leaves_every_number_where_it_was(found: tuple[Layout, set[int]], more: int) -> None:
    layout, numbers = found
    grown = Layout(layout.first, layout.last + more, layout.page_size)
    assert all(grown.place(number) == layout.place(number) for number in numbers)


def test_n1_pages_are_few_whole_and_large_enough_for_every_total_up_to_a_million() -> None:
    for total in range(1, MILLION + 1):
        size = page_size(total)
        pages = -(-total // size)
        assert size % WORD_BITS == 0, total
        assert pages <= 101, total
        assert size >= 100 or pages == 1, total


@pytest.mark.parametrize("total", [1, 100, 2048, 10_000, 206_849, 999_999, MILLION])
def test_h5_all_pages_but_the_last_are_full_and_one_page_is_one_request(total: int) -> None:
    layout = layout_of(1, total)
    assert all(layout.capacity(page) == layout.page_size for page in range(layout.pages - 1))
    assert layout.leaves_per_page <= 100  # of a BatchGetItem
    assert layout.pages * layout.leaves_per_page <= 606  # of all boards, at 1 KB each


def test_a_leaf_stays_under_a_kilobyte_by_construction() -> None:
    # AWS: a number takes a byte for two digits and one more (and one for a sign); a name takes its length.
    number = (len(str(2**WORD_BITS - 1)) + 1) // 2 + 2
    names = sum(len(f"{which}{word}") for which in "ts" for word in range(LEAF_WORDS))
    keys = len("pkLEAVES#0123456789sk100#4kindleaf")
    assert 2 * LEAF_WORDS * number + names + keys <= 1024


class EveryChoice(Random):
    """Draws the sample that it was told to."""

    drawn: Sequence[int] = ()

    def sample(self, population: Any, k: int, *, counts: Any = None) -> Any:
        assert set(self.drawn) <= set(population) and len(self.drawn) == k
        return list(self.drawn)


@pytest.mark.parametrize("free", [{0: 3, 1: 1}, {4: 2, 2: 3, 9: 1}, {0: 5}, {3: 1, 7: 1, 8: 1}])
@pytest.mark.parametrize("quantity", [1, 2, 3])
def test_h5_every_set_of_free_numbers_is_equally_likely(free: dict[int, int], quantity: int) -> None:
    random, shares = EveryChoice(), Counter[tuple[tuple[int, int], ...]]()
    for random.drawn in combinations(range(sum(free.values())), quantity):
        shares[tuple(sorted(share_out(free, quantity, random).items()))] += 1
    for share, times in shares.items():
        ways = 1
        for page, count in share:
            ways *= comb(free[page], count)
        assert times == ways, share
    assert sum(shares.values()) == comb(sum(free.values()), quantity)


@given(st.dictionaries(st.integers(0, 100), st.integers(1, 9900), min_size=1), st.data())
def test_h5_a_share_is_exact_and_never_more_than_a_page_has(free: dict[int, int], data: st.DataObject) -> None:
    quantity = data.draw(st.integers(1, min(40, sum(free.values()))))
    share = share_out(free, quantity, Random(data.draw(st.integers(0, 99))))
    assert sum(share.values()) == quantity
    assert all(1 <= count <= free[page] for page, count in share.items())


@given(st.integers(0, 50), st.integers(1, 9000), st.sampled_from([7, 100, 1000, 10_000]), st.data())
def test_the_taken_numbers_of_each_block_are_counted(first: int, count: int, size: int, data: st.DataObject) -> None:
    layout = Layout(first, first + count - 1, page_size(count))
    numbers = range(first, first + count)
    taken = data.draw(st.sets(st.sampled_from(numbers), max_size=60))
    start = data.draw(st.integers(0, count - 1))
    shown = numbers[start : start + 100 * size]
    blocks = [shown[at : at + size] for at in range(0, len(shown), size)]
    leaves = [(layout.numbers(key).start, bits) for key, bits in layout.bits(taken).items()]
    assert count_taken(leaves, blocks) == [len(taken.intersection(block)) for block in blocks]


@given(st.integers(0, 50), st.integers(1, 9000), st.data())
def test_each_number_has_the_letter_of_its_state(first: int, count: int, data: st.DataObject) -> None:
    layout = Layout(first, first + count - 1, page_size(count))
    some = st.sets(st.integers(layout.first, layout.last), max_size=60)
    sold, reserved = data.draw(some), data.draw(some)
    reserved -= sold
    taken_bits, sold_bits = layout.bits(sold | reserved), layout.bits(sold)
    start = data.draw(st.integers(layout.first, layout.last))
    shown = range(start, data.draw(st.integers(start, layout.last)) + 1)
    leaves = [(layout.numbers(key).start, bits, sold_bits.get(key, {})) for key, bits in taken_bits.items()]
    wanted = ["S" if number in sold else "R" if number in reserved else "A" for number in shown]
    assert letters_of(shown, leaves) == "".join(wanted)


@given(st.integers(0, 50), st.integers(1, MILLION))
def test_blocks_are_few_and_of_one_size_and_leave_nothing_out(first: int, count: int) -> None:
    blocks = count_blocks(range(first, first + count), 100)
    assert len(blocks) <= 100
    assert blocks[0].start == first and blocks[-1].stop == first + count
    assert {len(block) for block in blocks[:-1]} <= {100, 1000, 10_000}
    assert all(block.stop == after.start for block, after in pairwise(blocks))
