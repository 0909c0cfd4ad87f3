"""The API's description (OpenAPI 3.1), generated from the routes and from the models of requests and answers.

A view's docstring becomes its summary (first line) and its description (the rest). A module's docstring is its tag.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from inspect import getdoc
from json import dumps, loads
from sys import modules
from typing import Any, get_args

from chalice.app import Response
from pydantic import BaseModel, ValidationError
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from chalicelib.domain.refusals import Refusal, TryAgain
from chalicelib.http import openapi_examples
from chalicelib.http.dispatch import ID, NOT_FOUND, Route, ViewForms, forms_of
from chalicelib.http.problems import TITLES, status_of
from chalicelib.http.schemas import Listed, Problem
from chalicelib.http.uploads import FILE, FORM
from chalicelib.store.pages import CursorInvalid

Json = dict[str, Any]
ModelUse = tuple[type[BaseModel], JsonSchemaMode]

VERSION = "1"
ABOUT = """The API for organisers of raffles.

Send `Authorization: Token KEY` or `Bearer KEY`. A *viewer* can read, a *cashier* can also settle payments and write to
buyers, and a *manager* can do everything. Times are in UTC (RFC 3339). Amounts of money are integers in minor units of
the currency.

Lists come in pages: follow `next` until it is null. Errors are `application/problem+json` (RFC 9457) with a stable
`code`. If an answer has an `ETag`, send it back in `If-Match` with your change: the change is refused if somebody else
was faster. A POST that creates something takes an `Idempotency-Key`: repeating the request with the same key has no
further effect.

Each answer says in `RateLimit-Policy` how many requests a second all clients together may make, such as
`"organisers";q=100;w=1`. Beyond that the answer is 429, with `Retry-After`."""
KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "A key of your choice. Repeating a request with its key within two days has no further effect.",
    "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
}
IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "description": "The ETag of the state you read. The answer is 412 if it has changed since.",
    "schema": {"type": "string"},
}
IF_NONE_MATCH = {
    "name": "If-None-Match",
    "in": "header",
    "description": "The ETag of the answer that you have. The answer is 304, without a body, if it is still the same.",
    "schema": {"type": "string"},
}
IDS = {
    "raffle_id": "The raffle's `id` (not its code).",
    "order_id": "The order's `id`, which is its code, in upper or lower case.",
    "contact_id": "The contact's `id`.",
    "message_id": "The message's `id`.",
    "token_id": "The token's `id` (not its key).",
    "letter_id": "The dead letter's `id`.",
    "export_id": "The export's `id`.",
}
SECURITY: list[Json] = [{"bearer": []}, {"token": []}]
ETAG = {"description": "The version of this state, to send in If-Match.", "schema": {"type": "string"}}
RETRY_AFTER = {"description": "After how many seconds to try again.", "schema": {"type": "integer"}}
POLLED_ETAG = {"description": "The version of this answer, to send in If-None-Match.", "schema": {"type": "string"}}


def whole(routes: Sequence[Route], mount: str = "") -> Json:
    """Return the document for all routes under /api. `mount` is what precedes /api in addresses, such as a stage."""
    described = [route for route in routes if route.path.startswith("/api/")]
    schemas = _schemas(described)
    paths: dict[str, Json] = defaultdict(dict)
    for route in described:
        paths[route.path][route.method.lower()] = _operation(route, schemas, described)
    components = {name: schema for name, schema in schemas.items() if not schema.get("x-query")}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Tombola", "version": VERSION, "description": ABOUT},
        "servers": [{"url": mount or "/", "description": "The server of this document."}],
        "security": SECURITY,
        "tags": [{"name": tag, "description": description} for tag, description in _tags(described).items()],
        "paths": paths,
        "components": {
            "schemas": {name: _with_example(schema, components) for name, schema in components.items()},
            "examples": dict(sorted(_problem_examples(described).items())),
            "responses": dict(sorted(_problem_answers(described).items())),
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "description": "`Bearer KEY`, with the key of a token."},
                "token": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "Authorization",
                    "description": "`Token KEY`, which means the same.",
                },
            },
        },
    }


def _schemas(routes: Iterable[Route]) -> Json:
    """Return name → schema of every model, by name. Models of query parameters are marked with x-query."""
    models: set[ModelUse] = {(Problem, "serialization")}
    queries = set()
    for route in routes:
        forms = forms_of(route.view)
        if forms.query is not None:
            queries.add(forms.query.__name__)
            models.add((forms.query, "validation"))
        if forms.body is not None:
            models.add((forms.body, "validation"))
        models |= {(form, "serialization") for form in (forms.answer, route.later_form) if form and _is_form(form)}
    ordered = sorted(models, key=lambda model: model[0].__name__)
    _, generated = models_json_schema(ordered, ref_template="#/components/schemas/{model}")
    schemas: Json = loads(re.sub(r"Listed_(\w+?)View_", r"\1List", dumps(generated["$defs"])))
    for name in queries:
        schemas[name]["x-query"] = True
    views = [forms_of(route.view) for route in routes]
    sent_whole = {view.body for view in views if not view.patched}
    for body in {view.body for view in views if view.patched and view.body is not None}:
        name = _patch_of(body)
        schemas[name] = _as_patch(schemas[body.__name__]) | {"title": name}
        if body not in sent_whole:
            del schemas[body.__name__]
    return dict(sorted(schemas.items()))  # the sets above have no order, and two builds must give the same file


def _is_form(answer: Any) -> bool:
    return isinstance(answer, type) and issubclass(answer, BaseModel)


def _ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def _patch_of(form: type[BaseModel]) -> str:
    return form.__name__.removesuffix("Body") + "Patch"


def _as_patch(schema: Json) -> Json:
    """Return the schema of a merge patch: no field has to be named. What must not be missing can't be null."""
    patch = deepcopy(schema)
    needed = patch.pop("required", [])
    patch["x-patch"] = True
    patch["description"] = "A merge patch (RFC 7396): named fields change, and null removes a value."
    for name, field in patch["properties"].items():
        field.pop("default", None)
        if name not in needed and {"type": "null"} not in field.get("anyOf", ()):
            title = field.pop("title", name)
            patch["properties"][name] = {"title": title, "anyOf": [field, {"type": "null"}]}
    return patch


