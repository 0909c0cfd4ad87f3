"""What a check reads of a raffle, at one moment where that matters, and its repairs: each only if what was read is so
still. All of a raffle is read in order of its keys; what looks wrong then is read again with `word`, `page` and so on.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import reduce
from operator import and_
from typing import Any, Generic, NamedTuple, TypeVar

from pynamodb.attributes import Attribute
from pynamodb.exceptions import TransactGetError, UpdateError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactGet

from chalicelib.domain.board import LEAF_WORDS, Layout, LeafKey
from chalicelib.domain.consistency import TicketOwner, Word, WordKey, ones, words_of
from chalicelib.domain.contacts import Contact
from chalicelib.domain.orders import OWNING, RUNNING, Order, OrderStatus
from chalicelib.domain.raffles import Raffle, RaffleStatus
from chalicelib.domain.refusals import RaffleNotFound
from chalicelib.store import board, contacts, orders, raffles
from chalicelib.store.records import (
    ContactRecord,
    LeafRecord,
    OrderRecord,
    RaffleRecord,
    Record,
    TallyRecord,
    TicketRecord,
    low_level,
)
from chalicelib.store.transaction import Busy, ConditionsFailed, Transaction

T = TypeVar("T")
Key = tuple[str, str]
Counts = dict[str, int]  # column of a tally → count
BATCH = 100  # items that a batch or a snapshot brings at most
FIRST_TALLY = "TALLY#00"  # takes what repairs add: only the sums over all tallies mean anything
INDEX_KEYS = (
    *(f"{index}_{part}" for index in ("contact", "raffle", "queue", "time") for part in ("key", "at")),
    "status_key",  # with the queue's "at"
)


class RaffleResized(Exception):
    """The raffle's range is another one than when the check began."""


class Indexed(NamedTuple, Generic[T]):
    """An item and how it is filed: the index keys that are wrong, with the right values."""

    item: T
    wrong: Mapping[str, str]
    had_deadline: bool = False  # its place in the queue shows a deadline


class StoredLeaf(NamedTuple):
    """Which numbers of a leaf are taken and sold: word → bits. The bits are as stored, so some may be strays."""

    taken: Mapping[int, int]
    sold: Mapping[int, int]
    first: int | None = None  # the number that the leaf says it begins with
    is_stored: bool = True  # those without any taken number need not be

    def word(self, word: int) -> tuple[int, int]:
        return self.taken.get(word, 0), self.sold.get(word, 0)

    @property
    def shows_any(self) -> bool:
        return any(self.taken.values()) or any(self.sold.values())


class TicketFound(NamedTuple):
    number: int
    ticket: TicketOwner


# All of a raffle, once


def raffle_ids() -> list[str]:
    """All raffles, the oldest first; also those that one of their indexes does not show. Seven queries or more."""
    found = list(Record.by_time.query(raffles.ALL))
    for status in RaffleStatus:
        found += Record.by_queue.query(raffles.queue(status))
    return list(dict.fromkeys(record.id for record in found if isinstance(record, RaffleRecord)))


def overview(raffle_id: str) -> tuple[Indexed[Raffle], dict[str, Counts]]:
    """The raffle, and its tallies by sort key: one query. Raises RaffleNotFound."""
    raffle, tallies = None, {}
    for record in Record.query(f"BOARD#{raffle_id}", consistent_read=True):
        if isinstance(record, RaffleRecord):
            raffle = _filed_raffle(record)
        elif isinstance(record, TallyRecord):
            tallies[record.sk] = _counts(record)
    if raffle is None:
        raise RaffleNotFound(raffle_id)
    return raffle, tallies


def leaves(raffle: Raffle) -> dict[LeafKey, StoredLeaf]:
    """All leaves that are stored, also those that the raffle should not have: a query for each megabyte of them."""
    found = LeafRecord.query(f"LEAVES#{raffle.id}", consistent_read=True)
    return {_leaf_key(record): _leaf(record) for record in found}


def tickets(raffle: Raffle, page: int) -> Iterator[TicketFound]:
    """The tickets that are stored for a page, in order: a query for each megabyte, some 10,000 of them."""
    for record in TicketRecord.query(f"TICKETS#{raffle.id}#{page:03}", consistent_read=True):
        yield TicketFound(int(record.sk), TicketOwner(record.order_id, record.contact_id))


