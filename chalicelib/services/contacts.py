"""What organisers do with a contact: correct their details, pause the bot for them, block them, write to them."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from chalicelib.domain.audit import Facts
from chalicelib.domain.channel import Channel
from chalicelib.domain.contacts import Contact
from chalicelib.domain.delivery import Outbound
from chalicelib.domain.messages import Reply
from chalicelib.domain.orders import UNPAID
from chalicelib.domain.organisers import Actor
from chalicelib.domain.refusals import (
    Changed,
    ContactErased,
    ContactNotFound,
    ContactOptedOut,
    OrderOutOfTurn,
    Outdated,
    SendingStopped,
    TryAgain,
    WindowClosed,
)
from chalicelib.services.messaging.outbox import Outbox
from chalicelib.services.orders.settlement import Settlement
from chalicelib.store import audit, contacts, idempotency, messages, orders
from chalicelib.store.idempotency import IdempotencyKey
from chalicelib.store.transaction import Busy, ConditionsFailed, Transaction, retry
from chalicelib.telemetry import count, logger, pseudonym
from chalicelib.whatsapp.text import plain

MAX_ORDERS_READ = 200  # of a blocked contact
TIME_TO_CANCEL = timedelta(seconds=15)


@dataclass(frozen=True, kw_only=True)
class Contacts:
    """The use cases of one contact. `by` is the organiser who acts."""

    outbox: Outbox
    settlement: Settlement
    clock: Callable[[], datetime]

    def change(
        self, contact_id: str, patch: Mapping[str, Any], *, by: Actor, expected: frozenset[str] | None = None
    ) -> Contact:
        """Change the fields in `patch`: language, name, bot_paused, person_wanted_at, blocked, vouched_for.

        Return the contact. Whoever is blocked loses their unpaid orders as well (H12).

        Raises ContactNotFound, ContactErased, Outdated, TryAgain.

        Args:
            patch: validated values. The only value of person_wanted_at is None.
            expected: the versions of the contact that may be changed. None allows any.
        """
        tried: Contact | None = None

        def attempt() -> Contact:
            nonlocal tried
            old = _check_exists(contacts.get(contact_id), contact_id)
            now = self.clock()
            if old == tried:  # stored by an earlier attempt that got no answer
                return old
            if expected is not None and old.edit_version not in expected:
                raise Outdated(Changed(contacts.audit_target(old.id), old.person_wanted_at))
            new = _apply(patch, old, by=by, now=now)
            if new == old:
                return old
            tried = replace(new, version=old.version + 1)
            transaction = Transaction()
            contacts.save(transaction, new, now=now)
            before, after = _differences(old, new)
            audit.record(
                transaction,
                action="contact.changed",
                target=contacts.audit_target(old.id),
                by=by,
                at=now,
                before=before,
                after=after,
            )
            transaction.commit()
            return tried

        contact = retry(attempt, again_on=(Busy, ConditionsFailed))
        logger.info("contact changed", extra={"contact_id": contact.id, "by": pseudonym(by.name)})
        return self._cancel_unpaid(contact, by) if patch.get("blocked") else contact

    def _cancel_unpaid(self, contact: Contact, by: Actor) -> Contact:
        """Cancel all unpaid orders of a blocked contact. Return the contact as it is then.

        Raises TryAgain if there is no time for all of them. No new ones come meanwhile: the contact is blocked already.
        """
        until = self.clock() + TIME_TO_CANCEL
        # The index also knows orders of before the contact's item named them.
        newest = orders.of_contact(contact.id, limit=MAX_ORDERS_READ)
        unpaid = {*contact.unpaid, *(order.id for order in newest if order.status in UNPAID)}
        for order_id in sorted(unpaid):
            if self.clock() >= until:
                raise TryAgain
            with suppress(OrderOutOfTurn):  # it has just ended, or is paid
                self.settlement.cancel(order_id, by=by, silently=True)
        return contacts.get(contact.id) or contact if unpaid else contact

    def write(
        self,
        contact_id: str,
        text: str,
        *,
        by: Actor,
        pause_bot: bool = True,
        idempotency_key: IdempotencyKey | None = None,
    ) -> Outbound:
        """Write to a person and take them off the list of those who wait for a person.

        Also pause the bot for them (M6), unless `pause_bot` is False. Return the message after one attempt to send it.
        A message that may not be sent (M4, M5) is refused and not stored. Raises ContactNotFound, ContactErased,
        ContactOptedOut, WindowClosed, SendingStopped, KeyUsedOtherwise, TryAgain.
        """
        message: Outbound | None = None

        def attempt() -> Outbound | None:
            """Store the message. Return it if it is to be sent now, or None if an earlier request stored it."""
            nonlocal message
            if tag := idempotency.find_result(idempotency_key, by):
                message = messages.get(tag) or message
                return None
            if message is not None and messages.get(message.tag):  # stored by an earlier attempt that got no answer
                return message
            contact, channel = self._load_writable(contact_id)
            now = self.clock()
            transaction = Transaction()
            attended = contact.with_bot_paused(by=by.name, at=now) if pause_bot else contact
            attended = replace(attended, person_wanted_at=None)
            attended, (message,) = self.outbox.enqueue_for(
                transaction, attended, [Reply(text=text)], channel=channel, now=now, by=by.name
            )
            contacts.save(transaction, attended, now=now)
            idempotency.record_result(transaction, idempotency_key, by, message.tag, now)
            before, after = _differences(contact, attended)
            audit.record(
                transaction,
                action="contact.written_to",
                target=contacts.audit_target(contact.id),
                by=by,
                at=now,
                before=before,
                after=after,
            )
            transaction.commit()
            count("MessagesByOrganisers")
            return message

        to_send = retry(attempt, again_on=(Busy, ConditionsFailed))
        if to_send is not None:
            self.outbox.send([to_send])
            message = retry(lambda: messages.get(to_send.tag)) or to_send
        if message is None:  # the contact has been erased in the meantime
            raise ContactErased(contact_id)
        return message

    def _load_writable(self, contact_id: str) -> tuple[Contact, Channel]:
        """Return the contact and the channel. Raises a Refusal if nothing may be sent to the contact now."""
        stored, channel = contacts.with_channel(contact_id)
        contact = _check_exists(stored, contact_id)
        if contact.opted_out:
            raise ContactOptedOut
        if contact.window_until is None or self.clock() >= contact.window_until:
            raise WindowClosed(contact.window_until)
        if channel.stops(is_reply=True):
            raise SendingStopped
        return contact, channel


def _check_exists(contact: Contact | None, contact_id: str) -> Contact:
    if contact is None:
        raise ContactNotFound(contact_id)
    if contact.erased_at is not None:
        raise ContactErased(contact_id)
    return contact


def _differences(old: Contact, new: Contact) -> tuple[Facts, Facts]:
    """Return what the audit log says about a change. It contains no names, only that the name is another one."""
    before = _facts(old)
    after = _facts(new)
    changed = [name for name in before if before[name] != after[name]]
    renamed = {"name": "another"} if old.name != new.name else {}
    return {name: before[name] for name in changed}, {name: after[name] for name in changed} | renamed


def _facts(contact: Contact) -> Facts:
    return {
        "language": contact.language,
        "language_chosen": contact.chosen_language is not None,
        "bot_paused_until": contact.bot_paused_until and contact.bot_paused_until.isoformat(),
        "person_wanted": contact.person_wanted_at is not None,
        "name_kept": contact.name_kept,
        "blocked": contact.blocked_at is not None,
        "vouched_for": contact.vouched_for,
    }


def _apply(patch: Mapping[str, Any], contact: Contact, *, by: Actor, now: datetime) -> Contact:
    for field, value in patch.items():
        match field:
            case "language":
                contact = replace(contact, chosen_language=value)
            case "name":  # None: use the name of their WhatsApp profile from their next message on
                contact = replace(contact, name=plain(value or "") or contact.name, name_kept=bool(value))
            case "bot_paused":
                contact = contact.with_bot_paused(by=by.name, at=now) if value else contact.with_bot_resumed(now)
            case "blocked" if value:
                contact = replace(contact, blocked_at=contact.blocked_at or now)
            case "blocked":
                contact = replace(contact, blocked_at=None, blocked_told=False)
            case "vouched_for":
                contact = replace(contact, vouched_for=value)
            case "person_wanted_at":
                contact = replace(contact, person_wanted_at=None)
    return contact
