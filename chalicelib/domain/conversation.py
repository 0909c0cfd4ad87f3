"""The conversation: decide what to do about a message, given the stage of the conversation.

This module is pure: it reads no store and no clock, and calls nothing outside.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from functools import cache
from itertools import dropwhile

from chalicelib.domain.ages import OLDEST, begins_with_yes, is_old_enough, names_ages_only
from chalicelib.domain.chat_actions import (
    Action,
    AskAboutOrder,
    AskAnother,
    AskChange,
    AskForFileAgain,
    AskLeave,
    AskRaffle,
    AskToCancel,
    AskWhatToCancel,
    CallPerson,
    CancelOrder,
    CannotListen,
    ChangeLanguage,
    ConfirmAge,
    ConfirmByReaction,
    ConfirmOrder,
    Decide,
    DrawNumbers,
    EditOrder,
    Greet,
    HoldNumbers,
    IsFree,
    LeaveToPerson,
    ListRaffles,
    MoreTime,
    NotUnderstood,
    OpenByTitle,
    OpenRaffle,
    OptIn,
    OptOut,
    PaidClaim,
    RefuseAge,
    SayBlocked,
    SayTooLarge,
    SayWelcome,
    SendTicket,
    ShowFree,
    ShowHelp,
    ShowMenu,
    ShowOrders,
    StayQuiet,
    TakeProof,
    TellDrawDate,
    TellHoldTime,
    TellHowToPay,
    TellPrice,
    TellPrize,
    TellResult,
    TellWho,
    TryCode,
    TryCodes,
    TryOrder,
)
from chalicelib.domain.choices import (
    CONFIRM,
    COUNT,
    EITHER,
    INSTEAD,
    MAX_DIGITS,
    RESTATED,
    UNSURE,
    WHAT_TO_CANCEL,
    WHICH,
    read_choice,
    read_which_choice,
)
from chalicelib.domain.decisions import (
    FEW_WORDS,
    Act,
    Choosing,
    asks_what_waits,
    objects_to_rejecting,
    own_reason,
    propose_reason,
    read_choosing,
    read_words_below,
    wished_act,
)
from chalicelib.domain.intents import CHANGE, LONG_MISTYPED, Intent, Meaning, read_meaning
from chalicelib.domain.messages import IncomingMessage, MessageKind
from chalicelib.domain.order_edits import MAX_COUNTED, EditKind, names_cancelling, names_number, read_edit
from chalicelib.domain.orders import MAX_NUMBERS, is_code
from chalicelib.domain.picks import Random, Specific, Unclarity, Unclear, fold, read_pick
from chalicelib.domain.proposals import names_money, propose
from chalicelib.domain.vocabulary import change_phrases, command_words, other_raffles


class Stage(StrEnum):
    IDLE = "IDLE"
    BROWSING = "BROWSING"  # the bot has shown a list of raffles
    SELECTING = "SELECTING"  # the bot has shown a raffle and asked for numbers
    CONFIRMING = "CONFIRMING"  # numbers are held, and the bot has asked for a yes
    PAYMENT = "PAYMENT"  # the order is confirmed; its proof is missing or in review


@dataclass(frozen=True, kw_only=True)
class Conversation:
    """Where the conversation stands.

    Attributes:
        raffle_id: the raffle at hand.
        order_id: the order at hand.
        shown: ids of the raffles in the list that was shown last, so that "1" means the first.
        page: the page of that list.
        since: when they wrote what led to the list or the raffle at hand. Older words are not about it (M7).
        asks: what a word answers, because the bot asked it last: the choice that a yes stands for, about an age,
            numbers, or whether to cancel; the order of a reminder; the proof for whose rejection an organiser owes a
            reason; or a question with several answers, with the words that led to it (see `either_choice`).
        asked_at: when they wrote what it asked about. Older words are no answer (M7).
        tapped: the choice and the message with which the numbers at hand were held, so that a second tap is known.
    """

    stage: Stage = Stage.IDLE
    raffle_id: str | None = None
    order_id: str | None = None
    shown: tuple[str, ...] = ()
    page: int = 1
    since: datetime | None = None
    tapped: str | None = None
    asks: str | None = None
    asked_at: datetime | None = None


REMINDED = "reminded:"  # before the id of the order, in `Conversation.asks`


def after_reminder(conversation: Conversation, order_id: str) -> Conversation:
    """Return the conversation after a reminder of an order: a yes is about that order, whatever was asked before."""
    is_plain = conversation.asks is None and conversation.order_id == order_id
    return conversation if is_plain else replace(conversation, asks=f"{REMINDED}{order_id}")


def step(
    conversation: Conversation,
    message: IncomingMessage,
    *,
    paused: bool = False,
    blocked: bool = False,
    organiser: bool = False,
    noticed: Sequence[Choosing] = (),
) -> Action:
    """Decide what to do about a message.

    The ids of tapped choices are untrusted. They only select an action, and the action checks the rules.

    Args:
        paused: an organiser is talking with the contact, so the bot leaves the reply to them (M6).
        blocked: nothing is sold to the contact (H12). They can still stop all messages.
        organiser: the contact is one of the organisers, and may decide about proofs (O11). Otherwise the ids of such
            choices mean nothing.
        noticed: what can be done about the order of the notice that an organiser quotes.
    """
    if organiser and (choosing := _read_organiser(conversation, message, noticed)) is not None:
        return Decide(choosing)
    if paused:
        return _step_while_paused(conversation, message)
    if blocked:
        return _step_while_blocked(message)
    if message.kind is MessageKind.MEDIA and message.media is not None:
        return TakeProof(conversation.order_id, message.media, message.text)
    if message.kind is MessageKind.LOST:
        return AskForFileAgain()
    if message.kind is MessageKind.TOO_LARGE:
        return SayTooLarge()
    if message.kind is MessageKind.CHOICE:
        action = read_choice(message.choice)
        if action is not None:
            return action
    elif message.kind is MessageKind.EVENT:
        return StayQuiet()
    elif message.kind is MessageKind.REACTION:
        return _read_reaction(conversation, message)
    elif message.kind is MessageKind.VOICE:
        return CannotListen()
    elif message.kind is not MessageKind.TEXT:
        return _repeat_question(conversation) if conversation.stage is not Stage.IDLE else NotUnderstood(ShowMenu())
    return _read_text(conversation, message.text)


def _read_organiser(
    conversation: Conversation, message: IncomingMessage, noticed: Sequence[Choosing]
) -> Choosing | None:
    """Return what somebody chose or wants as an organiser; None if they wrote what any buyer may write."""
    if message.kind is MessageKind.CHOICE:
        return read_choosing(message.choice)
    if message.kind is not MessageKind.TEXT:
        return None
    word = normalize(message.text)
    if asks_what_waits(message.text) and not conversation.asks:
        return Choosing(act=Act.SHOW)
    meaning = read_meaning(message.text)
    cancels = command_words("cancel") | command_words("cancel_what")
    if (word in commands() and word not in cancels) or meaning.is_polite_only:
        return None
    wish = wished_act(message.text)
    is_no_reason = objects_to_rejecting(message.text) or meaning.only(Intent.YES, Intent.NO) or _is_yes_or_no(word)
    reason = "" if is_no_reason else own_reason(message.text)
    if noticed:
        return read_words_below(noticed, wish, reason)
    # Right after "Why do you reject?", other words are the reason, whatever they name.
    asked = read_choosing(conversation.asks or "")
    if asked is not None and reason:
        return propose_reason(asked, reason)
    code = next(filter(is_code, re.findall("[0-9A-Z]+", message.text.upper())), "")
    is_about = len(re.findall(r"\w+", word)) <= FEW_WORDS and not meaning.has(Intent.CANCEL)
    if wish is not None or (code and (word.upper() == code or (is_about and not _names_confirming(meaning)))):
        return Choosing(act=Act.SHOW, order_id=code)
    return asked and propose_reason(asked, reason)


def _is_yes_or_no(word: str) -> bool:
    return word in command_words("yes") or word in command_words("no")


def _read_text(conversation: Conversation, text: str) -> Action:
    """Decide by words: the code of an order decides before anything else that they may mean."""
    otherwise = _read_words(conversation, text)
    code = next((word for word in re.findall("[0-9A-Z]+", text.upper()) if is_code(word)), None)
    then = None if code is None else _about_order(code, text)
    return otherwise if code is None or then is None else TryOrder(code, then, otherwise)


def _about_order(code: str, text: str) -> Action | None:
    """Return what is to be done about an order that they name; None if they say something else beside its code."""
    meaning = read_meaning(re.sub(code, " ", text, count=1, flags=re.IGNORECASE))
    if meaning.rest and not {word.text for word in meaning.rest} <= change_phrases("beside_code"):
        return None
    if meaning.said <= {Intent.ORDERS, Intent.NOUN}:
        return AskAboutOrder(code)
    if meaning.is_misspelt:
        return AskToCancel(code) if meaning.has(Intent.CANCEL) else AskAboutOrder(code)
    actions: tuple[tuple[Intent, Action], ...] = (
        (Intent.CANCEL, AskToCancel(code) if _asks_something(meaning) else CancelOrder(code)),
        (Intent.YES, AskAboutOrder(code) if _asks_something(meaning) else ConfirmOrder(code)),
        (Intent.PAID, PaidClaim(code)),
        (Intent.PAY_LATER, MoreTime(code, only_tell=True)),
        (Intent.MORE_TIME, MoreTime(code)),
        (Intent.HOW_TO_PAY, AskAboutOrder(code)),
    )
    return next((action for intent, action in actions if meaning.said <= {intent, Intent.ORDERS, Intent.NOUN}), None)


def _read_words(conversation: Conversation, text: str) -> Action:
    """Decide by words: commands first, then what means the same in every stage, then what the stage asks for."""
    word = normalize(text)
    if word in commands():
        return commands()[word](conversation)
    meaning = read_meaning(text)
    if conversation.asks is not None:
        answer = _read_answer(conversation, meaning, word)
        if answer is not None:
            return answer
    if conversation.order_id is not None and word in command_words("yes"):
        return _confirm(conversation, meaning)
    if conversation.order_id is not None and conversation.stage in (Stage.BROWSING, Stage.SELECTING):
        if _confirms_in_a_sentence(meaning) or (meaning.only(Intent.YES) and _names_confirming(meaning)):
            return _confirm(conversation, meaning)
        if _names_confirming(meaning) and not meaning.has_numbers:  # "is it confirmed now?"
            return AskAboutOrder(conversation.order_id)
    action = _mean_anywhere(conversation, meaning) or _STEPS[conversation.stage](conversation, meaning, text)
    if meaning.is_misspelt:  # a word that only looks like one of ours may be the code of a raffle
        action = _try_codes(meaning, text, otherwise=action)
    # A single word may be the code of a raffle, whatever else it means; but "no" never was one.
    code = word.upper()
    return (
        TryCode(code, action)
        if is_raffle_code(code) and word not in command_words("no") | command_words("more")
        else action
    )


def _read_answer(conversation: Conversation, meaning: Meaning, word: str) -> Action | None:
    """Return what an answer to the bot's own question means; None if it is none. An age says whether it is enough.

    Only a message that says nothing else is an answer: "too expensive" adds no numbers.
    """
    asks = conversation.asks or ""
    said_yes = word in command_words("yes") or meaning.only(Intent.YES)
    said_no = word in command_words("no") or meaning.only(Intent.NO)
    if asks.startswith(REMINDED):
        order_id = asks.removeprefix(REMINDED)
        if word in command_words("yes") or (meaning.only(Intent.YES) and not meaning.is_misspelt):
            return ConfirmOrder(order_id, reminded=True)
        return AskToCancel(order_id) if said_no else None
    if asks.startswith("cancel:"):
        order_id = asks.partition(":")[2]
        says_it = meaning.only(Intent.YES, Intent.CANCEL, Intent.ORDERS, Intent.NOUN) and _cancels(meaning)
        # "yes cancel it, and delete my number"
        begins = bool(meaning.found) and meaning.found[0].intent in (Intent.YES, Intent.CANCEL)
        insists = begins and meaning.has(Intent.YES) and meaning.has(Intent.CANCEL) and not meaning.has_numbers
        insists = insists and not meaning.has(Intent.NO, Intent.WAIT) and not _keeps_order(meaning)
        is_plain = word in change_phrases("plain_yes")
        if is_plain or ((says_it or insists) and not meaning.is_misspelt and not _asks_something(meaning)):
            return CancelOrder(order_id)
        return AskAboutOrder(order_id) if said_no or said_yes or _keeps_order(meaning) else None
    if asks.startswith(COUNT):
        return _read_count(asks, meaning)
    if asks == RESTATED:
        return AskToCancel(conversation.order_id) if said_no and conversation.order_id is not None else None
    if asks.startswith((EITHER, WHICH, WHAT_TO_CANCEL, INSTEAD, UNSURE)):
        answer = _read_words_of_answer(asks, meaning, word)
        drops_it = meaning.has(Intent.CANCEL) and not names_cancelling(meaning)  # "never mind": the change, not all
        if answer is None and said_yes and "/" in asks:  # to which of the two?
            answer = _read_text(replace(conversation, asks=None), asks.partition("/")[2])
        elif answer is None and (said_yes or said_no or drops_it) and conversation.order_id is not None:
            answer = AskAboutOrder(conversation.order_id)
        return answer
    asked = read_choice(asks)
    if isinstance(asked, HoldNumbers):
        return _read_offer(asked, meaning, said_yes=said_yes, said_no=said_no)
    return _read_age(asked, meaning, said_yes=said_yes, said_no=said_no) if isinstance(asked, ConfirmAge) else None


def _read_offer(asked: HoldNumbers, meaning: Meaning, *, said_yes: bool, said_no: bool) -> Action | None:
    """Return what they answer to offered numbers: "sí", "sí y también el 7", "no"."""
    if said_no:
        return ShowFree(asked.raffle_id)
    is_yes = meaning.has(Intent.YES) and not meaning.has(Intent.NO, Intent.REMOVE, Intent.SWAP, Intent.CANCEL)
    if said_yes or (is_yes and not meaning.has_numbers and meaning.said <= {Intent.YES, Intent.WANT, Intent.NOUN}):
        return asked if not _asks_something(meaning) else None
    # "yes please, I am 71 by the way", "sí, ¿y cuándo es el sorteo?"
    objects = meaning.has(Intent.NO, Intent.WAIT, Intent.REMOVE, Intent.SWAP, Intent.CANCEL)
    chosen = frozenset(_numbers_in(asked.text))
    if begins_with_yes(meaning) and not objects and names_ages_only(meaning, chosen):
        return asked
    more = _more_numbers(meaning)
    is_more = is_yes and meaning.said <= {Intent.YES, Intent.WANT, Intent.NOUN, Intent.ADD}
    if is_more and more:
        return HoldNumbers(asked.raffle_id, ",".join([asked.text, *(f"#{number}" for number in more)]))
    return _change_offer(asked, meaning)


def _change_offer(asked: HoldNumbers, meaning: Meaning) -> Action | None:
    """Return what they want instead of the offered numbers: "not 23, can I have 32 instead", "solo el 7"."""
    offered = _numbers_in(asked.text)
    if not offered or not meaning.has(*CHANGE, Intent.NO):
        return None
    edit = read_edit(meaning.line, offered, first=0, last=MOST_NUMBERS, is_confirmed=True)
    if edit is None or not {*edit.remove} <= {*offered}:
        return None
    wanted = [*(number for number in offered if number not in edit.remove), *edit.add]
    return HoldNumbers(asked.raffle_id, ",".join(f"#{number}" for number in wanted)) if wanted else None


def _numbers_in(offer: str) -> tuple[int, ...]:
    """Return the numbers of an offer: "#7,#13". () if it is about numbers at random."""
    return tuple(map(int, re.findall("(?<=#)[0-9]+", offer)))


def _more_numbers(meaning: Meaning) -> tuple[str, ...]:
    """Return the numbers of a message that has nothing else which says something; () if it has, or none."""
    more = [word.text for word in meaning.rest if word.has_digits]
    is_plain = all(re.fullmatch("[0-9]{1,7}", number) for number in more) and len(more) == len(meaning.rest)
    return tuple(more) if is_plain else ()


def _asks_something(meaning: Meaning) -> bool:
    """Return whether it is a question, or has a word with which "confirmo" may be no yes: "cómo confirmo"."""
    words = set(re.findall(r"\w+", meaning.line))
    return "?" in meaning.line or "\u00bf" in meaning.line or bool(words & change_phrases("doubting"))


def _read_age(asked: ConfirmAge, meaning: Meaning, *, said_yes: bool, said_no: bool) -> Action | None:
    """Read a yes, a no, or an age and nothing else: "tengo 45", "I am 81 dear"."""
    if said_no:
        return RefuseAge(asked.raffle_id, asked.age)
    chosen = frozenset(_numbers_in(asked.text))
    more = _more_numbers(meaning) if meaning.has(Intent.ADD) or names_number(meaning.line) else ()
    if chosen and more and not meaning.said - {Intent.ADD, Intent.WANT, Intent.NOUN}:
        return HoldNumbers(asked.raffle_id, ",".join([asked.text, *(f"#{number}" for number in more)]))
    if is_old_enough(meaning, asked.age, chosen=chosen):
        return asked
    told = [word for word in meaning.rest if word.has_digits]
    others = {word.text for word in meaning.rest if not word.has_digits}
    if meaning.said - {Intent.YES, Intent.OF_AGE} or _asks_something(meaning):
        return None
    if told:
        number = told[0].text
        is_age = len(told) == 1 and re.fullmatch("[0-9]{1,3}", number) and others <= change_phrases("beside_age")
        if not is_age or "$" in meaning.line or names_number(meaning.line):
            return None
        return asked if asked.age <= int(number) <= OLDEST else RefuseAge(asked.raffle_id, asked.age)
    is_old = said_yes or (meaning.has(Intent.YES, Intent.OF_AGE) and others <= change_phrases("beside_age"))
    return asked if is_old else None


def _read_words_of_answer(asks: str, meaning: Meaning, word: str) -> Action | None:
    """Return the answer to a question with several answers, if they say one in words, and nothing else."""
    if asks.startswith(WHAT_TO_CANCEL):
        return _read_what_to_cancel(asks, word)
    if asks.startswith(WHICH):
        return _read_which(asks, word)
    if asks.startswith(INSTEAD):
        _, order_id, old = asks.split(":")
        new = [one.text for one in meaning.rest]
        is_number = len(new) == 1 and re.fullmatch(f"[0-9]{{1,{MAX_DIGITS}}}", new[0])
        if is_number and not meaning.said - {Intent.WANT} and not _asks_something(meaning):
            return EditOrder(order_id, EditKind.SWAP, (int(old), int(new[0])))
    return None


def _read_count(asks: str, meaning: Meaning) -> Action | None:
    """Return what they answer to the question whether a number or so many are meant: "any", "the number"."""
    raffle_id, _, quantity = asks.removeprefix(COUNT).partition(":")
    if meaning.numbers not in ("", quantity) or meaning.has(Intent.NO, *CHANGE):
        return None
    if meaning.only(Intent.RANDOM, Intent.YES, Intent.WANT, Intent.NOUN) and meaning.has(Intent.RANDOM):
        return HoldNumbers(raffle_id, f"random {quantity}")
    names_it = meaning.has(Intent.NOUN) and meaning.only(Intent.NOUN, Intent.WANT, Intent.YES)
    return HoldNumbers(raffle_id, f"#{quantity}") if names_it else None


def _read_what_to_cancel(asks: str, word: str) -> Action | None:
    """Return the answer to the question whether to cancel an order or messages, if it is all that they say."""
    order_id = asks.removeprefix(WHAT_TO_CANCEL).partition("/")[0]
    words = word.split()
    said = " ".join(dropwhile(lambda one: one in change_phrases("before_what"), words))
    if said in change_phrases("the_order"):
        return CancelOrder(order_id)
    return OptOut() if said in change_phrases("the_messages") else None


def _read_which(asks: str, word: str) -> Action | None:
    """Return what becomes of the numbers that the bot asked about, if it is all that they say: "agrégalo"."""
    order_id, numbers = read_which_choice(asks)
    for kind in (EditKind.ONLY, EditKind.ADD, EditKind.REMOVE):
        if word in change_phrases(f"answer_{kind}"):
            return EditOrder(order_id, kind, numbers)
    return None


def says_swap(text: str) -> bool:
    """Return whether they want to exchange something, whatever it is."""
    return read_meaning(text).has(Intent.SWAP)


def may_count(text: str) -> bool:
    """Return whether the number in "agrega 2" may be how many."""
    meaning = read_meaning(text)
    number = meaning.numbers
    is_few = re.fullmatch("[0-9]{1,2}", number) is not None and int(number) <= MAX_COUNTED
    return meaning.has(Intent.ADD) and is_few and not names_number(meaning.line)


def wants_more(text: str) -> bool:
    """Return whether somebody whose order can't be changed any more names numbers that they want beside it."""
    meaning = read_meaning(text)
    says_so = meaning.has(Intent.ADD, Intent.WANT, Intent.NOUN, Intent.ANOTHER) or names_number(meaning.line)
    return meaning.has_numbers and says_so and not meaning.has(Intent.REMOVE, Intent.SWAP, Intent.NO)


