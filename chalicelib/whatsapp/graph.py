"""A typed client of WhatsApp's Graph API: sending, read receipts, media, templates."""

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from math import inf
from time import monotonic, sleep
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.auth import AuthBase

from chalicelib.domain.refusals import TryAgain
from chalicelib.whatsapp import messages
from chalicelib.whatsapp.graph_errors import (
    GraphError,
    MediaDamaged,
    MediaTooLarge,
    MediaUnavailable,
    NotSent,
    OutcomeUnknown,
    SendRefused,
    media_unavailable,
    read_answer,
    translate_errors,
    translate_media_errors,
)
from chalicelib.whatsapp.identities import Json
from chalicelib.whatsapp.inbound import MEDIA_ID
from chalicelib.whatsapp.text import clean_line, safe_filename

__all__ = [
    "Accepted", "Graph", "GraphError", "MediaDamaged", "MediaFile", "MediaTooLarge", "MediaUnavailable", "NotSent",
    "OutcomeUnknown", "SendRefused",
]  # fmt: skip

META_MEDIA_HOSTS = ("lookaside.fbsbx.com", "*.fbcdn.net", "*.whatsapp.net")

# While its sender waits, a file is fetched again if the error may pass within seconds. The function has 30 s, of which
# marking the message as read may take 9 and DynamoDB 12. So no request for the file starts after 8 s, and a silent one
# is given up after 6 s. urllib3's `Retry` would not do: it sees neither an error code in a body nor a body that breaks
# off, and it repeats a POST if no connection was made, which `send` must not do.
FETCH_SECONDS = 8.0
PAUSES = (0.3, 1.0)  # seconds before the second and the third try, which is the last


@dataclass(frozen=True, kw_only=True)
class Accepted:
    """WhatsApp accepted the message. It is not delivered yet."""

    message_id: str
    status: str = ""  # of a template: "accepted", "held_for_quality_assessment", "paused"


@dataclass(frozen=True, kw_only=True)
class MediaFile:
    content: bytes
    mime_type: str  # as WhatsApp says; `file_types.sniff` is more reliable
    sha256: str  # hex, computed


class _LinkExpired(Exception):
    """The link of a media file is valid for five minutes only."""


class _Bearer(AuthBase):
    """Sets the token. As a header alone it would be overridden by an entry in ~/.netrc."""

    def __init__(self, token: Callable[[], str]) -> None:
        self._token = token  # called each time, since the token is rotated

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        try:
            request.headers["Authorization"] = f"Bearer {self._token()}"
        except TryAgain:
            raise requests.ConnectTimeout("no access token yet") from None  # nothing was sent: safe to retry
        return request


