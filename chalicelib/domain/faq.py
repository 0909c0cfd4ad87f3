"""Find the organisers' answer to what a buyer asks."""

import re
from collections.abc import Iterable

from chalicelib.domain.picks import fold
from chalicelib.domain.raffles import Faq


def find_answer(faq: Iterable[Faq], text: str) -> str | None:
    """Return the first answer one of whose words, or phrases, is in the text; None if there is none.

    Accents, case and punctuation do not matter, but a word must be there as a whole.
    """
    line = f" {_words_of(text)} "
    for entry in faq:
        phrases = filter(None, map(_words_of, entry.words))
        if any(f" {phrase} " in line for phrase in phrases):
            return entry.answer
    return None


def _words_of(text: str) -> str:
    return " ".join(re.findall(r"\w+", fold(text)))
