"""Contacts in the table: found by any of their names in one request, saved if nobody changed them since."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

from pynamodb.exceptions import UpdateError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.indexes import GlobalSecondaryIndex

from chalicelib.domain.channel import Channel
from chalicelib.domain.contacts import MOST_NEWEST, Contact
from chalicelib.domain.conversation import Conversation, Stage
from chalicelib.domain.messages import Identity
from chalicelib.store import channel, contact_index
from chalicelib.store.contact_ids import contact_ids_of
from chalicelib.store.messages import inbound_key
from chalicelib.store.pages import Page, page_of
from chalicelib.store.raffles import code_key
from chalicelib.store.records import AliasRecord, CodeRecord, ContactRecord, InboundRecord, ListedRecord, Record, stamp
from chalicelib.store.transaction import Transaction

MOST_STEPS = 4  # from a name to the contact: a contact that is another's further name by now was named, too
CONTACT = "contact"  # the name of the condition on a contact's version
ROOMY = 61  # items of a transaction, a reply included, that leave room for indexing a contact and for notices
WANTING = "CONTACT#PERSON"  # who asked for a person, in by_queue
OPTED_OUT = "CONTACTS#OPTED_OUT"  # in by_time
PLACES = ("queue_key", "queue_at", "time_key", "time_at")
OLDER = "+"  # behind the ids of a contact's newest orders: there may be others


class Arrival(NamedTuple):
    """What there is about a message that has just come in."""

    contact: Contact
    unnamed: tuple[str, ...]  # ids of the person that lead nowhere yet
    handled: bool  # the message took effect before
    raffle_of_code: str | None  # the raffle whose code was written, if it is one
    channel: Channel


def arrival(identity: Identity, *, phone_number_id: str, message_id: str, code: str | None) -> Arrival:
    """The contact, the channel, whether the message was handled before, the raffle that a code opens: one request.

    A person whom we meet for the first time gets a contact that is not stored yet (version 0). So does who was erased
    and writes again, which takes one request more for each time that they were.
    """
    ids = contact_ids_of(identity)
    keys = [key(contact_id) for contact_id in ids]
    keys += [channel.KEY, inbound_key(phone_number_id, message_id)]
    if code is not None:
        keys.append(code_key(code))
    known: dict[str, Contact] = {}
    aliases: dict[str, str] = {}
    handled, raffle_of_code = False, None
    ids, records = _since_erased(ids, list(Record.batch_get(keys, consistent_read=True)))
    for record in records:
        match record:
            case ContactRecord():
                known[record.id] = as_contact(record)
            case AliasRecord():
                aliases[record.pk.removeprefix("CONTACT#")] = record.contact_id
            case InboundRecord():
                handled = True
            case CodeRecord():
                raffle_of_code = record.raffle_id
    contact = next((known[contact_id] for contact_id in ids if contact_id in known), None)
    if contact is None and aliases:  # known by a name that this message does not carry
        contact = get(next(aliases[name] for name in ids if name in aliases))
        if contact is not None and contact.erased_at is not None:
            # By an old phone of theirs, which may have another owner by now; a user id can't.
            contact = _successor(contact) if ids[0] in aliases else None
    by_phone = ids[0] not in known and ids[0] not in aliases  # a user id never gets another owner
    if contact is None or (by_phone and _has_moved(contact, identity)):
        contact = Contact(id=ids[0])  # not met before; or the phone has a new owner, and its old one keeps their orders
    # A name that is a contact of its own stays one: two people may have had one phone number in turn.
    unnamed = tuple(name for name in ids if name != contact.id and name not in known and name not in aliases)
    return Arrival(contact, unnamed, handled, raffle_of_code, channel.found_in(records))


def _since_erased(ids: list[str], records: list[Record]) -> tuple[list[str], list[Record]]:
    """Who was erased is another contact since then: the ids under which they are known now, and what lies there."""
    while heirs := {
        contact.id: contact.successor_id for contact in found_in(records) if contact.successor_id is not None
    }:
        ids = [heirs.get(contact_id, contact_id) for contact_id in ids]
        records = [record for record in records if not (isinstance(record, ContactRecord) and record.id in heirs)]
        records += Record.batch_get([key(successor_id) for successor_id in heirs.values()], consistent_read=True)
    return ids, records


def _successor(contact: Contact) -> Contact:
    while contact.successor_id is not None:
        contact = get(contact.successor_id) or Contact(id=contact.successor_id)
    return contact


def _has_moved(contact: Contact, identity: Identity) -> bool:
    """Whether the phone that led to the contact has another owner by now. Without a user id that can't be told."""
    if not identity.user_id:
        return False
    return contact.user_id is not None or contact.phone not in (None, identity.phone)


def replace_by_alias(transaction: Transaction, contact: Contact, owner: Contact) -> None:
    """Make a contact, if it is still as it was read, a further name of its owner, under which nobody is listed."""
    record = AliasRecord(*key(contact.id), contact_id=owner.id)
    transaction.put(record, name=CONTACT, only_if=ContactRecord.version == contact.version)
    contact_index.unindex(transaction, contact, except_for=owner.index_terms)


