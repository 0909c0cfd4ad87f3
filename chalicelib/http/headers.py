"""Security headers of every answer, and CORS headers for a web console on another origin."""

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
EXPOSED_HEADERS = "ETag, Location, Retry-After, Content-Disposition"
ALLOWED_HEADERS = "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match"


def with_security_headers(event: Request, get_response: Callable[[Request], Response]) -> Response:
    """Middleware: add the headers that tell browsers how to treat an answer."""
    response = get_response(event)
    for name, value in ALWAYS.items():
        response.headers.setdefault(name, value)
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
