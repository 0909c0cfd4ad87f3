"""The conversation: what to do about something heard, given where the conversation stands. Pure: it only decides."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from chalicelib.domain.messages import IncomingMessage, Media, MessageKind
from chalicelib.domain.orders import is_code
from chalicelib.domain.picks import Unclarity, Unclear, fold, read_pick


class Stage(StrEnum):
    IDLE = "IDLE"
    BROWSING = "BROWSING"  # a list of raffles was shown
    SELECTING = "SELECTING"  # a raffle is open, numbers are asked for
    CONFIRMING = "CONFIRMING"  # numbers are held, a yes is asked for
    PAYMENT = "PAYMENT"  # confirmed; a proof is asked for, or in review


@dataclass(frozen=True, kw_only=True)
class Conversation:
    """Where the conversation stands. `shown` are the raffles of `page` of the list, so that "1" means the first."""

    stage: Stage = Stage.IDLE
    raffle_id: str | None = None
    order_id: str | None = None
    shown: tuple[str, ...] = ()
    page: int = 1


# What to do. The use cases in `chalicelib/services/chat/handler.py` carry these out.


@dataclass(frozen=True)
class ShowMenu:
    not_understood: bool = False


@dataclass(frozen=True)
class ListRaffles:
    page: int = 1


@dataclass(frozen=True)
class OpenRaffle:
    raffle_id: str


@dataclass(frozen=True)
class TryCode:
    """`word` may be a raffle's code; if it is none, do `otherwise`."""

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
    """Cancel the order; `None`: the one at hand, if any."""

    order_id: str | None


@dataclass(frozen=True)
class AskAboutOrder:
    """Say again what the order at hand waits for."""

    order_id: str


@dataclass(frozen=True)
class TakeProof:
    """A file came in: the proof for the order at hand, or, where none is, for the latest one that waits for one."""

    order_id: str | None
    media: Media
    caption: str = ""  # may name the order
    quietly: bool = False  # M6: where no order waits for it, it is for the organiser who talks with them


@dataclass(frozen=True)
class AskForFileAgain:
    """A file was sent and got lost: no use in fetching it."""


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
class OptOut:
    """No more messages that they did not ask for (M5)."""


@dataclass(frozen=True)
class OptIn:
    """Messages again; and where nothing was stopped, the menu."""


@dataclass(frozen=True)
class AskWhatToCancel:
    """The order at hand, or the messages?"""

    order_id: str | None


@dataclass(frozen=True)
class CallPerson:
    """They want to talk to a person, not to a bot."""


@dataclass(frozen=True)
class LeaveToPerson:
    """An organiser talks with them: the bot says nothing, and the organisers are told that they wrote (M6)."""


@dataclass(frozen=True)
class StayQuiet:
    pass


Action = (
    StayQuiet
    | ShowMenu
    | ListRaffles
    | OpenRaffle
    | TryCode
    | HoldNumbers
    | ConfirmOrder
    | CancelOrder
    | AskAboutOrder
    | TakeProof
    | AskForFileAgain
    | ShowOrders
    | ShowHelp
    | SayWelcome
    | OptOut
    | OptIn
    | AskWhatToCancel
    | CallPerson
    | LeaveToPerson
)


def step(conversation: Conversation, heard: IncomingMessage, *, paused: bool = False) -> Action:
    """What to do about `heard`. Tapped ids are untrusted: they name a wish; the rules are checked where it is met.

    `paused`: an organiser talks with them just now (M6).
    """
    if paused:
        return _left_alone(conversation, heard)
    if heard.kind is MessageKind.MEDIA and heard.media is not None:
        return TakeProof(conversation.order_id, heard.media, heard.text)
    if heard.kind is MessageKind.LOST:
        return AskForFileAgain()
    if heard.kind is MessageKind.CHOICE:
        wish = _tapped(conversation, heard.choice)
        if wish is not None:
            return wish
    elif heard.kind is MessageKind.SIGN:
        return StayQuiet()
    elif heard.kind is not MessageKind.TEXT:
        return _again(conversation, not_understood=True)
    said = normalized(heard.text)
    if said in COMMANDS:
        return COMMANDS[said](conversation)
    if CALLING.search(said):
        return CallPerson()
    if conversation.order_id is not None and said in YES:
        return ConfirmOrder(conversation.order_id)
    return _TYPED[conversation.stage](conversation, heard.text, said)


