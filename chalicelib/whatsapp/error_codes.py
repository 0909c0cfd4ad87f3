"""Says what to do about each of WhatsApp's error codes.

Source: https://developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes
"""

from dataclasses import dataclass
from enum import StrEnum


class Action(StrEnum):
    """What happens to the message and to those behind it."""

    RETRY = "retry"  # send again after the delays, then give up
    WAIT_PERSON = "wait_person"  # like RETRY, and hold back everything else for this person
    WAIT_NUMBER = "wait_number"  # hold back everything from our number during the delay, then continue
    WAIT_ALL = "wait_all"  # like WAIT_NUMBER, since we have only one number
    DROP = "drop"  # it can't reach this person, and nothing can be done about it
    OPTED_OUT = "opted_out"  # drop, and mark the contact as opted out
    TEMPLATE = "template"  # the 24-hour window is closed: send a template, or show it to the organiser
    ASK_AGAIN = "ask_again"  # their file did not arrive: ask them to send it again
    DEAD_LETTER = "dead_letter"  # our bug: keep the message for a developer
    ALERT_ONLY = "alert_only"  # the account is set up wrongly: give up and tell the organisers
    STOP_BUSINESS_INITIATED = "stop_business_initiated"  # send only answers until somebody resumes
    STOP_ALL = "stop_all"  # send nothing until somebody resumes; the message stays due


@dataclass(frozen=True, kw_only=True)
class Remedy:
    """What to do about an error.

    Attributes:
        alert: somebody must look at it now.
        delays: seconds before each retry; empty means no retry. A Retry-After in the answer overrides them. After the
            last one a message is given up, except for WAIT_NUMBER and WAIT_ALL, which try it again when sending
            continues.
    """

    action: Action
    alert: bool = False
    delays: tuple[int, ...] = ()


def remedy(code: int) -> Remedy:
    """Return what to do about an error code in an answer or in a failed status."""
    for codes, entry in REMEDIES:
        if code in codes:
            return entry
    return UNKNOWN


def meaning(code: int) -> str:
    """Explain an error code to an organiser in a sentence."""
    return MEANINGS.get(code) or MEANING_OF_ACTION[remedy(code).action]


MEANINGS = {
    0: "Our access to WhatsApp is not valid: the token must be renewed.",
    190: "Our access to WhatsApp is not valid: the token must be renewed.",
    130472: "WhatsApp does not deliver to this person, as part of one of its experiments.",
    131026: "This number is not on WhatsApp, has an old version of it, or does not accept messages from businesses.",
    131049: "WhatsApp protects this person from too many messages by businesses.",
    131053: "WhatsApp could not process our file.",
}
MEANING_OF_ACTION = {
    Action.RETRY: "WhatsApp had a temporary problem.",
    Action.WAIT_PERSON: "We have written to this person faster than WhatsApp allows.",
    Action.WAIT_NUMBER: "Our number has sent more than WhatsApp allows, or is being maintained.",
    Action.WAIT_ALL: "Our account has sent more than WhatsApp allows.",
    Action.DROP: "This person can't be reached.",
    Action.OPTED_OUT: "The person does not want messages from us.",
    Action.TEMPLATE: "More than 24 hours had passed since they wrote, and no template could be sent instead.",
    Action.ASK_AGAIN: "A file did not arrive.",
    Action.DEAD_LETTER: "WhatsApp rejected the form of the message: a developer must look at it.",
    Action.ALERT_ONLY: "Our WhatsApp account is not set up for this.",
    Action.STOP_BUSINESS_INITIATED: "WhatsApp has restricted us because too many people reported our messages.",
    Action.STOP_ALL: "WhatsApp has blocked our account.",
}

# Retrying after an unknown error may send twice or break one of WhatsApp's rules: somebody must look at it first.
UNKNOWN = Remedy(action=Action.DEAD_LETTER, alert=True)

