"""The cost table in docs/performance.md is up to date, and its prices are complete."""

import re

from tools import cost


def test_the_page_has_the_sheet_as_it_is_made_now() -> None:
    page = cost.PAGE.read_text(encoding="utf-8")
    found = re.search(f"{re.escape(cost.BEGIN)}(.*){re.escape(cost.END)}", page, re.DOTALL)
    assert found
    assert found[1].strip().splitlines() == cost.sheet()


def test_each_price_is_used_and_each_part_has_one() -> None:
    assert {row.price for row in cost.rows()} == set(cost.PRICES)


def test_an_idle_month_costs_a_few_dollars_and_an_order_less_than_a_cent() -> None:
    idle, thousand, many = (sum(column) for column in zip(*(row.dollars() for row in cost.rows()), strict=True))
    assert idle < 5.5
    assert (thousand - idle) / 1_000 < 0.01
    assert many / 100_000 < 0.001
