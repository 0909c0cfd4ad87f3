"""Take files: the proof of an order (P1 to P12), or what belongs to none."""

import re
from collections.abc import Sequence
from dataclasses import replace

from chalicelib.domain import chat_actions as a
from chalicelib.domain.contacts import Contact
from chalicelib.domain.conversation import Conversation, Stage
from chalicelib.domain.holding import check_unpaid, is_newcomer, may_go_in_review
from chalicelib.domain.messages import Media, Reply
from chalicelib.domain.orders import (
    ALBUM,
    MAX_PROOFS,
    OWNING,
    RUNNING,
    TRANSITIONS,
    Order,
    OrderEvent,
    OrderStatus,
    Proof,
    is_code,
)
from chalicelib.domain.proposals import named_as_numbers
from chalicelib.domain.raffles import Raffle, RaffleStatus
from chalicelib.domain.refusals import HoldLimited, TooManyForContact
from chalicelib.domain.reply_limits import MAX_FILES
from chalicelib.services.chat.lookups import OwnOrder, find_own, latest_orders
from chalicelib.services.chat.misses import call_person, count_miss, may_repeat
from chalicelib.services.chat.turn import Turn
from chalicelib.services.messaging.texts import Texts
from chalicelib.services.orders.expiry import release
from chalicelib.services.orders.holds import check_limit, load_person
from chalicelib.services.orders.proofs import ProofIsHeif, ProofMissing, ProofTooLarge, ProofUnfit
from chalicelib.store import fingerprints, orders
from chalicelib.store.board import tally_of
from chalicelib.store.transaction import Busy

HAS_PROOF = (OrderStatus.IN_REVIEW, OrderStatus.LATE, OrderStatus.PAID, OrderStatus.REFUNDED)
HAS_ENDED = (OrderStatus.EXPIRED, OrderStatus.CANCELLED)
MAX_CODES = 3  # of a caption that are looked up


def take_proof(turn: Turn, action: a.TakeProof) -> None:
    own = _find_order_of_proof(turn, action)
    if own is None:
        _keep_file(turn, action)
        return
    raffle, order = own
    proof = _keep_proof(turn, action.media, order)
    if isinstance(proof, Reply):
        if may_repeat(turn, "file refused"):
            turn.reply(proof)
        return
    proof = fingerprints.compare(turn.transaction, proof, order)
    person = load_person(turn.transaction, turn.contact)
    turn.contact = person[0]
    if order.status in TRANSITIONS[OrderEvent.FILE_ADDED].sources:
        _keep_with_settled_order(turn, raffle, order, proof, quietly=action.quietly)
    elif order.status in RUNNING and not may_go_in_review(raffle, person, order.id):
        _keep_proof_without_review(turn, raffle, order, proof)
    elif order.status in TRANSITIONS[OrderEvent.PROOF_RECEIVED].sources:
        with turn.changing(raffle, order) as unit:
            unit.apply(OrderEvent.PROOF_RECEIVED, proofs=(*order.proofs, proof), reserved_until=None)
        _tell_in_review(turn, raffle, unit.order)
    elif (revived := _revive(turn, raffle, order, proof, person)) is not None:
        _tell_in_review(turn, raffle, revived)
    else:
        _keep_late_proof(turn, raffle, order, proof)
    ended_now = order.status is not OrderStatus.LATE and turn.becomes_late
    if order.has_unseen_proof and order.status not in HAS_ENDED and not ended_now:
        turn.notices.clear()  # the organisers know that the order waits for them, and nobody has looked since
    # One answer to an album.
    waits = order.status in HAS_PROOF or order.has_unjudged_proof
    if (
        waits
        and not ended_now
        and not action.caption
        and order.proofs
        and turn.now < order.proofs[-1].received_at + ALBUM
    ):
        turn.replies.clear()


def _keep_file(turn: Turn, action: a.TakeProof) -> None:
    """Keep a file that belongs to no order with the message, for the organisers. Say so once in a row."""
    kept = _keep_proof(turn, action.media)
    if isinstance(kept, Reply):
        if may_repeat(turn, "file refused"):
            turn.reply(kept)
        return
    turn.file = kept
    call_person(turn, a.LeaveToPerson(), notice=Texts.file_came)
    if not action.quietly and count_miss(turn, "file kept").times == 1:
        turn.reply(turn.texts.file_kept())


