"""The money of a raffle, summed up."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.orders import OrderStatus
from chalicelib.domain.raffles import Board
from chalicelib.domain.reports import MAX_NAMED, MEANINGS, Differs, ReportedOrder, ReportTotals, sum_waiting

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
PAID, REFUNDED = OrderStatus.PAID, OrderStatus.REFUNDED


def make_order(**fields: Any) -> ReportedOrder:
    values: dict[str, Any] = {
        "id": "A", "status": PAID, "contact_id": "c", "quantity": 2, "unit_amount": 2500, "currency": "GTQ",
        "changed_at": NOON, "paid_at": NOON, "refunded_at": None, "rejected_at": None, **fields,
    }  # fmt: skip
    return ReportedOrder(**values)


def report(*orders: ReportedOrder, zone: str = "UTC") -> ReportTotals:
    totals = ReportTotals(zone=ZoneInfo(zone), currency="GTQ")
    for order in orders:
        totals.add(order)
    return totals


def board(sold: int, paid: int) -> Board:
    return Board(None, {}, sold, paid)  # type: ignore[arg-type] # no raffle is needed here


def test_p8_kept_is_confirmed_minus_refunded() -> None:
    totals = report(
        make_order(),
        make_order(status=REFUNDED, refunded_at=NOON),
        make_order(status=OrderStatus.IN_REVIEW, paid_at=None),
    )
    assert (totals.confirmed.orders, totals.confirmed.amount) == (2, 10000)
    assert (totals.refunded.orders, totals.refunded.amount) == (1, 5000)
    assert totals.kept == 5000
    assert totals.differences(board(2, 5000)) == []


def test_p5_a_late_payment_that_was_refunded_is_in_no_other_sum() -> None:
    totals = report(make_order(status=REFUNDED, paid_at=None, refunded_at=NOON))
    assert (totals.given_back.amount, totals.confirmed.orders, totals.kept, dict(totals.days)) == (5000, 0, 0, {})
    assert totals.differences(board(0, 0)) == []


def test_h7_each_frozen_price_has_a_sum_of_its_own() -> None:
    totals = report(make_order(), make_order(unit_amount=3000, quantity=1), make_order(unit_amount=3000, quantity=4))
    assert {price: (part.numbers, part.amount) for price, part in totals.prices.items()} == {
        2500: (2, 5000),
        3000: (5, 15000),
    }
    assert totals.kept == sum(price * part.numbers for price, part in totals.prices.items())


def test_days_are_those_of_the_raffles_time_zone() -> None:
    early = datetime(2026, 11, 23, 5, 59, tzinfo=UTC)  # still the day before in Guatemala
    totals = report(
        make_order(paid_at=early), make_order(paid_at=early + timedelta(minutes=1)), zone="America/Guatemala"
    )
    assert {day: sums.confirmed.orders for day, sums in totals.days.items()} == {
        date(2026, 11, 22): 1,
        date(2026, 11, 23): 1,
    }


def test_a_refund_is_on_its_own_day() -> None:
    totals = report(make_order(status=REFUNDED, refunded_at=NOON + timedelta(days=3)))
    assert {day.day: (sums.confirmed.amount, sums.refunded.amount) for day, sums in totals.days.items()} == {
        23: (5000, 0),
        26: (0, 5000),
    }


def test_a_refund_without_a_time_of_its_own_is_on_the_day_of_the_last_change() -> None:
    totals = report(make_order(status=REFUNDED, changed_at=NOON + timedelta(days=2)))
    assert totals.days[date(2026, 11, 25)].refunded.amount == 5000


def test_orders_to_settle_are_counted_and_some_are_named() -> None:
    many = [make_order(id=f"L{n}", status=OrderStatus.LATE, paid_at=None) for n in range(MAX_NAMED + 5)]
    again = make_order(id="R", status=OrderStatus.PENDING_PAYMENT, paid_at=None, rejected_at=NOON)
    settled = make_order(id="S", rejected_at=NOON)
    totals = report(*many, again, settled)
    assert (totals.late.part.orders, len(totals.late.ids)) == (MAX_NAMED + 5, MAX_NAMED)
    assert totals.rejected.ids == ["R"]


@pytest.mark.parametrize(
    ("sold", "paid", "differs"),
    [
        (2, 5000, {}),
        (3, 5000, {Differs.NUMBERS: -1}),
        (1, 5000, {Differs.NUMBERS: 1}),
        (2, 5100, {Differs.MONEY: -100}),
        (0, 0, {Differs.NUMBERS: 2, Differs.MONEY: 5000}),
    ],
)
def test_p8_sums_that_do_not_match_are_named(sold: int, paid: int, differs: dict[Differs, int]) -> None:
    assert dict(report(make_order()).differences(board(sold, paid))) == differs


def test_other_currencies_and_damaged_orders_are_left_out_and_counted() -> None:
    totals = report(make_order(), make_order(currency="USD"))
    totals.unreadable = 1
    assert totals.kept == 5000
    assert dict(totals.differences(board(2, 5000))) == {Differs.CURRENCY: 1, Differs.UNREADABLE: 1}
    assert set(MEANINGS) == set(Differs)


ORDERS = st.builds(
    make_order,
    status=st.sampled_from(OrderStatus),
    quantity=st.integers(1, 40),
    unit_amount=st.integers(0, 10**12),
    paid_at=st.one_of(st.none(), st.integers(-(10**6), 10**6).map(lambda minutes: NOON + timedelta(minutes=minutes))),
)


@given(st.lists(ORDERS, max_size=30), st.sampled_from(["UTC", "America/Guatemala", "Pacific/Kiritimati"]))
def test_days_prices_and_statuses_each_add_up_to_the_same(orders: list[ReportedOrder], zone: str) -> None:
    totals = report(*orders, zone=zone)
    assert sum(day.confirmed.amount - day.refunded.amount for day in totals.days.values()) == totals.kept
    assert sum(part.amount for part in totals.prices.values()) == totals.kept
    assert sum(part.orders for part in totals.by_status.values()) == len(orders)
    assert totals.by_status[PAID].amount == totals.kept


def test_waiting_orders_are_summed_by_raffle_with_the_oldest() -> None:
    older = NOON - timedelta(hours=1)
    summed = sum_waiting(
        [("r", make_order()), ("s", make_order(changed_at=older)), ("r", make_order())], is_complete=True
    )
    assert (summed.count, summed.oldest_at, summed.by_raffle["r"].amount) == (3, older, 10000)
    assert sum_waiting([], is_complete=True).oldest_at is None
