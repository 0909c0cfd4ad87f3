"""What a person reads of a message of ours: the other way round from `messages`."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from chalicelib.whatsapp.templates import DEFINITIONS

TEXTS = {definition.name: definition.texts for definition in DEFINITIONS}


class Read(NamedTuple):
    """`kind` is Meta's type; `choices` are the titles of buttons or rows."""

    kind: str
    text: str
    choices: tuple[str, ...] = ()


def read_in(request: Mapping[str, Any]) -> Read:
    """What is read of a request to WhatsApp. A template that is none of ours shows its name and values."""
    kind = str(request.get("type", ""))
    content = request.get(kind, {})
    match kind:
        case "text":
            return Read(kind, content["body"])
        case "interactive":
            return Read(kind, content["body"]["text"], tuple(_choices(content["action"])))
        case "template":
            return Read(kind, _filled(content))
        case _:
            return Read(kind, str(content.get("caption", "")))


def _choices(action: Mapping[str, Any]) -> list[str]:
    rows = [row for section in action.get("sections", ()) for row in section["rows"]]
    buttons = [button["reply"] for button in action.get("buttons", ())]
    return [one["title"] for one in (*rows, *buttons)]


def _filled(content: Mapping[str, Any]) -> str:
    values = {
        one.get("parameter_name", ""): one["text"]
        for part in content.get("components", ())
        if part["type"] == "body"
        for one in part["parameters"]
    }
    text = TEXTS.get(content["name"], {}).get(content["language"]["code"])
    if text is None:
        return " ".join((content["name"], *values.values()))
    for name, value in values.items():
        text = text.replace("{{" + name + "}}", value)
    return text
