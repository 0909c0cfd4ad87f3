"""Carry out the actions of the conversation: change the turn's transaction and the conversation, and reply."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from json import dumps

from chalicelib.domain import conversation as c
from chalicelib.domain import picks
from chalicelib.domain.contacts import Contact
from chalicelib.domain.conversation import Conversation, Stage, confirm_order_choice
from chalicelib.domain.decisions import Act, Choosing
from chalicelib.domain.faq import find_answer
from chalicelib.domain.holding import check_change, check_unpaid, is_newcomer, may_go_in_review
from chalicelib.domain.intents import is_known
from chalicelib.domain.languages import LanguageCode
from chalicelib.domain.messages import Media, MessageKind, Reply
from chalicelib.domain.order_edits import Edit, named_numbers, read_edit, which_goes
from chalicelib.domain.orders import (
    ALBUM,
    MAX_NUMBERS,
    MAX_PROOFS,
    MORE_TIME,
    OWNING,
    RUNNING,
    TRANSITIONS,
    Order,
    OrderEvent,
    OrderStatus,
    Proof,
    is_code,
)
from chalicelib.domain.proposals import counted, propose
from chalicelib.domain.raffles import Board, Raffle, RaffleStatus
from chalicelib.domain.ranges import read_range
from chalicelib.domain.refusals import (
    HoldLimit,
    HoldLimited,
    NumbersTaken,
    OrderOutOfTurn,
    RaffleNotFound,
    TooFewFree,
    TooManyForContact,
)
from chalicelib.domain.reply_limits import MAX_CHECKS, MAX_DECISIONS, MAX_FILES, MAX_SAME
from chalicelib.domain.reply_names import ReplyName
from chalicelib.domain.typos import nearest
from chalicelib.services.chat.boards import show_free
from chalicelib.services.chat.own_orders import ORDERS_SHOWN, OwnOrder, find_named, find_newest, find_own
from chalicelib.services.chat.turn import IDLE, Turn
from chalicelib.services.messaging.texts import RAFFLES_A_PAGE, Texts
from chalicelib.services.orders.conflicts import free_among, nearest_free
from chalicelib.services.orders.expiry import ended_text, release
from chalicelib.services.orders.holds import check_limit, load_person
from chalicelib.services.orders.proofs import ProofIsHeif, ProofMissing, ProofTooLarge, ProofUnfit
from chalicelib.store import fingerprints, messages, orders, raffles
from chalicelib.store.board import tally_of
from chalicelib.store.transaction import Busy
from chalicelib.whatsapp.message_ids import unique_part

CALL_AGAIN = timedelta(hours=1)
# Their own holds that are over but not ended yet count against these limits.
RELEASED_BY_TIME = (HoldLimit.ORDERS, HoldLimit.NUMBERS)
HAS_PROOF = (OrderStatus.IN_REVIEW, OrderStatus.LATE, OrderStatus.PAID, OrderStatus.REFUNDED)
HAS_ENDED = (OrderStatus.EXPIRED, OrderStatus.CANCELLED)
# The reply to these only says that nothing was understood.
WITHOUT_ADVICE = (picks.Unclarity.NOTHING, picks.Unclarity.DOUBTFUL)
PLAIN_REPLIES = {
    c.SayWelcome: Texts.welcome,
    c.ShowHelp: Texts.help,
    c.AskForFileAgain: Texts.proof_not_fetched,
    c.SayTooLarge: Texts.file_too_large,
    c.CannotListen: Texts.cannot_listen,
    c.TellResult: Texts.draw_result,
}
# Typed questions to which organisers may have given an answer of their own.
GENERAL_ANSWERS = (
    c.TellHowToPay,
    c.TellWho,
    c.TellResult,
    c.TellDrawDate,
    c.TellPrize,
    c.TellPrice,
    c.ListRaffles,
    c.ShowHelp,
    c.NotUnderstood,
)
SHORTEST_TITLE_WORD = 3  # letters; shorter ones are in every title
MAX_SWAPS = 3  # numbers of an order among which buttons ask for the one that goes
MAX_CODES = 3  # of a caption that are looked up
NEWEST_LOOKED_AT = 5  # messages to a contact, among which may be what they reacted to


def act(action: c.Action, turn: Turn) -> None:
    """Carry out the action. What it reads, it reads now; what it changes goes into the turn's transaction.

    To stay quiet, it does nothing. What the organisers answered ahead comes before what the bot would say.
    """
    raffle = _raffle_at_hand(turn) if isinstance(action, GENERAL_ANSWERS) and _is_typed(turn) else None
    answer = find_answer(raffle.faq, turn.text) if raffle is not None else None
    if answer is not None:
        turn.reply(turn.texts.answer(answer))
    else:
        _carry_out(action, turn)


def _carry_out(action: c.Action, turn: Turn) -> None:
    match action:
        case c.SayBlocked():
            _say_blocked(turn)
        case c.Decide(choosing):
            _decide_on_proof(turn, choosing)
        case c.ShowMenu(not_understood):
            turn.reply(turn.texts.menu(not_understood=not_understood), turn.at_rest)
        case (
            c.SayWelcome()
            | c.ShowHelp()
            | c.AskForFileAgain()
            | c.SayTooLarge()
            | c.NotUnderstood()
            | c.ChangeLanguage()
            | c.CannotListen()
            | c.TellResult()
            | c.TellWho()
            | c.Greet()
        ):
            _say(turn, action)
        case c.ListRaffles() | c.AskRaffle() | c.OpenByTitle() | c.TryCode() | c.TryCodes():
            _look_for_raffle(turn, action)
        case c.OpenRaffle(raffle_id):
            _open_raffle(turn, raffle_id)
        case c.ShowFree() | c.IsFree() | c.TellHowToPay() | c.TellPrize() | c.TellPrice() | c.TellDrawDate():
            _answer_question(turn, action)
        case c.HoldNumbers() | c.ConfirmAge() | c.RefuseAge():
            _hold_or_ask(turn, action)
        case c.TryOrder() | c.ConfirmOrder() | c.ConfirmByReaction() | c.CancelOrder() | c.AskAboutOrder():
            _settle(turn, action)
        case (
            c.AskToCancel()
            | c.AskChange()
            | c.AskAnother()
            | c.DrawNumbers()
            | c.EditOrder()
            | c.MoreTime()
            | c.PaidClaim()
        ):
            _ask_about_order(turn, action)
        case c.TakeProof():
            _take_proof(turn, action)
        case c.ShowOrders() | c.SendTicket():
            _show_orders(turn, only_ticket=isinstance(action, c.SendTicket))
        case c.CallPerson() | c.LeaveToPerson():
            _call_person(turn, action)
        case c.OptOut() | c.OptIn() | c.AskWhatToCancel() | c.AskLeave():
            _change_opt_out(turn, action)


def _is_typed(turn: Turn) -> bool:
    """Return whether it was typed, and more than a command of ours."""
    return turn.message.kind is MessageKind.TEXT and c.normalize(turn.text) not in c.COMMANDS


def _raffle_at_hand(turn: Turn) -> Raffle | None:
    """Return the raffle that the conversation is about, else that of their newest order."""
    conversation = turn.contact.conversation
    own = find_own(turn, conversation.order_id) if conversation.order_id is not None else None
    if own is not None and conversation.raffle_id in (None, own.raffle.id):
        return own.raffle
    return _find_raffle(conversation.raffle_id) or _raffle_of_newest(turn)


def _raffle_of_newest(turn: Turn) -> Raffle | None:
    newest = find_newest(turn, OWNING)
    return newest.raffle if newest is not None else None


def offer_person(turn: Turn) -> None:
    """Offer a person once the bot has not understood two messages in a row."""
    is_lost = turn.is_unclear and turn.contact.reply_limits.misses >= MAX_SAME
    if is_lost and turn.replies and turn.replies[-1].name is not ReplyName.PERSON_CALLED:
        turn.replies[-1] = turn.texts.offering_person(turn.replies[-1])


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
    action: c.SayWelcome
    | c.ShowHelp
    | c.AskForFileAgain
    | c.SayTooLarge
    | c.NotUnderstood
    | c.ChangeLanguage
    | c.CannotListen
    | c.TellResult
    | c.TellWho
    | c.Greet,
) -> None:
    """Say what needs no look at anything, or repeat what was asked last. Mishaps are not told for ever (M8)."""
    match action:
        case c.NotUnderstood(c.AskAboutOrder(order_id)):
            if may_repeat(turn, c.AskAboutOrder.__name__):
                _say_unclear_about(turn, order_id)
        case c.NotUnderstood(repeat):
            if may_repeat(turn, type(repeat).__name__):
                act(repeat, turn)
        case c.ChangeLanguage(language):
            _change_language(turn, language)
        case c.Greet(raffle_id):
            _greet(turn, raffle_id)
        case c.TellWho():
            turn.reply(turn.texts.who(_find_raffle(turn.contact.conversation.raffle_id)))
        case c.SayWelcome() | c.ShowHelp() | c.TellResult():
            turn.reply(PLAIN_REPLIES[type(action)](turn.texts))
        case _ if may_repeat(turn, type(action).__name__):
            turn.reply(PLAIN_REPLIES[type(action)](turn.texts))


def _say_unclear_about(turn: Turn, order_id: str) -> None:
    """Say that a message was not understood, and shortly what its order waits for."""
    own = find_own(turn, order_id)
    waits = own is not None and own.order.status in RUNNING and not own.order.hold_has_ended(turn.now)
    if own is None or not waits:
        _tell_about(turn, own)
        return
    asks = c.UNSURE if own.order.status is OrderStatus.DRAFT else None
    turn.reply(turn.texts.unclear_about(*own, turn.now), replace(turn.contact.conversation, asks=asks))


def may_repeat(turn: Turn, unclear: str) -> bool:
    """Return whether to say once more that the bot can make nothing of a message (M8).

    It says so MAX_SAME times in a row. Then it is silent, and the organisers are told once.

    Args:
        unclear: what it would say, in a word.
    """
    turn.is_unclear = True
    limits = turn.contact.reply_limits.with_unclear(unclear)
    turn.contact = replace(turn.contact, reply_limits=limits)
    if limits.times == MAX_SAME + 1:
        report_silence(turn)
    return limits.times <= MAX_SAME


def report_silence(turn: Turn) -> None:
    """Tell the organisers that the bot no longer answers a contact, unless they were called within the hour."""
    notified_at = turn.contact.person_called_at
    if notified_at is not None and turn.now < notified_at + CALL_AGAIN:
        return
    turn.contact = turn.contact.with_person_wanted(turn.now)
    turn.notify_organisers(Texts.person_unanswered, turn.contact.name, turn.contact.phone)
    turn.metrics.append("PeopleNotAnswered")


def _call_person(
    turn: Turn,
    action: c.CallPerson | c.LeaveToPerson,
    *,
    notice: Callable[[Texts, str, str | None], Reply] | None = None,
) -> None:
    """Add the contact to the people who wait for a person, and notify the organisers, at most once an hour.

    A contact who answers an organiser is expected to write, so that alone is not reported again within the hour.
    """
    has_asked = isinstance(action, c.CallPerson)
    waits_since = turn.contact.person_wanted_at
    notified_at = turn.contact.person_called_at
    is_recent = notified_at is not None and turn.now < notified_at + CALL_AGAIN
    if waits_since is None and not has_asked and is_recent:
        turn.contact = replace(turn.contact, person_wanted_at=turn.now)
    elif waits_since is None or turn.now >= (notified_at or waits_since) + CALL_AGAIN:
        turn.contact = turn.contact.with_person_wanted(turn.now)
        usual = Texts.person_wanted if has_asked else Texts.person_wrote
        turn.notify_organisers(notice or usual, turn.contact.name, turn.contact.phone)
        turn.metrics.append("PeopleWanted")
    if has_asked and may_repeat(turn, "CallPerson"):
        turn.reply(turn.texts.person_notified())


def _change_language(turn: Turn, language: LanguageCode | None) -> None:
    """Talk to the contact in the language that they chose from now on (M9), or ask which."""
    if language is None:
        turn.reply(turn.texts.ask_language())
        return
    turn.contact = replace(turn.contact, chosen_language=language)
    turn.reply(turn.texts.language_chosen())


# Opting out (M5)


def _change_opt_out(turn: Turn, action: c.OptOut | c.OptIn | c.AskWhatToCancel | c.AskLeave) -> None:
    had_opted_out = turn.contact.opted_out
    match action:
        case c.OptOut():
            turn.contact = turn.contact.with_opt_out(out=True, at=turn.written_at)
            turn.reply(_opted_out_with_order(turn) or _how_it_stands(turn), turn.at_rest)
        case c.OptIn():
            turn.contact = turn.contact.with_opt_out(out=False, at=turn.written_at)
            is_greeting = not (had_opted_out or turn.contact.opted_out)
            turn.reply(turn.texts.menu() if is_greeting else _how_it_stands(turn), turn.at_rest)
        case c.AskWhatToCancel(order_id):
            _ask_what_to_cancel(turn, order_id)
        case c.AskLeave(order_id):
            own = _running(turn, order_id)
            _ask_either(turn, turn.texts.ask_leave_order(*own) if own else turn.texts.ask_leave())
    if turn.contact.opted_out != had_opted_out:
        turn.metrics.append("OptOuts" if turn.contact.opted_out else "OptIns")


def _how_it_stands(turn: Turn) -> Reply:
    """Say whether they get messages. A word that was written before the last one known changes nothing."""
    return turn.texts.opted_out() if turn.contact.opted_out else turn.texts.opted_in()


def _opted_out_with_order(turn: Turn) -> Reply | None:
    """Say that they get no messages, and ask again what was asked, if their numbers wait for a yes."""
    conversation = turn.contact.conversation
    if not turn.contact.opted_out or conversation.stage is not Stage.CONFIRMING or conversation.order_id is None:
        return None
    own = find_own(turn, conversation.order_id)
    if own is None or own.order.status is not OrderStatus.DRAFT or own.order.hold_has_ended(turn.now):
        return None
    return turn.texts.opted_out_with_order(*own, turn.now)


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
        asks = c.what_to_cancel_choice(own.order.id, turn.text)
        turn.reply(turn.texts.ask_what_to_cancel(*own), replace(turn.contact.conversation, asks=asks))


def _newest_running(turn: Turn) -> OwnOrder | None:
    return find_newest(turn, RUNNING)


# Raffles


def _look_for_raffle(turn: Turn, action: c.ListRaffles | c.AskRaffle | c.OpenByTitle | c.TryCode | c.TryCodes) -> None:
    match action:
        case c.ListRaffles(page):
            _list_raffles(turn, page)
        case c.AskRaffle():
            _list_raffles(turn, 1, wants_numbers=True)
        case c.TryCode(word, otherwise):
            raffle_id = turn.raffle_of_code.get(word)
            act(otherwise if raffle_id is None else c.OpenRaffle(raffle_id), turn)
        case c.TryCodes(words, text, otherwise):
            codes = [word for word in words if word in turn.raffle_of_code and not _is_refused(text, word)]
            if len(codes) == 1:
                _open_and_hold(turn, turn.raffle_of_code[codes[0]], _without_word(text, codes[0]))
            else:
                act(c.ListRaffles() if codes else otherwise, turn)
        case c.OpenByTitle():
            _open_by_title(turn, action)


def _ask_about_named(turn: Turn, raffle_id: str, text: str) -> None:
    """Ask about the numbers, or how many, that somebody named in a sentence which opened a raffle."""
    conversation = turn.contact.conversation
    is_open = conversation.stage is Stage.SELECTING and conversation.raffle_id == raffle_id
    if not is_open or not re.search("[0-9]", picks.fold(text)) or (raffle := _find_raffle(raffle_id)) is None:
        return
    if wanted := propose(text, first=raffle.first_number, last=raffle.last_number):
        _propose(turn, raffle, wanted)
    elif (count := counted(text)) is not None:
        turn.reply(turn.texts.unclear(raffle, picks.Unclear(picks.Unclarity.QUANTITY, str(count)), MAX_NUMBERS))


def _is_refused(text: str, word: str) -> bool:
    """Return whether they say that they do not mean this word: "no es MOTO"."""
    return (
        re.search(rf"(?<!\w)(?:no|nao|not)(?:\s+\w{{1,3}}){{0,2}}\s+{re.escape(word.lower())}(?!\w)", picks.fold(text))
        is not None
    )


def _without_word(text: str, word: str) -> str:
    return re.sub(rf"(?<![\w-]){re.escape(word)}(?![\w-])", " ", text, count=1, flags=re.IGNORECASE)


def _open_and_hold(turn: Turn, raffle_id: str, text: str) -> None:
    """Open a raffle, and hold the numbers that were named with it: "MOTO 5, 12"."""
    pick = picks.read_pick(text, first=0, last=c.MOST_NUMBERS, most=MAX_NUMBERS)
    if isinstance(pick, picks.Unclear) and pick.reason is picks.Unclarity.DOUBTFUL:
        text = picks.after_noun(text) or text  # "I'd like to take part with numbers 45 and 46"
        pick = picks.read_pick(text, first=0, last=c.MOST_NUMBERS, most=MAX_NUMBERS)
    # Beside a name, a number word is often none: "the hamper one".
    is_named = isinstance(pick, picks.Specific) and not re.search("[0-9]", picks.fold(text))
    if is_named or (isinstance(pick, picks.Unclear) and pick.reason in WITHOUT_ADVICE):
        _open_raffle(turn, raffle_id)
        _ask_about_named(turn, raffle_id, text)
        return
    conversation = _keeping_order(turn, Stage.SELECTING, raffle_id=raffle_id)
    turn.contact = replace(turn.contact, conversation=conversation)
    _hold(turn, raffle_id, text)


def _open_by_title(turn: Turn, action: c.OpenByTitle) -> None:
    """Open the raffle whose title they name, and hold the numbers that they name with it."""
    raffle = _named_raffle(turn, action.words, action.at_least)
    if raffle is None or (action.at_least > 1 and raffle.id == turn.contact.conversation.raffle_id):
        act(action.otherwise, turn)
        return
    text = action.text
    for word in [*action.words, *re.findall(r"\w+", picks.fold(raffle.title))]:
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
        _keeping_order(turn, Stage.BROWSING, shown=shown, page=page),
    )


def _open_raffle(turn: Turn, raffle_id: str) -> None:
    board = _board_on_sale(turn, raffle_id)
    if board is not None and not board.availability.available:
        turn.conflicts.release_in_raffle(board.raffle)
        board = _board_on_sale(turn, raffle_id)
    if board is not None:
        turn.open_raffle(board.raffle)
    if board is None:
        turn.reply(turn.texts.raffle_not_on_sale())
    elif not board.availability.available:
        turn.reply(turn.texts.sold_out(board.raffle))
    else:
        turn.reply(turn.texts.raffle(board, turn.now), _keeping_order(turn, Stage.SELECTING, raffle_id=raffle_id))


def _answer_question(
    turn: Turn, action: c.ShowFree | c.IsFree | c.TellHowToPay | c.TellPrize | c.TellPrice | c.TellDrawDate
) -> None:
    match action:
        case c.ShowFree(raffle_id):
            _show_free(turn, raffle_id)
        case c.IsFree(raffle_id, text):
            _tell_whether_free(turn, raffle_id, text)
        case c.TellHowToPay(raffle_id, order_id):
            own = find_own(turn, order_id) if order_id is not None else None
            if own is not None and own.order.status is not OrderStatus.DRAFT:
                _tell_where_it_stands(turn, *own)
                return
            turn.reply(turn.texts.how_to_pay(_find_raffle(raffle_id)))
        case c.TellPrize(raffle_id) | c.TellPrice(raffle_id):
            raffle = _find_raffle(raffle_id)
            asks = turn.contact.conversation.stage is Stage.SELECTING
            if raffle is None:
                turn.reply(turn.texts.raffle_not_on_sale())
            elif isinstance(action, c.TellPrice):
                turn.reply(turn.texts.price(raffle, action.quantity, asks=asks))
            else:
                turn.reply(turn.texts.prize(raffle, asks=asks))
        case c.TellDrawDate(raffle_id, is_open):
            raffle = _find_raffle(raffle_id) or _raffle_of_newest(turn)
            if raffle_id is not None and is_open and (raffle is None or raffle.draws_at is None):
                _open_raffle(turn, raffle_id)
                return
            on_sale = [raffle] if raffle else [one for one in raffles.active() if one.sells_at(turn.now)]
            turn.reply(turn.texts.draw_date(on_sale[:RAFFLES_A_PAGE], turn.now))


def _greet(turn: Turn, raffle_id: str) -> None:
    board = _board_on_sale(turn, raffle_id)
    turn.reply(
        turn.texts.menu() if board is None else turn.texts.greet(board.raffle), turn.at_rest if board is None else None
    )


def _find_raffle(raffle_id: str | None) -> Raffle | None:
    try:
        return raffles.get(raffle_id) if raffle_id is not None else None
    except RaffleNotFound:
        return None


def _show_free(turn: Turn, raffle_id: str) -> None:
    board = _board_on_sale(turn, raffle_id)
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
    board = _board_on_sale(turn, raffle_id)
    if board is None:
        turn.reply(turn.texts.raffle_not_on_sale())
        return
    raffle = board.raffle
    if (numbers := _named_range(turn, raffle)) is not None:
        show_free(turn, raffle, numbers)
        return
    pick = picks.read_pick(text, first=raffle.first_number, last=raffle.last_number, most=MAX_NUMBERS)
    if not isinstance(pick, picks.Specific):
        _show_free(turn, raffle_id) if isinstance(pick, picks.Random) else _choose_numbers(turn, board, pick)
        return
    free = free_among(raffle, pick.numbers)
    taken = [number for number in pick.numbers if number not in free]
    if free:
        turn.reply(turn.texts.number_free(raffle, free, taken))
    else:
        refusal = NumbersTaken(dict.fromkeys(taken, None), [])
        turn.reply(turn.texts.taken(raffle, refusal, nearest_free(raffle, taken), turn.now))


def _board_on_sale(turn: Turn, raffle_id: str) -> Board | None:
    try:
        board = raffles.board(raffle_id)
    except RaffleNotFound:
        return None
    return board if board.raffle.sells_at(turn.now) else None


def _keeping_order(
    turn: Turn, stage: Stage, *, raffle_id: str | None = None, shown: tuple[str, ...] = (), page: int = 1
) -> Conversation:
    """Return a conversation that keeps the order at hand while the contact looks at raffles.

    So `cancel` and a proof still find it.
    """
    order_id = turn.contact.conversation.order_id
    return Conversation(
        stage=stage,
        raffle_id=raffle_id,
        order_id=order_id,
        shown=shown,
        page=page,
        since=turn.written_at,
        tapped=turn.contact.conversation.tapped,
    )


# Holding


def _hold_or_ask(turn: Turn, action: c.HoldNumbers | c.ConfirmAge | c.RefuseAge) -> None:
    match action:
        case c.RefuseAge(raffle_id, age):
            raffle = _find_raffle(raffle_id)
            turn.reply(turn.texts.too_young(raffle, age) if raffle is not None else turn.texts.raffle_not_on_sale())
        case c.HoldNumbers(raffle_id, text):
            _hold_once(turn, raffle_id, text)
        case c.ConfirmAge():
            _confirm_age(turn, action)


def _hold_once(turn: Turn, raffle_id: str, text: str) -> None:
    """Hold numbers, unless a second tap asks for what the first tap on the same button holds.

    Words from before the raffle was opened are not about it (M7).
    """
    conversation = turn.contact.conversation
    if turn.is_older_than(conversation.since):
        _open_raffle(turn, raffle_id)
        return
    first = find_own(turn, conversation.order_id) if conversation.order_id and _tapped(turn) else None
    if first is not None and _tapped(turn) == conversation.tapped and first.order.status in RUNNING:
        _tell_where_it_stands(turn, *first)
    else:
        _hold(turn, raffle_id, text)


def _must_tell_age(turn: Turn, raffle: Raffle, pick: picks.Specific | picks.Random) -> bool:
    """Ask how old they are before their first hold in a raffle with a minimum age (H16). Return whether it is asked."""
    age = raffle.minimum_age
    if age is None or (turn.contact.age_confirmed or 0) >= age:
        return False
    if isinstance(pick, picks.Random):
        wanted = f"random {pick.quantity}"
    else:
        wanted = ",".join(f"#{number}" for number in pick.numbers)
    choice = c.confirm_age_choice(raffle.id, age, wanted)
    turn.reply(
        turn.texts.ask_age(raffle, age, choice),
        replace(_keeping_order(turn, Stage.SELECTING, raffle_id=raffle.id), asks=choice),
    )
    return True


def _confirm_age(turn: Turn, action: c.ConfirmAge) -> None:
    raffle = _find_raffle(action.raffle_id)
    is_older = turn.is_older_than(turn.contact.conversation.since)
    if is_older or raffle is None or raffle.minimum_age != action.age:  # it was changed meanwhile, or nobody asked
        _open_raffle(turn, action.raffle_id)
        return
    if (turn.contact.age_confirmed or 0) < action.age:
        turn.contact = replace(turn.contact, age_confirmed=action.age, age_confirmed_at=turn.written_at)
    if action.text:
        _hold_once(turn, raffle.id, action.text)
    else:
        _open_raffle(turn, raffle.id)


def _tapped(turn: Turn) -> str | None:
    """Return which button or row was tapped, and of which message; None if it was no tap."""
    message = turn.message
    is_tap = message.kind is MessageKind.CHOICE and message.quotes is not None
    return f"{message.choice} {unique_part(message.quotes or '')}" if is_tap else None


def _hold(turn: Turn, raffle_id: str, text: str) -> None:
    board = _board_on_sale(turn, raffle_id)
    if board is None:
        turn.reply(turn.texts.raffle_not_on_sale(), turn.at_rest)
        return
    raffle = board.raffle
    turn.open_raffle(raffle)
    pick = picks.read_pick(text, first=raffle.first_number, last=raffle.last_number, most=MAX_NUMBERS)
    if not isinstance(pick, picks.Unclear) and _must_tell_age(turn, raffle, pick):
        return
    try:
        numbers = _choose_numbers(turn, board, pick)
        if numbers is None:
            return
        order, turn.contact = turn.holds.hold(turn.transaction, board, turn.contact, numbers)
    except TooFewFree as refusal:
        # The schedule may have freed numbers since the board was read.
        before = board.availability.available
        if turn.conflicts.release_in_raffle(raffle) or raffles.board(raffle.id).availability.available > before:
            raise Busy from None  # try again with the numbers that have just come free
        turn.reply(turn.texts.too_few_free(raffle, refusal))
    except TooManyForContact as refusal:
        if turn.conflicts.release_of_contact(turn.contact):
            raise Busy from None
        turn.reply(turn.texts.too_many_for_contact(refusal))
    except HoldLimited as refusal:
        if refusal.limit in RELEASED_BY_TIME and turn.conflicts.release_of_contact(turn.contact):
            raise Busy from None
        if refusal.limit is HoldLimit.NEWCOMERS and _has_more_room(turn, board):
            raise Busy from None
        turn.reply(turn.texts.hold_limited(raffle, refusal, turn.now))
    else:
        conversation = Conversation(
            stage=Stage.CONFIRMING,
            raffle_id=raffle.id,
            order_id=order.id,
            since=turn.contact.conversation.since,
            tapped=_tapped(turn),
        )
        turn.reply(turn.texts.held(raffle, order, turn.now), conversation)
        turn.metrics.append("Holds")


def _has_more_room(turn: Turn, board: Board) -> bool:
    """Return whether newcomers may hold more by now: holds that are over are ended, or the schedule has ended some."""
    if turn.conflicts.release_in_raffle(board.raffle):
        return True
    now = raffles.board(board.raffle.id).room_for_newcomers
    return max(now.values()) > max(board.room_for_newcomers.values())


def _named_range(turn: Turn, raffle: Raffle) -> range | None:
    return read_range(turn.text, first=raffle.first_number, last=raffle.last_number)


def _choose_numbers(
    turn: Turn, board: Board, pick: picks.Specific | picks.Random | picks.Unclear
) -> Sequence[int] | None:
    """Choose the numbers to hold. None if a question or a refusal was replied instead. Raises TooFewFree."""
    match pick:
        case picks.Random(quantity):
            return turn.conflicts.random_numbers.choose(board, quantity)
        case picks.Specific(numbers):
            taken = turn.conflicts.taken
            if taken is None:
                return numbers
            nearest = nearest_free(board.raffle, list(taken.until))
            turn.reply(turn.texts.taken(board.raffle, taken, nearest, turn.now))
        case picks.Unclear(reason) if reason in WITHOUT_ADVICE and (answer := find_answer(board.raffle.faq, turn.text)):
            turn.reply(turn.texts.answer(answer))
        case picks.Unclear(picks.Unclarity.DOUBTFUL) if wanted := propose(
            turn.text, first=board.raffle.first_number, last=board.raffle.last_number
        ):
            _propose(turn, board.raffle, wanted)
        case picks.Unclear(picks.Unclarity.DOUBTFUL) if (count := counted(turn.text)) is not None:
            asked = picks.Unclear(picks.Unclarity.QUANTITY, str(count))
            turn.reply(turn.texts.unclear(board.raffle, asked, MAX_NUMBERS))
        case picks.Unclear(picks.Unclarity.TOO_MANY) if (named := _named_range(turn, board.raffle)) is not None:
            show_free(turn, board.raffle, named)
        case picks.Unclear(reason) if reason not in WITHOUT_ADVICE or may_repeat(turn, "HoldNumbers"):
            turn.reply(turn.texts.unclear(board.raffle, pick, MAX_NUMBERS))
    return None


def _propose(turn: Turn, raffle: Raffle, numbers: Sequence[int]) -> None:
    """Ask whether the numbers are wanted that somebody named beside words that the bot does not know."""
    choice = c.pick_numbers_choice(raffle.id, numbers)
    asking = replace(_keeping_order(turn, Stage.SELECTING, raffle_id=raffle.id), asks=choice)
    turn.reply(turn.texts.ask_numbers(raffle, numbers, choice), asking)


# The order at hand


def _try_order(turn: Turn, action: c.TryOrder) -> None:
    """Do what they want with an order that they name, if it is theirs; it is at hand from then on if it waits."""
    own = find_own(turn, action.order_id)
    if own is None and isinstance(action.then, c.AskAboutOrder) and not _means_another(turn, action):
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


def _means_another(turn: Turn, action: c.TryOrder) -> bool:
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
    turn: Turn, action: c.TryOrder | c.ConfirmOrder | c.ConfirmByReaction | c.CancelOrder | c.AskAboutOrder
) -> None:
    match action:
        case c.TryOrder():
            _try_order(turn, action)
        case c.ConfirmOrder(order_id, reminded):
            _confirm(turn, order_id, reminded=reminded)
        case c.ConfirmByReaction(order_id, message_id):
            if _asks_to_confirm(turn, order_id, message_id):
                _confirm(turn, order_id)
        case c.CancelOrder(order_id):
            _cancel(turn, order_id)
        case c.AskAboutOrder(order_id, unsure):
            _tell_about(turn, find_own(turn, order_id))
            if unsure and turn.contact.conversation.asks == c.RESTATED:
                turn.contact = replace(turn.contact, conversation=replace(turn.contact.conversation, asks=c.UNSURE))


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
    action: c.AskToCancel | c.AskChange | c.AskAnother | c.DrawNumbers | c.EditOrder | c.MoreTime | c.PaidClaim,
) -> None:
    """Ask or tell something about the order at hand, or about the newest one that is not over."""
    if action.order_id is not None:
        own = find_own(turn, action.order_id)
    else:
        own = find_newest(turn, OWNING - {OrderStatus.PAID})
    if own is None:
        no_order = turn.texts.no_order_for_proof if isinstance(action, c.PaidClaim) else turn.texts.nothing_to_cancel
        turn.reply(no_order(), turn.at_rest)
        return
    raffle, order = own
    if isinstance(action, c.AskChange) and order.status is OrderStatus.IN_REVIEW and c.wants_more(action.text):
        _hold(turn, raffle.id, action.text)
        return
    if order.status not in RUNNING or order.hold_has_ended(turn.now):
        if isinstance(action, c.AskToCancel) and order.status is OrderStatus.IN_REVIEW:
            turn.reply(turn.texts.cannot_cancel(order))
        elif isinstance(action, c.AskChange | c.EditOrder) and order.status is OrderStatus.IN_REVIEW:
            turn.reply(turn.texts.cannot_change(order))
        else:
            _tell_where_it_stands(turn, raffle, order)
        return
    _ask_about_running(turn, action, raffle, order)


def _ask_about_running(
    turn: Turn,
    action: c.AskToCancel | c.AskChange | c.AskAnother | c.DrawNumbers | c.EditOrder | c.MoreTime | c.PaidClaim,
    raffle: Raffle,
    order: Order,
) -> None:
    """Ask or tell something about an order that holds numbers and is not paid."""
    match action:
        case c.AskToCancel():
            _ask_to_cancel(turn, raffle, order)
        case c.AskChange(_, text):
            _change_numbers(turn, raffle, order, text)
        case c.EditOrder(_, kind, numbers):
            _edit_order(turn, raffle, order, kind.edit(order.numbers, numbers))
        case c.AskAnother() | c.DrawNumbers() if order.status is not OrderStatus.DRAFT or order.proofs:
            _tell_where_it_stands(turn, raffle, order)
        case c.AskAnother(_, quantity):
            _ask_either(turn, turn.texts.ask_another(raffle, order, quantity))
        case c.DrawNumbers(_, more, quantity):
            _draw_numbers(turn, raffle, order, quantity or (1 if more else order.quantity), more=more)
        case c.MoreTime():
            _give_more_time(turn, raffle, order)
        case c.PaidClaim():
            _tell_where_it_stands(turn, raffle, order)


def _ask_to_cancel(turn: Turn, raffle: Raffle, order: Order) -> None:
    """Ask whether to cancel an order. A yes right after it is the answer."""
    asking = replace(turn.contact.conversation, asks=c.cancel_order_choice(order.id))
    turn.reply(turn.texts.ask_to_cancel(raffle, order), asking)


def _change_numbers(turn: Turn, raffle: Raffle, order: Order, text: str) -> None:
    """Add, remove or exchange numbers of an order (H15). Ask if it is doubtful, or if a proof is in."""
    edit = read_edit(
        text,
        order.numbers,
        first=raffle.first_number,
        last=raffle.last_number,
        is_confirmed=order.status is not OrderStatus.DRAFT,
    )
    if edit is not None and _is_about_another_order(turn, order, edit):
        turn.reply(turn.texts.ask_change(raffle, order))
    elif edit is None or order.proofs:
        _ask_change(turn, raffle, order, text)
    else:
        _edit_order(turn, raffle, order, edit)


def _ask_change(turn: Turn, raffle: Raffle, order: Order, text: str) -> None:
    """Ask what to change. If they named numbers, buttons offer what may be meant."""
    number = which_goes(text, order.numbers)
    names_none = not text or (c.says_swap(text) and not re.search("[0-9]", text))
    if number is None and order.quantity == 1 and names_none:
        number = order.numbers[0]
    if number is not None and not order.proofs:
        asking = replace(turn.contact.conversation, asks=c.instead_choice(order.id, number))
        turn.reply(turn.texts.ask_instead(raffle, order, number), asking)
        return
    named = named_numbers(text, first=raffle.first_number, last=raffle.last_number)
    own = [number for number in named if number in order.numbers]
    new = [number for number in named if number not in order.numbers]
    unsure = replace(turn.contact.conversation, asks=c.UNSURE)
    if order.proofs or not named or (own and new and (len(own), len(new)) != (1, 1)):
        turn.reply(turn.texts.ask_change(raffle, order), unsure)
    elif own and new:
        turn.reply(turn.texts.ask_swap(raffle, order, own, new[0]), unsure)
    elif len(new) == 1 and c.may_count(text):
        turn.reply(turn.texts.ask_how_many_more(raffle, order, new[0]), unsure)
    elif len(new) == 1 and c.says_swap(text) and order.quantity <= MAX_SWAPS:
        turn.reply(turn.texts.ask_swap(raffle, order, order.numbers, new[0]), unsure)
    else:
        asking = replace(turn.contact.conversation, asks=c.which_choice(order.id, named, turn.text))
        turn.reply(turn.texts.ask_which_change(raffle, order, named), asking)


def _ask_either(turn: Turn, question: Reply) -> None:
    """Ask a question with two answers. A yes right after it is no answer, so it is asked again."""
    turn.reply(question, replace(turn.contact.conversation, asks=c.either_choice(turn.text)))


def _edit_order(turn: Turn, raffle: Raffle, order: Order, edit: Edit) -> None:
    """Add, remove or exchange numbers of an order (H15), unless it would be left empty, or the rules refuse it."""
    if order.proofs:
        turn.reply(turn.texts.ask_change(raffle, order))
        return
    missing = [number for number in edit.remove if number not in order.numbers]
    added = [number for number in edit.add if number not in order.numbers]
    numbers = sorted([*(number for number in order.numbers if number not in edit.remove), *added])
    if missing:
        turn.reply(turn.texts.not_in_order(raffle, order, missing))
    elif not numbers:
        _ask_to_cancel(turn, raffle, order)
    elif numbers == sorted(order.numbers):
        _tell_where_it_stands(turn, raffle, order)
    elif len(numbers) > MAX_NUMBERS or len(added) + len(edit.remove) > MAX_NUMBERS:
        turn.reply(turn.texts.unclear(raffle, picks.Unclear(picks.Unclarity.TOO_MANY), MAX_NUMBERS))
    elif added and not raffle.sells_at(turn.now):
        turn.reply(turn.texts.raffle_not_on_sale())
    elif added and turn.conflicts.taken is not None:
        taken = turn.conflicts.taken
        nearest = nearest_free(raffle, list(taken.until))
        turn.reply(turn.texts.taken(raffle, taken, nearest, turn.now, has_order=True))
    else:
        _exchange_numbers(turn, raffle, order, numbers, is_adding=bool(added))


def _is_about_another_order(turn: Turn, order: Order, edit: Edit) -> bool:
    """Return whether they wrote before what they would change existed (M7).

    Numbers that come one a message, quicker than the reply, join the order of the first in the raffle that is open.
    """
    conversation = turn.contact.conversation
    is_same_raffle = conversation.order_id == order.id and conversation.since is not None
    return turn.is_older_than(conversation.since if is_same_raffle and not edit.remove else order.created_at)


def _draw_numbers(turn: Turn, raffle: Raffle, order: Order, quantity: int, *, more: bool) -> None:
    """Draw numbers at random for an order: more, or others instead of all (H15)."""
    if quantity > MAX_NUMBERS:
        turn.reply(turn.texts.unclear(raffle, picks.Unclear(picks.Unclarity.TOO_MANY), MAX_NUMBERS))
        return
    board = _board_on_sale(turn, raffle.id)
    if board is None:
        turn.reply(turn.texts.raffle_not_on_sale())
        return
    try:
        drawn = turn.conflicts.random_numbers.choose(board, quantity)
    except TooFewFree as refusal:
        if turn.conflicts.release_in_raffle(raffle):
            raise Busy from None
        turn.reply(turn.texts.too_few_free(raffle, refusal))
        return
    numbers = [*order.numbers, *drawn] if more else list(drawn)
    if len(numbers) > MAX_NUMBERS:
        turn.reply(turn.texts.unclear(raffle, picks.Unclear(picks.Unclarity.TOO_MANY), MAX_NUMBERS))
    else:
        _exchange_numbers(turn, raffle, order, sorted(numbers), is_adding=True)


def _exchange_numbers(turn: Turn, raffle: Raffle, order: Order, numbers: Sequence[int], *, is_adding: bool) -> None:
    more = len(numbers) - order.quantity
    if len({*numbers} ^ {*order.numbers}) > MAX_NUMBERS:  # each takes a part of the transaction
        turn.reply(turn.texts.unclear(raffle, picks.Unclear(picks.Unclarity.TOO_MANY), MAX_NUMBERS))
        return
    added = picks.Specific(tuple(number for number in numbers if number not in order.numbers))
    if is_adding and _must_tell_age(turn, raffle, added):
        return
    tally = order.newcomer_tally
    try:
        if is_adding:
            person = load_person(turn.transaction, turn.contact)
            turn.contact = person[0]
            check_change(raffle, person, more, turn.now)
            if more > 0:
                check_limit(raffle, person, more)
            tally = _tally_of_change(turn, raffle, order, more) if is_newcomer(person) else None
    except TooManyForContact as refusal:
        if turn.conflicts.release_of_contact(turn.contact):
            raise Busy from None
        turn.reply(turn.texts.too_many_for_contact(refusal))
    except HoldLimited as refusal:
        if refusal.limit in RELEASED_BY_TIME and turn.conflicts.release_of_contact(turn.contact):
            raise Busy from None
        if turn.conflicts.make_room_for_newcomers(raffle):
            raise Busy from None
        turn.reply(turn.texts.hold_limited(raffle, refusal, turn.now))
    else:
        with turn.changing(raffle, order) as unit:
            unit.change_numbers(numbers, newcomer_tally=tally)
        turn.reply(turn.texts.order_changed(raffle, unit.order, turn.now))
        turn.metrics.append("OrdersChanged")


def _tally_of_change(turn: Turn, raffle: Raffle, order: Order, more: int) -> int | None:
    """Return the tally in which a newcomer's order counts with `more` numbers (H10).

    It is the same as before. If that one is full, as an earlier try showed, it is another one: one request. Raises
    HoldLimited if none has room.
    """
    if order.newcomer_tally is None or more <= 0 or not turn.conflicts.newcomers_hold_all:
        return order.newcomer_tally
    room = raffles.board(raffle.id).room_for_newcomers
    if room[order.newcomer_tally] >= more:  # the schedule has ended holds since
        return order.newcomer_tally
    most = max(room, key=room.__getitem__)
    if room[most] < order.quantity + more:
        raise HoldLimited(HoldLimit.NEWCOMERS, until=order.reserved_until)
    return most


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
        _tell_where_it_stands(turn, raffle, order)
        return
    with turn.changing(raffle, order) as unit:
        unit.apply(OrderEvent.CONFIRMED)
    tapped = turn.contact.conversation.tapped
    conversation = Conversation(stage=Stage.PAYMENT, raffle_id=raffle.id, order_id=order.id, tapped=tapped)
    _say_how_to_pay(turn, raffle, unit.order, conversation)


def _say_how_to_pay(turn: Turn, raffle: Raffle, order: Order, conversation: Conversation | None = None) -> None:
    """Say how to pay, and what to copy in a message of its own. `conversation`: given after the first yes."""
    turn.reply(turn.texts.payment_instructions(raffle, order, turn.now, again=conversation is None), conversation)
    account = turn.texts.payment_account(raffle, order)
    if account is not None:
        turn.reply(account)


def _tell_about(turn: Turn, own: OwnOrder | None) -> None:
    """Say where an order stands; show the menu if there is none."""
    if own is None:
        turn.reply(turn.texts.menu(not_understood=True), IDLE)
    else:
        _tell_where_it_stands(turn, *own)


def _tell_where_it_stands(turn: Turn, raffle: Raffle, order: Order) -> None:
    texts = turn.texts
    done = Conversation(raffle_id=raffle.id) if turn.contact.conversation.order_id == order.id else None
    if order.hold_has_ended(turn.now):  # the schedule has not ended it yet
        with turn.changing(raffle, order) as unit:
            release(unit, OrderEvent.DEADLINE_PASSED, over_at=turn.now)
        turn.reply(ended_text(unit.order)(texts, raffle, unit.order))
    elif order.status is OrderStatus.DRAFT:
        restated = replace(turn.contact.conversation, asks=c.RESTATED)
        turn.reply(texts.still_held(raffle, order, turn.now), restated)
    elif order.status is OrderStatus.PENDING_PAYMENT:
        _say_how_to_pay(turn, raffle, order)
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


def _cancel(turn: Turn, order_id: str | None) -> None:
    if order_id is None and (running := _newest_running(turn)) is not None:  # none is at hand, but one still runs
        _ask_to_cancel(turn, *running)
        return
    own = find_own(turn, order_id) if order_id is not None else None
    if own is None:
        turn.reply(turn.texts.nothing_to_cancel(), turn.at_rest)
        return
    raffle, order = own
    if order.status in RUNNING and turn.is_older_than(order.created_at):
        _ask_to_cancel(turn, raffle, order)
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
    newest = orders.of_contact(turn.contact.id, limit=ORDERS_SHOWN)
    raffle_by_id = {raffle.id: raffle for raffle in raffles.get_all({order.raffle_id for order in newest})}
    paid = [order for order in newest if order.status is OrderStatus.PAID]
    if only_ticket and len(paid) == 1:
        _tell_where_it_stands(turn, raffle_by_id[paid[0].raffle_id], paid[0])
        return
    turn.reply(turn.texts.orders([(raffle_by_id[order.raffle_id], order) for order in newest], turn.now))


# Proofs


def _take_proof(turn: Turn, action: c.TakeProof) -> None:
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


def _keep_file(turn: Turn, action: c.TakeProof) -> None:
    """Keep a file that belongs to no order with the message, for the organisers. Say so once in a row."""
    kept = _keep_proof(turn, action.media)
    if isinstance(kept, Reply):
        if may_repeat(turn, "file refused"):
            turn.reply(kept)
        return
    turn.file = kept
    _call_person(turn, c.LeaveToPerson(), notice=Texts.file_came)
    if not action.quietly and may_repeat(turn, "file kept") and turn.contact.reply_limits.times == 1:
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
    """Return the order whose numbers a caption names, if it is one of their newest, and no other one has them."""
    numbers = set(map(int, re.findall("(?<![0-9])[0-9]{1,7}(?![0-9])", picks.fold(caption))))
    if not numbers:
        return None
    listed = orders.of_contact(turn.contact.id, limit=ORDERS_SHOWN)
    named = [order for order in listed if numbers <= {*order.numbers}]
    return find_own(turn, named[0].id) if len(named) == 1 else None


def _find_rejected(turn: Turn) -> OwnOrder | None:
    """Return the only unpaid order whose proof was rejected, if they have several: a new proof is most likely for it.

    No request for whoever has one unpaid order.
    """
    if len(turn.contact.unpaid) < 2:
        return None
    listed = orders.of_contact(turn.contact.id, limit=ORDERS_SHOWN)
    waits = [one for one in listed if one.status is OrderStatus.PENDING_PAYMENT and one.rejected_at is not None]
    newer = [one for one in waits if len(one.proofs) <= one.rejections]
    return find_own(turn, newer[0].id) if len(newer) == 1 else None


def _find_order_of_proof(turn: Turn, action: c.TakeProof) -> OwnOrder | None:
    """Find the order that a file is the proof of.

    It is the order whose code, or whose numbers, are in the caption; else one that waits for its payment, the one at
    hand before newer ones; else the one at hand; else one in review; else the newest of all, which may have ended. It
    is never an older one that has ended: a picture must not bring back what was long forgotten.
    """
    codes = dict.fromkeys(filter(is_code, re.split("[^0-9A-Z]+", action.caption.upper())))
    for code in [*codes][:MAX_CODES]:
        if (named := find_own(turn, code)) is not None:
            return named
    if (told := _find_by_numbers(turn, action.caption)) is not None:
        return told
    if (rejected := _find_rejected(turn)) is not None and not turn.quote_decides:
        return rejected
    at_hand = find_own(turn, action.order_id) if action.order_id is not None else None
    if at_hand is not None and turn.is_older_than(at_hand.order.created_at):
        at_hand = None
    if at_hand is not None and (turn.quote_decides or at_hand.order.status is OrderStatus.PENDING_PAYMENT):
        return at_hand
    listed = orders.of_contact(turn.contact.id, limit=ORDERS_SHOWN)
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
