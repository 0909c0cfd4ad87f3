"""Contacts in the table: look one up by any of its ids, save it unless somebody changed it, list them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.indexes import GlobalSecondaryIndex

from chalicelib.domain.channel import Channel
from chalicelib.domain.contacts import MAX_NEWEST_ORDERS, Contact
from chalicelib.domain.conversation import Conversation, Stage
from chalicelib.domain.holding import UnpaidOrder
from chalicelib.domain.languages import DEFAULT_LANGUAGE, known_language
from chalicelib.domain.messages import Identity
from chalicelib.domain.phone_spellings import same_number
from chalicelib.domain.reply_limits import ReplyLimits
from chalicelib.store import channel, contact_index
from chalicelib.store.contact_ids import contact_ids_of, other_ids_of
from chalicelib.store.messages import inbound_key
from chalicelib.store.pages import Page, page_of
from chalicelib.store.raffles import code_key
from chalicelib.store.records import (
    AliasRecord,
    CodeRecord,
    ContactRecord,
    InboundRecord,
    ListedRecord,
    Record,
    ReplyLimitsMap,
    stamp,
    update_if,
)
from chalicelib.store.transaction import Transaction

MAX_ALIASES = 4  # from an id to the contact: an alias may point to a contact that has become an alias itself
CONTACT = "contact"  # the name of the condition on a contact's version
# Items of a transaction, a reply included, that still leave room for indexing a contact and for notices.
MAX_ITEMS_TO_INDEX = 61
PERSON_WANTED = "CONTACT#PERSON"  # contacts who asked for a person, in by_queue
OPTED_OUT = "CONTACTS#OPTED_OUT"  # in by_time
INDEX_KEYS = ("queue_key", "queue_at", "time_key", "time_at")
OLDER = "+"  # follows the ids of a contact's newest orders if there may be older ones


class Lookup(NamedTuple):
    """A contact, and what else is needed to handle a message from them."""

    contact: Contact
    missing_aliases: tuple[str, ...]  # ids of the person under which nothing is stored
    handled: bool  # the message took effect before
    raffle_of_code: Mapping[str, str]  # code in the message → id of the raffle
    channel: Channel
    former_owner: Contact | None = None  # who had the person's phone number before them


def look_up(identity: Identity, *, phone_number_id: str, message_id: str, codes: Iterable[str] = ()) -> Lookup:
    """Look up a person's contact, and whether their message was handled before. One request.

    For a new person, the contact is not stored yet (version 0). The same goes for a person who was erased and writes
    again; that takes one more request for each time they were erased.

    Args:
        codes: words of the message that may be the code of a raffle.
    """
    ids = contact_ids_of(identity)
    own = len(ids)
    ids += other_ids_of(identity)
    keys = [key(contact_id) for contact_id in ids]
    keys += [channel.KEY, inbound_key(phone_number_id, message_id)]
    keys += [code_key(code) for code in codes]
    known: dict[str, Contact] = {}
    aliases: dict[str, str] = {}
    handled = False
    raffle_of_code: dict[str, str] = {}
    ids, records = _follow_successors(ids, list(Record.batch_get(keys, consistent_read=True)))
    for record in records:
        match record:
            case ContactRecord():
                known[record.id] = as_contact(record)
            case AliasRecord():
                aliases[record.pk.removeprefix("CONTACT#")] = record.contact_id
            case InboundRecord():
                handled = True
            case CodeRecord():
                raffle_of_code[record.pk.removeprefix("CODE#")] = record.raffle_id
    contact = next((known[contact_id] for contact_id in ids if contact_id in known), None)
    if contact is None and aliases:  # the contact's own id is not among the ids of this message
        contact = get(next(aliases[contact_id] for contact_id in ids if contact_id in aliases))
        if contact is not None and contact.erased_at is not None:
            # A phone number may have another owner by now; a user id can't.
            contact = _successor(contact) if ids[0] in aliases else None
    by_phone = ids[0] not in known and ids[0] not in aliases  # a user id never gets another owner
    former = None
    if contact is None or (by_phone and _has_new_owner(contact, identity)):
        # A new person. If their phone number had another owner before, that contact keeps its orders.
        former = contact if contact is not None and same_number(contact.phone or "", identity.phone) else None
        contact = Contact(id=ids[0])
    # An id that is a contact of its own stays one: two people may have had the same phone number, one after the other.
    missing = (contact_id for contact_id in ids[:own] if contact_id not in (contact.id, *known, *aliases))
    return Lookup(contact, tuple(missing), handled, raffle_of_code, channel.found_in(records), former)


def _follow_successors(ids: list[str], records: list[Record]) -> tuple[list[str], list[Record]]:
    """Replace erased contacts by their successors: the ids that the person has now, and the items stored there."""
    while successors := {
        contact.id: contact.successor_id for contact in found_in(records) if contact.successor_id is not None
    }:
        ids = [successors.get(contact_id, contact_id) for contact_id in ids]
        records = [record for record in records if not (isinstance(record, ContactRecord) and record.id in successors)]
        records += Record.batch_get([key(successor_id) for successor_id in successors.values()], consistent_read=True)
    return ids, records


def _successor(contact: Contact) -> Contact:
    while contact.successor_id is not None:
        contact = get(contact.successor_id) or Contact(id=contact.successor_id)
    return contact


def _has_new_owner(contact: Contact, identity: Identity) -> bool:
    """Return whether the contact's phone number belongs to somebody else by now. Without a user id, assume not."""
    if not identity.user_id:
        return False
    return contact.user_id is not None or (contact.phone is not None and not same_number(contact.phone, identity.phone))


