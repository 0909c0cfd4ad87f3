"""Each refusal has its status, and nothing else ever shows."""

import re

import pytest

from chalicelib.domain import refusals
from chalicelib.domain.refusals import KINDS, Refusal, all_refusals
from chalicelib.http.problems import STATUS_OF, TITLES, status_of
from chalicelib.store import raffles
from tests.support.world import World

# Part of the API's contract: neither a code nor its status ever changes. A new refusal gets its line here, so that it
# can't change unnoticed either.
STATUS_OF_CODE = {
    "payment_change_not_found": 404,
    "contact_not_found": 404,
    "export_not_found": 404,
    "letter_not_found": 404,
    "file_not_found": 404,
    "message_not_found": 404,
    "picture_not_found": 404,
    "order_not_found": 404,
    "proof_not_found": 404,
    "raffle_not_found": 404,
    "sign_in_link_not_found": 404,
    "token_not_found": 404,
    "code_taken": 409,
    "hold_limited": 409,
    "review_not_over": 409,
    "contact_erased": 409,
    "contact_has_orders": 409,
    "contact_opted_out": 409,
    "deleted_since": 409,
    "last_manager": 409,
    "sign_in_link_over": 409,
    "sign_in_link_used": 409,
    "message_not_given_up": 409,
    "numbers_invalid": 409,
    "numbers_taken": 409,
    "order_out_of_turn": 409,
    "proof_not_seen": 409,
    "raffle_has_late_orders": 409,
    "raffle_has_orders": 409,
    "raffle_has_sales": 409,
    "raffle_out_of_turn": 409,
    "report_too_large": 409,
    "sending_stopped": 409,
    "token_known": 409,
    "token_name_taken": 409,
    "token_shown_before": 409,
    "second_manager_needed": 409,
    "token_too_new": 409,
    "too_few_free": 409,
    "too_many_for_contact": 409,
    "window_closed": 409,
    "outdated": 412,
    "statement_too_large": 413,
    "cursor_invalid": 422,
    "idempotency_key_used": 422,
    "statement_unreadable": 422,
    "upload_not_found": 422,
    "picture_unusable": 422,
    "try_again": 429,
}


def subclasses(parent: type[Refusal] = Refusal) -> set[type[Refusal]]:
    return {sub for direct in parent.__subclasses__() for sub in (direct, *subclasses(direct))}


def test_every_refusal_keeps_its_status() -> None:
    assert {refusal.code: status_of(refusal) for refusal in all_refusals()} == STATUS_OF_CODE


def test_every_refusal_is_of_one_kind() -> None:
    assert subclasses() - set(all_refusals()) == set(KINDS)
    for refusal in all_refusals():
        assert len([kind for kind in KINDS if issubclass(refusal, kind)]) == 1


def test_every_kind_has_a_status_of_its_own() -> None:
    assert set(STATUS_OF) == set(KINDS)
    assert len(set(STATUS_OF.values())) == len(KINDS)
    assert set(STATUS_OF.values()) <= set(TITLES)


def test_every_refusal_has_a_code_of_its_own() -> None:
    assert len({refusal.code for refusal in all_refusals()}) == len(list(all_refusals()))


def test_every_refusal_says_in_words_what_is_wrong() -> None:
    """The first line of its docstring is its example in the API's description."""
    for refusal in all_refusals():
        assert refusal.__doc__, refusal
        assert refusal.__doc__.partition("\n")[0].endswith("."), refusal


def test_the_hierarchy_in_the_docstring_is_complete() -> None:
    drawn = re.findall(r"^[ │├└─]*── (\w+)", refusals.__doc__ or "", re.MULTILINE)
    assert sorted(drawn) == sorted(refusal.__name__ for refusal in subclasses())


def test_a_crash_is_a_500_that_tells_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_: str) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr(raffles, "get", fails)
    found = world.api("GET", "/api/raffles/x")
    assert (found.status, found.body["code"]) == (500, "internal_error")
    assert "secret" not in str(found.body)


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("DELETE", "/api/raffles", {}, 405),
        ("PATCH", "/api/orders/22222222", {}, 405),
        ("POST", "/api/raffles", {"Content-Type": "text/weird"}, 415),
        ("POST", "/api/raffles", {"Content-Type": "application/xml"}, 415),
    ],
)
def test_a_wrong_method_or_type_is_a_problem_too(
    world: World, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    found = world.api(method, path, b"{}", **headers)
    assert found.status == status
    assert found.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("method", "path", "policy"),
    [
        ("GET", "/api/raffles", '"organisers";q=100;w=1'),
        ("GET", "/api/raffles/nothing", '"organisers";q=100;w=1'),
        ("DELETE", "/api/raffles", '"organisers";q=100;w=1'),
        ("GET", "/api/health", '"organisers";q=100;w=1'),
        ("GET", "/api/docs", '"docs";q=2;w=1'),
        ("GET", "/api/openapi.json", '"openapi";q=2;w=1'),
        ("POST", "/api/sign-in", '"sign-in";q=5;w=1'),
        ("GET", "/whatsapp/webhook", None),
    ],
)
def test_each_answer_says_how_many_requests_there_may_be(
    world: World, method: str, path: str, policy: str | None
) -> None:
    """The numbers are those of the template: tests/infra/test_template.py. How many are left, nobody here knows."""
    found = world.api(method, path)
    assert found.headers.get("RateLimit-Policy") == policy
    assert "RateLimit" not in found.headers
