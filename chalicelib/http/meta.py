"""About the API itself: whether it is up, and its description."""

from json import dumps
from typing import Literal

from chalice.app import Response

from chalicelib.http.dispatch import Call
from chalicelib.http.openapi import page, whole
from chalicelib.http.schemas import View

# The page is self-contained: scripts and styles are inline, and it may connect to nothing but this API.
DOCS_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; connect-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)


class Health(View):
    """The API is up."""

    status: Literal["ok"] = "ok"


def health(call: Call) -> Health:
    """Check that the API is up.

    Reads no data, so it says nothing about the database or WhatsApp.
    """
    return Health()


def openapi(call: Call) -> Response:
    """Get this description as OpenAPI 3.1."""
    return Response(_document(call), headers={"Content-Type": "application/json"})


def docs(call: Call) -> Response:
    """Show this description as a web page.

    Requests can be tried out on it.
    """
    return Response(
        page(_document(call)),
        headers={"Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": DOCS_POLICY},
    )


def _document(call: Call) -> str:
    mount, _, _ = str(call.request.context["path"]).rpartition("/api/")
    return dumps(whole(call.routes, mount), ensure_ascii=False)
