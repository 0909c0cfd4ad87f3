"""Headers that every answer has, and those for a console that is served from elsewhere."""

from collections.abc import Callable

from chalice.app import Request, Response

from chalicelib.container import container
from chalicelib.http.dispatch import Call
from chalicelib.settings import SettingsInvalid

# Source: OWASP's REST security cheat sheet (2026).
ALWAYS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=63072000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
}
TOLD = "ETag, Location, Retry-After, Content-Disposition"
ASKED = "Authorization, Content-Type, Idempotency-Key, If-Match"


def with_security_headers(event: Request, get_response: Callable[[Request], Response]) -> Response:
    """Middleware: what every answer says about itself to a browser."""
    response = get_response(event)
    for name, value in ALWAYS.items():
        response.headers.setdefault(name, value)
    if origin := _console(event):
        response.headers |= {
            "Access-Control-Allow-Origin": origin,
            "Access-Control-Expose-Headers": TOLD,
            "Vary": "Origin",
        }
    return response


def preflight(call: Call) -> Response:
    """What a browser asks before it lets a page of another origin call the API: allowed to the console alone."""
    headers: dict[str, str | list[str]] = {}
    if _console(call.request):
        headers = {
            "Access-Control-Allow-Methods": "GET, POST, PUT, PATCH, DELETE",
            "Access-Control-Allow-Headers": ASKED,
            "Access-Control-Max-Age": "600",
        }
    return Response("", status_code=204, headers=headers)


def _console(event: Request) -> str | None:
    """The origin of the request, if it is the console's."""
    origin = event.headers.get("origin")
    try:
        return origin if origin and origin == container().settings.TOMBOLA_CONSOLE_ORIGIN else None
    except SettingsInvalid:
        return None
