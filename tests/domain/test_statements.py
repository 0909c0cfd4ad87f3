"""Payments of a bank's statement against orders: what is sure, and what makes one unsure."""

from dataclasses import replace
from datetime import date, timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.code_mentions import MAX_MENTIONS, TypoFinder, find_mentions
from chalicelib.domain.orders import CODE_ALPHABET, Order, OrderStatus, is_code, new_code
from chalicelib.domain.statements import (
    MAX_LINES,
    MAX_SUGGESTED,
    MEANINGS,
    PAYABLE,
    REASON_FOR_STATUS,
    Buyer,
    MatchedPayment,
    Payment,
    Why,
    add_suggestions,
    find_all_mentions,
    match_payments,
)
from tests.support.matching_orders import CODE, NOW, order

CODES = st.builds(lambda seed: new_code(Random(seed)), st.integers(0, 10**9))


def payment(text: str = f"REF {CODE}", **fields: Any) -> Payment:
    values: dict[str, Any] = {
        "line": 1, "on": date(2026, 11, 20), "amount": 5000, "currency": "GTQ", "text": text, **fields
    }  # fmt: skip
    return Payment(**values)


def match(
    *payments: Payment, orders: list[Order] | None = None, payable: list[Order] | None = None
) -> list[MatchedPayment]:
    known = {one.id: one for one in ([order()] if orders is None else orders)}
    open_orders = [one for one in known.values() if one.status in PAYABLE]
    return match_payments(
        payments, find_all_mentions(payments), known, open_orders if payable is None else payable, NOW
    )


def reasons(found: MatchedPayment) -> list[Why]:
    return [reason.code for reason in found.reasons]


def test_the_code_of_these_tests_is_valid() -> None:
    assert is_code(CODE)


@pytest.mark.parametrize(
    "text",
    [
        "8WGRRPW3", "REF:8WGRRPW3", "8wgrrpw3", "8WGR RPW3", "8WGR-RPW3", "8WGR\nRPW3", "8 W G R R P W 3",
        "PAGO8WGRRPW3", "pago8wgrrpw3gracias",
        "Transferencia de Lucía / 8wgr.rpw3 / 20.11.", "REF8WG\nRRPW3", "12345 8WGRRPW3 6789",
        "EREF+NOTPROVIDED SVWZ+8WGRRPW3", "8ＷＧＲＲＰＷ3", "DE02120300000000202051 8WGRRPW3",
    ],
)  # fmt: skip
@pytest.mark.parametrize("status", sorted(PAYABLE))
def test_p7_a_payment_of_the_right_amount_with_the_code_is_sure(text: str, status: OrderStatus) -> None:
    (found,) = match(payment(text), orders=[order(status=status)])
    assert found.is_sure and found.orders[0].id == CODE


@pytest.mark.parametrize(
    "text", ["18WGRRPW3", "GT82TRAJ8WGRRPW31210029690", "8WGRRPW39", "A8WGRRPW3B7", "20261120-08WGRRPW3"]
)
def test_p7_a_code_within_a_longer_reference_is_not_sure(text: str) -> None:
    (found,) = match(payment(text))
    assert reasons(found) == [Why.WITHIN_A_REFERENCE] and found.orders[0].id == CODE


@pytest.mark.parametrize(("amount", "by"), [(4999, -1), (7500, 2500), (1, -4999)])
def test_another_amount_is_named(amount: int, by: int) -> None:
    (found,) = match(payment(amount=amount))
    assert [(reason.code, reason.difference) for reason in found.reasons] == [(Why.AMOUNT_DIFFERS, by)]


def test_another_currency_is_named_and_its_amount_is_not_compared() -> None:
    (found,) = match(payment(currency="USD", amount=1))
    assert reasons(found) == [Why.CURRENCY_DIFFERS]


@pytest.mark.parametrize("status", sorted(set(OrderStatus) - PAYABLE))
def test_p7_a_payment_for_an_order_that_waits_for_no_money_is_never_sure(status: OrderStatus) -> None:
    (found,) = match(payment(), orders=[order(status=status)])
    assert reasons(found) == [REASON_FOR_STATUS[status]]


