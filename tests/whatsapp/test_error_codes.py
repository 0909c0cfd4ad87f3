"""What is done about each of Meta's error codes."""

import pytest

from chalicelib.whatsapp.error_codes import REMEDIES, UNKNOWN, Action, remedy
from tests.support.whatsapp_samples import ANSWERS, answer

RETRYING = {
    Action.RETRY, Action.WAIT_PERSON, Action.WAIT_NUMBER, Action.WAIT_ALL, Action.STOP_BUSINESS_INITIATED,
}  # fmt: skip


@pytest.mark.parametrize(
    ("codes", "action", "alert"),
    [
        ((0, 190), Action.STOP_ALL, True),
        ((3, 10, 131005, 200, 250, 299), Action.ALERT_ONLY, True),
        ((1, 131000, 131016, 133004), Action.RETRY, True),
        ((2,), Action.RETRY, False),
        ((4, 80007), Action.WAIT_ALL, True),
        ((130429, 131057), Action.WAIT_NUMBER, False),
        ((131056,), Action.WAIT_PERSON, False),
        ((131048, 131064), Action.STOP_BUSINESS_INITIATED, True),
        ((33, 100, 131008, 131009, 135000, 131051, 131053), Action.DEAD_LETTER, True),
        ((131021, 131026, 130403, 130472, 131049), Action.DROP, False),
        ((131030, 131042, 131045, 133010), Action.ALERT_ONLY, True),
        ((131047,), Action.TEMPLATE, False),
        ((131050,), Action.OPTED_OUT, False),
        ((131052,), Action.ASK_AGAIN, False),
        ((132000, 132001, 132005, 132007, 132012, 132015, 132016), Action.ALERT_ONLY, True),
        ((368, 131031, 130497), Action.STOP_ALL, True),
    ],
)
def test_the_code_decides(codes: tuple[int, ...], action: Action, alert: bool) -> None:
    for code in codes:
        assert (remedy(code).action, remedy(code).alert) == (action, alert), code


@pytest.mark.parametrize("code", [-1, 199, 300, 999, 131099, 10**9])
def test_an_unknown_code_is_not_retried_and_raises_an_alert(code: int) -> None:
    assert remedy(code) == UNKNOWN
    assert not UNKNOWN.delays
    assert UNKNOWN.alert


def test_a_person_written_to_too_fast_is_retried_after_powers_of_four() -> None:
    assert remedy(131056).delays[:4] == (1, 4, 16, 64)


def test_maintenance_is_waited_for_a_minute_at_least() -> None:
    assert min(remedy(131057).delays) >= 60


def test_only_retried_codes_have_delays_which_grow_and_end() -> None:
    for codes, found in REMEDIES:
        assert bool(found.delays) == (found.action in RETRYING), codes
        assert list(found.delays) == sorted(set(found.delays)), codes
        assert len([delay for delay in found.delays if delay > 60]) <= 5, codes
        assert len(found.delays) <= 7, codes


def test_no_row_hides_another() -> None:
    single = [code for codes, _ in REMEDIES if isinstance(codes, tuple) for code in codes]
    assert len(single) == len(set(single))
    for code in single:
        assert remedy(code) == next(found for codes, found in REMEDIES if isinstance(codes, tuple) and code in codes)


@pytest.mark.parametrize("name", [name for name in ANSWERS if name.startswith("err_") and "body" in answer(name)])
def test_each_error_among_the_samples_is_in_the_table(name: str) -> None:
    code = answer(name)["body"]["error"]["code"]
    assert any(code in codes for codes, _ in REMEDIES)
