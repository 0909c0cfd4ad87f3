"""Translates error answers of the Graph API, and failures of the network, into what a caller can act on.

GraphError
├── SendRefused       WhatsApp said no
├── OutcomeUnknown    it may have been sent
├── NotSent           it has not been sent
├── MediaUnavailable  the file can't be had, or not now
├── MediaTooLarge
└── MediaDamaged
"""

import json
import math
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

import requests
from urllib3.exceptions import ConnectTimeoutError, HTTPError, MaxRetryError, NewConnectionError

from chalicelib.whatsapp.error_codes import remedy
from chalicelib.whatsapp.identities import Json
from chalicelib.whatsapp.text import clean_line

NO_CODE = -1  # refused without a code
# If an answer has no body, its HTTP status counts like these codes.
CODE_OF_STATUS: dict[int, int] = {HTTPStatus.UNAUTHORIZED: 190, HTTPStatus.TOO_MANY_REQUESTS: 4}
CLIENT_ERROR = 4  # 4xx
LONGEST_WAIT = 86_400.0  # seconds
# Seconds. A download waits for the first delay of a remedy only if it is at least this long: shorter ones space out
# messages.
A_MINUTE = 60
PERSONAL = re.compile(r"wamid\.\S+|\+?\d(?:[ ().-]?\d){6,}")  # message ids hold phone numbers


class GraphError(Exception):
    """A request that failed. The texts never contain the token, a phone number or what a person wrote."""


class SendRefused(GraphError):
    """WhatsApp said no. `error_codes.remedy(code)` says what to do.

    `retry_after` is in seconds, if WhatsApp named them. `details` are WhatsApp's words. They may quote our message, so
    they are not part of the error's text.
    """

    def __init__(self, code: int, details: str, http_status: int, retry_after: float | None) -> None:
        super().__init__(f"refused with code {code} (HTTP {http_status})")
        self.code = code
        self.details = details
        self.http_status = http_status
        self.retry_after = retry_after


class OutcomeUnknown(GraphError):
    """It may have been sent. Wait for a status with its tag before you send again."""


class NotSent(GraphError):
    """Nothing has reached WhatsApp. It is safe to try again."""


class MediaUnavailable(GraphError):
    """The file can't be had. If it is `temporary`, try again after `wait` seconds. `code` is WhatsApp's, if any."""

    def __init__(self, reason: str, *, temporary: bool = False, wait: float = 0, code: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.temporary = temporary
        self.wait = wait
        self.code = code


class MediaTooLarge(GraphError):
    def __init__(self, limit: int) -> None:
        super().__init__(f"more than {limit} bytes")
        self.limit = limit


class MediaDamaged(GraphError):
    """The SHA-256 of the bytes is not the one that WhatsApp named."""


def read_answer(response: requests.Response) -> Json:
    """Return the JSON of a success. Raises SendRefused, OutcomeUnknown.

    The body decides, since WhatsApp may say no with HTTP 200.
    """
    try:
        body = response.json()
    except (ValueError, RecursionError):
        body = None
    status = response.status_code
    error = body.get("error") if isinstance(body, dict) else None
    if isinstance(error, dict):
        raise SendRefused(_code(error), _details(error, response), status, _retry_after(response.headers))
    if status // 100 == CLIENT_ERROR and status != HTTPStatus.REQUEST_TIMEOUT:
        raise SendRefused(CODE_OF_STATUS.get(status, NO_CODE), "", status, _retry_after(response.headers))
    if status != HTTPStatus.OK or not isinstance(body, dict):
        raise OutcomeUnknown(f"HTTP {status} without an answer that can be read")
    return body


@contextmanager
def translate_errors() -> Iterator[None]:
    """Raise NotSent or OutcomeUnknown for an error of `requests`, without its text, which contains URLs."""
    try:
        yield
    except requests.RequestException as error:
        if _never_left(error):
            raise NotSent(type(error).__name__) from None
        raise OutcomeUnknown(type(error).__name__) from None


@contextmanager
def translate_media_errors() -> Iterator[None]:
    """Raise MediaUnavailable for any error of a download, which is always safe to repeat."""
    try:
        yield
    except SendRefused as error:
        delays = remedy(error.code).delays
        wait = error.retry_after or (delays[0] if delays and delays[0] >= A_MINUTE else 0)
        raise MediaUnavailable(
            f"refused with code {error.code}", temporary=bool(delays), wait=wait, code=error.code
        ) from None
    except (OutcomeUnknown, requests.RequestException, HTTPError) as error:
        raise MediaUnavailable(type(error).__name__, temporary=True) from None


def media_unavailable(response: requests.Response) -> MediaUnavailable:
    """Return the error for an answer that is not the file. It comes from a file host, which has no error codes."""
    status = response.status_code
    passing = status in (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS)
    temporary = passing or status >= HTTPStatus.INTERNAL_SERVER_ERROR
    return MediaUnavailable(f"HTTP {status}", temporary=temporary, wait=_retry_after(response.headers) or 0)


def _never_left(error: requests.RequestException) -> bool:
    """Tell whether there was no connection or no valid request, so that not a byte was sent."""
    if isinstance(error, requests.ConnectTimeout | ValueError):  # ValueError: malformed address or header
        return True
    reason = error.args[0] if error.args else None
    if isinstance(reason, MaxRetryError):
        reason = reason.reason
    return isinstance(reason, NewConnectionError | ConnectTimeoutError)


def _code(error: Mapping[str, Any]) -> int:
    code = error.get("code")
    return code if isinstance(code, int) and not isinstance(code, bool) else NO_CODE


def _details(error: Mapping[str, Any], response: requests.Response) -> str:
    """Return WhatsApp's words without the token, phone numbers and message ids."""
    data = error.get("error_data")
    details = (data.get("details") if isinstance(data, dict) else None) or error.get("message")
    if not isinstance(details, str):
        return ""
    token = response.request.headers.get("Authorization", "").removeprefix("Bearer ")
    details = details.replace(token, "#") if token else details
    return clean_line(PERSONAL.sub("#", details), 300)


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds to wait: Retry-After, or WhatsApp's estimate (in minutes) for the account."""
    try:
        seconds = float(headers["Retry-After"]) if "Retry-After" in headers else _estimate(headers)
    except (ValueError, TypeError, AttributeError, RecursionError):
        return None
    return min(seconds, LONGEST_WAIT) if math.isfinite(seconds) and seconds > 0 else None


def _estimate(headers: Mapping[str, str]) -> float:
    usage = json.loads(headers.get("X-Business-Use-Case-Usage", "{}"))
    uses = [use for account in usage.values() for use in account]
    return 60.0 * max((float(use.get("estimated_time_to_regain_access", 0)) for use in uses), default=0.0)
