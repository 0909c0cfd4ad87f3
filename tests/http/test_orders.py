"""The orders over REST."""

from typing import Any
from urllib.parse import urlencode

import pytest

from tests.support.request_counts import Requests
from tests.support.steps import buy, cancel, everything, hold, hold_and_confirm, hold_and_prove
from tests.support.world import Buyer, World


def test_an_order_shows_its_fields(world: World) -> None:
    raffle = world.raffle()
    order = world.order(hold(world.buyer()) + "/")
    assert (order["raffle"], order["numbers"], order["quantity"]) == (raffle["id"], [5, 12], 2)
    assert (order["amount"], order["currency"], order["status"]) == (5000, "GTQ", "DRAFT")
    assert {"id", "contact", "reserved_until", "proof", "created_at", "updated_at", "paid_at"} <= set(order)


@pytest.mark.parametrize("size", [1, 2, 3, 8])
def test_lists_neither_skip_nor_repeat_whatever_they_are_filtered_by(world: World, size: int) -> None:
    raffle, other = world.raffle(), world.raffle(code="CAR")
    made = []
    for number in range(1, 7):
        world.clock.now = world.clock.now.replace(second=number)
        act = hold if number % 2 else hold_and_confirm
        buyer = world.buyer(number=number % 3 + 1)
        buyer.says("raffles")
        made.append(act(buyer, str(number), "BIKE" if number < 6 else "CAR"))
    contact = world.order(made[0])["contact"]
    for query, wanted in (
        ("", made[::-1]),
        (f"raffle={raffle['id']}", made[4::-1]),
        (f"raffle={other['id']}", made[5:]),
        ("status=DRAFT", None),
        (f"contact={contact}", None),
        (f"raffle={raffle['id']}&status=PENDING_PAYMENT", None),
    ):
        url = f"/api/orders?page_size={size}&{query}"
        found = [order["id"] for order in everything(world, url)]
        assert len(found) == len(set(found)) > 0
        if wanted is not None:
            assert found == wanted
        first = world.api("GET", url).body
        if first["next"]:
            second = world.api("GET", first["next"]).body
            assert world.api("GET", second["previous"]).body["results"] == first["results"]
            assert world.api("GET", second["previous"]).body["previous"] is None


@pytest.mark.parametrize("size", [1, 2, 3])
def test_pending_payment_page_by_page(world: World, size: int) -> None:
    world.raffle()
    waiting = []
    for number in range(1, 5):
        world.clock.now = world.clock.now.replace(second=number)
        waiting.append(hold_and_confirm(world.buyer(number=number), str(number)))
    world.buyer(number=4).sends_proof()
    found = everything(world, f"/api/orders/pending-payment?page_size={size}")
    assert [order["id"] for order in found] == [waiting[3], *waiting[:3]]


@pytest.mark.parametrize("size", [1, 2, 50])
def test_pending_payment_of_one_raffle(world: World, size: int) -> None:
    raffle, _ = world.raffle(), world.raffle(code="CAR")
    first = hold_and_confirm(world.buyer(number=1), "1")
    hold_and_confirm(world.buyer(number=2), "2", "CAR")
    second = hold_and_prove(world.buyer(number=3), "3")
    found = everything(world, f"/api/orders/pending-payment?page_size={size}&raffle={raffle['id']}")
    assert [order["id"] for order in found] == [second, first]


@pytest.mark.parametrize("size", [1, 2, 50])
def test_a_search_finds_orders_by_what_somebody_remembers(world: World, size: int) -> None:
    raffle = world.raffle()
    order_id = hold(world.buyer("María López", number=7), "5,12")
    paid = buy(world.buyer("Mario", number=8), "7")
    for text, found in (
        (order_id.lower(), [order_id]),
        (order_id[:4] + "-" + order_id[5:], [order_id]),
        ("+502 5550-0007", [order_id]),
        ("5550 0007", [order_id]),
        ("lópez", [order_id]),
        ("mari", [order_id, paid]),
        ("nobody", []),
        ("7", [paid]),
        ("8", []),
    ):
        listed = everything(world, f"/api/orders?{urlencode({'page_size': size, 'search': text})}")
        assert [order["id"] for order in listed] == found, text
    for filters, found in (({"status": "PAID"}, [paid]), ({"raffle": raffle["id"]}, [order_id, paid])):
        listed = everything(world, f"/api/orders?{urlencode({'page_size': size, 'search': 'mari', **filters})}")
        assert [order["id"] for order in listed] == found
    listed = everything(world, f"/api/orders?{urlencode({'search': '#7', 'raffle': raffle['id']})}")
    assert [order["id"] for order in listed] == [paid]


