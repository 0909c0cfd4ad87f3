"""What somebody wants is found by words within a sentence, also when they are misspelt."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.intents import Intent, read_meaning
from chalicelib.domain.typos import closest, distance, nearest
from chalicelib.domain.vocabulary import vocabularies

WORDS = sorted(word for vocabulary in vocabularies().values() for word in vocabulary.words if word.isalpha())


@pytest.mark.parametrize(
    ("text", "intents", "rest"),
    [
        ("Hola, buenas tardes, quiero participar en la rifa CANASTA", {"greeting", "browse"}, "canasta"),
        ("ok but how do I pay", {"yes", "how_to_pay"}, "but"),
        ("puedo pagar el boleto mañana", {"how_to_pay", "pay_later"}, ""),
        ("is number 7 free?", {"free"}, "7"),
        ("yes but swap 44 for 8", {"yes", "swap"}, "but 44 8"),
        ("quita el 45", {"remove"}, "45"),
        ("¿¿??", set(), ""),
        ("👍🏽", {"yes"}, ""),
    ],
)
def test_phrases_are_found_wherever_they_stand(text: str, intents: set[str], rest: str) -> None:
    meaning = read_meaning(text)
    assert ({intent.value for intent in meaning.intents}, " ".join(word.text for word in meaning.rest)) == (
        intents,
        rest,
    )


@pytest.mark.parametrize(
    ("typed", "intent"),
    [("rifsa", "browse"), ("rafle", "browse"), ("hla", "greeting"), ("canselar", "cancel"), ("confimar", "yes")],
)
def test_a_misspelt_word_is_understood(typed: str, intent: str) -> None:
    meaning = read_meaning(typed)
    assert meaning.intents == {intent} and meaning.is_misspelt


@pytest.mark.parametrize("word", ["marcqme", "cancerar2", "confurmadi"])
def test_what_leads_to_an_action_may_have_one_mistake_only(word: str) -> None:
    assert not read_meaning(word).intents & {Intent.YES, Intent.CANCEL} and not read_meaning("marqqme").intents


@pytest.mark.parametrize("word", ["stap", "bajja", "nop3", "saalir", "stopp"])
def test_nothing_is_ended_by_a_misspelt_word(word: str) -> None:
    assert not read_meaning(word).intents & {Intent.STOP, Intent.LEAVE, Intent.NO}


@pytest.mark.parametrize("word", ["dose", "sinco", "seite", "sevn", "otio"])
def test_a_number_is_never_guessed(word: str) -> None:
    assert not read_meaning(word).has_numbers


def test_words_that_are_known_are_not_corrected() -> None:
    for word in WORDS:
        assert not read_meaning(word).is_misspelt, word


@pytest.mark.parametrize(
    ("left", "right", "mistakes"),
    [
        ("hola", "hola", 0),
        ("hola", "hla", 1),
        ("hola", "hoal", 1),
        ("hola", "ola", 1),
        ("rifas", "rifsa", 1),
        ("ab", "cd", 2),
    ],
)
def test_mistakes_are_counted(left: str, right: str, mistakes: int) -> None:
    assert distance(left, right) == distance(right, left) == mistakes


def test_how_many_mistakes_are_forgiven_fits_the_length_of_the_word() -> None:
    assert closest("sii", ["si"]) is None
    assert closest("rafle", ["raffle"]) == "raffle"
    assert closest("rfle", ["raffle"]) is None
    assert closest("confrimr", ["confirmar"]) == "confirmar"
    assert closest("mora", ["hora", "toma"]) is None  # the first letter makes another word
    assert nearest("rifsa", ["rifa", "rifas"]) == ["rifa", "rifas"] and closest("rifsa", ["rifa", "rifas"]) is None


@given(st.text() | st.lists(st.sampled_from(WORDS), max_size=8).map(" ".join))
def test_whatever_is_written_its_words_are_phrases_or_the_rest(text: str) -> None:
    meaning = read_meaning(text)
    for word in (*meaning.rest, *(word for one in meaning.found for word in one.words)):
        assert meaning.line[word.start : word.end].replace("'", "") == word.text
    assert all(isinstance(intent, Intent) for intent in meaning.intents)
