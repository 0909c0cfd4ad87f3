"""H1 to H8: numbers are held whole or not at all, by one owner, until a moment, at a price."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from random import Random

import pytest

from chalicelib.domain import orders
from chalicelib.services.orders import expiry
from chalicelib.services.orders.holds import RandomNumbers
from chalicelib.store import raffles, transaction
from chalicelib.store.records import OrderRecord
from tests.support.order_codes import code_in
from tests.support.request_counts import Requests, tickets_asked_for
from tests.support.steps import assert_board_is_exact, buy, cancel, confirm_payment, everything, hold, hold_and_prove
from tests.support.world import Buyer, World, buttons_of, text_of

INSTANT = timedelta(microseconds=1)


def test_h1_an_order_gets_all_its_numbers_or_none(world: World, lucia: Buyer, marco: Buyer) -> None:
    raffle = world.raffle()
    hold(lucia, "12")
    marco.says("BIKE")
    answer = text_of(marco.says("5,12,99"))
    assert "taken" in answer and "*012*" in answer
    assert "Nothing is held" in answer
    assert world.availability(raffle) == (99, 1, 0)
    assert len(everything(world, "/api/orders")) == 1


def test_two_orders_never_get_the_same_code(
    world: World, lucia: Buyer, marco: Buyer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Chance may draw a code twice: then another one is drawn, and the first order stays as it is."""
    world.raffle()
    first = hold(lucia, "5")
    drawn = [first, first]
    monkeypatch.setattr(
        "chalicelib.services.orders.holds.new_code", lambda random: drawn.pop() if drawn else orders.new_code(random)
    )
    second = hold(marco, "6")
    assert (drawn, second == first) == ([], False)
    assert [world.order(order_id)["numbers"] for order_id in (first, second)] == [[5], [6]]


def test_h2_a_number_never_has_two_live_owners(world: World, lucia: Buyer, marco: Buyer, requests: Requests) -> None:
    """Both saw it free; the second comes to the store between the other's reading and commit."""
    raffle = world.raffle()
    lucia.says("BIKE")
    marco.says("BIKE")
    requests.before_the_next_commit(lambda: marco.says("7, 8"))
    assert "*007*" in text_of(lucia.says("6, 7"))
    assert "*007, 008*" in text_of(marco.heard[-1])
    assert world.availability(raffle) == (98, 2, 0)
    assert_board_is_exact(world, raffle)


@pytest.mark.parametrize(
    ("minutes", "until"), [(15, "2026-11-23T14:15:00Z"), (1, "2026-11-23T14:01:00Z"), (None, None)]
)
def test_h3_a_hold_lasts_the_raffles_minutes(
    world: World, lucia: Buyer, minutes: int | None, until: str | None
) -> None:
    world.raffle(hold_minutes=minutes)
    assert world.order(hold(lucia))["reserved_until"] == until


def test_h3_a_hold_ends_exactly_at_its_deadline_and_not_before(world: World, lucia: Buyer) -> None:
    raffle = world.raffle()
    order_id = hold(lucia)
    world.clock.now += timedelta(minutes=15) - INSTANT
    world.minute()
    assert world.order(order_id)["status"] == "DRAFT"
    world.clock.now += INSTANT
    world.minute()
    assert world.order(order_id)["status"] == "EXPIRED"
    assert world.availability(raffle) == (100, 0, 0)
    assert "is over" in text_of(lucia.heard[-1])
    assert_board_is_exact(world, raffle)


@pytest.mark.parametrize(("late", "status"), [(-INSTANT, "PENDING_PAYMENT"), (INSTANT * 0, "EXPIRED")])
def test_h3_a_buyer_can_confirm_until_just_before_the_end(
    world: World, lucia: Buyer, late: timedelta, status: str
) -> None:
    world.raffle()
    order_id = hold(lucia)
    world.clock.now += timedelta(minutes=15) + late
    lucia.says("confirm")
    assert world.order(order_id)["status"] == status


def test_h3_without_a_time_limit_a_hold_stays(world: World, lucia: Buyer) -> None:
    raffle = world.raffle(hold_minutes=None)
    order_id = hold(lucia)
    assert "no time limit" in text_of(lucia.heard[-1])
    world.clock.now += timedelta(days=400)
    world.minute()
    assert world.order(order_id)["status"] == "DRAFT"
    assert world.availability(raffle) == (98, 2, 0)


# H4: the schedule never runs in these.


