"""What the console's own tests say, and that each problem of the API has words there."""

import re
import subprocess

from chalicelib.domain.raffles import RaffleEvent
from chalicelib.http import openapi
from chalicelib.http.routes import ROUTES
from tests.support.running import ROOT

CONSOLE = ROOT / "console"
SECONDS = 600


def npm(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["npm", "--prefix", str(CONSOLE), "run", "--silent", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS, check=False)


def test_the_tests_of_the_console_pass() -> None:
    done = npm("test")
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_code_that_the_api_answers_with_has_words_in_the_console() -> None:
    examples = openapi.whole(ROUTES)["components"]["examples"]
    codes = {example["value"]["code"] for example in examples.values() if "code" in example["value"]}
    catalogue = (CONSOLE / "src" / "i18n" / "en.ts").read_text("utf-8")
    worded = set(re.findall(r"^    (\w+):", catalogue, re.MULTILINE))
    # The console sends no broken JSON and no other media type, and a session that ended has words of its own.
    assert codes - worded == {"malformed", "unsupported_media_type", "not_authenticated", "not_allowed"}


def test_every_action_of_the_audit_log_has_words_in_the_console() -> None:
    kinds = "order|raffle|contact|token|link|letter|message|sending|file|proof"
    code = "".join(path.read_text("utf-8") for path in (ROOT / "chalicelib" / "services").rglob("*.py"))
    actions = set(re.findall(rf'"((?:{kinds})\.[a-z_]+)"', code)) | {f"raffle.{event}" for event in RaffleEvent}
    catalogue = (CONSOLE / "src" / "i18n" / "en.ts").read_text("utf-8").partition("audit_actions: {")[2]
    assert {action for action in actions if f"{action.replace('.', '_')}:" not in catalogue} == set()


def test_the_lock_file_names_no_host() -> None:
    assert '"resolved"' not in (CONSOLE / "package-lock.json").read_text("utf-8")


def test_versions_are_exact() -> None:
    package = (CONSOLE / "package.json").read_text("utf-8")
    versions = re.findall(r'"[@\w/-]+": "([^"]*\d+\.\d+\.\d+[^"]*)"', package.partition('"dependencies"')[2])
    assert versions and all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in versions)
