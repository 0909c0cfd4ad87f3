"""What judging a statement, a report and the dashboard cost, counted in requests to DynamoDB."""

import pytest

from tests.support.request_counts import Requests
from tests.support.statements import post
from tests.support.steps import hold
from tests.support.world import World

READS = ("Query", "BatchGetItem")  # the token is got and updated


def test_orders_are_read_a_hundred_at_a_time(world: World, requests: Requests) -> None:
    world.raffle()
    orders = [hold(world.buyer(number=n), str(n)) for n in range(1, 6)]
    sure = [f"{order};25,00" for order in orders]
    made = requests.during(lambda: post(world, *sure))
    assert [operation for operation in made if operation in READS] == ["BatchGetItem"]
    out = hold(world.buyer(number=6), "6")
    made = requests.during(lambda: post(world, *sure, f"{out};-25,00"))
    assert [operation for operation in made if operation in READS] == ["BatchGetItem"]
    made = requests.during(lambda: post(world, *sure, "nobody;25,00"))
    assert [operation for operation in made if operation in READS] == [
        "BatchGetItem", "Query", "Query", "Query", "BatchGetItem"
    ]  # fmt: skip


@pytest.mark.parametrize("count", [0, 1, 3])
def test_the_dashboard_takes_seventeen_requests_and_one_for_all_boards(
    world: World, requests: Requests, count: int
) -> None:
    for number in range(count):
        world.raffle(code=f"RAFFLE-{number}")
    world.api("GET", "/api/me")  # a process reads the list of tokens once
    made = requests.during(lambda: world.api("GET", "/api/stats"))
    assert len([operation for operation in made if operation in READS]) == 17 + (count > 0)


def test_a_report_takes_a_query_for_each_thousand_orders_and_three(world: World, requests: Requests) -> None:
    raffle = world.raffle()
    hold(world.buyer(), "1")
    made = requests.during(lambda: world.api("GET", f"/api/raffles/{raffle['id']}/report"))
    assert [operation for operation in made if operation in READS] == ["Query"] * 4
