"""The documentation says nothing that is not there: links, files, commands, settings, rules."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest

from chalicelib.settings import EnvironmentSecrets, Settings

ROOT = Path(__file__).parent.parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]
FENCE = re.compile(r"^( *)```(?P<info>[^\n]*)\n(?P<code>.*?)^\1```", re.MULTILINE | re.DOTALL)
PYTHON = re.compile(r"python -m ([a-z_.]+)(?: ([a-z][a-z-]+))?")
SETTING = re.compile(r"\b(?:(?:WHATSAPP|TOMBOLA|AWS)_[A-Z_]+[A-Z]|LOG_LEVEL|(?:API|PHONE|AWS)_PORT)\b")
TARGET = re.compile(r"^ *make ([a-z][a-z-]*)\b", re.MULTILINE)

# Read by the AWS SDK, by `make run` and by `make deploy`, not by the product's settings.
NOT_OURS = {
    "AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "API_PORT", "PHONE_PORT", "AWS_PORT",
    "TOMBOLA_STATE", "TOMBOLA_TICK_SECONDS", "TOMBOLA_WEBHOOK_URL", "ALARM_EMAIL", "MONTHLY_BUDGET",
    "PROOF_RETENTION_DAYS", "AUDIT_LOCK_DAYS", "TRACING", "RESERVE_CONCURRENCY", "USE_TABLE", "USE_BUCKET",
}  # fmt: skip
# Made by running something, so not in a fresh checkout.
MADE = (".local", ".venv", "ci-output/", "out/", "tools/")


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def prose(name: str) -> str:
    return FENCE.sub("", read(name))


def code(name: str) -> list[str]:
    """Everything that is set as code in a page: spans, and blocks of shell commands."""
    blocks = [found["code"] for found in FENCE.finditer(read(name)) if found["info"].startswith("bash")]
    return re.findall(r"`([^`\n]+)`", prose(name)) + blocks


def blocks_to_run() -> Iterator[tuple[str, str]]:
    for name in NAMES:
        yield from ((name, found["code"]) for found in FENCE.finditer(read(name)) if found["info"] == "bash run")


def run(command: str) -> subprocess.CompletedProcess[str]:
    """A shell command in the project, with the Python that runs the tests as .venv's."""
    kept = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    command = command.replace(".venv/bin/python", sys.executable)
    return subprocess.run(["bash", "-ec", command], cwd=ROOT, env=kept, capture_output=True, text=True, check=False)


def example_settings() -> set[str]:
    """What `.env.example` explains; one without a local value is commented out."""
    return set(re.findall(r"^#?([A-Z][A-Z0-9_]*)=", read(".env.example"), re.MULTILINE))


@cache
def anchors(page: Path) -> set[str]:
    """The fragments of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", page.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", NAMES)
def test_every_link_to_a_file_leads_somewhere(name: str) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", prose(name)):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, fragment = link.partition("#")
        target = (ROOT / name).parent / path if path else ROOT / name
        assert target.exists(), link
        assert not fragment or fragment in anchors(target.resolve()), link


def test_every_page_that_code_and_alarms_name_exists() -> None:
    """What `make deploy` prints and an alarm's e-mail says must lead to the entry with the cure."""
    files = [path for folder in ("chalicelib", "infra") for path in (ROOT / folder).rglob("*.*")]
    named = [
        (file.name, *link)
        for file in files
        if file.suffix in (".py", ".json")
        for link in re.findall(r"\b(docs/[\w/.-]+\.md)(?:#([\w-]+))?", file.read_text(encoding="utf-8"))
    ]
    assert {page for _, page, _ in named} >= {"docs/deploy.md", "docs/recover.md"}
    for file, page, fragment in named:
        assert (ROOT / page).is_file(), f"{file}: {page}"
        assert not fragment or fragment in anchors(ROOT / page), f"{file}: {page}#{fragment}"


@pytest.mark.parametrize("name", NAMES)
def test_every_widget_of_the_dashboard_that_is_named_exists(name: str) -> None:
    widgets = json.loads(read("infra/dashboard.json"))["widgets"]
    titles = {widget["properties"].get("title") for widget in widgets}
    assert set(re.findall(r'"(Functions: [^"]+)"', re.sub(r"\s+", " ", read(name)))) <= titles