def get(contact_id: str) -> Contact | None:
    """The contact of this id, or the one that took it over. One request for each step on the way.

    Of who was erased what is left, and not who they are since: that would name the owner of their old orders.
    """
    for _ in range(MOST_STEPS):
        found = next(iter(Record.batch_get([key(contact_id)], consistent_read=True)), None)
        if not isinstance(found, AliasRecord):
            return as_contact(found) if isinstance(found, ContactRecord) else None
        contact_id = found.contact_id
    return None


def get_all(contact_ids: Iterable[str]) -> dict[str, Contact]:
    """Those of the contacts that exist, by id. One request for each 100."""
    found = list(Record.batch_get([key(contact_id) for contact_id in contact_ids], consistent_read=True))
    return {contact.id: contact for contact in found_in(found)}


def with_channel(contact_id: str) -> tuple[Contact | None, Channel]:
    """The contact, as `get`, and what may be sent just now: one request, and one more for each further name."""
    found = list(Record.batch_get([key(contact_id), channel.KEY], consistent_read=True))
    alias_of = next((record.contact_id for record in found if isinstance(record, AliasRecord)), None)
    contact = get(alias_of) if alias_of is not None else next(iter(found_in(found)), None)
    return contact, channel.found_in(found)


def save(transaction: Transaction, contact: Contact, *, now: datetime) -> None:
    """Store the contact if it is still the version that was read (M2), and file it under what it is found by.

    Where the transaction has much else, that is left to the next one; but never that somebody is found no more.
    """
    unchanged: Condition = ContactRecord.pk.does_not_exist()
    if contact.version:
        unchanged = ContactRecord.version == contact.version
    created = replace(contact, version=contact.version + 1, created_at=contact.created_at or now)
    if created.indexed_terms != created.index_terms and (transaction.items <= ROOMY or not created.index_terms):
        contact_index.index(transaction, created)
        created = replace(created, indexed_terms=created.index_terms)
    transaction.put(as_record(created), name=CONTACT, only_if=unchanged)


def alias(transaction: Transaction, contact: Contact, unnamed: Iterable[str]) -> None:
    """Make the contact known by further names."""
    for name in unnamed:
        record = AliasRecord(*key(name), contact_id=contact.id)
        transaction.put(record, name=CONTACT, only_if=AliasRecord.pk.does_not_exist())


def forget_names(transaction: Transaction, contact: Contact) -> None:
    """What leads from the names that a contact has now to it goes. One request to see what there is."""
    if contact.user_id or contact.phone:
        keys = [key(name) for name in contact_ids_of(contact.identity)]
        for record in Record.batch_get(keys, consistent_read=True):
            if isinstance(record, AliasRecord) and record.contact_id == contact.id:
                transaction.delete(record, name=CONTACT, only_if=AliasRecord.contact_id == contact.id)


def hold_back(contact_id: str, outbound_id: str) -> None:
    """Have later messages to the contact wait behind this one, which could not be sent yet."""
    latest = ContactRecord.waits_for.does_not_exist() | (ContactRecord.waits_for < outbound_id)
    _note(contact_id, ContactRecord.waits_for.set(outbound_id), only_if=latest)


def opt_out(contact_id: str, at: datetime) -> None:
    """WhatsApp says that the person wants to hear nothing from us (M5)."""
    latest = ContactRecord.opted_at.does_not_exist() | (ContactRecord.opted_at <= at)
    actions = [ContactRecord.opted_out.set(True), ContactRecord.opted_at.set(at)]
    # By time alone: of one moment, the index has them in any order.
    actions += [ContactRecord.time_key.set(OPTED_OUT), ContactRecord.time_at.set(stamp(at))]
    _note(contact_id, *actions, only_if=latest)


def _note(contact_id: str, *actions: Action, only_if: Condition | None = None) -> None:
    """Change a contact that exists, whichever its version and by whichever of its names."""
    if not _noted(contact_id, actions, only_if):
        owner = get(contact_id)
        if owner is not None and owner.id != contact_id:
            _noted(owner.id, actions, only_if)


def _noted(contact_id: str, actions: Sequence[Action], only_if: Condition | None) -> bool:
    exists = ContactRecord.version.exists()
    try:
        # A new version, so that nobody who read the contact before this puts it back without it. Made twice, since
        # nothing was heard of the first, it adds two: as good as one.
        ContactRecord(*key(contact_id)).update(
            [*actions, ContactRecord.version.add(1)], condition=exists if only_if is None else exists & only_if
        )
    except UpdateError as failure:  # an organiser who never wrote, or is known by another name, is no contact here
        if failure.cause_response_code != "ConditionalCheckFailedException":
            raise
        return False
    return True


def everyone() -> Iterator[tuple[Contact, bool]]:
    """All contacts, and whether each is filed as they should be. Reads the whole table: for the command line alone."""
    for record in ContactRecord.scan(consistent_read=True):
        contact = as_contact(record)
        right = as_record(contact)
        places = all(getattr(record, name) == getattr(right, name) for name in PLACES)
        orders_known = not contact.has_older_orders or len(contact.newest_orders) == MOST_NEWEST
        yield contact, places and orders_known and contact.indexed_terms == contact.index_terms


