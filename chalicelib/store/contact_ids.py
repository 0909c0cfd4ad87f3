"""Ids of contacts: keyed hashes of a user id or phone number.

The same user id or phone number always gives the same id. Without access to the table, nobody can find out whom an id
belongs to. A plain hash would not do: anyone who sees the id of an erased contact could try all phone numbers of a
country. The key is stored in the table. It is created when it is first needed, and restored together with the table.
"""

from collections.abc import Iterable
from hmac import digest
from secrets import token_bytes

from pynamodb.exceptions import PutError

from chalicelib.domain.messages import Identity
from chalicelib.domain.phone_spellings import spellings_of
from chalicelib.store.records import KeyRecord, Record

KEY = ("KEY#contacts", "KEY")
KEY_BYTES = 32
ID_BYTES = 12


def contact_ids_of(identity: Identity) -> list[str]:
    """Return the ids that a person may have, the preferred one first: 24 hex digits each.

    A process makes one request for the key, or three to create it.
    """
    return _ids_of(name for name in (identity.user_id, identity.phone) if name)


def other_ids_of(identity: Identity) -> list[str]:
    """Return the ids that the person has if their phone number came in another spelling before."""
    return _ids_of(spellings_of(identity.phone)[1:] if identity.phone else ())


def _ids_of(names: Iterable[str]) -> list[str]:
    return [digest(_key(), name.encode(), "sha256")[:ID_BYTES].hex() for name in names]


def _key() -> bytes:
    if Record.Meta.name_key is None:
        Record.Meta.name_key = _read_key() or _create_key()
    return Record.Meta.name_key


def _read_key() -> bytes | None:
    record = next(iter(Record.batch_get([KEY], consistent_read=True)), None)
    return record.value if isinstance(record, KeyRecord) else None


def _create_key() -> bytes:
    record = KeyRecord(*KEY, value=token_bytes(KEY_BYTES))
    try:
        record.save(condition=KeyRecord.pk.does_not_exist())
    except PutError as failure:
        if failure.cause_response_code != "ConditionalCheckFailedException":
            raise
    key = _read_key()  # ours, or that of the process that was first
    assert key is not None
    return key
