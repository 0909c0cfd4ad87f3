"""Takes conditions, deadlines and checks of the code away, one at a time, and sees the fast tests fail: `make mutants`.

    python -m tools.mutants [--only TEXT] [--jobs N] [--named]

The mutants are in tests/mutants. Each is applied to a copy of the tree, never to the tree itself. The tests that it
names come first, and all fast tests only if those do not notice.
"""

import argparse
import os
import re
import signal
import sys
import time
import tomllib
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import cache_from_source
from pathlib import Path
from shutil import copytree, ignore_patterns
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parent.parent
LISTS = ROOT / "tests" / "mutants"
# Not part of a copy: what `make clean` removes, local data, and what is installed.
LEFT_OUT = (
    ".git", ".venv", ".cloud", ".local", ".hypothesis", ".*_cache", "ci-output", "emulator", "node_modules", "out",
)  # fmt: skip
# The tests load these anyway, which takes seconds. Each run is a fork of a process that has them.
LOADED_ONCE = (
    "boto3", "chalice", "hypothesis", "moto.cloudformation", "moto.dynamodb", "moto.s3", "moto.sqs", "moto.ssm",
    "pydantic", "pynamodb.models",
)  # fmt: skip
# That each mutant fits the code is tested, too: those tests would notice all of them.
FAST = ("-m", "not (engine or server or browser or exhaustive)", "--ignore=tests/tools/test_mutants.py")
MAX_SECONDS = 1800  # of one run of tests: a mutant may never end
FAILED = re.compile(r"^(?:FAILED|ERROR) (\S.*?)(?: - .*)?$", re.MULTILINE)  # captured logs have more spaces


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """One wrong line of code.

    Attributes:
        name: what goes wrong with it.
        file: the module, from the root of the tree.
        before: a part of the module that occurs once.
        after: what stands there instead.
        tests: tests, or files of tests, from the root of the tree. One of them should notice.
    """

    name: str
    file: str
    before: str
    after: str
    tests: tuple[str, ...]

    def apply(self, text: str) -> str:
        """Return the module's text with the mutant. Raises ValueError if `before` does not occur exactly once."""
        if text.count(self.before) != 1:
            raise ValueError(f"{self.file}: it occurs {text.count(self.before)} times, and not once: {self.before!r}")
        return text.replace(self.before, self.after)


@dataclass(frozen=True, kw_only=True)
class Result:
    """What became of a mutant.

    Attributes:
        noticed_by: the test that failed; None if none did.
        trouble: why the tests say nothing, such as an error before the first of them.
    """

    mutant: Mutant
    noticed_by: str | None
    seconds: float
    trouble: str = ""


@dataclass(frozen=True, kw_only=True)
class Run:
    """Tests that a process runs in a copy of the tree."""

    mutant: Mutant
    is_named: bool  # only the tests that the mutant names
    copy: Path
    begun: float

    @property
    def output(self) -> Path:
        return self.copy.with_suffix(".txt")


def load() -> list[Mutant]:
    """Return all mutants, by file and in order."""
    entries = [entry for path in sorted(LISTS.glob("*.toml")) for entry in _entries(path)]
    return [Mutant(**{**entry, "tests": tuple(entry["tests"])}) for entry in entries]


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tools.mutants", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", metavar="TEXT", action="append", help="only mutants with this in their name or file")
    parser.add_argument("--jobs", type=int, default=2, help="how many at a time (%(default)s)")
    parser.add_argument("--named", action="store_true", help="run no other tests than those that a mutant names")
    options = parser.parse_args(arguments)
    wanted = [text.lower() for text in options.only or [""]]
    mutants = [mutant for mutant in load() if any(text in f"{mutant.name} {mutant.file}".lower() for text in wanted)]
    if not mutants:
        parser.error("no mutant has that in its name or file")
    if options.jobs < 1:
        parser.error("--jobs is a number from 1 on")
    console = Console(width=None if sys.stdout.isatty() else 160, highlight=False, markup=False)
    with TemporaryDirectory(prefix="mutants-") as folder:
        results = list(try_all(console, mutants, Path(folder), jobs=options.jobs, named=options.named))
        fails_anyway = _failing(Path(folder) / "0", [result.noticed_by for result in results if result.noticed_by])
    unnoticed = [result for result in results if result.noticed_by is None or result.noticed_by in fails_anyway]
    console.print(report(results, fails_anyway))
    for result in unnoticed:
        console.print(f"{result.mutant.name} ({result.mutant.file})\n{result.trouble}".rstrip())
    console.print(f"{len(results) - len(unnoticed)} of {len(results)} mutants were noticed")
    return 1 if unnoticed else 0


