"""What all routes share: who may call one, what it takes and answers, and how that is checked before its view runs.

A view is a function of a call, of the ids in its path, and, where it takes them, of a `query` and a `body`. Their
forms, and that of the answer, are its annotations; the API's description is made of the same.
"""

import re
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from hmac import compare_digest
from hmac import new as hmac
from importlib import import_module
from json import dumps, loads
from typing import Any, Generic, NamedTuple, NoReturn, TypeVar, get_args, get_origin, get_type_hints
from urllib.parse import urlencode

from chalice.app import Chalice, MultiDict, Request, Response
from pydantic import BaseModel

from chalicelib.container import Container, container
from chalicelib.domain import refusals
from chalicelib.domain.organisers import Actor, Role
from chalicelib.http.problems import BodyTooLarge, FieldInvalid, Malformed, NotAllowed, answers_problems
from chalicelib.http.schemas import CursorQuery, Listed
from chalicelib.lambdas import observed
from chalicelib.store.idempotency import IdempotencyKey
from chalicelib.store.pages import CursorInvalid, Page

M = TypeVar("M", bound=BaseModel)
V = TypeVar("V", bound=BaseModel)
T = TypeVar("T")
View = Callable[..., Any]

BODY_LIMIT = 100_000  # bytes, unless a route says otherwise
ID = "^[0-9A-Za-z]{1,32}$"  # what can't be an id must not become a key
MAC = 16  # bytes
WAIT = 3  # seconds, after which it is worth looking again
NOT_FOUND: dict[str, type[refusals.NotFound]] = {
    "raffle_id": refusals.RaffleNotFound,
    "order_id": refusals.OrderNotFound,
    "contact_id": refusals.ContactNotFound,
    "token_id": refusals.TokenNotFound,
    "letter_id": refusals.LetterNotFound,
    "export_id": refusals.ExportNotFound,
}


class Route(NamedTuple):
    """One route. `refuses`: the rules that may say no, beside those that all routes have.

    View and forms are named, "module.name" of chalicelib.http, and their module is loaded when they are first wanted:
    a webhook that wakes a function up does not wait for what only organisers use.
    """

    method: str
    path: str
    calls: str  # the view
    role: Role | None = Role.VIEWER  # the least that may call it; None: needs no token
    status: int = 200
    refuses: tuple[type[refusals.Refusal], ...] = ()
    once: bool = False  # takes an Idempotency-Key
    tagged: bool = False  # answers with an ETag; where it changes something, takes If-Match
    limit: int = BODY_LIMIT  # bytes of a body
    media: tuple[str, ...] = ("application/json",)  # of the body; the first is the one that is described
    answers: tuple[str, ...] = ("application/json",)  # media types; the first is the view's model
    later: str | None = None  # the form that it answers with 202 where the answer proper will take a while

    @property
    def name(self) -> str:
        return self.calls.rpartition(".")[2]

    @property
    def view(self) -> View:
        view: View = _named(self.calls)
        return view

    @property
    def later_form(self) -> type[BaseModel] | None:
        return None if self.later is None else _named(self.later)


def _named(name: str) -> Any:
    module, _, what = name.partition(".")
    return getattr(import_module(f"chalicelib.http.{module}"), what)


class Patch(Generic[M]):
    """A merge patch (RFC 7396) of what the form describes: what is named changes, null takes it away."""

    def __init__(self, form: type[M], changes: dict[str, Any]) -> None:
        self.form, self.changes = form, changes

    def of(self, current: Mapping[str, Any]) -> M:
        """What is there, changed and checked; a field that may not be null goes back to its default.

        What the form does not have stays in, whatever its value, for the form to refuse.
        """
        together = {**current, **self.changes}
        return self.form.model_validate(
            {name: value for name, value in together.items() if value is not None or self._takes_null(name)}
        )

    def _takes_null(self, name: str) -> bool:
        found = self.form.model_fields.get(name)
        return found is None or (type(None) in get_args(found.annotation) and found.default is not None)


