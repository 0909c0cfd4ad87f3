"""The ways in which WhatsApp writes one phone number: three countries have a digit that may be there or not."""

import re
from typing import NamedTuple


class _Spelling(NamedTuple):
    """A country's numbers with and without their extra digit. `long` is with it, `short` without."""

    long: re.Pattern[str]
    short: re.Pattern[str]
    extra: str


# In Brazil the ninth digit belongs to mobile numbers alone: their other eight digits begin with 6 to 9, those of
# landlines with 2 to 5.
_SPELLINGS = (
    _Spelling(re.compile(r"(52)1([2-9]\d{9})"), re.compile(r"(52)([2-9]\d{9})"), "1"),
    _Spelling(re.compile(r"(54)9([1-8]\d{9})"), re.compile(r"(54)([1-8]\d{9})"), "9"),
    _Spelling(re.compile(r"(55[1-9]\d)9([6-9]\d{7})"), re.compile(r"(55[1-9]\d)([6-9]\d{7})"), "9"),
)


def spellings_of(phone: str) -> tuple[str, ...]:
    """Return the phone number as it is written, then the other way to write it, if there is one.

    Args:
        phone: digits with the country code.
    """
    for long, short, extra in _SPELLINGS:
        if match := long.fullmatch(phone):
            return phone, match[1] + match[2]
        if match := short.fullmatch(phone):
            return phone, match[1] + extra + match[2]
    return (phone,)


def canonical(phone: str) -> str:
    """Return the same text for all spellings of a number."""
    return min(spellings_of(phone), key=len)


def same_number(first: str | None, second: str | None) -> bool:
    """Return whether both are the same phone number, or both are unknown."""
    if first is None or second is None:
        return first is second
    return first in spellings_of(second)
