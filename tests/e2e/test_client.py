"""A client that was generated from the description does an organiser's day, as docs/quickstart.md has it."""

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.support.running import ROOT, OnThePhone, Run, until
from tests.support.world import PNG, text_of

BIN = Path(sys.executable).parent
SECONDS = 900


def generated(run: Run, folder: Path) -> Path:
    """The client's folder. What the generator leaves out, it warns of."""
    made = subprocess.run(
        [BIN / "openapi-python-client", "generate", "--url", f"{run.ports.api_url}/api/openapi.json"],
        cwd=folder,
        env={**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"},  # it tidies up with ruff
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    said = made.stdout + made.stderr
    assert made.returncode == 0 and "arning" not in said and "ERROR" not in said, said
    return folder / "tombola-client"


def program(run: Run) -> str:
    """The program in the page, for this run."""
    page = (ROOT / "docs" / "quickstart.md").read_text("utf-8")
    [found] = (block for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if "tombola_client" in block)
    return str(found).replace("http://127.0.0.1:8000", run.ports.api_url)


def test_the_documented_program_runs_with_a_generated_client(run: Run, lucia: OnThePhone, tmp_path: Path) -> None:
    client = generated(run, tmp_path)
    (client / "day.py").write_text(program(run), "utf-8")
    with (client / "day.log").open("w") as log:
        day = subprocess.Popen([sys.executable, "-u", "day.py"], cwd=client, stdout=log, stderr=subprocess.STDOUT)

    def said(words: str) -> bool:
        assert day.poll() in (None, 0), (client / "day.log").read_text("utf-8")
        return words in (client / "day.log").read_text("utf-8")

    try:
        until(lambda: said("on sale: FAIR"), "the raffle is on sale")
        lucia.says("hi")  # so that the bot writes English
        lucia.says("FAIR")
        lucia.says("5, 12")
        lucia.taps("Confirm")
        lucia.sends(PNG, "image/png", "receipt.png")
        until(lambda: said("sold: [5, 12]"), "the numbers are sold")
        assert day.wait(SECONDS) == 0
        assert "confirmed" in text_of(lucia.hears())
    finally:
        day.kill()
        day.wait()
