"""Undoes what `csv_escaping.safe` does to a text, so that tests can show that nothing is lost."""

import re

_STARTERS = "=+\\-@\uff1d\uff0b\uff0d\uff20"
_ESCAPED = re.compile(rf"(^|[\t\r\n;|])([ \"']*)'(?=[{_STARTERS}])")
_ESCAPED_BREAK = re.compile(r"^'(?='*[\t\r\n])")


def original(text: str) -> str:
    """Return the text that `safe` made this one of."""
    return _ESCAPED.sub(r"\1\2", _ESCAPED_BREAK.sub("", text))
