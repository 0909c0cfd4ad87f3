"""Carry out the actions of the conversation: change the turn's transaction and the conversation, and reply."""

import re
from collections.abc import Sequence
from dataclasses import replace
from json import dumps
from typing import TypeGuard

from chalicelib.domain import chat_actions as a
from chalicelib.domain import conversation as c
from chalicelib.domain import picks
from chalicelib.domain.choices import (
    MAX_CHOICE,
    RESTATED,
    UNSURE,
    confirm_order_choice,
    pick_numbers_choice,
    what_to_cancel_choice,
)
from chalicelib.domain.conversation import Conversation, Stage
from chalicelib.domain.decisions import Act, Choosing
from chalicelib.domain.faq import find_answer, is_question
from chalicelib.domain.intents import Intent, is_known, read_meaning
from chalicelib.domain.languages import LanguageCode
from chalicelib.domain.messages import MessageKind, Reply
from chalicelib.domain.orders import MAX_NUMBERS, MORE_TIME, OWNING, RUNNING, Order, OrderEvent, OrderStatus
from chalicelib.domain.proposals import counted, propose, refuses
from chalicelib.domain.raffles import Raffle
from chalicelib.domain.refusals import NumbersTaken, OrderOutOfTurn
from chalicelib.domain.reply_limits import MAX_CHECKS, MAX_DECISIONS
from chalicelib.domain.typos import nearest
from chalicelib.domain.vocabulary import change_phrases, pay_ways, title_glue
from chalicelib.services.chat.boards import show_free
from chalicelib.services.chat.changing import change_numbers, draw_numbers, edit_order
from chalicelib.services.chat.holding import (
    WITHOUT_ADVICE,
    ask_about_numbers,
    ask_which,
    choose_numbers,
    hold,
    hold_or_ask,
    named_range,
    open_raffle,
    tapped,
)
from chalicelib.services.chat.lookups import (
    OwnOrder,
    board_on_sale,
    find_named,
    find_newest,
    find_own,
    find_raffle,
    keeping_order,
    latest_orders,
)
from chalicelib.services.chat.misses import call_person, may_repeat, unknown_question
from chalicelib.services.chat.order_status import (
    ask_either,
    ask_to_cancel,
    say_how_to_pay,
    tell_about,
    tell_where_it_stands,
)
from chalicelib.services.chat.proofs import take_proof
from chalicelib.services.chat.turn import IDLE, Turn
from chalicelib.services.messaging.texts import RAFFLES_A_PAGE, Texts
from chalicelib.services.orders.conflicts import free_among, nearest_free
from chalicelib.services.orders.expiry import release
from chalicelib.store import messages, raffles
from chalicelib.whatsapp.message_ids import unique_part

PLAIN_REPLIES = {
    a.SayWelcome: Texts.welcome,
    a.ShowHelp: Texts.help,
    a.AskForFileAgain: Texts.proof_not_fetched,
    a.SayTooLarge: Texts.file_too_large,
    a.CannotListen: Texts.cannot_listen,
}
# Typed questions to which organisers may have given an answer of their own.
GENERAL_ANSWERS = (
    a.TellHowToPay,
    a.TellWho,
    a.TellResult,
    a.TellDrawDate,
    a.TellPrize,
    a.TellPrice,
    a.ListRaffles,
    a.ShowHelp,
    a.NotUnderstood,
    a.AskAboutOrder,
)
SHORTEST_TITLE_WORD = 3  # letters; shorter ones are in every title
NEWEST_LOOKED_AT = 5  # messages to a contact, among which may be what they reacted to


def act(action: a.Action, turn: Turn) -> None:
    """Carry out the action. What it reads, it reads now; what it changes goes into the turn's transaction.

    To stay quiet, it does nothing. What the organisers answered ahead comes before what the bot would say.
    """
    raffle = _raffle_at_hand(turn) if isinstance(action, GENERAL_ANSWERS) and _is_typed(turn) else None
    # "¿A dónde envío el comprobante?" is about paying, not about delivery.
    by_topic = not isinstance(action, a.TellHowToPay | a.TellPrice | a.ListRaffles | a.TellWho)
    exactly = isinstance(action, a.TellWho)
    answer = find_answer(raffle.faq, turn.text, by_topic=by_topic, exactly=exactly) if raffle is not None else None
    if answer is not None:
        turn.reply(turn.texts.answer(answer))
    else:
        _carry_out(action, turn)


