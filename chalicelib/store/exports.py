"""Exports in the table: one request for the same at a time, and only the run that owns an export advances it."""

from datetime import datetime
from typing import Any, NamedTuple

from pynamodb.expressions.condition import Condition

from chalicelib.domain.exports import LEASE, Export, ExportRequest, ExportStatus, Format, Of, Reason
from chalicelib.domain.raffles import TicketStatus
from chalicelib.domain.refusals import ExportNotFound
from chalicelib.store.records import ExportRecord, LatestExportRecord, update_if
from chalicelib.store.transaction import Transaction


class LatestExport(NamedTuple):
    """The last export for a request, or None if it is gone; and its id, or None if there never was one."""

    export: Export | None
    export_id: str | None


def get_latest(request: ExportRequest) -> LatestExport:
    """Return the last export for the same request. One read, or two if there was one before."""
    try:
        export_id = LatestExportRecord.get(*_latest_key(request), consistent_read=True).export_id
    except LatestExportRecord.DoesNotExist:
        return LatestExport(None, None)
    try:
        return LatestExport(get(export_id), export_id)
    except ExportNotFound:
        return LatestExport(None, export_id)


def add(transaction: Transaction, export: Export, after: LatestExport) -> None:
    """Store a new export, unless somebody else has requested the same since `after` was read."""
    transaction.put(_as_record(export), only_if=ExportRecord.pk.does_not_exist())
    unchanged: Condition = LatestExportRecord.pk.does_not_exist()
    if after.export_id is not None:
        unchanged |= LatestExportRecord.export_id == after.export_id
    key = _latest_key(export.request)
    transaction.put(
        LatestExportRecord(*key, export_id=export.id, vanishes_at=export.vanishes_at), name="latest", only_if=unchanged
    )


def get(export_id: str) -> Export:
    """Read an export. Raises ExportNotFound."""
    try:
        return _as_export(ExportRecord.get(*_key(export_id), consistent_read=True))
    except ExportRecord.DoesNotExist:
        raise ExportNotFound(export_id) from None


def latest_of(raffle_id: str) -> list[Export]:
    """Return the last export for each request of a raffle, the newest first. Two requests."""
    ids = [record.export_id for record in LatestExportRecord.query(_latest_partition(raffle_id), consistent_read=True)]
    records = ExportRecord.batch_get([_key(export_id) for export_id in ids], consistent_read=True)
    return sorted(map(_as_export, records), key=lambda export: export.created_at, reverse=True)


# The steps of a run. Each is conditioned on the run's id: a run that has lost its export to another one, or whose
# export was deleted, changes nothing and does not bring it back.


def start(export_id: str, run: str, now: datetime) -> Export | None:
    """Give the export to the run and return it. None if it is gone, finished, or owned by another run."""
    free = (ExportRecord.status == ExportStatus.WAITING.value) | (
        (ExportRecord.status == ExportStatus.RUNNING.value)
        # It is already ours if the answer to an earlier try was lost.
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
    return _as_export(record) if update_if(record, actions, free) else None


def set_progress(export_id: str, run: str, *, rows: int | None, done: int, progress: int, now: datetime) -> bool:
    """Store how far the export is. Returns whether the run still owns it."""
    actions = [ExportRecord.done.set(done), ExportRecord.progress.set(progress), ExportRecord.updated_at.set(now)]
    if rows is not None:
        actions.append(ExportRecord.rows.set(rows))
    return update_if(ExportRecord(*_key(export_id)), actions, _owned_by(run))


def finish(export_id: str, run: str, *, rows: int, size: int, now: datetime) -> bool:
    """Mark the export as READY. Returns whether the run still owns it, or has finished it in an earlier try."""
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
    return update_if(ExportRecord(*_key(export_id)), actions, _owned_by(run) | finished)


def fail(export_id: str, run: str, reason: Reason, now: datetime) -> bool:
    """Mark the export as FAILED. Returns whether the run still owned it."""
    actions = [
        ExportRecord.status.set(ExportStatus.FAILED.value),
        ExportRecord.reason.set(reason.value),
        ExportRecord.finished_at.set(now),
        ExportRecord.updated_at.set(now),
    ]
    return update_if(ExportRecord(*_key(export_id)), actions, _owned_by(run))


def release(export_id: str, run: str, now: datetime) -> bool:
    """Leave the export to another run, after an error. Returns whether this run still owned it."""
    actions = [ExportRecord.status.set(ExportStatus.WAITING.value), ExportRecord.updated_at.set(now)]
    return update_if(ExportRecord(*_key(export_id)), actions, _owned_by(run))


def _owned_by(run: str) -> Condition:
    owned: Condition = (ExportRecord.run == run) & (ExportRecord.status == ExportStatus.RUNNING.value)
    return owned


def _key(export_id: str) -> tuple[str, str]:
    return f"EXPORT#{export_id}", "EXPORT"


def _latest_partition(raffle_id: str) -> str:
    return f"EXPORTS#{raffle_id}"


def _latest_key(request: ExportRequest) -> tuple[str, str]:
    return _latest_partition(request.raffle_id), f"{request.of}#{request.format}#{request.status or ''}"


def _as_record(export: Export) -> ExportRecord:
    request = export.request
    return ExportRecord(
        *_key(export.id),
        id=export.id,
        raffle_id=request.raffle_id,
        of=request.of.value,
        format=request.format.value,
        ticket_status=request.status and request.status.value,
        status=export.status.value,
        file_name=export.file_name,
        done=export.done,
        progress=export.progress,
        created_at=export.created_at,
        updated_at=export.updated_at,
        vanishes_at=export.vanishes_at,
    )


def _as_export(record: ExportRecord) -> Export:
    def as_int(value: Any) -> int | None:
        return None if value is None else int(value)

    status = record.ticket_status
    return Export(
        id=record.id,
        request=ExportRequest(
            record.raffle_id, Of(record.of), Format(record.format), TicketStatus(status) if status else None
        ),
        status=ExportStatus(record.status),
        file_name=record.file_name,
        created_at=record.created_at,
        updated_at=record.updated_at,
        rows=as_int(record.rows),
        done=int(record.done),
        progress=int(record.progress),
        size=as_int(record.size),
        reason=Reason(record.reason) if record.reason else None,
        finished_at=record.finished_at,
        run=record.run,
        leased_until=record.leased_until,
    )
