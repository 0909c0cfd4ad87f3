"""The code of an order in what a person reads."""

import re


def code_in(text: str) -> str:
    found = re.search(r"\b[2346789BCDFGHJKMPQRTVWXY]{8}\b", text)
    assert found, text
    return found[0]
