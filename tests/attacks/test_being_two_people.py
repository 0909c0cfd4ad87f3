"""H13: one person writes under two spellings of their number, or two names of WhatsApp's, to be two people."""

import pytest

from chalicelib.domain.phone_spellings import canonical, same_number, spellings_of
from tests.support.identities import NEW_PHONE, NEW_USER_ID, PHONE, USER_ID, contact_of, moves, person, writes
from tests.support.request_counts import Requests
from tests.support.steps import hold
from tests.support.world import World, text_of

PAIRS = [
    pytest.param("+5215512345678", "+525512345678", id="Mexico"),
    pytest.param("+5491123456789", "+541123456789", id="Argentina"),
    pytest.param("+5511987654321", "+551187654321", id="Brazil"),
]
OTHERS = ["5511 3456 7890", "5511 2345 6789", "502 5555 0000", "1 202 555 0143", "521 2345 6789", "549 1123 4567"]


@pytest.mark.parametrize(("long", "short"), PAIRS)
def test_h13_a_number_in_two_spellings_is_one_contact(world: World, long: str, short: str) -> None:
    raffle = world.raffle(limited=True)
    for first, second in ((long, short), (short, long)):
        assert same_number(first[1:], second[1:]) and canonical(first[1:]) == short[1:]
    order_id = hold(writes(world, person(long)), "1-40")
    other = writes(world, person(short))
    assert order_id in text_of(other.says("my orders"))
    other.says("BIKE")
    assert "unpaid numbers" in text_of(other.says("#41"))
    assert contact_of(person(long)).id == contact_of(person(short)).id
    assert world.availability(raffle) == (60, 40, 0)


@pytest.mark.parametrize(("long", "short"), PAIRS)
def test_h13_so_it_is_with_a_user_id_that_comes_with_either_spelling(world: World, long: str, short: str) -> None:
    world.raffle(limited=True)
    order_id = hold(writes(world, person(short, USER_ID)))
    for who in (person(long), person(long, USER_ID), person(None, USER_ID), person(short)):
        assert order_id in text_of(writes(world, who).says("my orders"))


@pytest.mark.parametrize("number", OTHERS)
def test_h13_other_numbers_have_one_spelling(number: str) -> None:
    digits = number.replace(" ", "")
    assert spellings_of(digits) == (digits,)


def test_h13_limits_count_over_contacts_that_turn_out_to_be_one_person(world: World) -> None:
    raffle = world.raffle(limited=True, max_per_contact=60)
    before, after = person(PHONE, USER_ID), person(NEW_PHONE, NEW_USER_ID)
    hold(writes(world, before), "1-30")
    new = writes(world, after)
    hold(new, "31-35")
    world.deliver(moves(world, before, NEW_PHONE))
    assert contact_of(after).same_person == (contact_of(person(None, USER_ID)).id,)
    new.says("BIKE")
    assert "already have 2 unpaid orders" in text_of(new.says("#50"))
    assert world.availability(raffle) == (65, 35, 0)


def test_h13_an_erased_contact_is_not_named_by_the_other_one(world: World) -> None:
    world.raffle(limited=True)
    before, after = person(PHONE, USER_ID), person(NEW_PHONE, NEW_USER_ID)
    hold(writes(world, before), "1")
    hold(writes(world, after), "2")
    world.deliver(moves(world, before, NEW_PHONE))
    world.clock.pass_minutes(15)
    world.minute()
    old = contact_of(person(None, USER_ID)).id
    assert world.api("POST", f"/api/contacts/{old}/erase").body["finished"] is True
    assert contact_of(after).same_person == ()


def test_h13_two_messages_at_once_under_two_names_do_not_pass_the_limit_together(
    world: World, requests: Requests
) -> None:
    raffle = world.raffle(limited=True)
    before, after = person(PHONE, USER_ID), person(NEW_PHONE, NEW_USER_ID)
    old, new = writes(world, person(None, USER_ID)), writes(world, after)
    hold(writes(world, before), "1-5")
    hold(new, "6-10")
    world.deliver(moves(world, before, NEW_PHONE))
    world.clock.pass_minutes(15)
    world.minute()
    new.says("BIKE")
    old.says("BIKE")
    requests.before_the_next_commit(lambda: old.says("1-30"))
    assert "at most 40 unpaid numbers" in text_of(new.says("41-70"))
    assert world.availability(raffle) == (70, 30, 0)
