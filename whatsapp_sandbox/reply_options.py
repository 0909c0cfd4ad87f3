"""What a person can tap in a message from the business: buttons and list rows, with the reply that each one sends."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from whatsapp_sandbox.store import Message

Json = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class ReplyOption:
    """A button or list row. `kind` and `content` are those of the inbound message that tapping it sends."""

    id: str
    title: str
    kind: str
    content: Json


def reply_options(message: Message) -> Iterator[ReplyOption]:
    """Yield all options of a message. Most kinds of messages have none."""
    if message.direction == "theirs" and message.kind == "interactive":
        yield from _interactive(message.content)
    elif message.direction == "theirs" and message.kind == "template":
        yield from _template(message.content)


def _interactive(content: Json) -> Iterator[ReplyOption]:
    action = content.get("action", {})
    if content.get("type") == "button":
        for button in action["buttons"]:
            reply = {"id": button["reply"]["id"], "title": button["reply"]["title"]}
            yield ReplyOption(**reply, kind="interactive", content={"type": "button_reply", "button_reply": reply})
    elif content.get("type") == "list":
        for row in (row for section in action["sections"] for row in section["rows"]):
            reply = {name: row[name] for name in ("id", "title", "description") if row.get(name)}
            reply_content = {"type": "list_reply", "list_reply": reply}
            yield ReplyOption(id=row["id"], title=row["title"], kind="interactive", content=reply_content)


def _template(content: Json) -> Iterator[ReplyOption]:
    # Only Meta knows the label of a template's button, so the payload stands in for it.
    for component in content.get("components", []):
        if str(component.get("type")).lower() == "button" and str(component.get("sub_type")).lower() == "quick_reply":
            for parameter in component.get("parameters", []):
                payload = str(parameter.get("payload") or parameter.get("text") or "")
                reply_content = {"payload": payload, "text": payload}
                yield ReplyOption(id=payload, title=payload, kind="button", content=reply_content)
