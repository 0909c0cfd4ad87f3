"""Child processes: each in its own session, stopped in order, never left behind.

Ctrl-C in the terminal reaches only the runner, which stops the children. If the runner is killed, the guardian (this
module, run as a program) notices that its pipe closes and stops the children in the same order.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

GRACE_SECONDS = 20.0
POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Child:
    """A process that we started. It leads its own process group."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path


class Children:
    """All children of one run. The first one started is the last one stopped."""

    def __init__(self, logs: Path, inherited: int) -> None:
        """`inherited`: the lock's file descriptor. The guardian keeps it open until the last child is gone."""
        logs.mkdir(parents=True, exist_ok=True)
        self._logs = logs
        self._children: list[Child] = []
        self._guardian = subprocess.Popen(
            [sys.executable, "-m", "local.processes"],
            stdin=subprocess.PIPE,
            start_new_session=True,
            pass_fds=(inherited,),
        )

    def start(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> Child:
        """Start `command` with a new, empty log for its output."""
        log = self._logs / f"{name}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(  # noqa: S603 - our own commands
                command,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        child = Child(name, process, log)
        self._children.append(child)
        if self._guardian.stdin:
            # If the guardian is gone, the others must still be started, and stopped later.
            with contextlib.suppress(BrokenPipeError):
                self._guardian.stdin.write(b"%d\n" % process.pid)
                self._guardian.stdin.flush()
        return child

    def ended(self) -> Child | None:
        """Return a child that has exited, or None."""
        return next((child for child in self._children if child.process.poll() is not None), None)

    def stop(self) -> None:
        """Stop all children, the last one started first, and wait for each."""
        for child in reversed(self._children):
            stop_group(child.process.pid, partial(_is_running, child.process))
            child.process.wait()
        if self._guardian.stdin:
            self._guardian.stdin.close()
        self._guardian.wait()


def stop_group(leader: int, alive: Callable[[], bool], grace_seconds: float = GRACE_SECONDS) -> None:
    """Terminate a process group, wait for its leader, and kill whatever is left."""
    _signal_group(leader, signal.SIGTERM)
    deadline = time.monotonic() + grace_seconds
    while alive() and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    _signal_group(leader, signal.SIGKILL)


def _signal_group(leader: int, number: signal.Signals) -> None:
    # The group is gone already, or (on macOS) only zombies are left of it.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, number)


def _is_running(process: subprocess.Popen[bytes]) -> bool:
    return process.poll() is None


def _is_alive(pid: int) -> bool:
    """Return whether a process runs. Where there is /proc, a zombie does not count as running."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    except ProcessLookupError:
        return False
    except OSError:
        return True


def guard() -> None:
    """Read process ids until the runner is gone, then stop the processes that it left behind."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    leaders = [int(line) for line in sys.stdin]
    for leader in reversed(leaders):
        if _is_alive(leader):
            stop_group(leader, partial(_is_alive, leader))


if __name__ == "__main__":
    guard()
