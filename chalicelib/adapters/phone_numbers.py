"""Compare phone numbers as people write them with those that WhatsApp knows people by."""

from typing import TYPE_CHECKING

from chalicelib.domain.searches import PHONE_END, digits_of

if TYPE_CHECKING:
    from phonenumbers import PhoneNumber

# Country → how many of the last digits tell its numbers apart. Meta's numbers have a digit that people leave out: the 1
# before Mexico's mobile numbers and the 9 before Argentina's.
SIGNIFICANT_DIGITS = {52: 10, 54: 10}
# Some of Meta's Brazilian numbers lack the ninth digit, which follows the two of the area code.
BRAZIL = 55
FULL_LENGTH = 10  # digits that a number has at least if it includes its country code


def matches_phone(written: str, phone: str) -> bool:
    """Return whether a number as a person wrote it is the number of a contact. Its last six digits are enough.

    A written number without a country code is read as one of the contact's country, so that no setting has to name a
    country.

    Args:
        phone: the contact's number: digits with the country code.
    """
    digits = digits_of(written).lstrip("0")
    if len(digits) >= PHONE_END and phone.endswith(digits):
        return True
    if len(phone) >= FULL_LENGTH and digits.endswith(phone):  # after an international prefix such as 00 or 011
        return True
    known = _parsed(f"+{phone}", None)
    if known is None:
        return False
    return any(reading is not None and _same(known, reading) for reading in _readings(written, digits, known))


def _readings(written: str, digits: str, known: "PhoneNumber") -> "list[PhoneNumber | None]":
    from phonenumbers import region_code_for_country_code  # noqa: PLC0415 - slow to import

    region = region_code_for_country_code(known.country_code or 0)
    return [_parsed(written, region), _parsed(f"+{digits}", None)]


def _same(first: "PhoneNumber", second: "PhoneNumber") -> bool:
    return first.country_code == second.country_code and _core(first) == _core(second)


def _core(number: "PhoneNumber") -> str:
    """Return the digits that tell the number apart within its country."""
    national = str(number.national_number)
    if number.country_code == BRAZIL:
        return national[:2] + national[-8:]
    return national[-SIGNIFICANT_DIGITS.get(number.country_code or 0, len(national)) :]


def _parsed(text: str, region: str | None) -> "PhoneNumber | None":
    from phonenumbers import NumberParseException, parse  # noqa: PLC0415 - slow to import, and few requests need it

    try:
        return parse(text, region)
    except NumberParseException:
        return None