def test_h4_ended_numbers_can_be_bought_at_that_second(world: World, lucia: Buyer, marco: Buyer) -> None:
    raffle = world.raffle()
    first = hold(lucia, "5,12")
    marco.says("BIKE")
    world.clock.now += timedelta(minutes=15) - INSTANT
    assert "taken" in text_of(marco.says("12,13"))
    world.clock.now += INSTANT
    second = code_in(text_of(marco.says("12,13")))
    assert world.order(first)["status"] == "EXPIRED"
    assert world.order(second)["numbers"] == [12, 13]
    assert f"order {first} is over" in text_of(lucia.heard[-1])
    assert world.availability(raffle) == (98, 2, 0)
    assert_board_is_exact(world, raffle)


def test_h4_numbers_of_several_ended_holds_at_once(world: World, lucia: Buyer, marco: Buyer) -> None:
    raffle = world.raffle()
    hold(lucia, "5")
    hold(marco, "12")
    world.clock.pass_minutes(15)
    order_id = hold(world.buyer("Ana", 3), "5,12,13")
    assert world.order(order_id)["numbers"] == [5, 12, 13]
    assert_board_is_exact(world, raffle)


def test_h4_random_finds_ended_numbers_when_nothing_else_is_free(world: World, lucia: Buyer, marco: Buyer) -> None:
    raffle = world.raffle(last_number=3)
    marco.says("BIKE")
    hold(lucia, "1-3")
    world.clock.now += timedelta(minutes=15) - INSTANT
    assert "sold out" in text_of(marco.says("random 2"))
    world.clock.now += INSTANT
    assert "holding these numbers" in text_of(marco.says("random 2"))
    assert world.availability(raffle) == (1, 2, 0)
    assert_board_is_exact(world, raffle)


def test_h4_a_raffle_whose_last_numbers_were_held_until_now_can_be_opened(
    world: World, lucia: Buyer, marco: Buyer
) -> None:
    world.raffle(last_number=3)
    hold(lucia, "1-3")
    world.clock.pass_minutes(15)
    assert "Which numbers" in text_of(marco.says("BIKE"))
    assert "*2*" in text_of(marco.says("#2"))


def test_h4_ended_holds_of_other_raffles_do_not_hide_those_of_this_one(
    world: World, lucia: Buyer, marco: Buyer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expiry, "EXPIRE_BATCH", 2)
    world.raffle(code="OTHER")
    world.raffle(last_number=3)
    marco.says("BIKE")
    for number in range(11, 14):
        hold(world.buyer(number=number), str(number), "OTHER")
    world.clock.pass_minutes(1)
    hold(lucia, "1-3")
    world.clock.pass_minutes(15)
    assert "holding" in text_of(marco.says("random 2"))


def test_h4_a_hold_that_the_schedule_ends_meanwhile_counts_as_free(
    world: World, lucia: Buyer, marco: Buyer, requests: Requests
) -> None:
    raffle = world.raffle()
    hold(lucia, "5")
    marco.says("BIKE")
    world.clock.pass_minutes(15)
    # The schedule comes by between the refusal of the ticket's condition and the look at whose it is.
    requests.after_the_next_commit(world.container.expiry.run)
    assert "holding" in text_of(marco.says("#5"))
    assert_board_is_exact(world, raffle)


def test_h4_a_leftover_ticket_of_an_ended_order_fails_nobodys_message(
    world: World, lucia: Buyer, marco: Buyer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transaction, "sleep", lambda _: None)
    world.raffle()
    order_id = hold(lucia, "5")
    OrderRecord(f"ORDER#{order_id}", "ORDER").update([OrderRecord.status.set("EXPIRED")])
    marco.says("BIKE")
    assert "taken" in text_of(marco.says("#5"))


def test_h4_numbers_of_a_damaged_order_count_as_taken_and_fail_nobodys_message(
    world: World, lucia: Buyer, marco: Buyer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transaction, "sleep", lambda _: None)
    world.raffle()
    order_id = hold(lucia, "5")
    OrderRecord(f"ORDER#{order_id}", "ORDER").update([OrderRecord.contact_id.set("0" * 24)])
    world.clock.pass_minutes(15)
    marco.says("BIKE")
    assert "taken" in text_of(marco.says("#5"))
    assert "holding" in text_of(marco.says("#6"))


# H5


