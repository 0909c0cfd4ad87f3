"""What may differ between tickets, orders, board and contacts, and how it is told from what was read.

Tickets and orders decide. Everything else here follows from them and can be made anew; where tickets and orders
themselves disagree, a person decides.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import NamedTuple

from chalicelib.domain.board import WORD_BITS, Layout, LeafKey
from chalicelib.domain.orders import OWNING, RUNNING, Order, OrderStatus
from chalicelib.domain.raffles import Raffle

MOST_EXAMPLES = 5
# An order that was made this much later than the last change of its raffle was made under the rules of today.
SETTLED = timedelta(minutes=1)


class DifferenceKind(StrEnum):
    """What can differ. The value is stable: programs read it."""

    TAKEN_BIT = "taken_bit"
    SOLD_BIT = "sold_bit"
    STRAY_BITS = "stray_bits"
    STRAY_LEAF = "stray_leaf"
    LEAF_FIRST = "leaf_first"
    TALLY_PAGE = "tally_page"
    TALLY_SOLD = "tally_sold"
    TALLY_PAID = "tally_paid"
    STRAY_TALLY = "stray_tally"
    HELD = "held"
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
    _K.TAKEN_BIT: "numbers that the board shows as taken or free, against the tickets",
    _K.SOLD_BIT: "numbers that the board shows as sold or not, against the paid orders",
    _K.STRAY_BITS: "words of the board with bits that stand for no number",
    _K.STRAY_LEAF: "leaves of the board that the raffle does not have",
    _K.LEAF_FIRST: "leaves of the board that do not say which number they begin with",
    _K.TALLY_PAGE: "pages whose count of taken numbers is wrong",
    _K.TALLY_SOLD: "raffles whose count of sold numbers is wrong",
    _K.TALLY_PAID: "raffles whose sum of what was paid is wrong",
    _K.STRAY_TALLY: "tallies that the raffle does not have",
    _K.HELD: "contacts who count other numbers than they hold",
    _K.ORDER_KEYS: "orders with wrong index keys",
    _K.RAFFLE_KEYS: "raffles with wrong index keys",
    _K.TICKET_MISSING: "numbers of an order that has no ticket for them",
    _K.TICKET_STRAY: "tickets of an order that does not have the number",
    _K.TICKET_MISPLACED: "tickets of a number that the raffle or page does not have",
    _K.TICKET_CONTACT: "tickets for another contact than their order's",
    _K.TWO_ORDERS: "numbers that two orders have",
    _K.ORDER_NUMBERS: "orders with numbers twice, or that the raffle does not have",
    _K.ORDER_TIMES: "orders whose deadline or time of payment does not fit their status",
    _K.ORDER_UNLISTED: "orders that the index does not show",
    _K.ORDER_UNREADABLE: "orders that cannot be read",
    _K.CONTACT_MISSING: "contacts of orders that do not exist",
    _K.OVER_LIMIT: "contacts with more numbers than the raffle's limit now is",
}
DERIVED = frozenset(
    {
        *(_K.TAKEN_BIT, _K.SOLD_BIT, _K.STRAY_BITS, _K.STRAY_LEAF, _K.TALLY_PAGE, _K.TALLY_SOLD, _K.STRAY_TALLY),
        *(_K.HELD, _K.ORDER_KEYS, _K.RAFFLE_KEYS, _K.LEAF_FIRST, _K.TALLY_PAID),
    }
)
# Who has the number is not clear.
DISPUTES = frozenset({_K.TICKET_MISSING, _K.TICKET_STRAY, _K.TWO_ORDERS})
# Right when it happened, if the limit was lowered afterwards: worth saying, but nothing differs.
REMARKS = frozenset({_K.OVER_LIMIT})


class Fault(NamedTuple):
    """One thing that differs. `example` names it: a number, an order's or contact's id, a place on the board."""

    kind: DifferenceKind
    example: str


@dataclass
class Finding:
    """All things of a kind that differ: how many, how many of them were repaired, and the first few."""

    count: int = 0
    repaired: int = 0
    examples: list[str] = field(default_factory=list)


@dataclass
class ConsistencyReport:
    """What a check of one raffle found. `not_compared`: what changed too often while it was looked at."""

    raffle: Raffle
    tickets: int = 0
    orders: int = 0
    findings: dict[DifferenceKind, Finding] = field(default_factory=dict)
    not_compared: list[str] = field(default_factory=list)

    def add(self, fault: Fault, *, repaired: bool = False) -> None:
        finding = self.findings.setdefault(fault.kind, Finding())
        finding.count += 1
        finding.repaired += repaired
        if len(finding.examples) < MOST_EXAMPLES:
            finding.examples.append(fault.example)

    @property
    def differences(self) -> int:
        return sum(found.count for kind, found in self.findings.items() if kind not in REMARKS)

    @property
    def repaired(self) -> int:
        return sum(found.repaired for found in self.findings.values())

    @property
    def repairable(self) -> int:
        """How many of the differences a repair would mend."""
        return sum(found.count - found.repaired for kind, found in self.findings.items() if kind in DERIVED)

    @property
    def left(self) -> int:
        return self.differences - self.repaired


class WordKey(NamedTuple):
    """A word of the board: 64 consecutive numbers, or fewer at the end of a leaf."""

    leaf: LeafKey
    word: int

    def numbers(self, layout: Layout) -> range:
        """Empty where the raffle has no such word."""
        return layout.numbers(self.leaf)[self.word * WORD_BITS : (self.word + 1) * WORD_BITS]

    def __str__(self) -> str:
        return f"{self.leaf.page:03}#{self.leaf.leaf} word {self.word}"


class TicketOwner(NamedTuple):
    order_id: str
    contact_id: str


@dataclass(frozen=True, kw_only=True)
class Word:
    """A word of the board at one moment, with its numbers' tickets, and these tickets' and other likely orders."""

    taken: int
    sold: int
    tickets: Mapping[int, TicketOwner]
    orders: Mapping[str, Order]


class Verdict(NamedTuple):
    """What differs in a word, and the bits that it should have."""

    faults: list[Fault]
    taken: int
    sold: int


def judge(raffle: Raffle, key: WordKey, word: Word) -> Verdict:
    """Compare a word's bits, tickets and orders with each other.

    Where ticket and orders disagree on who has a number, its bits stay as they are until a person has decided: to show
    it as free would offer it to the next buyer.
    """
    numbers = key.numbers(raffle.layout)
    faults: list[Fault] = []
    taken = sold = 0
    for position, number in enumerate(numbers):
        bit, ticket = 1 << position, word.tickets.get(number)
        owners = {order.id: order for order in word.orders.values() if owns(raffle, order, number)}
        disagreements = [Fault(kind, example) for kind, example in _disagreements(number, ticket, owners)]
        faults += disagreements
        if any(fault.kind in DISPUTES for fault in disagreements):
            taken, sold = taken | word.taken & bit, sold | word.sold & bit
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
    return Verdict(faults, taken, sold)


def _disagreements(
    number: int, ticket: TicketOwner | None, owners: Mapping[str, Order]
) -> Iterator[tuple[DifferenceKind, str]]:
    """Where a number's ticket and the orders that say they own it differ."""
    if len(owners) > 1:
        yield DifferenceKind.TWO_ORDERS, f"{number} ({', '.join(sorted(owners))})"
    if owners and (ticket is None or ticket.order_id not in owners):
        yield DifferenceKind.TICKET_MISSING, f"{number} ({', '.join(sorted(owners))})"
    if ticket is not None and ticket.order_id not in owners:
        yield DifferenceKind.TICKET_STRAY, f"{number} ({ticket.order_id})"
    elif ticket is not None and ticket.contact_id != owners[ticket.order_id].contact_id:
        yield DifferenceKind.TICKET_CONTACT, f"{number} ({ticket.order_id})"


