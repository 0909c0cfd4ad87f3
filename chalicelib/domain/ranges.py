"""A range of numbers that somebody wants to see, and how it is divided into pictures."""

import re

from chalicelib.domain.picks import fold
from chalicelib.domain.pictures import BLOCKS_IN_A_PICTURE, IN_A_PICTURE

MAX_PARTS = 2  # pictures of one board; a larger one is shown as a map
_NUMBER = r"(?<![0-9])([0-9]{1,7})(?![0-9])"
_ARTICLE = r"(?:(?:the|el|o)\s+)?"
_RANGE = re.compile(
    rf"{_NUMBER}\s*(?:-|‐|–|—|\b(?:to|through|a|al|hasta|ao|ate)\b)\s*{_ARTICLE}{_NUMBER}"
    rf"|\b(?:between|entre)\s+{_ARTICLE}{_NUMBER}\s+(?:and|y|e)\s+{_ARTICLE}{_NUMBER}"
)


def read_range(text: str, *, first: int, last: int) -> range | None:
    """Return the only range in a text, as far as there are such numbers. None if there is none, or several."""
    found = [[part for part in parts if part] for parts in _RANGE.findall(fold(text))]
    if len(found) != 1 or len(re.findall("[0-9]+", fold(text))) != len(found[0]):
        return None
    low, high = max(first, int(found[0][0])), min(last, int(found[0][1]))
    return range(low, high + 1) if low < high else None


def parts_of(numbers: range) -> list[range]:
    """Return the numbers of each picture of a board; none if it takes a map."""
    if len(numbers) > MAX_PARTS * IN_A_PICTURE:
        return []
    return [numbers[at : at + IN_A_PICTURE] for at in range(0, len(numbers), IN_A_PICTURE)]


def blocks_of(numbers: range) -> list[range]:
    """Return the blocks of a map: hundreds, or thousands and more if there were too many."""
    size = IN_A_PICTURE
    while len(numbers) > BLOCKS_IN_A_PICTURE * size:
        size *= 10
    return [numbers[at : at + size] for at in range(0, len(numbers), size)]
