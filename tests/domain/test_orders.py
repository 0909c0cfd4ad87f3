"""The order's life cycle, its hold and its code."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.orders import (
    CODE_ALPHABET,
    CODE_LENGTH,
    HINTS,
    OWNING,
    REMINDER_LEAD,
    RUNNING,
    TRANSITIONS,
    Order,
    OrderEvent,
    OrderStatus,
    check_character,
    hold_until,
    is_code,
    new_code,
)
from chalicelib.domain.refusals import OrderOutOfTurn

NOW = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)
INSTANT = timedelta(microseconds=1)
S, E = OrderStatus, OrderEvent
BODIES = st.text(CODE_ALPHABET, min_size=CODE_LENGTH - 1, max_size=CODE_LENGTH - 1)

# P1 to P5: from (row) by what happens (column) to; a dot is "that can't be".
EVENTS = (E.CONFIRMED, E.PROOF_RECEIVED, E.PAYMENT_CONFIRMED, E.DEADLINE_PASSED, E.DROPPED, E.CANCELLED, E.REVIVED,
          E.PROOF_TOO_LATE, E.PROOF_REJECTED, E.REFUNDED, E.REASSIGNED, E.REASSIGNED_UNPAID, E.LAST_PROOF_REJECTED,
          E.PROOF_KEPT, E.DEADLINE_PASSED_WITH_PROOF, E.REVIEW_ENDED, E.EXTENDED, E.CHANGED, E.FILE_ADDED)  # fmt: skip
LIFE = """
                 CONFIRMED       PROOF_RECEIVED PAID DEADLINE DROPPED   CANCELLED REVIVED   TOO_LATE REJECTED        REFUNDED REASSIGNED UNPAID    LAST_REJECTED KEPT            WITH_PROOF REVIEW_ENDED EXTENDED        CHANGED         FILE_ADDED