@pytest.mark.parametrize("last", [300, 2100])  # three pages and seventeen, the last one shorter
def test_h5_random_numbers_are_uniform_over_the_free_ones(world: World, lucia: Buyer, last: int) -> None:
    raffle = world.raffle(last_number=last)
    hold(lucia, "1-40")
    found = raffles.board(raffle["id"])
    drawn: Counter[int] = Counter()
    for _ in range(500):
        picked = RandomNumbers(random=world.container.random).choose(found, 40)
        assert len(set(picked)) == 40
        drawn.update(picked)
    assert set(drawn) <= set(range(41, last + 1))
    assert drawn.total() == 20_000
    mean = 20_000 / (last - 40)
    # No number comes twice in a draw, which makes the variance smaller than that of independent picks.
    variance = mean * (1 - 40 / (last - 40))
    chi_square = sum((drawn[number] - mean) ** 2 / variance for number in range(41, last + 1))
    freedom = last - 41
    assert abs(chi_square - freedom) < 5 * (2 * freedom) ** 0.5  # five standard deviations either way
    by_page = Counter(found.raffle.layout.place(number).page for number in drawn.elements())
    free = found.free_by_page
    assert all(abs(by_page[page] / mean - free[page]) < 5 * (free[page] / mean) ** 0.5 for page in free)


@pytest.mark.parametrize("free", [1, 3])
def test_h5_random_works_at_the_first_try_when_exactly_as_many_are_free(
    world: World, lucia: Buyer, requests: Requests, free: int
) -> None:
    raffle = world.raffle(last_number=240 + free)
    for number in range(6):
        start = number * 40 + 1 + (free if number > 2 else 0)
        hold(world.buyer(number=number + 10), f"{start}-{start + 39}")
    lucia.says("BIKE")
    operations = requests.during(lambda: lucia.says(f"random {free}"))
    assert operations.count("TransactWriteItems") == 1
    assert world.order(code_in(text_of(lucia.heard[-1])))["numbers"] == list(range(121, 121 + free))
    assert world.availability(raffle)[0] == 0


def test_h5_if_fewer_are_free_the_bot_says_how_many(world: World, lucia: Buyer, marco: Buyer) -> None:
    raffle = world.raffle(last_number=10)
    hold(lucia, "1-7")
    marco.says("BIKE")
    assert "Only 3 numbers are free" in text_of(marco.says("random 4"))
    assert world.availability(raffle) == (3, 7, 0)
    assert "holding" in text_of(marco.says("random 3"))


def test_h5_a_number_that_is_taken_while_it_is_drawn_is_drawn_again(
    world: World, lucia: Buyer, marco: Buyer, requests: Requests
) -> None:
    raffle = world.raffle(last_number=3)
    lucia.says("BIKE")
    marco.says("BIKE")
    requests.before_the_next_commit(lambda: marco.says("1 and 2"))
    assert "*3*" in text_of(lucia.says("random 1"))
    assert_board_is_exact(world, raffle)


def test_h5_only_numbers_that_are_taken_while_they_are_drawn_are_drawn_again(
    world: World, lucia: Buyer, marco: Buyer, requests: Requests
) -> None:
    raffle = world.raffle()
    lucia.says("BIKE")
    marco.says("BIKE")
    tried: list[list[int]] = []

    def take_one() -> None:
        tried.append(tickets_asked_for(requests))
        hold(marco, f"#{tried[0][0]}")

    requests.before_the_next_commit(take_one)
    order_id = code_in(text_of(lucia.says("random 10")))
    numbers = world.order(order_id)["numbers"]
    assert set(tried[0]) - set(numbers) == {tried[0][0]}
    assert len(numbers) == 10
    assert_board_is_exact(world, raffle)


# H6


def test_h6_forty_numbers_make_an_order_and_forty_one_do_not(world: World, lucia: Buyer) -> None:
    raffle = world.raffle()
    lucia.says("BIKE")
    for asked in ("1-41", "random 41"):
        assert "at most 40" in text_of(lucia.says(asked))
        assert world.availability(raffle) == (100, 0, 0)
    order_id = code_in(text_of(lucia.says("1-40")))
    assert world.order(order_id)["quantity"] == 40


@pytest.mark.parametrize("asked", ["7,8", "random 2"])
def test_h6_nobody_gets_more_than_the_raffle_allows_each_contact(world: World, lucia: Buyer, asked: str) -> None:
    raffle = world.raffle(max_per_contact=3)
    hold(lucia, "1,2")
    lucia.says("raffles")
    lucia.says("BIKE")
    answer = text_of(lucia.says(asked))
    assert "at most 3" in answer and "you have 2" in answer
    assert world.availability(raffle) == (98, 2, 0)
    hold(lucia, "3")
    assert world.availability(raffle) == (97, 3, 0)


def test_h6_each_contact_and_raffle_is_counted_separately(world: World, lucia: Buyer, marco: Buyer) -> None:
    world.raffle(max_per_contact=1)
    world.raffle(max_per_contact=1, code="CAR")
    for buyer, number in ((lucia, "1"), (marco, "2")):
        hold(buyer, number)
        buyer.says("raffles")
        hold(buyer, number, "CAR")


