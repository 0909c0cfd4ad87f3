"""Who may ask for an export, and which run owns it. The audit log stands before some of these conditions."""

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.domain.exports import LEASE, Export, ExportRequest, ExportStatus, Reason
from chalicelib.store import exports
from chalicelib.store.exports import LatestExport
from chalicelib.store.transaction import ConditionsFailed, Transaction
from tests.support.world import World

REQUEST = ExportRequest("raffle")
NEVER = LatestExport(None, None)


def adding(export: Export, after: LatestExport) -> Transaction:
    transaction = Transaction()
    exports.add(transaction, export, after)
    return transaction


@pytest.fixture
def export(world: World) -> Export:
    """An export that waits to be made."""
    export = Export(
        id="e1", request=REQUEST, status=ExportStatus.WAITING, file_name="tickets.csv", created_at=world.clock.now,
        updated_at=world.clock.now,
    )  # fmt: skip
    adding(export, NEVER).commit()
    return export


def finish(world: World, run: str) -> bool:
    return exports.finish("e1", run, rows=1, size=10, now=world.clock.now)


def test_an_export_replaces_no_other_one_with_its_id(export: Export) -> None:
    with pytest.raises(ConditionsFailed):
        adding(export, exports.get_latest(REQUEST)).commit()


def test_of_two_requests_at_once_for_the_same_one_makes_an_export(export: Export) -> None:
    with pytest.raises(ConditionsFailed):
        adding(replace(export, id="e2"), NEVER).commit()
    assert exports.get_latest(REQUEST).export_id == "e1"


def test_the_same_may_be_asked_for_again(export: Export) -> None:
    adding(replace(export, id="e2"), exports.get_latest(REQUEST)).commit()
    assert exports.get_latest(REQUEST).export_id == "e2"


def test_one_run_at_a_time_owns_an_export_until_its_lease_is_over(world: World, export: Export) -> None:
    assert exports.start("e1", "run 1", world.clock.now)
    assert exports.start("e1", "run 2", world.clock.now + LEASE - timedelta(seconds=1)) is None
    assert exports.start("e1", "run 1", world.clock.now), "the answer to its first try was lost"
    assert exports.start("e1", "run 2", world.clock.now + LEASE)


@pytest.mark.parametrize("run", ["run 1", "run 2"])
def test_a_finished_export_is_not_made_again(world: World, export: Export, run: str) -> None:
    exports.start("e1", "run 1", world.clock.now)
    finish(world, "run 1")
    assert exports.start("e1", run, world.clock.now + 2 * LEASE) is None


def test_a_run_that_has_lost_its_export_changes_nothing(world: World, export: Export) -> None:
    exports.start("e1", "run 1", world.clock.now)
    exports.start("e1", "run 2", world.clock.now + LEASE)
    now = world.clock.now
    assert not exports.set_progress("e1", "run 1", rows=None, done=1, progress=1, now=now)
    assert not exports.fail("e1", "run 1", Reason.INTERNAL_ERROR, now)
    assert not exports.release("e1", "run 1", now)
    assert not finish(world, "run 1")
    assert exports.get("e1").run == "run 2"


def test_a_finished_export_changes_no_more(world: World, export: Export) -> None:
    exports.start("e1", "run 1", world.clock.now)
    assert finish(world, "run 1")
    assert finish(world, "run 1"), "the answer to its first try was lost"
    assert not exports.set_progress("e1", "run 1", rows=None, done=1, progress=1, now=world.clock.now)
    assert not exports.release("e1", "run 1", world.clock.now)
    assert not finish(world, "run 2")
    assert exports.get("e1").status is ExportStatus.READY


def test_a_run_that_gave_its_export_up_does_not_finish_it(world: World, export: Export) -> None:
    exports.start("e1", "run 1", world.clock.now)
    assert exports.release("e1", "run 1", world.clock.now)
    assert not finish(world, "run 1")
    assert exports.get("e1").status is ExportStatus.WAITING
