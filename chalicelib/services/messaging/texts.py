"""Everything the bot says: domain objects in, replies out. Every sentence goes through the gettext catalogue."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import lru_cache
from gettext import NullTranslations, translation
from pathlib import Path

from chalicelib.domain.audit import AuditEntry
from chalicelib.domain.choices import (
    HELP_CHOICE,
    LANGUAGE_CHOICE,
    MENU_CHOICE,
    ORDERS_CHOICE,
    RAFFLES_CHOICE,
    STOP_CHOICE,
    cancel_order_choice,
    change_order_choice,
    confirm_order_choice,
    draw_again_choice,
    draw_more_choice,
    edit_choice,
    language_choice,
    more_raffles_choice,
    more_time_choice,
    open_raffle_choice,
    person_choice,
    pick_number_choice,
    pick_numbers_choice,
    pick_random_choice,
)
from chalicelib.domain.contacts import Contact
from chalicelib.domain.decisions import Act, Choosing, RejectReason, choosing_about
from chalicelib.domain.languages import LANGUAGES, LanguageCode
from chalicelib.domain.messages import Choice, Reply, StoredFile, Template
from chalicelib.domain.order_edits import EditKind
from chalicelib.domain.orders import MAX_NUMBERS, RUNNING, Order, OrderStatus
from chalicelib.domain.picks import Unclarity, Unclear, padded
from chalicelib.domain.pictures import BoardPicture, MapPicture, NumberState, TicketPicture
from chalicelib.domain.raffles import Board, PaymentChange, Raffle
from chalicelib.domain.refusals import HoldLimit, HoldLimited, NumbersTaken, TooFewFree, TooManyForContact
from chalicelib.domain.reply_names import ReplyName
from chalicelib.services.messaging.formats import Formats
from chalicelib.whatsapp import limits, templates
from chalicelib.whatsapp.templates import Definition
from chalicelib.whatsapp.text import plain, shorten

CATALOGUES = Path(__file__).parents[2] / "locale"
RAFFLES_A_PAGE = 9  # a list has ten rows, and the last one leads to the next page
LONGEST_QUOTE = 500  # characters of what somebody wrote who wants a person
LONGEST_EXCERPT = 1500  # characters of payment instructions: twice, and a message may have 4,096
LONGEST_IN_TEMPLATE = 250  # likewise, and a template may have 1,024
FEW = 40  # characters before the first difference, so that one sees where it is
LONGEST_COUNTDOWN = timedelta(hours=2)  # of a hold that is told in minutes, too
FACTS_LIMIT = 600  # characters of a raffle's facts, which leave room for its description
NO_BREAK_HYPHEN = "\u2011"
BODY_LIMIT = 1024  # characters in a message with buttons or a list


def texts_for(contact: Contact) -> "Texts":
    """Return the texts in a person's language (M9), with amounts and times as they write them."""
    return texts_in(contact.language, contact.country)


def texts_in(language: LanguageCode, country: str | None = None) -> "Texts":
    """Return the texts in a language, for a reader in a country (ISO 3166)."""
    return Texts(_load_catalogue(language), Formats(language=language, country=country))


@lru_cache
def _load_catalogue(language: LanguageCode) -> NullTranslations:
    # The source texts are English, so English needs no catalogue. Without one of the others the package is not built.
    return translation("tombola", CATALOGUES, [language], fallback=True)


