"""The JSON API of the page: `/phone/...`. Only the page (and browser tests) use it; the product never does."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from whatsapp_sandbox.people import Contact
from whatsapp_sandbox.phones import CannotDo, Phones
from whatsapp_sandbox.pictures import LARGEST_UPLOAD
from whatsapp_sandbox.views import contact_card, shown

Json = dict[str, Any]

STATIC = Path(__file__).parent / "static"
LONGEST_TEXT = 65536  # what WhatsApp lets a person type; Meta hands on 4096
SAFE_TO_SHOW = frozenset({"image/jpeg", "image/png", "image/webp", "application/pdf"})
NEVER_KEEP = {"Cache-Control": "no-cache"}


class PageApi:
    """Contacts, chats, sending, reading, events."""

    def __init__(self, phones: Phones) -> None:
        self._phones = phones

    def routes(self) -> list[BaseRoute]:
        chat = "/phone/contacts/{contact}"
        return [
            Route("/", self.page, methods=["GET"]),
            Mount("/phone/static", _FreshFiles(directory=STATIC)),
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
        return FileResponse(STATIC / "index.html", headers=NEVER_KEEP)

    async def contacts(self, _request: Request) -> Response:
        business = self._phones.settings.business
        return JSONResponse(
            {
                "business": {"name": "Tombola", "number": f"+{business.display_number}"},
                "contacts": [self._card(contact) for contact in self._phones.contacts()],
                "trouble": self._phones.trouble,
            }
        )

    async def events(self, _request: Request) -> Response:
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(self._phones.events.stream(), media_type="text/event-stream", headers=headers)

    async def media(self, request: Request) -> Response:
        media = self._phones.files.find(request.path_params["media_id"])
        if media is None:
            return _problem(404, "There is no such file.")
        headers = {"Cache-Control": "private, max-age=86400"}
        if media.mime_type not in SAFE_TO_SHOW:  # anything else could run as a page of ours
            headers["Content-Disposition"] = "attachment"
        return Response(self._phones.files.read(media), media_type=media.mime_type, headers=headers)

    async def again(self, request: Request) -> Response:
        return JSONResponse(shown(self._phones.send_again(request.path_params["message_id"])))

    async def chat(self, _request: Request, contact: Contact) -> Response:
        return JSONResponse({"messages": [shown(message) for message in self._phones.store.chat(contact.id)]})

    async def send(self, request: Request, contact: Contact) -> Response:
        """`{"text"}`, `{"choice", "reply_to"}` or `{"latitude", "longitude"}`, each with an optional `reply_to`."""
        try:
            body = await request.json()
        except ValueError:
            body = None
        if not isinstance(body, dict):
            raise CannotDo("The body must be a JSON object.")
        reply_to = body.get("reply_to") or None
        if reply_to is not None and not isinstance(reply_to, str):
            raise CannotDo("reply_to must be the id of a message.")
        return JSONResponse(shown(self._what_was_said(contact, body, reply_to)), status_code=201)

    async def attach(self, request: Request, contact: Contact) -> Response:
        """The body is the file; its type is the Content-Type, `?filename=`, `?caption=` and `?reply_to=` the rest."""
        content = await request.body()
        if not 0 < len(content) <= LARGEST_UPLOAD:
            raise CannotDo("A file must have between 1 byte and 100 MB.")
        query = request.query_params
        mime_type = request.headers.get("content-type", "").partition(";")[0].strip() or "application/octet-stream"
        message = self._phones.attach(
            contact,
            content,
            mime_type,
            query.get("filename", "")[:240],
            query.get("caption", "")[:1024],
            query.get("reply_to") or None,
        )
        return JSONResponse(shown(message), status_code=201)

    async def read(self, _request: Request, contact: Contact) -> Response:
        self._phones.open_chat(contact)
        return Response(status_code=204)

    def _what_was_said(self, contact: Contact, body: Json, reply_to: str | None) -> Any:
        match body:
            case {"choice": str(choice)} if reply_to:
                return self._phones.tap(contact, reply_to, choice)
            case {"text": str(text)} if text.strip() and len(text) <= LONGEST_TEXT:
                return self._phones.say(contact, text, reply_to)
            case {"latitude": int() | float() as latitude, "longitude": int() | float() as longitude}:
                return self._phones.share_place(contact, float(latitude), float(longitude), reply_to)
        raise CannotDo("Say text, choice and reply_to, or latitude and longitude.")

    def _card(self, contact: Contact) -> Json:
        store, now = self._phones.store, self._phones.clock()
        last = [message for message in store.chat(contact.id, limit=5) if message.kind != "reaction"]
        return contact_card(
            contact,
            unread=len(store.unread(contact.id)),
            last=last[-1] if last else None,
            window_until=store.window_until(contact.id),
            typing=self._phones.typing_until.get(contact.id, 0) - now,
        )

    def _in_chat(
        self, view: Callable[[Request, Contact], Awaitable[Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        async def with_contact(request: Request) -> Response:
            contact = self._phones.contact(request.path_params["contact"])
            return await view(request, contact) if contact else _problem(404, "There is no such contact.")

        return with_contact


class _FreshFiles(StaticFiles):
    """Static files that a browser asks for again each time: this is a page under development."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        response = super().file_response(*args, **kwargs)
        response.headers.update(NEVER_KEEP)
        return response


def _problem(status: int, title: str) -> Response:
    return JSONResponse({"title": title, "status": status}, status, media_type="application/problem+json")


async def refuse(_request: Request, trouble: Exception) -> Response:
    """The answer to CannotDo."""
    return _problem(422, str(trouble))
