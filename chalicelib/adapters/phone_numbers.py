"""Whether a phone number as somebody writes it is the one that WhatsApp knows a person by."""

from typing import TYPE_CHECKING

from chalicelib.domain.searches import PHONE_END, digits_of

if TYPE_CHECKING:
    from phonenumbers import PhoneNumber

# Where Meta's numbers have a digit more than people write (Mexico's 1 and Argentina's 9 before mobile numbers), so many
# of the last digits tell numbers apart. Some of Brazil's lack the ninth digit, behind the two of the area.
LAST = {52: 10, 54: 10}
BRAZIL = 55
WHOLE = 10  # digits of a number that is complete with its country


def is_phone(written: str, phone: str) -> bool:
    """Whether `written` means `phone`, which is in digits with its country code.

    What is written without a country is read as in the country of `phone`: so no setting need say where we are. The
    whole number or its end will do, from six digits on.
    """
    digits = digits_of(written).lstrip("0")
    if len(digits) >= PHONE_END and phone.endswith(digits):
        return True
    if len(phone) >= WHOLE and digits.endswith(phone):  # behind what is dialled to call abroad
        return True
    known = _parsed(f"+{phone}", None)
    if known is None:
        return False
    return any(other is not None and _same(known, other) for other in _readings(written, digits, known))


def _readings(written: str, digits: str, known: "PhoneNumber") -> "list[PhoneNumber | None]":
    from phonenumbers import region_code_for_country_code  # noqa: PLC0415 - see `_parsed`

    region = region_code_for_country_code(known.country_code or 0)
    return [_parsed(written, region), _parsed(f"+{digits}", None)]


def _same(one: "PhoneNumber", other: "PhoneNumber") -> bool:
    return one.country_code == other.country_code and _core(one) == _core(other)


def _core(number: "PhoneNumber") -> str:
    national = str(number.national_number)
    if number.country_code == BRAZIL:
        return national[:2] + national[-8:]
    return national[-LAST.get(number.country_code or 0, len(national)) :]


def _parsed(text: str, region: str | None) -> "PhoneNumber | None":
    # Imported when first asked for: it takes as long as all other imports of a small function, and few need it.
    from phonenumbers import NumberParseException, parse  # noqa: PLC0415

    try:
        return parse(text, region)
    except NumberParseException:
        return None
