"""The audit log in the table. An entry is appended in the transaction of the change, and never modified."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import fields
from datetime import datetime, timedelta
from functools import reduce
from json import dumps, loads
from operator import and_
from typing import Any

from pynamodb.indexes import GlobalSecondaryIndex

from chalicelib.domain.audit import CHAINS, AuditEntry, AuditEvent, Facts, Head, chain_of, next_entry
from chalicelib.domain.organisers import Actor, Role
from chalicelib.store.pages import Bounds, Page, page_of
from chalicelib.store.records import AuditHeadRecord, AuditRecord, Record, stamp
from chalicelib.store.transaction import Transaction

ALL = "AUDIT"
AUDIT = "audit"  # the name of the condition on the newest entry
LOOKED_BACK = 500  # entries of a chain among which it is found who decided
BATCH = 100  # entries that are read in one request
NEWEST = 10  # entries among which the last change is found
NO_CHANGE = ("read", "exported", "written_to")  # the ends of actions that change nothing of their target
INACCURACY = timedelta(seconds=2)  # between the time of a change and that of its entry


def head_key(target: str) -> tuple[str, str]:
    """Return the key of the item with the newest entry of the target's chain."""
    return _head_key(chain_of(target))


def head(target: str) -> Head:
    """Return the newest entry of the target's chain. One request."""
    return head_of(chain_of(target))


def head_of(chain: int) -> Head:
    """Return the newest entry of a chain, by its number. One request."""
    return head_in(AuditHeadRecord.batch_get([_head_key(chain)], consistent_read=True))


def all_heads() -> tuple[Head, ...]:
    """Return the newest entry of each chain, by its number. One request."""
    records = AuditHeadRecord.batch_get([_head_key(chain) for chain in range(CHAINS)], consistent_read=True)
    newest = {record.pk: Head(int(record.number), record.seal) for record in records}
    return tuple(newest.get(_head_key(chain)[0], Head()) for chain in range(CHAINS))


def head_in(records: Iterable[Record]) -> Head:
    """Return the newest entry, if `head_key` was read together with other items."""
    for record in records:
        if isinstance(record, AuditHeadRecord):
            return Head(int(record.number), record.seal)
    return Head()


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
    entry = next_entry(newest, event)
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
    action: str | None = None,
    created_after: datetime | None = None,
    created_before: datetime | None = None,
    limit: int,
    after: str | None = None,
    backwards: bool = False,
) -> Page[AuditEntry]:
    """Return one page of entries, newest first: all, those of one target, or those of one token. One query.

    With an action, or with both a target and a token, at most FILTERED entries are read, so the page may be short.
    """
    index: GlobalSecondaryIndex[Any] = Record.by_time
    hash_key = ALL
    conditions = [AuditRecord.action == action] if action is not None else []
    if target is not None:
        index = Record.by_raffle
        hash_key = _index_key(target)
        conditions += [AuditRecord.name == by] if by is not None else []
    elif by is not None:
        index = Record.by_contact
        hash_key = _index_key(by)
    return page_of(
        index,
        hash_key,
        _all_of,
        limit=limit,
        after=after,
        backwards=backwards,
        only=reduce(and_, conditions) if conditions else None,
        within=Bounds.of_time(created_after, created_before),
    )


def newest_of(target: str, actions: Collection[str]) -> AuditEntry | None:
    """Return the newest entry of the target with one of these actions, also if it was written just now.

    It is found among the newest 500 entries of the target's chain only: strongly consistent, as no index is. One
    request for the head, and one per hundred entries.
    """
    chain = chain_of(target)
    upto = head_of(chain).number
    for last in range(upto, max(upto - LOOKED_BACK, 0), -BATCH):
        numbers = range(max(last - BATCH, 0) + 1, last + 1)
        entries = _all_of(AuditRecord.batch_get([_key(chain, number) for number in numbers], consistent_read=True))
        found = [entry for entry in entries if entry.target == target and entry.action in actions]
        if found:
            return max(found, key=lambda entry: entry.number)
    return None


def last_change(target: str, since: datetime | None) -> AuditEntry | None:
    """Return the newest entry of the target about a change, if an organiser made it since then. One query of an index.

    What was written within the last moment may be missing.

    Args:
        since: None: at any time.
    """
    entries = listed(target=target, limit=NEWEST).items
    changes = (entry for entry in entries if not entry.action.endswith(NO_CHANGE))
    newest = next(changes, None)
    return newest if newest is not None and (since is None or newest.at >= since - INACCURACY) else None


def entries_of(chain: int, upto: int) -> Iterator[AuditEntry]:
    """Yield a chain's entries in order, up to the number `upto`. One strongly consistent request per hundred."""
    for first in range(1, upto + 1, BATCH):
        numbers = range(first, min(first + BATCH, upto + 1))
        entries = _all_of(AuditRecord.batch_get([_key(chain, number) for number in numbers], consistent_read=True))
        yield from sorted(entries, key=lambda entry: entry.number)


def _head_key(chain: int) -> tuple[str, str]:
    return f"AUDIT#{chain:02}", "HEAD"


def _key(chain: int, number: int) -> tuple[str, str]:
    return f"AUDIT#{chain:02}#{number:012}", "AUDIT"


def _index_key(target_or_name: str) -> str:
    return f"AUDIT#{target_or_name}"


def _as_record(entry: AuditEntry) -> AuditRecord:
    at = stamp(entry.at, f"{entry.chain:02}", f"{entry.number:012}")
    return AuditRecord(
        *_key(entry.chain, entry.number),
        time_key=ALL,
        time_at=at,
        raffle_key=_index_key(entry.target),
        raffle_at=at,
        contact_key=_index_key(entry.name),
        contact_at=at,
        **{**vars(entry), "role": entry.role.value, "before": _as_json(entry.before), "after": _as_json(entry.after)},
    )


def _as_json(facts: dict[str, Any]) -> str:
    return dumps(facts, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _all_of(records: Iterable[Record]) -> list[AuditEntry]:
    return [_as_entry(record) for record in records if isinstance(record, AuditRecord)]


def _as_entry(record: AuditRecord) -> AuditEntry:
    converted: dict[str, Any] = {
        "chain": int(record.chain),
        "number": int(record.number),
        "role": Role(record.role),
        "before": loads(record.before),
        "after": loads(record.after),
    }
    return AuditEntry(**{field.name: getattr(record, field.name) for field in fields(AuditEntry)} | converted)
