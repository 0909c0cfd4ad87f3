"""The parts that the forms of several resources share."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, NamedTuple, TypeVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    PlainSerializer,
    WithJsonSchema,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from chalicelib.domain.searches import LONGEST

V = TypeVar("V")
Json = dict[str, Any]

# What is no text: control characters but the end of a line, what turns the direction of writing, and what is no
# character at all. Joiners stay: half of all emoji are made with them. (Half a character is no JSON: see serving.py.)
NO_TEXT = r"\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufeff\ufff9-\uffff"
MOMENT = r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)"


class Matching(NamedTuple):
    """For the description alone: the pattern of a text that a validator of ours checks."""

    pattern: str

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {**handler(core), "pattern": self.pattern}


def _text(given: Any) -> Any:
    if not isinstance(given, str):
        return given
    if re.search(f"[{NO_TEXT}]", given):
        raise ValueError("expected text without control characters")
    return given.replace("\r\n", "\n").replace("\r", "\n").strip()


def _moment(given: Any) -> Any:
    """Pydantic alone would take numbers, and texts of digits, as seconds."""
    if isinstance(given, datetime) or (isinstance(given, str) and re.fullmatch(MOMENT, given, re.ASCII)):
        return given
    raise ValueError("expected a time as RFC 3339 has it, like 2026-12-24T18:00:00Z")


def _in_utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise ValueError("expected a time between the years 1 and 9999") from None


def rfc3339(value: datetime) -> str:
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


Text = Annotated[str, BeforeValidator(_text), Matching(f"^[^{NO_TEXT}]*$")]
# Not only space, either: that would be nothing.
SomeText = Annotated[str, BeforeValidator(_text), Matching(rf"^[^{NO_TEXT}]*[^{NO_TEXT}\s][^{NO_TEXT}]*$")]
Search = Annotated[SomeText, Field(min_length=1, max_length=LONGEST)]
Moment = Annotated[
    AwareDatetime,
    PlainSerializer(rfc3339, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time"}, mode="serialization"),
]
GivenMoment = Annotated[AwareDatetime, Field(strict=False), BeforeValidator(_moment), AfterValidator(_in_utc)]


# Built when they are first asked for: most functions never see a request.


class Form(BaseModel):
    """What a client sends as a body: nothing that we don't know, and nothing taken for something else."""

    model_config = ConfigDict(extra="forbid", strict=True, defer_build=True)


def only_if(fields: Json, *, then: Json, otherwise: Json | None = None) -> Json:
    """For the description alone: what a form's own check says of two fields (JSON Schema, if and then). A field that
    must be something else than null must be there."""

    def part(one: Json) -> Json:
        return {"properties": one, "required": [name for name, schema in one.items() if schema != {"type": "null"}]}

    said = {"if": part(fields), "then": part(then)}
    return said if otherwise is None else said | {"else": part(otherwise)}


class Query(BaseModel):
    """What a client sends in the query: all of it text."""

    model_config = ConfigDict(extra="forbid", defer_build=True)


class View(BaseModel):
    """What a client is answered."""

    model_config = ConfigDict(extra="forbid", defer_build=True, from_attributes=True)


class FieldError(View):
    """A wrong field, and what was expected of it; never what was given."""

    field: str
    message: str


class Problem(View):
    """Why not (RFC 9457). `code` is stable; `errors` names each wrong field."""

    type: str = "about:blank"
    title: str
    status: int
    code: str
    detail: str
    errors: list[FieldError] | None = None


class CursorQuery(Query):
    cursor: Annotated[str, Field(max_length=1000, description="from `next` or `previous` of a page")] | None = None


class PageQuery(CursorQuery):
    page_size: Annotated[int, Field(ge=1, le=200, description="how many results a page has at most")] = 50


class Listed(View, Generic[V]):
    """A page of a list; `next` and `previous` are links to those after and before it, null where there is none."""

    @classmethod
    def model_parametrized_name(cls, params: tuple[Any, ...]) -> str:
        return f"{params[0].__name__.removesuffix('View')}List"

    results: list[V]
    next: str | None
    previous: str | None