def _mean_anywhere(conversation: Conversation, meaning: Meaning) -> Action | None:
    if meaning.only(Intent.STOP):
        return OptOut()
    if meaning.only(Intent.START):
        return OptIn()
    if meaning.has(Intent.PERSON):
        return CallPerson()
    if meaning.only(Intent.LEAVE):
        return AskLeave(conversation.order_id)
    if meaning.is_polite_only and meaning.has(Intent.THANKS):
        return SayWelcome()
    if _thanks(meaning) and conversation.stage is not Stage.CONFIRMING:  # "that'll do nicely, thanks" may be a yes
        return SayWelcome()
    if meaning.is_polite_only:
        return _greet(conversation) if meaning.has(Intent.GREETING) else None
    return None


def _thanks(meaning: Meaning) -> bool:
    """Return whether they say thanks, and little else: "muchas gracias capo, que le vaya bonito"."""
    thanks = [one for one in meaning.found if one.intent is Intent.THANKS]
    is_short = len(meaning.rest) <= MAX_BESIDE_THANKS and not meaning.has_numbers and "?" not in meaning.line
    # Machines say "gracias por escribirnos", again and again (M8).
    is_machine = bool(set(re.findall(r"\w+", meaning.line)) & change_phrases("machines_thank_for"))
    return bool(thanks) and not meaning.said and is_short and not is_machine


