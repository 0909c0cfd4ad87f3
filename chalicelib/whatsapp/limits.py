"""What Meta would refuse: each kind of outbound message with its limits, checked before anything is sent."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from chalicelib.whatsapp.identities import PHONE, USER_ID

TEXT_BODY = 4096
BODY, CAPTION = 1024, 1024
HEADER = FOOTER = 60
BUTTONS, BUTTON_TITLE, BUTTON_ID = 3, 20, 256
ROWS, LIST_LABEL, SECTION_TITLE, ROW_TITLE, ROW_ID, ROW_DESCRIPTION = 10, 20, 24, 24, 200, 72
LINK_LABEL, URL, FILENAME, TAG, PARAMETER = 20, 2000, 240, 512, 1024


class Unsendable(ValueError):
    """Meta would refuse this message. Names the field, its limit and what was given; never a person's text."""

    def __init__(self, field: str, limit: str, given: str) -> None:
        super().__init__(f"{field}: {limit}, given {given}")
        self.field, self.limit, self.given = field, limit, given


def check(request: Mapping[str, Any]) -> None:
    """Raises Unsendable unless Meta would take this request to `/messages`. Lengths are in code points.

    Source: "Outbound" in the contract (docs of the WhatsApp Cloud API, 2026-11).
    """
    _among(request, "messaging_product", ("whatsapp",))
    if request.get("status") == "read":
        _text(request, "message_id", 512)
        return
    _check_recipient(request)
    if "biz_opaque_callback_data" in request:
        _text(request, "biz_opaque_callback_data", TAG)
    if "context" in request:
        _text(request, "context.message_id", 512)
    check_content(request)


def check_content(message: Mapping[str, Any]) -> None:
    """As `check`, for a message that is not addressed yet."""
    kind = _among(message, "type", KINDS)
    if not isinstance(message.get(kind), dict):
        raise Unsendable(kind, "an object named like the type", _what(message.get(kind)))
    KINDS[kind](message)


def _check_recipient(request: Mapping[str, Any]) -> None:
    to, recipient = request.get("to"), request.get("recipient")
    if to is None and recipient is None:
        raise Unsendable("to", "a phone, or a user id in recipient", "neither")
    if to is not None and not (isinstance(to, str) and to.startswith("+") and PHONE.fullmatch(to[1:])):
        raise Unsendable("to", "a leading + and digits", _what(to))
    if recipient is not None and not (isinstance(recipient, str) and USER_ID.fullmatch(recipient)):
        raise Unsendable("recipient", "a business-scoped user id", _what(recipient))


def _check_text(message: Mapping[str, Any]) -> None:
    _text(message, "text.body", TEXT_BODY)


def _check_image(message: Mapping[str, Any]) -> None:
    _reference(message, "image")
    _text(message, "image.caption", CAPTION, optional=True)


def _check_document(message: Mapping[str, Any]) -> None:
    _reference(message, "document")
    _text(message, "document.caption", CAPTION, optional=True)
    _text(message, "document.filename", FILENAME, optional=True)


def _check_reaction(message: Mapping[str, Any]) -> None:
    _text(message, "reaction.message_id", 512)
    emoji = _at(message, "reaction.emoji")
    if emoji != "":  # empty takes the reaction back
        _text(message, "reaction.emoji", 16)


def _check_interactive(message: Mapping[str, Any]) -> None:
    form = _among(message, "interactive.type", FORMS)
    _text(message, "interactive.body.text", BODY)
    _text(message, "interactive.footer.text", FOOTER, optional=True)
    if _at(message, "interactive.header") is not None:
        allowed = ("text",) if form == "list" else ("text", "image")
        if _among(message, "interactive.header.type", allowed) == "image":
            _reference(message, "interactive.header.image")
        else:
            _text(message, "interactive.header.text", HEADER)
    FORMS[form](message)


def _check_buttons(message: Mapping[str, Any]) -> None:
    path = "interactive.action.buttons"
    replies = [f"{path}.{index}.reply" for index in range(_count(message, path, BUTTONS))]
    _unique(path, "titles", (_text(message, f"{reply}.title", BUTTON_TITLE) for reply in replies))
    _unique(path, "ids", (_text(message, f"{reply}.id", BUTTON_ID) for reply in replies))


def _check_list(message: Mapping[str, Any]) -> None:
    _text(message, "interactive.action.button", LIST_LABEL)
    path = "interactive.action.sections"
    sections = _count(message, path, ROWS)
    rows: list[str] = []
    for section in range(sections):
        _text(message, f"{path}.{section}.title", SECTION_TITLE, optional=sections == 1)
        count = _count(message, f"{path}.{section}.rows", ROWS)
        rows += [f"{path}.{section}.rows.{row}" for row in range(count)]
    if len(rows) > ROWS:
        raise Unsendable(path, f"at most {ROWS} rows over all sections", str(len(rows)))
    for row in rows:
        _text(message, f"{row}.title", ROW_TITLE)
        _text(message, f"{row}.description", ROW_DESCRIPTION, optional=True)
    _unique(path, "row ids", (_text(message, f"{row}.id", ROW_ID) for row in rows))


