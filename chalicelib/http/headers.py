"""Headers of every answer: for security, of the rate limit, and CORS for a web console on another origin."""

from collections.abc import Callable

from chalice.app import Request, Response

from chalicelib.container import container
from chalicelib.http.dispatch import Call
from chalicelib.settings import SettingsInvalid

# Source: https://cheatsheetseries.owasp.org/cheatsheets/REST_Security_Cheat_Sheet.html
ALWAYS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=63072000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
}
# The throttles of API Gateway (`MethodSettings` in infra/resources.json): how many requests a second all clients
# together may make. How many are left only API Gateway knows, so no RateLimit says it.
# Source: https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/
ORGANISERS = '"organisers";q=100;w=1'
OWN_POLICIES = {
    ("GET", "/api/docs"): '"docs";q=2;w=1',
    ("GET", "/api/openapi.json"): '"openapi";q=2;w=1',
    ("POST", "/api/sign-in"): '"sign-in";q=5;w=1',
    ("GET", "/console"): '"console";q=20;w=1',
    ("GET", "/console/assets/{name}"): '"console-files";q=300;w=1',
    ("HEAD", "/console"): '"console-head";q=5;w=1',
    ("HEAD", "/console/assets/{name}"): '"console-files-head";q=5;w=1',
}
EXPOSED_HEADERS = "ETag, Location, RateLimit-Policy, Retry-After, Content-Disposition"
ALLOWED_HEADERS = "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match"


def with_security_headers(event: Request, get_response: Callable[[Request], Response]) -> Response:
    """Middleware: add the headers that tell browsers how to treat an answer, and clients how fast they may go on."""
    response = get_response(event)
    for name, value in ALWAYS.items():
        response.headers.setdefault(name, value)
    path = str(event.context.get("resourcePath", ""))
    if path.startswith(("/api/", "/console")):
        response.headers["RateLimit-Policy"] = OWN_POLICIES.get((event.method, path), ORGANISERS)
    if origin := _console_origin(event):
        response.headers |= {
            "Access-Control-Allow-Origin": origin,
            "Access-Control-Expose-Headers": EXPOSED_HEADERS,
        }
        response.headers.setdefault("Vary", "Origin")
    return response


def preflight(call: Call) -> Response:
    """Answer a CORS preflight request: only the console's origin may call the API from a browser."""
    headers: dict[str, str | list[str]] = {}
    if _console_origin(call.request):
        headers = {
            "Access-Control-Allow-Methods": "GET, POST, PUT, PATCH, DELETE",
            "Access-Control-Allow-Headers": ALLOWED_HEADERS,
            "Access-Control-Max-Age": "600",
        }
    return Response("", status_code=204, headers=headers)


def _console_origin(event: Request) -> str | None:
    """Return the origin of the request if it is the console's."""
    origin = event.headers.get("origin")
    try:
        return origin if origin and origin == container().settings.TOMBOLA_CONSOLE_ORIGIN else None
    except SettingsInvalid:
        return None
