"""Read from an answer whether somebody is as old as a raffle requires (H16): "yes, I am over 18", "tengo 45 años"."""

import re
from collections.abc import Iterable, Mapping
from functools import cache

from chalicelib.domain.intents import Intent, Meaning
from chalicelib.domain.vocabulary import change_phrases, vocabularies

OLDEST = 120  # years


def is_old_enough(meaning: Meaning, minimum: int, *, chosen: frozenset[int] = frozenset()) -> bool:
    """Return whether a message says that its author is at least `minimum` years old. A question or a no never does.

    Args:
        chosen: the numbers that they chose before. Other numbers than these and an age make it doubtful.
    """
    line = _with_digits(meaning.line)
    told, others = _ages_and_others(line)
    refuses = change_phrases("not_of_age") & set(re.findall(r"\w+", line))
    if "?" in line or refuses or meaning.has(Intent.NO, Intent.WAIT, Intent.STOP, Intent.PERSON):
        return False
    if not others <= chosen:
        return False
    if told:
        ages = [int(found[1]) - _is_to_come(found[0]) for found in told]
        return all(minimum <= age <= OLDEST for age in ages)
    return begins_with_yes(meaning)


def names_ages_only(meaning: Meaning, chosen: frozenset[int]) -> bool:
    """Return whether a message names no other numbers than an age and those that were `chosen` before."""
    return _ages_and_others(_with_digits(meaning.line))[1] <= chosen


def _ages_and_others(line: str) -> tuple[list[re.Match[str]], set[int]]:
    """Return the ages that a line tells, and its other numbers."""
    told = [found for pattern in _ages() for found in pattern.finditer(line)]
    places = {place for found in told for place in range(*found.span(1))}
    numbers = re.finditer(r"(?<!\w)[0-9]{1,7}(?!\w)", line)
    return told, {int(one[0]) for one in numbers if one.start() not in places}


def _is_to_come(words: str) -> bool:
    """Return whether an age is that of a birthday to come: "cumplo 18 en mayo" is 17."""
    return not change_phrases("coming_age").isdisjoint(re.findall(r"[^\W\d]+", words))


def begins_with_yes(meaning: Meaning) -> bool:
    """Return whether it begins with a yes that ends there, or with words for being of age: "yes I am, and …"."""
    said = [one for one in meaning.found if one.intent in (Intent.YES, Intent.OF_AGE) and not one.misspelt]
    if not said or meaning.line[: said[0].words[0].start].strip(" ,.!¡"):
        return False
    rest = meaning.line[said[0].words[-1].end :]
    confirms = _either(change_phrases("am_of_age"))
    return said[0].intent is Intent.OF_AGE or re.match(rf"\s*(?:$|[,.;!:)]|(?:{confirms})(?!\w))", rest) is not None


def _with_digits(line: str) -> str:
    """Write number words as digits: "seventy-four" is 74."""
    return _number_words().sub(lambda found: str(_numerals()[found[0]]), line)


@cache
def _number_words() -> re.Pattern[str]:
    """Number words from ten upwards: smaller ones say too much else, and nobody so young may buy."""
    words = {word for word, value in _numerals().items() if value >= 10}
    return re.compile(rf"(?<!\w)(?:{_either(words)})(?!\w)")


@cache
def _ages() -> tuple[re.Pattern[str], ...]:
    before, after = _either(change_phrases("before_age")), _either(change_phrases("after_age"))
    return (
        re.compile(rf"(?<!\w)(?:{before})\s+(?:[^\W\d_]+\s+){{0,2}}([0-9]{{1,3}})(?!\w)"),
        re.compile(rf"(?<!\w)([0-9]{{1,3}})\s*(?:{after})(?!\w)"),
    )


@cache
def _numerals() -> Mapping[str, int]:
    return {word: value for one in vocabularies().values() for word, value in one.numerals.items()}


def _either(phrases: Iterable[str]) -> str:
    return "|".join(map(re.escape, sorted(phrases, key=len, reverse=True)))
