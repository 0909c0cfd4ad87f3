"""The words of each language are written as they are compared, and no phrase means two things."""

import pytest

from chalicelib.domain.intents import FROM_NUMBERS, Intent
from chalicelib.domain.picks import fold
from chalicelib.domain.vocabulary import FOLDER, Vocabulary, other_raffles, vocabularies

EACH = [pytest.param(vocabulary, id=code) for code, vocabulary in vocabularies().items() if vocabulary.intents]


def test_every_language_has_its_words() -> None:
    assert {path.stem for path in FOLDER.glob("*.toml")} <= vocabularies().keys()
    assert {"en", "es", "pt"} <= {code for code, vocabulary in vocabularies().items() if vocabulary.intents}


@pytest.mark.parametrize("vocabulary", EACH)
def test_phrases_are_written_as_they_are_compared(vocabulary: Vocabulary) -> None:
    phrases = [
        phrase for lists in (vocabulary.intents, vocabulary.numbers) for listed in lists.values() for phrase in listed
    ]
    for phrase in (*phrases, *vocabulary.positions, *vocabulary.glue, *vocabulary.ordinary):
        assert fold(phrase) == phrase and "'" not in phrase, phrase
        assert not phrase.startswith("*") and not phrase.endswith("*"), phrase


@pytest.mark.parametrize("vocabulary", EACH)
def test_the_lists_are_those_that_the_bot_knows(vocabulary: Vocabulary) -> None:
    assert vocabulary.intents.keys() == {intent.value for intent in Intent} - {*FROM_NUMBERS.values()}
    assert vocabulary.numbers.keys() >= {"and", "to", "from", "article", "noun", "random", "want", "filler", "counting"}


@pytest.mark.parametrize("vocabulary", EACH)
def test_no_phrase_of_a_language_means_two_things(vocabulary: Vocabulary) -> None:
    phrases = [phrase for listed in vocabulary.intents.values() for phrase in listed]
    assert sorted({phrase for phrase in phrases if phrases.count(phrase) > 1}) == []
    small = {word for word in vocabulary.numerals if " " not in word} | vocabulary.counts.keys()
    assert not small & {*phrases, *vocabulary.ordinary}


def test_every_language_has_the_same_lists() -> None:
    known = [pytest_param.values[0] for pytest_param in EACH]
    for lists in ("commands", "changes", "organisers", "topics", "asking"):
        assert len({frozenset(getattr(vocabulary, lists)) for vocabulary in known}) == 1, lists


def test_a_command_means_one_thing() -> None:
    listed = [(word, kind) for one in vocabularies().values() for kind, words in one.commands.items() for word in words]
    assert len(dict(listed)) == len(set(listed))


def test_words_that_name_other_raffles_are_known() -> None:
    assert {word for vocabulary in vocabularies().values() for word in vocabulary.words} >= other_raffles()
