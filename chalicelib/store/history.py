"""The history of a contact: what they and we wrote, in order. It is read page by page, and deleted with an erasure."""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from chalicelib.domain.contacts import Contact
from chalicelib.domain.delivery import Outbound
from chalicelib.domain.refusals import ContactNotFound
from chalicelib.store import contacts
from chalicelib.store.messages import INBOUND_PREFIX, OUTBOUND_PREFIX, TOLD_PREFIX, outbound_key, readable_outbound
from chalicelib.store.pages import CursorInvalid, Page
from chalicelib.store.records import InboundRecord, MarkRecord, OutboundRecord, Record, ToldRecord, stamp

FIRST = "00"  # the position of the reply that leads to the message it answers
CHUNK = 25  # items that DynamoDB writes in one batch at most

Place = tuple[str, bool]


class ReceivedMessage(NamedTuple):
    """What a contact sent.

    Attributes:
        contact_id: the contact to which the message belongs, perhaps one that was merged into another.
        form: Meta's type.
        media_id: WhatsApp's id of a file; WhatsApp deletes the file after some time.
        file_type: the type of the file, if it belongs to no order and is kept with the message.
    """

    id: str
    contact_id: str
    form: str
    text: str
    media_id: str | None
    sent_at: datetime | None
    received_at: datetime
    file_type: str | None = None


class _Line(NamedTuple):
    """A line of the history: an outbound message, or an inbound one that is not read yet.

    Attributes:
        place: the sort key: an id, and whether the line is outbound. An inbound message takes the id of its first reply
            or of its mark.
        outbound: the message; None if it is inbound or damaged.
        inbound_pk: the key of the inbound message.
    """

    place: Place
    outbound: Outbound | None = None
    inbound_pk: str | None = None


def page(
    contact_id: str, *, limit: int, after: str | None = None, until: datetime | None = None
) -> Page[ReceivedMessage | Outbound]:
    """Return one page of the history, newest first. There is no way back to an earlier page.

    Two requests, if the page has at most 99 inbound messages. Four more if the id is an alias. If other contacts were
    merged into this one, one more for each of them, and one for their messages. Raises ContactNotFound, CursorInvalid.

    Args:
        until: where the first page begins, if not with the newest message.
    """
    before = (stamp(until), False) if after is None and until is not None else _read_cursor(after)
    lines = _lines_before(before, contact_id, limit)
    contact, received = _read_received(contact_id, lines)
    if contact is None:
        contact = contacts.get(contact_id)
        if contact is None:
            raise ContactNotFound(contact_id)
    other_ids = [other_id for other_id in (contact.id, *contact.also) if other_id != contact_id]
    if other_ids:
        more = (line for other_id in other_ids for line in _lines_before(before, other_id, limit))
        lines = sorted([*lines, *more], reverse=True, key=lambda line: line.place)[: limit + 1]
        _, received = _read_received(contact.id, lines)
    shown = lines[:limit]
    messages = (line.outbound or received.get(line.inbound_pk or "") for line in shown)
    cursor = _cursor(shown[-1]) if len(lines) > limit else None
    return Page([message for message in messages if message is not None], cursor, None)


def get_received(contact: Contact, message_id: str) -> ReceivedMessage | None:
    """Return a message that the contact sent, by our id of it; None if there is none. One request."""
    for record in Record.batch_get([(INBOUND_PREFIX + message_id, "INBOUND")], consistent_read=True):
        if isinstance(record, InboundRecord) and record.contact_id in (contact.id, *contact.also):
            return _as_received(record)
    return None


def scan_kept_files() -> Iterator[ReceivedMessage]:
    """Yield the messages with which a file is kept, by reading the whole table."""
    with_file = InboundRecord.file_type.exists()
    yield from map(_as_received, InboundRecord.scan(with_file, consistent_read=True))


