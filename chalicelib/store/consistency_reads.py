"""Reads and repairs of the consistency check.

First the whole raffle is read, in the order of its keys. Suspects are read again with `read_word`, `read_page` and so
on, which read all that must fit together at one moment. A repair is conditioned on what was read.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import reduce
from operator import and_
from typing import Any, Generic, NamedTuple, TypeVar

from pynamodb.attributes import Attribute
from pynamodb.exceptions import TransactGetError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactGet

from chalicelib.domain.board import LEAF_WORDS, Layout, LeafKey, TicketOwner
from chalicelib.domain.consistency import NEWCOMERS, Word, WordKey, count_ones, held_by_newcomers, words_of
from chalicelib.domain.contacts import Contact
from chalicelib.domain.holding import UnpaidOrder
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
    update_if,
)
from chalicelib.store.transaction import Busy, ConditionsFailed, Transaction

T = TypeVar("T")
Key = tuple[str, str]
Counts = dict[str, int]  # column of a tally → count
BATCH = 100  # items in a batch or a snapshot at most
FIRST_TALLY = "TALLY#00"  # repairs add to it: only the sum over all tallies matters
INDEX_KEYS = (
    *(f"{index}_{part}" for index in ("contact", "raffle", "queue", "time") for part in ("key", "at")),
    "status_key",  # with the queue's "at"
)


class RaffleResized(Exception):
    """The raffle's range of numbers has changed since the check began."""


class Indexed(NamedTuple, Generic[T]):
    """An item, and those of its index keys that are wrong, with the right values."""

    item: T
    wrong_keys: Mapping[str, str]
    had_deadline: bool = False  # its place in the queue shows a deadline


class StoredLeaf(NamedTuple):
    """The taken and sold numbers of a leaf: word → bits. The bits are as stored, so some may be stray."""

    taken: Mapping[int, int]
    sold: Mapping[int, int]
    first: int | None = None  # the leaf's first number, as stored
    is_stored: bool = True  # a leaf without taken numbers need not be

    def word(self, word: int) -> tuple[int, int]:
        return self.taken.get(word, 0), self.sold.get(word, 0)

    @property
    def shows_any(self) -> bool:
        return any(self.taken.values()) or any(self.sold.values())


class NumberedTicket(NamedTuple):
    number: int
    ticket: TicketOwner


# The whole raffle


def raffle_ids() -> list[str]:
    """Return the ids of all raffles, oldest first, even if one of their indexes misses them. Seven queries or more."""
    records = list(Record.by_time.query(raffles.ALL))
    for status in RaffleStatus:
        records += Record.by_queue.query(raffles.queue(status))
    return list(dict.fromkeys(record.id for record in records if isinstance(record, RaffleRecord)))


def tally_names(raffle: Raffle) -> list[str]:
    """Return the sort keys of the tallies that the raffle should have."""
    return [f"TALLY#{number:02}" for number in range(raffle.layout.tallies)]


def overview(raffle_id: str) -> tuple[Indexed[Raffle], dict[str, Counts]]:
    """Read the raffle, and its tallies by sort key: one query. Raises RaffleNotFound."""
    raffle = None
    tallies = {}
    for record in Record.query(raffles.partition(raffle_id), consistent_read=True):
        if isinstance(record, RaffleRecord):
            raffle = _as_indexed_raffle(record)
        elif isinstance(record, TallyRecord):
            tallies[record.sk] = _counts(record)
    if raffle is None:
        raise RaffleNotFound(raffle_id)
    return raffle, tallies


def leaves(raffle: Raffle) -> dict[LeafKey, StoredLeaf]:
    """Read all stored leaves, even those that the raffle should not have: a query for each megabyte."""
    records = LeafRecord.query(board.leaves_partition(raffle.id), consistent_read=True)
    return {_leaf_key(record): _as_leaf(record) for record in records}


def tickets(raffle: Raffle, page: int) -> Iterator[NumberedTicket]:
    """Yield the tickets stored for a page, in order: a query for each megabyte, which is about 10,000 tickets."""
    for record in TicketRecord.query(board.tickets_partition(raffle.id, page), consistent_read=True):
        yield NumberedTicket(int(record.sk), TicketOwner(record.order_id, record.contact_id))


