"""What each action of the conversation does: to the turn's transaction, to the conversation, and what is replied."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from chalicelib.domain import conversation as c
from chalicelib.domain import picks
from chalicelib.domain.contacts import Contact
from chalicelib.domain.conversation import Conversation, Stage
from chalicelib.domain.delivery import Outbound
from chalicelib.domain.messages import Media, Reply
from chalicelib.domain.orders import (
    MOST_NUMBERS,
    OWNING,
    RUNNING,
    TRANSITIONS,
    Order,
    OrderEvent,
    OrderStatus,
    Proof,
    is_code,
)
from chalicelib.domain.raffles import Board, Raffle, RaffleStatus
from chalicelib.domain.refusals import NumbersTaken, OrderOutOfTurn, RaffleNotFound, TooFewFree, TooManyForContact
from chalicelib.services.messaging.texts import RAFFLES_A_PAGE, Texts, words
from chalicelib.services.orders.conflicts import nearest_free
from chalicelib.services.orders.holds import Draw, Holds, OrderContext
from chalicelib.services.orders.proofs import ProofMissing, ProofUnfit
from chalicelib.store import fingerprints, orders, raffles
from chalicelib.store.transaction import Busy, Transaction

ORDERS_SHOWN = 5
CALL_AGAIN = timedelta(hours=1)
IDLE = Conversation()
SIMPLE = {c.SayWelcome: Texts.welcome, c.ShowHelp: Texts.help, c.AskForFileAgain: Texts.proof_missed}


@dataclass(kw_only=True)
class Turn:
    """One try at answering one message: what it changes and what it says."""

    now: datetime
    contact: Contact
    raffle_of_code: str | None  # what was written is this raffle's code
    taken: NumbersTaken | None  # what an earlier try at holding numbers came up against
    keep: Callable[[Media], Proof]
    draw: Draw  # the random numbers of an earlier try that nobody else took; then those of this one
    to_tell: list[Outbound]  # what others are to hear, once this message is answered
    transaction: Transaction = field(default_factory=Transaction)
    replies: list[Reply] = field(default_factory=list)
    notices: list[Reply] = field(default_factory=list)  # to the organisers
    counts: list[str] = field(default_factory=list)  # metrics, once this is committed

    @property
    def words(self) -> Texts:
        return words(self.contact.language)

    def say(self, said: Reply, conversation: Conversation | None = None) -> None:
        """Reply, and let the conversation stand at `talk` from now on."""
        self.replies.append(said)
        if conversation is not None:
            self.contact = replace(self.contact, conversation=conversation)


def act(action: c.Action, turn: Turn, holds: Holds) -> None:
    """Carry out the action. What it reads, it reads now; what it changes goes into the turn's transaction."""
    match action:
        case c.StayQuiet():
            pass
        case c.ShowMenu(not_understood):
            turn.say(turn.words.menu(not_understood=not_understood), _at_rest(turn))
        case c.SayWelcome() | c.ShowHelp() | c.AskForFileAgain():
            turn.say(SIMPLE[type(action)](turn.words))
        case c.ListRaffles(page):
            _list_raffles(turn, page)
        case c.OpenRaffle(raffle_id):
            _open_raffle(turn, holds, raffle_id)
        case c.TryCode(_, otherwise):
            act(c.OpenRaffle(turn.raffle_of_code) if turn.raffle_of_code else otherwise, turn, holds)
        case c.HoldNumbers(raffle_id, text):
            _hold(turn, holds, raffle_id, text)
        case c.ConfirmOrder(order_id):
            _confirm(turn, holds, order_id)
        case c.CancelOrder(order_id):
            _cancel(turn, holds, order_id)
        case c.AskAboutOrder(order_id):
            _ask_about(turn, holds, order_id)
        case c.TakeProof():
            _take_proof(turn, holds, action)
        case c.ShowOrders():
            _show_orders(turn)
        case c.CallPerson() | c.LeaveToPerson():
            _want_person(turn, action)
        case c.OptOut() | c.OptIn() | c.AskWhatToCancel():
            _opt(turn, action)


def _want_person(turn: Turn, action: c.CallPerson | c.LeaveToPerson) -> None:
    """Tell the organisers, not again within an hour; what was asked for stays asked for, until somebody has answered.

    Who answers an organiser is waited for by them: that alone is no news within the hour.
    """
    called, english = isinstance(action, c.CallPerson), words("en")
    waits_since, told_at = turn.contact.person_wanted_at, turn.contact.person_called_at
    if waits_since is None and not called and told_at is not None and turn.now < told_at + CALL_AGAIN:
        turn.contact = replace(turn.contact, person_wanted_at=turn.now)
    elif waits_since is None or turn.now >= (told_at or waits_since) + CALL_AGAIN:
        turn.contact = turn.contact.wanting_person(turn.now)
        notice = english.person_wanted if called else english.person_wrote
        turn.notices.append(notice(turn.contact.name, turn.contact.phone))
        turn.counts.append("PeopleWanted")
    if called:
        turn.say(turn.words.person_called())


