"""Messages in the table: inbound ones, each recorded once (M1), and outbound ones with the state of their delivery."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from hashlib import sha256
from json import dumps, loads
from typing import Any, NamedTuple

from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action

from chalicelib.domain.delivery import REACHABLE_FROM, DeliveryState, Outbound, Queue
from chalicelib.domain.messages import IncomingMessage, StoredFile, Template
from chalicelib.domain.pictures import Picture, as_json, read_picture
from chalicelib.store.pages import Page, page_of
from chalicelib.store.records import (
    InboundRecord,
    MarkRecord,
    OutboundRecord,
    Record,
    ToldRecord,
    stamp,
    update_and_get_old,
    update_if,
)
from chalicelib.store.transaction import Transaction
from chalicelib.telemetry import logger

INBOUND = "inbound"  # the name of the condition that a message is new (M1)
OUTBOUND_PREFIX = "MSG#"  # precedes the id of an outbound message in its sk
TOLD_PREFIX = "TOLD#"  # precedes the tag of a message that names a person, in its sk
INBOUND_PREFIX = "INBOUND#"  # precedes the id of an inbound message, in its pk and wherever it is referred to
TAG = "biz_opaque_callback_data"  # WhatsApp's name of the tag in a request
INBOUND_SK = "INBOUND"
DECIDED = "decided"  # the name of the condition that what an organiser chose is still to be carried out (O11)
MESSAGE = "message"  # the name of the condition on a message's state
# A message is sent right after it was committed. The schedule takes over if that has not happened after this time.
GRACE = timedelta(seconds=60)
SALT_LENGTH = 12  # characters at the end of a message's id
WAITING = (DeliveryState.PENDING, DeliveryState.UNKNOWN)


class Advanced(NamedTuple):
    """What moving a message forward did.

    Attributes:
        moved: False if there is no such message, or if it has reached that state or a later one.
        was_waiting: it was still to be sent, so that later messages to the person may have waited for it.
    """

    moved: bool
    was_waiting: bool = False


def record_inbound(
    transaction: Transaction,
    contact_id: str,
    message: IncomingMessage,
    *,
    inbound_id: str,
    form: str,
    sent_at: datetime | None,
    now: datetime,
    file_type: str | None = None,
    notices: Sequence[str] = (),
) -> None:
    """Store an inbound message. Committing raises ConditionsFailed if it was stored before.

    Args:
        file_type: the type of the file that is kept with the message, if it belongs to no order.
        notices: tags of messages to organisers that name the person who wrote it.
    """
    record = InboundRecord(
        INBOUND_PREFIX + inbound_id,
        "INBOUND",
        contact_id=contact_id,
        form=form,
        text=message.text or None,
        media_id=message.media.id if message.media else None,
        file_type=file_type,
        notices=list(notices) or None,
        sent_at=sent_at,
        received_at=now,
    )
    transaction.put(record, name=INBOUND, only_if=InboundRecord.pk.does_not_exist())


def record_decision(transaction: Transaction, inbound_id: str, now: datetime) -> None:
    """Record that what an organiser chose with a message is carried out.

    Committing raises ConditionsFailed if it was carried out before, or if there is no such message.
    """
    record = InboundRecord(INBOUND_PREFIX + inbound_id, INBOUND_SK)
    is_open = InboundRecord.pk.exists() & InboundRecord.decided_at.does_not_exist()
    transaction.update(record, [InboundRecord.decided_at.set(now)], name=DECIDED, only_if=is_open)


def record_told(transaction: Transaction, contact_id: str, tag: str) -> None:
    """Record that a message to an organiser names a person, so that it goes with the person's data (V2)."""
    transaction.put(ToldRecord(outbound_key(contact_id, "")[0], TOLD_PREFIX + tag, tag=tag))


def leave_unanswered(transaction: Transaction, contact_id: str, inbound_id: str, now: datetime) -> None:
    """Store a mark for an inbound message without a reply. Others are found through their first reply."""
    mark_id = outbound_id(now, 0, inbound_id[-SALT_LENGTH:])
    transaction.put(MarkRecord(*outbound_key(contact_id, mark_id), in_reply_to=INBOUND_PREFIX + inbound_id))


