"""Which interactive messages Meta accepts: reply buttons, lists, links, location requests and flows."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from whatsapp_sandbox.fields import a_text, an_object, any_list, no_repeats, optional_text
from whatsapp_sandbox.refusals import Refused

Json = dict[str, Any]

BODY, SIDE = 1024, 60  # the body; the header and the footer
ROWS_IN_ALL, BUTTONS = 10, 3


def check_interactive(content: Json) -> None:
    """Raise Refused unless Meta would accept the object under `interactive`."""
    kind = a_text(content, "type", 1, 40, "interactive.type")
    if kind not in KINDS:
        raise Refused(131009, f"interactive.type must be one of {', '.join(KINDS)}")
    a_text(an_object(content, "body", "interactive.body"), "text", 1, BODY, "interactive.body.text")
    if "header" in content:
        _header(an_object(content, "header", "interactive.header"), only_text=kind in {"list", "flow"})
    if "footer" in content:
        a_text(an_object(content, "footer", "interactive.footer"), "text", 1, SIDE, "interactive.footer.text")
    KINDS[kind](an_object(content, "action", "interactive.action"))


def _header(header: Json, *, only_text: bool) -> None:
    kind = a_text(header, "type", 1, 20, "interactive.header.type")
    if kind == "text":
        a_text(header, "text", 1, SIDE, "interactive.header.text")
    elif only_text or kind not in {"image", "video", "document"}:
        raise Refused(131009, "interactive.header.type is not allowed here")
    else:
        file = an_object(header, kind, f"interactive.header.{kind}")
        if (file.get("id") is None) == (file.get("link") is None):
            raise Refused(131009, f"interactive.header.{kind} needs either id or link")


def _buttons(action: Json) -> None:
    ids, titles = [], []
    for place, button in any_list(action, "buttons", "interactive.action.buttons"):
        if button.get("type") != "reply":
            raise Refused(131009, f"{place}.type must be reply")
        reply = an_object(button, "reply", f"{place}.reply")
        ids.append(a_text(reply, "id", 1, 256, f"{place}.reply.id"))
        titles.append(a_text(reply, "title", 1, 20, f"{place}.reply.title"))
    if not 1 <= len(ids) <= BUTTONS:
        raise Refused(131009, f"interactive.action.buttons: invalid count. Min: 1, Max: {BUTTONS}")
    no_repeats(ids, "interactive.action.buttons reply.id")
    no_repeats(titles, "interactive.action.buttons reply.title")


def _list(action: Json) -> None:
    a_text(action, "button", 1, 20, "interactive.action.button")
    sections = list(any_list(action, "sections", "interactive.action.sections"))
    ids: list[str] = []
    for place, section in sections:
        if len(sections) > 1:  # a title is needed to tell sections apart
            a_text(section, "title", 1, 24, f"{place}.title")
        optional_text(section, "title", 24, f"{place}.title")
        before = len(ids)
        for row_place, row in any_list(section, "rows", f"{place}.rows"):
            ids.append(a_text(row, "id", 1, 200, f"{row_place}.id"))
            a_text(row, "title", 1, 24, f"{row_place}.title")
            optional_text(row, "description", 72, f"{row_place}.description")
        if len(ids) == before:
            raise Refused(131009, f"{place}.rows must hold at least one row")
    if not 1 <= len(ids) <= ROWS_IN_ALL:
        raise Refused(131009, f"interactive.action.sections: total row count invalid. Min: 1, Max: {ROWS_IN_ALL}")
    no_repeats(ids, "interactive.action.sections row ids")


def _link(action: Json) -> None:
    _named(action, "cta_url")
    parameters = an_object(action, "parameters", "interactive.action.parameters")
    a_text(parameters, "display_text", 1, 20, "interactive.action.parameters.display_text")
    url = a_text(parameters, "url", 1, 2000, "interactive.action.parameters.url")
    if not re.fullmatch(r"https?://[^\s/]+\S*", url):
        raise Refused(131009, "interactive.action.parameters.url must be an http(s) address")


def _place(action: Json) -> None:
    _named(action, "send_location")


def _flow(action: Json) -> None:
    _named(action, "flow")
    field = "interactive.action.parameters"
    parameters = an_object(action, "parameters", field)
    a_text(parameters, "flow_message_version", 1, 8, f"{field}.flow_message_version")
    a_text(parameters, "flow_cta", 1, 30, f"{field}.flow_cta")
    if not parameters.get("flow_id") and not parameters.get("flow_name"):
        raise Refused(131008, f"{field}.flow_id")
    if parameters.get("flow_action", "navigate") not in {"navigate", "data_exchange"}:
        raise Refused(131009, f"{field}.flow_action must be navigate or data_exchange")


def _named(action: Json, name: str) -> None:
    if action.get("name") != name:
        raise Refused(131009, f"interactive.action.name must be {name}")


KINDS: dict[str, Callable[[Json], None]] = {
    "button": _buttons,
    "list": _list,
    "cta_url": _link,
    "location_request_message": _place,
    "flow": _flow,
}
