"""Problem details: the one place where refusals and errors become HTTP answers (RFC 9457) with a stable code."""

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any, NamedTuple

from chalice.app import Request, Response
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from chalicelib.domain import refusals
from chalicelib.domain.organisers import Actor, Role
from chalicelib.domain.refusals import Refusal
from chalicelib.http.schemas import FieldError, Problem
from chalicelib.services.messaging.inbox import NotQueued
from chalicelib.settings import SettingsInvalid
from chalicelib.store import audit
from chalicelib.store.transaction import Busy, Unsure
from chalicelib.telemetry import logger

STATUS_OF: dict[type[Refusal], int] = {
    refusals.NotFound: 404,
    refusals.Conflict: 409,
    refusals.Stale: 412,
    refusals.TooLarge: 413,
    refusals.Invalid: 422,
    # DynamoDB being overloaded is the same to a client as its own haste: come back after Retry-After.
    refusals.Unavailable: 429,
}
TITLES = {
    400: "Malformed request",
    401: "Not authenticated",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    409: "Refused by a rule",
    412: "Changed meanwhile",
    413: "Too large",
    415: "Unsupported media type",
    422: "Invalid fields",
    429: "Too many requests",
    500: "Something went wrong on our side",
    503: "Not available just now",
    504: "No answer in time",
}

# What Chalice refuses by itself, before any view runs.
CODE_OF = {405: "method_not_allowed", 415: "unsupported_media_type"}

View = Callable[..., Response]


class Malformed(Exception):
    """The body can't be parsed."""


class BodyTooLarge(Exception):
    """The body is longer than `limit` bytes."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"The body is too large: at most {limit:,} bytes.")


class FieldInvalid(Exception):
    """A part of the request that no form describes is wrong, such as a header."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class NotAuthenticated(Exception):
    """Nobody has said whose request it is: the authorizer was not asked, or its answer makes no sense."""

    def __init__(self) -> None:
        super().__init__("An Authorization header with a token is needed.")


class TokenUnknown(Exception):
    """Nobody has this token. API Gateway answers the same where it asks the authorizer."""

    def __init__(self) -> None:
        super().__init__("The token is not known, or was revoked.")


class NotAllowed(Exception):
    """The token's role does not allow this."""

    def __init__(self, by: Actor, needed: Role) -> None:
        super().__init__(f"This needs the role {needed.value}; the token {by.name} has the role {by.role.value}.")


def status_of(refusal: type[Refusal]) -> int:
    """Return the HTTP status of a refusal: that of its kind."""
    return next(status for kind, status in STATUS_OF.items() if issubclass(refusal, kind))


class LastChange(NamedTuple):
    """Who changed something, if that is known, and when."""

    by: str | None
    at: datetime | None


def problem(
    status: int,
    code: str,
    detail: str,
    *,
    errors: list[FieldError] | None = None,
    change: LastChange | None = None,
) -> Response:
    """Build an RFC 9457 answer."""
    body = Problem(title=TITLES[status], status=status, code=code, detail=detail, errors=errors)
    if change is not None:
        body.changed_by, body.changed_at = change
    headers: dict[str, str | list[str]] = {"Content-Type": "application/problem+json"}
    if status in (429, 503):
        headers["Retry-After"] = "1"
    return Response(body.model_dump_json(exclude_none=True), status_code=status, headers=headers)


def answers_problems(view: View) -> View:
    """Turn the view's refusals and bad input into problem details, and its crashes into a 500 that reveals nothing."""

    @wraps(view)
    def answer(*arguments: Any, **named: Any) -> Response:
        try:
            return view(*arguments, **named)
        except Refusal as refusal:
            return _refused(refusal)
        except Busy as busy:  # a read, after its own retries; changes raise TryAgain themselves
            logger.warning("the store is busy", extra={"reason": str(busy)})
            return _refused(refusals.TryAgain(unsure=isinstance(busy, Unsure)))
        except ValidationError as failure:
            return problem(422, "invalid_fields", "See errors.", errors=_explained(failure))
        except FieldInvalid as failure:
            return problem(
                422, "invalid_fields", "See errors.", errors=[FieldError(field=failure.field, message=str(failure))]
            )
        except Malformed as failure:
            return problem(400, "malformed", str(failure))
        except BodyTooLarge as failure:
            return problem(413, "too_large", str(failure))
        except NotQueued:
            return problem(503, "not_queued", "Not all updates could be queued. Please send them again.")
        except NotAuthenticated as failure:
            return problem(401, "not_authenticated", str(failure))
        except TokenUnknown as failure:
            return problem(403, "not_allowed", str(failure))
        except NotAllowed as failure:
            return problem(403, "role_not_allowed", str(failure))
        except SettingsInvalid:
            return problem(
                503,
                "not_configured",
                "The service is not configured. Its log names the setting that is wrong.",
            )
        except Exception:  # noqa: BLE001 - the outermost edge: no detail may reach the client
            logger.exception("a request failed")
            return problem(500, "internal_error", "The request failed. The log has the reason.")

    return answer


def _refused(refusal: Refusal) -> Response:
    errors = None
    if refusal.field is not None:
        message = str(refusal).removeprefix(f"{refusal.field}: ")
        errors = [FieldError(field=refusal.field, message=message)]
    change = None if refusal.changed is None else _last_change(refusal.changed)
    return problem(status_of(type(refusal)), refusal.code, str(refusal), errors=errors, change=change)


def _last_change(changed: refusals.Changed) -> LastChange:
    """Find out who changed something. Organisers are in the audit log; buyers and the clock are not."""
    try:
        entry = audit.last_change(changed.target, changed.at)
    except Busy:
        entry = None
    return LastChange(None, changed.at) if entry is None else LastChange(entry.name, entry.at)


def speaks_problems(event: Request, get_response: Callable[[Request], Response]) -> Response:
    """Middleware: make a problem of what Chalice refuses before any view runs."""
    response = get_response(event)
    code = CODE_OF.get(response.status_code)
    if code is None or "Content-Type" in response.headers:
        return response
    answer = problem(response.status_code, code, f"{TITLES[response.status_code]}.")
    answer.headers.update(response.headers)  # keeps Allow
    return answer


def _explained(failure: ValidationError) -> list[FieldError]:
    """Name each wrong field and what was expected of it, never what was sent."""
    return [_field_error(error) for error in failure.errors(include_url=False, include_input=False)]


def _field_error(error: ErrorDetails) -> FieldError:
    """Return the field and its message. A rule about several fields names its own: "last_number: expected ..."."""
    field = ".".join(str(part) for part in error["loc"])
    is_no_object = error["type"] in ("model_type", "model_attributes_type")  # its message names our class
    message = "Input should be an object" if is_no_object else error["msg"].removeprefix("Value error, ")
    if field:
        return FieldError(field=field, message=message)
    name, colon, rest = message.partition(": ")
    if colon and name.isidentifier():
        return FieldError(field=name, message=rest)
    return FieldError(field="body", message=message)
