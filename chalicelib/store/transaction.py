"""One transaction: what must hold, what changes, and which condition said no."""

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

__all__ = ["Busy", "ConditionsFailed", "Failed", "Transaction", "Unsure", "retry"]  # who commits meets them all

MOST_ITEMS = 100  # DynamoDB's limit
TRIES = 8
FIRST_PAUSE = 0.02  # seconds; doubled on each try, with full jitter

# Why a transaction was cancelled when nothing is wrong with it: the same may succeed in a moment.
PASSING = frozenset({"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded", "RequestLimitExceeded"})

T = TypeVar("T")


class Failed(NamedTuple):
    """A condition that did not hold: its name, the item it was about, and the item that stood in the way."""

    name: str
    record: Record
    found: dict[str, Any] | None  # DynamoDB's form; None where nothing is there


class ConditionsFailed(Exception):
    """At least one condition did not hold. Nothing was written."""

    def __init__(self, failures: Sequence[Failed]) -> None:
        self.failures = tuple(failures)
        super().__init__(", ".join(sorted({failure.name for failure in failures})))

    def named(self, name: str) -> list[Failed]:
        return [failure for failure in self.failures if failure.name == name]


@dataclass(frozen=True)
class _Step:
    name: str
    record: Record
    actions: Sequence[Action]
    condition: Condition | None


class Transaction:
    """Collects puts and updates of at most 100 items and commits them all, or none.

    What is put `if_room` is left out, the last first, where there would be more than 100.
    """

    def __init__(self) -> None:
        self._puts: list[_Step] = []
        self._extras: list[_Step] = []
        self._updates: list[_Step] = []
        self._deletes: list[_Step] = []

    @property
    def items(self) -> int:
        """How many items it has so far, without those for which there may be no room."""
        return len(self._puts) + len(self._updates) + len(self._deletes)

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
        """Write all of it.

        Raises:
            ConditionsFailed: with every condition that did not hold.
            Busy: nothing was written, and trying again may help.
            Unsure: it may have been written; what is stored now tells.
        """
        # While its outcome is unknown the same request is made again (see asking.py), and DynamoDB knows it by its
        # token for ten minutes: "was it mine?" is answered there. The next commit is another request, with another.
        token = str(uuid4())
        puts = [*self._puts, *self._extras[: max(MOST_ITEMS - self.items, 0)]]
        # PynamoDB sends deletes before puts before updates, and the reasons come back in that order.
        steps = (*self._deletes, *puts, *self._updates)
        try:
            with TransactWrite(connection=low_level(), client_request_token=token) as write:
                for step in self._deletes:
                    write.delete(step.record, condition=step.condition)
                for step in puts:
                    returned = "ALL_OLD" if step.condition is not None else None
                    write.save(step.record, condition=step.condition, return_values=returned)
                for step in self._updates:
                    write.update(step.record, actions=list(step.actions), condition=step.condition)
        except TransactWriteError as failure:
            raise _translated(failure, steps) from failure


def _translated(failure: TransactWriteError, steps: Sequence[_Step]) -> Exception:
    if failure.cause_response_code != "TransactionCanceledException":
        return failure
    reasons = failure.cancellation_reasons
    failed = [
        Failed(step.name, step.record, reason.raw_item)
        for step, reason in zip(steps, reasons, strict=False)
        if reason is not None and reason.code == "ConditionalCheckFailed"
    ]
    if failed:
        return ConditionsFailed(failed)
    passing = [reason.code for reason in reasons if reason is not None and reason.code in PASSING]
    if passing:
        return Busy(passing[0])
    return failure


def retry(
    attempt: Callable[[], T],
    *,
    again_on: type[Exception] | tuple[type[Exception], ...] = Busy,
    tries: int = TRIES,
) -> T:
    """Call `attempt` until it does not raise one of `again_on`, pausing a random, growing time; at most 8 times unless
    `tries` says otherwise, and for ten seconds.

    `attempt` must read what it depends on anew, or commit what a second time would refuse. Raises TryAgain when none
    succeeded.
    """
    unsure = False
    with with_deadline(DEADLINE_SECONDS):
        for number in range(tries):
            if number:
                count("TriedAgain")
                sleep(min(jitter(number, FIRST_PAUSE), time_left()))
            try:
                return attempt()
            except again_on as again:
                unsure = unsure or isinstance(again, Unsure)
            if deadline_passed():
                break
    raise TryAgain(unsure=unsure)
