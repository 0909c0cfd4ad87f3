"""Messages in the table: what came in (once, M1) and what goes out, with how far its delivery is."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256
from json import dumps, loads
from typing import Any

from pynamodb.exceptions import UpdateError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action

from chalicelib.domain.delivery import REACHABLE_FROM, DeliveryState, Outbound, Queue
from chalicelib.domain.messages import IncomingMessage, Template
from chalicelib.store.pages import Page, page_of
from chalicelib.store.records import InboundRecord, MarkRecord, OutboundRecord, Record, stamp
from chalicelib.store.transaction import Transaction
from chalicelib.telemetry import logger

INBOUND = "inbound"  # the name of the condition that is M1
MESSAGE = "message"  # the name of the condition that a message was given up
# Who commits a message sends it at once; the schedule takes over only when that has plainly not happened.
GRACE = timedelta(seconds=60)
SALT = 12  # characters at the end of a message's id
WAITING = (DeliveryState.PENDING, DeliveryState.UNKNOWN)


def record_inbound(
    transaction: Transaction,
    contact_id: str,
    message: IncomingMessage,
    *,
    phone_number_id: str,
    message_id: str,
    form: str,
    sent_at: datetime | None,
    now: datetime,
    notices: Sequence[str] = (),
) -> None:
    """Store a message from a contact, on the condition that it was not stored before (M1).

    Args:
        notices: tags of messages to others that name who wrote this.
    """
    record = InboundRecord(
        *inbound_key(phone_number_id, message_id),
        contact_id=contact_id,
        form=form,
        text=message.text or None,
        media_id=message.media.id if message.media else None,
        notices=list(notices) or None,
        sent_at=sent_at,
        received_at=now,
    )
    transaction.put(record, name=INBOUND, only_if=InboundRecord.pk.does_not_exist())


def leave_unanswered(transaction: Transaction, contact_id: str, inbound: str, now: datetime) -> None:
    """Mark the place of an inbound message to which the transaction has no reply, by which it would be found."""
    place = outbound_id(now, 0, inbound[-SALT:])
    transaction.put(MarkRecord(*_key(contact_id, place), in_reply_to=inbound))


def put(transaction: Transaction, outbound: Outbound) -> None:
    """Keep a message that is to be sent, or one that is put aside."""
    due_at = outbound.due_at or outbound.created_at + GRACE
    assert outbound.queue is not None
    record = OutboundRecord(
        *_key(outbound.contact_id, outbound.id),
        contact_id=outbound.contact_id,
        body=_written(outbound.body),
        template={"name": outbound.template.name, "values": dict(outbound.template.values)}
        if outbound.template
        else None,
        state=outbound.state.value,
        attempts=outbound.attempts,
        until=outbound.useful_until,
        in_reply_to=outbound.in_reply_to,
        behind=outbound.behind,
        error_code=outbound.error_code,
        by=outbound.by,
        created_at=outbound.created_at,
        updated_at=outbound.created_at,
        queue_key=queue_key(outbound.queue),
        queue_at=stamp(due_at if outbound.queue is Queue.DUE else outbound.created_at, outbound.id),
    )
    transaction.put(record)


def waiting(queue: Queue, *, limit: int, until: datetime | None = None) -> list[Outbound]:
    """Messages in a queue, the longest due or the oldest first. One query."""
    before = Record.queue_at < stamp(until, "~") if until is not None else None
    found = Record.by_queue.query(queue_key(queue), before, limit=limit)
    return [one for record in found if isinstance(record, OutboundRecord) and (one := _readable(record)) is not None]


def page(queue: Queue, *, limit: int, after: str | None = None, backwards: bool = False) -> Page[Outbound]:
    """One page of a queue, the oldest first. One query."""
    return page_of(
        Record.by_queue,
        queue_key(queue),
        lambda found: [
            one for record in found if isinstance(record, OutboundRecord) and (one := _readable(record)) is not None
        ],
        limit=limit,
        after=after,
        backwards=backwards,
        newest_first=False,
    )


def _readable(record: OutboundRecord) -> Outbound | None:
    """None, and a line in the log, for one that is damaged: it must not hide the others."""
    try:
        return as_outbound(record)
    except (ValueError, TypeError, KeyError):
        logger.error("a message cannot be read", extra={"contact_id": record.contact_id, "at": record.created_at})
        return None


def get(tag: str) -> Outbound | None:
    """The message that a status is about: one request. None where the tag is not of our making."""
    contact_id, _, outbound_id = tag.partition("/")
    if not (contact_id and outbound_id):
        return None
    try:
        return as_outbound(OutboundRecord.get(*_key(contact_id, outbound_id), consistent_read=True))
    except OutboundRecord.DoesNotExist:
        return None


def claim(outbound: Outbound, now: datetime) -> Outbound | None:
    """Take a waiting message for one more attempt; None when somebody else has it. Frees itself after the grace time.

    Who takes it, hears nothing and asks again is told that somebody has it: then it is sent after the grace time.
    """
    assert outbound.due_at is not None
    taken = replace(outbound, attempts=outbound.attempts + 1, due_at=now + GRACE)
    done = _update(
        outbound,
        [*_into(Queue.DUE, now + GRACE, outbound), OutboundRecord.attempts.set(taken.attempts)],
        (OutboundRecord.queue_at == stamp(outbound.due_at, outbound.id)) & _state_in(WAITING),
    )
    return taken if done else None


def accepted(outbound: Outbound, message_id: str, now: datetime) -> None:
    """WhatsApp took the message. A status that came in before this keeps its place."""
    moved = advance(outbound.tag, DeliveryState.ACCEPTED, now, message_id=message_id)
    if not moved:
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
    """Have a message sent once more, with its `body` as it is here. False when it is not to be sent any more.

    Args:
        failed_id: WhatsApp had taken the message under this id, and gave it up; whatever else is said of that id does
            not count any more.
    """
    actions: list[Action] = [
        OutboundRecord.state.set(state.value),
        OutboundRecord.body.set(_written(outbound.body)),
        OutboundRecord.updated_at.set(now),
        OutboundRecord.paused.set(outbound.paused),
        *_into(Queue.DUE, when, outbound),
    ]
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
    """Have a message wait without an attempt, behind an earlier one to the same person."""
    actions = [*_into(Queue.DUE, when, outbound), OutboundRecord.attempts.set(outbound.attempts - 1)]
    if behind is not None:
        actions.append(OutboundRecord.behind.set(behind))
    only_if = _state_in(WAITING) & OutboundRecord.queue_at.exists()
    _update(outbound, actions, only_if)


def put_aside(
    outbound: Outbound, queue: Queue, state: DeliveryState, now: datetime, *, code: int | None = None
) -> None:
    """Keep a message that has not been sent from being sent: for now (STOPPED), or for good."""
    actions: list[Action] = [
        OutboundRecord.state.set(state.value),
        OutboundRecord.updated_at.set(now),
        OutboundRecord.attempts.set(outbound.attempts - 1),
        *_into(queue, outbound.created_at, outbound),
    ]
    if code is not None:
        actions.append(OutboundRecord.error_code.set(code))
    _update(outbound, actions, _state_in(WAITING))


def start_again(transaction: Transaction, outbound: Outbound, now: datetime) -> None:
    """Have a message that was given up sent as if it were new. ConditionsFailed when it is not given up (any more)."""
    actions = [
        OutboundRecord.state.set(DeliveryState.PENDING.value),
        OutboundRecord.attempts.set(0),
        OutboundRecord.paused.set(0),
        OutboundRecord.error_code.remove(),
        OutboundRecord.message_id.remove(),
        OutboundRecord.updated_at.set(now),
        *_into(Queue.DUE, now, outbound),
    ]
    given_up = OutboundRecord.queue_key == queue_key(Queue.UNDELIVERED)
    record = OutboundRecord(*_key(outbound.contact_id, outbound.id))
    transaction.update(record, actions, name=MESSAGE, only_if=given_up)


def leave_unknown(outbound: Outbound, now: datetime) -> None:
    """Nobody will know whether it was sent, unless a status comes after all. Organisers see it."""
    actions = [OutboundRecord.updated_at.set(now), *_into(Queue.UNDELIVERED, outbound.created_at, outbound)]
    _update(outbound, actions, _state_in((DeliveryState.UNKNOWN,)))


def advance(
    tag: str, state: DeliveryState, now: datetime, *, message_id: str | None = None, error_code: int | None = None
) -> bool:
    """Move a message forwards to `state`; it is no longer due. False when it is unknown or already as far.

    Args:
        tag: `Outbound.tag`, as WhatsApp handed it back: it may name nothing.
    """
    contact_id, _, outbound_id = tag.partition("/")
    if not (contact_id and outbound_id):
        return False
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
    return _update_at(_key(contact_id, outbound_id), actions, only_if)


def history(contact_id: str, *, limit: int) -> Sequence[OutboundRecord]:
    """The newest messages to a contact, the newest first."""
    return list(
        OutboundRecord.query(
            f"CONTACT#{contact_id}", OutboundRecord.sk.startswith("MSG#"), scan_index_forward=False, limit=limit
        )
    )


def outbound_id(now: datetime, position: int, salt: str) -> str:
    """A new message's id: by time, then by its place among the replies of one turn."""
    return stamp(now, f"{position:02}", salt)


