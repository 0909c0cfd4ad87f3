"""Open a raffle, and hold numbers in it (H1 to H16)."""

from collections.abc import Sequence
from dataclasses import replace

from chalicelib.domain import chat_actions as a
from chalicelib.domain import picks
from chalicelib.domain.choices import CONFIRM, confirm_age_choice, count_choice, pick_numbers_choice
from chalicelib.domain.conversation import Conversation, Stage
from chalicelib.domain.faq import find_answer
from chalicelib.domain.intents import read_meaning
from chalicelib.domain.messages import MessageKind
from chalicelib.domain.orders import MAX_NUMBERS, RUNNING
from chalicelib.domain.proposals import counted, drawn, propose
from chalicelib.domain.raffles import Board, Raffle
from chalicelib.domain.ranges import read_range
from chalicelib.domain.refusals import HoldLimit, HoldLimited, TooFewFree, TooManyForContact
from chalicelib.services.chat.boards import show_free
from chalicelib.services.chat.lookups import board_on_sale, find_own, find_raffle, keeping_order
from chalicelib.services.chat.misses import may_repeat, unknown_question
from chalicelib.services.chat.order_status import tell_where_it_stands
from chalicelib.services.chat.turn import Turn
from chalicelib.services.orders.conflicts import free_among, nearest_free
from chalicelib.store import raffles
from chalicelib.store.transaction import Busy
from chalicelib.whatsapp.message_ids import unique_part

# Their own holds that are over but not ended yet count against these limits.
RELEASED_BY_TIME = (HoldLimit.ORDERS, HoldLimit.NUMBERS)
# The reply to these only says that nothing was understood.
WITHOUT_ADVICE = (picks.Unclarity.NOTHING, picks.Unclarity.DOUBTFUL)


def open_raffle(turn: Turn, raffle_id: str) -> None:
    board = board_on_sale(turn, raffle_id)
    if board is not None and not board.availability.available:
        turn.conflicts.release_in_raffle(board.raffle)
        board = board_on_sale(turn, raffle_id)
    if board is not None:
        turn.open_raffle(board.raffle)
    if board is None:
        turn.reply(turn.texts.raffle_not_on_sale())
    elif not board.availability.available:
        turn.reply(turn.texts.sold_out(board.raffle))
    else:
        turn.reply(turn.texts.raffle(board, turn.now), keeping_order(turn, Stage.SELECTING, raffle_id=raffle_id))


def hold_or_ask(turn: Turn, action: a.HoldNumbers | a.ConfirmAge | a.RefuseAge) -> None:
    match action:
        case a.RefuseAge(raffle_id, age):
            raffle = find_raffle(raffle_id)
            turn.reply(turn.texts.too_young(raffle, age) if raffle is not None else turn.texts.raffle_not_on_sale())
        case a.HoldNumbers(raffle_id, text):
            _hold_once(turn, raffle_id, text)
        case a.ConfirmAge():
            _confirm_age(turn, action)


def _hold_once(turn: Turn, raffle_id: str, text: str) -> None:
    """Hold numbers, unless a second tap asks for what the first tap on the same button holds.

    Words from before the raffle was opened are not about it (M7).
    """
    conversation = turn.contact.conversation
    if turn.is_older_than(conversation.since):
        open_raffle(turn, raffle_id)
        return
    first = find_own(turn, conversation.order_id) if conversation.order_id and tapped(turn) else None
    if first is not None and tapped(turn) == conversation.tapped and first.order.status in RUNNING:
        tell_where_it_stands(turn, *first)
    else:
        hold(turn, raffle_id, text)


def must_tell_age(turn: Turn, raffle: Raffle, pick: picks.Specific | picks.Random) -> bool:
    """Ask how old they are before their first hold in a raffle with a minimum age (H16). Return whether it is asked."""
    age = raffle.minimum_age
    if age is None or (turn.contact.age_confirmed or 0) >= age:
        return False
    if isinstance(pick, picks.Random):
        wanted = f"random {pick.quantity}"
    else:
        wanted = ",".join(f"#{number}" for number in pick.numbers)
    choice = confirm_age_choice(raffle.id, age, wanted)
    turn.reply(
        turn.texts.ask_age(raffle, age, choice),
        replace(keeping_order(turn, Stage.SELECTING, raffle_id=raffle.id), asks=choice),
    )
    return True


def _confirm_age(turn: Turn, action: a.ConfirmAge) -> None:
    raffle = find_raffle(action.raffle_id)
    is_older = turn.is_older_than(turn.contact.conversation.since)
    if is_older or raffle is None or raffle.minimum_age != action.age:  # it was changed meanwhile, or nobody asked
        open_raffle(turn, action.raffle_id)
        return
    if (turn.contact.age_confirmed or 0) < action.age:
        turn.contact = replace(turn.contact, age_confirmed=action.age, age_confirmed_at=turn.written_at)
    if action.text:
        _hold_once(turn, raffle.id, action.text)
    else:
        open_raffle(turn, raffle.id)


