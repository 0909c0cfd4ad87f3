"""Accept what WhatsApp posts to the webhook: check the signature, split the body, and queue each update.

The worker behind the queue decides what to do about an update.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from json import dumps, loads
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.domain.decisions import Decision
from chalicelib.telemetry import count, logger
from chalicelib.whatsapp.webhook import Split, Unusable, Update, is_signed, split

# Limits of SendMessageBatch; the second one is 256 KiB.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
BATCH_ENTRIES = 10
BATCH_BYTES = 250_000
PARALLEL_CALLS = 8
MAX_ESCAPED_BYTES = 12  # of one character in JSON: two escapes of a surrogate pair


class NotQueued(Exception):
    """At least one update could not be queued, so WhatsApp must deliver the body again."""


@dataclass(frozen=True, kw_only=True)
class Inbox:
    """Puts updates from WhatsApp into the queue.

    Attributes:
        sqs: makes a boto3 SQS client.
        app_secrets: the secrets with which Meta may have signed a body; two while one replaces the other.
        phone_number_id: our number. Updates for other numbers are ignored.
    """

    sqs: Callable[[], Any]
    queue_url: str
    app_secrets: Callable[[], Sequence[str]]
    phone_number_id: str

    def accept(self, raw: bytes, signature: str | None) -> bool:
        """Queue every update of a body. Return False and queue nothing if WhatsApp did not sign it.

        Raises NotQueued.
        """
        if not is_signed(raw, signature, self.app_secrets()):
            count("WebhooksRefused")
            return False
        parts = split(raw, phone_number_id=self.phone_number_id)
        if parts.ignored or parts.unusable:
            reasons = sorted({unusable.reason for unusable in parts.unusable})
            extra = {"ignored": parts.ignored, "unusable": len(parts.unusable), "reasons": reasons}
            logger.warning("updates not for us or not understood", extra=extra)
            count("UpdatesUnusable", len(parts.unusable))
        entries = _to_entries(parts)
        self._queue_all(entries)
        count("UpdatesQueued", len(entries))
        return True

    def replay(self, body: str, *, salt: str) -> int:
        """Queue the body of a dead letter again. Return how many updates that were. Raises NotQueued.

        A body that could not be read is split again, since the code may understand it by now. What an organiser chose
        is handed over again by `converse`.

        Args:
            salt: a different one for each replay. Without it the queue would drop the update as a duplicate of the
                first one for five minutes.
        """
        try:
            entries = [_to_entry(Update.from_json(body))]
        except ValueError:
            decision = _to_decision_entry(body)
            entries = (
                [decision] if decision else _to_entries(split(_read_posted(body), phone_number_id=self.phone_number_id))
            )
        suffix = sha256(salt.encode()).hexdigest()[:16]
        self._queue_all(
            [{**entry, "MessageDeduplicationId": f"{entry['MessageDeduplicationId']}-{suffix}"} for entry in entries]
        )
        return len(entries)

    def _queue_all(self, entries: Sequence[dict[str, str]]) -> None:
        batches = list(_in_batches(entries))
        if len(batches) == 1:
            self._queue_batch(batches[0])
        elif batches:
            with ThreadPoolExecutor(min(PARALLEL_CALLS, len(batches))) as pool:
                list(pool.map(self._queue_batch, batches))

    def _queue_batch(self, entries: list[dict[str, str]]) -> None:
        numbered = [{**entry, "Id": str(index)} for index, entry in enumerate(entries)]
        try:
            answer = self.sqs().send_message_batch(QueueUrl=self.queue_url, Entries=numbered)
        except ClientError as failure:
            raise _report_not_queued(failure.response["Error"]["Code"]) from failure
        except BotoCoreError as failure:
            raise _report_not_queued(type(failure).__name__) from failure
        if answer.get("Failed"):
            raise _report_not_queued(f"{len(answer['Failed'])} of {len(entries)}")


def _report_not_queued(reason: str) -> NotQueued:
    logger.error("updates could not be queued", extra={"reason": reason})
    count("UpdatesNotQueued")
    return NotQueued(reason)


def _to_entries(parts: Split) -> list[dict[str, str]]:
    return [
        *(_to_entry(update) for update in parts.updates),
        *(_to_dead_entry(unusable) for unusable in parts.unusable),
    ]


def _to_decision_entry(body: str) -> dict[str, str] | None:
    """Return the entry for what an organiser chose (O11), which was given up; None for anything else."""
    try:
        decision = Decision.from_json(body)
    except (ValueError, KeyError, TypeError):
        return None
    return {
        "MessageBody": body, "MessageGroupId": decision.contact_id, "MessageDeduplicationId": decision.inbound_id,
    }  # fmt: skip


def _to_entry(update: Update) -> dict[str, str]:
    body = update.to_json()
    if len(body) > BATCH_BYTES:
        return _to_dead_entry(Unusable(reason="larger than the queue takes", body=body))
    return {
        "MessageBody": body,
        "MessageGroupId": update.group,
        "MessageDeduplicationId": update.deduplication_id,
    }


def _read_posted(body: str) -> bytes:
    """Return what WhatsApp posted, from the entry of a body that could not be read."""
    try:
        return str(loads(body)["body"]).encode("utf-8", "surrogatepass")
    except (ValueError, KeyError, TypeError, RecursionError):
        return body.encode("utf-8", "surrogatepass")


def _to_dead_entry(unusable: Unusable) -> dict[str, str]:
    """Return the entry for a part of a signed body that we don't understand. The worker makes a dead letter of it."""
    body = dumps({"unusable": unusable.reason, "body": unusable.body})
    if len(body) > BATCH_BYTES:
        start = unusable.body[: BATCH_BYTES // MAX_ESCAPED_BYTES]
        body = dumps({"unusable": f"{unusable.reason} (cut)", "body": start})
    digest = sha256(body.encode()).hexdigest()
    return {"MessageBody": body, "MessageGroupId": digest, "MessageDeduplicationId": digest}


def _in_batches(entries: Sequence[dict[str, str]]) -> Iterator[list[dict[str, str]]]:
    """Yield the entries in order, in batches within SQS's limits."""
    batch: list[dict[str, str]] = []
    size = 0
    for entry in entries:
        length = len(entry["MessageBody"].encode())
        if batch and (len(batch) == BATCH_ENTRIES or size + length > BATCH_BYTES):
            yield batch
            batch = []
            size = 0
        batch.append(entry)
        size += length
    if batch:
        yield batch
