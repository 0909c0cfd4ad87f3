"""The files of the chats: kept on disk by id, reached by the Graph API through links that live five minutes."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Callable
from pathlib import Path

from whatsapp_sandbox.store import Media, Store

LINK_SECONDS = 300


class Files:
    """Bytes are written under a temporary name first: a half-written file is never found under its id."""

    def __init__(self, folder: Path, store: Store, clock: Callable[[], float]) -> None:
        self._folder, self._store, self._clock = folder, store, clock
        folder.mkdir(parents=True, exist_ok=True)

    def keep(self, content: bytes, mime_type: str, filename: str | None) -> Media:
        """Keep a file and return what is known of it."""
        media = Media(
            id="1" + "".join(secrets.choice("0123456789") for _ in range(15)),
            mime_type=mime_type,
            sha256=hashlib.sha256(content).hexdigest(),
            size=len(content),
            filename=filename,
        )
        draft = self._folder / f"{media.id}.part"
        draft.write_bytes(content)
        draft.replace(self._folder / media.id)
        self._store.add_media(media)
        return media

    def read(self, media: Media) -> bytes:
        return (self._folder / media.id).read_bytes()

    def find(self, media_id: str) -> Media | None:
        return self._store.media(media_id)

    def new_link(self, media: Media) -> str:
        """Return the token of a link to this file that lives five minutes."""
        token = secrets.token_urlsafe(24)
        self._store.add_link(token, media.id, self._clock() + LINK_SECONDS)
        return token

    def behind_link(self, token: str) -> Media | None:
        """Return the file of a link, or None once it has expired."""
        return self._store.linked_media(token, self._clock())

    def reset(self) -> None:
        for path in self._folder.iterdir():
            path.unlink(missing_ok=True)


def base64_sha256(media: Media) -> str:
    """The checksum as webhooks write it."""
    return base64.b64encode(bytes.fromhex(media.sha256)).decode()
