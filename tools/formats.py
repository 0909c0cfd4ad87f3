"""Writes chalicelib/domain/country_table.py from Babel's and libphonenumber's data: `make formats`.

So the Lambda functions need neither: the table has only the countries whose people we speak with in their language.
"""

import re
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from pprint import pformat
from typing import NamedTuple

from babel import Locale
from babel.core import get_global
from babel.numbers import get_territory_currencies
from iso4217 import Currency
from phonenumbers import country_code_for_region, parse, region_code_for_number

TABLE = Path(__file__).parent.parent / "chalicelib" / "domain" / "country_table.py"
HEAD = '"""Languages of countries, and how numbers, money and dates are written there. Made by `make formats`."""\n\n'
COUNTRIES = {
    "es": "AR BO CL CO CR CU DO EC ES GQ GT HN MX NI PA PE PR PY SV UY VE",
    "pt": "AO BR CV GW MZ PT ST TL",
    "en": "AU BB BS BZ CA GB GY IE JM NZ TT US",
}
# Whose habits people follow about whose country we know nothing but their language.
TYPICAL = {"en": "en_US", "es": "es_419", "pt": "pt_BR"}
# The signs that people write, where Babel has an abbreviation, the ISO code, or a sign that is gone.
SIGNS = {("PY", "PYG"): "₲", ("VE", "VES"): "Bs", ("PA", "USD"): "$"}
NORTH_AMERICA = 1  # the calling code that many countries share; the area code tells them apart


class Row(NamedTuple):
    """What the table says of a country.

    Attributes:
        calling: how phone numbers of the country begin, separated by spaces.
        money: currency → how an amount is written, with {} for the number.
    """

    language: str
    calling: str
    decimal: str
    group: str
    money: Mapping[str, str]


def rows() -> dict[str, Row]:
    """Return the table of countries."""
    areas = _north_american_areas()
    table = {}
    for language, countries in COUNTRIES.items():
        for country in countries.split():
            locale = Locale.parse(f"{language}_{country}")
            calling = areas.get(country) or str(country_code_for_region(country))
            money = {currency: _money(locale, country, currency) for currency in get_territory_currencies(country)}
            known = {currency: form for currency, form in money.items() if form}
            table[country] = Row(language, calling, *separators(locale), known)
    return dict(sorted(table.items()))


def separators(locale: Locale) -> tuple[str, str]:
    """Return the decimal and the group separator."""
    symbols = locale.number_symbols["latn"]
    return symbols["decimal"], symbols["group"]


def typical_separators() -> dict[str, tuple[str, str]]:
    """Return the separators by language."""
    return {language: separators(Locale.parse(name)) for language, name in TYPICAL.items()}


def days() -> dict[str, tuple[str, ...]]:
    """Return the short names of the days by language, Monday first."""
    names = {language: Locale.parse(name).days["format"]["abbreviated"] for language, name in TYPICAL.items()}
    return {language: tuple(short[day].rstrip(".") for day in range(7)) for language, short in names.items()}


def months() -> dict[str, tuple[str, ...]]:
    """Return the short names of the months by language."""
    names = {language: Locale.parse(name).months["format"]["abbreviated"] for language, name in TYPICAL.items()}
    return {language: tuple(short[month].rstrip(".") for month in range(1, 13)) for language, short in names.items()}


def without_cents() -> list[str]:
    """Return the currencies that have minor units by ISO 4217 which nobody uses any more."""
    fractions = get_global("currency_fractions")
    codes = [currency.code for currency in Currency if currency.exponent]
    return sorted(code for code in codes if fractions.get(code, (2, 0, 2, 0))[2] == 0)


def _money(locale: Locale, country: str, currency: str) -> str:
    """Return how an amount is written there; "" if Babel knows no sign that can be read."""
    symbol = SIGNS.get((country, currency)) or locale.currency_symbols.get(currency, currency)
    symbol = re.sub(r"\s", " ", symbol).strip("\u200b")
    if symbol in ("", currency):
        return ""
    if not locale.currency_formats["standard"].pattern.startswith("¤"):
        return f"{{}} {symbol}"
    # In English a sign stands at the number. Elsewhere CLDR has both, even for countries that use the same sign, and
    # people read an amount with a space more easily.
    is_close = locale.language == "en" and unicodedata.category(symbol[-1])[0] == "S"
    return f"{symbol}{{}}" if is_close else f"{symbol} {{}}"


def _north_american_areas() -> dict[str, str]:
    """Return the calling codes with area codes by country. The United States have the rest."""
    areas: dict[str, list[str]] = {"US": ["1"]}
    for area in range(200, 1000):
        country = region_code_for_number(parse(f"+{NORTH_AMERICA}{area}2345678"))
        if country not in (None, "US"):
            areas.setdefault(country, []).append(f"{NORTH_AMERICA}{area}")
    return {country: " ".join(codes) for country, codes in areas.items()}


def written() -> str:
    """Return the module."""
    countries = {country: tuple(row) for country, row in rows().items()}
    parts: dict[str, object] = {
        "COUNTRIES: dict[str, tuple[str, str, str, str, dict[str, str]]]": countries,
        "SEPARATORS": typical_separators(),
        "DAYS": days(),
        "MONTHS": months(),
        "WITHOUT_CENTS": without_cents(),
    }
    return (
        HEAD + "\n".join(f"{name} = {pformat(value, width=100, compact=True)}" for name, value in parts.items()) + "\n"
    )


if __name__ == "__main__":
    TABLE.write_text(written(), "utf-8")
