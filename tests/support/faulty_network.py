"""The line to WhatsApp, below our client: what it answers is decided here, and what it took is remembered."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import BaseAdapter
from urllib3 import HTTPResponse
from urllib3.exceptions import NewConnectionError, ProtocolError

from chalicelib.whatsapp.graph import Graph
from tests.support.whatsapp_samples import OURS, answer
from tests.support.world import PNG

Json = dict[str, Any]
BASE = "http://meta.invalid"


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Instead of the usual answer. `takes`: WhatsApp took the message all the same, and only the answer went wrong."""

    name: str
    takes: bool = False
    answer: str | None = None  # a file of graph/responses
    raises: Callable[[], Exception] | None = None

    @property
    def is_unknown(self) -> bool:
        """Whether nobody who got this can know what became of the message."""
        return (self.raises is not None and self.name != "refused connection") or self.answer in UNREADABLE


UNREADABLE = ("err_empty_500", "err_html_502", "odd_200_no_messages")


def _reset() -> Exception:
    return requests.ConnectionError(ProtocolError("Connection aborted.", ConnectionResetError(104, "reset")))


def _refused() -> Exception:
    return requests.ConnectionError(NewConnectionError(None, "refused"))  # type: ignore[arg-type] # no connection here


TROUBLE = (
    Fault(name="time-out", raises=requests.ReadTimeout),
    Fault(name="time-out after taking it", raises=requests.ReadTimeout, takes=True),
    Fault(name="reset", raises=_reset),
    Fault(name="reset after taking it", raises=_reset, takes=True),
    Fault(name="refused connection", raises=_refused),
    *(
        Fault(name=name, answer=name)
        for name in (
            "err_130429_throughput_429_variant", "err_4_app_limit", "err_131056_pair", "err_2_transient",
            "err_131000_unknown", "err_131016_unavailable", "err_empty_500", "err_html_502",
        )
    ),
    Fault(name="err_html_502 after taking it", answer="err_html_502", takes=True),
    Fault(name="odd_200_no_messages", answer="odd_200_no_messages", takes=True),
)  # fmt: skip


@dataclass
class Line(BaseAdapter):
    """`weather` decides for each message; `took` is told of each one that WhatsApp takes, and gives it an id."""

    weather: Callable[[Json], Fault | None]
    took: Callable[[Json], str]
    tried: list[Json] = field(default_factory=list)

    def graph(self) -> Graph:
        """The product's own client at this line."""
        made = Graph(base_url=BASE, version="v26.0", phone_number_id=OURS, access_token=lambda: "none")
        made._session = requests.Session()
        made._session.mount(BASE, self)
        return made

    # The override leaves out the library's many options for a connection: there is none.
    def send(self, request: requests.PreparedRequest, **_: Any) -> requests.Response:  # type: ignore[override] # above
        path = urlsplit(str(request.url)).path
        if path.endswith("/messages"):
            body = json.loads(request.body or b"{}")
            return self._message(request, body) if "status" not in body else _answered(request, "ok_read")
        if path.startswith("/file"):
            return _response(request, 200, {}, PNG)
        return _response(request, 200, {}, json.dumps({"url": f"{BASE}/file", "id": "proof"}).encode())

    def close(self) -> None:
        """Nothing is open."""

    def _message(self, request: requests.PreparedRequest, body: Json) -> requests.Response:
        self.tried.append(body)
        fault = self.weather(body)
        if fault is None or fault.takes:
            message_id = self.took(body)
        if fault is None:
            return _response(request, 200, {}, json.dumps({"messages": [{"id": message_id}]}).encode())
        if fault.raises is not None:
            raise fault.raises()
        return _answered(request, str(fault.answer))


def _answered(request: requests.PreparedRequest, name: str) -> requests.Response:
    told = answer(name)
    body = json.dumps(told["body"]) if "body" in told else told.get("body_text", "")
    return _response(request, told["http_status"], told.get("headers", {}), body.encode())


def _response(
    request: requests.PreparedRequest, status: int, headers: Mapping[str, str], content: bytes
) -> requests.Response:
    made = requests.Response()
    made.status_code, made.request, made.url = status, request, str(request.url)
    made.headers.update(headers)
    made.raw = HTTPResponse(body=BytesIO(content), status=status, preload_content=False)
    return made
