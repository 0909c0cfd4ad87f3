"""Builds outbound messages in WhatsApp's form: one function for each kind of message.

Source: https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/send-messages
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chalicelib.domain.messages import Choice, Identity, Reply
from chalicelib.whatsapp import limits
from chalicelib.whatsapp.identities import Json
from chalicelib.whatsapp.limits import Unsendable, check, check_content
from chalicelib.whatsapp.rendered_text import extract_text
from chalicelib.whatsapp.text import shorten

WITH_TEXT = ("text", "interactive")  # kinds whose text can be a caption


@dataclass(frozen=True, kw_only=True)
class Section:
    """Rows of a list under a title. The title may be empty if there is only one section."""

    rows: Sequence[Choice]
    title: str = ""


def render(reply: Reply) -> Json:
    """Build the message for a reply: text, text with buttons, or text with a list.

    Titles and descriptions are cut to WhatsApp's limits. Raises Unsendable for what must not be cut: the text itself
    (4096 characters, 1024 with buttons or a list), ids, more than 3 buttons or 10 rows, buttons and rows at once.
    """
    if reply.buttons and reply.rows:
        raise Unsendable("reply", "buttons or rows", "both")
    if reply.buttons:
        return build_buttons(reply.text, _with_distinct_titles(reply.buttons))
    if reply.rows:
        rows = [
            Choice(
                id=row.id,
                title=shorten(row.title, limits.ROW_TITLE),
                description=shorten(row.description, limits.ROW_DESCRIPTION),
            )
            for row in reply.rows
        ]
        label = shorten(reply.list_label, limits.LIST_LABEL)
        return build_list(reply.text, label=label, sections=[Section(rows=rows)])
    return build_text(reply.text)


def build_request(
    message: Mapping[str, Any], to: Identity, tag: str | None = None, reply_to: str | None = None
) -> Json:
    """Address `message` to a person, by phone if we know it, else by user id. Raises Unsendable.

    Args:
        tag: comes back in each status of the message (at most 512 characters). With it we find out what became of a
            message whose outcome is unknown.
        reply_to: id of the message that this one quotes.
    """
    request = {"messaging_product": "whatsapp", "recipient_type": "individual", **_recipient(to), **message}
    if reply_to is not None:
        request["context"] = {"message_id": reply_to}
    if tag is not None:
        request["biz_opaque_callback_data"] = tag
    check(request)
    return request


def replace_message(request: Mapping[str, Any], message: Mapping[str, Any]) -> Json:
    """Return the request with another message in it, to the same person and with the same tag. Raises Unsendable."""
    envelope = {"messaging_product", "recipient_type", "to", "recipient", "biz_opaque_callback_data"}
    changed = {**{key: value for key, value in request.items() if key in envelope}, **message}
    check(changed)
    return changed


def with_picture(request: Mapping[str, Any], media_id: str, caption: str = "") -> Json | None:
    """Return a request as a picture, without buttons and rows. None if it can't be one.

    A template can't, nor can a text that is longer than a caption may be.

    Args:
        caption: by default the text.
    """
    text = extract_text(request)
    below = caption or text.text
    if text.kind not in WITH_TEXT or len(below) > limits.CAPTION:
        return None
    return replace_message(request, build_image(media_id, caption=below))


def replace_recipient(request: Mapping[str, Any], to: Identity) -> Json:
    """Return the request addressed to the person's present phone or user id."""
    rest = {key: value for key, value in request.items() if key not in ("to", "recipient")}
    return {**rest, **_recipient(to)}


def has_buttons(request: Mapping[str, Any]) -> bool:
    """Return whether a request sends a text with buttons, above which a file may be shown."""
    return request.get("type") == "interactive" and request["interactive"].get("type") == "button"


def with_header(request: Mapping[str, Any], media_id: str, mime_type: str, name: str) -> Json:
    """Return a request with buttons that shows an uploaded file above its text. Raises Unsendable."""
    if mime_type.startswith("image/"):
        header: Json = {"type": "image", "image": {"id": media_id}}
    else:
        header = {"type": "document", "document": {"id": media_id, "filename": name}}
    shown = {**request, "interactive": {**request["interactive"], "header": header}}
    check(shown)
    return shown