def inbound_key(phone_number_id: str, message_id: str) -> tuple[str, str]:
    """The same for a message however often it is delivered and whoever it is taken for (M1).

    A hash: WhatsApp's message ids have the sender's phone number inside, and this key outlives their erasure.
    """
    return f"INBOUND#{sha256(f'{phone_number_id}#{message_id}'.encode()).hexdigest()[:32]}", "INBOUND"


def _key(contact_id: str, outbound_id: str) -> tuple[str, str]:
    return f"CONTACT#{contact_id}", f"MSG#{outbound_id}"


def queue_key(queue: Queue) -> str:
    return f"OUTBOUND#{queue.value}"


def _into(queue: Queue, at: datetime, outbound: Outbound) -> list[Action]:
    return [
        OutboundRecord.queue_key.set(queue_key(queue)),
        OutboundRecord.queue_at.set(stamp(at, outbound.id)),
    ]


def _state_in(states: Iterable[DeliveryState]) -> Condition:
    return OutboundRecord.state.is_in(*(state.value for state in states))


def _written(body: dict[str, Any]) -> str:
    return dumps(body, ensure_ascii=False, separators=(",", ":"))


def _update(outbound: Outbound, actions: list[Action], only_if: Condition) -> bool:
    return _update_at(_key(outbound.contact_id, outbound.id), actions, only_if)


