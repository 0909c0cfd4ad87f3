"""Every kind of item in the table, as a PynamoDB class. `docs/data-model.md` explains the keys and their costs.

All items share one table. `kind` tells them apart, so that one read can return items of several kinds.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from pynamodb.attributes import (
    BinaryAttribute,
    BooleanAttribute,
    DiscriminatorAttribute,
    JSONAttribute,
    ListAttribute,
    MapAttribute,
    NumberAttribute,
    TTLAttribute,
    UnicodeAttribute,
    UnicodeSetAttribute,
    UTCDateTimeAttribute,
)
from pynamodb.connection import Connection
from pynamodb.exceptions import DeleteError, UpdateError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex
from pynamodb.models import Model

from chalicelib.domain.board import LEAF_WORDS, MAX_PAGES
from chalicelib.store.retries import CONNECT_SECONDS, READ_SECONDS, with_retries

Stored = dict[str, Any]  # an item in DynamoDB's form


class ByContact(GlobalSecondaryIndex["Record"]):
    """The orders of a contact, and the audit entries of a token, oldest first."""

    class Meta:
        index_name = "by_contact"
        projection = AllProjection()

    contact_key = UnicodeAttribute(hash_key=True)
    contact_at = UnicodeAttribute(range_key=True)


class ByRaffle(GlobalSecondaryIndex["Record"]):
    """The orders of a raffle, and the audit entries of a target, oldest first."""

    class Meta:
        index_name = "by_raffle"
        projection = AllProjection()

    raffle_key = UnicodeAttribute(hash_key=True)
    raffle_at = UnicodeAttribute(range_key=True)


class ByRaffleStatus(GlobalSecondaryIndex["Record"]):
    """The orders of a raffle in one status, sorted as in `by_queue`."""

    class Meta:
        index_name = "by_raffle_status"
        projection = AllProjection()

    status_key = UnicodeAttribute(hash_key=True)
    queue_at = UnicodeAttribute(range_key=True)


class ByQueue(GlobalSecondaryIndex["Record"]):
    """Queues, sorted by since when or until when an item is in one.

    These are orders and raffles by status, holds by deadline, outbound messages, dead letters, and contacts who asked
    for a person. The index is sparse: an item that is in no queue is not in it.
    """

    class Meta:
        index_name = "by_queue"
        projection = AllProjection()

    queue_key = UnicodeAttribute(hash_key=True)
    queue_at = UnicodeAttribute(range_key=True)


class ByTime(GlobalSecondaryIndex["Record"]):
    """All orders, raffles, contacts, tokens and audit entries by time, and contacts who opted out by when they did."""

    class Meta:
        index_name = "by_time"
        projection = AllProjection()

    time_key = UnicodeAttribute(hash_key=True)
    time_at = UnicodeAttribute(range_key=True)


class Record(Model):
    class Meta:
        table_name = ""  # set by `bind`: nothing is known at import
        region = "us-east-1"
        connect_timeout_seconds = CONNECT_SECONDS
        read_timeout_seconds = READ_SECONDS
        max_retry_attempts = 0  # retries.py retries; botocore would retry each of its tries
        name_key: bytes | None = None  # cached by contact_ids.py

    kind = DiscriminatorAttribute()
    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)

    contact_key = UnicodeAttribute(null=True)
    contact_at = UnicodeAttribute(null=True)
    raffle_key = UnicodeAttribute(null=True)
    raffle_at = UnicodeAttribute(null=True)
    status_key = UnicodeAttribute(null=True)
    queue_key = UnicodeAttribute(null=True)
    queue_at = UnicodeAttribute(null=True)
    time_key = UnicodeAttribute(null=True)
    time_at = UnicodeAttribute(null=True)

    by_contact = ByContact()
    by_raffle = ByRaffle()
    by_raffle_status = ByRaffleStatus()
    by_queue = ByQueue()
    by_time = ByTime()


_PAGE = re.compile(r"p\d+")
_WORDS = {which: {f"{which}{word}": word for word in range(LEAF_WORDS)} for which in "ts"}


def bind(table: str, region: str) -> None:
    """Point every record class at `table`. The container calls this once, before the first request."""
    Record.Meta.table_name = table
    Record.Meta.region = region
    Record.Meta.name_key = None
    connection = low_level()  # made once on the base class, so that all classes share one client
    connection.dispatch = with_retries(connection)  # type: ignore[method-assign] # PynamoDB has no hook for retries


def low_level() -> Connection:
    """Return the connection of all record classes, for transactions and for requests in DynamoDB's form."""
    return Record._get_connection().connection  # noqa: SLF001 - PynamoDB has no public way to share a connection


