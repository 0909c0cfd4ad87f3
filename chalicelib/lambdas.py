"""What each Lambda function besides the API does with its event, and how it is logged and measured."""

from collections.abc import Callable
from functools import wraps
from hashlib import sha256
from json import loads
from typing import ParamSpec, TypeVar

from chalicelib.container import container
from chalicelib.domain.organisers import Actor
from chalicelib.domain.refusals import Refusal, TryAgain
from chalicelib.services.messaging import account_notices
from chalicelib.settings import SettingsInvalid
from chalicelib.store.transaction import Busy
from chalicelib.telemetry import count, logger, metrics
from chalicelib.whatsapp.inbound import Message, Status, read
from chalicelib.whatsapp.webhook import Update

P = ParamSpec("P")
R = TypeVar("R")
LAST_TRY = 5  # of the queue, before it gives a message up: infra/resources.json says so, too
LAST_EXPORT_TRY = 3  # likewise, of the queue of exports


class NotHandled(Exception):
    """The queue must hand the update over again. Its text is no more than the kind of error that there was.

    Lambda writes to the log whatever a function raises, and an error's own text may quote a person.
    """


def observed(function: Callable[P, R]) -> Callable[P, R]:
    """Flush the metrics that the call counted, whatever happens, and let no log key of it reach the next one."""

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
    """One update from the queue: a message is answered, a status noted, anything else logged.

    Raises for whatever should be delivered again. What is not understood, or fails at its last try, becomes a dead
    letter, so that it holds up nothing behind it.

    Args:
        tries: how often the queue has handed it over, this time included.
    """
    letter = loads(body)
    if isinstance(letter, dict) and "unusable" in letter:
        count("UpdatesNotUnderstood")
        container().dead_letters.keep(body, str(letter["unusable"]), tries=tries)
        return
    failed = _tried(body)
    if failed is None:
        return
    if tries < LAST_TRY and isinstance(failed, Refusal):  # the store is busy, and says so in our own words
        raise failed
    logger.error("an update could not be handled", extra={"tries": tries}, exc_info=failed)
    if tries < LAST_TRY:
        raise NotHandled(type(failed).__name__)
    container().dead_letters.keep(body, type(failed).__name__, tries=tries)


def _tried(body: str) -> Exception | None:
    """What went wrong. Handed on outside of its `except`, so that nothing raised later drags it along."""
    try:
        _handle(body)
    except SettingsInvalid:  # nothing is wrong with the update, and its text is about settings only
        raise
    except Exception as failure:  # noqa: BLE001 - whatever it is, the queue or the dead letters have the update
        return failure
    return None


def _handle(body: str) -> None:
    update = Update.from_json(body)
    # A message id holds the sender's phone number, so that its hash stands for it in the log.
    logger.set_correlation_id(sha256(update.id.encode()).hexdigest()[:16])
    match found := read(update):
        case Message():
            container().chat.answer(found)
            count("MessagesAnswered")
        case Status():
            container().sender.update_status(found)
        case _:
            for preference in found.preferences:
                container().chat.set_preference(preference)
            for renewal in found.renewals:
                container().chat.change_identity(renewal.old, renewal.new)
            if found.template is not None:
                container().templates.update_approval(*found.template, found.kind)
            account_notices.handle(found)


@observed
def make_export(body: str, tries: int = 1) -> None:
    """One export from its queue. Raises for what should be tried again; at the last try the export is FAILED instead.

    Args:
        tries: how often the queue has handed it over, this time included.
    """
    failed = _export_tried(body, last_try=tries >= LAST_EXPORT_TRY)
    if failed is not None:
        logger.error("an export was not made", extra={"tries": tries}, exc_info=failed)
        raise NotHandled(type(failed).__name__)


def _export_tried(body: str, *, last_try: bool) -> Exception | None:
    try:
        container().exports.make(str(loads(body)["export"]), last_try=last_try)
    except SettingsInvalid:
        raise
    except Exception as failure:  # noqa: BLE001 - whatever it is, the queue has it still
        return failure
    return None


@observed
def expire_reservations() -> None:
    container().expiry.run()


@observed
def deliver_messages() -> None:
    container().outbox.send_due()


@observed
def admitted(header: str) -> Actor | None:
    """Whom the token in an Authorization header ("Token <key>" or "Bearer <key>") belongs to, or None.

    Raises TryAgain when the store does not answer, or is not asked since too many wrong tokens came. API Gateway keeps
    an answer for a minute, so "not allowed" would lock out who is allowed. A failure it does not keep, and answers with
    503, as infra/resources.json says.
    """
    try:
        return container().tokens.admit(header)
    except Busy:
        raise TryAgain from None
    except Exception:  # noqa: BLE001 - whatever is wrong with us, nobody gets in
        logger.exception("a token could not be checked")
        return None


def flush() -> None:
    if metrics.provider.metric_set:
        metrics.flush_metrics()