def _carry_out(action: a.Action, turn: Turn) -> None:
    match action:
        case a.SayBlocked():
            _say_blocked(turn)
        case a.Decide(choosing):
            _decide_on_proof(turn, choosing)
        case a.ShowMenu(not_understood):
            turn.reply(turn.texts.menu(not_understood=not_understood), turn.at_rest)
        case (
            a.SayWelcome()
            | a.ShowHelp()
            | a.AskForFileAgain()
            | a.SayTooLarge()
            | a.NotUnderstood()
            | a.ChangeLanguage()
            | a.CannotListen()
            | a.TellResult()
            | a.TellWho()
            | a.Greet()
        ):
            _say(turn, action)
        case a.ListRaffles() | a.AskRaffle() | a.OpenByTitle() | a.TryCode() | a.TryCodes():
            _look_for_raffle(turn, action)
        case a.OpenRaffle(raffle_id):
            open_raffle(turn, raffle_id)
        case (
            a.ShowFree()
            | a.IsFree()
            | a.TellHowToPay()
            | a.TellHoldTime()
            | a.TellPrize()
            | a.TellPrice()
            | a.TellDrawDate()
        ):
            _answer_question(turn, action)
        case a.HoldNumbers() | a.ConfirmAge() | a.RefuseAge():
            hold_or_ask(turn, action)
        case a.TryOrder() | a.ConfirmOrder() | a.ConfirmByReaction() | a.CancelOrder() | a.AskAboutOrder():
            _settle(turn, action)
        case (
            a.AskToCancel()
            | a.AskChange()
            | a.AskAnother()
            | a.DrawNumbers()
            | a.EditOrder()
            | a.MoreTime()
            | a.PaidClaim()
        ):
            _ask_about_order(turn, action)
        case a.TakeProof():
            take_proof(turn, action)
        case a.ShowOrders() | a.SendTicket():
            _show_orders(turn, only_ticket=isinstance(action, a.SendTicket))
        case a.CallPerson() | a.LeaveToPerson():
            call_person(turn, action)
        case a.OptOut() | a.OptIn() | a.AskWhatToCancel() | a.AskLeave():
            _change_opt_out(turn, action)


def _is_typed(turn: Turn) -> bool:
    """Return whether it was typed, and more than a command of ours."""
    return turn.message.kind is MessageKind.TEXT and c.normalize(turn.text) not in c.commands()


def _raffle_at_hand(turn: Turn) -> Raffle | None:
    """Return the raffle that the conversation is about, else that of their newest order."""
    conversation = turn.contact.conversation
    own = find_own(turn, conversation.order_id) if conversation.order_id is not None else None
    if own is not None and conversation.raffle_id in (None, own.raffle.id):
        return own.raffle
    return find_raffle(conversation.raffle_id) or _raffle_of_newest(turn)


def _raffle_of_newest(turn: Turn) -> Raffle | None:
    newest = find_newest(turn, OWNING)
    return newest.raffle if newest is not None else None


def _decide_on_proof(turn: Turn, choosing: Choosing) -> None:
    """Ask an organiser for the reason of a rejection; hand over everything else, which is answered later (O11).

    After MAX_DECISIONS in a day they are told so once, and nothing more is done (M8).
    """
    turn.is_decision = True
    limits = turn.contact.reply_limits.with_decision()
    turn.contact = replace(turn.contact, reply_limits=limits)
    if limits.decisions > MAX_DECISIONS:
        if limits.decisions == MAX_DECISIONS + 1:
            turn.reply(turn.texts.enough_decisions(MAX_DECISIONS))
    elif choosing.needs_reason:
        # What they write next is a reason, too: the list is shown once more.
        is_tap = turn.message.kind is MessageKind.CHOICE
        asking = replace(turn.contact.conversation, asks=choosing.choice) if is_tap else None
        turn.reply(turn.texts.ask_reject_reason(choosing, again=not is_tap), asking)
    elif choosing.act is Act.OTHER:
        asking = replace(turn.contact.conversation, asks=replace(choosing, act=Act.REJECT).choice)
        turn.reply(turn.texts.ask_own_reason(choosing), asking)
    elif choosing.act is Act.PROPOSE:
        proposed = replace(choosing, act=Act.REJECT)
        turn.reply(
            turn.texts.propose_reason(proposed, proposed.words),
            replace(turn.contact.conversation, asks=proposed.choice),
        )
    elif choosing.act is Act.ASK:
        turn.reply(turn.texts.ask_decision(choosing, turn.noticed))
    else:
        turn.chosen = choosing


def _say_blocked(turn: Turn) -> None:
    """Tell a contact once that they are blocked (H12)."""
    if not turn.contact.blocked_told:
        turn.reply(turn.texts.blocked(), IDLE)
        turn.contact = replace(turn.contact, blocked_told=True)