def orders_listed(raffle: Raffle) -> Iterator[tuple[str, Indexed[Order] | None]]:
    """Id and order of all orders that the index shows for the raffle, the oldest first; None for one that can't be
    read. May be a little behind. A query for each megabyte."""
    for record in Record.by_raffle.query(raffle.id):
        yield record.pk.removeprefix("ORDER#"), _filed_order(record)


# Once more, at one moment


def word(raffle: Raffle, key: WordKey, claims: Mapping[int, Collection[str]]) -> Word:
    """A word, its tickets and the orders of these, and the orders that claim its numbers: number → order ids.

    Two requests; more when these are more than about a hundred items. Raises Busy when something changed in between,
    RaffleResized, RaffleNotFound.
    """
    numbers, leaf_key = key.numbers(raffle.layout), board.leaf_key(raffle.id, key.leaf)
    tickets_before = _tickets(raffle, numbers)
    wanted: list[list[Key]] = []
    for number in numbers:
        ids = set(claims.get(number, ()))
        if number in tickets_before:
            ids.add(tickets_before[number].order_id)
        wanted.append([board.ticket_key(raffle, number), *(orders.key(order_id) for order_id in sorted(ids))])
    states: set[tuple[int, int]] = set()
    found: dict[Key, Record] = {}
    for part in _parts(wanted, room=BATCH - 2):
        now = _snapshot(raffle, [leaf_key, *part])
        states.add(_leaf(now.get(leaf_key)).word(key.word))
        _merge(found, now)
    tickets_now = _tickets_in(found.values())
    # The word changes with each of its numbers: where it is the same in all parts, they belong together.
    if len(states) != 1 or tickets_now != tickets_before:
        raise Busy("a word changed while it was read")
    ((taken, sold),) = states
    return Word(taken=taken, sold=sold, tickets=tickets_now, orders=_orders_in(found.values()))


def page(raffle: Raffle, page: int, tallies: Iterable[str]) -> tuple[dict[str, Counts], int]:
    """The tallies, and how many numbers of the page the leaves show as taken. One request. Raises as `word`."""
    keys = raffle.layout.leaf_keys(page)
    leaf_keys = {key: board.leaf_key(raffle.id, key) for key in keys}
    found = _snapshot(raffle, [*((f"BOARD#{raffle.id}", sk) for sk in tallies), *leaf_keys.values()])
    taken = sum(shown(raffle.layout, key, _leaf(found.get(leaf_keys[key])).taken) for key in keys)
    return {record.sk: _counts(record) for record in found.values() if isinstance(record, TallyRecord)}, taken


def sold(raffle: Raffle) -> tuple[dict[str, Counts], int]:
    """The tallies, and how many numbers all leaves show as sold while the tallies' `sold` stayed as they are.

    Three requests or a few more. Raises Busy when numbers were sold meanwhile, RaffleResized, RaffleNotFound.
    """
    before, stored = overview(raffle.id)[1], leaves(raffle)
    filed, after = overview(raffle.id)
    _same_range(raffle, filed.item)
    if _column(before, "sold") != _column(after, "sold"):
        raise Busy("numbers were sold while they were counted")
    layout = raffle.layout
    keys = [key for page in range(layout.pages) for key in layout.leaf_keys(page) if key in stored]
    return after, sum(shown(layout, key, stored[key].sold) for key in keys)


def paid(raffle: Raffle, besides: Mapping[str, Order]) -> tuple[dict[str, Counts], int]:
    """The tallies, and what the paid orders come to that the index shows, or that are named by id `besides`, while the
    tallies' `paid` stayed as they are.

    A query for each megabyte of orders, and two. Raises Busy when a payment was confirmed meanwhile, RaffleNotFound.
    """
    before = overview(raffle.id)[1]
    found = {**besides, **{order_id: filed.item for order_id, filed in orders_listed(raffle) if filed}}
    right = sum(order.amount for order in found.values() if order.status is OrderStatus.PAID)
    after = overview(raffle.id)[1]
    if _column(before, "paid") != _column(after, "paid"):
        raise Busy("payments were confirmed while they were summed up")
    return after, right


