"""Send one message to WhatsApp, and act on its answer or on a later status of the message."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple, ParamSpec, TypeVar

from chalicelib.domain.channel import Channel, Stop, approval
from chalicelib.domain.contacts import Contact
from chalicelib.domain.delivery import REACHABLE_FROM, DeliveryState, Outbound
from chalicelib.domain.rate_limit import RateLimit
from chalicelib.services.messaging.header_files import HeaderFiles
from chalicelib.services.messaging.pictures import Pictures
from chalicelib.services.messaging.wake_ups import WakeUps
from chalicelib.store import channel as channels
from chalicelib.store import contacts
from chalicelib.store import messages as stored
from chalicelib.store.transaction import retry
from chalicelib.telemetry import alert, count, count_refusal, logger
from chalicelib.whatsapp.error_codes import Action, Remedy, remedy
from chalicelib.whatsapp.graph import Accepted, Graph, NotSent, OutcomeUnknown, SendRefused
from chalicelib.whatsapp.graph_errors import NO_CODE
from chalicelib.whatsapp.identities import Json
from chalicelib.whatsapp.inbound import Status
from chalicelib.whatsapp.messages import build_template, find_phone, find_template, replace_message
from chalicelib.whatsapp.templates import approved_version

P = ParamSpec("P")
T = TypeVar("T")
# WhatsApp has no idempotency key. After an unknown outcome we give the message's status this much time to arrive
# before we send the message once more.
STATUS_TIMEOUT = timedelta(seconds=60)
MAX_UNKNOWN_ATTEMPTS = 2
UNREACHABLE_DELAYS = (2, 5, 10, 30, 120, 600)  # seconds before each next attempt while WhatsApp can't be reached
PAUSING_ACTIONS = frozenset({Action.WAIT_ALL, Action.WAIT_NUMBER})
# After one of these the channel may be closed for other messages too.
CLOSING_ACTIONS = PAUSING_ACTIONS | {Action.STOP_ALL, Action.STOP_BUSINESS_INITIATED}
# Error codes that the picture may have caused, or its missing upload. WhatsApp may still accept the text alone.
PICTURE_CODES = (33, 100, 131008, 131009, 131051, 131052, 131053, 135000)
FILE_REFUSED = 131053  # WhatsApp could not process our file
TEMPLATE_UNUSABLE_CODES = (132001, 132015, 132016)  # the template is missing, paused or disabled
STATES = {
    "sent": DeliveryState.SENT,
    "delivered": DeliveryState.DELIVERED,
    "read": DeliveryState.READ,
    "played": DeliveryState.READ,
    "failed": DeliveryState.FAILED,
}


class Retry(NamedTuple):
    """The next attempt to send a message.

    Attributes:
        at: when it is due.
        closes_channel: the channel may be closed now, so read it again before sending anything else.
        paused_until: nothing is sent to anybody before that; None if there is no such pause.
    """

    at: datetime
    closes_channel: bool = False
    paused_until: datetime | None = None


class Failure(NamedTuple):
    """WhatsApp's refusal of a message, in its answer or in a later status.

    Attributes:
        code: WhatsApp's error code.
        retry_after: seconds to wait, if the answer says so.
        message_id: WhatsApp's id, if it took the message first and then reported the failure in a status.
        at: when the status was sent; None for an answer.
    """

    code: int
    retry_after: float | None = None
    message_id: str | None = None
    at: datetime | None = None


@dataclass(kw_only=True)
class Sender:
    """Sends messages, and stores what becomes of them.

    Attributes:
        rate_limit: this process's share of what our number may send.
        used_until: until when that share is used up (see `RateLimit.reserve`).
        silence_known: the channel says that WhatsApp has not answered for some time. Whoever reads it tells us.
    """

    graph: Graph
    header_files: HeaderFiles
    pictures: Pictures
    wake_ups: WakeUps
    clock: Callable[[], datetime]
    rate_limit: RateLimit
    sleep: Callable[[float], None]
    used_until: datetime | None = None
    silence_known: bool = False

    def send(self, message: Outbound) -> Retry | None:
        """Make one attempt to send a message, and store the outcome. Return the next attempt, if there is one.

        Raises TryAgain if the outcome can't be stored.
        """
        request = self.pictures.request_for(message) if message.picture is not None else self.header_files.add(message)
        self._wait_for_rate_limit()
        try:
            accepted = self._send(message, request)
        except SendRefused as refused:
            count("MessagesRefused")
            count_refusal(refused.code)
            self._record_opt_out(message, refused.code, None)
            return self._handle_failure(message, Failure(refused.code, refused.retry_after))
        except OutcomeUnknown as unknown:
            logger.warning("outcome of a message unknown", extra={"reason": str(unknown)})
            return self._handle_unknown_outcome(message)
        except NotSent as failure:
            logger.warning("WhatsApp not reached", extra={"reason": str(failure)})
            return self._try_later(message, Remedy(action=Action.RETRY, delays=UNREACHABLE_DELAYS), None)
        store_outcome(stored.mark_accepted, message, accepted.message_id, self.clock())
        count("MessagesAccepted")
        if self.silence_known:
            self.silence_known = False
            store_outcome(channels.note_answer, self.clock())
        return None

    def _send(self, message: Outbound, request: Json) -> Accepted:
        """Send a request; without the file above its text if WhatsApp refuses that. Raises as `Graph.send`."""
        try:
            return self.graph.send(request)
        except SendRefused as refused:
            has_file = message.header is not None and request is not message.body
            if not has_file or remedy(refused.code).action is not Action.DEAD_LETTER:
                raise
        logger.warning("WhatsApp refuses a file")
        return self.graph.send(message.body)

    def update_status(self, status: Status) -> None:
        """Store what WhatsApp reports about a message. The state only moves forwards, in whatever order statuses come.

        A late failure is handled like one in the answer, by the same table of remedies. Raises TryAgain.
        """
        state = STATES.get(status.state)
        if state is None or status.tag is None:
            return
        if state is DeliveryState.FAILED:
            self._record_failure(status.tag, status)
            return
        advanced = store_outcome(stored.advance, status.tag, state, self.clock(), message_id=status.message_id or None)
        if advanced.moved:
            count(f"Messages{state.value.title()}")
        if advanced.was_waiting:
            self._wake_followers(status.tag)

    def give_up(self, message: Outbound, failure: Failure) -> None:
        """Mark a message as failed for good, for the organisers to see. Raises TryAgain."""
        logger.error("message given up", extra={"error_code": failure.code, "attempts": message.attempts})
        count("MessagesGivenUp")
        now = self.clock()
        if message.state is DeliveryState.UNKNOWN and failure.message_id is None:  # an earlier attempt may have arrived
            store_outcome(stored.leave_unknown, message, now)
            return
        store_outcome(
            stored.advance,
            message.tag,
            DeliveryState.FAILED,
            now,
            message_id=failure.message_id,
            error_code=failure.code,
        )

    def _wait_for_rate_limit(self) -> None:
        now = self.clock()
        self.used_until = self.rate_limit.reserve(self.used_until, now)
        pause = (self.rate_limit.earliest(self.used_until) - now).total_seconds()
        if pause > 0:
            self.sleep(pause)

    def _record_failure(self, tag: str, status: Status) -> None:
        message = store_outcome(stored.get, tag)
        if message is None or status.message_id in message.failed_ids:  # unknown, or reported before
            return
        code = status.error_code if status.error_code is not None else NO_CODE
        self._record_opt_out(message, code, status.at)
        # The failure of an earlier attempt does not matter once WhatsApp took a later one.
        is_current = message.message_id in (None, status.message_id)
        if is_current and message.state in REACHABLE_FROM[DeliveryState.FAILED]:
            count("MessagesFailed")
            failure = Failure(code, message_id=status.message_id or None, at=status.at)
            if self._handle_failure(message, failure) is None and message.is_waiting:
                self._wake_followers(tag)

    def _wake_followers(self, tag: str) -> None:
        """Have those messages sent that waited for one which is no longer to be sent."""
        contact_id, _, outbound_id = tag.partition("/")
        self.wake_ups.request(contact_id, outbound_id, self.clock())

    def _record_opt_out(self, message: Outbound, code: int, at: datetime | None) -> None:
        """Opt the contact out if WhatsApp's error code says that they did (M5)."""
        if remedy(code).action is Action.OPTED_OUT:
            store_outcome(contacts.opt_out, message.contact_id, at or self.clock())
            count("OptOuts")

    def _handle_failure(self, message: Outbound, failure: Failure) -> Retry | None:
        """Apply the remedy for the failure's code."""
        if failure.code == FILE_REFUSED and message.header is not None:  # the text says all without it
            return self._reschedule(replace(message, header=None), self.clock(), failure)
        cure = remedy(failure.code)
        if cure.alert and cure.action is not Action.RETRY:
            alert("WhatsApp refuses messages", error_code=failure.code, action=cure.action.value)
        if message.picture is not None and failure.code in PICTURE_CODES:
            count("PicturesFailed")
            return self._reschedule(replace(message, picture=None), self.clock(), failure)
        match cure.action:
            case Action.STOP_ALL:  # the message is fine, so it stays due until sending is resumed
                self._stop_sending(Stop.ALL, failure)
                return self._reschedule(message, self.clock(), failure)
            case Action.STOP_BUSINESS_INITIATED:
                self._stop_sending(Stop.BUSINESS_INITIATED, failure)
                if not message.is_reply:
                    return self._reschedule(message, self.clock(), failure)
            case Action.TEMPLATE:
                return self._switch_to_template(message, failure)
        if failure.code in TEMPLATE_UNUSABLE_CODES and (sent_template := find_template(message.body)):
            at = failure.at or self.clock()
            store_outcome(channels.approve, [approval(*sent_template)], approved=False, at=at)
        if cure.delays:
            return self._try_later(message, cure, failure)
        self.give_up(message, failure)
        return None

    def _stop_sending(self, stop: Stop, failure: Failure) -> None:
        store_outcome(channels.stop, stop, failure.at or self.clock(), code=failure.code)
        count("SendingStopped")

    def _switch_to_template(self, message: Outbound, failure: Failure) -> Retry | None:
        """Send a message again as a template: WhatsApp says that the 24-hour window is over, whatever we thought."""
        known_contact, channel = store_outcome(contacts.with_channel, message.contact_id)
        contact = known_contact or Contact(id=message.contact_id, phone=find_phone(message.body))
        written_since = contact.last_heard_at is not None and contact.last_heard_at > message.created_at
        if written_since and not contact.window_is_over(self.clock()) and not message.failed_ids:
            # The window was over when we sent the message, and is open again now.
            return self._reschedule(message, self.clock(), failure)
        message = with_approved_template(message, contact, channel)
        language = channel.language_for(message.template.name, contact.language) if message.template else None
        if language is None or find_template(message.body):
            self.give_up(message, failure)
            return None
        return self._reschedule(in_form(message, language), self.clock(), failure)

    def _handle_unknown_outcome(self, message: Outbound) -> Retry | None:
        if message.attempts >= MAX_UNKNOWN_ATTEMPTS and message.state is DeliveryState.UNKNOWN:
            logger.error("message left unknown", extra={"attempts": message.attempts})
            count("MessagesLeftUnknown")
            store_outcome(stored.leave_unknown, message, self.clock())
            store_outcome(channels.note_silence, self.clock())
            return None
        return self._reschedule(message, self.clock() + STATUS_TIMEOUT, None, state=DeliveryState.UNKNOWN)

    def _try_later(self, message: Outbound, cure: Remedy, failure: Failure | None) -> Retry | None:
        """Reschedule a message after the remedy's next delay, or give it up after the last one.

        It is never given up for a pause of all sending, or while WhatsApp can't be reached: such failures say nothing
        about the message. It then waits for as long as it is worth sending.

        Args:
            failure: None if WhatsApp was not reached.
        """
        concerns_all = failure is None or cure.action in PAUSING_ACTIONS
        paused = message.paused + concerns_all
        tries = paused if concerns_all else max(1, message.attempts - message.paused)
        if tries > len(cure.delays) and not concerns_all:
            if cure.alert:
                alert("a message was tried in vain", error_code=failure.code if failure else None)
            self.give_up(message, failure or Failure(NO_CODE))
            return None
        retry_after = failure.retry_after if failure else None
        delay = cure.delays[min(tries, len(cure.delays)) - 1] if retry_after is None else retry_after
        at = self.clock() + timedelta(seconds=delay)
        if cure.action in PAUSING_ACTIONS:
            store_outcome(channels.pause, at)
            count("SendingPaused")
            # Nothing is sent during the pause anyway.
            return self._reschedule(replace(message, paused=paused), self.clock(), failure, paused_until=at)
        return self._reschedule(replace(message, paused=paused), at, failure)

    def _reschedule(
        self,
        message: Outbound,
        at: datetime,
        failure: Failure | None,
        *,
        state: DeliveryState | None = None,
        paused_until: datetime | None = None,
    ) -> Retry:
        """Store when a message is tried again, and make the contact's later messages wait behind it.

        Args:
            state: the message's state until then; by default UNKNOWN if it was so before, else PENDING.
            paused_until: until when nothing is sent to anybody, because of this failure.
        """
        code, failed_id = (failure.code, failure.message_id) if failure else (None, None)
        if state is None:
            # A refusal of this attempt says nothing about an earlier one, which may have arrived.
            stays_unknown = message.state is DeliveryState.UNKNOWN and failed_id is None
            state = DeliveryState.UNKNOWN if stays_unknown else DeliveryState.PENDING
        now = self.clock()
        store_outcome(stored.try_again, message, at, state=state, error_code=code, failed_id=failed_id, now=now)
        store_outcome(contacts.hold_back, message.contact_id, message.id)
        self.wake_ups.request(message.contact_id, message.id, paused_until or at)
        closes_channel = failure is not None and remedy(failure.code).action in CLOSING_ACTIONS
        return Retry(at, closes_channel, paused_until)


def with_approved_template(message: Outbound, contact: Contact, channel: Channel) -> Outbound:
    """Return a message with the version of its template that may be sent: a new one takes time to be approved (M4)."""
    if message.template is None:
        return message
    return replace(message, template=approved_version(message.template, channel, contact.language))


def in_form(message: Outbound, language: str) -> Outbound:
    """Return a message as a template in one of WhatsApp's languages; unchanged without a language or a template.

    A template has no picture.
    """
    if not language or message.template is None:
        return message
    content = build_template(message.template.name, language, message.template.values)
    return replace(message, body=replace_message(message.body, content), picture=None)


def store_outcome(update: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    """Store what became of a message, with retries: a sent message that is not stored as such is sent again.

    Raises TryAgain.
    """
    return retry(lambda: update(*arguments, **named))