def test_h6_numbers_that_were_paid_count_and_freed_ones_do_not(world: World, lucia: Buyer) -> None:
    raffle = world.raffle(max_per_contact=2)
    hold(lucia, "1,2")
    world.clock.pass_minutes(15)
    world.minute()
    cancel(world, hold(lucia, "3,4"))
    hold(lucia, "5,6")
    lucia.says("cancel")
    buy(lucia, "7,8")
    lucia.says("BIKE")
    assert "you have 2" in text_of(lucia.says("9"))
    assert world.availability(raffle) == (98, 0, 2)


def test_h6_the_limit_is_checked_in_the_transaction_of_the_hold(world: World, lucia: Buyer, requests: Requests) -> None:
    """Two messages of one person at once: the second to commit sees what the first has taken."""
    raffle = world.raffle(max_per_contact=2)
    lucia.says("BIKE")
    requests.before_the_next_commit(lambda: lucia.says("1,2"))
    lucia.says("3,4")
    assert world.availability(raffle) == (98, 2, 0)
    assert_board_is_exact(world, raffle)


# H7, H8


def test_h7_the_price_is_frozen_at_the_hold(world: World, lucia: Buyer, marco: Buyer) -> None:
    raffle = world.raffle(unit_amount=2500)
    before = hold(lucia, "5,12")
    assert world.api("PATCH", f"/api/raffles/{raffle['id']}", {"unit_amount": 9999}).status == 200
    lucia.says("confirm")
    assert "GTQ 50.00" in text_of(lucia.heard[-1])
    after = hold(marco, "6")
    assert world.order(before)["amount"] == 5000
    assert world.order(after)["amount"] == 9999
    assert confirm_payment(world, before).body["amount"] == 5000


@pytest.mark.parametrize(
    ("amount", "currency", "shown"),
    [(2500, "GTQ", "GTQ 25.00"), (2500, "CLP", "CLP 2,500"), (2500, "KWD", "KWD 2.500"), (0, "USD", "USD 0.00")],
)
def test_h7_money_is_shown_in_the_currencys_own_units(
    world: World, lucia: Buyer, amount: int, currency: str, shown: str
) -> None:
    world.raffle(unit_amount=amount, currency=currency)
    hold(lucia, "5")
    assert shown in text_of(lucia.heard[-1])


def test_h8_a_buyer_hears_which_numbers_are_taken_until_when_and_which_are_free_nearby(
    world: World, lucia: Buyer, marco: Buyer
) -> None:
    world.raffle(time_zone="America/Guatemala")
    hold(lucia, "49-51")
    marco.says("BIKE")
    answer = text_of(marco.says("10, 50"))
    assert "*050*" in answer
    assert "08:15" in answer
    assert "047" in answer and "048" in answer and "052" in answer
    assert "010" not in answer
    assert buttons_of(marco.heard[-1]) == ["Random 1", "Random 3"]


def test_h8_paid_and_reviewed_numbers_are_not_announced_as_coming_free(
    world: World, lucia: Buyer, marco: Buyer
) -> None:
    world.raffle()
    buy(lucia, "50")
    hold_and_prove(lucia, "60")
    marco.says("BIKE")
    assert "may come free" not in text_of(marco.says("50, 60"))


def asks(buyer: Buyer, text: str) -> None:
    buyer.says("raffles")
    buyer.says("BIKE")
    buyer.says(text)


def test_the_board_the_tickets_and_the_orders_agree_after_many_operations(world: World) -> None:
    raffle = world.raffle(last_number=200, max_per_contact=30)
    random = Random(11)
    buyers = [world.buyer(number=number) for number in range(1, 5)]
    for _ in range(70):
        buyer = random.choice(buyers)
        orders = world.api("GET", f"/api/orders?raffle={raffle['id']}&page_size=20").body["results"]
        order_id = random.choice(orders)["id"] if orders else "22222222"
        acts: list[Callable[[], object]] = [
            partial(asks, buyer, f"random {random.randint(1, 9)}"),
            partial(asks, buyer, f"{random.randint(1, 200)}, #{random.randint(1, 200)}"),
            partial(buyer.says, "confirm"),
            partial(buyer.says, "cancel"),
            buyer.sends_proof,
            partial(confirm_payment, world, order_id),
            partial(cancel, world, order_id),
            partial(world.clock.pass_minutes, random.randint(1, 9)),
            world.minute,
        ]
        random.choice(acts)()
    assert_board_is_exact(world, raffle)
    statuses = {order["status"] for order in everything(world, f"/api/orders?raffle={raffle['id']}")}
    assert len(statuses) >= 3, "the operations reached too little to show anything"
