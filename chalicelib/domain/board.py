"""The board's arithmetic: which page, leaf, word and bit a number has, and how random numbers are drawn from it.

A raffle's numbers lie in pages of `page_size` consecutive numbers. The numbers taken on each page are counted in
tallies; which ones they are is in the page's leaves, as bits of 64-bit words. A leaf holds 2,048 numbers, so that it
stays under 1 KB, the unit by which DynamoDB bills a write, however many of them are sold. `docs/data-model.md` has the
picture, `docs/adr/0002-tallies-and-leaves.md` the reasons.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate
from math import ceil
from random import Random
from typing import NamedTuple

WORD_BITS = 64  # one stand-in rounds numbers beyond 28 digits
WORD_MASK = (1 << WORD_BITS) - 1
LEAF_WORDS = 32
LEAF_NUMBERS = WORD_BITS * LEAF_WORDS
MOST_PAGES = 101
MOST_TALLIES = 16


class Place(NamedTuple):
    page: int
    leaf: int  # within the page
    word: int
    bit: int


class LeafKey(NamedTuple):
    page: int
    leaf: int


Bits = dict[int, int]  # word → bits


@dataclass(frozen=True)
class Layout:
    """Where the numbers `first..last` lie."""

    first: int
    last: int
    page_size: int

    @property
    def pages(self) -> int:
        return ceil((self.last - self.first + 1) / self.page_size)

    @property
    def tallies(self) -> int:
        """How many tallies share the counting. A page's count is the sum over all of them."""
        return min(MOST_TALLIES, self.pages)

    @property
    def leaves_per_page(self) -> int:
        return ceil(self.page_size / LEAF_NUMBERS)

    def place(self, number: int) -> Place:
        page, offset = divmod(number - self.first, self.page_size)
        leaf, position = divmod(offset, LEAF_NUMBERS)
        word, bit = divmod(position, WORD_BITS)
        return Place(page, leaf, word, bit)

    def leaf_of(self, number: int) -> LeafKey:
        place = self.place(number)
        return LeafKey(place.page, place.leaf)

    def capacity(self, page: int) -> int:
        """How many numbers the page holds; the last page may be shorter."""
        start = self.first + page * self.page_size
        return max(0, min(self.last, start + self.page_size - 1) - start + 1)

    def capacities(self) -> list[int]:
        """How many numbers each page holds."""
        pages = self.pages
        return [*[self.page_size] * (pages - 1), self.capacity(pages - 1)]

    def leaf_keys(self, page: int) -> list[LeafKey]:
        return [LeafKey(page, leaf) for leaf in range(ceil(self.capacity(page) / LEAF_NUMBERS))]

    def numbers(self, key: LeafKey) -> range:
        """The numbers of a leaf, in order."""
        start = self.first + key.page * self.page_size + key.leaf * LEAF_NUMBERS
        end_of_page = self.first + (key.page + 1) * self.page_size
        return range(start, min(start + LEAF_NUMBERS, end_of_page, self.last + 1))

    def bits(self, numbers: Iterable[int]) -> dict[LeafKey, Bits]:
        """The bits that stand for `numbers`, leaf by leaf."""
        found: dict[LeafKey, Bits] = {}
        for number in numbers:
            page, leaf, word, bit = self.place(number)
            words = found.setdefault(LeafKey(page, leaf), {})
            words[word] = words.get(word, 0) | 1 << bit
        return found

    def count_by_page(self, numbers: Iterable[int]) -> dict[int, int]:
        return dict(Counter(self.place(number).page for number in numbers))

    def clear_bits(self, key: LeafKey, words: Mapping[int, int]) -> Iterator[int]:
        """The numbers of a leaf whose bit is not set, in order."""
        numbers = self.numbers(key)
        full = (1 << len(numbers)) - 1
        clear = {
            word: full >> word * WORD_BITS & WORD_MASK & ~words.get(word, 0)
            for word in range(ceil(len(numbers) / WORD_BITS))
        }
        return set_numbers(numbers.start, clear)


def set_numbers(first: int, words: Mapping[int, int]) -> Iterator[int]:
    """The numbers whose bit is set, in order, in a leaf that begins with the number `first`."""
    for word in sorted(words):
        bits = words[word] & WORD_MASK  # a damaged word may be negative, or too long
        while bits:
            lowest = bits & -bits
            yield first + word * WORD_BITS + lowest.bit_length() - 1
            bits ^= lowest


def page_size(total: int) -> int:
    """Numbers a page for a new raffle: at most 101 pages, of at least 100 numbers, in whole words."""
    pages = min(MOST_PAGES, max(1, total // 100))
    return ceil(total / pages / WORD_BITS) * WORD_BITS


def share_out(free_by_page: Mapping[int, int], quantity: int, random: Random) -> dict[int, int]:
    """How many of `quantity` random numbers come from each page, so that every set of free numbers is equally likely.

    Args:
        free_by_page: free numbers on each page; their sum must be at least `quantity`.
    """
    pages = list(free_by_page)
    drawn = random.sample(range(sum(free_by_page.values())), quantity)
    ends = list(accumulate(free_by_page[page] for page in pages))
    share: dict[int, int] = {}
    for position in sorted(drawn):
        page = pages[bisect_right(ends, position)]
        share[page] = share.get(page, 0) + 1
    return share