def _left_alone(conversation: Conversation, heard: IncomingMessage) -> Action:
    """M6: what is said is for the organiser. A "yes" answers them, too, and confirms no order.

    What only the bot can do it still does: take a file that may be a proof, since money may have moved; obey a tap on a
    button, which nobody but the bot has sent; and stop all messages for who wants that.
    """
    if heard.kind is MessageKind.MEDIA and heard.media is not None:
        return TakeProof(conversation.order_id, heard.media, heard.text, quietly=True)
    if heard.kind is MessageKind.LOST:
        return AskForFileAgain()
    if heard.kind is MessageKind.SIGN:
        return StayQuiet()
    if heard.kind is MessageKind.CHOICE and (wish := _tapped(conversation, heard.choice)) is not None:
        return wish
    if heard.kind is MessageKind.TEXT and normalized(heard.text) in STOPPING:
        return OptOut()
    return LeaveToPerson()


def normalized(text: str) -> str:
    """What was written, as it is compared with commands and codes."""
    return fold(text).strip(" .,!?¡¿")


# Choice ids, made here and read here. Order and raffle ids are checked by the use cases.
RAFFLES, ORDERS, HELP, STOP = "raffles", "orders", "help", "stop"


def more_raffles(page: int) -> str:
    return f"raffles:{page}"


def open_raffle(raffle_id: str) -> str:
    return f"raffle:{raffle_id}"


def pick_random(raffle_id: str, quantity: int) -> str:
    return f"random:{raffle_id}:{quantity}"


def pick_number(raffle_id: str, number: int) -> str:
    return f"number:{raffle_id}:{number}"


def confirm_order(order_id: str) -> str:
    return f"confirm:{order_id}"


def cancel_order(order_id: str) -> str:
    return f"cancel:{order_id}"


def _tapped(conversation: Conversation, choice: str) -> Action | None:
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
        case "raffle", raffle_id if re.fullmatch("[0-9a-z]{1,32}", raffle_id):
            return OpenRaffle(raffle_id)
        case "random", wish if pick := re.fullmatch("([0-9a-z]{1,32}):([1-9][0-9]?)", wish):
            return HoldNumbers(pick[1], f"random {pick[2]}")
        case "number", wish if pick := re.fullmatch("([0-9a-z]{1,32}):([0-9]{1,7})", wish):
            return HoldNumbers(pick[1], f"#{pick[2]}")
        case "confirm", order_id if is_code(order_id):
            return ConfirmOrder(order_id)
        case "cancel", order_id if is_code(order_id):
            return CancelOrder(order_id)
    return None


PEOPLE = ("persona", "humano", "asesor", "agente", "human", "person", "agent", "pessoa", "atendente")
# "quiero hablar con una persona"
CALLING = re.compile(rf"\b(hablar|talk|speak|falar)\b.*\b({'|'.join(PEOPLE)}|alguien|someone|somebody|alguem)\b")

STOPPING = ("stop", "unsubscribe", "baja", "alto", "salir", "sair", "parar")

