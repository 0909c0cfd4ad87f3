"""The terminal output of the commands: one line per step, and a table of changes."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.table import Table
from rich.text import Text

console = Console(highlight=False, soft_wrap=True)
error_console = Console(highlight=False, soft_wrap=True, stderr=True)


@contextmanager
def step(name: str) -> Iterator[None]:
    """Show a spinner during a step, and a tick once it has succeeded."""
    with console.status(Text(f"{name} ...")):
        yield
    done(name)


def done(line: str) -> None:
    console.print(Text.assemble(("✓ ", "green"), line))


def say(line: str = "") -> None:
    console.print(Text(line))


def error(line: str) -> None:
    error_console.print(Text(line, style="red"))


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    grid = Table(*columns, title=title, title_justify="left", box=None, pad_edge=False)
    for row in rows:
        grid.add_row(*(Text(cell) for cell in row))
    console.print(grid)


def summary(title: str, rows: Sequence[tuple[str, str]]) -> None:
    """Print values that people copy, so they are never wrapped or cut."""
    console.print()
    console.print(Text(title, style="bold green"))
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        console.print(Text.assemble((f"  {name:<{width}}  ", "dim"), value))
    console.print()


def confirmed(question: str) -> bool:
    """Return whether the user answers yes. Without a terminal the answer is no."""
    if not sys.stdin.isatty():
        return False
    return console.input(Text(f"{question} [y/N] ")).strip().lower() in ("y", "yes")