def _greet(conversation: Conversation) -> Action:
    """Greet back. Who greets after a raffle was opened still wants that raffle."""
    if conversation.stage is Stage.SELECTING and conversation.raffle_id is not None:
        return Greet(conversation.raffle_id)
    return ShowMenu()


def _read_reaction(conversation: Conversation, message: IncomingMessage) -> Action:
    """A 👍 on the question whether to confirm is a yes. Any other reaction needs no reply."""
    is_yes = read_meaning(message.text).only(Intent.YES)
    if is_yes and conversation.order_id is not None and conversation.stage is Stage.CONFIRMING and message.reacts_to:
        return ConfirmByReaction(conversation.order_id, message.reacts_to)
    return StayQuiet()


def _step_while_paused(conversation: Conversation, message: IncomingMessage) -> Action:
    """Leave the message to the organiser who is talking with the contact (M6).

    A "yes" may answer the organiser, so it confirms no order. The bot still does what only the bot can do: take a file
    that may be a proof, since money may have moved; obey a tap on one of its own buttons; and stop all messages. But it
    holds no further numbers. What is held already may be held longer, or they would lose it while they talk (H14).
    """
    if message.kind is MessageKind.MEDIA and message.media is not None:
        return TakeProof(conversation.order_id, message.media, message.text, quietly=True)
    if message.kind is MessageKind.LOST:
        return AskForFileAgain()
    if message.kind is MessageKind.TOO_LARGE:
        return SayTooLarge()
    if message.kind in (MessageKind.EVENT, MessageKind.REACTION):
        return StayQuiet()
    if message.kind is MessageKind.CHOICE and (action := read_choice(message.choice)) is not None:
        return LeaveToPerson() if isinstance(action, HoldNumbers | DrawNumbers | EditOrder | ConfirmAge) else action
    if message.kind is MessageKind.TEXT and normalize(message.text) in command_words("stop"):
        return OptOut()
    return LeaveToPerson()


