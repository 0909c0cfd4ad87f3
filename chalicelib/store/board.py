"""The board in the table: take, free and sell numbers in a transaction, and read which ones are free."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple
from zlib import crc32

from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action

from chalicelib.domain.board import Layout, LeafKey, TicketOwner, set_numbers
from chalicelib.domain.orders import UNPAID, Order
from chalicelib.domain.raffles import Raffle, TicketStatus
from chalicelib.domain.refusals import RaffleNotFound
from chalicelib.store import raffles
from chalicelib.store.records import LeafRecord, Record, Stored, TallyRecord, TicketRecord, stored_at, stored_in
from chalicelib.store.transaction import FailedCondition, Transaction

BATCH = 100  # items that are read in one request
TICKET = "ticket"  # the name of the condition that is H2
TALLY = "tally"  # the name of the condition on what newcomers hold (H10)


class Leaf(NamedTuple):
    """The taken and the sold numbers from `first` on, as word → bits. Words that are zero are left out."""

    key: LeafKey
    first: int
    taken: Mapping[int, int]
    sold: Mapping[int, int]

    def numbers_with(self, status: TicketStatus | None) -> Iterator[int]:
        """Yield the leaf's numbers that are RESERVED, SOLD, or either (None), in order."""
        taken = set_numbers(self.first, self.taken)
        if status is None:
            return taken
        sold = set(set_numbers(self.first, self.sold))
        is_sold = status is TicketStatus.SOLD
        return (number for number in taken if (number in sold) == is_sold)


def take(transaction: Transaction, raffle: Raffle, order: Order) -> None:
    """Give the order its numbers. Committing fails if one of them already has a ticket (H2).

    If the order is PAID, mark them as sold, too. If it counts as a newcomer's, committing fails if newcomers then hold
    too many (H10).
    """
    _put_tickets(transaction, raffle, order, order.numbers)
    is_unpaid = order.status in UNPAID
    _change_board(transaction, raffle, order, taken=+1, sold=+(not is_unpaid), newcomers=+is_unpaid)


def free(transaction: Transaction, raffle: Raffle, order: Order) -> None:
    """Take the order's numbers away. Committing fails if a ticket is not the order's, so no bit is cleared twice.

    `order` is the order before the change. If it is PAID, its numbers no longer count as sold either. The transaction
    then needs a condition that the order is still PAID.
    """
    _delete_tickets(transaction, raffle, order, order.numbers)
    is_unpaid = order.status in UNPAID
    _change_board(transaction, raffle, order, taken=-1, sold=-(not is_unpaid), newcomers=-is_unpaid)


def _put_tickets(transaction: Transaction, raffle: Raffle, order: Order, numbers: Iterable[int]) -> None:
    for number in numbers:
        ticket = TicketRecord(*ticket_key(raffle, number), order_id=order.id, contact_id=order.contact_id)
        transaction.put(ticket, name=TICKET, only_if=TicketRecord.pk.does_not_exist())


def _delete_tickets(transaction: Transaction, raffle: Raffle, order: Order, numbers: Iterable[int]) -> None:
    for number in numbers:
        ticket = TicketRecord(*ticket_key(raffle, number))
        transaction.delete(ticket, name=TICKET, only_if=TicketRecord.order_id == order.id)


def exchange(transaction: Transaction, raffle: Raffle, before: Order, after: Order) -> None:
    """Give an unpaid order other numbers. What `take` and `free` say holds for those that come and go (H15).

    An item can be only once in a transaction, so the board's changes in both directions are added up.
    """
    added = [number for number in after.numbers if number not in before.numbers]
    removed = [number for number in before.numbers if number not in after.numbers]
    _put_tickets(transaction, raffle, after, added)
    _delete_tickets(transaction, raffle, before, removed)
    came = raffle.layout.bits(added)
    went = raffle.layout.bits(removed)
    for key in sorted(came.keys() | went.keys()):
        words = {
            word: came.get(key, {}).get(word, 0) - went.get(key, {}).get(word, 0)
            for word in sorted({*came.get(key, {}), *went.get(key, {})})
        }
        actions: list[Action] = [
            LeafRecord.kind.set(LeafRecord),
            LeafRecord.first.set(raffle.layout.numbers(key).start),
        ]
        actions += [LeafRecord.word("t", word).add(bits) for word, bits in words.items()]
        transaction.update(LeafRecord(*leaf_key(raffle.id, key)), actions)
    _count_exchange(transaction, raffle, before, after)


