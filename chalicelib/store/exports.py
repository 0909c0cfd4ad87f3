"""Exports in the table: asked for once at a time, moved forwards only by whoever makes them just now."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from pynamodb.exceptions import UpdateError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action

from chalicelib.domain.exports import LEASE, Export, ExportRequest, ExportStatus, Format, Of, Reason
from chalicelib.domain.raffles import TicketStatus
from chalicelib.domain.refusals import ExportNotFound
from chalicelib.store.records import ExportRecord, LatestExportRecord
from chalicelib.store.transaction import Transaction


class Latest(NamedTuple):
    """The export of the same that was asked for last, and the id that was noted as such; None where there is none."""

    export: Export | None
    noted: str | None


def latest(wanted: ExportRequest) -> Latest:
    """One request, or two where there was one before."""
    try:
        noted = LatestExportRecord.get(*_latest_key(wanted), consistent_read=True).export_id
    except LatestExportRecord.DoesNotExist:
        return Latest(None, None)
    try:
        return Latest(get(noted), noted)
    except ExportNotFound:
        return Latest(None, noted)


def add(transaction: Transaction, export: Export, after: Latest) -> None:
    """Store a new export, if nobody else asked for the same since `after` was read."""
    transaction.put(_as_record(export), only_if=ExportRecord.pk.does_not_exist())
    unchanged: Condition = LatestExportRecord.pk.does_not_exist()
    if after.noted is not None:
        unchanged |= LatestExportRecord.export_id == after.noted
    key = _latest_key(export.wanted)
    transaction.put(
        LatestExportRecord(*key, export_id=export.id, vanishes_at=export.vanishes_at), name="latest", only_if=unchanged
    )


def get(export_id: str) -> Export:
    """Raises ExportNotFound."""
    try:
        return _as_export(ExportRecord.get(*_key(export_id), consistent_read=True))
    except ExportRecord.DoesNotExist:
        raise ExportNotFound(export_id) from None


# What the one who makes it does. Each names its run: a run that lost the export to another one, or whose export is
# gone, changes nothing any more, and brings nothing back.


def start(export_id: str, run: str, now: datetime) -> Export | None:
    """The export, which the run has to itself from now on; None where it is gone, finished, or another's just now."""
    free = (ExportRecord.status == ExportStatus.WAITING.value) | (
        (ExportRecord.status == ExportStatus.RUNNING.value)
        # Our own, where the answer of an earlier try did not come.
        & ((ExportRecord.leased_until <= now) | (ExportRecord.run == run))
    )
    actions = [
        ExportRecord.status.set(ExportStatus.RUNNING.value),
        ExportRecord.run.set(run),
        ExportRecord.leased_until.set(now + LEASE),
        ExportRecord.rows.remove(),
        ExportRecord.done.set(0),
        ExportRecord.progress.set(0),
        ExportRecord.updated_at.set(now),
    ]
    record = ExportRecord(*_key(export_id))
    return _as_export(record) if _updated(record, actions, free) else None


def note(export_id: str, run: str, *, rows: int | None, done: int, progress: int, now: datetime) -> bool:
    """How far it is; whether the run still has it."""
    actions = [ExportRecord.done.set(done), ExportRecord.progress.set(progress), ExportRecord.updated_at.set(now)]
    if rows is not None:
        actions.append(ExportRecord.rows.set(rows))
    return _updated(ExportRecord(*_key(export_id)), actions, _its(run))


def finish(export_id: str, run: str, *, rows: int, size: int, now: datetime) -> bool:
    """The file is there. Whether the run still has the export, or has finished it with an earlier try."""
    actions = [
        ExportRecord.status.set(ExportStatus.READY.value),
        ExportRecord.rows.set(rows),
        ExportRecord.done.set(rows),
        ExportRecord.progress.set(100),
        ExportRecord.size.set(size),
        ExportRecord.finished_at.set(now),
        ExportRecord.updated_at.set(now),
    ]
    finished = (ExportRecord.run == run) & (ExportRecord.status == ExportStatus.READY.value)
    return _updated(ExportRecord(*_key(export_id)), actions, _its(run) | finished)


def fail(export_id: str, run: str, reason: Reason, now: datetime) -> bool:
    actions = [
        ExportRecord.status.set(ExportStatus.FAILED.value),
        ExportRecord.reason.set(reason.value),
        ExportRecord.finished_at.set(now),
        ExportRecord.updated_at.set(now),
    ]
    return _updated(ExportRecord(*_key(export_id)), actions, _its(run))


def release(export_id: str, run: str, now: datetime) -> bool:
    """Let another run have it: this one met an error."""
    actions = [ExportRecord.status.set(ExportStatus.WAITING.value), ExportRecord.updated_at.set(now)]
    return _updated(ExportRecord(*_key(export_id)), actions, _its(run))


def _its(run: str) -> Condition:
    mine: Condition = (ExportRecord.run == run) & (ExportRecord.status == ExportStatus.RUNNING.value)
    return mine


def _updated(record: ExportRecord, actions: Sequence[Action], only_if: Condition) -> bool:
    try:
        record.update(list(actions), condition=only_if)
    except UpdateError as failure:
        if failure.cause_response_code != "ConditionalCheckFailedException":
            raise
        return False
    return True


def _key(export_id: str) -> tuple[str, str]:
    return f"EXPORT#{export_id}", "EXPORT"


def _latest_key(wanted: ExportRequest) -> tuple[str, str]:
    return f"EXPORTS#{wanted.raffle_id}", f"{wanted.of}#{wanted.format}#{wanted.status or ''}"


def _as_record(export: Export) -> ExportRecord:
    wanted = export.wanted
    return ExportRecord(
        *_key(export.id),
        id=export.id,
        raffle_id=wanted.raffle_id,
        of=wanted.of.value,
        format=wanted.format.value,
        ticket_status=wanted.status and wanted.status.value,
        status=export.status.value,
        file_name=export.file_name,
        done=export.done,
        progress=export.progress,
        created_at=export.created_at,
        updated_at=export.updated_at,
        vanishes_at=export.vanishes_at,
    )


def _as_export(record: ExportRecord) -> Export:
    def whole(value: Any) -> int | None:
        return None if value is None else int(value)

    status = record.ticket_status
    return Export(
        id=record.id,
        wanted=ExportRequest(
            record.raffle_id, Of(record.of), Format(record.format), TicketStatus(status) if status else None
        ),
        status=ExportStatus(record.status),
        file_name=record.file_name,
        created_at=record.created_at,
        updated_at=record.updated_at,
        rows=whole(record.rows),
        done=int(record.done),
        progress=int(record.progress),
        size=whole(record.size),
        reason=Reason(record.reason) if record.reason else None,
        finished_at=record.finished_at,
        run=record.run,
        leased_until=record.leased_until,
    )
