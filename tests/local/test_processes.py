"""No child outlives the runner, however the runner ends."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from local.processes import Children

SLEEPER = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(600)"]
RUNNER = """
import os, sys, time
from pathlib import Path
from local.processes import Children
with open(os.devnull) as lock:
    print(Children(Path(sys.argv[1]), lock.fileno()).start("sleeper", sys.argv[2:], os.environ).process.pid, flush=True)
    time.sleep(600)
"""


def is_gone(pid: int) -> bool:
    """Ended, or waiting for somebody to take note of it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def within(seconds: float, pid: int) -> bool:
    deadline = time.monotonic() + seconds
    while not is_gone(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    return is_gone(pid)


def test_all_children_are_stopped_and_their_output_is_in_their_logs(tmp_path: Path) -> None:
    with (tmp_path / "lock").open("w") as lock:
        children = Children(tmp_path / "logs", lock.fileno())
        started = [children.start(name, SLEEPER, os.environ) for name in ("one", "two")]
        assert children.ended() is None
        deadline = time.monotonic() + 120
        while not all(child.log.read_text() for child in started) and time.monotonic() < deadline:
            time.sleep(0.05)
        children.stop()

    assert [child.process.returncode for child in started] == [-signal.SIGTERM] * 2
    assert [child.log.read_text() for child in started] == ["up\n"] * 2


def test_a_child_that_ends_by_itself_is_noticed(tmp_path: Path) -> None:
    with (tmp_path / "lock").open("w") as lock:
        children = Children(tmp_path / "logs", lock.fileno())
        children.start("sleeper", SLEEPER, os.environ)
        brief = children.start("brief", [sys.executable, "-c", ""], os.environ)
        brief.process.wait()
        ended = children.ended()
        children.stop()

    assert ended is brief


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at processes in /proc")
def test_a_runner_that_is_killed_leaves_no_child_behind(tmp_path: Path) -> None:
    command = [sys.executable, "-c", RUNNER, str(tmp_path), *SLEEPER]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as runner:
        assert runner.stdout
        sleeper = int(runner.stdout.readline())
        assert not is_gone(sleeper)
        runner.kill()
        runner.wait()
        assert within(120, sleeper)