_TOKEN = Remedy(action=Action.STOP_ALL, alert=True)
_BLOCKED = Remedy(action=Action.STOP_ALL, alert=True)
_SET_UP = Remedy(action=Action.ALERT_ONLY, alert=True)
_OUR_BUG = Remedy(action=Action.DEAD_LETTER, alert=True)
# Most hiccups are over in a moment, so the first retries come within a minute. The alert comes when all are used up.
_HICCUP = Remedy(action=Action.RETRY, alert=True, delays=(2, 5, 10, 30, 300, 900, 1800))
# Answers are retried all the same; everything else waits.
_SPAM = Remedy(action=Action.STOP_BUSINESS_INITIATED, alert=True, delays=(300, 1800))
_DROP = Remedy(action=Action.DROP)

# The first row that holds the code decides.
REMEDIES: tuple[tuple[range | tuple[int, ...], Remedy], ...] = (
    ((0,), _TOKEN),
    ((1,), Remedy(action=Action.RETRY, alert=True, delays=(5, 30, 120))),  # unknown; may also be our bad request
    ((2,), Remedy(action=Action.RETRY, delays=(2, 5, 10, 30, 120, 600, 1800))),  # Meta is down or busy
    ((3,), _SET_UP),  # capability missing
    ((4,), Remedy(action=Action.WAIT_ALL, alert=True, delays=(60, 300, 900, 3600))),  # app limit
    ((10,), _SET_UP),  # permission missing
    ((33,), _OUR_BUG),  # object gone
    ((100,), _OUR_BUG),  # invalid parameter
    ((190,), _TOKEN),  # expired or revoked
    (range(200, 300), _SET_UP),  # permissions
    ((368,), _BLOCKED),  # policy violation
    ((80007,), Remedy(action=Action.WAIT_ALL, alert=True, delays=(60, 300, 900, 3600))),  # account limit
    ((130403,), _DROP),  # blocked by us or them
    ((130429,), Remedy(action=Action.WAIT_NUMBER, delays=(2, 8, 30, 120, 600))),  # throughput of our number
    ((130472,), _DROP),  # the person is in an experiment of Meta's
    ((130497,), _BLOCKED),  # not allowed to write to this country
    ((131000,), _HICCUP),  # something went wrong
    ((131005,), _SET_UP),  # access denied
    ((131008,), _OUR_BUG),  # parameter missing
    ((131009,), _OUR_BUG),  # parameter invalid
    ((131016,), _HICCUP),  # service unavailable
    ((131021,), _DROP),  # we wrote to ourselves
    ((131026,), _DROP),  # not on WhatsApp, old client or blocked
    ((131030,), _SET_UP),  # test mode's allow list, or the Mexican or Argentinian form of the number
    ((131031,), _BLOCKED),  # account locked
    ((131042,), _SET_UP),  # billing
    ((131045,), _SET_UP),  # number not registered
    ((131047,), Remedy(action=Action.TEMPLATE)),  # more than 24 hours
    ((131048,), _SPAM),  # spam rate
    ((131049,), _DROP),  # Meta protects the person from marketing
    ((131050,), Remedy(action=Action.OPTED_OUT)),
    ((131051,), _OUR_BUG),  # message type not supported
    ((131052,), Remedy(action=Action.ASK_AGAIN)),  # media of theirs
    ((131053,), _OUR_BUG),  # media of ours
    # 4^x seconds, says Meta; one message each 6 s and a burst of 45 for a person.
    ((131056,), Remedy(action=Action.WAIT_PERSON, delays=(1, 4, 16, 64, 256))),
    ((131057,), Remedy(action=Action.WAIT_NUMBER, delays=(60, 120, 300, 900))),  # maintenance of our number
    ((131062,), _OUR_BUG),  # this message can't go to a user id; it needs the phone
    ((131064,), _SPAM),
    # Template missing, paused, disabled, or other parameters than ours.
    ((132000, 132001, 132005, 132007, 132012, 132015, 132016), _SET_UP),
    ((133004,), _HICCUP),  # server unavailable, unlike the rest of its family:
    (range(133000, 133017), _SET_UP),  # registration of our number
    ((135000,), _OUR_BUG),  # generic: something in the request
)
