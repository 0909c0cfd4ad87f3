"""Which order codes a text may mean: read as people write them, and told apart by the check character."""

import re
from collections.abc import Iterable, Iterator
from itertools import chain, pairwise, product
from unicodedata import combining, normalize

from chalicelib.domain.orders import CODE_ALPHABET, CODE_LENGTH, is_code, missing_character

MOST_LIKELY = 80  # codes of a text: fits into one batch read, and is more than any text of up to nine characters has
MOST_READ = 200  # characters of a text: a bank's line about a transfer has up to 140

# What characters that no code has look or sound like. One of them alone can be anything, as the check character tells
# which; where there are more, they are taken for these.
LOOK_ALIKES = {
    "0": "DQ", "O": "DQ", "1": "7TJ", "I": "7TJ", "L": "7C", "5": "68", "S": "8BG", "Z": "2", "A": "4", "E": "3",
    "U": "V", "N": "MH",
}  # fmt: skip
MOST_STRANGE = 3  # characters that no code has: a text with more of them is a word

_WORD = re.compile(r"[0-9A-Z]+")
_LENGTHS = range(CODE_LENGTH - 1, CODE_LENGTH + 2)


def likely_codes(text: str) -> list[str]:
    """The order codes that a text may mean or contain, the likeliest first, no code twice, at most MOST_LIKELY.

    Case, accents, and spaces or signs inside do not count. First what is written; then with characters that codes do
    not have read as what they look like; then codes within longer words; then with one mistake made good: a wrong, a
    missing or an additional character, or two neighbours that changed places. Whether such an order exists is for the
    caller to look up: of the billions of codes few do. Only the first MOST_READ characters are read.
    """
    words = words_of(text[:MOST_READ])
    runs = list(dict.fromkeys(runs_of(words)))
    readings = (
        (run for run in runs if len(run) == CODE_LENGTH),
        (reading for run in runs for reading in look_alikes(run)),
        (part for word in words if len(word) not in _LENGTHS for part in _parts(word)),
        (reading for run in runs for reading in _one_mistake(run)),
    )
    found: dict[str, None] = {}
    for code in filter(is_code, chain.from_iterable(readings)):
        found[code] = None
        if len(found) == MOST_LIKELY:
            break
    return list(found)


def words_of(text: str) -> list[str]:
    """The text's runs of ASCII letters and digits, in capitals and without accents."""
    plain = "".join(character for character in normalize("NFKD", text) if not combining(character))
    return _WORD.findall(plain.upper())


def runs_of(words: list[str]) -> Iterator[str]:
    """Neighbouring words, joined, that are as long as a code with at most one mistake."""
    for start in range(len(words)):
        run = ""
        for word in words[start:]:
            run += word
            if len(run) > _LENGTHS[-1]:
                break
            if len(run) in _LENGTHS:
                yield run


def _parts(word: str) -> Iterator[str]:
    return (word[start : start + CODE_LENGTH] for start in range(len(word) - CODE_LENGTH + 1))


def _strange(run: str) -> int:
    return sum(character not in CODE_ALPHABET for character in run)


def look_alikes(run: str) -> Iterator[str]:
    """The run with each character that no code has as what it looks like; nothing for one that could be a code."""
    if len(run) == CODE_LENGTH and 0 < _strange(run) <= MOST_STRANGE:
        choices = (character if character in CODE_ALPHABET else LOOK_ALIKES[character] for character in run)
        yield from map("".join, product(*choices))


def _one_mistake(run: str) -> Iterable[str]:
    if _strange(run) > 1:
        return ()
    if len(run) < CODE_LENGTH:
        return _with_one_more(run)
    return _without_one(run) if len(run) > CODE_LENGTH else (*_swapped(run), *_with_another(run))


def _with_one_more(run: str) -> Iterator[str]:
    return (_with(run[:at], run[at:]) for at in range(len(run) + 1))


def _without_one(run: str) -> Iterator[str]:
    return (run[:at] + run[at + 1 :] for at in range(len(run)))


def _swapped(run: str) -> Iterator[str]:
    return (run[:at] + second + first + run[at + 2 :] for at, (first, second) in enumerate(pairwise(run)))


def _with_another(run: str) -> Iterator[str]:
    return (_with(run[:at], run[at + 1 :]) for at in range(len(run)))


def _with(before: str, after: str) -> str:
    """The two parts with the one character between them that fits, if they have none that no code has."""
    return "" if _strange(before + after) else before + missing_character(before, after) + after
