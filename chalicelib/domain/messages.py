"""Messages between contacts and us, independent of WhatsApp's formats."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from chalicelib.domain.pictures import Picture
from chalicelib.domain.reply_names import ReplyName


class MessageKind(StrEnum):
    TEXT = "text"
    CHOICE = "choice"  # a button or a list row was tapped
    MEDIA = "media"  # an image or a document: perhaps a proof
    LOST = "lost"  # an image or a document whose upload to WhatsApp failed
    TOO_LARGE = "too_large"  # a file that is too large for WhatsApp
    VOICE = "voice"  # the bot can't listen
    OTHER = "other"  # a sticker, location …: the bot repeats its question
    REACTION = "reaction"  # an emoji on one of our messages, perhaps a yes to a question
    EVENT = "event"  # an edit, a changed number …: needs no reply


@dataclass(frozen=True, kw_only=True)
class Media:
    """A file that a contact sent. WhatsApp keeps its content, to be fetched by `id`.

    What WhatsApp says about name, type and hash is not kept: a file is judged by its content.
    """

    id: str


@dataclass(frozen=True, kw_only=True)
class IncomingMessage:
    """A message from a contact.

    Attributes:
        text: what they typed, a caption, the title of the button or row that they tapped, or the emoji of a reaction.
        choice: the id of the tapped button or row. Untrusted input.
        media: the file, for MEDIA and LOST.
        reacts_to: WhatsApp's id of the message that a REACTION is about.
        quotes: WhatsApp's id of the message that they quote, or whose button or row they tapped.
    """

    kind: MessageKind
    text: str = ""
    choice: str = ""
    media: Media | None = None
    reacts_to: str | None = None
    quotes: str | None = None


@dataclass(frozen=True, kw_only=True)
class Identity:
    """How WhatsApp identifies a person: by a business-scoped user id, by a phone number (digits), or by both.

    Raises ValueError when both are missing.
    """

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
class StoredFile:
    """A file in our bucket.

    Attributes:
        name: under which the reader sees it.
    """

    key: str
    mime_type: str
    name: str


@dataclass(frozen=True, kw_only=True)
class Template:
    """A template message, which may be sent outside the 24-hour window.

    Attributes:
        name: the name under which WhatsApp approved the template.
        values: the values of its placeholders, by name.
    """

    name: str
    values: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Reply:
    """A message to a contact: text, with up to three buttons or one list of up to ten rows.

    Attributes:
        name: which of the bot's replies it is; None if an organiser wrote it.
        list_label: the label of the button that opens the list.
        header: a file that is shown above the text, if there are buttons. The text says all without it.
        template: the same content as a template, for use outside the 24-hour window; None: not sent there.
        useful_until: after this moment it is not worth sending; None: always worth it.
        picture: sent with the text as its caption, and without buttons and rows; the text alone is sent if the picture
            can't be.
    """

    text: str
    name: ReplyName | None = None
    buttons: Sequence[Choice] = ()
    rows: Sequence[Choice] = ()
    list_label: str = ""
    header: StoredFile | None = None
    template: Template | None = None
    useful_until: datetime | None = None
    picture: Picture | None = None
