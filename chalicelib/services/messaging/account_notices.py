"""WhatsApp's notices about our account, number and templates: raise an alert or log a line, by a table of rules."""

import re
from dataclasses import dataclass

from chalicelib.telemetry import alert, count, logger
from chalicelib.whatsapp.error_codes import remedy
from chalicelib.whatsapp.inbound import Other

ALL = frozenset({"*"})


@dataclass(frozen=True, kw_only=True)
class Rule:
    """When a notice raises an alert.

    Attributes:
        key: the key of the notice whose value says what happened.
        alarming: the values that raise an alert.
    """

    key: str
    alarming: frozenset[str] = frozenset()


def _rule(key: str, *alarming: str) -> Rule:
    return Rule(key=key, alarming=frozenset(alarming))


# Webhook field → its rule. Everything else is only logged, since Meta adds fields and values at any time.
# Source: https://developers.facebook.com/docs/graph-api/webhooks/reference/whatsapp-business-account
RULES = {
    "account_alerts": Rule(key="alert_type", alarming=ALL),
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
    "security": Rule(key="event", alarming=ALL),  # somebody is changing the PIN of our number
    # A marketing template costs more, and WhatsApp does not deliver it to everybody.
    "template_category_update": _rule("new_category", "MARKETING"),
}


# A single word that Meta does not use might be somebody's name.
FIELD = "calls|flows|history|messages|security|(?=.{1,60}$)[a-z]+(?:_[a-z]+)+"


def handle(notice: Other) -> None:
    """Raise an alert or log a line. Only the field and the event are logged: a notice may quote names and texts."""
    if notice.preferences or notice.renewals:  # these are about contacts, and already carried out
        return
    rule = RULES.get(notice.field, Rule(key="event"))
    event = _read_event(notice, rule.key)
    details: dict[str, object] = {"field": _redact_unless(notice.field, FIELD), "event": event}
    if notice.error_code is not None:
        details["error_code"] = notice.error_code
    if rule.alarming == ALL or event in rule.alarming or (notice.error_code and remedy(notice.error_code).alert):
        alert("WhatsApp reports trouble", **details)
    else:
        logger.info("notice from WhatsApp", extra=details)
    count("Notices")


def _read_event(notice: Other, key: str) -> str:
    """Return the value of `key` in the notice or one level below; "" if it is missing."""
    objects = [notice.body, *(part for part in notice.body.values() if isinstance(part, dict))]
    return next((_redact_unless(part[key], "[A-Z_]{1,60}") for part in objects if key in part), "")


def _redact_unless(value: object, pattern: str) -> str:
    """Return a value that matches the pattern of Meta's own names, else "other": it might be personal data."""
    return value if isinstance(value, str) and re.fullmatch(pattern, value, re.ASCII) else "other"
