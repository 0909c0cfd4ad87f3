"""The control API for tests and demos, `/stand-in/...`: accepted messages, scripted answers, windows, reset."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from whatsapp_sandbox.chats import WINDOW_SECONDS, Chats, NotPossible
from whatsapp_sandbox.json_views import accepted_message_json
from whatsapp_sandbox.scripted_answers import InvalidScript, ScriptedAnswers, parse_script, response_names
from whatsapp_sandbox.store import Message

Json = dict[str, Any]


class ControlApi:
    """Meta has none of these routes."""

    def __init__(self, chats: Chats, scripted: ScriptedAnswers) -> None:
        self._chats = chats
        self._scripted = scripted

    def routes(self) -> list[Route]:
        return [
            Route("/stand-in/health", self.health, methods=["GET"]),
            Route("/stand-in/answer", self.list_scripts, methods=["GET"]),
            Route("/stand-in/answer", self.add_script, methods=["POST"]),
            Route("/stand-in/answer", self.clear_scripts, methods=["DELETE"]),
            Route("/stand-in/messages", self.messages, methods=["GET"]),
            Route("/stand-in/window", self.window, methods=["POST"]),
            Route("/stand-in/fail", self.fail, methods=["POST"]),
            Route("/stand-in/reset", self.reset, methods=["POST"]),
        ]

    async def health(self, _request: Request) -> Response:
        chats = self._chats
        waiting = chats.store.count_webhooks()
        return JSONResponse({"status": "ok", "webhook_url": chats.settings.webhook_url, "webhooks_waiting": waiting})

    async def list_scripts(self, _request: Request) -> Response:
        return JSONResponse({"told": self._scripted.as_json(), "responses": response_names()})

    async def add_script(self, request: Request) -> Response:
        """`{"response" | "hang_seconds" | "drop_connection", "times": 1, "operation": "send", "accept": false}`."""
        try:
            self._scripted.add(parse_script(await request.json()))
        except ValueError:
            raise NotPossible("The body must be a JSON object.") from None
        except InvalidScript as trouble:
            raise NotPossible(str(trouble)) from None
        return JSONResponse({"told": self._scripted.as_json()}, status_code=201)

    async def clear_scripts(self, _request: Request) -> Response:
        self._scripted.clear()
        return Response(status_code=204)

    async def messages(self, request: Request) -> Response:
        """Return all accepted messages, oldest first. `?contact=` takes an id, a phone number or a BSUID."""
        name = request.query_params.get("contact")
        if name is None:
            messages = self._chats.store.accepted()
        else:
            # An unescaped plus in a query string arrives as a space.
            contact = self._chats.contact(name.strip())
            messages = self._chats.store.accepted(contact.id) if contact else []
        return JSONResponse({"messages": [accepted_message_json(message) for message in messages]})

    async def window(self, request: Request) -> Response:
        """`{"contact", "open": true|false}` opens or closes a 24-hour window although the person wrote nothing."""
        body = await _object(request)
        contact = self._chats.contact(str(body.get("contact", "")))
        if contact is None:
            raise NotPossible("There is no such contact.")
        until = self._chats.clock() + WINDOW_SECONDS if body.get("open", True) else 0.0
        self._chats.store.set_window(contact.id, until)
        self._chats.events.publish("people")
        return JSONResponse({"contact": contact.id, "window_until": until or None})

    async def fail(self, request: Request) -> Response:
        """`{"message_id", "code": 131026, "title"}` reports an accepted message as failed."""
        body = await _object(request)
        message: Message | None = self._chats.store.message(str(body.get("message_id", "")))
        if message is None or message.direction != "theirs":
            raise NotPossible("There is no such accepted message.")
        self._chats.fail(message, int(body.get("code", 131026)), str(body.get("title", "Message undeliverable")))
        return Response(status_code=204)

    async def reset(self, _request: Request) -> Response:
        """Delete all chats, files, windows, waiting webhooks and scripted answers."""
        self._scripted.clear()
        self._chats.reset()
        return Response(status_code=204)


async def _object(request: Request) -> Json:
    try:
        body = await request.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise NotPossible("The body must be a JSON object.")
    return body
