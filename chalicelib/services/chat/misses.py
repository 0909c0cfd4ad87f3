"""What the bot could make nothing of: say so, but not for ever (M8), and call a person."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from chalicelib.domain import conversation as c
from chalicelib.domain.messages import Reply
from chalicelib.domain.reply_limits import MAX_SAME
from chalicelib.domain.reply_names import ReplyName
from chalicelib.services.chat.turn import Turn
from chalicelib.services.messaging.texts import Texts

CALL_AGAIN = timedelta(hours=1)


def offer_person(turn: Turn) -> None:
    """Offer a person once the bot has not understood two messages in a row."""
    is_lost = turn.is_unclear and turn.contact.reply_limits.misses >= MAX_SAME
    if is_lost and turn.replies and turn.replies[-1].name is not ReplyName.PERSON_CALLED:
        turn.replies[-1] = turn.texts.offering_person(turn.replies[-1])


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


def call_person(
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
