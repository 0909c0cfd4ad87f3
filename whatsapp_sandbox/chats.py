"""What happens in the chats: messages in both directions, ticks, typing, the 24-hour window, and their webhooks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from whatsapp_sandbox import webhooks
from whatsapp_sandbox.contacts import Contact, own_contacts, stranger
from whatsapp_sandbox.graph_errors import Refused
from whatsapp_sandbox.json_views import message_json
from whatsapp_sandbox.media_files import MediaFiles, base64_sha256
from whatsapp_sandbox.message_rules import Recipient
from whatsapp_sandbox.page_events import PageEvents
from whatsapp_sandbox.reply_options import reply_options
from whatsapp_sandbox.settings import Settings
from whatsapp_sandbox.store import Message, Store
from whatsapp_sandbox.webhook_sender import DeliveryReport, WebhookSender

Json = dict[str, Any]

WINDOW_SECONDS = 24 * 3600
TYPING_SECONDS = 25
# Meta's statuses arrive shortly after its answer. By then the application has stored the message id, or must cope.
STATUS_DELAY = 0.15
IMAGES = frozenset({"image/jpeg", "image/png", "image/webp"})


class NotPossible(Exception):
    """The chat does not offer what the page requested."""


class Chats:
    """The chats of all people with the business."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        files: MediaFiles,
        sender: WebhookSender,
        events: PageEvents,
        clock: Callable[[], float],
    ) -> None:
        self.settings = settings
        self.store = store
        self.files = files
        self.sender = sender
        self.events = events
        self.clock = clock
        self.typing_until: dict[str, float] = {}
        self.trouble: str | None = None
        sender.on_report = self._on_delivery_report

    # People

    def contacts(self) -> list[Contact]:
        known = own_contacts(self.settings.organisers)
        strangers = [stranger(Recipient(phone, user_id)) for phone, user_id in self.store.strangers()]
        unknown = [other for other in strangers if not any(contact.matches(other.owner) for contact in known)]
        return [*known, *unknown]

    def contact(self, name: str) -> Contact | None:
        """Find a contact by id, phone number or BSUID."""
        return next((contact for contact in self.contacts() if contact.matches(name)), None)

    # What the application does

    def receive(self, recipient: Recipient, request: Json) -> Message:
        """Put a valid message from the application into its chat. Raises Refused (131021, 131047)."""
        if recipient.phone == "+" + self.settings.business.display_number:
            raise Refused(131021, "to is the number of the sender")
        contact = self.contact(recipient.address) or self._add_stranger(recipient)
        kind = request.get("type", "text")
        if contact.role != "stranger" and kind != "template" and not self.window_is_open(contact):
            raise Refused(131047, "More than 24 hours have passed since the person last wrote to this number.")
        message = self.store.add_message(
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

    def mark_read_by_business(self, message_id: str, *, typing: bool) -> None:
        """Turn the ticks of this message and of those before it blue. With `typing`, show the typing indicator."""
        message = self.store.message(message_id)
        if message is None or message.direction != "mine":
            return
        for earlier in self.store.mine_up_to(message):
            if earlier.status != "failed":
                self._publish(self.store.set_status(earlier.id, "read"))
        if typing:
            self.typing_until[message.contact] = self.clock() + TYPING_SECONDS
            self.events.publish("typing", contact=message.contact, seconds=TYPING_SECONDS)

    def window_is_open(self, contact: Contact) -> bool:
        return self.store.window_until(contact.id) > self.clock()

    # What a person does

    def send_text(self, contact: Contact, text: str, reply_to: str | None = None) -> Message:
        return self._send(contact, "text", {"body": text}, reply_to)

    def tap(self, contact: Contact, message_id: str, choice_id: str) -> Message:
        """Tap a button or list row, any number of times. Raises NotPossible if the message has no such option."""
        message = self.store.message(message_id)
        if message is None or message.contact != contact.id:
            raise NotPossible("There is no such message in this chat.")
        option = next((option for option in reply_options(message) if option.id == choice_id), None)
        if option is None:
            raise NotPossible("The message does not offer this choice.")
        return self._send(contact, option.kind, option.content, message_id)

    def send_file(
        self, contact: Contact, content: bytes, mime_type: str, filename: str, caption: str, reply_to: str | None = None
    ) -> Message:
        """Send a picture, or any other file as a document."""
        media = self.files.save(content, mime_type, filename or None)
        kind = "image" if mime_type in IMAGES else "document"
        file = webhooks.File(
            media_id=media.id,
            mime_type=mime_type,
            sha256=base64_sha256(media),
            caption=caption or None,
            filename=filename or None if kind == "document" else None,
        )
        return self._send(contact, kind, webhooks.file_content(file), reply_to)

    def send_location(
        self, contact: Contact, latitude: float, longitude: float, reply_to: str | None = None
    ) -> Message:
        return self._send(contact, "location", {"latitude": latitude, "longitude": longitude}, reply_to)

    def mark_chat_read(self, contact: Contact) -> None:
        """Mark everything in the chat as read: the person has opened it."""
        for message in self.store.unread(contact.id):
            updated = self.store.set_status(message.id, "read")
            self._report_status(message, "read")
            self._publish(updated)

    def retry(self, message_id: str) -> Message:
        """Send a failed message again. Raises NotPossible for any other message."""
        message = self.store.message(message_id)
        contact = self.contact(message.contact) if message else None
        if message is None or contact is None or message.direction != "mine" or message.status != "failed":
            raise NotPossible("Only a failed message can be sent again.")
        self._publish(self.store.set_status(message_id, "waiting"))
        self._enqueue_webhook(contact, message)
        return self.store.message(message_id) or message

    # What tests control

    def fail(self, message: Message, code: int, title: str) -> None:
        """Report a message that was accepted as failed."""
        failed = self.store.set_status(message.id, "failed", title)
        self._report_status(message, "failed", errors=((code, title),))
        self._publish(failed)

    def reset(self) -> None:
        self.store.reset()
        self.files.reset()
        self.typing_until.clear()
        self.events.publish("reset")

    # Internal steps

    def _add_stranger(self, recipient: Recipient) -> Contact:
        contact = stranger(recipient)
        self.store.add_stranger(contact.id, recipient.phone, recipient.user_id)
        self.events.publish("people")
        return contact

    def _send(self, contact: Contact, kind: str, content: Json, reply_to: str | None) -> Message:
        message = self.store.add_message(
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
        self.store.set_window(contact.id, message.at + WINDOW_SECONDS)
        self._enqueue_webhook(contact, message)
        self._publish(message)
        return message

    def _enqueue_webhook(self, contact: Contact, message: Message) -> None:
        body = webhooks.message(
            contact.person,
            message.kind,
            message.content,
            message_id=message.id,
            at=message.at,
            reply_to=message.reply_to,
            business=self.settings.business,
        )
        self.sender.enqueue(f"{contact.id}/messages", webhooks.encode(body), message.id)

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
        # Statuses have their own lane, so that one that is refused does not hold up what the person writes.
        self.sender.enqueue(f"{contact.id}/statuses", webhooks.encode(body), delay=STATUS_DELAY)

    def _stop_typing(self, contact_id: str) -> None:
        if self.typing_until.pop(contact_id, None) is not None:
            self.events.publish("typing", contact=contact_id, seconds=0)

    def _on_delivery_report(self, report: DeliveryReport) -> None:
        trouble = None if report.outcome == "arrived" else report.note
        if trouble != self.trouble:
            self.trouble = trouble
            self.events.publish("link", trouble=trouble)
        message = self.store.message(report.message_id) if report.message_id else None
        # The application may mark a message as read before it answers the webhook. Then the ticks stay blue.
        if (
            message
            and message.status in ("waiting", "arrived")
            and (message.status, message.note) != (report.outcome, report.note)
        ):
            self._publish(self.store.set_status(message.id, report.outcome, report.note))

    def _publish(self, message: Message | None) -> None:
        if message is not None:
            self.events.publish("message", message=message_json(message))
