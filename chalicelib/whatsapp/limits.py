"""Checks outbound messages against WhatsApp's limits, so that a message it would refuse is never sent.

Source: https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/send-messages
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from chalicelib.whatsapp.identities import PHONE, USER_ID

# BUTTONS and ROWS are counts; everything else is in characters.
TEXT_BODY = 4096
BODY = 1024
CAPTION = 1024
HEADER = 60
FOOTER = 60
BUTTONS = 3
BUTTON_TITLE = 20
BUTTON_ID = 256
ROWS = 10
LIST_LABEL = 20
SECTION_TITLE = 24
ROW_TITLE = 24
ROW_ID = 200
ROW_DESCRIPTION = 72
URL = 2000
TAG = 512
PARAMETER = 1024


class Unsendable(ValueError):
    """WhatsApp would refuse this message. The text names the field, its limit and what was given, but quotes nobody."""

    def __init__(self, field: str, limit: str, given: str) -> None:
        super().__init__(f"{field}: {limit}, given {given}")
        self.field = field
        self.limit = limit
        self.given = given


def check(request: Mapping[str, Any]) -> None:
    """Raise Unsendable unless WhatsApp would take this request to `/messages`. Lengths are in code points."""
    _require_one_of(request, "messaging_product", ("whatsapp",))
    if request.get("status") == "read":
        _require_text(request, "message_id", 512)
        return
    _check_recipient(request)
    if "biz_opaque_callback_data" in request:
        _require_text(request, "biz_opaque_callback_data", TAG)
    if "context" in request:
        _require_text(request, "context.message_id", 512)
    check_content(request)


def check_content(message: Mapping[str, Any]) -> None:
    """Check a message that has no address yet, as `check` does."""
    kind = _require_one_of(message, "type", KINDS)
    if not isinstance(message.get(kind), dict):
        raise Unsendable(kind, "an object named like the type", _describe(message.get(kind)))
    KINDS[kind](message)


def _check_recipient(request: Mapping[str, Any]) -> None:
    to = request.get("to")
    recipient = request.get("recipient")
    if to is None and recipient is None:
        raise Unsendable("to", "a phone, or a user id in recipient", "neither")
    if to is not None and not (isinstance(to, str) and to.startswith("+") and PHONE.fullmatch(to[1:])):
        raise Unsendable("to", "a leading + and digits", _describe(to))
    if recipient is not None and not (isinstance(recipient, str) and USER_ID.fullmatch(recipient)):
        raise Unsendable("recipient", "a business-scoped user id", _describe(recipient))


def _check_plain_text(message: Mapping[str, Any]) -> None:
    _require_text(message, "text.body", TEXT_BODY)


def _check_image(message: Mapping[str, Any]) -> None:
    _require_media(message, "image")
    _require_text(message, "image.caption", CAPTION, optional=True)


def _check_interactive(message: Mapping[str, Any]) -> None:
    form = _require_one_of(message, "interactive.type", FORMS)
    _require_text(message, "interactive.body.text", BODY)
    _require_text(message, "interactive.footer.text", FOOTER, optional=True)
    if _value_at(message, "interactive.header") is not None:
        allowed = ("text",) if form == "list" else ("text", "image", "document")
        kind = _require_one_of(message, "interactive.header.type", allowed)
        if kind != "text":
            _require_media(message, f"interactive.header.{kind}")
        else:
            _require_text(message, "interactive.header.text", HEADER)
    FORMS[form](message)


def _check_buttons(message: Mapping[str, Any]) -> None:
    path = "interactive.action.buttons"
    replies = [f"{path}.{index}.reply" for index in range(_require_list(message, path, BUTTONS))]
    _require_distinct(path, "titles", (_require_text(message, f"{reply}.title", BUTTON_TITLE) for reply in replies))
    _require_distinct(path, "ids", (_require_text(message, f"{reply}.id", BUTTON_ID) for reply in replies))


def _check_list(message: Mapping[str, Any]) -> None:
    _require_text(message, "interactive.action.button", LIST_LABEL)
    path = "interactive.action.sections"
    sections = _require_list(message, path, ROWS)
    rows: list[str] = []
    for section in range(sections):
        _require_text(message, f"{path}.{section}.title", SECTION_TITLE, optional=sections == 1)
        count = _require_list(message, f"{path}.{section}.rows", ROWS)
        rows += [f"{path}.{section}.rows.{row}" for row in range(count)]
    if len(rows) > ROWS:
        raise Unsendable(path, f"at most {ROWS} rows over all sections", str(len(rows)))
    for row in rows:
        _require_text(message, f"{row}.title", ROW_TITLE)
        _require_text(message, f"{row}.description", ROW_DESCRIPTION, optional=True)
    _require_distinct(path, "row ids", (_require_text(message, f"{row}.id", ROW_ID) for row in rows))


def _check_template(message: Mapping[str, Any]) -> None:
    for path, form in (("template.name", r"[a-z0-9_]{1,512}"), ("template.language.code", r"[a-z]{2,3}(_[A-Z]{2,4})?")):
        value = _value_at(message, path)
        if not (isinstance(value, str) and re.fullmatch(form, value, re.ASCII)):
            raise Unsendable(path, f"of the form {form}", _describe(value))
    for component in _list_paths(message, "template.components"):
        for parameter in _list_paths(message, f"{component}.parameters"):
            _check_parameter(message, parameter)


def _check_parameter(message: Mapping[str, Any], path: str) -> None:
    _require_one_of(message, f"{path}.type", ("text",))
    text = _require_text(message, f"{path}.text", PARAMETER)
    if re.search(r"[\n\t]| {5}", text):
        raise Unsendable(f"{path}.text", "no line break, tab or more than 4 blanks in a row", "one of them")


KINDS: Mapping[str, Callable[[Mapping[str, Any]], None]] = {
    "text": _check_plain_text,
    "image": _check_image,
    "interactive": _check_interactive,
    "template": _check_template,
}
FORMS: Mapping[str, Callable[[Mapping[str, Any]], None]] = {
    "button": _check_buttons,
    "list": _check_list,
}


def _value_at(message: Any, path: str) -> Any:
    """Return the value at a path such as "a.b.0.c", or None."""
    for step in path.split("."):
        if isinstance(message, Mapping):
            message = message.get(step)
        elif isinstance(message, list) and step.isdigit() and int(step) < len(message):
            message = message[int(step)]
        else:
            return None
    return message


def _require_text(message: Mapping[str, Any], path: str, limit: int, *, optional: bool = False) -> str:
    value = _value_at(message, path)
    if value is None and optional:
        return ""
    if not isinstance(value, str) or not value.strip() or len(value) > limit:
        raise Unsendable(path, f"1–{limit} characters", _describe(value))
    return value


def _require_one_of(message: Mapping[str, Any], path: str, allowed: Iterable[str]) -> str:
    value = _value_at(message, path)
    if not isinstance(value, str) or value not in allowed:
        raise Unsendable(path, f"one of {', '.join(allowed)}", _describe(value))
    return value


def _require_list(message: Mapping[str, Any], path: str, limit: int) -> int:
    value = _value_at(message, path)
    if not isinstance(value, list) or not 1 <= len(value) <= limit:
        raise Unsendable(path, f"1–{limit}", str(len(value)) if isinstance(value, list) else _describe(value))
    return len(value)


def _list_paths(message: Mapping[str, Any], path: str) -> list[str]:
    """Return the paths of a list's items; none if there is no list."""
    value = _value_at(message, path)
    if value is not None and not isinstance(value, list):
        raise Unsendable(path, "a list", _describe(value))
    return [f"{path}.{index}" for index in range(len(value or ()))]


def _require_distinct(path: str, noun: str, values: Iterable[str]) -> None:
    listed = tuple(values)
    if len(set(listed)) < len(listed):
        raise Unsendable(path, f"{noun} that differ", f"{len(set(listed))} different ones of {len(listed)}")


def _require_media(message: Mapping[str, Any], path: str) -> None:
    """Media have the id of an upload or a link, not both."""
    if (_value_at(message, f"{path}.id") is None) == (_value_at(message, f"{path}.link") is None):
        raise Unsendable(path, "either an id or a link", "both or neither")
    if _value_at(message, f"{path}.id") is not None:
        _require_text(message, f"{path}.id", 128)
    else:
        _require_link(message, f"{path}.link")


def _require_link(message: Mapping[str, Any], path: str) -> None:
    value = _require_text(message, path, URL)
    if not re.fullmatch(r"https?://[^\s/]+(/\S*)?", value):
        raise Unsendable(path, "a web address", _describe(value))


def _describe(value: object) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, str):
        return f"{len(value)} characters" if value.strip() or not value else "blanks only"
    return f"a {type(value).__name__}"
