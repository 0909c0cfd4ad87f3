"""How long an export is there, and when nobody makes it any more."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.domain.exports import ABANDONED, KEPT, Export, ExportRequest, ExportStatus

NOW = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)
A_SECOND = timedelta(seconds=1)
WAITING = Export(
    id="e", request=ExportRequest("r"), status=ExportStatus.WAITING, file_name="f", created_at=NOW, updated_at=NOW
)


def test_an_export_is_gone_a_week_after_it_was_asked_for() -> None:
    assert not WAITING.is_gone(NOW + KEPT - A_SECOND)
    assert WAITING.is_gone(NOW + KEPT)


@pytest.mark.parametrize("status", ExportStatus)
def test_an_unfinished_export_is_abandoned_after_an_hour_without_progress(status: ExportStatus) -> None:
    export = replace(WAITING, status=status)
    is_unfinished = status in (ExportStatus.WAITING, ExportStatus.RUNNING)
    assert export.is_being_made(NOW + ABANDONED - A_SECOND) is is_unfinished
    assert not export.is_abandoned(NOW + ABANDONED - A_SECOND)
    assert export.is_abandoned(NOW + ABANDONED) is is_unfinished
    assert not export.is_being_made(NOW + ABANDONED)


def test_an_export_that_is_gone_is_not_being_made() -> None:
    assert not replace(WAITING, updated_at=NOW + KEPT).is_being_made(NOW + KEPT)
