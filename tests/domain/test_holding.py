"""What a person may hold without having paid, and when again (H9 to H12)."""

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.domain.contacts import Contact
from chalicelib.domain.holding import FORGIVEN_AFTER, MAX_WAIT, check_hold, wait_after
from chalicelib.domain.refusals import HoldLimit, HoldLimited
from tests.support.raffles import NOW, a_raffle

LUCIA = Contact(id="c1", user_id="GT.770001", phone="50255500001", name="Lucía", created_at=NOW)
OTHER = replace(LUCIA, id="c2")
MOST = a_raffle().max_unpaid_holds


def refused(*person: Contact) -> HoldLimit | None:
    """The limit that keeps the person from holding a number now."""
    try:
        check_hold(a_raffle(), person, 1, NOW)
    except HoldLimited as refusal:
        return refusal.limit
    return None


def test_h12_who_is_blocked_under_one_name_holds_nothing_under_another() -> None:
    blocked = replace(OTHER, blocked_at=NOW)
    assert (refused(LUCIA, OTHER), refused(LUCIA, blocked)) == (None, HoldLimit.BLOCKED)


def test_h11_the_wait_is_over_at_the_moment_that_was_said() -> None:
    began = NOW - wait_after(MOST, MOST)
    waiting = replace(OTHER, unpaid_holds=MOST, unpaid_hold_at=began + timedelta(microseconds=1))
    assert refused(LUCIA, waiting) is HoldLimit.WAIT
    assert refused(LUCIA, replace(waiting, unpaid_hold_at=began)) is None


@pytest.mark.parametrize("holds", [20, 1000])
def test_h11_nobody_waits_for_more_than_a_day(holds: int) -> None:
    assert wait_after(holds, MOST) == MAX_WAIT


def test_h11_a_week_without_an_unpaid_hold_forgives_those_before() -> None:
    held = replace(LUCIA, unpaid_holds=MOST, unpaid_hold_at=NOW - FORGIVEN_AFTER)
    assert held.with_unpaid_hold(NOW - timedelta(microseconds=1)).unpaid_holds == MOST + 1
    assert held.with_unpaid_hold(NOW).unpaid_holds == 1
