"""Where contacts are found: by a word of their name, by the end of their phone number, in the list of all."""

from collections.abc import Collection, Sequence
from hashlib import sha256
from typing import NamedTuple

from chalicelib.domain.contacts import Contact
from chalicelib.domain.searches import fits, is_first
from chalicelib.store.pages import FILTERED, CursorInvalid
from chalicelib.store.records import ListedRecord, NameRecord, PhoneRecord, Record, low_level, stamp
from chalicelib.store.transaction import Transaction

ALL = "CONTACTS"
LAST = "\U0010ffff"  # sorts behind whatever follows the beginning of a word


def index(transaction: Transaction, contact: Contact) -> None:
    """Have the contact found under what they are called now, and no more under what they were called.

    At most 15 items; none of an unchanged name. Nothing is conditioned: whoever does this stores the contact on
    condition that nobody else changed it.
    """
    if contact.indexed_terms is None:
        assert contact.created_at is not None
        listed = ListedRecord(f"LISTED#{contact.id}", "LISTED", contact_id=contact.id)
        listed.time_key, listed.time_at = ALL, stamp(contact.created_at, contact.id)
        transaction.put(listed)
    before, now = contact.indexed_terms or (), contact.index_terms
    _remove(transaction, contact.id, [name for name in before if name not in now])
    words = _words(now)
    if words != _words(before):
        for word in words:  # each entry has all words
            entry = NameRecord(*_name_key(word, contact.id), contact_id=contact.id, words=" ".join(words))
            transaction.put(entry)
    for name in now:
        if name not in before and name not in words:
            record = PhoneRecord(*phone_key(name[1:]))
            actions = [PhoneRecord.kind.set(PhoneRecord), PhoneRecord.contact_ids.add({contact.id})]
            transaction.update(record, actions)


def unindex(transaction: Transaction, contact: Contact, *, except_for: Collection[str] = ()) -> None:
    """Have a contact found no more. What is in `except_for` another one changes in the same transaction: there an entry
    stays, which leads to nobody."""
    if contact.indexed_terms is not None:
        transaction.delete(ListedRecord(f"LISTED#{contact.id}", "LISTED"))
    for name in contact.indexed_terms or ():
        if not (_is_phone(name) and name in except_for):
            _remove(transaction, contact.id, [name])


def _remove(transaction: Transaction, contact_id: str, names: Sequence[str]) -> None:
    for name in names:
        if _is_phone(name):
            transaction.update(PhoneRecord(*phone_key(name[1:])), [PhoneRecord.contact_ids.delete({contact_id})])
        else:
            transaction.delete(NameRecord(*_name_key(name, contact_id)))


class IndexEntry(NamedTuple):
    """A contact that may be meant, and the place behind which the next one is looked for."""

    place: str
    contact_id: str


def by_name(
    wanted: Sequence[str], key_word: str, *, after: str | None, limit: int
) -> tuple[list[IndexEntry], str | None]:
    """Contacts with each of the `wanted` words, or one that begins so, in their name; and where to go on, if there may
    be more of them.

    One query, which looks at no more than FILTERED people who have a word like `key_word`, one of those that are
    wanted: so there may be more also when it found none. Raises CursorInvalid.
    """
    if after is not None and not after.startswith(key_word):
        raise CursorInvalid
    most = limit + 1 if len(wanted) == 1 else FILTERED
    begin = key_word if after is None else f"{after}!"  # "!" sorts before whatever may follow a contact's id
    found: list[IndexEntry] = []
    looked_at, start = 0, None
    while looked_at < most:
        answer = low_level().query(
            Record.Meta.table_name,
            f"NAMES#{key_word[0]}",
            NameRecord.sk.between(begin, key_word + LAST),
            consistent_read=True,
            limit=most - looked_at,
            exclusive_start_key=start,
        )
        for record in map(NameRecord.from_raw_data, answer["Items"]):
            words = record.words.split()
            if fits(words, wanted) and is_first(record.sk.partition("#")[0], words, key_word):
                found.append(IndexEntry(record.sk, record.contact_id))
        looked_at += answer["ScannedCount"]
        start = answer.get("LastEvaluatedKey")
        if start is None:
            break
    if len(found) > limit:
        return found[:limit], found[limit - 1].place
    return found, start["sk"]["S"] if start else None


def phone_key(end: str) -> tuple[str, str]:
    """The item of all whose phone numbers end in these digits: hashed, so that no key tells a part of a number."""
    return f"PHONES#{sha256(f'end {end}'.encode()).hexdigest()[:16]}", "PHONES"


def by_phone(record: PhoneRecord) -> list[IndexEntry]:
    return [IndexEntry(contact_id, contact_id) for contact_id in sorted(record.contact_ids or ())]


def _name_key(word: str, contact_id: str) -> tuple[str, str]:
    return f"NAMES#{word[0]}", f"{word}#{contact_id}"


def _is_phone(name: str) -> bool:
    return name.startswith("#")


def _words(names: Sequence[str]) -> list[str]:
    return [name for name in names if not _is_phone(name)]
