"""Every order of the steps of some operations: each stops before each request to DynamoDB, and one goes on at a time.

Stateless search: a schedule is replayed from the beginning as far as it is known, then goes on with the first choice,
and the last choice that has an alternative is changed for the next one. Schedules that differ only in the order of
neighbouring requests that have nothing to do with each other end alike, so that one of them is enough: sleep sets
(P. Godefroid, "Partial-Order Methods for the Verification of Concurrent Systems", LNCS 1032, chapter 5). Nor need a
schedule be followed to its end from where another one was: with the same items in the store, and each operation having
been answered the same so far (on nothing else does it depend what an operation does next). For the same reason what is
replayed is not asked again: the operations get the answers of the first time.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from functools import partial
from json import dumps, loads
from random import Random
from threading import Semaphore, Thread, local
from typing import Any, NamedTuple, Protocol

from chalicelib.domain.refusals import Refusal

Json = dict[str, Any]
PATIENCE = 900  # seconds without a request before we say that an operation hangs


class Status(NamedTuple):
    """As much of an HTTP response as botocore looks at."""

    status_code: int


Answer = tuple[Status, Json]


class Footprint(NamedTuple):
    """What a request to DynamoDB depends on and what it may change."""

    operation: str
    reads: frozenset[str]
    writes: frozenset[str]

    def commutes_with(self, other: "Footprint") -> bool:
        return not (self.writes & (other.reads | other.writes) or self.reads & other.writes)


def footprint(operation: str, asked: Json) -> Footprint:
    """Refused requests count as if they had written, which costs schedules but misses none."""
    reads: set[str] = set()
    writes: set[str] = set()
    match operation:
        case "GetItem":
            reads |= _item(asked["Key"])
        case "BatchGetItem":
            for table in asked["RequestItems"].values():
                reads |= {name for key in table["Keys"] for name in _item(key)}
        case "Query":
            reads |= _queried(asked)
        case "UpdateItem" | "DeleteItem":
            writes |= _written(asked["Key"])
        case "PutItem":
            writes |= _written(asked["Item"])
        case "TransactWriteItems":
            for step in asked["TransactItems"]:
                ((_, change),) = step.items()
                writes |= _written(change.get("Key") or change["Item"])
        case _:
            raise NotImplementedError(operation)
    return Footprint(operation, frozenset(reads), frozenset(writes))


def _item(key: Json) -> set[str]:
    return {f"item {key['pk']['S']} {key['sk']['S']}"}


def _written(key: Json) -> set[str]:
    """The item, and each list that it may be in: its partition, and the indexes of its kind."""
    return _item(key) | {f"partition {key['pk']['S']}", f"kind {_kind(key['pk']['S'])}"}


def _queried(asked: Json) -> set[str]:
    (value,) = re.findall(r"= (:\w+)", asked["KeyConditionExpression"])
    partition = asked["ExpressionAttributeValues"][value]["S"]
    if "IndexName" not in asked:
        return {f"partition {partition}"}
    if asked["IndexName"] in ("by_contact", "by_raffle") or _kind(partition) == "ORDER":
        return {"kind ORDER"}  # docs/data-model.md: only orders are in these
    return {"kind ORDER", "kind BOARD", "kind CONTACT"}


def _kind(partition: str) -> str:
    return partition.partition("#")[0]


class OwnRandom(Random):
    """Each operation draws from a generator of its own, so that whose turn it was does not change what is drawn."""

    def __init__(self) -> None:
        self._of = local()
        super().__init__()

    def begin(self, seed: int) -> None:
        self._of.generator = Random(seed)

    def random(self) -> float:
        return float(self._of.generator.random())

    def getrandbits(self, k: int, /) -> int:
        return int(self._of.generator.getrandbits(k))


class Abandoned(BaseException):
    """The rest of this schedule shows nothing new."""


class Turn(Thread):
    """One operation in a thread of its own, of which at any moment at most one runs."""

    def __init__(self, do: Callable[[], object], begin: Callable[[], None]) -> None:
        super().__init__(daemon=True)
        self.do, self.begin = do, begin
        self.before: Footprint | None = None  # the request that it has stopped before
        self.answers: tuple[str, ...] = ()  # what its requests were answered so far
        self.answer: Answer | None = None  # to the request of this step: given when it is replayed, else found
        self.result: object = None
        self.error: BaseException | None = None
        self._go, self._stopped = Semaphore(0), Semaphore(0)
        self._abandoned = False

    def run(self) -> None:
        _turn.at = self
        try:
            self.begin()
            self.result = self.do()
        except Abandoned:
            pass
        except BaseException as error:  # judged by the test, in its own thread
            self.error = error
        finally:
            self.before = None
            self._stopped.release()

    def stop(self, before: Footprint) -> Answer | None:
        self.before = before
        self._stopped.release()
        self._go.acquire()
        if self._abandoned:
            raise Abandoned
        return deepcopy(self.answer)

    def hear(self, answer: Answer) -> None:
        self.answer = deepcopy(answer)
        said = {name: value for name, value in answer[1].items() if name != "ResponseMetadata"}
        self.answers += (dumps(said, sort_keys=True),)

    def step(self, answer: Answer | None = None) -> None:
        """Let it make its request, or take the answer for it, and go on until the next one, or to its end."""
        self.answer = answer
        if self.ident is None:
            self.start()
        else:
            self._go.release()
        assert self._stopped.acquire(timeout=PATIENCE), "an operation hangs"

    def abandon(self) -> None:
        self._abandoned = True
        if self.before is not None:
            self.step()
        self.join(PATIENCE)


_turn = local()


def stop_before(model: Any, params: Json, **_: Any) -> Answer | None:
    """For botocore's event `before-call.dynamodb`: the operation of this thread, if it is one, waits for its turn.

    What is returned takes the place of the request.
    """
    turn: Turn | None = getattr(_turn, "at", None)
    return turn.stop(footprint(model.name, loads(params["body"]))) if turn is not None else None


def note_answer(http_response: Any, parsed: Json, **_: Any) -> None:
    """For botocore's event `after-call.dynamodb`, which also comes for errors."""
    turn: Turn | None = getattr(_turn, "at", None)
    if turn is not None:
        turn.hear((Status(http_response.status_code), parsed))


