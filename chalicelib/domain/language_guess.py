"""Guess the language that somebody writes: only if their words leave no doubt. Pure."""

import re
from collections import Counter
from collections.abc import Mapping

from chalicelib.domain.languages import LANGUAGES, LanguageCode
from chalicelib.domain.picks import fold

ENOUGH = 2  # points in a short message
ENOUGH_IN_A_SENTENCE = 3  # there, one borrowed word says little
SHORT = 3  # words
LEAD = 2  # so many times the points of all other languages together

# Words that are only in one of our languages, as `fold` leaves them; two points each. What two of the languages share
# is in none: "rifa", "confirmo", "menu", "ola" (the Spanish "hola" in a hurry), "no", "ok".
SURE: Mapping[LanguageCode, str] = {
    "en": """hi hello thanks thank please the and you your my mine want wants would what when where who how much many
        is are have has buy pay paid number numbers raffle raffles order orders browse any this that with for from
        there can could which need person""",
    "es": """hola buenas buenos tardes noches gracias quiero quisiera cuanto cuantos cuesta cuestan boleto boletos
        usted ayuda tambien hay el los las del una con pero cuando cual cuales quien gano mis puedo puede pague
        listo dame deme necesito hablar alguien sorteo comprobante manana cuenta porfa porfavor porfis sorpresa azar
        todavia tengo otro otra estoy apartame apuntame persona menos mi""",
    "pt": """oi obrigado obrigada quero voce voces nao sim bom boa noite quanto quantos custa bilhete bilhetes cartela
        meu meus minha minhas uma quem ganhou posso paguei falar alguem pessoa sorteio comprovante amanha
        gostaria tambem duas pra pelo pela ao tem outro outra qual quais isso beleza valeu ajuda surpresa qualquer
        reais estou tenho vou fiz eu pix""",
}
# Words that one language has and others borrow; one point each.
HINTS: Mapping[LanguageCode, str] = {
    "en": "yes yep help hey cancel confirm random ticket tickets sorry next more just good one to of it in",
    "es": "y si es al lo la le un ya son buen bueno tienes solo orden",
    "pt": "e um os das dos em com ja ate preciso conta quando onde",
}
# Accented words (two points each) and letters or signs (one point each) that only one of the languages has.
ACCENTED: Mapping[LanguageCode, str] = {"es": "sí qué cómo más", "pt": "olá já até só às"}
SIGNS: Mapping[LanguageCode, str] = {"es": "¿¡ñ", "pt": "ãõç"}
# Numerals of one language that are other words elsewhere: "once", "doce", "um", "one".
AMBIGUOUS_NUMERALS = {"once", "doce", "um", "one"}


def guess_language(text: str) -> LanguageCode | None:
    """Return the language of a text, or None if it may be another one.

    Numbers, names, codes and words of two languages say nothing. So a message of such words leaves things as they were.
    """
    words = re.findall(r"[^\W\d_]+", fold(text))
    as_typed = set(re.findall(r"[^\W\d_]+", text.casefold()))
    points = Counter[LanguageCode]()
    for word in set(words):
        points.update(_POINTS.get(word, {}))
    for language, accented in ACCENTED.items():
        points[language] += 2 * len(as_typed & set(accented.split()))
    for language, signs in SIGNS.items():
        points[language] += len(set(signs) & set(text.casefold()))
    (best, most), *others = points.most_common()
    enough = ENOUGH if len(words) <= SHORT else ENOUGH_IN_A_SENTENCE
    return best if most >= enough and most >= LEAD * sum(count for _, count in others) else None


def _points() -> dict[str, dict[LanguageCode, int]]:
    points = dict[str, dict[LanguageCode, int]]()
    for worth, table in ((1, HINTS), (2, SURE)):
        for language, words in table.items():
            for word in words.split():
                points.setdefault(word, {})[language] = worth
    numerals = {code: f"{one.numbers.small} {one.numbers.tens}".split() for code, one in LANGUAGES.items()}
    languages_of = Counter(word for words in numerals.values() for word in words)
    for language, names in numerals.items():
        for word in names:
            if languages_of[word] == 1 and word not in AMBIGUOUS_NUMERALS:
                points.setdefault(word, {})[language] = 2
    return points


_POINTS = _points()