def _at_rest(turn: Turn) -> Conversation:
    """Where the conversation stands when nothing is asked for: an order at hand stays at hand."""
    conversation = turn.contact.conversation
    return conversation if conversation.order_id is not None else IDLE


# Opting out (M5)


def _opt(turn: Turn, action: c.OptOut | c.OptIn | c.AskWhatToCancel) -> None:
    match action:
        case c.OptOut():
            turn.contact = turn.contact.opting(out=True, at=turn.now)
            turn.counts.append("OptOuts")
            turn.say(turn.words.opted_out(), _at_rest(turn))
        case c.OptIn() if turn.contact.opted_out:
            turn.contact = turn.contact.opting(out=False, at=turn.now)
            turn.counts.append("OptIns")
            turn.say(turn.words.opted_in(), _at_rest(turn))
        case c.OptIn():
            turn.say(turn.words.menu(), _at_rest(turn))
        case c.AskWhatToCancel(order_id):
            _ask_what_to_cancel(turn, order_id)


def _ask_what_to_cancel(turn: Turn, order_id: str | None) -> None:
    found = _found(turn, order_id) if order_id is not None else None
    if found is None or found[1].status not in RUNNING:
        found = _newest_running(turn)
    turn.say(turn.words.cancel_what(*found) if found else turn.words.cancel_messages())


def _newest_running(turn: Turn) -> tuple[Raffle, Order] | None:
    for order in orders.of_contact(turn.contact.id, limit=ORDERS_SHOWN):
        if order.status in RUNNING:
            return raffles.get(order.raffle_id), order
    return None


# Raffles


def _list_raffles(turn: Turn, page: int) -> None:
    selling_now = [raffle for raffle in raffles.active() if raffle.sells_at(turn.now)]
    start = (page - 1) * RAFFLES_A_PAGE
    if start >= len(selling_now):
        start, page = 0, 1
    # Ten fit into a list: the tenth row is either the tenth raffle or the way to more.
    count = RAFFLES_A_PAGE + 1 if len(selling_now) <= start + RAFFLES_A_PAGE + 1 else RAFFLES_A_PAGE
    boards = [raffles.board(raffle.id) for raffle in selling_now[start : start + count]]
    boards = [found for found in boards if found.raffle.sells_at(turn.now)]  # the index may be behind
    more = len(selling_now) > start + count
    shown = tuple(found.raffle.id for found in boards)
    turn.say(
        turn.words.raffles(boards, page=page, more=more), _keeping_order(turn, Stage.BROWSING, shown=shown, page=page)
    )


def _open_raffle(turn: Turn, holds: Holds, raffle_id: str) -> None:
    found = _on_sale(turn, raffle_id)
    if found is not None and not found.availability.available:
        holds.free_ended_of(found.raffle, turn.to_tell)
        found = _on_sale(turn, raffle_id)
    if found is None:
        turn.say(turn.words.raffle_gone())
    elif not found.availability.available:
        turn.say(turn.words.sold_out(found.raffle))
    else:
        turn.say(turn.words.raffle(found), _keeping_order(turn, Stage.SELECTING, raffle_id=raffle_id))


def _on_sale(turn: Turn, raffle_id: str) -> Board | None:
    try:
        found = raffles.board(raffle_id)
    except RaffleNotFound:
        return None
    return found if found.raffle.sells_at(turn.now) else None


def _keeping_order(
    turn: Turn, stage: Stage, *, raffle_id: str | None = None, shown: tuple[str, ...] = (), page: int = 1
) -> Conversation:
    """Looking around does not let go of an order that waits: `cancel` and a proof still find it."""
    return Conversation(
        stage=stage, raffle_id=raffle_id, order_id=turn.contact.conversation.order_id, shown=shown, page=page
    )


# Holding