@pytest.mark.parametrize("name", NAMES)
def test_every_file_that_is_named_exists(name: str) -> None:
    top = {path.name for path in ROOT.iterdir()}
    for span in code(name):
        for path in re.findall(r"(?<![\w/.-])[\w.-]+(?:/[\w.*-]+)+/?|(?<![\w/.-])[\w-]+\.(?:py|md|json|toml)\b", span):
            known = path.split("/")[0] in top and not path.startswith(MADE)
            assert not known or list(ROOT.glob(path)), path


@pytest.mark.parametrize("name", NAMES)
def test_every_payload_that_is_named_exists(name: str) -> None:
    if name == "docs/conversation.md":
        for payload in re.findall(r"`([a-z_0-9]+\.json)`", read(name)):
            assert (ROOT / "tests/data/payloads" / payload).exists(), payload


@pytest.mark.parametrize(
    "target", sorted({target for name in NAMES for span in code(name) for target in TARGET.findall(span)})
)
def test_every_make_target_that_is_named_exists(target: str) -> None:
    assert run(f"make -n {target}").returncode == 0


def test_every_command_that_is_named_exists() -> None:
    helped = run(".venv/bin/python -m chalicelib --help").stdout
    for name in NAMES:
        for module, command in (found for span in code(name) for found in PYTHON.findall(span)):
            assert find_spec(module), f"{name}: {module}"
            assert module != "chalicelib" or not command or command in helped, f"{name}: {command}"


@pytest.mark.parametrize("name", NAMES)
def test_every_setting_that_is_named_exists(name: str) -> None:
    assert set(SETTING.findall(read(name))) <= example_settings()


def test_the_example_has_exactly_the_settings_that_exist() -> None:
    ours = set(Settings.model_fields) | set(EnvironmentSecrets.model_fields)
    assert ours == example_settings() - NOT_OURS


@pytest.mark.parametrize(("name", "commands"), list(blocks_to_run()))
def test_commands_marked_for_running_work(name: str, commands: str) -> None:
    done = run(commands)
    assert done.returncode == 0, f"{name}: {commands}\n{done.stderr}"


def test_the_index_has_exactly_the_decisions_that_exist() -> None:
    listed = re.findall(
        r"^\| (\d+) \| \[(.+?)\]\((.+?)\) \| (\w+).*? \| .+ \|$", read("docs/adr/README.md"), re.MULTILINE
    )
    written = []
    for path in sorted((ROOT / "docs/adr").glob("[0-9]*.md")):
        heading = re.match(r"# (\d+)\. (.+)\n\n(?:Date: [\d-]+\. )?Status: (\w+)", path.read_text(encoding="utf-8"))
        assert heading, f"{path.name} must begin with `# N. Title`, an empty line and `Status: ...`"
        written.append((heading[1], heading[2], path.name, heading[3]))
    assert listed == written
    assert [int(number) for number, *_ in written] == list(range(1, len(written) + 1))
    assert all(int(path[:4]) == int(number) for number, _, path, _ in written)


def rules() -> dict[str, str]:
    """Rule id → its section of docs/rules.md. Fails where an id comes twice."""
    found: dict[str, str] = {}
    for section in re.split(r"^(?=##+ )", read("docs/rules.md"), flags=re.MULTILINE):
        heading = re.match(r"### ([A-Z][0-9]+) — ", section)
        if heading:
            assert heading[1] not in found, heading[1]
            found[heading[1]] = section
    return found


def test_every_rule_of_the_documentation_is_there_once() -> None:
    last = {"N": 3, "H": 16, "P": 13, "M": 10, "V": 2, "O": 13}
    expected = [f"{letter}{number}" for letter, numbers in last.items() for number in range(1, numbers + 1)]
    assert list(rules()) == expected


@pytest.mark.parametrize("rule", list(rules()))
def test_each_rule_is_shown_by_tests_or_comes_later(rule: str) -> None:
    section = rules()[rule]
    files = re.findall(r"`(tests/[\w/]+\.py)`", section)
    assert files or "**Later:**" in section
    for file in files:
        assert re.search(rf"def test_{rule.lower()}_", read(file)), file


def test_a_test_that_names_a_rule_names_one_that_is_written_down() -> None:
    for path in (ROOT / "tests").rglob("test_*.py"):
        for rule in re.findall(r"def test_([nhpmov][0-9])_", path.read_text(encoding="utf-8")):
            assert rule.upper() in rules(), f"{path.name}: {rule}"