def test_every_status_is_either_payable_or_has_a_reason() -> None:
    assert set(REASON_FOR_STATUS) | PAYABLE == set(OrderStatus)
    assert set(MEANINGS) == set(Why)


def test_h3_a_payment_for_an_ended_hold_is_not_sure_even_before_the_schedule_runs() -> None:
    (found,) = match(payment(), orders=[order(reserved_until=NOW)])
    assert reasons(found) == [Why.ORDER_EXPIRED]
    assert match(payment(), orders=[order(reserved_until=NOW + timedelta(seconds=1))])[0].is_sure


def test_several_orders_in_one_text_are_added_up() -> None:
    other = order(new_code(Random(2)), unit_amount=1000)
    (found,) = match(payment(f"{CODE} {other.id}", amount=7000), orders=[order(), other])
    assert [(reason.code, reason.total) for reason in found.reasons] == [(Why.SEVERAL_ORDERS, 7000)]
    assert {one.id for one in found.orders} == {CODE, other.id}


def test_p7_two_payments_for_one_order_are_both_unsure_and_added_up() -> None:
    first, second = match(payment(amount=2000, line=3), payment(amount=3000, line=9))
    assert [(r.code, r.difference, r.lines, r.total) for r in first.reasons] == [
        (Why.AMOUNT_DIFFERS, -3000, (), None),
        (Why.DUPLICATE_LINE, None, (9,), 5000),
    ]
    assert reasons(second) == [Why.AMOUNT_DIFFERS, Why.DUPLICATE_LINE]
    assert not any(found.is_sure for found in match(payment(line=3), payment(line=9)))


def test_a_line_that_comes_twice_is_named_even_without_a_code() -> None:
    same = [payment("DEPOSITO", line=n) for n in (1, 2)]
    found = match(*same, payment("DEPOSITO", line=3, amount=1), orders=[])
    assert [Why.DUPLICATE_LINE in reasons(one) for one in found] == [True, True, False]


def test_only_a_few_of_many_equal_lines_are_named() -> None:
    found = match(*(payment(line=n) for n in range(1, 2001)))
    assert {len(one.reasons[-1].lines) for one in found} == {MAX_LINES}
    assert all(one.payment.line not in one.reasons[-1].lines for one in found)


def test_a_payment_that_the_bank_took_back_is_not_sure() -> None:
    assert reasons(match(payment(reversal=True))[0]) == [Why.REVERSAL]


@pytest.mark.parametrize(
    "written",
    ["8WGRRPW4", "8WGRPRW3", "8WGRRP3", "8WGRRPWW3", "8W6RRPW3", "BWGRRPW3", "8WGRRPWE", "rifa 8WGR-RPV3"],
)
def test_p7_a_mistyped_code_is_found_and_never_sure(written: str) -> None:
    (found,) = match(payment(written))
    assert [one.id for one in found.orders] == [CODE]
    assert reasons(found) == [Why.TYPO]


def test_a_mistyped_code_says_also_what_else_is_wrong() -> None:
    assert reasons(match(payment("8WGRRPW4", amount=1))[0]) == [Why.TYPO, Why.AMOUNT_DIFFERS]


def test_a_mistyped_code_beside_a_right_one_does_not_count() -> None:
    other = order("8WGRRPW4"[:7] + "4")  # as if there were such an order: one mistake away
    (found,) = match(payment(), payable=[order(), other])
    assert found.is_sure


@given(CODES, st.integers(0, 7), st.sampled_from(CODE_ALPHABET))
def test_any_one_wrong_character_is_found(code: str, at: int, wrong: str) -> None:
    written = code[:at] + wrong + code[at + 1 :]
    assert TypoFinder([code]).find(f"pago {written} gracias") == {code}


# Chance


