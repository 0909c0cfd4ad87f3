"""Whole conversations, which anybody can read: the .txt files of this folder.

After a change of what the bot says, write them anew and read what changed:

    make transcripts
"""

from os import environ
from pathlib import Path

import pytest

from chalicelib.domain.languages import LANGUAGES
from tests.support.transcripts import play
from tests.support.world import World

FILES = sorted(Path(__file__).parent.rglob("*.txt"))


@pytest.mark.usefixtures("countries")
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_bot_says_what_is_written(world: World, file: Path) -> None:
    written = file.read_text(encoding="utf-8")
    played = play(world, written)
    if environ.get("WRITE_TRANSCRIPTS"):
        file.write_text(played, encoding="utf-8")
    else:
        assert played == written


def test_the_readme_shows_one_of_them() -> None:
    file = next(file for file in FILES if file.stem == "readme_es")
    shown = file.read_text(encoding="utf-8").split("\n", 2)[2].rstrip()
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    assert f"```text\n{shown}\n```" in readme


def test_there_are_twenty_in_each_language() -> None:
    for language in LANGUAGES:
        assert len([file for file in FILES if file.parent.name == language]) >= 20
