"""The audit log in the table: appended to in the transaction of the change itself, and never changed."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from json import dumps, loads
from typing import Any

from pynamodb.indexes import GlobalSecondaryIndex

from chalicelib.domain.audit import AuditEntry, AuditEvent, Facts, Head, chain_of, following
from chalicelib.domain.organisers import Actor, Role
from chalicelib.store.pages import Page, page_of
from chalicelib.store.records import AuditHeadRecord, AuditRecord, Record, stamp
from chalicelib.store.transaction import Transaction

ALL = "AUDIT"
AUDIT = "audit"  # the name of the condition on the newest entry
AT_ONCE = 100  # entries that one request brings


def head_key(target: str) -> tuple[str, str]:
    """Where the end of the chain is noted that holds what was done to the target."""
    return _head_key(chain_of(target))


def head(target: str) -> Head:
    """The newest entry of the target's chain. One request."""
    return head_of(chain_of(target))


def head_of(chain: int) -> Head:
    return head_in(AuditHeadRecord.batch_get([_head_key(chain)], consistent_read=True))


def head_in(found: Iterable[Record]) -> Head:
    """The newest entry, where `head_key` was read with other items."""
    return next((Head(int(one.number), one.seal) for one in found if isinstance(one, AuditHeadRecord)), Head())


def record(
    transaction: Transaction, *, action: str, target: str, by: Actor, at: datetime, before: Facts, after: Facts
) -> None:
    """Read the newest entry of the target's chain and append an event to it (O2). One request.

    Committing raises ConditionsFailed if another entry was appended in the meantime. Start over then.
    """
    event = AuditEvent(action=action, target=target, by=by, at=at, before=before, after=after)
    append(transaction, head(target), event)


def append(transaction: Transaction, newest: Head, event: AuditEvent) -> None:
    """Append an event to the chain whose newest entry is `newest`.

    Committing raises ConditionsFailed if another entry was appended in the meantime. Start over then.
    """
    entry = following(newest, event)
    unchanged = AuditHeadRecord.seal == newest.seal if newest.number else AuditHeadRecord.pk.does_not_exist()
    transaction.put(
        AuditHeadRecord(*_head_key(entry.chain), number=entry.number, seal=entry.seal),
        name=AUDIT,
        only_if=unchanged,
    )
    transaction.put(_as_record(entry), name=AUDIT, only_if=AuditRecord.pk.does_not_exist())


def listed(
    *,
    target: str | None = None,
    by: str | None = None,
    limit: int,
    after: str | None = None,
    backwards: bool = False,
) -> Page[AuditEntry]:
    """One page of entries, newest first; of one target, or of what one token did. One query."""
    index: GlobalSecondaryIndex[Any] = Record.by_time
    hash_key, only = ALL, None
    if target is not None:
        index, hash_key = Record.by_raffle, _of(target)
        only = None if by is None else AuditRecord.name == by
    elif by is not None:
        index, hash_key = Record.by_contact, _of(by)
    return page_of(index, hash_key, _all_of, limit=limit, after=after, backwards=backwards, only=only)


def whole(chain: int, upto: int) -> Iterator[AuditEntry]:
    """A chain's entries in order, up to that number: strongly consistent, a request for each hundred."""
    for first in range(1, upto + 1, AT_ONCE):
        numbers = range(first, min(first + AT_ONCE, upto + 1))
        found = _all_of(AuditRecord.batch_get([_key(chain, number) for number in numbers], consistent_read=True))
        yield from sorted(found, key=lambda entry: entry.number)


def _head_key(chain: int) -> tuple[str, str]:
    return f"AUDIT#{chain:02}", "HEAD"


def _key(chain: int, number: int) -> tuple[str, str]:
    return f"AUDIT#{chain:02}#{number:012}", "AUDIT"


def _of(what: str) -> str:
    return f"AUDIT#{what}"


def _as_record(entry: AuditEntry) -> AuditRecord:
    at = stamp(entry.at, f"{entry.chain:02}", f"{entry.number:012}")
    return AuditRecord(
        *_key(entry.chain, entry.number),
        time_key=ALL,
        time_at=at,
        raffle_key=_of(entry.target),
        raffle_at=at,
        contact_key=_of(entry.name),
        contact_at=at,
        **{**vars(entry), "role": entry.role.value, "before": _text(entry.before), "after": _text(entry.after)},
    )


def _text(facts: dict[str, Any]) -> str:
    return dumps(facts, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _all_of(records: Iterable[Record]) -> list[AuditEntry]:
    return [_as_entry(record) for record in records if isinstance(record, AuditRecord)]


def _as_entry(record: AuditRecord) -> AuditEntry:
    fields: dict[str, Any] = {name: record.attribute_values.get(name) for name in AuditEntry.__dataclass_fields__}
    texts = {name: loads(fields[name]) for name in ("before", "after")}
    numbers = {name: int(fields[name]) for name in ("chain", "number")}
    return AuditEntry(**{**fields, **texts, **numbers, "role": Role(record.role)})
