"""The phone page says all its own words in English, Spanish and Portuguese."""

import re
from pathlib import Path

import pytest

from whatsapp_sandbox.page_api import STATIC

SCRIPTS = [path for path in STATIC.glob("*.js") if path.name != "language.js"]
ENTRY = re.compile(r'^  "([^"]+)": \["([^"]+)", "([^"]+)"\],$', re.MULTILINE)
WORDS = {english: others for english, *others in ENTRY.findall((STATIC / "language.js").read_text("utf-8"))}
PLACE = re.compile(r"\{\w+\}")


def said() -> set[str]:
    """What the page says: `say("…")` in the scripts, and what index.html marks or names for screen readers."""
    page = (STATIC / "index.html").read_text("utf-8")
    found = set(re.findall(r'(?:aria-label|placeholder)="([^"]+)"', page))
    found |= {text.strip() for text in re.findall(r"data-say>([^<]+)<", page)}
    for path in SCRIPTS:
        found |= set(re.findall(r'\bsay\("([^"]+)"', path.read_text("utf-8")))
    return found


def test_whatever_the_page_says_is_translated_and_nothing_else() -> None:
    assert len(WORDS) > 60
    # The organiser's name comes from the server.
    assert said() | {"Organiser"} == set(WORDS)


@pytest.mark.parametrize("english", WORDS)
def test_a_translation_has_the_same_places(english: str) -> None:
    for other in WORDS[english]:
        assert sorted(PLACE.findall(other)) == sorted(PLACE.findall(english))


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_no_label_of_a_script_is_in_english_only(path: Path) -> None:
    script = path.read_text("utf-8")
    assert re.findall(r'"(?:aria-label|title|placeholder|alt)": "[^"]+"', script) == []
    assert re.findall(r"(?:placeholder|textContent|title) = \"[A-Z][^\"]*\"", script) == []