class Texts:
    """What the bot says in one language."""

    def __init__(self, catalogue: NullTranslations, formats: Formats) -> None:
        self._ = catalogue.gettext
        self.n_ = catalogue.ngettext
        self.money = formats.money
        self.count = formats.count
        self._moment = formats.moment
        self._day = formats.day

    # Menu, help, opting out

    def menu(self, *, not_understood: bool = False) -> Reply:
        _ = self._
        name = ReplyName.NOT_UNDERSTOOD if not_understood else ReplyName.MENU
        if not_understood:
            text = _("I did not understand that. What would you like to do?")
        else:
            text = _("Welcome! Here you can buy raffle numbers. What would you like to do?")
        return Reply(name=name, text=text, buttons=self._menu_buttons())

    def _menu_buttons(self) -> tuple[Choice, ...]:
        _ = self._
        return (
            Choice(id=RAFFLES_CHOICE, title=_("Browse raffles")),
            Choice(id=ORDERS_CHOICE, title=_("My orders")),
            Choice(id=HELP_CHOICE, title=_("Help")),
        )

    def not_understood_before(self, question: Reply) -> Reply:
        """Say that a message was not understood, and ask again what was asked before it."""
        text = "\n\n".join((self._("Sorry, I didn't get that."), question.text))
        return replace(question, text=text) if len(text) <= BODY_LIMIT else question

    def cannot_answer(self, question: str, raffle: Raffle | None = None) -> Reply:
        """Say that the bot does not know the answer to a question, and offer a person. `raffle`: numbers are chosen."""
        others = self._menu_buttons()[:2] if raffle is None else self._random_buttons(raffle)
        return Reply(
            name=ReplyName.NOT_UNDERSTOOD if raffle is None else ReplyName.ASK_NUMBERS,
            text=self._does_not_know(),
            buttons=(self._person_button(question), *others),
        )

    def _does_not_know(self) -> str:
        return self._("I don't know the answer to that. Shall an organiser tell you? Tap *Talk to a person*.")

    def help_organiser(self, *, not_understood: bool = False) -> Reply:
        """Say what an organiser can do here. `not_understood`: after a message of which the bot can make nothing."""
        lines = [
            *([self._("I did not understand that.")] if not_understood else []),
            self._("You get each payment proof here, with its picture: tap *Approve*, *Reject* or *Open*."),
            self._("Write *pending* to see the proofs that wait, or the code of an order to see that one."),
            self._("You can buy here, too: write *raffles*."),
        ]
        name = ReplyName.NOT_UNDERSTOOD if not_understood else ReplyName.HELP
        return Reply(name=name, text="\n".join(lines))

    def help(self) -> Reply:
        _ = self._
        lines = (
            _("How it works:"),
            _("1. Write *raffles* and choose one."),
            _("2. Write the numbers you want, like *5, 12, 99* or *5-10*, or *random 3* to be surprised."),
            _("3. Tap *Confirm*, pay as shown, and send a photo or PDF of your payment here."),
            _("An organiser checks it and you hear from us."),
            "",
            _("At any time: *menu*, *raffles*, *my orders*, *cancel*, *help*; *human* to talk to a person."),
        )
        language = Choice(id=LANGUAGE_CHOICE, title=_("Language"))
        return Reply(name=ReplyName.HELP, text="\n".join(lines), buttons=(*self._menu_buttons()[:2], language))

    def ask_language(self) -> Reply:
        buttons = tuple(Choice(id=language_choice(code), title=language.name) for code, language in LANGUAGES.items())
        text = self._("Which language would you like me to write in?")
        return Reply(name=ReplyName.ASK_LANGUAGE, text=text, buttons=buttons)

    def language_chosen(self) -> Reply:
        text = " ".join((self._now_in(), self._("What would you like to do?")))
        return Reply(name=ReplyName.LANGUAGE_CHOSEN, text=text, buttons=self._menu_buttons())

    def language_chosen_with_order(self, raffle: Raffle, order: Order, now: datetime) -> Reply:
        """Say in which language they read from now on, and ask again about the order that waits for a yes."""
        asked = self.still_held(raffle, order, now)
        return replace(asked, name=ReplyName.LANGUAGE_CHOSEN, text=f"{self._now_in()}\n\n{asked.text}")

    def _now_in(self) -> str:
        return self._("From now on I write to you in English.")

    def opted_out(self) -> Reply:
        _ = self._
        lines = (
            _("You will get no more messages from us, apart from answers to what you write."),
            _("Orders stay as they are: write *my orders* to see them."),
            _("Write *START* to get messages again."),
        )
        return Reply(name=ReplyName.OPTED_OUT, text="\n".join(lines))

    def opted_out_with_order(self, raffle: Raffle, order: Order, now: datetime) -> Reply:
        """Say that no more messages come, and ask again about the order that waits for a yes."""
        asked = self.still_held(raffle, order, now)
        return replace(asked, text=f"{self.opted_out().text}\n\n{asked.text}")

    def who(self, raffle: Raffle | None) -> Reply:
        """Say who is behind the raffles: people, to whom one can talk. `raffle`: the one at hand."""
        _ = self._
        lines: list[str] = []
        if raffle is not None and raffle.organiser is not None:
            lines += [f"*{raffle.title}*", _("Organised by: {name}").format(name=raffle.organiser.name)]
            lines += [raffle.organiser.contact] if raffle.organiser.contact else []
        if raffle is not None and raffle.permit is not None:
            permit = raffle.permit
            lines.append(_("Permit: {number} ({authority})").format(number=permit.number, authority=permit.authority))
        lines += [""] if lines else []
        lines += (
            _("I am the organisers' assistant: I keep your numbers, and real people check each payment."),
            _("You get an order code, and hear from us here when your payment is confirmed."),
            _("Would you like to talk to them first? Tap *Talk to a person*."),
        )
        return Reply(
            name=ReplyName.HELP, text="\n".join(lines), buttons=(self._person_button(), self._menu_buttons()[0])
        )

    def cannot_listen(self) -> Reply:
        text = self._("Sorry, I can't listen to voice messages. Please write it to me, or ask for a person.")
        return Reply(name=ReplyName.CANNOT_READ, text=text, buttons=(self._person_button(), self._menu_buttons()[0]))

    def offering_person(self, reply: Reply) -> Reply:
        """Add to a reply that one can talk to a person, as far as there is room."""
        offer = self._("Would you rather talk to a person? Write *human*.")
        button = self._person_button()
        has_buttons = bool(reply.buttons) and button.title not in [other.title for other in reply.buttons]
        if len(reply.text) + len(offer) + 2 <= BODY_LIMIT:
            reply = replace(reply, text=f"{reply.text}\n\n{offer}")
        return replace(reply, buttons=(*reply.buttons[:2], button)) if has_buttons else reply

    def _person_button(self, question: str = "") -> Choice:
        """Return the button that calls a person. `question`: what the bot could not answer, for the organisers."""
        return Choice(id=person_choice(question), title=self._("Talk to a person"))

    def ask_leave(self) -> Reply:
        """Ask what "salir" means. It may only mean back to the menu."""
        text = self._("Would you like to go back to the menu, or to get no more messages from us?")
        buttons = (Choice(id=MENU_CHOICE, title=self._("Menu")), self._stop_button())
        return Reply(name=ReplyName.ASK_LEAVE, text=text, buttons=buttons)

    def ask_leave_order(self, raffle: Raffle, order: Order) -> Reply:
        """Ask what "salir" means while an order waits."""
        text = self._(
            "Would you like to go back to the menu, cancel your order {code} ({numbers}), or get no more messages?"
        ).format(code=order.id, numbers=self._numbers(raffle, order.numbers))
        buttons = (
            Choice(id=MENU_CHOICE, title=self._("Menu")),
            Choice(id=cancel_order_choice(order.id), title=self._("Cancel it")),
            self._stop_button(),
        )
        return Reply(name=ReplyName.ASK_CANCEL, text=text, buttons=buttons)

    def opted_in(self) -> Reply:
        text = self._("Welcome back! You will hear from us again about your orders. What would you like to do?")
        return Reply(name=ReplyName.OPTED_IN, text=text, buttons=self._menu_buttons())

    def ask_what_to_cancel(self, raffle: Raffle, order: Order) -> Reply:
        """Ask whether "cancelar" means the order or the messages."""
        text = self._("What shall I cancel: your order {code} ({numbers}), or messages from us?").format(
            code=order.id, numbers=self._numbers(raffle, order.numbers)
        )
        return Reply(
            name=ReplyName.ASK_CANCEL,
            text=text,
            buttons=(Choice(id=cancel_order_choice(order.id), title=self._("The order")), self._stop_button()),
        )

    def ask_to_stop_messages(self) -> Reply:
        text = self._("There is no order to cancel. Or would you like no more messages from us?")
        return Reply(name=ReplyName.NO_ORDER, text=text, buttons=(self._stop_button(), *self._menu_buttons()[:2]))

    def _stop_button(self) -> Choice:
        return Choice(id=STOP_CHOICE, title=self._("No more messages"))

    # Raffles

    def raffles(self, boards: Sequence[Board], *, page: int, more: bool) -> Reply:
        _ = self._
        if not boards:
            return Reply(
                name=ReplyName.RAFFLE_LIST,
                text=_("No raffle is open just now. Please come back later."),
                buttons=self._menu_buttons()[1:],
            )
        lines = [_("Which raffle? Open the list, or write its number."), ""]
        rows = []
        for position, board in enumerate(boards, start=1):
            raffle = board.raffle
            price = self.money(raffle.unit_amount, raffle.currency)
            free = self._availability(board)
            lines.append(f"*{position}.* {raffle.title}\n{price} · {free} · *{raffle.code}*")
            rows.append(
                Choice(
                    id=open_raffle_choice(raffle.id),
                    title=f"{position}. {raffle.title}",
                    description=f"{price} · {free}",
                )
            )
        if more:
            rows.append(Choice(id=more_raffles_choice(page + 1), title=_("More raffles …")))
        return Reply(
            name=ReplyName.RAFFLE_LIST,
            text=shorten("\n".join(lines), BODY_LIMIT),
            rows=rows,
            list_label=_("See raffles"),
        )

    def ask_raffle(self, boards: Sequence[Board], *, more: bool) -> Reply:
        """Ask in which raffle the numbers are wanted."""
        reply = self.raffles(boards, page=1, more=more)
        if not boards:
            return reply
        ask = self._("In which raffle would you like numbers? Open the list, or write its number.")
        _, _, listed = reply.text.partition("\n")
        return replace(reply, name=ReplyName.ASK_RAFFLE, text=shorten(f"{ask}\n{listed}", BODY_LIMIT))

    def free_numbers(self, raffle: Raffle, numbers: range, available: int, some: Sequence[int]) -> Reply:
        """Say on a first line how many of the numbers are free, and then some of them.

        Args:
            numbers: all of the raffle, or a range of it.
        """
        is_whole = len(numbers) == raffle.layout.total
        which = "" if is_whole else f" {self._range(raffle, numbers)}"
        lines = [f"*{raffle.title}*{which}: {self._free(available, len(numbers))}"]
        if len(some) == available:
            lines.append(self._("Free: {numbers}").format(numbers=self._numbers(raffle, some)))
        elif some:
            lines.append(self._("Some of them: {numbers}").format(numbers=self._numbers(raffle, some)))
        return Reply(name=ReplyName.FREE_NUMBERS, text="\n".join(lines))

    def ask_free_numbers(
        self, raffle: Raffle, numbers: range, example: range | None, *, is_named: bool = False
    ) -> Reply:
        """Ask which of the numbers that were shown they would like.

        Args:
            example: a range that they may want to see, since the picture is too small for single numbers.
            is_named: whether they named the range, perhaps to buy all of it.
        """
        lines = []
        if example is not None:
            lines.append(
                self._("Write a range, like *{numbers}*, and I show you which are free.").format(
                    numbers=self._range(raffle, example)
                )
            )
        elif is_named and len(numbers) > MAX_NUMBERS:
            lines.append(self._("One order can have at most {most} numbers.").format(most=MAX_NUMBERS))
        lines.append(self._("Which numbers would you like? For example *5, 12, 99*, *5-10* or *random 3*."))
        return Reply(name=ReplyName.FREE_NUMBERS, text="\n".join(lines), buttons=self._random_buttons(raffle))

    def more_of_board(self, raffle: Raffle, numbers: range, available: int) -> Reply:
        """Say how many of the numbers in the next picture of a board are free."""
        text = f"{self._range(raffle, numbers)}: {self._free(available, len(numbers))}"
        return Reply(name=ReplyName.FREE_NUMBERS, text=text)

    def all_taken(self, raffle: Raffle, numbers: range) -> Reply:
        """Say that none of the numbers is free. They may be all of the raffle."""
        if len(numbers) == raffle.layout.total:
            return self.sold_out(raffle)
        text = self._("None of the numbers {numbers} is free.").format(numbers=self._range(raffle, numbers))
        return Reply(name=ReplyName.FREE_NUMBERS, text=text, buttons=self._random_buttons(raffle))

    def board_picture(self, raffle: Raffle, numbers: range, states: str, caption: str = "") -> BoardPicture:
        """Return the picture of up to a hundred numbers. `states`: a character for each (`NumberState`)."""
        _ = self._
        return BoardPicture(
            title=raffle.title,
            subtitle=self._about_board(raffle, states.count(NumberState.FREE), numbers),
            legend={
                NumberState.FREE.value: _("Free"),
                NumberState.HELD.value: _("Held"),
                NumberState.SOLD.value: _("Sold"),
                NumberState.OWN.value: _("Yours"),
            },
            first=numbers.start,
            width=len(str(raffle.last_number)),
            states=states,
            caption=caption,
        )

    def map_picture(self, raffle: Raffle, numbers: range, free: Sequence[int], size: int) -> MapPicture:
        """Return the picture of many numbers, as blocks. `free`: how many are free in each block of `size` numbers."""
        return MapPicture(
            title=raffle.title,
            subtitle=self._about_board(raffle, sum(free), numbers),
            first=numbers.start,
            last=numbers[-1],
            size=size,
            width=len(str(raffle.last_number)),
            free=tuple(free),
            some=self._("free: {count}"),
            full=self._("sold out"),
        )

    def _about_board(self, raffle: Raffle, available: int, numbers: range) -> str:
        """Return the line below the title of a picture: the price, or which part of the raffle it is."""
        is_whole = len(numbers) == raffle.layout.total
        about = self.money(raffle.unit_amount, raffle.currency) if is_whole else self._range(raffle, numbers)
        return f"{about} · {self._free(available, len(numbers))}"

    def _range(self, raffle: Raffle, numbers: range) -> str:
        """Return the first and the last of the numbers. Their hyphen keeps them on one line."""
        return NO_BREAK_HYPHEN.join(padded(number, raffle.last_number) for number in (numbers[0], numbers[-1]))

    def number_free(self, raffle: Raffle, free: Sequence[int], taken: Sequence[int]) -> Reply:
        """Say which of the numbers that somebody asked about are free. Nothing is held by asking."""
        lines = [
            self.n_("{numbers} is free.", "{numbers} are free.", len(free)).format(numbers=self._numbers(raffle, free))
        ]
        if taken:
            listed = self._numbers(raffle, taken)
            lines.append(self.n_("{numbers} is taken.", "{numbers} are taken.", len(taken)).format(numbers=listed))
        lines.append(self.n_("Shall I hold it for you?", "Shall I hold them for you?", len(free)))
        buttons = [
            Choice(
                id=pick_number_choice(raffle.id, number),
                title=self._("Number {number}").format(number=padded(number, raffle.last_number)),
            )
            for number in free[:3]
        ]
        all_of_them = pick_numbers_choice(raffle.id, free)
        if len(free) > 1 and len(all_of_them) <= limits.BUTTON_ID:
            buttons.insert(0, Choice(id=all_of_them, title=self._("Yes, please")))
        return Reply(name=ReplyName.NUMBER_FREE, text="\n".join(lines), buttons=buttons[:3])

    def how_to_pay(self, raffle: Raffle | None, held: Order | None = None) -> Reply:
        """Say how one pays, to somebody who has confirmed nothing yet. `held`: an order that waits for their yes."""
        _ = self._
        first = (
            _("Choose your numbers and tap *Confirm*: then I tell you how to pay, and the code to write with it.")
            if held is None
            else _("Tap *Confirm* first: then I tell you how to pay, and the code to write with it.")
        )
        lines = [first]
        if raffle is not None and raffle.payment_instructions:
            instructions = raffle.payment_instructions.replace("`", "")
            lines += ["", _("In this raffle:"), shorten(instructions, BODY_LIMIT // 2)]
        lines += ["", _("Then send a *photo or PDF* of the payment here.")]
        buttons = self._menu_buttons()[:2] if held is None else self._confirm_buttons(held)
        return Reply(name=ReplyName.HOW_TO_PAY, text="\n".join(lines), buttons=buttons)

    def other_way_to_pay(self, raffle: Raffle, order: Order | None) -> Reply:
        """Say what is known about paying to somebody who asks for a way that the raffle does not name.

        Args:
            order: one that waits for its payment.
        """
        is_confirmed = order is not None and order.status is not OrderStatus.DRAFT
        instructions = shorten(raffle.payment_instructions.replace("`", ""), BODY_LIMIT // 2)
        lines = [
            self._("I don't know whether you can pay like that. This is what I have for *{title}*:").format(
                title=raffle.title
            ),
            instructions or self._("The organisers will tell you how to pay."),
            "",
            self._("For another way, ask an organiser: tap *Talk to a person*."),
        ]
        how = Choice(id=confirm_order_choice(order.id), title=self._("How to pay")) if order is not None else None
        return Reply(
            name=ReplyName.PAYMENT_PENDING if is_confirmed else ReplyName.HOW_TO_PAY,
            text="\n".join(lines),
            buttons=(self._person_button(), how or self._menu_buttons()[1]),
        )

    def hold_time(self, raffle: Raffle) -> Reply:
        """Say how long numbers are held, to somebody who has chosen none yet."""
        text = (
            self._("There is no time limit.")
            if raffle.hold_minutes is None
            else self.n_(
                "Once you have chosen, I hold your numbers for {minutes} minute, so that you can confirm and pay.",
                "Once you have chosen, I hold your numbers for {minutes} minutes, so that you can confirm and pay.",
                raffle.hold_minutes,
            ).format(minutes=raffle.hold_minutes)
        )
        return Reply(name=ReplyName.HELP, text=f"*{raffle.title}*\n{text}", buttons=self._random_buttons(raffle))

    def prize(self, raffle: Raffle, *, asks: bool) -> Reply:
        """Say what one can win, with the picture. `asks`: whether to ask for numbers."""
        facts = [self._("Prize: {prize}").format(prize=raffle.prize) if raffle.prize else "", raffle.description]
        about = shorten("\n".join(filter(None, facts)), BODY_LIMIT // 2)
        return self._about_raffle(raffle, [about], asks=asks, header=_picture_of(raffle))

    def price(self, raffle: Raffle, quantity: int | None, *, asks: bool) -> Reply:
        """Say what a number costs, or so many. `asks`: whether to ask for numbers."""
        facts = [self._("Price: {price} a number").format(price=self.money(raffle.unit_amount, raffle.currency))]
        if quantity is not None:
            amount = self.money(raffle.unit_amount * quantity, raffle.currency)
            facts.append(self._("{quantity} numbers: {amount}").format(quantity=quantity, amount=amount))
        return self._about_raffle(raffle, facts, asks=asks)

    def _about_raffle(
        self, raffle: Raffle, facts: Sequence[str], *, asks: bool, header: StoredFile | None = None
    ) -> Reply:
        ask = self._("Which numbers would you like? For example *5, 12, 99*, *5-10* or *random 3*.")
        text = "\n".join(filter(None, (f"*{raffle.title}*", *facts, ask if asks else "")))
        buttons = self._random_buttons(raffle) if asks else self._menu_buttons()[1:2]
        return Reply(name=ReplyName.RAFFLE, text=text, buttons=buttons, header=header)

    def draw_date(self, on_sale: Sequence[Raffle], now: datetime) -> Reply:
        """Say when the draw is, as far as the raffles, or else their descriptions, say it."""
        room = BODY_LIMIT // (2 * max(len(on_sale), 1))
        said = [
            f"*{shorten(raffle.title, room)}*\n{shorten(about, room)}"
            for raffle in on_sale
            if (about := self._about_draw(raffle, now))
        ]
        if not said or any(raffle.draws_at is None for raffle in on_sale):
            said.append(self._("Is the day of the draw not there? A person can tell you."))
        text = shorten("\n\n".join(said), BODY_LIMIT)
        return Reply(name=ReplyName.DRAW_DATE, text=text, buttons=(self._person_button(), *self._menu_buttons()[:2]))

    def _about_draw(self, raffle: Raffle, now: datetime) -> str:
        if raffle.draws_at is None:
            return raffle.draw_method or raffle.description
        day = self._("Draw: {time}").format(time=self._moment(raffle.draws_at, raffle.time_zone, now))
        return "\n".join(filter(None, (day, raffle.draw_method)))

    def draw_result(self, raffle: Raffle | None, now: datetime) -> Reply:
        """Say when the draw is, in the raffle at hand, and who tells what came of it."""
        day = self._about_draw(raffle, now) if raffle is not None and raffle.draws_at is not None else ""
        lines = (
            f"*{raffle.title}*" if raffle is not None and day else "",
            day,
            self._("The organisers announce the winning number after the draw, and get in touch with whoever won."),
            self._("Write *my orders* to see your numbers, or ask a person."),
        )
        buttons = (self._person_button(), self._menu_buttons()[1])
        return Reply(name=ReplyName.DRAW_RESULT, text="\n".join(filter(None, lines)), buttons=buttons)

    def _availability(self, board: Board) -> str:
        counts = board.availability
        return self._free(counts.available, counts.total) if counts.available else self._("sold out")

    def _free(self, available: int, total: int) -> str:
        return self._("{available} of {total} free").format(available=self.count(available), total=self.count(total))

    def raffle(self, board: Board, now: datetime) -> Reply:
        """Show a raffle and ask for numbers."""
        _ = self._
        raffle = board.raffle
        first, last = padded(raffle.first_number, raffle.last_number), padded(raffle.last_number, raffle.last_number)
        facts = [
            _("Prize: {prize}").format(prize=raffle.prize) if raffle.prize else "",
            _("Price: {price} a number").format(price=self.money(raffle.unit_amount, raffle.currency)),
            _("Numbers: {first} to {last}, {free}").format(first=first, last=last, free=self._availability(board)),
        ]
        if raffle.max_per_contact is not None:
            facts.append(_("At most {most} for each person").format(most=raffle.max_per_contact))
        for fact in self._facts(raffle, now):
            if sum(len(known) + 1 for known in (*facts, fact)) <= FACTS_LIMIT:
                facts.append(fact)
        ask = _("Which numbers would you like? For example *5, 12, 99*, *5-10* or *random 3*.")
        after = "\n".join(["", *filter(None, facts), "", ask])
        title = f"*{raffle.title}*"
        description = shorten(raffle.description, BODY_LIMIT - len(title) - len(after) - len("\n\n"))
        text = "\n".join(filter(None, (title, description))) + "\n" + after
        buttons = (
            *self._random_buttons(raffle),
            Choice(id=RAFFLES_CHOICE, title=_("Other raffles")),
        )
        return Reply(name=ReplyName.RAFFLE, text=text, buttons=buttons, header=_picture_of(raffle))

    def greet(self, raffle: Raffle) -> Reply:
        """Greet back who has opened a raffle, and ask for numbers."""
        text = self._("Hello! Which numbers would you like in *{raffle}*? For example *5, 12, 99* or *random 3*.")
        buttons = (*self._random_buttons(raffle), Choice(id=RAFFLES_CHOICE, title=self._("Other raffles")))
        return Reply(name=ReplyName.RAFFLE, text=text.format(raffle=raffle.title), buttons=buttons)

    def _facts(self, raffle: Raffle, now: datetime) -> Iterator[str]:
        """Yield what else a buyer may want to know of a raffle, a line for each fact, the most important first."""
        _ = self._
        if raffle.draws_at is not None:
            yield _("Draw: {time}").format(time=self._moment(raffle.draws_at, raffle.time_zone, now))
        if raffle.organiser is not None:
            yield _("Organised by: {name}").format(name=raffle.organiser.name)
        if raffle.minimum_age is not None:
            yield _("Only for people aged {age} or over").format(age=raffle.minimum_age)
        if raffle.permit is not None:
            yield _("Permit: {number} ({authority})").format(
                number=raffle.permit.number, authority=raffle.permit.authority
            )
        if raffle.rules_url is not None:
            yield _("Rules: {url}").format(url=raffle.rules_url)

    def answer(self, answer: str) -> Reply:
        """Say what the organisers answer to a question of a buyer."""
        return Reply(name=ReplyName.ANSWER, text=answer)

    def raffle_not_on_sale(self) -> Reply:
        return Reply(
            name=ReplyName.NOT_ON_SALE,
            text=self._("This raffle is not on sale just now."),
            buttons=self._menu_buttons()[:2],
        )

    def sold_out(self, raffle: Raffle) -> Reply:
        text = self._("*{title}* is sold out, sorry.").format(title=raffle.title)
        return Reply(name=ReplyName.SOLD_OUT, text=text, buttons=self._menu_buttons()[:2])

    # Choosing numbers

    def unclear(self, raffle: Raffle, unclear: Unclear, most: int) -> Reply:
        _ = self._
        first, last = padded(raffle.first_number, raffle.last_number), padded(raffle.last_number, raffle.last_number)
        name = ReplyName.ASK_NUMBERS
        match unclear.reason:
            case Unclarity.TOO_MANY:
                name = ReplyName.TOO_MANY
                text = _("That is too many: at most {most} numbers in one order.").format(most=most)
            case Unclarity.OUT_OF_RANGE:
                name = ReplyName.OUT_OF_RANGE
                text = _("The numbers go from {first} to {last}; not: {numbers}").format(
                    first=first, last=last, numbers=unclear.fragment or "?"
                )
            case Unclarity.QUANTITY:
                text = _("Do you mean the number {number}, or any {number} numbers?").format(number=unclear.fragment)
                quantity = int(unclear.fragment)
                buttons = (
                    Choice(
                        id=pick_number_choice(raffle.id, quantity), title=_("Number {number}").format(number=quantity)
                    ),
                    Choice(id=pick_random_choice(raffle.id, quantity), title=_("Any {number}").format(number=quantity)),
                )
                return Reply(name=ReplyName.ASK_QUANTITY, text=text, buttons=buttons)
            case Unclarity.DOUBTFUL if (part := plain(unclear.fragment)) and re.search("[0-9]", part):
                text = _("I am not sure which numbers you mean by “{part}”.").format(part=part)
            case _:
                text = _("Sorry, I didn't get that.")
                ask = _("You can write numbers, like *5, 12, 99* or *random 3*, ask me something, or talk to a person.")
                offered = (*self._random_buttons(raffle), self._person_button())
                return Reply(name=name, text=f"{text}\n{ask}", buttons=offered)
        ask = _("Please write just the numbers, like *5, 12, 99*, or *random 3*.")
        return Reply(name=name, text=f"{text}\n{ask}", buttons=self._random_buttons(raffle))

    def _random_buttons(self, raffle: Raffle) -> tuple[Choice, ...]:
        return (
            Choice(id=pick_random_choice(raffle.id, 1), title=self._("Random 1")),
            Choice(id=pick_random_choice(raffle.id, 3), title=self._("Random 3")),
        )

    def held(self, raffle: Raffle, order: Order, now: datetime) -> Reply:
        _ = self._
        text = "\n".join(
            (
                self.n_("I am holding this number for you:", "I am holding these numbers for you:", order.quantity),
                f"*{self._numbers(raffle, order.numbers)}*",
                self._until(raffle, order.reserved_until, now),
                _("Total: *{amount}*").format(amount=self.money(order.amount, order.currency)),
                "",
                _("Shall I confirm your order {code}?").format(code=order.id),
            )
        )
        return Reply(
            name=ReplyName.HELD, text=text, buttons=self._confirm_buttons(order), useful_until=order.reserved_until
        )

    def ask_age(self, raffle: Raffle, age: int, choice: str) -> Reply:
        """Ask whether they are as old as buyers of a raffle must be (H16)."""
        text = self._("*{raffle}* is for people of {age} or older. Are you {age} or older?")
        buttons = (
            Choice(id=choice, title=self._("Yes, I am {age}+").format(age=age)),
            Choice(id=RAFFLES_CHOICE, title=self._("No")),
        )
        return Reply(name=ReplyName.ASK_AGE, text=text.format(raffle=raffle.title, age=age), buttons=buttons)

    def too_young(self, raffle: Raffle, age: int) -> Reply:
        """Refuse kindly who is younger than buyers of a raffle must be (H16)."""
        text = self._(
            "Thank you for telling me. *{raffle}* is only for people of {age} or older: I can't hold numbers for you."
        )
        return Reply(
            name=ReplyName.HOLD_LIMITED,
            text=text.format(raffle=raffle.title, age=age),
            buttons=(self._menu_buttons()[0], self._person_button()),
        )

    def _confirm_buttons(self, order: Order) -> tuple[Choice, ...]:
        return (
            Choice(id=confirm_order_choice(order.id), title=self._("Confirm")),
            Choice(id=change_order_choice(order.id), title=self._("Change")),
            Choice(id=cancel_order_choice(order.id), title=self._("Cancel")),
        )

    def _payment_buttons(self, order: Order, text: str) -> tuple[Choice, ...]:
        """Return what one can tap while an order waits for its payment; nothing if the text is too long for buttons."""
        if len(text) > limits.BODY:
            return ()
        more_time = Choice(id=more_time_choice(order.id), title=self._("More time"))
        cancel = Choice(id=cancel_order_choice(order.id), title=self._("Cancel"))
        has_time = order.reserved_until is None or order.extended_at is not None
        return (*(() if has_time else (more_time,)), cancel, self._person_button())

    def _waiting_for_payment(self, name: ReplyName, order: Order, text: str) -> Reply:
        buttons = self._payment_buttons(order, text)
        return Reply(name=name, text=text, buttons=buttons, useful_until=order.reserved_until)

    def order_changed(self, raffle: Raffle, order: Order, now: datetime) -> Reply:
        """Say which numbers an order has after a change (H15), and what is due."""
        is_held = order.status is OrderStatus.DRAFT
        ask = (
            self._("Shall I confirm your order {code}?")
            if is_held
            else self._("Order *{code}* is waiting for your payment.")
        )
        lines = (
            self.n_("Your order now has this number:", "Your order now has these numbers:", order.quantity),
            f"*{self._numbers(raffle, order.numbers)}*",
            self._until(raffle, order.reserved_until, now),
            self._("Total: *{amount}*").format(amount=self.money(order.amount, order.currency)),
            "",
            ask.format(code=order.id),
        )
        text = "\n".join(lines)
        if not is_held:
            return self._waiting_for_payment(ReplyName.HELD, order, text)
        buttons = self._confirm_buttons(order)
        return Reply(name=ReplyName.HELD, text=text, buttons=buttons, useful_until=order.reserved_until)

    def not_in_order(self, raffle: Raffle, order: Order, missing: Sequence[int]) -> Reply:
        """Say which numbers can't be removed, since the order does not have them (H15)."""
        lines = (
            self.n_(
                "{numbers} is not in your order, so I have changed nothing.",
                "{numbers} are not in your order, so I have changed nothing.",
                len(missing),
            ).format(numbers=self._numbers(raffle, missing)),
            self._("You have order {code}: {numbers}.").format(
                code=order.id, numbers=self._numbers(raffle, order.numbers)
            ),
        )
        return Reply(name=ReplyName.ASK_CHANGE, text="\n".join(lines))

    def taken(
        self,
        raffle: Raffle,
        refusal: NumbersTaken,
        nearest: Sequence[int],
        now: datetime,
        *,
        has_order: bool = False,
    ) -> Reply:
        """Say which numbers are taken, when held ones may come free, and which free ones are nearest (H8).

        Args:
            has_order: the numbers were wanted for an order, which stays as it is.
        """
        _ = self._
        others = {number: moment for number, moment in refusal.until.items() if number not in refusal.own}
        lines = []
        if others:
            lines.append(self.n_("This number is taken:", "These numbers are taken:", len(others)))
            lines.append(f"*{self._numbers(raffle, sorted(others))}*")
        if refusal.own:
            yours = self._numbers(raffle, sorted(refusal.own))
            lines.append(_("Already yours: {numbers} (see *my orders*).").format(numbers=yours))
        soonest = min((moment for moment in others.values() if moment is not None), default=None)
        if soonest is not None:
            when = self._moment(soonest, raffle.time_zone, now)
            lines.append(_("If it is not paid, it may come free after {time}.").format(time=when))
        if nearest:
            lines.append(_("Free nearby: {numbers}").format(numbers=self._numbers(raffle, nearest)))
        if has_order:
            lines.append(_("Your order is as it was before."))
            return Reply(name=ReplyName.TAKEN, text="\n".join(lines))
        lines.append(_("Nothing is held yet. Which numbers would you like?"))
        return Reply(name=ReplyName.TAKEN, text="\n".join(lines), buttons=self._random_buttons(raffle))

    def too_few_free(self, raffle: Raffle, refusal: TooFewFree) -> Reply:
        if not refusal.free:
            return self.sold_out(raffle)
        text = self.n_("Only {free} number is free.", "Only {free} numbers are free.", refusal.free)
        ask = self._("How many would you like?")
        return Reply(
            name=ReplyName.TOO_FEW_FREE,
            text=f"{text.format(free=refusal.free)} {ask}",
            buttons=self._random_buttons(raffle)[:1],
        )

    def too_many_for_contact(self, refusal: TooManyForContact) -> Reply:
        text = self._("In this raffle each person may have at most {most} numbers, and you have {has}.")
        return Reply(
            name=ReplyName.TOO_MANY,
            text=text.format(most=refusal.most, has=refusal.has),
            buttons=self._menu_buttons()[:2],
        )

    def hold_limited(self, raffle: Raffle, refusal: HoldLimited, now: datetime) -> Reply:
        """Say why nothing more is held for somebody who has not paid yet (H9 to H12)."""
        _ = self._
        match refusal.limit:
            case HoldLimit.ORDERS:
                text = self.n_(
                    "You already have {has} unpaid order in this raffle. Once it is paid or over, you can choose more.",
                    "You already have {has} unpaid orders in this raffle. "
                    "Once one of them is paid or over, you can choose more.",
                    refusal.has,
                ).format(has=refusal.has)
            case HoldLimit.NUMBERS if refusal.has:
                text = _(
                    "I can hold at most {most} unpaid numbers of this raffle for you, and you have {has}. "
                    "Once they are paid, you can choose more."
                ).format(most=refusal.most, has=refusal.has)
            case HoldLimit.NUMBERS:
                text = _("I can hold at most {most} unpaid numbers of this raffle for you.").format(most=refusal.most)
            case HoldLimit.WAIT if refusal.until is not None:
                text = _(
                    "Your last holds ended without a payment, so please wait a little. "
                    "You can choose numbers again from {time} on."
                ).format(time=self._moment(refusal.until, raffle.time_zone, now))
            case HoldLimit.BLOCKED:
                return self.blocked()
            case _:
                text = _(
                    "A lot of numbers are being held just now, so I can't hold more for first-time buyers. "
                    "Please try again in a few minutes, or write *human* to talk to a person."
                )
        return Reply(name=ReplyName.HOLD_LIMITED, text=text, buttons=self._menu_buttons()[1:])

    def blocked(self) -> Reply:
        text = self._("I can't sell you numbers here. Please talk to the organisers if you think this is a mistake.")
        return Reply(name=ReplyName.BLOCKED, text=text)

    # Orders

    def still_held(self, raffle: Raffle, order: Order, now: datetime) -> Reply:
        text = self._("Order {code} is waiting for your OK.").format(code=order.id)
        return Reply(
            name=ReplyName.ASK_CONFIRMATION,
            text=f"{text}\n{self._summary(raffle, order, now)}",
            buttons=self._confirm_buttons(order),
            useful_until=order.reserved_until,
        )

    def reminder(self, raffle: Raffle, order: Order, now: datetime) -> Reply:
        """Remind the contact, shortly before the hold ends, to confirm or pay."""
        text = "\n".join((self._("Your hold ends soon."), self._summary(raffle, order, now)))
        if order.status is OrderStatus.DRAFT:
            confirm, change, cancel = self._confirm_buttons(order)
            more_time = Choice(id=more_time_choice(order.id), title=self._("More time"))
            return Reply(
                name=ReplyName.REMINDER,
                text=text,
                buttons=(confirm, more_time if order.extended_at is None else change, cancel),
                useful_until=order.reserved_until,
            )
        ask = self._("Send a photo or PDF of the payment here to keep your numbers. The order code is *{code}*.")
        return self._waiting_for_payment(ReplyName.REMINDER, order, f"{text}\n{ask.format(code=order.id)}")

    def payment_instructions(self, raffle: Raffle, order: Order, now: datetime, *, again: bool = False) -> Reply:
        """Say how to pay and ask for a proof.

        Args:
            again: whether the contact has read this before.
        """
        _ = self._
        first = _("Order *{code}* is waiting for your payment.") if again else _("Done! Your order code is *{code}*.")
        lines = [
            first.format(code=order.id),
            self._summary(raffle, order, now),
            "",
            *([raffle.payment_text] if raffle.payment_text else []),
            *([_("The part to copy is in the next message. 👇")] if raffle.payment_account is not None else []),
            *([""] if raffle.payment_text or raffle.payment_account is not None else []),
            *([_("The organisers will tell you how to pay."), ""] if not raffle.payment_instructions else []),
            _("Write the code {code} in your payment if you can.").format(code=order.id),
            _("Then send a *photo or PDF* of the payment here."),
        ]
        name = ReplyName.PAYMENT_PENDING if again else ReplyName.PAYMENT_INSTRUCTIONS
        return self._waiting_for_payment(name, order, "\n".join(lines))

    def ask_for_proof(self, raffle: Raffle, order: Order, now: datetime) -> Reply:
        """Ask somebody who has paid for a photo or PDF of the payment."""
        lines = (
            self._("Great! Please send a *photo or PDF* of the payment here, so that an organiser can check it."),
            self._summary(raffle, order, now),
            self._("The order code is *{code}*.").format(code=order.id),
        )
        text = "\n".join(lines)
        how = Choice(id=confirm_order_choice(order.id), title=self._("How to pay"))
        buttons = (how, *self._payment_buttons(order, text)[-2:])
        return Reply(name=ReplyName.PAYMENT_PENDING, text=text, buttons=buttons, useful_until=order.reserved_until)

    def payment_account(self, raffle: Raffle, order: Order) -> Reply | None:
        """Return the account or key alone, in a message of its own that can be copied. None if none is marked."""
        account = raffle.payment_account
        if account is None:
            return None
        return Reply(name=ReplyName.PAYMENT_ACCOUNT, text=account, useful_until=order.reserved_until)

    def in_review(self, raffle: Raffle, order: Order, *, opted_out: bool = False) -> Reply:
        _ = self._
        lines = (
            _("Thank you, I have your payment proof for order *{code}*.").format(code=order.id),
            _("Your numbers are safe while an organiser checks it: {numbers}").format(
                numbers=self._numbers(raffle, order.numbers)
            ),
            self._how_to_opt_in() if opted_out else _("You will hear from us here."),
        )
        return Reply(name=ReplyName.IN_REVIEW, text="\n".join(lines))

    def proof_kept(self, raffle: Raffle, order: Order, now: datetime) -> Reply:
        """Say that the proof is kept, but does not stop the clock, since another order is in review (H10)."""
        lines = (
            self._("Thank you, I keep your payment proof for order *{code}*.").format(code=order.id),
            self._("While another payment of yours is being checked, I can't hold these numbers longer."),
            self._until(raffle, order.reserved_until, now),
            self._("An organiser has been told about both."),
        )
        return Reply(name=ReplyName.PROOF_KEPT, text="\n".join(lines))

    def _how_to_opt_in(self) -> str:
        return self._("You asked for no messages: write *START* to hear when it is checked, or *my orders* to see it.")

    def being_checked(self, order: Order) -> Reply:
        lines = (
            self._("Your payment for order *{code}* is being checked. You will hear from us here.").format(
                code=order.id
            ),
            self._("Sent the wrong picture? You can still send another one."),
        )
        buttons = (self._menu_buttons()[1], self._person_button())
        return Reply(name=ReplyName.IN_REVIEW, text="\n".join(lines), buttons=buttons)

    def cannot_change(self, order: Order) -> Reply:
        """Say that the numbers of an order stay as they are while its payment is checked (H15)."""
        text = self._(
            "While your payment for order *{code}* is being checked, I can't change its numbers. A person can help you."
        )
        buttons = (self._person_button(), self._menu_buttons()[1])
        return Reply(name=ReplyName.IN_REVIEW, text=text.format(code=order.id), buttons=buttons)

    def was_cancelled(self, order: Order) -> Reply:
        text = self._("Order {code} was cancelled. You can choose numbers again.")
        return Reply(name=ReplyName.CANCELLED, text=text.format(code=order.id), buttons=self._menu_buttons()[:2])

    def welcome(self) -> Reply:
        return Reply(name=ReplyName.WELCOME, text=self._("You are welcome!"), buttons=self._menu_buttons()[:2])

    def proof_for_cancelled_order(self, order: Order) -> Reply:
        text = self._("Order *{code}* was cancelled, so its numbers are not held. An organiser will look at your file.")
        return Reply(name=ReplyName.PROOF_LATE, text=text.format(code=order.id), buttons=self._menu_buttons()[:2])

    def proof_too_late(self, raffle: Raffle, order: Order, gone: Sequence[int]) -> Reply:
        _ = self._
        lines = [
            _("Your payment proof for order *{code}* came after the hold had ended.").format(code=order.id),
            _("Meanwhile somebody else has: {numbers}").format(numbers=self._numbers(raffle, gone)) if gone else "",
            self._proof_is_kept(),
        ]
        lines = [line for line in lines if line]
        return Reply(
            name=ReplyName.PROOF_LATE,
            text="\n".join(lines),
            template=self._template(templates.PAYMENT_LATE, raffle, order),
        )

    def late_waits(self, order: Order) -> Reply:
        """Say that an order waits for an organiser to settle it, whatever made it LATE: nothing keeps that."""
        lines = (
            self._("Order *{code}* has no numbers any more.").format(code=order.id),
            self._proof_is_kept(),
        )
        return Reply(name=ReplyName.PROOF_LATE, text="\n".join(lines))

    def no_order_for_proof(self) -> Reply:
        text = self._("I can't see an order of yours that is waiting for a payment. Which one is it for?")
        return Reply(name=ReplyName.NO_ORDER, text=text, buttons=self._menu_buttons())

    def file_kept(self) -> Reply:
        """Say that a file is kept although no order waits for one."""
        text = self._(
            "Thank you. I can't see an order of yours that is waiting for a payment, "
            "so I have kept your file for the organisers."
        )
        return Reply(name=ReplyName.NO_ORDER, text=text, buttons=(self._menu_buttons()[0], self._person_button()))

    def file_of_paid_order(self, order: Order) -> Reply:
        """Say that a file is kept with an order that needs none any more."""
        text = (
            self._("Order *{code}* is paid already. I have kept your file for the organisers.")
            if order.status is OrderStatus.PAID
            else self._("Order *{code}* was paid back. I have kept your file for the organisers.")
        )
        return Reply(
            name=ReplyName.FILE_KEPT,
            text=text.format(code=order.id),
            buttons=(self._menu_buttons()[0], self._person_button()),
        )

    def proof_refused(self) -> Reply:
        return Reply(
            name=ReplyName.FILE_REFUSED,
            text=self._("I can only take a photo (JPEG, PNG, WebP) or a PDF of up to 16 MB. Please send one of those."),
        )

    def photo_format_unknown(self) -> Reply:
        """Say how to send a photo that came as a file in the phone's own format (HEIC)."""
        lines = (
            self._("I can't open this kind of photo (HEIC)."),
            self._("Please send it from your gallery as a photo, not as a document. A screenshot of it is fine, too."),
        )
        return Reply(name=ReplyName.FILE_REFUSED, text="\n".join(lines))

    def file_too_large(self) -> Reply:
        lines = (
            self._("That file is too large for me: I can take up to 16 MB."),
            self._("Please send a photo or a screenshot of the receipt instead."),
        )
        return Reply(name=ReplyName.FILE_REFUSED, text="\n".join(lines))

    def enough_files(self, order: Order, most: int) -> Reply:
        text = self._("I have {most} files for order {code} already. An organiser will look at them.")
        return Reply(name=ReplyName.FILE_REFUSED, text=text.format(most=most, code=order.id))

    def too_many_files(self, most: int) -> Reply:
        text = self._("That is more than {most} files today, so I have not taken this one. Please send it tomorrow.")
        return Reply(name=ReplyName.FILE_REFUSED, text=text.format(most=most))

    def proof_not_fetched(self) -> Reply:
        return Reply(
            name=ReplyName.FILE_LOST,
            text=self._("I could not fetch your file from WhatsApp. Please send it again, as a photo or a small PDF."),
        )

    def payment_confirmed(self, raffle: Raffle, order: Order, name: str) -> Reply:
        """Say that the payment is confirmed, with the ticket. `name`: the buyer's."""
        _ = self._
        lines = (
            _("Your payment for order *{code}* is confirmed. Thank you!").format(code=order.id),
            self.n_("Your number in *{title}*:", "Your numbers in *{title}*:", order.quantity).format(
                title=raffle.title
            ),
            f"*{self._numbers(raffle, order.numbers)}*",
            _("Good luck!"),
        )
        return Reply(
            name=ReplyName.PAID,
            text="\n".join(lines),
            template=self._confirmed_template(raffle, order),
            picture=self._ticket(raffle, order, name),
        )

    def _confirmed_template(self, raffle: Raffle, order: Order) -> Template:
        return self._template(templates.PAYMENT_CONFIRMED, raffle, order, draw=self._draw_day(raffle))

    def _draw_day(self, raffle: Raffle) -> str:
        if raffle.draws_at is None:
            return self._("to be announced")
        return self._day(raffle.draws_at, raffle.time_zone, with_year=True)

    def _ticket(self, raffle: Raffle, order: Order, name: str) -> TicketPicture:
        """Return the ticket of a paid order. Facts that are not known are left out.

        Who has chosen no name in WhatsApp has their phone number for one, which is nobody else's business.
        """
        _ = self._
        permit = raffle.permit
        facts = (
            (_("Name"), name if any(map(str.isalpha, name)) else ""),
            (_("Prize"), raffle.prize),
            (_("Draw"), self._draw_day(raffle) if raffle.draws_at is not None else ""),
            (_("Amount"), self.money(order.amount, order.currency)),
            (_("Organiser"), raffle.organiser.name if raffle.organiser is not None else ""),
            (_("Permit"), f"{permit.number} ({permit.authority})" if permit is not None else ""),
        )
        return TicketPicture(
            title=raffle.title,
            status=_("Paid"),
            numbers=tuple(padded(number, raffle.last_number) for number in order.numbers),
            facts=tuple((label, fact) for label, fact in facts if fact),
            code=order.id,
            hint=_("Scan it, or send us this code: we tell you whether the ticket is valid."),
        )

    def proof_rejected(self, raffle: Raffle, order: Order, now: datetime, *, again: bool = False) -> Reply:
        """Say why the proof was rejected and until when to send another one (P2).

        Args:
            again: they heard it before, and say that they have paid.
        """
        _ = self._
        reason = _as_sentence_end(order.rejected_reason)
        lines = (
            _("I could not accept your payment proof for order *{code}*: {reason}.").format(
                code=order.id, reason=reason
            ),
            f"{raffle.title}: {self._numbers(raffle, order.numbers)}",
            self._until(raffle, order.reserved_until, now),
            _("Please send another *photo or PDF* of the payment here."),
            *([_("Was it right? An organiser can look again: tap *Talk to a person*.")] if again else []),
        )
        text = "\n".join(lines)
        how = Choice(id=confirm_order_choice(order.id), title=self._("How to pay"))
        offered = self._payment_buttons(order, text)
        buttons = (how, offered[0], offered[-1]) if offered else ()
        # A template may be read on another day.
        until = order.reserved_until
        day = self._day(until, raffle.time_zone) if until is not None else self._("not limited")
        template = self._template(templates.PROOF_REJECTED, raffle, order, reason=reason, until=day)
        return Reply(name=ReplyName.PROOF_REJECTED, text=text, buttons=buttons, template=template)

    def last_proof_rejected(self, raffle: Raffle, order: Order) -> Reply:
        """Say that the order is over because too many of its proofs were rejected (P10)."""
        _ = self._
        reason = _as_sentence_end(order.rejected_reason)
        lines = (
            _("I could not accept your payment proof for order *{code}* either: {reason}.").format(
                code=order.id, reason=reason
            ),
            _("So the order is over, and its numbers are free again: {numbers}").format(
                numbers=self._numbers(raffle, order.numbers)
            ),
            _("If you have paid, please write *human*, and an organiser will help you."),
        )
        template = self._template(templates.LAST_PROOF_REJECTED, raffle, order, reason=reason)
        return Reply(name=ReplyName.PROOF_REJECTED, text="\n".join(lines), template=template)

    def not_checked_in_time(self, raffle: Raffle, order: Order) -> Reply:
        """Say that the numbers are free although nobody has looked at the proof, which is kept (P5)."""
        lines = (
            self._("Nobody could check your payment for order *{code}* in time, so its numbers are free again.").format(
                code=order.id
            ),
            self._proof_is_kept(),
        )
        return Reply(
            name=ReplyName.NOT_CHECKED,
            text="\n".join(lines),
            template=self._template(templates.NOT_CHECKED, raffle, order),
        )

    def _proof_is_kept(self) -> str:
        return self._("Your proof is kept. An organiser will offer you other numbers or return your money.")

    def refunded(self, raffle: Raffle, order: Order) -> Reply:
        """Say how much money goes back, and why (P3, P5)."""
        _ = self._
        reason = _as_sentence_end(order.refund_reason)
        lines = (
            _("The money for your order *{code}* goes back to you: *{amount}*.").format(
                code=order.id, amount=self.money(order.amount, order.currency)
            ),
            _("The reason: {reason}.").format(reason=reason),
            f"{raffle.title}: {self._numbers(raffle, order.numbers)}",
            _("These numbers are not yours any more. Please write here if the money does not arrive."),
        )
        template = self._template(templates.ORDER_REFUNDED, raffle, order, reason=reason)
        return Reply(name=ReplyName.REFUNDED, text="\n".join(lines), template=template)

    def was_refunded(self, order: Order) -> Reply:
        text = self._("The money for order {code} goes back to you. You can choose numbers again.")
        return Reply(name=ReplyName.REFUNDED, text=text.format(code=order.id), buttons=self._menu_buttons()[:2])

    def reassigned(self, raffle: Raffle, order: Order, name: str) -> Reply:
        """Say which numbers a late order has now (P5), with the ticket if it is paid. `name`: the buyer's."""
        _ = self._
        is_paid = order.status is OrderStatus.PAID
        payment = _("Your payment is confirmed. Good luck!") if is_paid else _("Your payment is still being checked.")
        lines = (
            _("An organiser has found numbers for your late payment of order *{code}*.").format(code=order.id),
            self.n_("Your number in *{title}*:", "Your numbers in *{title}*:", order.quantity).format(
                title=raffle.title
            ),
            f"*{self._numbers(raffle, order.numbers)}*",
            payment,
        )
        template = (
            self._confirmed_template(raffle, order)
            if is_paid
            else self._template(templates.NUMBERS_CHANGED, raffle, order)
        )
        return Reply(
            name=ReplyName.REASSIGNED,
            text="\n".join(lines),
            template=template,
            picture=self._ticket(raffle, order, name) if is_paid else None,
        )

    def already_paid(self, raffle: Raffle, order: Order, name: str) -> Reply:
        """Say that an order is paid, with its ticket. `name`: the buyer's."""
        text = self._("Order *{code}* is paid, and your ticket is valid. Thank you!").format(code=order.id)
        return Reply(
            name=ReplyName.PAID,
            text=f"{text}\n{raffle.title}: *{self._numbers(raffle, order.numbers)}*",
            picture=self._ticket(raffle, order, name),
        )

    def ticket_valid(self, raffle: Raffle, order: Order) -> Reply:
        """Say that somebody else's ticket is valid (P13): with what the board shows, and nothing about the buyer."""
        lines = (
            self._("Ticket *{code}* is paid and valid.").format(code=order.id),
            f"{raffle.title}: *{self._numbers(raffle, order.numbers)}*",
            self._("Are other numbers on the ticket? Then somebody has changed it: please talk to a person."),
        )
        return Reply(
            name=ReplyName.TICKET, text="\n".join(lines), buttons=(self._person_button(), self._menu_buttons()[0])
        )

    def ticket_invalid(self, code: str) -> Reply:
        lines = (
            self._("*{code}* is not a valid ticket.").format(code=code),
            self._("If somebody gave it to you as one, please talk to a person."),
        )
        return Reply(
            name=ReplyName.TICKET, text="\n".join(lines), buttons=(self._person_button(), self._menu_buttons()[0])
        )

    def expired(self, raffle: Raffle, order: Order) -> Reply:
        text = self._("The time for order {code} is over, and its numbers are free again: {numbers}").format(
            code=order.id, numbers=self._numbers(raffle, order.numbers)
        )
        again = self._("If you have paid already, send the proof here. Otherwise you can choose again.")
        buttons = (Choice(id=open_raffle_choice(raffle.id), title=self._("Choose again")), *self._menu_buttons()[:1])
        template = self._template(templates.HOLD_EXPIRED, raffle, order)
        return Reply(name=ReplyName.EXPIRED, text=f"{text}\n{again}", buttons=buttons, template=template)

    def cancelled(self, raffle: Raffle, order: Order, *, by_organiser: bool = False) -> Reply:
        template = None
        if by_organiser:
            text = self._("An organiser has cancelled your order {code} ({numbers}).")
            template = self._template(templates.ORDER_CANCELLED, raffle, order)
        else:
            text = self._("Order {code} is cancelled, and its numbers are free again: {numbers}")
        text = text.format(code=order.id, numbers=self._numbers(raffle, order.numbers))
        return Reply(name=ReplyName.CANCELLED, text=text, buttons=self._menu_buttons()[:2], template=template)

    def ask_to_cancel(self, raffle: Raffle, order: Order) -> Reply:
        """Ask before cancelling an order that was not mentioned in the conversation."""
        text = self._("You have order {code}: {numbers}. Shall I cancel it?")
        text = text.format(code=order.id, numbers=self._numbers(raffle, order.numbers))
        buttons = (Choice(id=cancel_order_choice(order.id), title=self._("Cancel it")), self._menu_buttons()[1])
        return Reply(name=ReplyName.ASK_CANCEL, text=text, buttons=buttons)

    def ask_change(self, raffle: Raffle, order: Order) -> Reply:
        """Say how the numbers of an order can be changed (H15), if none is named that a button could offer."""
        _ = self._
        own = self._numbers(raffle, order.numbers[:1])
        few = range(raffle.first_number, min(raffle.last_number, raffle.first_number + MAX_NUMBERS) + 1)
        others = [number for number in few if number not in order.numbers]
        how = _("Write, for example, “add number {other}”, “remove number {own}” or “change {own} for {other}”.")
        lines = (
            _("You have order {code}: {numbers}.").format(code=order.id, numbers=self._numbers(raffle, order.numbers)),
            how.format(own=own, other=self._numbers(raffle, others[:1]))
            if others and not order.proofs
            else _("I am not sure what to change. Would you like to keep it, or cancel it and choose again?"),
        )
        cancel = Choice(id=cancel_order_choice(order.id), title=_("Cancel order"))
        keep = self._confirm_buttons(order)[0] if order.status is OrderStatus.DRAFT else self._menu_buttons()[1]
        return Reply(name=ReplyName.ASK_CHANGE, text="\n".join(lines), buttons=(keep, cancel, self._person_button()))

    def ask_numbers(self, raffle: Raffle, named: Sequence[int], choice: str) -> Reply:
        """Ask whether these numbers are wanted, since the rest of the message is not clear."""
        text = self.n_("Shall I hold number {numbers} for you?", "Shall I hold numbers {numbers} for you?", len(named))
        buttons = (Choice(id=choice, title=self._("Yes, please")), *self._random_buttons(raffle)[:1])
        return Reply(
            name=ReplyName.ASK_NUMBERS, text=text.format(numbers=self._numbers(raffle, named)), buttons=buttons
        )

    def unclear_about(self, raffle: Raffle, order: Order, now: datetime, *, question: str) -> Reply:
        """Say that a message was not understood, or a question not answered, and shortly what its order waits for.

        Args:
            question: what they asked; "" if it is none.
        """
        is_held = order.status is OrderStatus.DRAFT
        waits = (
            self._("Your order {code} is not confirmed yet.")
            if is_held
            else self._("Order *{code}* is waiting for your payment.")
        )
        unclear = f"{self._does_not_know()}\n" if question else self._("I did not understand that.")
        text = "\n".join((unclear, waits.format(code=order.id), self._summary(raffle, order, now)))
        if is_held:
            buttons = self._confirm_buttons(order)
            buttons = (*buttons[:2], self._person_button(question)) if question else buttons
            name = ReplyName.ASK_CONFIRMATION
        else:
            how = Choice(id=confirm_order_choice(order.id), title=self._("How to pay"))
            buttons = (how, *self._payment_buttons(order, text)[-2:-1], self._person_button(question))
            name = ReplyName.PAYMENT_PENDING
        return Reply(name=name, text=text, buttons=buttons, useful_until=order.reserved_until)

    def ask_swap(self, raffle: Raffle, order: Order, goes: Sequence[int], comes: int) -> Reply:
        """Ask which of the numbers `goes` is to be exchanged for the number `comes` (H15). At most three."""
        has = self._("You have order {code}: {numbers}.").format(
            code=order.id, numbers=self._numbers(raffle, order.numbers)
        )
        new = self._numbers(raffle, [comes])
        ask = self._("Instead of which one would you like {number}?").format(number=new)
        buttons = tuple(
            Choice(
                id=edit_choice(order.id, EditKind.SWAP, [number, comes]),
                title=self._("Instead of {number}").format(number=self._numbers(raffle, [number])),
            )
            for number in goes[: limits.BUTTONS]
        )
        if len(buttons) < limits.BUTTONS:
            add = Choice(
                id=edit_choice(order.id, EditKind.ADD, [comes]), title=self._("Add {number}").format(number=new)
            )
            buttons = (*buttons, add)
        return Reply(name=ReplyName.ASK_CHANGE, text=f"{has}\n{ask}", buttons=buttons)

    def ask_how_many_more(self, raffle: Raffle, order: Order, number: int) -> Reply:
        """Ask whether "add 2" means the number or so many (H15)."""
        text = self._("Shall I add the number {number}, or any {count} more?").format(
            number=self._numbers(raffle, [number]), count=number
        )
        buttons = (
            Choice(
                id=edit_choice(order.id, EditKind.ADD, [number]), title=self._("Number {number}").format(number=number)
            ),
            Choice(id=draw_more_choice(order.id, number), title=self._("Any {number}").format(number=number)),
        )
        return Reply(name=ReplyName.ASK_CHANGE, text=text, buttons=buttons)

    def ask_which_change(self, raffle: Raffle, order: Order, named: Sequence[int]) -> Reply:
        """Ask what is to become of numbers that were named in a doubtful change: buttons that do it (H15)."""
        numbers = self._numbers(raffle, named)
        has = self._("You have order {code}: {numbers}.").format(
            code=order.id, numbers=self._numbers(raffle, order.numbers)
        )
        is_one = len(named) == 1
        only = Choice(
            id=edit_choice(order.id, EditKind.ONLY, named),
            title=self._("Only {number}").format(number=numbers) if is_one else self._("Only these"),
        )
        if set(named) <= set(order.numbers):
            ask = self._("Shall I take out {numbers}, or keep only {numbers}?")
            title = self._("Take out {number}").format(number=numbers) if is_one else self._("Take these out")
            change = Choice(id=edit_choice(order.id, EditKind.REMOVE, named), title=title)
        else:
            ask = self._("Shall I add {numbers}, or would you like only {numbers}?")
            title = self._("Add {number}").format(number=numbers) if is_one else self._("Add these")
            change = Choice(id=edit_choice(order.id, EditKind.ADD, named), title=title)
        is_held = order.status is OrderStatus.DRAFT
        keep = (
            self._confirm_buttons(order)[0]
            if is_held
            else Choice(id=confirm_order_choice(order.id), title=self._("Leave it"))
        )
        text = f"{has}\n{ask.format(numbers=numbers)}"
        buttons = (change, only, keep) if set(named) != set(order.numbers) else (change, keep)
        return Reply(name=ReplyName.ASK_CHANGE, text=text, buttons=buttons)

    def ask_instead(self, raffle: Raffle, order: Order, number: int) -> Reply:
        """Ask which number is wanted instead of one. The number that they write next is the answer (H15)."""
        lines = (
            self._("You have order {code}: {numbers}.").format(
                code=order.id, numbers=self._numbers(raffle, order.numbers)
            ),
            self._("Which number would you like instead of {number}?").format(number=self._numbers(raffle, [number])),
        )
        cancel = Choice(id=cancel_order_choice(order.id), title=self._("Cancel order"))
        keep = Choice(id=confirm_order_choice(order.id), title=self._("Leave it"))
        is_held = order.status is OrderStatus.DRAFT
        buttons = (self._confirm_buttons(order)[0] if is_held else keep, cancel)
        return Reply(name=ReplyName.ASK_CHANGE, text="\n".join(lines), buttons=buttons)

    def ask_another(self, raffle: Raffle, order: Order, quantity: int | None) -> Reply:
        """Ask whether numbers at random are wanted instead of those held, or beside them.

        Args:
            quantity: how many they named; None: one more, or as many as they hold.
        """
        again, more = quantity or order.quantity, quantity or 1
        if more == 1:
            text = self._("Other numbers instead of {numbers}, or one more?")
        else:
            text = self._("Other numbers instead of {numbers}, or {more} more?")
        text = text.format(numbers=self._numbers(raffle, order.numbers), more=more)
        buttons = (
            Choice(id=draw_again_choice(order.id, again), title=self._("Other numbers")),
            Choice(
                id=draw_more_choice(order.id, more),
                title=self._("One more") if more == 1 else self._("{more} more").format(more=more),
            ),
            self._confirm_buttons(order)[0],
        )
        return Reply(name=ReplyName.ASK_CHANGE, text=text, buttons=buttons)

    def more_time(self, raffle: Raffle, order: Order, now: datetime) -> Reply:
        """Say that the numbers are held longer (H14), and who may give even more time."""
        lines = (
            self._("I've given you ten more minutes."),
            self._summary(raffle, order, now),
            self._("Do you need longer? An organiser may help: tap *Talk to a person*."),
        )
        return self._about_time(order, lines)

    def no_more_time(self, raffle: Raffle, order: Order, now: datetime) -> Reply:
        """Say how long the numbers are held. Only a person can give more time than once (H14)."""
        if order.reserved_until is None:
            lines: tuple[str, ...] = (self._summary(raffle, order, now), self._until(raffle, None, now))
        else:
            lines = (
                self._summary(raffle, order, now),
                self._("I can't hold them longer by myself, but an organiser may: tap *Talk to a person*."),
                self._("When the time is over, your numbers are free again, and you can choose again."),
            )
        return self._about_time(order, lines)

    def _about_time(self, order: Order, lines: Sequence[str]) -> Reply:
        is_extensible = order.reserved_until is not None and order.extended_at is None
        more = Choice(id=more_time_choice(order.id), title=self._("More time"))
        return Reply(
            name=ReplyName.MORE_TIME,
            text="\n".join(lines),
            buttons=(self._person_button(), more if is_extensible else self._menu_buttons()[1]),
            useful_until=order.reserved_until,
        )

    def nothing_to_cancel(self) -> Reply:
        return Reply(name=ReplyName.NO_ORDER, text=self._("There is no order to cancel."), buttons=self._menu_buttons())

    def cannot_cancel(self, order: Order) -> Reply:
        if order.status is OrderStatus.PAID:
            text = self._("Order {code} is paid. If something is wrong, write *human* to talk to a person.")
        elif order.status is OrderStatus.IN_REVIEW:
            text = self._("Your payment for order {code} is being checked, so only an organiser can cancel it.")
        else:
            text = self._("Order {code} is over already.")
        return Reply(name=ReplyName.CANNOT_CANCEL, text=text.format(code=order.id), buttons=self._menu_buttons()[:2])

    def orders(self, orders: Sequence[tuple[Raffle, Order]], now: datetime) -> Reply:
        if not orders:
            return Reply(
                name=ReplyName.ORDERS, text=self._("You have no orders yet."), buttons=self._menu_buttons()[:1]
            )
        parts = [
            f"*{order.id}* · {self._status(order)}\n{self._summary(raffle, order, now)}" for raffle, order in orders
        ]
        if any(order.status is OrderStatus.PAID for _, order in orders):
            parts.append(self._("Send me the code of a paid order, and I'll send its ticket again."))
        text = shorten("\n\n".join((self._("Your latest orders:"), *parts)), BODY_LIMIT)
        running = next((order for _, order in orders if order.status in RUNNING), None)
        buttons: tuple[Choice, ...] = ()
        if running is not None:
            confirm, _change, cancel = self._confirm_buttons(running)
            buttons = (confirm, cancel) if running.status is OrderStatus.DRAFT else (cancel,)
        return Reply(name=ReplyName.ORDERS, text=text, buttons=(*buttons, self._menu_buttons()[0]))

    def person_notified(self) -> Reply:
        text = self._("An organiser has been told that you would like to talk to a person, and will write to you.")
        return Reply(name=ReplyName.PERSON_CALLED, text=text, buttons=self._menu_buttons()[:2])

    def left_to_person(self) -> Reply:
        """Say that the organisers have been told, since the bot understands nothing of what comes (M8)."""
        text = self._("I can't work this out, so I have passed it on: a person will write to you here.")
        return Reply(name=ReplyName.PERSON_CALLED, text=text, buttons=self._menu_buttons()[:2])

    # Notices to organisers

    def person_wanted(self, name: str, phone: str | None, words: str, order_id: str | None) -> Reply:
        """Tell organisers that a contact wants to talk to a person.

        Args:
            phone: digits; None if WhatsApp does not show it to us.
            words: what they wrote; "" if they tapped.
            order_id: the order at hand.
        """
        text = self._("{name} would like to talk to a person.")
        return self._person_notice(text, name, phone, words, order_id)

    def person_wrote(self, name: str, phone: str | None, words: str, order_id: str | None) -> Reply:
        """Tell organisers that a contact wrote while the bot is paused (M6)."""
        text = self._("{name} has written, and waits for an answer from you.")
        return self._person_notice(text, name, phone, words, order_id)

    def file_came(self, name: str, phone: str | None, words: str, order_id: str | None) -> Reply:
        """Tell organisers that somebody sent a file that belongs to no order. `words`: its caption."""
        text = self._("{name} sent a file that belongs to no order. Please look.")
        return self._person_notice(text, name, phone, words, order_id)

    def person_unanswered(self, name: str, phone: str | None, words: str, order_id: str | None) -> Reply:
        """Tell organisers that the bot no longer answers a contact (M8)."""
        text = self._("{name} keeps writing what the bot does not understand. Please have a look.")
        return self._person_notice(text, name, phone, words, order_id)

    def _person_notice(self, text: str, name: str, phone: str | None, words: str, order_id: str | None) -> Reply:
        display_name = name or self._("somebody")
        quoted = plain(words)
        lines = [
            text.format(name=display_name),
            f"“{shorten(quoted, LONGEST_QUOTE)}”" if quoted else "",
            self._("Order *{code}*").format(code=order_id) if order_id is not None else "",
            self._address(phone),
        ]
        template = templates.PERSON_WANTED.filled(name=display_name, phone=f"+{phone}" if phone else "-")
        return Reply(name=ReplyName.NOTICE, text="\n".join(filter(None, lines)), template=template)

    def _address(self, phone: str | None) -> str:
        return f"https://wa.me/{phone}" if phone else self._("WhatsApp does not show us their number.")

    def payment_change(self, raffle: Raffle, change: PaymentChange) -> Reply:
        """Tell organisers that how buyers pay was changed, or that somebody wants to change it (O10)."""
        text = (
            self._("*{name}* changed how buyers of {title} pay.")
            if change.confirmed_by
            else self._("*{name}* wants to change how buyers of {title} pay. Another manager must confirm it.")
        ).format(name=self._people(change), title=raffle.title)
        before, after = _excerpts(change.replaces, change.payment_instructions, LONGEST_EXCERPT)
        lines = [
            text,
            "",
            self._("*Before:*"),
            before,
            "",
            self._("*After:*"),
            after,
            "",
            self._("Did you not expect this? Then revoke that token at once, and talk to each other."),
        ]
        before, after = _excerpts(change.replaces, change.payment_instructions, LONGEST_IN_TEMPLATE)
        template = templates.PAYMENT_CHANGE.filled(
            raffle=raffle.title, name=self._people(change), before=before, after=after
        )
        return Reply(name=ReplyName.NOTICE, text="\n".join(lines), template=template)

    def _people(self, change: PaymentChange) -> str:
        if change.confirmed_by in (None, change.proposed_by):
            return change.proposed_by
        return self._("{name} and {other}").format(name=change.proposed_by, other=change.confirmed_by)

    def proof_received(self, raffle: Raffle, order: Order, name: str) -> Reply:
        text = self._(
            "Payment proof for order *{code}*\n{title}: {numbers}\n{amount} from {name}\nPlease check it."
        ).format(
            code=order.id,
            title=raffle.title,
            numbers=self._numbers(raffle, order.numbers),
            amount=self.money(order.amount, order.currency),
            name=name or self._("somebody"),
        )
        template = self._template(templates.PROOF_CAME, raffle, order, name=name or self._("somebody"))
        return Reply(
            name=ReplyName.NOTICE,
            text="\n".join(filter(None, (text, self._file_count(order), self._similar_proof(order)))),
            buttons=self._decision_buttons(order),
            header=_newest_proof(order),
            template=template,
        )

    def _file_count(self, order: Order) -> str:
        """Return a note if several files wait for a look: a notice shows the last one."""
        count = len(order.files_to_judge)
        if count <= 1:
            return ""
        text = self.n_("{count} file came: this is it.", "{count} files came: this is the last one.", count)
        hint = self._("Tap *Open* to see all of them.")
        return f"{text.format(count=count)} {hint}"

    def _decision_buttons(self, order: Order) -> tuple[Choice, ...]:
        """Return what can be done about the newest proof of an order. Not all of it goes with each status."""
        titles = self._decision_titles()
        is_open = order.status is OrderStatus.IN_REVIEW or order.has_unjudged_proof
        acts = [Act.APPROVE] if is_open else []
        acts += [Act.REJECT] if order.status is OrderStatus.IN_REVIEW else []
        acts += [Act.OPEN] if order.proofs else []
        return tuple(Choice(id=choosing_about(act, order).choice, title=titles[act]) for act in acts)

    def _decision_titles(self) -> dict[Act, str]:
        return {Act.APPROVE: self._("Approve"), Act.REJECT: self._("Reject"), Act.OPEN: self._("Open")}

    def ask_decision(self, choosing: Choosing, noticed: Sequence[Choosing]) -> Reply:
        """Ask an organiser who wrote below a notice to tap instead: `noticed` is what can be done about the order."""
        titles = self._decision_titles()
        text = self._("What shall I do about order *{code}*? Please tap a button, so that nothing happens by mistake.")
        return Reply(
            name=ReplyName.ASK_DECISION,
            text=text.format(code=choosing.order_id),
            buttons=tuple(Choice(id=one.choice, title=titles[one.act]) for one in noticed if one.act in titles),
        )

    def ask_reject_reason(self, choosing: Choosing, *, again: bool = False) -> Reply:
        """Ask an organiser why they reject a proof. `again`: they wrote a reason instead of choosing one."""
        rows = [
            Choice(id=replace(choosing, reason=reason).choice, title=title)
            for reason, title in (
                (RejectReason.AMOUNT, self._("The amount differs")),
                (RejectReason.UNREADABLE, self._("It can't be read")),
                (RejectReason.NO_PAYMENT, self._("It is no payment")),
                (RejectReason.NOT_ARRIVED, self._("The money isn't there")),
                (RejectReason.USED, self._("It was used before")),
            )
        ]
        rows.append(Choice(id=replace(choosing, act=Act.OTHER).choice, title=self._("Other: I'll write it")))
        text = (
            self._("Nothing is rejected yet. Please choose why you reject the proof of order *{code}*.")
            if again
            else self._("Why do you reject the proof of order *{code}*? The buyer is told your reason.")
        )
        return Reply(
            name=ReplyName.ASK_REASON,
            text=text.format(code=choosing.order_id),
            rows=rows,
            list_label=self._("Choose a reason"),
        )

    def ask_own_reason(self, choosing: Choosing) -> Reply:
        """Ask an organiser to write why they reject a proof."""
        text = self._(
            "Write the reason as the buyer of order *{code}* should read it. I'll show it to you before I send it."
        )
        return Reply(name=ReplyName.ASK_REASON, text=text.format(code=choosing.order_id))

    def propose_reason(self, choosing: Choosing, own_words: str) -> Reply:
        """Ask an organiser whether to reject a proof for the reason that they wrote."""
        text = self._("Shall I reject the proof of order *{code}*? The buyer will read: “{reason}”").format(
            code=choosing.order_id, reason=plain(own_words)
        )
        buttons = (
            Choice(id=replace(choosing, words=own_words).choice, title=self._("Reject")),
            Choice(id=replace(choosing, words="").choice, title=self._("Another reason")),
        )
        return Reply(name=ReplyName.ASK_REASON, text=text, buttons=buttons)

    def reject_reason(self, reason: RejectReason) -> str:
        """Say to a buyer why their proof was rejected, as the end of a sentence."""
        _ = self._
        return {
            RejectReason.AMOUNT: _("the amount is not the one of your order"),
            RejectReason.UNREADABLE: _("it can't be read well"),
            RejectReason.NO_PAYMENT: _("it does not show a payment"),
            RejectReason.NOT_ARRIVED: _("the money has not arrived in our account"),
            RejectReason.USED: _("this receipt was used for another order"),
        }[reason]

    def proof_approved(self, raffle: Raffle, order: Order, name: str) -> Reply:
        """Tell an organiser that they have confirmed a payment."""
        text = self._("Order *{code}* is confirmed: {title}, {numbers}. I have told {name}.")
        return self._decided(text, raffle, order, name)

    def proof_was_rejected(self, raffle: Raffle, order: Order, name: str) -> Reply:
        """Tell an organiser that they have rejected a proof."""
        if order.status is OrderStatus.EXPIRED:
            text = self._(
                "The proof of order *{code}* is rejected, and its numbers are free: {numbers}. I have told {name}."
            )
        else:
            text = self._("The proof of order *{code}* is rejected. I have told {name}, who can send another one.")
        return self._decided(text, raffle, order, name)

    def _decided(self, text: str, raffle: Raffle, order: Order, name: str) -> Reply:
        return Reply(
            name=ReplyName.DECIDED,
            text=text.format(
                code=order.id,
                title=raffle.title,
                numbers=self._numbers(raffle, order.numbers),
                name=name or self._("the buyer"),
            ),
        )

    def not_in_review(self, raffle: Raffle, order: Order, entry: AuditEntry | None, *, by: str, now: datetime) -> Reply:
        """Tell an organiser that an order waits for no decision, who made it and when. `by`: who is told."""
        lines = [
            self._("Order *{code}* is not to be checked any more: {status}.").format(
                code=order.id, status=self._status_for_organisers(order)
            )
        ]
        if entry is not None:
            time = self._moment(entry.at, raffle.time_zone, now)
            text = (
                self._("You were first yourself: {time}.") if entry.name == by else self._("{name} was first: {time}.")
            )
            lines.append(text.format(name=plain(entry.name), time=time))
        return Reply(name=ReplyName.DECIDED, text="\n".join(lines))

    def _status_for_organisers(self, order: Order) -> str:
        _ = self._
        return {
            OrderStatus.DRAFT: _("not confirmed yet"),
            OrderStatus.PENDING_PAYMENT: _("it waits for a payment"),
            OrderStatus.IN_REVIEW: _("its payment is being checked"),
            OrderStatus.PAID: _("paid"),
            OrderStatus.EXPIRED: _("time is over"),
            OrderStatus.CANCELLED: _("cancelled"),
            OrderStatus.LATE: _("it was paid too late"),
            OrderStatus.REFUNDED: _("refunded"),
        }[order.status]

    def newer_proof(self, raffle: Raffle, order: Order, name: str) -> Reply:
        """Show an organiser a proof that came after the one about which they decided."""
        reply = self.proof_received(raffle, order, name)
        note = self._("Nothing is decided yet: another proof has come since. Please look at this one, too.")
        return replace(reply, text=f"{note}\n\n{reply.text}", template=None)

    def proof_opened(
        self, raffle: Raffle, order: Order, buyer: Contact, *, url: str, until: datetime, now: datetime
    ) -> Reply:
        """Show an organiser an order, with a link to its newest proof that is valid until then."""
        _ = self._
        lines = [
            _("Order *{code}*: {status}").format(code=order.id, status=self._status_for_organisers(order)),
            f"{raffle.title}: {self._numbers(raffle, order.numbers)}",
            _("Total: *{amount}*").format(amount=self.money(order.amount, order.currency)),
            _("From: {name}").format(name=buyer.name or _("somebody")),
            self._address(buyer.phone),
            self._similar_proof(order),
            _("The proof, to be opened until: {time}").format(time=self._moment(until, raffle.time_zone, now)),
            url,
        ]
        return Reply(name=ReplyName.PROOF_OPENED, text="\n".join(filter(None, lines)), useful_until=until)

    def file_opened(
        self, raffle: Raffle, order: Order, place: int, *, url: str, until: datetime, now: datetime
    ) -> Reply:
        """Show an organiser a link to an earlier file of an order. `place`: which one it is, the first being 1."""
        text = self._("File {place} of order *{code}*, to be opened until: {time}").format(
            place=place, code=order.id, time=self._moment(until, raffle.time_zone, now)
        )
        return Reply(name=ReplyName.PROOF_OPENED, text=f"{text}\n{url}", useful_until=until)

    def with_more_waiting(self, reply: Reply) -> Reply:
        """Add to the last of several proofs that more wait."""
        more = self._("More proofs are waiting: write *pending* to see them.")
        return replace(reply, text=f"{reply.text}\n\n{more}")

    def none_waiting(self) -> Reply:
        return Reply(name=ReplyName.DECIDED, text=self._("No proof is waiting just now."))

    def enough_decisions(self, most: int) -> Reply:
        text = self._("That is more than {most} decisions today. Please go on tomorrow, or through the API.")
        return Reply(name=ReplyName.DECIDED, text=text.format(most=most))

    def no_such_order(self, order_id: str) -> Reply:
        return Reply(name=ReplyName.DECIDED, text=self._("I don't find order {code}.").format(code=order_id))

    def _similar_proof(self, order: Order) -> str:
        """Return a note if the newest proof, or one that looks like it, came with an earlier order (P6)."""
        proof = order.proofs[-1] if order.proofs else None
        if proof is not None and any(earlier.sha256 == proof.sha256 for earlier in order.proofs[:-1]):
            return self._("The same file came before with this order.")
        if proof is not None and proof.same_file_as is not None:
            return self._("The same file came with order {code}.").format(code=proof.same_file_as)
        if proof is not None and proof.looks_like is not None:
            return self._("It looks like the proof of order {code}.").format(code=proof.looks_like)
        return ""

    def further_file_received(self, raffle: Raffle, order: Order, name: str) -> Reply:
        """Tell organisers that a file came for an order that is paid, or was paid back."""
        reply = self.proof_received(raffle, order, name)
        note = (
            self._("The order is paid already: is this for something else?")
            if order.status is OrderStatus.PAID
            else self._("The order was paid back: is this for something else?")
        )
        template = self._template(templates.FILE_CAME, raffle, order, name=name or self._("somebody"))
        return replace(reply, text=f"{reply.text}\n{note}", template=template)

    def late_proof_received(self, raffle: Raffle, order: Order, name: str) -> Reply:
        reply = self.proof_received(raffle, order, name)
        note = self._("The order has no numbers any more: reassign or refund.")
        return replace(reply, text=f"{reply.text}\n{note}")

    # Parts

    def _template(self, definition: Definition, raffle: Raffle, order: Order, **more: str) -> Template:
        """Return the template that says the same outside the 24-hour window."""
        return definition.filled(
            code=order.id,
            raffle=raffle.title,
            numbers=self._numbers(raffle, order.numbers),
            amount=self.money(order.amount, order.currency),
            **more,
        )

    def _summary(self, raffle: Raffle, order: Order, now: datetime) -> str:
        lines = [
            f"{raffle.title}: {self._numbers(raffle, order.numbers)}",
            self._("Total: *{amount}*").format(amount=self.money(order.amount, order.currency)),
        ]
        if order.status in RUNNING and order.reserved_until is not None:
            lines.append(self._until(raffle, order.reserved_until, now))
        return "\n".join(lines)

    def _until(self, raffle: Raffle, until: datetime | None, now: datetime) -> str:
        if until is None:
            return self._("There is no time limit.")
        time = self._moment(until, raffle.time_zone, now)
        if until - now > LONGEST_COUNTDOWN:
            return self._("Held until {time}").format(time=time)
        minutes = max(1, round((until - now).total_seconds() / 60))
        text = self.n_("Held until {time} ({minutes} minute)", "Held until {time} ({minutes} minutes)", minutes)
        return text.format(time=time, minutes=minutes)

    def _status(self, order: Order) -> str:
        _ = self._
        return {
            OrderStatus.DRAFT: _("not confirmed yet"),
            OrderStatus.PENDING_PAYMENT: _("is waiting for your payment"),
            OrderStatus.IN_REVIEW: _("payment is being checked"),
            OrderStatus.PAID: _("paid"),
            OrderStatus.EXPIRED: _("time is over"),
            OrderStatus.CANCELLED: _("cancelled"),
            OrderStatus.LATE: _("without numbers: an organiser will write to you"),
            OrderStatus.REFUNDED: _("refunded"),
        }[order.status]

    def _numbers(self, raffle: Raffle, numbers: Sequence[int]) -> str:
        return ", ".join(padded(number, raffle.last_number) for number in numbers)


Notice = Callable[[Texts], Reply]  # what organisers are told, each in their language


def _newest_proof(order: Order) -> StoredFile | None:
    if not order.proofs:
        return None
    proof = order.proofs[-1]
    extension = proof.mime_type.rpartition("/")[2]
    return StoredFile(key=proof.key, mime_type=proof.mime_type, name=f"{order.id}.{extension}")


def _picture_of(raffle: Raffle) -> StoredFile | None:
    """Return the picture that an organiser chose for a raffle."""
    picture = raffle.picture
    if picture is None:
        return None
    return StoredFile(key=picture.key, mime_type=picture.mime_type, name=f"{raffle.code}.{picture.mime_type[6:]}")


def _as_sentence_end(text: str | None) -> str:
    """Return an organiser's words in the form in which they end a sentence of ours.

    One line without formatting, so that they can't pass for a text of ours, and without a full stop.
    """
    return plain(text or "").rstrip(".") or "-"


def _excerpts(before: str, after: str, limit: int) -> tuple[str, str]:
    """Return two texts, at most `limit` characters of each; if they are longer, from shortly before they differ."""
    start = 0
    if max(len(before), len(after)) > limit:
        pairs = enumerate(zip(before, after, strict=False))
        differs_at = next((at for at, (old, new) in pairs if old != new), min(len(before), len(after)))
        start = max(differs_at - FEW, 0)
    mark = "…" if start else ""
    first, second = (mark + shorten(text[start:], limit - len(mark)) if text else "-" for text in (before, after))
    return first, second
