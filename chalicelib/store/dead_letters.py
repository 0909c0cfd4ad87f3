"""Dead letters in the table: updates from WhatsApp that could not be handled, with the reason."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import NamedTuple

from chalicelib.store.pages import Page, page_of
from chalicelib.store.records import LetterRecord, Record, stamp
from chalicelib.store.transaction import Transaction

LETTERS = "LETTERS"
LETTER = "letter"  # the name of the condition that a letter is still the one that was read


class DeadLetter(NamedTuple):
    """An update that could not be handled. `body` is the message from the queue. `tries` counts the attempts."""

    id: str
    body: str
    reason: str
    tries: int
    received_at: datetime


def keep(letter: DeadLetter) -> None:
    """Store the letter, or replace it after it failed again."""
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
    """Return all letters, oldest first. One query per megabyte."""
    return _all_of(Record.by_queue.query(LETTERS))


def page(*, limit: int, after: str | None = None, backwards: bool = False) -> Page[DeadLetter]:
    """Return one page of letters, oldest first. One query."""
    return page_of(Record.by_queue, LETTERS, _all_of, limit=limit, after=after, backwards=backwards, newest_first=False)


def mentioning(names: Collection[str]) -> list[DeadLetter]:
    """Return the letters that contain one of these phone numbers or user ids. Reads all letters."""
    return [letter for letter in listed() if any(name in letter.body for name in names)]


def get(letter_id: str) -> DeadLetter | None:
    """Return the letter, if there is one. One request."""
    try:
        return _as_letter(LetterRecord.get(*_key(letter_id), consistent_read=True))
    except LetterRecord.DoesNotExist:
        return None


def delete(transaction: Transaction, letter: DeadLetter) -> None:
    """Delete the letter. Committing raises ConditionsFailed if it was kept again since it was read."""
    is_unchanged = LetterRecord.received_at == letter.received_at
    transaction.delete(LetterRecord(*_key(letter.id)), name=LETTER, only_if=is_unchanged)


def _key(letter_id: str) -> tuple[str, str]:
    return f"LETTER#{letter_id}", "LETTER"


def _all_of(records: Iterable[Record]) -> list[DeadLetter]:
    return [_as_letter(record) for record in records if isinstance(record, LetterRecord)]


def _as_letter(record: LetterRecord) -> DeadLetter:
    return DeadLetter(
        record.pk.removeprefix("LETTER#"), record.body, record.reason, int(record.tries), record.received_at
    )
