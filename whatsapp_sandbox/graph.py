"""Meta's Graph API as far as the product uses it: messages, read receipts, media, templates."""

from __future__ import annotations

import asyncio
import hmac
import re
from collections.abc import Callable, Iterator
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from whatsapp_sandbox.answers import Answers, Told, recorded
from whatsapp_sandbox.limits import Recipient, check_envelope, check_message, check_read
from whatsapp_sandbox.multipart import read_form
from whatsapp_sandbox.phones import Phones
from whatsapp_sandbox.pictures import LARGEST_UPLOAD, UPLOADS, trouble_as_image
from whatsapp_sandbox.refusals import BadPath, BadToken, NoSuchObject, Refused
from whatsapp_sandbox.store import Media
from whatsapp_sandbox.templates import Templates

Json = dict[str, Any]


class Dropped(Exception):
    """The connection is to be broken without an answer."""


class Graph:
    """The routes under `/{version}/`. The order is: path and token, limits, what the stand-in was told, the chat."""

    def __init__(self, phones: Phones, answers: Answers) -> None:
        self._phones, self._answers, self._templates = phones, answers, Templates()

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
        self._admit(request, request.path_params["number"])
        body = check_envelope(await _json(request))
        if "status" in body:
            message_id, typing = check_read(body)
            return await self._obey("read", lambda: self._read(message_id, typing=typing))
        recipient = check_message(body)
        self._check_pictures(body)
        return await self._obey("send", lambda: self._accept(recipient, body))

    async def submit_template(self, request: Request) -> Response:
        self._admit(request, request.path_params["account"], self._phones.settings.business.account_id)
        body = await _json(request)
        if not isinstance(body, dict):
            raise Refused(100, "The body must be a JSON object")
        return JSONResponse(self._templates.submit(body))

    async def list_templates(self, request: Request) -> Response:
        self._admit(request, request.path_params["account"], self._phones.settings.business.account_id)
        limit = int(request.query_params.get("limit", "25"))
        return JSONResponse(self._templates.listed(request.query_params.get("after", ""), limit))

    async def upload(self, request: Request) -> Response:
        self._admit(request, request.path_params["number"])
        if int(request.headers.get("content-length") or 0) > LARGEST_UPLOAD + 65536:
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

        def keep() -> Response:
            return JSONResponse({"id": self._phones.files.keep(file.content, mime_type, file.filename).id})

        return await self._obey("upload", keep)

    async def look_up(self, request: Request) -> Response:
        media_id = request.path_params["media_id"]
        if media_id == self._number:
            return self._describe_number(request)
        self._admit(request, request.query_params.get("phone_number_id", self._number))
        media = self._phones.files.find(media_id)
        if media is None:
            raise NoSuchObject(media_id)
        return await self._obey("lookup", lambda: self._describe(request, media))

    def _describe_number(self, request: Request) -> Response:
        self._admit(request, self._number)
        known = {"display_phone_number": self._phones.settings.business.display_number}
        asked = [name for name in request.query_params.get("fields", "").split(",") if name in known]
        return JSONResponse({name: known[name] for name in asked or known} | {"id": self._number})

    async def download(self, request: Request) -> Response:
        self._check_token(request)

        def give() -> Response:
            media = self._phones.files.behind_link(request.path_params["token"])
            if media is None:
                return Response(status_code=404)  # as Meta: no body, ask for a new link
            return Response(self._phones.files.read(media), media_type=media.mime_type)

        return await self._obey("download", give)

    @property
    def _number(self) -> str:
        return self._phones.settings.business.phone_number_id

    def _admit(self, request: Request, asked_for: str, ours: str | None = None) -> None:
        if not re.fullmatch(r"v\d{1,3}\.\d", request.path_params["version"]):
            raise BadPath(request.url.path)
        self._check_token(request)
        if asked_for != (ours or self._number):
            raise NoSuchObject(asked_for)

    def _check_token(self, request: Request) -> None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        expected = self._phones.settings.access_token
        if scheme.lower() != "bearer" or not hmac.compare_digest(token.strip().encode(), expected.encode()):
            raise BadToken(given=bool(token))

    def _check_pictures(self, body: Json) -> None:
        # An id that was not uploaded here is let through: tests use invented ones.
        for media_id in _image_ids(body):
            media = self._phones.files.find(media_id)
            trouble = trouble_as_image(media.mime_type, self._phones.files.read(media)) if media else None
            if trouble:
                raise Refused(131053, trouble)

    def _accept(self, recipient: Recipient, body: Json) -> Response:
        message = self._phones.receive(recipient, body)
        contact = {"input": recipient.written}
        if recipient.phone:
            contact["wa_id"] = recipient.phone.removeprefix("+")
        else:
            contact["user_id"] = recipient.written
        accepted = {"id": message.id} | ({"message_status": "accepted"} if message.kind == "template" else {})
        return JSONResponse({"messaging_product": "whatsapp", "contacts": [contact], "messages": [accepted]})

    def _read(self, message_id: str, *, typing: bool) -> Response:
        self._phones.business_has_read(message_id, typing=typing)
        return JSONResponse({"success": True})

    def _describe(self, request: Request, media: Media) -> Response:
        return JSONResponse(
            {
                "messaging_product": "whatsapp",
                "url": f"{request.base_url}media-bytes/{self._phones.files.new_link(media)}",
                "mime_type": media.mime_type,
                "sha256": media.sha256,
                "file_size": str(media.size),
                "id": media.id,
            }
        )

    async def _obey(self, operation: str, work: Callable[[], Response]) -> Response:
        told = self._answers.take(operation)
        if told is None:
            return work()
        done = work() if told.accept else None  # before the pause: who gives up waiting finds that it was sent
        await asyncio.sleep(told.hang_seconds)
        if told.drop_connection:
            raise Dropped
        if told.response is not None:
            return _recorded(told)
        if done is None:
            raise Dropped
        return done


def _recorded(told: Told) -> Response:
    answer = recorded(told.response or "")
    headers = {name: value for name, value in answer.headers.items() if name.lower() != "content-length"}
    if answer.body is not None:
        return JSONResponse(answer.body, answer.http_status, headers)
    return Response(answer.body_text or "", answer.http_status, headers)


async def _json(request: Request) -> object:
    try:
        body: object = await request.json()
    except ValueError:  # neither JSON nor UTF-8
        raise Refused(100, "The body must be a JSON object") from None
    return body


def _image_ids(part: object) -> Iterator[str]:
    """Every `image: {id}` of a message: its own, its header's, its template's."""
    if isinstance(part, dict):
        for name, value in part.items():
            if name == "image" and isinstance(value, dict) and isinstance(value.get("id"), str):
                yield value["id"]
            yield from _image_ids(value)
    elif isinstance(part, list):
        for value in part:
            yield from _image_ids(value)
