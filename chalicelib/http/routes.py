"""Every route of the outside contract, and how it is registered with Chalice."""

from typing import Any

from chalice.app import Authorizer, Chalice, Response

from chalicelib.http import (
    about,
    audit,
    bulk,
    contacts,
    exports,
    orders,
    proofs,
    raffles,
    reports,
    statements,
    tokens,
    trouble,
    webhook,
)
from chalicelib.http.headers import dressed, preflight
from chalicelib.http.problems import problem, speaks_problems
from chalicelib.http.serving import Route, served

ROUTES: tuple[Route, ...] = (
    *webhook.ROUTES,
    *about.ROUTES,
    *raffles.ROUTES,
    *orders.ROUTES,
    *proofs.ROUTES,
    *bulk.ROUTES,
    *contacts.ROUTES,
    *statements.ROUTES,
    *reports.ROUTES,
    *exports.ROUTES,
    *tokens.ROUTES,
    *audit.ROUTES,
    *trouble.ROUTES,
)
# Bodies come as whatever a client calls them; what is wrong with one is said when it is read.
CONTENT_TYPES = ("application/json", "application/merge-patch+json", "application/x-www-form-urlencoded", "text/plain")
METHODS = frozenset(("DELETE", "GET", "PATCH", "POST", "PUT"))


def expose(app: Chalice, token: Authorizer) -> None:
    """Register every route with the application."""
    app.register_middleware(dressed, "http")
    app.register_middleware(speaks_problems, "http")
    for route in ROUTES:
        options: dict[str, Any] = {} if route.role is None else {"authorizer": token}
        if route.method in ("POST", "PUT", "PATCH"):
            options["content_types"] = list(dict.fromkeys((*CONTENT_TYPES, *route.media)))
        app.route(route.path, methods=[route.method], name=route.view.__name__, **options)(served(app, route, ROUTES))
    for path in sorted({route.path for route in ROUTES}):
        if path.startswith("/api/"):
            app.route(path, methods=["OPTIONS"], name="preflight")(
                served(app, Route("OPTIONS", path, preflight, role=None))
            )
        _expose_the_rest(app, path)


def _expose_the_rest(app: Chalice, path: str) -> None:
    """The methods that a path does not have: without these, API Gateway would answer as if there was no such path."""
    allowed = sorted(route.method for route in ROUTES if route.path == path)

    def method_not_allowed(**_: str) -> Response:
        told = problem(405, "method_not_allowed", f"Here one may: {', '.join(allowed)}.")
        told.headers["Allow"] = ", ".join(allowed)
        return told

    for method in sorted(METHODS.difference(allowed)):
        app.route(path, methods=[method], name="method_not_allowed", content_types=[])(method_not_allowed)
