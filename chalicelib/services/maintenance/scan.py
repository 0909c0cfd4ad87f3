"""A survey: all of a raffle read once while it may be selling, and what looks wrong then and is worth another look.

What is remembered of each number are nine bytes, of each contact an id and a count, so that a million numbers fit into
any memory.
"""

from array import array
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import NamedTuple

from chalicelib.domain.board import LeafKey
from chalicelib.domain.consistency import WordKey, order_faults, over_limit, summed, words_of
from chalicelib.domain.orders import OWNING, Order, OrderStatus
from chalicelib.domain.raffles import Raffle
from chalicelib.store import consistency_reads
from chalicelib.store.consistency_reads import Counts, Indexed, StoredLeaf

Progress = Callable[[str, int, int | None], None]  # what is being done, how much of it is, of how much in all
STEP = 200  # orders or words between two calls of it

UNCLAIMED, OWNED, SOLD = range(3)  # what an order says of the number's ticket


class Misplaced(NamedTuple):
    """A ticket in the partition of a page that does not have its number."""

    page: int
    number: int

    def __str__(self) -> str:
        return f"{self.number} (page {self.page})"


@dataclass(kw_only=True)
class Survey:
    """What a raffle looked like, not all of it at one moment."""

    filed: Indexed[Raffle]
    tallies: dict[str, Counts]
    leaves: dict[LeafKey, StoredLeaf]
    owners: "array[int]"  # by number: who has the ticket, as `_owner` writes it; 0 where there is none
    said: bytearray  # by number: UNCLAIMED, OWNED or SOLD
    taken: Counter[int] = field(default_factory=Counter)  # page → tickets
    misplaced: list[Misplaced] = field(default_factory=list)
    orders: int = 0
    paid: int = 0  # what the paid orders come to
    odd_orders: list[str] = field(default_factory=list)
    claims: dict[int, set[str]] = field(default_factory=dict)  # number → orders that own it and did not have the ticket
    held: Counter[str] = field(default_factory=Counter)  # contact → numbers, also those with none

    @property
    def raffle(self) -> Raffle:
        return self.filed.item

    def position(self, number: int) -> int:
        return number - self.raffle.first_number

    def odd_words(self) -> Iterator[WordKey]:
        """Words whose bits, tickets and orders did not fit together."""
        layout = self.raffle.layout
        for page in range(layout.pages):
            for key in layout.leaf_keys(page):
                leaf, known = self.leaves.get(key, StoredLeaf({}, {})), words_of(layout, key)
                yield from (word for word in known if self._is_odd(word, leaf))
                beyond = {word for word in {*leaf.taken, *leaf.sold} if any(leaf.word(word)) and word >= len(known)}
                yield from (WordKey(key, word) for word in sorted(beyond))

    def _is_odd(self, key: WordKey, leaf: StoredLeaf) -> bool:
        numbers, taken, sold = key.numbers(self.raffle.layout), 0, 0
        start = self.position(numbers.start)
        owners, said = self.owners[start : start + len(numbers)], self.said[start : start + len(numbers)]
        for bit, (owner, word) in enumerate(zip(owners, said, strict=True)):
            if owner and word == UNCLAIMED:
                return True
            taken |= (owner != 0) << bit
            sold |= (word == SOLD) << bit
        return (taken, sold) != leaf.word(key.word) or not self.claims.keys().isdisjoint(numbers)

    def odd_pages(self) -> list[int]:
        """Pages with another count in the tallies than there were tickets."""
        counted = summed(self.tallies.values())
        pages = {*range(self.raffle.layout.pages), *(int(name[1:]) for name in counted if name[1:].isdigit())}
        return [page for page in sorted(pages) if counted.get(f"p{page}", 0) != self.taken[page]]

    def miscounts_sold(self) -> bool:
        return summed(self.tallies.values()).get("sold", 0) != self.said.count(SOLD)

    def miscounts_paid(self) -> bool:
        return summed(self.tallies.values()).get("paid", 0) != self.paid

    def stray_leaves(self) -> list[LeafKey]:
        layout = self.raffle.layout
        known = {key for page in range(layout.pages) for key in layout.leaf_keys(page)}
        return [key for key, leaf in self.leaves.items() if key not in known and leaf.shows_any]

    def odd_firsts(self) -> list[LeafKey]:
        """Leaves that do not say which number they begin with, or a wrong one."""
        layout = self.raffle.layout
        known = (key for page in range(layout.pages) for key in layout.leaf_keys(page) if key in self.leaves)
        return [key for key in known if self.leaves[key].first != layout.numbers(key).start]

    def stray_tallies(self) -> list[str]:
        known = tally_names(self.raffle)
        return [name for name, counts in self.tallies.items() if name not in known and any(counts.values())]

    def odd_contacts(self, counted: dict[str, int]) -> list[str]:
        """Those of the contacts who count other numbers than the orders say, or more than they may."""
        return [
            contact_id
            for contact_id, count in counted.items()
            if count != self.held[contact_id] or over_limit(self.raffle, self.held[contact_id])
        ]