def tapped(turn: Turn) -> str | None:
    """Return which button or row was tapped, and of which message; None if it was no tap."""
    message = turn.message
    is_tap = message.kind is MessageKind.CHOICE and message.quotes is not None
    return f"{message.choice} {unique_part(message.quotes or '')}" if is_tap else None


def hold(turn: Turn, raffle_id: str, text: str) -> None:
    board = board_on_sale(turn, raffle_id)
    if board is None:
        turn.reply(turn.texts.raffle_not_on_sale(), turn.at_rest)
        return
    raffle = board.raffle
    turn.open_raffle(raffle)
    pick = picks.read_pick(text, first=raffle.first_number, last=raffle.last_number, most=MAX_NUMBERS)
    may_be_random = isinstance(pick, picks.Unclear) and pick.reason in (*WITHOUT_ADVICE, picks.Unclarity.QUANTITY)
    if may_be_random and (count := drawn(text)) is not None:
        pick = picks.Random(count)  # "pick me 3 good ones"
    if not isinstance(pick, picks.Unclear) and must_tell_age(turn, raffle, pick):
        return
    try:
        numbers = choose_numbers(turn, board, pick)
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
            tapped=tapped(turn),
            asks=CONFIRM,
        )
        turn.reply(turn.texts.held(raffle, order, turn.now), conversation)
        turn.metrics.append("Holds")


def _has_more_room(turn: Turn, board: Board) -> bool:
    """Return whether newcomers may hold more by now: holds that are over are ended, or the schedule has ended some."""
    if turn.conflicts.release_in_raffle(board.raffle):
        return True
    now = raffles.board(board.raffle.id).room_for_newcomers
    return max(now.values()) > max(board.room_for_newcomers.values())


def named_range(turn: Turn, raffle: Raffle) -> range | None:
    return read_range(turn.text, first=raffle.first_number, last=raffle.last_number)


def choose_numbers(
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
        case picks.Unclear(reason) if reason in WITHOUT_ADVICE and (
            answer := find_answer(board.raffle.faq, turn.text, by_topic=True)
        ):
            turn.reply(turn.texts.answer(answer))
        case picks.Unclear(picks.Unclarity.DOUBTFUL) if wanted := propose(
            turn.text, first=board.raffle.first_number, last=board.raffle.last_number
        ):
            ask_about_numbers(turn, board.raffle, wanted)
        case picks.Unclear(picks.Unclarity.DOUBTFUL) if (count := counted(turn.text)) is not None:
            ask_which(turn, board.raffle, picks.Unclear(picks.Unclarity.QUANTITY, str(count)))
        case picks.Unclear(picks.Unclarity.TOO_MANY) if (named := named_range(turn, board.raffle)) is not None:
            show_free(turn, board.raffle, named)
        case picks.Unclear(reason) if reason not in WITHOUT_ADVICE or may_repeat(turn, "HoldNumbers"):
            # Whoever names no number does not hear which numbers are not clear.
            says_none = reason is picks.Unclarity.DOUBTFUL and not read_meaning(turn.text).has_numbers
            unclear = picks.Unclear(picks.Unclarity.NOTHING) if says_none else pick
            if unclear.reason is picks.Unclarity.NOTHING and unknown_question(turn):
                turn.reply(turn.texts.cannot_answer(turn.text, board.raffle))
            else:
                ask_which(turn, board.raffle, unclear)
    return None


def ask_which(turn: Turn, raffle: Raffle, unclear: picks.Unclear) -> None:
    """Say what was unclear about numbers. "5" after "5 numbers?" may be answered in words."""
    reply = turn.texts.unclear(raffle, unclear, MAX_NUMBERS)
    if unclear.reason is not picks.Unclarity.QUANTITY:
        turn.reply(reply)
        return
    asks = count_choice(raffle.id, int(unclear.fragment))
    turn.reply(reply, replace(keeping_order(turn, Stage.SELECTING, raffle_id=raffle.id), asks=asks))


def ask_about_numbers(turn: Turn, raffle: Raffle, numbers: Sequence[int]) -> None:
    """Ask whether the numbers are wanted that somebody named beside words that the bot does not know.

    One request, to offer none that is taken. Holds that are over count as taken until they are asked for (H4).
    """
    free = free_among(raffle, numbers)
    taken = [number for number in numbers if number not in free]
    choice = pick_numbers_choice(raffle.id, free or numbers)
    asking = replace(keeping_order(turn, Stage.SELECTING, raffle_id=raffle.id), asks=choice)
    asked = turn.texts.number_free(raffle, free, taken) if taken and free else None
    turn.reply(asked or turn.texts.ask_numbers(raffle, numbers, choice), asking)
