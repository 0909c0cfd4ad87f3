"""The ids of the buttons and rows below our messages. `read_choice` reads them.

They are untrusted: whoever carries out the action checks the order and raffle ids in them.
"""

import re
from collections.abc import Callable, Sequence

from chalicelib.domain.chat_actions import (
    Action,
    AskChange,
    CallPerson,
    CancelOrder,
    ChangeLanguage,
    ConfirmAge,
    ConfirmOrder,
    DrawNumbers,
    EditOrder,
    HoldNumbers,
    ListRaffles,
    MoreTime,
    OpenRaffle,
    OptOut,
    ShowHelp,
    ShowMenu,
    ShowOrders,
)
from chalicelib.domain.languages import LanguageCode, known_language
from chalicelib.domain.order_edits import MAX_ASKED, EditKind
from chalicelib.domain.orders import MAX_NUMBERS, is_code

RAFFLES_CHOICE = "raffles"
ORDERS_CHOICE = "orders"
HELP_CHOICE = "help"
STOP_CHOICE = "stop"
LANGUAGE_CHOICE = "language"
MENU_CHOICE = "menu"
MAX_CHOICE = 256  # characters of an id, as WhatsApp limits it
EITHER = "either"
WHICH = "which:"
WHAT_TO_CANCEL = "cancel_what:"
INSTEAD = "instead:"
COUNT = "count:"
CONFIRM = "confirm"  # the bot asked whether to confirm what is held: a yes does, a no cancels
RESTATED = "restated"  # the bot said again what is held: a no now may not be about all of it, so it is asked
UNSURE = "unsure"  # the bot did not understand, or asked what to change: a yes now does not confirm what is held
PERSON_CHOICE = "person"


def person_choice(words: str) -> str:
    """Return the choice to talk to a person about words that the bot could not answer, cut to fit."""
    return f"{PERSON_CHOICE}:{' '.join(words.split())}"[:MAX_CHOICE] if words else PERSON_CHOICE


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


def pick_numbers_choice(raffle_id: str, numbers: Sequence[int]) -> str:
    return f"numbers:{raffle_id}:{','.join(map(str, numbers))}"


def confirm_age_choice(raffle_id: str, age: int, text: str) -> str:
    """Return the choice that confirms an age, and holds what `text` asks for, if that fits into a choice."""
    choice = f"of_age:{raffle_id}:{age}:{text}"
    return choice if len(choice) <= MAX_CHOICE else f"of_age:{raffle_id}:{age}:"


def confirm_order_choice(order_id: str) -> str:
    return f"confirm:{order_id}"


def cancel_order_choice(order_id: str) -> str:
    return f"cancel:{order_id}"


def change_order_choice(order_id: str) -> str:
    return f"change:{order_id}"


def draw_again_choice(order_id: str, quantity: int) -> str:
    return f"draw_again:{order_id}:{quantity}"


def draw_more_choice(order_id: str, quantity: int) -> str:
    return f"draw_more:{order_id}:{quantity}"


def edit_choice(order_id: str, kind: EditKind, numbers: Sequence[int]) -> str:
    return f"edit:{order_id}:{kind}:{','.join(map(str, numbers))}"


def instead_choice(order_id: str, number: int) -> str:
    """Return what is kept of the question which number they want instead of one."""
    return f"{INSTEAD}{order_id}:{number}"


def either_choice(text: str) -> str | None:
    """Return what is kept of words that led to a question with two answers; None if they are too long to keep."""
    return _kept(EITHER, text)


def count_choice(raffle_id: str, quantity: int) -> str:
    """Return what is kept of the question whether a number or so many numbers are meant."""
    return f"{COUNT}{raffle_id}:{quantity}"


def which_choice(order_id: str, numbers: Sequence[int], text: str) -> str | None:
    """Return what is kept of the question what becomes of numbers of an order that `text` named."""
    return _kept(f"{WHICH}{order_id}:{','.join(map(str, numbers))}", text)


