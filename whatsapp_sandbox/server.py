"""Builds the ASGI application. Tests replace the clock and the HTTP transport here, and nowhere else."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from whatsapp_sandbox import page_api, webhook_sender
from whatsapp_sandbox.chats import Chats, NotPossible
from whatsapp_sandbox.control_api import ControlApi
from whatsapp_sandbox.graph_api import ConnectionDropped, GraphApi
from whatsapp_sandbox.graph_errors import InvalidToken, NoSuchObject, Refused, UnknownPath
from whatsapp_sandbox.media_files import MediaFiles
from whatsapp_sandbox.page_events import PageEvents
from whatsapp_sandbox.scripted_answers import ScriptedAnswers
from whatsapp_sandbox.settings import Settings
from whatsapp_sandbox.store import Store

# The page loads nothing from other hosts. Even with a bug in it, text from a chat cannot run as a script.
SECURITY = (
    (b"content-security-policy", b"default-src 'self'; img-src 'self' blob: data:; frame-ancestors 'none'"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
)


def build(
    settings: Settings,
    *,
    events: PageEvents | None = None,
    clock: Callable[[], float] = time.time,
    send: webhook_sender.Send | None = None,
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> ASGIApp:
    """Return the application. Its state is in the folder `settings.state`, which is created if it is missing."""
    settings.state.mkdir(parents=True, exist_ok=True)
    store = Store(settings.state / "phone.sqlite3")
    transport = send or webhook_sender.HttpTransport(settings.webhook_url)
    sender = webhook_sender.WebhookSender(store, transport, secret=settings.app_secret, clock=clock, pause=pause)
    files = MediaFiles(settings.state / "media", store, clock)
    chats = Chats(settings, store, files, sender, events or PageEvents(), clock)
    scripted = ScriptedAnswers()

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        sender.start()
        yield
        await sender.stop()
        if isinstance(transport, webhook_sender.HttpTransport):
            await transport.close()
        store.close()

    app = Starlette(
        routes=[
            *page_api.PageApi(chats).routes(),
            *ControlApi(chats, scripted).routes(),
            # Last, because its paths start with a wildcard.
            *GraphApi(chats, scripted).routes(),
        ],
        exception_handlers={
            Refused: _graph_error,
            NoSuchObject: _graph_error,
            UnknownPath: _graph_error,
            InvalidToken: _graph_error,
            NotPossible: page_api.not_possible,
            ConnectionDropped: _abort_connection,
        },
        lifespan=lifespan,
    )
    return _Outer(app)


class _Outer:
    """Wraps the application: adds security headers to every answer, and makes it possible to cut connections."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), *SECURITY]
            await send(message)

        # uvicorn does not expose the transport, but its `send` is a method of the object that has it.
        transport = getattr(getattr(send, "__self__", None), "transport", None)
        await self._app({**scope, "phone.transport": transport}, receive, with_headers)


class _AbortedConnection(Response):
    """Sends no answer and cuts the connection."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        transport = scope.get("phone.transport")
        if transport is None:  # no real connection, e.g. in tests
            raise ConnectionDropped
        transport.abort()
        await asyncio.sleep(0.01)  # let the server notice, or it tries to answer 500


async def _abort_connection(_request: Request, _error: Exception) -> Response:
    return _AbortedConnection()


async def _graph_error(_request: Request, error: Exception) -> Response:
    if not isinstance(error, Refused | NoSuchObject | UnknownPath | InvalidToken):
        raise error
    return JSONResponse(error.body(), error.http_status)