def _hold(turn: Turn, holds: Holds, raffle_id: str, text: str) -> None:
    found = _on_sale(turn, raffle_id)
    if found is None:
        turn.say(turn.words.raffle_gone(), _at_rest(turn))
        return
    raffle = found.raffle
    pick = picks.read_pick(text, first=raffle.first_number, last=raffle.last_number, most=MOST_NUMBERS)
    try:
        numbers = _numbers(turn, holds, found, pick)
        if numbers is None:
            return
        order, turn.contact = holds.hold(turn.transaction, raffle, turn.contact, numbers)
    except TooFewFree as refusal:
        # The schedule may have been faster, and the board that was read older than what it freed.
        before = found.availability.available
        if holds.free_ended_of(raffle, turn.to_tell) or raffles.board(raffle.id).availability.available > before:
            raise Busy from None  # try again with the numbers that have just come free
        turn.say(turn.words.too_few(raffle, refusal))
    except TooManyForContact as refusal:
        if holds.free_ended_by(turn.contact, turn.to_tell):
            raise Busy from None
        turn.say(turn.words.too_many_for_contact(refusal))
    else:
        conversation = Conversation(stage=Stage.CONFIRMING, raffle_id=raffle.id, order_id=order.id)
        turn.say(turn.words.held(raffle, order, turn.now), conversation)
        turn.counts.append("Holds")


def _numbers(
    turn: Turn, holds: Holds, found: Board, pick: picks.Specific | picks.Random | picks.Unclear
) -> Sequence[int] | None:
    """The numbers to hold; None when a question or a refusal was said instead. Raises TooFewFree."""
    match pick:
        case picks.Random(quantity):
            return holds.draw_random(found, quantity, turn.draw)
        case picks.Specific(numbers):
            if turn.taken is None:
                return numbers
            nearest = nearest_free(found.raffle, list(turn.taken.until))
            turn.say(turn.words.taken(found.raffle, turn.taken, nearest))
        case picks.Unclear():
            turn.say(turn.words.unclear(found.raffle, pick, MOST_NUMBERS))
    return None


# The order at hand


def _found(turn: Turn, order_id: str) -> tuple[Raffle, Order] | None:
    """The contact's own order and its raffle. A code is no secret: somebody else's order is none of theirs."""
    at_hand = turn.contact.conversation.raffle_id
    order, raffle = orders.with_raffle(order_id, likely_raffle_id=at_hand)
    if order is None or order.contact_id != turn.contact.id:
        return None
    return raffle or raffles.get(order.raffle_id), order


def _confirm(turn: Turn, holds: Holds, order_id: str) -> None:
    found = _found(turn, order_id)
    if found is None:
        turn.say(turn.words.menu(not_understood=True))
        return
    raffle, order = found
    if order.status is not OrderStatus.DRAFT or order.is_over(turn.now):
        _say_where_it_stands(turn, holds, raffle, order)
        return
    confirmed = holds.confirm(turn.transaction, order)
    conversation = Conversation(stage=Stage.PAYMENT, raffle_id=raffle.id, order_id=order.id)
    turn.say(turn.words.pay(raffle, confirmed, turn.now), conversation)


def _ask_about(turn: Turn, holds: Holds, order_id: str) -> None:
    found = _found(turn, order_id)
    if found is None:
        turn.say(turn.words.menu(not_understood=True), IDLE)
    else:
        _say_where_it_stands(turn, holds, *found)


def _say_where_it_stands(turn: Turn, holds: Holds, raffle: Raffle, order: Order) -> None:
    words_, done = turn.words, IDLE if turn.contact.conversation.order_id == order.id else None
    if order.is_over(turn.now):  # the schedule has not come by yet
        _, turn.contact = holds.end(turn.transaction, raffle, order, turn.contact)
        turn.say(words_.expired(raffle, order))
    elif order.status is OrderStatus.DRAFT:
        turn.say(words_.still_held(raffle, order, turn.now))
    elif order.status is OrderStatus.PENDING_PAYMENT:
        turn.say(words_.pay(raffle, order, turn.now, again=True))
    elif order.status is OrderStatus.IN_REVIEW:
        turn.say(words_.being_checked(order))
    elif order.status is OrderStatus.PAID:
        turn.say(words_.already_paid(order), done)
    elif order.status is OrderStatus.CANCELLED:
        turn.say(words_.was_cancelled(order), done)
    elif order.status is OrderStatus.LATE:
        turn.say(words_.late(raffle, order, ()), done)
    elif order.status is OrderStatus.REFUNDED:
        turn.say(words_.was_refunded(order), done)
    else:
        turn.say(words_.expired(raffle, order), done)


