"""The conversation: decide what to do about a message, given the stage of the conversation.

This module is pure: it reads no store and no clock, and calls nothing outside.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from chalicelib.domain.languages import LanguageCode, known_language
from chalicelib.domain.messages import IncomingMessage, Media, MessageKind
from chalicelib.domain.orders import is_code
from chalicelib.domain.picks import Unclarity, Unclear, fold, read_pick


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
    """

    stage: Stage = Stage.IDLE
    raffle_id: str | None = None
    order_id: str | None = None
    shown: tuple[str, ...] = ()
    page: int = 1


# The actions, which `chalicelib/services/chat/actions.py` carries out.


@dataclass(frozen=True)
class ShowMenu:
    not_understood: bool = False


@dataclass(frozen=True)
class NotUnderstood:
    """Repeat what the bot asked last, since it can make nothing of the message; not for ever (M8)."""

    repeat: "Action"


@dataclass(frozen=True)
class ListRaffles:
    page: int = 1


@dataclass(frozen=True)
class OpenRaffle:
    raffle_id: str


@dataclass(frozen=True)
class TryCode:
    """Open the raffle with the code `word`; if there is none, do `otherwise`."""

    word: str
    otherwise: "Action"


@dataclass(frozen=True)
class HoldNumbers:
    raffle_id: str
    text: str


@dataclass(frozen=True)
class ConfirmOrder:
    order_id: str


@dataclass(frozen=True)
class CancelOrder:
    """Cancel an order; None: the contact's running order, if there is one."""

    order_id: str | None


@dataclass(frozen=True)
class AskAboutOrder:
    """Repeat what the order at hand is waiting for."""

    order_id: str


@dataclass(frozen=True)
class TakeProof:
    """Take a file as the payment proof of an order.

    Attributes:
        order_id: the order at hand; None: the newest order that waits for a proof.
        caption: the text under the file, which may name the order.
        quietly: an organiser is talking with the contact (M6). If no order waits for a proof, the file is for them.
    """

    order_id: str | None
    media: Media
    caption: str = ""
    quietly: bool = False


@dataclass(frozen=True)
class AskForFileAgain:
    """Ask for a file again that never reached WhatsApp."""


@dataclass(frozen=True)
class SayTooLarge:
    """Say that a file is too large, and what to send instead."""


@dataclass(frozen=True)
class SayWelcome:
    pass


@dataclass(frozen=True)
class ShowOrders:
    pass


@dataclass(frozen=True)
class ShowHelp:
    pass


@dataclass(frozen=True)
class ChangeLanguage:
    """Talk to them in another language; None: ask in which."""

    language: LanguageCode | None


@dataclass(frozen=True)
class OptOut:
    """Stop all messages other than replies (M5)."""


@dataclass(frozen=True)
class OptIn:
    """Send messages again; show the menu if they were not stopped."""


@dataclass(frozen=True)
class AskWhatToCancel:
    """Ask whether to cancel the order at hand or all messages: "cancelar" may mean either."""

    order_id: str | None


@dataclass(frozen=True)
class CallPerson:
    """Tell the organisers that the contact wants to talk to a person."""


@dataclass(frozen=True)
class LeaveToPerson:
    """Say nothing, and tell the organisers that the contact wrote: an organiser is talking with them (M6)."""


@dataclass(frozen=True)
class SayBlocked:
    """Say that nothing is sold to the contact (H12), unless they were told before."""


@dataclass(frozen=True)
class StayQuiet:
    pass


Action = (
    StayQuiet
    | ShowMenu
    | NotUnderstood
    | ListRaffles
    | OpenRaffle
    | TryCode
    | HoldNumbers
    | ConfirmOrder
    | CancelOrder
    | AskAboutOrder
    | TakeProof
    | AskForFileAgain
    | SayTooLarge
    | ShowOrders
    | ShowHelp
    | SayWelcome
    | ChangeLanguage
    | OptOut
    | OptIn
    | AskWhatToCancel
    | CallPerson
    | LeaveToPerson
    | SayBlocked
)


def step(
    conversation: Conversation, message: IncomingMessage, *, paused: bool = False, blocked: bool = False
) -> Action:
    """Decide what to do about a message.

    The ids of tapped choices are untrusted. They only select an action, and the action checks the rules.

    Args:
        paused: an organiser is talking with the contact, so the bot leaves the reply to them (M6).
        blocked: nothing is sold to the contact (H12). They can still stop all messages.
    """
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
        action = _read_choice(message.choice)
        if action is not None:
            return action
    elif message.kind is MessageKind.EVENT:
        return StayQuiet()
    elif message.kind is not MessageKind.TEXT:
        return _repeat_question(conversation)
    text = normalize(message.text)
    if text in COMMANDS:
        return COMMANDS[text](conversation)
    if PERSON_WANTED.search(text):
        return CallPerson()
    if conversation.order_id is not None and text in YES:
        return ConfirmOrder(conversation.order_id)
    return _STEPS[conversation.stage](conversation, message.text)


