"""Measure the figures of docs/performance.md on a DynamoDB engine, and print each beside its goal."""

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stdout
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from bench import console as console_reads
from bench import expiry, exports, lists, package, pages, pictures, request_counts, sell_out, timings, webhook
from bench.figures import Figure
from bench.testbed import Testbed, open_testbed
from local.engines import ENGINES, EngineMissing

MIN_WIDTH = 150  # columns, even if the output is not a terminal


class Measurement(NamedTuple):
    measure: Callable[[Testbed], Iterator[Figure]]
    engine: str | None = None  # None: the one from the command line


# ministack counts write units as DynamoDB does, indexes included. DynamoDB Local counts read units as it does.
MEASUREMENTS = {
    "requests": Measurement(request_counts.requests),
    "units": Measurement(request_counts.units, "ministack"),
    "writing": Measurement(request_counts.writing, "ministack"),
    "reading": Measurement(request_counts.reading, "dynamodb-local"),
    "overhead": Measurement(timings.overhead),
    "processor": Measurement(timings.processor),
    "random": Measurement(timings.random),
    "making": Measurement(timings.making),
    "tickets": Measurement(timings.tickets),
    "lists": Measurement(lists.lists),
    "console": Measurement(console_reads.console, "dynamodb-local"),
    "crowd": Measurement(sell_out.sell_out),
    "expiry": Measurement(expiry.expiry),
    "deadline": Measurement(expiry.deadline),
    "exports": Measurement(exports.exports),
    "webhook": Measurement(webhook.webhook),
    "pages": Measurement(pages.pages),
    "pictures": Measurement(pictures.pictures),
    "package": Measurement(package.package),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Return the exit status: 0 all goals are met, 1 a goal is missed, 2 wrong arguments or a missing engine."""
    options = _parser().parse_args(arguments)
    console = Console(stderr=True)
    figures: list[Figure] = []
    for name in options.only or MEASUREMENTS:
        measurement = MEASUREMENTS[name]
        engine = measurement.engine or options.engine
        try:
            with (
                redirect_stdout(sys.stderr),  # the product's metrics go there, and not between the figures
                console.status(f"{name} on {engine} ...") as status,
                open_testbed(engine, status.update, quick=options.quick) as testbed,
            ):
                figures += measurement.measure(testbed)
        except EngineMissing as error:
            print(f"bench: {error}", file=sys.stderr)
            return 2
        console.print(f"{name}: done on {engine}", highlight=False)
    if options.json:
        print(json.dumps({"figures": [_public(figure) for figure in figures]}, indent=2))
    else:
        out = Console()
        out.width = max(out.width, MIN_WIDTH)
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
        "--only",
        nargs="+",
        choices=sorted(MEASUREMENTS),
        metavar="GROUP",
        help=f"measure only these groups: {', '.join(MEASUREMENTS)}",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
