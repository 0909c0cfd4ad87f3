"""What the person who deploys sees: one line a step, tables for what changes, and nothing that is not worth reading."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.table import Table
from rich.text import Text

console = Console(highlight=False, soft_wrap=True)
errors = Console(highlight=False, soft_wrap=True, stderr=True)


@contextmanager
def step(what: str) -> Iterator[None]:
    """A step, which is said to be done when it is."""
    with console.status(Text(f"{what} ...")):
        yield
    done(what)


def done(what: str) -> None:
    console.print(Text.assemble(("✓ ", "green"), what))


def say(line: str = "") -> None:
    console.print(Text(line))


def complain(line: str) -> None:
    errors.print(Text(line, style="red"))


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    shown = Table(*columns, title=title, title_justify="left", box=None, pad_edge=False)
    for row in rows:
        shown.add_row(*(Text(cell) for cell in row))
    console.print(shown)


def summary(title: str, rows: Sequence[tuple[str, str]]) -> None:
    """Lines that are copied, and so are never cut."""
    console.print()
    console.print(Text(title, style="bold green"))
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        console.print(Text.assemble((f"  {name:<{width}}  ", "dim"), value))
    console.print()


def agreed(question: str) -> bool:
    """Whether the person at the terminal says yes. Nobody there says nothing, which is no."""
    if not sys.stdin.isatty():
        return False
    return console.input(Text(f"{question} [y/N] ")).strip().lower() in ("y", "yes")
