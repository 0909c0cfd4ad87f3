"""Messages in the table: what came in (once, M1) and what goes out, with how far its delivery is."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from json import dumps, loads

from pynamodb.exceptions import UpdateError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action

from chalicelib.domain.delivery import BEFORE, DeliveryState, Outbound
from chalicelib.domain.talk import Heard
from chalicelib.store.records import InboundRecord, OutboundRecord, Record, stamp
from chalicelib.store.transaction import Transaction

INBOUND = "inbound"  # the name of the condition that is M1
DUE = "OUTBOUND#DUE"
WITHHELD = "OUTBOUND#WITHHELD"
# Who commits a message sends it at once; the schedule takes over only when that has plainly not happened.
GRACE = timedelta(seconds=60)


def hear_once(
    transaction: Transaction,
    contact_id: str,
    heard: Heard,
    *,
    phone_number_id: str,
    message_id: str,
    form: str,
    sent_at: datetime | None,
    now: datetime,
) -> None:
    """Keep what was heard, if it was never heard before."""
    record = InboundRecord(
        *inbound_key(phone_number_id, message_id),
        contact_id=contact_id,
        form=form,
        text=heard.text or None,
        media_id=heard.media.id if heard.media else None,
        sent_at=sent_at,
        received_at=now,
    )
    transaction.put(record, name=INBOUND, only_if=InboundRecord.pk.does_not_exist())


def say(transaction: Transaction, outbound: Outbound) -> None:
    """Keep a message that is to be sent, or one that is withheld."""
    due_at = outbound.due_at or outbound.created_at + GRACE
    withheld = outbound.state is DeliveryState.WITHHELD
    record = OutboundRecord(
        *_key(outbound.contact_id, outbound.id),
        contact_id=outbound.contact_id,
        body=dumps(outbound.body, ensure_ascii=False, separators=(",", ":")),
        state=outbound.state.value,
        attempts=outbound.attempts,
        in_reply_to=outbound.in_reply_to,
        created_at=outbound.created_at,
        updated_at=outbound.created_at,
        queue_key=WITHHELD if withheld else DUE,
        queue_at=stamp(outbound.created_at if withheld else due_at, outbound.id),
    )
    transaction.put(record)


def due(now: datetime, *, limit: int) -> list[Outbound]:
    """Messages that wait to be sent and whose time has come, the longest due first. One query."""
    found = Record.by_queue.query(DUE, Record.queue_at < stamp(now, "~"), limit=limit)
    return [_as_outbound(record) for record in found]


def claim(outbound: Outbound, now: datetime) -> Outbound | None:
    """Take a due message for one more attempt; None when somebody else has it. Frees itself after the grace time.

    Who takes it, hears nothing and asks again is told that somebody has it: then it is sent after the grace time.
    """
    assert outbound.due_at is not None
    taken = replace(outbound, attempts=outbound.attempts + 1, due_at=now + GRACE)
    done = _update(
        outbound.contact_id,
        outbound.id,
        [
            OutboundRecord.queue_at.set(stamp(now + GRACE, outbound.id)),
            OutboundRecord.attempts.set(taken.attempts),
        ],
        OutboundRecord.queue_at == stamp(outbound.due_at, outbound.id),
    )
    return taken if done else None


def accepted(outbound: Outbound, message_id: str, now: datetime) -> None:
    """WhatsApp took the message. A status that came in before this keeps its place."""
    moved = advance(outbound.tag, DeliveryState.ACCEPTED, now, message_id=message_id)
    if not moved:
        _update(outbound.contact_id, outbound.id, [OutboundRecord.message_id.set(message_id)], None)


def try_again(
    outbound: Outbound, when: datetime, *, state: DeliveryState, error_code: int | None, now: datetime
) -> None:
    actions: list[Action] = [
        OutboundRecord.state.set(state.value),
        OutboundRecord.queue_key.set(DUE),
        OutboundRecord.queue_at.set(stamp(when, outbound.id)),
        OutboundRecord.updated_at.set(now),
    ]
    if error_code is not None:
        actions.append(OutboundRecord.error_code.set(error_code))
    still = OutboundRecord.state.is_in(DeliveryState.PENDING.value, DeliveryState.UNKNOWN.value)
    _update(outbound.contact_id, outbound.id, actions, still)


def postpone(outbound: Outbound, when: datetime) -> None:
    """Have a message wait without an attempt, behind an earlier one to the same person."""
    actions: list[Action] = [
        OutboundRecord.queue_at.set(stamp(when, outbound.id)),
        OutboundRecord.attempts.set(outbound.attempts - 1),
    ]
    _update(outbound.contact_id, outbound.id, actions, OutboundRecord.queue_at.exists())


def withhold(outbound: Outbound, now: datetime) -> None:
    """Keep a message that is due from being sent."""
    actions: list[Action] = [
        OutboundRecord.state.set(DeliveryState.WITHHELD.value),
        OutboundRecord.updated_at.set(now),
        OutboundRecord.queue_key.set(WITHHELD),
        OutboundRecord.queue_at.set(stamp(outbound.created_at, outbound.id)),
    ]
    earlier = [before.value for before in BEFORE[DeliveryState.WITHHELD]]
    _update(outbound.contact_id, outbound.id, actions, OutboundRecord.state.is_in(*earlier))


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
    actions: list[Action] = [
        OutboundRecord.state.set(state.value),
        OutboundRecord.updated_at.set(now),
        OutboundRecord.queue_key.remove(),
        OutboundRecord.queue_at.remove(),
    ]
    if message_id is not None:
        actions.append(OutboundRecord.message_id.set(message_id))
    if error_code is not None:
        actions.append(OutboundRecord.error_code.set(error_code))
    earlier = [before.value for before in BEFORE[state]]
    return _update(contact_id, outbound_id, actions, OutboundRecord.state.is_in(*earlier))


def history(contact_id: str, *, limit: int) -> Sequence[OutboundRecord]:
    """The newest messages to a contact, the newest first."""
    return list(
        OutboundRecord.query(
            f"CONTACT#{contact_id}", OutboundRecord.sk.startswith("OUT#"), scan_index_forward=False, limit=limit
        )
    )


def outbound_id(now: datetime, position: int, salt: str) -> str:
    """A new message's id: by time, then by its place among the replies of one turn."""
    return stamp(now, f"{position:02}", salt)


