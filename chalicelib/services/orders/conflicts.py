"""Find out who has the wanted numbers and until when (H8), so that the next try can act on it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from chalicelib.domain.contacts import Contact
from chalicelib.domain.delivery import Outbound
from chalicelib.domain.orders import OWNING
from chalicelib.domain.raffles import Raffle
from chalicelib.domain.refusals import NumbersTaken
from chalicelib.services.orders.expiry import Expiry
from chalicelib.services.orders.holds import RandomNumbers
from chalicelib.store import board, orders
from chalicelib.store.transaction import ConditionsFailed

NEAREST_SHOWN = 6
NEAREST_LEAVES = 100  # leaves that are read to find them


@dataclass(kw_only=True)
class Conflicts:
    """Remember what earlier tries at one request for numbers found out.

    Attributes:
        random_numbers: the numbers chosen so far, if any numbers will do.
        taken: who has the numbers that were named, as the last try showed; None if nobody is known to have them.
        newcomers_hold_all: whether newcomers may not hold more of the raffle, as the last try showed (H10).
        messages: what buyers are told whose hold was over and was ended on the way (H4). The caller sends them; those
            to other buyers come last, since somebody is waiting for the numbers.
    """

    expiry: Expiry
    random_numbers: RandomNumbers
    taken: NumbersTaken | None = None
    newcomers_hold_all: bool = False
    messages: list[Outbound] = field(default_factory=list)
    _orphaned_orders: set[str] = field(default_factory=set)

    def learn(self, failure: ConditionsFailed, contact_id: str) -> None:
        """Learn from a failed commit which random numbers are gone, or who has the numbers that were named."""
        self.newcomers_hold_all = bool(failure.named(board.TALLY))
        in_the_way = board.conflicting_orders(failure.named(board.TICKET))
        if self.random_numbers.numbers:
            self.random_numbers.lose(in_the_way)
        else:
            self.taken = self._explain_conflict(in_the_way, contact_id)

    def release_in_raffle(self, raffle: Raffle) -> bool:
        """End the raffle's holds that are over (H4). Return whether numbers may have come free."""
        return self.expiry.expire_in_raffle(raffle, self.messages)

    def make_room_for_newcomers(self, raffle: Raffle) -> bool:
        """End the raffle's holds that are over, if newcomers hold all that they may (H10). Return whether to try again.

        Whether they still do is then seen by the next try.
        """
        if not self.newcomers_hold_all or not self.release_in_raffle(raffle):
            return False
        self.newcomers_hold_all = False
        return True

    def release_of_contact(self, contact: Contact) -> bool:
        """End the contact's own holds that are over (H6). Return whether numbers may have come free."""
        return self.expiry.expire_of_contact(contact, self.messages)

    def _explain_conflict(self, in_the_way: Mapping[int, str], contact_id: str) -> NumbersTaken | None:
        """Return who holds the numbers and until when, or None if they may be free by now and the caller should retry.

        Args:
            in_the_way: number → the order that has a ticket for it.
            contact_id: who wants the numbers.
        """
        if not in_the_way:
            return None
        holders = orders.get_all(set(in_the_way.values()))
        owning = {order_id: order for order_id, order in holders.items() if order.status in OWNING}
        let_go = set(in_the_way.values()) - owning.keys()
        # A hold that was over has just been ended (H4), or the schedule ended it first: the numbers may be free now.
        # But if an order that owns nothing was in the way in an earlier try, too, its ticket is damage, which `check`
        # reports. The number stays taken until that is repaired.
        if self.expiry.expire_overdue(owning.values(), self.messages) or not let_go <= self._orphaned_orders:
            self._orphaned_orders |= let_go
            return None
        until = {
            number: owning[order_id].reserved_until if order_id in owning else None
            for number, order_id in in_the_way.items()
        }
        own = [
            number
            for number, order_id in in_the_way.items()
            if order_id in owning and owning[order_id].contact_id == contact_id
        ]
        return NumbersTaken(until, own)


def nearest_free(raffle: Raffle, numbers: Sequence[int]) -> list[int]:
    """Return free numbers close to the taken ones, from the pages that these are on. One request."""
    layout = raffle.layout
    pages = {layout.place(number).page for number in numbers}
    leaves = board.leaves(raffle, sorted(pages)[: NEAREST_LEAVES // layout.leaves_per_page])
    free = [number for page in board.free_numbers(layout, leaves).values() for number in page]
    closest = sorted(free, key=lambda candidate: min(abs(candidate - number) for number in numbers))
    return sorted(closest[:NEAREST_SHOWN])


def free_among(raffle: Raffle, numbers: Sequence[int]) -> list[int]:
    """Return those of the numbers that are free now. One request."""
    layout = raffle.layout
    leaves = board.leaves(raffle, {layout.place(number).page for number in numbers})
    free = {number for page in board.free_numbers(layout, leaves).values() for number in page}
    return [number for number in numbers if number in free]
