"""The channel in the table: whether our number may send, and which templates. One item, read with contacts."""

from collections.abc import Iterable
from datetime import UTC, datetime

from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action

from chalicelib.domain.channel import Channel, Stop
from chalicelib.store.records import ChannelRecord, Record, TemplateRecord, update_if
from chalicelib.store.transaction import ConditionsFailed, Transaction

KEY = ("CHANNEL", "CHANNEL")
LONG_AGO = datetime.fromtimestamp(0, UTC)


def read() -> Channel:
    """Read the channel. One request."""
    return found_in(Record.batch_get([KEY], consistent_read=True))


def found_in(records: Iterable[Record]) -> Channel:
    """Return the channel, if KEY was read together with other items. Without an item, the channel is open."""
    return next((_as_channel(record) for record in records if isinstance(record, ChannelRecord)), Channel())


def stop(stopped: Stop, at: datetime, *, code: int | None) -> None:
    """Stop sending, entirely or except for replies, until it is resumed. Of two stops, the wider one holds.

    Args:
        at: when the cause happened. A cause from before the last resumption is ignored.
    """
    # Only a first or a wider stop is stored. If the same stop is repeated, the first one's time and code remain.
    is_wider = ChannelRecord.stopped.does_not_exist()
    if stopped is Stop.ALL:
        is_wider |= ChannelRecord.stopped == Stop.BUSINESS_INITIATED.value
    actions: list[Action] = [ChannelRecord.stopped.set(stopped.value), ChannelRecord.since.set(at)]
    actions.append(ChannelRecord.code.set(code) if code is not None else ChannelRecord.code.remove())
    is_current = ChannelRecord.resumed_at.does_not_exist() | (ChannelRecord.resumed_at <= at)
    _update(actions, is_wider & is_current)


def pause(until: datetime) -> None:
    """Pause sending until that time. A longer pause still holds."""
    is_longer = ChannelRecord.resumes_at.does_not_exist() | (ChannelRecord.resumes_at < until)
    _update([ChannelRecord.resumes_at.set(until)], is_longer)


def resume(at: datetime) -> None:
    """Resume sending, whatever stopped or paused it."""
    removals = [getattr(ChannelRecord, name).remove() for name in ("stopped", "code", "since", "resumes_at")]
    _update([ChannelRecord.resumed_at.set(at), *removals], None)


def note_silence(at: datetime) -> None:
    """Record that a message was left unknown: the first and the last one of a silence are kept."""
    first = ChannelRecord.silent_since | at  # unless there is one
    _update([ChannelRecord.silent_since.set(first), ChannelRecord.silent_until.set(at)], None)


def note_answer(at: datetime) -> None:
    """Record that WhatsApp answered after a silence."""
    _update(
        [ChannelRecord.answered_at.set(at)],
        ChannelRecord.silent_since.exists() & ChannelRecord.answered_at.does_not_exist(),
    )


def end_silence(since: datetime) -> None:
    """Forget a silence, once somebody has looked after what it left unknown."""
    names = ("silent_since", "silent_until", "answered_at")
    _update([getattr(ChannelRecord, name).remove() for name in names], ChannelRecord.silent_since == since)


def approve(names: Iterable[str], *, approved: bool, at: datetime = LONG_AGO) -> None:
    """Record that since that time templates ("name/language") may be used, or may no longer be used.

    Whatever is known of a template from that time or later stays. One request; one more if there is such a template.
    """
    templates = set(names)
    while templates:
        transaction = Transaction()
        for name in sorted(templates):
            is_newer = TemplateRecord.pk.does_not_exist() | (TemplateRecord.changed_at < at)
            # Updates alone: the function that sends may put nothing.
            seen = [TemplateRecord.kind.set(TemplateRecord), TemplateRecord.changed_at.set(at)]
            transaction.update(TemplateRecord(*_template_key(name)), seen, name=name, only_if=is_newer)
        change = ChannelRecord.approved.add(templates) if approved else ChannelRecord.approved.delete(templates)
        transaction.update(ChannelRecord(*KEY), [ChannelRecord.kind.set(ChannelRecord), change])
        try:
            transaction.commit()
        except ConditionsFailed as failure:
            templates -= {failed.name for failed in failure.failures}
        else:
            return


def keep_languages(transaction: Transaction, languages: frozenset[str]) -> None:
    """Store in which languages organisers read their notices (`Channel.languages`). Of two at once, the last holds."""
    attribute = ChannelRecord.languages
    change = attribute.set(set(languages)) if languages else attribute.remove()
    transaction.update(ChannelRecord(*KEY), [ChannelRecord.kind.set(ChannelRecord), change])


def _template_key(name: str) -> tuple[str, str]:
    return f"TEMPLATE#{name}", "TEMPLATE"


# Each of these updates may be sent twice, if the first one was not answered. They have the same effect then.
def _update(actions: list[Action], only_if: Condition | None) -> None:
    # The item may be new, so its kind is set, too.
    update_if(ChannelRecord(*KEY), [ChannelRecord.kind.set(ChannelRecord), *actions], only_if)


def _as_channel(record: ChannelRecord) -> Channel:
    code: float | None = record.code
    return Channel(
        stopped=Stop(record.stopped) if record.stopped else None,
        code=None if code is None else int(code),
        since=record.since,
        resumes_at=record.resumes_at,
        approved=frozenset(record.approved or ()),
        silent_since=record.silent_since,
        silent_until=record.silent_until,
        answered_at=record.answered_at,
        languages=frozenset(record.languages or ()),
    )
