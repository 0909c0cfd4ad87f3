"""Export a raffle to a file: small exports at once, larger ones in the background."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from io import BytesIO
from json import dumps
from tempfile import TemporaryFile
from typing import IO, Any, NamedTuple
from zoneinfo import ZoneInfo

from boto3.s3.transfer import TransferConfig
from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.domain.export_columns import COLUMNS, raffle_facts
from chalicelib.domain.exports import LONGEST, Export, ExportRequest, ExportStatus, Of, Reason, file_name
from chalicelib.domain.organisers import Actor
from chalicelib.domain.raffles import Board, Raffle
from chalicelib.domain.refusals import ExportNotFound, RaffleNotFound, TryAgain
from chalicelib.services.exports.rows import ExportRows, OnRead, RowLimitExceeded
from chalicelib.services.exports.spreadsheet import CONTENT_TYPES, SheetFull, open_sheet
from chalicelib.store import audit, exports, idempotency, raffles
from chalicelib.store.idempotency import IdempotencyKey
from chalicelib.store.transaction import Busy, ConditionsFailed, Transaction, retry
from chalicelib.telemetry import alert, count, logger, measure, pseudonym

# A Lambda response has at most 6 MB, and base64 makes a file a third larger. Ten thousand rows are about 1 MB as CSV.
# Reading them takes 200 requests at worst (an order and a contact each): two or three of the 29 seconds.
MAX_ROWS = 10_000
MAX_BYTES = 4_000_000
LINK_LIFETIME = timedelta(minutes=5)
PROGRESS_INTERVAL = timedelta(seconds=3)
# Without threads: one part of 8 MB in memory at a time. The function has one processor, and even the largest file is
# uploaded in seconds.
TRANSFER = TransferConfig(use_threads=False)


class ExportFile(NamedTuple):
    name: str
    content_type: str
    content: bytes

    @property
    def disposition(self) -> str:
        return content_disposition(self.name)


class ExportLink(NamedTuple):
    """An export, and a temporary link to its file; None while there is no file."""

    export: Export
    url: str | None = None
    url_expires_at: datetime | None = None


class _ResponseTooLarge(Exception):
    """The file does not fit into a response."""


class _Superseded(Exception):
    """The export is gone, or another run owns it by now."""


class _TooLong(Exception):
    """The function would be stopped before the file is complete."""


REASONS: dict[type[Exception], Reason] = {
    RaffleNotFound: Reason.RAFFLE_GONE,
    SheetFull: Reason.TOO_MANY_ROWS,
    _TooLong: Reason.TOO_LONG,
}


@dataclass(frozen=True, kw_only=True)
class Exports:
    """The use cases. `s3` and `sqs` return boto3 clients, which are made when first needed."""

    s3: Callable[[], Any]
    sqs: Callable[[], Any]
    bucket: str
    queue_url: str
    clock: Callable[[], datetime]
    random_hex: Callable[[], str]

    def make_at_once(self, request: ExportRequest, *, by: Actor) -> ExportFile | None:
        """Make the file now and record the export in the audit log. Return None if the file is too large for that.

        Raises RaffleNotFound, TryAgain.
        """
        board = raffles.board(request.raffle_id)
        buffer = _ResponseBuffer()
        try:
            rows = write(board, request, buffer, most=MAX_ROWS)
        except (RowLimitExceeded, SheetFull, _ResponseTooLarge):
            return None

        def attempt() -> None:
            transaction = Transaction()
            self._record_audit(transaction, request, by, {"rows": rows})
            transaction.commit()

        retry(attempt, again_on=(Busy, ConditionsFailed))
        self._log("exported", request, by)
        return ExportFile(self._file_name(board.raffle, request), CONTENT_TYPES[request.format], buffer.getvalue())

    def enqueue(self, request: ExportRequest, *, by: Actor, idempotency_key: IdempotencyKey | None = None) -> Export:
        """Have the file made in the background. If the same export is already on its way, return that one.

        Raises RaffleNotFound, KeyUsedOtherwise, TryAgain.
        """
        raffle = raffles.get(request.raffle_id)
        export_id = self.random_hex()
        export = retry(
            lambda: self._add(raffle, request, export_id, by, idempotency_key), again_on=(Busy, ConditionsFailed)
        )
        # Also if the export is not new: its message may never have been sent.
        if export.status is ExportStatus.WAITING:
            self._send(export)
        self._log("export asked for", request, by, export_id=export.id)
        return export

    def latest(self, raffle_id: str) -> list[Export]:
        """Return the last export of each kind that was made of a raffle in the background, the newest first."""
        now = self.clock()
        return [export for export in exports.latest_of(raffle_id) if export.vanishes_at > now]

    def get(self, export_id: str, *, by: Actor) -> ExportLink:
        """Return how far an export is, with a new link once it is READY.

        The audit log records who got a link: it need not be who asked for the export. Raises ExportNotFound, TryAgain.
        """
        export = exports.get(export_id)
        now = self.clock()
        if export.is_gone(now):
            raise ExportNotFound(export_id)
        if export.is_abandoned(now):
            return ExportLink(replace(export, status=ExportStatus.FAILED, reason=Reason.GIVEN_UP))
        if export.status is not ExportStatus.READY:
            return ExportLink(export)
        retry(lambda: self._record_reading(export, by), again_on=(Busy, ConditionsFailed))
        parameters = {
            "Bucket": self.bucket,
            "Key": export.key,
            "ResponseContentType": CONTENT_TYPES[export.request.format],
            "ResponseContentDisposition": content_disposition(export.file_name),
        }
        seconds = int(LINK_LIFETIME.total_seconds())
        url = self.s3().generate_presigned_url("get_object", Params=parameters, ExpiresIn=seconds)
        return ExportLink(export, url, now + LINK_LIFETIME)

    def make(self, export_id: str, *, last_try: bool) -> None:
        """Make the file of an export. Do nothing if it is ready, gone, or being made.

        Raises what is worth another try. If it is not worth one, or this is the last try, the export is FAILED instead.
        """
        run = self.random_hex()
        export = retry(lambda: exports.start(export_id, run, self.clock()))
        if export is None:
            logger.info("an export needs no making", extra={"export_id": export_id})
            return
        try:
            self._make(export, run)
        except _Superseded:
            self._delete_orphaned_file(export)
        except Exception as failure:
            reason = REASONS.get(type(failure))
            if reason is None and not last_try:
                with suppress(TryAgain):
                    retry(lambda: exports.release(export.id, run, self.clock()))
                raise
            self._fail(export, run, reason or Reason.INTERNAL_ERROR, failure)

    def _add(
        self, raffle: Raffle, request: ExportRequest, export_id: str, by: Actor, idempotency_key: IdempotencyKey | None
    ) -> Export:
        if earlier_id := idempotency.find_result(idempotency_key, by):
            return exports.get(earlier_id)
        latest = exports.get_latest(request)
        now = self.clock()
        transaction = Transaction()
        if latest.export is not None and latest.export.id == export_id:  # stored by a try whose answer was lost
            return latest.export
        if latest.export is not None and latest.export.is_being_made(now):
            export = latest.export
        else:
            export = Export(
                id=export_id,
                request=request,
                status=ExportStatus.WAITING,
                file_name=self._file_name(raffle, request),
                created_at=now,
                updated_at=now,
            )
            exports.add(transaction, export, latest)
        idempotency.record_result(transaction, idempotency_key, by, export.id, now)
        self._record_audit(transaction, request, by, {"export": export.id})
        transaction.commit()
        return export

    def _record_reading(self, export: Export, by: Actor) -> None:
        transaction = Transaction()
        self._record_audit(transaction, export.request, by, {"export": export.id}, action="raffle.export_read")
        transaction.commit()

    def _record_audit(
        self,
        transaction: Transaction,
        request: ExportRequest,
        by: Actor,
        facts: dict[str, Any],
        *,
        action: str = "raffle.exported",
    ) -> None:
        """Record who took which data out (O2)."""
        target = f"raffle:{request.raffle_id}"
        after = {"of": request.of.value, "format": request.format.value, **facts}
        if request.status is not None:
            after["status"] = request.status.value
        audit.record(transaction, action=action, target=target, by=by, at=self.clock(), before={}, after=after)

    def _send(self, export: Export) -> None:
        try:
            self.sqs().send_message(QueueUrl=self.queue_url, MessageBody=dumps({"export": export.id}))
        except (BotoCoreError, ClientError) as failure:
            logger.warning("an export could not be queued", extra={"reason": type(failure).__name__})
            raise TryAgain(unsure=True) from None

    def _make(self, export: Export, run: str) -> None:
        board = raffles.board(export.request.raffle_id)
        progress = _Progress(export, run, self.clock)
        # On the function's disk of 2 GB (EphemeralStorage in infra/resources.json). A million orders take 1.5 GB
        # as XLSX, while XlsxWriter puts the sheet together, and 0.6 GB as CSV, with the scratch database.
        with TemporaryFile() as file:
            rows = write(board, export.request, file, progress=progress)
            size = file.tell()
            self._upload(file, export)
        now = self.clock()
        if not retry(lambda: exports.finish(export.id, run, rows=rows, size=size, now=now)):
            raise _Superseded
        count("ExportsMade")
        measure("ExportTime", now - export.created_at)
        logger.info("export made", extra={"export_id": export.id, "rows": rows, "bytes": size})

    def _upload(self, file: IO[bytes], export: Export) -> None:
        """Store the object as a whole or not at all. Its parts don't show in S3, and are deleted after a failure."""
        file.seek(0)
        content_type = CONTENT_TYPES[export.request.format]
        self.s3().upload_fileobj(
            file, self.bucket, export.key, ExtraArgs={"ContentType": content_type}, Config=TRANSFER
        )

    def _fail(self, export: Export, run: str, reason: Reason, failure: Exception) -> None:
        retry(lambda: exports.fail(export.id, run, reason, self.clock()))
        count("ExportsFailed")
        logger.error("an export failed", extra={"export_id": export.id, "reason": reason.value}, exc_info=failure)
        if reason is Reason.INTERNAL_ERROR:
            alert("an export could not be made", export_id=export.id)

    def _delete_orphaned_file(self, export: Export) -> None:
        """Delete the file if the export is gone. Keep it if another run makes the export: it is that run's file."""
        logger.warning("an export was taken away while it was made", extra={"export_id": export.id})
        try:
            exports.get(export.id)
        except ExportNotFound:
            self.s3().delete_object(Bucket=self.bucket, Key=export.key)

    def _file_name(self, raffle: Raffle, request: ExportRequest) -> str:
        return file_name(raffle.code, request, self.clock().astimezone(ZoneInfo(raffle.time_zone)))

    def _log(self, message: str, request: ExportRequest, by: Actor, **more: str) -> None:
        extra = {"raffle_id": request.raffle_id, "of": request.of.value, "format": request.format.value}
        logger.info(message, extra={**extra, "by": pseudonym(by.name), **more})


