"""Sending what was committed: at once by whoever committed it, by the schedule when that did not work out."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random
from typing import NamedTuple, ParamSpec, TypeVar

from chalicelib.domain.channel import Channel, Stop, approval
from chalicelib.domain.contacts import Contact
from chalicelib.domain.delivery import (
    OUTSIDE_THE_WINDOW,
    REACHABLE_FROM,
    Decision,
    DeliveryState,
    Outbound,
    Queue,
    permission,
)
from chalicelib.domain.messages import Identity, Reply
from chalicelib.domain.organisers import Actor
from chalicelib.domain.rate_limit import RateLimit
from chalicelib.domain.refusals import MessageNotFound, MessageNotGivenUp, TryAgain
from chalicelib.store import audit, contacts
from chalicelib.store import channel as channels
from chalicelib.store import messages as stored
from chalicelib.store.transaction import Busy, ConditionsFailed, Transaction, retry
from chalicelib.telemetry import alert, count, count_refusal, logger, measure
from chalicelib.whatsapp.error_codes import Action, Remedy, remedy
from chalicelib.whatsapp.graph import Graph, NotSent, OutcomeUnknown, SendRefused
from chalicelib.whatsapp.graph_errors import NO_CODE
from chalicelib.whatsapp.inbound import Status
from chalicelib.whatsapp.messages import (
    build_request,
    build_template,
    find_template,
    render,
    replace_message,
    replace_recipient,
)

P = ParamSpec("P")
T = TypeVar("T")
BATCH = 50  # messages a run of the schedule looks for at a time
RUN_TIME = timedelta(seconds=40)  # a run stops taking on more, so that the next one a minute later does not meet it
# WhatsApp has no idempotency key: after an unknown outcome its status has this long to arrive before the one retry.
STATUS_CHANCE = timedelta(minutes=5)
UNKNOWN_TRIES = 2
MOST_TRIES = 15  # whatever it is that goes wrong
A_MOMENT, A_ROUND = timedelta(seconds=1), timedelta(minutes=1)  # the schedule comes once a minute
PAUSES = (5, 30, 120, 600)  # seconds, after a request that never reached WhatsApp
# Refusals that are about more than this message: who goes on sending must first look at the channel.
PAUSING = frozenset({Action.WAIT_ALL, Action.WAIT_NUMBER})
CLOSING = PAUSING | {Action.STOP_ALL, Action.STOP_BUSINESS_INITIATED}
GONE = (132001, 132015, 132016)  # the template is missing, paused or disabled


class Again(NamedTuple):
    """When a message is tried again, and whether the others must wait with it."""

    at: datetime
    closes: bool = False


class Failure(NamedTuple):
    """WhatsApp's no: in its answer, or later in a status of the message that it had taken as `message_id`."""

    code: int
    retry_after: float | None = None
    message_id: str | None = None
    at: datetime | None = None


