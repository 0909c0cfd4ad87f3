"""Checks a commit message's subject: at most 72 characters, no full stop at its end. `pre-commit` calls it."""

import argparse
import sys
from pathlib import Path

LONGEST = 72
# Written by git itself, and gone or rewritten when the commits are merged.
BY_GIT = ("Merge ", 'Revert "', 'Reapply "', "fixup! ", "squash! ", "amend! ")
SCISSORS = "------------------------ >8 ------------------------"


def complaint(message: str) -> str | None:
    """Return what is wrong with the subject and what was expected, or None."""
    subject = subject_of(message)
    if not subject:
        return None  # git itself refuses an empty message
    if subject.startswith(BY_GIT):
        return None
    if len(subject) > LONGEST:
        return f"The subject has {len(subject)} characters: expected at most {LONGEST}. Say the rest in the body."
    if subject.endswith("."):
        return "The subject ends with a full stop: expected one plain sentence without it."
    return None


def subject_of(message: str) -> str:
    """Return the first line that git keeps: comments, and what follows the scissors of `git commit -v`, are not."""
    for line in message.splitlines():
        if line.startswith("#"):
            if SCISSORS in line:
                break
            continue
        if line.strip():
            return line.strip()
    return ""


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="commit_subject", description=__doc__)
    parser.add_argument(
        "file", type=Path, help="the file with the commit message, as git hands it to a commit-msg hook"
    )
    path: Path = parser.parse_args(arguments).file
    try:
        message = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as failure:
        sys.stderr.write(f"{path} cannot be read ({type(failure).__name__}): expected a commit message in UTF-8.\n")
        return 2
    wrong = complaint(message)
    if wrong:
        sys.stderr.write(f"{wrong}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
