"""Examples for the API's description: of each model, composed of its fields' examples, and of each problem."""

import re
from collections.abc import Iterable, Mapping
from inspect import getdoc
from typing import Any

from chalicelib.domain.refusals import all_refusals
from chalicelib.http.problems import TITLES

Json = dict[str, Any]

# Most fields can be told by their name. "Order.id" is the id in a model that shows an order.
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
    "key": "tombola_3q2-7wAbCdEfGhIjKlMnOpQrStUvWxYz0123456789A80c976d9",
    "kind": "message",
    "language": "es",
    "last_number": 1000,
    "looks_like": "DJ7Q6RDX",
    "max_per_contact": 40,
    "max_unpaid_orders": 2,
    "max_unpaid_numbers": 40,
    "max_in_review": 1,
    "max_newcomer_percent": 80,
    "max_unpaid_holds": 3,
    "max_rejections": 2,
    "review_hours": 48,
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
# Details of problems that are not refusals. API Gateway's own are in infra/resources.json.
DETAILS = {
    "malformed": "The body is not JSON.",
    "not_authenticated": "An Authorization header with a token is needed.",
    "not_allowed": "The token is not known, or was revoked.",
    "role_not_allowed": "This needs the role manager; the token Olga has the role cashier.",
    "too_many_requests": "Please try again in a moment.",
    "too_large": "The body is too large: at most 100,000 bytes.",
    "unsupported_media_type": "Unsupported media type.",
    "invalid_fields": "See errors.",
    "method_not_allowed": "This path allows only GET.",
}
ERRORS = [{"field": "title", "message": "Field required"}]


def of_form(schema: Json, schemas: Mapping[str, Json]) -> Any:
    """Return a value that fits a schema: its own example, its default, or one composed of its parts."""
    if "$ref" in schema:
        return of_form(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    for option in (schema, *schema.get("anyOf", ())):
        if "examples" in option:
            return option["examples"][0]
    for key in ("const", "default"):
        if key in schema:
            return schema[key]
    if "enum" in schema:
        return schema["enum"][0]
    if options := schema.get("anyOf") or schema.get("allOf"):
        return of_form(options[0], schemas)
    if "properties" in schema:
        model = re.sub("(View|Body|List)$", "", schema.get("title", ""))
        return {name: _of_field(model, name, field, schemas) for name, field in schema["properties"].items()}
    if schema.get("type") == "array" and "items" in schema:
        return [of_form(schema["items"], schemas)]
    return BY_FORMAT.get(schema.get("format", ""), BY_TYPE.get(schema.get("type", "null")))


def _of_field(model: str, name: str, schema: Json, schemas: Mapping[str, Json]) -> Any:
    """Prefer a field's own example or default to the one for its name."""
    options = (schema, *schema.get("anyOf", ()))
    has_own = any(key in option for option in options for key in ("examples", "default", "const", "enum", "$ref"))
    keys = () if has_own else (f"{re.sub('^(New|Whole)', '', model)}.{name}", name)
    for key in keys:
        if key in BY_NAME and _is_of_type(BY_NAME[key], options):
            return BY_NAME[key]
    return of_form(schema, schemas)


def _is_of_type(value: Any, options: Iterable[Json]) -> bool:
    """Check the type, since a name may mean two things: `numbers` is a list, or how many there are."""
    return any(type(value) is type(BY_TYPE[option["type"]]) for option in options if "type" in option)


def of_patch(schema: Json, schemas: Mapping[str, Json]) -> Json:
    """Return a merge patch that changes the first field."""
    name, field = next(iter(schema["properties"].items()))
    return {name: of_form(field, schemas)}


def of_problem(status: int, code: str) -> Json:
    """Return the example of a problem with this code."""
    value: Json = {"type": "about:blank", "title": TITLES[status], "status": status, "code": code}
    value["detail"] = DETAILS.get(code) or _described(code)
    if code == "invalid_fields":
        value["errors"] = ERRORS
    return {"summary": value["detail"], "value": value}


def _described(code: str) -> str:
    """Return the first line of the refusal's docstring."""
    refusal = next(refusal for refusal in all_refusals() if refusal.code == code)
    return (getdoc(refusal) or "").partition("\n")[0]