def put(transaction: Transaction, outbound: Outbound) -> None:
    """Store a new message in its queue."""
    due_at = outbound.due_at or outbound.created_at + GRACE
    assert outbound.queue is not None
    record = OutboundRecord(
        *outbound_key(outbound.contact_id, outbound.id),
        contact_id=outbound.contact_id,
        body=_as_json(outbound.body),
        template={"name": outbound.template.name, "values": dict(outbound.template.values)}
        if outbound.template
        else None,
        header=asdict(outbound.header) if outbound.header else None,
        state=outbound.state.value,
        attempts=outbound.attempts,
        until=outbound.useful_until,
        in_reply_to=None if outbound.in_reply_to is None else INBOUND_PREFIX + outbound.in_reply_to,
        behind=outbound.behind,
        error_code=outbound.error_code,
        by=outbound.by,
        reply=outbound.reply,
        picture=as_json(outbound.picture) if outbound.picture else None,
        created_at=outbound.created_at,
        updated_at=outbound.created_at,
        queue_key=queue_key(outbound.queue),
        queue_at=stamp(due_at if outbound.queue is Queue.DUE else outbound.created_at, outbound.id),
    )
    transaction.put(record)


def waiting(queue: Queue, *, limit: int, until: datetime | None = None) -> list[Outbound]:
    """Return the messages in a queue, the longest due or the oldest first. One query."""
    before = Record.queue_at < stamp(until, "~") if until is not None else None
    return _readable(Record.by_queue.query(queue_key(queue), before, limit=limit))


def waiting_for(contact_id: str, since: str) -> list[Outbound]:
    """Return the messages that are still to be sent to a person, from the id `since` on, in order.

    One strongly consistent query, which also reads what they were told since then.
    """
    found = Record.query(
        outbound_key(contact_id, "")[0],
        Record.sk.between(OUTBOUND_PREFIX + since, OUTBOUND_PREFIX + "~"),
        filter_condition=Record.queue_key == queue_key(Queue.DUE),
        consistent_read=True,
    )
    return _readable(found)


def newest_to(contact_id: str, *, limit: int) -> list[Outbound]:
    """Return the newest messages to a person. One strongly consistent query."""
    found = Record.query(
        outbound_key(contact_id, "")[0],
        Record.sk.startswith(OUTBOUND_PREFIX),
        scan_index_forward=False,
        limit=limit,
        consistent_read=True,
    )
    return _readable(found)


def left_unknown(since: datetime) -> list[Outbound]:
    """Return the messages from `since` on of which nobody knows whether they were sent, the oldest first.

    Without those that were sent once more already. A query for each megabyte.
    """
    found = Record.by_queue.query(
        queue_key(Queue.UNDELIVERED),
        Record.queue_at >= stamp(since),
        filter_condition=_state_in((DeliveryState.UNKNOWN,)) & OutboundRecord.once_more.does_not_exist(),
    )
    return _readable(found)


def page(queue: Queue, *, limit: int, after: str | None = None, backwards: bool = False) -> Page[Outbound]:
    """Return one page of a queue, the oldest first. One query."""
    return page_of(
        Record.by_queue,
        queue_key(queue),
        _readable,
        limit=limit,
        after=after,
        backwards=backwards,
        newest_first=False,
    )


def _readable(records: Iterable[Record]) -> list[Outbound]:
    messages = (readable_outbound(record) for record in records if isinstance(record, OutboundRecord))
    return [message for message in messages if message is not None]


def readable_outbound(record: OutboundRecord) -> Outbound | None:
    """Return the message. None if it is damaged, which is logged: it must not hide other messages."""
    try:
        return as_outbound(record)
    except (ValueError, TypeError, KeyError):
        logger.error("a message cannot be read", extra={"contact_id": record.contact_id, "at": record.created_at})
        return None


