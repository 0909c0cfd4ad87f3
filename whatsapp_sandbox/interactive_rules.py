"""Which interactive messages Meta accepts: reply buttons, lists, links, location requests and flows.

Source: https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/send-messages
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from whatsapp_sandbox.graph_errors import Refused
from whatsapp_sandbox.validation import iterate_objects, optional_text, require_object, require_text, require_unique

Json = dict[str, Any]

MAX_BODY = 1024
MAX_HEADER = MAX_FOOTER = 60
MAX_ROWS = 10  # of all sections together
MAX_BUTTONS = 3


def check_interactive(content: Json) -> None:
    """Raise Refused unless Meta would accept the object under `interactive`."""
    kind = require_text(content, "type", 1, 40, "interactive.type")
    if kind not in KINDS:
        raise Refused(131009, f"interactive.type must be one of {', '.join(KINDS)}")
    require_text(require_object(content, "body", "interactive.body"), "text", 1, MAX_BODY, "interactive.body.text")
    if "header" in content:
        _header(require_object(content, "header", "interactive.header"), only_text=kind in {"list", "flow"})
    if "footer" in content:
        require_text(
            require_object(content, "footer", "interactive.footer"), "text", 1, MAX_FOOTER, "interactive.footer.text"
        )
    KINDS[kind](require_object(content, "action", "interactive.action"))


def _header(header: Json, *, only_text: bool) -> None:
    kind = require_text(header, "type", 1, 20, "interactive.header.type")
    if kind == "text":
        require_text(header, "text", 1, MAX_HEADER, "interactive.header.text")
    elif only_text or kind not in {"image", "video", "document"}:
        raise Refused(131009, "interactive.header.type is not allowed here")
    else:
        file = require_object(header, kind, f"interactive.header.{kind}")
        if (file.get("id") is None) == (file.get("link") is None):
            raise Refused(131009, f"interactive.header.{kind} needs either id or link")


def _buttons(action: Json) -> None:
    ids: list[str] = []
    titles: list[str] = []
    for path, button in iterate_objects(action, "buttons", "interactive.action.buttons"):
        if button.get("type") != "reply":
            raise Refused(131009, f"{path}.type must be reply")
        reply = require_object(button, "reply", f"{path}.reply")
        ids.append(require_text(reply, "id", 1, 256, f"{path}.reply.id"))
        titles.append(require_text(reply, "title", 1, 20, f"{path}.reply.title"))
    if not 1 <= len(ids) <= MAX_BUTTONS:
        raise Refused(131009, f"interactive.action.buttons: invalid count. Min: 1, Max: {MAX_BUTTONS}")
    require_unique(ids, "interactive.action.buttons reply.id")
    require_unique(titles, "interactive.action.buttons reply.title")


def _list(action: Json) -> None:
    require_text(action, "button", 1, 20, "interactive.action.button")
    sections = list(iterate_objects(action, "sections", "interactive.action.sections"))
    ids: list[str] = []
    for path, section in sections:
        if len(sections) > 1:  # several sections need titles
            require_text(section, "title", 1, 24, f"{path}.title")
        optional_text(section, "title", 24, f"{path}.title")
        before = len(ids)
        for row_path, row in iterate_objects(section, "rows", f"{path}.rows"):
            ids.append(require_text(row, "id", 1, 200, f"{row_path}.id"))
            require_text(row, "title", 1, 24, f"{row_path}.title")
            optional_text(row, "description", 72, f"{row_path}.description")
        if len(ids) == before:
            raise Refused(131009, f"{path}.rows must hold at least one row")
    if not 1 <= len(ids) <= MAX_ROWS:
        raise Refused(131009, f"interactive.action.sections: total row count invalid. Min: 1, Max: {MAX_ROWS}")
    require_unique(ids, "interactive.action.sections row ids")


def _link(action: Json) -> None:
    _check_name(action, "cta_url")
    parameters = require_object(action, "parameters", "interactive.action.parameters")
    require_text(parameters, "display_text", 1, 20, "interactive.action.parameters.display_text")
    url = require_text(parameters, "url", 1, 2000, "interactive.action.parameters.url")
    if not re.fullmatch(r"https?://[^\s/]+\S*", url):
        raise Refused(131009, "interactive.action.parameters.url must be an http(s) address")


def _location_request(action: Json) -> None:
    _check_name(action, "send_location")


def _flow(action: Json) -> None:
    _check_name(action, "flow")
    field = "interactive.action.parameters"
    parameters = require_object(action, "parameters", field)
    require_text(parameters, "flow_message_version", 1, 8, f"{field}.flow_message_version")
    require_text(parameters, "flow_cta", 1, 30, f"{field}.flow_cta")
    if not parameters.get("flow_id") and not parameters.get("flow_name"):
        raise Refused(131008, f"{field}.flow_id")
    if parameters.get("flow_action", "navigate") not in {"navigate", "data_exchange"}:
        raise Refused(131009, f"{field}.flow_action must be navigate or data_exchange")


def _check_name(action: Json, name: str) -> None:
    if action.get("name") != name:
        raise Refused(131009, f"interactive.action.name must be {name}")


KINDS: dict[str, Callable[[Json], None]] = {
    "button": _buttons,
    "list": _list,
    "cta_url": _link,
    "location_request_message": _location_request,
    "flow": _flow,
}
