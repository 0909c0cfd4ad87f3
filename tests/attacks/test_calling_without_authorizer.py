"""A request reaches the function without the authorizer's word: by another API, or by a route without one."""

import json
import re
from typing import Any

import pytest
from chalice.config import Config
from chalice.local import LambdaContext, LocalGateway

import app as functions
from chalicelib.domain.organisers import Role
from chalicelib.http.dispatch import Route
from chalicelib.http.routes import ROUTES
from tests.support.world import World

PROTECTED = [route for route in ROUTES if route.role is not None]
SAID_NOTHING: dict[str, Any] = {
    "no context": None,
    "an empty context": {},
    "only a name": {"principalId": "local"},
    "no role": {"principalId": "local", "token": "c7ec7c548f5992a2"},
    "an empty role": {"principalId": "local", "role": "", "token": "c7ec7c548f5992a2"},
    "a role that there is not": {"principalId": "local", "role": "admin", "token": "c7ec7c548f5992a2"},
    "no token": {"principalId": "local", "role": "manager"},
    "an empty token": {"principalId": "local", "role": "manager", "token": ""},
}


def called(route: Route, context: Any) -> tuple[int, str]:
    """Status and body of what the function itself answers, with nothing in front of it."""
    gateway = LocalGateway(functions.app, Config.create())
    path = re.sub(r"\{\w+\}", "22222222", route.path)
    event = gateway._generate_lambda_event(route.method, path, {"content-type": route.media[0]}, b"")
    if context is not None:
        event["requestContext"]["authorizer"] = context
    answer = functions.app(event, LambdaContext("api", 256))
    return answer["statusCode"], answer["body"]


def named(path: str) -> Route:
    return next(route for route in ROUTES if (route.method, route.path) == ("GET", path))


@pytest.mark.parametrize("why", SAID_NOTHING)
def test_o1_without_the_authorizers_word_nobody_may_do_anything(world: World, why: str) -> None:
    for route in PROTECTED:
        status, body = called(route, SAID_NOTHING[why])
        assert (status, json.loads(body)["code"]) == (401, "not_authenticated"), route


@pytest.mark.parametrize("role", Role)
def test_o1_with_it_the_same_call_is_answered(world: World, role: Role) -> None:
    context = {"principalId": "local", "role": role.value, "token": "c7ec7c548f5992a2"}
    assert called(named("/api/raffles"), context)[0] == 200


def test_an_open_route_needs_no_word(world: World) -> None:
    assert called(named("/api/health"), None)[0] == 200
