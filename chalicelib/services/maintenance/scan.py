"""Scan a raffle: read all of it once, possibly during sales, and pick out what looks wrong for a closer look.

The scan keeps nine bytes for each number, and an id and a count for each contact: a million numbers fit into memory.
"""

from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import NamedTuple

from chalicelib.domain.board import LeafKey
from chalicelib.domain.consistency import (
    WordKey,
    find_order_faults,
    has_numbers,
    held_by_newcomers,
    is_over_limit,
    sum_tallies,
    words_of,
    wrongly_listed,
)
from chalicelib.domain.contacts import Contact
from chalicelib.domain.holding import UnpaidOrder, unpaid_orders
from chalicelib.domain.orders import OWNING, Order, OrderStatus
from chalicelib.domain.raffles import Raffle
from chalicelib.store import consistency_reads
from chalicelib.store.consistency_reads import Counts, Indexed, StoredLeaf

OnProgress = Callable[[str, int, int | None], None]  # what is being read, how much is done, of how much in all
STEP = 200  # orders, words or contacts between two calls of it

UNCLAIMED, OWNED, SOLD = range(3)  # what the order of a number's ticket says about the number


def ignore_progress(label: str, done: int, total: int | None) -> None:
    """Report nothing: the default."""


class MisplacedTicket(NamedTuple):
    """A ticket in the partition of a page that does not have its number."""

    page: int
    number: int

    def __str__(self) -> str:
        return f"{self.number} (page {self.page})"


@dataclass(kw_only=True)
class Scan:
    """What a raffle looked like, though not all at one moment.

    Attributes:
        owners: for each number a hash of its ticket's order and contact; 0 without a ticket.
        claimed: for each number UNCLAIMED, OWNED or SOLD: what the order of its ticket says.
        taken: page → how many tickets it has.
        paid: what the paid orders come to, in minor units.
        claims: number → orders that own it although they don't have its ticket.
        held: contact → how many numbers they own; contacts who own none are included.
        unpaid: contact → their unpaid orders.
        newcomers: tally → how many numbers newcomers hold that count there.
    """

    indexed: Indexed[Raffle]
    tallies: dict[str, Counts]
    leaves: dict[LeafKey, StoredLeaf]
    owners: "array[int]"
    claimed: bytearray
    taken: Counter[int] = field(default_factory=Counter)
    misplaced: list[MisplacedTicket] = field(default_factory=list)
    orders: int = 0
    paid: int = 0
    odd_orders: list[str] = field(default_factory=list)
    claims: dict[int, set[str]] = field(default_factory=dict)
    held: Counter[str] = field(default_factory=Counter)
    unpaid: dict[str, dict[str, UnpaidOrder]] = field(default_factory=dict)
    newcomers: Counter[int] = field(default_factory=Counter)

    @property
    def raffle(self) -> Raffle:
        return self.indexed.item

    def position(self, number: int) -> int:
        return number - self.raffle.first_number

    def odd_words(self) -> Iterator[WordKey]:
        """Yield words whose bits, tickets and orders did not match."""
        layout = self.raffle.layout
        for page in range(layout.pages):
            for key in layout.leaf_keys(page):
                leaf = self.leaves.get(key, StoredLeaf({}, {}))
                known = words_of(layout, key)
                yield from (word for word in known if self._is_odd(word, leaf))
                beyond = {word for word in {*leaf.taken, *leaf.sold} if any(leaf.word(word)) and word >= len(known)}
                yield from (WordKey(key, word) for word in sorted(beyond))

    def _is_odd(self, key: WordKey, leaf: StoredLeaf) -> bool:
        numbers = key.numbers(self.raffle.layout)
        start = self.position(numbers.start)
        end = start + len(numbers)
        taken = sold = 0
        for bit, (owner, claimed) in enumerate(zip(self.owners[start:end], self.claimed[start:end], strict=True)):
            if owner and claimed == UNCLAIMED:
                return True
            taken |= (owner != 0) << bit
            sold |= (claimed == SOLD) << bit
        return (taken, sold) != leaf.word(key.word) or not self.claims.keys().isdisjoint(numbers)

    def odd_pages(self) -> list[int]:
        """Return the pages whose count in the tallies is not that of their tickets."""
        counted = sum_tallies(self.tallies.values())
        pages = {*range(self.raffle.layout.pages), *(int(name[1:]) for name in counted if name[1:].isdigit())}
        return [page for page in sorted(pages) if counted.get(f"p{page}", 0) != self.taken[page]]

    def miscounts_sold(self) -> bool:
        return sum_tallies(self.tallies.values()).get("sold", 0) != self.claimed.count(SOLD)

    def miscounts_paid(self) -> bool:
        return sum_tallies(self.tallies.values()).get("paid", 0) != self.paid

    def stray_leaves(self) -> list[LeafKey]:
        layout = self.raffle.layout
        known = {key for page in range(layout.pages) for key in layout.leaf_keys(page)}
        return [key for key, leaf in self.leaves.items() if key not in known and leaf.shows_any]

    def odd_firsts(self) -> list[LeafKey]:
        """Return the leaves whose first number is missing or wrong."""
        layout = self.raffle.layout
        known = (key for page in range(layout.pages) for key in layout.leaf_keys(page) if key in self.leaves)
        return [key for key in known if self.leaves[key].first != layout.numbers(key).start]

    def stray_tallies(self) -> list[str]:
        known = consistency_reads.tally_names(self.raffle)
        return [name for name, counts in self.tallies.items() if name not in known and has_numbers(counts)]

    def odd_newcomers(self) -> list[int]:
        """Return the tallies whose count of what newcomers hold is not that of the orders."""
        counted = consistency_reads.newcomers_counted(self.tallies)
        return sorted(tally for tally in counted.keys() | self.newcomers if counted[tally] != self.newcomers[tally])

    def odd_contacts(self, stored: Mapping[str, Contact]) -> list[str]:
        """Return those of the stored contacts, by id, who do not fit their orders, or are over the limit."""
        return [contact_id for contact_id, contact in stored.items() if self._is_odd_contact(contact_id, contact)]

    def _is_odd_contact(self, contact_id: str, contact: Contact) -> bool:
        held = self.held[contact_id]
        if contact.held.get(self.raffle.id, 0) != held or is_over_limit(self.raffle, held):
            return True
        return bool(wrongly_listed(contact, self.raffle, self.unpaid.get(contact_id, {})))


