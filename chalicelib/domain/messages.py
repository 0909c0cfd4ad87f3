"""What goes to and fro between a contact and us, free of WhatsApp's forms."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class MessageKind(StrEnum):
    TEXT = "text"
    CHOICE = "choice"  # a button or a list row was tapped
    MEDIA = "media"  # an image or a document: perhaps a proof
    LOST = "lost"  # likewise, but it never reached WhatsApp
    OTHER = "other"  # voice, sticker, location …: not understood, and told so
    SIGN = "sign"  # a reaction, an edit, a changed number …: nobody waits for an answer


@dataclass(frozen=True, kw_only=True)
class Media:
    """A file that a contact sent; its bytes are still with WhatsApp under `id`."""

    id: str
    mime_type: str = ""
    sha256: str = ""  # as WhatsApp wrote it: hex or base64
    filename: str = ""


@dataclass(frozen=True, kw_only=True)
class IncomingMessage:
    """One thing a contact said. `text` is what they typed, a caption, or the title of what they tapped."""

    kind: MessageKind
    text: str = ""
    choice: str = ""  # id of the tapped button or row: untrusted input
    media: Media | None = None


@dataclass(frozen=True, kw_only=True)
class Identity:
    """A person as WhatsApp names them: a business-scoped user id, a phone (digits), or both. Never neither."""

    user_id: str | None = None
    phone: str | None = None

    def __post_init__(self) -> None:
        if not (self.user_id or self.phone):
            raise ValueError("a person has a user id or a phone number")


@dataclass(frozen=True, kw_only=True)
class Choice:
    """A reply button or a list row."""

    id: str
    title: str
    description: str = ""


@dataclass(frozen=True, kw_only=True)
class Template:
    """What may be said to who has not written for a day: the name of a text that WhatsApp approved, and its values."""

    name: str
    values: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Reply:
    """One message to a contact: text with, perhaps, up to three buttons or one list of up to ten rows.

    `template` says it to who has not written for a day; without one they are not told. After `until` nobody needs it.
    """

    text: str
    buttons: Sequence[Choice] = ()
    rows: Sequence[Choice] = ()
    list_label: str = ""  # what the button that opens the list says
    template: Template | None = None
    until: datetime | None = None