def _count_exchange(transaction: Transaction, raffle: Raffle, before: Order, after: Order) -> None:
    """Add to the tallies what an exchange changes. Committing fails if newcomers then hold too many (H10).

    The order may count in another tally as a newcomer's than before, or in none.
    """
    pages = Counter(raffle.layout.count_by_page(after.numbers))
    pages.subtract(raffle.layout.count_by_page(before.numbers))
    changes = {
        tally_of(raffle, after.id): [
            TallyRecord.page(page).add(count) for page, count in sorted(pages.items()) if count
        ]
    }
    of_newcomers = Counter[int]()
    for order, sign in ((before, -1), (after, +1)):
        if order.newcomer_tally is not None:
            of_newcomers[order.newcomer_tally] += sign * order.quantity
    for tally, more in of_newcomers.items():
        if more:
            changes.setdefault(tally, []).append(TallyRecord.newcomers.add(more))
    for tally, actions in changes.items():
        if actions:
            transaction.update(
                TallyRecord(*raffles.tally_key(raffle.id, tally)),
                [TallyRecord.kind.set(TallyRecord), *actions],
                name=TALLY,
                only_if=_has_room(raffle, of_newcomers[tally]) if of_newcomers[tally] > 0 else None,
            )


def _has_room(raffle: Raffle, quantity: int) -> Condition:
    """Return the condition that newcomers may hold so many more numbers in a tally (H10)."""
    has_room = TallyRecord.newcomers <= raffle.max_of_newcomers - quantity
    is_met: Condition = TallyRecord.newcomers.does_not_exist() | has_room
    return is_met


def sell(transaction: Transaction, raffle: Raffle, order: Order) -> None:
    """Mark the numbers that the order has as sold. It was unpaid before."""
    _change_board(transaction, raffle, order, sold=+1, newcomers=-1)


def _change_board(
    transaction: Transaction, raffle: Raffle, order: Order, *, taken: int = 0, sold: int = 0, newcomers: int = 0
) -> None:
    for key, words in raffle.layout.bits(order.numbers).items():
        first = raffle.layout.numbers(key).start
        actions: list[Action] = [LeafRecord.kind.set(LeafRecord), LeafRecord.first.set(first)]  # the item may be new
        for word, bits in words.items():
            if taken:
                actions.append(LeafRecord.word("t", word).add(taken * bits))
            if sold:
                actions.append(LeafRecord.word("s", word).add(sold * bits))
        transaction.update(LeafRecord(*leaf_key(raffle.id, key)), actions)
    actions = [TallyRecord.kind.set(TallyRecord)]
    if sold:
        actions.append(TallyRecord.sold.add(sold * order.quantity))
        # The ledger is kept with the numbers and not with the order, so that the two can be compared.
        actions.append(TallyRecord.paid.add(sold * order.amount))
    if taken:
        pages = raffle.layout.count_by_page(order.numbers)
        actions += [TallyRecord.page(page).add(taken * count) for page, count in pages.items()]
    tally = tally_of(raffle, order.id)
    limit = None
    if order.newcomer_tally is not None and newcomers:
        of_newcomers = [TallyRecord.newcomers.add(newcomers * order.quantity)]
        if newcomers > 0:
            limit = _has_room(raffle, order.quantity)
        if order.newcomer_tally == tally:
            actions += of_newcomers
        else:  # the raffle has grown since the numbers were held, and has more tallies
            transaction.update(
                TallyRecord(*raffles.tally_key(raffle.id, order.newcomer_tally)),
                [TallyRecord.kind.set(TallyRecord), *of_newcomers],
            )
    transaction.update(TallyRecord(*raffles.tally_key(raffle.id, tally)), actions, name=TALLY, only_if=limit)


def leaves(raffle: Raffle, pages: Iterable[int]) -> list[Leaf]:
    """Read the leaves of some pages. One strongly consistent request."""
    distinct_pages = set(pages)
    keys = [leaf for page in sorted(distinct_pages) for leaf in raffle.layout.leaf_keys(page)]
    if len(keys) > BATCH or len(distinct_pages) == raffle.layout.pages:
        # These would take several batches. The whole board is one query of at most half a megabyte.
        items: Iterable[Stored] = stored_in(leaves_partition(raffle.id))
    else:
        items = stored_at(leaf_key(raffle.id, key) for key in keys)
    leaf_by_key = {leaf.key: leaf for leaf in map(_as_leaf, items)}
    return [_fill_in(raffle.layout, key, leaf_by_key.get(key)) for key in keys]


def stored_leaves(raffle_id: str, start: LeafKey, *, first: int) -> Iterator[Leaf]:
    """Yield the leaves that are stored, from `start` on. One request for the first `first`, another for the rest.

    A leaf in which no number was ever taken is not stored.
    """
    partition, sort_key = leaf_key(raffle_id, start)
    items = list(stored_in(partition, LeafRecord.sk >= sort_key, limit=first))
    yield from map(_as_leaf, items)
    if len(items) == first:
        yield from map(_as_leaf, stored_in(partition, LeafRecord.sk > items[-1]["sk"]["S"]))


def leaves_between(raffle: Raffle, first: int, last: int) -> list[Leaf]:
    """Return the stored leaves that have numbers from `first` to `last`. One strongly consistent query a megabyte.

    A leaf in which no number was ever taken is not stored.
    """
    partition, begin = leaf_key(raffle.id, raffle.layout.leaf_of(first))
    _, end = leaf_key(raffle.id, raffle.layout.leaf_of(last))
    stored = map(_as_leaf, stored_in(partition, LeafRecord.sk.between(begin, end)))
    return [_fill_in(raffle.layout, leaf.key, leaf) for leaf in stored]