class _Progress:
    """Stores every few seconds how far an export is. Every update may raise _Superseded or _TooLong."""

    def __init__(self, export: Export, run: str, clock: Callable[[], datetime]) -> None:
        self._export = export
        self._run = run
        self._clock = clock
        self._started_at = self._stored_at = clock()
        self._share_read = 0.0
        self._done = 0
        self._rows: int | None = None

    def set_read(self, share: float) -> None:
        """Set the share of reading that is done, from 0 to 1."""
        self._share_read = share
        self._store()

    def set_written(self, done: int, rows: int | None) -> None:
        """Set how many rows are written, of how many in all."""
        self._done = done
        self._rows = rows
        self._store()

    @property
    def _percent(self) -> int:
        """Tickets are read and written in turn. Orders and buyers are all read first, which takes most of the time."""
        if self._export.request.of is Of.TICKETS:
            return int(99 * self._share_read)
        return int(70 * self._share_read + (29 * self._done / self._rows if self._rows else 0))

    def _store(self) -> None:
        now = self._clock()
        if now >= self._started_at + LONGEST:
            raise _TooLong
        if now < self._stored_at + PROGRESS_INTERVAL:
            return
        self._stored_at = now
        try:
            still_owned = exports.set_progress(
                self._export.id, self._run, rows=self._rows, done=self._done, progress=self._percent, now=now
            )
        except Busy:  # the next update will do
            return
        if not still_owned:
            raise _Superseded


class _ResponseBuffer(BytesIO):
    """A file in memory. Writing raises _ResponseTooLarge."""

    def write(self, data: Any) -> int:
        written = super().write(data)
        if self.tell() > MAX_BYTES:
            raise _ResponseTooLarge
        return written


def write(
    board: Board,
    request: ExportRequest,
    file: IO[bytes],
    *,
    progress: _Progress | None = None,
    most: int | None = None,
) -> int:
    """Write the export into the file and return how many rows it has.

    Raises RowLimitExceeded (more than `most`), SheetFull, and what `file` and `progress` raise.
    """
    on_read: OnRead = (lambda _: None) if progress is None else progress.set_read
    export_rows = ExportRows(board, request, on_read=on_read, most=most)
    done = 0
    columns, about = COLUMNS[request.of], raffle_facts(board.raffle)
    with open_sheet(request.format, file, columns, time_zone=board.raffle.time_zone, about=about) as add:
        for rows in export_rows:
            add(rows)
            done += len(rows)
            if progress is not None:
                progress.set_written(done, export_rows.total)
    return done


def content_disposition(name: str) -> str:
    """Return the header that makes browsers and `curl -OJ` save the file under this name (ASCII letters, digits)."""
    return f'attachment; filename="{name}"'
