"""Which outbound messages Meta accepts: the common fields and every kind except `interactive`.

Source: https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/send-messages
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from whatsapp_sandbox import interactive_rules
from whatsapp_sandbox.graph_errors import Refused
from whatsapp_sandbox.settings import E164
from whatsapp_sandbox.validation import iterate_objects, optional_text, require_object, require_text

Json = dict[str, Any]

BSUID = re.compile(r"[A-Z]{2}\.(ENT\.)?[0-9A-Za-z]{1,128}")
LINK = re.compile(r"https?://[^\s/]+\S*")


@dataclass(frozen=True)
class Recipient:
    """Whom a message is addressed to: a phone number with its plus, or a business-scoped user id (BSUID)."""

    phone: str | None
    user_id: str | None

    @property
    def address(self) -> str:
        return self.phone or self.user_id or ""


def check_message(body: object) -> Recipient:
    """Return the recipient of a valid message. Raises Refused as Meta would, naming the field."""
    message = check_envelope(body)
    recipient = _recipient(message)
    if message.get("recipient_type", "individual") != "individual":
        raise Refused(131009, "recipient_type must be individual")
    optional_text(message, "biz_opaque_callback_data", 512)
    if "context" in message:
        require_text(require_object(message, "context"), "message_id", 1, 1024, "context.message_id")
    kind = message.get("type", "text")
    if not isinstance(kind, str) or kind not in KINDS:
        raise Refused(131009, f"type must be one of {', '.join(KINDS)}")
    KINDS[kind](require_object(message, kind))
    return recipient


def check_envelope(body: object) -> Json:
    """Check what messages and read receipts have in common, and return the body. Raises Refused."""
    if not isinstance(body, dict):
        raise Refused(100, "The body must be a JSON object")
    if body.get("messaging_product") != "whatsapp":
        raise Refused(100, "messaging_product is required and must be whatsapp")
    return body


def check_read(body: Json) -> tuple[str, bool]:
    """Return the id of the message that was read, and whether to show "typing". Raises Refused."""
    if body.get("status") != "read":
        raise Refused(131009, "status must be read")
    message_id = require_text(body, "message_id", 1, 1024)
    if "typing_indicator" not in body:
        return message_id, False
    if require_object(body, "typing_indicator").get("type") != "text":
        raise Refused(131009, "typing_indicator.type must be text")
    return message_id, True


def _recipient(message: Json) -> Recipient:
    to = message.get("to")
    user_id = message.get("recipient")
    if to:  # `to` wins when both are given
        if not isinstance(to, str) or not E164.fullmatch(to):
            raise Refused(131009, "to must be a phone number in E.164 with a leading +")
        return Recipient(to, None)
    if not user_id:
        raise Refused(131008, "to or recipient")
    if not isinstance(user_id, str) or not BSUID.fullmatch(user_id):
        raise Refused(131009, "recipient must be a business-scoped user id")
    return Recipient(None, user_id)


def _text(content: Json) -> None:
    body = content.get("body")
    if not isinstance(body, str) or not body.strip():
        raise Refused(100, "text.body is required")
    require_text(content, "body", 1, 4096, "text.body")
    if not isinstance(content.get("preview_url", False), bool):
        raise Refused(131009, "text.preview_url must be true or false")


def _media(kind: str, *, caption: bool = True, filename: bool = False) -> Callable[[Json], None]:
    def check(content: Json) -> None:
        check_file(content, kind)
        if "caption" in content:
            if not caption:
                raise Refused(131009, f"{kind}.caption is not allowed")
            optional_text(content, "caption", 1024, f"{kind}.caption")
        if filename:
            optional_text(content, "filename", 240, f"{kind}.filename")

    return check


def check_file(content: Json, field: str) -> None:
    """Check that a file is given by the id of an upload or by a link, not both. Raises Refused."""
    media_id = content.get("id")
    link = content.get("link")
    if (media_id is None) == (link is None):
        raise Refused(131008 if media_id is None else 131009, f"{field} needs either id or link")
    if media_id is not None:
        require_text(content, "id", 1, 256, f"{field}.id")
    elif not isinstance(link, str) or not LINK.fullmatch(link):
        raise Refused(131009, f"{field}.link must be an http(s) address")


def _template(content: Json) -> None:
    name = require_text(content, "name", 1, 512, "template.name")
    if not re.fullmatch(r"[a-z0-9_]+", name):
        raise Refused(131009, "template.name may hold only a-z, 0-9 and _")
    require_text(require_object(content, "language", "template.language"), "code", 2, 10, "template.language.code")
    for path, component in iterate_objects(content, "components", "template.components", required=False):
        kind = component.get("type")
        if not isinstance(kind, str) or kind.lower() not in {"header", "body", "footer", "button", "carousel"}:
            raise Refused(131009, f"{path}.type must be header, body, footer or button")
        if kind.lower() == "button":
            require_text(component, "sub_type", 1, 40, f"{path}.sub_type")
            if not str(component.get("index", "")).isdigit():
                raise Refused(131008, f"{path}.index")
        for inner_path, parameter in iterate_objects(component, "parameters", f"{path}.parameters", required=False):
            _parameter(parameter, inner_path)


def _parameter(parameter: Json, path: str) -> None:
    kind = require_text(parameter, "type", 1, 40, f"{path}.type")
    optional_text(parameter, "parameter_name", 60, f"{path}.parameter_name")
    if kind in {"text", "payload"}:
        require_text(parameter, kind, 1, 1024, f"{path}.{kind}")
    else:
        value = require_object(parameter, kind, f"{path}.{kind}")
        if kind in {"image", "video", "document"}:
            check_file(value, f"{path}.{kind}")


def _reaction(content: Json) -> None:
    require_text(content, "message_id", 1, 1024, "reaction.message_id")
    if not isinstance(content.get("emoji"), str):
        raise Refused(131008, "reaction.emoji")
    optional_text(content, "emoji", 32, "reaction.emoji")


def _location(content: Json) -> None:
    for axis, limit in (("latitude", 90), ("longitude", 180)):
        try:
            is_valid = abs(float(content[axis])) <= limit
        except KeyError:
            raise Refused(131008, f"location.{axis}") from None
        except (TypeError, ValueError):
            is_valid = False
        if not is_valid:
            raise Refused(131009, f"location.{axis} must lie between -{limit} and {limit}")


KINDS: dict[str, Callable[[Json], None]] = {
    "text": _text,
    "interactive": interactive_rules.check_interactive,
    "template": _template,
    "image": _media("image"),
    "document": _media("document", filename=True),
    "video": _media("video"),
    "audio": _media("audio", caption=False),
    "sticker": _media("sticker", caption=False),
    "reaction": _reaction,
    "location": _location,
}