class Graph:
    """The client for one phone number of ours. `timeout` is for connecting and reading, in seconds."""

    def __init__(
        self,
        *,
        base_url: str,
        version: str,
        phone_number_id: str,
        access_token: Callable[[], str],
        media_hosts: Sequence[str] = META_MEDIA_HOSTS,
        timeout: tuple[float, float] = (3.05, 6),
        clock: Callable[[], float] = monotonic,
        pause: Callable[[float], object] = sleep,
    ) -> None:
        """`clock` returns seconds, `pause` waits for a number of seconds."""
        self._base = urlsplit(base_url.rstrip("/"))
        self._root = f"{base_url.rstrip('/')}/{version}"
        self._phone_number_id = phone_number_id
        self._auth = _Bearer(access_token)
        self._media_hosts = tuple(host.strip().lower() for host in media_hosts if host.strip())
        self._timeout = timeout
        self._clock = clock
        self._pause = pause
        self._session: requests.Session | None = None

    def send(self, message: Mapping[str, Any]) -> Accepted:
        """Send a request made by `messages.build_request`. Raises SendRefused, OutcomeUnknown or NotSent."""
        answer = self._post_json(message)
        try:
            accepted = answer["messages"][0]
            return Accepted(message_id=_string(accepted["id"]), status=clean_line(accepted.get("message_status"), 60))
        except (KeyError, IndexError, TypeError, AttributeError):
            raise OutcomeUnknown("HTTP 200 without a message id") from None

    def mark_read(self, message_id: str, *, typing: bool = True) -> None:
        """Show blue ticks and "typing…" for one of their messages. Raises as `send`; callers can ignore failures."""
        self._post_json(messages.build_read_receipt(message_id, typing=typing))

    def upload(
        self, content: bytes, mime_type: str, filename: str, *, timeout: tuple[float, float] | None = None
    ) -> str:
        """Upload a file and return its id, which messages can use for 30 days. Raises as `send`.

        Args:
            timeout: for connecting and reading, in seconds; by default the client's.
        """
        with translate_errors():
            response = self._http().post(
                f"{self._root}/{self._phone_number_id}/media",
                data={"messaging_product": "whatsapp", "type": mime_type},
                files={"file": (safe_filename(filename) or "file", content, mime_type)},
                auth=self._auth,
                timeout=timeout or self._timeout,
                allow_redirects=False,
            )
        try:
            return _string(read_answer(response)["id"])
        except (KeyError, TypeError):
            raise OutcomeUnknown("HTTP 200 without a media id") from None

    def number(self, *, within: float = inf) -> str:
        """Return our number as WhatsApp shows it, such as "+1 631-555-1181". Raises as `send`.

        This shows that the number exists and that the token may use it.

        Args:
            within: seconds for connecting, and for the answer; if the client's own are fewer, those count.
        """
        until = self._clock() + within
        params = {"fields": "display_phone_number"}
        with translate_errors():
            response = self._get(f"{self._root}/{self._phone_number_id}", until, params=params)
        return clean_line(read_answer(response).get("display_phone_number"), 60)

    def templates(self, account_id: str) -> list[Json]:
        """Return all message templates of the account: name, language, status, components. Raises as `send`."""
        templates: list[Json] = []
        params = {"fields": "name,language,status,components", "limit": "100"}
        while True:
            with translate_errors():
                answer = read_answer(self._get(f"{self._root}/{account_id}/message_templates", params=params))
            templates += [template for template in answer.get("data", []) if isinstance(template, dict)]
            paging = answer.get("paging", {})
            after = paging.get("cursors", {}).get("after") if "next" in paging else None
            if not after:
                return templates
            params = {**params, "after": _string(after)}

    def submit_template(self, account_id: str, definition: Mapping[str, Any]) -> str:
        """Submit a template for approval and return its status: "PENDING", "APPROVED" … Raises as `send`."""
        answer = self._post_json(definition, to=f"{account_id}/message_templates")
        return clean_line(answer.get("status"), 60)

    def fetch_media(self, media_id: str, *, limit_bytes: int = 16 * 2**20) -> MediaFile:
        """Download a file that a person sent. Tries again if the error may pass within seconds.

        Raises MediaUnavailable, MediaTooLarge or MediaDamaged.
        """
        if not MEDIA_ID.fullmatch(media_id):
            raise MediaUnavailable("not a media id")
        until = self._clock() + FETCH_SECONDS
        pauses = iter(PAUSES)
        while True:
            try:
                return self._fetch(media_id, limit_bytes, until)
            except MediaUnavailable as error:
                pause = max(next(pauses, inf), error.wait)
                if not error.temporary or self._clock() + pause >= until:
                    raise
            self._pause(pause)

    def _fetch(self, media_id: str, limit: int, until: float) -> MediaFile:
        try:
            info, content = self._download(media_id, limit, until)
        except _LinkExpired:
            try:
                info, content = self._download(media_id, limit, until)
            except _LinkExpired:
                raise MediaUnavailable("the link expired, twice") from None
        digest = hashlib.sha256(content)
        if info.get("sha256") and not _is_digest(info["sha256"], digest.digest()):
            raise MediaDamaged("SHA-256 differs")
        return MediaFile(content=content, mime_type=clean_line(info.get("mime_type"), 100), sha256=digest.hexdigest())

    def _download(self, media_id: str, limit: int, until: float) -> tuple[Json, bytes]:
        info = self._look_up(media_id, until)
        if _size(info.get("file_size")) > limit:
            raise MediaTooLarge(limit)
        url = info.get("url")
        if not (isinstance(url, str) and self._is_media_url(url)):
            raise MediaUnavailable("its link is to a host that is not allowed")
        with translate_media_errors(), self._get(url, until, stream=True) as response:
            if response.status_code == HTTPStatus.NOT_FOUND:
                raise _LinkExpired
            if response.status_code != HTTPStatus.OK:
                # Also a redirect: the token must not follow it.
                raise media_unavailable(response)
            return info, self._read(response, limit, until)

    def _look_up(self, media_id: str, until: float) -> Json:
        with translate_media_errors():
            params = {"phone_number_id": self._phone_number_id}
            return read_answer(self._get(f"{self._root}/{media_id}", until, params=params))

    def _read(self, response: requests.Response, limit: int, until: float) -> bytes:
        if _size(response.headers.get("Content-Length")) > limit:
            raise MediaTooLarge(limit)
        content = bytearray()
        # Read what has come in instead of waiting for full chunks, so that a slow trickle cannot exceed our time.
        while chunk := response.raw.read1(64 * 1024, decode_content=False):
            content += chunk
            if len(content) > limit:
                raise MediaTooLarge(limit)
            if self._clock() >= until:
                raise MediaUnavailable("too slow", temporary=True)
        return bytes(content)

    def _is_media_url(self, url: str) -> bool:
        """Tell whether the token may be sent there. Odd URLs that parsers may read differently are refused."""
        if re.search(r"[\s\\\x00-\x1f\x7f]", url):
            return False
        try:
            parts = urlsplit(url)
            host = (parts.hostname or "").rstrip(".")
        except ValueError:
            return False
        if "@" in parts.netloc or not host:
            return False
        if host == self._base.hostname:
            return parts.scheme in ("https", self._base.scheme)  # plain http only if the API itself has it
        return parts.scheme == "https" and any(_is_host(host, allowed) for allowed in self._media_hosts)

    def _post_json(self, body: Mapping[str, Any], *, to: str | None = None) -> Json:
        encoded = json.dumps(body, allow_nan=False).encode()
        with translate_errors():
            response = self._http().post(
                f"{self._root}/{to or f'{self._phone_number_id}/messages'}",
                data=encoded,
                headers={"Content-Type": "application/json"},
                auth=self._auth,
                timeout=self._timeout,
                allow_redirects=False,
            )
        return read_answer(response)

    def _get(
        self, url: str, until: float = inf, *, params: Mapping[str, str] | None = None, stream: bool = False
    ) -> requests.Response:
        left = until - self._clock()
        if left <= 0:
            raise MediaUnavailable("too slow", temporary=True) from None
        connect, read = self._timeout
        return self._http().get(
            url,
            params=params,
            headers={"Accept-Encoding": "identity"},  # so that the bytes received are the bytes of the file
            auth=self._auth,
            timeout=(min(connect, left), min(read, left)),
            allow_redirects=False,
            stream=stream,
        )

    def _http(self) -> requests.Session:
        if self._session is None:
            self._session = requests.Session()
        return self._session


def _is_host(host: str, allowed: str) -> bool:
    return host.endswith(allowed[1:]) if allowed.startswith("*.") else host == allowed


def _is_digest(named: object, digest: bytes) -> bool:
    """Tell whether `named` is the digest in hex or base64."""
    if not isinstance(named, str):
        return False
    if len(named) == len(digest.hex()):
        return named.lower() == digest.hex()
    try:
        return base64.b64decode(named, validate=True) == digest
    except (binascii.Error, ValueError):
        return False


def _size(value: object) -> int:
    return int(value) if isinstance(value, str | int) and re.fullmatch(r"[0-9]{1,18}", str(value), re.ASCII) else 0


def _string(value: object) -> str:
    if not (isinstance(value, str) and value):
        raise TypeError("not a text")
    return value
