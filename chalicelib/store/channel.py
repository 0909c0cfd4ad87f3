"""The channel in the table: one item, read together with contacts, changed when WhatsApp says so or an organiser."""

from collections.abc import Iterable
from datetime import datetime

from pynamodb.exceptions import UpdateError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action

from chalicelib.domain.channel import Channel, Stop
from chalicelib.store.records import ChannelRecord, Record

KEY = ("CHANNEL", "CHANNEL")


def read() -> Channel:
    """One request."""
    return found_in(Record.batch_get([KEY], consistent_read=True))


def found_in(records: Iterable[Record]) -> Channel:
    """The channel among what was read with its KEY; one of which nothing is known is open."""
    return next((_as_channel(record) for record in records if isinstance(record, ChannelRecord)), Channel())


def stop(stopped: Stop, at: datetime, *, code: int | None) -> None:
    """Send nothing, or nothing that was not asked for, until it is resumed. The wider of two stops holds.

    Args:
        at: when the reason came about. One of before the last time that it was resumed counts no more.
    """
    # A first stop, or a wider one: of the same again the first keeps its time and reason.
    wider = ChannelRecord.stopped.does_not_exist()
    if stopped is Stop.ALL:
        wider |= ChannelRecord.stopped == Stop.BUSINESS_INITIATED.value
    actions: list[Action] = [ChannelRecord.stopped.set(stopped.value), ChannelRecord.since.set(at)]
    actions.append(ChannelRecord.code.set(code) if code is not None else ChannelRecord.code.remove())
    _update(actions, wider & (ChannelRecord.resumed_at.does_not_exist() | (ChannelRecord.resumed_at <= at)))


def pause(until: datetime) -> None:
    """Send nothing before then."""
    sooner = ChannelRecord.resumes_at.does_not_exist() | (ChannelRecord.resumes_at < until)
    _update([ChannelRecord.resumes_at.set(until)], sooner)


def resume(at: datetime) -> None:
    """Send again, whatever stopped or paused it."""
    over = [getattr(ChannelRecord, name).remove() for name in ("stopped", "code", "since", "resumes_at")]
    _update([ChannelRecord.resumed_at.set(at), *over], None)


def approve(names: Iterable[str], *, approved: bool) -> None:
    """Note which templates ("name/language") may be used, or may no longer."""
    if chosen := set(names):
        _update([ChannelRecord.approved.add(chosen) if approved else ChannelRecord.approved.delete(chosen)], None)


# Each of these may be made twice, when nothing was heard of the first.
def _update(actions: list[Action], only_if: Condition | None) -> None:
    try:
        ChannelRecord(*KEY).update([ChannelRecord.kind.set(ChannelRecord), *actions], condition=only_if)  # new, perhaps
    except UpdateError as failure:
        if failure.cause_response_code != "ConditionalCheckFailedException":
            raise


def _as_channel(record: ChannelRecord) -> Channel:
    code: float | None = record.code
    return Channel(
        stopped=Stop(record.stopped) if record.stopped else None,
        code=None if code is None else int(code),
        since=record.since,
        resumes_at=record.resumes_at,
        approved=frozenset(record.approved or ()),
    )
