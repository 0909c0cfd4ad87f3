"""The board in the table: taking, freeing and selling numbers within a transaction, and reading which are free."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple
from zlib import crc32

from pynamodb.expressions.update import Action

from chalicelib.domain.board import Layout, LeafKey
from chalicelib.domain.orders import Order
from chalicelib.domain.raffles import Raffle
from chalicelib.store.records import LeafRecord, Record, TallyRecord, TicketRecord
from chalicelib.store.transaction import Failed, Transaction

BATCH = 100  # items that a batch read brings
TICKET = "ticket"  # the name of the condition that is H2


class Leaf(NamedTuple):
    """Which numbers of a leaf are taken and sold: word → bits; words that are zero may be missing."""

    key: LeafKey
    taken: Mapping[int, int]
    sold: Mapping[int, int]


def take(transaction: Transaction, raffle: Raffle, order: Order) -> None:
    """Give the order its numbers: a ticket each, put only where none is (H2), and the board's bits and counts."""
    for number in order.numbers:
        ticket = TicketRecord(*ticket_key(raffle, number), order_id=order.id, contact_id=order.contact_id)
        transaction.put(ticket, name=TICKET, only_if=TicketRecord.pk.does_not_exist())
    _change_board(transaction, raffle, order, taken=+1)


def free(transaction: Transaction, raffle: Raffle, order: Order) -> None:
    """Take the order's numbers away from it. Each ticket must be the order's: so each bit is taken away just once."""
    for number in order.numbers:
        ticket = TicketRecord(*ticket_key(raffle, number))
        transaction.delete(ticket, name=TICKET, only_if=TicketRecord.order_id == order.id)
    _change_board(transaction, raffle, order, taken=-1)


def sell(transaction: Transaction, raffle: Raffle, order: Order) -> None:
    """Mark the order's numbers, which it owns, as sold."""
    _change_board(transaction, raffle, order, sold=+1)


def _change_board(transaction: Transaction, raffle: Raffle, order: Order, *, taken: int = 0, sold: int = 0) -> None:
    for key, words in raffle.layout.bits(order.numbers).items():
        actions: list[Action] = [LeafRecord.kind.set(LeafRecord)]  # an update may make the item
        for word, bits in words.items():
            if taken:
                actions.append(LeafRecord.word("t", word).add(taken * bits))
            if sold:
                actions.append(LeafRecord.word("s", word).add(sold * bits))
        transaction.update(LeafRecord(*leaf_key(raffle.id, key)), actions)
    actions = [TallyRecord.kind.set(TallyRecord)]
    if sold:
        actions.append(TallyRecord.sold.add(sold * order.quantity))
    if taken:
        pages = raffle.layout.count_by_page(order.numbers)
        actions += [TallyRecord.page(page).add(taken * count) for page, count in pages.items()]
    transaction.update(TallyRecord(*tally_key(raffle, order)), actions)


def leaves(raffle: Raffle, pages: Iterable[int]) -> list[Leaf]:
    """The leaves of the given pages: one request, strongly consistent."""
    keys = [leaf for page in pages for leaf in raffle.layout.leaf_keys(page)]
    if len(keys) > BATCH:
        # More would take several batches; the whole board is one query of at most half a megabyte.
        records: Iterable[LeafRecord] = LeafRecord.query(f"LEAVES#{raffle.id}", consistent_read=True)
    else:
        records = LeafRecord.batch_get([leaf_key(raffle.id, key) for key in keys], consistent_read=True)
    found = {record.sk: record for record in records}
    return [_leaf(key, found.get(leaf_key(raffle.id, key)[1])) for key in keys]


def states(raffle: Raffle, start: int) -> Iterator[tuple[int, str]]:
    """Every number from `start` on with its state, in order. Reads the leaves as far as they are asked for."""
    layout = raffle.layout
    first = layout.place(start)
    condition = LeafRecord.sk >= leaf_key(raffle.id, LeafKey(first.page, first.leaf))[1]
    written = LeafRecord.query(f"LEAVES#{raffle.id}", condition, consistent_read=True, page_size=BATCH)
    record = next(written, None)
    for page in range(first.page, layout.pages):
        for key in layout.leaf_keys(page):
            while record is not None and _parsed(record.sk) < key:
                record = next(written, None)
            leaf = _leaf(key, record if record is not None and _parsed(record.sk) == key else None)
            taken, sold = set(layout.set_bits(key, leaf.taken)), set(layout.set_bits(key, leaf.sold))
            for number in layout.numbers(key):
                if number >= start:
                    yield number, "SOLD" if number in sold else "RESERVED" if number in taken else "AVAILABLE"


def owners(raffle: Raffle, numbers: Collection[int]) -> dict[int, tuple[str, str]]:
    """number → (order, contact) that has it; those without a ticket are left out. One request for up to 100 numbers."""
    keys = [ticket_key(raffle, number) for number in numbers]
    found = TicketRecord.batch_get(keys, consistent_read=True)
    return {int(record.sk): (record.order_id, record.contact_id) for record in found}


def free_numbers(layout: Layout, found: Sequence[Leaf]) -> dict[int, list[int]]:
    """page → its free numbers, from the page's leaves."""
    numbers: dict[int, list[int]] = {}
    for leaf in found:
        numbers.setdefault(leaf.key.page, []).extend(layout.clear_bits(leaf.key, leaf.taken))
    return numbers


def in_the_way(failures: Iterable[Failed]) -> dict[int, str]:
    """number → the order that has it, from the conditions that failed."""
    return {int(str(failed.record.sk)): failed.found["order_id"]["S"] for failed in failures if failed.found}


def ticket_key(raffle: Raffle, number: int) -> tuple[str, str]:
    return f"TICKETS#{raffle.id}#{raffle.layout.place(number).page:03}", f"{number:07}"


def leaf_key(raffle_id: str, key: LeafKey) -> tuple[str, str]:
    return f"LEAVES#{raffle_id}", f"{key.page:03}#{key.leaf}"


def tally_key(raffle: Raffle, order: Order) -> tuple[str, str]:
    # Spreads the orders over the tallies. Which one it is does not matter for the sum: a raffle that has grown may
    # take away from another tally than it added to.
    return f"BOARD#{raffle.id}", f"TALLY#{crc32(order.id.encode()) % raffle.layout.tallies:02}"


def _parsed(sort_key: str) -> LeafKey:
    page, leaf = sort_key.split("#")
    return LeafKey(int(page), int(leaf))


def _leaf(key: LeafKey, record: Record | None) -> Leaf:
    if not isinstance(record, LeafRecord):
        return Leaf(key, {}, {})
    return Leaf(key, record.words("t"), record.words("s"))