def _cancel(turn: Turn, holds: Holds, order_id: str | None) -> None:
    if order_id is None and (running := _newest_running(turn)) is not None:  # none is at hand, but one still runs
        turn.say(turn.words.cancel_this(*running))
        return
    found = _found(turn, order_id) if order_id is not None else None
    if found is None:
        turn.say(turn.words.nothing_to_cancel(), _at_rest(turn))
        return
    raffle, order = found
    try:
        cancelled, turn.contact = holds.drop(turn.transaction, raffle, order, turn.contact)
    except OrderOutOfTurn:
        turn.say(turn.words.not_yours_to_cancel(order))
    else:
        turn.say(turn.words.cancelled(raffle, cancelled))


def _show_orders(turn: Turn) -> None:
    found = orders.of_contact(turn.contact.id, limit=ORDERS_SHOWN)
    of_id = {raffle.id: raffle for raffle in raffles.get_all({order.raffle_id for order in found})}
    turn.say(turn.words.orders([(of_id[order.raffle_id], order) for order in found], turn.now))


# Proofs


def _take_proof(turn: Turn, holds: Holds, action: c.TakeProof) -> None:
    found = _that_waits(turn, action)
    if found is None or found[1].status in (OrderStatus.PAID, OrderStatus.REFUNDED):
        if action.quietly:
            _want_person(turn, c.LeaveToPerson())
        else:
            turn.say(turn.words.no_order_waits())
        return
    raffle, order = found
    try:
        proof = turn.keep(action.media)
    except ProofUnfit:
        turn.say(turn.words.proof_refused())
        return
    except ProofMissing:
        turn.say(turn.words.proof_missed())
        return
    proof = fingerprints.compare(turn.transaction, proof, order)
    if order.status in TRANSITIONS[OrderEvent.PROOF_RECEIVED].sources:
        order = holds.add_proof(turn.transaction, order, proof)
    elif (revived := _revived(turn, holds, raffle, order, proof)) is not None:
        order = revived
    else:
        cancelled = order.status is OrderStatus.CANCELLED
        order = holds.keep_late(turn.transaction, order, proof)
        gone = sorted(turn.taken.until) if turn.taken is not None else ()
        turn.say(turn.words.kept_though_cancelled(order) if cancelled else turn.words.late(raffle, order, gone), IDLE)
        turn.notices.append(words("en").late_proof_came(raffle, order, turn.contact.name))
        return
    turn.say(
        turn.words.in_review(raffle, order, opted_out=turn.contact.opted_out),
        Conversation(stage=Stage.PAYMENT, raffle_id=raffle.id, order_id=order.id),
    )
    turn.notices.append(words("en").proof_came(raffle, order, turn.contact.name))
    turn.counts.append("Proofs")


def _revived(turn: Turn, holds: Holds, raffle: Raffle, order: Order, proof: Proof) -> Order | None:
    """The order, holding its numbers again (P5).

    None where they are gone, or too many for the contact by now (H6), or where the raffle is drawn or called off.
    """
    if turn.taken is not None or order.status not in TRANSITIONS[OrderEvent.REVIVED].sources:
        return None
    if raffle.status in (RaffleStatus.DRAWN, RaffleStatus.CANCELLED):
        return None
    try:
        order, turn.contact = holds.revive(turn.transaction, OrderContext(raffle, turn.contact), order, proof)
    except TooManyForContact:
        if holds.free_ended_by(turn.contact, turn.to_tell):
            raise Busy from None
        return None
    return order


def _that_waits(turn: Turn, action: c.TakeProof) -> tuple[Raffle, Order] | None:
    """What a file is the proof of.

    The order whose code is in the caption; else one that waits for its payment, the one at hand before newer ones; else
    the one at hand or in review; else the newest of all, which may have ended. Not an older one: a picture must not
    bring back what was long forgotten.
    """
    for word in re.split("[^0-9A-Z]+", action.caption.upper()):
        if is_code(word) and (named := _found(turn, word)) is not None:
            return named
    at_hand = _found(turn, action.order_id) if action.order_id is not None else None
    if at_hand is not None and at_hand[1].status is OrderStatus.PENDING_PAYMENT:
        return at_hand
    latest = orders.of_contact(turn.contact.id, limit=ORDERS_SHOWN)
    latest_now = orders.as_they_are(latest) if latest else []
    waiting = [found for found in latest_now if found[1].status is OrderStatus.PENDING_PAYMENT]
    if not waiting and at_hand is not None and at_hand[1].status in OWNING - {OrderStatus.PAID}:
        return at_hand
    waiting += [found for found in latest_now if found[1].status is OrderStatus.IN_REVIEW]
    fit = {OrderStatus.DRAFT, *TRANSITIONS[OrderEvent.PROOF_TOO_LATE].sources}
    waiting += [found for found in latest_now[:1] if found[1].status in fit]
    return waiting[0] if waiting else None
