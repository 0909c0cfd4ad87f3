"""The board in the table: taking, freeing and selling numbers within a transaction, and reading which are free."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple
from zlib import crc32

from pynamodb.expressions.update import Action

from chalicelib.domain.board import Layout, LeafKey, set_numbers
from chalicelib.domain.orders import Order, OrderStatus
from chalicelib.domain.raffles import Raffle
from chalicelib.domain.refusals import RaffleNotFound
from chalicelib.store import raffles
from chalicelib.store.records import LeafRecord, Record, Stored, TallyRecord, TicketRecord, stored_at, stored_in
from chalicelib.store.transaction import Failed, Transaction

BATCH = 100  # items that a batch read brings
TICKET = "ticket"  # the name of the condition that is H2


class Leaf(NamedTuple):
    """Which numbers from `first` on are taken and sold: word → bits; words that are zero are left out."""

    key: LeafKey
    first: int
    taken: Mapping[int, int]
    sold: Mapping[int, int]

    def having(self, status: str | None) -> Iterator[int]:
        """The leaf's numbers that are RESERVED, or SOLD, or either (None), in order."""
        taken, sold = set_numbers(self.first, self.taken), set(set_numbers(self.first, self.sold))
        return (number for number in taken if status is None or (number in sold) == (status == "SOLD"))


class Owner(NamedTuple):
    order_id: str
    contact_id: str


def take(transaction: Transaction, raffle: Raffle, order: Order) -> None:
    """Give the order its numbers: a ticket each, put only where none is (H2), and the board's bits and counts.

    They are sold at once where the order is PAID.
    """
    for number in order.numbers:
        ticket = TicketRecord(*ticket_key(raffle, number), order_id=order.id, contact_id=order.contact_id)
        transaction.put(ticket, name=TICKET, only_if=TicketRecord.pk.does_not_exist())
    _change_board(transaction, raffle, order, taken=+1, sold=+(order.status is OrderStatus.PAID))


def free(transaction: Transaction, raffle: Raffle, order: Order) -> None:
    """Take the order's numbers away from it. Each ticket must be the order's: so each bit is taken away just once.

    `order` is as it was read. Of one that is PAID the bits and the count of what is sold go, too: then the transaction
    needs a condition that it still is.
    """
    for number in order.numbers:
        ticket = TicketRecord(*ticket_key(raffle, number))
        transaction.delete(ticket, name=TICKET, only_if=TicketRecord.order_id == order.id)
    _change_board(transaction, raffle, order, taken=-1, sold=-(order.status is OrderStatus.PAID))


def sell(transaction: Transaction, raffle: Raffle, order: Order) -> None:
    """Mark the order's numbers, which it owns, as sold."""
    _change_board(transaction, raffle, order, sold=+1)


def _change_board(transaction: Transaction, raffle: Raffle, order: Order, *, taken: int = 0, sold: int = 0) -> None:
    for key, words in raffle.layout.bits(order.numbers).items():
        first = raffle.layout.numbers(key).start
        actions: list[Action] = [LeafRecord.kind.set(LeafRecord), LeafRecord.first.set(first)]  # it may be a new item
        for word, bits in words.items():
            if taken:
                actions.append(LeafRecord.word("t", word).add(taken * bits))
            if sold:
                actions.append(LeafRecord.word("s", word).add(sold * bits))
        transaction.update(LeafRecord(*leaf_key(raffle.id, key)), actions)
    actions = [TallyRecord.kind.set(TallyRecord)]
    if sold:
        actions.append(TallyRecord.sold.add(sold * order.quantity))
        # The ledger: booked with the numbers, and not with the order, so that the two can be compared.
        actions.append(TallyRecord.paid.add(sold * order.amount))
    if taken:
        pages = raffle.layout.count_by_page(order.numbers)
        actions += [TallyRecord.page(page).add(taken * count) for page, count in pages.items()]
    transaction.update(TallyRecord(*tally_key(raffle, order)), actions)


