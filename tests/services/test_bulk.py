"""O3: many at once, each by itself, with a result for each."""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

import pytest

from chalicelib.domain.orders import CODE_ALPHABET, Order, check_character
from chalicelib.domain.organisers import COMMAND_LINE
from chalicelib.domain.raffles import RaffleEvent
from chalicelib.services.bulk import OrderAction, Outcome, RaffleAction, Result
from chalicelib.services.orders.settlement import SAME_REQUEST
from chalicelib.store import orders, raffles
from chalicelib.store.order_context import OrderContext, load_context
from chalicelib.store.records import OrderRecord
from tests.support.races.findings import differences
from tests.support.request_counts import Requests
from tests.support.steps import assert_board_is_exact, buy, hold, hold_and_confirm, hold_and_prove
from tests.support.world import Buyer, Json, World, text_of

CONFIRM, CANCEL, REJECT = list(OrderAction)[:3]
REASON = "the amount cannot be read"


def bulk(world: World, action: OrderAction, ids: Sequence[str], *, dry_run: bool = False) -> list[Result]:
    return world.container.bulk.process_orders(action, ids, reason=REASON, dry_run=dry_run, by=COMMAND_LINE)


def bulk_raffles(world: World, action: RaffleAction, ids: Sequence[str], *, dry_run: bool = False) -> list[Result]:
    return world.container.bulk.process_raffles(action, ids, dry_run=dry_run, by=COMMAND_LINE)


def outcomes(results: list[Result]) -> list[str]:
    return [result.outcome.value for result in results]


def buyers(world: World, count: int) -> list[Buyer]:
    return [world.buyer(f"Buyer {number}", number) for number in range(1, count + 1)]


def proved(world: World, count: int) -> list[str]:
    return [hold_and_prove(buyer, f"#{number}") for number, buyer in enumerate(buyers(world, count), start=1)]


def exact(world: World, raffle: Json) -> bool:
    assert_board_is_exact(world, raffle)
    return differences(raffles.get(raffle["id"])) == []


def test_o3_each_order_gets_the_result_that_it_would_get_alone(world: World) -> None:
    raffle = world.raffle()
    one, two, three, four = buyers(world, 4)
    ids = [hold_and_prove(one, "1"), buy(two, "2"), hold(three, "3"), hold_and_confirm(four, "4")]
    four.says("cancel")
    results = bulk(world, CONFIRM, [*ids, "22222222", "nothing"])
    assert [result.id for result in results] == [*ids, "22222222", "NOTHING"]
    assert outcomes(results) == ["done", "unchanged", "done", "refused", "refused", "refused"]
    assert [result.code for result in results] == [
        None, "unchanged", None, "order_out_of_turn", "order_not_found", "order_not_found",
    ]  # fmt: skip
    assert "reassign it" in (results[3].detail or "")
    assert [world.order(order_id)["status"] for order_id in ids] == ["PAID", "PAID", "PAID", "CANCELLED"]
    assert exact(world, raffle)


@pytest.mark.parametrize(("action", "status"), [(CONFIRM, "PAID"), (CANCEL, "CANCELLED"), (REJECT, "PENDING_PAYMENT")])
def test_o3_a_dry_run_says_what_would_happen_and_changes_nothing(
    world: World, requests: Requests, action: OrderAction, status: str
) -> None:
    raffle = world.raffle()
    ids = [*proved(world, 2), buy(world.buyer(number=3), "3")]
    before, heard = [orders.get(order_id) for order_id in ids], len(world.graph.sent)
    foreseen: list[Result] = []
    operations = requests.during(lambda: foreseen.extend(bulk(world, action, ids, dry_run=True)))
    assert operations == ["BatchGetItem"]
    assert [orders.get(order_id) for order_id in ids] == before
    assert len(world.graph.sent) == heard
    assert bulk(world, action, ids) == foreseen  # and so it is
    assert [world.order(order_id)["status"] for order_id in ids] == [status, status, "PAID"]
    assert exact(world, raffle)


def test_o3_a_hundred_are_read_in_one_request(world: World, requests: Requests) -> None:
    world.raffle()
    ids = [hold(world.buyer(), "1")]
    ids += [(body := f"22222{a}{b}") + check_character(body) for a in CODE_ALPHABET for b in CODE_ALPHABET][:249]
    assert requests.during(lambda: bulk(world, CONFIRM, ids, dry_run=True)) == ["BatchGetItem"] * 3


@pytest.mark.parametrize("action", [CONFIRM, CANCEL])
def test_o3_the_same_request_again_leaves_what_is_done_unchanged(world: World, action: OrderAction) -> None:
    raffle = world.raffle()
    ids = proved(world, 3)
    assert outcomes(bulk(world, action, ids)) == ["done"] * 3
    heard = len(world.graph.sent)
    assert outcomes(bulk(world, action, ids)) == ["unchanged"] * 3
    assert len(world.graph.sent) == heard
    assert exact(world, raffle)


