"""Order codes in what banks write beside a payment: found wherever they are, and told apart from long references."""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from itertools import accumulate, islice
from typing import NamedTuple

from chalicelib.domain.codes import look_alikes, runs_of, words_of
from chalicelib.domain.orders import CODE_ALPHABET, CODE_LENGTH, is_code

MOST_TEXT = 1000  # characters of a payment's text that are looked at
MOST_MENTIONS = 5  # possible codes of a text
MOST_RUNS = 120  # words, or neighbouring words together, of a text that are compared with codes

_WINDOW = re.compile(f"(?=([{CODE_ALPHABET}]{{{CODE_LENGTH}}}))")


class Mention(NamedTuple):
    """A well-formed code in a text. It stands alone where nothing but letters is glued to it: "REF:8WGR-RPW3" or
    "PAGO8wgrrpw3", and not within the digits and letters of an account number or another reference."""

    code: str
    stands_alone: bool


def mentions(text: str) -> list[Mention]:
    """The well-formed codes of a text, those that stand alone first, at most MOST_MENTIONS.

    Case, accents, and whatever is neither letter nor digit do not count, so a code may be broken by spaces, hyphens or
    the ends of lines. That an order has the code is for the caller to look up: most of these are chance.
    """
    found = codes_in(text[:MOST_TEXT])
    return sorted((Mention(*each) for each in found.items()), key=lambda one: not one.stands_alone)[:MOST_MENTIONS]


def codes_in(text: str) -> dict[str, bool]:
    """All well-formed codes of a text, each with whether it stands alone."""
    words = words_of(text)
    joined, ends = "".join(words), list(accumulate(map(len, words)))
    found: dict[str, bool] = {}
    for match in _WINDOW.finditer(joined):
        if is_code(match[1]):
            found[match[1]] = found.get(match[1], False) or _stands_alone(joined, ends, match.start())
    return found


def _stands_alone(joined: str, ends: list[int], start: int) -> bool:
    first, last = bisect_right(ends, start), bisect_right(ends, start + CODE_LENGTH - 1)
    before = joined[ends[first - 1] if first else 0 : start]
    after = joined[start + CODE_LENGTH : ends[last]]
    return not any(character.isdigit() for character in before + after)


class Nearby:
    """Finds which of some codes a text may mean by one mistake: a wrong, missing or additional character, one in
    another place, or characters that no code has for what they look like.

    Only codes of orders that somebody is to pay are compared, so nothing has to be looked up.
    """

    def __init__(self, codes: Iterable[str]) -> None:
        self._codes = frozenset(codes)
        self._shortened: dict[str, set[str]] = {}
        for code in self._codes:
            for short in _shortened(code):
                self._shortened.setdefault(short, set()).add(code)

    def meant_by(self, text: str) -> set[str]:
        """The codes that the text's words, or neighbouring words together, are one mistake away from.

        Only the first MOST_RUNS are compared: what is behind them is not suggested, and would never be sure anyway.
        """
        found: set[str] = set()
        for run in islice(runs_of(words_of(text[:MOST_TEXT])), MOST_RUNS):
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