def get(tag: str) -> Outbound | None:
    """Return the message with this tag, or None if there is none. One request."""
    contact_id, _, outbound_id = tag.partition("/")
    if not (contact_id and outbound_id):
        return None
    try:
        return as_outbound(OutboundRecord.get(*outbound_key(contact_id, outbound_id), consistent_read=True))
    except OutboundRecord.DoesNotExist:
        return None


def claim(outbound: Outbound, now: datetime) -> Outbound | None:
    """Claim a waiting message for one more attempt. Return None if somebody else has it.

    A claim ends after the grace time. If the request is repeated because it was not answered, it returns None, too: the
    message is then sent after the grace time.
    """
    assert outbound.due_at is not None
    claimed = replace(outbound, attempts=outbound.attempts + 1, due_at=now + GRACE)
    is_ours = _update(
        outbound,
        [*_set_queue(Queue.DUE, now + GRACE, outbound), OutboundRecord.attempts.set(claimed.attempts)],
        (OutboundRecord.queue_at == stamp(outbound.due_at, outbound.id)) & _state_in(WAITING),
    )
    return claimed if is_ours else None


def mark_accepted(outbound: Outbound, message_id: str, now: datetime) -> None:
    """Record that WhatsApp accepted the message. If a later status arrived first, that one remains."""
    if not advance(outbound.tag, DeliveryState.ACCEPTED, now, message_id=message_id).moved:
        not_failed = ~OutboundRecord.failed_ids.contains(message_id)
        _update(outbound, [OutboundRecord.message_id.set(message_id)], not_failed)


def try_again(
    outbound: Outbound,
    when: datetime,
    *,
    now: datetime,
    state: DeliveryState = DeliveryState.PENDING,
    error_code: int | None = None,
    failed_id: str | None = None,
) -> bool:
    """Have a message sent once more at `when`, with the body that it has now, and without a picture if it has none.

    Return False if it must not be sent any more.

    Args:
        failed_id: the id under which WhatsApp had accepted the message before it failed. Later statuses of that id are
            ignored.
    """
    actions: list[Action] = [
        OutboundRecord.state.set(state.value),
        OutboundRecord.body.set(_as_json(outbound.body)),
        OutboundRecord.updated_at.set(now),
        OutboundRecord.paused.set(outbound.paused),
        *_set_queue(Queue.DUE, when, outbound),
    ]
    if outbound.picture is None:
        actions.append(OutboundRecord.picture.remove())
    if outbound.header is None:
        actions.append(OutboundRecord.header.remove())
    if error_code is not None:
        actions.append(OutboundRecord.error_code.set(error_code))
    if failed_id is None:
        return _update(outbound, actions, _state_in(WAITING))
    actions += [OutboundRecord.failed_ids.add({failed_id}), OutboundRecord.message_id.remove()]
    this_try = OutboundRecord.message_id.does_not_exist() | (OutboundRecord.message_id == failed_id)
    only_if = (
        _state_in(REACHABLE_FROM[DeliveryState.FAILED]) & this_try & ~OutboundRecord.failed_ids.contains(failed_id)
    )
    return _update(outbound, actions, only_if)


def postpone(outbound: Outbound, when: datetime, behind: str | None) -> None:
    """Have a claimed message wait until `when`, without counting an attempt.

    Args:
        behind: the id of an earlier message to the same person that must go first.
    """
    actions = [*_set_queue(Queue.DUE, when, outbound), OutboundRecord.attempts.set(outbound.attempts - 1)]
    if behind is not None:
        actions.append(OutboundRecord.behind.set(behind))
    _update(outbound, actions, _state_in(WAITING))


def put_aside(
    outbound: Outbound, queue: Queue, state: DeliveryState, now: datetime, *, code: int | None = None
) -> None:
    """Move an unsent message to a queue that is not sent: for the time being (STOPPED) or for good."""
    actions: list[Action] = [
        OutboundRecord.state.set(state.value),
        OutboundRecord.updated_at.set(now),
        OutboundRecord.attempts.set(outbound.attempts - 1),
        *_set_queue(queue, outbound.created_at, outbound),
    ]
    if code is not None:
        actions.append(OutboundRecord.error_code.set(code))
    _update(outbound, actions, _state_in(WAITING))