def leaves(raffle: Raffle, pages: Iterable[int]) -> list[Leaf]:
    """The leaves of the given pages: one request, strongly consistent."""
    wanted = set(pages)
    keys = [leaf for page in sorted(wanted) for leaf in raffle.layout.leaf_keys(page)]
    if len(keys) > BATCH or len(wanted) == raffle.layout.pages:
        # More would take several batches; the whole board is one query of at most half a megabyte.
        stored: Iterable[Stored] = stored_in(_leaves_of(raffle.id))
    else:
        stored = stored_at(leaf_key(raffle.id, key) for key in keys)
    found = {leaf.key: leaf for leaf in map(_leaf, stored)}
    return [_placed(raffle.layout, key, found.get(key)) for key in keys]


def written(raffle_id: str, start: LeafKey, *, first: int) -> Iterator[Leaf]:
    """The leaves that have something in them, from `start` on: one request for the `first` ones, one for all others."""
    partition, at = leaf_key(raffle_id, start)
    found = list(stored_in(partition, LeafRecord.sk >= at, limit=first))
    yield from map(_leaf, found)
    if len(found) == first:
        yield from map(_leaf, stored_in(partition, LeafRecord.sk > found[-1]["sk"]["S"]))


def states(layout: Layout, found: Iterable[Leaf], start: int, status: str | None) -> Iterator[tuple[int, str]]:
    """The numbers from `start` on that have the status, or all (None), in order, each with its state.

    `found` are the written leaves from there on; no more of them are taken than are needed.
    """
    place, rest = layout.place(start), iter(found)
    leaf = next(rest, None)
    for page in range(place.page, layout.pages):
        for key in layout.leaf_keys(page):
            while leaf is not None and leaf.key < key:
                leaf = next(rest, None)
            here = _placed(layout, key, leaf if leaf is not None and leaf.key == key else None)
            yield from (ticket for ticket in _states(layout, here, status) if ticket[0] >= start)


def _states(layout: Layout, leaf: Leaf, status: str | None) -> Iterator[tuple[int, str]]:
    if status == "AVAILABLE":
        return ((number, status) for number in layout.clear_bits(leaf.key, leaf.taken))
    if status is not None:
        return ((number, status) for number in leaf.having(status))
    state = dict.fromkeys(leaf.having("RESERVED"), "RESERVED") | dict.fromkeys(leaf.having("SOLD"), "SOLD")
    return ((number, state.get(number, "AVAILABLE")) for number in layout.numbers(leaf.key))


def with_owners(raffle_id: str, numbers: Iterable[tuple[LeafKey, int]]) -> tuple[Raffle, dict[int, Owner]]:
    """The raffle, and who has the numbers, those without a ticket left out: one request for up to 99 numbers.

    Raises RaffleNotFound.
    """
    keys = dict.fromkeys((f"TICKETS#{raffle_id}#{key.page:03}", f"{number:07}") for key, number in numbers)
    found = list(Record.batch_get([raffles.key(raffle_id), *keys], consistent_read=True))
    raffle = next(iter(raffles.found_in(found)), None)
    if raffle is None:
        raise RaffleNotFound(raffle_id)
    tickets = [record for record in found if isinstance(record, TicketRecord)]
    return raffle, {int(ticket.sk): Owner(ticket.order_id, ticket.contact_id) for ticket in tickets}


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
    return _leaves_of(raffle_id), f"{key.page:03}#{key.leaf}"


def tally_key(raffle: Raffle, order: Order) -> tuple[str, str]:
    # Spreads the orders over the tallies. Which one it is does not matter for the sum: a raffle that has grown may
    # take away from another tally than it added to.
    return f"BOARD#{raffle.id}", f"TALLY#{crc32(order.id.encode()) % raffle.layout.tallies:02}"


def _leaves_of(raffle_id: str) -> str:
    return f"LEAVES#{raffle_id}"


def _leaf(item: Stored) -> Leaf:
    page, leaf = item["sk"]["S"].split("#")
    # Every leaf that was ever written says its first number. One that does not is damaged, and read all the same.
    first = int(item.get("first", {}).get("N", 0))
    return Leaf(LeafKey(int(page), int(leaf)), first, LeafRecord.bits(item, "t"), LeafRecord.bits(item, "s"))


def _placed(layout: Layout, key: LeafKey, leaf: Leaf | None) -> Leaf:
    """The leaf where the raffle has it."""
    first = layout.numbers(key).start
    return leaf._replace(first=first) if leaf is not None else Leaf(key, first, {}, {})
