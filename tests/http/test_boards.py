"""The board of a raffle over REST: who draws it asks few times and gets little."""

from collections import Counter
from gzip import compress
from typing import Any

import pytest

from tests.support.request_counts import Requests
from tests.support.steps import MILLION, SPREAD, assert_board_is_exact, buy, cancel, everything, hold
from tests.support.world import Answer, Buyer, World

Json = dict[str, Any]


def board(world: World, raffle: Json, query: str = "", **headers: str) -> Answer:
    return world.api("GET", f"/api/raffles/{raffle['id']}/board{query}", **headers)


def test_each_number_has_the_letter_of_its_state(world: World, lucia: Buyer, marco: Buyer) -> None:
    raffle = world.raffle(first_number=1, last_number=12)
    buy(lucia, "9-11")
    hold(marco, "5, 6")
    found = board(world, raffle)
    assert found.body["numbers"] == "AAAARRAASSSA"
    assert found.body["ranges"] == [{"first": 1, "last": 12, "available": 7, "reserved": 2, "sold": 3}]
    part = board(world, raffle, "?first=6&last=9").body
    assert (part["numbers"], part["ranges"]) == (
        "RAAS",
        [{"first": 6, "last": 9, "available": 2, "reserved": 1, "sold": 1}],
    )
    assert_board_is_exact(world, raffle)


def test_the_board_says_the_same_as_the_list_of_tickets(world: World, lucia: Buyer, marco: Buyer) -> None:
    raffle = world.raffle(first_number=0, last_number=2999)
    buy(lucia, "0, 127, 128, 1500, 2999")
    hold(marco, "1, 63, 64, 2998")
    letters = {"A": "AVAILABLE", "R": "RESERVED", "S": "SOLD"}
    shown = [letters[letter] for letter in board(world, raffle).body["numbers"]]
    assert shown == [one["status"] for one in everything(world, f"/api/raffles/{raffle['id']}/tickets?page_size=200")]


def test_a_million_numbers_are_counted_in_ranges_of_which_each_can_be_seen(world: World, lucia: Buyer) -> None:
    raffle = world.raffle(last_number=MILLION)
    buy(lucia, SPREAD)
    whole = board(world, raffle).body
    assert whole["numbers"] is None and len(whole["ranges"]) == 100
    assert Counter(one["sold"] for one in whole["ranges"]) == {0: 60, 1: 40}
    third = whole["ranges"][2]
    assert (third["first"], third["last"]) == (20_001, 30_000)
    seen = board(world, raffle, f"?first={third['first']}&last={third['last']}").body
    assert Counter(seen["numbers"]) == {"A": 9_999, "S": 1} and seen["numbers"].index("S") == 25_001 - 20_001
    assert sum(one["sold"] for one in seen["ranges"]) == 1


@pytest.mark.parametrize("size", [100, 10_000, MILLION])
def test_a_board_takes_two_requests_and_is_small(world: World, lucia: Buyer, requests: Requests, size: int) -> None:
    """A third one is for the token. At most 20 KB, and 4 KB as API Gateway sends it to who accepts gzip."""
    raffle = world.raffle(last_number=size)
    buy(lucia, "1-40")
    hold(lucia, "41, 43, 45, 99")
    made = requests.during(lambda: board(world, raffle))
    assert made == ["GetItem", "GetItem", "Query"]
    answer = world.client.http.get(f"/api/raffles/{raffle['id']}/board", headers={"Authorization": "Token local-token"})
    assert len(answer.body) < 20_000 and len(compress(answer.body)) < 4_000


def test_who_has_this_version_of_the_board_gets_no_other_copy(world: World, lucia: Buyer) -> None:
    raffle = world.raffle()
    order = hold(lucia, "5")
    first = board(world, raffle)
    tag = first.headers["ETag"]
    for known in (tag, f"W/{tag}", f'"other", {tag}'):
        again = board(world, raffle, **{"If-None-Match": known})
        assert (again.status, again.body, again.headers["ETag"]) == (304, "", tag)
    cancel(world, order)
    changed = board(world, raffle, **{"If-None-Match": tag})
    assert (changed.status, changed.body["numbers"]) == (200, "A" * 100)


@pytest.mark.parametrize("query", ["?first=0", "?last=101", "?first=60&last=50", "?first=7&last=9999999"])
def test_numbers_that_the_raffle_does_not_have_are_refused(world: World, query: str) -> None:
    found = board(world, world.raffle(), query)
    assert (found.status, found.body["code"]) == (409, "numbers_invalid")
    assert "1 to 100" in found.body["detail"]


@pytest.mark.parametrize(("query", "field"), [("?first=-1", "first"), ("?last=x", "last"), ("?first=1.5", "first")])
def test_a_wrong_number_is_named(world: World, query: str, field: str) -> None:
    found = board(world, world.raffle(), query)
    assert (found.status, [error["field"] for error in found.body["errors"]]) == (422, [field])


def test_an_unknown_raffle_has_no_board(world: World) -> None:
    assert world.api("GET", "/api/raffles/nothing/board").status == 404
