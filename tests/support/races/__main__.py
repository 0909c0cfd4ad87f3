"""`make soak`: races on both engines, one after another, until many thousands of purchases were attempted."""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import cycle

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from local.engines import ENGINES
from tests.support.races.hall import Hall, Profile, Run, open_hall
from tests.support.races.profiles import RUSH, SIZES, Result, hold_race
from tests.support.races.visitors import rush, sell_out

RACES: tuple[tuple[Profile, Run], ...] = (
    (RUSH, rush),
    *((SIZES[numbers], sell_out) for numbers in (10, 100, 2_000, 10_000, 2_000, 2_000)),
)
RACES_AN_ENGINE = 2 * len(RACES)  # then a fresh one: what an engine keeps of tables that are gone slows it down


@dataclass
class Sum:
    """What came of all races on one engine."""

    races: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    repeated: int = 0
    wrong: list[str] = field(default_factory=list)
    seconds: float = 0

    def add(self, profile: Profile, result: Result) -> None:
        self.races += 1
        self.outcomes += result.outcomes
        self.refused += result.refused
        self.repeated += result.repeated
        self.wrong += result.wrong
        if result.availability.sold != profile.numbers:
            self.wrong.append(f"of {profile.numbers} numbers, {result.availability.sold} were sold")


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.support.races", description=__doc__)
    parser.add_argument(
        "--attempts", type=_count, default=100_000, help="attempted purchases in all, at least (%(default)s)"
    )
    parser.add_argument("--engine", choices=ENGINES, action="append", help="only on this engine")
    options = parser.parse_args(arguments)
    engines = options.engine or list(ENGINES)
    console = Console()
    sums = {engine: soak(console, engine, options.attempts // len(engines)) for engine in engines}
    console.print(report(sums))
    for engine, total in sums.items():
        for wrong in total.wrong:
            console.print(f"{engine}: {wrong}", markup=False)
    return 1 if any(total.wrong for total in sums.values()) else 0


def soak(console: Console, engine: str, attempts: int) -> Sum:
    """Race on the engine until there were so many attempts, or something is wrong."""
    total, begun = Sum(), time.monotonic()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=console) as progress:
        task = progress.add_task(engine, total=attempts)
        for profile, result in races(engine):
            total.add(profile, result)
            made = total.outcomes.total()
            progress.update(task, completed=min(attempts, made))
            if not console.is_terminal:  # there, bars show only at the end
                console.print(f"{engine}: {made:,} of {attempts:,} attempts, {total.races} races", highlight=False)
            if total.wrong or total.outcomes.total() >= attempts:
                break
    total.seconds = time.monotonic() - begun
    return total


def races(engine: str) -> Iterator[tuple[Profile, Result]]:
    """One race after another, for ever."""
    following = cycle(RACES)
    while True:
        with open_hall(engine) as hall:
            for _ in range(RACES_AN_ENGINE):
                yield one_of(hall, *next(following))


def one_of(hall: Hall, profile: Profile, run: Run) -> tuple[Profile, Result]:
    return profile, hold_race(hall, profile, run)


def report(sums: dict[str, Sum]) -> Table:
    table = Table("", *sums, title="Soak")
    for what, cells in {
        "races": [f"{total.races:,}" for total in sums.values()],
        "attempted purchases": [f"{total.outcomes.total():,}" for total in sums.values()],
        "what came of them": [listed(total.outcomes) for total in sums.values()],
        "refused besides": [listed(total.refused) for total in sums.values()],
        "messages delivered again": [f"{total.repeated:,}" for total in sums.values()],
        "violations": [f"{len(total.wrong):,}" for total in sums.values()],
        "minutes": [f"{total.seconds / 60:.1f}" for total in sums.values()],
        "attempts a second": [f"{total.outcomes.total() / total.seconds:.1f}" for total in sums.values()],
    }.items():
        table.add_row(what, *cells)
    return table


def listed(counts: Counter[str]) -> str:
    return "\n".join(f"{count:,} {code}" for code, count in counts.most_common()) or "0"


def _count(text: str) -> int:
    count = int(text)
    if count < 1:
        raise argparse.ArgumentTypeError("at least 1 is needed")
    return count


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
