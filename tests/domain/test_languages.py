"""One table of languages: what follows from it is complete."""

from typing import get_args

import pytest

from chalicelib.domain.languages import DEFAULT_LANGUAGE, LANGUAGES, LanguageCode, NumberWords
from chalicelib.domain.picks import Specific, fold, read_pick
from chalicelib.domain.vocabulary import vocabularies

NUMBERS = [pytest.param(language.numbers, id=code) for code, language in LANGUAGES.items()]


def test_every_code_is_in_the_table_and_one_is_the_default() -> None:
    assert tuple(LANGUAGES) == get_args(LanguageCode)
    assert DEFAULT_LANGUAGE in LANGUAGES


def test_whatsapps_codes_differ() -> None:
    assert len({language.template_code for language in LANGUAGES.values()}) == len(LANGUAGES)


@pytest.mark.parametrize("words", NUMBERS)
def test_number_words_run_from_zero_to_ninety_nine(words: NumberWords) -> None:
    assert len(words.small.split()) + 10 * len(words.tens.split()) == 100


@pytest.mark.parametrize("words", NUMBERS)
def test_number_words_are_read_as_they_are_written_here(words: NumberWords) -> None:
    for number, word in enumerate(words.small.split()):
        assert fold(word) == word
        others = vocabularies().values()
        if any(word in {*other.ordinary, *other.intents.get("courtesy", ())} for other in others):
            continue  # "once" is eleven in Spanish; alone, it may be English
        assert read_pick(f"#{word}", first=0, last=99) == Specific((number,))
