"""The REST views: each parses, calls one use case, and presents."""

from collections.abc import Callable, Mapping
from json import dumps, loads
from typing import Any, TypeVar
from urllib.parse import urlencode

from chalice.app import Request, Response
from pydantic import BaseModel

from chalicelib.domain.orders import OrderStatus
from chalicelib.domain.raffles import Raffle, RaffleEvent
from chalicelib.http.problems import Malformed, problem
from chalicelib.http.schemas import (
    ForceBody,
    Json,
    OrdersQuery,
    PageQuery,
    RaffleBody,
    RafflesQuery,
    TicketsQuery,
    present_order,
    present_raffle,
    present_ticket,
    raffle_body,
)
from chalicelib.receiving import NotQueued
from chalicelib.runtime import Runtime
from chalicelib.store import orders as stored_orders
from chalicelib.store import raffles as stored_raffles
from chalicelib.store.pages import CursorInvalid, Page
from chalicelib.whatsapp.webhook import is_verify_token

Q = TypeVar("Q", bound=BaseModel)
T = TypeVar("T")
BODY_LIMIT = 100_000  # bytes; a webhook may have 3 MB, checked by API Gateway's own limit


# The webhook


def verify_webhook(request: Request, runtime: Runtime) -> Response:
    """Meta's check when the webhook is set up: the challenge back, verbatim."""
    given: Mapping[str, str] = request.query_params or {}
    mode, token = given.get("hub.mode", ""), given.get("hub.verify_token", "")
    if mode != "subscribe" or not is_verify_token(token, runtime.settings.WHATSAPP_VERIFY_TOKEN):
        return problem(403, "verify_token_wrong", "hub.verify_token is not the one that was agreed on.")
    return Response(given.get("hub.challenge", ""), headers={"Content-Type": "text/plain"})


def receive_webhook(request: Request, runtime: Runtime) -> Response:
    """Meta's updates: 200 only when all of them are safely queued."""
    try:
        signed = runtime.receiving.accept(_raw(request), request.headers.get("x-hub-signature-256"))
    except NotQueued:
        return problem(503, "not_queued", "Not all updates could be queued. Please deliver again.")
    if not signed:
        return problem(401, "signature_wrong", "X-Hub-Signature-256 is missing or does not fit the body.")
    return Response("", headers={"Content-Type": "text/plain"})


def health(request: Request, runtime: Runtime) -> Response:
    return _json({"status": "ok"})


# Raffles


def list_raffles(request: Request, runtime: Runtime) -> Response:
    query = _query(request, RafflesQuery)
    return _page(
        request,
        lambda after, backwards: stored_raffles.listed(
            query.status, limit=query.page_size, after=after, backwards=backwards
        ),
        query,
        present_raffle,
    )


def create_raffle(request: Request, runtime: Runtime) -> Response:
    values = _body(request, RaffleBody).model_dump()
    return _json(present_raffle(runtime.organising.create(values, by=_by(request))), status=201)


def read_raffle(request: Request, runtime: Runtime, raffle_id: str) -> Response:
    return _json(present_raffle(stored_raffles.get(raffle_id)))


def replace_raffle(request: Request, runtime: Runtime, raffle_id: str) -> Response:
    values = _body(request, RaffleBody).model_dump()
    return _json(present_raffle(runtime.organising.change(raffle_id, lambda _: values, by=_by(request))))


def patch_raffle(request: Request, runtime: Runtime, raffle_id: str) -> Response:
    """RFC 7396: what is named changes, null takes a field back to its default (or to "none" where it may be null)."""
    patch = _object(request)

    def merged(raffle: Raffle) -> Mapping[str, Any]:
        together = {**raffle_body(raffle), **patch}
        nullable = {"hold_minutes", "max_per_contact", "opens_at", "closes_at"}
        return RaffleBody.model_validate(
            {n: v for n, v in together.items() if v is not None or n in nullable}
        ).model_dump()

    return _json(present_raffle(runtime.organising.change(raffle_id, merged, by=_by(request))))


def delete_raffle(request: Request, runtime: Runtime, raffle_id: str) -> Response:
    runtime.organising.delete(raffle_id, by=_by(request))
    return Response("", status_code=204)


def activate_raffle(request: Request, runtime: Runtime, raffle_id: str) -> Response:
    return _json(present_raffle(runtime.organising.move(raffle_id, RaffleEvent.ACTIVATED, by=_by(request))))


def deactivate_raffle(request: Request, runtime: Runtime, raffle_id: str) -> Response:
    return _json(present_raffle(runtime.organising.move(raffle_id, RaffleEvent.DEACTIVATED, by=_by(request))))


