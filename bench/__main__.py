"""`python -m bench`: every figure that the design's budgets name, measured on an engine, beside its goal."""

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from bench import counts, crowd, expiry, exports, lists, package, times, webhook
from bench.figure import Figure
from bench.stage import Stage, staged
from local.engines import ENGINES, EngineMissing

WIDTH = 150  # columns, also where the output is no terminal


class Measurement(NamedTuple):
    measure: Callable[[Stage], Iterator[Figure]]
    engine: str | None = None  # None: the one that was asked for


# ministack counts what is written as DynamoDB does, indexes included; DynamoDB Local counts what is read.
MEASUREMENTS = {
    "requests": Measurement(counts.requests),
    "units": Measurement(counts.units, "ministack"),
    "writing": Measurement(counts.writing, "ministack"),
    "reading": Measurement(counts.reading, "dynamodb-local"),
    "overhead": Measurement(times.overhead),
    "processor": Measurement(times.processor),
    "random": Measurement(times.random),
    "making": Measurement(times.making),
    "tickets": Measurement(times.tickets),
    "lists": Measurement(lists.lists),
    "crowd": Measurement(crowd.sell_out),
    "expiry": Measurement(expiry.expiry),
    "deadline": Measurement(expiry.deadline),
    "exports": Measurement(exports.exports),
    "webhook": Measurement(webhook.webhook),
    "package": Measurement(package.package),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status: 0 every goal is met, 1 one is not, 2 called wrongly or without what it needs."""
    given = _parser().parse_args(arguments)
    console = Console(stderr=True)
    figures: list[Figure] = []
    for name in given.only or MEASUREMENTS:
        measurement = MEASUREMENTS[name]
        engine = measurement.engine or given.engine
        try:
            with (
                console.status(f"{name} on {engine} ...") as status,
                staged(engine, status.update, quick=given.quick) as stage,
            ):
                figures += measurement.measure(stage)
        except EngineMissing as missing:
            print(f"bench: {missing}", file=sys.stderr)
            return 2
        console.print(f"{name}: done on {engine}", highlight=False)
    if given.json:
        print(json.dumps({"figures": [_public(figure) for figure in figures]}, indent=2))
    else:
        out = Console()
        out.width = max(out.width, WIDTH)
        out.print(_table(figures))
    return 0 if all(figure.met for figure in figures) else 1


def _public(figure: Figure) -> dict[str, object]:
    return {
        "name": figure.name, "value": figure.value, "unit": figure.unit, "goal": figure.goal or None,
        "met": figure.met, "note": figure.note,
    }  # fmt: skip


def _table(figures: Sequence[Figure]) -> Table:
    table = Table("figure", "measured", "unit", "goal", "met", "median with quartiles, and notes", box=None)
    for figure in figures:
        met = "" if not figure.goal else "yes" if figure.met else "[bold red]NO[/]"
        table.add_row(figure.name, f"{figure.value:,g}", figure.unit, figure.goal, met, figure.note)
    return table


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--engine", choices=sorted(ENGINES), default="dynamodb-local", help="default: %(default)s")
    parser.add_argument("--quick", action="store_true", help="repeat few times what is timed; counts are the same")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument(
        "--only", nargs="+", choices=sorted(MEASUREMENTS), metavar="GROUP", help=", ".join(MEASUREMENTS)
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