def _step_while_blocked(message: IncomingMessage) -> Action:
    if message.kind in (MessageKind.EVENT, MessageKind.REACTION):
        return StayQuiet()
    if message.kind is MessageKind.TEXT and normalize(message.text) in command_words("stop"):
        return OptOut()
    return SayBlocked()


def normalize(text: str) -> str:
    """Return a text in the form in which it is compared with commands and codes."""
    return fold(text).strip(" .,!?¡¿")


def _cancel_at_hand(conversation: Conversation) -> Action:
    """Cancel the order at hand; ask if the bot has just offered something else, which may be meant."""
    is_offered = (conversation.asks or "").startswith(("numbers:", "of_age:", COUNT))
    if conversation.order_id is not None and is_offered:
        return AskToCancel(conversation.order_id)
    return CancelOrder(conversation.order_id)


@cache
def commands() -> Mapping[str, Callable[[Conversation], Action]]:
    """Return the words that, alone, always mean the same, with what they lead to."""
    actions: dict[str, Callable[[Conversation], Action]] = {
        "stop": lambda _: OptOut(),
        "leave": lambda conversation: AskLeave(conversation.order_id),
        "start": lambda _: OptIn(),
        "person": lambda _: CallPerson(),
        "cancel_what": lambda conversation: AskWhatToCancel(conversation.order_id),
        "cancel": _cancel_at_hand,
        "menu": lambda _: ShowMenu(),
        "greeting": _greet,
        "raffles": lambda _: ListRaffles(),
        "orders": lambda _: ShowOrders(),
        "help": lambda _: ShowHelp(),
        "thanks": lambda _: SayWelcome(),
        "language": lambda _: ChangeLanguage(None),
        "in_en": lambda _: ChangeLanguage("en"),
        "in_es": lambda _: ChangeLanguage("es"),
        "in_pt": lambda _: ChangeLanguage("pt"),
    }
    return {word: action for kind, action in actions.items() for word in sorted(command_words(kind))}


