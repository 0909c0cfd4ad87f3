"""Examples for the API's description: of each form, made of its fields' own, and of each way to say no."""

import re
from collections.abc import Iterable, Mapping
from inspect import getdoc
from typing import Any

from chalicelib.domain.refusals import all_refusals
from chalicelib.http.problems import TITLES

Json = dict[str, Any]

# What a field is about is mostly in its name. "Order.id" is the id in a form that shows an order.
BY_NAME: Json = {
    "Contact.id": "5d41402abc4b2a76b9719d911017c592",
    "Entry.previous": "0" * 64,
    "Entry.seal": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "Letter.id": "4a7d1ed41447",
    "Order.id": "8WGRRPW3",
    "Result.id": "8WGRRPW3",
    "Problem.code": "order_out_of_turn",
    "Problem.detail": "Order 8WGRRPW3 is PAID, so it can't be cancelled.",
    "Problem.status": 409,
    "Problem.title": "Refused by a rule",
    "Raffle.id": "k3x9m2p7qd",
    "Ticket.number": 12,
    "Token.id": "9f86d081884c7d65",
    "Undelivered.id": "5d41402abc4b2a76.1",
    "amount": 7500,
    "available": 940,
    "by": "Olga's laptop",
    "code": "MOTO",
    "contact": "5d41402abc4b2a76b9719d911017c592",
    "created_by": "Olga's laptop",
    "currency": "GTQ",
    "description": "For the new roof of the school.",
    "error_code": 131047,
    "field": "last_number",
    "first_number": 1,
    "hold_minutes": 15,
    "key": "3q2-7wAbCdEfGhIjKlMnOpQrStUvWxYz0123456789A",
    "kind": "message",
    "last_number": 1000,
    "looks_like": "DJ7Q6RDX",
    "max_per_contact": 40,
    "message": "expected at least first_number",
    "mime_type": "image/jpeg",
    "name": "Olga's laptop",
    "next": "/api/raffles?page_size=50&cursor=eyJhIjoxfQ.0123456789abcdef",
    "number": 1,
    "numbers": [5, 12, 99],
    "order": "8WGRRPW3",
    "payment_instructions": "Bank X, account 123",
    "previous": None,
    "prize": "A bicycle",
    "quantity": 3,
    "raffle": "k3x9m2p7qd",
    "reason": "KeyError",
    "reserved": 24,
    "revoked_at": None,
    "same_file_as": None,
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "size": 183204,
    "sold": 36,
    "template": None,
    "time_zone": "America/Guatemala",
    "title": "Summer fair",
    "token": "9f86d081884c7d65",
    "total": 1000,
    "unit_amount": 2500,
    "url": "https://bucket.example/proofs/2026/11/3f2a?X-Amz-Expires=300",
}
BY_FORMAT = {"date": "2026-11-23", "date-time": "2026-11-23T14:00:00Z", "uri": "https://example.org"}
BY_TYPE = {"boolean": False, "integer": 1, "number": 1.5, "string": "text", "array": [], "object": {}, "null": None}
# Codes of problems that are no refusals of the domain.
DETAILS = {
    "malformed": "The body is not JSON.",
    "not_authenticated": "An Authorization header with a token is needed.",
    "not_allowed": "The token is not known, or was revoked.",
    "role_not_allowed": "This needs the role manager; the token Olga has the role cashier.",
    "too_many_requests": "Please try again in a moment.",
    "too_large": "The body is too large: at most 100,000 bytes.",
    "unsupported_media_type": "Unsupported media type.",
    "invalid_fields": "See errors.",
    "method_not_allowed": "Here one may: GET.",
}
ERRORS = [{"field": "title", "message": "Field required"}]


def of_form(schema: Json, schemas: Mapping[str, Json]) -> Any:
    """A value that fits a schema: its own example, or its default, or one made of its parts."""
    if "$ref" in schema:
        return of_form(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    for told in (schema, *schema.get("anyOf", ())):
        if "examples" in told:
            return told["examples"][0]
    for key in ("const", "default"):
        if key in schema:
            return schema[key]
    if "enum" in schema:
        return schema["enum"][0]
    if options := schema.get("anyOf") or schema.get("allOf"):
        return of_form(options[0], schemas)
    if "properties" in schema:
        about = re.sub("(View|Body|List)$", "", schema.get("title", ""))
        return {name: _of_field(about, name, one, schemas) for name, one in schema["properties"].items()}
    if schema.get("type") == "array" and "items" in schema:
        return [of_form(schema["items"], schemas)]
    return BY_FORMAT.get(schema.get("format", ""), BY_TYPE.get(schema.get("type", "null")))


def _of_field(about: str, name: str, schema: Json, schemas: Mapping[str, Json]) -> Any:
    """A field's own example and default go first, then what its name says."""
    told = (schema, *schema.get("anyOf", ()))
    has_own = any(key in one for one in told for key in ("examples", "default", "const", "enum", "$ref"))
    named = () if has_own else (f"{re.sub('^(New|Whole)', '', about)}.{name}", name)
    found = [BY_NAME[key] for key in named if key in BY_NAME and _is_of_type(BY_NAME[key], told)]
    return found[0] if found else of_form(schema, schemas)


def _is_of_type(value: Any, told: Iterable[Json]) -> bool:
    """One name may stand for more than one thing: numbers are a list, or how many there are."""
    return any(type(value) is type(BY_TYPE[one["type"]]) for one in told if "type" in one)


def of_patch(schema: Json, schemas: Mapping[str, Json]) -> Json:
    """A merge patch that changes the first field."""
    name, one = next(iter(schema["properties"].items()))
    return {name: of_form(one, schemas)}


def of_problem(status: int, code: str) -> Json:
    """`code` and what else a client gets with it."""
    value: Json = {"type": "about:blank", "title": TITLES[status], "status": status, "code": code}
    value["detail"] = DETAILS.get(code) or _described(code)
    if code == "invalid_fields":
        value["errors"] = ERRORS
    return {"summary": value["detail"], "value": value}


def _described(code: str) -> str:
    """The first line of the refusal's docstring."""
    refusal = next(refusal for refusal in all_refusals() if refusal.code == code)
    return (getdoc(refusal) or "").partition("\n")[0]
