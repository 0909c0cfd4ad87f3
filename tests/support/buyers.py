"""People who buy by webhooks: as many as a test needs, with any name and any file."""

import base64
import hashlib
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import requests

from tests.support.running import Run, until
from whatsapp_sandbox import webhooks

Json = dict[str, Any]
GRAPH = "/v26.0/112233445566778/media"
SECRET = "local-app-secret"
AS_APPLICATION = {"Authorization": "Bearer local-access-token"}
_numbers = count(random.randrange(900_000))


@dataclass(frozen=True)
class Proof:
    """What a buyer sends: a picture, or a PDF."""

    content: bytes
    mime_type: str = "image/jpeg"
    caption: str | None = None
    name: str = "receipt.pdf"


def _now() -> float:
    """The next whole second: webhooks tell no parts of one, and what is written answers only what was said before."""
    return time.time() + 1


class Stranger:
    """Somebody from Belize, so that they are answered in English, who writes faster than they read."""

    def __init__(self, run: Run, name: str) -> None:
        self.run = run
        self.person = webhooks.Person(name=name, phone=f"+501{6_000_000 + next(_numbers)}")

    @property
    def phone(self) -> str:
        return self.person.phone or ""

    def says(self, *texts: str) -> None:
        """Write these, one after another. One person's messages are handled in their order."""
        for text in texts:
            self._post(webhooks.text_message(self.person, text, message_id=self._id(), at=_now()))

    def sends(self, proof: Proof) -> None:
        file = self._upload(proof)
        if proof.mime_type.startswith("image/"):
            self._post(webhooks.image(self.person, file, message_id=self._id(), at=_now()))
        else:
            self._post(webhooks.document(self.person, file, message_id=self._id(), at=_now()))

    def buys(self, code: str, numbers: Sequence[int], proof: Proof | None = None) -> Json:
        """Hold numbers, confirm, and send a proof if there is one. Returns the order as it is then."""
        before = {order["id"] for order in self.orders()}

        def order_in(status: str) -> Json:
            """The new order, once it has this status."""

            def found() -> Json | None:
                new = (order for order in self.orders() if order["id"] not in before and order["status"] == status)
                return next(new, None)

            return until(found, f"{self.person.name} has an order {status}") or {}

        self.says(code, ", ".join(map(str, numbers)))
        order_in("DRAFT")
        self.says("confirm")
        order = order_in("PENDING_PAYMENT")
        if proof is None:
            return order
        self.sends(proof)
        return order_in("IN_REVIEW")

    def orders(self) -> list[Json]:
        found = self.run.api("GET", f"/api/orders?search=%2B{self.phone[1:]}")
        return list(found["results"])

    def _upload(self, proof: Proof) -> webhooks.File:
        """Put a file where Meta would have it."""
        answer = requests.post(
            f"{self.run.ports.phone_url}{GRAPH}",
            headers=AS_APPLICATION,
            data={"messaging_product": "whatsapp", "type": proof.mime_type},
            files={"file": (proof.name, proof.content, proof.mime_type)},
            timeout=60,
        )
        assert answer.ok, answer.text
        digest = base64.b64encode(hashlib.sha256(proof.content).digest()).decode()
        return webhooks.File(
            media_id=answer.json()["id"], mime_type=proof.mime_type, sha256=digest, caption=proof.caption,
            **({} if proof.mime_type.startswith("image/") else {"filename": proof.name}),
        )  # fmt: skip

    def _post(self, body: Json) -> None:
        raw = webhooks.encode(body)
        assert self.run.post_webhook(raw, webhooks.sign(raw, SECRET)) == requests.codes.ok

    def _id(self) -> str:
        return webhooks.new_message_id(self.phone, "in")
