"""The languages of the people we talk to. Start here to add one; everything else follows from this table.

A language also needs its templates (`chalicelib/whatsapp/templates.py`) and, for the chat, a catalogue (see
CONTRIBUTING.md). Tests name what is missing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

LanguageCode = Literal["en", "es", "pt"]  # as the API shows it, contacts keep it and catalogues are named
DEFAULT_LANGUAGE: LanguageCode = "en"
# How we know the language of a person (M9), the surest first.
LanguageSource = Literal["chosen", "written", "phone", "raffle", "default"]


@dataclass(frozen=True, kw_only=True)
class NumberWords:
    """Number words as `picks.fold` leaves them: lower case, no accents.

    Attributes:
        small: from zero upwards, without a gap.
        tens: the tens after the small ones, up to ninety.
        joints: what may stand between tens and units: "twenty-one", "treinta y uno".
        more: other words, with their values.
    """

    small: str
    tens: str
    joints: tuple[str, ...]
    more: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Language:
    """`name` is what its speakers call it; `template_code` is WhatsApp's code for the language of a template."""

    name: str
    template_code: str
    numbers: NumberWords


# The order matters: a template that is not approved in the person's language goes in the first one that is.
LANGUAGES: Mapping[LanguageCode, Language] = {
    "en": Language(
        name="English",
        template_code="en",
        numbers=NumberWords(
            small="""zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen
                sixteen seventeen eighteen nineteen""",
            tens="twenty thirty forty fifty sixty seventy eighty ninety",
            joints=("-", " "),
            more={"hundred": 100, "a hundred": 100, "one hundred": 100},
        ),
    ),
    "es": Language(
        name="Español",
        template_code="es",
        numbers=NumberWords(
            small="""cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciseis
                diecisiete dieciocho diecinueve veinte veintiuno veintidos veintitres veinticuatro veinticinco
                veintiseis veintisiete veintiocho veintinueve""",
            tens="treinta cuarenta cincuenta sesenta setenta ochenta noventa",
            joints=(" y ",),
            more={"cien": 100},
        ),
    ),
    "pt": Language(
        name="Português",
        template_code="pt_BR",
        numbers=NumberWords(
            small="""zero um dois tres quatro cinco seis sete oito nove dez onze doze treze catorze quinze dezesseis
                dezessete dezoito dezenove""",
            tens="vinte trinta quarenta cinquenta sessenta setenta oitenta noventa",
            joints=(" e ",),
            # The spelling of Portugal, and a second form of catorze.
            more={"quatorze": 14, "dezasseis": 16, "dezassete": 17, "dezanove": 19, "cem": 100},
        ),
    ),
}

# WhatsApp's code for each of our languages.
TEMPLATE_CODES: Mapping[str, str] = {code: language.template_code for code, language in LANGUAGES.items()}


def known_language(code: str | None) -> LanguageCode | None:
    """Return the code if it is one of our languages, else None."""
    return next((known for known in LANGUAGES if known == code), None)
