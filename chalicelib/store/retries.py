"""Retries of single DynamoDB requests: when to send one again, for how long, and what the failure means."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from math import inf
from random import random
from time import monotonic, sleep
from typing import Any, Protocol

from botocore import exceptions
from botocore.exceptions import BotoCoreError, ClientError
from pynamodb.connection import Connection
from pynamodb.constants import BATCH_GET_ITEM, KEYS, REQUEST_ITEMS, RESPONSES, UNPROCESSED_KEYS

from chalicelib.telemetry import count

# Timeouts and tries are chosen so that every function can finish in its own time:
# - DynamoDB answers in milliseconds, even our largest transactions in a few hundred. After two seconds no answer is
#   coming.
# - A request that is never answered takes 3 × 2 s plus pauses: 6.3 s. The authorizer has 10 s for its single request.
# - A whole attempt (`transaction.retry`) has 10 s. After that nothing is sent again, and no pause extends beyond it.
#   The last request may take 2 s more, so a refusal is there after 12 s. `converse` has 30 s, of which marking the
#   message as read may take 9; a REST request has API Gateway's 29 s.
# PynamoDB by default would wait 4 × (15 + 30) s. A function that is killed anyway loses nothing:
# see the tables of crashes in docs/architecture.md.
CONNECT_SECONDS = 1
READ_SECONDS = 2
TRIES = 3
DEADLINE_SECONDS = 10
FIRST_PAUSE = 0.05  # seconds; doubled on each try, with full jitter
# DynamoDB leaves keys of a batch unprocessed when it is short of capacity. Each round returns some of them, or none.
# The pauses between all rounds add up to 1.6 s on average, and 3.1 s at most.
ROUNDS = 6

Json = dict[str, Any]

_until: ContextVar[float] = ContextVar("until", default=inf)

# DynamoDB did nothing. The same request may succeed in a moment.
NOT_DONE = frozenset(
    {
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ThrottlingException",
        "TransactionConflictException",  # a write of a single item collided with a transaction
    }
)
# No answer came, or one that can't be read.
NO_ANSWER = (exceptions.ConnectionError, exceptions.HTTPClientError, exceptions.ChecksumError)
# DynamoDB is still working on our own earlier try.
IN_PROGRESS = "TransactionInProgressException"


class Busy(Exception):
    """Somebody else is changing the same items, or DynamoDB could not answer.

    Nothing was read or written, except perhaps if it is Unsure.
    """


class Unsure(Busy):
    """DynamoDB did not say whether it wrote. Read again before deciding, or let a condition decide."""


class Dispatch(Protocol):
    def __call__(self, operation_name: str, operation_kwargs: Json) -> Json: ...


def with_retries(connection: Connection) -> Dispatch:
    """Return the connection's `dispatch`, through which PynamoDB sends every request, with retries.

    It raises Busy and Unsure, which PynamoDB passes on.
    """
    send: Dispatch = Connection.dispatch.__get__(connection)

    def dispatch(operation_name: str, operation_kwargs: Json) -> Json:
        answer = _send_with_retries(send, operation_name, operation_kwargs)
        return _complete_batch(send, answer, operation_kwargs) if operation_name == BATCH_GET_ITEM else answer

    return dispatch


@contextmanager
def with_deadline(seconds: float) -> Iterator[None]:
    """Stop retrying inside this block after so many seconds. An earlier deadline around it still holds."""
    outer = _until.set(min(_until.get(), monotonic() + seconds))
    try:
        yield
    finally:
        _until.reset(outer)


def time_left() -> float:
    """Return the seconds in which requests may still be retried."""
    return max(0.0, _until.get() - monotonic())


def deadline_passed() -> bool:
    """Return whether requests must not be retried any more."""
    return not time_left()


def jitter(number: int, first: float) -> float:
    """Return the seconds to pause before try `number`, counted from 0.

    The pause is random, so that two processes that collided don't collide again.
    """
    return random() * first * (1 << number)  # noqa: S311 - jitter is no secret


def _send_with_retries(send: Dispatch, operation: str, request: Json) -> Json:
    """Send the same request until it is answered. A transaction keeps its token, so it takes effect once at most."""
    unsure = False
    for number in range(TRIES):
        if number:
            count("AskedAgain")
            sleep(min(jitter(number, FIRST_PAUSE), time_left()))
        try:
            return send(operation, request)
        except (BotoCoreError, ClientError) as failure:
            if _outcome_unknown(failure):
                unsure = True
            elif _code(failure) not in NOT_DONE:
                raise
            cause = _code(failure) or type(failure).__name__
        if deadline_passed():
            break
    raise Unsure(cause) if unsure and _writes(operation) else Busy(cause)


def _complete_batch(send: Dispatch, answer: Json, request: Json) -> Json:
    """Fetch the keys of a batch that DynamoDB left unprocessed. PynamoDB would do so without pause or end."""
    for number in range(1, ROUNDS):
        unprocessed = answer[UNPROCESSED_KEYS]
        if not unprocessed:
            return answer
        if deadline_passed():
            break
        sleep(min(jitter(number, FIRST_PAUSE), time_left()))
        rest = {table: {**request[REQUEST_ITEMS][table], KEYS: keys[KEYS]} for table, keys in unprocessed.items()}
        more = _send_with_retries(send, BATCH_GET_ITEM, {**request, REQUEST_ITEMS: rest})
        merged = {table: [*items, *more[RESPONSES].get(table, ())] for table, items in answer[RESPONSES].items()}
        answer = {**more, RESPONSES: {**more[RESPONSES], **merged}}
    if answer[UNPROCESSED_KEYS]:
        raise Busy(UNPROCESSED_KEYS)
    return answer


def _outcome_unknown(failure: Exception) -> bool:
    if isinstance(failure, NO_ANSWER):
        return True
    return _code(failure) == IN_PROGRESS or _status(failure) >= 500


def _code(failure: BaseException) -> str | None:
    return failure.response["Error"].get("Code") if isinstance(failure, ClientError) else None


def _status(failure: BaseException) -> int:
    """Return an error's HTTP status, or 0. PynamoDB wraps botocore's exception in one that has none."""
    error = failure.__cause__ if isinstance(failure.__cause__, ClientError) else failure
    return int(error.response["ResponseMetadata"]["HTTPStatusCode"]) if isinstance(error, ClientError) else 0


def _writes(operation: str) -> bool:
    return not operation.startswith(("Get", "Query", "Scan", "BatchGet"))
