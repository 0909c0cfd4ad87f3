"""Dead letters: kept with their reason, shown, and put into the queue once more when the reason is mended."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from json import loads
from typing import Any

from chalicelib.domain.organisers import Actor
from chalicelib.domain.refusals import LetterNotFound
from chalicelib.services.messaging.inbox import Inbox
from chalicelib.store import audit, dead_letters
from chalicelib.store.dead_letters import DeadLetter
from chalicelib.store.transaction import Busy, ConditionsFailed, Transaction, retry
from chalicelib.telemetry import count, logger

GIVEN_UP = "given up by the queue: the function did not end"
AT_ONCE = 10  # SQS's limit


@dataclass(frozen=True, kw_only=True)
class DeadLetters:
    """The use cases around dead letters. `sqs` is a boto3 SQS client, made when it is first needed."""

    inbox: Inbox
    sqs: Callable[[], Any]
    clock: Callable[[], datetime]

    def keep(self, body: str, reason: str, *, tries: int) -> None:
        """Keep what was in the queue. The same body is one letter, however often it comes. Raises TryAgain."""
        letter_id = sha256(body.encode()).hexdigest()[:12]
        letter = DeadLetter(letter_id, body, reason, tries, self.clock())
        retry(lambda: dead_letters.keep(letter))
        count("DeadLetters")
        logger.error("a dead letter was kept", extra={"letter": letter_id, "tries": tries})

    def collect(self) -> int:
        """Take over what the queue gave up by itself, since the function that had it was stopped. How many."""
        sqs, taken = self.sqs(), 0
        url = self._queue_of_dead_letters(sqs)
        while url and (found := self._given_up(sqs, url)):
            for message in found:
                tries = int(message.get("Attributes", {}).get("ApproximateReceiveCount", 1))
                self.keep(message["Body"], GIVEN_UP, tries=tries)
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                taken += 1
        return taken

    def listed(self) -> list[DeadLetter]:
        """All letters, the oldest first."""
        return dead_letters.listed()

    def get(self, letter_id: str) -> DeadLetter:
        """Raises LetterNotFound."""
        found = dead_letters.get(letter_id)
        if found is None:
            raise LetterNotFound(letter_id)
        return found

    def replay(self, letter_id: str, *, by: Actor) -> int:
        """Put what the letter holds into the queue once more, as if WhatsApp had just handed it over.

        How many updates that were. The letter is gone then; what still can't be handled becomes one again. Should it
        be replayed twice, each update takes effect once all the same (M1). Raises LetterNotFound, NotQueued.
        """
        letter = self.get(letter_id)
        queued = self.inbox.replay(letter.body, mark=f"{letter_id} {self.clock().isoformat()}")
        retry(lambda: self._put_away(letter, by), again_on=(Busy, ConditionsFailed))
        return queued

    def _put_away(self, letter: DeadLetter, by: Actor) -> None:
        transaction = Transaction()
        if (
            dead_letters.get(letter.id) == letter
        ):  # else it was kept once more, or is gone: by a replay at the same time
            dead_letters.delete(transaction, letter)
        target = f"letter:{letter.id}"
        audit.record(transaction, action="letter.replayed", target=target, by=by, at=self.clock(), before={}, after={})
        transaction.commit()

    def _queue_of_dead_letters(self, sqs: Any) -> str | None:
        asked = {"QueueUrl": self.inbox.queue_url, "AttributeNames": ["RedrivePolicy"]}
        policy = sqs.get_queue_attributes(**asked).get("Attributes", {}).get("RedrivePolicy")
        if policy is None:
            return None
        name = loads(policy)["deadLetterTargetArn"].rpartition(":")[2]
        return str(sqs.get_queue_url(QueueName=name)["QueueUrl"])

    def _given_up(self, sqs: Any, url: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=AT_ONCE, AttributeNames=["All"]
        ).get("Messages", [])
        return found


def kind_of(letter: DeadLetter) -> str:
    """What the letter holds, in a word: the kind of the update, or "unreadable"."""
    try:
        body = loads(letter.body)
        kind = body.get("kind") if isinstance(body, dict) else None
    except (ValueError, RecursionError):
        return "unreadable"
    return kind if isinstance(kind, str) and re.fullmatch("[a-z]{1,20}", kind) else "unreadable"
