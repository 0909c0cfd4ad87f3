"""Checks message catalogues, so that none is compiled that lacks a translation or breaks one: `make messages`."""

import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from io import BytesIO
from pathlib import Path

from babel.messages import Message
from babel.messages.pofile import PoFileError, read_po

from chalicelib.domain.languages import LANGUAGES

LOCALE = Path(__file__).parent.parent / "chalicelib" / "locale"
SOURCE = "en"  # the texts in the code are English already
PLACEHOLDER = re.compile(r"\{[^{}]*\}")
# What WhatsApp prints bold, and people tap or write: "*raffles*".
BOLD = re.compile(r"(?<![\w*])\*(?=\S)[^*\n]+(?<=\S)\*(?![\w*])")


def problems(path: Path) -> Iterator[str]:
    """Yield what is wrong with a catalogue, in words."""
    try:
        catalogue = read_po(BytesIO(path.read_bytes()), abort_invalid=True)
    except (OSError, PoFileError, UnicodeDecodeError) as failure:
        yield f"{path}: {failure}"
        return
    language = path.parts[-3]
    for message in catalogue:
        if message.id:
            yield from (f"{path}:{message.lineno}: {problem}" for problem in _problems(message, language))


def _problems(message: Message, language: str) -> Iterator[str]:
    if message.fuzzy:
        yield "a translation that is marked as fuzzy is not used: check it and remove the mark"
    sources = [message.id] if isinstance(message.id, str) else list(message.id)
    translations = [message.string] if isinstance(message.string, str) else list(message.string or ())
    if language == SOURCE and not any(translations):
        return
    if not all(translations):
        yield f"not translated: {sources[0]!r}"
        return
    for translation in translations:
        yield from (f"{problem}: {translation!r}" for problem in _differences(sources[-1], translation))


def _differences(source: str, translation: str) -> Iterator[str]:
    """Yield what a translation does not have in common with its source."""
    if Counter(PLACEHOLDER.findall(source)) != Counter(PLACEHOLDER.findall(translation)):
        yield "other placeholders than the source"
    if len(BOLD.findall(source)) != len(BOLD.findall(translation)) or translation.count("*") % 2:
        yield "not the same parts in bold as in the source"
    if source.count("\n") != translation.count("\n") or source[-1:].isspace() != translation[-1:].isspace():
        yield "other line ends than the source"


def all_catalogues() -> list[Path]:
    """Return the catalogue of each of our languages, whether or not it is there."""
    return [LOCALE / language / "LC_MESSAGES" / "tombola.po" for language in LANGUAGES]


def main(paths: Iterable[str]) -> int:
    """Print what is wrong with the catalogues. Return 1 if something is."""
    found = [problem for path in map(Path, paths) for problem in problems(path)]
    for problem in found:
        sys.stderr.write(f"{problem}\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or map(str, all_catalogues())))
