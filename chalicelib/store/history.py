"""What a contact and we have said to each other, in its order: read a page at a time, and taken away."""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from chalicelib.domain.contacts import Contact
from chalicelib.domain.delivery import Outbound
from chalicelib.domain.refusals import ContactNotFound
from chalicelib.store import contacts
from chalicelib.store.messages import INBOUND_PREFIX, as_outbound
from chalicelib.store.pages import CursorInvalid, Page
from chalicelib.store.records import InboundRecord, MarkRecord, OutboundRecord, Record
from chalicelib.telemetry import logger

PREFIX = "MSG#"
FIRST = "00"  # the place among the replies of a turn at which what was heard is found
CHUNK = 25  # what DynamoDB writes in a batch

Key = tuple[str, str]


class ReceivedMessage(NamedTuple):
    """What a contact sent. `form` is Meta's type; of a file WhatsApp's id is kept, which leads to it for a while."""

    id: str
    form: str
    text: str
    media_id: str | None
    sent_at: datetime | None
    received_at: datetime


class _Line(NamedTuple):
    """A line of the history: an outbound message, or (`inbound`) the key of what came in. The order is by `place`."""

    place: tuple[str, bool]  # id, and whether it is the outbound one of the two that may share the id
    outbound: Outbound | None = None
    inbound: str | None = None


def page(contact_id: str, *, limit: int, after: str | None = None) -> Page[ReceivedMessage | Outbound]:
    """One page of what was said, the newest first. It goes forwards only.

    Two requests, with up to 99 inbound messages in a page; one or two more where the id is a further name of a contact,
    and one for each contact that this one took over. Raises ContactNotFound, CursorInvalid.
    """
    before = _read(after)
    lines = _lines(contact_id, before, limit)
    contact, heard = _heard(contact_id, lines)
    if contact is None:
        contact = contacts.get(contact_id)
        if contact is None:
            raise ContactNotFound(contact_id)
    others = [one for one in (contact.id, *contact.also) if one != contact_id]
    if others:
        more = (line for other in others for line in _lines(other, before, limit))
        lines = sorted([*lines, *more], reverse=True, key=lambda line: line.place)[: limit + 1]
        _, heard = _heard(contact.id, lines)
    shown = lines[:limit]
    found = (line.outbound or heard.get(line.inbound or "") for line in shown)
    further = _cursor(shown[-1]) if len(lines) > limit else None
    return Page([one for one in found if one is not None], further, None)


def take_away(contact_id: str) -> bool:
    """Delete up to 25 of what was said to a contact or heard from them. Whether there was anything.

    Messages to organisers that name the person go first, and last what leads to all of it: who stops in between begins
    with the same. Of what came in a bare mark stays, so that WhatsApp may deliver it again and nothing happens (M1).
    """
    found = list(Record.query(f"CONTACT#{contact_id}", Record.sk.startswith(PREFIX), limit=CHUNK, consistent_read=True))
    heard = _inbound(found)
    notices = [_notice_key(tag) for record in heard for tag in record.notices or ()]
    with Record.batch_write() as batch:
        for key in notices:
            batch.delete(OutboundRecord(*key))
    with Record.batch_write() as batch:
        for one in heard:
            batch.save(InboundRecord(one.pk, one.sk, contact_id=contact_id, form="", received_at=one.received_at))
    with Record.batch_write() as batch:
        for record in found:
            batch.delete(record)
    return bool(found)


def _lines(contact_id: str, before: tuple[str, bool] | None, limit: int) -> list[_Line]:
    """The lines of one partition before a place, newest first, and one more than the limit if there is. One query."""
    last = before[0] if before else "~"
    found = Record.query(
        f"CONTACT#{contact_id}",
        Record.sk.between(PREFIX, PREFIX + last),
        scan_index_forward=False,
        limit=limit + 2,
        consistent_read=True,
    )
    lines = [line for record in found for line in _lines_of(record)]
    return [line for line in lines if before is None or line.place < before][: limit + 1]


def _lines_of(record: Record) -> Iterator[_Line]:
    place = record.sk.removeprefix(PREFIX)
    if isinstance(record, OutboundRecord):
        try:
            yield _Line((place, True), outbound=as_outbound(record))
        except (ValueError, TypeError, KeyError):
            logger.error("a message cannot be read", extra={"contact_id": record.contact_id, "at": record.created_at})
            yield _Line((place, True))
    if (inbound := _inbound_of(record)) is not None:
        yield _Line((place, False), inbound=inbound)


def _inbound_of(record: Record) -> str | None:
    """The key of the inbound message that this record leads to: a mark, or the first of the replies."""
    if isinstance(record, MarkRecord):
        return record.in_reply_to
    is_first = record.sk.removeprefix(PREFIX).split("#")[1:2] == [FIRST]
    return record.in_reply_to if isinstance(record, OutboundRecord) and is_first else None


def _heard(contact_id: str, lines: Sequence[_Line]) -> tuple[Contact | None, dict[str, ReceivedMessage]]:
    keys = {(line.inbound, "INBOUND") for line in lines if line.inbound is not None}
    found = list(Record.batch_get([contacts.key(contact_id), *keys], consistent_read=True))
    heard = {record.pk: _as_heard(record) for record in found if isinstance(record, InboundRecord)}
    return next(iter(contacts.found_in(found)), None), heard


def _inbound(found: Iterable[Record]) -> list[InboundRecord]:
    keys = {(pk, "INBOUND") for record in found if (pk := _inbound_of(record)) is not None}
    records = Record.batch_get(list(keys), consistent_read=True) if keys else ()
    return [record for record in records if isinstance(record, InboundRecord)]


def _as_heard(record: InboundRecord) -> ReceivedMessage:
    return ReceivedMessage(
        record.pk.removeprefix(INBOUND_PREFIX),
        record.form,
        record.text or "",
        record.media_id,
        record.sent_at,
        record.received_at,
    )


def _notice_key(tag: str) -> Key:
    contact_id, _, outbound_id = tag.partition("/")
    return f"CONTACT#{contact_id}", PREFIX + outbound_id


def _cursor(line: _Line) -> str:
    place, is_outbound = line.place
    return f"{place}{'>' if is_outbound else '<'}"


def _read(cursor: str | None) -> tuple[str, bool] | None:
    if cursor is None:
        return None
    if not re.fullmatch(r"[0-9T:.Z-]{20,40}#[0-9]{2}#[0-9a-f]{1,32}[<>]", cursor, re.ASCII):
        raise CursorInvalid
    return cursor[:-1], cursor.endswith(">")