def replace_by_alias(transaction: Transaction, contact: Contact, owner: Contact) -> None:
    """Turn a contact into an alias of `owner`, and remove it from the index.

    Committing raises ConditionsFailed if the contact has changed since it was read.
    """
    record = AliasRecord(*key(contact.id), contact_id=owner.id)
    transaction.put(record, name=CONTACT, only_if=ContactRecord.version == contact.version)
    contact_index.unindex(transaction, contact, except_for=owner.index_terms)


def get(contact_id: str) -> Contact | None:
    """Return the contact with this id, or the one that the id is an alias of. One request per step.

    An erased contact is returned as it is, and not its successor: that would reveal the owner of their old orders.
    """
    for _ in range(MAX_ALIASES):
        record = next(iter(Record.batch_get([key(contact_id)], consistent_read=True)), None)
        if not isinstance(record, AliasRecord):
            return as_contact(record) if isinstance(record, ContactRecord) else None
        contact_id = record.contact_id
    return None


def get_all(contact_ids: Iterable[str]) -> dict[str, Contact]:
    """Return those of the contacts that exist, by id. One request per 100."""
    records = list(Record.batch_get([key(contact_id) for contact_id in contact_ids], consistent_read=True))
    return {contact.id: contact for contact in found_in(records)}


def with_channel(contact_id: str) -> tuple[Contact | None, Channel]:
    """Return the contact, like `get`, and the channel. One request, and one more per alias."""
    records = list(Record.batch_get([key(contact_id), channel.KEY], consistent_read=True))
    alias_of = next((record.contact_id for record in records if isinstance(record, AliasRecord)), None)
    contact = get(alias_of) if alias_of is not None else next(iter(found_in(records)), None)
    return contact, channel.found_in(records)


def save(transaction: Transaction, contact: Contact, *, now: datetime, reindex: bool = True) -> None:
    """Store the contact, and update its index entries.

    Committing raises ConditionsFailed if the stored contact is not the version that was read (M2). If the transaction
    is large, or without `reindex`, the index is left to the next one; but a contact is always removed from the index at
    once.
    """
    unchanged: Condition = ContactRecord.pk.does_not_exist()
    if contact.version:
        unchanged = ContactRecord.version == contact.version
    saved = replace(contact, version=contact.version + 1, created_at=contact.created_at or now)
    has_room = reindex and transaction.items <= MAX_ITEMS_TO_INDEX
    if saved.indexed_terms != saved.index_terms and (has_room or not saved.index_terms):
        contact_index.index(transaction, saved)
        saved = replace(saved, indexed_terms=saved.index_terms)
    transaction.put(as_record(saved), name=CONTACT, only_if=unchanged)


