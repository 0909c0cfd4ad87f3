"""Hold numbers for a buyer: the order, its tickets and the contact's count, inside the chat turn's transaction."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from random import Random

from chalicelib.domain import board as arithmetic
from chalicelib.domain.contacts import Contact
from chalicelib.domain.holding import check_hold, is_newcomer
from chalicelib.domain.orders import Order, OrderStatus, hold_until, new_code
from chalicelib.domain.raffles import Board, Raffle
from chalicelib.domain.refusals import HoldLimit, HoldLimited, TooFewFree, TooManyForContact
from chalicelib.store import board, contacts, orders
from chalicelib.store.transaction import Transaction

ORDERS_LOOKED_AT = 50  # to know whether somebody has ever paid
FEW_PAGES = 16  # a board of up to 16 pages (2,048 numbers) is read whole, which costs no more than reading some


@dataclass(frozen=True, kw_only=True)
class Holds:
    """Holds numbers. `random` draws the codes of orders."""

    clock: Callable[[], datetime]
    random: Random

    def hold(
        self, transaction: Transaction, current: Board, contact: Contact, numbers: Sequence[int]
    ) -> tuple[Order, Contact]:
        """Hold exactly these numbers for the contact (H1), at today's price (H7).

        Raises TooManyForContact (H6) and HoldLimited (H9 to H12). Committing fails if somebody has one of the numbers
        (H2), or if newcomers got too many meanwhile (H10).
        """
        now = self.clock()
        raffle = current.raffle
        person = load_person(transaction, contact)
        contact = person[0]
        check_limit(raffle, person, len(numbers))
        check_hold(raffle, person, len(numbers), now)
        counts = is_newcomer(person)
        order_id = self._code_with_room(current, len(numbers), now) if counts else new_code(self.random)
        order = Order(
            id=order_id,
            raffle_id=raffle.id,
            contact_id=contact.id,
            numbers=tuple(numbers),
            unit_amount=raffle.unit_amount,
            currency=raffle.currency,
            status=OrderStatus.DRAFT,
            reserved_until=hold_until(now, raffle.hold_minutes),
            created_at=now,
            updated_at=now,
            newcomer_tally=board.tally_of(raffle, order_id) if counts else None,
        )
        orders.add(transaction, order)
        board.take(transaction, raffle, order)
        held = contact.with_order(order.id).with_numbers(raffle.id, order.quantity)
        return order, held.with_state_of(order)

    def _code_with_room(self, current: Board, quantity: int, now: datetime) -> str:
        """Draw a code whose tally has room for so many numbers of a newcomer. Raises HoldLimited if none has (H10)."""
        room = current.room_for_newcomers
        if max(room.values()) < quantity:
            raise HoldLimited(HoldLimit.NEWCOMERS, until=hold_until(now, current.raffle.hold_minutes))
        while True:
            code = new_code(self.random)
            if room[board.tally_of(current.raffle, code)] >= quantity:
                return code


def load_person(transaction: Transaction, contact: Contact) -> list[Contact]:
    """Return the contact, and those that turned out to be the same person. Call it once for a transaction.

    It takes a request only if there are such contacts. Committing then fails if one of them has changed since.
    """
    others = list(contacts.get_all(contact.same_person).values()) if contact.same_person else []
    for other in others:
        contacts.require_unchanged(transaction, other)
    return [with_known_payments(one) for one in (contact, *others)]


def with_known_payments(contact: Contact) -> Contact:
    """Return the contact knowing whether they ever paid. One query for those stored before that was kept."""
    if contact.has_paid is not None:
        return contact
    has_orders = bool(contact.newest_orders) or contact.has_older_orders
    before = orders.of_contact(contact.id, limit=ORDERS_LOOKED_AT) if has_orders else ()
    return replace(contact, has_paid=any(order.status is OrderStatus.PAID for order in before))


def check_limit(raffle: Raffle, person: Sequence[Contact], quantity: int) -> None:
    """Raise TooManyForContact if the person may not have so many more numbers of the raffle (H6)."""
    held = sum(contact.held.get(raffle.id, 0) for contact in person)
    if raffle.max_per_contact is not None and held + quantity > raffle.max_per_contact:
        raise TooManyForContact(raffle.max_per_contact, held)


@dataclass(kw_only=True)
class RandomNumbers:
    """Random free numbers of one raffle, kept from one try at holding them to the next.

    Attributes:
        lost: numbers that somebody else was faster with.
        stuck: numbers that were lost twice: the board shows them as free although they have an owner.
    """

    random: Random
    raffle_id: str = ""
    numbers: Sequence[int] = ()
    lost: frozenset[int] = frozenset()
    stuck: frozenset[int] = frozenset()

    def choose(self, current: Board, quantity: int) -> Sequence[int]:
        """Choose `quantity` free numbers, every set of them equally likely (H5). Raises TooFewFree.

        It takes one request. In a raffle of many pages it takes another one if the pages are newer than the board.
        Numbers of an earlier try that are still free stay chosen; only the others are drawn again.
        """
        raffle = current.raffle
        if self.raffle_id != raffle.id:
            self.raffle_id = raffle.id
            self.numbers = ()
            self.lost = self.stuck = frozenset()
        numbers = self._choose_by_counts(current, quantity) if raffle.layout.pages > FEW_PAGES else None
        return self.choose_from_all(raffle, quantity) if numbers is None else self._keep(numbers)

    def choose_from_all(self, raffle: Raffle, quantity: int) -> Sequence[int]:
        """Choose as `choose` does, but without the board: read all leaves in one request. Raises TooFewFree."""
        by_page = board.free_numbers(raffle.layout, board.leaves(raffle, range(raffle.layout.pages)))
        free = [number for numbers in by_page.values() for number in numbers if number not in self.stuck]
        if len(free) < quantity:
            raise TooFewFree(quantity, len(free))
        kept = set(self.numbers).intersection(free)
        others = [number for number in free if number not in kept] if kept else free
        return self._keep(sorted([*kept, *self.random.sample(others, quantity - len(kept))]))

    def lose(self, gone: Collection[int]) -> None:
        """Drop the numbers that others took first. The rest stays chosen, so that many buyers at once finish sooner."""
        self.numbers = [number for number in self.numbers if number not in gone]
        self.stuck |= self.lost.intersection(gone)
        self.lost |= frozenset(gone)

    def _keep(self, numbers: Sequence[int]) -> Sequence[int]:
        self.numbers = numbers
        return numbers

    def _choose_by_counts(self, current: Board, quantity: int) -> list[int] | None:
        """Choose pages by their counts, then numbers on these pages. None if the counts no longer match the pages.

        Raises TooFewFree.
        """
        layout = current.raffle.layout
        kept = set(self.numbers)
        free_by_page = current.free_by_page
        free_in_all = sum(free_by_page.values())
        kept_by_page = layout.count_by_page(kept)
        if free_in_all < quantity:
            raise TooFewFree(quantity, free_in_all)
        free = {page: free_by_page.get(page, 0) - kept_by_page.get(page, 0) for page in free_by_page | kept_by_page}
        if min(free.values()) < 0:  # a number that was to be kept has gone
            return None
        share = arithmetic.share_out(free, quantity - len(kept), self.random)
        by_page = board.free_numbers(layout, board.leaves(current.raffle, share))
        if any(len(by_page[page]) != free_by_page[page] for page in share):
            return None
        fit = {page: [number for number in by_page[page] if number not in kept | self.stuck] for page in share}
        if any(len(fit[page]) < wanted for page, wanted in share.items()):
            return None
        new = (number for page, wanted in share.items() for number in self.random.sample(fit[page], wanted))
        return sorted([*kept, *new])