def _check_cta_url(message: Mapping[str, Any]) -> None:
    _text(message, "interactive.action.parameters.display_text", LINK_LABEL)
    _https(message, "interactive.action.parameters.url")


def _check_flow(message: Mapping[str, Any]) -> None:
    for name in ("flow_id", "flow_token"):
        _text(message, f"interactive.action.parameters.{name}", 512)
    _text(message, "interactive.action.parameters.flow_cta", LINK_LABEL)


def _check_template(message: Mapping[str, Any]) -> None:
    for path, form in (("template.name", r"[a-z0-9_]{1,512}"), ("template.language.code", r"[a-z]{2,3}(_[A-Z]{2,4})?")):
        given = _at(message, path)
        if not (isinstance(given, str) and re.fullmatch(form, given, re.ASCII)):
            raise Unsendable(path, f"of the form {form}", _what(given))
    for component in _items(message, "template.components"):
        for parameter in _items(message, f"{component}.parameters"):
            _check_parameter(message, parameter)


def _check_parameter(message: Mapping[str, Any], path: str) -> None:
    kind = _among(message, f"{path}.type", ("text", "payload", "image"))
    if kind == "image":
        _reference(message, f"{path}.image")
        return
    text = _text(message, f"{path}.{kind}", BUTTON_ID if kind == "payload" else PARAMETER)
    if kind == "text" and re.search(r"[\n\t]| {5}", text):
        raise Unsendable(f"{path}.text", "no line break, tab or more than 4 blanks in a row", "one of them")


KINDS: Mapping[str, Callable[[Mapping[str, Any]], None]] = {
    "text": _check_text,
    "image": _check_image,
    "document": _check_document,
    "interactive": _check_interactive,
    "template": _check_template,
    "reaction": _check_reaction,
}
FORMS: Mapping[str, Callable[[Mapping[str, Any]], None]] = {
    "button": _check_buttons,
    "list": _check_list,
    "cta_url": _check_cta_url,
    "flow": _check_flow,
    "location_request_message": lambda _message: None,
}


def _at(message: Any, path: str) -> Any:
    """The value at "a.b.0.c", or None."""
    for step in path.split("."):
        if isinstance(message, Mapping):
            message = message.get(step)
        elif isinstance(message, list) and step.isdigit() and int(step) < len(message):
            message = message[int(step)]
        else:
            return None
    return message


def _text(message: Mapping[str, Any], path: str, limit: int, *, optional: bool = False) -> str:
    given = _at(message, path)
    if given is None and optional:
        return ""
    if not isinstance(given, str) or not given.strip() or len(given) > limit:
        raise Unsendable(path, f"1–{limit} characters", _what(given))
    return given


def _among(message: Mapping[str, Any], path: str, allowed: Iterable[str]) -> str:
    given = _at(message, path)
    if not isinstance(given, str) or given not in allowed:
        raise Unsendable(path, f"one of {', '.join(allowed)}", _what(given))
    return given


def _count(message: Mapping[str, Any], path: str, limit: int) -> int:
    given = _at(message, path)
    if not isinstance(given, list) or not 1 <= len(given) <= limit:
        raise Unsendable(path, f"1–{limit}", str(len(given)) if isinstance(given, list) else _what(given))
    return len(given)


def _items(message: Mapping[str, Any], path: str) -> list[str]:
    """The paths of the items of a list that need not be there."""
    given = _at(message, path)
    if given is not None and not isinstance(given, list):
        raise Unsendable(path, "a list", _what(given))
    return [f"{path}.{index}" for index in range(len(given or ()))]


def _unique(path: str, what: str, values: Iterable[str]) -> None:
    given: Sequence[str] = tuple(values)
    if len(set(given)) < len(given):
        raise Unsendable(path, f"{what} that differ", f"{len(set(given))} different ones of {len(given)}")


def _reference(message: Mapping[str, Any], path: str) -> None:
    """Media are named by the id of an upload or by a link, not both."""
    if (_at(message, f"{path}.id") is None) == (_at(message, f"{path}.link") is None):
        raise Unsendable(path, "either an id or a link", "both or neither")
    if _at(message, f"{path}.id") is not None:
        _text(message, f"{path}.id", 128)
    else:
        _https(message, f"{path}.link")


def _https(message: Mapping[str, Any], path: str) -> None:
    given = _text(message, path, URL)
    if not re.fullmatch(r"https?://[^\s/]+(/\S*)?", given):
        raise Unsendable(path, "a web address", _what(given))


def _what(given: object) -> str:
    if given is None:
        return "nothing"
    if isinstance(given, str):
        return f"{len(given)} characters" if given.strip() or not given else "blanks only"
    return f"a {type(given).__name__}"
