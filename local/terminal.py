"""The terminal output of `make run`: a welcome screen, then only the lines that matter."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from local.environment import API_TOKEN, Ports

BAD_LEVELS = ("ERROR", "CRITICAL")

console = Console(highlight=False, soft_wrap=True)
error_console = Console(highlight=False, soft_wrap=True, stderr=True)


def say(line: str) -> None:
    """Print a plain line."""
    console.print(Text(line))


def error(line: str) -> None:
    """Print an error line on stderr."""
    error_console.print(Text(line, style="red"))


def welcome(ports: Ports, state: Path, *, seeded: bool) -> None:
    """Print what runs where and what to try first."""
    addresses = Table.grid(padding=(0, 3))
    for name, value in (
        ("Phone", f"{ports.phone_url}/"),
        ("Console", f"{ports.api_url}/console/"),
        ("API", f"{ports.api_url}/api/health"),
        ("AWS stand-in", ports.aws_url),
        ("API token", API_TOKEN),
        ("State", f"{_short(state)}/  (logs in {_short(state / 'logs')}/)"),
    ):
        addresses.add_row(Text(name, style="dim"), Text(value, style="bold"))
    console.print()
    console.print(Panel(addresses, title="Tombola", title_align="left", border_style="green", expand=False))
    console.print(_first_steps(ports, seeded=seeded))


def _first_steps(ports: Ports, *, seeded: bool) -> Text:
    curl = f'curl -H "Authorization: Token {API_TOKEN}"'
    lines = [
        "There are three demo raffles: BIKE (100 numbers), MOTO (10,000) and HOUSE (1,000,000)." if seeded else "",
        "Things to try:",
        f'  1. Open the phone at {ports.phone_url}/ and write "menu". Buy a number and send any picture as the proof.',
        f"  2. Act as the organiser: sign in to the console with {API_TOKEN}, and review the proof.",
        "     Or list the orders to pay, then confirm the payment by its order code.",
        f"       {curl} {ports.api_url}/api/orders/pending-payment",
        f"       {curl} -X POST {ports.api_url}/api/orders/CODE/confirm-payment",
        "  3. Look at the phone again: the order is confirmed.",
        "",
        "Ctrl-C stops everything. Your data is kept for the next run.",
    ]
    return Text("\n".join(lines if seeded else lines[1:]))


# A browser that leaves a page no longer waits for its answers. Nothing has failed.
HUNG_UP = ("BrokenPipeError", "ConnectionResetError")
# Requests are answered by threads, whose lines may come in the middle of a traceback.
OF_ANOTHER_REQUEST = re.compile(r"[\d.]+ - - \[|-{20,}|Exception occurred during processing")


class Headlines:
    """Finds the lines of a log that are worth printing."""

    def __init__(self) -> None:
        self._in_traceback = False
        self._last = ""

    def feed(self, line: str) -> str | None:
        """Return the headline that this line completes: the last line of a traceback, or a structured error.

        Return None for all other lines, and for a headline that equals the previous one.
        """
        headline = self._headline(line.rstrip())
        if not headline or headline == self._last:
            return None
        self._last = headline
        return headline

    def _headline(self, line: str) -> str | None:
        if line.startswith("Traceback (most recent call last):"):
            self._in_traceback = True
        elif self._in_traceback and line and not line[0].isspace() and not OF_ANOTHER_REQUEST.match(line):
            self._in_traceback = False
            return None if line.startswith(HUNG_UP) else line
        elif line.startswith("{"):
            return _structured(line)
        return None


# The error that people run into most often, in plain words.
CODES = {131047: "WhatsApp's 24-hour window is closed: the person must write first (code 131047)"}


def _structured(line: str) -> str | None:
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    if not isinstance(entry, dict) or entry.get("level") not in BAD_LEVELS:
        return None
    trace = str(entry.get("exception", "")).strip().splitlines()
    code = entry.get("error_code")
    detail = CODES.get(code, f"code {code}") if code is not None else ""
    return " - ".join(filter(None, (str(entry.get("message", "")), detail, trace[-1] if trace else "")))


class LogWatch:
    """Follows one child's log."""

    def __init__(self, name: str, log: Path) -> None:
        self._name = name
        self._log = log
        self._file = log.open(encoding="utf-8", errors="replace")
        self._headlines = Headlines()
        self._rest = ""

    def news(self) -> Iterator[str]:
        """Yield the new lines to print since the last call."""
        *lines, self._rest = (self._rest + self._file.read()).split("\n")
        for line in lines:
            if headline := self._headlines.feed(line):
                yield f"{self._name}: {headline}  ({_short(self._log)})"


def last_line(log: Path) -> str:
    """Return the last line of a log."""
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1].strip() if lines else "no output"


def _short(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