def _repeat_question(conversation: Conversation) -> Action:
    """Repeat what the bot asked last; show the menu if it asked nothing."""
    if conversation.order_id is not None:
        return NotUnderstood(AskAboutOrder(conversation.order_id))
    if conversation.stage is Stage.SELECTING and conversation.raffle_id is not None:
        return NotUnderstood(OpenRaffle(conversation.raffle_id))
    if conversation.stage is Stage.BROWSING:
        return NotUnderstood(ListRaffles())
    return NotUnderstood(ShowMenu(not_understood=True))


def _step_idle(conversation: Conversation, meaning: Meaning, text: str) -> Action:
    answer = _answer_question(conversation, meaning)
    if answer is not None and not isinstance(answer, ListRaffles):
        return _try_codes(meaning, text, otherwise=answer)
    if conversation.raffle_id is not None and _is_about_numbers(meaning):
        return _step_selecting(conversation, meaning, text)
    if meaning.has(Intent.CANCEL):
        return AskWhatToCancel(conversation.order_id)
    if answer is not None or meaning.has(Intent.WANT, Intent.NOUN):
        return _try_names(meaning, text, otherwise=ListRaffles())
    if meaning.has_numbers or meaning.has(Intent.RANDOM):
        return _try_codes(meaning, text, otherwise=AskRaffle())
    if meaning.has(Intent.GREETING) or meaning.only(Intent.NO):
        return _try_codes(meaning, text, otherwise=_try_other_raffle(meaning, ShowMenu()))
    unclear = NotUnderstood(ShowMenu(not_understood=True))
    return _try_codes(meaning, text, otherwise=_try_other_raffle(meaning, unclear))


def _step_browsing(conversation: Conversation, meaning: Meaning, text: str) -> Action:
    place = meaning.position
    if place is not None:
        index = place - 1 if place > 0 else len(conversation.shown) - 1
        if place and 0 <= index < len(conversation.shown):
            return OpenRaffle(conversation.shown[index])
        return NotUnderstood(ListRaffles())
    if normalize(text) in command_words("more") or meaning.only(Intent.MORE):
        return ListRaffles(conversation.page + 1)
    answer = _answer_question(conversation, meaning)
    if answer is not None and not isinstance(answer, ListRaffles):
        return _try_codes(meaning, text, otherwise=answer)
    if meaning.has_numbers and not meaning.names and meaning.has(Intent.NOUN, Intent.WANT, Intent.RANDOM):
        return AskRaffle()
    return _try_names(meaning, text, otherwise=answer or NotUnderstood(ListRaffles()))


