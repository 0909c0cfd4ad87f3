"""Reads the multipart/form-data of a media upload. Since Python 3.13 the standard library has no reader for it."""

from __future__ import annotations

from dataclasses import dataclass
from email.message import Message


@dataclass(frozen=True)
class Part:
    """One field of the form; `filename` is None unless it is a file."""

    content: bytes
    filename: str | None
    content_type: str | None


def read_form(content_type: str, body: bytes) -> dict[str, Part]:
    """Return the parts by name; the last part of a name wins. Raises ValueError if the form is malformed or cut off."""
    header = _header(content_type)
    boundary = header.get_param("boundary", header="content-type")
    if header.get_content_type() != "multipart/form-data" or not isinstance(boundary, str) or not boundary:
        raise ValueError("not multipart/form-data")
    delimiter = b"\r\n--" + boundary.encode("latin-1")
    chunks = (b"\r\n" + body).split(delimiter)
    if not chunks[1:] or not chunks[-1].startswith(b"--"):
        raise ValueError("the form has no end")
    return dict(_part(chunk) for chunk in chunks[1:-1])


def _part(chunk: bytes) -> tuple[str, Part]:
    head, separator, content = chunk.partition(b"\r\n\r\n")
    if not separator:
        raise ValueError("a part has no end of its header")
    headers: dict[str, str] = {}
    for line in head.decode("utf-8", "replace").split("\r\n"):
        name, colon, value = line.partition(":")
        if colon:
            headers[name.strip().lower()] = value.strip()
    disposition = _header(headers.get("content-disposition", ""), "content-disposition")
    field = disposition.get_param("name", header="content-disposition")
    if not isinstance(field, str):
        raise ValueError("a part has no name")  # noqa: TRY004 - the input is wrong, not a type in our code
    return field, Part(content, disposition.get_filename(), headers.get("content-type"))


def _header(value: str, name: str = "content-type") -> Message:
    message = Message()
    message[name] = value
    return message