class Takes(NamedTuple):
    """The forms of a view. `patched`: the body is a merge patch of its form; `raw`: it is taken as bytes."""

    query: type[BaseModel] | None
    body: type[BaseModel] | None
    patched: bool
    raw: bool
    answer: Any  # None: nothing; Response: not described by a form


@cache
def takes(view: View) -> Takes:
    hints = get_type_hints(view)
    body, patched = hints.get("body"), False
    if get_origin(body) is Patch:
        (body,), patched = get_args(body), True
    raw = body is bytes
    answer = hints.get("return")
    return Takes(hints.get("query"), None if raw else body, patched, raw, None if answer is type(None) else answer)


@dataclass
class Call:
    """One request: who makes it, and the headers that its answer gets."""

    request: Request
    container: Container
    by: Actor
    route: Route
    routes: tuple[Route, ...] = ()
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def raw(self) -> bytes:
        """The exact bytes of the body. Only API Gateway's text bodies could come otherwise: Chalice encodes them."""
        raw = self.request.raw_body
        return raw if isinstance(raw, bytes) else raw.encode()

    @property
    def given(self) -> Mapping[str, str]:
        """The query, as it was given. Raises FieldInvalid where a part of it is there twice."""
        found = self.request.query_params
        if not isinstance(found, MultiDict):  # there is none
            return {}
        for name in found:
            if len(found.getlist(name)) > 1:
                raise FieldInvalid(name or "query", "expected once")
        return dict(found)

    @property
    def idempotency_key(self) -> IdempotencyKey | None:
        """The Idempotency-Key, if one was given. Raises FieldInvalid."""
        key = self.request.headers.get("idempotency-key")
        if key is None:
            return None
        if not re.fullmatch("[!-~]{1,255}", key):
            raise FieldInvalid("Idempotency-Key", "expected 1 to 255 visible ASCII characters")
        what = " ".join((self.route.method, str(self.request.context["path"]))).encode()
        return IdempotencyKey(key, sha256(what + b"\0" + self.raw).hexdigest())

    @property
    def expected(self) -> frozenset[str] | None:
        """The versions that If-Match names; None: whichever it is."""
        given = self.request.headers.get("if-match")
        if given is None or given.strip() == "*":
            return None
        return frozenset(re.findall(r'(?<!W/)"([^"]*)"', given))

    def tag(self, version: str) -> None:
        self.headers["ETag"] = f'"{version}"'

    def page(
        self,
        query: CursorQuery,
        read: Callable[[str | None, bool], Page[T]],
        present: Callable[[T], V],
    ) -> Listed[V]:
        """A part of a list. `read` is given a cursor, and whether to read backwards from it."""
        cursor = self._opened(query.cursor) if query.cursor is not None else None
        backwards = cursor is not None and cursor.startswith("-")
        found = read(cursor[1:] if cursor else None, backwards)
        return Listed.model_construct(
            results=[present(item) for item in found.items],
            next=self._link(found.next and f"+{found.next}"),
            previous=self._link(found.previous and f"-{found.previous}"),
        )

    def forwards(
        self, query: CursorQuery, read: Callable[[str | None], Page[T]], present: Callable[[T], V]
    ) -> Listed[V]:
        """A part of a list that can only be read forwards."""
        return self.page(query, lambda after, _: read(after), present)

    def _link(self, cursor: str | None) -> str | None:
        if cursor is None:
            return None
        path = str(self.request.context["path"]).rstrip("/")
        sealed = f"{cursor}.{self._mac(cursor)}"
        return f"{path}?{urlencode({**self.given, 'cursor': sealed})}"

    def _opened(self, sealed: str) -> str:
        """Raises CursorInvalid unless we made the cursor, for this list with these filters."""
        cursor, _, mac = sealed.rpartition(".")
        if not cursor or not compare_digest(mac.encode(), self._mac(cursor).encode()):
            raise CursorInvalid
        return cursor

    def _mac(self, cursor: str) -> str:
        about = {name: value for name, value in self.given.items() if name not in ("cursor", "page_size")}
        path = str(self.request.context["path"]).rstrip("/")
        what = dumps([path, sorted(about.items()), cursor])
        return hmac(self.container.secrets.cursor_key, what.encode(), "sha256").hexdigest()[: 2 * MAC]