def _say(
    turn: Turn,
    action: a.SayWelcome
    | a.ShowHelp
    | a.AskForFileAgain
    | a.SayTooLarge
    | a.NotUnderstood
    | a.ChangeLanguage
    | a.CannotListen
    | a.TellResult
    | a.TellWho
    | a.Greet,
) -> None:
    """Say what needs no look at anything, or repeat what was asked last. Mishaps are not told for ever (M8)."""
    match action:
        case a.NotUnderstood(a.AskAboutOrder(order_id)):
            if may_repeat(turn, a.AskAboutOrder.__name__):
                _say_unclear_about(turn, order_id)
        case a.NotUnderstood(a.ShowMenu()) if turn.is_organiser:
            if may_repeat(turn, a.ShowMenu.__name__):
                turn.reply(turn.texts.help_organiser(not_understood=True), turn.at_rest)
        case a.ShowHelp() if turn.is_organiser:
            turn.reply(turn.texts.help_organiser())
        case a.NotUnderstood(repeat):
            if may_repeat(turn, type(repeat).__name__):
                _cannot_answer(turn, repeat) if unknown_question(turn) else act(repeat, turn)
        case a.ChangeLanguage(language):
            _change_language(turn, language)
        case a.Greet(raffle_id):
            _greet(turn, raffle_id)
        case a.TellWho():
            turn.reply(turn.texts.who(find_raffle(turn.contact.conversation.raffle_id)))
        case a.TellResult():
            turn.reply(turn.texts.draw_result(_raffle_at_hand(turn), turn.now))
        case a.SayWelcome() | a.ShowHelp():
            turn.reply(PLAIN_REPLIES[type(action)](turn.texts))
        case _ if may_repeat(turn, type(action).__name__):
            turn.reply(PLAIN_REPLIES[type(action)](turn.texts))


def _cannot_answer(turn: Turn, repeat: a.Action) -> None:
    match repeat:
        case _ if turn.is_organiser:
            turn.reply(turn.texts.help_organiser(not_understood=True))
        case a.OpenRaffle(raffle_id):
            turn.reply(turn.texts.cannot_answer(turn.text, find_raffle(raffle_id)))
        case a.ShowMenu():
            turn.reply(turn.texts.cannot_answer(turn.text), turn.at_rest)
        case _:
            turn.reply(turn.texts.cannot_answer(turn.text))


def _say_unclear_about(turn: Turn, order_id: str) -> None:
    """Say that a message was not understood, and shortly what its order waits for."""
    own = find_own(turn, order_id)
    waits = own is not None and own.order.status in RUNNING and not own.order.hold_has_ended(turn.now)
    if own is None or not waits:
        tell_about(turn, own)
        return
    asks = UNSURE if own.order.status is OrderStatus.DRAFT else None
    turn.reply(
        turn.texts.unclear_about(*own, turn.now, question=unknown_question(turn)),
        replace(turn.contact.conversation, asks=asks),
    )


def _change_language(turn: Turn, language: LanguageCode | None) -> None:
    """Talk to the contact in the language that they chose from now on (M9), or ask which."""
    if language is None:
        turn.reply(turn.texts.ask_language())
        return
    turn.contact = replace(turn.contact, chosen_language=language)
    own = _held_at_hand(turn)
    if own is None:
        turn.reply(turn.texts.language_chosen())
    else:
        asking = replace(turn.contact.conversation, asks=RESTATED)
        turn.reply(turn.texts.language_chosen_with_order(*own, turn.now), asking)


def _held_at_hand(turn: Turn) -> OwnOrder | None:
    """Return the order at hand if its numbers are held and wait for a yes."""
    conversation = turn.contact.conversation
    if conversation.stage is not Stage.CONFIRMING or conversation.order_id is None:
        return None
    own = find_own(turn, conversation.order_id)
    is_held = own is not None and own.order.status is OrderStatus.DRAFT and not own.order.hold_has_ended(turn.now)
    return own if is_held else None


# Opting out (M5)


def _change_opt_out(turn: Turn, action: a.OptOut | a.OptIn | a.AskWhatToCancel | a.AskLeave) -> None:
    had_opted_out = turn.contact.opted_out
    match action:
        case a.OptOut():
            turn.contact = turn.contact.with_opt_out(out=True, at=turn.written_at)
            turn.reply(_opted_out_with_order(turn) or _how_it_stands(turn), turn.at_rest)
        case a.OptIn():
            turn.contact = turn.contact.with_opt_out(out=False, at=turn.written_at)
            is_greeting = not (had_opted_out or turn.contact.opted_out)
            turn.reply(turn.texts.menu() if is_greeting else _how_it_stands(turn), turn.at_rest)
        case a.AskWhatToCancel(order_id):
            _ask_what_to_cancel(turn, order_id)
        case a.AskLeave(order_id):
            own = _running(turn, order_id)
            ask_either(turn, turn.texts.ask_leave_order(*own) if own else turn.texts.ask_leave())
    if turn.contact.opted_out != had_opted_out:
        turn.metrics.append("OptOuts" if turn.contact.opted_out else "OptIns")


