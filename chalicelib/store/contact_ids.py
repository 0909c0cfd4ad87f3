"""Ids of people: always the same for the same name, and nobody without access to the table gets from an id to a name.

A plain hash would not do: whoever sees the id of somebody erased could try all phone numbers of a country. So it is
keyed. The key lies in the table: it is made when it is first needed, and whoever restores the table has it again.
"""

from hmac import digest
from secrets import token_bytes

from pynamodb.exceptions import PutError

from chalicelib.domain.messages import Identity
from chalicelib.store.records import KeyRecord, Record

KEY = ("KEY#contacts", "KEY")
KEY_BYTES, ID_BYTES = 32, 12


def contact_ids_of(identity: Identity) -> list[str]:
    """Under which ids a person may be known, the preferred one first: 24 hex digits each.

    A process makes one request for the key, two where there is none yet.
    """
    names = [name for name in (identity.user_id, identity.phone) if name]
    return [digest(_key(), name.encode(), "sha256")[:ID_BYTES].hex() for name in names]


def _key() -> bytes:
    if Record.Meta.name_key is None:
        Record.Meta.name_key = _stored() or _made()
    return Record.Meta.name_key


def _stored() -> bytes | None:
    found = next(iter(Record.batch_get([KEY], consistent_read=True)), None)
    return found.value if isinstance(found, KeyRecord) else None


def _made() -> bytes:
    record = KeyRecord(*KEY, value=token_bytes(KEY_BYTES))
    try:
        record.save(condition=KeyRecord.pk.does_not_exist())
    except PutError as failure:
        if failure.cause_response_code != "ConditionalCheckFailedException":
            raise
    stored = _stored()  # ours, or of whoever was first
    assert stored is not None
    return stored
