"""What text may stand in a cell, so that no spreadsheet takes it for a formula.

What buyers write, their names above all, ends up in organisers' spreadsheets. A cell that begins with = + - @, a tab or
a line break is run as a formula by some of them; so is what follows a semicolon or a tab where the program takes that
for the end of a cell. Source: OWASP, "CSV Injection".
"""

import re

_STARTERS = "=+\\-@\uff1d\uff0b\uff0d\uff20"  # with their full-width forms
# Where a cell begins, or may be made to begin: at the start, and behind what a program may take for a separator.
_FORMULA = re.compile(rf"(^|[\t\r\n;|])([ \"']*)(?=[{_STARTERS}])")
_MADE_SAFE = re.compile(rf"(^|[\t\r\n;|])([ \"']*)'(?=[{_STARTERS}])")
_BREAK = re.compile(r"^(?='*[\t\r\n])")
_MADE_SAFE_BREAK = re.compile(r"^'(?='*[\t\r\n])")
_DANGER = re.compile(rf"(?:^|[\t\r\n;|])[ \"]*[{_STARTERS}]|^[\t\r\n]")
_PHONE = re.compile(r"\+[0-9]{4,15}")


def is_safe(text: str) -> bool:
    """Whether no program takes the text, or a part of it, for a formula."""
    return _DANGER.search(text) is None


def safe(text: str) -> str:
    """The text with an apostrophe where a formula would begin; any other text as it is. `original` undoes it."""
    return _BREAK.sub("'", _FORMULA.sub(r"\1\2'", text))


def original(text: str) -> str:
    """What `safe` made this text of."""
    return _MADE_SAFE.sub(r"\1\2", _MADE_SAFE_BREAK.sub("", text))


def is_phone(text: str) -> bool:
    """Whether it is a phone number such as +50255550001, and so no formula but its own value."""
    return _PHONE.fullmatch(text) is not None
