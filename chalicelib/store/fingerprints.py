"""Which order a file, or a picture like it, came with first: what makes rule P6 notice a proof that is used again."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from typing import Literal, NamedTuple

from pynamodb.exceptions import DeleteError
from pynamodb.expressions.condition import Condition

from chalicelib.domain.image_similarity import are_alike, bands
from chalicelib.domain.orders import Order, Proof
from chalicelib.store.records import FingerprintRecord, Record
from chalicelib.store.transaction import Transaction

FINGERPRINT = "fingerprint"  # the name of the conditions on what was read here

Key = tuple[str, str]
FILE = "FINGERPRINT#sha#"  # before the hash of a file
BAND = "FINGERPRINT#band#"  # before the number and the hash of a part of a picture's look


class Fingerprint(NamedTuple):
    """What is remembered of a proof as a contact's: its file, or a part of what its picture looks like."""

    kind: Literal["file", "picture"]
    order_id: str
    contact_id: str
    received_at: datetime
    key: Key  # says `forget` where it is


def compare(transaction: Transaction, proof: Proof, order: Order) -> Proof:
    """The proof, flagged with the order that the same file or picture came with before, if that was another one.

    One request, whatever the file. What was not known before is remembered by the transaction, on condition that it
    still is as it was read. So of two orders that get one file at the same moment, the second one to commit fails,
    reads anew, and is flagged.
    """
    file, parts = _file_key(proof), _band_keys(proof)
    found = {
        (record.pk, record.sk): record
        for record in Record.batch_get([file, *parts], consistent_read=True)
        if isinstance(record, FingerprintRecord)
    }
    if file not in found:
        _remember(transaction, _record(file, proof, order, image_hash=proof.image_hash), None)
    for key in parts:
        if key not in found or not _is_alike(found[key], proof):
            _remember(transaction, _record(key, proof, order, image_hash=proof.image_hash), found.get(key))
    if file in found and (same := _other(found[file].order_id, order)) is not None:
        return replace(proof, same_file_as=same)
    return replace(proof, looks_like=_first_alike([found[key] for key in parts if key in found], proof, order))


def noted(proofs: Iterable[Proof], contact_id: str) -> list[Fingerprint]:
    """Return what is remembered of these files, and of pictures like them, as this contact's. Two requests a file.

    A stored order does not say what its pictures look like: that is stored with the file's fingerprint.
    """
    found = list[FingerprintRecord]()
    for proof in proofs:
        of_file = _at([_file_key(proof)])
        keys = [key for one in of_file for key in _band_keys(replace(proof, image_hash=one.image_hash))]
        found += of_file + _at(keys)
    return [_as_fingerprint(record) for record in found if record.contact_id == contact_id]


def _as_fingerprint(record: FingerprintRecord) -> Fingerprint:
    return Fingerprint(
        kind="file" if record.pk.startswith(FILE) else "picture",
        order_id=record.order_id,
        contact_id=record.contact_id,
        received_at=record.received_at,
        key=(record.pk, record.sk),
    )


def forget(fingerprint: Fingerprint) -> None:
    """Delete a fingerprint, unless it has become somebody else's since it was read."""
    record = FingerprintRecord(*fingerprint.key)
    try:
        record.delete(condition=FingerprintRecord.contact_id == fingerprint.contact_id)
    except DeleteError as failure:
        if failure.cause_response_code != "ConditionalCheckFailedException":
            raise


def _at(keys: Sequence[Key]) -> list[FingerprintRecord]:
    found = Record.batch_get(keys, consistent_read=True) if keys else ()
    return [record for record in found if isinstance(record, FingerprintRecord)]


def _first_alike(found: Sequence[FingerprintRecord], proof: Proof, order: Order) -> str | None:
    """The order of the earliest picture like this one, unless that is this order itself: then it was sent again."""
    alike = [record for record in found if _is_alike(record, proof)]
    first = min(alike, key=lambda record: record.received_at, default=None)
    return None if first is None else _other(first.order_id, order)


def _other(order_id: str, order: Order) -> str | None:
    return None if order_id == order.id else order_id


def _remember(transaction: Transaction, record: FingerprintRecord, before: FingerprintRecord | None) -> None:
    """Who came first with a file or a picture stays. `before` is another picture that has this band: the latest stays.

    There is room, but in one case: a late proof brings back 40 numbers on 40 leaves, which are 82 items with the order
    and the tally, 86 with the message, the contact, a further name of theirs and the reply, and 96 with notices to 10
    organisers. Of that proof the file and three of nine bands are remembered.
    """
    unchanged: Condition = FingerprintRecord.pk.does_not_exist()
    if before is not None:
        unchanged = FingerprintRecord.image_hash == before.image_hash
    transaction.put_if_room(record, name=FINGERPRINT, only_if=unchanged)


def _record(key: Key, proof: Proof, order: Order, *, image_hash: bytes | None = None) -> FingerprintRecord:
    return FingerprintRecord(
        *key, order_id=order.id, contact_id=order.contact_id, image_hash=image_hash, received_at=proof.received_at
    )


def _is_alike(record: FingerprintRecord, proof: Proof) -> bool:
    return proof.image_hash is not None and are_alike(record.image_hash, proof.image_hash)


def _file_key(proof: Proof) -> Key:
    return FILE + proof.sha256, "FINGERPRINT"


def _band_keys(proof: Proof) -> list[Key]:
    """None where the file is no picture, or a plain one."""
    parts = [] if proof.image_hash is None else [sha256(band).hexdigest()[:32] for band in bands(proof.image_hash)]
    return [(f"{BAND}{number}#{part}", "FINGERPRINT") for number, part in enumerate(parts)]
