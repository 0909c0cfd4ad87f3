"""The page and its JSON API, `/phone/...`. Only the page and browser tests use it, never the application."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from whatsapp_sandbox.chats import Chats, NotPossible
from whatsapp_sandbox.contacts import Contact
from whatsapp_sandbox.json_views import contact_json, message_json
from whatsapp_sandbox.media_rules import MAX_UPLOAD

Json = dict[str, Any]

STATIC = Path(__file__).parent / "static"
MAX_TEXT = 65536  # what WhatsApp lets a person type, although Meta forwards only 4096 characters
SAFE_TO_SHOW = frozenset({"image/jpeg", "image/png", "image/webp", "application/pdf"})
NO_CACHE = {"Cache-Control": "no-cache"}


class PageApi:
    """Contacts, chats, sending, reading, live events."""

    def __init__(self, chats: Chats) -> None:
        self._chats = chats

    def routes(self) -> list[BaseRoute]:
        chat = "/phone/contacts/{contact}"
        return [
            Route("/", self.page, methods=["GET"]),
            Mount("/phone/static", _UncachedFiles(directory=STATIC)),
            Route("/phone/contacts", self.contacts, methods=["GET"]),
            Route("/phone/events", self.events, methods=["GET"]),
            Route("/phone/media/{media_id}", self.media, methods=["GET"]),
            Route("/phone/messages/{message_id}/again", self.again, methods=["POST"]),
            Route(f"{chat}/messages", self._in_chat(self.chat), methods=["GET"]),
            Route(f"{chat}/messages", self._in_chat(self.send), methods=["POST"]),
            Route(f"{chat}/attachments", self._in_chat(self.attach), methods=["POST"]),
            Route(f"{chat}/read", self._in_chat(self.read), methods=["POST"]),
        ]

    async def page(self, _request: Request) -> Response:
        return FileResponse(STATIC / "index.html", headers=NO_CACHE)

    async def contacts(self, _request: Request) -> Response:
        business = self._chats.settings.business
        return JSONResponse(
            {
                "business": {"name": "Tombola", "number": f"+{business.display_number}"},
                "contacts": [self._card(contact) for contact in self._chats.contacts()],
                "trouble": self._chats.trouble,
            }
        )

    async def events(self, _request: Request) -> Response:
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(self._chats.events.stream(), media_type="text/event-stream", headers=headers)

    async def media(self, request: Request) -> Response:
        media = self._chats.files.find(request.path_params["media_id"])
        if media is None:
            return _problem(404, "There is no such file.")
        headers = {"Cache-Control": "private, max-age=86400"}
        if media.mime_type not in SAFE_TO_SHOW:  # opened as a page, anything else could run scripts in our origin
            headers["Content-Disposition"] = "attachment"
        return Response(self._chats.files.read(media), media_type=media.mime_type, headers=headers)

    async def again(self, request: Request) -> Response:
        return JSONResponse(message_json(self._chats.retry(request.path_params["message_id"])))

    async def chat(self, _request: Request, contact: Contact) -> Response:
        return JSONResponse({"messages": [message_json(message) for message in self._chats.store.chat(contact.id)]})

    async def send(self, request: Request, contact: Contact) -> Response:
        """Accept `{"text"}`, `{"choice"}` or `{"latitude", "longitude"}`, with `reply_to` (required for a choice)."""
        try:
            body = await request.json()
        except ValueError:
            body = None
        if not isinstance(body, dict):
            raise NotPossible("The body must be a JSON object.")
        reply_to = body.get("reply_to") or None
        if reply_to is not None and not isinstance(reply_to, str):
            raise NotPossible("reply_to must be the id of a message.")
        return JSONResponse(message_json(self._send(contact, body, reply_to)), status_code=201)

    async def attach(self, request: Request, contact: Contact) -> Response:
        """Accept a file as the body, its type as Content-Type, and `?filename=`, `?caption=` and `?reply_to=`."""
        content = await request.body()
        if not 0 < len(content) <= MAX_UPLOAD:
            raise NotPossible("A file must have between 1 byte and 100 MB.")
        query = request.query_params
        mime_type = request.headers.get("content-type", "").partition(";")[0].strip() or "application/octet-stream"
        message = self._chats.send_file(
            contact,
            content,
            mime_type,
            query.get("filename", "")[:240],
            query.get("caption", "")[:1024],
            query.get("reply_to") or None,
        )
        return JSONResponse(message_json(message), status_code=201)

    async def read(self, _request: Request, contact: Contact) -> Response:
        self._chats.mark_chat_read(contact)
        return Response(status_code=204)

    def _send(self, contact: Contact, body: Json, reply_to: str | None) -> Any:
        match body:
            case {"choice": str(choice)} if reply_to:
                return self._chats.tap(contact, reply_to, choice)
            case {"text": str(text)} if text.strip() and len(text) <= MAX_TEXT:
                return self._chats.send_text(contact, text, reply_to)
            case {"latitude": int() | float() as latitude, "longitude": int() | float() as longitude}:
                return self._chats.send_location(contact, float(latitude), float(longitude), reply_to)
        raise NotPossible("Send text, choice and reply_to, or latitude and longitude.")

    def _card(self, contact: Contact) -> Json:
        store = self._chats.store
        recent = [message for message in store.chat(contact.id, limit=5) if message.kind != "reaction"]
        return contact_json(
            contact,
            unread=len(store.unread(contact.id)),
            last=recent[-1] if recent else None,
            window_until=store.window_until(contact.id),
            typing=self._chats.typing_until.get(contact.id, 0) - self._chats.clock(),
        )

    def _in_chat(
        self, view: Callable[[Request, Contact], Awaitable[Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        async def with_contact(request: Request) -> Response:
            contact = self._chats.contact(request.path_params["contact"])
            return await view(request, contact) if contact else _problem(404, "There is no such contact.")

        return with_contact


class _UncachedFiles(StaticFiles):
    """Static files that the browser does not cache, so that changes show after a reload."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        response = super().file_response(*args, **kwargs)
        response.headers.update(NO_CACHE)
        return response


def _problem(status: int, title: str) -> Response:
    return JSONResponse({"title": title, "status": status}, status, media_type="application/problem+json")


async def not_possible(_request: Request, error: Exception) -> Response:
    """Answer NotPossible with 422."""
    return _problem(422, str(error))
