"""Numbers that somebody has: whose they are and until when, and which free ones lie nearby (H8)."""

from collections.abc import Mapping, Sequence

from chalicelib.domain.delivery import Outbound
from chalicelib.domain.orders import OWNING
from chalicelib.domain.raffles import Raffle
from chalicelib.domain.refusals import NumbersTaken
from chalicelib.services.orders.holds import Holds
from chalicelib.store import board, orders

NEAREST_SHOWN = 6
NEAREST_LEAVES = 100  # so many are read to find them


def explain_conflict(
    holds: Holds, in_the_way: Mapping[int, str], contact_id: str, orphaned_orders: set[str], to_tell: list[Outbound]
) -> NumbersTaken | None:
    """Whose the numbers are, and until when they are held. None: they may be free by now, so try again.

    Args:
        in_the_way: number → the order that has a ticket for it.
        contact_id: who wants them.
        strays: orders that were in the way before although they had let go, which are added to: such tickets are
            damage, which `check` names, and their numbers are taken until that is mended.
        to_tell: gets what the buyers are to be told whose hold was over, and was ended here (H4).
    """
    if not in_the_way:
        return None
    holders = orders.get_all(set(in_the_way.values()))
    owning = {order_id: order for order_id, order in holders.items() if order.status in OWNING}
    let_go = set(in_the_way.values()) - owning.keys()
    if holds.free_ended(owning.values(), to_tell) or not let_go <= orphaned_orders:  # H4, or the schedule was faster
        orphaned_orders |= let_go
        return None
    until = {n: owning[order_id].reserved_until if order_id in owning else None for n, order_id in in_the_way.items()}
    own = [n for n, order_id in in_the_way.items() if order_id in owning and owning[order_id].contact_id == contact_id]
    return NumbersTaken(until, own)


def nearest_free(raffle: Raffle, numbers: Sequence[int]) -> list[int]:
    """Free numbers close to the taken ones, from the pages that these are on. One request."""
    layout = raffle.layout
    pages = {layout.place(number).page for number in numbers}
    read = board.leaves(raffle, sorted(pages)[: NEAREST_LEAVES // layout.leaves_per_page])
    free = [number for page in board.free_numbers(layout, read).values() for number in page]
    closest = sorted(free, key=lambda candidate: min(abs(candidate - number) for number in numbers))
    return sorted(closest[:NEAREST_SHOWN])
