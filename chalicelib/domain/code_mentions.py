"""Find order codes in what banks write beside a payment, and tell them from parts of long references."""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from itertools import accumulate, islice
from typing import NamedTuple

from chalicelib.domain.codes import ascii_words, look_alikes, runs_of
from chalicelib.domain.orders import CODE_ALPHABET, CODE_LENGTH, is_code

MAX_TEXT = 1000  # characters of a payment's text that are checked
MAX_MENTIONS = 5  # possible codes of a text
MAX_RUNS = 120  # words of a text, or neighbouring words joined, that are compared with codes

_WINDOW = re.compile(f"(?=([{CODE_ALPHABET}]{{{CODE_LENGTH}}}))")


class Mention(NamedTuple):
    """A well-formed code in a text.

    It stands alone if only letters are glued to it, as in "REF:8WGR-RPW3" or "PAGO8wgrrpw3". It does not if it is part
    of an account number or another reference with digits.
    """

    code: str
    stands_alone: bool


def find_mentions(text: str) -> list[Mention]:
    """Return the well-formed codes of a text, those that stand alone first, at most MAX_MENTIONS.

    Case, accents and anything but letters and digits are ignored, so spaces, hyphens and line ends may break a code.
    The caller looks up whether there is such an order: most codes found here are a coincidence.
    """
    codes = find_codes(text[:MAX_TEXT])
    mentions = sorted((Mention(*entry) for entry in codes.items()), key=lambda mention: not mention.stands_alone)
    return mentions[:MAX_MENTIONS]


def find_codes(text: str) -> dict[str, bool]:
    """Return all well-formed codes of a text, each with whether it stands alone."""
    words = ascii_words(text)
    joined = "".join(words)
    ends = list(accumulate(map(len, words)))
    codes: dict[str, bool] = {}
    for match in _WINDOW.finditer(joined):
        if is_code(match[1]):
            codes[match[1]] = codes.get(match[1], False) or _stands_alone(joined, ends, match.start())
    return codes


def _stands_alone(joined: str, ends: list[int], start: int) -> bool:
    first = bisect_right(ends, start)
    last = bisect_right(ends, start + CODE_LENGTH - 1)
    before = joined[ends[first - 1] if first else 0 : start]
    after = joined[start + CODE_LENGTH : ends[last]]
    return not any(character.isdigit() for character in before + after)


class TypoFinder:
    """Find the codes that a text has with one mistake.

    A mistake is a wrong, missing, additional or misplaced character, or any number of characters that only look like
    those of a code. Give it the codes of unpaid orders only: then nothing has to be looked up.
    """

    def __init__(self, codes: Iterable[str]) -> None:
        self._codes = frozenset(codes)
        self._shortened: dict[str, set[str]] = {}
        for code in self._codes:
            for short in _shortened(code):
                self._shortened.setdefault(short, set()).add(code)

    def find(self, text: str) -> set[str]:
        """Return the codes that are one mistake away from a word of the text, or from neighbouring words joined.

        Only the first MAX_RUNS of these are compared. A match with a typo is never sure, so the rest can be skipped.
        """
        found: set[str] = set()
        for run in islice(runs_of(ascii_words(text[:MAX_TEXT])), MAX_RUNS):
            match len(run) - CODE_LENGTH:
                case -1:
                    found |= self._shortened.get(run, set())
                case 0:
                    found.update(*(self._shortened.get(short, ()) for short in _shortened(run)))
                    found |= self._codes.intersection(look_alikes(run))
                case _:
                    found |= self._codes.intersection(_shortened(run))
        return found


def _shortened(text: str) -> Iterator[str]:
    return (text[:at] + text[at + 1 :] for at in range(len(text)))
