"""Dispatch: check a request against its route, call the view, and present what it returns.

A view is a function of a call, the ids in its path and, if it takes them, a `query` and a `body`. Its annotations name
the Pydantic models of the query, the body and the answer; the API's description is generated from the same ones.
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
from chalicelib.http.problems import (
    BodyTooLarge,
    FieldInvalid,
    Malformed,
    NotAllowed,
    NotAuthenticated,
    TokenUnknown,
    answers_problems,
)
from chalicelib.http.schemas import CursorQuery, Listed
from chalicelib.http.uploads import is_form, read_file
from chalicelib.lambdas import admit, observed
from chalicelib.store.idempotency import IdempotencyKey
from chalicelib.store.pages import CursorInvalid, Page

M = TypeVar("M", bound=BaseModel)
V = TypeVar("V", bound=BaseModel)
T = TypeVar("T")
View = Callable[..., Any]

BODY_LIMIT = 100_000  # bytes, unless a route says otherwise
ID = "^[0-9A-Za-z]{1,32}$"  # anything else must never become part of a key
MAC_BYTES = 16
RETRY_AFTER = 3  # seconds until it is worth asking for an export again
NOT_FOUND: dict[str, type[refusals.NotFound]] = {
    "raffle_id": refusals.RaffleNotFound,
    "order_id": refusals.OrderNotFound,
    "contact_id": refusals.ContactNotFound,
    "message_id": refusals.FileNotKept,
    "token_id": refusals.TokenNotFound,
    "letter_id": refusals.LetterNotFound,
    "export_id": refusals.ExportNotFound,
}


class Route(NamedTuple):
    """One route of the API.

    Views and models are given as "module.name" within chalicelib.http. Their modules are imported on first use, so that
    a webhook that starts a cold function does not wait for code that only organisers use.

    Attributes:
        calls: the view.
        role: the lowest role that may call it, or None if it needs no token.
        optional_token: whether it needs a token for a part of its answer. Its view then calls `check_token`.
        refuses: the refusals it may answer with, besides those common to all routes.
        once: whether it takes an Idempotency-Key.
        tagged: whether it answers with an ETag and, if it changes something, takes If-Match.
        polled: whether clients ask again and again: it answers 304 to an If-None-Match that names its ETag.
        limit: the maximum size of the body in bytes.
        media: accepted media types of the body; the API's description shows the first one.
        answers: media types of the answer.
        later: the model of a 202 answer, if the route gives one when the result will take a while.
    """

    method: str
    path: str
    calls: str
    role: Role | None = Role.VIEWER
    status: int = 200
    refuses: tuple[type[refusals.Refusal], ...] = ()
    once: bool = False
    tagged: bool = False
    polled: bool = False
    limit: int = BODY_LIMIT
    media: tuple[str, ...] = ("application/json",)
    answers: tuple[str, ...] = ("application/json",)
    later: str | None = None
    optional_token: bool = False

    @property
    def module(self) -> str:
        return self.calls.partition(".")[0]

    @property
    def name(self) -> str:
        return self.calls.rpartition(".")[2]

    @property
    def view(self) -> View:
        view: View = _imported(self.calls)
        return view

    @property
    def later_form(self) -> type[BaseModel] | None:
        return None if self.later is None else _imported(self.later)


def _imported(name: str) -> Any:
    module, _, attribute = name.partition(".")
    return getattr(import_module(f"chalicelib.http.{module}"), attribute)


class Patch(Generic[M]):
    """A merge patch (RFC 7396) of a form: named fields change, null removes a value."""

    def __init__(self, form: type[M], changes: dict[str, Any]) -> None:
        self.form = form
        self.changes = changes

    def apply_to(self, current: Mapping[str, Any]) -> M:
        """Return the current values with the changes, validated. Raises ValidationError.

        A null for a field that can't be null stands for its default. Unknown fields are kept, so that the form refuses
        them.
        """
        merged = {**current, **self.changes}
        return self.form.model_validate(
            {name: value for name, value in merged.items() if value is not None or self._takes_null(name)}
        )

    def _takes_null(self, name: str) -> bool:
        form_field = self.form.model_fields.get(name)
        return form_field is None or (type(None) in get_args(form_field.annotation) and form_field.default is not None)


class ViewForms(NamedTuple):
    """The models in a view's annotations.

    Attributes:
        patched: whether the body is a merge patch of its form.
        raw: whether the view takes the body as bytes, or those of the file in a form.
        answer: the model of the answer, None if it has no body, or Response if no model describes it.
    """

    query: type[BaseModel] | None
    body: type[BaseModel] | None
    patched: bool
    raw: bool
    answer: Any


@cache
def forms_of(view: View) -> ViewForms:
    """Return the models that a view takes and answers with."""
    hints = get_type_hints(view)
    body = hints.get("body")
    patched = get_origin(body) is Patch
    if patched:
        (body,) = get_args(body)
    raw = body is bytes
    answer = hints.get("return")
    return ViewForms(
        query=hints.get("query"),
        body=None if raw else body,
        patched=patched,
        raw=raw,
        answer=None if answer is type(None) else answer,
    )


@dataclass
class Call:
    """One request: who makes it, if that is known, and the extra headers of its answer."""

    request: Request
    container: Container
    actor: Actor | None
    route: Route
    routes: tuple[Route, ...] = ()
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def by(self) -> Actor:
        """The organiser who makes the request. Raises NotAuthenticated if the authorizer named none."""
        if self.actor is None:
            raise NotAuthenticated
        return self.actor

    @property
    def raw(self) -> bytes:
        """The exact bytes of the body."""
        raw = self.request.raw_body
        return raw if isinstance(raw, bytes) else raw.encode()

    @property
    def file(self) -> bytes:
        """The body, or the file in it if it is a form. Raises Malformed, FieldInvalid."""
        content_type = self.request.headers.get("content-type", "")
        if not is_form(content_type):
            return self.raw
        return read_file(content_type, self.raw)

    @property
    def query(self) -> Mapping[str, str]:
        """The query parameters as sent. Raises FieldInvalid if one is repeated, unless the route needs no token."""
        parameters = self.request.query_params
        if not isinstance(parameters, MultiDict):  # there are none
            return {}
        for name in parameters:
            if len(parameters.getlist(name)) > 1 and self.route.role is not None:
                raise FieldInvalid(name or "query", "expected once")
        return dict(parameters)

    @property
    def idempotency_key(self) -> IdempotencyKey | None:
        """The Idempotency-Key with a hash of the request, or None if there is no key. Raises FieldInvalid."""
        key = self.request.headers.get("idempotency-key")
        if key is None:
            return None
        if not re.fullmatch("[!-~]{1,255}", key):
            raise FieldInvalid("Idempotency-Key", "expected 1 to 255 visible ASCII characters")
        target = " ".join((self.route.method, str(self.request.context["path"]))).encode()
        return IdempotencyKey(key, sha256(target + b"\0" + self.raw).hexdigest())

    @property
    def expected(self) -> frozenset[str] | None:
        """The versions that If-Match names, or None if any will do."""
        if_match = self.request.headers.get("if-match")
        if if_match is None or if_match.strip() == "*":
            return None
        return frozenset(re.findall(r'(?<!W/)"([^"]*)"', if_match))

    @property
    def is_known(self) -> bool:
        """Return whether the client has this answer already: its If-None-Match names the ETag."""
        # The comparison is weak (RFC 9110): API Gateway may have compressed what the client has.
        known = re.findall(r'"[^"]*"', self.request.headers.get("if-none-match", ""))
        return self.route.polled and self.headers.get("ETag") in known

    def tag(self, version: str) -> None:
        """Answer with this version as the ETag."""
        self.headers["ETag"] = f'"{version}"'

    def page(
        self,
        query: CursorQuery,
        read: Callable[[str | None, bool], Page[T]],
        present: Callable[[T], V],
    ) -> Listed[V]:
        """Return one page of a list. `read` takes a cursor and whether to read backwards from it.

        Raises CursorInvalid.
        """
        cursor = self._verified(query.cursor) if query.cursor is not None else None
        backwards = cursor is not None and cursor.startswith("-")
        page = read(cursor[1:] if cursor else None, backwards)
        return Listed.model_construct(
            results=[present(item) for item in page.items],
            next=self._link(page.next and f"+{page.next}"),
            previous=self._link(page.previous and f"-{page.previous}"),
        )

    def check_cursor(self, query: CursorQuery) -> None:
        """Check the cursor, for a view that records something before it reads the page. Raises CursorInvalid."""
        if query.cursor is not None:
            self._verified(query.cursor)

    def forwards(
        self, query: CursorQuery, read: Callable[[str | None], Page[T]], present: Callable[[T], V]
    ) -> Listed[V]:
        """Return one page of a list that can only be read forwards. Raises CursorInvalid."""
        return self.page(query, lambda after, _: read(after), present)

    def _link(self, cursor: str | None) -> str | None:
        if cursor is None:
            return None
        path = str(self.request.context["path"]).rstrip("/")
        sealed = f"{cursor}.{self._mac(cursor)}"
        return f"{path}?{urlencode({**self.query, 'cursor': sealed})}"

    def _verified(self, sealed: str) -> str:
        """Return the cursor without its seal. Raises CursorInvalid unless it is ours, for this list and its filters."""
        cursor, _, mac = sealed.rpartition(".")
        if not cursor or not compare_digest(mac.encode(), self._mac(cursor).encode()):
            raise CursorInvalid
        return cursor

    def _mac(self, cursor: str) -> str:
        filters = {name: value for name, value in self.query.items() if name not in ("cursor", "page_size")}
        path = str(self.request.context["path"]).rstrip("/")
        sealed = dumps([path, sorted(filters.items()), cursor])
        return hmac(self.container.secrets.cursor_key, sealed.encode(), "sha256").hexdigest()[: 2 * MAC_BYTES]


def handler_for(app: Chalice, route: Route, routes: tuple[Route, ...] = ()) -> View:
    """Return the function that Chalice calls for a route."""

    @observed
    def handle(**ids: str) -> Response:
        request = app.current_request
        assert request is not None
        call = Call(request, container(), _actor(request), route, routes)
        if route.role is not None and not call.by.role.may(route.role):
            raise NotAllowed(call.by, route.role)
        if route.method == "OPTIONS":  # the answer is the same for every id
            ids = {}
        for name, value in ids.items():
            if not re.fullmatch(ID, value):
                raise NOT_FOUND[name](value[:40])
        return _answer(call, route.view(call, **ids, **_validated(call)))

    handle.__name__ = route.name
    return answers_problems(handle)


def check_token(call: Call) -> None:
    """Check the token where the authorizer is not asked, since only a part of the answer needs one.

    Raises NotAuthenticated, TokenUnknown, TryAgain.
    """
    header = call.request.headers.get("authorization", "").strip()
    if not header:
        raise NotAuthenticated
    if admit(header) is None:
        raise TokenUnknown


def _actor(request: Request) -> Actor | None:
    """Return who makes the request, as the authorizer found out. Without a role and a token, it is nobody."""
    context = request.context.get("authorizer") or {}
    role, token_id = context.get("role"), context.get("token")
    if role not in tuple(Role) or not token_id:
        return None
    return Actor(str(context.get("principalId", "")), Role(role), str(token_id))


def _validated(call: Call) -> dict[str, Any]:
    """Return the view's `query` and `body`. Raises FieldInvalid, BodyTooLarge, Malformed, ValidationError."""
    forms = forms_of(call.route.view)
    arguments = dict[str, Any]()
    if forms.query is not None:
        arguments["query"] = forms.query.model_validate(call.query)
    elif call.route.role is not None and call.query:
        raise FieldInvalid(next(iter(call.query)) or "query", "expected no query parameters")
    if forms.raw or forms.body is not None:
        if len(call.raw) > call.route.limit:
            raise BodyTooLarge(call.route.limit)
        if forms.body is None:
            arguments["body"] = call.file
        else:
            values = _parse_object(call.raw)
            arguments["body"] = Patch(forms.body, values) if forms.patched else forms.body.model_validate(values)
    elif call.route.role is not None and call.raw.strip() not in (b"", b"{}"):  # better refused than ignored
        raise FieldInvalid("body", "expected no body")
    return arguments