def leaf(raffle: Raffle, key: LeafKey) -> StoredLeaf:
    """One request. Raises as `word`."""
    leaf_key = board.leaf_key(raffle.id, key)
    return _leaf(_snapshot(raffle, [leaf_key]).get(leaf_key))


def tally(raffle: Raffle, sk: str) -> Counts:
    """One request. Raises as `word`."""
    found = _snapshot(raffle, [(f"BOARD#{raffle.id}", sk)]).get((f"BOARD#{raffle.id}", sk))
    return _counts(found) if isinstance(found, TallyRecord) else {}


def raffle_now(raffle: Raffle) -> Indexed[Raffle]:
    """One request. Raises RaffleResized, RaffleNotFound."""
    filed, _ = overview(raffle.id)
    _same_range(raffle, filed.item)
    return filed


def orders_now(raffle: Raffle, order_ids: Iterable[str]) -> dict[str, Indexed[Order] | None]:
    """Those of up to 99 orders that exist; None for one that can't be read. One request. Raises as `word`."""
    found = _snapshot(raffle, [orders.key(order_id) for order_id in order_ids])
    return {
        record.pk.removeprefix("ORDER#"): _filed_order(record)
        for record in found.values()
        if isinstance(record, OrderRecord)
    }


def ticket_is_there(raffle: Raffle, page: int, number: int) -> bool:
    """Whether a page's partition has a ticket of the number. One request. Raises as `word`."""
    key = (f"TICKETS#{raffle.id}#{page:03}", f"{number:07}")
    return key in _snapshot(raffle, [key])


def is_listed(raffle: Raffle, order: Order) -> bool:
    """Whether the index shows the order under its raffle. One query."""
    at = orders.as_record(order).raffle_at
    return any(
        record.pk == orders.key(order.id)[0] for record in Record.by_raffle.query(raffle.id, Record.raffle_at == at)
    )


def held(raffle: Raffle, contact_id: str, order_ids: Collection[str]) -> tuple[Contact | None, int]:
    """The contact, and how many numbers of the raffle they own, by these orders and those that the index shows.

    Four requests or a few more. Raises Busy when the contact changed in between: holding and freeing do that.
    """
    before = contacts.get(contact_id)
    listed = Record.by_contact.query(contact_id, filter_condition=OrderRecord.raffle_id == raffle.id)
    ids = {record.pk.removeprefix("ORDER#") for record in listed} | set(order_ids)
    keys = [orders.key(order_id) for order_id in sorted(ids)]
    owned = _orders_in(OrderRecord.batch_get(keys, consistent_read=True)).values()
    after = contacts.get(contact_id)
    if before != after:
        raise Busy("a contact changed while their orders were read")
    of_contact = [order for order in owned if order.contact_id == contact_id and order.raffle_id == raffle.id]
    return after, sum(order.quantity for order in of_contact if order.status in OWNING)


def contacts_held(raffle: Raffle, contact_ids: Iterable[str]) -> dict[str, int]:
    """What the contacts that exist count as theirs. One request for up to 100."""
    found = ContactRecord.batch_get([contacts.key(contact_id) for contact_id in contact_ids], consistent_read=True)
    return {contact.id: contact.held.get(raffle.id, 0) for contact in contacts.found_in(found)}


# Repairs: each raises Busy when something else is stored now than was read


def set_word(raffle: Raffle, key: WordKey, read: Word, *, taken: int, sold: int) -> None:
    attributes = (LeafRecord.word("t", key.word), LeafRecord.word("s", key.word))
    first = raffle.layout.numbers(key.leaf).start
    actions: list[Action] = [LeafRecord.kind.set(LeafRecord), LeafRecord.first.set(first)]  # it may be a new item
    actions += [
        attribute.set(right)
        for attribute, right, shown in zip(attributes, (taken, sold), (read.taken, read.sold), strict=True)
        if right != shown
    ]
    # Whoever takes, frees or sells one of the numbers changes one of these.
    unchanged = _is(attributes[0], read.taken) & _is(attributes[1], read.sold)
    _update(LeafRecord(*board.leaf_key(raffle.id, key.leaf)), actions, unchanged)


