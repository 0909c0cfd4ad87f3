"""Find out what somebody wants from the words of a message. The words are in `words/*.toml`.

It finds phrases, whatever stands around them, and forgives typing mistakes. What a phrase leads to depends on the
conversation (`conversation.py`); which numbers are meant is read by `picks.py`.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, cached_property, lru_cache
from typing import NamedTuple

from chalicelib.domain.picks import fold, without_laughter
from chalicelib.domain.typos import distance, nearest
from chalicelib.domain.vocabulary import vocabularies


class Intent(StrEnum):
    """The meaning of a phrase. `words/*.toml` lists the phrases of each, under its value."""

    GREETING = "greeting"
    COURTESY = "courtesy"
    THANKS = "thanks"
    MENU = "menu"
    HELP = "help"
    WHAT_NOW = "what_now"
    BROWSE = "browse"
    MORE = "more"
    FREE = "free"
    PRICE = "price"
    PRIZE = "prize"
    DRAW_DATE = "draw_date"
    RESULT = "result"
    HOW_TO_PAY = "how_to_pay"
    ORDERS = "orders"
    TICKET = "ticket"
    TRUST = "trust"
    PERSON = "person"
    PAID = "paid"
    TIME_LEFT = "time_left"
    OF_AGE = "of_age"
    MORE_TIME = "more_time"
    PAY_LATER = "pay_later"  # on another day
    ANOTHER = "another"
    ADD = "add"
    REMOVE = "remove"
    SWAP = "swap"
    YES = "yes"
    NO = "no"
    CANCEL = "cancel"
    WAIT = "wait"
    LEAVE = "leave"
    STOP = "stop"
    START = "start"
    WANT = "want"  # from [numbers]: "quiero"
    NOUN = "noun"  # from [numbers]: "boletos"
    RANDOM = "random"  # from [numbers]


POLITE = frozenset((Intent.GREETING, Intent.COURTESY, Intent.THANKS))
CHANGE = frozenset((Intent.ADD, Intent.REMOVE, Intent.SWAP))
# A misspelt word never says one of these: they change much, or end something, and their words are short.
NEVER_MISSPELT = frozenset((Intent.STOP, Intent.START, Intent.LEAVE, Intent.NO, Intent.WAIT))
# These lead to an action, so only one letter may be wrong: "mándame" is not "márcame".
NEARLY_RIGHT = frozenset((Intent.YES, Intent.CANCEL, Intent.PERSON, Intent.PAID))
# The lists of [numbers] that also say what is wanted. Phrases of [intents] come before them.
FROM_NUMBERS = {"want": Intent.WANT, "noun": Intent.NOUN, "random": Intent.RANDOM}
# People press them instead of a word.
SIGNS = {
    **dict.fromkeys("👍👌✅✔☑🆗💯", Intent.YES),
    **dict.fromkeys("👎❌🚫", Intent.NO),
    **dict.fromkeys("🙏😊🙂😀😁😃😄🎉🍀❤✨🤞😉🥳🎟🎫", Intent.COURTESY),
    "👋": Intent.GREETING,
}
WILDCARD = "*"
MAX_BETWEEN = 3  # words that a wildcard stands for
LONGEST_LINE = 8192  # characters of a folded message: one may fold into eighteen
MAX_WORDS = 300  # of a message in which phrases are looked for; more is a letter, and says something else as well
MAX_MISSPELT = 20  # words of a message that are compared with all that we know
LONG_MISTYPED = 6  # letters of a word that is believed to say yes although it is misspelt


class Word(NamedTuple):
    """A word of a message, and its place in the folded line."""

    text: str
    start: int
    end: int

    @property
    def has_digits(self) -> bool:
        return any(char.isdigit() for char in self.text)


@dataclass(frozen=True)
class Found:
    """A phrase that was found.

    Attributes:
        words: its words, without those that a wildcard stood for.
        misspelt: the typed word, if it is only similar to the phrase; "" otherwise.
    """

    intent: Intent
    words: tuple[Word, ...]
    misspelt: str = ""


@dataclass(frozen=True)
class Meaning:
    """The meaning of a message.

    Attributes:
        line: the message, folded.
        found: the phrases, in order.
        rest: the words that belong to no phrase and say something, numbers included.
    """

    line: str
    found: tuple[Found, ...]
    rest: tuple[Word, ...]

    @cached_property
    def intents(self) -> frozenset[Intent]:
        return frozenset(one.intent for one in self.found)

    @cached_property
    def said(self) -> frozenset[Intent]:
        """The intents, without what is only polite."""
        return self.intents - POLITE

    @property
    def has_numbers(self) -> bool:
        return any(map(_is_number, self.rest))

    @property
    def is_misspelt(self) -> bool:
        return any(one.misspelt for one in self.found)

    def has(self, *intents: Intent) -> bool:
        return not self.intents.isdisjoint(intents)

    def only(self, *intents: Intent) -> bool:
        """Return whether it says this and nothing else, apart from politeness."""
        return bool(self.said) and self.said <= set(intents) and not self.rest

    @property
    def is_polite_only(self) -> bool:
        return bool(self.intents) and not self.said and not self.rest

    def without(self, *intents: Intent) -> str:
        """Return the line without the phrases that say one of these, so that numbers can be read from it."""
        chars = list(self.line)
        for one in self.found:
            for word in one.words if one.intent in intents else ():
                chars[word.start : word.end] = " " * (word.end - word.start)
        return "".join(chars)

    @property
    def names(self) -> tuple[str, ...]:
        """The words that may be of a title, or the code of a raffle: whatever is neither a phrase nor a number."""
        typed = [
            word.text
            for word in self.rest
            if not _is_number(word) and word.text not in _positions() and _said_alone(word.text) is None
        ]
        return tuple(dict.fromkeys([*typed, *(one.misspelt for one in self.found if one.misspelt)]))

    @property
    def numbers(self) -> str:
        """The numbers that are mentioned, as a list, whatever is said about them. "Vinte e três" is one."""
        listed: list[str] = []
        end = -1
        for word in filter(_is_number, self.rest):
            ten = _numerals().get(listed[-1], 0) if listed else 0
            is_unit = ten in range(20, 100, 10) and 0 < _numerals().get(word.text, 0) < 10
            if is_unit and self.line[end : word.start] in (" e ", " y ", " ", "-"):
                listed[-1] += self.line[end : word.end]
            else:
                listed.append(word.text)
            end = word.end
        return ", ".join(listed)

    @cached_property
    def position(self) -> int | None:
        """The place in a list that it names: "la primera", "2", "number 2 please". -1 is the last one."""
        ordinals = [word for word in self.rest if word.text in _positions()]
        named = ordinals or [word for word in self.rest if _is_number(word)]
        # "the first one"
        others = [
            word for word in self.rest if word not in named and not (ordinals and _numerals().get(word.text) == 1)
        ]
        harmless = POLITE | {Intent.WANT, Intent.NOUN, Intent.BROWSE, Intent.YES}
        if len(named) != 1 or others or not self.intents <= harmless:
            return None
        text, start, end = named[0]
        counts = [one for one in self.found if one.intent is Intent.NOUN and one.words[0].start > start]
        if counts and not ordinals:  # "2 boletos" counts them
            return None
        stands_alone = self.line[:start][-1:] in ("", " ", "#", "°") and not re.match(r"[.,:/-]\d", self.line[end:])
        if text in _positions():
            return _positions()[text]
        if text in _numerals():
            return _numerals()[text]
        return int(text) if stands_alone and re.fullmatch("[0-9]{1,2}", text) else None


def _is_number(word: Word) -> bool:
    return word.has_digits or word.text in _numerals()


@lru_cache(64)
def read_meaning(text: str) -> Meaning:
    """Find the phrases in a message. Takes time in proportion to its length, and never raises."""
    line = without_laughter(fold(text)[:LONGEST_LINE].translate(_ALIKE))
    words = [Word(_APOSTROPHES.sub("", found[0]), found.start(), found.end()) for found in _WORD.finditer(line)]
    unread = words[MAX_WORDS:]
    words = words[:MAX_WORDS]
    spelt = _Speller()
    found: list[Found] = []
    rest: list[Word] = []
    at = 0
    while at < len(words):
        phrases = _phrases_from(words, at, spelt)
        used = {place for _, places in phrases for place in places}
        end = max(used, default=at)
        found += [phrase for phrase, _ in phrases]
        # Words between those of a phrase, where it has a wildcard, may still be numbers or names.
        between = (words[place] for place in range(at, end + 1) if place not in used)
        rest += [word for word in between if word.text not in _glue()]
        at = end + 1
    return Meaning(line, tuple(found), (*rest, *unread))


# Emoji are words of their own. Skin tones and the like are left out.
_WORD = re.compile(rf"[^\W_]+(?:'[^\W\d_]+)*|[{''.join(SIGNS)}]")
_ALIKE = str.maketrans("’‘`´", "''''")
_APOSTROPHES = re.compile("'")


class _Speller:
    """Corrects the words of one message, up to a number of them."""

    def __init__(self) -> None:
        self._left = MAX_MISSPELT
        self._corrected: dict[str, str] = {}

    def correct(self, word: str) -> str:
        if word in _known_words() or not word.isalpha() or len(word) < 3:
            return word
        if word not in self._corrected:
            if not self._left:
                return word
            self._left -= 1
            is_number = bool(nearest(word, _long_numerals()))  # "ventidos" is not "vendidos", and no guess either
            self._corrected[word] = (None if is_number else _agreed(nearest(word, _correctable()))) or word
        return self._corrected[word]


def _agreed(candidates: Sequence[str]) -> str | None:
    """Return one of the words that a misspelt one may stand for, if they all say the same: "rifsa" is rifa or rifas.

    Words that say something by themselves come before those of longer phrases.
    """
    said = {word: _said_alone(word) for word in candidates}
    speaking = [word for word in candidates if said[word] is not None] or list(candidates)
    agree = len({said[word] for word in speaking}) == 1 and (len(speaking) == 1 or said[speaking[0]] is not None)
    return speaking[0] if speaking and agree else None


def _said_alone(word: str) -> Intent | None:
    return next((intent for phrase, intent in _phrases().get(word, ()) if len(phrase) == 1), None)


def _phrases_from(words: Sequence[Word], at: int, spelt: _Speller) -> list[tuple[Found, list[int]]]:
    """Return the phrase that begins at a place, with the places of its words; [] if there is none.

    Another phrase may begin in it and go on: "puedo pagar mañana" says "puedo pagar" and "pagar mañana".
    """
    first = _phrase_at(words, at, spelt)
    if first is None:
        return []
    end = first[1][-1]
    for inner in range(at + 1, end + 1):
        second = _phrase_at(words, inner, spelt)
        if second is not None and len(second[1]) > 1 and second[1][-1] > end:
            return [first, second]
    return [first]


def _phrase_at(words: Sequence[Word], at: int, spelt: _Speller) -> tuple[Found, list[int]] | None:
    """Return the longest phrase that begins at a place, with the places of its words."""
    for phrase, intent in _phrases().get(spelt.correct(words[at].text), ()):
        places = _match(phrase, words, at, spelt)
        if places is None:
            continue
        typed = [words[place] for place in places]
        misspelt = next((word.text for word in typed if spelt.correct(word.text) != word.text), "")
        is_far = bool(misspelt) and distance(misspelt, spelt.correct(misspelt)) > 1
        if not (misspelt and intent in NEVER_MISSPELT) and not (is_far and intent in NEARLY_RIGHT):
            return Found(intent, tuple(typed), misspelt), places
    return None


def _match(phrase: Sequence[str], words: Sequence[Word], at: int, spelt: _Speller) -> list[int] | None:
    """Return the places of the words of a phrase, or None if it does not stand there."""
    places: list[int] = []
    gap = 0
    for part in phrase:
        if part == WILDCARD:
            gap = MAX_BETWEEN
            continue
        place = at
        while place < len(words) and place <= at + gap and spelt.correct(words[place].text) != part:
            place += 1
        if place >= len(words) or place > at + gap:
            return None
        places.append(place)
        at = place + 1
        gap = 0
    return places


@cache
def _phrases() -> Mapping[str, Sequence[tuple[tuple[str, ...], Intent]]]:
    """Return the phrases of all languages by their first word, the longest first."""
    meaning: dict[tuple[str, ...], Intent] = {}
    for listed, intent in _listed():
        meaning.setdefault(tuple(listed.replace("-", " ").split()), intent)
    by_first: dict[str, list[tuple[tuple[str, ...], Intent]]] = {}
    for sign, intent in SIGNS.items():
        meaning[(sign,)] = intent
    for phrase, intent in sorted(meaning.items(), key=lambda item: -len(item[0])):
        by_first.setdefault(phrase[0], []).append((phrase, intent))
    return by_first


def _listed() -> Iterator[tuple[str, Intent]]:
    for vocabulary in vocabularies().values():
        for name, phrases in vocabulary.intents.items():
            yield from ((phrase, Intent(name)) for phrase in phrases)
    for vocabulary in vocabularies().values():
        for name, intent in FROM_NUMBERS.items():
            yield from ((phrase, intent) for phrase in vocabulary.numbers.get(name, ()))


def is_known(word: str) -> bool:
    """Return whether a word is written as one that we know, so that it is no misspelt title."""
    return word in _known_words()


@cache
def _known_words() -> frozenset[str]:
    return frozenset(word for vocabulary in vocabularies().values() for word in vocabulary.words)


@cache
def _correctable() -> tuple[str, ...]:
    """Return the words of phrases. Number words are not among them: a number is never guessed."""
    numbers = {word for numeral in _numerals() for word in numeral.split()}
    return tuple(
        sorted({word for phrases in _phrases().values() for phrase, _ in phrases for word in phrase} - numbers)
    )


@cache
def _numerals() -> Mapping[str, int]:
    return {word: value for one in vocabularies().values() for word, value in {**one.numerals, **one.counts}.items()}


def quantity_of(word: str) -> int | None:
    """Return the number that a single word names: "3", "tres"; None if it names none."""
    return int(word) if re.fullmatch("[0-9]{1,7}", word) else _numerals().get(word)


@cache
def _long_numerals() -> tuple[str, ...]:
    return tuple(sorted(word for word in _numerals() if word.isalpha() and len(word) >= LONG_MISTYPED))


@cache
def _positions() -> Mapping[str, int]:
    return {word: place for vocabulary in vocabularies().values() for word, place in vocabulary.positions.items()}


@cache
def _glue() -> frozenset[str]:
    return frozenset(word for vocabulary in vocabularies().values() for word in vocabulary.glue)