def orders_listed(raffle: Raffle) -> Iterator[tuple[str, Indexed[Order] | None]]:
    """Yield id and order of all orders in the raffle's index, oldest first; None for an order that can't be read.

    The index may lag a little behind. A query for each megabyte.
    """
    for record in Record.by_raffle.query(raffle.id):
        yield record.pk.removeprefix("ORDER#"), _as_indexed_order(record)


# Parts of the raffle at one moment


def read_word(raffle: Raffle, key: WordKey, claims: Mapping[int, Collection[str]]) -> Word:
    """Read a word with its tickets, their orders, and the orders that claim its numbers (`claims`: number → order ids).

    Two requests; more if that is more than about a hundred items. Raises Busy if something changed in between,
    RaffleResized, RaffleNotFound.
    """
    numbers = key.numbers(raffle.layout)
    leaf_key = board.leaf_key(raffle.id, key.leaf)
    tickets_before = _read_tickets(raffle, numbers)
    keys_by_number: list[list[Key]] = []
    for number in numbers:
        ids = set(claims.get(number, ()))
        if number in tickets_before:
            ids.add(tickets_before[number].order_id)
        keys_by_number.append([board.ticket_key(raffle, number), *(orders.key(order_id) for order_id in sorted(ids))])
    states: set[tuple[int, int]] = set()
    records: dict[Key, Record] = {}
    for part in _split(keys_by_number, room=BATCH - 2):
        snapshot = _snapshot(raffle, [leaf_key, *part])
        states.add(_as_leaf(snapshot.get(leaf_key)).word(key.word))
        _merge(records, snapshot)
    tickets_now = board.owners_in(records.values())
    # The word changes with each of its numbers. If it is the same in all snapshots, they fit together.
    if len(states) != 1 or tickets_now != tickets_before:
        raise Busy("a word changed while it was read")
    ((taken, sold),) = states
    return Word(taken=taken, sold=sold, tickets=tickets_now, orders=_orders_in(records.values()))


def read_page(raffle: Raffle, page: int, tallies: Iterable[str]) -> tuple[dict[str, Counts], int]:
    """Read the tallies, and count the numbers of the page that the leaves show as taken.

    One request. Raises as `read_word`.
    """
    keys = raffle.layout.leaf_keys(page)
    leaf_keys = {key: board.leaf_key(raffle.id, key) for key in keys}
    records = _snapshot(raffle, [*((raffles.partition(raffle.id), sk) for sk in tallies), *leaf_keys.values()])
    taken = sum(_count_numbers(raffle.layout, key, _as_leaf(records.get(leaf_keys[key])).taken) for key in keys)
    return {record.sk: _counts(record) for record in records.values() if isinstance(record, TallyRecord)}, taken


def read_sold(raffle: Raffle) -> tuple[dict[str, Counts], int]:
    """Read the tallies, and count the numbers that all leaves show as sold. The tallies' `sold` stayed the same.

    Three requests or a few more. Raises Busy if numbers were sold in between, RaffleResized, RaffleNotFound.
    """
    _, before = overview(raffle.id)
    stored_leaves = leaves(raffle)
    indexed, after = overview(raffle.id)
    _check_range(raffle, indexed.item)
    if _column(before, "sold") != _column(after, "sold"):
        raise Busy("numbers were sold while they were counted")
    layout = raffle.layout
    keys = [key for page in range(layout.pages) for key in layout.leaf_keys(page) if key in stored_leaves]
    return after, sum(_count_numbers(layout, key, stored_leaves[key].sold) for key in keys)


def read_paid(raffle: Raffle, unlisted: Mapping[str, Order]) -> tuple[dict[str, Counts], int]:
    """Read the tallies, and sum up the paid orders. The tallies' `paid` stayed the same.

    The orders are those in the index and those in `unlisted`, by id. A query for each megabyte of orders, and two.
    Raises Busy if a payment was confirmed in between, RaffleNotFound.
    """
    _, before = overview(raffle.id)
    listed = {order_id: indexed.item for order_id, indexed in orders_listed(raffle) if indexed}
    paid = sum(order.amount for order in {**unlisted, **listed}.values() if order.status is OrderStatus.PAID)
    _, after = overview(raffle.id)
    if _column(before, "paid") != _column(after, "paid"):
        raise Busy("payments were confirmed while they were summed up")
    return after, paid


