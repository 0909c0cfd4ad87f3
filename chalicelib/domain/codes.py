"""Read order codes as people write them, mistakes included. The check character tells which code is meant."""

import re
from collections.abc import Iterable, Iterator
from itertools import chain, pairwise, product
from unicodedata import combining, normalize

from chalicelib.domain.orders import CODE_ALPHABET, CODE_LENGTH, is_code, missing_character

MAX_LIKELY = 80  # codes of a text: they fit into one batch read, and no text of up to nine characters has more
MAX_READ = 200  # characters of a text; a bank's line about a transfer has up to 140

# Characters that no code has, with those that they look or sound like. A single one can stand for any character, since
# the check character tells which. If there are more of them, they are read as these.
LOOK_ALIKES = {
    "0": "DQ", "O": "DQ", "1": "7TJ", "I": "7TJ", "L": "7C", "5": "68", "S": "8BG", "Z": "2", "A": "4", "E": "3",
    "U": "V", "N": "MH",
}  # fmt: skip
MAX_STRANGE = 3  # characters that no code has; a text with more of them is a word

_WORD = re.compile(r"[0-9A-Z]+")
_LENGTHS = range(CODE_LENGTH - 1, CODE_LENGTH + 2)


def likely_codes(text: str) -> list[str]:
    """Return the order codes that a text may mean, the likeliest first, without duplicates, at most MAX_LIKELY.

    Case, accents, spaces and signs are ignored, and so is anything after the first MAX_READ characters. The order is:

    1. codes as written,
    2. codes with characters that no code has, read as what they look like,
    3. codes within longer words,
    4. codes with one mistake: a wrong, missing or additional character, or two neighbours swapped.

    The caller looks up which orders exist: of billions of codes only few do.
    """
    words = ascii_words(text[:MAX_READ])
    runs = list(dict.fromkeys(runs_of(words)))
    readings = (
        (run for run in runs if len(run) == CODE_LENGTH),
        (reading for run in runs for reading in look_alikes(run)),
        (part for word in words if len(word) not in _LENGTHS for part in _parts(word)),
        (reading for run in runs for reading in _one_mistake(run)),
    )
    codes: dict[str, None] = {}
    for code in filter(is_code, chain.from_iterable(readings)):
        codes[code] = None
        if len(codes) == MAX_LIKELY:
            break
    return list(codes)


def ascii_words(text: str) -> list[str]:
    """Return the text's runs of ASCII letters and digits, in capitals and without accents."""
    return _WORD.findall(without_accents(text).upper())


def without_accents(text: str) -> str:
    """Return the text with compatibility forms and accented characters as plain ones: "①é" becomes "1e"."""
    if text.isascii():  # so nothing changes
        return text
    return "".join(character for character in normalize("NFKD", text) if not combining(character))


def runs_of(words: list[str]) -> Iterator[str]:
    """Yield neighbouring words, joined, that have the length of a code with at most one mistake."""
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
    """Yield the run with each character that no code has replaced by its look-alikes. Nothing if there is none."""
    if len(run) == CODE_LENGTH and 0 < _strange(run) <= MAX_STRANGE:
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
    """Join the parts with the one character that makes a code. Return "" if they have a character that no code has."""
    return "" if _strange(before + after) else before + missing_character(before, after) + after
