"""Dead letters in the table: what WhatsApp handed over and nothing could be made of, with the reason."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import NamedTuple

from chalicelib.store.pages import Page, page_of
from chalicelib.store.records import LetterRecord, Record, stamp
from chalicelib.store.transaction import Transaction

LETTERS = "LETTERS"
LETTER = "letter"  # the name of the condition that a letter is the one that was read


class DeadLetter(NamedTuple):
    """`body` is what was in the queue; `tries` counts how often it was tried."""

    id: str
    body: str
    reason: str
    tries: int
    received_at: datetime


def keep(letter: DeadLetter) -> None:
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


def listed() -> list[DeadLetter]:
    """All letters, the oldest first: a query for each megabyte."""
    return _all_of(Record.by_queue.query(LETTERS))


def page(*, limit: int, after: str | None = None, backwards: bool = False) -> Page[DeadLetter]:
    """One page of the letters, the oldest first. One query."""
    return page_of(Record.by_queue, LETTERS, _all_of, limit=limit, after=after, backwards=backwards, newest_first=False)


def naming(names: Collection[str]) -> list[DeadLetter]:
    """The letters in which one of these phone numbers or user ids stands: all letters are read."""
    return [letter for letter in listed() if any(name in letter.body for name in names)]


def get(letter_id: str) -> DeadLetter | None:
    try:
        return _letter(LetterRecord.get(*_key(letter_id), consistent_read=True))
    except LetterRecord.DoesNotExist:
        return None


def delete(transaction: Transaction, letter: DeadLetter) -> None:
    """Remove the letter. ConditionsFailed when it has been kept once more since it was read."""
    same = LetterRecord.received_at == letter.received_at
    transaction.delete(LetterRecord(*_key(letter.id)), name=LETTER, only_if=same)


def _key(letter_id: str) -> tuple[str, str]:
    return f"LETTER#{letter_id}", "LETTER"


def _all_of(records: Iterable[Record]) -> list[DeadLetter]:
    return [_letter(record) for record in records if isinstance(record, LetterRecord)]


def _letter(record: LetterRecord) -> DeadLetter:
    return DeadLetter(
        record.pk.removeprefix("LETTER#"), record.body, record.reason, int(record.tries), record.received_at
    )
