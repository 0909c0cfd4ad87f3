"""Each refusal has its status, and nothing else ever shows."""

import pytest

from chalicelib.domain.refusals import Refusal
from chalicelib.http.problems import STATUS_OF, TITLES
from chalicelib.store import raffles
from tests.support.world import World


def all_refusals(kind: type[Refusal] = Refusal) -> set[type[Refusal]]:
    return {sub for direct in kind.__subclasses__() for sub in (direct, *all_refusals(direct))}


def test_every_refusal_has_a_status() -> None:
    assert all_refusals() == set(STATUS_OF)
    assert set(STATUS_OF.values()) <= set(TITLES)


def test_every_refusal_has_a_code_of_its_own() -> None:
    assert len({refusal.code for refusal in all_refusals()}) == len(all_refusals())


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