def _keep_with_settled_order(turn: Turn, raffle: Raffle, order: Order, proof: Proof, *, quietly: bool) -> None:
    with turn.changing(raffle, order) as unit:
        unit.apply(OrderEvent.FILE_ADDED, proofs=(*order.proofs, proof), only_from=order.status)
    if not quietly:
        turn.reply(turn.texts.file_of_paid_order(order))
    turn.notify_organisers(Texts.further_file_received, raffle, unit.order, turn.contact.name)


def _keep_proof(turn: Turn, media: Media, order: Order | None = None) -> Proof | Reply:
    """Fetch and store a file, for an order if it has one. Return the reply that refuses it if it can't be taken."""
    texts = turn.texts
    if order is not None and len(order.proofs) >= MAX_PROOFS:
        return texts.enough_files(order, MAX_PROOFS)
    if turn.contact.reply_limits.files >= MAX_FILES:
        return texts.too_many_files(MAX_FILES)
    turn.contact = replace(turn.contact, reply_limits=turn.contact.reply_limits.with_file())
    try:
        return turn.keep_proof(media, turn.contact.id)
    except ProofIsHeif:
        return texts.photo_format_unknown()
    except ProofTooLarge:
        return texts.file_too_large()
    except ProofUnfit:
        return texts.proof_refused()
    except ProofMissing:
        return texts.proof_not_fetched()


def _tell_in_review(turn: Turn, raffle: Raffle, order: Order) -> None:
    turn.reply(
        turn.texts.in_review(raffle, order, opted_out=turn.contact.opted_out),
        Conversation(stage=Stage.PAYMENT, raffle_id=raffle.id, order_id=order.id),
    )
    turn.notify_organisers(Texts.proof_received, raffle, order, turn.contact.name)
    turn.metrics.append("Proofs")


def _keep_proof_without_review(turn: Turn, raffle: Raffle, order: Order, proof: Proof) -> None:
    """Keep the proof, but do not stop the clock: a newcomer has another order in review already (H10)."""
    if order.hold_has_ended(turn.now):
        with turn.changing(raffle, order) as unit:
            release(
                unit, OrderEvent.DEADLINE_PASSED_WITH_PROOF, proofs=(*order.proofs, proof), over_at=turn.now, late=True
            )
        turn.reply(turn.texts.proof_too_late(raffle, unit.order, ()), Conversation(raffle_id=raffle.id))
        turn.notify_organisers(Texts.late_proof_received, raffle, unit.order, turn.contact.name)
        return
    with turn.changing(raffle, order) as unit:
        unit.apply(OrderEvent.PROOF_KEPT, proofs=(*order.proofs, proof), reserved_until=order.reserved_until)
    turn.reply(turn.texts.proof_kept(raffle, unit.order, turn.now))
    turn.notify_organisers(Texts.proof_received, raffle, unit.order, turn.contact.name)
    turn.metrics.append("Proofs")


def _keep_late_proof(turn: Turn, raffle: Raffle, order: Order, proof: Proof) -> None:
    """Keep a proof that came after the hold ended and whose numbers are gone, for an organiser to settle (P5)."""
    was_cancelled = order.status is OrderStatus.CANCELLED
    was_late = order.status is OrderStatus.LATE
    with turn.changing(raffle, order) as unit:
        unit.apply(OrderEvent.PROOF_TOO_LATE, proofs=(*order.proofs, proof), reserved_until=None, late=True)
    taken = turn.conflicts.taken
    gone = sorted(taken.until) if taken is not None else ()
    if was_cancelled:
        reply = turn.texts.proof_for_cancelled_order(unit.order)
    elif was_late:
        reply = turn.texts.late_waits(unit.order)
    else:
        reply = turn.texts.proof_too_late(raffle, unit.order, gone)
    turn.reply(reply, Conversation(raffle_id=raffle.id))
    turn.notify_organisers(Texts.late_proof_received, raffle, unit.order, turn.contact.name)


