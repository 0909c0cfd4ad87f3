"""API Gateway as a client sees it: Chalice's local gateway, corrected where the real one behaves differently.

Chalice's local gateway has its own error bodies, does not decode path parameters, and accepts bodies of any size. The
real one answers with the templates in infra/resources.json, so they are read from there.
"""

import json
from base64 import b64decode
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, unquote

from chalice.app import Chalice
from chalice.config import Config
from chalice.local import ForbiddenError, InvalidAuthorizerError, LocalGateway, NotAuthorizedError

TEMPLATE = Path(__file__).parent.parent / "infra" / "resources.json"
# Source: "Amazon API Gateway quotas" and "Lambda quotas" (2026). The event contains the body in base64.
LARGEST_BODY = 10 * 1024 * 1024
LARGEST_EVENT = 6 * 1024 * 1024
METHODS = frozenset(("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"))

Headers = dict[str, str]
Start = Callable[[str, list[tuple[str, str]]], object]


class Answered(NamedTuple):
    """An HTTP response."""

    status: int
    headers: Headers
    body: bytes


class Gateway:
    """A WSGI application. `answer` does the same without WSGI."""

    def __init__(self, app: Chalice) -> None:
        self._local = _DecodingGateway(app, Config.create())

    def __call__(self, environ: Mapping[str, Any], start: Start) -> Iterable[bytes]:
        target = environ.get("REQUEST_URI") or quote(environ["PATH_INFO"].encode("latin-1"))
        if "?" not in target and environ.get("QUERY_STRING"):
            target += "?" + environ["QUERY_STRING"]
        headers = {
            name.removeprefix("HTTP_").replace("_", "-").lower(): value
            for name, value in environ.items()
            if name.startswith("HTTP_") or (name in ("CONTENT_TYPE", "CONTENT_LENGTH") and value)
        }
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        method = environ["REQUEST_METHOD"].upper()  # some test clients leave that to the server
        response = self.answer(method, target, headers, body)
        try:
            reason = HTTPStatus(response.status).phrase
        except ValueError:
            reason = "Unknown"
        length = ("Content-Length", str(len(response.body)))
        start(f"{response.status} {reason}", [*response.headers.items(), length])
        return [b"" if method == "HEAD" else response.body]

    def answer(self, method: str, target: str, headers: Mapping[str, str], body: bytes = b"") -> Answered:
        """Return the response that a client gets. `target`: path and query as in the request line."""
        headers = {name.lower(): value for name, value in headers.items()}
        if not headers.get("authorization", "x").strip():
            del headers["authorization"]  # API Gateway treats an empty one as missing
        refusal = self._refusal(method, target, body)
        if refusal is not None:
            return own_answers()[refusal]
        try:
            return _answered(self._local.handle_request(method, target, headers, body))
        except NotAuthorizedError:
            return own_answers()["UNAUTHORIZED"]
        except ForbiddenError:
            return own_answers()["ACCESS_DENIED"]
        except InvalidAuthorizerError:
            return own_answers()["AUTHORIZER_CONFIGURATION_ERROR"]
        except Exception:  # noqa: BLE001 - only the authorizer can raise: the application answers its own errors
            return own_answers()["AUTHORIZER_FAILURE"]

    def _refusal(self, method: str, target: str, body: bytes) -> str | None:
        """Return the kind of gateway response for a request that reaches neither authorizer nor application."""
        if len(body) > LARGEST_BODY or len(body) * 4 / 3 > LARGEST_EVENT:  # the template asks for base64
            return "REQUEST_TOO_LARGE"
        allowed = self._local.methods(target)
        # API Gateway answers an unsupported method or resource as if the token were missing.
        return None if method in METHODS and method in allowed else "MISSING_AUTHENTICATION_TOKEN"


class _DecodingGateway(LocalGateway):
    """Decodes path parameters, as the real gateway does."""

    def methods(self, target: str) -> frozenset[str]:
        try:
            route = self.event_converter._route_matcher.match_route(target).route  # noqa: SLF001 - not public
        except ValueError:
            return frozenset()
        return frozenset(self._app_object.routes[route])

    def _generate_lambda_event(self, method: str, path: str, headers: Headers, body: bytes | None) -> dict[str, Any]:
        event = super()._generate_lambda_event(method, path, headers, body)
        event["pathParameters"] = {name: unquote(value) for name, value in event["pathParameters"].items()}
        return event


@cache
def own_answers(console: str = "") -> dict[str, Answered]:
    """Return the template's gateway responses by kind. `console` is the template's parameter ConsoleOrigin."""
    resources = json.loads(TEMPLATE.read_text("utf-8"))["Resources"]
    responses = resources["RestAPI"]["Properties"]["GatewayResponses"]
    return {kind: _own_answer(response, console) for kind, response in responses.items()}


def _own_answer(response: dict[str, Any], console: str) -> Answered:
    headers = dict[str, str]()
    for name, value in response["ResponseParameters"]["Headers"].items():
        if isinstance(value, str):
            headers[name] = value[1:-1]
        elif console:  # {"Fn::If": ["HasConsole", value, no value]}
            header = value["Fn::If"][1]
            text = header if isinstance(header, str) else header["Fn::Sub"].replace("${ConsoleOrigin}", console)
            headers[name] = text[1:-1]
    return Answered(int(response["StatusCode"]), headers, response["ResponseTemplates"]["application/json"].encode())


def _answered(response: Mapping[str, Any]) -> Answered:
    headers = {"Content-Type": "application/json", **response["headers"]}
    headers |= {name: ", ".join(values) for name, values in response["multiValueHeaders"].items()}
    body = response["body"] or b""
    raw = body if isinstance(body, bytes) else body.encode()
    return Answered(response["statusCode"], headers, b64decode(raw) if response.get("isBase64Encoded") else raw)
