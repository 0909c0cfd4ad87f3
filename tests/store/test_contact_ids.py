"""V2: the ids of people, from which nobody gets back to a name without the key in the table."""

from hashlib import sha256

import pytest

from chalicelib.domain.messages import Identity
from chalicelib.store import contact_ids
from chalicelib.store.contact_ids import contact_ids_of
from chalicelib.store.records import Record
from tests.support.world import World

PHONE = "50255500001"
PERSON = Identity(user_id="GT.770001", phone=PHONE)


def another_process() -> None:
    Record.Meta.name_key = None


@pytest.mark.usefixtures("world")
def test_v2_a_name_has_the_same_id_in_every_process() -> None:
    ids = contact_ids_of(PERSON)
    another_process()
    assert contact_ids_of(PERSON) == ids
    assert contact_ids_of(Identity(phone=PHONE)) == ids[1:]
    assert len(set(ids)) == 2 and {len(one) for one in ids} == {24}


def test_v2_an_id_alone_does_not_reveal_its_phone_number(world: World) -> None:
    ids = contact_ids_of(PERSON)
    assert sha256(PHONE.encode()).hexdigest()[:24] not in ids
    Record.get(*contact_ids.KEY).delete()
    another_process()
    assert not set(contact_ids_of(PERSON)) & set(ids), "of another stack"


def test_v2_two_processes_that_create_the_key_at_once_use_the_same_one(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids, read = contact_ids_of(PERSON), contact_ids._read_key
    another_process()
    missed = [True]  # it was not there yet
    monkeypatch.setattr(contact_ids, "_read_key", lambda: None if missed and missed.pop() else read())
    assert contact_ids_of(PERSON) == ids
