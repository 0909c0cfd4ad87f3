"""Load the words that people write to the bot, in each language, from `words/*.toml`."""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path

from chalicelib.domain.languages import LANGUAGES

FOLDER = Path(__file__).with_name("words")
Phrases = Sequence[str]


@dataclass(frozen=True, kw_only=True)
class Vocabulary:
    """The words of one language, in the form in which `picks.fold` leaves them, and without apostrophes.

    Attributes:
        intents: what somebody may want → the phrases that say so.
        commands: what somebody may want → the words that always mean that if nothing else is said.
        other_raffles: words that ask for other raffles than the one that is open.
        pay_ways: words for ways to pay, which a raffle may name.
        title_glue: words that may stand before or within the title of a raffle.
        positions: "first" → 1; -1 is the last one.
        numbers: kinds of words around numbers → the phrases of each kind.
        changes: kinds of words in changes of an order → the phrases of each kind.
        counts: words that count tickets and name no number, with their values: "una".
        numerals: number words with their values.
        glue: words that say nothing by themselves.
        asking: words with which questions begin, and words that may stand before them.
        organisers: what organisers write about proofs → the phrases for it.
        topics: what buyers ask about that only organisers can answer → the words for it.
        ordinary: other known words, so that they are not taken for a misspelt phrase, nor for another language's word.
    """

    intents: Mapping[str, Phrases] = field(default_factory=dict)
    commands: Mapping[str, Phrases] = field(default_factory=dict)
    other_raffles: frozenset[str] = frozenset()
    pay_ways: frozenset[str] = frozenset()
    title_glue: frozenset[str] = frozenset()
    positions: Mapping[str, int] = field(default_factory=dict)
    numbers: Mapping[str, Phrases] = field(default_factory=dict)
    changes: Mapping[str, Phrases] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    numerals: Mapping[str, int] = field(default_factory=dict)
    glue: frozenset[str] = frozenset()
    asking: Mapping[str, Phrases] = field(default_factory=dict)
    organisers: Mapping[str, Phrases] = field(default_factory=dict)
    topics: Mapping[str, Phrases] = field(default_factory=dict)
    ordinary: frozenset[str] = frozenset()

    @cached_property
    def words(self) -> frozenset[str]:
        """Every single word that is known in this language."""
        phrases = [phrase for kinds in (self.intents, self.numbers) for listed in kinds.values() for phrase in listed]
        phrases += [*self.positions, *self.counts, *self.numerals]
        singles = (word for phrase in phrases for word in phrase.replace("-", " ").split() if word != "*")
        return frozenset(singles) | self.glue | self.ordinary


@cache
def vocabularies() -> Mapping[str, Vocabulary]:
    """Return the vocabulary of each language. One that has no file yet knows number words only."""
    return {code: _load(code) for code in LANGUAGES}


@cache
def change_phrases(kind: str) -> frozenset[str]:
    """Return the phrases of a kind of `changes`, in all languages."""
    return frozenset(phrase for one in vocabularies().values() for phrase in one.changes.get(kind, ()))


@cache
def number_words(kind: str) -> frozenset[str]:
    """Return the words of a kind of `numbers`, in all languages."""
    return frozenset(word for one in vocabularies().values() for word in one.numbers.get(kind, ()))


@cache
def command_words(kind: str) -> frozenset[str]:
    """Return the words of a kind of `commands`, in all languages."""
    return frozenset(word for one in vocabularies().values() for word in one.commands.get(kind, ()))


@cache
def pay_ways() -> frozenset[str]:
    """Return the words for ways to pay that a raffle may name, in all languages."""
    return frozenset(word for one in vocabularies().values() for word in one.pay_ways)


@cache
def title_glue() -> frozenset[str]:
    """Return the words that may stand before or within the title of a raffle, in all languages."""
    return frozenset(word for one in vocabularies().values() for word in one.title_glue)


@cache
def other_raffles() -> frozenset[str]:
    """Return the words that ask for other raffles, in all languages."""
    return frozenset(word for one in vocabularies().values() for word in one.other_raffles)


@cache
def organiser_words(kind: str) -> frozenset[str]:
    """Return the phrases of a kind of `organisers`, in all languages."""
    return frozenset(phrase for one in vocabularies().values() for phrase in one.organisers.get(kind, ()))


@cache
def asking_words(kind: str) -> frozenset[str]:
    """Return the words of a kind of `asking`, in all languages."""
    return frozenset(word for one in vocabularies().values() for word in one.asking.get(kind, ()))


@cache
def topics() -> Sequence[Phrases]:
    """Return the phrases of each topic, in all languages."""
    names = dict.fromkeys(name for one in vocabularies().values() for name in one.topics)
    return [[phrase for one in vocabularies().values() for phrase in one.topics.get(name, ())] for name in names]


def _load(code: str) -> Vocabulary:
    path = FOLDER / f"{code}.toml"
    found = tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    numbers = dict(found.get("numbers", {}))
    counts = numbers.pop("count", {})
    words = found.get("words", {})
    return Vocabulary(
        intents=found.get("intents", {}),
        commands=found.get("commands", {}),
        other_raffles=frozenset(words.get("other_raffles", ())),
        pay_ways=frozenset(words.get("pay_ways", ())),
        title_glue=frozenset(words.get("title_glue", ())),
        positions=found.get("positions", {}),
        numbers=numbers,
        changes=found.get("changes", {}),
        counts=counts,
        numerals=dict(_numerals(code)),
        glue=frozenset(words.get("glue", ())),
        asking={kind: words.get(kind, ()) for kind in ("asking", "before_asking")},
        organisers=found.get("organisers", {}),
        topics=found.get("topics", {}),
        ordinary=frozenset(words.get("ordinary", ())),
    )


def _numerals(code: str) -> Iterator[tuple[str, int]]:
    words = next(language.numbers for language_code, language in LANGUAGES.items() if language_code == code)
    small = words.small.split()
    tens = words.tens.split()
    yield from zip(small, range(30), strict=False)
    for ten, name in zip(range(100 - 10 * len(tens), 100, 10), tens, strict=True):
        yield name, ten
        yield from ((name + joint + small[unit], ten + unit) for joint in words.joints for unit in range(1, 10))
    yield from words.more.items()
