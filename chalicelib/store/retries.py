"""Every request to DynamoDB passes here: asked again while that may help, within a bound, and its errors told apart."""

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

# How long a request may take and how often it is made, so that what waits for it fits into its function's time:
# - DynamoDB answers in milliseconds, our largest transactions in a few hundred. After two seconds no answer is coming.
# - A request that never gets one has taken 3 × 2 s and its pauses: 6.3 s. The authorizer has 10 s for its one request.
# - What is tried as a whole (`persistently`) has 10 s. After them nothing is asked a second time, and no pause goes
#   beyond them, so that a refusal is there after 12 s: a last request may take 2 s. `converse` has 30 s, 9 of which
#   marking the message as read may take; a REST request has API Gateway's 29 s.
# PynamoDB alone would wait 4 × (15 + 30) s. A function that is stopped all the same has lost nothing: see the crashes
# in docs/architecture.md.
CONNECT_SECONDS = 1
READ_SECONDS = 2
TRIES = 3
DEADLINE_SECONDS = 10
FIRST_PAUSE = 0.05  # seconds; doubled on each try, with full jitter
# DynamoDB leaves keys of a batch for later when it is short of capacity. Each round brings some of them, or none;
# all pauses between them together are 1.6 s on average, and 3.1 s at most.
ROUNDS = 6

Json = dict[str, Any]

_until: ContextVar[float] = ContextVar("until", default=inf)

# DynamoDB did nothing, and the same request may succeed in a moment.
NOT_DONE = frozenset(
    {
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ThrottlingException",
        "TransactionConflictException",  # a single item's write met a transaction
    }
)
NO_ANSWER = (exceptions.ConnectionError, exceptions.HTTPClientError, exceptions.ChecksumError)  # or an unreadable one
# Our own earlier try is still being worked on.
IN_PROGRESS = "TransactionInProgressException"


class Busy(Exception):
    """Others were at the same items, or DynamoDB could not answer. Nothing was read or written, unless it is Unsure."""


class Unsure(Busy):
    """DynamoDB did not say whether it wrote. Read anew before deciding, or let a condition decide."""


class Dispatch(Protocol):
    def __call__(self, operation_name: str, operation_kwargs: Json) -> Json: ...


def patient(connection: Connection) -> Dispatch:
    """The connection's `dispatch`, through which PynamoDB sends everything, as it is described above.

    It raises Busy and Unsure; PynamoDB lets both pass.
    """
    ask: Dispatch = Connection.dispatch.__get__(connection)

    def dispatch(operation_name: str, operation_kwargs: Json) -> Json:
        answer = _ask(ask, operation_name, operation_kwargs)
        return _whole(ask, answer, operation_kwargs) if operation_name == BATCH_GET_ITEM else answer

    return dispatch


@contextmanager
def with_deadline(seconds: float) -> Iterator[None]:
    """What happens within is asked again only for so many seconds from now; and no longer than what is around it."""
    before = _until.set(min(_until.get(), monotonic() + seconds))
    try:
        yield
    finally:
        _until.reset(before)


def time_left() -> float:
    """Seconds for which things may still be asked again."""
    return max(0.0, _until.get() - monotonic())


def deadline_passed() -> bool:
    """Whether nothing more is to be asked again."""
    return not time_left()


def jitter(number: int, first: float) -> float:
    """Seconds to pause before try `number`, counted from 0: random, so that those who met do not meet again."""
    return random() * first * (1 << number)  # noqa: S311 - jitter is no secret


def _ask(ask: Dispatch, operation: str, asked: Json) -> Json:
    """The same request again while that may help: a transaction with its token, so that it happens once at most."""
    unsure = False
    for number in range(TRIES):
        if number:
            count("AskedAgain")
            sleep(min(jitter(number, FIRST_PAUSE), time_left()))
        try:
            return ask(operation, asked)
        except (BotoCoreError, ClientError) as failure:
            if _outcome_unknown(failure):
                unsure = True
            elif _code(failure) not in NOT_DONE:
                raise
            trouble = _code(failure) or type(failure).__name__
        if deadline_passed():
            break
    raise Unsure(trouble) if unsure and _writes(operation) else Busy(trouble)


def _whole(ask: Dispatch, answer: Json, asked: Json) -> Json:
    """The batch with the keys that DynamoDB left for later. PynamoDB would ask for them without pause or end."""
    for number in range(1, ROUNDS):
        left = answer[UNPROCESSED_KEYS]
        if not left:
            return answer
        if deadline_passed():
            break
        sleep(min(jitter(number, FIRST_PAUSE), time_left()))
        wanted = {table: {**asked[REQUEST_ITEMS][table], KEYS: keys[KEYS]} for table, keys in left.items()}
        more = _ask(ask, BATCH_GET_ITEM, {**asked, REQUEST_ITEMS: wanted})
        together = {table: [*items, *more[RESPONSES].get(table, ())] for table, items in answer[RESPONSES].items()}
        answer = {**more, RESPONSES: {**more[RESPONSES], **together}}
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
    """The HTTP status of an error. PynamoDB puts an exception of its own, which has none, before botocore's."""
    told = failure.__cause__ if isinstance(failure.__cause__, ClientError) else failure
    return int(told.response["ResponseMetadata"]["HTTPStatusCode"]) if isinstance(told, ClientError) else 0


def _writes(operation: str) -> bool:
    return not operation.startswith(("Get", "Query", "Scan", "BatchGet"))
