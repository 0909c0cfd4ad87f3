"""Which country a person is of, and what is spoken there."""

import pytest

from chalicelib.domain.countries import LONGEST_CALLING_CODE, country_of, language_of
from chalicelib.domain.country_table import COUNTRIES


@pytest.mark.parametrize(
    ("phone", "country", "language"),
    [
        ("50255501234", "GT", "es"),
        ("595981234567", "PY", "es"),
        ("5215512345678", "MX", "es"),
        ("34612345678", "ES", "es"),
        ("5511987654321", "BR", "pt"),
        ("351912345678", "PT", "pt"),
        ("12025550123", "US", "en"),
        ("18095550123", "DO", "es"),  # these share +1 with the United States
        ("17875550123", "PR", "es"),
        ("14165550123", "CA", "en"),
        ("5016221234", "BZ", "en"),
        ("4915112345678", None, None),
        ("50912345678", None, None),
        ("0", None, None),
    ],
)
def test_m9_a_phone_number_tells_the_country_and_its_language(
    phone: str, country: str | None, language: str | None
) -> None:
    assert country_of(phone) == country
    assert language_of(country) == language


@pytest.mark.parametrize(
    ("user_id", "country"), [("BR.1349", "BR"), ("GT.ENT.77", "GT"), ("DE.77", None), ("77", None), ("", None)]
)
def test_m9_without_a_phone_number_whatsapps_id_tells_the_country(user_id: str, country: str | None) -> None:
    assert country_of(None, user_id) == country
    assert country_of("50255501234", user_id) == "GT"


def test_no_calling_code_leads_to_two_countries() -> None:
    codes = [code for row in COUNTRIES.values() for code in row[1].split()]
    assert len(set(codes)) == len(codes)
    assert max(map(len, codes)) == LONGEST_CALLING_CODE
