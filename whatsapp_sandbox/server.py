"""Puts the parts together into one ASGI application; the one place where tests substitute the clock and the sender."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from whatsapp_sandbox import courier as couriers
from whatsapp_sandbox import page_api
from whatsapp_sandbox.answers import Answers
from whatsapp_sandbox.events import Events
from whatsapp_sandbox.files import Files
from whatsapp_sandbox.graph import Dropped, Graph
from whatsapp_sandbox.phones import CannotDo, Phones
from whatsapp_sandbox.refusals import BadPath, BadToken, NoSuchObject, Refused
from whatsapp_sandbox.settings import Settings
from whatsapp_sandbox.stand_in_api import StandInApi
from whatsapp_sandbox.store import Store

# The page needs nothing from elsewhere, so a slip in it cannot run what somebody wrote in a chat.
SECURITY = (
    (b"content-security-policy", b"default-src 'self'; img-src 'self' blob: data:; frame-ancestors 'none'"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
)


def build(
    settings: Settings,
    *,
    events: Events | None = None,
    clock: Callable[[], float] = time.time,
    send: couriers.Send | None = None,
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> ASGIApp:
    """Return the application. Its state is in `settings.state`, which is made if need be."""
    settings.state.mkdir(parents=True, exist_ok=True)
    store = Store(settings.state / "phone.sqlite3")
    sender = send or couriers.HttpSender(settings.webhook_url)
    courier = couriers.Courier(store, sender, secret=settings.app_secret, clock=clock, pause=pause)
    files = Files(settings.state / "media", store, clock)
    phones = Phones(settings, store, files, courier, events or Events(), clock)
    answers = Answers()

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        courier.start()
        yield
        await courier.stop()
        if isinstance(sender, couriers.HttpSender):
            await sender.close()
        store.close()

    app = Starlette(
        routes=[
            *page_api.PageApi(phones).routes(),
            *StandInApi(phones, answers).routes(),
            # Last: its paths begin with a wild card.
            *Graph(phones, answers).routes(),
        ],
        exception_handlers={
            Refused: _as_meta,
            NoSuchObject: _as_meta,
            BadPath: _as_meta,
            BadToken: _as_meta,
            CannotDo: page_api.refuse,
            Dropped: _break_line,
        },
        lifespan=lifespan,
    )
    return Shell(app)


class Shell:
    """Around the application: security headers on every answer, and connections that break when told to."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), *SECURITY]
            await send(message)

        # uvicorn hands no transport out, but its `send` is a method of the object that holds it.
        transport = getattr(getattr(send, "__self__", None), "transport", None)
        await self._app({**scope, "phone.transport": transport}, receive, with_headers)


class BrokenLine(Response):
    """No answer at all: the connection is cut."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        transport = scope.get("phone.transport")
        if transport is None:  # there is no real connection, as in tests
            raise Dropped
        transport.abort()
        await asyncio.sleep(0.01)  # let the server notice, or it would try to answer 500


async def _break_line(_request: Request, _told: Exception) -> Response:
    return BrokenLine()


async def _as_meta(_request: Request, refusal: Exception) -> Response:
    if not isinstance(refusal, Refused | NoSuchObject | BadPath | BadToken):
        raise refusal
    return JSONResponse(refusal.body(), refusal.http_status)
