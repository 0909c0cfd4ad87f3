"""Dead letters in the table: what WhatsApp handed over and nothing could be made of, with the reason."""

from datetime import datetime
from typing import NamedTuple

from pynamodb.exceptions import DeleteError

from chalicelib.store.records import LetterRecord, Record, stamp

LETTERS = "LETTERS"


class Letter(NamedTuple):
    """`body` is what was in the queue; `tries` counts how often it was tried."""

    id: str
    body: str
    reason: str
    tries: int
    received_at: datetime


def keep(letter: Letter) -> None:
    """Store the letter, or what became of it when it was tried again."""
    LetterRecord(
        *_key(letter.id),
        body=letter.body,
        reason=letter.reason,
        tries=letter.tries,
        received_at=letter.received_at,
        queue_key=LETTERS,
        queue_at=stamp(letter.received_at, letter.id),
    ).save()


def listed() -> list[Letter]:
    """All letters, the oldest first: a query for each megabyte."""
    return [_letter(record) for record in Record.by_queue.query(LETTERS) if isinstance(record, LetterRecord)]


def get(letter_id: str) -> Letter | None:
    try:
        return _letter(LetterRecord.get(*_key(letter_id), consistent_read=True))
    except LetterRecord.DoesNotExist:
        return None


def delete(letter: Letter) -> None:
    """Remove the letter, unless it has been kept once more since it was read."""
    try:
        LetterRecord(*_key(letter.id)).delete(condition=LetterRecord.received_at == letter.received_at)
    except DeleteError as failure:
        if failure.cause_response_code != "ConditionalCheckFailedException":
            raise


def _key(letter_id: str) -> tuple[str, str]:
    return f"LETTER#{letter_id}", "LETTER"


def _letter(record: LetterRecord) -> Letter:
    return Letter(record.pk.removeprefix("LETTER#"), record.body, record.reason, int(record.tries), record.received_at)