@pytest.mark.parametrize("text", ["", "   ", "x" * 101, "a\x00b"])
def test_a_search_for_nothing_or_too_much_is_a_422(world: World, text: str) -> None:
    found = world.api("GET", f"/api/orders?{urlencode({'search': text})}")
    assert (found.status, found.body["errors"][0]["field"]) == (422, "search")


def test_a_cursor_of_one_search_opens_no_other(world: World) -> None:
    world.raffle()
    for number in (1, 2):
        hold(world.buyer("Ana", number=number), str(number))
    link = world.api("GET", "/api/orders?search=ana&page_size=1").body["next"]
    assert world.api("GET", link).status == 200
    assert world.api("GET", link.replace("search=ana", "search=an")).body["code"] == "cursor_invalid"


def test_an_unknown_order_is_not_found(world: World) -> None:
    for order_id in ("22222222", "x", "%00", "x" * 1500):
        assert world.api("GET", f"/api/orders/{order_id}").status == 404
        for end in ("confirm-payment", "cancel"):
            found = world.api("POST", f"/api/orders/{order_id}/{end}/")
            assert (found.status, found.body["code"]) == (404, "order_not_found")


def test_a_step_out_of_turn_is_a_409(world: World) -> None:
    world.raffle()
    assert cancel(world, buy(world.buyer())).status == 409
    order_id = hold(world.buyer(number=2), "7")
    cancel(world, order_id)
    assert world.api("POST", f"/api/orders/{order_id}/confirm-payment").status == 409


def test_a_bad_filter_is_named(world: World) -> None:
    for query in ("raffle=../x", "raffle=", "contact=Z", "status=draft", "contact=" + "a" * 65):
        found = world.api("GET", f"/api/orders?{query}")
        assert found.status == 422
        assert found.body["errors"][0]["field"] == query.partition("=")[0]


# Filters


def ids(world: World, query: str) -> list[str]:
    return [order["id"] for order in everything(world, f"/api/orders?page_size=2&{query}")]


@pytest.fixture
def minutes(world: World) -> list[str]:
    """Orders that were made at minute 0, 10, 20 and 30, the second and fourth confirmed five minutes later."""
    world.raffle(hold_minutes=None)
    world.raffle(code="CAR", hold_minutes=None)
    made = []
    for number in range(4):
        buyer = world.buyer(number=number + 1)
        made.append(hold(buyer, str(number + 1), "BIKE" if number < 3 else "CAR"))
        world.clock.pass_minutes(5)
        if number % 2:
            buyer.says("yes")
        world.clock.pass_minutes(5)
    return made


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("more", ["", "&raffle", "&status=DRAFT,PENDING_PAYMENT", "&raffle&status=DRAFT"])
def test_orders_are_filtered_by_when_they_were_made(
    world: World, minutes: list[str], more: str, *, backwards: bool
) -> None:
    at = {order_id: world.order(order_id)["created_at"] for order_id in minutes}
    raffle = world.order(minutes[0])["raffle"]
    more = more.replace("&raffle", f"&raffle={raffle}")
    wanted = [
        order_id
        for order_id in minutes[::-1]
        if ("raffle" not in more or world.order(order_id)["raffle"] == raffle)
        and (not more.endswith("=DRAFT") or world.order(order_id)["status"] == "DRAFT")
    ]
    if backwards:
        first = [one for one in wanted if at[one] < at[minutes[3]]]
        assert ids(world, f"created_before={at[minutes[3]]}{more}") == first
    else:
        assert ids(world, f"created_after={at[minutes[1]]}{more}") == [
            one for one in wanted if at[one] >= at[minutes[1]]
        ]
        both = f"created_after={at[minutes[1]]}&created_before={at[minutes[2]]}{more}"
        assert ids(world, both) == [one for one in wanted if one == minutes[1]]
        assert ids(world, f"created_after={at[minutes[2]]}&created_before={at[minutes[1]]}{more}") == []


