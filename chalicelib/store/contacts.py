"""Contacts in the table: found by any of their names in one request, saved if nobody changed them since."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from pynamodb.exceptions import UpdateError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action

from chalicelib.domain.channel import Channel
from chalicelib.domain.contacts import Contact, contact_ids
from chalicelib.domain.conversation import Conversation, Stage
from chalicelib.domain.talk import Identity
from chalicelib.store import channel
from chalicelib.store.messages import inbound_key
from chalicelib.store.raffles import code_key
from chalicelib.store.records import AliasRecord, CodeRecord, ContactRecord, InboundRecord, Record
from chalicelib.store.transaction import Transaction

MOST_STEPS = 4  # from a name to the contact: a contact that is another's further name by now was named, too
CONTACT = "contact"  # the name of the condition on a contact's version


class Arrival(NamedTuple):
    """What there is about a message that has just come in."""

    contact: Contact
    unnamed: tuple[str, ...]  # ids of the person that lead nowhere yet
    handled: bool  # the message took effect before
    raffle_of_code: str | None  # the raffle whose code was written, if it is one
    channel: Channel


def arrival(identity: Identity, *, phone_number_id: str, message_id: str, code: str | None) -> Arrival:
    """The contact, the channel, whether the message was handled before, the raffle that a code opens: one request.

    A person whom we meet for the first time gets a contact that is not stored yet (version 0).
    """
    ids = contact_ids(identity)
    keys = [key(contact_id) for contact_id in ids]
    keys += [channel.KEY, inbound_key(phone_number_id, message_id)]
    if code is not None:
        keys.append(code_key(code))
    known: dict[str, Contact] = {}
    aliases: dict[str, str] = {}
    handled, raffle_of_code = False, None
    records = list(Record.batch_get(keys, consistent_read=True))
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
    by_phone = ids[0] not in known and ids[0] not in aliases  # a user id never gets another owner
    if contact is None or (by_phone and _has_moved(contact, identity)):
        contact = Contact(id=ids[0])  # not met before; or the phone has a new owner, and its old one keeps their orders
    # A name that is a contact of its own stays one: two people may have had one phone number in turn.
    unnamed = tuple(name for name in ids if name != contact.id and name not in known and name not in aliases)
    return Arrival(contact, unnamed, handled, raffle_of_code, channel.found_in(records))


def _has_moved(contact: Contact, identity: Identity) -> bool:
    """Whether the phone that led to the contact has another owner by now. Without a user id that can't be told."""
    if not identity.user_id:
        return False
    return contact.user_id is not None or contact.phone not in (None, identity.phone)


def replace_by_alias(transaction: Transaction, contact: Contact, owner: Contact) -> None:
    """Make a contact, if it is still as it was read, a further name of its owner."""
    record = AliasRecord(*key(contact.id), contact_id=owner.id)
    transaction.put(record, name=CONTACT, only_if=ContactRecord.version == contact.version)


def get(contact_id: str) -> Contact | None:
    """The contact of this id, or the one that took it over. One request for each step on the way."""
    for _ in range(MOST_STEPS):
        found = next(iter(Record.batch_get([key(contact_id)], consistent_read=True)), None)
        if not isinstance(found, AliasRecord):
            return as_contact(found) if isinstance(found, ContactRecord) else None
        contact_id = found.contact_id
    return None


def with_channel(contact_id: str) -> tuple[Contact | None, Channel]:
    """The contact, as `get`, and what may be sent just now: one request, and one more for each further name."""
    found = list(Record.batch_get([key(contact_id), channel.KEY], consistent_read=True))
    alias_of = next((record.contact_id for record in found if isinstance(record, AliasRecord)), None)
    contact = get(alias_of) if alias_of is not None else next(iter(found_in(found)), None)
    return contact, channel.found_in(found)


def save(transaction: Transaction, contact: Contact, *, now: datetime) -> None:
    """Store the contact if it is still the version that was read (M2); a new one also gets its aliases."""
    unchanged: Condition = ContactRecord.pk.does_not_exist()
    if contact.version:
        unchanged = ContactRecord.version == contact.version
    created = replace(contact, version=contact.version + 1, created_at=contact.created_at or now)
    transaction.put(as_record(created), name=CONTACT, only_if=unchanged)


def alias(transaction: Transaction, contact: Contact, unnamed: Iterable[str]) -> None:
    """Make the contact known by further names."""
    for name in unnamed:
        record = AliasRecord(*key(name), contact_id=contact.id)
        transaction.put(record, name=CONTACT, only_if=AliasRecord.pk.does_not_exist())


def hold_back(contact_id: str, outbound_id: str) -> None:
    """Have later messages to the contact wait behind this one, which could not be sent yet."""
    latest = ContactRecord.waits_for.does_not_exist() | (ContactRecord.waits_for < outbound_id)
    _note(contact_id, ContactRecord.waits_for.set(outbound_id), only_if=latest)


def opt_out(contact_id: str, at: datetime) -> None:
    """WhatsApp says that the person wants to hear nothing from us (M5)."""
    latest = ContactRecord.opted_at.does_not_exist() | (ContactRecord.opted_at <= at)
    _note(contact_id, ContactRecord.opted_out.set(True), ContactRecord.opted_at.set(at), only_if=latest)


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


def key(contact_id: str) -> tuple[str, str]:
    return f"CONTACT#{contact_id}", "CONTACT"


def as_record(contact: Contact) -> ContactRecord:
    return ContactRecord(
        *key(contact.id),
        id=contact.id,
        user_id=contact.user_id,
        phone=contact.phone,
        name=contact.name,
        language=contact.language,
        stage=contact.talk.stage.value,
        raffle_id=contact.talk.raffle_id,
        order_id=contact.talk.order_id,
        shown=list(contact.talk.shown) or None,
        page=contact.talk.page if contact.talk.page > 1 else None,
        held=contact.held or None,
        last_heard_at=contact.last_heard_at,
        opted_out=contact.opted_out or None,
        opted_at=contact.opted_at,
        waits_for=contact.waits_for,
        paced_until=contact.paced_until,
        person_wanted_at=contact.person_wanted_at,
        created_at=contact.created_at,
        version=contact.version,
    )


def found_in(records: Iterable[Record]) -> list[Contact]:
    return [as_contact(record) for record in records if isinstance(record, ContactRecord)]


def as_contact(record: ContactRecord) -> Contact:
    return Contact(
        id=record.id,
        user_id=record.user_id,
        phone=record.phone,
        name=record.name,
        language=record.language,
        talk=Conversation(
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
        created_at=record.created_at,
        version=int(record.version),
    )