def _step_selecting(conversation: Conversation, meaning: Meaning, text: str) -> Action:
    raffle_id = conversation.raffle_id or ""
    hold = HoldNumbers(raffle_id, text)
    if meaning.has(Intent.FREE) and (wish := _if_free(meaning)) is not None:
        return HoldNumbers(raffle_id, wish)
    if meaning.has(Intent.FREE):
        return IsFree(raffle_id, meaning.numbers) if meaning.has_numbers else ShowFree(raffle_id)
    answer = _answer_question(conversation, meaning)
    if isinstance(answer, ListRaffles):
        # "rifas" may be numbers ("2 rifas"), and who says "me interesa" means the raffle that is open.
        is_wanted = isinstance(_read_any(text), Unclear) and meaning.has(Intent.BROWSE) and not meaning.has_numbers
        if meaning.has(Intent.PRICE) and not meaning.has(Intent.PRIZE, Intent.BROWSE):
            return TellPrice(raffle_id, _quantity(meaning))
        if meaning.has(Intent.PRIZE) and not meaning.has(Intent.PRICE, Intent.BROWSE):
            return TellPrize(raffle_id)
        if meaning.has(Intent.PRICE, Intent.PRIZE):
            return OpenRaffle(raffle_id)
        if not is_wanted or meaning.has(Intent.ANOTHER):
            return _try_codes(meaning, text, otherwise=hold)
        others = any(word.text in other_raffles() for one in meaning.found for word in one.words)
        return _try_codes(meaning, text, otherwise=answer if others else OpenRaffle(raffle_id))
    if isinstance(answer, TellDrawDate):
        return TellDrawDate(raffle_id, is_open=True)
    if answer is not None:
        return answer
    if meaning.has(Intent.CANCEL) and not meaning.has_numbers:
        return AskToCancel(conversation.order_id) if conversation.order_id is not None else CancelOrder(None)
    return _try_codes(meaning, text, otherwise=hold if meaning.has_numbers else _try_other_raffle(meaning, hold))


def _if_free(meaning: Meaning) -> str | None:
    """Return the wish in "quiero el 7 si está libre", without the condition; None if it is a question."""
    if "?" in meaning.line or not meaning.has_numbers:
        return None
    condition = _condition().search(meaning.line)
    return None if condition is None or not condition.start() else meaning.line[: condition.start()]


@cache
def _condition() -> re.Pattern[str]:
    phrases = "|".join(map(re.escape, sorted(change_phrases("if_free"), key=len, reverse=True)))
    return re.compile(rf"[\s,;(]+(?:{phrases})(?!\w)[^0-9]*$")


def _step_confirming(conversation: Conversation, meaning: Meaning, text: str) -> Action:
    order_id = conversation.order_id or ""
    ask_again = AskAboutOrder(order_id)
    misspelt = [one.misspelt for one in meaning.found if one.misspelt]
    if conversation.asks in (CONFIRM, RESTATED) and _confirms_in_a_sentence(meaning):
        return ConfirmOrder(order_id)
    if meaning.only(Intent.YES) or _confirms(meaning):
        return ask_again if any(not _like_confirming(word) for word in misspelt) else _confirm(conversation, meaning)
    if _keeps_order(meaning):
        return ask_again
    if meaning.only(Intent.NO):
        # "Ah no" may only be about the numbers.
        begins = next(one.words[0].start for one in meaning.found if one.intent is Intent.NO) == 0
        return CancelOrder(order_id) if conversation.asks == CONFIRM and begins else AskToCancel(order_id)
    if meaning.only(Intent.CANCEL) and not misspelt:
        return AskToCancel(order_id) if _asks_something(meaning) else CancelOrder(order_id)
    if meaning.has(Intent.TIME_LEFT):  # before more time, which can be had once
        return ask_again
    if meaning.has(Intent.MORE_TIME, Intent.PAY_LATER):
        return MoreTime(order_id, only_tell=meaning.has(Intent.PAY_LATER))
    if (others := _other_numbers(order_id, meaning)) is not None:
        return others
    if (answer := _answer_before_change(conversation, meaning)) is not None:
        return answer
    if meaning.has(Intent.CANCEL) and not meaning.has_numbers:
        return AskToCancel(order_id)
    if _is_change(meaning, text) or meaning.has(Intent.CANCEL):
        # Right after "esos no", numbers may be meant instead.
        is_doubtful = conversation.asks == UNSURE and not _says_change(meaning)
        return AskChange(order_id, text, is_doubtful=is_doubtful)
    if meaning.has(Intent.NO):
        return AskAboutOrder(order_id, unsure=True)
    if meaning.has(Intent.YES, Intent.WAIT, Intent.PRICE, Intent.PAID):
        return ask_again
    return _look_around(conversation, meaning, text)


def _step_payment(conversation: Conversation, meaning: Meaning, text: str) -> Action:
    order_id = conversation.order_id or ""
    if meaning.has(Intent.PAID):
        return PaidClaim(order_id)
    if meaning.has(Intent.TIME_LEFT):  # before more time, which can be had once
        return AskAboutOrder(order_id)
    if meaning.has(Intent.MORE_TIME, Intent.PAY_LATER):
        return MoreTime(order_id, only_tell=meaning.has(Intent.PAY_LATER))
    if _keeps_order(meaning):
        return AskAboutOrder(order_id)
    if (meaning.has(Intent.CANCEL) and not meaning.has_numbers) or meaning.only(Intent.NO):
        return AskToCancel(order_id)
    if (answer := _answer_before_change(conversation, meaning)) is not None:
        return answer
    if meaning.has(Intent.ANOTHER) and meaning.has(Intent.ORDERS, Intent.HOW_TO_PAY):  # "send it to me once more"
        return ShowOrders() if meaning.has(Intent.ORDERS) else TellHowToPay(conversation.raffle_id, order_id)
    if meaning.has(Intent.ANOTHER) and not meaning.has_numbers and conversation.raffle_id is not None:
        return OpenRaffle(conversation.raffle_id)
    if names_money(text):  # "mandei 20 reais em vez de 30"
        return AskAboutOrder(order_id)
    if _is_change(meaning, text) or meaning.has(Intent.CANCEL):
        return AskChange(order_id, text)
    if meaning.only(Intent.YES):
        return SayWelcome() if meaning.has(Intent.THANKS) else ConfirmOrder(order_id)
    if meaning.has(Intent.YES, Intent.NO, Intent.WAIT, Intent.PRICE):
        return AskAboutOrder(order_id)
    return _look_around(conversation, meaning, text)


