"""Find differences between tickets, orders, board and contacts.

Tickets and orders decide: everything else is derived from them and can be restored. Where tickets and orders
contradict each other, a person has to decide.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from math import ceil
from typing import NamedTuple

from chalicelib.domain.board import WORD_BITS, Layout, LeafKey, TicketOwner
from chalicelib.domain.contacts import Contact
from chalicelib.domain.holding import UnpaidOrder
from chalicelib.domain.orders import OWNING, RUNNING, UNPAID, Order, OrderStatus
from chalicelib.domain.raffles import Raffle

MAX_EXAMPLES = 5
NEWCOMERS = "newcomers"  # the column of a tally that counts what newcomers hold (H10)
# An order created this long after the last change of its raffle was created under the raffle's current rules.
SETTLED = timedelta(minutes=1)


class DifferenceKind(StrEnum):
    """What can differ. The values are stable: programs read them."""

    TAKEN_BIT = "taken_bit"
    SOLD_BIT = "sold_bit"
    STRAY_BITS = "stray_bits"
    STRAY_LEAF = "stray_leaf"
    LEAF_FIRST = "leaf_first"
    TALLY_PAGE = "tally_page"
    TALLY_SOLD = "tally_sold"
    TALLY_PAID = "tally_paid"
    TALLY_NEWCOMERS = "tally_newcomers"
    STRAY_TALLY = "stray_tally"
    HELD = "held"
    UNPAID = "unpaid"
    ORDER_KEYS = "order_keys"
    RAFFLE_KEYS = "raffle_keys"
    TICKET_MISSING = "ticket_missing"
    TICKET_STRAY = "ticket_stray"
    TICKET_MISPLACED = "ticket_misplaced"
    TICKET_CONTACT = "ticket_contact"
    TWO_ORDERS = "two_orders"
    ORDER_NUMBERS = "order_numbers"
    ORDER_TIMES = "order_times"
    ORDER_UNLISTED = "order_unlisted"
    ORDER_UNREADABLE = "order_unreadable"
    CONTACT_MISSING = "contact_missing"
    OVER_LIMIT = "over_limit"


_K = DifferenceKind
MEANINGS = {
    _K.TAKEN_BIT: "numbers whose taken mark on the board contradicts the tickets",
    _K.SOLD_BIT: "numbers whose sold mark on the board contradicts the paid orders",
    _K.STRAY_BITS: "words of the board with marks that belong to no number",
    _K.STRAY_LEAF: "leaves of the board that are outside the raffle",
    _K.LEAF_FIRST: "leaves of the board whose first number is missing or wrong",
    _K.TALLY_PAGE: "pages with a wrong count of taken numbers",
    _K.TALLY_SOLD: "raffles with a wrong count of sold numbers",
    _K.TALLY_PAID: "raffles with a wrong total of payments",
    _K.TALLY_NEWCOMERS: "tallies with a wrong count of the numbers that newcomers hold",
    _K.STRAY_TALLY: "tallies that the raffle should not have",
    _K.HELD: "contacts with a wrong count of the numbers they hold",
    _K.UNPAID: "contacts with a wrong list of their unpaid orders",
    _K.ORDER_KEYS: "orders with wrong index keys",
    _K.RAFFLE_KEYS: "raffles with wrong index keys",
    _K.TICKET_MISSING: "numbers of an order that has no ticket for them",
    _K.TICKET_STRAY: "tickets of an order that does not own the number",
    _K.TICKET_MISPLACED: "tickets outside the raffle, or stored on the wrong page",
    _K.TICKET_CONTACT: "tickets with a different contact than their order",
    _K.TWO_ORDERS: "numbers owned by more than one order",
    _K.ORDER_NUMBERS: "orders with duplicate numbers, none, or some outside the raffle",
    _K.ORDER_TIMES: "orders whose deadline or payment time contradicts their status",
    _K.ORDER_UNLISTED: "orders missing from their raffle's index",
    _K.ORDER_UNREADABLE: "orders that cannot be read",
    _K.CONTACT_MISSING: "contacts that have orders but do not exist",
    _K.OVER_LIMIT: "contacts holding more numbers than the raffle's limit allows now",
}
DERIVED = frozenset(
    {
        *(_K.TAKEN_BIT, _K.SOLD_BIT, _K.STRAY_BITS, _K.STRAY_LEAF, _K.TALLY_PAGE, _K.TALLY_SOLD, _K.STRAY_TALLY),
        *(_K.HELD, _K.UNPAID, _K.ORDER_KEYS, _K.RAFFLE_KEYS, _K.LEAF_FIRST, _K.TALLY_PAID, _K.TALLY_NEWCOMERS),
    }
)
# It is unclear who owns the number.
DISPUTES = frozenset({_K.TICKET_MISSING, _K.TICKET_STRAY, _K.TWO_ORDERS})
# Not an error if the limit was lowered afterwards, so it is reported but does not count as a difference.
REMARKS = frozenset({_K.OVER_LIMIT})


class Fault(NamedTuple):
    """One difference. `example` names where: a number, the id of an order or contact, a place on the board."""

    kind: DifferenceKind
    example: str


@dataclass
class Finding:
    """All differences of one kind: how many, how many of them are repaired, and the first few examples."""

    count: int = 0
    repaired: int = 0
    examples: list[str] = field(default_factory=list)


@dataclass
class ConsistencyReport:
    """The result of checking one raffle. `not_compared`: what changed too often while it was checked."""

    raffle: Raffle
    tickets: int = 0
    orders: int = 0
    findings: dict[DifferenceKind, Finding] = field(default_factory=dict)
    not_compared: list[str] = field(default_factory=list)

    def add(self, fault: Fault, *, repaired: bool = False) -> None:
        finding = self.findings.setdefault(fault.kind, Finding())
        finding.count += 1
        finding.repaired += repaired
        if len(finding.examples) < MAX_EXAMPLES:
            finding.examples.append(fault.example)

    @property
    def differences(self) -> int:
        return sum(finding.count for kind, finding in self.findings.items() if kind not in REMARKS)

    @property
    def repaired(self) -> int:
        return sum(finding.repaired for finding in self.findings.values())

    @property
    def repairable(self) -> int:
        """How many of the differences a repair would fix."""
        return sum(finding.count - finding.repaired for kind, finding in self.findings.items() if kind in DERIVED)

    @property
    def left(self) -> int:
        return self.differences - self.repaired


class WordKey(NamedTuple):
    """A word of the board: 64 consecutive numbers, or fewer at the end of a leaf."""

    leaf: LeafKey
    word: int

    def numbers(self, layout: Layout) -> range:
        """Return the numbers of the word; none if the raffle has no such word."""
        return layout.numbers(self.leaf)[self.word * WORD_BITS : (self.word + 1) * WORD_BITS]

    def __str__(self) -> str:
        return f"{self.leaf.page:03}#{self.leaf.leaf} word {self.word}"


@dataclass(frozen=True, kw_only=True)
class Word:
    """A word of the board at one moment, with the tickets of its numbers.

    `orders`: those that the tickets name, and others that may own one of the numbers, by id.
    """

    taken: int
    sold: int
    tickets: Mapping[int, TicketOwner]
    orders: Mapping[str, Order]


class WordVerdict(NamedTuple):
    """The differences of a word, and the bits that it should have."""

    faults: list[Fault]
    taken: int
    sold: int


def judge_word(raffle: Raffle, key: WordKey, word: Word) -> WordVerdict:
    """Compare the bits, tickets and orders of a word with each other.

    Where ticket and orders disagree on who owns a number, its bits stay as they are until a person has decided. To show
    it as free would offer it to the next buyer.
    """
    numbers = key.numbers(raffle.layout)
    faults: list[Fault] = []
    taken = 0
    sold = 0
    for position, number in enumerate(numbers):
        bit = 1 << position
        ticket = word.tickets.get(number)
        owners = {order.id: order for order in word.orders.values() if owns(raffle, order, number)}
        disagreements = list(_find_disagreements(number, ticket, owners))
        faults += disagreements
        if any(fault.kind in DISPUTES for fault in disagreements):
            taken |= word.taken & bit
            sold |= word.sold & bit
            continue
        owner = owners.get(ticket.order_id) if ticket else None
        taken |= bit if ticket else 0
        sold |= bit if owner and owner.status is OrderStatus.PAID else 0
        for kind, shown, right in (
            (DifferenceKind.TAKEN_BIT, word.taken, taken),
            (DifferenceKind.SOLD_BIT, word.sold, sold),
        ):
            if (shown ^ right) & bit:
                faults.append(Fault(kind, str(number)))
    if any(bits != bits & mask(numbers) for bits in (word.taken, word.sold)):
        faults.append(Fault(DifferenceKind.STRAY_BITS, str(key)))
    return WordVerdict(faults, taken, sold)


def _find_disagreements(number: int, ticket: TicketOwner | None, owners: Mapping[str, Order]) -> Iterator[Fault]:
    """Compare the ticket of a number with the orders that own the number, by id."""
    if len(owners) > 1:
        yield Fault(DifferenceKind.TWO_ORDERS, f"{number} ({', '.join(sorted(owners))})")
    if owners and (ticket is None or ticket.order_id not in owners):
        yield Fault(DifferenceKind.TICKET_MISSING, f"{number} ({', '.join(sorted(owners))})")
    if ticket is not None and ticket.order_id not in owners:
        yield Fault(DifferenceKind.TICKET_STRAY, f"{number} ({ticket.order_id})")
    elif ticket is not None and ticket.contact_id != owners[ticket.order_id].contact_id:
        yield Fault(DifferenceKind.TICKET_CONTACT, f"{number} ({ticket.order_id})")


def owns(raffle: Raffle, order: Order, number: int) -> bool:
    return order.raffle_id == raffle.id and order.status in OWNING and number in order.numbers


def mask(numbers: range) -> int:
    """Return the bits that stand for the numbers of a word."""
    return (1 << len(numbers)) - 1


def count_ones(bits: int, numbers: range) -> int:
    """Count the numbers of a word that are set in `bits`, without stray bits."""
    return (bits & mask(numbers)).bit_count()


def words_of(layout: Layout, leaf: LeafKey) -> list[WordKey]:
    """Return the keys of a leaf's words."""
    return [WordKey(leaf, word) for word in range(ceil(len(layout.numbers(leaf)) / WORD_BITS))]