def _step_while_paused(conversation: Conversation, message: IncomingMessage) -> Action:
    """Leave the message to the organiser who is talking with the contact (M6).

    A "yes" may answer the organiser, so it confirms no order. The bot still does what only the bot can do: take a file
    that may be a proof, since money may have moved; obey a tap on one of its own buttons; and stop all messages. But it
    holds nothing more.
    """
    if message.kind is MessageKind.MEDIA and message.media is not None:
        return TakeProof(conversation.order_id, message.media, message.text, quietly=True)
    if message.kind is MessageKind.LOST:
        return AskForFileAgain()
    if message.kind is MessageKind.TOO_LARGE:
        return SayTooLarge()
    if message.kind is MessageKind.EVENT:
        return StayQuiet()
    if message.kind is MessageKind.CHOICE and (action := _read_choice(message.choice)) is not None:
        return LeaveToPerson() if isinstance(action, HoldNumbers) else action
    if message.kind is MessageKind.TEXT and normalize(message.text) in STOP_WORDS:
        return OptOut()
    return LeaveToPerson()


def _step_while_blocked(message: IncomingMessage) -> Action:
    if message.kind is MessageKind.EVENT:
        return StayQuiet()
    if message.kind is MessageKind.TEXT and normalize(message.text) in STOP_WORDS:
        return OptOut()
    return SayBlocked()


def normalize(text: str) -> str:
    """Return a text in the form in which it is compared with commands and codes."""
    return fold(text).strip(" .,!?¡¿")


# The ids of buttons and rows. `_read_choice` reads them; actions check the order and raffle ids in them.
RAFFLES_CHOICE = "raffles"
ORDERS_CHOICE = "orders"
HELP_CHOICE = "help"
STOP_CHOICE = "stop"
LANGUAGE_CHOICE = "language"


def language_choice(code: LanguageCode) -> str:
    return f"{LANGUAGE_CHOICE}:{code}"


def more_raffles_choice(page: int) -> str:
    return f"raffles:{page}"


def open_raffle_choice(raffle_id: str) -> str:
    return f"raffle:{raffle_id}"


def pick_random_choice(raffle_id: str, quantity: int) -> str:
    return f"random:{raffle_id}:{quantity}"


def pick_number_choice(raffle_id: str, number: int) -> str:
    return f"number:{raffle_id}:{number}"


def confirm_order_choice(order_id: str) -> str:
    return f"confirm:{order_id}"


def cancel_order_choice(order_id: str) -> str:
    return f"cancel:{order_id}"


def _read_choice(choice: str) -> Action | None:
    """Return the action that a tapped button or row stands for; None if its id is not one of ours."""
    name, _, argument = choice.partition(":")
    match name, argument:
        case "menu", "":
            return ShowMenu()
        case "raffles", "":
            return ListRaffles()
        case "raffles", page if re.fullmatch("[1-9][0-9]{0,3}", page):
            return ListRaffles(int(page))
        case "orders", "":
            return ShowOrders()
        case "help", "":
            return ShowHelp()
        case "stop", "":
            return OptOut()
        case "language", "":
            return ChangeLanguage(None)
        case "language", _:
            code = known_language(argument)
            return None if code is None else ChangeLanguage(code)
        case "raffle", raffle_id if re.fullmatch("[0-9a-z]{1,32}", raffle_id):
            return OpenRaffle(raffle_id)
        case "random", random if pick := re.fullmatch("([0-9a-z]{1,32}):([1-9][0-9]?)", random):
            return HoldNumbers(pick[1], f"random {pick[2]}")
        case "number", single if pick := re.fullmatch("([0-9a-z]{1,32}):([0-9]{1,7})", single):
            return HoldNumbers(pick[1], f"#{pick[2]}")
        case "confirm", order_id if is_code(order_id):
            return ConfirmOrder(order_id)
        case "cancel", order_id if is_code(order_id):
            return CancelOrder(order_id)
    return None


PERSON_WORDS = ("persona", "humano", "asesor", "agente", "human", "person", "agent", "pessoa", "atendente")
# As in "quiero hablar con una persona".
PERSON_WANTED = re.compile(
    rf"\b(hablar|talk|speak|falar)\b.*\b({'|'.join(PERSON_WORDS)}|alguien|someone|somebody|alguem)\b"
)

STOP_WORDS = ("stop", "unsubscribe", "baja", "alto", "salir", "sair", "parar")