def _parse_object(raw: bytes) -> dict[str, Any]:
    """Parse the JSON object in a body; an empty body is an empty object. Raises Malformed."""
    if not raw.strip():
        return {}
    try:
        values = loads(raw, parse_constant=_refuse_constant)
        dumps(values, ensure_ascii=False).encode()  # fails for lone surrogates, which no answer could repeat
    except (ValueError, RecursionError):
        raise Malformed("The body is not JSON.") from None
    if not isinstance(values, dict):
        raise Malformed("The body is not a JSON object.")
    return values


def _refuse_constant(_: str) -> NoReturn:
    """Refuse NaN and Infinity, which Python reads although JSON does not have them."""
    raise ValueError


class BinaryResponse(Response):
    """An answer of bytes, whatever the client accepts.

    Chalice refuses bytes to a client that sends no Accept header, and API Gateway hands base64 to one that accepts
    everything, as curl does. So the answer itself says that it is binary, and infra/resources.json makes API Gateway
    respect that.
    """

    def __init__(self, content: bytes, headers: dict[str, str | list[str]]) -> None:
        super().__init__(content, headers=headers)
        self.content = content

    def to_dict(self, binary_types: list[str] | None = None) -> dict[str, Any]:
        text = Response(b64encode(self.content).decode(), headers=self.headers, status_code=self.status_code)
        return {**text.to_dict(), "isBase64Encoded": True}


