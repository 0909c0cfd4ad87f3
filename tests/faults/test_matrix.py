"""Every fault at every request of every deed: afterwards all is as if nothing had been wrong, and nothing is twice.

A fault that happens once is withstood by the function that meets it: nobody outside notices. One that lasts becomes a
clear refusal or a message that the queue delivers again; once it is over, the same deed comes to the same.
"""

from dataclasses import dataclass

import pytest

from chalicelib.store import retries
from tests.support.faults import wire as w
from tests.support.faults.operations import DEEDS, Deed
from tests.support.faults.pauses import Pauses
from tests.support.faults.scene import Json, Moment, Scene

TRANSACTION, BATCH, QUERY, GET, UPDATE = "TransactWriteItems", "BatchGetItem", "Query", "GetItem", "UpdateItem"
ANY = (TRANSACTION, BATCH, QUERY, GET, UPDATE)


@dataclass(frozen=True)
class Fault:
    effect: w.Effect
    operations: tuple[str, ...]  # on which it happens
    comes_back: bool = False  # what is asked again meets it again, until the deed is over: it only slows things down
    minds_tokens: bool = True  # whether DynamoDB knows the transaction by its token; not after ten minutes


# One fault meets every request. The others go the same ways through the code: each meets operations where that way is
# another one, or the only ones that have it.
FAULTS = {
    "ThrottlingException": Fault(w.answers("ThrottlingException"), ANY),
    "time-out after it was done": Fault(w.times_out_after, (TRANSACTION, UPDATE)),
    "time-out, and the token has lapsed": Fault(w.times_out_after, (TRANSACTION,), minds_tokens=False),
    "reset after it was done": Fault(w.resets_after, (TRANSACTION,)),
    "reset before it was seen": Fault(w.resets_before, (TRANSACTION,)),
    "no connection": Fault(w.cannot_connect, (GET,)),
    "a 500, done": Fault(w.fails_after, (TRANSACTION,)),
    "a 500, not done": Fault(w.answers("InternalServerError", 500), (BATCH,)),
    "a 503, not done": Fault(w.answers("ServiceUnavailable", 503), (QUERY,)),
    "RequestLimitExceeded": Fault(w.answers("RequestLimitExceeded"), (TRANSACTION,)),
    "ProvisionedThroughputExceededException": Fault(w.answers("ProvisionedThroughputExceededException"), (UPDATE, GET)),
    "TransactionConflict": Fault(w.cancels("TransactionConflict"), (TRANSACTION,)),
    "ThrottlingError": Fault(w.cancels("ThrottlingError"), (TRANSACTION,)),
    "ProvisionedThroughputExceeded": Fault(w.cancels("ProvisionedThroughputExceeded"), (TRANSACTION,)),
    "TransactionInProgressException": Fault(w.answers("TransactionInProgressException"), (TRANSACTION,)),
    "TransactionConflictException": Fault(w.answers("TransactionConflictException"), (UPDATE,)),
    "a batch without any": Fault(w.leaves_out(0), (BATCH,)),
    "a batch that comes one by one": Fault(w.leaves_out(1), (BATCH,), comes_back=True),
    "pages of one": Fault(w.short_page, (QUERY,), comes_back=True),
    "an empty page": Fault(w.empty_page, (QUERY,), comes_back=True),
}
LASTING = {
    "ThrottlingException": Fault(w.answers("ThrottlingException"), ANY),
    "time-out after it was done": Fault(w.times_out_after, (TRANSACTION, UPDATE)),
    "TransactionConflict": Fault(w.cancels("TransactionConflict"), (TRANSACTION,)),
    "TransactionInProgressException": Fault(w.answers("TransactionInProgressException"), (TRANSACTION,)),
    "a batch without any": Fault(w.leaves_out(0), (BATCH,)),
}

_moments: dict[str, tuple[Moment, list[str], Json]] = {}


def ready(scene: Scene, name: str) -> tuple[list[str], Json]:
    """Put the scene to where the deed begins. What the deed asks, and what it comes to when nothing is wrong."""
    deed = DEEDS[name]
    if name not in _moments:
        scene.go_back(scene.beginning)
        deed.before(scene)
        moment = scene.remember()
        scene.wire.rests()
        deed.do(scene)
        operations = scene.wire.operations()
        scene.aftermath(statuses=False)
        _moments[name] = moment, operations, scene.story(numbers=not deed.chance)
        assert scene.faults_of_the_board() == []
    moment, operations, story = _moments[name]
    scene.go_back(moment)
    return operations, story


def hits(operations: list[str], fault: Fault) -> list[int]:
    """The positions of those requests at which the fault may happen."""
    return [at for at, operation in enumerate(operations) if operation in fault.operations]


def begins(operations: list[str], fault: Fault) -> list[int]:
    """Those at which a fault that lasts may begin: at the first request of each kind, since later ones meet it too."""
    return [at for at in hits(operations, fault) if operations[at] not in operations[:at]]


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("name", DEEDS)
def test_m1_a_passing_fault_changes_nothing(scene: Scene, pauses: Pauses, name: str, fault: str) -> None:
    deed, meets = DEEDS[name], FAULTS[fault]
    operations, expected = ready(scene, name)
    for number in hits(operations, meets):
        scene.go_back(_moments[name][0])
        pauses.clear()
        when = w.from_then_on if meets.comes_back else w.once
        scene.wire.minds_tokens = meets.minds_tokens
        scene.wire.effect = when(number, meets.effect, meets.operations)
        deed.do(scene)
        scene.aftermath(statuses=False)
        assert scene.again == 0, f"request {number}"
        assert_same(scene, deed, expected, f"request {number}, {operations[number]}")
        assert sum(pauses) < 3


@pytest.mark.parametrize("fault", LASTING)
@pytest.mark.parametrize("name", DEEDS)
def test_a_lasting_fault_is_a_refusal_or_another_delivery_and_loses_nothing(
    scene: Scene, pauses: Pauses, name: str, fault: str
) -> None:
    deed, meets = DEEDS[name], LASTING[fault]
    operations, expected = ready(scene, name)
    for number in begins(operations, meets):
        scene.go_back(_moments[name][0])
        pauses.clear()
        scene.wire.effect = w.from_then_on(number, meets.effect, meets.operations)
        deed.do(scene)
        scene.aftermath(statuses=True)
        assert_same(scene, deed, expected, f"request {number}, {operations[number]}")
        assert all(answer.status < 500 for answer in scene.answers)
        # One call meets the fault; the next ones only pause for each other, if at all.
        assert sum(pauses) < retries.DEADLINE_SECONDS + 0.5


def assert_same(scene: Scene, deed: Deed, expected: Json, where: str) -> None:
    assert scene.story(numbers=not deed.chance) == expected, where
    assert scene.faults_of_the_board() == [], where
