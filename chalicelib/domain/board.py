"""The board's arithmetic: a number's page, leaf, word and bit, and the share of random numbers on each page.

A raffle's numbers are divided into pages of `page_size` consecutive numbers. Tallies count how many numbers of each
page are taken. The leaves of a page store which ones, as bits of 64-bit words. A leaf covers 2,048 numbers. So it stays
under 1 KB, the unit in which DynamoDB bills writes, however many of them are sold. `docs/data-model.md` has a diagram,
`docs/adr/0002-tallies-and-leaves.md` the reasons.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import ceil
from random import Random
from typing import NamedTuple

WORD_BITS = 64  # some emulators of DynamoDB round numbers of more than 28 digits
WORD_MASK = (1 << WORD_BITS) - 1
LEAF_WORDS = 32
LEAF_NUMBERS = WORD_BITS * LEAF_WORDS
MAX_PAGES = 101
MAX_TALLIES = 16


class Place(NamedTuple):
    page: int
    leaf: int  # within the page
    word: int
    bit: int


class LeafKey(NamedTuple):
    page: int
    leaf: int


class TicketOwner(NamedTuple):
    """The order and the contact that a ticket belongs to."""

    order_id: str
    contact_id: str


Bits = dict[int, int]  # word → bits


@dataclass(frozen=True)
class Layout:
    """How the numbers `first..last` are divided into pages, leaves, words and bits."""

    first: int
    last: int
    page_size: int

    @property
    def total(self) -> int:
        return self.last - self.first + 1

    @property
    def pages(self) -> int:
        return ceil(self.total / self.page_size)

    @property
    def tallies(self) -> int:
        """The number of tallies. A page's count is the sum over all of them."""
        return min(MAX_TALLIES, self.pages)

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
        """Return how many numbers the page holds. The last page may be shorter."""
        start = self.first + page * self.page_size
        return max(0, min(self.last, start + self.page_size - 1) - start + 1)

    def capacities(self) -> list[int]:
        """Return how many numbers each page holds."""
        pages = self.pages
        return [*[self.page_size] * (pages - 1), self.capacity(pages - 1)]

    def leaf_keys(self, page: int) -> list[LeafKey]:
        return [LeafKey(page, leaf) for leaf in range(ceil(self.capacity(page) / LEAF_NUMBERS))]

    def numbers(self, key: LeafKey) -> range:
        """Return the numbers of a leaf, in order."""
        start = self.first + key.page * self.page_size + key.leaf * LEAF_NUMBERS
        end_of_page = self.first + (key.page + 1) * self.page_size
        return range(start, min(start + LEAF_NUMBERS, end_of_page, self.last + 1))

    def bits(self, numbers: Iterable[int]) -> dict[LeafKey, Bits]:
        """Return the bits of `numbers` in each leaf."""
        by_leaf: dict[LeafKey, Bits] = {}
        for number in numbers:
            page, leaf, word, bit = self.place(number)
            words = by_leaf.setdefault(LeafKey(page, leaf), {})
            words[word] = words.get(word, 0) | 1 << bit
        return by_leaf

    def count_by_page(self, numbers: Iterable[int]) -> dict[int, int]:
        return dict(Counter(self.place(number).page for number in numbers))

    def clear_bits(self, key: LeafKey, words: Mapping[int, int]) -> Iterator[int]:
        """Yield the numbers of a leaf whose bits are not set, in order."""
        numbers = self.numbers(key)
        full = (1 << len(numbers)) - 1
        clear = {
            word: full >> word * WORD_BITS & WORD_MASK & ~words.get(word, 0)
            for word in range(ceil(len(numbers) / WORD_BITS))
        }
        return set_numbers(numbers.start, clear)


def set_numbers(first: int, words: Mapping[int, int]) -> Iterator[int]:
    """Yield the numbers whose bits are set, in order. `first` is the first number of the leaf."""
    for word in sorted(words):
        bits = words[word] & WORD_MASK  # a damaged word may be negative or too long
        while bits:
            lowest = bits & -bits
            yield first + word * WORD_BITS + lowest.bit_length() - 1
            bits ^= lowest


def count_taken(leaves: Iterable[tuple[int, Mapping[int, int]]], blocks: Sequence[range]) -> list[int]:
    """Return how many numbers of each block are taken.

    Args:
        leaves: the first number and the words of each leaf.
        blocks: neighbouring ranges of one size, in order; the last one may be shorter.
    """
    size = len(blocks[0])
    taken = [0] * len(blocks)
    for first, words in leaves:
        bits = sum((words[word] & WORD_MASK) << word * WORD_BITS for word in words)
        last = first + bits.bit_length() - 1
        start, end = max(first, blocks[0].start), min(last, blocks[-1].stop - 1)
        for at in range((start - blocks[0].start) // size, (end - blocks[0].start) // size + 1):
            block = blocks[at]
            low = max(block.start, first)
            inside = (1 << max(block.stop - low, 0)) - 1
            taken[at] += (bits >> low - first & inside).bit_count()
    return taken


def count_blocks(numbers: range, most: int) -> list[range]:
    """Divide numbers into at most `most` blocks of one size: a hundred numbers, or ten times as many, and so on."""
    size = 100
    while len(numbers) > size * most:
        size *= 10
    return [numbers[at : at + size] for at in range(0, len(numbers), size)]


def letters_of(numbers: range, leaves: Iterable[tuple[int, Mapping[int, int], Mapping[int, int]]]) -> str:
    """Return a letter for each number, in order: A is available, R reserved, S sold.

    Args:
        leaves: the first number of each leaf, and its words of taken and of sold numbers.
    """
    letters = ["A"] * len(numbers)
    for first, taken, sold in leaves:
        # Whatever is sold is taken, too, and overwrites the R.
        for letter, words in (("R", taken), ("S", sold)):
            for number in set_numbers(first, words):
                if number in numbers:
                    letters[number - numbers.start] = letter
    return "".join(letters)


def page_size(total: int) -> int:
    """Return the page size for a raffle of `total` numbers: whole words, at least 100 numbers, at most 101 pages."""
    pages = min(MAX_PAGES, max(1, total // 100))
    return ceil(total / pages / WORD_BITS) * WORD_BITS


def share_out(free_by_page: Mapping[int, int], quantity: int, random: Random) -> dict[int, int]:
    """Decide how many of `quantity` random numbers come from each page. Every set of free numbers is equally likely.

    Args:
        free_by_page: page → how many numbers are free on it; `quantity` or more in total.
    """
    pages = list(free_by_page)
    drawn = random.sample(range(sum(free_by_page.values())), quantity)
    ends = list(accumulate(free_by_page[page] for page in pages))
    return dict(Counter(pages[bisect_right(ends, position)] for position in sorted(drawn)))