def start_again(transaction: Transaction, outbound: Outbound, now: datetime) -> None:
    """Have a message that was given up sent as if it were new.

    Committing raises ConditionsFailed if the message is not given up (any more).
    """
    actions = [
        OutboundRecord.state.set(DeliveryState.PENDING.value),
        OutboundRecord.attempts.set(0),
        OutboundRecord.paused.set(0),
        OutboundRecord.error_code.remove(),
        OutboundRecord.message_id.remove(),
        OutboundRecord.updated_at.set(now),
        *_set_queue(Queue.DUE, now, outbound),
    ]
    is_given_up = OutboundRecord.queue_key == queue_key(Queue.UNDELIVERED)
    record = OutboundRecord(*outbound_key(outbound.contact_id, outbound.id))
    transaction.update(record, actions, name=MESSAGE, only_if=is_given_up)


def withdraw(transaction: Transaction, outbound: Outbound, now: datetime) -> None:
    """Never send a message that waits. No list has it then.

    Committing raises ConditionsFailed if somebody is sending it by now.
    """
    assert outbound.due_at is not None
    actions: list[Action] = [
        OutboundRecord.state.set(DeliveryState.WITHHELD.value),
        OutboundRecord.updated_at.set(now),
        OutboundRecord.queue_key.remove(),
        OutboundRecord.queue_at.remove(),
    ]
    is_unclaimed = OutboundRecord.queue_at == stamp(outbound.due_at, outbound.id)
    record = OutboundRecord(*outbound_key(outbound.contact_id, outbound.id))
    transaction.update(record, actions, name=MESSAGE, only_if=is_unclaimed & _state_in((DeliveryState.PENDING,)))


def try_once_more(outbound: Outbound, when: datetime, now: datetime) -> bool:
    """Have a message sent once more that was left unknown in an outage. Return False if it was so before."""
    actions: list[Action] = [
        OutboundRecord.once_more.set(True),
        OutboundRecord.updated_at.set(now),
        *_set_queue(Queue.DUE, when, outbound),
    ]
    left_unknown = OutboundRecord.queue_key == queue_key(Queue.UNDELIVERED)
    return _update(
        outbound,
        actions,
        _state_in((DeliveryState.UNKNOWN,)) & left_unknown & OutboundRecord.once_more.does_not_exist(),
    )


def leave_unknown(outbound: Outbound, now: datetime) -> None:
    """Give up a message of which nobody knows whether it was sent, so that organisers see it.

    A status may still arrive and settle it.
    """
    actions = [OutboundRecord.updated_at.set(now), *_set_queue(Queue.UNDELIVERED, outbound.created_at, outbound)]
    _update(outbound, actions, _state_in((DeliveryState.UNKNOWN,)))


def advance(
    tag: str, state: DeliveryState, now: datetime, *, message_id: str | None = None, error_code: int | None = None
) -> Advanced:
    """Move a message forward to `state`, so that it is no longer due.

    Args:
        tag: `Outbound.tag` as WhatsApp returned it. It may belong to no message.
    """
    contact_id, _, outbound_id = tag.partition("/")
    if not (contact_id and outbound_id):
        return Advanced(moved=False)
    actions: list[Action] = [OutboundRecord.state.set(state.value), OutboundRecord.updated_at.set(now)]
    only_if = _state_in(REACHABLE_FROM[state])
    if state is DeliveryState.FAILED:
        actions.append(OutboundRecord.queue_key.set(queue_key(Queue.UNDELIVERED)))
        actions.append(OutboundRecord.queue_at.set(stamp(now, outbound_id)))
    else:
        actions += [OutboundRecord.queue_key.remove(), OutboundRecord.queue_at.remove()]
    if message_id is not None and state is DeliveryState.FAILED:
        actions.append(OutboundRecord.failed_ids.add({message_id}))
        only_if &= OutboundRecord.message_id.does_not_exist() | (OutboundRecord.message_id == message_id)
    if message_id is not None:
        actions.append(OutboundRecord.message_id.set(message_id))
        only_if &= ~OutboundRecord.failed_ids.contains(message_id)
    if error_code is not None:
        actions.append(OutboundRecord.error_code.set(error_code))
    record = OutboundRecord(*outbound_key(contact_id, outbound_id))
    old = update_and_get_old(record, actions, only_if)
    if old is None:
        return Advanced(moved=False)
    return Advanced(moved=True, was_waiting=old.get("queue_key") == {"S": queue_key(Queue.DUE)})


