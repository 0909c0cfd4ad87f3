"""Find the organisers' answer to what a buyer asks."""

import re
from collections.abc import Iterable, Sequence

from chalicelib.domain.picks import fold
from chalicelib.domain.raffles import Faq

MAX_WORDS = 300  # of a text that are read
STEM = 4  # letters that two forms of a word share at least: "envío" and "enviar"
MOST_ENDING = 4  # letters by which they may differ in length


def find_answer(faq: Iterable[Faq], text: str) -> str | None:
    """Return the first answer one of whose words, or phrases, is in the text; None if there is none.

    Accents, case and punctuation do not matter. A word is also found in another form: "recoger" in "recogen".
    """
    said = _words_of(text)[:MAX_WORDS]
    places: dict[str, list[int]] = {}
    for place, word in enumerate(said):
        places.setdefault(word[:STEM], []).append(place)
    for entry in faq:
        phrases = filter(None, map(_words_of, entry.words))
        if any(_stands_at(phrase, said, place) for phrase in phrases for place in places.get(phrase[0][:STEM], ())):
            return entry.answer
    return None


def _stands_at(phrase: Sequence[str], said: Sequence[str], place: int) -> bool:
    part = said[place : place + len(phrase)]
    return len(part) == len(phrase) and all(map(_is_same_word, phrase, part))


def _is_same_word(one: str, other: str) -> bool:
    """Return whether two words are the same, or differ only in how they end, as forms of one word do.

    They begin with the same STEM letters then.
    """
    if one == other:
        return True
    stem = min(len(one), len(other)) - 1
    return stem >= STEM and abs(len(one) - len(other)) <= MOST_ENDING and one[:stem] == other[:stem]


def _words_of(text: str) -> list[str]:
    return re.findall(r"\w+", fold(text))
