"""Fingerprints of proofs: which order a file, or a picture like it, came with first. They reveal reused proofs (P6)."""

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
BAND = "FINGERPRINT#band#"  # before the number of a band of a picture's hash, and a hash of that band


class Fingerprint(NamedTuple):
    """What is stored about a contact's proof, so that it is recognised: its file, or a band of its picture's hash."""

    kind: Literal["file", "picture"]
    order_id: str
    contact_id: str
    received_at: datetime
    key: Key


def compare(transaction: Transaction, proof: Proof, order: Order) -> Proof:
    """Return the proof, flagged with the other order that the same file or a similar picture came with before, if any.

    One request, whatever the file. The transaction stores the fingerprints that are new, on condition that nothing has
    changed since they were read. So if two orders get the same file at the same moment, the second one to commit fails,
    reads again, and is flagged.
    """
    file_key = _file_key(proof)
    band_keys = _band_keys(proof)
    known = {(record.pk, record.sk): record for record in _read([file_key, *band_keys])}
    if file_key not in known:
        _remember(transaction, _record(file_key, proof, order), None)
    for key in band_keys:
        if key not in known or not _is_alike(known[key], proof):
            _remember(transaction, _record(key, proof, order), known.get(key))
    if file_key in known and known[file_key].order_id != order.id:
        return replace(proof, same_file_as=known[file_key].order_id)
    return replace(proof, looks_like=_first_alike([known[key] for key in band_keys if key in known], proof, order))


def noted(proofs: Iterable[Proof], contact_id: str) -> list[Fingerprint]:
    """Return the contact's fingerprints of these proofs' files, and of pictures like them. Up to two requests a proof.

    The hash of a picture is not stored with the order, so it is taken from the fingerprint of the file.
    """
    records = list[FingerprintRecord]()
    for proof in proofs:
        of_file = _read([_file_key(proof)])
        records += of_file
        for record in of_file:
            records += _read(_band_keys(replace(proof, image_hash=record.image_hash)))
    return [_as_fingerprint(record) for record in records if record.contact_id == contact_id]


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


def _read(keys: Sequence[Key]) -> list[FingerprintRecord]:
    records = Record.batch_get(keys, consistent_read=True) if keys else ()
    return [record for record in records if isinstance(record, FingerprintRecord)]


def _first_alike(records: Sequence[FingerprintRecord], proof: Proof, order: Order) -> str | None:
    """Return the id of the order that got the earliest similar picture. None if this order did: it was sent again."""
    alike = [record for record in records if _is_alike(record, proof)]
    first = min(alike, key=lambda record: record.received_at, default=None)
    return None if first is None or first.order_id == order.id else first.order_id


def _remember(transaction: Transaction, record: FingerprintRecord, before: FingerprintRecord | None) -> None:
    """Store a fingerprint, unless the item has changed since it was read.

    There is room for all fingerprints except in one case. A late proof that brings back 40 numbers on 40 leaves takes
    82 items with the order and the tally, 86 with the message, the contact, an alias and the reply, and 96 with notices
    to 10 organisers. Of such a proof, the file and three of nine bands are stored.

    Args:
        before: the stored fingerprint that is replaced: of a different picture with the same band. None: there is none.
    """
    unchanged: Condition = FingerprintRecord.pk.does_not_exist()
    if before is not None:
        unchanged = FingerprintRecord.image_hash == before.image_hash
    transaction.put_if_room(record, name=FINGERPRINT, only_if=unchanged)


def _record(key: Key, proof: Proof, order: Order) -> FingerprintRecord:
    return FingerprintRecord(
        *key,
        order_id=order.id,
        contact_id=order.contact_id,
        image_hash=proof.image_hash,
        received_at=proof.received_at,
    )


def _is_alike(record: FingerprintRecord, proof: Proof) -> bool:
    return proof.image_hash is not None and are_alike(record.image_hash, proof.image_hash)


def _file_key(proof: Proof) -> Key:
    return FILE + proof.sha256, "FINGERPRINT"


def _band_keys(proof: Proof) -> list[Key]:
    """Return the keys of the picture's bands. There are none if the file is a PDF or a plain picture."""
    hashes = [] if proof.image_hash is None else [sha256(band).hexdigest()[:32] for band in bands(proof.image_hash)]
    return [(f"{BAND}{number}#{band_hash}", "FINGERPRINT") for number, band_hash in enumerate(hashes)]
