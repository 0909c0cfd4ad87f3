"""Sends signed webhooks to the application: in order for each lane, with retries while it is down or refuses."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus

import httpx

from whatsapp_sandbox.store import QueuedWebhook, Store
from whatsapp_sandbox.webhooks import sign

log = logging.getLogger("phone")

Send = Callable[[bytes, Mapping[str, str]], Awaitable[int]]

FIRST_PAUSE_SECONDS = 0.25
MAX_PAUSE_SECONDS = 3.0
# Meta retries for 7 days. Here, an application that is not up yet gets more time than one that is up and refuses.
GIVE_UP_UNREACHABLE_SECONDS = 600.0
GIVE_UP_REFUSED_SECONDS = 120.0


class Unreachable(Exception):
    """Nothing answered at the webhook's address."""


@dataclass(frozen=True)
class DeliveryReport:
    """The state of a webhook: `arrived`, `waiting` (it will be retried) or `failed`. `note` says why."""

    message_id: str | None
    outcome: str
    note: str | None = None


class WebhookSender:
    """Runs one task for each lane that has webhooks. The queue is in the store, so it survives a restart."""

    def __init__(
        self,
        store: Store,
        send: Send,
        *,
        secret: str,
        clock: Callable[[], float],
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._store = store
        self._send = send
        self._secret = secret
        self._clock = clock
        self._pause = pause
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self.on_report: Callable[[DeliveryReport], None] = lambda _: None

    def start(self) -> None:
        """Continue with what an earlier run left in the queue."""
        for lane in self._store.webhook_lanes():
            self._wake(lane)

    def enqueue(self, lane: str, raw: bytes, message_id: str | None = None, *, delay: float = 0) -> None:
        """Send a body after those that are already in this lane, `delay` seconds from now at the earliest."""
        self._store.enqueue_webhook(lane, raw, message_id, self._clock() + delay)
        self._wake(lane)

    async def stop(self) -> None:
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _wake(self, lane: str) -> None:
        task = self._tasks.get(lane)
        if task is None or task.done():
            self._tasks[lane] = asyncio.get_running_loop().create_task(self._run(lane))

    async def _run(self, lane: str) -> None:
        while webhook := self._store.next_webhook(lane):
            if (early := webhook.due - self._clock()) > 0:
                await self._pause(early)
            report = await self._deliver(webhook)
            self._store.delete_webhook(webhook.seq)
            self.on_report(report)

    async def _deliver(self, webhook: QueuedWebhook) -> DeliveryReport:
        retries = 0
        while True:
            trouble, give_up_after = await self._attempt(webhook)
            if trouble is None:
                return DeliveryReport(webhook.message_id, "arrived")
            if self._clock() - webhook.due >= give_up_after:
                log.warning("gave up on a webhook: %s", trouble)
                return DeliveryReport(webhook.message_id, "failed", trouble)
            self.on_report(DeliveryReport(webhook.message_id, "waiting", trouble))
            await self._pause(min(MAX_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2**retries))
            retries = min(retries + 1, 10)

    async def _attempt(self, webhook: QueuedWebhook) -> tuple[str | None, float]:
        """Return what went wrong, or None, and for how many seconds to retry because of it."""
        headers = {"Content-Type": "application/json", "User-Agent": "facebookexternalua"}
        headers["X-Hub-Signature-256"] = sign(webhook.raw, self._secret)
        try:
            status = await self._send(webhook.raw, headers)
        except Unreachable as trouble:
            return str(trouble), GIVE_UP_UNREACHABLE_SECONDS
        if status == HTTPStatus.OK:  # only 200: Meta counts 202 and 204 as failures
            return None, 0
        if status in (401, 403):
            return (
                f"The API refused the signature ({status}). Do both sides have the same WHATSAPP_APP_SECRET?",
                GIVE_UP_REFUSED_SECONDS,
            )
        return f"The API answered {status} instead of 200.", GIVE_UP_REFUSED_SECONDS


class HttpTransport:
    """Posts to the application's webhook: called with body and headers, returns the status. Raises Unreachable."""

    def __init__(self, url: str) -> None:
        self._url = url
        # The application runs on this machine, so a proxy from the environment would be in the way.
        self._client = httpx.AsyncClient(timeout=httpx.Timeout(30, connect=5), trust_env=False)

    async def __call__(self, raw: bytes, headers: Mapping[str, str]) -> int:
        try:
            response = await self._client.post(self._url, content=raw, headers=dict(headers))
        except httpx.TimeoutException:
            raise Unreachable(f"The API did not answer in time at {self._url}.") from None
        except httpx.HTTPError:
            raise Unreachable(f"The API is not reachable at {self._url}. Is it running?") from None
        return response.status_code

    async def close(self) -> None:
        await self._client.aclose()
