"""The commit-msg hook lets through what CONTRIBUTING asks for, and says what it expected of the rest."""

import subprocess
import sys
from pathlib import Path

import pytest

from tools.commit_subject import LONGEST, complaint, main

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "message",
    [
        "Holds end at their very second",
        "x" * LONGEST,
        "Short\n\n" + "The body may be as long as it likes. " * 10,
        "# a comment of git's\n\nHolds end on time\n# On branch main.",
        f"Merge branch {'x' * LONGEST}.",
        f'Revert "{"x" * LONGEST}"',
        f"fixup! {'x' * LONGEST}.",
        "# ------------------------ >8 ------------------------\n" + "diff " * 30,
    ],
)
def test_a_subject_that_follows_the_rules_passes(message: str) -> None:
    assert complaint(message) is None


def test_a_subject_that_is_too_long_is_refused() -> None:
    assert complaint("é" * (LONGEST + 1)) == (
        "The subject has 73 characters: expected at most 72. Say the rest in the body."
    )


def test_a_full_stop_is_refused() -> None:
    assert complaint("Holds end on time. ") == (
        "The subject ends with a full stop: expected one plain sentence without it."
    )


def test_the_command_tells_by_its_exit_status(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    message = tmp_path / "COMMIT_EDITMSG"
    message.write_text("Holds end on time\n", encoding="utf-8")
    assert main([str(message)]) == 0
    message.write_text("Holds end on time.\n", encoding="utf-8")
    assert main([str(message)]) == 1
    assert main([str(tmp_path / "missing")]) == 2
    assert [line[:20] for line in capsys.readouterr().err.splitlines()] == ["The subject ends wit", str(tmp_path)[:20]]


def test_help_says_what_it_does() -> None:
    helped = subprocess.run(
        [sys.executable, "tools/commit_subject.py", "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "at most 72 characters" in helped.stdout
