"""O1: which token opens which route: each route with each token, and the table of them in docs/api.md."""

import json
import re
from pathlib import Path

import pytest

from chalicelib.domain.organisers import Role
from chalicelib.http.dispatch import Route
from chalicelib.http.routes import ROUTES
from local.gateway import Answered
from tests.support.api.scene import Kept, Scene
from tools.api_table import PAGE, lines, written

API = [route for route in ROUTES if route.path.startswith("/api/")]
PROTECTED = [route for route in ROUTES if route.role is not None]


def named(route: Route) -> str:
    return f"{route.method} {route.path}"


def asked(scene: Scene, route: Route, key: str | None) -> tuple[int, str]:
    """Status and code of what a route answers, for something that there is, if there is one."""
    target = re.sub(r"{(\w+)}", lambda name: scene.known.get(name[1], ["22222222"])[0], route.path)
    headers = {"Content-Type": route.media[0]} | ({"Authorization": f"Token {key}"} if key is not None else {})
    found = scene.ask(route.method, target, headers=headers, body=b"{}" if route.method in BODIES else b"")
    return found.status, _code(found)


BODIES = ("POST", "PUT", "PATCH")


def _code(found: Answered) -> str:
    is_problem = found.headers.get("Content-Type") == "application/problem+json"
    return str(json.loads(found.body)["code"]) if is_problem else ""


@pytest.mark.parametrize("route", PROTECTED, ids=named)
def test_o1_a_route_opens_to_its_role_and_those_above_and_to_nobody_else(
    furnished: tuple[Scene, Kept], route: Route
) -> None:
    scene, kept = furnished
    scene.put_back(kept)
    answers = {"none": asked(scene, route, None)}
    answers |= {why: asked(scene, route, key) for why, key in scene.useless.items()}
    assert answers == {"none": (401, "not_authenticated")} | dict.fromkeys(scene.useless, (403, "not_allowed"))
    for role in Role:
        scene.put_back(kept)
        status, code = asked(scene, route, scene.keys[role])
        if role.may(route.role or Role.VIEWER):
            assert status not in (401, 403) and status < 500, (role, status, code)
        else:
            assert (status, code) == (403, "role_not_allowed"), role


@pytest.mark.parametrize("route", [route for route in API if route.role is None], ids=named)
def test_o1_an_open_route_needs_no_token(scene: Scene, route: Route) -> None:
    taken = (200, "") if route.method == "GET" else (422, "invalid_fields")  # the body is empty
    for key in (None, *scene.useless.values(), *scene.keys.values()):
        assert asked(scene, route, key) == taken


def test_the_documented_table_of_routes_is_up_to_date() -> None:
    """`make api-table` writes it."""
    assert written(Path(PAGE).read_text("utf-8")) == lines(ROUTES)