def find_order_faults(raffle: Raffle, order: Order, *, had_deadline: bool) -> list[Fault]:
    """Find what is wrong with an order by itself. `had_deadline`: its place in the queue still shows a deadline."""
    faults = []
    outside = any(not raffle.first_number <= number <= raffle.last_number for number in order.numbers)
    if outside or not order.numbers or len(set(order.numbers)) != order.quantity:
        faults.append(Fault(DifferenceKind.ORDER_NUMBERS, order.id))
    if has_lost_deadline(raffle, order, had_deadline=had_deadline) or not _times_fit(order):
        faults.append(Fault(DifferenceKind.ORDER_TIMES, order.id))
    return faults


def has_lost_deadline(raffle: Raffle, order: Order, *, had_deadline: bool) -> bool:
    """Return whether the order has no deadline although its clock runs and it must have had one.

    A hold without a deadline is right if the raffle had no time limit then. That may have changed since.
    """
    if order.status not in RUNNING or order.reserved_until is not None:
        return False
    limited = raffle.hold_minutes is not None and order.created_at >= raffle.updated_at + SETTLED
    return had_deadline or limited


def _times_fit(order: Order) -> bool:
    refunded = order.status is OrderStatus.REFUNDED
    stopped = refunded or order.status in (OrderStatus.IN_REVIEW, OrderStatus.PAID, OrderStatus.LATE)
    if (stopped and order.reserved_until is not None) or (order.refunded_at is not None) != refunded:
        return False
    # A refunded order may have been paid in time or late.
    return refunded or (order.paid_at is not None) == (order.status is OrderStatus.PAID)


