"""Find the organisers' answer to what a buyer asks."""

import re
from collections.abc import Callable, Iterable, Sequence

from chalicelib.domain.intents import POLITE, read_meaning
from chalicelib.domain.picks import fold
from chalicelib.domain.raffles import Faq
from chalicelib.domain.vocabulary import asking_words, topics

MAX_WORDS = 300  # of a text that are read
STEM = 4  # letters that two forms of a word share at least: "envío" and "enviar"
MOST_ENDING = 4  # letters by which they may differ in length


def find_answer(faq: Sequence[Faq], text: str, *, by_topic: bool = False, exactly: bool = False) -> str | None:
    """Return the first answer one of whose words, or phrases, is in the text; None if there is none.

    Accents, case and punctuation do not matter. A word is also found in another form: "recoger" in "recogen".

    Args:
        by_topic: if none is found, look for an answer to a question about the same thing, in other words or in another
            language: the answer for "envío" to "¿me lo llevan a la casa?" (`topics` in `words/*.toml`).
        exactly: only the words as they are, in no other form: "garantiza" is no "garantía".
    """
    said = _Said(text)
    for entry in faq:
        if said.has_one_of(entry.words, exactly=exactly):
            return entry.answer
    for topic in topics() if by_topic else ():
        if said.has_one_of(topic, exactly=True):  # "mandé todo" is not "¿lo mandan?"
            known = (entry.answer for entry in faq if any(_Said(word).has_one_of(topic) for word in entry.words))
            if (answer := next(known, None)) is not None:
                return answer
    return None


def is_question(text: str) -> bool:
    """Return whether a text asks something: it has a question mark, or begins with a word that asks ("y cuándo …").

    A single word may be anything: "¿mande?".
    """
    words = _words_of(read_meaning(text).without(*POLITE))
    first = next((word for word in words if word not in asking_words("before_asking")), "")
    return len(words) > 1 and ("?" in text or first in asking_words("asking"))


class _Said:
    """The words of a text, in which phrases are looked for."""

    def __init__(self, text: str) -> None:
        self._words = _words_of(text)[:MAX_WORDS]
        self._places: dict[str, list[int]] = {}
        for place, word in enumerate(self._words):
            self._places.setdefault(word[:STEM], []).append(place)

    def has_one_of(self, phrases: Iterable[str], *, exactly: bool = False) -> bool:
        is_same = str.__eq__ if exactly else _is_same_word
        return any(
            self._stands_at(phrase, place, is_same)
            for phrase in filter(None, map(_words_of, phrases))
            for place in self._places.get(phrase[0][:STEM], ())
        )

    def _stands_at(self, phrase: Sequence[str], place: int, is_same: Callable[[str, str], bool]) -> bool:
        part = self._words[place : place + len(phrase)]
        return len(part) == len(phrase) and all(map(is_same, phrase, part))


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
