"""Answering a contact's message: decide, carry it out and commit all of it as one transaction, then reply."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache

from chalicelib.domain import conversation as c
from chalicelib.domain.contacts import Contact
from chalicelib.domain.delivery import Outbound
from chalicelib.domain.messages import Identity
from chalicelib.domain.refusals import NumbersTaken, TryAgain
from chalicelib.services.chat.actions import Turn, act
from chalicelib.services.messaging.outbox import Outbox
from chalicelib.services.orders.conflicts import explain_conflict
from chalicelib.services.orders.holds import Draw, Holds
from chalicelib.services.orders.proofs import Proofs
from chalicelib.store import board, contacts, messages, orders
from chalicelib.store.contact_ids import contact_ids_of
from chalicelib.store.transaction import Busy, ConditionsFailed, Transaction, retry
from chalicelib.telemetry import count, logger
from chalicelib.whatsapp.graph import Graph, GraphError
from chalicelib.whatsapp.inbound import Message, Preference
from chalicelib.whatsapp.text import plain

# The function has 30 seconds, of which trying to commit may take 12. What is not sent in time is the schedule's.
SENDING_TIME = timedelta(seconds=8)


def _find(person: Identity) -> contacts.Arrival:
    # There is no message to look up beside the person: a key that none has.
    return contacts.arrival(person, phone_number_id="", message_id="", code=None)


class _Again(Exception):
    """Something changed under us, or was just set right: decide anew from what is stored now."""


@dataclass(frozen=True, kw_only=True)
class ChatHandler:
    """The use case behind every inbound message."""

    holds: Holds
    outbox: Outbox
    proofs: Proofs
    graph: Graph
    organisers: Sequence[Identity]
    clock: Callable[[], datetime]

    def answer(self, message: Message) -> None:
        """Let the message take effect, once (M1), and send the replies.

        Raises TryAgain when the store stayed too busy: the queue delivers the message again.
        """
        if message.becomes is not None and not self._look_up(message).handled:
            self.renew(message.sender, message.becomes)
        looked_up = [retry(lambda: self._look_up(message))]
        self._show_typing(message, looked_up[0])
        keep = lru_cache(self.proofs.keep)  # a second try at the same message does not fetch the file again
        taken: NumbersTaken | None = None
        draw = Draw()
        to_tell: list[Outbound] = []
        orphaned_orders: set[str] = set()

        def attempt() -> list[Outbound]:
            nonlocal taken
            arrival = looked_up.pop() if looked_up else self._look_up(message)
            if arrival.handled:
                count("DuplicateMessages")
                return []
            now = self.clock()
            # Who says that their names change writes under the old ones.
            sender = message.sender if message.becomes is None else arrival.contact
            contact = replace(
                arrival.contact,
                user_id=sender.user_id or arrival.contact.user_id,
                phone=sender.phone or arrival.contact.phone,
            )
            contact = contact.called(plain(message.name)).heard(min(message.sent_at or now, now))
            turn = Turn(
                now=now,
                contact=contact,
                raffle_of_code=arrival.raffle_of_code,
                taken=taken,
                keep=keep,
                draw=draw,
                to_tell=to_tell,
            )
            act(c.step(contact.conversation, message.heard, paused=contact.bot_is_paused(now)), turn, self.holds)
            try:
                return self._commit(turn, message, arrival)
            except ConditionsFailed as failure:
                if failure.named(messages.INBOUND):
                    count("DuplicateMessages")
                    return []
                in_the_way = board.in_the_way(failure.named(board.TICKET))
                if draw.numbers:
                    draw.lose(in_the_way)
                else:
                    taken = explain_conflict(self.holds, in_the_way, contact.id, orphaned_orders, to_tell)
                raise _Again from None

        try:
            replies = retry(attempt, again_on=(_Again, Busy))
        except TryAgain:
            # Their holds have ended whatever becomes of this message.
            self.outbox.send(to_tell, within=SENDING_TIME)
            raise
        # What the person's own order was comes before the reply; what others lost can wait until after it.
        own = [outbound for outbound in to_tell if replies and outbound.contact_id == replies[0].contact_id]
        others = [outbound for outbound in to_tell if outbound not in own]
        self.outbox.send([*own, *replies, *others], within=SENDING_TIME)

    def renew(self, old: Identity, new: Identity) -> None:
        """WhatsApp says that a person has other names now: the same contact is known by them. Raises TryAgain.

        When the person wrote under a new name before this was told, they are a contact of that name already; one that
        never bought anything is given up for the old one, others stay two.
        """

        def attempt() -> None:
            now = self.clock()
            known, other = _find(old), _find(new)
            contact = known.contact.renamed(old, new)
            if not known.contact.version or contact == known.contact:
                return
            if other.contact.version and other.contact.id != contact.id:
                contact = contact.joined(other.contact)
            transaction = Transaction()
            contacts.save(transaction, contact, now=now)
            names = {*known.unnamed, *other.unnamed}  # both may lack the same one
            contacts.alias(transaction, contact, names if other.contact.version else names | {other.contact.id})
            if other.contact.version and other.contact.id != contact.id:
                if other.contact.held or orders.of_contact(other.contact.id, limit=1):
                    logger.warning("one person is two contacts", extra={"contacts": [contact.id, other.contact.id]})
                    count("ContactsApart")
                    return
                contacts.replace_by_alias(transaction, other.contact, contact)
            transaction.commit()
            count("ContactsRenamed")

        retry(attempt, again_on=(Busy, ConditionsFailed))

    def note(self, preference: Preference) -> None:
        """What the person told WhatsApp: to hear nothing from us, or to hear from us again (M5).

        An older wish than the last one that is known changes nothing, so that it may come twice and in any order.
        Raises TryAgain.
        """

        def attempt() -> None:
            now = self.clock()
            person = preference.person
            arrival = _find(person)
            contact = arrival.contact.opting(out=preference.stops, at=preference.at or now)
            if contact == arrival.contact:
                return
            contact = replace(contact, user_id=person.user_id or contact.user_id, phone=person.phone or contact.phone)
            transaction = Transaction()
            contacts.save(transaction, contact, now=now)
            contacts.alias(transaction, contact, arrival.unnamed)
            transaction.commit()
            count("OptOuts" if contact.opted_out else "OptIns")

        retry(attempt, again_on=(Busy, ConditionsFailed))

    def _look_up(self, message: Message) -> contacts.Arrival:
        word = c.said_in(message.heard.text).upper()
        return contacts.arrival(
            message.sender,
            phone_number_id=message.phone_number_id,
            message_id=message.id,
            code=word if c.is_raffle_code(word) else None,
        )

    def _commit(self, turn: Turn, message: Message, arrival: contacts.Arrival) -> list[Outbound]:
        """What the message changes and the replies that it causes: one transaction (M3)."""
        transaction, contact, now = turn.transaction, turn.contact, turn.now
        contacts.alias(transaction, contact, arrival.unnamed)
        inbound_id = messages.inbound_id(message.phone_number_id, message.id)
        tell, add, channel = self.outbox.enqueue_for, self.outbox.enqueue, arrival.channel
        outbounds = tell(
            transaction, contact, turn.replies, channel=channel, now=now, to=message.sender, in_reply_to=inbound_id
        )
        notices = list[Outbound]()
        for organiser in self.organisers if turn.notices else ():
            unknown = Contact(id=contact_ids_of(organiser)[0], user_id=organiser.user_id, phone=organiser.phone)
            notices += add(transaction, unknown, turn.notices, channel=channel, now=now)
        messages.record_inbound(
            transaction,
            contact.id,
            message.heard,
            phone_number_id=message.phone_number_id,
            message_id=message.id,
            form=message.kind,
            sent_at=message.sent_at,
            now=now,
            notices=[notice.tag for notice in notices],
        )
        if not turn.replies:
            messages.leave_unanswered(transaction, contact.id, inbound_id, now)
        transaction.commit()
        for name in turn.counts:
            count(name)
        return [*outbounds, *notices]

    def _show_typing(self, message: Message, arrival: contacts.Arrival) -> None:
        """A courtesy to who waits for an answer, and nothing that WhatsApp be asked while it lets us do nothing.

        What is for an organiser to read (M6) is not marked as read by us.
        """
        now, conversation = self.clock(), arrival.contact.conversation
        wish = c.step(conversation, message.heard, paused=arrival.contact.bot_is_paused(now))
        silent = isinstance(wish, c.StayQuiet | c.LeaveToPerson) or arrival.handled
        if silent or not arrival.channel.is_open(now):
            return
        try:
            self.graph.mark_read(message.id)
        except GraphError as failure:  # the answer matters more
            logger.info("could not mark as read", extra={"reason": str(failure)})
