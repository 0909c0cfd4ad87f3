"""What we say, in Meta's forms: a builder for each kind of outbound message."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from chalicelib.domain.messages import Choice, Identity, Reply
from chalicelib.whatsapp import limits
from chalicelib.whatsapp.identities import Json
from chalicelib.whatsapp.limits import Unsendable, check, check_content
from chalicelib.whatsapp.text import plain, shorten

__all__ = [
    "Section", "TemplateButton", "Unsendable", "address", "buttons", "check", "choose", "cta_url", "document", "flow",
    "image", "instead", "is_template", "location_request", "mark_read", "plain", "reaction", "readdressed", "render",
    "template", "text",
]  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Section:
    """Rows of a list under a title; the title may be empty where there is only one section."""

    rows: Sequence[Choice]
    title: str = ""


@dataclass(frozen=True, kw_only=True)
class TemplateButton:
    """The payload of a template's quick reply, or what completes the address of its url button."""

    kind: Literal["quick_reply", "url"]
    value: str


def render(said: Reply) -> Json:
    """The message for what the conversation says: text, text with buttons, or text with a list.

    Titles and descriptions are cut to Meta's limits. Raises Unsendable for what must not be cut: the text itself (4096
    characters, 1024 with buttons or a list), ids, more than 3 buttons or 10 rows, buttons and rows at once.
    """
    if said.buttons and said.rows:
        raise Unsendable("said", "buttons or rows", "both")
    if said.buttons:
        return buttons(said.text, _distinct(said.buttons))
    if said.rows:
        rows = [
            Choice(
                id=row.id,
                title=shorten(row.title, limits.ROW_TITLE),
                description=shorten(row.description, limits.ROW_DESCRIPTION),
            )
            for row in said.rows
        ]
        return choose(said.text, label=shorten(said.list_label, limits.LIST_LABEL), sections=[Section(rows=rows)])
    return text(said.text)


def address(message: Mapping[str, Any], to: Identity, tag: str | None = None, reply_to: str | None = None) -> Json:
    """A whole request: `message` for a person, by phone if we know it, else by user id.

    `tag` comes back in each status (≤512 characters): by it we find out what became of a send with unknown outcome.
    `reply_to` is the id of the message that this one quotes. Raises Unsendable.
    """
    recipient = {"to": f"+{to.phone}"} if to.phone else {"recipient": to.user_id}
    request = {"messaging_product": "whatsapp", "recipient_type": "individual", **recipient, **message}
    if reply_to is not None:
        request["context"] = {"message_id": reply_to}
    if tag is not None:
        request["biz_opaque_callback_data"] = tag
    check(request)
    return request


def instead(request: Mapping[str, Any], message: Mapping[str, Any]) -> Json:
    """A whole request to the person that `request` is addressed to, with its tag, and with another message in it."""
    addressed = {"messaging_product", "recipient_type", "to", "recipient", "biz_opaque_callback_data"}
    changed = {**{key: value for key, value in request.items() if key in addressed}, **message}
    check(changed)
    return changed


def readdressed(request: Mapping[str, Any], to: Identity) -> Json:
    """The same request for a person who has other names by now."""
    rest = {key: value for key, value in request.items() if key not in ("to", "recipient")}
    return {**rest, **({"to": f"+{to.phone}"} if to.phone else {"recipient": to.user_id})}


def is_template(request: Mapping[str, Any]) -> tuple[str, str] | None:
    """Name and language of the template that a request sends; None for everything else."""
    if request.get("type") != "template":
        return None
    return request["template"]["name"], request["template"]["language"]["code"]


def text(body: str, *, preview_url: bool | None = None) -> Json:
    """Plain text. Meta shows no preview of links unless asked to."""
    preview = {} if preview_url is None else {"preview_url": preview_url}
    return _checked("text", {"body": body, **preview})


def buttons(
    body: str, choices: Sequence[Choice], *, header: str = "", header_image: str = "", footer: str = ""
) -> Json:
    """Text with 1–3 reply buttons. `header_image` (instead of `header`) is a media id or a link."""
    replies = [{"type": "reply", "reply": {"id": choice.id, "title": choice.title}} for choice in choices]
    return _interactive("button", body, {"buttons": replies}, header=header, header_image=header_image, footer=footer)