def ticket_states(
    layout: Layout, stored: Iterable[Leaf], start: int, status: TicketStatus | None
) -> Iterator[tuple[int, TicketStatus]]:
    """Yield the numbers from `start` on that have the status, or all (None), in order, each with its state.

    Args:
        stored: the stored leaves from the one of `start` on. Only as many are consumed as are needed.
    """
    place = layout.place(start)
    rest = iter(stored)
    leaf = next(rest, None)
    for page in range(place.page, layout.pages):
        for key in layout.leaf_keys(page):
            while leaf is not None and leaf.key < key:
                leaf = next(rest, None)
            here = _fill_in(layout, key, leaf if leaf is not None and leaf.key == key else None)
            yield from (ticket for ticket in _states_in_leaf(layout, here, status) if ticket[0] >= start)


def _states_in_leaf(layout: Layout, leaf: Leaf, status: TicketStatus | None) -> Iterator[tuple[int, TicketStatus]]:
    if status is TicketStatus.AVAILABLE:
        return ((number, status) for number in layout.clear_bits(leaf.key, leaf.taken))
    if status is not None:
        return ((number, status) for number in leaf.numbers_with(status))
    reserved = dict.fromkeys(leaf.numbers_with(TicketStatus.RESERVED), TicketStatus.RESERVED)
    state = reserved | dict.fromkeys(leaf.numbers_with(TicketStatus.SOLD), TicketStatus.SOLD)
    return ((number, state.get(number, TicketStatus.AVAILABLE)) for number in layout.numbers(leaf.key))


def with_owners(raffle_id: str, numbers: Iterable[tuple[LeafKey, int]]) -> tuple[Raffle, dict[int, TicketOwner]]:
    """Read the raffle and the owners of some of its numbers. One request for up to 99 numbers.

    Numbers without a ticket are left out. Raises RaffleNotFound.
    """
    keys = dict.fromkeys(ticket_key_on(raffle_id, key.page, number) for key, number in numbers)
    records = list(Record.batch_get([raffles.key(raffle_id), *keys], consistent_read=True))
    raffle = next(iter(raffles.found_in(records)), None)
    if raffle is None:
        raise RaffleNotFound(raffle_id)
    return raffle, owners_in(records)


def owners_in(records: Iterable[Record]) -> dict[int, TicketOwner]:
    """Return number → owner of the tickets among items that were read together."""
    return {
        int(record.sk): TicketOwner(record.order_id, record.contact_id)
        for record in records
        if isinstance(record, TicketRecord)
    }


def free_numbers(layout: Layout, leaves: Sequence[Leaf]) -> dict[int, list[int]]:
    """Return page → its free numbers, for the pages of these leaves."""
    numbers: dict[int, list[int]] = {}
    for leaf in leaves:
        numbers.setdefault(leaf.key.page, []).extend(layout.clear_bits(leaf.key, leaf.taken))
    return numbers


def conflicting_orders(failures: Iterable[FailedCondition]) -> dict[int, str]:
    """Return number → id of the order that has it, from the failed conditions named TICKET."""
    return {int(str(failed.record.sk)): failed.stored["order_id"]["S"] for failed in failures if failed.stored}


def ticket_key(raffle: Raffle, number: int) -> tuple[str, str]:
    return ticket_key_on(raffle.id, raffle.layout.place(number).page, number)


def ticket_key_on(raffle_id: str, page: int, number: int) -> tuple[str, str]:
    """Return the key of a number's ticket if it is stored on this page."""
    return tickets_partition(raffle_id, page), f"{number:07}"


def tickets_partition(raffle_id: str, page: int) -> str:
    return f"TICKETS#{raffle_id}#{page:03}"


def leaf_key(raffle_id: str, key: LeafKey) -> tuple[str, str]:
    return leaves_partition(raffle_id), f"{key.page:03}#{key.leaf}"


def tally_key(raffle: Raffle, order: Order) -> tuple[str, str]:
    return raffles.tally_key(raffle.id, tally_of(raffle, order.id))


def tally_of(raffle: Raffle, order_id: str) -> int:
    # This spreads the orders over the tallies. Only the sum of all tallies counts, so after a raffle has grown, an
    # order may be subtracted from another tally than it was added to.
    return crc32(order_id.encode()) % raffle.layout.tallies


def leaves_partition(raffle_id: str) -> str:
    return f"LEAVES#{raffle_id}"


def _as_leaf(item: Stored) -> Leaf:
    page, leaf = item["sk"]["S"].split("#")
    # Every leaf is written with its first number. One without it is damaged, and still read.
    first = int(item.get("first", {}).get("N", 0))
    return Leaf(LeafKey(int(page), int(leaf)), first, LeafRecord.bits(item, "t"), LeafRecord.bits(item, "s"))


def _fill_in(layout: Layout, key: LeafKey, leaf: Leaf | None) -> Leaf:
    """Return the leaf with the first number that the layout says, or an empty one if none is stored."""
    first = layout.numbers(key).start
    return leaf._replace(first=first) if leaf is not None else Leaf(key, first, {}, {})
