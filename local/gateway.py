"""API Gateway, as far as a client can tell: Chalice's stand-in, and what the real one does otherwise.

Chalice's own local gateway refuses in plain JSON, hands over ids in a path undecoded, and takes bodies of any size. The
real one refuses with the templates of infra/resources.json, which are read from there.
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
# Source: "Amazon API Gateway quotas" and "Lambda quotas" (2026): a body, and the event that is made of it.
LARGEST_BODY = 10 * 1024 * 1024
LARGEST_EVENT = 6 * 1024 * 1024
METHODS = frozenset(("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"))

Headers = dict[str, str]
Start = Callable[[str, list[tuple[str, str]]], object]


class Answered(NamedTuple):
    status: int
    headers: Headers
    body: bytes


class Gateway:
    """A WSGI application. `answer` is the same without WSGI's forms."""

    def __init__(self, app: Chalice) -> None:
        self._app, self._local = app, _Decoding(app, Config.create())

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
        method = environ["REQUEST_METHOD"].upper()  # a test client may leave that to the server
        found = self.answer(method, target, headers, body)
        try:
            reason = HTTPStatus(found.status).phrase
        except ValueError:
            reason = "Unknown"
        start(f"{found.status} {reason}", [*found.headers.items(), ("Content-Length", str(len(found.body)))])
        return [b"" if method == "HEAD" else found.body]

    def answer(self, method: str, target: str, headers: Mapping[str, str], body: bytes = b"") -> Answered:
        """What a client gets. `target`: path and query as they stand in the request line."""
        headers = {name.lower(): value for name, value in headers.items()}
        if not headers.get("authorization", "x").strip():
            del headers["authorization"]  # an empty one is none to it
        refused = self._refused(method, target, body)
        if refused is not None:
            return own_answers()[refused]
        try:
            return _answered(self._local.handle_request(method, target, headers, body))
        except NotAuthorizedError:
            return own_answers()["UNAUTHORIZED"]
        except ForbiddenError:
            return own_answers()["ACCESS_DENIED"]
        except InvalidAuthorizerError:
            return own_answers()["AUTHORIZER_CONFIGURATION_ERROR"]
        except Exception:  # noqa: BLE001 - the application's own are answered by it, so this is the authorizer's
            return own_answers()["AUTHORIZER_FAILURE"]

    def _refused(self, method: str, target: str, body: bytes) -> str | None:
        """What it says before it asks the authorizer or the application, if anything."""
        if len(body) > LARGEST_BODY or len(body) * 4 / 3 > LARGEST_EVENT:  # in base64, as the template wants it
            return "REQUEST_TOO_LARGE"
        served = self._local.methods(target)
        # "including the cases when the client attempts to invoke an unsupported API method or resource"
        return None if method in METHODS and method in served else "MISSING_AUTHENTICATION_TOKEN"


class _Decoding(LocalGateway):
    """Hands over what stands in a path as the real gateway does: decoded."""

    def methods(self, target: str) -> frozenset[str]:
        try:
            route = self.event_converter._route_matcher.match_route(target).route  # noqa: SLF001 - it shows nobody
        except ValueError:
            return frozenset()
        return frozenset(self._app_object.routes[route])

    def _generate_lambda_event(self, method: str, path: str, headers: Headers, body: bytes | None) -> dict[str, Any]:
        event = super()._generate_lambda_event(method, path, headers, body)
        event["pathParameters"] = {name: unquote(value) for name, value in event["pathParameters"].items()}
        return event


@cache
def own_answers(console: str = "") -> dict[str, Answered]:
    """What the template says of each kind of answer that the gateway gives by itself; `console` is its parameter."""
    resources = json.loads(TEMPLATE.read_text("utf-8"))["Resources"]
    found = resources["RestAPI"]["Properties"]["GatewayResponses"]
    return {kind: _own(one, console) for kind, one in found.items()}


def _own(found: dict[str, Any], console: str) -> Answered:
    headers = dict[str, str]()
    for name, value in found["ResponseParameters"]["Headers"].items():
        if isinstance(value, str):
            headers[name] = value[1:-1]
        elif console:  # {"Fn::If": ["HasConsole", the value, none]}
            there = value["Fn::If"][1]
            text = there if isinstance(there, str) else there["Fn::Sub"].replace("${ConsoleOrigin}", console)
            headers[name] = text[1:-1]
    return Answered(int(found["StatusCode"]), headers, found["ResponseTemplates"]["application/json"].encode())


def _answered(found: Mapping[str, Any]) -> Answered:
    headers = {"Content-Type": "application/json", **found["headers"]}
    headers |= {name: ", ".join(values) for name, values in found["multiValueHeaders"].items()}
    body = found["body"] or b""
    raw = body if isinstance(body, bytes) else body.encode()
    return Answered(found["statusCode"], headers, b64decode(raw) if found.get("isBase64Encoded") else raw)
