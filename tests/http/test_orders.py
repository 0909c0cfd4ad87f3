"""The orders over REST."""

from urllib.parse import urlencode

import pytest

from tests.support.steps import buy, cancel, everything, hold, hold_and_confirm, hold_and_prove
from tests.support.world import World


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
        ("7", []),
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
