"""Sending what was committed: at once by whoever committed it, by the schedule when that did not work out."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from random import Random
from typing import ParamSpec, TypeVar

from chalicelib.domain.delivery import DeliveryState, Outbound
from chalicelib.domain.refusals import TryAgain
from chalicelib.domain.talk import Identity, Said
from chalicelib.logs import count, logger
from chalicelib.store import contacts
from chalicelib.store import messages as stored
from chalicelib.store.transaction import Transaction, persistently
from chalicelib.whatsapp.errors import Action, Remedy, remedy
from chalicelib.whatsapp.graph import Graph, NotSent, OutcomeUnknown, SendRefused
from chalicelib.whatsapp.inbound import Status
from chalicelib.whatsapp.messages import address, render

P = ParamSpec("P")
T = TypeVar("T")
BATCH = 50  # messages a run of the schedule looks for at a time
RUN_TIME = timedelta(seconds=40)  # a run stops taking on more, so that the next one a minute later does not meet it
# WhatsApp has no idempotency key: after an unknown outcome its status has this long to arrive before the one retry.
STATUS_CHANCE = timedelta(minutes=5)
UNKNOWN_TRIES = 2
STOPPED = timedelta(minutes=5)  # between looks whether an account that WhatsApp refuses was put right
PAUSES = (5, 30, 120, 600)  # seconds, after a request that never reached WhatsApp


class Delivering:
    """Outbound messages, from commit to WhatsApp's last word about them."""

    def __init__(self, *, graph: Graph, clock: Callable[[], datetime], random: Random) -> None:
        self._graph = graph
        self._clock = clock
        self._random = random

    def add(
        self,
        transaction: Transaction,
        contact_id: str,
        to: Identity,
        said: Sequence[Said],
        *,
        now: datetime,
        in_reply_to: str | None = None,
        not_before: datetime | None = None,
        withheld: bool = False,
    ) -> list[Outbound]:
        """Have the messages stored in `transaction`; hand them to `send` once that is committed.

        Those that must wait behind earlier ones (`not_before`) are left to the schedule and not returned. Those that
        are `withheld` are kept for the organisers to see, and never sent.
        """
        waits = not withheld and not_before is not None and not_before > now
        added = []
        for position, one in enumerate(said):
            outbound_id = stored.outbound_id(now, position, f"{self._random.getrandbits(48):012x}")
            blank = Outbound(contact_id=contact_id, id=outbound_id, body={}, created_at=now, in_reply_to=in_reply_to)
            body = address(render(one), to, tag=blank.tag)
            outbound = Outbound(
                contact_id=contact_id,
                id=outbound_id,
                body=body,
                created_at=now,
                state=DeliveryState.WITHHELD if withheld else DeliveryState.PENDING,
                attempts=0 if waits or withheld else 1,
                in_reply_to=in_reply_to,
                due_at=not_before if waits else None,
            )
            stored.say(transaction, outbound)
            added.append(outbound)
        return [] if waits or withheld else added

    def send(self, outbounds: Iterable[Outbound]) -> None:
        """One attempt for each message, in order; what comes of it is stored. Never raises for what WhatsApp does.

        While that can't be stored, nothing more is sent: it stays due, and the schedule sends it later.
        After one that must wait, the person's later messages wait as long, so that replies keep their order.
        """
        waiting: dict[str, datetime] = {}
        for outbound in outbounds:
            until = waiting.get(outbound.contact_id)
            try:
                if until is not None:
                    _noted(stored.postpone, outbound, until)
                elif (again := self._attempt(outbound)) is not None:
                    waiting[outbound.contact_id] = again
            except TryAgain:  # what is sent now could not be noted either, and would be sent again
                logger.warning("sending stops: the store does not answer")
                return
            except Exception:  # noqa: BLE001 - it stays due, and must not keep the others from being sent
                logger.exception("a message could not be sent or noted")

    def send_due(self) -> None:
        """The schedule's run: send what is due, longest due first, until all is done or the time is up."""
        self.send(self._claimed(self._clock()))

    def _claimed(self, begun: datetime) -> Iterator[Outbound]:
        """Messages that are due, each taken for this run just before it is sent."""
        more = True
        while more:
            more = False
            for outbound in sorted(stored.due(begun, limit=BATCH), key=lambda outbound: outbound.id):
                if self._clock() - begun > RUN_TIME:
                    return
                taken = stored.claim(outbound, self._clock())
                if taken is None:
                    continue
                more = True
                if self._is_unwanted(taken):
                    stored.withhold(taken, self._clock())
                else:
                    yield taken

    def _is_unwanted(self, outbound: Outbound) -> bool:
        """Whether the person has opted out since (M5), of what they did not ask for themselves."""
        if outbound.in_reply_to is not None or outbound.state is not DeliveryState.PENDING:
            return False
        contact = contacts.get(outbound.contact_id)
        return contact is not None and contact.opted_out

    def note(self, status: Status) -> None:
        """Keep what WhatsApp reports about a message: forwards only, in whatever order it comes."""
        state = _STATES.get(status.state)
        if state is None or status.tag is None:
            return
        message_id, error_code = status.message_id or None, status.error_code
        if _noted(stored.advance, status.tag, state, self._clock(), message_id=message_id, error_code=error_code):
            count(f"Messages{state.value.title()}")
        if state is DeliveryState.FAILED and error_code is not None:
            self._note_opt_out(status.tag.partition("/")[0], remedy(error_code), status.at)

    def _attempt(self, outbound: Outbound) -> datetime | None:
        """Send one message. When it is to be tried again, or None when nothing more is to be done."""
        try:
            accepted = self._graph.send(outbound.body)
        except SendRefused as refused:
            return self._refused(outbound, refused)
        except OutcomeUnknown as unknown:
            logger.warning("outcome of a message unknown", extra={"reason": str(unknown)})
            return self._unknown(outbound)
        except NotSent as failure:
            logger.warning("WhatsApp not reached", extra={"reason": str(failure)})
            return self._later(outbound, PAUSES, error_code=None)
        _noted(stored.accepted, outbound, accepted.message_id, self._clock())
        count("MessagesAccepted")
        return None

    def _refused(self, outbound: Outbound, refused: SendRefused) -> datetime | None:
        what = remedy(refused.code)
        count("MessagesRefused")
        if what.alert and not what.delays:
            logger.error("WhatsApp refuses messages", extra={"error_code": refused.code, "action": what.action.value})
        if what.action is Action.STOP_ALL:  # nothing is wrong with the message: it stays due until that is mended
            return self._again_at(STOPPED, outbound, state=DeliveryState.PENDING, error_code=refused.code)
        if what.delays:
            delays = what.delays if refused.retry_after is None else (refused.retry_after, *what.delays[1:])
            return self._later(outbound, delays, error_code=refused.code)
        self._note_opt_out(outbound.contact_id, what, None)
        self._give_up(outbound, refused.code)
        return None

    def _note_opt_out(self, contact_id: str, what: Remedy, at: datetime | None) -> None:
        if what.action is Action.OPTED_OUT:
            _noted(contacts.opt_out, contact_id, at or self._clock())
            count("OptOuts")

    def _unknown(self, outbound: Outbound) -> datetime | None:
        if outbound.attempts >= UNKNOWN_TRIES and outbound.state is DeliveryState.UNKNOWN:
            self._give_up(outbound, None)
            return None
        return self._again_at(STATUS_CHANCE, outbound, state=DeliveryState.UNKNOWN, error_code=None)

    def _later(self, outbound: Outbound, delays: Sequence[float], *, error_code: int | None) -> datetime | None:
        """Have it tried again after the delay that this attempt has reached; give it up after the last."""
        if outbound.attempts > len(delays):
            self._give_up(outbound, error_code)
            return None
        pause = timedelta(seconds=delays[outbound.attempts - 1])
        return self._again_at(pause, outbound, state=DeliveryState.PENDING, error_code=error_code)

    def _again_at(
        self, pause: timedelta, outbound: Outbound, *, state: DeliveryState, error_code: int | None
    ) -> datetime:
        now = self._clock()
        _noted(stored.try_again, outbound, now + pause, state=state, error_code=error_code, now=now)
        # The schedule comes once a minute: until it has, what is said later must stay behind.
        _noted(contacts.hold_back, outbound.contact_id, now + pause + stored.GRACE)
        return now + pause

    def _give_up(self, outbound: Outbound, error_code: int | None) -> None:
        logger.error("message given up", extra={"error_code": error_code, "attempts": outbound.attempts})
        count("MessagesGivenUp")
        _noted(stored.advance, outbound.tag, DeliveryState.FAILED, self._clock(), error_code=error_code)


def _noted(update: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    """Store what became of a message, insistently: what is not noted as sent will be sent again. Raises TryAgain."""
    return persistently(lambda: update(*arguments, **named))


_STATES = {
    "sent": DeliveryState.SENT,
    "delivered": DeliveryState.DELIVERED,
    "read": DeliveryState.READ,
    "played": DeliveryState.READ,
    "failed": DeliveryState.FAILED,
}
