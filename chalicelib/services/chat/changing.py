"""Change the numbers of an order that waits: add, remove, exchange or draw some (H15)."""

import re
from collections.abc import Sequence
from dataclasses import replace

from chalicelib.domain import conversation as c
from chalicelib.domain import picks
from chalicelib.domain.choices import CONFIRM, UNSURE, instead_choice, which_choice
from chalicelib.domain.holding import check_change, is_newcomer
from chalicelib.domain.intents import CHANGE, Intent, read_meaning
from chalicelib.domain.order_edits import Edit, named_numbers, read_edit, which_goes
from chalicelib.domain.orders import MAX_NUMBERS, Order, OrderStatus
from chalicelib.domain.raffles import Raffle
from chalicelib.domain.refusals import HoldLimit, HoldLimited, TooFewFree, TooManyForContact
from chalicelib.services.chat.holding import RELEASED_BY_TIME, must_tell_age, tapped
from chalicelib.services.chat.lookups import board_on_sale
from chalicelib.services.chat.order_status import ask_to_cancel, tell_where_it_stands
from chalicelib.services.chat.turn import Turn
from chalicelib.services.orders.conflicts import nearest_free
from chalicelib.services.orders.holds import check_limit, load_person
from chalicelib.store import raffles
from chalicelib.store.transaction import Busy

MAX_SWAPS = 3  # numbers of an order among which buttons ask for the one that goes


def change_numbers(turn: Turn, raffle: Raffle, order: Order, text: str, *, is_doubtful: bool = False) -> None:
    """Add, remove or exchange numbers of an order (H15). Ask if it `is_doubtful`, or if a proof is in."""
    edit = read_edit(
        text,
        order.numbers,
        first=raffle.first_number,
        last=raffle.last_number,
        is_confirmed=order.status is not OrderStatus.DRAFT,
    )
    if edit is not None and _is_about_another_order(turn, order, edit):
        turn.reply(turn.texts.ask_change(raffle, order))
    elif edit is None or order.proofs or (is_doubtful and not edit.remove):
        _ask_change(turn, raffle, order, text)
    else:
        edit_order(turn, raffle, order, edit)


def _ask_change(turn: Turn, raffle: Raffle, order: Order, text: str) -> None:
    """Ask what to change. If they named numbers, buttons offer what may be meant."""
    number = which_goes(text, order.numbers)
    names_none = not text or (c.says_swap(text) and not re.search("[0-9]", text))
    if number is None and order.quantity == 1 and names_none:
        number = order.numbers[0]
    if number is not None and not order.proofs:
        asking = replace(turn.contact.conversation, asks=instead_choice(order.id, number))
        turn.reply(turn.texts.ask_instead(raffle, order, number), asking)
        return
    named = named_numbers(text, first=raffle.first_number, last=raffle.last_number)
    own = [number for number in named if number in order.numbers]
    new = [number for number in named if number not in order.numbers]
    if own and not new and not read_meaning(text).has(*CHANGE, Intent.NO, Intent.CANCEL):
        tell_where_it_stands(turn, raffle, order)  # they name what they have
        return
    unsure = replace(turn.contact.conversation, asks=UNSURE)
    is_all = len(named) > 1 and set(named) == set(order.numbers)  # nothing to choose between
    if order.proofs or not named or is_all or (own and new and (len(own), len(new)) != (1, 1)):
        turn.reply(turn.texts.ask_change(raffle, order), unsure)
    elif own and new:
        turn.reply(turn.texts.ask_swap(raffle, order, own, new[0]), unsure)
    elif len(new) == 1 and c.may_count(text):
        turn.reply(turn.texts.ask_how_many_more(raffle, order, new[0]), unsure)
    elif len(new) == 1 and c.says_swap(text) and order.quantity <= MAX_SWAPS:
        turn.reply(turn.texts.ask_swap(raffle, order, order.numbers, new[0]), unsure)
    else:
        asking = replace(turn.contact.conversation, asks=which_choice(order.id, named, turn.text))
        turn.reply(turn.texts.ask_which_change(raffle, order, named), asking)


def edit_order(turn: Turn, raffle: Raffle, order: Order, edit: Edit) -> None:
    """Add, remove or exchange numbers of an order (H15), unless it would be left empty, or the rules refuse it."""
    outside = [
        number for number in (*edit.add, *edit.remove) if not raffle.first_number <= number <= raffle.last_number
    ]
    if outside:
        fragment = ", ".join(map(str, outside))
        turn.reply(turn.texts.unclear(raffle, picks.Unclear(picks.Unclarity.OUT_OF_RANGE, fragment), MAX_NUMBERS))
        return
    if order.proofs:
        turn.reply(turn.texts.ask_change(raffle, order))
        return
    missing = [number for number in edit.remove if number not in order.numbers]
    added = [number for number in edit.add if number not in order.numbers]
    numbers = sorted([*(number for number in order.numbers if number not in edit.remove), *added])
    if missing:
        turn.reply(turn.texts.not_in_order(raffle, order, missing))
    elif not numbers:
        ask_to_cancel(turn, raffle, order)
    elif numbers == sorted(order.numbers):
        tell_where_it_stands(turn, raffle, order)
    elif len(numbers) > MAX_NUMBERS or len(added) + len(edit.remove) > MAX_NUMBERS:
        turn.reply(turn.texts.unclear(raffle, picks.Unclear(picks.Unclarity.TOO_MANY), MAX_NUMBERS))
    elif added and not raffle.sells_at(turn.now):
        turn.reply(turn.texts.raffle_not_on_sale())
    elif added and turn.conflicts.taken is not None:
        taken = turn.conflicts.taken
        nearest = nearest_free(raffle, list(taken.until))
        turn.reply(turn.texts.taken(raffle, taken, nearest, turn.now, has_order=True))
    else:
        _exchange_numbers(turn, raffle, order, numbers, is_adding=bool(added))