def outbound_id(now: datetime, position: int, salt: str) -> str:
    """Build the id of a new message. Ids sort by time, then by position among the replies of one turn."""
    return stamp(now, f"{position:02}", salt)


def inbound_id(phone_number_id: str, message_id: str) -> str:
    """Return the same id for a message, however often it is delivered and whoever it is attributed to (M1).

    It is a hash: WhatsApp's message ids contain the sender's phone number, and this id outlives their erasure.
    """
    return sha256(f"{phone_number_id}#{message_id}".encode()).hexdigest()[:32]


def inbound_key(phone_number_id: str, message_id: str) -> tuple[str, str]:
    """Return the key of an inbound message."""
    return INBOUND_PREFIX + inbound_id(phone_number_id, message_id), INBOUND_SK


def outbound_key(contact_id: str, outbound_id: str) -> tuple[str, str]:
    """Return the key of an outbound message, or of a mark."""
    return f"CONTACT#{contact_id}", OUTBOUND_PREFIX + outbound_id


def queue_key(queue: Queue) -> str:
    return f"OUTBOUND#{queue.value}"


def _set_queue(queue: Queue, at: datetime, outbound: Outbound) -> list[Action]:
    return [
        OutboundRecord.queue_key.set(queue_key(queue)),
        OutboundRecord.queue_at.set(stamp(at, outbound.id)),
    ]


def _state_in(states: Iterable[DeliveryState]) -> Condition:
    return OutboundRecord.state.is_in(*(state.value for state in states))


def _as_json(body: dict[str, Any]) -> str:
    """Return a request as it is stored: without its tag, which is the key of the item."""
    return dumps({name: part for name, part in body.items() if name != TAG}, ensure_ascii=False, separators=(",", ":"))


# Each of these updates, and that of `advance`, may be sent twice, if the first request was not answered. They set
# values and never add to them. If the condition of the second fails because of the first, the message is already as it
# should be.
def _update(outbound: Outbound, actions: list[Action], only_if: Condition) -> bool:
    record = OutboundRecord(*outbound_key(outbound.contact_id, outbound.id))
    return update_if(record, actions, OutboundRecord.pk.exists() & only_if)


def as_outbound(record: OutboundRecord) -> Outbound:
    due_at = datetime.fromisoformat(record.queue_at.partition("#")[0]) if record.queue_at else None
    code: float | None = record.error_code
    outbound_id = record.sk.removeprefix(OUTBOUND_PREFIX)
    return Outbound(
        contact_id=record.contact_id,
        id=outbound_id,
        body={**loads(record.body), TAG: f"{record.contact_id}/{outbound_id}"},
        template=Template(**record.template) if record.template else None,
        header=StoredFile(**record.header) if record.header else None,
        created_at=record.created_at,
        state=DeliveryState(record.state),
        attempts=int(record.attempts),
        paused=int(record.paused or 0),
        useful_until=record.until,
        in_reply_to=record.in_reply_to and record.in_reply_to.removeprefix(INBOUND_PREFIX),
        behind=record.behind,
        queue=Queue(record.queue_key.partition("#")[2]) if record.queue_key else None,
        due_at=due_at,
        message_id=record.message_id,
        failed_ids=frozenset(record.failed_ids or ()),
        error_code=None if code is None else int(code),
        by=record.by,
        reply=record.reply,
        picture=_as_picture(record.picture),
    )


def _as_picture(stored: str | None) -> Picture | None:
    """Return the picture. None if it can't be read, perhaps since another version stored it: the text says the same."""
    try:
        return read_picture(stored) if stored else None
    except (ValueError, KeyError, TypeError, AttributeError):
        logger.error("a picture cannot be read")
        return None
