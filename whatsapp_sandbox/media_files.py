"""The files of the chats: stored on disk by id, downloadable through links that are valid for five minutes."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Callable
from pathlib import Path

from whatsapp_sandbox.store import Media, Store

LINK_SECONDS = 300


class MediaFiles:
    """The content of each file is in a folder, its metadata in the store."""

    def __init__(self, folder: Path, store: Store, clock: Callable[[], float]) -> None:
        self._folder = folder
        self._store = store
        self._clock = clock
        folder.mkdir(parents=True, exist_ok=True)

    def save(self, content: bytes, mime_type: str, filename: str | None) -> Media:
        """Store a file and return its metadata."""
        media = Media(
            id="1" + "".join(secrets.choice("0123456789") for _ in range(15)),
            mime_type=mime_type,
            sha256=hashlib.sha256(content).hexdigest(),
            size=len(content),
            filename=filename,
        )
        # Written under another name first, so that a half-written file is never found under its id.
        partial_file = self._folder / f"{media.id}.part"
        partial_file.write_bytes(content)
        partial_file.replace(self._folder / media.id)
        self._store.add_media(media)
        return media

    def read(self, media: Media) -> bytes:
        return (self._folder / media.id).read_bytes()

    def find(self, media_id: str) -> Media | None:
        return self._store.media(media_id)

    def new_link(self, media: Media) -> str:
        """Return the token of a new download link."""
        token = secrets.token_urlsafe(24)
        self._store.add_link(token, media.id, self._clock() + LINK_SECONDS)
        return token

    def by_link(self, token: str) -> Media | None:
        """Return the file behind a link, or None once the link has expired."""
        return self._store.linked_media(token, self._clock())

    def reset(self) -> None:
        for path in self._folder.iterdir():
            path.unlink(missing_ok=True)


def base64_sha256(media: Media) -> str:
    """Return the checksum as webhooks write it. (Media look-ups write it in hex.)"""
    return base64.b64encode(bytes.fromhex(media.sha256)).decode()
