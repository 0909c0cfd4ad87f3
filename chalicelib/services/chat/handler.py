"""Answer a contact's message: decide, carry it out and commit all of it as one transaction, then reply."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from random import Random

from chalicelib.domain import chat_actions as a
from chalicelib.domain import conversation as c
from chalicelib.domain.choices import CONFIRM
from chalicelib.domain.contacts import Contact
from chalicelib.domain.decisions import Act, Choosing, Decision
from chalicelib.domain.delivery import Outbound
from chalicelib.domain.language_guess import guess_language
from chalicelib.domain.messages import Identity, Media, MessageKind
from chalicelib.domain.orders import Proof
from chalicelib.domain.organisers import PHONE_APP, find_organiser
from chalicelib.domain.refusals import TryAgain
from chalicelib.domain.reply_limits import MAX_REPLIES, NEWEST_WAITS
from chalicelib.services.chat.actions import act
from chalicelib.services.chat.misses import offer_person, report_silence
from chalicelib.services.chat.open_questions import ask_again
from chalicelib.services.chat.quotes import find_noticed, follow_quote, return_from_quote
from chalicelib.services.chat.turn import Turn
from chalicelib.services.messaging.outbox import Outbox, notified_contact
from chalicelib.services.orders.conflicts import Conflicts
from chalicelib.services.orders.decision_queue import DecisionQueue
from chalicelib.services.orders.expiry import Expiry
from chalicelib.services.orders.holds import Holds, RandomNumbers
from chalicelib.services.orders.proofs import Proofs
from chalicelib.store import channel as channels
from chalicelib.store import contacts, messages, orders
from chalicelib.store.transaction import Busy, ConditionsFailed, Transaction, retry
from chalicelib.telemetry import count, count_not_understood, logger
from chalicelib.whatsapp.graph import Graph, GraphError
from chalicelib.whatsapp.inbound import Echo, Message, Preference
from chalicelib.whatsapp.text import plain

# The function has 30 seconds, and committing may take 12 of them. The schedule sends what is not sent in time.
SENDING_TIME = timedelta(seconds=8)


class _DecideAgain(Exception):
    """Something has changed since it was read, or a hold was ended on the way: decide again from what is stored now."""


@dataclass(kw_only=True)
class _Tries:
    """State that all tries at one message share.

    Attributes:
        lookup: what was read before the first try, for that try only; None after it.
    """

    message: Message
    lookup: contacts.Lookup | None
    conflicts: Conflicts
    keep_proof: Callable[[Media, str], Proof]


@dataclass(frozen=True, kw_only=True)
class ChatHandler:
    """Answers every inbound message, once."""

    holds: Holds
    expiry: Expiry
    outbox: Outbox
    proofs: Proofs
    graph: Graph
    decision_queue: DecisionQueue
    organisers: Sequence[Identity]
    random: Random
    clock: Callable[[], datetime]

    def answer(self, message: Message) -> None:
        """Let the message take effect, once (M1), and send the replies.

        Raises TryAgain when the store stayed too busy: the queue delivers the message again.
        """
        if message.becomes is not None and not self._look_up(message).handled:
            self.change_identity(message.sender, message.becomes)
        lookup = retry(lambda: self._look_up(message))
        self._show_typing(message, lookup)
        conflicts = Conflicts(expiry=self.expiry, random_numbers=RandomNumbers(random=self.random))
        inbound_id = messages.inbound_id(message.phone_number_id, message.id)

        @cache  # a second try at the same message does not fetch the file again
        def keep_proof(media: Media, contact_id: str) -> Proof:
            return self.proofs.keep(media, contact_id=contact_id, message_id=inbound_id)

        tries = _Tries(message=message, lookup=lookup, conflicts=conflicts, keep_proof=keep_proof)
        try:
            replies = retry(lambda: self._attempt(tries), again_on=(_DecideAgain, Busy))
        except TryAgain:
            # These holds have ended whatever becomes of this message.
            self.outbox.send(conflicts.messages, within=SENDING_TIME)
            raise
        # News of the person's own holds comes before the reply. What others lost can wait until after it.
        contact_id = replies[0].contact_id if replies else None
        own = [expired for expired in conflicts.messages if expired.contact_id == contact_id]
        others = [expired for expired in conflicts.messages if expired.contact_id != contact_id]
        self.outbox.send([*own, *replies, *others], within=SENDING_TIME)

    def _attempt(self, tries: _Tries) -> list[Outbound]:
        """Decide, act and commit once. Return the messages to send. Raises _DecideAgain, Busy."""
        message = tries.message
        lookup = tries.lookup or self._look_up(message)
        tries.lookup = None
        now = self.clock()
        if lookup.handled:
            count("DuplicateMessages")
            self._hand_over_again(message, lookup, now)
            return []
        turn = Turn(
            now=now,
            written_at=min(message.sent_at or now, now),
            message=message.incoming,
            contact=_contact_who_wrote(message, lookup, now),
            raffle_of_code=lookup.raffle_of_code,
            conflicts=tries.conflicts,
            holds=self.holds,
            keep_proof=tries.keep_proof,
        )
        conversation = turn.contact.conversation
        organiser = self._find_organiser(turn.contact, message)
        turn.is_organiser = organiser is not None
        # Organisers get notices, and a plain yes may be about one of these.
        may_mean_notice = conversation.asks == CONFIRM and organiser is not None
        if may_mean_notice or turn.is_older_than(conversation.asked_at):
            turn.contact = replace(turn.contact, conversation=replace(conversation, asks=None))
        follow_quote(turn, organiser)
        action = self._decide(turn.contact, message, now, turn.noticed)
        # A yes answers the question that came right before it, and no older one.
        was_asked = turn.contact.conversation.asks
        turn.contact = replace(turn.contact, conversation=replace(turn.contact.conversation, asks=None, asked_at=None))
        before = turn.contact.conversation
        act(action, turn)
        ask_again(turn, action, replace(before, asks=was_asked))
        if turn.contact.conversation.asks is not None:
            asked = replace(turn.contact.conversation, asked_at=turn.written_at)
            turn.contact = replace(turn.contact, conversation=asked)
        return_from_quote(turn)
        if turn.chosen is None and turn.is_organiser and _has_missed(lookup.contact, turn.contact, now):
            turn.chosen = Choosing(act=Act.SHOW_MISSED)
        offer_person(turn)
        if message.incoming.kind is MessageKind.TEXT:
            limits = turn.contact.reply_limits.with_typed(missed=turn.is_unclear)
            turn.contact = replace(turn.contact, reply_limits=limits)
        _limit_replies(turn)
        try:
            return self._commit(turn, message, lookup)
        except ConditionsFailed as failure:
            if failure.named(messages.INBOUND):
                count("DuplicateMessages")
                self._hand_over(turn.chosen, message, turn.contact)
                return []
            tries.conflicts.learn(failure, turn.contact.id)
            raise _DecideAgain from None

    def change_identity(self, old: Identity, new: Identity) -> None:
        """Know the same contact by other names, as WhatsApp reports them. Raises TryAgain.

        If the person wrote under a new name before this report, there is a contact of that name already. It becomes an
        alias of the old one if it never bought anything. Otherwise they stay two contacts, whose holds count together.
        """

        def attempt() -> None:
            now = self.clock()
            known = _find(old)
            other = _find(new)
            contact = known.contact.with_identity(old, new)
            if not known.contact.version or contact == known.contact:
                return
            is_another = bool(other.contact.version) and other.contact.id != contact.id
            if is_another:
                contact = contact.merged_with(other.contact)
            transaction = Transaction()
            contacts.save(transaction, contact, now=now)
            names = {*known.missing_aliases, *other.missing_aliases}  # both may lack the same one
            contacts.add_aliases(transaction, contact, names if other.contact.version else names | {other.contact.id})
            if is_another:
                if other.contact.held or orders.of_contact(other.contact.id, limit=1):
                    self._count_together(known.contact, other.contact, now)
                    return
                contacts.replace_by_alias(transaction, other.contact, contact)
            transaction.commit()
            count("ContactsRenamed")

        retry(attempt, again_on=(Busy, ConditionsFailed))

    def _count_together(self, contact: Contact, other: Contact, now: datetime) -> None:
        """Let two contacts know that they are one person, so that limits count over both (H13)."""
        joined = [contact.known_as(other.id), other.known_as(contact.id)]
        if joined == [contact, other]:
            return
        transaction = Transaction()
        for one in joined:
            contacts.save(transaction, one, now=now)
        transaction.commit()
        logger.warning("one person is two contacts", extra={"contacts": [contact.id, other.id]})
        count("ContactsApart")

    def set_preference(self, preference: Preference) -> None:
        """Keep what the person told WhatsApp: to hear nothing from us, or to hear from us again (M5). Raises TryAgain.

        An older preference than the last one that is known changes nothing, so it may come twice and in any order.
        """

        def attempt() -> None:
            now = self.clock()
            lookup = _find(preference.person)
            contact = lookup.contact.with_opt_out(out=preference.stops, at=min(preference.at or now, now))
            if contact == lookup.contact:
                return
            self._save(lookup, contact, preference.person, now)
            count("OptOuts" if contact.opted_out else "OptIns")

        retry(attempt, again_on=(Busy, ConditionsFailed))

    def leave_to_person(self, echo: Echo) -> None:
        """Be silent for a person to whom somebody at the business wrote from the phone app (M6). Raises TryAgain.

        An older echo than the last pause, or than its early end, changes nothing. So it may come twice and in any
        order.
        """

        def attempt() -> None:
            now = self.clock()
            at = min(echo.sent_at or now, now)
            lookup = _find(echo.recipient)
            contact = lookup.contact.with_bot_paused(by=PHONE_APP, at=at)
            if contact == lookup.contact or not contact.bot_is_paused(now):
                return
            if contact.person_wanted_at is not None and contact.person_wanted_at <= at:  # they have been answered
                contact = replace(contact, person_wanted_at=None)
            self._save(lookup, contact, echo.recipient, now)
            count("BotLeftToPerson")

        retry(attempt, again_on=(Busy, ConditionsFailed))

    def _save(self, lookup: contacts.Lookup, contact: Contact, person: Identity, now: datetime) -> None:
        """Store a contact that was looked up, with the names that the person has now. Raises ConditionsFailed, Busy."""
        contact = replace(contact, user_id=person.user_id or contact.user_id, phone=person.phone or contact.phone)
        transaction = Transaction()
        contacts.save(transaction, contact, now=now)
        contacts.add_aliases(transaction, contact, lookup.missing_aliases)
        transaction.commit()

    def _look_up(self, message: Message) -> contacts.Lookup:
        return contacts.look_up(
            message.sender,
            phone_number_id=message.phone_number_id,
            message_id=message.id,
            codes=c.codes_in(message.incoming.text),
        )

    def _commit(self, turn: Turn, message: Message, lookup: contacts.Lookup) -> list[Outbound]:
        """Commit what the message changes and the replies that it causes: one transaction (M3)."""
        inbound_id = messages.inbound_id(message.phone_number_id, message.id)
        contacts.add_aliases(turn.transaction, turn.contact, lookup.missing_aliases)
        is_flood = turn.contact.reply_limits.is_flood(turn.written_at, turn.now)
        contact, replies = self.outbox.enqueue_for(
            turn.transaction,
            turn.contact,
            turn.replies,
            not_before=turn.now + NEWEST_WAITS if is_flood else None,
            channel=lookup.channel,
            now=turn.now,
            to=message.sender,
            in_reply_to=inbound_id,
        )
        if turn.is_decision:
            before = turn.contact.reply_limits.replies
            contact = replace(contact, reply_limits=replace(contact.reply_limits, replies=before))
        contacts.save(turn.transaction, contact, now=turn.now)
        if lookup.former_owner is not None:  # news for them must not reach whoever has the number now
            contacts.save(turn.transaction, replace(lookup.former_owner, phone=None), now=turn.now, reindex=False)
        self._keep_language(turn, message, lookup)
        notices = self._enqueue_notices(turn, lookup)
        messages.record_inbound(
            turn.transaction,
            contact.id,
            message.incoming,
            inbound_id=inbound_id,
            form=message.kind,
            sent_at=message.sent_at,
            now=turn.now,
            file_type=turn.file.mime_type if turn.file is not None else None,
            notices=[notice.tag for notice in notices],
        )
        if not turn.replies:
            messages.leave_unanswered(turn.transaction, contact.id, inbound_id, turn.now)
        turn.transaction.commit()
        self._hand_over(turn.chosen, message, turn.contact)
        for metric in turn.metrics:
            count(metric)
        if turn.is_unclear:
            count_not_understood(turn.contact.language, lookup.contact.conversation.stage)
        return [*replies, *notices]

    def _hand_over_again(self, message: Message, lookup: contacts.Lookup, now: datetime) -> None:
        """Hand over what a message chose that was recorded before: the process may have ended between the two."""
        contact = _contact_who_wrote(message, lookup, now)
        noticed = find_noticed(contact.id, message.incoming, self._find_organiser(contact, message))
        match self._decide(contact, message, now, noticed):
            case a.Decide(choosing) if not choosing.is_asked_back:
                self._hand_over(choosing, message, lookup.contact)

    def _hand_over(self, choosing: Choosing | None, message: Message, contact: Contact) -> None:
        """Hand over what an organiser chose. If that fails, the queue delivers the message again."""
        if choosing is not None:
            inbound_id = messages.inbound_id(message.phone_number_id, message.id)
            self.decision_queue.put(Decision(choosing=choosing, contact_id=contact.id, inbound_id=inbound_id))

    def _decide(self, contact: Contact, message: Message, now: datetime, noticed: Sequence[Choosing] = ()) -> a.Action:
        return c.step(
            contact.conversation,
            message.incoming,
            paused=contact.bot_is_paused(now),
            blocked=contact.blocked_at is not None,
            organiser=self._find_organiser(contact, message) is not None,
            noticed=noticed,
        )

    def _find_organiser(self, contact: Contact, message: Message) -> Identity | None:
        """Return the organiser who wrote, as the settings name them; None if it was somebody else."""
        return find_organiser(message.sender.phone or contact.phone, self.organisers)

    def _enqueue_notices(self, turn: Turn, lookup: contacts.Lookup) -> list[Outbound]:
        """Enqueue what the organisers are told, for each of them."""
        return self.outbox.enqueue_notices(
            turn.transaction, self.organisers, turn.notices, channel=lookup.channel, now=turn.now
        )

    def _keep_language(self, turn: Turn, message: Message, lookup: contacts.Lookup) -> None:
        """Let an organiser's notices be in the language that they chose or write (M9): the channel is read anyway."""
        organiser = self._find_organiser(turn.contact, message)
        if organiser is None:
            return
        notified = notified_contact(organiser)
        known = lookup.channel.language_of(notified.id) or notified.language
        if turn.contact.language != known:
            differs = turn.contact.language != notified.language
            languages = lookup.channel.languages_with(notified.id, turn.contact.language if differs else None)
            channels.keep_languages(turn.transaction, languages)

    def _show_typing(self, message: Message, lookup: contacts.Lookup) -> None:
        """Show "typing" as a courtesy; skip it while sending is stopped or paused.

        It also marks the message as read, so it is not done for what an organiser has to read (M6), nor for what may
        get no answer (M8).
        """
        now = self.clock()
        action = self._decide(lookup.contact, message, now)
        is_silent = isinstance(action, a.StayQuiet | a.LeaveToPerson | a.SayBlocked) or lookup.handled
        limits = lookup.contact.reply_limits.with_message(now)
        may_wait = limits.may_be_silent or limits.is_flood(message.sent_at or now, now)
        if is_silent or may_wait or not lookup.channel.is_open(now):
            return
        try:
            self.graph.mark_read(message.id)
        except GraphError as failure:  # the answer matters more
            logger.info("could not mark as read", extra={"reason": str(failure)})


