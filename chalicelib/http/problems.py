"""Refusals become HTTP here and nowhere else: RFC 9457 problem details with a stable code."""

from collections.abc import Callable
from functools import wraps
from json import dumps
from typing import Any

from chalice.app import Request, Response
from pydantic import ValidationError

from chalicelib.domain import refusals
from chalicelib.domain.refusals import Refusal
from chalicelib.logs import logger
from chalicelib.settings import SettingsInvalid
from chalicelib.store.pages import CursorInvalid
from chalicelib.store.transaction import Busy, Unsure

STATUS_OF: dict[type[Refusal], int] = {
    refusals.RaffleNotFound: 404,
    refusals.OrderNotFound: 404,
    refusals.LetterNotFound: 404,
    refusals.RaffleOutOfTurn: 409,
    refusals.OrderOutOfTurn: 409,
    refusals.CodeTaken: 409,
    refusals.RaffleHasSales: 409,
    refusals.NumbersTaken: 409,
    refusals.TooFewFree: 409,
    refusals.TooManyForContact: 409,
    refusals.NumbersInvalid: 409,
    # Also when it is DynamoDB that is overloaded: to a client it is the same, "later", and Retry-After says when.
    refusals.TryAgain: 429,
    CursorInvalid: 422,
}
TITLES = {
    400: "Malformed request",
    401: "Not authenticated",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    409: "Refused by a rule",
    413: "Too large",
    415: "Unsupported media type",
    422: "Invalid fields",
    429: "Too many requests",
    500: "Something went wrong on our side",
    503: "Not available just now",
}

CODE_OF = {405: "method_not_allowed", 415: "unsupported_media_type"}

View = Callable[..., Response]


class Malformed(Exception):
    """The request can't be read at all."""


def problem(status: int, code: str, detail: str, **more: Any) -> Response:
    body = {"type": "about:blank", "title": TITLES[status], "status": status, "code": code, "detail": detail, **more}
    headers: dict[str, str | list[str]] = {"Content-Type": "application/problem+json"}
    if status == 429:
        headers["Retry-After"] = "1"
    return Response(dumps(body, ensure_ascii=False), status_code=status, headers=headers)


def answers_problems(view: View) -> View:
    """A view whose refusals and bad input become problem details, and whose crashes tell nothing."""

    @wraps(view)
    def answer(*arguments: Any, **named: Any) -> Response:
        try:
            return view(*arguments, **named)
        except Refusal as refusal:
            return _refused(refusal)
        except Busy as busy:  # a read, after asking.py's tries; what changes something tries longer
            logger.warning("the store is busy", extra={"reason": str(busy)})
            return _refused(refusals.TryAgain(unsure=isinstance(busy, Unsure)))
        except ValidationError as failure:
            return problem(422, "invalid_fields", "See errors.", errors=_explained(failure))
        except Malformed as failure:
            return problem(400, "malformed", str(failure))
        except SettingsInvalid:
            return problem(503, "not_configured", "The service is not configured. Its log names the setting.")
        except Exception:  # noqa: BLE001 - the outermost edge: nothing of it may reach the client
            logger.exception("a request failed")
            return problem(500, "internal_error", "The request failed. The log has the reason.")

    return answer


def _refused(refusal: Refusal) -> Response:
    return problem(STATUS_OF[type(refusal)], refusal.code, str(refusal))


def speaks_problems(event: Request, get_response: Callable[[Request], Response]) -> Response:
    """Middleware: what Chalice itself refuses, before any view is asked, is a problem too."""
    response = get_response(event)
    code = CODE_OF.get(response.status_code)
    if code is None or "Content-Type" in response.headers:
        return response
    told = problem(response.status_code, code, f"{TITLES[response.status_code]}.")
    told.headers.update(response.headers)  # keeps Allow
    return told


def _explained(failure: ValidationError) -> list[dict[str, str]]:
    """Each wrong field with what was expected of it; never what was given."""
    return [
        {
            "field": ".".join(str(part) for part in error["loc"]) or "body",
            "message": error["msg"].removeprefix("Value error, "),
        }
        for error in failure.errors(include_url=False, include_input=False, include_context=False)
    ]
