"""What organisers do with a contact: put their record right, pause the bot for them, write to them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from chalicelib.domain.audit import AuditEvent, Facts
from chalicelib.domain.channel import Channel
from chalicelib.domain.contacts import Contact
from chalicelib.domain.delivery import Outbound
from chalicelib.domain.messages import Reply
from chalicelib.domain.organisers import Actor
from chalicelib.domain.refusals import (
    ContactErased,
    ContactNotFound,
    ContactOptedOut,
    Outdated,
    SendingStopped,
    WindowClosed,
)
from chalicelib.services.messaging.outbox import Outbox
from chalicelib.store import audit, contacts, idempotency, messages
from chalicelib.store.idempotency import Once
from chalicelib.store.transaction import Busy, ConditionsFailed, Transaction, retry
from chalicelib.telemetry import count, logger, pseudonym
from chalicelib.whatsapp.text import plain


@dataclass(frozen=True, kw_only=True)
class Contacts:
    """The use cases around one contact. `by` is who acts."""

    outbox: Outbox
    clock: Callable[[], datetime]

    def change(
        self, contact_id: str, patch: Mapping[str, Any], *, by: Actor, expected: frozenset[str] | None = None
    ) -> Contact:
        """Change what `patch` names, all of it checked: language, name, bot_paused, person_wanted_at (None alone).

        Args:
            expected: the versions of the contact that may be changed; None: any.

        Raises ContactNotFound, ContactErased, Outdated, TryAgain.
        """
        tried: Contact | None = None

        def attempt() -> Contact:
            nonlocal tried
            old, now = _known(contacts.get(contact_id), contact_id), self.clock()
            if old == tried:  # by a try of ours whose answer did not come
                return old
            if expected is not None and str(old.version) not in expected:
                raise Outdated
            new = _changed(old, patch, by=by, now=now)
            if new == old:
                return old
            tried = replace(new, version=old.version + 1)
            transaction = Transaction()
            contacts.save(transaction, new, now=now)
            note(transaction, "contact.changed", old.id, by, now, *_differences(old, new))
            transaction.commit()
            return tried

        contact = retry(attempt, again_on=(Busy, ConditionsFailed))
        logger.info("contact changed", extra={"contact_id": contact.id, "by": pseudonym(by.name)})
        return contact

    def write(
        self, contact_id: str, text: str, *, by: Actor, pause_bot: bool = True, asked: Once | None = None
    ) -> Outbound:
        """Write to a person, who waits for nobody any more, and leave the talking to the organisers from now on (M6),
        unless the bot is to go on.

        The message as it stands after one attempt to send it. Nothing is stored that may not be sent (M4, M5). Raises
        ContactNotFound, ContactErased, ContactOptedOut, WindowClosed, SendingStopped, KeyUsedOtherwise, TryAgain.
        """
        written: Outbound | None = None

        def attempt() -> Outbound | None:
            """The message to send now; None when it is stored already."""
            nonlocal written
            if tag := idempotency.made(asked, by):
                written = messages.get(tag) or written
                return None
            if written is not None and messages.get(written.tag):  # by a try of ours whose answer did not come
                return written
            contact, channel = self._writable(contact_id)
            now, transaction = self.clock(), Transaction()
            attended = replace(
                contact.with_bot_paused(by=by.name, now=now) if pause_bot else contact, person_wanted_at=None
            )
            attended, (written,) = self.outbox.enqueue_for(
                transaction, attended, [Reply(text=text)], channel=channel, now=now, by=by.name
            )
            contacts.save(transaction, attended, now=now)
            idempotency.remember(transaction, asked, by, written.tag, now)
            note(transaction, "contact.written_to", contact.id, by, now, *_differences(contact, attended))
            transaction.commit()
            count("MessagesByOrganisers")
            return written

        to_send = retry(attempt, again_on=(Busy, ConditionsFailed))
        if to_send is not None:
            self.outbox.send([to_send])
            written = retry(lambda: messages.get(to_send.tag)) or to_send
        if written is None:  # it has been erased since
            raise ContactErased(contact_id)
        return written

    def _writable(self, contact_id: str) -> tuple[Contact, Channel]:
        """The contact, if anything may be written to them now, and the channel."""
        found, channel = contacts.with_channel(contact_id)
        contact = _known(found, contact_id)
        if contact.opted_out:
            raise ContactOptedOut
        if contact.window_until is None or self.clock() >= contact.window_until:
            raise WindowClosed(contact.window_until)
        if channel.stops(asked=True):
            raise SendingStopped
        return contact, channel


def _known(contact: Contact | None, contact_id: str) -> Contact:
    if contact is None:
        raise ContactNotFound(contact_id)
    if contact.erased_at is not None:
        raise ContactErased(contact_id)
    return contact


def note(
    transaction: Transaction, action: str, contact_id: str, by: Actor, now: datetime, before: Facts, after: Facts
) -> None:
    """O2: have an organiser's change noted with it."""
    target = f"contact:{contact_id}"
    deed = AuditEvent(action=action, target=target, by=by, at=now, before=before, after=after)
    audit.append(transaction, audit.head(target), deed)


def _differences(old: Contact, new: Contact) -> tuple[Facts, Facts]:
    """What the audit log keeps of a change; of a name only that it is another one."""
    before, after = (
        {
            "language": one.language,
            "bot_paused_until": one.bot_paused_until and one.bot_paused_until.isoformat(),
            "person_wanted": one.person_wanted_at is not None,
            "name_kept": one.name_kept,
        }
        for one in (old, new)
    )
    names = [name for name in before if before[name] != after[name]]
    renamed = {"name": "another"} if old.name != new.name else {}
    return {name: before[name] for name in names}, {name: after[name] for name in names} | renamed


def _changed(contact: Contact, patch: Mapping[str, Any], *, by: Actor, now: datetime) -> Contact:
    for field, value in patch.items():
        match field:
            case "language":
                contact = replace(contact, language=value)
            case "name":  # None: what they are called in WhatsApp, from their next message on
                contact = replace(contact, name=plain(value or "") or contact.name, name_kept=bool(value))
            case "bot_paused":
                contact = contact.with_bot_paused(by=by.name, now=now) if value else contact.with_bot_resumed()
            case "person_wanted_at":
                contact = replace(contact, person_wanted_at=None)
    return contact
