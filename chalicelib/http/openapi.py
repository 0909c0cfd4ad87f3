"""The API's description, OpenAPI 3.1: made of the routes and of the forms that check requests and make answers."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from functools import cache
from inspect import getdoc
from json import dumps, loads
from pathlib import Path
from sys import modules
from typing import Any, get_args

from chalice.app import Response
from pydantic import BaseModel, ValidationError
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from chalicelib.domain.refusals import Refusal, TryAgain
from chalicelib.http import openapi_examples
from chalicelib.http.dispatch import ID, NOT_FOUND, Route, Takes, takes
from chalicelib.http.problems import TITLES, status_of
from chalicelib.http.schemas import Listed, Problem
from chalicelib.store.pages import CursorInvalid

Json = dict[str, Any]
Named = tuple[type[BaseModel], JsonSchemaMode]

VERSION = "1"
ABOUT = """Everything that organisers of raffles do, over HTTP.

Send `Authorization: Token KEY` (or `Bearer KEY`). A *viewer* looks, a *cashier* settles payments and writes to buyers,
too, a *manager* may do everything. Times are RFC 3339 in UTC, money is an integer in minor units of the currency.

Lists come in pages: follow `next` until it is null. What says no is `application/problem+json` (RFC 9457) with a
stable `code`. Where an answer has an `ETag`, sending it back in `If-Match` keeps two people from undoing each other's
changes. A POST that makes something takes an `Idempotency-Key`: sent again with the same key, it is done once."""
KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "A key of your choice: the same request with the same key is done once (kept for two days).",
    "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
}
IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "description": "The ETag of what you have read: 412 if it was changed since.",
    "schema": {"type": "string"},
}
IDS = {
    "raffle_id": "a raffle's `id`; not its code",
    "order_id": "an order's `id`, which is its code: in capitals or not",
    "contact_id": "a contact's `id`",
    "token_id": "a token's `id`; not its key",
    "letter_id": "a dead letter's `id`",
    "export_id": "an export's `id`",
}
ETAG = {"description": "The version of this state, for If-Match.", "schema": {"type": "string"}}


def whole(routes: Sequence[Route], mount: str = "") -> Json:
    """The document, of all routes under /api. `mount`: what stands before that in addresses, such as a stage."""
    described = [route for route in routes if route.path.startswith("/api/")]
    schemas = _schemas(described)
    paths: dict[str, Json] = defaultdict(dict)
    for route in described:
        paths[route.path][route.method.lower()] = _operation(route, schemas, described)
    components = {name: schema for name, schema in schemas.items() if not schema.get("x-query")}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Tombola", "version": VERSION, "description": ABOUT},
        "servers": [{"url": mount or "/", "description": "where this document is"}],
        "security": [{"bearer": []}, {"token": []}],
        "tags": [{"name": tag, "description": about} for tag, about in _tags(described).items()],
        "paths": paths,
        "components": {
            "schemas": {name: _with_example(schema, components) for name, schema in components.items()},
            "examples": dict(sorted(_problem_examples(described).items())),
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "description": "The token's key."},
                "token": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "Authorization",
                    "description": "The same in another form: `Token KEY`.",
                },
            },
        },
    }


@cache
def page(document: str) -> str:
    """The document as a page for people, with all that it needs inside."""
    from aws_lambda_powertools.event_handler.openapi import swagger_ui  # noqa: PLC0415 - for this page only

    folder = Path(swagger_ui.__file__).parent
    script, style = (folder / name for name in ("swagger-ui-bundle.min.js", "swagger-ui.min.css"))
    made = swagger_ui.generate_swagger_html(
        spec=document.replace("</", "<\\/"),
        swagger_js=script.read_text("utf-8"),
        swagger_css=style.read_text("utf-8"),
        swagger_base_url="",
        oauth2_config=None,
    )
    return made.replace("<title>Swagger UI</title>", "<title>Tombola API</title>", 1)


def _schemas(routes: Iterable[Route]) -> Json:
    """name → schema of every form. Queries are marked, and become parameters."""
    forms: set[Named] = {(Problem, "serialization")}
    queries = set()
    for route in routes:
        wanted = takes(route.view)
        if wanted.query is not None:
            queries.add(wanted.query.__name__)
            forms.add((wanted.query, "validation"))
        if wanted.body is not None:
            forms.add((wanted.body, "validation"))
        forms |= {(form, "serialization") for form in (wanted.answer, route.later_form) if form and _is_form(form)}
    ordered = sorted(forms, key=lambda form: form[0].__name__)
    _, made = models_json_schema(ordered, ref_template="#/components/schemas/{model}")
    schemas: Json = loads(re.sub(r"Listed_(\w+?)View_", r"\1List", dumps(made["$defs"])))
    for name in queries:
        schemas[name]["x-query"] = True
    every = [takes(route.view) for route in routes]
    as_they_are = {form.body for form in every if not form.patched}
    for body in {form.body for form in every if form.patched and form.body is not None}:
        name = _patch_of(body)
        schemas[name] = _as_patch(schemas[body.__name__]) | {"title": name}
        if body not in as_they_are:
            del schemas[body.__name__]
    return schemas


def _is_form(answer: Any) -> bool:
    return isinstance(answer, type) and issubclass(answer, BaseModel)


def _ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def _patch_of(form: type[BaseModel]) -> str:
    return form.__name__.removesuffix("Body") + "Patch"


def _as_patch(schema: Json) -> Json:
    """The schema of a merge patch: nothing is required, and null takes away."""
    patch = deepcopy(schema)
    patch.pop("required", None)
    patch["x-patch"] = True
    patch["description"] = "A merge patch (RFC 7396): what is named changes, null takes it away."
    for name, one in patch["properties"].items():
        one.pop("default", None)
        if {"type": "null"} not in one.get("anyOf", ()):
            title = one.pop("title", name)
            patch["properties"][name] = {"title": title, "anyOf": [one, {"type": "null"}]}
    return patch


def _operation(route: Route, schemas: Json, routes: Sequence[Route]) -> Json:
    wanted = takes(route.view)
    summary, _, more = (getdoc(route.view) or "").partition("\n")
    role = f"\n\nNeeds the role {route.role.value}." if route.role else ""
    operation: Json = {
        "operationId": route.name,
        "tags": [_tag(route)],
        "summary": summary.rstrip("."),
        "description": (f"{summary} {' '.join(more.split())}".strip() + role),
        "parameters": list(_parameters(route, wanted, schemas)),
        "responses": _responses(route, wanted, routes),
    }
    if route.role is None:
        operation["security"] = []
    if body := _body(route, wanted):
        operation["requestBody"] = body
    return operation


def _tag(route: Route) -> str:
    return route.calls.partition(".")[0]


def _tags(routes: Iterable[Route]) -> dict[str, str]:
    """tag → what its routes are about, as their module says."""
    return {_tag(route): (getdoc(modules[route.view.__module__]) or "").partition("\n")[0] for route in routes}


def _with_example(schema: Json, schemas: Json) -> Json:
    """Of an object. What a merge patch holds depends on what one wants: the fields have examples of their own."""
    if "properties" not in schema:
        return schema
    is_patch = schema.get("x-patch", False)
    made = (openapi_examples.of_patch if is_patch else openapi_examples.of_form)(schema, schemas)
    return {name: value for name, value in schema.items() if name != "x-patch"} | {"examples": [made]}


def _problem_examples(routes: Sequence[Route]) -> Json:
    """Each code that a route may answer with, by the name that responses refer to."""
    return {
        _named(status, code): openapi_examples.of_problem(status, code)
        for route in routes
        for status, codes in _problems(route, takes(route.view)).items()
        for code in codes
    }


def _named(status: int, code: str) -> str:
    """The name of an example: some codes have more than one status."""
    return f"{code}_{status}"


def _problem_content(status: int, codes: Iterable[str]) -> Json:
    named = {code: {"$ref": f"#/components/examples/{_named(status, code)}"} for code in sorted(codes)}
    return {"application/problem+json": {"schema": _ref("Problem"), "examples": named}}


def _parameters(route: Route, wanted: Takes, schemas: Json) -> Iterator[Json]:
    for name in re.findall(r"{(\w+)}", route.path):
        schema = {"type": "string", "pattern": ID}
        yield {"name": name, "in": "path", "required": True, "schema": schema, "description": IDS[name]}
    if wanted.query is not None:
        form = schemas[wanted.query.__name__]
        for name, schema in form["properties"].items():
            told = (schema, *schema.get("anyOf", ()))
            description = next((one["description"] for one in told if "description" in one), None)
            parameter = {
                "name": name,
                "in": "query",
                "required": name in form.get("required", ()),
                "schema": _given(schema),
            }
            yield parameter | ({"description": description} if description else {})
    if route.once:
        yield KEY
    if _is_guarded(route):
        yield IF_MATCH


def _is_guarded(route: Route) -> bool:
    """Whether it changes what there is, so that If-Match says which state of it is meant."""
    return route.tagged and route.method != "GET" and "{" in route.path


def _given(schema: Json) -> Json:
    """A parameter's schema: it is given or not, but never null."""
    kept = {name: value for name, value in schema.items() if name != "anyOf"}
    options = [one for one in schema.get("anyOf", ()) if one != {"type": "null"}]
    kept |= options[0] if len(options) == 1 else {"anyOf": options} if options else {}
    for name in ("title", "description"):
        kept.pop(name, None)
    if kept.get("default", ...) is None:
        del kept["default"]
    return kept


