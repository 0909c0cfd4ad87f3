"""What becomes of WhatsApp's notices about our account, number and templates: a table, and nothing of them is kept."""

import re
from dataclasses import dataclass

from chalicelib.telemetry import alert, count, logger
from chalicelib.whatsapp.error_codes import remedy
from chalicelib.whatsapp.inbound import Other

ALL = frozenset({"*"})


@dataclass(frozen=True, kw_only=True)
class Rule:
    """`word` is the key whose value says what happened; for one of `alarming`, somebody must look at once."""

    word: str
    alarming: frozenset[str] = frozenset()


def _rule(word: str, *alarming: str) -> Rule:
    return Rule(word=word, alarming=frozenset(alarming))


# Field of the webhook → its rule. What is not here, or not alarming, is recorded: Meta adds fields and words at will.
RULES = {
    "account_alerts": Rule(word="alert_type", alarming=ALL),
    "account_review_update": _rule("decision", "REJECTED", "DEFERRED"),
    "account_update": _rule(
        "event", "ACCOUNT_VIOLATION", "ACCOUNT_RESTRICTION", "ACCOUNT_DELETED", "ACCOUNT_OFFBOARDED", "DISABLED_UPDATE"
    ),
    "message_template_quality_update": _rule("new_quality_score", "RED"),
    "message_template_status_update": _rule(
        "event", "REJECTED", "PAUSED", "DISABLED", "FLAGGED", "PENDING_DELETION", "DELETED", "LOCKED"
    ),
    "phone_number_name_update": _rule("decision", "REJECTED"),
    "phone_number_quality_update": _rule("event", "DOWNGRADE", "FLAGGED"),
    "security": Rule(word="event", alarming=ALL),  # somebody changes the PIN of our number
    # As marketing it costs more, and WhatsApp keeps it from some people.
    "template_category_update": _rule("new_category", "MARKETING"),
}


def handle(notice: Other) -> None:
    """Raise an alert, or leave a line in the log: field and word, since a notice may quote names and texts."""
    if notice.preferences or notice.renewals:  # of people, and carried out
        return
    rule = RULES.get(notice.field, Rule(word="event"))
    word = _word(notice, rule.word)
    what: dict[str, object] = {"field": _harmless(notice.field, "[a-z_]{1,60}"), "event": word}
    if notice.error_code is not None:
        what["error_code"] = notice.error_code
    if rule.alarming == ALL or word in rule.alarming or (notice.error_code and remedy(notice.error_code).alert):
        alert("WhatsApp reports trouble", **what)
    else:
        logger.info("notice from WhatsApp", extra=what)
    count("Notices")


def _word(notice: Other, key: str) -> str:
    """The value of `key`, in the notice itself or one level below."""
    places = [notice.body, *(part for part in notice.body.values() if isinstance(part, dict))]
    return next((_harmless(place[key], "[A-Z_]{1,60}") for place in places if key in place), "")


def _harmless(value: object, form: str) -> str:
    """The words of Meta's own have this form; what has not might be a person's."""
    return value if isinstance(value, str) and re.fullmatch(form, value, re.ASCII) else "other"
