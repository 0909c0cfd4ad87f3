"""From WhatsApp's webhook to the queue: accept, split, queue, answer. Nothing is decided here."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from json import dumps
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.logs import count, logger
from chalicelib.whatsapp.webhook import Unusable, Update, is_signed, split

ENTRIES_A_CALL = 10  # SQS's limit
CALL_BYTES = 250_000  # SQS's limit is 256 KiB
PARALLEL_CALLS = 8


class NotQueued(Exception):
    """At least one update is not safely in the queue: WhatsApp must deliver the body again."""


@dataclass(frozen=True, kw_only=True)
class Receiving:
    """The use case behind the webhook. `sqs` is a boto3 SQS client, made when it is first needed."""

    sqs: Callable[[], Any]
    queue_url: str
    app_secrets: Sequence[str]
    phone_number_id: str

    def accept(self, raw: bytes, signature: str | None) -> bool:
        """Queue every update of a body. False, and nothing is kept, when WhatsApp did not sign it. Raises NotQueued."""
        if not is_signed(raw, signature, self.app_secrets):
            count("WebhooksRefused")
            return False
        found = split(raw, phone_number_id=self.phone_number_id)
        if found.ignored or found.unusable:
            reasons = sorted({unusable.reason for unusable in found.unusable})
            extra = {"ignored": found.ignored, "unusable": len(found.unusable), "reasons": reasons}
            logger.warning("updates not for us or not understood", extra=extra)
            count("UpdatesUnusable", len(found.unusable))
        entries = [_entry(update) for update in found.updates] + [_dead(unusable) for unusable in found.unusable]
        calls = list(_calls(entries))
        if len(calls) == 1:
            self._queue(calls[0])
        elif calls:
            with ThreadPoolExecutor(min(PARALLEL_CALLS, len(calls))) as pool:
                list(pool.map(self._queue, calls))
        count("UpdatesQueued", len(entries))
        return True

    def _queue(self, entries: list[dict[str, str]]) -> None:
        numbered = [{**entry, "Id": str(index)} for index, entry in enumerate(entries)]
        try:
            answer = self.sqs().send_message_batch(QueueUrl=self.queue_url, Entries=numbered)
        except (BotoCoreError, ClientError) as failure:
            raise NotQueued(type(failure).__name__) from failure
        if answer.get("Failed"):
            raise NotQueued(f"{len(answer['Failed'])} of {len(entries)}")


def _entry(update: Update) -> dict[str, str]:
    body = update.to_json()
    if len(body) > CALL_BYTES:
        return _dead(Unusable(reason="larger than the queue takes", body=body))
    return {
        "MessageBody": body,
        "MessageGroupId": update.group,
        "MessageDeduplicationId": update.deduplication_id,
    }


def _dead(unusable: Unusable) -> dict[str, str]:
    """Signed but not understood: through the queue, whose function refuses it into the dead letters. A group of its
    own, since a refused message holds up its group until it is given up."""
    # Escaped as JSON a character may take twelve bytes.
    body = dumps({"unusable": unusable.reason, "body": unusable.body[: CALL_BYTES // 12]})
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