def scan_raffle(raffle_id: str, on_progress: OnProgress) -> Scan:
    """Read all of a raffle. Raises RaffleNotFound."""
    indexed, tallies = consistency_reads.overview(raffle_id)
    raffle = indexed.item
    scan = Scan(
        indexed=indexed,
        tallies=tallies,
        leaves=consistency_reads.leaves(raffle),
        owners=array("Q", bytes(8 * raffle.total)),
        claimed=bytearray(raffle.total),
    )
    pages = raffle.layout.pages
    for page in range(pages):
        _read_tickets(scan, page)
        on_progress("tickets", page + 1, pages)
    for order_id, order in consistency_reads.orders_listed(raffle):
        _read_order(scan, order_id, order)
        if scan.orders % STEP == 0:
            on_progress("orders", scan.orders, None)
    on_progress("orders", scan.orders, scan.orders)
    return scan


def _read_tickets(scan: Scan, page: int) -> None:
    raffle = scan.raffle
    for number, ticket in consistency_reads.tickets(raffle, page):
        if not raffle.first_number <= number <= raffle.last_number or raffle.layout.place(number).page != page:
            scan.misplaced.append(MisplacedTicket(page, number))
            continue
        scan.owners[scan.position(number)] = _hash_owner(ticket.order_id, ticket.contact_id)
        scan.taken[page] += 1


def _read_order(scan: Scan, order_id: str, indexed: Indexed[Order] | None) -> None:
    scan.orders += 1
    if indexed is None:
        scan.odd_orders.append(order_id)
        return
    order = indexed.item
    if indexed.wrong_keys or find_order_faults(scan.raffle, order, had_deadline=indexed.had_deadline):
        scan.odd_orders.append(order_id)
    if order.raffle_id == scan.raffle.id:
        count_order(scan, order)


def count_order(scan: Scan, order: Order) -> None:
    """Compare an order's numbers with their tickets, and count what it comes to."""
    scan.paid += order.amount if order.status is OrderStatus.PAID else 0
    _count_for_contact(scan, order)
    if order.status not in OWNING:
        return
    owner = _hash_owner(order.id, order.contact_id)
    for number in order.numbers:
        if not scan.raffle.first_number <= number <= scan.raffle.last_number:
            continue
        position = scan.position(number)
        if scan.owners[position] == owner:
            scan.claimed[position] = SOLD if order.status is OrderStatus.PAID else OWNED
        else:
            scan.claims.setdefault(number, set()).add(order.id)


def _count_for_contact(scan: Scan, order: Order) -> None:
    """Count an order's numbers for its contact, and for newcomers if it is one of theirs."""
    scan.held[order.contact_id] += order.quantity if order.status in OWNING else 0
    if unpaid := unpaid_orders([order]):
        scan.unpaid.setdefault(order.contact_id, {}).update(unpaid)
    scan.newcomers += held_by_newcomers([order])


def _hash_owner(order_id: str, contact_id: str) -> int:
    """Return 64 bits that stand for an order and its contact; never 0."""
    return int.from_bytes(blake2b(f"{order_id} {contact_id}".encode(), digest_size=8).digest()) or 1
