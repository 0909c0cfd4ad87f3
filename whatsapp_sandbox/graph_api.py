"""Meta's Graph API for WhatsApp: messages, read receipts, media, templates, and the number's own description."""

from __future__ import annotations

import asyncio
import hmac
import re
from collections.abc import Callable, Iterator
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from whatsapp_sandbox.chats import Chats
from whatsapp_sandbox.graph_errors import InvalidToken, NoSuchObject, Refused, UnknownPath
from whatsapp_sandbox.media_rules import MAX_UPLOAD, UPLOADS, image_problem
from whatsapp_sandbox.message_rules import Recipient, check_envelope, check_message, check_read
from whatsapp_sandbox.multipart_form import read_form
from whatsapp_sandbox.scripted_answers import ScriptedAnswers, load_response
from whatsapp_sandbox.store import Media
from whatsapp_sandbox.templates import Templates

Json = dict[str, Any]


class ConnectionDropped(Exception):
    """The connection must be cut without an answer."""


class GraphApi:
    """The routes under `/{version}/`. Order of checks: path and token, the request, scripted answers, the chat."""

    def __init__(self, chats: Chats, scripted: ScriptedAnswers) -> None:
        self._chats = chats
        self._scripted = scripted
        self._templates = Templates()

    def routes(self) -> list[Route]:
        return [
            Route("/{version}/{number}/messages", self.messages, methods=["POST"]),
            Route("/{version}/{number}/media", self.upload, methods=["POST"]),
            Route("/{version}/{account}/message_templates", self.submit_template, methods=["POST"]),
            Route("/{version}/{account}/message_templates", self.list_templates, methods=["GET"]),
            Route("/media-bytes/{token}", self.download, methods=["GET"]),
            Route("/{version}/{media_id}", self.look_up, methods=["GET"]),
        ]

    async def messages(self, request: Request) -> Response:
        self._authorize(request, request.path_params["number"])
        body = check_envelope(await _json(request))
        if "status" in body:
            message_id, typing = check_read(body)
            return await self._answer("read", lambda: self._read(message_id, typing=typing))
        recipient = check_message(body)
        self._check_images(body)
        return await self._answer("send", lambda: self._accept(recipient, body))

    async def submit_template(self, request: Request) -> Response:
        self._authorize(request, request.path_params["account"], self._chats.settings.business.account_id)
        body = await _json(request)
        if not isinstance(body, dict):
            raise Refused(100, "The body must be a JSON object")
        return JSONResponse(self._templates.submit(body))

    async def list_templates(self, request: Request) -> Response:
        self._authorize(request, request.path_params["account"], self._chats.settings.business.account_id)
        limit = int(request.query_params.get("limit", "25"))
        return JSONResponse(self._templates.page(request.query_params.get("after", ""), limit))

    async def upload(self, request: Request) -> Response:
        self._authorize(request, request.path_params["number"])
        if int(request.headers.get("content-length") or 0) > MAX_UPLOAD + 65536:
            raise Refused(131053, "The file is larger than 100 MB.")
        try:
            form = read_form(request.headers.get("content-type", ""), await request.body())
        except ValueError as trouble:
            raise Refused(100, f"The body must be multipart/form-data: {trouble}") from None
        if "messaging_product" not in form or form["messaging_product"].content != b"whatsapp":
            raise Refused(100, "messaging_product is required and must be whatsapp")
        if "file" not in form or form["file"].filename is None:
            raise Refused(100, "file is required")
        file = form["file"]
        mime_type = form["type"].content.decode("latin-1") if "type" in form else file.content_type or ""
        if mime_type.partition(";")[0].strip() not in UPLOADS:
            raise Refused(131053, f"Unsupported mime type {mime_type}.")

        def save() -> Response:
            return JSONResponse({"id": self._chats.files.save(file.content, mime_type, file.filename).id})

        return await self._answer("upload", save)

    async def look_up(self, request: Request) -> Response:
        media_id = request.path_params["media_id"]
        if media_id == self._number:
            return self._describe_number(request)
        self._authorize(request, request.query_params.get("phone_number_id", self._number))
        media = self._chats.files.find(media_id)
        if media is None:
            raise NoSuchObject(media_id)
        return await self._answer("lookup", lambda: self._describe(request, media))

    def _describe_number(self, request: Request) -> Response:
        self._authorize(request, self._number)
        values = {"display_phone_number": self._chats.settings.business.display_number}
        fields = [name for name in request.query_params.get("fields", "").split(",") if name in values]
        return JSONResponse({name: values[name] for name in fields or values} | {"id": self._number})

    async def download(self, request: Request) -> Response:
        self._check_token(request)

        def send_file() -> Response:
            media = self._chats.files.by_link(request.path_params["token"])
            if media is None:
                return Response(status_code=404)  # like Meta: no body, the caller must ask for a new link
            return Response(self._chats.files.read(media), media_type=media.mime_type)

        return await self._answer("download", send_file)

    @property
    def _number(self) -> str:
        return self._chats.settings.business.phone_number_id

    def _authorize(self, request: Request, object_id: str, expected_id: str | None = None) -> None:
        if not re.fullmatch(r"v\d{1,3}\.\d", request.path_params["version"]):
            raise UnknownPath(request.url.path)
        self._check_token(request)
        if object_id != (expected_id or self._number):
            raise NoSuchObject(object_id)

    def _check_token(self, request: Request) -> None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        expected = self._chats.settings.access_token
        if scheme.lower() != "bearer" or not hmac.compare_digest(token.strip().encode(), expected.encode()):
            raise InvalidToken(given=bool(token))

    def _check_images(self, body: Json) -> None:
        # Accept ids that were never uploaded here: tests use made-up ones.
        for media_id in _image_ids(body):
            media = self._chats.files.find(media_id)
            problem = image_problem(media.mime_type, self._chats.files.read(media)) if media else None
            if problem:
                raise Refused(131053, problem)

    def _accept(self, recipient: Recipient, body: Json) -> Response:
        message = self._chats.receive(recipient, body)
        contact = {"input": recipient.address}
        if recipient.phone:
            contact["wa_id"] = recipient.phone.removeprefix("+")
        else:
            contact["user_id"] = recipient.address
        accepted = {"id": message.id} | ({"message_status": "accepted"} if message.kind == "template" else {})
        return JSONResponse({"messaging_product": "whatsapp", "contacts": [contact], "messages": [accepted]})

    def _read(self, message_id: str, *, typing: bool) -> Response:
        self._chats.mark_read_by_business(message_id, typing=typing)
        return JSONResponse({"success": True})

    def _describe(self, request: Request, media: Media) -> Response:
        return JSONResponse(
            {
                "messaging_product": "whatsapp",
                "url": f"{request.base_url}media-bytes/{self._chats.files.new_link(media)}",
                "mime_type": media.mime_type,
                "sha256": media.sha256,
                "file_size": str(media.size),
                "id": media.id,
            }
        )

    async def _answer(self, operation: str, work: Callable[[], Response]) -> Response:
        script = self._scripted.take(operation)
        if script is None:
            return work()
        # Done before the pause, so that a caller who stops waiting finds the message sent all the same.
        response = work() if script.accept else None
        await asyncio.sleep(script.hang_seconds)
        if script.drop_connection:
            raise ConnectionDropped
        if script.response is not None:
            return _recorded_response(script.response)
        if response is None:
            raise ConnectionDropped
        return response


def _recorded_response(name: str) -> Response:
    recorded = load_response(name)
    headers = {name: value for name, value in recorded.headers.items() if name.lower() != "content-length"}
    if recorded.body is not None:
        return JSONResponse(recorded.body, recorded.http_status, headers)
    return Response(recorded.body_text or "", recorded.http_status, headers)


async def _json(request: Request) -> object:
    try:
        body: object = await request.json()
    except ValueError:  # neither JSON nor UTF-8
        raise Refused(100, "The body must be a JSON object") from None
    return body


def _image_ids(part: object) -> Iterator[str]:
    """Yield the id of every image in a message: its own, its header's and its template's."""
    if isinstance(part, dict):
        for name, value in part.items():
            if name == "image" and isinstance(value, dict) and isinstance(value.get("id"), str):
                yield value["id"]
            yield from _image_ids(value)
    elif isinstance(part, list):
        for value in part:
            yield from _image_ids(value)
