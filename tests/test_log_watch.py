"""No line of the log holds a phone number, a name, a text, a token or a message id; and the check itself can fail."""

import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from chalicelib.telemetry import logger
from tests.support.log_watch import Watch, leaks_in, personal
from tests.support.world import Buyer
from whatsapp_sandbox import webhooks

ROOT = Path(__file__).parent.parent
LEAKS = [
    ('{"to": "+50255501234"}', "phone number"),
    ('{"key": "CONTACT#50255500001"}', "phone number"),
    ('{"wa_id": "5215512345678"}', "number '5215512345678'"),
    ('{"id": "wamid.HBgL"}', "message id"),
    ('{"user": "GT.7700112233445566"}', "user id"),
    ('{"by": "Olga"}', "name 'Olga'"),
    ('{"reason": "KeyError: Lucía Pérez"}', "name 'Lucía"),
    ('{"reason": "Luc\\u00eda"}', "name 'Lucía'"),
    ('{"text": "Hola, quiero participar en la rifa"}', "text 'Hola, quiero"),
    ('{"headers": "Authorization: Bearer x"}', "header with a token"),
    ('{"url": "?access_token=local-access-token"}', "secret 'local-access-token'"),
]


@pytest.mark.parametrize(("line", "what"), LEAKS)
def test_personal_data_in_a_line_is_found(line: str, what: str) -> None:
    assert any(what in leak for leak in personal(line))


@pytest.mark.parametrize(
    "line",
    [
        '{"message":"raffle made","timestamp":"2026-11-23 13:28:35,365+0000","raffle_id":"cz6ep34vk5"}',
        '{"correlation_id":"a50255501234bcde","letter":"502555012345","error_code":131026}',
        '{"message":"notice from WhatsApp","field":"account_update","event":"ACCOUNT_VIOLATION"}',
    ],
)
def test_a_line_without_personal_data_passes(line: str) -> None:
    assert personal(line) == []


def test_texts_written_in_a_test_are_known(lucia: Buyer) -> None:
    lucia.says("my aunt wants them")
    assert personal('{"reason": "my aunt wants them"}')


def test_a_line_in_a_file_is_checked(tmp_path: Path) -> None:
    (tmp_path / "worker.log").write_text(f"fine\n{LEAKS[0][0]}\n")
    leaks = leaks_in(tmp_path / "worker.log")
    assert leaks[0].startswith("a phone number in a line that worker.log:2 logged")


def test_an_exception_is_logged_only_with_its_kind_and_place(log_watch: Watch) -> None:
    class Kept(Watch):
        def look(self, line: str, where: str) -> None:
            lines.append(line)

    lines: list[str] = []
    kept = Kept(logger.name)
    logger.addHandler(kept)
    try:
        int("Lucía Pérez")
    except ValueError as failure:
        failure.add_note("+50255501234")
        logger.exception("it failed")
    finally:
        logger._logger.removeHandler(kept)
    [line] = lines
    assert '"exception_name":"ValueError"' in line and "test_log_watch.py" in line
    assert personal(line) == []


@pytest.mark.parametrize(
    ("planted", "seen"),
    [
        ('logger.info("sent", extra={"to": "+50255501234"})', "a phone number"),
        ('logging.getLogger("urllib3").warning("Retrying %s", "Bearer x")', "a header with a token"),
        ('metrics.add_metadata("who", "Lucía"); count("Holds"); flush()', "the name 'Lucía'"),
    ],
)
def test_a_leak_fails_the_test_in_which_it_is_logged(tmp_path: Path, planted: str, seen: str) -> None:
    """In a run of its own, with the same fixtures."""
    (tmp_path / "test_planted.py").write_text(
        dedent(f"""
            import logging
            from chalicelib.lambdas import flush
            from chalicelib.telemetry import count, logger, metrics

            def test_leaks():
                {planted}

            def test_fine():
                logger.info("fine")
        """)
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.conftest", "--rootdir", str(tmp_path), str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "2 passed, 1 error" in done.stdout and "ERROR at teardown of test_leaks" in done.stdout
    assert f"{seen} in a line that" in done.stdout


def test_the_shapes_of_webhook_bodies_are_unchanged() -> None:
    """Watching what people say changes none of it."""
    person = webhooks.Person(name="Ana", phone="+50255500003")
    body = webhooks.text_message(person, "something longer", message_id="1", at=1)
    assert body["entry"][0]["changes"][0]["value"]["messages"][0]["text"] == {"body": "something longer"}