def _body(route: Route, wanted: Takes) -> Json | None:
    if wanted.raw:
        binary = {"schema": {"type": "string", "format": "binary", "maxLength": route.limit}}
        return {"required": True, "content": {route.media[0]: binary}}
    if wanted.body is None:
        return None
    name = _patch_of(wanted.body) if wanted.patched else wanted.body.__name__
    schema = {"schema": _ref(name)}
    needed = wanted.patched or not _takes_nothing(wanted.body)
    return {"required": needed, "content": {route.media[0]: schema}}


def _takes_nothing(form: type[BaseModel]) -> bool:
    try:
        form.model_validate({})
    except ValidationError:
        return False
    return True


def _responses(route: Route, wanted: Takes, routes: Sequence[Route]) -> Json:
    answer: Json = {"description": "Done." if wanted.answer is None else "As asked for."}
    if _is_form(wanted.answer):
        answer["content"] = {route.answers[0]: {"schema": _ref(wanted.answer.__name__)}}
    elif wanted.answer is Response:
        answer["content"] = {media: {"schema": {}} for media in route.answers}
    if route.tagged and wanted.answer is not None:
        answer["headers"] = {"ETag": ETAG}
    if links := dict(_links(wanted.answer, routes)):
        answer["links"] = links
    found = {str(route.status): answer}
    if (later := route.later_form) is not None:
        found["202"] = {
            "description": "On its way: look at Location after Retry-After seconds.",
            "content": {"application/json": {"schema": _ref(later.__name__)}},
        }
    for status, codes in sorted(_problems(route, wanted).items()):
        told = f"{TITLES[status]}: {', '.join(sorted(codes))}." if codes else f"{TITLES[status]}."
        found[str(status)] = {"description": told, "content": _problem_content(status, codes)}
    return found


