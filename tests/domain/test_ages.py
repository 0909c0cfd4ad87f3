"""Who is asked for their age may answer in a sentence (H16)."""

import pytest

from chalicelib.domain.ages import is_old_enough
from chalicelib.domain.intents import read_meaning


@pytest.mark.parametrize(
    "text",
    [
        "I can assure you that I am considerably older than eighteen; I shall be seventy-four in March.",
        "Oh yes I am 83 next week", "yes I am, what about my privacy, who gets my phone number", "obviously. I'm 51",
        "Yes, I am over eighteen.", "yes I am over 18", "Yes I'm over 18. Now the number 9 please",
        "sí, tengo 45 años", "Claro que sí, señorita, ya cumplí ochenta", "tengo treinta y dos", "soy mayor de edad",
        "Sim, sou maior de idade", "tenho 76 anos, minha filha", "sim senhora, faço 40 amanhã",
    ],
)  # fmt: skip
def test_h16_an_age_in_a_sentence_is_enough(text: str) -> None:
    assert is_old_enough(read_meaning(text), 18, chosen=frozenset({9}))


@pytest.mark.parametrize(
    "text",
    [
        "how old must I be?", "no, I am 40", "I'm 17", "tengo 12 años", "tenho 16 anos", "si me dices cuánto cuesta",
        "5 and 17", "yes, and number 7", "my son is 20", "¿tengo que tener 18?", "quiero el 45", "yes?", "it costs 50",
    ],
)  # fmt: skip
def test_h16_anything_else_is_asked_again(text: str) -> None:
    assert not is_old_enough(read_meaning(text), 18, chosen=frozenset({9}))
