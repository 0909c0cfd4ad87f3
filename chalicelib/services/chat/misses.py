"""What the bot could make nothing of: say so, but not for ever (M8), and call a person."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from chalicelib.domain import chat_actions as a
from chalicelib.domain.faq import is_question
from chalicelib.domain.messages import MessageKind, Reply
from chalicelib.domain.reply_limits import MAX_SAME, ReplyLimits
from chalicelib.domain.reply_names import ReplyName
from chalicelib.services.chat.turn import Turn
from chalicelib.services.messaging.texts import Texts

CALL_AGAIN = timedelta(hours=1)
Notice = Callable[[Texts, str, str | None, str, str | None], Reply]  # name, phone, words, code of the order at hand


def offer_person(turn: Turn) -> None:
    """Offer a person once the bot has not understood two messages in a row. After a question it does so anyway."""
    is_lost = turn.is_unclear and turn.contact.reply_limits.misses >= MAX_SAME and not unknown_question(turn)
    if is_lost and turn.replies and turn.replies[-1].name is not ReplyName.PERSON_CALLED:
        turn.replies[-1] = turn.texts.offering_person(turn.replies[-1])


def may_repeat(turn: Turn, unclear: str) -> bool:
    """Return whether to say once more that the bot can make nothing of a message (M8).

    It says so MAX_SAME times in a row. Then the organisers are told, and so is whoever typed. Then it is silent.

    Args:
        unclear: what it would say, in a word.
    """
    had_enough = turn.contact.reply_limits.is_lost
    limits = count_miss(turn, unclear)
    if limits.is_lost and not had_enough and report_silence(turn) and turn.message.kind is not MessageKind.MEDIA:
        turn.reply(turn.texts.left_to_person())
    return not limits.is_lost


def unknown_question(turn: Turn) -> str:
    """Return the question that they typed, to which a person may know the answer; "" if it is none."""
    return turn.text if turn.message.kind is MessageKind.TEXT and is_question(turn.text) else ""


def _words(turn: Turn) -> str:
    """Return what they wrote themselves: the title of a button is ours."""
    return "" if turn.message.kind is MessageKind.CHOICE else turn.text


def _notify(turn: Turn, notice: Notice, words: str) -> None:
    contact = turn.contact
    turn.notify_organisers(notice, contact.name, contact.phone, words, contact.conversation.order_id)


def count_miss(turn: Turn, unclear: str) -> ReplyLimits:
    """Count a message of which the bot can make nothing."""
    turn.is_unclear = True
    limits = turn.contact.reply_limits.with_unclear(unclear, is_file=turn.message.kind is MessageKind.MEDIA)
    turn.contact = replace(turn.contact, reply_limits=limits)
    return limits


def report_silence(turn: Turn) -> bool:
    """Tell the organisers that the bot no longer answers a contact, unless they were called within the hour.

    Return whether they are told.
    """
    notified_at = turn.contact.person_called_at
    if notified_at is not None and turn.now < notified_at + CALL_AGAIN:
        return False
    turn.contact = turn.contact.with_person_wanted(turn.now)
    _notify(turn, Texts.person_unanswered, _words(turn))
    turn.metrics.append("PeopleNotAnswered")
    return True


def call_person(
    turn: Turn,
    action: a.CallPerson | a.LeaveToPerson,
    *,
    notice: Notice | None = None,
) -> None:
    """Add the contact to the people who wait for a person, and notify the organisers, at most once an hour.

    A contact who answers an organiser is expected to write, so that alone is not reported again within the hour.
    """
    has_asked = isinstance(action, a.CallPerson)
    waits_since = turn.contact.person_wanted_at
    notified_at = turn.contact.person_called_at
    is_recent = notified_at is not None and turn.now < notified_at + CALL_AGAIN
    if waits_since is None and not has_asked and is_recent:
        turn.contact = replace(turn.contact, person_wanted_at=turn.now)
    elif waits_since is None or turn.now >= (notified_at or waits_since) + CALL_AGAIN:
        turn.contact = turn.contact.with_person_wanted(turn.now)
        usual = Texts.person_wanted if has_asked else Texts.person_wrote
        _notify(turn, notice or usual, (action.words if isinstance(action, a.CallPerson) else "") or _words(turn))
        turn.metrics.append("PeopleWanted")
    if has_asked and may_repeat(turn, a.CallPerson.__name__):
        turn.reply(turn.texts.person_notified())
