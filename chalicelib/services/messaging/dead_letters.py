"""Dead letters: updates that could not be handled. They are kept with the reason, listed, and replayed."""

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
RECEIVE_BATCH = 10  # SQS's limit


@dataclass(frozen=True, kw_only=True)
class DeadLetters:
    """Keeps, lists and replays dead letters.

    Attributes:
        sqs: makes a boto3 SQS client.
    """

    inbox: Inbox
    sqs: Callable[[], Any]
    clock: Callable[[], datetime]

    def keep(self, body: str, reason: str, *, tries: int) -> None:
        """Keep the body of a queue entry. A body that comes again is the same letter. Raises TryAgain.

        Args:
            tries: how often it was tried.
        """
        letter_id = sha256(body.encode()).hexdigest()[:12]
        letter = DeadLetter(letter_id, body, reason, tries, self.clock())
        retry(lambda: dead_letters.keep(letter))
        count("DeadLetters")
        logger.error("a dead letter was kept", extra={"letter": letter_id, "tries": tries})

    def collect(self) -> int:
        """Move the entries of SQS's own dead-letter queue into the table. Return how many there were.

        SQS moves an entry there when the function was stopped each time before it could keep a letter itself.
        """
        sqs = self.sqs()
        collected = 0
        url = self._find_dead_letter_queue(sqs)
        while url and (messages := self._receive(sqs, url)):
            for message in messages:
                tries = int(message.get("Attributes", {}).get("ApproximateReceiveCount", 1))
                self.keep(message["Body"], GIVEN_UP, tries=tries)
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                collected += 1
        return collected

    def list_all(self) -> list[DeadLetter]:
        """Return all letters, the oldest first."""
        return dead_letters.listed()

    def get(self, letter_id: str) -> DeadLetter:
        """Return a letter. Raises LetterNotFound."""
        letter = dead_letters.get(letter_id)
        if letter is None:
            raise LetterNotFound(letter_id)
        return letter

    def replay(self, letter_id: str, *, by: Actor) -> int:
        """Queue the content of a letter again, as if WhatsApp had just delivered it, and delete the letter.

        An update that still can't be handled becomes a letter again. Replaying a letter twice is harmless: each update
        takes effect once (M1).

        Return the number of updates. Raises LetterNotFound, NotQueued, TryAgain.
        """
        letter = self.get(letter_id)
        queued = self.inbox.replay(letter.body, salt=f"{letter_id} {self.clock().isoformat()}")
        retry(lambda: self._delete(letter, by), again_on=(Busy, ConditionsFailed))
        return queued

    def _delete(self, letter: DeadLetter, by: Actor) -> None:
        transaction = Transaction()
        # A letter that differs failed again in the meantime, or was replayed at the same time.
        if dead_letters.get(letter.id) == letter:
            dead_letters.delete(transaction, letter)
        target = f"letter:{letter.id}"
        audit.record(transaction, action="letter.replayed", target=target, by=by, at=self.clock(), before={}, after={})
        transaction.commit()

    def _find_dead_letter_queue(self, sqs: Any) -> str | None:
        """Return the URL of the queue to which SQS moves what it gives up, or None if the inbox queue has none."""
        response = sqs.get_queue_attributes(QueueUrl=self.inbox.queue_url, AttributeNames=["RedrivePolicy"])
        policy = response.get("Attributes", {}).get("RedrivePolicy")
        if policy is None:
            return None
        name = loads(policy)["deadLetterTargetArn"].rpartition(":")[2]
        return str(sqs.get_queue_url(QueueName=name)["QueueUrl"])

    def _receive(self, sqs: Any, url: str) -> list[dict[str, Any]]:
        response = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=RECEIVE_BATCH, AttributeNames=["All"])
        messages: list[dict[str, Any]] = response.get("Messages", [])
        return messages


def kind_of(letter: DeadLetter) -> str:
    """Return the kind of the update in a letter, or "unreadable"."""
    try:
        body = loads(letter.body)
        kind = body.get("kind") if isinstance(body, dict) else None
    except (ValueError, RecursionError):
        return "unreadable"
    return kind if isinstance(kind, str) and re.fullmatch("[a-z]{1,20}", kind) else "unreadable"