# Each of these updates may be made a second time, when nothing was heard of the first: they set and never add, and
# where the condition fails because of the first, the message is where it should be.
def _update_at(key: tuple[str, str], actions: list[Action], only_if: Condition) -> bool:
    try:
        OutboundRecord(*key).update(actions, condition=OutboundRecord.pk.exists() & only_if)
    except UpdateError as failure:
        if failure.cause_response_code != "ConditionalCheckFailedException":
            raise
        return False
    return True


def as_outbound(record: OutboundRecord) -> Outbound:
    due_at = datetime.fromisoformat(record.queue_at.partition("#")[0]) if record.queue_at else None
    code: float | None = record.error_code
    return Outbound(
        contact_id=record.contact_id,
        id=record.sk.removeprefix("MSG#"),
        body=loads(record.body),
        template=Template(**record.template) if record.template else None,
        created_at=record.created_at,
        state=DeliveryState(record.state),
        attempts=int(record.attempts),
        paused=int(record.paused or 0),
        useful_until=record.until,
        in_reply_to=record.in_reply_to,
        behind=record.behind,
        queue=Queue(record.queue_key.partition("#")[2]) if record.queue_key else None,
        due_at=due_at,
        message_id=record.message_id,
        failed_ids=frozenset(record.failed_ids or ()),
        error_code=None if code is None else int(code),
        by=record.by,
    )
