"""Idempotency keys: what a client created with an Idempotency-Key, so that a repeated request returns the same."""

from datetime import datetime, timedelta
from typing import NamedTuple

from chalicelib.domain.organisers import Actor
from chalicelib.domain.refusals import KeyUsedOtherwise
from chalicelib.store.records import OnceRecord
from chalicelib.store.transaction import Transaction

IDEMPOTENCY = "once"  # the name of the condition that the key is new
KEPT_FOR = timedelta(days=2)


class IdempotencyKey(NamedTuple):
    """The value of an Idempotency-Key header, and a hash of the request that carried it."""

    key: str
    fingerprint: str


def find_result(idempotency_key: IdempotencyKey | None, by: Actor) -> str | None:
    """Return the id of what was created with this key before, or None if the key is new. One request.

    Raises KeyUsedOtherwise if the earlier request was a different one.
    """
    if idempotency_key is None:
        return None
    try:
        record = OnceRecord.get(*_key(idempotency_key, by), consistent_read=True)
    except OnceRecord.DoesNotExist:
        return None
    if record.fingerprint != idempotency_key.fingerprint:
        raise KeyUsedOtherwise(idempotency_key.key)
    return record.made


def record_result(
    transaction: Transaction, idempotency_key: IdempotencyKey | None, by: Actor, result_id: str, now: datetime
) -> None:
    """Store the id of what the transaction creates under the key. Without a key, do nothing.

    Committing raises ConditionsFailed if the key was used in the meantime. Call `find_result` again then.
    """
    if idempotency_key is not None:
        record = OnceRecord(
            *_key(idempotency_key, by),
            fingerprint=idempotency_key.fingerprint,
            made=result_id,
            vanishes_at=now + KEPT_FOR,
        )
        transaction.put(record, name=IDEMPOTENCY, only_if=OnceRecord.pk.does_not_exist())


def _key(idempotency_key: IdempotencyKey, by: Actor) -> tuple[str, str]:
    return f"ONCE#{by.token_id}#{idempotency_key.key}", "ONCE"
