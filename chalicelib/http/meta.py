"""What the API says about itself."""

from json import dumps
from typing import Literal

from chalice.app import Response

from chalicelib.http.dispatch import Call
from chalicelib.http.openapi import page, whole
from chalicelib.http.schemas import View

# The page is one file: its scripts and styles are in it, and it may fetch nothing but this API.
DOCS_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; connect-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)


class Health(View):
    status: Literal["ok"] = "ok"


def health(call: Call) -> Health:
    """Whether the API answers."""
    return Health()


def openapi(call: Call) -> Response:
    """This description, as OpenAPI 3.1."""
    return Response(_document(call), headers={"Content-Type": "application/json"})


def docs(call: Call) -> Response:
    """This description, as a page for people."""
    return Response(
        page(_document(call)),
        headers={"Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": DOCS_POLICY},
    )


def _document(call: Call) -> str:
    mount, _, _ = str(call.request.context["path"]).rpartition("/api/")
    return dumps(whole(call.routes, mount), ensure_ascii=False)
