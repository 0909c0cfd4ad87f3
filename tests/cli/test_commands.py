"""The organiser's commands."""

import io
import subprocess
import sys
from pathlib import Path

import pytest

from chalicelib.cli.commands import main
from chalicelib.cli.output import progress_on
from chalicelib.domain.organisers import COMMAND_LINE, Role
from chalicelib.services.tokens import Tokens
from chalicelib.store.records import Record, TokenNameRecord
from chalicelib.store.tokens import _name_key
from chalicelib.telemetry import logger
from tests.support.world import World

ROOT = Path(__file__).parents[2]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "chalicelib", *arguments]
    return subprocess.run(command, cwd=ROOT, env={}, capture_output=True, text=True, check=False)


def test_help_needs_no_settings() -> None:
    done = run("--help")
    assert done.returncode == 0
    assert "create-token" in done.stdout and "generate-tickets" in done.stdout and "check" in done.stdout


def test_missing_settings_are_named_in_one_clear_line() -> None:
    done = run("create-token", "Olga")
    assert done.returncode == 2
    assert "TOMBOLA_TABLE is missing" in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize("arguments", [(), ("nonsense",), ("create-token",), ("generate-tickets",)])
def test_wrong_arguments_print_the_usage(arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "usage:" in capsys.readouterr().err


def test_o1_a_new_token_is_shown_once_and_opens_the_api(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["create-token", "Olga"]) == 0
    key = capsys.readouterr().out.splitlines()[0]
    assert len(key) >= 43
    assert world.api("GET", "/api/raffles", token=key).status == 200


def test_the_log_is_not_among_what_a_command_prints(
    world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that `KEY=$(python -m chalicelib create-token Olga | head -1)` is the key."""
    log = io.StringIO()
    monkeypatch.setattr(logger.registered_handler, "stream", log)
    assert main(["create-token", "Olga"]) == 0
    assert log.getvalue() == capsys.readouterr().err == ""
    world.container.tokens.create("Ana", Role.VIEWER, by=COMMAND_LINE)
    assert "token made" in log.getvalue()


def test_a_token_with_a_chosen_key_is_made_once(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    for said in ("created", "already a token"):
        assert main(["create-token", "dev", "--key", "my-own-key"]) == 0
        assert said in capsys.readouterr().out
    assert world.api("GET", "/api/raffles", token="my-own-key").status == 200


def test_a_set_up_script_of_the_version_before_may_run_again(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """Also if it gives one name to two tokens, or a name that is reserved now."""
    tokens = [("dev", "one-key"), ("dev", "another-key"), ("nobody", "a-third-key")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Tokens, "check_name", lambda *_: None)
        for name, key in tokens:
            assert main(["create-token", name, "--key", key]) == 0
            TokenNameRecord(*_name_key(name)).delete()
    capsys.readouterr()
    for name, key in tokens:
        assert main(["create-token", name, "--key", key]) == 0
        assert "already a token" in capsys.readouterr().out


@pytest.mark.parametrize("key", ["", "two words", "x" * 201, f"tombola_{'x' * 43}00000000"])
def test_a_chosen_key_that_could_open_nothing_is_refused(
    world: World, capsys: pytest.CaptureFixture[str], key: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["create-token", "dev", "--key", key])
    assert ended.value.code == 2
    assert "argument --key: " in capsys.readouterr().err


def test_o7_a_name_that_a_token_has_is_a_refusal(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert [main(["create-token", name]) for name in ("Olga", "olga", "Command Line")] == [0, 1, 1]
    assert capsys.readouterr().err.startswith("tombola: The name olga is taken")


def test_a_raffle_that_is_not_there_is_a_refusal(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["generate-tickets", "nothing"]) == 1
    assert capsys.readouterr().err == "tombola: There is no raffle nothing.\n"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_raffle_is_named_by_its_id_or_its_code(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    raffle = world.raffle(code="BIKE")
    for name in (raffle["id"], "BIKE", "bike"):
        assert main(["check", name]) == 0
        assert f"Raffle {raffle['id']} (100 numbers" in capsys.readouterr().out


def test_a_failure_is_one_line_and_not_a_difference(
    world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Record.Meta, "table_name", "not-there")
    for arguments in (["check"], ["check", "BIKE"], ["create-token", "Ana"]):
        assert main(arguments) == 3
        said = capsys.readouterr().err
        assert said.startswith("tombola: the command failed with ") and said.count("\n") <= 2
        assert "Traceback" not in said


def test_progress_is_a_bar_on_a_terminal() -> None:
    shown = Terminal()
    with progress_on(shown, "abc") as progress:
        progress("tickets", 1, 2)
        progress("tickets", 2, 2)
        progress("orders", 200, None)
    assert "abc: tickets" in shown.getvalue()


def test_progress_without_a_terminal_is_one_line() -> None:
    shown = io.StringIO()
    with progress_on(shown, "abc") as progress:
        progress("tickets", 1, 2)
    assert shown.getvalue() == "Checking abc ...\n"


def test_progress_on_a_terminal_works_without_rich(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("rich.console", "rich.progress"):
        monkeypatch.setitem(sys.modules, name, None)
    shown = Terminal()
    with progress_on(shown, "abc") as progress:
        progress("tickets", 1, 2)
    assert shown.getvalue() == "Checking abc ...\n"
