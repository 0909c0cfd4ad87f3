"""Ask once more what the bot had asked before somebody asked or wrote something else."""

from dataclasses import replace

from chalicelib.domain import chat_actions as a
from chalicelib.domain.choices import CONFIRM, RESTATED, WHICH, read_choice, read_which_choice
from chalicelib.domain.conversation import Conversation
from chalicelib.domain.intents import Intent, read_meaning
from chalicelib.domain.messages import Reply
from chalicelib.domain.orders import RUNNING, OrderStatus
from chalicelib.domain.reply_names import ReplyName
from chalicelib.services.chat.lookups import find_own, find_raffle
from chalicelib.services.chat.turn import Turn

# These answer a question, and change nothing. What is free is no such question: the answer asks for numbers anew.
ANSWERS = (
    a.TellHowToPay,
    a.TellHoldTime,
    a.TellPrize,
    a.TellPrice,
    a.TellDrawDate,
    a.TellResult,
    a.TellWho,
    a.ShowHelp,
    a.SayWelcome,
    a.CannotListen,
)


def ask_again(turn: Turn, action: a.Action, before: Conversation) -> None:
    """Ask again about numbers, an age or a change if the message was no answer, so that the next one can be.

    A request for the raffle or the order, only if something was asked.
    """
    conversation = turn.contact.conversation
    if before.asks is None or len(turn.replies) != 1 or conversation != replace(before, asks=None, asked_at=None):
        return
    is_answered = isinstance(action, ANSWERS) or turn.replies[-1].name is ReplyName.ANSWER
    was_refused = read_meaning(turn.text).has(Intent.NO)
    if not (is_answered or turn.is_unclear) or was_refused or turn.replies[-1].name is ReplyName.PERSON_CALLED:
        return
    question = _question(turn, before.asks)
    if question is None:
        return
    if turn.is_unclear:
        turn.replies[-1] = turn.texts.not_understood_before(question)
    else:
        turn.replies.append(question)
    turn.contact = replace(turn.contact, conversation=replace(conversation, asks=before.asks))


def _question(turn: Turn, asks: str) -> Reply | None:
    """Return the question for which `asks` is kept, if it can still be answered."""
    if asks.startswith(WHICH):
        order_id, numbers = read_which_choice(asks)
        own = find_own(turn, order_id)
        is_open = own is not None and own.order.status in RUNNING and not own.order.hold_has_ended(turn.now)
        return turn.texts.ask_which_change(*own, numbers) if own is not None and is_open else None
    if asks in (CONFIRM, RESTATED) and read_meaning(turn.text).has(Intent.YES):  # "sí, ¿y cuándo es el sorteo?"
        at_hand = turn.contact.conversation.order_id
        own = find_own(turn, at_hand) if at_hand is not None else None
        is_held = own is not None and own.order.status is OrderStatus.DRAFT and not own.order.hold_has_ended(turn.now)
        return turn.texts.still_held(*own, turn.now) if own is not None and is_held else None
    match read_choice(asks):
        case a.HoldNumbers(raffle_id, text) if (raffle := find_raffle(raffle_id)) is not None and "#" in text:
            return turn.texts.ask_numbers(raffle, [int(number) for number in text.replace("#", "").split(",")], asks)
        case a.ConfirmAge(raffle_id, age) if (raffle := find_raffle(raffle_id)) is not None:
            return turn.texts.ask_age(raffle, age, asks)
    return None
