"""Find the known word that a misspelt one stands for."""

from collections.abc import Sequence
from functools import lru_cache

SHORTEST = 4  # letters of a known word that may be misspelt
LONG = 7  # letters of a known word in which two may be wrong


def closest(typed: str, words: Sequence[str], *, most: int = 2) -> str | None:
    """Return the word that is nearest to the typed one; None if none is near enough, or two are equally near."""
    best = nearest(typed, words, most=most)
    return best[0] if len(best) == 1 else None


def nearest(typed: str, words: Sequence[str], *, most: int = 2) -> list[str]:
    """Return the words that are nearest to the typed one, if they are near enough.

    One letter may be wrong, missing, too many or swapped with its neighbour; in long words, two (`most` permitting).
    The first letter must be there, at the first or second place, since a wrong one makes another word: "hora", "mora".
    """
    typed_letters = _letters(typed)
    best: list[str] = []
    best_distance = most + 1
    for word in words:
        limit = min(_tolerance(word), most, best_distance)
        if not limit or abs(len(word) - len(typed)) > limit or word[0] not in typed[:2]:
            continue
        if (typed_letters ^ _letters(word)).bit_count() > 2 * limit:  # each mistake changes at most two letters
            continue
        found = distance(typed, word)
        if found <= limit:
            best = [word] if found < best_distance else [*best, word]
            best_distance = found
    return list(dict.fromkeys(best))


def distance(left: str, right: str) -> int:
    """Count the mistakes between two words: letters that are wrong, missing, too many, or swapped with a neighbour."""
    before: list[int] = []
    row = list(range(len(right) + 1))
    for at, letter in enumerate(left, start=1):
        above = row
        row = [at]
        for place, other in enumerate(right, start=1):
            cost = min(above[place] + 1, row[place - 1] + 1, above[place - 1] + (letter != other))
            if at > 1 and place > 1 and letter == right[place - 2] and left[at - 2] == other:
                cost = min(cost, before[place - 2] + 1)
            row.append(cost)
        before = above
    return row[-1]


def _tolerance(word: str) -> int:
    if len(word) < SHORTEST:
        return 0
    return 1 if len(word) < LONG else 2


@lru_cache(4096)
def _letters(word: str) -> int:
    """Return the set of letters of a word, as bits."""
    bits = 0
    for letter in word:
        bits |= 1 << (ord(letter) & 63)
    return bits