def choose(body: str, *, label: str, sections: Sequence[Section], header: str = "", footer: str = "") -> Json:
    """Text with a button, `label`, that opens a list of up to 10 rows."""
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


def cta_url(body: str, *, label: str, url: str, header: str = "", footer: str = "") -> Json:
    """Text with a button that opens a page."""
    action = {"name": "cta_url", "parameters": {"display_text": label, "url": url}}
    return _interactive("cta_url", body, action, header=header, footer=footer)


def flow(
    body: str,
    *,
    flow_id: str,
    token: str,
    label: str,
    screen: str,
    data: Mapping[str, Any],
    header: str = "",
    footer: str = "",
) -> Json:
    """Text with a button that opens `screen` of a published flow, filled with `data`."""
    parameters = {
        "flow_message_version": "3",
        "flow_id": flow_id,
        "flow_token": token,
        "flow_cta": label,
        "mode": "published",
        "flow_action": "navigate",
        "flow_action_payload": {"screen": screen, "data": dict(data)},
    }
    return _interactive("flow", body, {"name": "flow", "parameters": parameters}, header=header, footer=footer)


def location_request(body: str) -> Json:
    """Asks for the person's location."""
    return _interactive("location_request_message", body, {"name": "send_location"})


def image(reference: str, *, caption: str = "") -> Json:
    """A picture (JPEG or PNG, ≤5 MB) by the id of its upload or by a link."""
    return _checked("image", {**_reference(reference), **({"caption": caption} if caption else {})})


def document(reference: str, *, filename: str = "", caption: str = "") -> Json:
    """A file (≤100 MB) by the id of its upload or by a link; the person sees `filename`."""
    names = {"filename": filename, "caption": caption}
    return _checked("document", {**_reference(reference), **{key: name for key, name in names.items() if name}})


def reaction(message_id: str, emoji: str) -> Json:
    """An emoji on the person's message; an empty one takes it back."""
    return _checked("reaction", {"message_id": message_id, "emoji": emoji})


def template(
    name: str,
    language: str,
    *,
    body: Sequence[str] | Mapping[str, str] = (),
    header_image: str = "",
    buttons: Sequence[TemplateButton] = (),
) -> Json:
    """An approved template, the only kind that may open a conversation.

    `body` fills its {{1}}, {{2}} … (a sequence) or its {{names}} (a mapping); `buttons` are in the template's order.
    """
    components: list[Json] = []
    if header_image:
        header = {"type": "image", "image": _reference(header_image)}
        components.append({"type": "header", "parameters": [header]})
    if body:
        components.append({"type": "body", "parameters": _parameters(body)})
    for index, button in enumerate(buttons):
        kind = "payload" if button.kind == "quick_reply" else "text"
        parameter = {"type": kind, kind: button.value}
        components.append({"type": "button", "sub_type": button.kind, "index": str(index), "parameters": [parameter]})
    filled = {"components": components} if components else {}
    return _checked("template", {"name": name, "language": {"code": language}, **filled})


def mark_read(message_id: str, *, typing: bool = False) -> Json:
    """A whole request, not to be addressed: blue ticks, and "typing…" for up to 25 seconds."""
    request: Json = {"messaging_product": "whatsapp", "status": "read", "message_id": message_id}
    if typing:
        request["typing_indicator"] = {"type": "text"}
    check(request)
    return request


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


def _parameters(values: Sequence[str] | Mapping[str, str]) -> list[Json]:
    if isinstance(values, Mapping):
        return [{"type": "text", "parameter_name": name, "text": value} for name, value in values.items()]
    return [{"type": "text", "text": value} for value in values]


def _reference(reference: str) -> Json:
    return {"link" if "://" in reference else "id": reference}


def _distinct(choices: Sequence[Choice]) -> list[Choice]:
    """Buttons with titles that fit. Those alike up to the cut get a number, since Meta wants them to differ."""
    titles: list[str] = []
    for choice in choices:
        title, count = shorten(choice.title, limits.BUTTON_TITLE), 2
        while title in titles:
            title = f"{shorten(choice.title, limits.BUTTON_TITLE - 3)} {count}"
            count += 1
        titles.append(title)
    return [Choice(id=choice.id, title=title) for choice, title in zip(choices, titles, strict=True)]
