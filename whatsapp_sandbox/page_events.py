"""Live updates for open pages, as server-sent events."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

Json = dict[str, Any]

KEEP_ALIVE_SECONDS = 15.0
MAX_BACKLOG = 1000


class PageEvents:
    """A queue for each open page. A page that reconnects reloads its chats, so no events are kept for it."""

    def __init__(self) -> None:
        self._pages: set[asyncio.Queue[Json | None]] = set()

    def publish(self, kind: str, **fields: Any) -> None:
        for page in list(self._pages):
            if page.qsize() >= MAX_BACKLOG:  # the page is asleep: make it reconnect
                self._pages.discard(page)
                page.put_nowait(None)
            else:
                page.put_nowait({"kind": kind, **fields})

    def close(self) -> None:
        """End all streams, so that the server can stop."""
        for page in self._pages:
            page.put_nowait(None)
        self._pages.clear()

    async def stream(self) -> AsyncIterator[str]:
        page: asyncio.Queue[Json | None] = asyncio.Queue()
        self._pages.add(page)
        try:
            yield "retry: 1000\n\n"
            while True:
                try:
                    event = await asyncio.wait_for(page.get(), KEEP_ALIVE_SECONDS)
                except TimeoutError:
                    yield ": still here\n\n"
                    continue
                if event is None:
                    return
                yield f"data: {json.dumps(event)}\n\n"
        finally:
            self._pages.discard(page)
