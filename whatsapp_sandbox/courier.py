"""Delivers signed webhooks to the product: in order for each contact, again and again while it is away or refuses."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus

import httpx

from whatsapp_sandbox.store import Letter, Store
from whatsapp_sandbox.webhooks import sign

log = logging.getLogger("phone")

Send = Callable[[bytes, Mapping[str, str]], Awaitable[int]]

FIRST_PAUSE, LONGEST_PAUSE = 0.25, 3.0
# An API that starts late is waited for longer than one that is there and says no: Meta tries for 7 days.
GIVE_UP_AWAY, GIVE_UP_REFUSED = 600.0, 120.0


class Away(Exception):
    """Nothing answered at the address of the webhook."""


@dataclass(frozen=True)
class Report:
    """What became of a letter: `arrived`, `waiting` (it will be tried again) or `failed`; `note` says why."""

    message_id: str | None
    outcome: str
    note: str | None = None


class Courier:
    """One task for each lane that has letters. Letters are in the store, so a restart goes on where this stopped."""

    def __init__(
        self,
        store: Store,
        send: Send,
        *,
        secret: str,
        clock: Callable[[], float],
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._store, self._send, self._secret, self._clock, self._pause = store, send, secret, clock, pause
        self._lanes: dict[str, asyncio.Task[None]] = {}
        self.report: Callable[[Report], None] = lambda _: None

    def start(self) -> None:
        """Take up what an earlier run left."""
        for lane in self._store.lanes():
            self._wake(lane)

    def post(self, lane: str, raw: bytes, message_id: str | None = None, *, delay: float = 0) -> None:
        """Deliver a body after those that are in this lane already."""
        self._store.post(lane, raw, message_id, self._clock() + delay)
        self._wake(lane)

    async def stop(self) -> None:
        tasks = list(self._lanes.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _wake(self, lane: str) -> None:
        task = self._lanes.get(lane)
        if task is None or task.done():
            self._lanes[lane] = asyncio.get_running_loop().create_task(self._run(lane))

    async def _run(self, lane: str) -> None:
        while letter := self._store.next_letter(lane):
            if (early := letter.due - self._clock()) > 0:
                await self._pause(early)
            report = await self._deliver(letter)
            self._store.drop_letter(letter.seq)
            self.report(report)

    async def _deliver(self, letter: Letter) -> Report:
        tries = 0
        while True:
            trouble, give_up = await self._try(letter)
            if trouble is None:
                return Report(letter.message_id, "arrived")
            if self._clock() - letter.due >= give_up:
                log.warning("gave up a webhook: %s", trouble)
                return Report(letter.message_id, "failed", trouble)
            self.report(Report(letter.message_id, "waiting", trouble))
            await self._pause(min(LONGEST_PAUSE, FIRST_PAUSE * 2**tries))
            tries = min(tries + 1, 10)

    async def _try(self, letter: Letter) -> tuple[str | None, float]:
        headers = {"Content-Type": "application/json", "User-Agent": "facebookexternalua"}
        headers["X-Hub-Signature-256"] = sign(letter.raw, self._secret)
        try:
            code = await self._send(letter.raw, headers)
        except Away as trouble:
            return str(trouble), GIVE_UP_AWAY
        if code == HTTPStatus.OK:  # and only 200: 202 and 204 count as failure
            return None, 0
        if code in (401, 403):
            return (
                f"The API refused the signature ({code}). Do both sides have the same WHATSAPP_APP_SECRET?",
                GIVE_UP_REFUSED,
            )
        return f"The API answered {code} instead of 200.", GIVE_UP_REFUSED


class HttpSender:
    """Posts to the webhook of the product; called with bytes and headers it returns the HTTP status or raises Away."""

    def __init__(self, url: str) -> None:
        self._url = url
        # Only this machine is talked to, so a proxy from the environment would be in the way.
        self._client = httpx.AsyncClient(timeout=httpx.Timeout(30, connect=5), trust_env=False)

    async def __call__(self, raw: bytes, headers: Mapping[str, str]) -> int:
        try:
            answer = await self._client.post(self._url, content=raw, headers=dict(headers))
        except httpx.TimeoutException:
            raise Away(f"The API did not answer in time at {self._url}.") from None
        except httpx.HTTPError:
            raise Away(f"The API is not reachable at {self._url}. Is it running?") from None
        return answer.status_code

    async def close(self) -> None:
        await self._client.aclose()