def generate_tickets(request: Request, runtime: Runtime, raffle_id: str) -> Response:
    force = _body(request, ForceBody, optional=True).force
    return _json(runtime.organising.generate_tickets(raffle_id, by=_by(request), force=force)._asdict())


def raffle_availability(request: Request, runtime: Runtime, raffle_id: str) -> Response:
    return _json(stored_raffles.board(raffle_id).availability._asdict())


def raffle_tickets(request: Request, runtime: Runtime, raffle_id: str) -> Response:
    query = _query(request, TicketsQuery)
    if query.cursor and query.cursor.startswith("-"):  # this list goes forwards only
        raise CursorInvalid
    return _page(
        request,
        lambda after, _: runtime.organising.tickets(
            raffle_id, status=query.status, limit=query.page_size, cursor=after
        ),
        query,
        present_ticket,
    )


# Orders


def list_orders(request: Request, runtime: Runtime) -> Response:
    query = _query(request, OrdersQuery)
    return _page(
        request,
        lambda after, backwards: stored_orders.listed(
            status=query.status,
            raffle_id=query.raffle,
            contact_id=query.contact,
            limit=query.page_size,
            after=after,
            backwards=backwards,
        ),
        query,
        present_order,
    )


def list_pending_payment(request: Request, runtime: Runtime) -> Response:
    """Orders that wait for money: proofs in review first, the longest waiting first; then those still to be paid."""
    query = _query(request, PageQuery)
    statuses = (OrderStatus.IN_REVIEW, OrderStatus.PENDING_PAYMENT)
    return _page(
        request,
        lambda after, _: stored_orders.waiting(statuses, limit=query.page_size, after=after),
        query,
        present_order,
    )


def read_order(request: Request, runtime: Runtime, order_id: str) -> Response:
    return _json(present_order(stored_orders.get(order_id.upper())))


def confirm_payment(request: Request, runtime: Runtime, order_id: str) -> Response:
    return _json(present_order(runtime.selling.confirm_payment(order_id.upper(), by=_by(request))))


def cancel_order(request: Request, runtime: Runtime, order_id: str) -> Response:
    return _json(present_order(runtime.selling.cancel(order_id.upper(), by=_by(request))))


# Parts


def _by(request: Request) -> str:
    """The name of the token that acts, as the authorizer found it."""
    authorizer = request.context.get("authorizer") or {}
    return str(authorizer.get("principalId") or "unknown")


def _raw(request: Request) -> bytes:
    """The exact bytes. Only API Gateway's text bodies could come otherwise, and Chalice encodes them."""
    raw = request.raw_body
    return raw if isinstance(raw, bytes) else raw.encode()


def _json(body: Json, *, status: int = 200) -> Response:
    return Response(dumps(body, ensure_ascii=False), status_code=status, headers={"Content-Type": "application/json"})


def _object(request: Request, *, optional: bool = False) -> Json:
    raw = _raw(request)
    if optional and not raw.strip():
        return {}
    if len(raw) > BODY_LIMIT:
        raise Malformed(f"The body is too large: at most {BODY_LIMIT:,} bytes.")
    try:
        found = loads(raw)
    except (ValueError, RecursionError):
        raise Malformed("The body is not JSON.") from None
    if not isinstance(found, dict):
        raise Malformed("The body is not a JSON object.")
    return found


def _body(request: Request, form: type[Q], *, optional: bool = False) -> Q:
    return form.model_validate(_object(request, optional=optional))


def _query(request: Request, form: type[Q]) -> Q:
    return form.model_validate(dict(request.query_params or {}))


def _page(
    request: Request,
    read: Callable[[str | None, bool], Page[T]],
    query: PageQuery,
    present: Callable[[T], Json],
) -> Response:
    """A list: {"results", "next", "previous"}, the latter two being links. A cursor that starts with "-" reads back."""
    cursor = query.cursor
    if cursor == "-":
        raise CursorInvalid
    backwards = cursor is not None and cursor.startswith("-")
    found = read(cursor.removeprefix("-") if cursor else None, backwards)

    def link(cursor: str | None) -> str | None:
        if cursor is None:
            return None
        path = request.context["path"].rstrip("/")
        return f"{path}?{urlencode({**dict(request.query_params or {}), 'cursor': cursor})}"

    return _json(
        {
            "results": [present(item) for item in found.items],
            "next": link(found.next),
            "previous": link(found.previous and f"-{found.previous}"),
        }
    )
