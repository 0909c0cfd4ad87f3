"""N1 and N2: a raffle's numbers, at the same cost at any size."""

from functools import partial

import pytest

from chalicelib.cli.commands import main
from tests.support.request_counts import Requests
from tests.support.steps import assert_board_is_exact, buy, cancel, everything, hold
from tests.support.world import Buyer, Json, World, text_of

SIZES = (100, 1_000_000)


def test_n2_making_and_activating_a_raffle_costs_the_same_at_any_size(world: World, requests: Requests) -> None:
    world.api("GET", "/api/raffles")  # notes that the token was used
    steps = (("POST", "activate"), ("POST", "generate-tickets"), ("GET", "availability"), ("POST", "deactivate"))
    costs = []
    for size in SIZES:
        raffles: list[Json] = []

        def create(raffles: list[Json] = raffles, size: int = size) -> None:
            raffles.append(world.raffle(active=False, last_number=size, code=f"R{size}"))

        operations = [requests.during(create)]
        path = f"/api/raffles/{raffles[0]['id']}"
        operations += [requests.during(partial(world.api, method, f"{path}/{step}")) for method, step in steps]
        costs.append(operations)
    assert costs[0] == costs[1]
    assert all(len(operations) <= 4 for operations in costs[0])


@pytest.mark.parametrize("size", SIZES)
def test_n2_every_number_of_a_new_raffle_is_available(world: World, size: int) -> None:
    raffle = world.raffle(last_number=size)
    assert world.availability(raffle) == (size, 0, 0)
    page = world.api("GET", f"/api/raffles/{raffle['id']}/tickets?page_size=2").body["results"]
    assert page == [{"number": n, "status": "AVAILABLE", "order": None, "contact": None} for n in (1, 2)]


@pytest.mark.parametrize(
    ("first", "last", "typed", "shown"),
    [
        (1, 9, "7", "*7*"),
        (1, 100, "7", "*007*"),
        (0, 999, "0, 7, 999", "*000, 007, 999*"),
        (1, 1_000_000, "7", "*0000007*"),
        (500, 1499, "0500", "*0500*"),
    ],
)
def test_n1_numbers_are_shown_as_wide_as_the_last(
    world: World, lucia: Buyer, first: int, last: int, typed: str, shown: str
) -> None:
    world.raffle(first_number=first, last_number=last)
    hold(lucia, typed)
    assert shown in text_of(lucia.heard[-1])


@pytest.mark.parametrize("typed", ["0", "101", "5, 101", "250"])
def test_n1_a_number_outside_the_range_is_refused_and_nothing_is_held(world: World, lucia: Buyer, typed: str) -> None:
    raffle = world.raffle()
    lucia.says("BIKE")
    assert "from 001 to 100" in text_of(lucia.says(typed))
    assert world.availability(raffle) == (100, 0, 0)


@pytest.mark.parametrize(
    ("first", "last", "status"),
    [(1, 1_000_000, 201), (0, 999_999, 201), (1, 1_000_001, 422), (0, 1_000_000, 422), (5, 5, 201), (5, 4, 422)],
)
def test_n1_a_raffle_has_one_to_a_million_numbers(world: World, first: int, last: int, status: int) -> None:
    body = {"title": "T", "unit_amount": 1, "currency": "GTQ", "first_number": first, "last_number": last}
    assert world.api("POST", "/api/raffles", body).status == status


@pytest.mark.parametrize("body", [None, {"force": False}, {"force": True}])
def test_n2_generate_tickets_refuses_reserved_and_sold_numbers(
    world: World, lucia: Buyer, marco: Buyer, body: object
) -> None:
    raffle = world.raffle()
    path = f"/api/raffles/{raffle['id']}/generate-tickets"
    assert world.api("POST", path, body).status == 200
    held = hold(lucia, "5")
    assert world.api("POST", path, body).body["code"] == "raffle_has_sales"
    cancel(world, held)
    assert world.api("POST", path, body).body == {"total": 100, "available": 100, "reserved": 0, "sold": 0}
    buy(marco, "7")
    refused = world.api("POST", path, body)
    assert (refused.status, refused.body["code"]) == (409, "raffle_has_sales")
    assert_board_is_exact(world, raffle)


