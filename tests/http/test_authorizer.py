"""O1: every `/api` route but health and the API description needs a token."""

import re

import pytest

import app as functions
from chalicelib.http import console
from chalicelib.http.dispatch import Route
from chalicelib.http.routes import ROUTES
from chalicelib.store.records import Record
from tests.support.world import TOKEN, World

PROTECTED = [route for route in ROUTES if route.role is not None]
WEBHOOK = "/whatsapp/webhook"
ABOUT = ("/api/health", "/api/openapi.json", "/api/docs")
CONSOLE = {(method, path) for path in console.PATHS for method in console.METHODS}  # no data is in these files
PUBLIC = {*(("GET", path) for path in ABOUT), ("GET", WEBHOOK), ("POST", WEBHOOK), ("POST", "/api/sign-in")}


def address(path: str) -> str:
    return re.sub(r"\{\w+\}", "22222222", path)


def called(route: Route) -> str:
    return f"{route.method} {route.path}"


def test_o1_without_a_token_401_and_with_a_wrong_one_403(world: World) -> None:
    answers = {}
    for route in PROTECTED:
        statuses = [world.api(route.method, address(route.path), token=None).status]
        wrong = ("wrong", TOKEN.upper(), TOKEN + "x", f"{TOKEN} {TOKEN}", "x" * 5000)
        statuses += [world.api(route.method, address(route.path), token=one).status for one in wrong]
        if statuses != [401, 403, 403, 403, 403, 403]:
            answers[called(route)] = statuses
    assert answers == {}


def test_o1_with_a_right_token_the_route_answers(world: World) -> None:
    answers = {}
    for route in PROTECTED:
        for scheme in ("Token", "Bearer", "token", "BEARER"):
            found = world.api(route.method, address(route.path), {}, token=None, Authorization=f"{scheme} {TOKEN}")
            if found.status not in (200, 204, 404, 422):
                answers[called(route), scheme] = found.status
    assert answers == {}


@pytest.mark.parametrize("scheme", ["Basic", "", "Digest", "TokenBearer"])
def test_o1_no_other_scheme_is_accepted(world: World, scheme: str) -> None:
    found = world.api("GET", "/api/raffles", token=None, Authorization=f"{scheme} {TOKEN}".strip())
    assert found.status == 403


def test_o1_no_route_of_the_application_is_forgotten() -> None:
    open_routes = {
        (method, path)
        for path, by_method in functions.app.routes.items()
        for method, entry in by_method.items()
        if entry.authorizer is None and entry.view_name not in ("preflight", "method_not_allowed")  # which tell nothing
    }
    assert open_routes == PUBLIC | CONSOLE
    protected = [(m, p) for p, entries in functions.app.routes.items() for m, e in entries.items() if e.authorizer]
    assert {functions.app.routes[p][m].authorizer for m, p in protected} == {functions.admin_token}
    assert {(route.method, route.path) for route in ROUTES} == PUBLIC | set(protected)


def test_o1_only_hashes_of_tokens_are_stored(world: World) -> None:
    stored = [record for record in Record.scan() if record.pk.startswith("TOKEN#")]
    assert len(stored) == 1
    assert all(TOKEN not in str(value) for record in stored for value in record.attribute_values.values())


@pytest.mark.parametrize("path", ABOUT)
def test_an_open_route_takes_any_query(world: World, path: str) -> None:
    assert world.api("GET", f"{path}?x=1&x=2&=", token=None).status == 200


def test_health_needs_no_token_and_reveals_nothing(world: World) -> None:
    assert world.api("GET", "/api/health", token=None).body == {"status": "ok"}