@dataclass
class _Choice:
    """A point of a schedule: who could go on, who went, and who needs no try from here (any more)."""

    pending: dict[int, Footprint]
    asleep: set[int]
    chosen: int
    kept: object  # the store as it was here
    answer: Answer | None = None  # to the request of the one chosen, once it was made
    done: set[int] = field(default_factory=set)

    def next_after(self, pruned: bool) -> set[int]:
        """Who sleeps after the chosen one's step: those whose going first was, or will be, tried and makes no
        difference."""
        if not pruned:
            return set()
        step = self.pending[self.chosen]
        return {who for who in self.asleep | self.done if self.pending[who].commutes_with(step)}

    def turn_to_another(self) -> bool:
        self.done.add(self.chosen)
        self.answer = None
        rest = [who for who in self.pending if who not in self.done | self.asleep]
        if rest:
            self.chosen = rest[0]
        return bool(rest)


@dataclass(frozen=True)
class Schedule:
    """One complete order of steps and what came of each operation: its result, or the refusal that it met."""

    order: tuple[int, ...]
    results: tuple[object, ...]


class Store(Protocol):
    def reset(self) -> None:
        """Put back what was there, was said and was sent before the operations."""

    def keep(self) -> object: ...

    def put_back(self, kept: object) -> None: ...

    def text(self) -> str:
        """All that is in the store."""


class Search:
    """Runs every order of the operations' steps. `pruned`: leave out what would show nothing new."""

    def __init__(
        self, operations: Sequence[Callable[[], object]], *, store: Store, random: OwnRandom, pruned: bool = True
    ) -> None:
        self._operations, self._store, self._random, self._pruned = operations, store, random, pruned
        self._path: list[_Choice] = []
        self._seen: dict[object, set[int]] = {}  # where we were → who slept there each time
        self.begun = 0

    def schedules(self) -> Iterator[Schedule]:
        """Those that were followed to their end. Raises what an operation raised that is no refusal."""
        more = True
        while more:
            self._store.reset()
            self.begun += 1
            turns = [Turn(do, partial(self._random.begin, number)) for number, do in enumerate(self._operations)]
            complete = self._follow(turns)
            order = tuple(choice.chosen for choice in self._path)
            for turn in turns:
                turn.abandon()
                if turn.error is not None and not isinstance(turn.error, Refusal):
                    turn.error.add_note(f"in the schedule {''.join(map(str, order))}")
                    raise turn.error
            if complete:
                yield Schedule(order, tuple(turn.error or turn.result for turn in turns))
            while self._path and not self._path[-1].turn_to_another():
                self._path.pop()
            more = bool(self._path)

    def _follow(self, turns: Sequence[Turn]) -> bool:
        """Go down the path and on to the end. False when the rest would show nothing new."""
        for turn in turns:
            turn.step()  # up to its first request
        asleep: set[int] = set()
        depth, replaying = 0, bool(self._path)
        while pending := {who: turn.before for who, turn in enumerate(turns) if turn.before is not None}:
            if depth == len(self._path):
                awake = [who for who in pending if who not in asleep]
                if not awake or self._was_here(turns, asleep):
                    return False
                self._path.append(_Choice(pending, asleep, awake[0], self._store.keep()))
            choice = self._path[depth]
            assert choice.pending == pending, "the same choices led elsewhere: the search is not sound"
            if replaying and choice.answer is None:
                self._store.put_back(choice.kept)
                replaying = False
            turns[choice.chosen].step(choice.answer)
            choice.answer = turns[choice.chosen].answer
            asleep = choice.next_after(self._pruned)
            depth += 1
        return True

    def _was_here(self, turns: Sequence[Turn], asleep: set[int]) -> bool:
        """Whether all that can follow was tried: from the same state, with no one asleep who is awake now."""
        if not self._pruned:
            return False
        here = self._store.text(), tuple(turn.answers for turn in turns)
        before = self._seen.get(here)
        self._seen[here] = asleep if before is None else before & asleep
        return before is not None and before <= asleep