def _has_missed(before: Contact, contact: Contact, now: datetime) -> bool:
    """Return whether an organiser got templates only, which have no buttons, until they wrote this message."""
    return before.window_is_over(now) and not contact.opted_out


def _find(person: Identity) -> contacts.Lookup:
    # There is no message to look up, and no message has these empty ids.
    return contacts.look_up(person, phone_number_id="", message_id="")


def _contact_who_wrote(message: Message, lookup: contacts.Lookup, now: datetime) -> Contact:
    """Return the contact with what the message tells: names, profile name, language, and when they wrote."""
    # A report that somebody's names change still comes from the old ones.
    sender = message.sender if message.becomes is None else lookup.contact
    contact = replace(
        lookup.contact,
        user_id=sender.user_id or lookup.contact.user_id,
        phone=sender.phone or lookup.contact.phone,
    )
    written = guess_language(message.incoming.text) if message.incoming.kind is MessageKind.TEXT else None
    contact = replace(
        contact,
        reply_limits=contact.reply_limits.with_message(now),
        written_language=written or contact.written_language,
    )
    return contact.with_profile_name(plain(message.name)).with_message_at(min(message.sent_at or now, now))


def _limit_replies(turn: Turn) -> None:
    """Take the replies away if the person has had enough of them today (M8). What the message changes, it changes."""
    if not turn.replies or turn.is_decision:
        return
    limits = turn.contact.reply_limits
    if not turn.is_unclear:
        limits = limits.understood()
    is_enough = limits.replies >= MAX_REPLIES
    is_first = limits.replies == MAX_REPLIES
    turn.contact = replace(turn.contact, reply_limits=limits.with_silence() if is_enough else limits)
    if is_enough:
        turn.replies.clear()
    if is_first:
        report_silence(turn)
