"""`make bench` works, and what it counts meets its goals. Times are for a machine that does nothing else."""

import json
import subprocess
import sys

from bench import cost
from tests.support.running import ROOT

GROUPS = ("requests", "units", "writing", "reading", "overhead", "webhook", "deadline", "package")
SECONDS = 1800  # only against hanging


def test_counts_meet_their_goals_whatever_the_machine_does_beside() -> None:
    command = [sys.executable, "-m", "bench", "--json", "--quick", "--only", *GROUPS]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS, check=False)
    figures = json.loads(done.stdout or "{}").get("figures")
    assert figures, done.stderr
    counted = [one for one in figures if one["unit"] in ("requests", "write units", "read units", "calls", "MB")]
    assert len(counted) >= 12
    assert [one for one in counted if one["met"] is False] == []
    sale = {one["name"].removeprefix("a whole sale: "): one["value"] for one in figures}
    assert sale["webhooks, with three statuses for each message"] == cost.SALE_WEBHOOKS
    assert (sale["write units"], sale["read units"]) == (cost.SALE_WRITE_UNITS, cost.SALE_READ_UNITS)
    assert any("our time" in one["name"] for one in figures)