def set_first(raffle: Raffle, key: LeafKey) -> None:
    first = raffle.layout.numbers(key).start
    record = LeafRecord(*board.leaf_key(raffle.id, key))
    _update(record, [LeafRecord.first.set(first)], LeafRecord.pk.exists())


def remove_leaf(raffle: Raffle, key: LeafKey, read: StoredLeaf) -> None:
    unchanged = [
        _is(LeafRecord.word(which, word), bits.get(word, 0))
        for which, bits in (("t", read.taken), ("s", read.sold))
        for word in range(LEAF_WORDS)
    ]
    transaction = Transaction()
    transaction.delete(LeafRecord(*board.leaf_key(raffle.id, key)), only_if=reduce(and_, unchanged))
    _commit(transaction)


def add_to_tally(raffle: Raffle, column: str, change: int, read: Mapping[str, Counts]) -> None:
    """Add to a count. What is sold meanwhile adds to the same sum, so only the difference is written."""
    attribute = getattr(TallyRecord, column)
    actions = [TallyRecord.kind.set(TallyRecord), attribute.add(change)]
    # That nobody else has just repaired it.
    unchanged = _is(attribute, read.get(FIRST_TALLY, {}).get(column, 0))
    _update(TallyRecord(f"BOARD#{raffle.id}", FIRST_TALLY), actions, unchanged)


def fold_tally(raffle: Raffle, sk: str, read: Counts) -> None:
    """Move a tally's counts into the first one: the sums over both, and so the raffle's, stay as they are throughout.

    What it counts meanwhile stays in it, and shows the next time.
    """
    transaction = Transaction()
    for name, sign in ((sk, -1), (FIRST_TALLY, +1)):
        actions = [getattr(TallyRecord, column).add(sign * count) for column, count in read.items() if count]
        transaction.update(TallyRecord(f"BOARD#{raffle.id}", name), [TallyRecord.kind.set(TallyRecord), *actions])
    _commit(transaction)


def set_held(raffle: Raffle, contact: Contact, count: int) -> None:
    held = {raffle_id: held for raffle_id, held in {**contact.held, raffle.id: count}.items() if held}
    right = ContactRecord.held.set(held) if held else ContactRecord.held.remove()
    record = ContactRecord(*contacts.key(contact.id))
    # A new version, so that nobody who read the contact before this puts the old count back.
    _update(record, [right, ContactRecord.version.add(1)], ContactRecord.version == contact.version)


def set_order_keys(filed: Indexed[Order]) -> None:
    order = filed.item
    unchanged = (OrderRecord.updated_at == order.updated_at) & (OrderRecord.status == order.status.value)
    _update(OrderRecord(*orders.key(order.id)), _settings(filed), unchanged)


def set_raffle_keys(filed: Indexed[Raffle]) -> None:
    raffle = filed.item
    unchanged = (RaffleRecord.updated_at == raffle.updated_at) & (RaffleRecord.status == raffle.status.value)
    _update(RaffleRecord(*raffles.key(raffle.id)), _settings(filed), unchanged)


# Parts


def shown(layout: Layout, key: LeafKey, words: Mapping[int, int]) -> int:
    """How many of a leaf's numbers are set, strays left out."""
    return sum(ones(words.get(word.word, 0), word.numbers(layout)) for word in words_of(layout, key))


def _settings(filed: Indexed[Any]) -> list[Action]:
    return [getattr(Record, name).set(value) for name, value in filed.wrong.items()]


def _is(attribute: Attribute[Any], value: int) -> Condition:
    # An attribute that was never written counts as zero.
    return attribute == value if value else (attribute == 0) | attribute.does_not_exist()


def _update(record: Record, actions: Sequence[Action], unchanged: Condition) -> None:
    try:
        record.update(list(actions), condition=unchanged)
    except UpdateError as failure:
        if failure.cause_response_code == "ConditionalCheckFailedException":
            raise Busy(failure.cause_response_code) from failure
        raise


def _commit(transaction: Transaction) -> None:
    try:
        transaction.commit()
    except ConditionsFailed as failure:
        raise Busy("it changed") from failure


