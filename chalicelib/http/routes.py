"""Every route of the outside contract, as a table: what is exposed, and what needs a token."""

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from chalice.app import Authorizer, Chalice, Response

from chalicelib.domain.refusals import OrderNotFound, RaffleNotFound
from chalicelib.functions import observed
from chalicelib.http import views
from chalicelib.http.problems import answers_problems, speaks_problems
from chalicelib.runtime import runtime

View = Callable[..., Response]


NOT_FOUND = {"raffle_id": RaffleNotFound, "order_id": OrderNotFound}


class Route(NamedTuple):
    method: str
    path: str
    view: View
    public: bool = False  # needs no token: its view checks what it must itself


ROUTES = (
    Route("GET", "/whatsapp/webhook", views.verify_webhook, public=True),
    Route("POST", "/whatsapp/webhook", views.receive_webhook, public=True),
    Route("GET", "/api/health", views.health, public=True),
    Route("GET", "/api/raffles", views.list_raffles),
    Route("POST", "/api/raffles", views.create_raffle),
    Route("GET", "/api/raffles/{raffle_id}", views.read_raffle),
    Route("PUT", "/api/raffles/{raffle_id}", views.replace_raffle),
    Route("PATCH", "/api/raffles/{raffle_id}", views.patch_raffle),
    Route("DELETE", "/api/raffles/{raffle_id}", views.delete_raffle),
    Route("POST", "/api/raffles/{raffle_id}/activate", views.activate_raffle),
    Route("POST", "/api/raffles/{raffle_id}/deactivate", views.deactivate_raffle),
    Route("POST", "/api/raffles/{raffle_id}/generate-tickets", views.generate_tickets),
    Route("GET", "/api/raffles/{raffle_id}/availability", views.raffle_availability),
    Route("GET", "/api/raffles/{raffle_id}/tickets", views.raffle_tickets),
    Route("GET", "/api/orders", views.list_orders),
    Route("GET", "/api/orders/pending-payment", views.list_pending_payment),
    Route("GET", "/api/orders/{order_id}", views.read_order),
    Route("POST", "/api/orders/{order_id}/confirm-payment", views.confirm_payment),
    Route("POST", "/api/orders/{order_id}/cancel", views.cancel_order),
)

# Bodies come as whatever a client calls them; the views read the bytes themselves and say what is wrong with them.
CONTENT_TYPES = ["application/json", "application/merge-patch+json", "application/x-www-form-urlencoded", "text/plain"]


def expose(app: Chalice, token: Authorizer) -> None:
    """Register every route with the application."""
    app.register_middleware(speaks_problems, "http")
    for route in ROUTES:
        options: dict[str, Any] = {} if route.public else {"authorizer": token}
        if route.method in ("POST", "PUT", "PATCH"):
            options["content_types"] = CONTENT_TYPES
        app.route(route.path, methods=[route.method], name=route.view.__name__, **options)(_served(app, route.view))


def _served(app: Chalice, view: View) -> View:
    @observed
    def serve(**arguments: str) -> Response:
        for name, value in arguments.items():
            if not re.fullmatch("[0-9A-Za-z]{1,32}", value):  # what can't be an id must not become a key
                raise NOT_FOUND[name](value[:40])
        return view(app.current_request, runtime(), **arguments)

    serve.__name__ = view.__name__
    return answers_problems(serve)
