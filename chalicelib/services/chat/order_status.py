"""Say where an order stands and how it is paid, and ask about it."""

from dataclasses import replace

from chalicelib.domain.choices import RESTATED, cancel_order_choice, either_choice
from chalicelib.domain.conversation import Conversation
from chalicelib.domain.messages import Reply
from chalicelib.domain.orders import Order, OrderEvent, OrderStatus
from chalicelib.domain.raffles import Raffle
from chalicelib.services.chat.lookups import OwnOrder
from chalicelib.services.chat.turn import IDLE, Turn
from chalicelib.services.orders.expiry import ended_text, release


def ask_to_cancel(turn: Turn, raffle: Raffle, order: Order) -> None:
    """Ask whether to cancel an order. A yes right after it is the answer."""
    asking = replace(turn.contact.conversation, asks=cancel_order_choice(order.id))
    turn.reply(turn.texts.ask_to_cancel(raffle, order), asking)


def ask_either(turn: Turn, question: Reply) -> None:
    """Ask a question with two answers. A yes right after it is no answer, so it is asked again."""
    turn.reply(question, replace(turn.contact.conversation, asks=either_choice(turn.text)))


def say_how_to_pay(turn: Turn, raffle: Raffle, order: Order, conversation: Conversation | None = None) -> None:
    """Say how to pay, and what to copy in a message of its own. `conversation`: given after the first yes."""
    turn.reply(turn.texts.payment_instructions(raffle, order, turn.now, again=conversation is None), conversation)
    account = turn.texts.payment_account(raffle, order)
    if account is not None:
        turn.reply(account)


def tell_about(turn: Turn, own: OwnOrder | None) -> None:
    """Say where an order stands; show the menu if there is none."""
    if own is None:
        turn.reply(turn.texts.menu(not_understood=True), IDLE)
    else:
        tell_where_it_stands(turn, *own)


def tell_where_it_stands(turn: Turn, raffle: Raffle, order: Order) -> None:
    texts = turn.texts
    done = Conversation(raffle_id=raffle.id) if turn.contact.conversation.order_id == order.id else None
    if order.hold_has_ended(turn.now):  # the schedule has not ended it yet
        with turn.changing(raffle, order) as unit:
            release(unit, OrderEvent.DEADLINE_PASSED, over_at=turn.now)
        turn.reply(ended_text(unit.order)(texts, raffle, unit.order))
    elif order.status is OrderStatus.DRAFT:
        restated = replace(turn.contact.conversation, asks=RESTATED)
        turn.reply(texts.still_held(raffle, order, turn.now), restated)
    elif order.status is OrderStatus.PENDING_PAYMENT and order.waits_for_another_proof:
        turn.reply(texts.proof_rejected(raffle, order, turn.now))
    elif order.status is OrderStatus.PENDING_PAYMENT:
        say_how_to_pay(turn, raffle, order)
    elif order.status is OrderStatus.IN_REVIEW:
        turn.reply(texts.being_checked(order))
    elif order.status is OrderStatus.PAID:
        paid = texts.already_paid(raffle, order, turn.contact.name)
        turn.reply(paid if turn.may_draw(1) else replace(paid, picture=None), done)
    elif order.status is OrderStatus.CANCELLED:
        turn.reply(texts.was_cancelled(order), done)
    elif order.status is OrderStatus.LATE:
        turn.reply(texts.late_waits(order), done)
    elif order.status is OrderStatus.REFUNDED:
        turn.reply(texts.was_refunded(order), done)
    else:
        turn.reply(texts.expired(raffle, order), done)
