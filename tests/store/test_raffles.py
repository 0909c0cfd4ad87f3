"""Raffles, where two changes meet. The audit log stands before these conditions, so each is tried without it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.domain.raffles import Raffle
from chalicelib.store import consistency_reads, raffles
from chalicelib.store.consistency_reads import Indexed
from chalicelib.store.transaction import Busy, ConditionsFailed, Transaction
from tests.support.world import World


@pytest.fixture
def raffle(world: World) -> Raffle:
    return raffles.get(world.raffle(active=False)["id"])


def activate(world: World, raffle: Raffle) -> None:
    world.clock.pass_minutes(1)
    assert world.api("POST", f"/api/raffles/{raffle.id}/activate").status == 200


def test_a_raffle_replaces_no_other_one_with_its_id(world: World, raffle: Raffle) -> None:
    adding = Transaction()
    raffles.add(adding, replace(raffle, code="OTHER"))
    with pytest.raises(ConditionsFailed):
        adding.commit()


def test_a_code_opens_one_raffle(world: World, raffle: Raffle) -> None:
    adding = Transaction()
    raffles.add(adding, replace(raffle, id="another"))
    with pytest.raises(ConditionsFailed):
        adding.commit()


def test_a_change_undoes_no_other_one(world: World, raffle: Raffle) -> None:
    changing = Transaction()
    changed = replace(raffle, title="Bicycle and helmet", updated_at=raffle.updated_at + timedelta(seconds=1))
    raffles.replace(changing, raffle, changed)
    activate(world, raffle)
    with pytest.raises(ConditionsFailed):
        changing.commit()


def test_n3_a_raffle_that_was_activated_meanwhile_is_not_deleted(world: World, raffle: Raffle) -> None:
    deleting = Transaction()
    raffles.delete(deleting, raffle)
    activate(world, raffle)
    with pytest.raises(ConditionsFailed):
        deleting.commit()


def test_a_repair_of_a_raffles_places_in_the_indexes_undoes_no_change(world: World, raffle: Raffle) -> None:
    activate(world, raffle)
    with pytest.raises(Busy):
        consistency_reads.set_raffle_keys(Indexed(raffle, {"queue_key": "RAFFLE#DRAFT"}))
