"""Show which numbers are free: as pictures of the board, or a map of a large one, and in words."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from math import ceil

from chalicelib.domain.board import count_taken
from chalicelib.domain.orders import OWNING, RUNNING, Order
from chalicelib.domain.pictures import NumberState
from chalicelib.domain.raffles import Raffle, TicketStatus
from chalicelib.domain.ranges import blocks_of, parts_of
from chalicelib.services.chat.turn import Turn
from chalicelib.store import board, orders
from chalicelib.store.board import Leaf

FREE_SHOWN = 12  # numbers that the text names


def show_free(turn: Turn, raffle: Raffle, named: range | None = None) -> None:
    """Show which numbers are free: of the whole raffle, or of the range that they named. One request for the leaves.

    One more if the contact has numbers in the raffle, which are shown as theirs; who can still change them is told how.
    A person gets MAX_PICTURES in a day (M8), and then the text alone.
    """
    layout = raffle.layout
    numbers = named or range(raffle.first_number, raffle.last_number + 1)
    leaves = board.leaves(raffle, range(layout.place(numbers[0]).page, layout.place(numbers[-1]).page + 1))
    parts, blocks = parts_of(numbers), blocks_of(numbers)
    taken = count_taken(((leaf.first, leaf.taken) for leaf in leaves), blocks)
    free = [len(block) - count for block, count in zip(blocks, taken, strict=True)]
    if not any(free):
        turn.reply(turn.texts.all_taken(raffle, numbers))
        return
    roomiest = None if parts else max(zip(free, blocks, strict=True), key=lambda pair: pair[0])[1]
    some = _some_free(turn, raffle, leaves, numbers)
    reply = turn.texts.free_numbers(raffle, numbers, sum(free), some)
    own = _own_orders(turn, raffle)
    at_hand = next((order for order in own if _may_change(turn, order)), None)
    if at_hand is not None and roomiest is None:
        ask = turn.texts.ask_change(raffle, at_hand)
    else:
        ask = turn.texts.ask_free_numbers(raffle, numbers, roomiest, is_named=named is not None)
    if not turn.may_draw(max(len(parts), 1)):
        turn.reply(replace(ask, text=f"{reply.text}\n{ask.text}"))
        return
    if parts:
        states = _states(leaves, [number for order in own for number in order.numbers])
        for part in parts:
            drawn = "".join(states.get(number, NumberState.FREE) for number in part)
            text = reply if part is parts[0] else turn.texts.more_of_board(raffle, part, drawn.count(NumberState.FREE))
            caption = text.text.partition("\n")[0]  # the picture itself shows which numbers are free
            turn.reply(replace(text, picture=turn.texts.board_picture(raffle, part, drawn, caption)))
    else:
        turn.reply(replace(reply, picture=turn.texts.map_picture(raffle, numbers, free, len(blocks[0]))))
    turn.reply(ask)  # a picture has no buttons


def _states(leaves: Sequence[Leaf], own: Collection[int]) -> Mapping[int, NumberState]:
    """Return the state of each number that is not free."""
    states: dict[int, NumberState] = {}
    for leaf in leaves:
        states |= dict.fromkeys(leaf.numbers_with(TicketStatus.RESERVED), NumberState.HELD)
        states |= dict.fromkeys(leaf.numbers_with(TicketStatus.SOLD), NumberState.SOLD)
    return states | {number: NumberState.OWN for number in own if number in states}


def _own_orders(turn: Turn, raffle: Raffle) -> list[Order]:
    """Return which of the contact's newest orders have numbers in a raffle. A request if they have any."""
    if not turn.contact.held.get(raffle.id):
        return []
    newest = orders.get_all(turn.contact.newest_orders).values()
    return [order for order in newest if order.raffle_id == raffle.id and order.status in OWNING]


def _may_change(turn: Turn, order: Order) -> bool:
    """Return whether an order is the one at hand, and its numbers can still be changed (H15)."""
    is_at_hand = order.id == turn.contact.conversation.order_id
    return is_at_hand and order.status in RUNNING and not order.proofs and not order.hold_has_ended(turn.now)


def _some_free(turn: Turn, raffle: Raffle, leaves: Sequence[Leaf], numbers: range) -> list[int]:
    """Return up to FREE_SHOWN free numbers from all over the board. They are examples, not a fair draw (H5)."""
    random = turn.holds.random
    of_each = max(2, ceil(FREE_SHOWN / len(leaves)))
    chosen: list[int] = []
    for leaf in random.sample(leaves, len(leaves)):
        if len(chosen) >= FREE_SHOWN:
            break
        free = [number for number in raffle.layout.clear_bits(leaf.key, leaf.taken) if number in numbers]
        chosen += random.sample(free, min(of_each, len(free)))
    return sorted(chosen[:FREE_SHOWN])