def inbound_key(phone_number_id: str, message_id: str) -> tuple[str, str]:
    return f"INBOUND#{phone_number_id}#{message_id}", "INBOUND"


def _key(contact_id: str, outbound_id: str) -> tuple[str, str]:
    return f"CONTACT#{contact_id}", f"OUT#{outbound_id}"


# Each of these updates may be made a second time, when nothing was heard of the first: they set and never add, and
# where the condition fails because of the first, the message is where it should be.
def _update(contact_id: str, outbound_id: str, actions: list[Action], only_if: Condition | None) -> bool:
    exists = OutboundRecord.pk.exists()
    condition = exists if only_if is None else exists & only_if
    try:
        OutboundRecord(*_key(contact_id, outbound_id)).update(actions, condition=condition)
    except UpdateError as failure:
        if failure.cause_response_code != "ConditionalCheckFailedException":
            raise
        return False
    return True


def _as_outbound(record: Record) -> Outbound:
    assert isinstance(record, OutboundRecord)
    assert record.queue_at is not None
    due_at = datetime.fromisoformat(record.queue_at.partition("#")[0])
    return Outbound(
        contact_id=record.contact_id,
        id=record.sk.removeprefix("OUT#"),
        body=loads(record.body),
        created_at=record.created_at,
        state=DeliveryState(record.state),
        attempts=int(record.attempts),
        in_reply_to=record.in_reply_to,
        due_at=due_at,
    )
