"""A transaction: collect changes and their conditions, commit them together, retry the whole attempt."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import sleep
from typing import Any, NamedTuple, TypeVar
from uuid import uuid4

from pynamodb.exceptions import TransactWriteError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from chalicelib.domain.refusals import TryAgain
from chalicelib.store.records import Record, low_level
from chalicelib.store.retries import DEADLINE_SECONDS, Busy, Unsure, deadline_passed, jitter, time_left, with_deadline
from chalicelib.telemetry import count

# Everything that a caller of `commit` needs, the two exceptions of retries.py included.
__all__ = ["Busy", "ConditionsFailed", "FailedCondition", "Transaction", "Unsure", "retry"]

MAX_ITEMS = 100  # DynamoDB's limit
TRIES = 8
FIRST_PAUSE = 0.02  # seconds; doubled on each try, with full jitter

# Reasons to cancel a transaction that pass by themselves: the same transaction may succeed in a moment.
TRANSIENT = frozenset(
    {"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded", "RequestLimitExceeded"}
)

T = TypeVar("T")


class FailedCondition(NamedTuple):
    """A condition that did not hold: its name, the item we wanted to write, and the item that is stored."""

    name: str
    record: Record
    stored: dict[str, Any] | None  # in DynamoDB's JSON; None if there is no item


class ConditionsFailed(Exception):
    """At least one condition did not hold. Nothing was written."""

    def __init__(self, failures: Sequence[FailedCondition]) -> None:
        self.failures = tuple(failures)
        super().__init__(", ".join(sorted({failure.name for failure in failures})))

    def named(self, name: str) -> list[FailedCondition]:
        return [failure for failure in self.failures if failure.name == name]


@dataclass(frozen=True)
class _Step:
    name: str
    record: Record
    actions: Sequence[Action]
    condition: Condition | None


class Transaction:
    """Collect puts, updates, deletes and checks of at most 100 items and commit all of them or none.

    What is added by `put_if_room` is left out, the last first, where there would be more than 100 items.
    """

    def __init__(self) -> None:
        self._checks: list[_Step] = []
        self._puts: list[_Step] = []
        self._extras: list[_Step] = []
        self._updates: list[_Step] = []
        self._deletes: list[_Step] = []

    @property
    def items(self) -> int:
        """How many items it has so far, not counting those of `put_if_room`."""
        return len(self._checks) + len(self._puts) + len(self._updates) + len(self._deletes)

    def require(self, record: Record, *, name: str, only_if: Condition) -> None:
        """Commit only if this holds of an item that the transaction leaves as it is."""
        self._checks.append(_Step(name, record, (), only_if))

    def put(self, record: Record, *, name: str = "", only_if: Condition | None = None) -> None:
        self._puts.append(_Step(name, record, (), only_if))

    def put_if_room(self, record: Record, *, name: str, only_if: Condition) -> None:
        self._extras.append(_Step(name, record, (), only_if))

    def update(
        self, record: Record, actions: Sequence[Action], *, name: str = "", only_if: Condition | None = None
    ) -> None:
        self._updates.append(_Step(name, record, actions, only_if))

    def delete(self, record: Record, *, name: str = "", only_if: Condition | None = None) -> None:
        self._deletes.append(_Step(name, record, (), only_if))

    def commit(self) -> None:
        """Write everything.

        Raises:
            ConditionsFailed: with every condition that did not hold.
            Busy: nothing was written, and trying again may help.
            Unsure: it may have been written. Read what is stored to find out.
        """
        # While the outcome is unknown, retries.py sends the same request again. DynamoDB recognises it by its token
        # for ten minutes, so it takes effect once. The next commit is another request, with a token of its own.
        token = str(uuid4())
        puts = [*self._puts, *self._extras[: max(MAX_ITEMS - self.items, 0)]]
        # PynamoDB sends checks before deletes before puts before updates, and the reasons come back in that order.
        steps = (*self._checks, *self._deletes, *puts, *self._updates)
        try:
            with TransactWrite(connection=low_level(), client_request_token=token) as write:
                for step in self._checks:
                    write.condition_check(type(step.record), step.record.pk, step.record.sk, condition=step.condition)
                for step in self._deletes:
                    write.delete(step.record, condition=step.condition)
                for step in puts:
                    returned = "ALL_OLD" if step.condition is not None else None
                    write.save(step.record, condition=step.condition, return_values=returned)
                for step in self._updates:
                    write.update(step.record, actions=list(step.actions), condition=step.condition)
        except TransactWriteError as failure:
            raise _translate(failure, steps) from failure


def _translate(failure: TransactWriteError, steps: Sequence[_Step]) -> Exception:
    if failure.cause_response_code != "TransactionCanceledException":
        return failure
    reasons = failure.cancellation_reasons
    failed = [
        FailedCondition(step.name, step.record, reason.raw_item)
        for step, reason in zip(steps, reasons, strict=False)
        if reason is not None and reason.code == "ConditionalCheckFailed"
    ]
    if failed:
        return ConditionsFailed(failed)
    transient = [reason.code for reason in reasons if reason is not None and reason.code in TRANSIENT]
    if transient:
        return Busy(transient[0])
    return failure


def retry(
    attempt: Callable[[], T],
    *,
    again_on: type[Exception] | tuple[type[Exception], ...] = Busy,
    tries: int = TRIES,
) -> T:
    """Call `attempt` until it raises none of `again_on`, at most `tries` times and for ten seconds.

    Pauses are random and grow. `attempt` must read again what it depends on, or commit something that can't be
    committed twice. Raises TryAgain if no attempt succeeded.
    """
    unsure = False
    with with_deadline(DEADLINE_SECONDS):
        for number in range(tries):
            if number:
                count("TriedAgain")
                sleep(min(jitter(number, FIRST_PAUSE), time_left()))
            try:
                return attempt()
            except again_on as failure:
                unsure = unsure or isinstance(failure, Unsure)
            if deadline_passed():
                break
    raise TryAgain(unsure=unsure)