def served(app: Chalice, route: Route, routes: tuple[Route, ...] = ()) -> View:
    """The view as Chalice calls it."""

    @observed
    def serve(**ids: str) -> Response:
        request = app.current_request
        assert request is not None
        call = Call(request, container(), _actor(request), route, routes)
        if route.role is not None and not call.by.role.may(route.role):
            raise NotAllowed(call.by, route.role)
        if route.method == "OPTIONS":  # about the route, whatever it is asked of
            ids = {}
        for name, value in ids.items():
            if not re.fullmatch(ID, value):
                raise NOT_FOUND[name](value[:40])
        return _answer(call, route.view(call, **ids, **_forms(call)))

    serve.__name__ = route.name
    return answers_problems(serve)


def _actor(request: Request) -> Actor:
    """Who acts, as the authorizer found it."""
    found = request.context.get("authorizer") or {}
    role = found.get("role")
    return Actor(str(found.get("principalId", "")), Role(role) if role else Role.VIEWER, found.get("token"))


def _forms(call: Call) -> dict[str, Any]:
    wanted, forms = takes(call.route.view), dict[str, Any]()
    if wanted.query is not None:
        forms["query"] = wanted.query.model_validate(call.given)
    elif call.route.role is not None and call.given:
        raise FieldInvalid(next(iter(call.given)) or "query", "expected no query")
    if wanted.raw or wanted.body is not None:
        if len(call.raw) > call.route.limit:
            raise BodyTooLarge(call.route.limit)
        if wanted.body is None:
            forms["body"] = call.raw
        else:
            given = _object(call.raw)
            forms["body"] = Patch(wanted.body, given) if wanted.patched else wanted.body.model_validate(given)
    elif call.route.role is not None and call.raw.strip() not in (b"", b"{}"):  # it would be lost without a word
        raise FieldInvalid("body", "expected none")
    return forms


def _object(raw: bytes) -> dict[str, Any]:
    """The JSON object in a body; none at all is an empty one. Raises Malformed."""
    if not raw.strip():
        return {}
    try:
        found = loads(raw, parse_constant=_no_number)
        dumps(found, ensure_ascii=False).encode()  # half a character is none
    except (ValueError, RecursionError):
        raise Malformed("The body is not JSON.") from None
    if not isinstance(found, dict):
        raise Malformed("The body is not a JSON object.")
    return found


def _no_number(_: str) -> NoReturn:
    raise ValueError


class Bytes(Response):
    """An answer that is no text. Whatever the client says that it accepts: Chalice would refuse one that says nothing,
    and API Gateway would hand the bytes over as base64 to one that takes everything, as curl does. So the bytes are
    marked as such here, and infra/resources.json has API Gateway believe the mark."""

    def __init__(self, content: bytes, headers: dict[str, str | list[str]]) -> None:
        super().__init__(content, headers=headers)
        self.content = content

    def to_dict(self, binary_types: list[str] | None = None) -> dict[str, Any]:
        text = Response(b64encode(self.content).decode(), headers=self.headers, status_code=self.status_code)
        return {**text.to_dict(), "isBase64Encoded": True}


def accepted(call: Call, view: BaseModel, *, at: str) -> Response:
    """202: what was asked for is on its way. `at`: the path under /api where to look."""
    root = str(call.request.context["path"]).partition("/api/raffles/")[0]
    headers: dict[str, str | list[str]] = {"Content-Type": "application/json", "Location": f"{root}/api{at}"}
    return Response(view.model_dump_json(), status_code=202, headers={**headers, "Retry-After": str(WAIT)})


def _answer(call: Call, found: Any) -> Response:
    if isinstance(found, Response):
        found.headers.update(call.headers)
        return found
    headers: dict[str, str | list[str]] = {"Content-Type": "application/json", **call.headers}
    if found is None:
        return Response("", status_code=204, headers=dict(call.headers))
    return Response(found.model_dump_json(), status_code=call.route.status, headers=headers)
