"""The language of a text is told only if there is no doubt."""

import pytest

from chalicelib.domain.language_guess import guess_language

SPANISH = (
    "hola", "¡Buenas!", "hola buenas tardes quiero participar", "cuánto cuesta el boleto?", "quiero 3, 5 y 12",
    "ya te mandé el comprobante", "quién ganó?", "mis números", "dame dos al azar", "el cinco y el doce", "gracias",
    "quiero hablar con alguien", "¿qué números hay?", "Sí, confirmo mi pedido", "veintitrés",
)  # fmt: skip
PORTUGUESE = (
    "oi", "Olá", "quero uma rifa", "quanto custa o número?", "já paguei", "meus números", "me dá duas, obrigada",
    "vou mandar o comprovante", "quem ganhou?", "não quero o 5", "dezessete e vinte", "surpresa 3", "bom dia",
    "posso pagar amanhã?",
)  # fmt: skip
ENGLISH = (
    "hi", "Hello!", "I'd like to buy some tickets", "how much is a ticket?", "my orders", "raffles", "thank you",
    "can I talk to a person please", "what's the prize", "yes please", "seventeen and twenty",
)  # fmt: skip
DOUBTFUL = (
    # Nothing that tells.
    "", "5, 12, 99", "BIKE", "👍", "¿?", "Lucía Pérez", "7K2M9QXB", "http://example.org/x", "مرحبا", "\ud800",
    # Words of two languages, or that everybody types.
    "ok", "OK!", "rifa", "rifas", "confirmo", "confirmar", "cancelar", "menu", "menú", "no", "stop", "START", "ola",
    "números", "por favor", "comprar", "5 e 12", "5 y 12", "si", "e", "y", "yes", "random 3", "ticket", "help",
    # One word that may be borrowed, in a text of others.
    "mande dinero ayer sim", "5 boletos para João e Maria", "Bingo da Sorte hello",
    # Both at once.
    "hola obrigado", "oi, gracias", "thanks, gracias",
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "language"),
    [
        *((text, "es") for text in SPANISH),
        *((text, "pt") for text in PORTUGUESE),
        *((text, "en") for text in ENGLISH),
        *((text, None) for text in DOUBTFUL),
    ],
)
def test_m9_a_language_is_told_only_if_there_is_no_doubt(text: str, language: str | None) -> None:
    assert guess_language(text) == language
    assert guess_language(text.upper()) == language


@pytest.mark.parametrize("foreign", ["obrigado", "oi", "sim", "thanks", "please"])
def test_m9_one_foreign_word_does_not_change_a_spanish_text(foreign: str) -> None:
    assert guess_language(f"hola, quiero el 5 y el 12 para mi hermana {foreign}") == "es"


def test_a_long_text_is_read_quickly_enough() -> None:
    assert guess_language("ã" * 4096) is None
    assert guess_language("hola quiero " * 340) == "es"