@pytest.mark.parametrize("force", [[], ["--force"]])
def test_n2_the_command_refuses_reserved_and_sold_numbers(
    world: World, lucia: Buyer, capsys: pytest.CaptureFixture[str], force: list[str]
) -> None:
    raffle = world.raffle()
    assert main(["generate-tickets", raffle["id"], *force]) == 0
    assert "100 of 100" in capsys.readouterr().out
    buy(lucia, "5,12")
    assert main(["generate-tickets", raffle["id"], *force]) == 1
    assert "2 are" in capsys.readouterr().err
    assert world.availability(raffle) == (98, 0, 2)


@pytest.mark.parametrize("size", [100, 5_000])
def test_ticket_pages_of_any_status_neither_skip_nor_repeat(world: World, lucia: Buyer, size: int) -> None:
    raffle = world.raffle(first_number=10, last_number=size + 9)
    reserved, sold = {10, 11, size - 60, size + 9}, {12, size - 30, *range(size // 2, size // 2 + 36)}
    buy(lucia, ", ".join(f"#{number}" for number in sold))
    hold(lucia, ", ".join(f"#{number}" for number in reserved))
    free = set(range(10, size + 10)) - reserved - sold
    for status, numbers in (("RESERVED", reserved), ("SOLD", sold), ("AVAILABLE", free)):
        for page_size in (1, 7, 200) if len(numbers) < 200 else (199,):
            path = f"/api/raffles/{raffle['id']}/tickets?status={status}&page_size={page_size}"
            found = everything(world, path)
            assert [ticket["number"] for ticket in found] == sorted(numbers)
            assert all((ticket["order"] is None) == (status == "AVAILABLE") for ticket in found)
    assert_board_is_exact(world, raffle)


def test_a_status_that_few_numbers_of_a_large_raffle_have_takes_at_most_four_requests(
    world: World, lucia: Buyer, marco: Buyer, requests: Requests
) -> None:
    raffle = world.raffle(last_number=1_000_000)
    # A number on each of 120 leaves, so that the first hundred of them bring no page of sold ones.
    for start in (1, 400_001, 800_001):
        hold(marco, ", ".join(f"#{number}" for number in range(start, start + 40 * 2_048, 2_048)))
    buy(lucia, "#999999, #1000000")
    path = f"/api/raffles/{raffle['id']}/tickets?status=SOLD"
    _, *asked = requests.during(lambda: world.api("GET", path))
    assert asked == ["Query", "BatchGetItem", "Query", "BatchGetItem"]
    assert [ticket["number"] for ticket in world.api("GET", path).body["results"]] == [999_999, 1_000_000]


@pytest.mark.parametrize("change", [{"last_number": 50}, {"first_number": 2}, {"first_number": 0}])
def test_n3_a_raffle_that_was_activated_only_grows_at_its_end(world: World, change: Json) -> None:
    path = f"/api/raffles/{world.raffle()['id']}"
    refused = world.api("PATCH", path, change)
    assert (refused.status, refused.body["code"]) == (409, "numbers_invalid")
    assert world.api("PATCH", path, {"last_number": 200}).status == 200


def test_a_raffle_in_which_numbers_are_reserved_is_not_cancelled(world: World, lucia: Buyer) -> None:
    path = f"/api/raffles/{world.raffle()['id']}"
    order_id = hold(lucia)
    world.api("POST", f"{path}/deactivate")
    refused = world.api("POST", f"{path}/cancel")
    assert (refused.status, refused.body["code"]) == (409, "raffle_has_sales")
    cancel(world, order_id)
    assert world.api("POST", f"{path}/cancel").body["status"] == "CANCELLED"


def test_a_cancelled_raffle_is_not_changed(world: World) -> None:
    path = f"/api/raffles/{world.raffle(active=False)['id']}"
    world.api("POST", f"{path}/cancel")
    refused = world.api("PATCH", path, {"title": "Another"})
    assert (refused.status, refused.body["code"]) == (409, "raffle_out_of_turn")
