"""What people do on their phones and what reaches them: chats, ticks, typing, the 24-hour window, webhooks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from whatsapp_sandbox import webhooks
from whatsapp_sandbox.choices import Choice, choices_of
from whatsapp_sandbox.courier import Courier, Report
from whatsapp_sandbox.events import Events
from whatsapp_sandbox.files import Files, base64_sha256
from whatsapp_sandbox.limits import Recipient
from whatsapp_sandbox.people import Contact, everybody, stranger
from whatsapp_sandbox.refusals import Refused
from whatsapp_sandbox.settings import Settings
from whatsapp_sandbox.store import Message, Store
from whatsapp_sandbox.views import shown

Json = dict[str, Any]

WINDOW_SECONDS = 24 * 3600
TYPING_SECONDS = 25
# Meta's statuses come a moment after its answer; the product should have stored the id by then, or cope.
STATUS_DELAY = 0.15
IMAGES = frozenset({"image/jpeg", "image/png", "image/webp"})


class CannotDo(Exception):
    """The page asked for something that this chat does not offer."""


class Phones:
    """All phones on this machine."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        files: Files,
        courier: Courier,
        events: Events,
        clock: Callable[[], float],
    ) -> None:
        self.settings, self.store, self.files, self.courier, self.events, self.clock = (
            settings, store, files, courier, events, clock,
        )  # fmt: skip
        self.typing_until: dict[str, float] = {}
        self.trouble: str | None = None
        courier.report = self._delivered

    # Who

    def contacts(self) -> list[Contact]:
        own = everybody(self.settings.organisers)
        others = [stranger(Recipient(phone, user_id)) for phone, user_id in self.store.strangers()]
        return [*own, *(other for other in others if not any(one.answers_to(other.owner) for one in own))]

    def contact(self, name: str) -> Contact | None:
        """Find somebody by id, phone or BSUID."""
        return next((contact for contact in self.contacts() if contact.answers_to(name)), None)

    # What the product does

    def receive(self, recipient: Recipient, request: Json) -> Message:
        """Put an acceptable message of the product into a chat. Raises Refused (131021, 131047)."""
        if recipient.phone == "+" + self.settings.business.display_number:
            raise Refused(131021, "to is the number of the sender")
        contact = self.contact(recipient.written) or self._meet(recipient)
        kind = request.get("type", "text")
        if contact.role != "stranger" and kind != "template" and not self.window_is_open(contact):
            raise Refused(131047, "More than 24 hours have passed since the person last wrote to this number.")
        message = self.store.add(
            Message(
                id=webhooks.new_message_id(contact.owner, "out"),
                contact=contact.id,
                direction="theirs",
                at=self.clock(),
                kind=kind,
                content=request[kind],
                status="delivered",
                reply_to=request.get("context", {}).get("message_id"),
                request=request,
            )
        )
        self._stop_typing(contact.id)
        self._report_status(message, "sent")
        self._report_status(message, "delivered")
        self._publish(message)
        return message

    def business_has_read(self, message_id: str, *, typing: bool) -> None:
        """Turn the ticks of this message and those before it blue, and show the typing indicator."""
        message = self.store.message(message_id)
        if message is None or message.direction != "mine":
            return
        for earlier in self.store.mine_up_to(message):
            if earlier.status != "failed":
                self._publish(self.store.mark(earlier.id, "read"))
        if typing:
            self.typing_until[message.contact] = self.clock() + TYPING_SECONDS
            self.events.publish("typing", contact=message.contact, seconds=TYPING_SECONDS)

    def window_is_open(self, contact: Contact) -> bool:
        return self.store.window_until(contact.id) > self.clock()

    # What a person does

    def say(self, contact: Contact, text: str, reply_to: str | None = None) -> Message:
        return self._send(contact, "text", {"body": text}, reply_to)

    def tap(self, contact: Contact, message_id: str, choice_id: str) -> Message:
        """Tap a button or choose a row, any number of times. Raises CannotDo when the message does not offer it."""
        message = self.store.message(message_id)
        if message is None or message.contact != contact.id:
            raise CannotDo("There is no such message in this chat.")
        choice: Choice | None = next((one for one in choices_of(message) if one.id == choice_id), None)
        if choice is None:
            raise CannotDo("The message does not offer this choice.")
        return self._send(contact, choice.kind, choice.content, message_id)

    def attach(
        self, contact: Contact, content: bytes, mime_type: str, filename: str, caption: str, reply_to: str | None = None
    ) -> Message:
        """Send a picture, or any other file as a document."""
        media = self.files.keep(content, mime_type, filename or None)
        kind = "image" if mime_type in IMAGES else "document"
        file = webhooks.File(
            media_id=media.id,
            mime_type=mime_type,
            sha256=base64_sha256(media),
            caption=caption or None,
            filename=filename or None if kind == "document" else None,
        )
        return self._send(contact, kind, webhooks.file_content(file), reply_to)

    def share_place(self, contact: Contact, latitude: float, longitude: float, reply_to: str | None = None) -> Message:
        return self._send(contact, "location", {"latitude": latitude, "longitude": longitude}, reply_to)

    def open_chat(self, contact: Contact) -> None:
        """The person looks at the chat: everything in it is read now."""
        for message in self.store.unread(contact.id):
            read = self.store.mark(message.id, "read")
            self._report_status(message, "read")
            self._publish(read)

    def send_again(self, message_id: str) -> Message:
        """Try a failed message again. Raises CannotDo for any other."""
        message = self.store.message(message_id)
        contact = self.contact(message.contact) if message else None
        if message is None or contact is None or message.direction != "mine" or message.status != "failed":
            raise CannotDo("Only a failed message can be sent again.")
        self._publish(self.store.mark(message_id, "waiting"))
        self._post(contact, message)
        return self.store.message(message_id) or message

    # What tests ask for

    def fail(self, message: Message, code: int, title: str) -> None:
        """Let a message that was accepted fail after all."""
        failed = self.store.mark(message.id, "failed", title)
        self._report_status(message, "failed", errors=((code, title),))
        self._publish(failed)

    def reset(self) -> None:
        self.store.reset()
        self.files.reset()
        self.typing_until.clear()
        self.events.publish("reset")

    # Inside

    def _meet(self, recipient: Recipient) -> Contact:
        contact = stranger(recipient)
        self.store.add_stranger(contact.id, recipient.phone, recipient.user_id)
        self.events.publish("people")
        return contact

    def _send(self, contact: Contact, kind: str, content: Json, reply_to: str | None) -> Message:
        message = self.store.add(
            Message(
                id=webhooks.new_message_id(contact.owner, "in"),
                contact=contact.id,
                direction="mine",
                at=self.clock(),
                kind=kind,
                content=content,
                status="waiting",
                reply_to=reply_to,
            )
        )
        self.store.open_window(contact.id, message.at + WINDOW_SECONDS)
        self._post(contact, message)
        self._publish(message)
        return message

    def _post(self, contact: Contact, message: Message) -> None:
        body = webhooks.message(
            contact.person,
            message.kind,
            message.content,
            message_id=message.id,
            at=message.at,
            reply_to=message.reply_to,
            business=self.settings.business,
        )
        self.courier.post(f"{contact.id}/messages", webhooks.encode(body), message.id)

    def _report_status(self, message: Message, state: webhooks.State, errors: tuple[tuple[int, str], ...] = ()) -> None:
        contact = self.contact(message.contact)
        if contact is None:
            return
        body = webhooks.status(
            contact.person,
            message.id,
            state,
            at=self.clock(),
            tracking=(message.request or {}).get("biz_opaque_callback_data"),
            category="utility" if message.kind == "template" else "service",
            errors=errors,
            business=self.settings.business,
        )
        # A lane of its own: a status that is refused must not hold up what the person writes.
        self.courier.post(f"{contact.id}/statuses", webhooks.encode(body), delay=STATUS_DELAY)

    def _stop_typing(self, contact_id: str) -> None:
        if self.typing_until.pop(contact_id, None) is not None:
            self.events.publish("typing", contact=contact_id, seconds=0)

    def _delivered(self, report: Report) -> None:
        trouble = None if report.outcome == "arrived" else report.note
        if trouble != self.trouble:
            self.trouble = trouble
            self.events.publish("link", trouble=trouble)
        message = self.store.message(report.message_id) if report.message_id else None
        # The product may have marked the message read before its webhook had answered: that tick stays blue.
        if (
            message
            and message.status in ("waiting", "arrived")
            and (message.status, message.note) != (report.outcome, report.note)
        ):
            self._publish(self.store.mark(message.id, report.outcome, report.note))

    def _publish(self, message: Message | None) -> None:
        if message is not None:
            self.events.publish("message", message=shown(message))