def require_unchanged(transaction: Transaction, contact: Contact) -> None:
    """Commit only if the contact, of which nothing else changes, is still the version that was read."""
    # The version grows, so two messages under two names of a person can't both rely on the same one.
    record = ContactRecord(*key(contact.id))
    grows = [ContactRecord.version.add(1)]
    transaction.update(record, grows, name=CONTACT, only_if=ContactRecord.version == contact.version)


def add_aliases(transaction: Transaction, contact: Contact, alias_ids: Iterable[str]) -> None:
    """Have the contact found under further ids. Committing raises ConditionsFailed if one of them is in use."""
    for alias_id in alias_ids:
        record = AliasRecord(*key(alias_id), contact_id=contact.id)
        transaction.put(record, name=CONTACT, only_if=AliasRecord.pk.does_not_exist())


def remove_aliases(transaction: Transaction, contact: Contact) -> None:
    """Delete the aliases from the contact's current user id and phone number. One request to find them."""
    if contact.user_id or contact.phone:
        ids = [*contact_ids_of(contact.identity), *other_ids_of(contact.identity)]
        keys = [key(contact_id) for contact_id in ids]
        for record in Record.batch_get(keys, consistent_read=True):
            if isinstance(record, AliasRecord) and record.contact_id == contact.id:
                transaction.delete(record, name=CONTACT, only_if=AliasRecord.contact_id == contact.id)


def hold_back(contact_id: str, outbound_id: str) -> None:
    """Have later messages to the contact wait for this one, which could not be sent yet."""
    is_latest = ContactRecord.waits_for.does_not_exist() | (ContactRecord.waits_for < outbound_id)
    _update(contact_id, ContactRecord.waits_for.set(outbound_id), only_if=is_latest)


def opt_out(contact_id: str, at: datetime) -> None:
    """Record that the person wants no more messages, according to WhatsApp (M5). A later choice of theirs holds."""
    is_latest = ContactRecord.opted_at.does_not_exist() | (ContactRecord.opted_at <= at)
    actions = [ContactRecord.opted_out.set(True), ContactRecord.opted_at.set(at)]
    # The sort key is the time alone: contacts of the same moment may come in any order.
    actions += [ContactRecord.time_key.set(OPTED_OUT), ContactRecord.time_at.set(stamp(at))]
    _update(contact_id, *actions, only_if=is_latest)


def _update(contact_id: str, *actions: Action, only_if: Condition) -> None:
    """Update a contact, whatever its version is. Follow an alias. Do nothing if there is no contact."""
    if not _try_update(contact_id, actions, only_if):
        owner = get(contact_id)
        if owner is not None and owner.id != contact_id:
            _try_update(owner.id, actions, only_if)


def _try_update(contact_id: str, actions: Sequence[Action], only_if: Condition) -> bool:
    # The version changes, so that nobody who read the contact before can overwrite this. If the request is sent twice
    # because the first was not answered, the version grows by two, which does no harm.
    return update_if(
        ContactRecord(*key(contact_id)),
        [*actions, ContactRecord.version.add(1)],
        # Without a version there is no contact, but an alias or an organiser who never wrote.
        ContactRecord.version.exists() & only_if,
    )


def scan() -> Iterator[tuple[Contact, bool]]:
    """Yield all contacts, and whether each is indexed correctly. Reads the whole table: only for the command line."""
    for record in ContactRecord.scan(consistent_read=True):
        contact = as_contact(record)
        correct = as_record(contact)
        has_keys = all(getattr(record, name) == getattr(correct, name) for name in INDEX_KEYS)
        has_orders = not contact.has_older_orders or len(contact.newest_orders) == MAX_NEWEST_ORDERS
        yield contact, has_keys and has_orders and contact.indexed_terms == contact.index_terms


