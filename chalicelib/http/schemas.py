"""Base classes and field types of all request and answer models."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, NamedTuple, TypeVar

from iso4217 import Currency
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    PlainSerializer,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WithJsonSchema,
    WrapValidator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from chalicelib.domain.searches import LONGEST

V = TypeVar("V")
Json = dict[str, Any]

# Not allowed in text: control characters except line breaks, bidirectional controls, and code points that are no
# characters. Joiners are allowed, since many emoji need them. (Lone surrogates are refused with the JSON: dispatch.py.)
NO_TEXT = r"\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufeff\ufff9-\uffff"
MOMENT = r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)"


class Matching(NamedTuple):
    """The pattern that the API's description shows for a text which a validator of ours checks."""

    pattern: str

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {**handler(core), "pattern": self.pattern}


def _clean_text(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if re.search(f"[{NO_TEXT}]", value):
        raise ValueError("expected text without control characters")
    return value.replace("\r\n", "\n").replace("\r", "\n").strip()


def _check_one_line(value: str) -> str:
    if "\n" in value:
        raise ValueError("expected one line, without line ends")
    return value


def _check_moment(value: Any) -> Any:
    """Accept RFC 3339 only: Pydantic would also read numbers, and texts of digits, as seconds."""
    if isinstance(value, datetime) or (isinstance(value, str) and re.fullmatch(MOMENT, value, re.ASCII)):
        return value
    raise ValueError("expected an RFC 3339 time with its offset, like 2026-12-24T18:00:00Z")


def _to_utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise ValueError("expected a time between the years 1 and 9999") from None


def _check_currency(value: str) -> str:
    try:
        Currency(value)
    except ValueError:
        raise ValueError("expected an ISO 4217 currency code, like GTQ") from None
    return value


def rfc3339(value: datetime) -> str:
    """Format a time in UTC, such as 2026-12-24T18:00:00Z."""
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


Text = Annotated[str, BeforeValidator(_clean_text), Matching(f"^[^{NO_TEXT}]*$")]
# Text that is not blank.
SomeText = Annotated[str, BeforeValidator(_clean_text), Matching(rf"^[^{NO_TEXT}]*[^{NO_TEXT}\s][^{NO_TEXT}]*$")]
# The same on one line.
SomeLine = Annotated[
    str,
    BeforeValidator(_clean_text),
    AfterValidator(_check_one_line),
    Matching(rf"^[^{NO_TEXT}\n\r]*[^{NO_TEXT}\s][^{NO_TEXT}\n\r]*$"),
]
Search = Annotated[SomeText, Field(min_length=1, max_length=LONGEST)]
CurrencyCode = Annotated[str, Field(pattern="^[A-Z]{3}$"), AfterValidator(_check_currency)]
Moment = Annotated[
    AwareDatetime,
    PlainSerializer(rfc3339, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time"}, mode="serialization"),
]
GivenMoment = Annotated[AwareDatetime, Field(strict=False), BeforeValidator(_check_moment), AfterValidator(_to_utc)]


# Models are built on first use (`defer_build`): most functions never see a request.


class Form(BaseModel):
    """A request body. Unknown fields are refused and types are not converted."""

    model_config = ConfigDict(extra="forbid", strict=True, defer_build=True)


def only_if(fields: Json, *, then: Json, otherwise: Json | None = None) -> Json:
    """Describe in JSON Schema (if, then, else) what a form's own validator checks about several fields.

    A field is required unless it must be null.
    """

    def part(properties: Json) -> Json:
        required = [name for name, schema in properties.items() if schema != {"type": "null"}]
        return {"properties": properties, "required": required}

    condition = {"if": part(fields), "then": part(then)}
    return condition if otherwise is None else condition | {"else": part(otherwise)}


class Query(BaseModel):
    """Query parameters: all of them arrive as text."""

    model_config = ConfigDict(extra="forbid", defer_build=True)


class View(BaseModel):
    """An answer, or a part of one."""

    model_config = ConfigDict(extra="forbid", defer_build=True, from_attributes=True)


class FieldError(View):
    """A wrong field and what was expected of it. What was sent is never repeated."""

    field: str
    message: str


class Problem(View):
    """Why a request was not fulfilled (RFC 9457).

    `code` is stable; `errors` names each wrong field. If something has changed in the meantime, `changed_at` says when,
    and `changed_by` which organiser did, as far as that is known.
    """

    type: str = "about:blank"
    title: str
    status: int
    code: str
    detail: str
    errors: list[FieldError] | None = None
    changed_by: Annotated[str | None, Field(examples=["Olga's laptop"])] = None
    changed_at: Moment | None = None


def _read_listing(value: Any, read: ValidatorFunctionWrapHandler) -> Any:
    """Read several values in one parameter. An error is about the parameter, and not about a place in it."""
    try:
        return read(value.split(",") if isinstance(value, str) else value)
    except ValidationError as failure:
        raise ValueError(failure.errors()[0]["msg"]) from None


# Several values in one parameter, separated by commas. Limits come before it, so that they count the values.
Listing = WrapValidator(_read_listing)


class CursorQuery(Query):
    cursor: Annotated[str, Field(max_length=1000, description="The cursor of a `next` or `previous` link.")] | None = (
        None
    )


class PageQuery(CursorQuery):
    page_size: Annotated[int, Field(ge=1, le=200, description="The maximum number of results in a page.")] = 50


class Listed(View, Generic[V]):
    """A page of a list. `next` and `previous` link to the neighbouring pages and are null if there is none."""

    @classmethod
    def model_parametrized_name(cls, params: tuple[Any, ...]) -> str:
        return f"{params[0].__name__.removesuffix('View')}List"

    results: list[V]
    next: str | None
    previous: str | None
