"""What a month costs on AWS, from what was counted and list prices: `make cost`.

    python -m bench.cost [--write]

Counted: what a sale and an idle minute ask of AWS, which the tests compare with what they measure. Assumed: how long a
function takes on Lambda, how large things are, in how many hours of a month something is sold. Both are printed.
"""

import argparse
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "performance.md"
TEMPLATE = ROOT / "infra" / "resources.json"
PRICES: Mapping[str, tuple[float, int, str]] = {
    name: (row[0], row[1], row[2])
    for name, row in json.loads((ROOT / "bench" / "prices.json").read_text("utf-8")).items()
    if isinstance(row, list)
}
BEGIN, END = "<!-- made by `make cost` -->", "<!-- until here -->"
MINUTES = 30 * 24 * 60
HOURS = 30 * 24

# Counted: by `make bench` (the groups writing and reading), and by tests/services/test_budgets.py.
SALE_WEBHOOKS, SALE_WRITE_UNITS, SALE_READ_UNITS = 26, 152, 20.5
SALE_MESSAGES = 5  # to us; the other webhooks are statuses
IDLE_QUERIES, IDLE_READ_UNITS = 7, 4  # of both schedules, a minute: six queries of an index for a half each, and a key

# Assumed, on the side of too much.
SCHEDULE_SECONDS, WEBHOOK_SECONDS, MESSAGE_SECONDS, STATUS_SECONDS = 0.1, 0.05, 0.5, 0.1  # billed
ORGANISER_CALLS = 3  # of the API, for each order: a list, the proof, the confirmation
LOG_BYTES = 2_500  # a call: Lambda's own three lines, and ours with the metrics
SALE_GB, PROOF_GB = 25e-6, 300e-6  # what a sale leaves in the table, with its indexes; its picture
POLLERS, POLLS = 5, 3  # Lambda asks a queue with so many at once, each so often a minute when it is empty
QUEUES = 2
SOLD_METRICS = 16  # that a sale writes to
# What AWS gives every account each month, for good.
FREE = {
    "alarms": 10, "metric_months": 10, "queue_requests": 1e6, "calls": 1e6, "gb_seconds": 4e5, "log_gb": 5,
    "table_gb": 25,
}  # fmt: skip
SELLING_HOURS = {0: 0, 1_000: 60, 100_000: HOURS}


class Row(NamedTuple):
    """A part: how much of it, in the unit of its price, in each month."""

    part: str
    price: str
    used: tuple[float, ...]

    def dollars(self, free: float = 0) -> tuple[float, ...]:
        price, per, _ = PRICES[self.price]
        return tuple(max(used - free, 0) * price / per for used in self.used)


def months() -> tuple[int, ...]:
    """Orders in each month that is looked at."""
    return tuple(SELLING_HOURS)


def rows() -> Iterator[Row]:
    def row(part: str, price: str, idle: float = 0.0, sale: float = 0.0) -> Row:
        return Row(part, price, tuple(idle + orders * sale for orders in months()))

    api_calls = SALE_WEBHOOKS + ORGANISER_CALLS
    calls = api_calls + SALE_WEBHOOKS
    statuses = SALE_WEBHOOKS - SALE_MESSAGES
    seconds = api_calls * WEBHOOK_SECONDS + SALE_MESSAGES * MESSAGE_SECONDS + statuses * STATUS_SECONDS
    yield row("alarms", "alarms", alarms())
    yield row("queues", "queue_requests", QUEUES * POLLERS * POLLS * MINUTES, 3 * SALE_WEBHOOKS)
    yield Row("metrics", "metric_months", tuple(SOLD_METRICS * SELLING_HOURS[orders] / HOURS for orders in months()))
    yield row("functions: time", "gb_seconds", 2 * MINUTES * SCHEDULE_SECONDS * 0.5, seconds)  # of 512 MB, and 1,024 MB
    yield row("functions: calls", "calls", 2 * MINUTES, calls)
    yield row("API Gateway", "api_requests", 0, api_calls)
    yield row("table: written", "write_units", 0, SALE_WRITE_UNITS)
    yield row("table: read", "read_units", MINUTES * IDLE_READ_UNITS, SALE_READ_UNITS)
    yield row("table: stored", "table_gb", 0, SALE_GB)
    yield row("table: backups", "backup_gb", 0, SALE_GB)
    yield row("proofs: put", "puts", 0, 1)
    yield row("proofs: stored", "file_gb", 0, PROOF_GB)
    yield row("logs", "log_gb", 2 * MINUTES * LOG_BYTES / 1e9, calls * LOG_BYTES / 1e9)


def alarms() -> int:
    """How many metrics the alarms of the template look at: what is paid for."""
    found = json.loads(TEMPLATE.read_text("utf-8"))["Resources"].values()
    looked_at = [one["Properties"] for one in found if one.get("Type") == "AWS::CloudWatch::Alarm"]
    return sum(sum("MetricStat" in metric for metric in one.get("Metrics", [{"MetricStat": {}}])) for one in looked_at)


def sheet() -> list[str]:
    """The page's section, a line each."""
    names = ["idle" if not orders else f"{orders:,} orders" for orders in months()]
    made = sorted(rows(), key=lambda row: -row.dollars()[1])
    lines = [f"| a month, in US dollars | {' | '.join(names)} |", f"| --- |{' ---: |' * len(names)}"]
    lines += [_line(row.part, row.dollars()) for row in made]
    totals = _together(row.dollars() for row in made)
    lines.append(_line("**together**", totals))
    less = _together(row.dollars(FREE.get(row.price, 0)) for row in made)
    lines.append(_line("less what every account has free", less))
    each = zip(totals, months(), strict=True)
    cents = [f"{100 * total / orders:.2f} cents" if orders else "" for total, orders in each]
    lines.append(f"| for each order | {' | '.join(cents)} |")
    return lines


def _together(columns: Iterable[tuple[float, ...]]) -> list[float]:
    return [sum(column) for column in zip(*columns, strict=True)]


def _line(name: str, dollars: Iterable[float]) -> str:
    return f"| {name} | {' | '.join(f'{one:.2f}' for one in dollars)} |"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.cost", description=__doc__.partition("\n")[0])
    parser.add_argument("--write", action="store_true", help="write it into docs/performance.md, too")
    lines = sheet()
    if parser.parse_args().write:
        page = PAGE.read_text("utf-8")
        section = "\n".join([BEGIN, "", *lines, "", END])
        old = re.compile(f"{re.escape(BEGIN)}.*{re.escape(END)}", re.DOTALL)
        PAGE.write_text(old.sub(lambda _: section, page), "utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