def test_o3_a_proof_that_came_since_is_not_rejected_by_the_same_request(world: World) -> None:
    world.raffle()
    ids = proved(world, 2)
    assert outcomes(bulk(world, REJECT, ids)) == ["done"] * 2
    world.buyer("Buyer 1", 1).sends_proof()
    again = bulk(world, REJECT, ids)
    assert outcomes(again) == ["unchanged"] * 2
    assert "look at it first" in (again[0].detail or "")
    assert world.order(ids[0])["status"] == "IN_REVIEW"
    world.clock.now += SAME_REQUEST
    assert outcomes(bulk(world, REJECT, ids)) == ["done", "refused"]


def test_o3_an_order_that_is_named_twice_is_handled_once(world: World) -> None:
    world.raffle()
    (order_id,) = proved(world, 1)
    results = bulk(world, REJECT, [order_id, order_id.lower(), order_id])
    assert results == [Result(order_id, Outcome.DONE)]


def test_o3_one_bad_order_never_harms_the_others(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    raffle = world.raffle()
    ids = proved(world, 3)

    def fails_for_one(order: Order) -> OrderContext:
        if order.id == ids[1]:
            raise LookupError
        return load_context(order)

    monkeypatch.setattr("chalicelib.services.orders.changes.load_context", fails_for_one)
    results = bulk(world, CONFIRM, ids)
    assert outcomes(results) == ["done", "refused", "done"]
    assert results[1].code == "internal_error"
    assert exact(world, raffle)


def test_o3_an_unreadable_order_never_harms_the_others(world: World) -> None:
    world.raffle()
    ids = proved(world, 2)
    OrderRecord(*orders.key(ids[0])).update([OrderRecord.status.set("NOTHING")])
    assert outcomes(bulk(world, CONFIRM, ids)) == ["refused", "done"]


def test_o3_an_order_that_changes_in_between_is_refused(world: World, requests: Requests) -> None:
    raffle = world.raffle()
    ids = proved(world, 2)
    requests.before_the_next_commit(lambda: world.container.settlement.cancel(ids[0], by=COMMAND_LINE))
    results = bulk(world, CONFIRM, ids)
    assert outcomes(results) == ["refused", "done"]
    assert results[0].code == "order_out_of_turn"
    assert exact(world, raffle)


def test_o3_items_not_tried_in_time_are_done_by_the_next_request(world: World, requests: Requests) -> None:
    raffle = world.raffle()
    ids = proved(world, 6)

    def slowly() -> None:
        world.clock.now += timedelta(seconds=7)
        requests.after_the_next_commit(slowly)

    requests.after_the_next_commit(slowly)
    first = bulk(world, CONFIRM, ids)
    assert outcomes(first) == ["done"] * 3 + ["not_tried"] * 3
    assert outcomes(bulk(world, CONFIRM, ids)) == ["unchanged"] * 3 + ["done"] * 3
    assert exact(world, raffle)


def test_o3_the_schedule_tells_all_buyers_but_the_first_few(world: World) -> None:
    world.raffle()
    ids, all_buyers = proved(world, 7), buyers(world, 7)
    bulk(world, CONFIRM, ids)
    told = ["is confirmed" in text_of(buyer.heard[-1]) for buyer in all_buyers]
    assert told == [True] * 5 + [False] * 2
    world.clock.now += timedelta(seconds=1)
    all_buyers[6].says("help")  # does not overtake the news
    assert "is confirmed" not in text_of(all_buyers[6].heard[-1])
    world.minute()
    assert "is confirmed" in text_of(all_buyers[5].heard[-1])
    assert "is confirmed" in text_of(all_buyers[6].heard[-2])
    count = Counter("is confirmed" in text_of(said) for buyer in all_buyers for said in buyer.heard)
    assert count[True] == 7


def test_o3_raffles_too(world: World) -> None:
    draft, active = world.raffle(active=False, code="A1"), world.raffle(code="A2")
    closed = world.raffle(code="A3")
    world.container.raffles.move(closed["id"], RaffleEvent.CLOSED, by=COMMAND_LINE)
    ids = [draft["id"], active["id"], closed["id"], "nothing", draft["id"]]
    foreseen = bulk_raffles(world, RaffleAction.ACTIVATE, ids, dry_run=True)
    assert raffles.get(draft["id"]).status == "DRAFT"
    assert bulk_raffles(world, RaffleAction.ACTIVATE, ids) == foreseen
    assert outcomes(foreseen) == ["done", "unchanged", "refused", "refused"]
    assert [result.code for result in foreseen[2:]] == ["raffle_out_of_turn", "raffle_not_found"]
    assert raffles.get(draft["id"]).status == "ACTIVE"
    assert outcomes(bulk_raffles(world, RaffleAction.DEACTIVATE, ids[:2])) == ["done", "done"]


@pytest.mark.parametrize("dry_run", [True, False])
def test_o3_boards_are_ready_unless_something_is_taken(world: World, lucia: Buyer, dry_run: bool) -> None:
    unsold, sold = world.raffle(), world.raffle(code="CAR")
    hold(lucia, "1", "CAR")
    results = bulk_raffles(world, RaffleAction.GENERATE_TICKETS, [unsold["id"], sold["id"]], dry_run=dry_run)
    assert outcomes(results) == ["done", "refused"]
    assert results[1].code == "raffle_has_sales"
