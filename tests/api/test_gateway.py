"""The gateway that these tests go through answers as the template says, and hands everything else on unchanged."""

import json

import pytest
from chalice.app import Chalice, Response

from chalicelib.http.headers import ALWAYS
from chalicelib.http.problems import TITLES
from chalicelib.http.schemas import Problem
from local.gateway import LARGEST_BODY, LARGEST_EVENT, Gateway, own_answers
from tests.support.api.scene import Scene

NOISE = bytes(range(256))


def echo() -> Gateway:
    app = Chalice(app_name="echo")

    @app.route("/echo/{word}", methods=["POST"], content_types=["application/octet-stream", "text/plain"])
    def say(word: str) -> Response:
        request = app.current_request
        assert request is not None
        headers: dict[str, str | list[str]] = {"Content-Type": "application/octet-stream", "Word": word}
        return Response(request.raw_body, headers=headers)

    return Gateway(app)


@pytest.mark.parametrize("kind", own_answers())
def test_errors_of_the_gateway_itself_are_problems_like_ours(kind: str) -> None:
    found = own_answers()[kind]
    said = Problem.model_validate_json(found.body)
    assert (said.status, said.title) == (found.status, TITLES[found.status])
    assert found.headers.items() >= {"Content-Type": "application/problem+json", **ALWAYS}.items()
    assert ("Retry-After" in found.headers) is (found.status in (429, 503))


@pytest.mark.parametrize("kind", own_answers())
def test_only_the_console_on_another_origin_may_read_them(kind: str) -> None:
    console = "https://console.example.org"
    assert "Access-Control-Allow-Origin" not in own_answers()[kind].headers
    allowed = {"Access-Control-Allow-Origin": console, "Vary": "Origin"}
    assert own_answers(console)[kind].headers.items() >= allowed.items()


def test_bytes_go_through_as_they_are() -> None:
    for media in ("application/octet-stream", "text/plain"):  # the first in base64, as the real one has it
        headers = {"Content-Type": media, "Accept": "application/octet-stream"}
        found = echo().answer("POST", "/echo/a", headers, NOISE)
        assert (found.status, found.body) == (200, NOISE)


def test_values_in_a_path_arrive_decoded() -> None:
    headers = {"Content-Type": "text/plain", "Accept": "application/octet-stream"}
    assert echo().answer("POST", "/echo/a%2Fb%20c/", headers).headers["Word"] == "a/b c"


@pytest.mark.parametrize(
    ("size", "status"), [(LARGEST_EVENT * 3 // 4, 200), (LARGEST_EVENT, 413), (LARGEST_BODY + 1, 413)]
)
def test_a_body_has_a_limit(size: int, status: int) -> None:
    headers = {"Content-Type": "text/plain", "Accept": "application/octet-stream"}
    assert echo().answer("POST", "/echo/a", headers, b"x" * size).status == status


def test_an_unknown_path_is_not_found_with_and_without_a_token(scene: Scene) -> None:
    for method, target in (("GET", "/api/nothing"), ("HEAD", "/api/raffles"), ("BREW", "/api/raffles"), ("GET", "/")):
        for authorization in (f"Token {scene.world.stack.table}", "é", ""):
            found = scene.ask(method, target, headers={"Authorization": authorization})
            assert (found.status, json.loads(found.body)["code"]) == (404, "not_found")


def test_an_empty_token_is_no_token(scene: Scene) -> None:
    assert scene.ask("GET", "/api/raffles", headers={"Authorization": " "}).status == 401