def owns(raffle: Raffle, order: Order, number: int) -> bool:
    return order.raffle_id == raffle.id and order.status in OWNING and number in order.numbers


def mask(numbers: range) -> int:
    """The bits that stand for a word's numbers."""
    return (1 << len(numbers)) - 1


def ones(bits: int, numbers: range) -> int:
    """How many of a word's numbers are set in `bits`, which may hold strays."""
    return (bits & mask(numbers)).bit_count()


def words_of(layout: Layout, leaf: LeafKey) -> list[WordKey]:
    """The words that a leaf has."""
    return [WordKey(leaf, word) for word in range(-(-len(layout.numbers(leaf)) // WORD_BITS))]


def order_faults(raffle: Raffle, order: Order, *, had_deadline: bool) -> list[Fault]:
    """What is wrong with an order by itself. `had_deadline`: its place in the queue still shows one."""
    faults = []
    outside = any(not raffle.first_number <= number <= raffle.last_number for number in order.numbers)
    if outside or not order.numbers or len(set(order.numbers)) != order.quantity:
        faults.append(Fault(DifferenceKind.ORDER_NUMBERS, order.id))
    if lost_deadline(raffle, order, had_deadline=had_deadline) or not _times_fit(order):
        faults.append(Fault(DifferenceKind.ORDER_TIMES, order.id))
    return faults


def lost_deadline(raffle: Raffle, order: Order, *, had_deadline: bool) -> bool:
    """Whether an order whose clock runs has no deadline although it must have had one.

    A hold without a limit is right in a raffle that had none then, which may have changed since.
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
    # What is refunded was paid before, or paid late.
    return refunded or (order.paid_at is not None) == (order.status is OrderStatus.PAID)


def over_limit(raffle: Raffle, held: int) -> bool:
    return raffle.max_per_contact is not None and held > raffle.max_per_contact


def summed(tallies: Collection[Mapping[str, int]]) -> dict[str, int]:
    """Column → its sum over all tallies; only these sums mean anything. Columns are `sold`, `p0` … `p100`."""
    sums: dict[str, int] = {}
    for tally in tallies:
        for column, count in tally.items():
            sums[column] = sums.get(column, 0) + count
    return sums