def find_template(request: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return name and language of the template that a request sends, or None if it sends something else."""
    if request.get("type") != "template":
        return None
    return request["template"]["name"], request["template"]["language"]["code"]


def find_phone(request: Mapping[str, Any]) -> str | None:
    """Return the phone number to which a request is addressed, in digits. None if it has a user id instead."""
    to = request.get("to")
    return to.removeprefix("+") if isinstance(to, str) else None


def build_text(body: str, *, preview_url: bool | None = None) -> Json:
    """Build a plain text. WhatsApp shows no preview of links unless asked to."""
    preview = {} if preview_url is None else {"preview_url": preview_url}
    return _checked("text", {"body": body, **preview})


def build_buttons(
    body: str, choices: Sequence[Choice], *, header: str = "", header_image: str = "", footer: str = ""
) -> Json:
    """Build a text with 1 to 3 reply buttons. `header_image`, instead of `header`, is a media id or a link."""
    replies = [{"type": "reply", "reply": {"id": choice.id, "title": choice.title}} for choice in choices]
    return _interactive("button", body, {"buttons": replies}, header=header, header_image=header_image, footer=footer)


def build_list(body: str, *, label: str, sections: Sequence[Section], header: str = "", footer: str = "") -> Json:
    """Build a text with a button, `label`, that opens a list of up to 10 rows."""
    listed = [
        {
            **({"title": section.title} if section.title else {}),
            "rows": [
                {
                    "id": row.id,
                    "title": row.title,
                    **({"description": row.description} if row.description else {}),
                }
                for row in section.rows
            ],
        }
        for section in sections
    ]
    return _interactive("list", body, {"button": label, "sections": listed}, header=header, footer=footer)


def build_image(reference: str, *, caption: str = "") -> Json:
    """Build a picture (JPEG or PNG, at most 5 MB) from the id of its upload or from a link."""
    return _checked("image", {**_reference(reference), **({"caption": caption} if caption else {})})


def build_template(name: str, language: str, values: Mapping[str, str]) -> Json:
    """Build an approved template, the only kind that may open a conversation. `values` fill its {{names}}."""
    parameters = [{"type": "text", "parameter_name": key, "text": value} for key, value in values.items()]
    components = {"components": [{"type": "body", "parameters": parameters}]} if parameters else {}
    return _checked("template", {"name": name, "language": {"code": language}, **components})


def build_read_receipt(message_id: str, *, typing: bool = False) -> Json:
    """Build the whole request for blue ticks and, if wanted, "typing…" for up to 25 seconds. It takes no address."""
    request: Json = {"messaging_product": "whatsapp", "status": "read", "message_id": message_id}
    if typing:
        request["typing_indicator"] = {"type": "text"}
    check(request)
    return request


def _recipient(to: Identity) -> Json:
    return {"to": f"+{to.phone}"} if to.phone else {"recipient": to.user_id}


def _interactive(
    form: str, body: str, action: Json, *, header: str = "", header_image: str = "", footer: str = ""
) -> Json:
    if header and header_image:
        raise Unsendable("interactive.header", "a text or an image", "both")
    content: Json = {"type": form, "body": {"text": body}, "action": action}
    if header:
        content["header"] = {"type": "text", "text": header}
    if header_image:
        content["header"] = {"type": "image", "image": _reference(header_image)}
    if footer:
        content["footer"] = {"text": footer}
    return _checked("interactive", content)


def _checked(kind: str, content: Json) -> Json:
    message = {"type": kind, kind: content}
    check_content(message)
    return message


def _reference(reference: str) -> Json:
    return {"link" if "://" in reference else "id": reference}


def _with_distinct_titles(choices: Sequence[Choice]) -> list[Choice]:
    """Cut the titles of buttons to fit. WhatsApp wants them to differ, so equal ones get a number."""
    titles: list[str] = []
    for choice in choices:
        title = shorten(choice.title, limits.BUTTON_TITLE)
        count = 2
        while title in titles:
            title = f"{shorten(choice.title, limits.BUTTON_TITLE - 3)} {count}"
            count += 1
        titles.append(title)
    return [Choice(id=choice.id, title=title) for choice, title in zip(choices, titles, strict=True)]