def key(contact_id: str) -> tuple[str, str]:
    return f"CONTACT#{contact_id}", "CONTACT"


def audit_target(contact_id: str) -> str:
    """Name the contact as the audit log does."""
    return f"contact:{contact_id}"


def as_record(contact: Contact) -> ContactRecord:
    opted_out_at = (contact.opted_at or contact.created_at) if contact.opted_out else None
    return ContactRecord(
        *key(contact.id),
        id=contact.id,
        user_id=contact.user_id,
        phone=contact.phone,
        name=contact.name,
        name_kept=contact.name_kept or None,
        language=contact.chosen_language or DEFAULT_LANGUAGE,
        language_chosen=contact.chosen_language is not None or None,
        written_language=contact.written_language,
        raffle_language=contact.raffle_language,
        stage=contact.conversation.stage.value,
        raffle_id=contact.conversation.raffle_id,
        order_id=contact.conversation.order_id,
        shown=list(contact.conversation.shown) or None,
        page=contact.conversation.page if contact.conversation.page > 1 else None,
        since=contact.conversation.since,
        tapped=contact.conversation.tapped,
        asks=contact.conversation.asks,
        asked_at=contact.conversation.asked_at,
        held=contact.held or None,
        unpaid=_as_lists(contact.unpaid) or None,
        has_paid=contact.has_paid,
        age_confirmed=contact.age_confirmed,
        age_confirmed_at=contact.age_confirmed_at,
        vouched_for=contact.vouched_for or None,
        unpaid_holds=contact.unpaid_holds or None,
        unpaid_hold_at=contact.unpaid_hold_at,
        blocked_at=contact.blocked_at,
        blocked_told=contact.blocked_told or None,
        last_heard_at=contact.last_heard_at,
        opted_out=contact.opted_out or None,
        opted_at=contact.opted_at,
        waits_for=contact.waits_for,
        paced_until=contact.paced_until,
        person_wanted_at=contact.person_wanted_at,
        person_called_at=contact.person_called_at,
        bot_paused_until=contact.bot_paused_until,
        bot_paused_by=contact.bot_paused_by,
        same_person=list(contact.same_person) or None,
        bot_paused_at=contact.bot_paused_at,
        reply_limits=_as_map(contact.reply_limits),
        also=list(contact.also) or None,
        erased_at=contact.erased_at,
        successor_id=contact.successor_id,
        queue_key=PERSON_WANTED if contact.person_wanted_at else None,
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
    """Return one page of contacts.

    All contacts come newest first; those who asked for a person, longest waiting first; those who opted out, latest
    first. One query; for all contacts, also one batch per hundred. If both filters are set, at most FILTERED contacts
    are read, so the page may be short.
    """
    index: GlobalSecondaryIndex[Any] = Record.by_queue if person_wanted else Record.by_time
    if not (person_wanted or opted_out):
        return page_of(index, contact_index.ALL, _listed_contacts, limit=limit, after=after, backwards=backwards)
    return page_of(
        index,
        PERSON_WANTED if person_wanted else OPTED_OUT,
        found_in,
        limit=limit,
        after=after,
        backwards=backwards,
        newest_first=not person_wanted,
        only=ContactRecord.opted_out == True if person_wanted and opted_out else None,  # noqa: E712 - builds a condition
    )


def _listed_contacts(records: Iterable[Record]) -> list[Contact]:
    """Read the contacts of entries in the list of all, in the same order."""
    ids = [record.contact_id for record in records if isinstance(record, ListedRecord)]
    contacts = get_all(ids)
    return [contacts[contact_id] for contact_id in ids if contact_id in contacts]


def found_in(records: Iterable[Record]) -> list[Contact]:
    """Return the contacts among items that were read together."""
    return [as_contact(record) for record in records if isinstance(record, ContactRecord)]


def as_contact(record: ContactRecord) -> Contact:
    newest_orders: str | None = record.newest_orders
    indexed_terms: str | None = record.indexed_terms
    age_confirmed: float | None = record.age_confirmed
    # A contact that was stored before this attribute existed may have orders.
    orders = (OLDER if newest_orders is None else newest_orders).split()
    return Contact(
        id=record.id,
        user_id=record.user_id,
        phone=record.phone,
        name=record.name,
        name_kept=bool(record.name_kept),
        # A contact of before `language_chosen` existed has another language than the default only by an organiser.
        chosen_language=known_language(
            record.language if record.language_chosen or record.language != DEFAULT_LANGUAGE else None
        ),
        written_language=known_language(record.written_language),
        raffle_language=known_language(record.raffle_language),
        conversation=Conversation(
            stage=Stage(record.stage),
            raffle_id=record.raffle_id,
            order_id=record.order_id,
            shown=tuple(record.shown or ()),
            page=int(record.page or 1),
            since=record.since,
            tapped=record.tapped,
            asks=record.asks,
            asked_at=record.asked_at,
        ),
        held=dict(record.held or {}),
        unpaid=_as_unpaid(record.unpaid),
        has_paid=record.has_paid,
        age_confirmed=None if age_confirmed is None else int(age_confirmed),
        age_confirmed_at=record.age_confirmed_at,
        vouched_for=bool(record.vouched_for),
        unpaid_holds=int(record.unpaid_holds or 0),
        unpaid_hold_at=record.unpaid_hold_at,
        blocked_at=record.blocked_at,
        blocked_told=bool(record.blocked_told),
        last_heard_at=record.last_heard_at,
        opted_out=bool(record.opted_out),
        opted_at=record.opted_at,
        waits_for=record.waits_for,
        paced_until=record.paced_until,
        person_wanted_at=record.person_wanted_at,
        person_called_at=record.person_called_at,
        bot_paused_until=record.bot_paused_until,
        bot_paused_by=record.bot_paused_by,
        same_person=tuple(record.same_person or ()),
        bot_paused_at=record.bot_paused_at,
        reply_limits=_as_limits(record.reply_limits),
        also=tuple(record.also or ()),
        erased_at=record.erased_at,
        successor_id=record.successor_id,
        newest_orders=tuple(order_id for order_id in orders if order_id != OLDER),
        has_older_orders=OLDER in orders,
        indexed_terms=None if indexed_terms is None else tuple(indexed_terms.split()),
        created_at=record.created_at,
        version=int(record.version),
    )


def _as_lists(unpaid: Mapping[str, UnpaidOrder]) -> dict[str, list[object]]:
    """Return order id → raffle id, quantity, and 1 if the order is in review."""
    return {order_id: [*order[:2], *([1] if order.in_review else [])] for order_id, order in unpaid.items()}


def _as_unpaid(stored: Mapping[str, Sequence[object]] | None) -> dict[str, UnpaidOrder]:
    return {
        order_id: UnpaidOrder(str(values[0]), int(str(values[1])), len(values) > 2)
        for order_id, values in (stored or {}).items()
    }


def _as_map(limits: ReplyLimits) -> ReplyLimitsMap | None:
    used = {name: value for name, value in vars(limits).items() if value}
    return ReplyLimitsMap(**used) if limits.day else None


def _as_limits(stored: ReplyLimitsMap | None) -> ReplyLimits:
    if stored is None:
        return ReplyLimits()
    return ReplyLimits(
        day=stored.day,
        replies=int(stored.replies or 0),
        files=int(stored.files or 0),
        checks=int(stored.checks or 0),
        pictures=int(stored.pictures or 0),
        decisions=int(stored.decisions or 0),
        unclear=stored.unclear or "",
        times=int(stored.times or 0),
        misses=int(stored.misses or 0),
        heard=int(stored.heard or 0),
        missed=int(stored.missed or 0),
        waiting=int(stored.waiting or 0),
        busy_until=stored.busy_until,
    )