DRAFT            PENDING_PAYMENT IN_REVIEW      PAID EXPIRED  CANCELLED CANCELLED .         .        .               .        .          .         .             PENDING_PAYMENT LATE       .            DRAFT           DRAFT .
PENDING_PAYMENT  .               IN_REVIEW      PAID EXPIRED  CANCELLED CANCELLED .         .        .               .        .          .         .             PENDING_PAYMENT LATE       .            PENDING_PAYMENT PENDING_PAYMENT .
IN_REVIEW        .               IN_REVIEW      PAID .        .         CANCELLED .         .        PENDING_PAYMENT .        .          .         EXPIRED       .               .          LATE         .               . .
PAID             .               .              .    .        .         .         .         .        .               REFUNDED .          .         .             .               .          .            .               . PAID
EXPIRED          .               .              .    .        .         .         IN_REVIEW LATE     .               REFUNDED PAID       IN_REVIEW .             .               .          .            .               . .
CANCELLED        .               .              .    .        .         .         .         LATE     .               REFUNDED PAID       IN_REVIEW .             .               .          .            .               . .
LATE             .               .              .    .        .         .         .         LATE     .               REFUNDED PAID       IN_REVIEW .             .               .          .            .               . .
REFUNDED         .               .              .    .        .         .         .         .        .               .        .          .         .             .               .          .            .               . REFUNDED
"""  # noqa: E501 - a table
STEPS = [
    (S(row.split()[0]), event, cell)
    for row in LIFE.strip().splitlines()[1:]
    for event, cell in zip(EVENTS, row.split()[1:], strict=True)
]


def an_order(status: OrderStatus = S.DRAFT, reserved_until: datetime | None = None) -> Order:
    return Order(
        id="22222222", raffle_id="r", contact_id="c", numbers=(5, 12, 99), unit_amount=2500, currency="GTQ",
        status=status, reserved_until=reserved_until, created_at=NOW, updated_at=NOW,
    )  # fmt: skip


@pytest.mark.parametrize(("status", "event", "target"), STEPS)
def test_p1_an_order_takes_the_steps_of_its_life_cycle_and_no_other(
    status: OrderStatus, event: OrderEvent, target: str
) -> None:
    if target == ".":
        with pytest.raises(OrderOutOfTurn) as refusal:
            an_order(status).after(event)
        assert refusal.value.status == status
        assert event.value in str(refusal.value)
    else:
        assert an_order(status).after(event) is S(target)


def test_the_table_says_something_about_every_status_and_event() -> None:
    assert {(status, event) for status, event, _ in STEPS} == {(status, event) for status in S for event in E}
    assert set(TRANSITIONS) == set(E)


BY_ORGANISERS = (E.PAYMENT_CONFIRMED, E.CANCELLED, E.PROOF_REJECTED, E.REVIEW_ENDED, E.REFUNDED, E.REASSIGNED)


@pytest.mark.parametrize("event", BY_ORGANISERS)
@pytest.mark.parametrize("status", list(S))
def test_every_refused_step_says_what_to_do_instead(status: OrderStatus, event: OrderEvent) -> None:
    """But where the order is there already, and where nothing does."""
    nothing_does = status in (S.CANCELLED, S.EXPIRED, S.REFUNDED) and event is E.PROOF_REJECTED
    if status in TRANSITIONS[event].sources or status is TRANSITIONS[event].target or nothing_does:
        return
    with pytest.raises(OrderOutOfTurn) as refusal:
        an_order(status).after(event)
    first, _, instead = str(refusal.value).partition(". ")
    assert first == f"Order 22222222 is {status}, so it can't be {event.value}"
    assert instead.endswith(".")


def test_no_hint_replaces_a_step_that_is_allowed() -> None:
    assert not [(event, status) for event, status in HINTS if status in TRANSITIONS[event].sources]


def test_p2_after_a_rejection_the_reminder_is_about_the_new_hold() -> None:
    order = replace(an_order(S.PENDING_PAYMENT, NOW + 3 * REMINDER_LEAD), rejected_at=NOW + timedelta(minutes=1))
    near = NOW + 2 * REMINDER_LEAD
    assert order.wants_reminder(near)
    assert not replace(order, rejected_at=near - INSTANT).wants_reminder(near), "a hold of five minutes"


@pytest.mark.parametrize("status", list(S))
def test_a_buyer_is_reminded_once_within_the_last_minutes_of_a_running_hold(status: OrderStatus) -> None:
    end = NOW + 3 * REMINDER_LEAD
    order = an_order(status, end)
    for now, is_time in ((end - REMINDER_LEAD - INSTANT, False), (end - REMINDER_LEAD, True), (end, False)):
        assert order.wants_reminder(now) is (is_time and status in RUNNING)
    assert not replace(order, reminded_at=end - REMINDER_LEAD).wants_reminder(end - REMINDER_LEAD)


def test_p1_a_proof_stops_the_clock_and_only_owners_of_numbers_can_have_one() -> None:
    assert TRANSITIONS[E.PROOF_RECEIVED].target not in RUNNING
    assert RUNNING < OWNING
    assert {S.IN_REVIEW, S.PAID} < OWNING


def test_h7_what_an_order_costs_is_its_price_times_its_numbers_in_minor_units() -> None:
    assert (an_order().quantity, an_order().amount) == (3, 7500)


@pytest.mark.parametrize(
    ("minutes", "until"), [(15, NOW + timedelta(minutes=15)), (1, NOW + timedelta(minutes=1)), (None, None)]
)
def test_h3_a_hold_lasts_the_raffles_minutes_or_for_ever(minutes: int | None, until: datetime | None) -> None:
    assert hold_until(NOW, minutes) == until


@pytest.mark.parametrize(
    ("now", "over"), [(NOW - timedelta(seconds=1), False), (NOW - INSTANT, False), (NOW, True), (NOW + INSTANT, True)]
)
@pytest.mark.parametrize("status", list(S))
def test_h3_a_hold_ends_exactly_at_its_deadline_if_its_clock_runs(
    status: OrderStatus, now: datetime, over: bool
) -> None:
    assert an_order(status, reserved_until=NOW).hold_has_ended(now) is (over and status in (S.DRAFT, S.PENDING_PAYMENT))


@pytest.mark.parametrize("status", list(S))
def test_h3_without_a_time_limit_a_hold_is_never_over(status: OrderStatus) -> None:
    assert not an_order(status).hold_has_ended(datetime.max.replace(tzinfo=UTC))


# The code


def test_a_new_code_has_eight_characters_without_look_alikes_and_a_right_check_character() -> None:
    codes = {new_code(Random(seed)) for seed in range(500)}
    assert len(codes) == 500
    for code in codes:
        assert is_code(code)
        assert len(code) == 8
        assert set(code) <= set("2346789BCDFGHJKMPQRTVWXY")


@given(BODIES)
def test_every_single_wrong_character_is_detected(body: str) -> None:
    code = body + check_character(body)
    for position in range(CODE_LENGTH):
        for other in CODE_ALPHABET:
            wrong = code[:position] + other + code[position + 1 :]
            assert is_code(wrong) is (wrong == code)


@given(BODIES)
def test_swapped_neighbours_are_detected_unless_they_are_the_first_and_last_of_the_alphabet(body: str) -> None:
    code = body + check_character(body)
    for left in range(CODE_LENGTH - 1):
        swapped = code[:left] + code[left + 1] + code[left] + code[left + 2 :]
        blind = {code[left], code[left + 1]} == {CODE_ALPHABET[0], CODE_ALPHABET[-1]}
        assert is_code(swapped) is (swapped == code or blind)


def test_all_but_2_in_552_swaps_of_different_neighbours_are_detected() -> None:
    """Luhn mod N is blind to exactly one pair, both ways round: 99.6 % of swaps are caught."""
    for position in range(CODE_LENGTH - 2):
        missed = total = 0
        for left in CODE_ALPHABET:
            for right in CODE_ALPHABET:
                body = "2346789"[:position] + left + right + "2346789"[position + 2 :]
                swapped = body[:position] + right + left + body[position + 2 :]
                total += left != right
                missed += left != right and check_character(body) == check_character(swapped)
        assert (missed, total) == (2, 552)


@pytest.mark.parametrize(
    "text", ["", "2", "2222222", "222222222", "AAAAAAAA", "2222222\n", "２２２２２２２２", "22222 22", "0" * 8]
)
def test_text_that_is_not_a_code_is_not_taken_for_one(text: str) -> None:
    assert not is_code(text)


@given(st.text())
def test_is_code_answers_for_any_text(text: str) -> None:
    assert is_code(text) in (True, False)
