"""Two who change the same contact at once: nothing of either is lost."""

from datetime import timedelta

import pytest

from chalicelib.domain.contacts import Contact
from chalicelib.store import contacts
from chalicelib.store.contact_ids import contact_ids_of
from chalicelib.store.records import AliasRecord
from chalicelib.store.transaction import ConditionsFailed, Transaction
from tests.support.contact_chat import known
from tests.support.request_counts import Requests
from tests.support.world import Buyer, World


def saving(world: World, contact: Contact) -> Transaction:
    transaction = Transaction()
    contacts.save(transaction, contact, now=world.clock.now)
    return transaction


def test_m2_of_two_who_read_the_same_contact_only_the_first_saves_it(world: World, lucia: Buyer) -> None:
    lucia.says("menu")
    for_one, for_other = saving(world, known(lucia)), saving(world, known(lucia))
    for_one.commit()
    with pytest.raises(ConditionsFailed):
        for_other.commit()


def test_h13_what_relies_on_a_contact_fails_once_that_one_has_changed(world: World, lucia: Buyer) -> None:
    lucia.says("menu")
    relying = Transaction()
    contacts.require_unchanged(relying, known(lucia))
    contacts.opt_out(known(lucia).id, world.clock.now)
    with pytest.raises(ConditionsFailed):
        relying.commit()


def test_a_contact_that_has_just_written_does_not_become_an_alias(world: World, lucia: Buyer, marco: Buyer) -> None:
    lucia.says("menu")
    marco.says("menu")
    merging = Transaction()
    contacts.replace_by_alias(merging, known(marco), known(lucia))
    marco.says("menu")
    with pytest.raises(ConditionsFailed):
        merging.commit()


def test_m5_an_opt_out_that_whatsapp_reports_while_a_message_is_answered_is_kept(
    world: World, lucia: Buyer, requests: Requests
) -> None:
    lucia.says("menu")
    requests.before_the_next_commit(lambda: contacts.opt_out(known(lucia).id, world.clock.now))
    lucia.says("menu")
    assert known(lucia).opted_out


def test_m5_an_opt_out_from_before_a_later_opt_in_changes_nothing(world: World, lucia: Buyer) -> None:
    lucia.says("stop")
    lucia.says("start")
    contacts.opt_out(known(lucia).id, world.clock.now - timedelta(minutes=1))
    assert not known(lucia).opted_out


def test_m3_messages_wait_for_the_last_one_that_waits(world: World, lucia: Buyer) -> None:
    lucia.says("menu")
    for outbound_id in ("2026-11-23#2", "2026-11-23#1"):
        contacts.hold_back(known(lucia).id, outbound_id)
    assert known(lucia).waits_for == "2026-11-23#2"


def test_v2_an_alias_that_leads_to_somebody_else_by_now_is_not_deleted(world: World, lucia: Buyer) -> None:
    lucia.says("menu")
    alias_id = next(one for one in contact_ids_of(known(lucia).identity) if one != known(lucia).id)
    erasing = Transaction()
    contacts.remove_aliases(erasing, known(lucia))
    AliasRecord(*contacts.key(alias_id), contact_id="somebody else").save()
    with pytest.raises(ConditionsFailed):
        erasing.commit()