def _operation(route: Route, schemas: Json, routes: Sequence[Route]) -> Json:
    forms = forms_of(route.view)
    summary, _, description = (getdoc(route.view) or "").partition("\n")
    role = f"Needs the role {route.role.value}." if route.role else "Needs no token."
    operation: Json = {
        "operationId": route.name,
        "tags": [route.module],
        "summary": summary.rstrip("."),
        "description": f"{description.strip()}\n\n{role}".strip(),
        "parameters": list(_parameters(route, forms, schemas)),
        "responses": _responses(route, forms, routes),
    }
    if route.role is None:
        operation["security"] = [{}, *SECURITY] if route.optional_token else []
    if body := _body(route, forms):
        operation["requestBody"] = body
    return operation


def _tags(routes: Iterable[Route]) -> dict[str, str]:
    """Return tag → what its routes are about: the first line of their module's docstring."""
    return {route.module: (getdoc(modules[route.view.__module__]) or "").partition("\n")[0] for route in routes}


def _with_example(schema: Json, schemas: Json) -> Json:
    """Return the schema of an object with an example; the one of a merge patch changes one field."""
    if "properties" not in schema:
        return schema
    is_patch = schema.get("x-patch", False)
    example = (openapi_examples.of_patch if is_patch else openapi_examples.of_form)(schema, schemas)
    return {name: value for name, value in schema.items() if name != "x-patch"} | {"examples": [example]}


def _problem_examples(routes: Sequence[Route]) -> Json:
    """Return an example of each code that a route may answer with, by the name that responses refer to."""
    return {
        _example_name(status, code): openapi_examples.of_problem(status, code)
        for route in routes
        for status, codes in _problems(route, forms_of(route.view)).items()
        for code in codes
    }


def _problem_answers(routes: Sequence[Route]) -> Json:
    """Return each answer of problems that a route may give, by the name that operations refer to: many are alike."""
    return {
        _answer_name(status, codes): {
            "description": f"{TITLES[status]}: {', '.join(sorted(codes))}.",
            **({"headers": {"Retry-After": RETRY_AFTER}} if status in (429, 503) else {}),
            "content": _problem_content(status, codes),
        }
        for route in routes
        for status, codes in _problems(route, forms_of(route.view)).items()
    }


def _answer_name(status: int, codes: Iterable[str]) -> str:
    return "-".join((str(status), *sorted(codes)))


def _example_name(status: int, code: str) -> str:
    """Return the name of an example. It includes the status, since some codes have more than one."""
    return f"{code}_{status}"


def _problem_content(status: int, codes: Iterable[str]) -> Json:
    examples = {code: {"$ref": f"#/components/examples/{_example_name(status, code)}"} for code in sorted(codes)}
    return {"application/problem+json": {"schema": _ref("Problem"), "examples": examples}}


def _parameters(route: Route, forms: ViewForms, schemas: Json) -> Iterator[Json]:
    for name in re.findall(r"{(\w+)}", route.path):
        schema = {"type": "string", "pattern": ID}
        yield {"name": name, "in": "path", "required": True, "schema": schema, "description": IDS[name]}
    if forms.query is not None:
        form = schemas[forms.query.__name__]
        for name, schema in form["properties"].items():
            options = (schema, *schema.get("anyOf", ()))
            described = _parameter_schema(schema)
            yield {
                "name": name,
                "in": "query",
                "required": name in form.get("required", ()),
                "schema": described,
                "description": next((option["description"] for option in options if "description" in option), ""),
                **({"style": "form", "explode": False} if described.get("type") == "array" else {}),
            }
    if route.once:
        yield KEY
    if _is_guarded(route):
        yield IF_MATCH
    if route.polled:
        yield IF_NONE_MATCH


