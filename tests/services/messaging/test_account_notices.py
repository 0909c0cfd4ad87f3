"""Notices about our account raise an alert where somebody must look, and are a line in the log otherwise."""

import logging
from collections.abc import Iterator

import pytest

from chalicelib.services.messaging import account_notices
from chalicelib.telemetry import logger
from chalicelib.whatsapp.identities import Json
from chalicelib.whatsapp.inbound import Other
from tests.support.log_watch import personal


class Lines(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[tuple[str, dict[str, object]]] = []

    def emit(self, record: logging.LogRecord) -> None:
        named: dict[str, object] = {
            name: vars(record)[name] for name in ("field", "event", "error_code") if name in vars(record)
        }
        self.lines.append((record.levelname, named))


@pytest.fixture
def lines() -> Iterator[list[tuple[str, dict[str, object]]]]:
    handler = Lines()
    logging.getLogger(logger.name).addHandler(handler)
    yield handler.lines
    logging.getLogger(logger.name).removeHandler(handler)


def notice(field: str, body: Json, error_code: int | None = None) -> Other:
    return Other(field=field, kind="", body=body, error_code=error_code)


@pytest.mark.parametrize(
    ("field", "body", "level", "event"),
    [
        ("account_review_update", {"decision": "REJECTED"}, "ERROR", "REJECTED"),
        ("account_review_update", {"decision": "APPROVED"}, "INFO", "APPROVED"),
        ("account_update", {"event": "DISABLED_UPDATE"}, "ERROR", "DISABLED_UPDATE"),
        ("account_update", {"event": "PARTNER_ADDED"}, "INFO", "PARTNER_ADDED"),
        ("account_alerts", {"alert_info": {"alert_type": "X"}}, "ERROR", "X"),
        ("message_template_status_update", {"event": "REJECTED", "reason": "ABUSIVE"}, "ERROR", "REJECTED"),
        ("message_template_status_update", {"event": "APPROVED"}, "INFO", "APPROVED"),
        ("message_template_quality_update", {"new_quality_score": "RED"}, "ERROR", "RED"),
        ("message_template_quality_update", {"new_quality_score": "GREEN"}, "INFO", "GREEN"),
        ("phone_number_quality_update", {"event": "UPGRADE"}, "INFO", "UPGRADE"),
        ("phone_number_name_update", {"decision": "REJECTED"}, "ERROR", "REJECTED"),
        ("security", {"event": "PIN_CHANGED"}, "ERROR", "PIN_CHANGED"),
        ("template_category_update", {"new_category": "UTILITY"}, "INFO", "UTILITY"),
        ("something_new", {"event": "ACCOUNT_VIOLATION"}, "INFO", "ACCOUNT_VIOLATION"),
    ],
)
def test_the_value_of_the_field_decides(
    lines: list[tuple[str, dict[str, object]]], field: str, body: Json, level: str, event: str
) -> None:
    account_notices.handle(notice(field, body))
    assert lines == [(level, {"field": field, "event": event})]


@pytest.mark.parametrize(("code", "level"), [(131031, "ERROR"), (190, "ERROR"), (130429, "INFO"), (None, "INFO")])
def test_an_error_raises_an_alert_as_it_would_in_an_answer(
    lines: list[tuple[str, dict[str, object]]], code: int | None, level: str
) -> None:
    account_notices.handle(notice("messages", {}, error_code=code))
    assert [line[0] for line in lines] == [level]


@pytest.mark.parametrize("word", ["Lucía Pérez", "+50255501234", "Ana", ["X"], None, 7, "X" * 61])
def test_text_that_is_no_word_of_metas_is_not_logged(lines: list[tuple[str, dict[str, object]]], word: object) -> None:
    account_notices.handle(notice(str(word), {"event": word}))
    assert lines == [("INFO", {"field": "other", "event": "other"})]
    assert personal(str(lines)) == []