def read_newcomers(raffle: Raffle, tally: int, unlisted: Mapping[str, Order]) -> tuple[int, int]:
    """Return how many numbers newcomers hold by a tally, which stayed the same, and by the orders that name it.

    The orders are those in the index and those in `unlisted`, by id. A query for each megabyte of orders, and two.
    Raises Busy if newcomers held or lost numbers in between, RaffleNotFound.
    """
    _, before = overview(raffle.id)
    listed = {order_id: indexed.item for order_id, indexed in orders_listed(raffle) if indexed}
    _, after = overview(raffle.id)
    counted = newcomers_counted(after)[tally]
    if newcomers_counted(before)[tally] != counted:
        raise Busy("newcomers held or lost numbers while these were counted")
    return counted, held_by_newcomers({**unlisted, **listed}.values())[tally]


def newcomers_counted(tallies: Mapping[str, Counts]) -> Counter[int]:
    """Return what newcomers hold by the tallies, given by sort key: number of the tally → count."""
    return Counter({int(sk.removeprefix("TALLY#")): counts.get(NEWCOMERS, 0) for sk, counts in tallies.items()})


def read_leaf(raffle: Raffle, key: LeafKey) -> StoredLeaf:
    """Read a leaf: one request. Raises as `read_word`."""
    leaf_key = board.leaf_key(raffle.id, key)
    return _as_leaf(_snapshot(raffle, [leaf_key]).get(leaf_key))


def read_tally(raffle: Raffle, sk: str) -> Counts:
    """Read the counts of a tally: one request. Raises as `read_word`."""
    key = (raffles.partition(raffle.id), sk)
    record = _snapshot(raffle, [key]).get(key)
    return _counts(record) if isinstance(record, TallyRecord) else {}


def read_raffle(raffle: Raffle) -> Indexed[Raffle]:
    """Read the raffle again: one request. Raises RaffleResized, RaffleNotFound."""
    indexed, _ = overview(raffle.id)
    _check_range(raffle, indexed.item)
    return indexed


def read_orders(raffle: Raffle, order_ids: Iterable[str]) -> dict[str, Indexed[Order] | None]:
    """Read up to 99 orders, by id. None: it can't be read. Those that don't exist are missing.

    One request. Raises as `read_word`.
    """
    records = _snapshot(raffle, [orders.key(order_id) for order_id in order_ids])
    return {
        record.pk.removeprefix("ORDER#"): _as_indexed_order(record)
        for record in records.values()
        if isinstance(record, OrderRecord)
    }


def has_ticket(raffle: Raffle, page: int, number: int) -> bool:
    """Return whether a page's partition has a ticket of the number. One request. Raises as `read_word`."""
    key = board.ticket_key_on(raffle.id, page, number)
    return key in _snapshot(raffle, [key])


def is_listed(raffle: Raffle, order: Order) -> bool:
    """Return whether the raffle's index has the order. One query."""
    at = orders.as_record(order).raffle_at
    return any(
        record.pk == orders.key(order.id)[0] for record in Record.by_raffle.query(raffle.id, Record.raffle_at == at)
    )


