"""Organisers answer questions ahead, by the words that are in them."""

import pytest

from chalicelib.domain.faq import find_answer, is_question
from chalicelib.domain.raffles import Faq

FAQ = (
    Faq(words=("envío", "a domicilio"), answer="Se recoge en la escuela."),
    Faq(words=("factura", "?"), answer="No damos factura."),
)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("¿Hacen ENVIO?", "Se recoge en la escuela."), ("lo mandan a  domicilio, verdad", "Se recoge en la escuela."),
        ("dan factura de envío", "Se recoge en la escuela."), ("factura", "No damos factura."),
        ("envíos", "Se recoge en la escuela."), ("pueden enviarlo", "Se recoge en la escuela."),
        ("facturan", "No damos factura."), ("envase", None), ("domicilio", None), ("?", None), ("", None),
    ],
)  # fmt: skip
def test_the_first_answer_with_a_word_of_the_question_is_given(text: str, answer: str | None) -> None:
    assert find_answer(FAQ, text) == answer


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("¿me la llevan a la casa?", "Se recoge en la escuela."), ("vocês trazem?", "Se recoge en la escuela."),
        ("do you deliver", "Se recoge en la escuela."), ("vocês dão nota fiscal", "No damos factura."),
        ("¿tiene garantía?", None), ("la casa", None),
    ],
)  # fmt: skip
def test_an_answer_is_also_given_to_other_words_for_the_same_thing(text: str, answer: str | None) -> None:
    assert find_answer(FAQ, text, by_topic=True) == answer
    assert find_answer(FAQ, text) is None


@pytest.mark.parametrize(
    ("text", "asks"),
    [
        ("¿la bici es de montaña?", True), ("hola, y cuándo la entregan", True), ("aceptan dólares", True),
        ("do you ship", True), ("oi, e onde retiro", True), ("is it red", True),
        ("this is confusing", False), ("la roja", False), ("não entendi", False), ("¿mande?", False), ("", False),
    ],
)  # fmt: skip
def test_a_question_begins_with_a_word_that_asks(text: str, asks: bool) -> None:
    assert is_question(text) is asks