def survey(raffle_id: str, progress: Progress) -> Survey:
    """Read all of a raffle. Raises RaffleNotFound."""
    filed, tallies = consistency_reads.overview(raffle_id)
    total = filed.item.total
    found = Survey(
        filed=filed,
        tallies=tallies,
        leaves=consistency_reads.leaves(filed.item),
        owners=array("Q", bytes(8 * total)),
        said=bytearray(total),
    )
    pages = filed.item.layout.pages
    for page in range(pages):
        _read_tickets(found, page)
        progress("tickets", page + 1, pages)
    for order_id, order in consistency_reads.orders_listed(filed.item):
        _read_order(found, order_id, order)
        if found.orders % STEP == 0:
            progress("orders", found.orders, None)
    progress("orders", found.orders, found.orders)
    return found


def tally_names(raffle: Raffle) -> list[str]:
    """The sort keys of the tallies that the raffle has."""
    return [f"TALLY#{number:02}" for number in range(raffle.layout.tallies)]


def _read_tickets(found: Survey, page: int) -> None:
    raffle = found.raffle
    for number, ticket in consistency_reads.tickets(raffle, page):
        if not raffle.first_number <= number <= raffle.last_number or raffle.layout.place(number).page != page:
            found.misplaced.append(Misplaced(page, number))
            continue
        found.owners[found.position(number)] = _owner(ticket.order_id, ticket.contact_id)
        found.taken[page] += 1


def _read_order(found: Survey, order_id: str, filed: Indexed[Order] | None) -> None:
    found.orders += 1
    if filed is None or filed.wrong or order_faults(found.raffle, filed.item, had_deadline=filed.had_deadline):
        found.odd_orders.append(order_id)
    if filed is not None and filed.item.raffle_id == found.raffle.id:
        found.paid += filed.item.amount if filed.item.status is OrderStatus.PAID else 0
        note_order(found, filed.item)


def note_order(found: Survey, order: Order) -> None:
    """Compare an order's numbers with their tickets, and count them for its contact."""
    found.held[order.contact_id] += order.quantity if order.status in OWNING else 0
    if order.status not in OWNING:
        return
    owner = _owner(order.id, order.contact_id)
    for number in order.numbers:
        if not found.raffle.first_number <= number <= found.raffle.last_number:
            continue
        position = found.position(number)
        if found.owners[position] == owner:
            found.said[position] = SOLD if order.status is OrderStatus.PAID else OWNED
        else:
            found.claims.setdefault(number, set()).add(order.id)


def _owner(order_id: str, contact_id: str) -> int:
    """64 bits that stand for an order and its contact; never 0."""
    return int.from_bytes(blake2b(f"{order_id} {contact_id}".encode(), digest_size=8).digest()) or 1
