"""Outbound messages: queue them in a transaction, send them after its commit, and send what is due on a schedule."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random

from chalicelib.domain.channel import Channel, Stop
from chalicelib.domain.contacts import Contact
from chalicelib.domain.delivery import OUTSIDE_THE_WINDOW, Decision, DeliveryState, Outbound, Queue, permission
from chalicelib.domain.messages import Identity, Reply
from chalicelib.domain.organisers import Actor
from chalicelib.domain.refusals import MessageNotFound, MessageNotGivenUp, TryAgain
from chalicelib.domain.reply_limits import MAX_WAITING
from chalicelib.services.messaging.sender import (
    STATUS_TIMEOUT,
    Failure,
    Sender,
    in_form,
    store_outcome,
    with_approved_template,
)
from chalicelib.services.messaging.texts import Notice, texts_for
from chalicelib.services.messaging.wake_ups import WakeUp, WakeUps
from chalicelib.store import audit, contacts
from chalicelib.store import channel as channels
from chalicelib.store import messages as stored
from chalicelib.store.contact_ids import contact_ids_of
from chalicelib.store.transaction import Busy, ConditionsFailed, Transaction, retry
from chalicelib.telemetry import alert, count, logger, measure
from chalicelib.whatsapp.graph_errors import NO_CODE
from chalicelib.whatsapp.messages import build_request, render, replace_recipient
from chalicelib.whatsapp.templates import (
    FORMER_PAYMENT_CONFIRMED,
    FORMER_PROOF_REJECTED,
    LAST_PROOF_REJECTED,
    PAYMENT_CONFIRMED,
    PROOF_REJECTED,
)

BATCH_SIZE = 50  # messages that the schedule reads at a time
RUN_TIME = timedelta(seconds=40)  # then a run takes no more messages, so that it ends before the next one starts
SCHEDULE_INTERVAL = timedelta(minutes=1)
SHORTEST_WAIT = timedelta(seconds=1)
WAKE_TIME = timedelta(seconds=8)  # then the function that looks at one person takes no more messages
# A message is stored behind one that is perhaps being sent at that moment. Whoever sends that one may not see the new
# one any more, so somebody looks again after this time.
SECOND_LOOK = timedelta(seconds=2)
OUTAGE = timedelta(hours=1)  # so long WhatsApp must have been silent, before anything is sent a third time
EARLIER_THAN_SILENCE = timedelta(hours=1)  # a silence is noted when its first message is given up
# Buyers wait for these, and lose money or numbers without them.
IMPORTANT = frozenset(
    definition.name
    for definition in (
        PAYMENT_CONFIRMED,
        PROOF_REJECTED,
        LAST_PROOF_REJECTED,
        FORMER_PAYMENT_CONFIRMED,
        FORMER_PROOF_REJECTED,
    )
)
MAX_ATTEMPTS = 15  # for any mix of reasons


@dataclass(frozen=True, kw_only=True)
class Outbox:
    """Queues and sends messages to contacts.

    Attributes:
        defer: leave every message to the schedule. For bulk actions, which queue too many to send at once.
    """

    sender: Sender
    wake_ups: WakeUps
    clock: Callable[[], datetime]
    random: Random
    defer: bool = False

    def enqueue_for(
        self,
        transaction: Transaction,
        contact: Contact,
        replies: Sequence[Reply],
        *,
        channel: Channel,
        now: datetime,
        to: Identity | None = None,
        in_reply_to: str | None = None,
        by: str | None = None,
        not_before: datetime | None = None,
    ) -> tuple[Contact, list[Outbound]]:
        """Store messages to a contact in `transaction`. Return the contact, to be saved with them, and the messages.

        Hand the messages to `send` after the commit. Nothing is stored for an erased contact.

        Args:
            to: the identity from which they just wrote; by default the stored one.
            in_reply_to: our key of the inbound message that is answered.
            by: the organiser who writes, by the name of their token.
            not_before: leave the replies to the schedule until then, for there may be newer messages to answer (M8).
        """
        if contact.erased_at is not None or not replies:
            return contact, []
        limits = contact.reply_limits
        newest_only = in_reply_to is not None and (not_before is not None or limits.waiting >= MAX_WAITING)
        replaced = self._withdraw_waiting(transaction, contact, now) if newest_only else None
        if replaced is not None:
            # They keep the other one's place, or they would be put off for as long as messages come.
            contact = replace(contact, waits_for=replaced.behind)
            not_before = replaced.due_at
        room = 0 if replaced is not None else len(replies)
        # Schedule as if every message used up the pair rate limit; book only those that will be sent.
        paced = contact.with_messages_sent(room, now)
        messages = self._build_messages(paced, to or contact.identity, replies, channel, now, in_reply_to, by)
        if not_before is not None:
            messages = [_put_off(message, not_before) for message in messages]
        _store_messages(transaction, messages)
        to_send = [message for message in messages if message.queue in (Queue.DUE, Queue.STOPPED)]
        last_waiting = max(
            (message.id for message in to_send if message.is_waiting and message.due_at is not None), default=None
        )
        contact = contact.with_messages_sent(min(len(to_send), room), now)
        if in_reply_to is not None:
            must_wait = any(message.must_wait for message in messages)
            contact = replace(contact, reply_limits=limits.with_replies(room, must_wait=must_wait))
        return replace(contact, waits_for=last_waiting or messages[0].behind), messages

    def enqueue(
        self,
        transaction: Transaction,
        contact: Contact,
        replies: Sequence[Reply],
        *,
        channel: Channel,
        now: datetime,
        late_reply_to: str | None = None,
    ) -> list[Outbound]:
        """Store messages in `transaction` and leave the contact unchanged. Hand them to `send` after the commit.

        The schedule sends those that must wait: behind earlier messages to the contact, for the pair rate limit, or
        until sending is resumed. Messages that may not be sent at all are kept for the organisers to see.

        Args:
            late_reply_to: our id of an inbound message that was left unanswered, and that this answers now.
        """
        # The first position would lead the history to the inbound message, to which its mark leads already.
        position = 0 if late_reply_to is None else 1
        messages = self._build_messages(
            contact, contact.identity, replies, channel, now, late_reply_to, position=position
        )
        _store_messages(transaction, messages)
        return messages

    def enqueue_notices(
        self,
        transaction: Transaction,
        organisers: Iterable[Identity],
        notices: Sequence[Notice],
        *,
        channel: Channel,
        now: datetime,
    ) -> list[Outbound]:
        """Store in `transaction` what each of the organisers is told. Hand it to `send` after the commit.

        They are told in the language that they chose or write in their own chat with the bot, which the channel knows,
        else in that of their phone's country (M9). Their contacts are not read: it would take a request for each.
        """
        messages = list[Outbound]()
        for organiser in organisers if notices else ():
            contact = notified_contact(organiser)
            contact = replace(contact, chosen_language=channel.language_of(contact.id))
            replies = [notice(texts_for(contact)) for notice in notices]
            messages += self.enqueue(transaction, contact, replies, channel=channel, now=now)
        return messages

    def send(self, messages: Iterable[Outbound], *, within: timedelta | None = None) -> bool:
        """Make one attempt to send each message, in order, and store the outcomes. Return whether more can be sent.

        Stops when the outcome can't be stored, when sending is stopped, or when the time is up. The rest stays due for
        the schedule. When a message must wait, the contact's later messages wait with it, to keep their order. In a
        pause all others wait for its end.

        A failure at WhatsApp raises nothing.

        Args:
            within: the time after which no further attempt is started.
        """
        started_at = self.clock()
        waiting: dict[str, tuple[datetime, str]] = {}  # contact id → when and behind which message the others wait
        paused_until: datetime | None = None
        woken = set[str]()  # contacts whose messages are left to a wake-up: one is enough
        for message in messages:
            if not message.attempts:  # it has to wait, or is not to be sent
                if message.contact_id not in woken:
                    self._wake_for(message)
                    woken.add(message.contact_id)
                continue
            wait = waiting.get(message.contact_id)
            if wait is None and within is not None and self.clock() - started_at > within:
                return False
            try:
                if wait is not None:
                    store_outcome(stored.postpone, message, *wait)
                elif paused_until is not None:
                    store_outcome(stored.postpone, message, self.clock(), message.behind)
                    self.wake_ups.request(message.contact_id, message.id, paused_until)
                elif (next_attempt := self.sender.send(message)) is not None:
                    paused_until = next_attempt.paused_until
                    if next_attempt.closes_channel and paused_until is None:
                        return False
                    waiting[message.contact_id] = next_attempt.at, message.id
            except TryAgain:  # whatever we send now could not be stored as sent either, and would be sent twice
                logger.warning("sending stops: the store does not answer")
                return False
            except Exception:  # noqa: BLE001 - the message stays due, and must not block the others
                logger.exception("a message could not be sent or noted")
                waiting[message.contact_id] = self.clock() + stored.GRACE, message.id
                with suppress(TryAgain):
                    store_outcome(contacts.hold_back, message.contact_id, message.id)
        return paused_until is None

    def wake(self, wish: WakeUp) -> None:
        """Send what waits for a person and may be sent now, in order.

        Others may look at the same person at the same time, so each message is claimed, like those of the schedule.
        """
        contact_id, since, at = wish
        started_at = self.clock()
        if started_at < at:
            self.wake_ups.request(contact_id, since, at)
            return
        looked_at = ""
        while self.clock() - started_at < WAKE_TIME:
            contact, channel = contacts.with_channel(contact_id)
            self._note_silence(channel)
            now = self.clock()
            if channel.stopped is Stop.ALL:
                return
            if channel.is_paused(now):
                assert channel.resumes_at is not None
                self.wake_ups.request(contact_id, since, channel.resumes_at)
                return
            message = next(iter(stored.waiting_for(contact_id, since)), None)
            if message is None or message.id == looked_at or not _is_its_turn(message, contact, now):
                return
            looked_at = message.id  # if it comes again, it waits for one from before `since`
            claimed = stored.claim(message, now)
            if claimed is None:  # somebody else sends it, and goes on with the next one
                return
            ready = self._prepare(claimed, contact, channel)
            if ready is not None and not self.send([ready]):
                return
        self.wake_ups.request(contact_id, since, self.clock())

    def send_due(self) -> None:
        """Send what is due, the longest due first, until nothing is left or the run's time is up."""
        started_at = self.clock()
        channel = channels.read()
        if channel.stopped is not None:
            alert("sending is stopped", error_code=channel.code, stopped=channel.stopped.value)
        if not channel.is_open(started_at):
            return
        self._note_silence(channel)
        if channel.silent_since is not None and channel.silent_until is not None and channel.answered_at is not None:
            self._look_after_silence(channel.silent_since, channel.silent_until)
        can_go_on = self.send(self._claim_all(Queue.DUE, started_at))
        if can_go_on and channel.stopped is None:
            self.send(self._claim_all(Queue.STOPPED, started_at))

    def send_again(self, tag: str, *, by: Actor) -> None:
        """Have the schedule send a message that was given up. An organiser asks for it.

        Raises MessageNotFound, MessageNotGivenUp, TryAgain.
        """

        def attempt() -> None:
            message = stored.get(tag)
            now = self.clock()
            if message is None:
                raise MessageNotFound(tag)
            if message.queue is not Queue.UNDELIVERED:
                raise MessageNotGivenUp(tag)
            transaction = Transaction()
            stored.start_again(transaction, message, now)
            audit.record(
                transaction,
                action="message.sent_again",
                target=contacts.audit_target(message.contact_id),
                by=by,
                at=now,
                before={"message": message.id, "state": message.state.value, "error_code": message.error_code},
                after={"message": message.id},
            )
            transaction.commit()

        retry(attempt, again_on=(Busy, ConditionsFailed))
        contact_id, _, outbound_id = tag.partition("/")
        self.wake_ups.request(contact_id, outbound_id, self.clock())

    def _look_after_silence(self, since: datetime, until: datetime) -> None:
        """After hours in which no send had an answer, send once more what matters. Organisers see the rest.

        WhatsApp can't be asked what became of a message. But it now reports what it took meanwhile, so each message
        first waits for its status.
        """
        now = self.clock()
        left = 0
        once_more = 0
        for message in stored.left_unknown(since - EARLIER_THAN_SILENCE) if until - since >= OUTAGE else ():
            matters = message.template is not None and message.template.name in IMPORTANT
            if matters and stored.try_once_more(message, now + STATUS_TIMEOUT, now):
                once_more += 1
                self.wake_ups.request(message.contact_id, message.id, now + STATUS_TIMEOUT)
            else:
                left += 1
        if once_more or left:
            alert("WhatsApp answers again after hours", once_more=once_more, left_unknown=left)
        channels.end_silence(since)

    def _note_silence(self, channel: Channel) -> None:
        """Tell the sender whether WhatsApp is known to be silent, so that it records the next answer."""
        self.sender.silence_known = channel.silent_since is not None and channel.answered_at is None

    def _wake_for(self, message: Outbound) -> None:
        """Have a message sent that must wait, as soon as it may go."""
        if message.queue is not Queue.DUE or message.due_at is None or self.defer:
            return
        at = message.due_at if message.behind is None else max(message.due_at, self.clock() + SECOND_LOOK)
        self.wake_ups.request(message.contact_id, min(message.behind or message.id, message.id), at)

    def _build_messages(
        self,
        contact: Contact,
        to: Identity,
        replies: Sequence[Reply],
        channel: Channel,
        now: datetime,
        in_reply_to: str | None = None,
        by: str | None = None,
        position: int = 0,
    ) -> list[Outbound]:
        """Build the messages, and decide for each whether, how and when it is sent."""
        self._note_silence(channel)
        earlier = self._get_waiting(contact.id, contact.waits_for) if replies else None
        due_at = self._due_at(contact, earlier, channel, now)
        messages = []
        for number, reply in enumerate(replies, start=position):
            message = replace(
                self._build_message(contact, to, reply, now, number, in_reply_to),
                behind=earlier.id if earlier else None,
                by=by,
            )
            message = with_approved_template(message, contact, channel)
            permitted = permission(message, contact, channel, now)
            match permitted.decision:
                case Decision.WITHHOLD:
                    message = replace(message, state=DeliveryState.WITHHELD, queue=Queue.WITHHELD)
                case Decision.GIVE_UP:
                    message = replace(
                        message, state=DeliveryState.FAILED, queue=Queue.UNDELIVERED, error_code=OUTSIDE_THE_WINDOW
                    )
                case Decision.AWAIT_RESUME:
                    message = replace(message, queue=_queue_while_stopped(channel), due_at=now)
                case Decision.SEND | Decision.SEND_TEMPLATE:
                    message = replace(message, due_at=due_at, attempts=0 if due_at else 1)
                    message = in_form(message, permitted.language)
            messages.append(message)
        return messages

    def _build_message(
        self, contact: Contact, to: Identity, reply: Reply, now: datetime, position: int, in_reply_to: str | None
    ) -> Outbound:
        outbound_id = stored.outbound_id(now, position, f"{self.random.getrandbits(48):012x}")
        message = Outbound(
            contact_id=contact.id,
            id=outbound_id,
            body={},
            created_at=now,
            in_reply_to=in_reply_to,
            template=reply.template,
            header=reply.header,
            useful_until=reply.useful_until,
            reply=reply.name,
            picture=reply.picture,
        )
        return replace(message, body=build_request(render(reply), to, tag=message.tag))

    def _due_at(self, contact: Contact, earlier: Outbound | None, channel: Channel, now: datetime) -> datetime | None:
        """Return from when on a new message may be sent later; None if it can be sent at once.

        If it waits for an earlier one, that is at once as soon as that one is gone: `behind` keeps the order.
        """
        # In a pause nothing is sent, so nobody need know when the pause ends.
        times = [now] if self.defer or channel.is_paused(now) or earlier is not None else []
        limited_until = contact.rate_limited_until(now)
        if limited_until is not None and limited_until > now:
            times.append(limited_until)
        return max(times, default=None)

    def _withdraw_waiting(self, transaction: Transaction, contact: Contact, now: datetime) -> Outbound | None:
        """Take back the last reply that waits to be sent to a contact, and return it. None if there is none."""
        last = self._get_waiting(contact.id, contact.waits_for)
        if last is None or last.in_reply_to is None or not last.must_wait or last.state is not DeliveryState.PENDING:
            return None
        stored.withdraw(transaction, last, now)
        return last

    def _get_waiting(self, contact_id: str, outbound_id: str | None) -> Outbound | None:
        """Return a message by its id if it is still waiting to be sent."""
        message = stored.get(f"{contact_id}/{outbound_id}") if outbound_id else None
        return message if message is not None and message.is_waiting else None

    def _claim_all(self, queue: Queue, started_at: datetime) -> Iterator[Outbound]:
        """Yield the messages of a queue that may be sent now. Claim each one just before it is sent."""
        claimed_any = True
        while claimed_any:
            claimed_any = False
            until = started_at if queue is Queue.DUE else None
            waiting = stored.waiting(queue, until=until, limit=BATCH_SIZE)
            if waiting and queue is Queue.DUE:
                measure("MessagesWaitedFor", started_at - min(message.due_at or started_at for message in waiting))
            for message in sorted(waiting, key=lambda message: message.id):
                if self.clock() - started_at > RUN_TIME:
                    return
                try:
                    claimed = stored.claim(message, self.clock())
                    if claimed is None:  # another run has it
                        continue
                    claimed_any = True
                    contact, channel = contacts.with_channel(claimed.contact_id)
                    self._note_silence(channel)
                    stopped_again = queue is Queue.STOPPED and channel.stopped is not None
                    if stopped_again or not channel.is_open(self.clock()):  # since this run started
                        stored.postpone(claimed, self.clock(), claimed.behind)
                        return
                    ready = self._prepare(claimed, contact, channel)
                except Exception:  # noqa: BLE001 - one damaged message must not block the others
                    logger.exception("a message could not be looked at")
                    continue
                if ready is not None:
                    yield ready

    def _prepare(self, message: Outbound, known_contact: Contact | None, channel: Channel) -> Outbound | None:
        """Return a claimed message in the form in which it may be sent now, or None after moving it where it belongs.

        Args:
            known_contact: None for an organiser who never wrote to us.
        """
        now = self.clock()
        contact = known_contact or Contact(id=message.contact_id)
        if message.attempts - message.paused > MAX_ATTEMPTS:
            self.sender.give_up(message, Failure(NO_CODE))
            return None
        is_behind_earlier = (message.behind or "") < message.id
        earlier = self._get_waiting(message.contact_id, message.behind) if is_behind_earlier else None
        if earlier is not None and earlier.due_at is not None:
            # Look again within a minute: a status may end the earlier message's wait at any time.
            due_at = min(max(earlier.due_at, now + SHORTEST_WAIT), now + SCHEDULE_INTERVAL)
            stored.postpone(message, due_at, earlier.id)
            return None
        message = with_approved_template(message, contact, channel)
        permitted = permission(message, contact, channel, now)
        match permitted.decision:
            case Decision.SEND | Decision.SEND_TEMPLATE:
                body = replace_recipient(message.body, contact.identity) if known_contact else message.body
                return in_form(replace(message, body=body), permitted.language)
            case Decision.AWAIT_RESUME:
                stored.put_aside(message, _queue_while_stopped(channel), message.state, now)
            case _ if message.state is DeliveryState.UNKNOWN:  # it may have been sent, so don't call it unsent
                stored.leave_unknown(message, now)
            case Decision.WITHHOLD:
                stored.put_aside(message, Queue.WITHHELD, DeliveryState.WITHHELD, now)
            case Decision.GIVE_UP:
                stored.put_aside(message, Queue.UNDELIVERED, DeliveryState.FAILED, now, code=OUTSIDE_THE_WINDOW)
                count("MessagesGivenUp")
        return None


