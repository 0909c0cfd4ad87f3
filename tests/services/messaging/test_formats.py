"""Money, counts and times are written as people write them, by a table that is no other than Babel's."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from babel import Locale
from babel.dates import format_date
from babel.numbers import format_currency, format_decimal
from iso4217 import Currency

from chalicelib.domain import country_table
from chalicelib.domain.country_table import COUNTRIES, WITHOUT_CENTS
from chalicelib.domain.languages import LANGUAGES, LanguageCode, known_language
from chalicelib.services.messaging.formats import Formats
from tools import formats as tool

AMOUNTS = (0, 1, 99, 100, 2500, 123_456, 2_000_000, 123_456_789, 1_000_000_000_000)
NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)
BY_LANGUAGE = [pytest.param(code, name, id=code) for code, name in tool.TYPICAL.items()]


def of(country: str | None, language: LanguageCode | None = None) -> Formats:
    spoken = known_language(COUNTRIES[country][0]) if country else None
    return Formats(language=language or spoken or "en", country=country)


def as_babel(country: str, currency: str, amount: int) -> str:
    """Babel's form, with the sign that is known to be another one, and with our spaces where nobody speaks English."""
    locale = Locale.parse(f"{COUNTRIES[country][0]}_{country}")
    exponent = Currency(currency).exponent or 0
    is_whole = currency in WITHOUT_CENTS and amount % 10**exponent == 0
    digits = 0 if is_whole else exponent
    pattern = re.sub(
        r"0(\.0+)?", "0" + ("." + "0" * digits if digits else ""), locale.currency_formats["standard"].pattern
    )
    value = amount / 10**exponent
    written = format_currency(value, currency, format=pattern.split(";")[0], locale=locale, currency_digits=False)
    symbol = locale.currency_symbols.get(currency, currency)
    sign = tool.SIGNS.get((country, currency), symbol)
    number = written.replace(symbol, "").strip()
    if not written.startswith(symbol):
        return re.sub(r"\s+", " ", f"{number} {sign}")
    return re.sub(r"\s+", " ", f"{sign} {number}" if locale.language != "en" else f"{sign}{number}")


def test_the_table_is_up_to_date() -> None:
    assert {country: tool.Row(*row) for country, row in COUNTRIES.items()} == tool.rows(), "run `make formats`"
    assert tool.typical_separators() == country_table.SEPARATORS
    assert tool.days() == country_table.DAYS
    assert tool.months() == country_table.MONTHS
    assert tool.without_cents() == WITHOUT_CENTS


def test_the_table_knows_only_languages_of_ours_and_all_of_them() -> None:
    assert {row[0] for row in COUNTRIES.values()} == LANGUAGES.keys()
    assert LANGUAGES.keys() == tool.TYPICAL.keys()


@pytest.mark.parametrize(
    ("country", "currency"), [(country, currency) for country, row in COUNTRIES.items() for currency in row[4]]
)
def test_money_of_a_country_is_written_as_babel_writes_it_there(country: str, currency: str) -> None:
    for amount in AMOUNTS:
        assert re.sub(r"\s+", " ", of(country).money(amount, currency)) == as_babel(country, currency, amount)


@pytest.mark.parametrize(
    ("country", "amount", "currency", "written"),
    [
        ("PY", 20_000, "PYG", "₲ 20.000"),
        ("BR", 1000, "BRL", "R$ 10,00"),
        ("CO", 12_000_000, "COP", "$ 120.000"),
        ("CO", 12_000_050, "COP", "$ 120.000,50"),
        ("CL", 120_000, "CLP", "$ 120.000"),
        ("MX", 5000, "MXN", "$ 50.00"),
        ("GT", 2500, "GTQ", "Q 25.00"),
        ("ES", 250_000, "EUR", "2.500,00 €"),
        ("SV", 1000, "USD", "$ 10.00"),
        ("US", 1000, "USD", "$10.00"),
        ("GB", 123_456, "GBP", "£1,234.56"),
        ("PA", 1000, "USD", "$ 10.00"),
        # The sign would be another currency's, or nobody's: the ISO code, and the numbers of the reader.
        ("GT", 2500, "USD", "USD 25.00"),
        ("US", 5000, "MXN", "MXN 50.00"),
        ("MX", 5000, "USD", "USD 50.00"),
        ("CA", 5000, "USD", "USD 50.00"),
        ("PY", 123_456, "USD", "USD 1.234,56"),
        ("BR", 12_000_000, "COP", "COP 120.000"),
        ("ES", 1500, "TND", "TND 1,500"),
        (None, 2500, "GTQ", "GTQ 25.00"),
    ],
)
def test_the_sign_is_for_those_who_live_where_the_currency_is_used(
    country: str | None, amount: int, currency: str, written: str
) -> None:
    assert of(country).money(amount, currency) == written


@pytest.mark.parametrize(("language", "written"), [("en", "1,234.50"), ("es", "1,234.50"), ("pt", "1.234,50")])
def test_whose_country_is_unknown_reads_numbers_of_their_language(language: LanguageCode, written: str) -> None:
    assert of(None, language).money(123_450, "GTQ") == f"GTQ {written}"
    typical = Locale.parse(tool.TYPICAL[language])
    assert of(None, language).count(1_234_567) == format_decimal(1_234_567, locale=typical)


@pytest.mark.parametrize(("language", "name"), BY_LANGUAGE)
def test_a_time_of_today_is_a_clock_time_and_any_other_has_its_day(language: LanguageCode, name: str) -> None:
    formats = of(None, language)
    for days in range(-400, 400):
        moment = NOON + timedelta(days=days, hours=2.5)
        written = formats.moment(moment, "UTC", NOON)
        day, month = (format_date(moment, pattern, locale=name).rstrip(".") for pattern in ("EEE", "MMM"))
        expected = "14:30" if not days else f"{day} {moment.day} {month}, 14:30"
        assert written == expected


def test_the_day_is_the_one_where_the_raffle_is() -> None:
    late = datetime(2026, 12, 2, 3, 10, tzinfo=UTC)  # still the evening before in Guatemala
    assert of("GT").moment(late, "America/Guatemala", NOON) == "21:10"
    assert of("GT").moment(late, "America/Guatemala", late - timedelta(hours=2)) == "21:10"
    assert of("GT").moment(late, "UTC", NOON) == "mié 2 dic, 03:10"
    assert of("BR").moment(late, "UTC", NOON) == "qua 2 dez, 03:10"
    assert of("US").moment(late, "UTC", NOON) == "Wed 2 Dec, 03:10"