@dataclass(kw_only=True)
class Outbox:
    """Outbound messages, from commit to WhatsApp's last word about them. `pace` is what this process may send."""

    graph: Graph
    clock: Callable[[], datetime]
    random: Random
    pace: RateLimit
    sleep: Callable[[float], None]
    later: bool = False  # leave whatever is said to the schedule: where many things change in one go
    booked: datetime | None = None

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
    ) -> tuple[Contact, list[Outbound]]:
        """Store messages to a contact in `transaction`. Return the contact to save with them, and the messages.

        A contact who was erased is told nothing.

        Args:
            to: how they wrote just now; by default as they are known.
            by: the organiser who says it.
        """
        if contact.erased_at is not None or not replies:
            return contact, []
        receiver = to or contact.identity
        paced = contact.with_messages_sent(len(replies), now)
        messages = self._build_all(paced, receiver, replies, channel, now, in_reply_to, by)
        _put_all(transaction, messages)
        to_send = [message for message in messages if message.queue in (Queue.DUE, Queue.STOPPED)]
        last_waiting = max(
            (message.id for message in to_send if message.is_waiting and message.due_at is not None), default=None
        )
        contact = contact.with_messages_sent(len(to_send), now)
        return replace(contact, waits_for=last_waiting or messages[0].behind), messages

    def enqueue(
        self, transaction: Transaction, contact: Contact, replies: Sequence[Reply], *, channel: Channel, now: datetime
    ) -> list[Outbound]:
        """Store messages in `transaction`, and leave the contact as it is. Hand them to `send` once that is committed.

        What must wait is left to the schedule: behind earlier messages to the contact, for WhatsApp's pace, or until
        sending is resumed. What may not be sent at all is kept for the organisers to see.
        """
        messages = self._build_all(contact, contact.identity, replies, channel, now)
        _put_all(transaction, messages)
        return messages

    def _build_all(
        self,
        contact: Contact,
        to: Identity,
        replies: Sequence[Reply],
        channel: Channel,
        now: datetime,
        in_reply_to: str | None = None,
        by: str | None = None,
    ) -> list[Outbound]:
        """Build the messages, each with when and how it may be sent."""
        earlier = self._waiting(contact.id, contact.waits_for) if replies else None
        due_at = self._due_at(contact, earlier, channel, now)
        messages = []
        for position, reply in enumerate(replies):
            message = replace(
                self._build(contact, to, reply, now, position, in_reply_to),
                behind=earlier.id if earlier else None,
                by=by,
            )
            allowed = permission(message, contact, channel, now)
            match allowed.decision:
                case Decision.WITHHOLD:
                    message = replace(message, state=DeliveryState.WITHHELD, queue=Queue.WITHHELD)
                case Decision.GIVE_UP:
                    message = replace(
                        message, state=DeliveryState.FAILED, queue=Queue.UNDELIVERED, error_code=OUTSIDE_THE_WINDOW
                    )
                case Decision.AWAIT_RESUME:
                    message = replace(message, queue=_stopped_in(channel), due_at=now)
                case Decision.SEND | Decision.SEND_TEMPLATE:
                    message = replace(message, due_at=due_at, attempts=0 if due_at else 1)
                    message = _in_form(message, allowed.language)
            messages.append(message)
        return messages

    def _due_at(self, contact: Contact, earlier: Outbound | None, channel: Channel, now: datetime) -> datetime | None:
        """When the schedule may send a new message; None when it need not wait."""
        waits = [now] if self.later or channel.is_paused(now) else []  # of a pause: the schedule rests as long
        if earlier is not None:
            waits.append(min(max(earlier.due_at or now, now), now + A_ROUND))
        if contact.rate_limited_until is not None and contact.rate_limited_until > now:
            waits.append(contact.rate_limited_until)
        return max(waits, default=None)

    def _waiting(self, contact_id: str, outbound_id: str | None) -> Outbound | None:
        """The message of that id, if it still waits to be sent."""
        found = stored.get(f"{contact_id}/{outbound_id}") if outbound_id else None
        return found if found is not None and found.is_waiting else None

    def _build(
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
            useful_until=reply.useful_until,
        )
        return replace(message, body=build_request(render(reply), to, tag=message.tag))

    def send(self, outbounds: Iterable[Outbound], *, within: timedelta | None = None) -> bool:
        """One attempt for each message, in order; what comes of it is stored. Never raises for what WhatsApp does.

        While that can't be stored, or WhatsApp takes nothing more, or the time is up, nothing more is sent: it stays
        due, and the schedule sends it later. After one that must wait, the person's later messages wait as long, so
        that replies keep their order. Whether more could be sent.
        """
        begun, waiting = self.clock(), dict[str, tuple[datetime, str]]()
        for outbound in outbounds:
            if not outbound.attempts:  # newly made, and the schedule's; or not to be sent
                continue
            first = waiting.get(outbound.contact_id)
            if within is not None and self.clock() - begun > within:
                return False
            try:
                if first is not None:
                    _store(stored.postpone, outbound, *first)
                elif (again := self._attempt(outbound)) is not None:
                    if again.closes:
                        return False
                    waiting[outbound.contact_id] = again.at, outbound.id
            except TryAgain:  # what is sent now could not be noted either, and would be sent again
                logger.warning("sending stops: the store does not answer")
                return False
            except Exception:  # noqa: BLE001 - it stays due, and must not keep the others from being sent
                logger.exception("a message could not be sent or noted")
                waiting[outbound.contact_id] = self.clock() + stored.GRACE, outbound.id
                with suppress(TryAgain):
                    _store(contacts.hold_back, outbound.contact_id, outbound.id)
        return True

    def send_again(self, tag: str, *, by: Actor) -> None:
        """Have a message that was given up sent once more, within a minute or two, by an organiser's wish.

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

    def send_due(self) -> None:
        """The schedule's run: send what is due, longest due first, until all is done or the time is up."""
        begun, channel = self.clock(), channels.read()
        if channel.stopped is not None:
            alert("sending is stopped", error_code=channel.code, stopped=channel.stopped.value)
        if not channel.is_open(begun):
            return
        done = self.send(self._claimed(Queue.DUE, begun))
        if done and channel.stopped is None:
            self.send(self._claimed(Queue.STOPPED, begun))

    def _claimed(self, queue: Queue, begun: datetime) -> Iterator[Outbound]:
        """Messages whose time has come, each taken for this run just before it is sent."""
        more = True
        while more:
            more = False
            until = begun if queue is Queue.DUE else None
            found = stored.waiting(queue, until=until, limit=BATCH)
            if found and queue is Queue.DUE:
                measure("MessagesWaitedFor", begun - min(outbound.due_at or begun for outbound in found))
            for outbound in sorted(found, key=lambda outbound: outbound.id):
                if self.clock() - begun > RUN_TIME:
                    return
                try:
                    taken = stored.claim(outbound, self.clock())
                    if taken is not None:
                        more = True
                        contact, channel = contacts.with_channel(taken.contact_id)
                        stopped_again = queue is Queue.STOPPED and channel.stopped is not None
                        if stopped_again or not channel.is_open(self.clock()):  # since this run began
                            stored.postpone(taken, self.clock(), taken.behind)
                            return
                        permitted = self._permitted(taken, contact, channel)
                except Exception:  # noqa: BLE001 - one that is damaged must not keep the others from being sent
                    logger.exception("a message could not be looked at")
                    continue
                if taken is not None:
                    yield from permitted

    def _permitted(self, taken: Outbound, known: Contact | None, channel: Channel) -> list[Outbound]:
        """The message in the form in which it may go now, or nothing: then it is put where it belongs."""
        now, contact = self.clock(), known or Contact(id=taken.contact_id)  # an organiser may never have written
        if taken.attempts - taken.paused > MOST_TRIES:
            self._give_up(taken, Failure(NO_CODE))
            return []
        earlier = self._waiting(taken.contact_id, taken.behind) if (taken.behind or "") < taken.id else None
        if earlier is not None and earlier.due_at is not None:
            # Looked at every minute: a status may end the earlier one's waiting at any time.
            stored.postpone(taken, min(max(earlier.due_at, now + A_MOMENT), now + A_ROUND), earlier.id)
            return []
        may = permission(taken, contact, channel, now)
        match may.decision:
            case Decision.SEND | Decision.SEND_TEMPLATE:
                there = replace(taken, body=replace_recipient(taken.body, contact.identity)) if known else taken
                return [_in_form(there, may.language)]
            case Decision.AWAIT_RESUME:
                stored.put_aside(taken, _stopped_in(channel), taken.state, now)
            case _ if taken.state is DeliveryState.UNKNOWN:  # perhaps it was sent: nobody sends it again
                stored.leave_unknown(taken, now)
            case Decision.WITHHOLD:
                stored.put_aside(taken, Queue.WITHHELD, DeliveryState.WITHHELD, now)
            case Decision.GIVE_UP:
                stored.put_aside(taken, Queue.UNDELIVERED, DeliveryState.FAILED, now, code=OUTSIDE_THE_WINDOW)
                count("MessagesGivenUp")
        return []

    def update_status(self, status: Status) -> None:
        """Keep what WhatsApp reports about a message: forwards only, in whatever order it comes. Raises TryAgain.

        A failure that comes late is dealt with as one in the answer, by the same table.
        """
        state = _STATES.get(status.state)
        if state is None or status.tag is None:
            return
        if state is DeliveryState.FAILED:
            self._record_failure(status.tag, status)
        elif _store(stored.advance, status.tag, state, self.clock(), message_id=status.message_id or None):
            count(f"Messages{state.value.title()}")

    def _record_failure(self, tag: str, status: Status) -> None:
        outbound = _store(stored.get, tag)
        if outbound is None or status.message_id in outbound.failed_ids:  # WhatsApp has told before
            return
        code = status.error_code if status.error_code is not None else NO_CODE
        self._record_opt_out(outbound, code, status.at)
        # Of an earlier try it says nothing any more: WhatsApp has taken the message since.
        of_this_try = outbound.message_id in (None, status.message_id)
        if of_this_try and outbound.state in REACHABLE_FROM[DeliveryState.FAILED]:
            count("MessagesFailed")
            self._failed(outbound, Failure(code, message_id=status.message_id or None, at=status.at))

    def _attempt(self, outbound: Outbound) -> Again | None:
        """Send one message. When it is to be tried again, or None when nothing more is to be done."""
        self._keep_pace()
        try:
            accepted = self.graph.send(outbound.body)
        except SendRefused as refused:
            count("MessagesRefused")
            count_refusal(refused.code)
            self._record_opt_out(outbound, refused.code, None)
            return self._failed(outbound, Failure(refused.code, refused.retry_after))
        except OutcomeUnknown as unknown:
            logger.warning("outcome of a message unknown", extra={"reason": str(unknown)})
            return self._unknown(outbound)
        except NotSent as failure:
            logger.warning("WhatsApp not reached", extra={"reason": str(failure)})
            return self._later(outbound, Remedy(action=Action.RETRY, delays=PAUSES), None)
        _store(stored.mark_accepted, outbound, accepted.message_id, self.clock())
        count("MessagesAccepted")
        return None

    def _keep_pace(self) -> None:
        now = self.clock()
        self.booked = self.pace.reserve(self.booked, now)
        pause = (self.pace.earliest(self.booked) - now).total_seconds()
        if pause > 0:
            self.sleep(pause)

    def _failed(self, outbound: Outbound, failure: Failure) -> Again | None:
        """Do what the table says about the code."""
        what = remedy(failure.code)
        if what.alert and what.action is not Action.RETRY:
            alert("WhatsApp refuses messages", error_code=failure.code, action=what.action.value)
        match what.action:
            case Action.STOP_ALL:  # nothing is wrong with the message: it stays due until that is mended
                self._stop(Stop.ALL, failure)
                return self._again(outbound, self.clock(), failure)
            case Action.STOP_BUSINESS_INITIATED:
                self._stop(Stop.BUSINESS_INITIATED, failure)
                if not outbound.is_reply:
                    return self._again(outbound, self.clock(), failure)
            case Action.TEMPLATE:
                return self._as_template(outbound, failure)
        if failure.code in GONE and (sent_as := find_template(outbound.body)):
            _store(channels.approve, [approval(*sent_as)], approved=False)
        if what.delays:
            return self._later(outbound, what, failure)
        self._give_up(outbound, failure)
        return None

    def _record_opt_out(self, outbound: Outbound, code: int, at: datetime | None) -> None:
        """M5, when WhatsApp's refusal says so; `at` is when it did."""
        if remedy(code).action is Action.OPTED_OUT:
            _store(contacts.opt_out, outbound.contact_id, at or self.clock())
            count("OptOuts")

    def _stop(self, stop: Stop, failure: Failure) -> None:
        _store(channels.stop, stop, failure.at or self.clock(), code=failure.code)
        count("SendingStopped")

    def _as_template(self, outbound: Outbound, failure: Failure) -> Again | None:
        """The 24-hour window is over, whatever we knew of it."""
        said = outbound.template
        known, channel = _store(contacts.with_channel, outbound.contact_id)
        contact = known or Contact(id=outbound.contact_id)
        written_since = contact.last_heard_at is not None and contact.last_heard_at > outbound.created_at
        if written_since and not contact.window_is_over(self.clock()) and not outbound.failed_ids:
            return self._again(outbound, self.clock(), failure)
        language = channel.language_for(said.name, contact.language) if said else None
        if language is None or find_template(outbound.body):
            self._give_up(outbound, failure)
            return None
        return self._again(_in_form(outbound, language), self.clock(), failure)

    def _unknown(self, outbound: Outbound) -> Again | None:
        if outbound.attempts >= UNKNOWN_TRIES and outbound.state is DeliveryState.UNKNOWN:
            logger.error("message left unknown", extra={"attempts": outbound.attempts})
            count("MessagesLeftUnknown")
            _store(stored.leave_unknown, outbound, self.clock())
            return None
        return self._again(outbound, self.clock() + STATUS_CHANCE, None, state=DeliveryState.UNKNOWN)

    def _later(self, outbound: Outbound, what: Remedy, failure: Failure | None) -> Again | None:
        """Have it tried again after the delay that this attempt has reached; give it up after the last.

        Not where all wait with it, or WhatsApp is not reached at all: then it waits as long as an answer makes sense.
        """
        endless = failure is None or what.action in PAUSING
        paused = outbound.paused + endless
        tries = paused if endless else max(1, outbound.attempts - outbound.paused)
        if tries > len(what.delays) and not endless:
            if what.alert:
                alert("a message was tried in vain", error_code=failure.code if failure else None)
            self._give_up(outbound, failure or Failure(NO_CODE))
            return None
        named = failure.retry_after if failure else None
        pause = what.delays[min(tries, len(what.delays)) - 1] if named is None else named
        at = self.clock() + timedelta(seconds=pause)
        if what.action in PAUSING:
            _store(channels.pause, at)
            count("SendingPaused")
            at = self.clock()  # the schedule rests until then
        return self._again(replace(outbound, paused=paused), at, failure)

    def _again(
        self,
        outbound: Outbound,
        at: datetime,
        failure: Failure | None,
        *,
        state: DeliveryState | None = None,
    ) -> Again:
        code, failed_id = (failure.code, failure.message_id) if failure else (None, None)
        if state is None:  # that this try was refused says nothing about an earlier one
            unknown = outbound.state is DeliveryState.UNKNOWN and failed_id is None
            state = DeliveryState.UNKNOWN if unknown else DeliveryState.PENDING
        now = self.clock()
        _store(stored.try_again, outbound, at, state=state, error_code=code, failed_id=failed_id, now=now)
        _store(contacts.hold_back, outbound.contact_id, outbound.id)
        return Again(at, closes=failure is not None and remedy(failure.code).action in CLOSING)

    def _give_up(self, outbound: Outbound, failure: Failure) -> None:
        logger.error("message given up", extra={"error_code": failure.code, "attempts": outbound.attempts})
        count("MessagesGivenUp")
        failed, now = DeliveryState.FAILED, self.clock()
        if outbound.state is DeliveryState.UNKNOWN and failure.message_id is None:  # an earlier try may have arrived
            _store(stored.leave_unknown, outbound, now)
            return
        _store(stored.advance, outbound.tag, failed, now, message_id=failure.message_id, error_code=failure.code)


def _put_all(transaction: Transaction, messages: Sequence[Outbound]) -> None:
    for message in messages:
        stored.put(transaction, message)
    if given_up := sum(message.queue is Queue.UNDELIVERED for message in messages):
        count("MessagesGivenUp", given_up)


def _in_form(outbound: Outbound, language: str) -> Outbound:
    """The message as it is, or as a template in one of WhatsApp's languages."""
    if not language or outbound.template is None:
        return outbound
    said = build_template(outbound.template.name, language, outbound.template.values)
    return replace(outbound, body=replace_message(outbound.body, said))


def _stopped_in(channel: Channel) -> Queue:
    """Where a message waits for the end of a stop. While all is stopped the schedule does not look at what is due."""
    return Queue.DUE if channel.stopped is Stop.ALL else Queue.STOPPED


def _store(update: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    """Store what became of a message, insistently: what is not noted as sent will be sent again. Raises TryAgain."""
    return retry(lambda: update(*arguments, **named))


_STATES = {
    "sent": DeliveryState.SENT,
    "delivered": DeliveryState.DELIVERED,
    "read": DeliveryState.READ,
    "played": DeliveryState.READ,
    "failed": DeliveryState.FAILED,
}