def notified_contact(organiser: Identity) -> Contact:
    """Return the contact to whom notices for an organiser are sent, knowing nothing but what the settings say."""
    return Contact(id=contact_ids_of(organiser)[0], user_id=organiser.user_id, phone=organiser.phone)


def _is_its_turn(message: Outbound, contact: Contact | None, now: datetime) -> bool:
    """Return whether the first message that waits for a person may go.

    One that was never tried only waited for an earlier message, or for the pair rate limit. So when it became due
    depends on what happened to that message.
    """
    assert message.due_at is not None
    waited_for_another = message.attempts == 0 and message.behind is not None
    limited_until = contact.rate_limited_until(now) if contact else None
    return message.due_at <= now or (waited_for_another and (limited_until is None or limited_until <= now))


def _store_messages(transaction: Transaction, messages: Sequence[Outbound]) -> None:
    for message in messages:
        stored.put(transaction, message)
    if given_up := sum(message.queue is Queue.UNDELIVERED for message in messages):
        count("MessagesGivenUp", given_up)


def _put_off(message: Outbound, until: datetime) -> Outbound:
    """Return a new message as the schedule may send it from `until` on."""
    if message.queue is not Queue.DUE:
        return message
    return replace(message, due_at=max(message.due_at or until, until), attempts=0)


def _queue_while_stopped(channel: Channel) -> Queue:
    """Return where a message waits for the end of a stop.

    While everything is stopped the schedule does not run, so messages can stay among the due ones.
    """
    return Queue.DUE if channel.stopped is Stop.ALL else Queue.STOPPED