def _snapshot(raffle: Raffle, keys: Sequence[Key]) -> dict[Key, Record]:
    """Those of up to 99 items that exist, all as they were at one moment. Raises Busy, RaffleResized, RaffleNotFound.

    The raffle is always among them: while it grows, what lay outside of it may be right.
    """
    asked = [raffles.key(raffle.id), *keys]
    try:
        with TransactGet(connection=low_level()) as read:
            futures = [read.get(Record, *key) for key in asked]
    except TransactGetError as failure:
        if failure.cause_response_code == "TransactionCanceledException":  # somebody was writing at that moment
            raise Busy(failure.cause_response_code) from failure
        raise
    found: dict[Key, Record] = {}
    for key, future in zip(asked, futures, strict=True):
        with suppress(Record.DoesNotExist):
            found[key] = future.get()
    now = found.pop(asked[0], None)
    if now is None:
        raise RaffleNotFound(raffle.id)
    _same_range(raffle, raffles.as_raffle(now))
    return found


def _same_range(raffle: Raffle, now: Raffle) -> None:
    if now.layout != raffle.layout:
        raise RaffleResized


def _parts(wanted: Iterable[Iterable[Key]], *, room: int) -> Iterator[list[Key]]:
    """Keys that belong together stay together, as many as there is room for; at least one part, perhaps empty."""
    part: dict[Key, None] = {}
    for keys in wanted:
        together = dict.fromkeys(list(keys)[:room])
        if len(part.keys() | together.keys()) > room:
            yield list(part)
            part = {}
        part.update(together)
    yield list(part)


def _merge(found: dict[Key, Record], now: Mapping[Key, Record]) -> None:
    for key, record in now.items():
        known = found.setdefault(key, record)
        if isinstance(record, OrderRecord) and record.updated_at != getattr(known, "updated_at", None):
            raise Busy("an order changed while it was read")


def _tickets(raffle: Raffle, numbers: Iterable[int]) -> dict[int, TicketOwner]:
    keys = [board.ticket_key(raffle, number) for number in numbers]
    return _tickets_in(TicketRecord.batch_get(keys, consistent_read=True)) if keys else {}


def _tickets_in(records: Iterable[Record]) -> dict[int, TicketOwner]:
    return {
        int(record.sk): TicketOwner(record.order_id, record.contact_id)
        for record in records
        if isinstance(record, TicketRecord)
    }


def _orders_in(records: Iterable[Record]) -> dict[str, Order]:
    filed = [_filed_order(record) for record in records if isinstance(record, OrderRecord)]
    return {order.item.id: order.item for order in filed if order}


def _filed_order(record: Record) -> Indexed[Order] | None:
    try:
        order = orders.as_order(record)
        right = orders.as_record(order)
    except (ValueError, TypeError, AttributeError):  # something is missing or has no meaning, whoever wrote it
        return None
    at = record.queue_at or ""
    running = record.queue_key in [orders.queue(status) for status in RUNNING]
    return Indexed(order, _wrong(record, right), running and bool(at) and not at.startswith(orders.NO_DEADLINE))


def _filed_raffle(record: RaffleRecord) -> Indexed[Raffle]:
    raffle = raffles.as_raffle(record)
    return Indexed(raffle, _wrong(record, raffles.as_record(raffle)))


def _wrong(record: Record, right: Record) -> dict[str, str]:
    stored, wanted = record.attribute_values, right.attribute_values
    return {name: wanted[name] for name in INDEX_KEYS if name in wanted and stored.get(name) != wanted[name]}


def _leaf_key(record: Record) -> LeafKey:
    page, leaf = record.sk.split("#")
    return LeafKey(int(page), int(leaf))


def _leaf(record: Record | None) -> StoredLeaf:
    if not isinstance(record, LeafRecord):
        return StoredLeaf({}, {}, is_stored=False)
    return StoredLeaf(record.words("t"), record.words("s"), record.attribute_values.get("first"))


def _counts(record: TallyRecord) -> Counts:
    return {name: int(count) for name, count in record.attribute_values.items() if _is_column(name)}


def _is_column(name: str) -> bool:
    return name in ("sold", "paid") or (name[0] == "p" and name[1:].isdigit())


def _column(tallies: Mapping[str, Counts], column: str) -> dict[str, int]:
    return {sk: counts[column] for sk, counts in tallies.items() if counts.get(column)}
