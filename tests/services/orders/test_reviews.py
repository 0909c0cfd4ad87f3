"""O12: who has an order open for review is shown, and keeps nobody from deciding."""

from typing import Any

import pytest

from chalicelib.domain.orders import REVIEW_LEASE, OrderReview
from chalicelib.domain.organisers import Actor, Role
from chalicelib.store import order_reviews
from chalicelib.store.records import OrderReviewRecord
from tests.support.request_counts import Requests
from tests.support.steps import confirm_payment, hold_and_prove
from tests.support.tokens import a_token
from tests.support.world import TOKEN, Answer, Buyer, World

Json = dict[str, Any]


@pytest.fixture
def order_id(world: World, lucia: Buyer) -> str:
    world.raffle()
    return hold_and_prove(lucia)


@pytest.fixture
def olga(world: World) -> str:
    return str(a_token(world, "cashier", name="Olga")["key"])


@pytest.fixture
def otto(world: World) -> str:
    return str(a_token(world, "cashier", name="Otto")["key"])


def opens(world: World, order_id: str, token: str, **body: bool) -> Answer:
    answer = world.api("PUT", f"/api/orders/{order_id}/review", body, token=token)
    assert answer.status == 200, answer.body
    return answer


def closes(world: World, order_id: str, token: str) -> None:
    assert world.api("DELETE", f"/api/orders/{order_id}/review", token=token).status == 204


def reviewer(world: World, order_id: str) -> str | None:
    """As the order says, and every list that it is in."""
    found = [world.order(order_id)]
    for path in ("/api/orders", "/api/orders/pending-payment", f"/api/orders?search={order_id}"):
        found += [one for one in world.api("GET", path).body["results"] if one["id"] == order_id]
    (names,) = {(one["reviewer"], one["reviewing_until"]) for one in found}
    return None if names[0] is None else str(names[0])


def test_o12_the_second_organiser_sees_who_has_the_order(world: World, order_id: str, olga: str, otto: str) -> None:
    assert reviewer(world, order_id) is None
    first = opens(world, order_id, olga)
    assert first.body == {"order": order_id, "reviewer": "Olga", "reviewing_until": "2026-11-23T14:02:00Z"}
    world.clock.pass_minutes(1)
    assert opens(world, order_id, otto).body == first.body
    assert reviewer(world, order_id) == "Olga"


def test_o12_it_lasts_two_minutes_unless_it_is_said_again(world: World, order_id: str, olga: str, otto: str) -> None:
    opens(world, order_id, olga)
    world.clock.pass_minutes(1.9)
    opens(world, order_id, olga)
    world.clock.pass_minutes(1.9)
    assert reviewer(world, order_id) == "Olga"
    world.clock.pass_minutes(0.1)
    assert reviewer(world, order_id) is None
    assert opens(world, order_id, otto).body["reviewer"] == "Otto"


def test_o12_who_leaves_says_so_and_nobody_says_it_for_another(
    world: World, order_id: str, olga: str, otto: str
) -> None:
    opens(world, order_id, olga)
    closes(world, order_id, otto)
    assert reviewer(world, order_id) == "Olga"
    closes(world, order_id, olga)
    closes(world, order_id, olga)
    assert reviewer(world, order_id) is None
    assert opens(world, order_id, otto).body["reviewer"] == "Otto"


def test_o12_a_review_can_be_taken_over(world: World, order_id: str, olga: str, otto: str) -> None:
    opens(world, order_id, olga)
    assert opens(world, order_id, otto, take_over=True).body["reviewer"] == "Otto"
    assert opens(world, order_id, olga).body["reviewer"] == "Otto"


def test_o12_everybody_may_still_decide_and_the_version_of_the_order_stays(
    world: World, order_id: str, olga: str, otto: str
) -> None:
    tag = world.api("GET", f"/api/orders/{order_id}").headers["ETag"]
    opens(world, order_id, olga)
    path = f"/api/orders/{order_id}/confirm-payment"
    assert world.api("POST", path, token=otto, **{"If-Match": tag}).body["status"] == "PAID"


def test_o12_the_buyer_changes_the_order_while_it_is_open(world: World, lucia: Buyer, order_id: str, olga: str) -> None:
    opens(world, order_id, olga)
    lucia.sends_proof(b"%PDF-1.4 another")
    assert confirm_payment(world, order_id).status == 200
    assert world.order(order_id)["reviewer"] == "Olga"


def test_o12_opening_takes_one_read_and_one_write_and_no_list_more_than_a_query(
    world: World, order_id: str, requests: Requests
) -> None:
    world.api("GET", "/api/raffles")  # records the use of the token
    assert requests.during(lambda: opens(world, order_id, TOKEN)) == ["GetItem", "BatchGetItem", "UpdateItem"]
    assert requests.during(lambda: world.order(order_id)) == ["GetItem", "BatchGetItem"]
    assert requests.during(lambda: world.api("GET", "/api/orders")) == ["GetItem", "Query", "Query"]


def test_o12_of_two_who_open_it_at_the_same_moment_one_has_it(world: World, order_id: str) -> None:
    """Both have read that nobody does."""
    now = world.clock.now
    until = now + REVIEW_LEASE
    both = [OrderReview(order_id=order_id, reviewer=name, token_id=name, until=until) for name in ("Olga", "Otto")]
    assert [order_reviews.put(one, now, take_over=False) for one in both] == [True, False]
    assert world.container.order_reviews.open(order_id, by=Actor("Otto", Role.CASHIER, "Otto")).reviewer == "Olga"
    # Control: without the condition, the second one would have it, and the first one would not know.
    assert order_reviews.put(both[1], now, take_over=True)
    assert order_reviews.read_with_order(order_id, now)[1] == both[1]


def test_o12_whoever_opens_it_between_reading_and_writing_is_named(
    world: World, order_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = order_reviews.put

    def put_after_otto(review: OrderReview, now: Any, *, take_over: bool) -> bool:
        monkeypatch.setattr(order_reviews, "put", put)
        world.container.order_reviews.open(order_id, by=Actor("Otto", Role.CASHIER, "otto"))
        return put(review, now, take_over=take_over)

    monkeypatch.setattr(order_reviews, "put", put_after_otto)
    found = world.container.order_reviews.open(order_id, by=Actor("Olga", Role.CASHIER, "olga"))
    assert found.reviewer == "Otto"


def test_o12_an_unknown_order_is_not_found_and_leaves_nothing(world: World) -> None:
    assert world.api("PUT", "/api/orders/22222222/review", {}).body["code"] == "order_not_found"
    assert list(OrderReviewRecord.scan()) == []


def test_o12_a_viewer_decides_nothing_and_so_opens_nothing(world: World, order_id: str) -> None:
    viewer = str(a_token(world, "viewer", name="Vera")["key"])
    assert world.api("PUT", f"/api/orders/{order_id}/review", {}, token=viewer).body["code"] == "role_not_allowed"
