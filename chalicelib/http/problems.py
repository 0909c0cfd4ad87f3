"""Refusals become HTTP here and nowhere else: RFC 9457 problem details with a stable code."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from chalice.app import Request, Response
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from chalicelib.domain import refusals
from chalicelib.domain.organisers import Actor, Role
from chalicelib.domain.refusals import Refusal
from chalicelib.http.schemas import FieldError, Problem
from chalicelib.services.messaging.inbox import NotQueued
from chalicelib.settings import SettingsInvalid
from chalicelib.store.pages import CursorInvalid
from chalicelib.store.transaction import Busy, Unsure
from chalicelib.telemetry import logger

STATUS_OF: dict[type[Refusal], int] = {
    refusals.RaffleNotFound: 404,
    refusals.OrderNotFound: 404,
    refusals.LetterNotFound: 404,
    refusals.ContactNotFound: 404,
    refusals.ContactErased: 409,
    refusals.ContactHasOrders: 409,
    refusals.ContactOptedOut: 409,
    refusals.WindowClosed: 409,
    refusals.SendingStopped: 409,
    refusals.ExportNotFound: 404,
    refusals.RaffleOutOfTurn: 409,
    refusals.OrderOutOfTurn: 409,
    refusals.CodeTaken: 409,
    refusals.MessageNotFound: 404,
    refusals.ProofNotFound: 404,
    refusals.ProofNotSeen: 409,
    refusals.MessageNotGivenUp: 409,
    refusals.TokenNotFound: 404,
    refusals.TokenKnown: 409,
    refusals.TokenShownBefore: 409,
    refusals.KeyUsedOtherwise: 422,
    refusals.Outdated: 412,
    refusals.RaffleHasSales: 409,
    refusals.RaffleHasOrders: 409,
    refusals.RaffleHasLateOrders: 409,
    refusals.DeletedSince: 409,
    refusals.NumbersTaken: 409,
    refusals.TooFewFree: 409,
    refusals.TooManyForContact: 409,
    refusals.NumbersInvalid: 409,
    refusals.ReportTooLarge: 409,
    refusals.StatementUnreadable: 422,
    refusals.StatementTooLarge: 413,
    # Also when it is DynamoDB that is overloaded: to a client it is the same, "later", and Retry-After says when.
    refusals.TryAgain: 429,
    CursorInvalid: 422,
}
# The part of a request that is wrong, where a refusal is about one.
FIELD_OF: dict[type[Refusal], str] = {
    CursorInvalid: "cursor",
    refusals.CodeTaken: "code",
    refusals.KeyUsedOtherwise: "Idempotency-Key",
    refusals.StatementUnreadable: "body",
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

CODE_OF = {405: "method_not_allowed", 415: "unsupported_media_type"}

View = Callable[..., Response]


class Malformed(Exception):
    """The request can't be read at all."""


class TooLarge(Exception):
    """The body is longer than `limit` bytes."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"The body is too large: at most {limit:,} bytes.")


class FieldInvalid(Exception):
    """A field that is no part of a form, as a header."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class NotAllowed(Exception):
    """The role of the token is not enough."""

    def __init__(self, by: Actor, needed: Role) -> None:
        super().__init__(f"This needs the role {needed.value}; the token {by.name} has the role {by.role.value}.")


def problem(status: int, code: str, detail: str, *, errors: list[FieldError] | None = None) -> Response:
    body = Problem(title=TITLES[status], status=status, code=code, detail=detail, errors=errors)
    headers: dict[str, str | list[str]] = {"Content-Type": "application/problem+json"}
    if status == 429:
        headers["Retry-After"] = "1"
    return Response(body.model_dump_json(exclude_none=True), status_code=status, headers=headers)


def answers_problems(view: View) -> View:
    """A view whose refusals and bad input become problem details, and whose crashes tell nothing."""

    @wraps(view)
    def answer(*arguments: Any, **named: Any) -> Response:
        try:
            return view(*arguments, **named)
        except Refusal as refusal:
            return _refused(refusal)
        except Busy as busy:  # a read, after the tries of store/retries.py; what changes something tries longer
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
        except TooLarge as failure:
            return problem(413, "too_large", str(failure))
        except NotQueued:
            return problem(503, "not_queued", "Not all updates could be queued. Please send this again.")
        except NotAllowed as failure:
            return problem(403, "role_not_allowed", str(failure))
        except SettingsInvalid:
            return problem(503, "not_configured", "The service is not configured. Its log names the setting.")
        except Exception:  # noqa: BLE001 - the outermost edge: nothing of it may reach the client
            logger.exception("a request failed")
            return problem(500, "internal_error", "The request failed. The log has the reason.")

    return answer


def _refused(refusal: Refusal) -> Response:
    field = FIELD_OF.get(type(refusal))
    errors = [FieldError(field=field, message=str(refusal).removeprefix(f"{field}: "))] if field else None
    return problem(STATUS_OF[type(refusal)], refusal.code, str(refusal), errors=errors)


def speaks_problems(event: Request, get_response: Callable[[Request], Response]) -> Response:
    """Middleware: what Chalice itself refuses, before any view is asked, is a problem too."""
    response = get_response(event)
    code = CODE_OF.get(response.status_code)
    if code is None or "Content-Type" in response.headers:
        return response
    told = problem(response.status_code, code, f"{TITLES[response.status_code]}.")
    told.headers.update(response.headers)  # keeps Allow
    return told


def _explained(failure: ValidationError) -> list[FieldError]:
    """Each wrong field with what was expected of it; never what was given."""
    return [_field_error(error) for error in failure.errors(include_url=False, include_input=False)]


def _field_error(error: ErrorDetails) -> FieldError:
    """A rule about several fields says by itself which one it is about: "last_number: expected ..."."""
    field, message = ".".join(str(part) for part in error["loc"]), error["msg"].removeprefix("Value error, ")
    if not field:
        name, colon, told = message.partition(": ")
        field, message = (name, told) if colon and name.isidentifier() else ("body", message)
    return FieldError(field=field, message=message)
