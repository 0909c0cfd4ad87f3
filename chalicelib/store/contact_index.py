"""The index of contacts: by a word of their name, by the end of their phone number, and the list of all."""

from collections.abc import Collection, Sequence
from hashlib import sha256
from typing import NamedTuple

from chalicelib.domain.contacts import Contact
from chalicelib.domain.searches import fits, is_first
from chalicelib.store.pages import FILTERED, CursorInvalid
from chalicelib.store.records import ListedRecord, NameRecord, PhoneRecord, Record, low_level, stamp
from chalicelib.store.transaction import Transaction

ALL = "CONTACTS"
LAST = "\U0010ffff"  # sorts after anything that may follow the first letters of a word


def index(transaction: Transaction, contact: Contact) -> None:
    """Index the contact under their current name and phone number, and remove outdated entries.

    Adds at most 15 items to the transaction, none for what is unchanged. They have no conditions: save the contact in
    the same transaction, on condition that nobody else changed them.
    """
    if contact.indexed_terms is None:
        assert contact.created_at is not None
        listed = ListedRecord(f"LISTED#{contact.id}", "LISTED", contact_id=contact.id)
        listed.time_key = ALL
        listed.time_at = stamp(contact.created_at, contact.id)
        transaction.put(listed)
    old_terms = contact.indexed_terms or ()
    new_terms = contact.index_terms
    _remove(transaction, contact.id, [term for term in old_terms if term not in new_terms])
    words = _words(new_terms)
    if words != _words(old_terms):
        for word in words:  # each entry has all words
            entry = NameRecord(*_name_key(word, contact.id), contact_id=contact.id, words=" ".join(words))
            transaction.put(entry)
    for term in new_terms:
        if term not in old_terms and term not in words:
            record = PhoneRecord(*phone_key(term[1:]))
            actions = [PhoneRecord.kind.set(PhoneRecord), PhoneRecord.contact_ids.add({contact.id})]
            transaction.update(record, actions)


def unindex(transaction: Transaction, contact: Contact, *, except_for: Collection[str] = ()) -> None:
    """Remove the contact from the index.

    Args:
        except_for: terms of another contact that the same transaction indexes. A transaction can't change an item
            twice, so under these phone numbers an entry remains that leads to nobody.
    """
    if contact.indexed_terms is not None:
        transaction.delete(ListedRecord(f"LISTED#{contact.id}", "LISTED"))
    for term in contact.indexed_terms or ():
        if not (_is_phone(term) and term in except_for):
            _remove(transaction, contact.id, [term])


def _remove(transaction: Transaction, contact_id: str, terms: Sequence[str]) -> None:
    for term in terms:
        if _is_phone(term):
            transaction.update(PhoneRecord(*phone_key(term[1:])), [PhoneRecord.contact_ids.delete({contact_id})])
        else:
            transaction.delete(NameRecord(*_name_key(term, contact_id)))


class IndexEntry(NamedTuple):
    """A contact that matches, and its place in the index, after which a search goes on."""

    place: str
    contact_id: str


def find_by_name(
    wanted: Sequence[str], key_word: str, *, after: str | None, limit: int
) -> tuple[list[IndexEntry], str | None]:
    """Find contacts whose names have words that begin with each of the `wanted` words.

    Return the entries, and the place to go on after, or None if there are no more. One query of at most FILTERED
    entries with a word that begins with `key_word`, so there may be more even if none is found. Raises CursorInvalid.

    Args:
        key_word: the one of the `wanted` words that is looked up.
    """
    if after is not None and not after.startswith(key_word):
        raise CursorInvalid
    most = limit + 1 if len(wanted) == 1 else FILTERED
    begin = key_word if after is None else f"{after}!"  # "!" sorts before anything that may follow a contact's id
    entries: list[IndexEntry] = []
    read_count = 0
    start = None
    while read_count < most:
        answer = low_level().query(
            Record.Meta.table_name,
            f"NAMES#{key_word[0]}",
            NameRecord.sk.between(begin, key_word + LAST),
            consistent_read=True,
            limit=most - read_count,
            exclusive_start_key=start,
        )
        for record in map(NameRecord.from_raw_data, answer["Items"]):
            words = record.words.split()
            if fits(words, wanted) and is_first(record.sk.partition("#")[0], words, key_word):
                entries.append(IndexEntry(record.sk, record.contact_id))
        read_count += answer["ScannedCount"]
        start = answer.get("LastEvaluatedKey")
        if start is None:
            break
    if len(entries) > limit:
        return entries[:limit], entries[limit - 1].place
    return entries, start["sk"]["S"] if start else None


def phone_key(end: str) -> tuple[str, str]:
    """Return the key of the item for phone numbers that end in these digits. It is hashed, so it reveals no digits."""
    return f"PHONES#{sha256(f'end {end}'.encode()).hexdigest()[:16]}", "PHONES"


def entries_in(record: PhoneRecord) -> list[IndexEntry]:
    """Return the contacts whose phone numbers end in the same digits."""
    return [IndexEntry(contact_id, contact_id) for contact_id in sorted(record.contact_ids or ())]


def _name_key(word: str, contact_id: str) -> tuple[str, str]:
    return f"NAMES#{word[0]}", f"{word}#{contact_id}"


def _is_phone(term: str) -> bool:
    return term.startswith("#")


def _words(terms: Sequence[str]) -> list[str]:
    return [term for term in terms if not _is_phone(term)]