def _look_around(conversation: Conversation, meaning: Meaning, text: str) -> Action:
    """Answer a question that is not about the order at hand, which stays at hand."""
    answer = _answer_question(conversation, meaning)
    if answer is not None and not isinstance(answer, ListRaffles):
        return answer
    if meaning.has(Intent.PRIZE, Intent.FREE) and conversation.raffle_id is not None:
        if meaning.has(Intent.PRIZE):
            return TellPrize(conversation.raffle_id)
        return ShowFree(conversation.raffle_id)
    fallback = answer or _try_other_raffle(meaning, _ask_what_to_change(conversation, meaning, text))
    return _try_codes(meaning, text, otherwise=fallback)


def _ask_what_to_change(conversation: Conversation, meaning: Meaning, text: str) -> Action:
    """Ask about several numbers that are named while others are held ("errei, era 34 e 35"); else ask as before."""
    is_held = conversation.stage is Stage.CONFIRMING and conversation.order_id is not None
    names_some = len(propose(text, first=0, last=MOST_NUMBERS)) > 1 and "?" not in text
    if is_held and names_some:
        return AskChange(conversation.order_id or "", text, is_doubtful=True)
    return _repeat_question(conversation)


def _confirm(conversation: Conversation, meaning: Meaning) -> Action:
    """Confirm the order at hand if the bot has just asked for that, or if they say "confirm"; else ask once more."""
    order_id = conversation.order_id or ""
    if conversation.stage is Stage.PAYMENT:  # it is confirmed already
        return ConfirmOrder(order_id)
    is_asked = conversation.stage is Stage.CONFIRMING and conversation.asks in (CONFIRM, RESTATED)
    is_meant = is_asked or _names_confirming(meaning)
    return ConfirmOrder(order_id) if is_meant and not _asks_something(meaning) else AskAboutOrder(order_id)


def _names_confirming(meaning: Meaning) -> bool:
    said = (word.text for one in meaning.found if one.intent is Intent.YES for word in one.words)
    return any(map(_like_confirming, said))


def _like_confirming(word: str) -> bool:
    return len(word) >= LONG_MISTYPED and word.startswith(("confi", "confr", "comfi", "cofi", "conif"))


def _confirms(meaning: Meaning) -> bool:
    """Return whether they confirm the order, and name it: "I do confirm the order"."""
    return meaning.only(Intent.YES, Intent.ORDERS, Intent.NOUN) and _names_confirming(meaning)


def _confirms_in_a_sentence(meaning: Meaning) -> bool:
    """Return whether a sentence says to confirm, and nothing that may be against it: "Sí señor, confirmo"."""
    harmless = {Intent.YES, Intent.WANT, Intent.NOUN, Intent.ORDERS, Intent.HOW_TO_PAY}
    is_plain = meaning.said <= harmless and not meaning.is_misspelt and not meaning.has_numbers
    # "Confirm, and how do I pay?" asks what the answer to a yes says.
    how = {word.text for one in meaning.found if one.intent is Intent.HOW_TO_PAY for word in one.words}
    words = set(re.findall(r"\w+", meaning.line))
    is_doubtful = bool((words - how) & change_phrases("doubting")) or ("?" in meaning.line and not how)
    return is_plain and _names_confirming(meaning) and not is_doubtful


def _answer_before_change(conversation: Conversation, meaning: Meaning) -> Action | None:
    """Return the answer to a question in which a number is no change: "is the draw on the 20th?"."""
    if meaning.has(*CHANGE, Intent.ANOTHER, Intent.CANCEL) or not meaning.has_numbers:
        return None
    if meaning.has(Intent.FREE) and conversation.raffle_id is not None:
        return IsFree(conversation.raffle_id, meaning.numbers)
    if meaning.has(*QUESTIONS):
        return _answer_question(conversation, meaning)
    return None


def _is_about_numbers(meaning: Meaning) -> bool:
    """Return whether somebody at rest writes about the raffle in which they were last."""
    return meaning.has_numbers or meaning.has(Intent.RANDOM, Intent.FREE, Intent.PRICE, Intent.PRIZE, Intent.ANOTHER)


def _cancels(meaning: Meaning) -> bool:
    return meaning.has(Intent.CANCEL) and not _keeps_order(meaning)


def _keeps_order(meaning: Meaning) -> bool:
    """Return whether they say not to cancel: "no vayas a cancelar"."""
    starts = [one.words[0].start for one in meaning.found if one.intent is Intent.CANCEL]
    return any(_not_to().search(meaning.line[:start]) for start in starts)


@cache
def _not_to() -> re.Pattern[str]:
    """Match a no and up to two words, as in "no vayas a", none of which says what is wanted, as "no, mejor" does."""
    never, wanted = ("|".join(map(re.escape, sorted(change_phrases(kind)))) for kind in ("never", "after_never"))
    return re.compile(rf"(?<!\w)(?:{never})(?:\s+(?!(?:{wanted})(?!\w))[^\W\d]+){{0,2}}\s*$")


QUESTIONS = (Intent.DRAW_DATE, Intent.TRUST, Intent.RESULT, Intent.TIME_LEFT, Intent.PRIZE)


_STEPS: dict[Stage, Callable[[Conversation, Meaning, str], Action]] = {
    Stage.IDLE: _step_idle,
    Stage.BROWSING: _step_browsing,
    Stage.SELECTING: _step_selecting,
    Stage.CONFIRMING: _step_confirming,
    Stage.PAYMENT: _step_payment,
}


def _tell_time(conversation: Conversation) -> Action:
    if conversation.order_id is not None:
        return AskAboutOrder(conversation.order_id)
    return TellHoldTime(conversation.raffle_id) if conversation.raffle_id is not None else ShowOrders()


def _answer_question(conversation: Conversation, meaning: Meaning) -> Action | None:
    """Return the answer to a question that may be asked at any time. ListRaffles stands for whatever raffles say."""
    raffle_id, order_id = conversation.raffle_id, conversation.order_id
    answers: tuple[tuple[Intent, Action], ...] = (
        (Intent.PAID, PaidClaim(conversation.order_id)),
        (Intent.PAY_LATER, MoreTime(conversation.order_id, only_tell=True)),
        (Intent.MORE_TIME, MoreTime(conversation.order_id)),
        (Intent.RESULT, TellResult()),
        (Intent.TRUST, TellWho()),
        (Intent.TICKET, SendTicket()),
        (Intent.ORDERS, ShowOrders()),
        (Intent.WHAT_NOW, AskAboutOrder(order_id) if order_id is not None else ShowHelp()),
        (Intent.HELP, ShowHelp()),
        (Intent.TIME_LEFT, _tell_time(conversation)),
        (Intent.HOW_TO_PAY, TellHowToPay(raffle_id, order_id)),
        (Intent.DRAW_DATE, TellDrawDate(raffle_id)),
        (Intent.MENU, ShowMenu()),
        *((intent, ListRaffles()) for intent in ABOUT_RAFFLES),
    )
    return next((action for intent, action in answers if meaning.has(intent)), None)