def update_if(record: Record, actions: Sequence[Action], condition: Condition | None) -> bool:
    """Update an item, and return whether the condition held. One request."""
    try:
        record.update(list(actions), condition=condition)
    except UpdateError as failure:
        if failure.cause_response_code != "ConditionalCheckFailedException":
            raise
        return False
    return True


def delete_if(record: Record, condition: Condition) -> bool:
    """Delete an item, and return whether the condition held. One request."""
    try:
        record.delete(condition=condition)
    except DeleteError as failure:
        if failure.cause_response_code != "ConditionalCheckFailedException":
            raise
        return False
    return True


def update_and_get_old(record: Record, actions: Sequence[Action], condition: Condition | None) -> Stored | None:
    """Update an item, and return it as it was before; empty if there was none.

    Return None if the condition did not hold. One request.
    """
    try:
        answer = low_level().update_item(
            Record.Meta.table_name, record.pk, record.sk, actions=actions, condition=condition, return_values="ALL_OLD"
        )
    except UpdateError as failure:
        if failure.cause_response_code != "ConditionalCheckFailedException":
            raise
        return None
    before: Stored = answer.get("Attributes", {})
    return before


# Tallies and leaves have up to a hundred columns, few of which are stored, and a record looks at each column. So these
# functions read them in DynamoDB's form.


def stored_in(partition: str, at: Condition | None = None, *, limit: int | None = None) -> Iterator[Stored]:
    """Yield up to `limit` items of a partition in order; `at` is a condition on the sort key.

    A strongly consistent query for each megabyte.
    """
    connection = low_level()
    start = None
    left = limit
    while True:
        page = connection.query(
            Record.Meta.table_name, partition, at, consistent_read=True, exclusive_start_key=start, limit=left
        )
        yield from page["Items"]
        start = page.get("LastEvaluatedKey")
        left = None if left is None else left - len(page["Items"])
        if not start or left == 0:
            return


def stored_at(keys: Iterable[tuple[str, str]], attributes: Sequence[str] | None = None) -> list[Stored]:
    """Return those of up to 100 items that exist, in any order: one strongly consistent request.

    Args:
        attributes: what to read of each item; None: everything.
    """
    table = Record.Meta.table_name
    stored_keys: list[Any] = [{"pk": pk, "sk": sk} for pk, sk in keys]
    if not stored_keys:
        return []
    projected = None if attributes is None else list(attributes)
    answer = low_level().batch_get_item(table, stored_keys, consistent_read=True, attributes_to_get=projected)
    items: list[Stored] = answer["Responses"].get(table, [])
    return items


def stored_moment(item: Stored, name: str) -> datetime | None:
    """Return a time of a stored item, or None if it has none. PynamoDB writes microseconds and "+0000"."""
    text = item.get(name, {}).get("S")
    return None if text is None else datetime.fromisoformat(text)


