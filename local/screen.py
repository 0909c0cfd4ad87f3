"""What the person at the terminal sees: one screen, and later only the lines that matter."""

import json
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from local.environment import API_TOKEN, Ports

BAD_LEVELS = ("ERROR", "CRITICAL")

console = Console(highlight=False, soft_wrap=True)
errors = Console(highlight=False, soft_wrap=True, stderr=True)


def say(line: str) -> None:
    """One plain line."""
    console.print(Text(line))


def complain(line: str) -> None:
    """One line on what is wrong."""
    errors.print(Text(line, style="red"))


def welcome(ports: Ports, state: Path, *, seeded: bool) -> None:
    """What runs where and what to try first."""
    where = Table.grid(padding=(0, 3))
    for name, value in (
        ("Phone", f"{ports.phone_url}/"),
        ("API", f"{ports.api_url}/api/health"),
        ("AWS stand-in", ports.aws_url),
        ("API token", API_TOKEN),
        ("State", f"{_short(state)}/  (logs in {_short(state / 'logs')}/)"),
    ):
        where.add_row(Text(name, style="dim"), Text(value, style="bold"))
    console.print()
    console.print(Panel(where, title="Tombola", title_align="left", border_style="green", expand=False))
    console.print(_first_steps(ports, seeded=seeded))


def _first_steps(ports: Ports, *, seeded: bool) -> Text:
    curl = f'curl -H "Authorization: Token {API_TOKEN}"'
    lines = [
        "Three demo raffles were made: BIKE (100 numbers), MOTO (10,000) and HOUSE (1,000,000)." if seeded else "",
        "Try first:",
        f'  1. Open the phone, {ports.phone_url}/, and write "menu". Buy a number and send any picture as the proof.',
        "  2. Be the organiser: find the order, and confirm its payment with its code.",
        f"       {curl} {ports.api_url}/api/orders/pending-payment",
        f"       {curl} -X POST {ports.api_url}/api/orders/CODE/confirm-payment",
        "  3. Look at the phone again.",
        "",
        "Ctrl-C stops everything; what you did is kept for the next time.",
    ]
    return Text("\n".join(lines if seeded else lines[1:]))


class Headlines:
    """Finds in a log, line by line, what is worth a line on the screen."""

    def __init__(self) -> None:
        self._in_traceback = False
        self._last = ""

    def feed(self, line: str) -> str | None:
        """The headline that this line completes: a traceback's last line, a structured error. Never twice running."""
        headline = self._headline(line.rstrip())
        if not headline or headline == self._last:
            return None
        self._last = headline
        return headline

    def _headline(self, line: str) -> str | None:
        if line.startswith("Traceback (most recent call last):"):
            self._in_traceback = True
        elif self._in_traceback and line and not line[0].isspace():
            self._in_traceback = False
            return line
        elif line.startswith("{"):
            return _structured(line)
        return None


# What WhatsApp's stand-in refuses most often, in words.
CODES = {131047: "WhatsApp's 24 hours are over: the person must write first (code 131047)"}


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
        self._name, self._log = name, log
        self._file = log.open(encoding="utf-8", errors="replace")
        self._headlines = Headlines()
        self._rest = ""

    def news(self) -> Iterator[str]:
        """Lines for the screen since the last call."""
        *lines, self._rest = (self._rest + self._file.read()).split("\n")
        for line in lines:
            if headline := self._headlines.feed(line):
                yield f"{self._name}: {headline}  ({_short(self._log)})"


def last_line(log: Path) -> str:
    """The last thing in a log."""
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1].strip() if lines else "it said nothing"


def _short(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