def _is_guarded(route: Route) -> bool:
    """Return whether the route changes something that exists, so that If-Match can name the expected state."""
    return route.tagged and route.method != "GET" and "{" in route.path and route.status != 201


def _parameter_schema(schema: Json) -> Json:
    """Return a parameter's schema: it may be absent, but never null or an empty list."""
    parameter = {name: value for name, value in schema.items() if name != "anyOf"}
    options = [option for option in schema.get("anyOf", ()) if option != {"type": "null"}]
    if len(options) == 1:
        parameter |= options[0]
    elif options:
        parameter["anyOf"] = options
    for name in ("title", "description"):
        parameter.pop(name, None)
    if parameter.get("default", ...) in (None, []):
        del parameter["default"]
    return parameter


def _body(route: Route, forms: ViewForms) -> Json | None:
    if forms.raw:
        binary = {"type": "string", "format": "binary", "maxLength": route.limit}
        form = {"type": "object", "properties": {FILE: binary}, "required": [FILE], "additionalProperties": False}
        return {"required": True, "content": {route.media[0]: {"schema": binary}, FORM: {"schema": form}}}
    if forms.body is None:
        return None
    name = _patch_of(forms.body) if forms.patched else forms.body.__name__
    schema = {"schema": _ref(name)}
    needed = forms.patched or not _takes_nothing(forms.body)
    return {"required": needed, "content": {route.media[0]: schema}}


def _takes_nothing(form: type[BaseModel]) -> bool:
    try:
        form.model_validate({})
    except ValidationError:
        return False
    return True


def _responses(route: Route, forms: ViewForms, routes: Sequence[Route]) -> Json:
    answer: Json = {"description": "Done. The answer has no body." if forms.answer is None else "Done."}
    if _is_form(forms.answer):
        answer["content"] = {route.answers[0]: {"schema": _ref(forms.answer.__name__)}}
    elif forms.answer is Response:
        answer["content"] = {media: {"schema": {}} for media in route.answers}
    if route.tagged and forms.answer is not None:
        answer["headers"] = {"ETag": ETAG}
    if route.polled:
        answer["headers"] = {"ETag": POLLED_ETAG}
    if links := dict(_links(forms.answer, routes)):
        answer["links"] = links
    responses = {str(route.status): answer}
    if route.polled:
        responses["304"] = {"description": "It is still the same. The answer has no body."}
    if (later := route.later_form) is not None:
        responses["202"] = {
            "description": "Accepted: read Location after Retry-After seconds.",
            "content": {"application/json": {"schema": _ref(later.__name__)}},
        }
    for status, codes in sorted(_problems(route, forms).items()):
        responses[str(status)] = {"$ref": f"#/components/responses/{_answer_name(status, codes)}"}
    return responses


def _problems(route: Route, forms: ViewForms) -> Mapping[int, set[str]]:
    """Return status → codes of the problems that the route may answer with."""
    problems: dict[int, set[str]] = defaultdict(set)
    refusals: tuple[type[Refusal], ...] = (*route.refuses, TryAgain)
    for refusal in refusals:
        problems[status_of(refusal)].add(refusal.code)
    problems[429].add("too_many_requests")
    if route.role is not None:
        problems[401].add("not_authenticated")
        problems[403] |= {"not_allowed", "role_not_allowed"}
        problems[422].add("invalid_fields")
        problems[503].add("try_again")
    if route.optional_token:
        problems[401].add("not_authenticated")
        problems[403].add("not_allowed")
        problems[422].add("invalid_fields")
    if "{" in route.path:
        problems[404] |= {NOT_FOUND[name].code for name in re.findall(r"{(\w+)}", route.path)}
    if forms.query is not None and "cursor" in forms.query.model_fields:
        problems[422].add(CursorInvalid.code)
    if forms.body is not None or forms.raw:
        problems[422].add("invalid_fields")
        problems[400].add("malformed")
        problems[413].add("too_large")
    if route.method in ("POST", "PUT", "PATCH"):
        problems[415].add("unsupported_media_type")
    if route.once:
        problems[422].add("idempotency_key_used")
    if _is_guarded(route):
        problems[412].add("outdated")
    return problems


def _links(answer: Any, routes: Iterable[Route]) -> Iterator[tuple[str, Json]]:
    """Yield links from an answer to each GET about what it shows, and to that of each thing whose id it contains."""
    if not _is_form(answer):
        return
    is_list = issubclass(answer, Listed)
    shown = get_args(answer.model_fields["results"].annotation)[0] if is_list else answer
    pointer = "$response.body#/results/0/" if is_list else "$response.body#/"
    for name in getattr(shown, "model_fields", ()):
        parameter = getattr(shown, "ID_PARAMETER", None) if name == "id" else f"{name}_id"
        for route in routes:
            is_about = re.findall(r"{(\w+)}", route.path) == [parameter] and route.method == "GET"
            if is_about and (name == "id" or route.path.endswith("}")):
                yield (
                    f"{route.name}_of_{name}",
                    {"operationId": route.name, "parameters": {parameter: pointer + name}},
                )
