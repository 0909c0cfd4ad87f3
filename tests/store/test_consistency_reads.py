"""A repair changes nothing if what was read has changed since."""

from dataclasses import replace

import pytest

from chalicelib.domain.board import LeafKey
from chalicelib.domain.consistency import WordKey
from chalicelib.domain.raffles import Raffle
from chalicelib.store import board, contacts, orders, raffles
from chalicelib.store import consistency_reads as reads
from chalicelib.store.transaction import Busy, ConditionsFailed, Transaction
from tests.support.contact_chat import known
from tests.support.steps import assert_board_is_exact, cancel, confirm_payment, hold
from tests.support.world import Buyer, World

LEAF = LeafKey(0, 0)
WORD = WordKey(LEAF, 0)


@pytest.fixture(autouse=True)
def amazons_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """moto still has the limit of TransactGetItems that Amazon raised from 25 to 100 in 2022."""
    monkeypatch.setattr("moto.dynamodb.responses.TRANSACTION_MAX_ITEMS", 100)


@pytest.fixture
def raffle(world: World) -> Raffle:
    return raffles.get(world.raffle()["id"])


def test_a_word_in_which_a_number_was_just_taken_is_not_repaired(world: World, lucia: Buyer, raffle: Raffle) -> None:
    read = reads.read_word(raffle, WORD, {})
    hold(lucia, "5")
    with pytest.raises(Busy):
        reads.set_word(raffle, WORD, read, taken=0, sold=1)
    assert_board_is_exact(world, world.api("GET", f"/api/raffles/{raffle.id}").body)


def test_a_word_in_which_a_number_was_just_sold_is_not_repaired(world: World, lucia: Buyer, raffle: Raffle) -> None:
    order_id = hold(lucia, "5")
    read = reads.read_word(raffle, WORD, {})
    confirm_payment(world, order_id)
    with pytest.raises(Busy):
        reads.set_word(raffle, WORD, read, taken=0, sold=0)
    assert_board_is_exact(world, world.api("GET", f"/api/raffles/{raffle.id}").body)


@pytest.mark.parametrize("was_taken", [False, True], ids=["never taken", "taken and freed"])
def test_a_word_without_bits_is_repaired_whether_it_is_stored_or_not(
    world: World, lucia: Buyer, raffle: Raffle, was_taken: bool
) -> None:
    if was_taken:
        cancel(world, hold(lucia, "5"))
    reads.set_word(raffle, WORD, reads.read_word(raffle, WORD, {}), taken=1, sold=0)
    assert reads.read_leaf(raffle, LEAF).word(0) == (1, 0)


def test_a_leaf_that_is_gone_does_not_come_back_as_half_an_item(raffle: Raffle) -> None:
    with pytest.raises(Busy):
        reads.set_first(raffle, LEAF)
    assert list(board.stored_leaves(raffle.id, LEAF, first=1)) == []


def test_a_leaf_in_which_a_number_was_just_taken_is_not_removed(world: World, lucia: Buyer, raffle: Raffle) -> None:
    read = reads.read_leaf(raffle, LEAF)
    hold(lucia, "5")
    with pytest.raises(Busy):
        reads.remove_leaf(raffle, LEAF, read)
    assert_board_is_exact(world, world.api("GET", f"/api/raffles/{raffle.id}").body)


def test_two_repairs_of_a_count_add_the_same_once(raffle: Raffle) -> None:
    _, read = reads.overview(raffle.id)
    reads.add_to_tally(raffle, "sold", 1, read)
    with pytest.raises(Busy):
        reads.add_to_tally(raffle, "sold", 1, read)
    assert raffles.board(raffle.id).sold == 1


def test_what_newcomers_have_taken_since_the_tally_was_read_is_counted(
    world: World, lucia: Buyer, raffle: Raffle
) -> None:
    tally = orders.get(hold(lucia, "5")).newcomer_tally
    assert tally is not None
    reads.set_newcomers(raffle, tally, 7, read=1)
    with pytest.raises(Busy):
        reads.set_newcomers(raffle, tally, 1, read=1)
    assert raffles.board(raffle.id).newcomers == {tally: 7}


def test_what_a_contact_has_taken_since_they_were_read_is_counted(world: World, lucia: Buyer, raffle: Raffle) -> None:
    lucia.says("menu")
    read = known(lucia)
    hold(lucia, "5")
    with pytest.raises(Busy):
        reads.set_owned(raffle, read, 0, {})
    assert known(lucia).held == {raffle.id: 1}


def test_whoever_read_a_contact_before_a_repair_does_not_write_the_wrong_count_back(
    world: World, lucia: Buyer, raffle: Raffle
) -> None:
    hold(lucia, "5")
    before = known(lucia)
    reads.set_owned(raffle, before, 3, {})
    saving = Transaction()
    contacts.save(saving, replace(before, name="Lucy"), now=world.clock.now)
    with pytest.raises(ConditionsFailed):
        saving.commit()