def test_orders_made_in_a_time_are_paged_both_ways(world: World, minutes: list[str]) -> None:
    since = world.order(minutes[1])["created_at"]
    first = world.api("GET", f"/api/orders?page_size=1&created_after={since}").body
    second = world.api("GET", first["next"]).body
    third = world.api("GET", second["next"]).body
    assert [page["results"][0]["id"] for page in (first, second, third)] == minutes[:0:-1]
    assert third["next"] is None
    assert world.api("GET", third["previous"]).body["results"] == second["results"]


def test_orders_are_filtered_by_their_last_change(world: World, minutes: list[str]) -> None:
    changed = world.order(minutes[1])["updated_at"]
    assert ids(world, f"updated_after={changed}") == minutes[:0:-1]
    assert ids(world, f"updated_before={changed}") == minutes[:1]
    assert ids(world, f"updated_after={changed}&status=PENDING_PAYMENT") == [minutes[3], minutes[1]]


def test_several_statuses_make_one_list(world: World, minutes: list[str]) -> None:
    assert ids(world, "status=DRAFT,PENDING_PAYMENT") == minutes[::-1]
    assert ids(world, "status=PENDING_PAYMENT,PAID") == [minutes[3], minutes[1]]
    assert ids(world, "status=PAID,LATE") == []


def test_flagged_orders_have_a_proof_that_another_order_had(world: World) -> None:
    raffle = world.raffle()
    first = hold_and_prove(world.buyer(number=1), "1")
    second = hold_and_prove(world.buyer(number=2), "2")
    hold_and_confirm(world.buyer(number=3), "3")
    assert world.api("GET", f"/api/orders/{second}").body["proof"]["same_file_as"] == first
    for more in ("", f"&raffle={raffle['id']}", "&status=IN_REVIEW", "&search=Buyer"):
        assert ids(world, f"flagged=true{more}") in ([second], []), more
    assert ids(world, "flagged=true") == [second]


@pytest.mark.parametrize("path", ["/api/orders", "/api/orders/pending-payment"])
def test_a_list_of_orders_tells_their_raffles_and_buyers(
    world: World, lucia: Buyer, path: str, requests: Requests
) -> None:
    raffle = world.raffle()
    hold_and_confirm(lucia)
    plain = requests.during(lambda: world.api("GET", path))
    expanded: list[Any] = []
    operations = requests.during(lambda: expanded.append(world.api("GET", f"{path}?expand=raffle,contact")))
    assert len(operations) == len(plain) + 2
    (order,) = expanded[0].body["results"]
    assert order["expanded"]["raffle"] == {
        name: raffle[name] for name in ("id", "code", "title", "status", "first_number", "last_number")
    }
    assert order["expanded"]["contact"] == {"id": order["contact"], "name": "Lucía", "phone": lucia.person.phone}
    (order,) = world.api("GET", f"{path}?expand=raffle").body["results"]
    assert order["expanded"]["contact"] is None and order["expanded"]["raffle"]["code"] == "BIKE"
    (order,) = world.api("GET", path).body["results"]
    assert order["expanded"] is None


@pytest.mark.parametrize(
    "query",
    [
        *("status=", "status=PAID,", "status=paid", "expand=order", "created_after=yesterday"),
        *("created_after=2026-12-01", "flagged=1", "updated_before=5", "expand=raffle,raffle,raffle"),
    ],
)
def test_a_filter_that_cannot_be_read_is_named(world: World, query: str) -> None:
    answer = world.api("GET", f"/api/orders?{query}")
    assert answer.status == 422
    assert answer.body["errors"][0]["field"] == query.partition("=")[0]
