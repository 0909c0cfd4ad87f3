"""The handles for tests and demonstrations: `/stand-in/...`. What was accepted, what to answer next, windows, reset."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from whatsapp_sandbox.answers import Answers, BadAnswer, names, parse
from whatsapp_sandbox.phones import WINDOW_SECONDS, CannotDo, Phones
from whatsapp_sandbox.store import Message
from whatsapp_sandbox.views import for_tests

Json = dict[str, Any]


class StandInApi:
    """Nothing here exists at Meta."""

    def __init__(self, phones: Phones, answers: Answers) -> None:
        self._phones, self._answers = phones, answers

    def routes(self) -> list[Route]:
        return [
            Route("/stand-in/health", self.health, methods=["GET"]),
            Route("/stand-in/answer", self.show_answers, methods=["GET"]),
            Route("/stand-in/answer", self.tell, methods=["POST"]),
            Route("/stand-in/answer", self.clear_answers, methods=["DELETE"]),
            Route("/stand-in/messages", self.messages, methods=["GET"]),
            Route("/stand-in/window", self.window, methods=["POST"]),
            Route("/stand-in/fail", self.fail, methods=["POST"]),
            Route("/stand-in/reset", self.reset, methods=["POST"]),
        ]

    async def health(self, _request: Request) -> Response:
        phones = self._phones
        waiting = phones.store.letters()
        return JSONResponse({"status": "ok", "webhook_url": phones.settings.webhook_url, "webhooks_waiting": waiting})

    async def show_answers(self, _request: Request) -> Response:
        return JSONResponse({"told": self._answers.show(), "responses": names()})

    async def tell(self, request: Request) -> Response:
        """`{"response" | "hang_seconds" | "drop_connection", "times": 1, "operation": "send", "accept": false}`."""
        try:
            self._answers.tell(parse(await request.json()))
        except ValueError:
            raise CannotDo("The body must be a JSON object.") from None
        except BadAnswer as trouble:
            raise CannotDo(str(trouble)) from None
        return JSONResponse({"told": self._answers.show()}, status_code=201)

    async def clear_answers(self, _request: Request) -> Response:
        self._answers.clear()
        return Response(status_code=204)

    async def messages(self, request: Request) -> Response:
        """Everything accepted, oldest first; `?contact=` is an id, a phone or a BSUID."""
        name = request.query_params.get("contact")
        if name is None:
            found = self._phones.store.accepted()
        else:
            # In a query an unescaped plus is a blank.
            contact = self._phones.contact(name.strip())
            found = self._phones.store.accepted(contact.id) if contact else []
        return JSONResponse({"messages": [for_tests(message) for message in found]})

    async def window(self, request: Request) -> Response:
        """`{"contact", "open": true|false}` opens or closes somebody's 24-hour window without their writing."""
        body = await _object(request)
        contact = self._phones.contact(str(body.get("contact", "")))
        if contact is None:
            raise CannotDo("There is no such contact.")
        until = self._phones.clock() + WINDOW_SECONDS if body.get("open", True) else 0.0
        self._phones.store.open_window(contact.id, until)
        self._phones.events.publish("people")
        return JSONResponse({"contact": contact.id, "window_until": until or None})

    async def fail(self, request: Request) -> Response:
        """`{"message_id", "code": 131026, "title"}` reports an accepted message as failed after all."""
        body = await _object(request)
        message: Message | None = self._phones.store.message(str(body.get("message_id", "")))
        if message is None or message.direction != "theirs":
            raise CannotDo("There is no such accepted message.")
        self._phones.fail(message, int(body.get("code", 131026)), str(body.get("title", "Message undeliverable")))
        return Response(status_code=204)

    async def reset(self, _request: Request) -> Response:
        """Forget all chats, files, windows, waiting webhooks and told answers."""
        self._answers.clear()
        self._phones.reset()
        return Response(status_code=204)


async def _object(request: Request) -> Json:
    try:
        body = await request.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise CannotDo("The body must be a JSON object.")
    return body
