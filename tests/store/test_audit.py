"""The log is only ever added to: each of its two conditions holds where the other one would not."""

import pytest

from chalicelib.domain.audit import AuditEvent, Head, chain_of
from chalicelib.domain.organisers import COMMAND_LINE
from chalicelib.store import audit
from chalicelib.store.records import AuditHeadRecord, AuditRecord
from chalicelib.store.transaction import ConditionsFailed, Transaction
from tests.support.world import World

TARGET = "raffle:example"


def appending(world: World, newest: Head) -> Transaction:
    """What an organiser is about to commit who has read the log's newest entry."""
    transaction = Transaction()
    event = AuditEvent(action="raffle.changed", target=TARGET, by=COMMAND_LINE, at=world.clock.now, before={}, after={})
    audit.append(transaction, newest, event)
    return transaction


@pytest.mark.parametrize("earlier", [0, 1])
def test_o2_the_place_of_an_entry_that_was_deleted_is_not_filled_by_whoever_read_the_log_before(
    world: World, earlier: int
) -> None:
    for _ in range(earlier):
        appending(world, audit.head(TARGET)).commit()
    slow = appending(world, audit.head(TARGET))
    appending(world, audit.head(TARGET)).commit()
    newest = audit.head(TARGET)
    AuditRecord(*audit._key(chain_of(TARGET), newest.number)).delete()
    with pytest.raises(ConditionsFailed):
        slow.commit()
    assert audit.head(TARGET) == newest


def test_o2_an_entry_is_not_overwritten_although_somebody_put_the_newest_entry_back(world: World) -> None:
    empty = audit.head(TARGET)
    assert empty == Head()
    appending(world, empty).commit()
    [entry] = audit.listed(target=TARGET, limit=2).items
    AuditHeadRecord(*audit.head_key(TARGET)).delete()
    world.clock.pass_minutes(1)
    with pytest.raises(ConditionsFailed):
        appending(world, audit.head(TARGET)).commit()
    assert audit.listed(target=TARGET, limit=2).items == [entry]


def test_o11_the_newest_entry_of_something_is_found_among_the_newest_of_its_chain(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "BATCH", 3)
    monkeypatch.setattr(audit, "LOOKED_BACK", 6)
    target = "order:1"
    others = [f"order:{number}" for number in range(2, 400) if chain_of(f"order:{number}") == chain_of(target)]

    def add(what: str, action: str) -> None:
        transaction = Transaction()
        now = world.clock.now
        audit.record(transaction, action=action, target=what, by=COMMAND_LINE, at=now, before={}, after={})
        transaction.commit()

    wanted = ("order.paid", "order.rejected")
    assert audit.newest_of(target, wanted) is None
    for action in ("order.rejected", "order.paid", "proof.read"):
        add(target, action)
    for left, other in enumerate(others[:5]):
        found = audit.newest_of(target, wanted)
        assert found is not None and (found.action, found.target) == ("order.paid", target), left
        add(other, "order.paid")
    assert audit.newest_of(target, wanted) is None
