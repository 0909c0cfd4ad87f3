"""About the API itself: whether it is up, and its description."""

import re
from gzip import decompress
from typing import Annotated, Literal

from chalice.app import Response
from pydantic import ConfigDict, Field

from chalicelib.http import prebuilt
from chalicelib.http.dispatch import BinaryResponse, Call, check_token
from chalicelib.http.prebuilt import Compressed
from chalicelib.http.schemas import Query, View
from chalicelib.services.maintenance.reachability import REACHABLE

# The page is self-contained: scripts and styles are inline, and it may connect to nothing but this API.
DOCS_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; connect-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
MAX_AGE = 300  # seconds for which a browser shows a page again without asking
Headers = dict[str, str | list[str]]


class HealthQuery(Query):
    """Unknown parameters are ignored, as on every route that needs no token."""

    model_config = ConfigDict(extra="ignore")

    deep: Annotated[
        bool, Field(description="Whether to ask everything that the API needs, too. Then a token is needed.")
    ] = False


class Reachable(View):
    """The parts that the API needs: each is `ok`, or says what failed."""

    table: Annotated[str, Field(examples=["ok"])]
    queue: Annotated[str, Field(description="The queue of what WhatsApp posts.", examples=["ok"])]
    exports_queue: Annotated[str, Field(examples=["ok"])]
    bucket: Annotated[str, Field(examples=["ok"])]
    graph: Annotated[str, Field(description="WhatsApp's Graph API.", examples=["no answer within 5 seconds"])]


class Health(View):
    """The API is up. `failing`: something that it needs can't be reached."""

    status: Literal["ok", "failing"] = "ok"
    reachable: Annotated[
        Reachable | None, Field(description="Only with `deep`.", exclude_if=lambda reachable: reachable is None)
    ] = None


def health(call: Call, query: HealthQuery) -> Health:
    """Check that the API is up.

    Reads no data. With `deep=1` and a token of any role, it asks the table, the queues, the bucket and WhatsApp, and
    answers within about five seconds. The status code is 200 also if one of them fails: read `status`. While the table
    can't be read, no token can be checked: the answer is 429 `try_again`.
    """
    if not query.deep:
        return Health()
    check_token(call)
    parts = call.container.reachability.check()
    return Health(status="ok" if set(parts.values()) == {REACHABLE} else "failing", reachable=Reachable(**parts))


def openapi(call: Call) -> Response:
    """Get this description as OpenAPI 3.1."""
    mount, _, _ = str(call.request.context["path"]).rpartition("/api/")
    headers: Headers = {"Content-Type": "application/json"}
    return _cached(call, prebuilt.description(call.routes, mount), headers, plain=not _accepts_gzip(call))


def docs(call: Call) -> Response:
    """Show this description as a web page.

    Requests can be tried out on it. The page is always compressed with gzip, as every browser reads it.
    """
    headers: Headers = {"Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": DOCS_POLICY}
    return _cached(call, prebuilt.page(), headers)


def _cached(call: Call, page: Compressed, headers: Headers, *, plain: bool = False) -> Response:
    """Answer with the page, or with 304 if the client has this version of it.

    Args:
        plain: send it uncompressed.
    """
    # The ETag is weak: it stands for both forms of the page.
    headers |= {"Cache-Control": f"max-age={MAX_AGE}", "ETag": f'W/"{page.tag}"', "Vary": "Accept-Encoding, Origin"}
    if page.tag in re.findall(r'"([^"]*)"', call.request.headers.get("if-none-match", "")):
        return Response("", headers=headers, status_code=304)
    if plain:
        return Response(decompress(page.content).decode(), headers=headers)
    return BinaryResponse(page.content, {**headers, "Content-Encoding": "gzip"})


def _accepts_gzip(call: Call) -> bool:
    accepted = call.request.headers.get("accept-encoding", "").lower().replace(" ", "")
    return re.search(r"\bgzip\b(?!;q=0(\.0*)?(,|$))", accepted) is not None
