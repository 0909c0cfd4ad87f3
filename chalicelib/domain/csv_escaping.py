"""Escape text for the cells of a spreadsheet, so that no program runs it as a formula.

Names and other words of buyers end up in organisers' spreadsheets. Some programs run a cell as a formula if it begins
with = + - @, a tab or a line break. The same goes for text after a semicolon or a tab if the program takes that as the
end of a cell. Source: https://owasp.org/www-community/attacks/CSV_Injection
"""

import re

_STARTERS = "=+\\-@\uff1d\uff0b\uff0d\uff20"  # with their full-width forms
# A cell begins at the start of the text, and after whatever a program may take as a separator.
_FORMULA = re.compile(rf"(^|[\t\r\n;|])([ \"']*)(?=[{_STARTERS}])")
_ESCAPED = re.compile(rf"(^|[\t\r\n;|])([ \"']*)'(?=[{_STARTERS}])")
_BREAK = re.compile(r"^(?='*[\t\r\n])")
_ESCAPED_BREAK = re.compile(r"^'(?='*[\t\r\n])")
_DANGER = re.compile(rf"(?:^|[\t\r\n;|])[ \"]*[{_STARTERS}]|^[\t\r\n]")
_PHONE = re.compile(r"\+[0-9]{4,15}")


def is_safe(text: str) -> bool:
    """Return whether no program takes the text, or a part of it, as a formula."""
    return _DANGER.search(text) is None


def safe(text: str) -> str:
    """Put an apostrophe wherever a formula would begin. Any other text comes back unchanged."""
    return _BREAK.sub("'", _FORMULA.sub(r"\1\2'", text))


def original(text: str) -> str:
    """Undo `safe`. docs/exports.md names this function to people who process exported files."""
    return _ESCAPED.sub(r"\1\2", _ESCAPED_BREAK.sub("", text))


def is_phone(text: str) -> bool:
    """Return whether it is a phone number such as +50255550001. Run as a formula, it is just its own value."""
    return _PHONE.fullmatch(text) is not None