def _how_it_stands(turn: Turn) -> Reply:
    """Say whether they get messages. A word that was written before the last one known changes nothing."""
    return turn.texts.opted_out() if turn.contact.opted_out else turn.texts.opted_in()


def _opted_out_with_order(turn: Turn) -> Reply | None:
    """Say that they get no messages, and ask again what was asked, if their numbers wait for a yes."""
    own = _held_at_hand(turn) if turn.contact.opted_out else None
    return None if own is None else turn.texts.opted_out_with_order(*own, turn.now)


def _running(turn: Turn, order_id: str | None) -> OwnOrder | None:
    """Return the order at hand if it holds numbers and is not paid; else the newest one of which that is true."""
    own = find_own(turn, order_id) if order_id is not None else None
    return own if own is not None and own.order.status in RUNNING else _newest_running(turn)


def _ask_what_to_cancel(turn: Turn, order_id: str | None) -> None:
    at_hand = find_own(turn, order_id) if order_id is not None else None
    if at_hand is not None and at_hand.order.status in (*RUNNING, OrderStatus.IN_REVIEW):
        own: OwnOrder | None = at_hand
    else:
        own = find_newest(turn, RUNNING, (OrderStatus.IN_REVIEW,))
    if own is None:
        turn.reply(turn.texts.ask_to_stop_messages())
    elif own.order.status is OrderStatus.IN_REVIEW:
        turn.reply(turn.texts.cannot_cancel(own.order))
    else:
        asks = what_to_cancel_choice(own.order.id, turn.text)
        turn.reply(turn.texts.ask_what_to_cancel(*own), replace(turn.contact.conversation, asks=asks))


def _newest_running(turn: Turn) -> OwnOrder | None:
    return find_newest(turn, RUNNING)


# Raffles


def _look_for_raffle(turn: Turn, action: a.ListRaffles | a.AskRaffle | a.OpenByTitle | a.TryCode | a.TryCodes) -> None:
    match action:
        case a.ListRaffles(page):
            _list_raffles(turn, page)
        case a.AskRaffle():
            _list_raffles(turn, 1, wants_numbers=True)
        case a.TryCode(word, otherwise):
            raffle_id = turn.raffle_of_code.get(word)
            act(otherwise if raffle_id is None else a.OpenRaffle(raffle_id), turn)
        case a.TryCodes(words, text, otherwise):
            codes = [word for word in words if word in turn.raffle_of_code and not _is_refused(text, word)]
            if len(codes) == 1:
                _open_and_hold(turn, turn.raffle_of_code[codes[0]], _without_word(text, codes[0]))
            else:
                act(a.ListRaffles() if codes else otherwise, turn)
        case a.OpenByTitle():
            _open_by_title(turn, action)


def _ask_about_named(turn: Turn, raffle_id: str, text: str) -> None:
    """Ask about the numbers, or how many, that somebody named in a sentence which opened a raffle."""
    conversation = turn.contact.conversation
    is_open = conversation.stage is Stage.SELECTING and conversation.raffle_id == raffle_id
    if not is_open or not re.search("[0-9]", picks.fold(text)) or (raffle := find_raffle(raffle_id)) is None:
        return
    if wanted := propose(text, first=raffle.first_number, last=raffle.last_number):
        turn.replies.clear()
        ask_about_numbers(turn, raffle, wanted)
    elif (count := counted(text)) is not None:
        turn.replies.clear()
        ask_which(turn, raffle, picks.Unclear(picks.Unclarity.QUANTITY, str(count)))


def _is_refused(text: str, word: str) -> bool:
    """Return whether they say that they do not mean this word: "no es MOTO"."""
    no = "|".join(sorted(change_phrases("not")))
    refusal = rf"(?<!\w)(?:{no})(?:\s+\w{{1,3}}){{0,2}}\s+{re.escape(word.lower())}(?!\w)"
    return re.search(refusal, picks.fold(text)) is not None


def _without_word(text: str, word: str) -> str:
    return re.sub(rf"(?<![\w-]){re.escape(word)}(?![\w-])", " ", text, count=1, flags=re.IGNORECASE)


def _without_trailing_glue(text: str) -> str:
    """Leave out what led to the code or the title that was cut out: "me anota el 8 en la …"."""
    words = text.split()
    while words and picks.fold(words[-1]).strip(".,") in title_glue():
        words.pop()
    return " ".join(words)


