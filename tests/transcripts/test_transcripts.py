"""Whole conversations, which anybody can read: the .txt files of this folder.

After a change of what the bot says, write them anew and read what changed:

    TOMBOLA_WRITE_TRANSCRIPTS=yes .venv/bin/python -m pytest tests/transcripts
"""

from os import environ
from pathlib import Path

import pytest

from tests.support.transcripts import play
from tests.support.world import World

FILES = sorted(Path(__file__).parent.rglob("*.txt"))


@pytest.mark.usefixtures("countries")
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_bot_says_what_is_written(world: World, file: Path) -> None:
    written = file.read_text(encoding="utf-8")
    played = play(world, written)
    if environ.get("TOMBOLA_WRITE_TRANSCRIPTS"):
        file.write_text(played, encoding="utf-8")
    else:
        assert played == written