def accepted(call: Call, view: BaseModel, *, at: str) -> Response:
    """Answer 202: the work continues in the background. `at` is the path under /api where its progress is."""
    root = str(call.request.context["path"]).partition("/api/raffles/")[0]
    headers: dict[str, str | list[str]] = {"Content-Type": "application/json", "Location": f"{root}/api{at}"}
    return Response(view.model_dump_json(), status_code=202, headers={**headers, "Retry-After": str(RETRY_AFTER)})


def _location(call: Call, created: Any) -> dict[str, str]:
    """Return the header that says where the thing is that was created, if a route shows it."""
    path = call.route.path
    shown = (route for route in call.routes if route.method == "GET" and re.fullmatch(path + "/{[a-z_]+}", route.path))
    if call.route.status != 201 or next(shown, None) is None:
        return {}
    return {"Location": f"{str(call.request.context['path']).rstrip('/')}/{created.id}"}


def _answer(call: Call, result: Any) -> Response:
    if isinstance(result, Response):
        result.headers.update(call.headers)
        return result
    if result is None:
        return Response("", status_code=204, headers=dict(call.headers))
    if call.is_known:
        return Response("", status_code=304, headers=dict(call.headers))
    headers: dict[str, str | list[str]] = {
        "Content-Type": "application/json",
        **call.headers,
        **_location(call, result),
    }
    return Response(result.model_dump_json(), status_code=call.route.status, headers=headers)