def _open_and_hold(turn: Turn, raffle_id: str, text: str) -> None:
    """Open a raffle, and hold the numbers that were named with it: "MOTO 5, 12"."""
    text = _without_trailing_glue(text)
    pick = picks.read_pick(text, first=0, last=c.MOST_NUMBERS, most=MAX_NUMBERS)
    is_plain = not read_meaning(text).has(Intent.NO, Intent.FREE) and not refuses(text) and "?" not in text
    if isinstance(pick, picks.Unclear) and pick.reason is picks.Unclarity.DOUBTFUL and is_plain:
        text = picks.after_noun(text) or text  # "I'd like to take part with numbers 45 and 46"
        pick = picks.read_pick(text, first=0, last=c.MOST_NUMBERS, most=MAX_NUMBERS)
    # Beside a name, a number word is often none: "the hamper one".
    is_named = isinstance(pick, picks.Specific) and not re.search("[0-9]", picks.fold(text))
    if is_named or (isinstance(pick, picks.Unclear) and pick.reason in WITHOUT_ADVICE):
        open_raffle(turn, raffle_id)
        _ask_about_named(turn, raffle_id, text)
        return
    conversation = keeping_order(turn, Stage.SELECTING, raffle_id=raffle_id)
    turn.contact = replace(turn.contact, conversation=conversation)
    hold(turn, raffle_id, text)


def _open_by_title(turn: Turn, action: a.OpenByTitle) -> None:
    """Open the raffle whose title they name, and hold the numbers that they name with it."""
    raffle = _named_raffle(turn, action.words, action.at_least)
    if raffle is None or (action.at_least > 1 and raffle.id == turn.contact.conversation.raffle_id):
        act(action.otherwise, turn)
        return
    text = action.text
    for word in re.findall(r"\w+", picks.fold(raffle.title)):
        text = _without_word(picks.fold(text), word)
    _open_and_hold(turn, raffle.id, text)


def _named_raffle(turn: Turn, words: Sequence[str], at_least: int) -> Raffle | None:
    """Return the raffle on sale whose title has most of the words; None if none has so many, or several have as many.

    One request.
    """
    fits: dict[str, int] = {}
    on_sale: dict[str, Raffle] = {}
    for raffle in raffles.active():
        if raffle.sells_at(turn.now):
            on_sale[raffle.id] = raffle
            title = re.findall(r"\w+", picks.fold(raffle.title))
            long_words = [word for word in title if len(word) >= SHORTEST_TITLE_WORD]
            fits[raffle.id] = sum(
                word in long_words or (not is_known(word) and bool(nearest(word, long_words))) for word in words
            )
    best = max(fits.values(), default=0)
    named = [raffle_id for raffle_id, fit in fits.items() if fit == best]
    return on_sale[named[0]] if best >= at_least and len(named) == 1 else None


def _list_raffles(turn: Turn, page: int, *, wants_numbers: bool = False) -> None:
    on_sale = [raffle for raffle in raffles.active() if raffle.sells_at(turn.now)]
    # Those in their language come first.
    on_sale.sort(key=lambda raffle: raffle.language != turn.contact.language)
    start = (page - 1) * RAFFLES_A_PAGE
    if start >= len(on_sale):
        start = 0
        page = 1
    # Ten fit into a list: the tenth row is either the tenth raffle or the way to more.
    row_count = RAFFLES_A_PAGE + 1 if len(on_sale) <= start + RAFFLES_A_PAGE + 1 else RAFFLES_A_PAGE
    boards = [raffles.board(raffle.id) for raffle in on_sale[start : start + row_count]]
    boards = [board for board in boards if board.raffle.sells_at(turn.now)]  # the index may be behind
    has_more = len(on_sale) > start + row_count
    shown = tuple(board.raffle.id for board in boards)
    texts = turn.texts
    turn.reply(
        texts.ask_raffle(boards, more=has_more) if wants_numbers else texts.raffles(boards, page=page, more=has_more),
        keeping_order(turn, Stage.BROWSING, shown=shown, page=page),
    )


def _answer_question(
    turn: Turn,
    action: a.ShowFree | a.IsFree | a.TellHowToPay | a.TellHoldTime | a.TellPrize | a.TellPrice | a.TellDrawDate,
) -> None:
    match action:
        case a.ShowFree(raffle_id):
            _show_free(turn, raffle_id)
        case a.IsFree(raffle_id, text):
            _tell_whether_free(turn, raffle_id, text)
        case a.TellHowToPay(raffle_id, order_id):
            own = find_own(turn, order_id) if order_id is not None else None
            raffle = own.raffle if own is not None else find_raffle(raffle_id)
            if _asks_for_other_way(raffle, turn):
                turn.reply(turn.texts.other_way_to_pay(raffle, own.order if own is not None else None))
                return
            if own is not None and own.order.status is OrderStatus.PENDING_PAYMENT:
                _confirm(turn, own.order.id)  # which says how to pay
                return
            if own is not None and (own.order.status is not OrderStatus.DRAFT or own.order.hold_has_ended(turn.now)):
                tell_where_it_stands(turn, *own)
                return
            held = own.order if own is not None else None
            turn.reply(turn.texts.how_to_pay(raffle, held))
        case a.TellHoldTime(raffle_id):
            raffle = find_raffle(raffle_id)
            turn.reply(turn.texts.hold_time(raffle) if raffle is not None else turn.texts.raffle_not_on_sale())
        case a.TellPrize(raffle_id) | a.TellPrice(raffle_id):
            raffle = find_raffle(raffle_id)
            asks = turn.contact.conversation.stage is Stage.SELECTING
            if raffle is None:
                turn.reply(turn.texts.raffle_not_on_sale())
            elif isinstance(action, a.TellPrice):
                turn.reply(turn.texts.price(raffle, action.quantity, asks=asks))
            else:
                turn.reply(turn.texts.prize(raffle, asks=asks))
        case a.TellDrawDate(raffle_id, is_open):
            raffle = find_raffle(raffle_id) or _raffle_of_newest(turn)
            if raffle_id is not None and is_open and (raffle is None or raffle.draws_at is None):
                open_raffle(turn, raffle_id)
                return
            on_sale = [raffle] if raffle else [one for one in raffles.active() if one.sells_at(turn.now)]
            turn.reply(turn.texts.draw_date(on_sale[:RAFFLES_A_PAGE], turn.now))


