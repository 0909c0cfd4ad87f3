"""What tests start beside this process, which of them come first, and what stays together on one worker.

How long a file takes is in ci-output/durations.txt after `make test`.
"""

from typing import Any

import pytest

# Folders and files that `make test-fast` leaves out: their tests start something, or try everything there is.
NEEDS = {
    "tests/attacks/test_hostile_pictures.py": ("exhaustive",),
    "tests/attacks/test_scripts_that_hold.py": ("exhaustive",),
    "tests/attacks/test_slow_statements.py": ("exhaustive",),
    "tests/bench/test_bench.py": ("engine",),
    "tests/browser": ("browser", "engine", "server"),
    "tests/console": ("server",),
    "tests/crashes": ("exhaustive",),
    "tests/deployed": ("engine", "server"),
    "tests/e2e": ("engine", "server"),
    "tests/faults/test_engines.py": ("engine",),
    "tests/faults/test_matrix.py": ("exhaustive",),
    "tests/fuzz": ("exhaustive",),
    "tests/interleavings": ("exhaustive",),
    "tests/outages/test_answers.py": ("exhaustive",),
    "tests/outages/test_soak.py": ("engine",),
    "tests/races": ("engine",),
    "tests/services/exports/test_faults.py": ("exhaustive",),
    "tests/statements/test_fuzz.py": ("exhaustive",),
    "tests/test_quick_client.py": ("engine",),
    "tests/tools/test_mutants.py": ("server",),
}
# The longest first, so that no worker is left with a long one at the end. All others follow as they are collected.
LONGEST = (
    "tests/races/test_sell_out_dynamodb_local.py",
    "tests/races/test_sell_out_ministack.py",
    "tests/outages/test_soak.py",
    "tests/deployed",
    "tests/bench/test_bench.py",
    "tests/e2e",
    "tests/browser",
    "tests/interleavings/test_state_machine.py",
    "tests/crashes",
    "tests/interleavings/test_interleavings.py",
    "tests/faults/test_engines.py",
    "tests/statements/test_fuzz.py",
    "tests/services/test_budgets.py",
    "tests/services/test_bulk.py",
)
# A worker gets a file at a time, since tests of a file share fixtures. The tests of these take so long, and share so
# little, that each goes to whoever is free.
ONE_BY_ONE = {
    "tests/crashes/test_crashes.py",
    "tests/e2e/test_package.py",
    "tests/e2e/test_restart.py",
    "tests/interleavings/test_interleavings.py",
    "tests/interleavings/test_state_machine.py",
    "tests/services/test_budgets.py",
    "tests/services/test_bulk.py",
    "tests/statements/test_fuzz.py",
}
# These share one `make run`, which takes longer to start than most of their tests.
TOGETHER = {"tests/e2e/test_client.py": "tests/e2e", "tests/e2e/test_sale.py": "tests/e2e"}


def mark_and_sort(items: list[pytest.Item]) -> None:
    for item in items:
        for part, markers in NEEDS.items():
            if _is_in(item.nodeid, part):
                for marker in markers:
                    item.add_marker(marker)
    items.sort(key=lambda item: next((n for n, part in enumerate(LONGEST) if _is_in(item.nodeid, part)), len(LONGEST)))


def stays_together(nodeid: str) -> str:
    """Return the group of a test. All tests of a group go to the same worker."""
    file = nodeid.partition("::")[0]
    return nodeid if file in ONE_BY_ONE else TOGETHER.get(file, file)


def scheduler(config: pytest.Config, log: Any) -> Any:
    """Return pytest-xdist's scheduler for `--dist loadfile`, changed as ONE_BY_ONE and TOGETHER say."""
    from xdist.scheduler import (  # type: ignore[import-untyped]  # noqa: PLC0415 - loaded where there are workers
        LoadFileScheduling,
    )

    class Spreading(LoadFileScheduling):  # type: ignore[misc,unused-ignore] # untyped
        def _split_scope(self, nodeid: str) -> str:
            return stays_together(nodeid)

    return Spreading(config, log)


def _is_in(nodeid: str, part: str) -> bool:
    return nodeid.startswith((f"{part}/", f"{part}::"))