COMMANDS: dict[str, Callable[[Conversation], Action]] = {
    **dict.fromkeys(STOP_WORDS, lambda _: OptOut()),
    **dict.fromkeys(("start", "resume", "alta", "ativar"), lambda _: OptIn()),
    **dict.fromkeys(PERSON_WORDS, lambda _: CallPerson()),
    **dict.fromkeys(("cancelar",), lambda conversation: AskWhatToCancel(conversation.order_id)),
    **dict.fromkeys(("menu", "hi", "hello", "hey", "hola", "oi", "ola"), lambda _: ShowMenu()),
    **dict.fromkeys(("good morning", "good afternoon", "good evening", "buenas", "bom dia"), lambda _: ShowMenu()),
    **dict.fromkeys(
        ("raffles", "raffle", "browse", "browse raffles", "list", "rifas", "ver rifas"), lambda _: ListRaffles()
    ),
    **dict.fromkeys(
        ("my orders", "orders", "order", "my numbers", "my tickets", "mis pedidos", "mis numeros"),
        lambda _: ShowOrders(),
    ),
    **dict.fromkeys(("meus pedidos", "meus numeros"), lambda _: ShowOrders()),
    **dict.fromkeys(("language", "idioma", "lengua", "lingua"), lambda _: ChangeLanguage(None)),
    **dict.fromkeys(("english", "ingles"), lambda _: ChangeLanguage("en")),
    **dict.fromkeys(("espanol", "spanish", "castellano", "espanhol"), lambda _: ChangeLanguage("es")),
    **dict.fromkeys(("portugues", "portuguese"), lambda _: ChangeLanguage("pt")),
    **dict.fromkeys(("help", "ayuda", "ajuda"), lambda _: ShowHelp()),
    **dict.fromkeys(("thanks", "thank you", "thx", "gracias", "obrigado", "obrigada"), lambda _: SayWelcome()),
    **dict.fromkeys(("cancel", "cancel order"), lambda conversation: CancelOrder(conversation.order_id)),
}

YES = frozenset(("confirm", "yes", "y", "ok", "okay", "si", "sim", "confirmar", "confirmo"))
MORE = frozenset(("more", "more raffles", "next"))
NO = frozenset(("no", "n", "nao"))


def _repeat_question(conversation: Conversation) -> Action:
    """Repeat what the bot asked last; show the menu if it asked nothing."""
    if conversation.order_id is not None:
        return NotUnderstood(AskAboutOrder(conversation.order_id))
    if conversation.stage is Stage.SELECTING and conversation.raffle_id is not None:
        return NotUnderstood(OpenRaffle(conversation.raffle_id))
    if conversation.stage is Stage.BROWSING:
        return NotUnderstood(ListRaffles())
    return NotUnderstood(ShowMenu(not_understood=True))


def _step_idle(conversation: Conversation, text: str) -> Action:
    return _try_code(text, otherwise=NotUnderstood(ShowMenu(not_understood=True)))


def _step_browsing(conversation: Conversation, text: str) -> Action:
    normalized = normalize(text)
    if re.fullmatch("[0-9]{1,2}", normalized) and 1 <= int(normalized) <= len(conversation.shown):
        return OpenRaffle(conversation.shown[int(normalized) - 1])
    if normalized in MORE:
        return ListRaffles(conversation.page + 1)
    return _try_code(text, otherwise=NotUnderstood(ListRaffles()))


def _step_selecting(conversation: Conversation, text: str) -> Action:
    # A single word may be the code of another raffle.
    return _try_code(text, otherwise=HoldNumbers(conversation.raffle_id or "", text))


def _step_confirming(conversation: Conversation, text: str) -> Action:
    if normalize(text) in NO:
        return CancelOrder(conversation.order_id)
    return _try_code(text, otherwise=_repeat_question(conversation))


def _step_payment(conversation: Conversation, text: str) -> Action:
    return _try_code(text, otherwise=_repeat_question(conversation))


_STEPS: dict[Stage, Callable[[Conversation, str], Action]] = {
    Stage.IDLE: _step_idle,
    Stage.BROWSING: _step_browsing,
    Stage.SELECTING: _step_selecting,
    Stage.CONFIRMING: _step_confirming,
    Stage.PAYMENT: _step_payment,
}


def _try_code(text: str, *, otherwise: Action) -> Action:
    word = normalize(text).upper()
    return TryCode(word, otherwise) if is_raffle_code(word) else otherwise


def is_raffle_code(word: str) -> bool:
    """Return whether `word` has the form of a raffle code: 2 to 16 letters, digits or hyphens, with a letter first."""
    return re.fullmatch("[A-Z][A-Z0-9-]{1,15}", word) is not None


def is_reserved(code: str) -> bool:
    """Return whether the bot understands this word as something else, so that it can't be a raffle code."""
    word = fold(code)
    if word in COMMANDS.keys() | YES | NO | MORE:
        return True
    # Numbers as people write them: "five", "once" (Spanish for eleven), "random".
    pick = read_pick(code, first=0, last=999)
    return not isinstance(pick, Unclear) or (word.isalpha() and pick.reason is not Unclarity.NOTHING)
