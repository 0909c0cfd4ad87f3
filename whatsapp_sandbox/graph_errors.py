"""Meta's error responses: codes, titles, HTTP statuses and the body. Recorded samples are in `responses/`.

Source: https://developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

# code -> (HTTP status, title)
ERRORS: dict[int, tuple[int, str]] = {
    100: (400, "Invalid parameter"),
    131008: (400, "Required parameter is missing"),
    131009: (400, "Parameter value is not valid"),
    131021: (400, "Recipient cannot be sender"),
    131047: (400, "Re-engagement message"),
    131053: (400, "Media upload error"),
}


@dataclass(eq=False)  # not frozen: Python itself writes to a raised exception
class Refused(Exception):
    """Meta would refuse this request. `details` names the field."""

    code: int
    details: str

    @property
    def http_status(self) -> int:
        return ERRORS[self.code][0]

    def body(self) -> dict[str, Any]:
        data = {"messaging_product": "whatsapp", "details": self.details}
        return error_body(f"(#{self.code}) {ERRORS[self.code][1]}", self.code, error_data=data)


@dataclass(eq=False)
class NoSuchObject(Exception):
    """The path contains the id of a number or file that this account does not have."""

    object_id: str
    http_status: int = 400

    def body(self) -> dict[str, Any]:
        text = (
            f"Unsupported request. Object with ID '{self.object_id}' does not exist, cannot be loaded due to missing "
            "permissions, or does not support this operation"
        )
        return error_body(text, 100, kind="GraphMethodException", error_subcode=33)


@dataclass(eq=False)
class UnknownPath(Exception):
    """The path does not exist in the Graph API, e.g. because the version is malformed."""

    path: str
    http_status: int = 400

    def body(self) -> dict[str, Any]:
        return error_body(f"Unknown path components: {self.path}", 2500)


@dataclass(eq=False)
class InvalidToken(Exception):
    """The bearer token is missing or wrong."""

    given: bool
    http_status: int = 401

    def body(self) -> dict[str, Any]:
        text = "Invalid OAuth access token - Cannot parse access token" if self.given else "Authentication Error"
        return error_body(text, 190)


def error_body(message: str, code: int, kind: str = "OAuthException", **more: Any) -> dict[str, Any]:
    """Return the body that all of Meta's errors have in common."""
    return {
        "error": {"message": message, "type": kind, "code": code, **more, "fbtrace_id": "A" + secrets.token_urlsafe(16)}
    }
