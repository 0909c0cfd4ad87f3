"""The countries of the people we talk to: which one a phone number belongs to, and what people there speak."""

from functools import cache

from chalicelib.domain.country_table import COUNTRIES
from chalicelib.domain.languages import LanguageCode, known_language

LONGEST_CALLING_CODE = 4  # digits, the area code of North America included


def country_of(phone: str | None, user_id: str | None = None) -> str | None:
    """Return the country of a person (ISO 3166), or None if it is none of the table.

    It is the one of their phone number. If we do not know that, WhatsApp's id of the person begins with it.

    Args:
        phone: digits with the calling code.
        user_id: such as "GT.13491208655302741918".
    """
    if phone:
        codes = _countries_by_code()
        beginnings = (phone[:length] for length in range(LONGEST_CALLING_CODE, 0, -1))
        return next((codes[beginning] for beginning in beginnings if beginning in codes), None)
    country = (user_id or "").partition(".")[0]
    return country if country in COUNTRIES else None


def language_of(country: str | None) -> LanguageCode | None:
    """Return the language of a country, or None if it has none of ours."""
    return known_language(COUNTRIES[country][0]) if country in COUNTRIES else None


@cache
def _countries_by_code() -> dict[str, str]:
    return {code: country for country, row in COUNTRIES.items() for code in row[1].split()}