def _problems(route: Route, wanted: Takes) -> Mapping[int, set[str]]:
    """status → codes of the ways in which the route may say no."""
    found: dict[int, set[str]] = defaultdict(set)
    refusals: tuple[type[Refusal], ...] = (*route.refuses, TryAgain)
    for refusal in refusals:
        found[status_of(refusal)].add(refusal.code)
    found[429].add("too_many_requests")
    if route.role is not None:
        found[401].add("not_authenticated")
        found[403] |= {"not_allowed", "role_not_allowed"}
        found[422].add("invalid_fields")
        found[503].add("try_again")
    if "{" in route.path:
        found[404] |= {NOT_FOUND[name].code for name in re.findall(r"{(\w+)}", route.path)}
    if wanted.query is not None and "cursor" in wanted.query.model_fields:
        found[422].add(CursorInvalid.code)
    if wanted.body is not None or wanted.raw:
        found[400].add("malformed")
        found[413].add("too_large")
    if route.method in ("POST", "PUT", "PATCH"):
        found[415].add("unsupported_media_type")
    if route.once:
        found[422].add("idempotency_key_used")
    if _is_guarded(route):
        found[412].add("outdated")
    return found


def _links(answer: Any, routes: Iterable[Route]) -> Iterator[tuple[str, Json]]:
    """Where a client can go on from an answer: to every GET about what it holds."""
    if not _is_form(answer):
        return
    is_list = issubclass(answer, Listed)
    shown = get_args(answer.model_fields["results"].annotation)[0] if is_list else answer
    place = "$response.body#/results/0/" if is_list else "$response.body#/"
    for name in getattr(shown, "model_fields", ()):
        parameter = getattr(shown, "IS", None) if name == "id" else f"{name}_id"
        for route in routes:
            if re.findall(r"{(\w+)}", route.path) == [parameter] and route.method == "GET":
                yield (
                    f"{route.name}_of_{name}",
                    {"operationId": route.name, "parameters": {parameter: place + name}},
                )
