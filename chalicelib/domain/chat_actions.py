"""The actions of the conversation: what `conversation.py` decides, and `chalicelib/services/chat/actions.py` does."""

from dataclasses import dataclass

from chalicelib.domain.decisions import Choosing
from chalicelib.domain.languages import LanguageCode
from chalicelib.domain.messages import Media
from chalicelib.domain.order_edits import EditKind


@dataclass(frozen=True)
class ShowMenu:
    not_understood: bool = False


@dataclass(frozen=True)
class Greet:
    """Greet back, and ask for numbers of the raffle that is open."""

    raffle_id: str


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
class TryCodes:
    """Open the raffle whose code is among the words of a sentence, and hold the numbers in it; else do `otherwise`."""

    words: tuple[str, ...]
    text: str
    otherwise: "Action"


@dataclass(frozen=True)
class TryOrder:
    """Do `then` if `order_id` is an order of the contact; else do `otherwise`."""

    order_id: str
    then: "Action"
    otherwise: "Action"


@dataclass(frozen=True)
class OpenByTitle:
    """Open the active raffle whose title has these words, if there is exactly one; else do `otherwise`.

    Attributes:
        at_least: how many words of the title they must name.
        text: what they wrote, which may name numbers, too.
    """

    words: tuple[str, ...]
    otherwise: "Action"
    at_least: int = 1
    text: str = ""


@dataclass(frozen=True)
class AskRaffle:
    """Ask in which raffle they want the numbers that they wrote."""


@dataclass(frozen=True)
class ShowFree:
    """Say how many numbers are free, and some of them."""

    raffle_id: str


@dataclass(frozen=True)
class IsFree:
    """Say which of the numbers in a text are free."""

    raffle_id: str
    text: str


@dataclass(frozen=True)
class TellHowToPay:
    """Say how to pay: for the order at hand if it waits for that, else in the raffle."""

    raffle_id: str | None
    order_id: str | None = None


@dataclass(frozen=True)
class TellHoldTime:
    """Say how long numbers of a raffle are held, before any are."""

    raffle_id: str


@dataclass(frozen=True)
class TellPrize:
    """Say what one can win."""

    raffle_id: str


@dataclass(frozen=True)
class TellPrice:
    """Say what a number costs, or so many."""

    raffle_id: str
    quantity: int | None = None


@dataclass(frozen=True)
class TellDrawDate:
    """Say when the draw is: of a raffle; None: of the one of their newest order, else of all on sale.

    If it `is_open` and has no date, show it: its description may.
    """

    raffle_id: str | None
    is_open: bool = False


@dataclass(frozen=True)
class TellResult:
    pass


@dataclass(frozen=True)
class TellWho:
    """Say who is behind the raffles, and that one can talk to them."""


@dataclass(frozen=True)
class HoldNumbers:
    raffle_id: str
    text: str


@dataclass(frozen=True)
class ConfirmAge:
    """Know that they are as old as a raffle requires (H16), and hold what they asked for before."""

    raffle_id: str
    age: int
    text: str


@dataclass(frozen=True)
class RefuseAge:
    """Say that they are too young for a raffle (H16)."""

    raffle_id: str
    age: int


@dataclass(frozen=True)
class ConfirmOrder:
    """Confirm an order. `reminded`: the yes answers a reminder, after something else was asked."""

    order_id: str
    reminded: bool = False


@dataclass(frozen=True)
class CancelOrder:
    """Cancel an order; None: the contact's running order, if there is one."""

    order_id: str | None


@dataclass(frozen=True)
class AskToCancel:
    """Ask whether to cancel an order: they said so, but not plainly."""

    order_id: str


@dataclass(frozen=True)
class AskChange:
    """Change the numbers of an order as `text` says (H15). Say how to change them if it is "", or doubtful.

    Attributes:
        is_doubtful: ask in any case, since they have just objected to what they have.
    """

    order_id: str
    text: str = ""
    is_doubtful: bool = False


@dataclass(frozen=True)
class AskAnother:
    """Ask whether "another", or so many at random, are meant instead of the numbers held, or beside them."""

    order_id: str
    quantity: int | None = None


@dataclass(frozen=True)
class DrawNumbers:
    """Draw numbers at random for an order that is held: more, or others instead of all that it has.

    Attributes:
        quantity: how many; None: one more, or as many as it has.
    """

    order_id: str
    more: bool
    quantity: int | None = None


@dataclass(frozen=True)
class EditOrder:
    """Change the numbers of an order as a button says that asked about a doubtful change (H15)."""

    order_id: str
    kind: EditKind
    numbers: tuple[int, ...]


@dataclass(frozen=True)
class MoreTime:
    """Hold the numbers of an order longer, once; None: the contact's running order.

    Attributes:
        only_tell: say until when they are held and who may hold them longer; ten minutes would not help.
    """

    order_id: str | None
    only_tell: bool = False


@dataclass(frozen=True)
class PaidClaim:
    """They say that they have paid: say where the order stands; None: the contact's running order."""

    order_id: str | None


@dataclass(frozen=True)
class ConfirmByReaction:
    """Confirm an order if what they reacted to is the question about it."""

    order_id: str
    message_id: str


@dataclass(frozen=True)
class CannotListen:
    """Say that the bot can't listen to a voice message."""


@dataclass(frozen=True)
class AskLeave:
    """Ask what "salir" means: back to the menu, cancel the order, or no more messages."""

    order_id: str | None


@dataclass(frozen=True)
class AskAboutOrder:
    """Repeat what the order at hand is waiting for. `unsure`: they object to something, so a yes is asked once more."""

    order_id: str
    unsure: bool = False


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
class SendTicket:
    """Send the ticket of their paid order once more; if they have several, or none, show their orders."""


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
    """Tell the organisers that the contact wants to talk to a person. `words`: what they asked before."""

    words: str = ""


@dataclass(frozen=True)
class LeaveToPerson:
    """Say nothing, and tell the organisers that the contact wrote: an organiser is talking with them (M6)."""


@dataclass(frozen=True)
class SayBlocked:
    """Say that nothing is sold to the contact (H12), unless they were told before."""


@dataclass(frozen=True)
class Decide:
    """Carry out what an organiser chose below a notice, or ask for the reason."""

    choosing: Choosing


@dataclass(frozen=True)
class StayQuiet:
    pass


Action = (
    StayQuiet
    | Decide
    | ShowMenu
    | Greet
    | NotUnderstood
    | ListRaffles
    | OpenRaffle
    | TryCode
    | TryCodes
    | TryOrder
    | OpenByTitle
    | AskRaffle
    | ShowFree
    | IsFree
    | TellHowToPay
    | TellHoldTime
    | TellPrize
    | TellPrice
    | TellDrawDate
    | TellResult
    | TellWho
    | HoldNumbers
    | ConfirmAge
    | RefuseAge
    | ConfirmOrder
    | CancelOrder
    | AskToCancel
    | AskChange
    | AskAnother
    | DrawNumbers
    | EditOrder
    | MoreTime
    | PaidClaim
    | ConfirmByReaction
    | CannotListen
    | AskLeave
    | AskAboutOrder
    | TakeProof
    | AskForFileAgain
    | SayTooLarge
    | ShowOrders
    | SendTicket
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