def _asks_for_other_way(raffle: Raffle | None, turn: Turn) -> TypeGuard[Raffle]:
    """Return whether they ask for a way to pay that the raffle does not name."""
    is_asked = _is_typed(turn) and is_question(turn.text)
    named = pay_ways() & set(re.findall(r"\w+", picks.fold(turn.text))) if is_asked else frozenset()
    known = picks.fold(raffle.payment_instructions) if raffle is not None else ""
    return raffle is not None and any(way not in known for way in named)


def _greet(turn: Turn, raffle_id: str) -> None:
    board = board_on_sale(turn, raffle_id)
    turn.reply(
        turn.texts.menu() if board is None else turn.texts.greet(board.raffle), turn.at_rest if board is None else None
    )


def _show_free(turn: Turn, raffle_id: str) -> None:
    board = board_on_sale(turn, raffle_id)
    if board is None:
        turn.reply(turn.texts.raffle_not_on_sale())
    elif not board.availability.available:
        turn.reply(turn.texts.sold_out(board.raffle))
    elif _is_typed(turn) and (answer := find_answer(board.raffle.faq, turn.text)) is not None:
        turn.reply(turn.texts.answer(answer))
    else:
        show_free(turn, board.raffle)


def _tell_whether_free(turn: Turn, raffle_id: str, text: str) -> None:
    """Say which numbers are free. Holds that are over count as taken until somebody asks for the numbers (H4)."""
    board = board_on_sale(turn, raffle_id)
    if board is None:
        turn.reply(turn.texts.raffle_not_on_sale())
        return
    raffle = board.raffle
    if (numbers := named_range(turn, raffle)) is not None:
        show_free(turn, raffle, numbers)
        return
    pick = picks.read_pick(text, first=raffle.first_number, last=raffle.last_number, most=MAX_NUMBERS)
    if not isinstance(pick, picks.Specific):
        _show_free(turn, raffle_id) if isinstance(pick, picks.Random) else choose_numbers(turn, board, pick)
        return
    free = free_among(raffle, pick.numbers)
    taken = [number for number in pick.numbers if number not in free]
    if free:
        turn.reply(turn.texts.number_free(raffle, free, taken), _offering(turn, raffle, free))
    else:
        refusal = NumbersTaken(dict.fromkeys(taken, None), [])
        turn.reply(turn.texts.taken(raffle, refusal, nearest_free(raffle, taken), turn.now))


def _offering(turn: Turn, raffle: Raffle, free: Sequence[int]) -> Conversation | None:
    """Return the conversation in which a yes holds free numbers that they asked about; None if an order is at hand."""
    asks = pick_numbers_choice(raffle.id, free)
    conversation = turn.contact.conversation
    if conversation.order_id is not None or len(asks) > MAX_CHOICE:
        return None
    since = conversation.since or turn.written_at
    return Conversation(stage=Stage.SELECTING, raffle_id=raffle.id, since=since, asks=asks)


# The order at hand


def _try_order(turn: Turn, action: a.TryOrder) -> None:
    """Do what they want with an order that they name, if it is theirs; it is at hand from then on if it waits."""
    own = find_own(turn, action.order_id)
    if own is None and isinstance(action.then, a.AskAboutOrder) and not _means_another(turn, action):
        _check_ticket(turn, action.order_id)
        return
    if own is None:
        act(action.otherwise, turn)
        return
    raffle, order = own
    if order.status in RUNNING and not order.hold_has_ended(turn.now):
        stage = Stage.CONFIRMING if order.status is OrderStatus.DRAFT else Stage.PAYMENT
        at_hand = Conversation(stage=stage, raffle_id=raffle.id, order_id=order.id)
        turn.contact = replace(turn.contact, conversation=at_hand)
    act(action.then, turn)