def take_away(contact_id: str) -> bool:
    """Delete up to 25 items of the history, and return whether there were any.

    Messages to organisers that name the person are deleted first, and the items that lead to them last. So a call after
    a crash begins with the same items. Of an inbound message only its key and the time remain, so that nothing happens
    if WhatsApp delivers it again (M1).
    """
    partition, _ = contacts.key(contact_id)
    at = Record.sk.between(OUTBOUND_PREFIX, TOLD_PREFIX + "~")
    records = list(Record.query(partition, at, limit=CHUNK, consistent_read=True))
    inbound = _read_inbound(records)
    notices = [_notice_key(tag) for record in inbound for tag in record.notices or ()]
    notices += [_notice_key(record.tag) for record in records if isinstance(record, ToldRecord)]
    with Record.batch_write() as batch:
        for key in notices:
            batch.delete(OutboundRecord(*key))
    with Record.batch_write() as batch:
        for record in inbound:
            emptied = InboundRecord(
                record.pk, record.sk, contact_id=contact_id, form="", received_at=record.received_at
            )
            batch.save(emptied)
    with Record.batch_write() as batch:
        for item in records:
            batch.delete(item)
    return bool(records)


def _lines_before(place: Place | None, contact_id: str, limit: int) -> list[_Line]:
    """Return the newest lines of one contact's partition before a place, up to one more than the limit. One query."""
    partition, _ = contacts.key(contact_id)
    last_id = place[0] if place else "~"
    records = Record.query(
        partition,
        Record.sk.between(OUTBOUND_PREFIX, OUTBOUND_PREFIX + last_id),
        scan_index_forward=False,
        limit=limit + 2,
        consistent_read=True,
    )
    lines = [line for record in records for line in _lines_of(record)]
    return [line for line in lines if place is None or line.place < place][: limit + 1]


def _lines_of(record: Record) -> Iterator[_Line]:
    message_id = record.sk.removeprefix(OUTBOUND_PREFIX)
    if isinstance(record, OutboundRecord):
        yield _Line((message_id, True), outbound=readable_outbound(record))
    if (inbound_pk := _inbound_pk(record)) is not None:
        yield _Line((message_id, False), inbound_pk=inbound_pk)


def _inbound_pk(record: Record) -> str | None:
    """Return the key of the inbound message that a record leads to, if it is a mark or the first reply."""
    if isinstance(record, MarkRecord):
        return record.in_reply_to
    is_first = record.sk.removeprefix(OUTBOUND_PREFIX).split("#")[1:2] == [FIRST]
    return record.in_reply_to if isinstance(record, OutboundRecord) and is_first else None


def _read_received(contact_id: str, lines: Sequence[_Line]) -> tuple[Contact | None, dict[str, ReceivedMessage]]:
    """Read the contact, and the inbound messages by key. One request for up to 100 items."""
    keys = {(line.inbound_pk, "INBOUND") for line in lines if line.inbound_pk is not None}
    records = list(Record.batch_get([contacts.key(contact_id), *keys], consistent_read=True))
    received = {record.pk: _as_received(record) for record in records if isinstance(record, InboundRecord)}
    return next(iter(contacts.found_in(records)), None), received


def _read_inbound(records: Iterable[Record]) -> list[InboundRecord]:
    keys = {(pk, "INBOUND") for record in records if (pk := _inbound_pk(record)) is not None}
    inbound = Record.batch_get(list(keys), consistent_read=True) if keys else ()
    return [record for record in inbound if isinstance(record, InboundRecord)]


def _as_received(record: InboundRecord) -> ReceivedMessage:
    return ReceivedMessage(
        record.pk.removeprefix(INBOUND_PREFIX),
        record.contact_id,
        record.form,
        record.text or "",
        record.media_id,
        record.sent_at,
        record.received_at,
        record.file_type,
    )


def _notice_key(tag: str) -> tuple[str, str]:
    contact_id, _, outbound_id = tag.partition("/")
    return outbound_key(contact_id, outbound_id)


def _cursor(line: _Line) -> str:
    message_id, is_outbound = line.place
    return f"{message_id}{'>' if is_outbound else '<'}"


def _read_cursor(cursor: str | None) -> Place | None:
    if cursor is None:
        return None
    if not re.fullmatch(r"[0-9T:.Z-]{20,40}#[0-9]{2}#[0-9a-f]{1,32}[<>]", cursor, re.ASCII):
        raise CursorInvalid
    return cursor[:-1], cursor.endswith(">")