def _is_about_another_order(turn: Turn, order: Order, edit: Edit) -> bool:
    """Return whether they wrote before what they would change existed (M7).

    Numbers that come one a message, quicker than the reply, join the order of the first in the raffle that is open.
    """
    conversation = turn.contact.conversation
    is_same_raffle = conversation.order_id == order.id and conversation.since is not None
    return turn.is_older_than(conversation.since if is_same_raffle and not edit.remove else order.created_at)


def draw_numbers(turn: Turn, raffle: Raffle, order: Order, quantity: int, *, more: bool) -> None:
    """Draw numbers at random for an order: more, or others instead of all (H15)."""
    if quantity > MAX_NUMBERS:
        turn.reply(turn.texts.unclear(raffle, picks.Unclear(picks.Unclarity.TOO_MANY), MAX_NUMBERS))
        return
    board = board_on_sale(turn, raffle.id)
    if board is None:
        turn.reply(turn.texts.raffle_not_on_sale())
        return
    try:
        drawn = turn.conflicts.random_numbers.choose(board, quantity)
    except TooFewFree as refusal:
        if turn.conflicts.release_in_raffle(raffle):
            raise Busy from None
        turn.reply(turn.texts.too_few_free(raffle, refusal))
        return
    numbers = [*order.numbers, *drawn] if more else list(drawn)
    if len(numbers) > MAX_NUMBERS:
        turn.reply(turn.texts.unclear(raffle, picks.Unclear(picks.Unclarity.TOO_MANY), MAX_NUMBERS))
    else:
        _exchange_numbers(turn, raffle, order, sorted(numbers), is_adding=True)


def _exchange_numbers(turn: Turn, raffle: Raffle, order: Order, numbers: Sequence[int], *, is_adding: bool) -> None:
    more = len(numbers) - order.quantity
    if len({*numbers} ^ {*order.numbers}) > MAX_NUMBERS:  # each takes a part of the transaction
        turn.reply(turn.texts.unclear(raffle, picks.Unclear(picks.Unclarity.TOO_MANY), MAX_NUMBERS))
        return
    added = picks.Specific(tuple(number for number in numbers if number not in order.numbers))
    if is_adding and must_tell_age(turn, raffle, added):
        return
    tally = order.newcomer_tally
    try:
        if is_adding:
            person = load_person(turn.transaction, turn.contact)
            turn.contact = person[0]
            check_change(raffle, person, more, turn.now)
            if more > 0:
                check_limit(raffle, person, more)
            tally = _tally_of_change(turn, raffle, order, more) if is_newcomer(person) else None
    except TooManyForContact as refusal:
        if turn.conflicts.release_of_contact(turn.contact):
            raise Busy from None
        turn.reply(turn.texts.too_many_for_contact(refusal))
    except HoldLimited as refusal:
        if refusal.limit in RELEASED_BY_TIME and turn.conflicts.release_of_contact(turn.contact):
            raise Busy from None
        if turn.conflicts.make_room_for_newcomers(raffle):
            raise Busy from None
        turn.reply(turn.texts.hold_limited(raffle, refusal, turn.now))
    else:
        with turn.changing(raffle, order) as unit:
            unit.change_numbers(numbers, newcomer_tally=tally)
        conversation = turn.contact.conversation
        asks = CONFIRM if unit.order.status is OrderStatus.DRAFT else None
        asking = replace(conversation, asks=asks, tapped=tapped(turn) or conversation.tapped)
        turn.reply(turn.texts.order_changed(raffle, unit.order, turn.now), asking)
        turn.metrics.append("OrdersChanged")


def _tally_of_change(turn: Turn, raffle: Raffle, order: Order, more: int) -> int | None:
    """Return the tally in which a newcomer's order counts with `more` numbers (H10).

    It is the same as before. If that one is full, as an earlier try showed, it is another one: one request. Raises
    HoldLimited if none has room.
    """
    if order.newcomer_tally is None or more <= 0 or not turn.conflicts.newcomers_hold_all:
        return order.newcomer_tally
    room = raffles.board(raffle.id).room_for_newcomers
    if room[order.newcomer_tally] >= more:  # the schedule has ended holds since
        return order.newcomer_tally
    most = max(room, key=room.__getitem__)
    if room[most] < order.quantity + more:
        raise HoldLimited(HoldLimit.NEWCOMERS, until=order.reserved_until)
    return most
