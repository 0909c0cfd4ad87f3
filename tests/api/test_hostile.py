"""Whatever a client sends, it is answered as the description says, learns nothing of us, and a "no" changes nothing.

A thousand requests in an ordinary run; TOMBOLA_SOAK=10 makes ten times as many. TOMBOLA_SEED begins elsewhere.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from os import environ
from random import Random

import pytest
from pydantic import BaseModel

from chalicelib.domain.organisers import Role
from chalicelib.http import schemas
from chalicelib.http.headers import ALWAYS
from chalicelib.http.problems import TITLES
from local.gateway import Answered
from tests.support.api.hostile_requests import API, DOCUMENT, Hostile, Request
from tests.support.api.scene import CONSOLE, Kept, Scene

TIMES = int(environ.get("TOMBOLA_SOAK", "1"))
SEED = int(environ.get("TOMBOLA_SEED", "20261123"))
ROUNDS, REQUESTS = 4 * TIMES, 250
# What API Gateway, or Chalice, says of a request that is none of an operation's.
BESIDES = {"not_found", "method_not_allowed", "unsupported_media_type", "too_large"}
OURS = re.compile(
    r"Traceback|File \"|\bline \d+|chalice|pynamodb|botocore|boto3|pydantic|moto\b|site-packages|\.py\b|<class|"
    r"object at 0x|ConditionalCheck|Exception\b|\w+Error\b|dynamodb|AttributeValue|NoneType"
)


def _form_names(kind: type[BaseModel]) -> Iterator[str]:
    for sub in kind.__subclasses__():
        yield sub.__name__
        yield from _form_names(sub)


FORM_NAMES = re.compile(
    rf"\b({'|'.join({name for form in (schemas.Form, schemas.Query) for name in _form_names(form)})})\b"
)


@pytest.mark.parametrize("number", range(ROUNDS))
def test_no_request_breaks_anything_or_learns_anything(
    furnished: tuple[Scene, Kept], number: int, record_property: Callable[[str, object], None]
) -> None:
    scene, kept = furnished
    scene.put_back(kept)
    random = Random(f"{SEED} {number}")
    hostile, statuses, kinds = Hostile(scene, random), Counter[int](), Counter[str]()
    for turn in range(REQUESTS):
        request = hostile.request()
        role = random.choice((None, Role.VIEWER, Role.CASHIER, *[Role.MANAGER] * 7))
        found = scene.ask(request.method, request.target, role=role, headers=request.headers, body=request.body)
        statuses[found.status] += 1
        kinds[request.kind] += 1
        wrong = _wrong(scene, kept, request, found)
        assert not wrong, f"{wrong}: TOMBOLA_SEED={SEED}, round {number}, request {turn}: {request} {found}"[:4000]
        if found.status < 400:
            scene.put_back(kept)
    for kind, times in kinds.items():
        record_property(f"hostile requests ({kind}) tried", times)
    for status, times in statuses.items():
        record_property(f"hostile requests answered with {status} counted", times)
    assert statuses[422] > REQUESTS / 5 and len(statuses) > 6, statuses


def _wrong(scene: Scene, kept: Kept, request: Request, found: Answered) -> str | None:
    """What is wrong with an answer, if anything."""
    text = found.body.decode(errors="replace")
    if found.status >= 500:
        return "a failure of ours"
    if missing := {name: value for name, value in ALWAYS.items() if found.headers.get(name, value) != value}:
        return "" if request.target.startswith(("/api/docs", "/api/openapi.json")) else f"headers {missing}"
    if not found.headers.keys() >= ALWAYS.keys():
        return "no security headers"
    if any("\n" in value or "\r" in value or name == "X-Evil" for name, value in found.headers.items()):
        return "a header of theirs"
    allowed = found.headers.get("Access-Control-Allow-Origin")
    if allowed is not None and (allowed != CONSOLE or request.headers["Origin"] != CONSOLE):
        return "another origin is let in"
    if found.status < 400:
        return None
    return _wrong_refusal(request, found, text) or _left_behind(scene, kept)


def _wrong_refusal(request: Request, found: Answered, text: str) -> str | None:
    if found.headers["Content-Type"] != "application/problem+json":
        return "no problem"
    problem = schemas.Problem.model_validate_json(text)
    if (problem.status, problem.title) != (found.status, TITLES[found.status]):
        return "another status"
    if problem.code not in BESIDES | _codes(request, found.status):
        return "a code that is not described"
    if found.status == 422 and not (problem.errors and all(error.field for error in problem.errors)):
        return "a field that is not named"
    ours = json.dumps([problem.detail.replace(request.target, ""), [error.message for error in problem.errors or ()]])
    if (told := OURS.search(ours) or FORM_NAMES.search(ours)) and told[0] not in request.target:
        return f"tells of {told[0]!r}"
    return None


def _codes(request: Request, status: int) -> set[str]:
    """The codes that the operation lists for the status; of a path that is none of its, those of any."""
    path = request.target.partition("?")[0].rstrip("/")
    codes: set[str] = set()
    for route in API:
        if re.fullmatch(re.sub(r"{\w+}", "[^/]*", route.path), path) and route.method == request.method:
            responses = DOCUMENT["paths"][route.path][route.method.lower()]["responses"]
            answer = responses.get(str(status), {})
            shared = DOCUMENT["components"]["responses"].get(answer.get("$ref", "").rpartition("/")[2], {})
            content = {**answer, **shared}.get("content", {})
            codes |= content.get("application/problem+json", {}).get("examples", {}).keys()
    return codes


def _left_behind(scene: Scene, kept: Kept) -> str | None:
    changed = kept.differences(scene.keep())
    return f"refused, but changed {changed}" if changed else None
