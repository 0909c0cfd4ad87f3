"""Looks at every line that the product logs during the tests: none may hold anything of a person, nor a secret."""

import json
import logging
import re
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from aws_lambda_powertools.metrics.provider.cloudwatch_emf import cloudwatch

from chalicelib.telemetry import logger
from local.environment import API_TOKEN, Ports, local_settings
from local.stack import Stack
from whatsapp_sandbox import webhooks

PAYLOADS = Path(__file__).parents[1] / "data" / "payloads"
# What the product carries writes to the same log. Stand-ins, which may say what they like, are not among these.
CARRIED = ("chalice", "boto3", "botocore", "pynamodb", "requests", "urllib3", "aws_lambda_powertools")
PERSONS = {"Lucía", "Lucia", "Pérez", "Marco", "Olga", "Ana", "Nadie"}
NAMING = {"name", "username", "first_name", "last_name", "formatted_name", "requested_verified_name"}
NUMBERING = {"wa_id", "from", "recipient_id", "display_phone_number", "phone", "new_wa_id"}
WRITTEN = {"body", "caption", "text", "title", "address", "detail"}
SHORTEST_TEXT = 9  # characters: shorter ones, such as "menu" and "confirm", are words of our own, too
# Whole words, so that a hash with the same digits in it is no phone number.
PATTERNS = {
    "a message id": re.compile(r"wamid\."),
    "a phone number": re.compile(r"(?<![0-9A-Za-z.:-])\+?502\d{7,8}(?![0-9A-Za-z])"),
    "a user id": re.compile(r"\b[A-Z]{2}\.(?:ENT\.)?\d[0-9A-Za-z]{3,}"),
    "a header with a token": re.compile(r"\b(?:Bearer|Token) \S"),
}


class Watch(logging.Handler):
    """Keeps what is personal in the lines of these loggers, and where it was written; never stops who writes it."""

    def __init__(self, *names: str) -> None:
        super().__init__()
        self.leaks: list[str] = []
        self._names = names

    def emit(self, record: logging.LogRecord) -> None:
        if not record.name.startswith(self._names):
            return
        written_by = logging.getLogger(logger.name).handlers[0] if record.name == logger.name else self
        self.look(written_by.format(record), f"{Path(record.pathname).name}:{record.lineno}")

    def look(self, line: str, where: str) -> None:
        self.leaks += [f"{what} in a line that {where} logged: {line}" for what in personal(line)]

    def emptied(self) -> list[str]:
        leaks, self.leaks = self.leaks, []
        return leaks


@contextmanager
def watching() -> Iterator[Watch]:
    """Watch the logs of this process: the product's, what its libraries add to them, and the metrics."""
    watch, elsewhere = Watch(logger.name), Watch(*CARRIED)
    elsewhere.leaks = watch.leaks
    real_message = webhooks.message

    def message(person: webhooks.Person, kind: str, content: Any, **named: Any) -> Any:
        for _, text in _leaves(content):
            if len(text) >= SHORTEST_TEXT:
                _said[text[:SHORTEST_TEXT]].add(text[:60])
        return real_message(person, kind, content, **named)

    def write(line: str) -> None:
        watch.look(line, "metrics")
        print(line)  # noqa: T201 - as Powertools does

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(webhooks, "message", message)
        patch.setattr(cloudwatch, "print", write, raising=False)
        for handler, name in ((watch, logger.name), (elsewhere, None)):
            logging.getLogger(name).addHandler(handler)
        yield watch
        for handler, name in ((watch, logger.name), (elsewhere, None)):
            logging.getLogger(name).removeHandler(handler)


def leaks_in(path: Path) -> list[str]:
    """Those in a file that a part of the product has written its log to."""
    watch = Watch()
    for number, line in enumerate(path.read_text("utf-8", "replace").splitlines(), 1):
        watch.look(line, f"{path.name}:{number}")
    return watch.leaks


def personal(line: str) -> list[str]:
    """What in a line must not be there."""
    text = _unescaped(line)
    found = [what for what, pattern in PATTERNS.items() if pattern.search(text)]
    found += [f"the {what} {word!r}" for what, words in _known().items() for word in words if _is_in(word, text)]
    return found + [f"the text {said!r}" for said in _said_in(text)]


# What people have written in this run, by its beginning: there are thousands of texts, and many more lines.
_said: dict[str, set[str]] = defaultdict(set)


def _said_in(text: str) -> Iterator[str]:
    for at in range(len(text) - SHORTEST_TEXT + 1):
        if (beginning := text[at : at + SHORTEST_TEXT]) in _said:
            yield from (said for said in _said[beginning] if text.startswith(said, at))


def _is_in(word: str, text: str) -> bool:
    """Return whether it occurs as a whole word."""
    return word in text and re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text) is not None


@cache
def _known() -> dict[str, list[str]]:
    """Names and numbers of the tests' and the payloads' people, the texts of the latter, and our secrets."""
    found: dict[str, set[str]] = {"name": set(PERSONS), "number": set(), "text": set()}
    for key, value in _of_the_payloads():
        if key in NUMBERING and value.isdigit() and len(value) > 7:
            found["number"].add(value)
        elif key in NAMING and value.isprintable() and len(value) > 3:
            found["name"].add(value)
        elif key in WRITTEN and len(value) >= SHORTEST_TEXT and not re.fullmatch("[A-Z_]+", value):  # a word of Meta's
            found["text"].add(value[:60])
    settings = local_settings(Ports(), Stack(table="t", bucket="b", queue_url="q", exports_url="e"))
    found["secret"] = {API_TOKEN, *(value for name, value in settings.items() if re.search("TOKEN|APP_SECRET", name))}
    return {what: sorted(words) for what, words in found.items()}


def _of_the_payloads() -> Iterator[tuple[str, str]]:
    for path in PAYLOADS.glob("*.json"):
        try:
            yield from _leaves(json.loads(path.read_bytes().decode("utf-8-sig")))
        except (ValueError, RecursionError):  # some are meant to be none
            continue


def _leaves(part: Any, key: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(part, dict):
        for name, inner in part.items():
            yield from _leaves(inner, name)
    elif isinstance(part, list):
        for inner in part:
            yield from _leaves(inner, key)
    elif isinstance(part, str):
        yield key, part


def _unescaped(line: str) -> str:
    """With "í" for "\\u00ed"."""
    return re.sub(r"\\u([0-9a-fA-F]{4})", lambda found: chr(int(found[1], 16)), line)