def stamp(moment: datetime, *more: str) -> str:
    """Format a sort key. The time is RFC 3339 in UTC with microseconds, so that text order is time order."""
    return "#".join((moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ"), *more))


class RaffleRecord(Record, discriminator="raffle"):
    """pk BOARD#raffle, sk RAFFLE: next to its tallies, so that one query returns a raffle and its availability."""

    id = UnicodeAttribute()
    title = UnicodeAttribute()
    description = UnicodeAttribute()
    prize = UnicodeAttribute()
    unit_amount = NumberAttribute()
    currency = UnicodeAttribute()
    first_number = NumberAttribute()
    last_number = NumberAttribute()
    hold_minutes = NumberAttribute(null=True)
    max_per_contact = NumberAttribute(null=True)
    # These are missing in raffles of before there were such limits.
    max_unpaid_orders = NumberAttribute(null=True)
    max_unpaid_numbers = NumberAttribute(null=True)
    max_in_review = NumberAttribute(null=True)
    max_newcomer_percent = NumberAttribute(null=True)
    max_unpaid_holds = NumberAttribute(null=True)
    max_rejections = NumberAttribute(null=True)
    review_hours = NumberAttribute(null=True)
    # Nor did these exist.
    draws_at = UTCDateTimeAttribute(null=True)
    draw_method = UnicodeAttribute(null=True)
    organiser = JSONAttribute(null=True)  # name, contact
    permit = JSONAttribute(null=True)  # authority, number
    picture = JSONAttribute(null=True)  # key, mime_type, size
    rules_url = UnicodeAttribute(null=True)
    minimum_age = NumberAttribute(null=True)
    faq = JSONAttribute(null=True)  # a list of words and answer
    language = UnicodeAttribute(null=True)
    payment_instructions = UnicodeAttribute()
    code = UnicodeAttribute()
    status = UnicodeAttribute()
    opens_at = UTCDateTimeAttribute(null=True)
    closes_at = UTCDateTimeAttribute(null=True)
    time_zone = UnicodeAttribute()
    page_size = NumberAttribute()
    created_at = UTCDateTimeAttribute()
    updated_at = UTCDateTimeAttribute()


class PaymentChangeRecord(Record, discriminator="payment_change"):
    """pk PAYMENT_CHANGE#raffle, sk PAYMENT_CHANGE: a proposed change of how buyers pay, which another must confirm."""

    payment_instructions = UnicodeAttribute()
    replaces = UnicodeAttribute()
    proposed_by = UnicodeAttribute()
    token_id = UnicodeAttribute()
    proposed_at = UTCDateTimeAttribute()
    vanishes_at = TTLAttribute()


class CodeRecord(Record, discriminator="code"):
    """pk CODE#word, sk CODE: the raffle that a code opens. The condition on its put keeps codes unique."""

    raffle_id = UnicodeAttribute()


class TallyRecord(Record, discriminator="tally"):
    """pk BOARD#raffle, sk TALLY#n: a share of the counts. The sum over a raffle's tallies is exact at any time.

    An order always adds to the same tally, chosen by its id, so that buyers rarely contend for one.
    """

    sold = NumberAttribute(null=True)
    paid = NumberAttribute(null=True)  # the price of the numbers sold, in minor units
    newcomers = NumberAttribute(null=True)  # numbers that newcomers hold unpaid (H10)
    for _page in range(MAX_PAGES):
        locals()[f"p{_page}"] = NumberAttribute(null=True)  # numbers taken on this page
    del _page

    @staticmethod
    def counts(item: Stored) -> dict[str, int]:
        """Return column → count of a stored tally, where there is one: `sold`, `p0` … `p100`."""
        return {name: int(value["N"]) for name, value in item.items() if name == "sold" or _PAGE.fullmatch(name)}

    @staticmethod
    def money(item: Stored) -> int:
        """Return `paid` of a stored tally."""
        return int(item.get("paid", {}).get("N", 0))

    @staticmethod
    def held_by_newcomers(item: Stored) -> int:
        """Return `newcomers` of a stored tally."""
        return int(item.get("newcomers", {}).get("N", 0))

    @classmethod
    def page(cls, page: int) -> NumberAttribute:
        attribute: NumberAttribute = getattr(cls, f"p{page}")
        return attribute


class LeafRecord(Record, discriminator="leaf"):
    """pk LEAVES#raffle, sk page#leaf: which of up to 2,048 numbers are taken (t…) and sold (s…), 64 bits per word.

    `first` is the number of the first bit, so that a leaf can be read without its raffle.
    """

    first = NumberAttribute(null=True)
    for _word in range(LEAF_WORDS):
        locals()[f"t{_word}"] = NumberAttribute(null=True)
        locals()[f"s{_word}"] = NumberAttribute(null=True)
    del _word

    @classmethod
    def word(cls, which: str, word: int) -> NumberAttribute:
        attribute: NumberAttribute = getattr(cls, f"{which}{word}")
        return attribute

    @staticmethod
    def bits(item: Stored, which: str) -> dict[int, int]:
        """Return the same as `words`, of a leaf in DynamoDB's form."""
        words = {word: int(item[name].get("N", 0)) for name, word in _WORDS[which].items() if name in item}
        return {word: bits for word, bits in words.items() if bits}

    def words(self, which: str) -> dict[int, int]:
        """Return word → bits, without words that are zero. `which` is "t" (taken) or "s" (sold)."""
        return {
            int(name[1:]): int(bits)
            for name, bits in self.attribute_values.items()
            if name[0] == which and name[1:].isdigit() and bits
        }


class TicketRecord(Record, discriminator="ticket"):
    """pk TICKETS#raffle#page, sk number: who owns a number. It can only be put if there is none: that is rule H2."""

    order_id = UnicodeAttribute()
    contact_id = UnicodeAttribute()


class ProofMap(MapAttribute[str, Any]):
    key = UnicodeAttribute()
    mime_type = UnicodeAttribute()
    sha256 = UnicodeAttribute()
    size = NumberAttribute()
    received_at = UTCDateTimeAttribute()
    same_file_as = UnicodeAttribute(null=True)
    looks_like = UnicodeAttribute(null=True)


class OrderRecord(Record, discriminator="order"):
    """pk ORDER#id, sk ORDER. In by_queue under its status: by deadline while the clock runs, else by last change."""

    id = UnicodeAttribute()
    raffle_id = UnicodeAttribute()
    contact_id = UnicodeAttribute()
    numbers = ListAttribute[Any](of=NumberAttribute)
    unit_amount = NumberAttribute()
    currency = UnicodeAttribute()
    status = UnicodeAttribute()
    reserved_until = UTCDateTimeAttribute(null=True)
    created_at = UTCDateTimeAttribute()
    updated_at = UTCDateTimeAttribute()
    paid_at = UTCDateTimeAttribute(null=True)
    reminded_at = UTCDateTimeAttribute(null=True)
    extended_at = UTCDateTimeAttribute(null=True)
    late = BooleanAttribute(null=True)
    rejected_at = UTCDateTimeAttribute(null=True)
    rejected_reason = UnicodeAttribute(null=True)
    reassigned_at = UTCDateTimeAttribute(null=True)
    refunded_at = UTCDateTimeAttribute(null=True)
    refund_reason = UnicodeAttribute(null=True)
    newcomer_tally = NumberAttribute(null=True)
    rejections = NumberAttribute(null=True)
    in_review_since = UTCDateTimeAttribute(null=True)
    looked_at = UTCDateTimeAttribute(null=True)
    hold_was_over = BooleanAttribute(null=True)
    proofs = ListAttribute[Any](of=ProofMap, default=list)


class OrderReviewRecord(Record, discriminator="order_review"):
    """pk ORDER#id, sk REVIEW: who has an order open. In by_queue until then. An item of its own: the order stays."""

    order_id = UnicodeAttribute()
    reviewer = UnicodeAttribute()
    token_id = UnicodeAttribute()
    until = UTCDateTimeAttribute()
    vanishes_at = TTLAttribute()


class ReplyLimitsMap(MapAttribute[str, Any]):
    day = UnicodeAttribute()
    replies = NumberAttribute(null=True)
    files = NumberAttribute(null=True)
    checks = NumberAttribute(null=True)
    pictures = NumberAttribute(null=True)
    decisions = NumberAttribute(null=True)
    unclear = UnicodeAttribute(null=True)
    times = NumberAttribute(null=True)
    misses = NumberAttribute(null=True)
    heard = NumberAttribute(null=True)
    missed = NumberAttribute(null=True)
    waiting = NumberAttribute(null=True)
    busy_until = UTCDateTimeAttribute(null=True)


class ContactRecord(Record, discriminator="contact"):
    """pk CONTACT#id, sk CONTACT: a person, and how far their conversation is."""

    id = UnicodeAttribute()
    user_id = UnicodeAttribute(null=True)
    phone = UnicodeAttribute(null=True)
    name = UnicodeAttribute()
    name_kept = BooleanAttribute(null=True)
    # What was chosen; else "en", which means nothing unless `language_chosen` says so: once it was everybody's default.
    language = UnicodeAttribute()
    language_chosen = BooleanAttribute(null=True)
    written_language = UnicodeAttribute(null=True)
    raffle_language = UnicodeAttribute(null=True)
    stage = UnicodeAttribute()
    raffle_id = UnicodeAttribute(null=True)
    order_id = UnicodeAttribute(null=True)
    shown = JSONAttribute(null=True)
    page = NumberAttribute(null=True)
    since = UTCDateTimeAttribute(null=True)
    tapped = UnicodeAttribute(null=True)
    asks = UnicodeAttribute(null=True)
    asked_at = UTCDateTimeAttribute(null=True)
    held = JSONAttribute(null=True)
    unpaid = JSONAttribute(null=True)  # order id → raffle id, quantity, and 1 if it is in review
    has_paid = BooleanAttribute(null=True)
    age_confirmed = NumberAttribute(null=True)
    age_confirmed_at = UTCDateTimeAttribute(null=True)
    vouched_for = BooleanAttribute(null=True)
    unpaid_holds = NumberAttribute(null=True)
    unpaid_hold_at = UTCDateTimeAttribute(null=True)
    blocked_at = UTCDateTimeAttribute(null=True)
    blocked_told = BooleanAttribute(null=True)
    last_heard_at = UTCDateTimeAttribute(null=True)
    opted_out = BooleanAttribute(null=True)
    opted_at = UTCDateTimeAttribute(null=True)
    waits_for = UnicodeAttribute(null=True)
    paced_until = UTCDateTimeAttribute(null=True)
    person_wanted_at = UTCDateTimeAttribute(null=True)
    person_called_at = UTCDateTimeAttribute(null=True)
    bot_paused_until = UTCDateTimeAttribute(null=True)
    bot_paused_by = UnicodeAttribute(null=True)
    same_person = JSONAttribute(null=True)
    bot_paused_at = UTCDateTimeAttribute(null=True)
    reply_limits = ReplyLimitsMap(null=True)
    also = JSONAttribute(null=True)  # ids of the aliases of this contact; messages may be stored under them
    erased_at = UTCDateTimeAttribute(null=True)
    successor_id = UnicodeAttribute(null=True, attr_name="heir")  # stored under its first name
    # The words and the end of the phone number in the index; stored as "found_by", its first name.
    indexed_terms = UnicodeAttribute(null=True, attr_name="found_by")
    newest_orders = UnicodeAttribute(null=True)  # ids, newest first; then "+" if there are, or may be, older ones
    created_at = UTCDateTimeAttribute()
    version = NumberAttribute()


class AliasRecord(Record, discriminator="alias"):
    """pk CONTACT#other id, sk CONTACT: leads from a person's other id (by phone or user id) to their contact."""

    contact_id = UnicodeAttribute()


class NameRecord(Record, discriminator="name"):
    """pk NAMES#first letter, sk word#contact: a word of a contact's name; `words` are all of them."""

    contact_id = UnicodeAttribute()
    words = UnicodeAttribute()


class PhoneRecord(Record, discriminator="phone"):
    """pk PHONES#hash of the last digits, sk PHONES: the contacts whose phone numbers end in these digits."""

    contact_ids = UnicodeSetAttribute(null=True)


class ListedRecord(Record, discriminator="listed"):
    """pk LISTED#contact, sk LISTED: a contact's entry in the list of all contacts.

    The contact's own item changes with each message, so it should not be in an index.
    """

    contact_id = UnicodeAttribute()


class InboundRecord(Record, discriminator="inbound"):
    """pk INBOUND#hash of our number and the message id, sk INBOUND: a message from a contact.

    It can only be put once: that is rule M1. The first reply leads to it, or a mark if there was no reply.
    """

    contact_id = UnicodeAttribute()
    form = UnicodeAttribute()  # Meta's type
    text = UnicodeAttribute(null=True)
    media_id = UnicodeAttribute(null=True)
    file_type = UnicodeAttribute(null=True)  # of a file that is kept and belongs to no order
    notices = JSONAttribute(null=True)  # tags of messages to organisers that mention the person
    decided_at = UTCDateTimeAttribute(null=True)  # when that was carried out which an organiser chose (O11)
    sent_at = UTCDateTimeAttribute(null=True)
    received_at = UTCDateTimeAttribute()


class MarkRecord(Record, discriminator="mark"):
    """pk CONTACT#id, sk MSG#time#00#random: stands for an inbound message without a reply in the history."""

    in_reply_to = UnicodeAttribute()  # pk of the inbound message


class ToldRecord(Record, discriminator="told"):
    """pk CONTACT#id, sk TOLD#tag: leads to a message to an organiser that names the person, for their erasure."""

    tag = UnicodeAttribute()


class OutboundRecord(Record, discriminator="outbound"):
    """pk CONTACT#id, sk MSG#time#position#random: a message to send, and its state. In by_queue until taken."""

    contact_id = UnicodeAttribute()
    body = UnicodeAttribute()  # the message in Meta's form, with the recipient
    template = JSONAttribute(null=True)  # name and values of a template that may be sent instead
    header = JSONAttribute(null=True)  # key, type and name of a file that is shown above the text
    state = UnicodeAttribute()
    attempts = NumberAttribute()
    paused = NumberAttribute(null=True)
    until = UTCDateTimeAttribute(null=True)
    in_reply_to = UnicodeAttribute(null=True)  # pk of the inbound message
    behind = UnicodeAttribute(null=True)  # id of an earlier message to the contact, which must be sent first
    message_id = UnicodeAttribute(null=True)  # Meta's
    failed_ids = UnicodeSetAttribute(null=True)  # Meta's ids of tries that it accepted, then failed to deliver
    error_code = NumberAttribute(null=True)
    by = UnicodeAttribute(null=True)  # the organiser who wrote it
    reply = UnicodeAttribute(null=True)  # the name of the bot's reply
    picture = UnicodeAttribute(null=True)  # what is drawn and sent with the text
    once_more = BooleanAttribute(null=True)  # it was left unknown in an outage, and sent once more after it
    created_at = UTCDateTimeAttribute()
    updated_at = UTCDateTimeAttribute()


class ChannelRecord(Record, discriminator="channel"):
    """pk CHANNEL, sk CHANNEL: what our number may send at present. A single item, read with every contact."""

    stopped = UnicodeAttribute(null=True)
    code = NumberAttribute(null=True)
    since = UTCDateTimeAttribute(null=True)
    resumed_at = UTCDateTimeAttribute(null=True)
    resumes_at = UTCDateTimeAttribute(null=True)
    approved = UnicodeSetAttribute(null=True)  # name/language
    silent_since = UTCDateTimeAttribute(null=True)
    silent_until = UTCDateTimeAttribute(null=True)
    answered_at = UTCDateTimeAttribute(null=True)
    languages = UnicodeSetAttribute(null=True)  # contact id/language, of organisers


class TemplateRecord(Record, discriminator="template"):
    """pk TEMPLATE#name/language, sk TEMPLATE: when WhatsApp last changed whether we may use one of our templates."""

    changed_at = UTCDateTimeAttribute()


class FingerprintRecord(Record, discriminator="fingerprint"):
    """pk FINGERPRINT#sha#hex or FINGERPRINT#band#n#hex, sk FINGERPRINT: the order that a file came with first (P6).

    The key is the hash of the file, or one band of the picture's hash. `image_hash` is the picture's whole hash.
    """

    order_id = UnicodeAttribute()
    contact_id = UnicodeAttribute()
    # Stored as "look", its first name.
    image_hash = BinaryAttribute(legacy_encoding=False, null=True, attr_name="look")
    received_at = UTCDateTimeAttribute()


class LetterRecord(Record, discriminator="letter"):
    """pk LETTER#id, sk LETTER: a dead letter, a message from the queue that could not be handled."""

    body = UnicodeAttribute()
    reason = UnicodeAttribute()
    tries = NumberAttribute()
    received_at = UTCDateTimeAttribute()


class ExportRecord(Record, discriminator="export"):
    """pk EXPORT#id, sk EXPORT: an export in the background, and how far it is."""

    id = UnicodeAttribute()
    raffle_id = UnicodeAttribute()
    of = UnicodeAttribute()
    format = UnicodeAttribute()
    ticket_status = UnicodeAttribute(null=True)
    status = UnicodeAttribute()
    file_name = UnicodeAttribute()
    rows = NumberAttribute(null=True)
    done = NumberAttribute()
    progress = NumberAttribute()
    size = NumberAttribute(null=True)
    reason = UnicodeAttribute(null=True)
    run = UnicodeAttribute(null=True)
    leased_until = UTCDateTimeAttribute(null=True)
    created_at = UTCDateTimeAttribute()
    updated_at = UTCDateTimeAttribute()
    finished_at = UTCDateTimeAttribute(null=True)
    vanishes_at = TTLAttribute()


class LatestExportRecord(Record, discriminator="latest_export"):
    """pk EXPORTS#raffle, sk the request: the last export for this request."""

    export_id = UnicodeAttribute()
    vanishes_at = TTLAttribute()


class TokenRecord(Record, discriminator="token"):
    """pk TOKEN#id, sk TOKEN: an organiser's API token; only a keyed hash of it is stored (O1)."""

    id = UnicodeAttribute()
    name = UnicodeAttribute()
    role = UnicodeAttribute()
    salt = BinaryAttribute(legacy_encoding=False)
    hash = BinaryAttribute(legacy_encoding=False)
    created_at = UTCDateTimeAttribute()
    created_by = UnicodeAttribute()
    expires_at = UTCDateTimeAttribute(null=True)
    last_used_at = UTCDateTimeAttribute(null=True)
    revoked_at = UTCDateTimeAttribute(null=True)


class TokenNameRecord(Record, discriminator="token_name"):
    """pk TOKEN_NAME#hash, sk TOKEN_NAME: the name of a token, so that no second one gets it. Never deleted."""

    token_id = UnicodeAttribute()


class SignInLinkRecord(Record, discriminator="sign_in_link"):
    """pk TOKEN_LINK#id, sk TOKEN_LINK: a link that gives a token once (O13); only a keyed hash of its secret is stored.

    The roles that may not read tokens may not read these either: their keys begin the same way.
    """

    id = UnicodeAttribute()
    name = UnicodeAttribute()
    role = UnicodeAttribute()
    token_expires_at = UTCDateTimeAttribute(null=True)
    salt = BinaryAttribute(legacy_encoding=False)
    hash = BinaryAttribute(legacy_encoding=False)
    created_at = UTCDateTimeAttribute()
    created_by = UnicodeAttribute()
    created_by_token = UnicodeAttribute(null=True)
    expires_at = UTCDateTimeAttribute()
    token_id = UnicodeAttribute(null=True)
    vanishes_at = TTLAttribute()


class AuditHeadRecord(Record, discriminator="audit_head"):
    """pk AUDIT#chain, sk HEAD: the newest entry of a chain of the audit log. Its condition keeps the chain unbroken."""

    number = NumberAttribute()
    seal = UnicodeAttribute()


class AuditRecord(Record, discriminator="audit"):
    """pk AUDIT#chain#number, sk AUDIT: what an organiser did (O2). Never changed."""

    chain = NumberAttribute()
    number = NumberAttribute()
    action = UnicodeAttribute()
    target = UnicodeAttribute()
    name = UnicodeAttribute()
    role = UnicodeAttribute()
    token_id = UnicodeAttribute(null=True)
    at = UTCDateTimeAttribute()
    before = UnicodeAttribute()  # JSON, exactly as hashed
    after = UnicodeAttribute()
    previous = UnicodeAttribute()
    seal = UnicodeAttribute()


class KeyRecord(Record, discriminator="key"):
    """pk KEY#contacts, sk KEY: the key that contact ids are derived with. Without it nobody is recognised."""

    value = BinaryAttribute(legacy_encoding=False)


class OnceRecord(Record, discriminator="once"):
    """pk ONCE#token#key, sk ONCE: the id of what a client created under an Idempotency-Key."""

    fingerprint = UnicodeAttribute()
    made = UnicodeAttribute()
    vanishes_at = TTLAttribute()
