"""The Lambda functions besides the API: what each does with its event, and how that is logged and measured."""

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from hashlib import sha256
from json import loads
from typing import ParamSpec, TypeVar

from chalicelib.container import container
from chalicelib.domain.decisions import Decision
from chalicelib.domain.organisers import Actor
from chalicelib.domain.refusals import Refusal, TryAgain
from chalicelib.services.messaging import account_notices
from chalicelib.services.messaging.wake_ups import WakeUp
from chalicelib.settings import SettingsInvalid
from chalicelib.store.transaction import Busy
from chalicelib.telemetry import count, logger, metrics
from chalicelib.whatsapp.inbound import Echo, Message, Status, read
from chalicelib.whatsapp.webhook import Update

P = ParamSpec("P")
R = TypeVar("R")
# How often a queue hands a message over before it gives up: `maxReceiveCount` in infra/resources.json.
LAST_TRY = 5
LAST_EXPORT_TRY = 3


class NotHandled(Exception):
    """Makes the queue deliver the message again. Its text is only the name of the error's class.

    Lambda logs whatever a function raises, and the text of the original error may quote a person.
    """


def observed(function: Callable[P, R]) -> Callable[P, R]:
    """Decorate a function so that its metrics are flushed, and its log keys cleared, even if it fails."""

    @wraps(function)
    def observe(*arguments: P.args, **named: P.kwargs) -> R:
        try:
            return function(*arguments, **named)
        except SettingsInvalid as failure:
            logger.critical("settings are not usable", extra={"reason": str(failure)})
            raise
        finally:
            flush()
            logger.set_correlation_id(None)

    return observe


@observed
def handle_update(body: str, tries: int = 1) -> None:
    """Handle one update from the queue: answer a message, record a status, log anything else.

    Raises if the update should be delivered again. An update that can't be understood, or fails at its last try,
    becomes a dead letter, so that it does not block those behind it.

    Args:
        tries: how often the queue has delivered it, including this time.
    """
    update = loads(body)
    if isinstance(update, dict) and "unusable" in update:
        count("UpdatesNotUnderstood")
        container().dead_letters.keep(body, str(update["unusable"]), tries=tries)
        return
    is_decision = isinstance(update, dict) and "choice" in update  # replayed from the dead letters of both queues
    failure = _failure_of(lambda: _hand_over(body) if is_decision else _handle(body))
    if failure is None:
        return
    if tries < LAST_TRY and isinstance(failure, Refusal):  # the store is busy; a refusal's text quotes nobody
        raise failure
    logger.error("an update could not be handled", extra={"tries": tries}, exc_info=failure)
    if tries < LAST_TRY:
        raise NotHandled(type(failure).__name__)
    container().dead_letters.keep(body, type(failure).__name__, tries=tries)


def _failure_of(handle: Callable[[], None]) -> Exception | None:
    """Return what `handle` raised, or None.

    The caller raises NotHandled outside of any `except`. Inside one, the failure would become the context of the new
    exception, and Lambda would log the text of both.
    """
    try:
        handle()
    except SettingsInvalid:  # it is not about the message, and its text names only settings
        raise
    except Exception as failure:  # noqa: BLE001 - whatever it is, the queue or the dead letters keep the message
        return failure
    return None


def _hand_over(body: str) -> None:
    container().decision_queue.put(Decision.from_json(body))


def _handle(body: str) -> None:
    update = Update.from_json(body)
    # WhatsApp's message ids contain the sender's phone number, so the log gets a hash.
    logger.set_correlation_id(sha256(update.id.encode()).hexdigest()[:16])
    match event := read(update):
        case Message():
            container().chat.answer(event)
            count("MessagesAnswered")
        case Status():
            container().sender.update_status(event)
        case Echo():
            container().chat.leave_to_person(event)
        case _:
            for preference in event.preferences:
                container().chat.set_preference(preference)
            for renewal in event.renewals:
                container().chat.change_identity(renewal.old, renewal.new)
            if event.template is not None:
                container().templates.update_approval(*event.template, event.kind, at=event.at)
            account_notices.handle(event)


@observed
def make_export(body: str, tries: int = 1) -> None:
    """Make one export from the queue.

    Raises if it should be tried again; at the last try, the export becomes FAILED instead.

    Args:
        tries: how often the queue has delivered it, including this time.
    """
    last_try = tries >= LAST_EXPORT_TRY
    failure = _failure_of(lambda: container().exports.make(str(loads(body)["export"]), last_try=last_try))
    if failure is not None:
        logger.error("an export was not made", extra={"tries": tries}, exc_info=failure)
        raise NotHandled(type(failure).__name__)


@observed
def decide_on_proof(body: str) -> None:
    """Carry out what an organiser chose in the chat. Raises if it should be tried again."""
    failure = _failure_of(lambda: container().decisions.carry_out(Decision.from_json(body)))
    if failure is not None:
        logger.error("a decision was not carried out", exc_info=failure)
        raise NotHandled(type(failure).__name__)


@observed
def expire_reservations(fired_at: str | None = None) -> None:
    """Release the numbers of orders whose hold has ended.

    Args:
        fired_at: when the schedule fired, by AWS's clock, in ISO format.
    """
    if _clock_is_right(fired_at):
        container().expiry.run()


@observed
def deliver_messages(fired_at: str | None = None) -> None:
    """Keep the heads of the audit log, once an hour, and send the messages that are due.

    The argument is that of `expire_reservations`.
    """
    if not _clock_is_right(fired_at):
        return
    parts = container()
    try:
        parts.audit_heads.keep_hourly()
    except Exception:  # noqa: BLE001 - messages matter more; the next minute tries again, and an alarm watches it
        logger.exception("the heads of the audit log could not be kept")
    parts.outbox.send_due()


def _clock_is_right(fired_at: str | None) -> bool:
    return container().clock_check.is_right(datetime.fromisoformat(fired_at) if fired_at else None)


@observed
def deliver_to_person(body: str) -> None:
    """Send what waits for one person. Raises nothing: what fails here is left to the schedule."""
    try:
        container().outbox.wake(WakeUp.from_json(body))
    except SettingsInvalid:
        raise
    except Exception:  # noqa: BLE001 - a wish that fails again and again must not come back
        logger.exception("a person could not be looked at")


@observed
def admit(header: str) -> Actor | None:
    """Return who the token in an Authorization header ("Token <key>" or "Bearer <key>") belongs to, or None.

    Raises TryAgain if the store does not answer. API Gateway caches an answer for a minute, so None would lock out
    somebody with a valid token. It does not cache a failure, and answers 503 (infra/resources.json).
    """
    try:
        return container().tokens.admit(header)
    except Busy:
        raise TryAgain from None
    except Exception:  # noqa: BLE001 - whatever fails, nobody gets in
        logger.exception("a token could not be checked")
        return None


def flush() -> None:
    """Write the metrics that were counted to the log, from where CloudWatch takes them."""
    if metrics.provider.metric_set:
        metrics.flush_metrics()