def key(contact_id: str) -> tuple[str, str]:
    return f"CONTACT#{contact_id}", "CONTACT"


def as_record(contact: Contact) -> ContactRecord:
    opted_out_at = (contact.opted_at or contact.created_at) if contact.opted_out else None
    return ContactRecord(
        *key(contact.id),
        id=contact.id,
        user_id=contact.user_id,
        phone=contact.phone,
        name=contact.name,
        name_kept=contact.name_kept or None,
        language=contact.language,
        stage=contact.conversation.stage.value,
        raffle_id=contact.conversation.raffle_id,
        order_id=contact.conversation.order_id,
        shown=list(contact.conversation.shown) or None,
        page=contact.conversation.page if contact.conversation.page > 1 else None,
        held=contact.held or None,
        last_heard_at=contact.last_heard_at,
        opted_out=contact.opted_out or None,
        opted_at=contact.opted_at,
        waits_for=contact.waits_for,
        paced_until=contact.paced_until,
        person_wanted_at=contact.person_wanted_at,
        person_called_at=contact.person_called_at,
        bot_paused_until=contact.bot_paused_until,
        bot_paused_by=contact.bot_paused_by,
        also=list(contact.also) or None,
        erased_at=contact.erased_at,
        successor_id=contact.successor_id,
        queue_key=WANTING if contact.person_wanted_at else None,
        queue_at=stamp(contact.person_wanted_at, contact.id) if contact.person_wanted_at else None,
        time_key=OPTED_OUT if opted_out_at else None,
        time_at=stamp(opted_out_at) if opted_out_at else None,
        newest_orders=" ".join([*contact.newest_orders, *([OLDER] if contact.has_older_orders else [])]),
        indexed_terms=None if contact.indexed_terms is None else " ".join(contact.indexed_terms),
        created_at=contact.created_at,
        version=contact.version,
    )


def listed(
    *,
    person_wanted: bool = False,
    opted_out: bool = False,
    limit: int,
    after: str | None = None,
    backwards: bool = False,
) -> Page[Contact]:
    """One page of contacts: of all, the newest first; of those who asked for a person, the longest waiting first; of
    those who have opted out, the last one first. One query, and a batch for each hundred of all.

    Of those who want both, at most FILTERED are looked at: the page may be short.
    """
    index: GlobalSecondaryIndex[Any] = Record.by_queue if person_wanted else Record.by_time
    if not (person_wanted or opted_out):
        return page_of(index, contact_index.ALL, _of_entries, limit=limit, after=after, backwards=backwards)
    return page_of(
        index,
        WANTING if person_wanted else OPTED_OUT,
        found_in,
        limit=limit,
        after=after,
        backwards=backwards,
        newest_first=not person_wanted,
        only=ContactRecord.opted_out == True if person_wanted and opted_out else None,  # noqa: E712 - builds a condition
    )


def _of_entries(records: Iterable[Record]) -> list[Contact]:
    """The contacts of places in the list of all, in its order."""
    ids = [record.contact_id for record in records if isinstance(record, ListedRecord)]
    found = found_in(Record.batch_get([key(contact_id) for contact_id in ids], consistent_read=True))
    contacts = {contact.id: contact for contact in found}
    return [contacts[contact_id] for contact_id in ids if contact_id in contacts]


def found_in(records: Iterable[Record]) -> list[Contact]:
    return [as_contact(record) for record in records if isinstance(record, ContactRecord)]


def as_contact(record: ContactRecord) -> Contact:
    # Who was stored before these were kept may have any orders.
    kept: str | None = record.newest_orders
    filed: str | None = record.indexed_terms
    orders = (OLDER if kept is None else kept).split()
    return Contact(
        id=record.id,
        user_id=record.user_id,
        phone=record.phone,
        name=record.name,
        name_kept=bool(record.name_kept),
        language=record.language,
        conversation=Conversation(
            stage=Stage(record.stage),
            raffle_id=record.raffle_id,
            order_id=record.order_id,
            shown=tuple(record.shown or ()),
            page=int(record.page or 1),
        ),
        held=dict(record.held or {}),
        last_heard_at=record.last_heard_at,
        opted_out=bool(record.opted_out),
        opted_at=record.opted_at,
        waits_for=record.waits_for,
        paced_until=record.paced_until,
        person_wanted_at=record.person_wanted_at,
        person_called_at=record.person_called_at,
        bot_paused_until=record.bot_paused_until,
        bot_paused_by=record.bot_paused_by,
        also=tuple(record.also or ()),
        erased_at=record.erased_at,
        successor_id=record.successor_id,
        newest_orders=tuple(order_id for order_id in orders if order_id != OLDER),
        has_older_orders=OLDER in orders,
        indexed_terms=None if filed is None else tuple(filed.split()),
        created_at=record.created_at,
        version=int(record.version),
    )
