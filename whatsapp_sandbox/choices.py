"""What a person can tap on in a message of the product, and the reply that each tap makes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from whatsapp_sandbox.store import Message

Json = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Choice:
    """A button or a row: the kind and content of the inbound message that tapping it sends."""

    id: str
    title: str
    kind: str
    content: Json


def choices_of(message: Message) -> Iterator[Choice]:
    """All choices of a message, none for most kinds."""
    if message.direction == "theirs" and message.kind == "interactive":
        yield from _interactive(message.content)
    elif message.direction == "theirs" and message.kind == "template":
        yield from _template(message.content)


def _interactive(content: Json) -> Iterator[Choice]:
    action = content.get("action", {})
    if content.get("type") == "button":
        for button in action["buttons"]:
            reply = {"id": button["reply"]["id"], "title": button["reply"]["title"]}
            yield Choice(**reply, kind="interactive", content={"type": "button_reply", "button_reply": reply})
    elif content.get("type") == "list":
        for row in (row for section in action["sections"] for row in section["rows"]):
            reply = {name: row[name] for name in ("id", "title", "description") if row.get(name)}
            answer = {"type": "list_reply", "list_reply": reply}
            yield Choice(id=row["id"], title=row["title"], kind="interactive", content=answer)


def _template(content: Json) -> Iterator[Choice]:
    # The wording of a template's buttons is kept by Meta, so the payload stands in for it.
    for component in content.get("components", []):
        if str(component.get("type")).lower() == "button" and str(component.get("sub_type")).lower() == "quick_reply":
            for parameter in component.get("parameters", []):
                payload = str(parameter.get("payload") or parameter.get("text") or "")
                yield Choice(id=payload, title=payload, kind="button", content={"payload": payload, "text": payload})