COMMANDS: dict[str, Callable[[Conversation], Action]] = {
    **dict.fromkeys(STOPPING, lambda _: OptOut()),
    **dict.fromkeys(("start", "resume", "alta"), lambda _: OptIn()),
    **dict.fromkeys(PEOPLE, lambda _: CallPerson()),
    **dict.fromkeys(("cancelar",), lambda conversation: AskWhatToCancel(conversation.order_id)),
    **dict.fromkeys(("menu", "hi", "hello", "hey", "hola", "oi", "ola"), lambda _: ShowMenu()),
    **dict.fromkeys(("good morning", "good afternoon", "good evening", "buenas", "bom dia"), lambda _: ShowMenu()),
    **dict.fromkeys(("raffles", "raffle", "browse", "browse raffles", "list", "rifas"), lambda _: ListRaffles()),
    **dict.fromkeys(
        ("my orders", "orders", "order", "my numbers", "my tickets", "mis pedidos"), lambda _: ShowOrders()
    ),
    **dict.fromkeys(("help", "ayuda", "ajuda"), lambda _: ShowHelp()),
    **dict.fromkeys(("thanks", "thank you", "thx", "gracias", "obrigado", "obrigada"), lambda _: SayWelcome()),
    **dict.fromkeys(("cancel", "cancel order"), lambda conversation: CancelOrder(conversation.order_id)),
}

YES = frozenset(("confirm", "yes", "y", "ok", "okay", "si", "sim", "confirmar", "confirmo"))
MORE = frozenset(("more", "more raffles", "next"))
NO = frozenset(("no", "n", "nao"))


def _again(conversation: Conversation, *, not_understood: bool) -> Action:
    """Repeat what is asked for just now."""
    if conversation.order_id is not None:
        return AskAboutOrder(conversation.order_id)
    if conversation.stage is Stage.SELECTING and conversation.raffle_id is not None:
        return OpenRaffle(conversation.raffle_id)
    if conversation.stage is Stage.BROWSING:
        return ListRaffles()
    return ShowMenu(not_understood)


def _idle(conversation: Conversation, text: str, said: str) -> Action:
    return _maybe_code(said, otherwise=ShowMenu(not_understood=True))


def _browsing(conversation: Conversation, text: str, said: str) -> Action:
    if re.fullmatch("[0-9]{1,2}", said) and 1 <= int(said) <= len(conversation.shown):
        return OpenRaffle(conversation.shown[int(said) - 1])
    if said in MORE:
        return ListRaffles(conversation.page + 1)
    return _maybe_code(said, otherwise=ListRaffles())


def _selecting(conversation: Conversation, text: str, said: str) -> Action:
    # A single word that is another raffle's code opens that one.
    return _maybe_code(said, otherwise=HoldNumbers(conversation.raffle_id or "", text))


def _confirming(conversation: Conversation, text: str, said: str) -> Action:
    if said in NO:
        return CancelOrder(conversation.order_id)
    return _maybe_code(said, otherwise=_again(conversation, not_understood=True))


def _payment(conversation: Conversation, text: str, said: str) -> Action:
    return _maybe_code(said, otherwise=_again(conversation, not_understood=True))


_TYPED: dict[Stage, Callable[[Conversation, str, str], Action]] = {
    Stage.IDLE: _idle,
    Stage.BROWSING: _browsing,
    Stage.SELECTING: _selecting,
    Stage.CONFIRMING: _confirming,
    Stage.PAYMENT: _payment,
}


def _maybe_code(said: str, *, otherwise: Action) -> Action:
    return TryCode(said.upper(), otherwise) if is_raffle_code(said.upper()) else otherwise


def is_raffle_code(word: str) -> bool:
    """Whether `word` has the form of a raffle's code: 2 to 16 letters, digits or hyphens, with a letter first."""
    return re.fullmatch("[A-Z][A-Z0-9-]{1,15}", word) is not None


def is_reserved(code: str) -> bool:
    """Whether the bot understands this word as something else, so that it can't be a raffle's code."""
    word = fold(code)
    if word in COMMANDS.keys() | YES | NO | MORE:
        return True
    # Numbers as people write them: "five", "once", "random".
    pick = read_pick(code, first=0, last=999)
    return not isinstance(pick, Unclear) or (word.isalpha() and pick.reason is not Unclarity.NOTHING)