LETTERS = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 -/.:,\n", max_size=140)
IBANS = st.from_regex(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{4}[0-9]{12,20}", fullmatch=True)
NUMBERS = st.from_regex(r"[0-9]{6,34}", fullmatch=True)


@given(st.lists(st.one_of(LETTERS, IBANS, NUMBERS), max_size=5).map(" ".join), st.integers(0, 10**6))
def test_p7_random_texts_account_numbers_and_references_are_never_sure(text: str, seed: int) -> None:
    """Also where every code that the text seems to have is looked up among a hundred orders of that amount."""
    random = Random(seed)
    orders = [order(new_code(random)) for _ in range(100)]
    assert not match(payment(text), orders=orders)[0].is_sure


@given(
    CODES,
    st.from_regex(r"[0-9]{1,12}", fullmatch=True),
    st.from_regex(r"[A-Z0-9]{0,12}", fullmatch=True),
    st.booleans(),
)
def test_p7_a_real_code_by_chance_within_a_number_is_never_sure(
    code: str, digits: str, more: str, before: bool
) -> None:
    text = digits + code + more if before else more + code + digits
    (found,) = match(payment(text), orders=[order(code)])
    assert not found.is_sure


@given(st.text(max_size=300))
def test_any_text_may_have_a_few_codes_at_most(text: str) -> None:
    found = find_mentions(text)
    assert len(found) <= MAX_MENTIONS and all(is_code(mention.code) for mention in found)


def test_random_text_rarely_contains_a_code() -> None:
    """What docs/adr/0014 says: of a random reference of 20 letters and digits about one in 50 has a well-formed code,
    and one that stands alone is far rarer. That it is an order's is 1 in 4.6 thousand million for each order more."""
    random, tries = Random(1), 40_000
    texts = ["".join(random.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", k=20)) for _ in range(tries)]
    found = [mention for text in texts for mention in find_mentions(text)]
    assert 0.01 < len(found) / tries < 0.04
    assert sum(mention.stands_alone for mention in found) / tries < 0.002


# Suggestions


def buyer(name: str, phone: str | None = None, **fields: Any) -> Buyer:
    return Buyer(order=order(new_code(Random(name + str(phone))), **fields), name=name, phone=phone)


def suggested(text: str, *buyers: Buyer, amount: int = 5000) -> list[str]:
    found = add_suggestions(match(payment(text, amount=amount), orders=[]), buyers)
    return [suggestion.buyer.name for suggestion in found[0].suggestions]


def test_a_named_buyer_who_owes_that_amount_is_suggested() -> None:
    lucia = buyer("Lucía Méndez 🌸")
    assert suggested("TRANSF DE MENDEZ LOPEZ LUCIA", lucia) == ["Lucía Méndez 🌸"]
    assert suggested("TRANSF DE LUCIA", lucia) == []  # one name of two is no sign
    assert suggested("TRANSF DE MENDEZ LOPEZ LUCIA", lucia, amount=4999) == []


def test_a_single_name_counts_if_it_is_not_short() -> None:
    assert suggested("DE LUCIA PEREZ", buyer("Lucía")) == ["Lucía"]
    assert suggested("DE ANA PEREZ", buyer("Ana")) == []


def test_a_phone_number_counts_however_it_is_written_and_comes_first() -> None:
    named, phoned = buyer("Lucía Méndez"), buyer("X", "50255501234")
    assert suggested("LUCIA MENDEZ 5550-1234", named, phoned) == ["X", "Lucía Méndez"]
    assert suggested("+502 5550 1234", phoned) == ["X"]
    assert suggested("5550-123", phoned) == []


def test_at_most_a_few_are_suggested_and_only_where_no_code_is_found() -> None:
    many = [buyer("Lucía Méndez", str(10**9 + n)) for n in range(9)]
    assert len(suggested("LUCIA MENDEZ", *many)) == MAX_SUGGESTED
    (found,) = add_suggestions(match(payment(f"LUCIA MENDEZ {CODE}")), many)
    assert found.suggestions == ()


def test_other_currencies_are_not_suggested() -> None:
    other = buyer("Lucía Méndez")
    dollars = replace(other, order=replace(other.order, currency="USD"))
    assert suggested("LUCIA MENDEZ", dollars) == []
