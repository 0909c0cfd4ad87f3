"""Exports: small ones at once, larger ones in the background, each a file for organisers."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from json import dumps
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.adapters.uploads import Upload
from chalicelib.domain.export_columns import COLUMNS
from chalicelib.domain.exports import LONGEST, Export, ExportRequest, ExportStatus, Of, Reason, file_name
from chalicelib.domain.organisers import Actor
from chalicelib.domain.raffles import Board, Raffle
from chalicelib.domain.refusals import ExportNotFound, RaffleNotFound, TryAgain
from chalicelib.services.exports.rows import ExportRows, Noted, TooMany
from chalicelib.services.exports.spreadsheet import CONTENT_TYPES, ByteWriter, TooManyRows, sheet
from chalicelib.store import audit, exports, idempotency, raffles
from chalicelib.store.idempotency import IdempotencyKey
from chalicelib.store.transaction import Busy, ConditionsFailed, Transaction, retry
from chalicelib.telemetry import alert, count, logger, measure, pseudonym

# A Lambda answer has at most 6 MB, and a file's bytes grow by a third in it (base64). Ten thousand rows are about 1 MB
# as CSV; reading them takes 200 requests at worst (an order and a contact each), two or three seconds of the 29.
MOST_ROWS = 10_000
MOST_BYTES = 4_000_000
LINK = timedelta(minutes=5)
NOTED_EVERY = timedelta(seconds=3)


class File(NamedTuple):
    name: str
    content_type: str
    content: bytes

    @property
    def disposition(self) -> str:
        return attachment(self.name)


class ExportLink(NamedTuple):
    """An export, and where its file can be had for a while; None while there is none."""

    export: Export
    url: str | None = None
    url_expires_at: datetime | None = None


class _TooLarge(Exception):
    """The file does not fit into an answer."""


class _Superseded(Exception):
    """The export is gone, or somebody else makes it by now."""


class _TooLong(Exception):
    """The function would be stopped before the file is whole."""


REASONS: dict[type[Exception], Reason] = {
    RaffleNotFound: Reason.RAFFLE_GONE,
    TooManyRows: Reason.TOO_MANY_ROWS,
    _TooLong: Reason.TOO_LONG,
}


@dataclass(frozen=True, kw_only=True)
class Exports:
    """The use cases. `s3` and `sqs` are boto3 clients, made when they are first needed."""

    s3: Callable[[], Any]
    sqs: Callable[[], Any]
    bucket: str
    queue_url: str
    clock: Callable[[], datetime]
    random_hex: Callable[[], str]

    def file(self, wanted: ExportRequest, *, by: Actor) -> File | None:
        """The whole file, and that somebody took it is noted; None where it is too large to be had at once.

        Raises RaffleNotFound, TryAgain.
        """
        board, buffer = raffles.board(wanted.raffle_id), _Buffer()
        try:
            rows = write(board, wanted, buffer, most=MOST_ROWS)
        except (TooMany, TooManyRows, _TooLarge):
            return None

        def attempt() -> None:
            transaction = Transaction()
            self._record_audit(transaction, wanted, by, {"rows": rows})
            transaction.commit()

        retry(attempt, again_on=(Busy, ConditionsFailed))
        self._log("exported", wanted, by)
        return File(self._name(board.raffle, wanted), CONTENT_TYPES[wanted.format], bytes(buffer.content))

    def ask(self, wanted: ExportRequest, *, by: Actor, idempotency_key: IdempotencyKey | None = None) -> Export:
        """Have it made in the background; the one that is on its way already, if the same is.

        Raises RaffleNotFound, KeyUsedOtherwise, TryAgain.
        """
        raffle, export_id = raffles.get(wanted.raffle_id), self.random_hex()
        again = (Busy, ConditionsFailed)
        found = retry(lambda: self._ask(raffle, wanted, export_id, by, idempotency_key), again_on=again)
        if found.status is ExportStatus.WAITING:  # again where it is not new: its message may not have been sent
            self._queue(found)
        self._log("export asked for", wanted, by, export_id=found.id)
        return found

    def get(self, export_id: str) -> ExportLink:
        """How far it is, with a new link when it is ready. Raises ExportNotFound."""
        export, now = exports.get(export_id), self.clock()
        if export.is_gone(now):
            raise ExportNotFound(export_id)
        if export.is_abandoned(now):
            return ExportLink(replace(export, status=ExportStatus.FAILED, reason=Reason.GIVEN_UP))
        if export.status is not ExportStatus.READY:
            return ExportLink(export)
        asked = {
            "Bucket": self.bucket,
            "Key": export.key,
            "ResponseContentType": CONTENT_TYPES[export.wanted.format],
            "ResponseContentDisposition": attachment(export.file_name),
        }
        url = self.s3().generate_presigned_url("get_object", Params=asked, ExpiresIn=int(LINK.total_seconds()))
        return ExportLink(export, url, now + LINK)

    def make(self, export_id: str, *, last_try: bool) -> None:
        """Make the file that was asked for. Does nothing where it is made, gone, or being made.

        Raises what should be tried again; at the last try, and where trying again is of no use, the export is FAILED.
        """
        run = self.random_hex()
        export = retry(lambda: exports.start(export_id, run, self.clock()))
        if export is None:
            logger.info("an export needs no making", extra={"export_id": export_id})
            return
        try:
            self._make(export, run)
        except _Superseded:
            self._forget(export)
        except Exception as failure:
            reason = REASONS.get(type(failure))
            if reason is None and not last_try:
                with suppress(TryAgain):
                    retry(lambda: exports.release(export.id, run, self.clock()))
                raise
            self._fail(export, run, reason or Reason.INTERNAL_ERROR, failure)

    def _ask(
        self,
        raffle: Raffle,
        wanted: ExportRequest,
        export_id: str,
        by: Actor,
        idempotency_key: IdempotencyKey | None,
    ) -> Export:
        if earlier_id := idempotency.find_result(idempotency_key, by):
            return exports.get(earlier_id)
        before, now, transaction = exports.latest(wanted), self.clock(), Transaction()
        if before.export is not None and before.export.id == export_id:  # by a try whose answer did not come
            return before.export
        if before.export is not None and before.export.is_being_made(now):
            export = before.export
        else:
            export = Export(
                id=export_id,
                wanted=wanted,
                status=ExportStatus.WAITING,
                file_name=self._name(raffle, wanted),
                created_at=now,
                updated_at=now,
            )
            exports.add(transaction, export, before)
        idempotency.record_result(transaction, idempotency_key, by, export.id, now)
        self._record_audit(transaction, wanted, by, {"export": export.id})
        transaction.commit()
        return export

    def _record_audit(self, transaction: Transaction, wanted: ExportRequest, by: Actor, facts: dict[str, Any]) -> None:
        """O2: who took data out, and which."""
        target = f"raffle:{wanted.raffle_id}"
        after = {"of": wanted.of.value, "format": wanted.format.value, **facts}
        if wanted.status is not None:
            after["status"] = wanted.status.value
        audit.record(
            transaction, action="raffle.exported", target=target, by=by, at=self.clock(), before={}, after=after
        )

    def _queue(self, export: Export) -> None:
        try:
            self.sqs().send_message(QueueUrl=self.queue_url, MessageBody=dumps({"export": export.id}))
        except (BotoCoreError, ClientError) as failure:
            logger.warning("an export could not be queued", extra={"reason": type(failure).__name__})
            raise TryAgain(unsure=True) from None

    def _make(self, export: Export, run: str) -> None:
        board, progress = raffles.board(export.wanted.raffle_id), _Progress(export, run, self.clock)
        content_type = CONTENT_TYPES[export.wanted.format]
        with Upload(self.s3(), bucket=self.bucket, key=export.key, content_type=content_type) as upload:
            write(board, export.wanted, upload, progress=progress)
        done, now = progress.done, self.clock()
        if not retry(lambda: exports.finish(export.id, run, rows=done, size=upload.size, now=now)):
            raise _Superseded
        count("ExportsMade")
        measure("ExportTime", now - export.created_at)
        logger.info("export made", extra={"export_id": export.id, "rows": done, "bytes": upload.size})

    def _fail(self, export: Export, run: str, reason: Reason, failure: Exception) -> None:
        retry(lambda: exports.fail(export.id, run, reason, self.clock()))
        count("ExportsFailed")
        logger.error("an export failed", extra={"export_id": export.id, "reason": reason.value}, exc_info=failure)
        if reason is Reason.INTERNAL_ERROR:
            alert("an export could not be made", export_id=export.id)

    def _forget(self, export: Export) -> None:
        """Take away the file of an export that is gone; leave that of one which another run makes."""
        logger.warning("an export was taken away while it was made", extra={"export_id": export.id})
        try:
            exports.get(export.id)
        except ExportNotFound:
            self.s3().delete_object(Bucket=self.bucket, Key=export.key)

    def _name(self, raffle: Raffle, wanted: ExportRequest) -> str:
        return file_name(raffle.code, wanted, self.clock().astimezone(ZoneInfo(raffle.time_zone)))

    def _log(self, what: str, wanted: ExportRequest, by: Actor, **more: str) -> None:
        extra = {"raffle_id": wanted.raffle_id, "of": wanted.of.value, "format": wanted.format.value}
        logger.info(what, extra={**extra, "by": pseudonym(by.name), **more})


class _Progress:
    """Notes every few seconds how far an export is. Raises _Superseded, _TooLong."""

    def __init__(self, export: Export, run: str, clock: Callable[[], datetime]) -> None:
        self._export, self._run, self._clock = export, run, clock
        self._began = self._noted = clock()
        self._share_read = 0.0
        self.done = 0
        self.rows: int | None = None

    def read(self, share: float) -> None:
        self._share_read = share
        self._note()

    def wrote(self, done: int, rows: int | None) -> None:
        self.done, self.rows = done, rows
        self._note()

    @property
    def _percent(self) -> int:
        """Tickets are read and written in turn; of the rest, all is read first, which takes longest."""
        if self._export.wanted.of is Of.TICKETS:
            return int(99 * self._share_read)
        return int(70 * self._share_read + (29 * self.done / self.rows if self.rows else 0))

    def _note(self) -> None:
        now = self._clock()
        if now >= self._began + LONGEST:
            raise _TooLong
        if now < self._noted + NOTED_EVERY:
            return
        self._noted = now
        try:
            held = exports.note(
                self._export.id, self._run, rows=self.rows, done=self.done, progress=self._percent, now=now
            )
        except Busy:  # it is only a note
            return
        if not held:
            raise _Superseded


class _Buffer:
    def __init__(self) -> None:
        self.content = bytearray()

    def write(self, data: bytes) -> None:
        self.content += data
        if len(self.content) > MOST_BYTES:
            raise _TooLarge


def write(
    board: Board, wanted: ExportRequest, sink: ByteWriter, *, progress: _Progress | None = None, most: int | None = None
) -> int:
    """Write the file, and how many rows it has. Raises TooMany (than `most`), TooManyRows, and what `sink` raises."""
    read: Noted = (lambda _: None) if progress is None else progress.read
    gathering, done = ExportRows(board, wanted, read=read, most=most), 0
    with sheet(wanted.format, sink, COLUMNS[wanted.of], time_zone=board.raffle.time_zone) as add:
        for rows in gathering:
            add(rows)
            done += len(rows)
            if progress is not None:
                progress.wrote(done, gathering.rows)
    return done


def attachment(name: str) -> str:
    """The header that has a browser, or `curl -OJ`, keep the file under this name (of ASCII letters and digits)."""
    return f'attachment; filename="{name}"'
