"""Extracts what a person reads from a request that `messages` built."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from chalicelib.whatsapp.templates import DEFINITIONS, FORMER_DEFINITIONS

TEXTS = {definition.name: definition.texts for definition in (*DEFINITIONS, *FORMER_DEFINITIONS)}


class RenderedText(NamedTuple):
    """`kind` is WhatsApp's type of message; `choices` are the titles of buttons or rows."""

    kind: str
    text: str
    choices: tuple[str, ...] = ()


def extract_text(request: Mapping[str, Any]) -> RenderedText:
    """Return the text and the choices of a request. An unknown template is shown by its name and values."""
    kind = str(request.get("type", ""))
    content = request.get(kind, {})
    match kind:
        case "text":
            return RenderedText(kind, content["body"])
        case "interactive":
            return RenderedText(kind, content["body"]["text"], tuple(_choices(content["action"])))
        case "template":
            return RenderedText(kind, _filled(content))
        case _:
            return RenderedText(kind, str(content.get("caption", "")))


def _choices(action: Mapping[str, Any]) -> list[str]:
    rows = [row for section in action.get("sections", ()) for row in section["rows"]]
    buttons = [button["reply"] for button in action.get("buttons", ())]
    return [choice["title"] for choice in (*rows, *buttons)]


def _filled(content: Mapping[str, Any]) -> str:
    values = {
        parameter.get("parameter_name", ""): parameter["text"]
        for component in content.get("components", ())
        if component["type"] == "body"
        for parameter in component["parameters"]
    }
    text = TEXTS.get(content["name"], {}).get(content["language"]["code"])
    if text is None:
        return " ".join((content["name"], *values.values()))
    for name, value in values.items():
        text = text.replace("{{" + name + "}}", value)
    return text
