"""Organisers answer questions ahead, by the words that are in them."""

import pytest

from chalicelib.domain.faq import find_answer
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