ABOUT_RAFFLES = (Intent.PRICE, Intent.PRIZE, Intent.FREE, Intent.ANOTHER, Intent.BROWSE)


def _other_numbers(order_id: str, meaning: Meaning) -> Action | None:
    """Return what is to be done if they want other numbers, or more, than those that are held, and name none."""
    pick = _read_any(meaning.without(*CHANGE, Intent.ANOTHER))
    if isinstance(pick, Random) and meaning.has(*CHANGE, Intent.ANOTHER, Intent.RANDOM):
        if meaning.has(Intent.SWAP) and not meaning.has(Intent.ADD):
            return DrawNumbers(order_id, more=False, quantity=pick.quantity)
        if meaning.has(Intent.ADD) and not meaning.has(Intent.SWAP, Intent.REMOVE):
            return DrawNumbers(order_id, more=True, quantity=pick.quantity)
        return AskAnother(order_id, pick.quantity) if pick.quantity <= MAX_NUMBERS else None
    if meaning.has(Intent.ANOTHER) and not meaning.has_numbers and not meaning.has(*CHANGE):
        return AskAnother(order_id)
    return None


def _quantity(meaning: Meaning) -> int | None:
    """Return for how many numbers they ask the price: "¿cuánto por 3 boletos?"."""
    told = meaning.numbers
    is_quantity = re.fullmatch("[0-9]{1,2}", told) is not None and meaning.has(Intent.NOUN)
    return int(told) if is_quantity and 1 < int(told) <= MAX_NUMBERS else None


def _is_change(meaning: Meaning, text: str) -> bool:
    """Return whether somebody with an order names numbers, or says that something is to be changed."""
    if meaning.has(*CHANGE, Intent.ANOTHER):
        return True
    if meaning.has(Intent.NO) and meaning.has_numbers:
        return True  # "no, el 5"
    pick = _read_any(text)
    return isinstance(pick, Specific | Random) or (meaning.has_numbers and pick.reason is Unclarity.QUANTITY)


def _says_change(meaning: Meaning) -> bool:
    """Return whether they say that something is to be changed, and do not only list numbers: "el 8 y el 18"."""
    listing = change_phrases("conjunction")
    said = (one for one in meaning.found if one.intent in CHANGE)
    return any(" ".join(word.text for word in one.words) not in listing for one in said)


def _read_any(text: str) -> Specific | Random | Unclear:
    """Read numbers without knowing which ones the raffle has."""
    return read_pick(text, first=0, last=MOST_NUMBERS)


MOST_NUMBERS = 1_000_000
MAX_BESIDE_THANKS = 3  # unknown words


def _try_names(meaning: Meaning, text: str, *, otherwise: Action) -> Action:
    """Look for a raffle whose code or title has a word of the text; else do `otherwise`."""
    words = meaning.names[:MAX_NAMES]
    by_title = OpenByTitle(words, otherwise, text=text) if words else otherwise
    return _try_codes(meaning, text, otherwise=by_title)


def _try_other_raffle(meaning: Meaning, otherwise: Action) -> Action:
    """Look for another raffle than the one at hand, of whose title they name two words; else do `otherwise`."""
    words = meaning.names[:MAX_NAMES]
    return OpenByTitle(words, otherwise, at_least=2) if len(words) > 1 else otherwise


def _try_codes(meaning: Meaning, text: str, *, otherwise: Action) -> Action:
    words = _codes_in(meaning)
    return TryCodes(words, text, otherwise) if words and not is_raffle_code(normalize(text).upper()) else otherwise


MAX_CODE = 16  # characters of the code of a raffle
MAX_NAMES = 4  # words of a message that are looked up as codes


def codes_in(text: str) -> tuple[str, ...]:
    """Return the words of a text that may be the code of a raffle, to be looked up before `step` decides."""
    word = normalize(text).upper()
    return (word,) if is_raffle_code(word) else _codes_in(read_meaning(text))


def _codes_in(meaning: Meaning) -> tuple[str, ...]:
    names = set(meaning.names)
    parts = (part.strip(".,;:!?¡¿()*_\"'") for part in meaning.line.split())
    # A code may have digits and hyphens, with which it is no single word of ours.
    codes = [part.upper() for part in parts if part in names or _is_coded(part)]
    return tuple(dict.fromkeys(filter(is_raffle_code, codes)))[:MAX_NAMES]


def _is_coded(part: str) -> bool:
    """Return whether a part of a text has letters and digits, or a hyphen, and is no longer than a code."""
    return len(part) <= MAX_CODE and re.search("[a-z].*[-0-9]", part) is not None


def is_raffle_code(word: str) -> bool:
    """Return whether `word` has the form of a raffle code: 2 to 16 letters, digits or hyphens, with a letter first."""
    return re.fullmatch("[A-Z][A-Z0-9-]{1,15}", word) is not None


def is_reserved(code: str) -> bool:
    """Return whether the bot understands this word as something else, so that it can't be a raffle code."""
    word = fold(code)
    if word in commands().keys() | command_words("yes") | command_words("no") | command_words("more"):
        return True
    meaning = read_meaning(code)
    if meaning.found and not meaning.rest and not meaning.is_misspelt:
        return True
    # Numbers as people write them: "five", "once" (Spanish for eleven), "random".
    pick = read_pick(code, first=0, last=999)
    return not isinstance(pick, Unclear) or (word.isalpha() and pick.reason is not Unclarity.NOTHING)