def read_owning(raffle: Raffle, contact_id: str, order_ids: Collection[str]) -> tuple[Contact | None, list[Order]]:
    """Read the contact, and their orders of the raffle that own numbers, of `order_ids` and of those in the index.

    Four requests or a few more. Raises Busy if the contact changed in between: holding and freeing numbers does that.
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
    return after, [order for order in of_contact if order.status in OWNING]


def read_contacts(contact_ids: Iterable[str]) -> dict[str, Contact]:
    """Return those of the contacts that exist, by id. One request for up to 100."""
    records = ContactRecord.batch_get([contacts.key(contact_id) for contact_id in contact_ids], consistent_read=True)
    return {contact.id: contact for contact in contacts.found_in(records)}


# Repairs: each raises Busy if what was read has changed since


def set_word(raffle: Raffle, key: WordKey, read: Word, *, taken: int, sold: int) -> None:
    attributes = (LeafRecord.word("t", key.word), LeafRecord.word("s", key.word))
    first = raffle.layout.numbers(key.leaf).start
    actions: list[Action] = [LeafRecord.kind.set(LeafRecord), LeafRecord.first.set(first)]  # the item may be new
    actions += [
        attribute.set(right)
        for attribute, right, shown in zip(attributes, (taken, sold), (read.taken, read.sold), strict=True)
        if right != shown
    ]
    # Taking, freeing or selling one of the numbers changes one of the two.
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
    """Add to a count. Sales in the meantime add to the same count, so only the difference is written."""
    attribute = getattr(TallyRecord, column)
    actions = [TallyRecord.kind.set(TallyRecord), attribute.add(change)]
    # Nobody else may have repaired it in the meantime.
    unchanged = _is(attribute, read.get(FIRST_TALLY, {}).get(column, 0))
    _update(TallyRecord(raffles.partition(raffle.id), FIRST_TALLY), actions, unchanged)


def fold_tally(raffle: Raffle, sk: str, read: Counts) -> None:
    """Move a tally's counts into the first tally, in one transaction: the sum over all tallies never changes.

    What is counted in the meantime stays in the tally, and the next check finds it.
    """
    transaction = Transaction()
    for name, sign in ((sk, -1), (FIRST_TALLY, +1)):
        # What newcomers hold stays: their orders name the tally that counts it.
        columns = {column: count for column, count in read.items() if count and column != NEWCOMERS}
        actions = [getattr(TallyRecord, column).add(sign * count) for column, count in columns.items()]
        tally = TallyRecord(raffles.partition(raffle.id), name)
        transaction.update(tally, [TallyRecord.kind.set(TallyRecord), *actions])
    _commit(transaction)


def set_newcomers(raffle: Raffle, tally: int, held: int, *, read: int) -> None:
    actions: list[Action] = [TallyRecord.kind.set(TallyRecord), TallyRecord.newcomers.set(held)]
    _update(TallyRecord(*raffles.tally_key(raffle.id, tally)), actions, _is(TallyRecord.newcomers, read))


def set_owned(raffle: Raffle, contact: Contact, count: int, unpaid: Mapping[str, UnpaidOrder]) -> None:
    """Set how many numbers of the raffle a contact owns, and which of their orders of it are unpaid."""
    elsewhere = {order_id: order for order_id, order in contact.unpaid.items() if order.raffle_id != raffle.id}
    held = {raffle_id: held for raffle_id, held in {**contact.held, raffle.id: count}.items() if held}
    right = contacts.as_record(replace(contact, held=held, unpaid={**elsewhere, **unpaid}))
    actions: list[Action] = [
        attribute.set(value) if (value := getattr(right, attribute.attr_name)) else attribute.remove()
        for attribute in (ContactRecord.held, ContactRecord.unpaid)
    ]
    # A new version, so that nobody who has read the contact before writes the old values back.
    unchanged = ContactRecord.version == contact.version
    _update(ContactRecord(*contacts.key(contact.id)), [*actions, ContactRecord.version.add(1)], unchanged)


def set_order_keys(indexed: Indexed[Order]) -> None:
    order = indexed.item
    unchanged = (OrderRecord.updated_at == order.updated_at) & (OrderRecord.status == order.status.value)
    _update(OrderRecord(*orders.key(order.id)), _set_keys(indexed), unchanged)


def set_raffle_keys(indexed: Indexed[Raffle]) -> None:
    raffle = indexed.item
    unchanged = RaffleRecord.updated_at == raffle.updated_at
    _update(RaffleRecord(*raffles.key(raffle.id)), _set_keys(indexed), unchanged)


# Parts


def _count_numbers(layout: Layout, key: LeafKey, words: Mapping[int, int]) -> int:
    """Count the numbers of a leaf that are set, without stray bits."""
    return sum(count_ones(words.get(word.word, 0), word.numbers(layout)) for word in words_of(layout, key))


def _set_keys(indexed: Indexed[Any]) -> list[Action]:
    return [getattr(Record, name).set(value) for name, value in indexed.wrong_keys.items()]


def _is(attribute: Attribute[Any], value: int) -> Condition:
    # A missing attribute counts as zero.
    return attribute == value if value else (attribute == 0) | attribute.does_not_exist()


def _update(record: Record, actions: Sequence[Action], unchanged: Condition) -> None:
    if not update_if(record, actions, unchanged):
        raise Busy("it changed")


def _commit(transaction: Transaction) -> None:
    try:
        transaction.commit()
    except ConditionsFailed as failure:
        raise Busy("it changed") from failure


def _snapshot(raffle: Raffle, keys: Sequence[Key]) -> dict[Key, Record]:
    """Read up to 99 items at one moment; those that don't exist are missing.

    The raffle is always read too: if it has grown, what was outside may be right now. Raises Busy, RaffleResized,
    RaffleNotFound.
    """
    raffle_key = raffles.key(raffle.id)
    all_keys = [raffle_key, *keys]
    try:
        with TransactGet(connection=low_level()) as read:
            futures = [read.get(Record, *key) for key in all_keys]
    except TransactGetError as failure:
        if failure.cause_response_code == "TransactionCanceledException":  # somebody was writing at that moment
            raise Busy(failure.cause_response_code) from failure
        raise
    records: dict[Key, Record] = {}
    for key, future in zip(all_keys, futures, strict=True):
        with suppress(Record.DoesNotExist):
            records[key] = future.get()
    raffle_record = records.pop(raffle_key, None)
    if raffle_record is None:
        raise RaffleNotFound(raffle.id)
    _check_range(raffle, raffles.as_raffle(raffle_record))
    return records


def _check_range(raffle: Raffle, now: Raffle) -> None:
    """Raise RaffleResized if the raffle's numbers are laid out differently by now."""
    if now.layout != raffle.layout:
        raise RaffleResized


