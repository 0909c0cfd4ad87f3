"""What a client asked for under a key of its own choice (Idempotency-Key), so that it is done once."""

from datetime import datetime, timedelta
from typing import NamedTuple

from chalicelib.domain.organisers import Actor
from chalicelib.domain.refusals import KeyUsedOtherwise
from chalicelib.store.records import OnceRecord
from chalicelib.store.transaction import Transaction

ONCE = "once"  # the name of the condition that the key is new
KEPT = timedelta(days=2)


class Once(NamedTuple):
    """A key, and the hash of what was asked for with it."""

    key: str
    fingerprint: str


def made(once: Once | None, by: Actor) -> str | None:
    """The id of what was made under the key before; None when it is new. One request. Raises KeyUsedOtherwise."""
    if once is None:
        return None
    try:
        record = OnceRecord.get(*_key(once, by), consistent_read=True)
    except OnceRecord.DoesNotExist:
        return None
    if record.fingerprint != once.fingerprint:
        raise KeyUsedOtherwise(once.key)
    return record.made


def remember(transaction: Transaction, once: Once | None, by: Actor, made: str, now: datetime) -> None:
    """Note what is made under the key, together with it. ConditionsFailed when it was made just now: ask `made`."""
    if once is not None:
        record = OnceRecord(*_key(once, by), fingerprint=once.fingerprint, made=made, vanishes_at=now + KEPT)
        transaction.put(record, name=ONCE, only_if=OnceRecord.pk.does_not_exist())


def _key(once: Once, by: Actor) -> tuple[str, str]:
    return f"ONCE#{by.token_id}#{once.key}", "ONCE"
