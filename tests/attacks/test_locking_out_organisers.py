"""Somebody sends wrong tokens without end, so that organisers are refused, or the table is paid for each of them."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from secrets import token_urlsafe

import pytest

from chalicelib.domain.organisers import COMMAND_LINE, Role
from chalicelib.domain.token_keys import PREFIX, with_check_part
from chalicelib.lambdas import admit
from chalicelib.services.tokens import IDS_READ_EVERY, Tokens
from tests.support.request_counts import Requests
from tests.support.tokens import a_token_of_before, in_another_process
from tests.support.world import World

MINUTE = 60  # seconds
A_SECOND = 20  # wrong tokens
FORMS: dict[str, Callable[[], str]] = {
    "words": lambda: f"guess-{token_urlsafe(4)}",
    "keys of the version before": lambda: token_urlsafe(32),
    "wrong check parts": lambda: f"{PREFIX}{token_urlsafe(32)}00000000",
    "right check parts": lambda: with_check_part(token_urlsafe(32)),
}


def flood(process: Tokens, world: World, form: str) -> Iterator[int]:
    """105 wrong tokens, and then 20 in each second of a minute."""
    for number in range(105 + A_SECOND * MINUTE):
        assert process.admit(f"Token {FORMS[form]()}") is None
        if number >= 105 and number % A_SECOND == 0:
            world.clock.now += timedelta(seconds=1)
            yield number


@pytest.mark.parametrize("form", FORMS)
def test_o5_wrong_tokens_keep_out_no_organiser_whom_a_process_does_not_know(world: World, form: str) -> None:
    create = world.container.tokens.create
    keys = [create(f"Organiser {number}", Role.VIEWER, by=COMMAND_LINE).key for number in range(30)]
    keys += [a_token_of_before(world, f"Old organiser {number}", Role.VIEWER) for number in range(30)]
    process = in_another_process(world)
    admitted = [process.admit(f"Token {key}") for key, _ in zip(keys, flood(process, world, form), strict=False)]
    assert len(admitted) == 60
    assert all(admitted)


@pytest.mark.parametrize(("form", "most"), [("words", 8), ("keys of the version before", 8), ("wrong check parts", 0)])
def test_o5_a_minute_of_garbage_costs_no_look_up(world: World, requests: Requests, form: str, most: int) -> None:
    """But for a query in ten seconds, as long as there may be keys without a check part."""
    process = in_another_process(world)
    asked = requests.during(lambda: list(flood(process, world, form)))
    assert set(asked) <= {"Query"}
    assert len(asked) <= most
    assert IDS_READ_EVERY.total_seconds() == 10


def test_o5_keys_made_up_with_a_right_check_part_cost_a_read_each_and_open_nothing(
    world: World, requests: Requests
) -> None:
    key = with_check_part("x" * 43)
    assert requests.during(lambda: admit(f"Token {key}")) == ["GetItem"]
    assert admit(f"Token {key}") is None
