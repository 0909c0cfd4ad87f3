"""Find the columns of a table that tell whether money came in and whether it is booked, whatever they are called."""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from chalicelib.domain.codes import ascii_words
from chalicelib.statements import doubtful_words, values
from chalicelib.statements.bank_words import bank_words

MAX_SIDE = 40  # characters of a cell that is nothing but a side
MAX_STATES = 12  # different states that a column may have
MAX_WORDS = 6  # of a state
_DASHES = frozenset("-−–")


class SideColumn(NamedTuple):
    """A column that tells which side money went.

    Attributes:
        letters: what single letters mean in it.
        is_open: its words may mean something else, so none of them is known to tell a side.
        is_loose: it may also hold the kind of a payment, so a word without a direction does no harm beside a signed
            amount.
    """

    position: int
    letters: Mapping[str, int]
    is_loose: bool = False
    is_open: bool = False

    def side_of(self, cell: str) -> int:
        """Return 1 for money that came in, -1 for money that went out, 0 if it is unknown."""
        if self.is_open:
            return 0
        return self.letters[letter] if (letter := cell.strip(" .").upper()) in self.letters else _word_side(cell)


@lru_cache(maxsize=4096)
def _word_side(cell: str) -> int:
    return values.detect_side(cell)


def named_side_column(position: int, heading: str, cells: Iterable[str], *, is_loose: bool) -> SideColumn:
    """Return the column of signs that the options or its heading name."""
    return SideColumn(position, values.letter_meanings(heading, single_letters(cells)), is_loose)


def find_side_column(position: int, heading: str, cells: Sequence[str], *, is_signed: bool) -> SideColumn | None:
    """Return the column if all of its cells are nothing but words or letters for sides, else None.

    If amounts have signs, both sides must be there: else it is more likely to mean something else.
    """
    filled = [cell for cell in cells if cell]
    if not filled or not all(map(_may_be_side, filled)) or _DASHES.issuperset(filled):
        return None
    column = named_side_column(position, heading, filled, is_loose=False)
    sides = {column.side_of(cell) for cell in filled}
    if is_signed and not {1, -1} <= sides:
        return None
    # Only debits, as in a column of cards: that is a reason to doubt, and not known to mean money that went out.
    return column if 1 in sides else column._replace(is_open=True)


def single_letters(cells: Iterable[str]) -> set[str]:
    """Return the cells that are a single letter, in capitals."""
    return {letter for cell in cells if len(letter := cell.strip(" .").upper()) == 1 and letter.isalpha()}


@lru_cache(maxsize=4096)
def _may_be_side(cell: str) -> bool:
    if len(cell) > MAX_SIDE:
        return False
    sides = bank_words().sides
    words = ascii_words(cell)
    known = all(word in sides.credit or word in sides.debit or word in sides.neutral for word in words)
    return cell.strip(" .").upper() in sides.initials or (known and values.detect_side(cell) != 0)


def is_state_column(cells: Iterable[str]) -> bool:
    """Return whether a column holds states: a few different short texts, one of which is a state that we know."""
    different: set[str] = set()
    knows_one = False
    for cell in cells:
        if not cell or cell in different:
            continue
        different.add(cell)
        if len(different) > MAX_STATES or len(cell) > doubtful_words.MAX_STATE or any(map(str.isdigit, cell)):
            return False
        words = ascii_words(cell)
        if len(words) > MAX_WORDS:
            return False
        knows_one = knows_one or _is_state(" ".join(words))
    return knows_one


def _is_state(state: str) -> bool:
    states = bank_words().states
    return state in states.booked or state in states.pending or state in states.failed