def read_which_choice(asks: str) -> tuple[str, tuple[int, ...]]:
    """Return the order and the numbers for which `which_choice` was kept."""
    order_id, _, listed = asks.removeprefix(WHICH).partition("/")[0].partition(":")
    return order_id, tuple(map(int, listed.split(",")))


def what_to_cancel_choice(order_id: str, text: str) -> str | None:
    """Return what is kept of the question whether to cancel an order or messages."""
    return _kept(f"{WHAT_TO_CANCEL}{order_id}", text)


def _kept(question: str, text: str) -> str | None:
    kept = f"{question}/{text}"
    return kept if len(kept) <= MAX_CHOICE else None


def more_time_choice(order_id: str) -> str:
    return f"more_time:{order_id}"


def mentioned(text: str) -> tuple[set[str], set[str]]:
    """Return the ids of the raffles and of the orders that a message of ours names, in its words or its choices.

    Args:
        text: the message in WhatsApp's form, as JSON.
    """
    raffle_ids = set(re.findall(r'"(?:raffle|random|numbers?|of_age):([0-9a-z]{1,32})', text))
    return raffle_ids, set(filter(is_code, re.findall("(?<![0-9A-Z])[0-9A-Z]{8}(?![0-9A-Z])", text)))


def read_choice(choice: str) -> Action | None:
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
        case "person", words:
            return CallPerson(words)
        case "raffle", raffle_id if re.fullmatch("[0-9a-z]{1,32}", raffle_id):
            return OpenRaffle(raffle_id)
        case "random", random if pick := re.fullmatch("([0-9a-z]{1,32}):([1-9][0-9]?)", random):
            return HoldNumbers(pick[1], f"random {pick[2]}")
        case "of_age", age if said := re.fullmatch("([0-9a-z]{1,32}):([0-9]{1,3}):([0-9, #a-z]*)", age):
            return ConfirmAge(said[1], int(said[2]), said[3])
        case "numbers", several if pick := re.fullmatch(f"([0-9a-z]{{1,32}}):({NUMBER_LIST})", several):
            return HoldNumbers(pick[1], ",".join(f"#{number}" for number in pick[2].split(",")))
        case "number", single if pick := re.fullmatch("([0-9a-z]{1,32}):([0-9]{1,7})", single):
            return HoldNumbers(pick[1], f"#{pick[2]}")
    return _read_order_choice(name, argument)


def _read_order_choice(name: str, argument: str) -> Action | None:
    match name, argument:
        case (("draw_again" | "draw_more"), draw) if said := re.fullmatch("([0-9A-Z]{8})(?::([1-9][0-9]?))?", draw):
            quantity = int(said[2]) if said[2] else None
            return DrawNumbers(said[1], more=name == "draw_more", quantity=quantity) if is_code(said[1]) else None
        case "edit", edit if said := re.fullmatch(EDIT_CHOICE, edit):
            numbers = tuple(dict.fromkeys(map(int, said[3].split(","))))
            return EditOrder(said[1], EditKind(said[2]), numbers) if is_code(said[1]) else None
        case _, order_id if name in ORDER_CHOICES and is_code(order_id):
            return ORDER_CHOICES[name](order_id)
    return None


MAX_DIGITS = 7


def _number_list(most: int) -> str:
    """Return the pattern of up to `most` numbers, separated by commas."""
    return f"[0-9]{{1,{MAX_DIGITS}}}(?:,[0-9]{{1,{MAX_DIGITS}}}){{0,{most - 1}}}"


NUMBER_LIST = _number_list(MAX_NUMBERS)
EDIT_CHOICE = f"([0-9A-Z]{{8}}):({'|'.join(EditKind)}):({_number_list(MAX_ASKED)})"


ORDER_CHOICES: dict[str, Callable[[str], Action]] = {
    "confirm": ConfirmOrder,
    "cancel": CancelOrder,
    "change": AskChange,
    "more_time": MoreTime,
}
