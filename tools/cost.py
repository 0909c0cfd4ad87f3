"""Computes what a month costs on AWS, from counted operations and list prices: `make cost`.

    python -m tools.cost [--write]

Counted: the operations of a sale and of an idle minute. Tests compare these numbers with their own measurements.
Assumed: how long functions run on Lambda, how large items are, and in how many hours of a month numbers are sold.
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
    for name, row in json.loads((ROOT / "tools" / "prices.json").read_text("utf-8")).items()
    if isinstance(row, list)
}
BEGIN = "<!-- made by `make cost` -->"
END = "<!-- until here -->"
MINUTES = 30 * 24 * 60
HOURS = 30 * 24

# Counted by `make bench` (groups writing and reading) and by tests/services/test_budgets.py.
SALE_WEBHOOKS = 26
SALE_WRITE_UNITS = 160
SALE_READ_UNITS = 20.5
SALE_MESSAGES = 5  # incoming messages; the other webhooks are statuses
# Of both schedules together, per minute: eight queries of an index with half a unit each, and one read by key.
IDLE_QUERIES = 9
IDLE_READ_UNITS = 5

# Assumed, rather too high than too low. Billed seconds of a function:
SCHEDULE_SECONDS = 0.1
WEBHOOK_SECONDS = 0.05
MESSAGE_SECONDS = 0.5
STATUS_SECONDS = 0.1
ORGANISER_CALLS = 3  # API requests per order: a list, the proof, the confirmation
LOG_BYTES = 2_500  # per call: three lines by Lambda, and ours with the metrics
SALE_GB = 25e-6  # in the table and its indexes, per sale
PROOF_GB = 300e-6  # the picture
POLLERS = 5  # Lambda's pollers per queue
POLLS = 3  # per poller and minute, while the queue is empty
QUEUES = 4
SOLD_METRICS = 16  # metrics that a sale writes
# The permanent free tier of each account, per month.
FREE = {
    "alarms": 10, "metric_months": 10, "queue_requests": 1e6, "calls": 1e6, "gb_seconds": 4e5, "log_gb": 5,
    "table_gb": 25,
}  # fmt: skip
SELLING_HOURS = {0: 0, 1_000: 60, 100_000: HOURS}


class Row(NamedTuple):
    """A cost item: how much of it is used in each of the months, in the unit of its price."""

    part: str
    price: str
    used: tuple[float, ...]

    def dollars(self, free: float = 0) -> tuple[float, ...]:
        price, per, _ = PRICES[self.price]
        return tuple(max(used - free, 0) * price / per for used in self.used)


def months() -> tuple[int, ...]:
    """Return the number of orders in each of the example months."""
    return tuple(SELLING_HOURS)


def rows() -> Iterator[Row]:
    """Yield all cost items."""

    def row(part: str, price: str, idle: float = 0.0, sale: float = 0.0) -> Row:
        return Row(part, price, tuple(idle + orders * sale for orders in months()))

    api_calls = SALE_WEBHOOKS + ORGANISER_CALLS
    calls = api_calls + SALE_WEBHOOKS
    statuses = SALE_WEBHOOKS - SALE_MESSAGES
    seconds = api_calls * WEBHOOK_SECONDS + SALE_MESSAGES * MESSAGE_SECONDS + statuses * STATUS_SECONDS
    yield row("alarms", "alarms", alarms())
    yield row("queues", "queue_requests", QUEUES * POLLERS * POLLS * MINUTES, 3 * SALE_WEBHOOKS)
    yield Row("metrics", "metric_months", tuple(SOLD_METRICS * SELLING_HOURS[orders] / HOURS for orders in months()))
    yield row("functions: time", "gb_seconds", 2 * MINUTES * SCHEDULE_SECONDS * 0.5, seconds)  # 512 MB and 1,024 MB
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
    """Return how many metrics the template's alarms watch. AWS bills each of them."""
    resources = json.loads(TEMPLATE.read_text("utf-8"))["Resources"].values()
    watched = [item["Properties"] for item in resources if item.get("Type") == "AWS::CloudWatch::Alarm"]
    metrics = [metric for alarm in watched for metric in alarm.get("Metrics", [{"MetricStat": {}}])]
    return sum("MetricStat" in metric for metric in metrics)


def sheet() -> list[str]:
    """Return the lines of the table in docs/performance.md."""
    names = ["idle" if not orders else f"{orders:,} orders" for orders in months()]
    items = sorted(rows(), key=lambda row: -row.dollars()[1])
    lines = [f"| a month, in US dollars | {' | '.join(names)} |", f"| --- |{' ---: |' * len(names)}"]
    lines += [_line(row.part, row.dollars()) for row in items]
    totals = _sums(row.dollars() for row in items)
    lines.append(_line("**together**", totals))
    less = _sums(row.dollars(FREE.get(row.price, 0)) for row in items)
    lines.append(_line("less what every account has free", less))
    pairs = zip(totals, months(), strict=True)
    cents = [f"{100 * total / orders:.2f} cents" if orders else "" for total, orders in pairs]
    lines.append(f"| for each order | {' | '.join(cents)} |")
    return lines


def _sums(columns: Iterable[tuple[float, ...]]) -> list[float]:
    return [sum(column) for column in zip(*columns, strict=True)]


def _line(name: str, dollars: Iterable[float]) -> str:
    return f"| {name} | {' | '.join(f'{amount:.2f}' for amount in dollars)} |"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.cost", description=__doc__.partition("\n")[0])
    parser.add_argument("--write", action="store_true", help="also update docs/performance.md")
    lines = sheet()
    if parser.parse_args().write:
        page = PAGE.read_text("utf-8")
        section = "\n".join([BEGIN, "", *lines, "", END])
        old = re.compile(f"{re.escape(BEGIN)}.*{re.escape(END)}", re.DOTALL)
        PAGE.write_text(old.sub(lambda _: section, page), "utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
