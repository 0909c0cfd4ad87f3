"""From WhatsApp's webhook to the queue: accept, split, queue, answer. Nothing is decided here."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from json import dumps, loads
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.telemetry import count, logger
from chalicelib.whatsapp.webhook import Unusable, Update, is_signed, split

ENTRIES_A_CALL = 10  # SQS's limit
CALL_BYTES = 250_000  # SQS's limit is 256 KiB
PARALLEL_CALLS = 8


class NotQueued(Exception):
    """At least one update is not safely in the queue: WhatsApp must deliver the body again."""


@dataclass(frozen=True, kw_only=True)
class Inbox:
    """The use case behind the webhook. `sqs` is a boto3 SQS client, made when it is first needed."""

    sqs: Callable[[], Any]
    queue_url: str
    app_secrets: Callable[[], Sequence[str]]
    phone_number_id: str

    def accept(self, raw: bytes, signature: str | None) -> bool:
        """Queue every update of a body. False, and nothing is kept, when WhatsApp did not sign it. Raises NotQueued."""
        if not is_signed(raw, signature, self.app_secrets()):
            count("WebhooksRefused")
            return False
        found = split(raw, phone_number_id=self.phone_number_id)
        if found.ignored or found.unusable:
            reasons = sorted({unusable.reason for unusable in found.unusable})
            extra = {"ignored": found.ignored, "unusable": len(found.unusable), "reasons": reasons}
            logger.warning("updates not for us or not understood", extra=extra)
            count("UpdatesUnusable", len(found.unusable))
        entries = [_entry(update) for update in found.updates] + [_dead(unusable) for unusable in found.unusable]
        self._queue_all(entries)
        count("UpdatesQueued", len(entries))
        return True

    def replay(self, body: str, *, mark: str) -> int:
        """Queue once more what was queued before and became a dead letter. How many updates. Raises NotQueued.

        What could not be read then is taken apart anew: by now it may be understood. `mark` is unlike that of any
        other replay, since the queue drops for five minutes what it has had already.
        """
        try:
            entries = [_entry(Update.from_json(body))]
        except ValueError:
            found = split(_posted(body), phone_number_id=self.phone_number_id)
            entries = [_entry(update) for update in found.updates] + [_dead(unusable) for unusable in found.unusable]
        salt = sha256(mark.encode()).hexdigest()[:16]
        self._queue_all(
            [{**entry, "MessageDeduplicationId": f"{entry['MessageDeduplicationId']}-{salt}"} for entry in entries]
        )
        return len(entries)

    def _queue_all(self, entries: Sequence[dict[str, str]]) -> None:
        calls = list(_calls(entries))
        if len(calls) == 1:
            self._queue(calls[0])
        elif calls:
            with ThreadPoolExecutor(min(PARALLEL_CALLS, len(calls))) as pool:
                list(pool.map(self._queue, calls))

    def _queue(self, entries: list[dict[str, str]]) -> None:
        numbered = [{**entry, "Id": str(index)} for index, entry in enumerate(entries)]
        try:
            answer = self.sqs().send_message_batch(QueueUrl=self.queue_url, Entries=numbered)
        except ClientError as failure:
            raise _not_queued(failure.response["Error"]["Code"]) from failure
        except BotoCoreError as failure:
            raise _not_queued(type(failure).__name__) from failure
        if answer.get("Failed"):
            raise _not_queued(f"{len(answer['Failed'])} of {len(entries)}")


def _not_queued(reason: str) -> NotQueued:
    logger.error("updates could not be queued", extra={"reason": reason})
    count("UpdatesNotQueued")
    return NotQueued(reason)


def _entry(update: Update) -> dict[str, str]:
    body = update.to_json()
    if len(body) > CALL_BYTES:
        return _dead(Unusable(reason="larger than the queue takes", body=body))
    return {
        "MessageBody": body,
        "MessageGroupId": update.group,
        "MessageDeduplicationId": update.deduplication_id,
    }


def _posted(body: str) -> bytes:
    """What WhatsApp posted, of an entry that says that it could not be read."""
    try:
        return str(loads(body)["body"]).encode("utf-8", "surrogatepass")
    except (ValueError, KeyError, TypeError, RecursionError):
        return body.encode("utf-8", "surrogatepass")


def _dead(unusable: Unusable) -> dict[str, str]:
    """Signed but not understood: through the queue, whose function makes a dead letter of it."""
    body = dumps({"unusable": unusable.reason, "body": unusable.body})
    if len(body) > CALL_BYTES:  # escaped as JSON a character may take twelve bytes
        body = dumps({"unusable": f"{unusable.reason} (cut)", "body": unusable.body[: CALL_BYTES // 12]})
    digest = sha256(body.encode()).hexdigest()
    return {"MessageBody": body, "MessageGroupId": digest, "MessageDeduplicationId": digest}


def _calls(entries: Sequence[dict[str, str]]) -> Iterator[list[dict[str, str]]]:
    """The entries in calls of at most ten and 250 KB, in order."""
    call: list[dict[str, str]] = []
    size = 0
    for entry in entries:
        length = len(entry["MessageBody"].encode())
        if call and (len(call) == ENTRIES_A_CALL or size + length > CALL_BYTES):
            yield call
            call, size = [], 0
        call.append(entry)
        size += length
    if call:
        yield call