def _revive(turn: Turn, raffle: Raffle, order: Order, proof: Proof, person: Sequence[Contact]) -> Order | None:
    """Hold the order's numbers again and put it in review (P5).

    None if they are gone, or too many for the contact by now (H6, H9, H10), or if the raffle is drawn or cancelled, or
    if too many proofs of the order were rejected (P10).
    """
    if turn.conflicts.taken is not None or order.status not in TRANSITIONS[OrderEvent.REVIVED].sources:
        return None
    if raffle.status in (RaffleStatus.DRAWN, RaffleStatus.CANCELLED):
        return None
    if order.rejections >= raffle.max_rejections:
        return None
    if turn.conflicts.make_room_for_newcomers(raffle):
        raise Busy
    if turn.conflicts.newcomers_hold_all:
        return None
    try:
        check_limit(raffle, person, order.quantity)
        check_unpaid(raffle, person, order.quantity)
    except (TooManyForContact, HoldLimited):
        if turn.conflicts.release_of_contact(turn.contact):
            raise Busy from None
        return None
    if not may_go_in_review(raffle, person, order.id):
        return None
    tally = tally_of(raffle, order.id) if is_newcomer(person) else None
    with turn.changing(raffle, order) as unit:
        unit.apply(OrderEvent.REVIVED, proofs=(*order.proofs, proof), reserved_until=None, newcomer_tally=tally)
        unit.take_numbers()
    return unit.order


def _find_by_numbers(turn: Turn, caption: str) -> OwnOrder | None:
    """Return the order that waits and whose numbers a caption names as such ("el 11"), if no other one has them.

    An amount or a date is no number of a raffle, and "not 11" means another order.
    """
    named = named_as_numbers(caption)
    if not named:
        return None
    fit = [
        order
        for order in latest_orders(turn)
        if named <= {*order.numbers}
        and (order.status in RUNNING or order.status is OrderStatus.EXPIRED)
        and not turn.is_older_than(order.created_at)
    ]
    return find_own(turn, fit[0].id) if len(fit) == 1 else None


def _find_rejected(turn: Turn) -> OwnOrder | None:
    """Return the only unpaid order whose proof was rejected, if they have several: a newer proof is most likely for it.

    No request for whoever has one unpaid order.
    """
    if len(turn.contact.unpaid) == 1:
        return None
    listed = latest_orders(turn) if turn.contact.unpaid else ()
    waits = [one for one in listed if one.status is OrderStatus.PENDING_PAYMENT and one.waits_for_another_proof]
    newer = [one for one in waits if not turn.is_older_than(one.rejected_at)]
    if len(newer) != 1:
        return None
    (order,) = newer
    confirmed_later = any(
        one.status is OrderStatus.PENDING_PAYMENT and one.id != order.id and one.updated_at >= order.updated_at
        for one in listed
    )
    return find_own(turn, order.id) if not confirmed_later else None


def _find_order_of_proof(turn: Turn, action: a.TakeProof) -> OwnOrder | None:
    """Find the order that a file is the proof of.

    It is the order whose code, or whose numbers, are in the caption; else one that waits for its payment, the one at
    hand before newer ones; else the one at hand; else one in review; else the newest of all, which may have ended. It
    is never an older one that has ended: a picture must not bring back what was long forgotten.
    """
    codes = dict.fromkeys(filter(is_code, re.split("[^0-9A-Z]+", action.caption.upper())))
    for code in [*codes][:MAX_CODES]:
        if (named := find_own(turn, code)) is not None:
            return named
    if not turn.quote_decides and (told := _find_by_numbers(turn, action.caption)) is not None:
        return told
    if not turn.quote_decides and (rejected := _find_rejected(turn)) is not None:
        return rejected
    at_hand = find_own(turn, action.order_id) if action.order_id is not None else None
    if at_hand is not None and turn.is_older_than(at_hand.order.created_at):
        at_hand = None
    if at_hand is not None and (turn.quote_decides or at_hand.order.status is OrderStatus.PENDING_PAYMENT):
        return at_hand
    listed = latest_orders(turn)
    newest = [OwnOrder(*pair) for pair in orders.reload(listed)] if listed else []
    newest = [own for own in newest if not turn.is_older_than(own.order.created_at)]
    if turn.quote_decides:  # it quotes a raffle
        newest = [own for own in newest if own.raffle.id == turn.contact.conversation.raffle_id] or newest
    waiting = [own for own in newest if own.order.status is OrderStatus.PENDING_PAYMENT]
    if not waiting and at_hand is not None and at_hand.order.status in OWNING - {OrderStatus.PAID}:
        return at_hand
    waiting += [own for own in newest if own.order.status is OrderStatus.IN_REVIEW]
    fit = {
        OrderStatus.DRAFT,
        *TRANSITIONS[OrderEvent.PROOF_TOO_LATE].sources,
        *TRANSITIONS[OrderEvent.FILE_ADDED].sources,
    }
    waiting += [own for own in newest[:1] if own.order.status in fit]
    return waiting[0] if waiting else None