def _means_another(turn: Turn, action: a.TryOrder) -> bool:
    """Return whether the code of somebody else's order may be something else: digits, or the code of a raffle.

    After MAX_CHECKS codes it is always something else, which ends in "not understood" (M8).
    """
    is_raffle = action.order_id in turn.raffle_of_code
    return action.order_id.isdigit() or is_raffle or turn.contact.reply_limits.checks >= MAX_CHECKS


def _check_ticket(turn: Turn, code: str) -> None:
    """Tell somebody whether a ticket is valid that is not theirs (P13). A code that is not there gets the same no."""
    turn.contact = replace(turn.contact, reply_limits=turn.contact.reply_limits.with_check())
    found = find_named(turn, code)
    if found is not None and found[1].status is OrderStatus.PAID:
        turn.reply(turn.texts.ticket_valid(*found))
    else:
        turn.reply(turn.texts.ticket_invalid(code))
    turn.metrics.append("TicketsChecked")


def _settle(
    turn: Turn, action: a.TryOrder | a.ConfirmOrder | a.ConfirmByReaction | a.CancelOrder | a.AskAboutOrder
) -> None:
    match action:
        case a.TryOrder():
            _try_order(turn, action)
        case a.ConfirmOrder(order_id, reminded):
            _confirm(turn, order_id, reminded=reminded)
        case a.ConfirmByReaction(order_id, message_id):
            if _asks_to_confirm(turn, order_id, message_id):
                _confirm(turn, order_id)
        case a.CancelOrder(order_id):
            _cancel(turn, order_id)
        case a.AskAboutOrder(order_id, unsure):
            tell_about(turn, find_own(turn, order_id))
            if unsure and turn.contact.conversation.asks == RESTATED:
                turn.contact = replace(turn.contact, conversation=replace(turn.contact.conversation, asks=UNSURE))


def _asks_to_confirm(turn: Turn, order_id: str, message_id: str) -> bool:
    """Return whether a message of ours has a button that confirms the order: what is reacted to decides (M7)."""
    button = confirm_order_choice(order_id)
    return any(
        message.message_id is not None
        and unique_part(message.message_id) == unique_part(message_id)
        and button in dumps(message.body)
        for message in messages.newest_to(turn.contact.id, limit=NEWEST_LOOKED_AT)
    )


def _ask_about_order(
    turn: Turn,
    action: a.AskToCancel | a.AskChange | a.AskAnother | a.DrawNumbers | a.EditOrder | a.MoreTime | a.PaidClaim,
) -> None:
    """Ask or tell something about the order at hand, or about the newest one that is not over."""
    if action.order_id is not None:
        own = find_own(turn, action.order_id)
    else:
        own = find_newest(turn, OWNING - {OrderStatus.PAID})
    if own is None:
        no_order = turn.texts.no_order_for_proof if isinstance(action, a.PaidClaim) else turn.texts.nothing_to_cancel
        turn.reply(no_order(), turn.at_rest)
        return
    raffle, order = own
    if isinstance(action, a.AskChange) and order.status is OrderStatus.IN_REVIEW and c.wants_more(action.text):
        hold(turn, raffle.id, action.text)
        return
    if order.status not in RUNNING or order.hold_has_ended(turn.now):
        if isinstance(action, a.AskToCancel) and order.status is OrderStatus.IN_REVIEW:
            turn.reply(turn.texts.cannot_cancel(order))
        elif isinstance(action, a.AskChange | a.EditOrder) and order.status is OrderStatus.IN_REVIEW:
            turn.reply(turn.texts.cannot_change(order))
        else:
            tell_where_it_stands(turn, raffle, order)
        return
    _ask_about_running(turn, action, raffle, order)


def _ask_about_running(
    turn: Turn,
    action: a.AskToCancel | a.AskChange | a.AskAnother | a.DrawNumbers | a.EditOrder | a.MoreTime | a.PaidClaim,
    raffle: Raffle,
    order: Order,
) -> None:
    """Ask or tell something about an order that holds numbers and is not paid."""
    match action:
        case a.AskToCancel():
            ask_to_cancel(turn, raffle, order)
        case a.AskChange(_, text, is_doubtful):
            change_numbers(turn, raffle, order, text, is_doubtful=is_doubtful)
        case a.EditOrder(_, kind, numbers):
            edit_order(turn, raffle, order, kind.edit(order.numbers, numbers))
        case a.AskAnother() | a.DrawNumbers() if order.status is not OrderStatus.DRAFT or order.proofs:
            tell_where_it_stands(turn, raffle, order)
        case a.AskAnother(_, quantity):
            ask_either(turn, turn.texts.ask_another(raffle, order, quantity))
        case a.DrawNumbers() | a.EditOrder() if turn.is_older_than(order.created_at):
            tell_where_it_stands(turn, raffle, order)
        case a.DrawNumbers() if _is_drawn(turn):
            tell_where_it_stands(turn, raffle, order)
        case a.DrawNumbers(_, False, quantity) if quantity and quantity < order.quantity and _is_typed(turn):
            ask_either(turn, turn.texts.ask_another(raffle, order, quantity))  # all of them, or so many?
        case a.DrawNumbers(_, more, quantity):
            draw_numbers(turn, raffle, order, quantity or (1 if more else order.quantity), more=more)
        case a.MoreTime(only_tell=True):
            turn.reply(turn.texts.no_more_time(raffle, order, turn.now))
        case a.MoreTime():
            _give_more_time(turn, raffle, order)
        case a.PaidClaim():
            _ask_for_proof(turn, raffle, order)


