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
    for entry in faq:
        if any(_is_in(phrase, said) for phrase in map(_words_of, entry.words) if phrase):
            return entry.answer
    return None


def _is_in(phrase: Sequence[str], said: Sequence[str]) -> bool:
    return any(
        all(map(_is_same_word, phrase, said[at : at + len(phrase)])) for at in range(len(said) - len(phrase) + 1)
    )


def _is_same_word(one: str, other: str) -> bool:
    """Return whether two words are the same, or differ only in how they end, as forms of one word do."""
    if one == other:
        return True
    stem = min(len(one), len(other)) - 1
    return stem >= STEM and abs(len(one) - len(other)) <= MOST_ENDING and one[:stem] == other[:stem]


def _words_of(text: str) -> list[str]:
    return re.findall(r"\w+", fold(text))