def wrongly_listed(contact: Contact, raffle: Raffle, unpaid: Mapping[str, UnpaidOrder]) -> list[str]:
    """Return which orders of a raffle the contact's list of unpaid ones misses, or has wrongly.

    `unpaid` is the right list. Contacts stored before there was a list may miss orders of that time.
    """
    listed = {order_id: order for order_id, order in contact.unpaid.items() if order.raffle_id == raffle.id}
    expected = unpaid if contact.has_paid is not None else {key: unpaid[key] for key in unpaid if key in listed}
    return sorted(key for key in {*listed, *expected} if listed.get(key) != expected.get(key))


def held_by_newcomers(orders: Iterable[Order]) -> Counter[int]:
    """Count the numbers that newcomers hold (H10), by the tally that counts them."""
    held = Counter[int]()
    for order in orders:
        if order.newcomer_tally is not None and order.status in UNPAID:
            held[order.newcomer_tally] += order.quantity
    return held


def is_over_limit(raffle: Raffle, held: int) -> bool:
    return raffle.max_per_contact is not None and held > raffle.max_per_contact


def has_numbers(tally: Mapping[str, int]) -> bool:
    """Return whether a tally counts anything but what newcomers hold."""
    return any(count for column, count in tally.items() if column != NEWCOMERS)


def sum_tallies(tallies: Collection[Mapping[str, int]]) -> dict[str, int]:
    """Sum each column over all tallies; a single tally means nothing.

    Columns are `sold`, `paid`, `newcomers`, and `p0` to `p100`.
    """
    sums = Counter[str]()
    for tally in tallies:
        sums.update(tally)
    return dict(sums)