def _split(groups: Iterable[Iterable[Key]], *, room: int) -> Iterator[list[Key]]:
    """Split groups of keys into parts of up to `room` keys. A group stays in one part, and is cut if it is too long.

    There is at least one part; it may be empty.
    """
    part: dict[Key, None] = {}
    for keys in groups:
        together = dict.fromkeys(list(keys)[:room])
        if len(part.keys() | together.keys()) > room:
            yield list(part)
            part = {}
        part.update(together)
    yield list(part)


def _merge(records: dict[Key, Record], snapshot: Mapping[Key, Record]) -> None:
    for key, record in snapshot.items():
        known = records.setdefault(key, record)
        if isinstance(record, OrderRecord) and record.updated_at != getattr(known, "updated_at", None):
            raise Busy("an order changed while it was read")


def _read_tickets(raffle: Raffle, numbers: Iterable[int]) -> dict[int, TicketOwner]:
    keys = [board.ticket_key(raffle, number) for number in numbers]
    return board.owners_in(TicketRecord.batch_get(keys, consistent_read=True)) if keys else {}


def _orders_in(records: Iterable[Record]) -> dict[str, Order]:
    readable = [_as_indexed_order(record) for record in records if isinstance(record, OrderRecord)]
    return {indexed.item.id: indexed.item for indexed in readable if indexed}


def _as_indexed_order(record: Record) -> Indexed[Order] | None:
    try:
        order = orders.as_order(record)
        right = orders.as_record(order)
    except (ValueError, TypeError, AttributeError):  # an attribute is missing or has an impossible value
        return None
    at = record.queue_at or ""
    running = record.queue_key in [orders.queue(status) for status in RUNNING]
    return Indexed(order, _wrong_keys(record, right), running and bool(at) and not at.startswith(orders.NO_DEADLINE))


def _as_indexed_raffle(record: RaffleRecord) -> Indexed[Raffle]:
    raffle = raffles.as_raffle(record)
    return Indexed(raffle, _wrong_keys(record, raffles.as_record(raffle)))


def _wrong_keys(record: Record, right: Record) -> dict[str, str]:
    """Return the index keys in which a record differs from the right one, with the right values."""
    stored = record.attribute_values
    expected = right.attribute_values
    return {name: expected[name] for name in INDEX_KEYS if name in expected and stored.get(name) != expected[name]}


def _leaf_key(record: Record) -> LeafKey:
    page, leaf = record.sk.split("#")
    return LeafKey(int(page), int(leaf))


def _as_leaf(record: Record | None) -> StoredLeaf:
    if not isinstance(record, LeafRecord):
        return StoredLeaf({}, {}, is_stored=False)
    return StoredLeaf(record.words("t"), record.words("s"), record.attribute_values.get("first"))


def _counts(record: TallyRecord) -> Counts:
    return {name: int(count) for name, count in record.attribute_values.items() if _is_column(name)}


def _is_column(name: str) -> bool:
    return name in ("sold", "paid", NEWCOMERS) or (name[0] == "p" and name[1:].isdigit())


def _column(tallies: Mapping[str, Counts], column: str) -> dict[str, int]:
    return {sk: counts[column] for sk, counts in tallies.items() if counts.get(column)}