def try_all(console: Console, mutants: Sequence[Mutant], folder: Path, *, jobs: int, named: bool) -> Iterator[Result]:
    """Try each mutant in a copy of the tree below `folder`, `jobs` at a time. Yield the results as they come."""
    for module in LOADED_ONCE:
        import_module(module)
    free = [folder / str(number) for number in range(jobs)]
    for copy in free:
        copytree(ROOT, copy, ignore=ignore_patterns(*LEFT_OUT), symlinks=True)
    waiting = deque((mutant, True) for mutant in mutants)
    running = dict[int, Run]()
    seconds = dict.fromkeys(mutants, 0.0)
    tried = 0
    while waiting or running:
        while waiting and free:
            mutant, is_named = waiting.popleft()
            run = Run(mutant=mutant, is_named=is_named, copy=free.pop(), begun=time.monotonic())
            _write(run.copy, mutant, mutant.apply((ROOT / mutant.file).read_text("utf-8")))
            running[_start(run.copy, mutant.tests if is_named else FAST, run.output)] = run
        pid, status = os.wait()
        run = running.pop(pid)
        _write(run.copy, run.mutant, (ROOT / run.mutant.file).read_text("utf-8"))
        free.append(run.copy)
        seconds[run.mutant] += time.monotonic() - run.begun
        result = _result(run, status, seconds[run.mutant])
        if result.noticed_by is None and not result.trouble and run.is_named and not named:
            waiting.appendleft((run.mutant, False))
            continue
        tried += 1
        said = result.noticed_by or result.trouble.partition("\n")[0] or "nothing noticed"
        console.print(f"{tried}/{len(mutants)} {run.mutant.name}: {said}", soft_wrap=True)
        yield result


def report(results: Sequence[Result], fails_anyway: set[str]) -> Table:
    table = Table("file", "mutant", "noticed by", "seconds")
    for result in results:
        noticed_by = result.noticed_by or "NOTHING"
        if noticed_by in fails_anyway:
            noticed_by += ", which FAILS WITHOUT IT, TOO"
        table.add_row(
            result.mutant.file.removeprefix("chalicelib/"), result.mutant.name, noticed_by, f"{result.seconds:.0f}"
        )
    return table


def _entries(path: Path) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = tomllib.loads(path.read_text(encoding="utf-8"))["mutant"]
    return entries


def _write(copy: Path, mutant: Mutant, text: str) -> None:
    path = copy / mutant.file
    path.write_text(text, encoding="utf-8")
    # Python compares length and second, and a mutant may have both in common with the text before it.
    Path(cache_from_source(str(path))).unlink(missing_ok=True)


def _start(copy: Path, tests: Sequence[str], output: Path) -> int:
    """Run tests in a process of their own, up to the first that fails. Return the process's id."""
    sys.stdout.flush()
    pid = os.fork()
    if pid:
        return pid
    signal.alarm(MAX_SECONDS)
    os.chdir(copy)
    sys.path[0] = str(copy)
    sys.dont_write_bytecode = False  # the copy is read again for each mutant
    for name in [name for name in sys.modules if name.partition(".")[0] == "tools"]:
        del sys.modules[name]
    with output.open("w") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    code = 3  # pytest's own for an error inside
    try:
        code = int(pytest.main(["-x", "-rfE", "-p", "no:cacheprovider", *tests]))
    finally:
        sys.stdout.flush()
        os._exit(code)


def _result(run: Run, status: int, seconds: float) -> Result:
    output = run.output.read_text(encoding="utf-8", errors="replace")
    noticed_by = None
    trouble = ""
    if os.WIFSIGNALED(status):
        trouble = f"ended by {signal.Signals(os.WTERMSIG(status)).name}\n{output[-2000:]}"
    elif os.waitstatus_to_exitcode(status) == pytest.ExitCode.TESTS_FAILED:
        failed = FAILED.findall(output)
        noticed_by = failed[0] if failed else None
    elif os.waitstatus_to_exitcode(status) != pytest.ExitCode.OK:
        trouble = f"the tests could not run\n{output[-2000:]}"
    return Result(mutant=run.mutant, noticed_by=noticed_by, seconds=seconds, trouble=trouble)


def _failing(copy: Path, tests: Sequence[str]) -> set[str]:
    """Return those of the tests that fail in a copy without a mutant: they say nothing about one."""
    failing = set[str]()
    left = set(tests)
    while left:
        output = copy.with_suffix(".txt")
        _, status = os.waitpid(_start(copy, sorted(left), output), 0)
        if status == 0:
            break
        failed = set(FAILED.findall(output.read_text(encoding="utf-8", errors="replace"))) & left
        if not failed:
            raise RuntimeError(output.read_text(encoding="utf-8", errors="replace")[-2000:])
        failing |= failed
        left -= failed
    return failing


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