def _is_drawn(turn: Turn) -> bool:
    """Return whether a second tap asks for the numbers that the first tap on the same button drew (M7)."""
    tap = tapped(turn)
    return tap is not None and tap == turn.contact.conversation.tapped


def _ask_for_proof(turn: Turn, raffle: Raffle, order: Order) -> None:
    """Ask who has paid for the proof; if one was rejected, say why once more."""
    if order.status is not OrderStatus.PENDING_PAYMENT:
        tell_where_it_stands(turn, raffle, order)
    elif order.waits_for_another_proof:
        turn.reply(turn.texts.proof_rejected(raffle, order, turn.now, again=True))
    else:
        turn.reply(turn.texts.ask_for_proof(raffle, order, turn.now))


def _give_more_time(turn: Turn, raffle: Raffle, order: Order) -> None:
    """Let the hold end later, once a hold (H14)."""
    if order.extended_at is not None or order.reserved_until is None:
        turn.reply(turn.texts.no_more_time(raffle, order, turn.now))
        return
    until = order.reserved_until + MORE_TIME
    with turn.changing(raffle, order) as unit:
        # With a later end, the buyer is reminded of that one.
        unit.apply(
            OrderEvent.EXTENDED,
            only_from=order.status,
            if_unchanged=True,
            reserved_until=until,
            extended_at=turn.now,
            reminded_at=None,
        )
    turn.reply(turn.texts.more_time(raffle, unit.order, turn.now))
    turn.metrics.append("HoldsExtended")


def _confirm(turn: Turn, order_id: str, *, reminded: bool = False) -> None:
    own = find_own(turn, order_id)
    if own is None:
        turn.reply(turn.texts.menu(not_understood=True))
        return
    raffle, order = own
    is_asked = order.status is OrderStatus.DRAFT and not order.hold_has_ended(turn.now)
    # A yes from before the reminder answered what was asked before it.
    if not is_asked or turn.is_older_than(order.reminded_at if reminded else order.created_at):
        if order.status is OrderStatus.PENDING_PAYMENT and not order.hold_has_ended(turn.now):
            say_how_to_pay(turn, raffle, order)
        else:
            tell_where_it_stands(turn, raffle, order)
        return
    with turn.changing(raffle, order) as unit:
        unit.apply(OrderEvent.CONFIRMED)
    tapped = turn.contact.conversation.tapped
    conversation = Conversation(stage=Stage.PAYMENT, raffle_id=raffle.id, order_id=order.id, tapped=tapped)
    say_how_to_pay(turn, raffle, unit.order, conversation)


def _cancel(turn: Turn, order_id: str | None) -> None:
    if order_id is None and (running := _newest_running(turn)) is not None:  # none is at hand, but one still runs
        ask_to_cancel(turn, *running)
        return
    own = find_own(turn, order_id) if order_id is not None else None
    if own is None:
        turn.reply(turn.texts.nothing_to_cancel(), turn.at_rest)
        return
    raffle, order = own
    if order.status in RUNNING and turn.is_older_than(order.created_at):
        ask_to_cancel(turn, raffle, order)
        return
    try:
        with turn.changing(raffle, order) as unit:
            release(unit, OrderEvent.DROPPED)
    except OrderOutOfTurn:
        turn.reply(turn.texts.cannot_cancel(order))
    else:
        turn.reply(turn.texts.cancelled(raffle, unit.order))


def _show_orders(turn: Turn, *, only_ticket: bool) -> None:
    """Show their newest orders; with `only_ticket` the ticket alone, if one of them is paid."""
    newest = latest_orders(turn)
    raffle_by_id = {raffle.id: raffle for raffle in raffles.get_all({order.raffle_id for order in newest})}
    paid = [order for order in newest if order.status is OrderStatus.PAID]
    if only_ticket and len(paid) == 1:
        tell_where_it_stands(turn, raffle_by_id[paid[0].raffle_id], paid[0])
        return
    turn.reply(turn.texts.orders([(raffle_by_id[order.raffle_id], order) for order in newest], turn.now))
