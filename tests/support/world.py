"""A whole Tombola in this process: moto for AWS, a fake only for Meta, and a clock that the test moves."""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from gzip import decompress
from math import inf
from random import Random
from typing import Any

import boto3
from chalice.test import Client

import app as functions
from chalicelib.container import Container
from chalicelib.settings import load
from chalicelib.whatsapp.graph import Accepted, Graph, GraphError, MediaFile, MediaUnavailable
from local.environment import Ports, local_environment
from local.in_process import NO_LIMITS
from local.stack import Stack
from local.worker import Context, schedule_event, sqs_event
from whatsapp_sandbox import webhooks

Json = dict[str, Any]
TOKEN = "local-token"
ORGANISER = webhooks.Person(name="Olga", phone="+50255550000")
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)

CLIENTS: dict[str, Any] = {}  # of S3 and SQS: made by the first world, since that takes longer than most tests


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_minutes(self, minutes: float) -> None:
        self.now += timedelta(minutes=minutes)


class FakeGraph(Graph):
    """Meta, as far as the product talks to it: keeps what was sent, gives the files that were put here."""

    def __init__(self) -> None:
        super().__init__(
            base_url="http://meta.invalid", version="v26.0", phone_number_id="1", access_token=lambda: "none"
        )
        self.sent: list[Json] = []
        self.files: dict[str, bytes] = {}
        self.refuses: list[GraphError] = []  # one for each coming message
        self.read: list[str] = []
        self.uploads: dict[str, bytes] = {}
        self.refuses_uploads: list[GraphError] = []  # one for each coming upload

    def send(self, message: Mapping[str, Any]) -> Accepted:
        if self.refuses:
            raise self.refuses.pop(0)
        self.sent.append(dict(message))
        return Accepted(message_id=f"wamid.OUT{len(self.sent)}")

    def id_of(self, message: Json) -> str:
        """Return WhatsApp's id of a message that was sent."""
        return f"wamid.OUT{next(n for n, one in enumerate(self.sent, start=1) if one is message)}"

    def mark_read(self, message_id: str, typing: bool = True) -> None:
        self.read.append(message_id)

    def upload(
        self, content: bytes, mime_type: str, filename: str, *, timeout: tuple[float, float] | None = None
    ) -> str:
        if self.refuses_uploads:
            raise self.refuses_uploads.pop(0)
        media_id = f"upload-{len(self.uploads) + 1}"
        self.uploads[media_id] = content
        return media_id

    def number(self, *, within: float = inf) -> str:
        return "+1 631-555-1181"

    def fetch_media(self, media_id: str, *, limit_bytes: int = 0) -> MediaFile:
        if media_id not in self.files:
            raise MediaUnavailable("gone")
        content = self.files[media_id]
        return MediaFile(content=content, mime_type="image/png", sha256=hashlib.sha256(content).hexdigest())


@dataclass(kw_only=True)
class Buyer:
    """A person with WhatsApp. Each method sends one message and returns what they are answered."""

    world: "World"
    person: webhooks.Person

    def says(self, text: str, *, quoting: Json | None = None, at: float | None = None) -> Json:
        """Write a text, which may quote a message of ours, and may have been written earlier (`at`)."""
        return self.sends(
            webhooks.text_message(
                self.person,
                text,
                message_id=self.world.new_id(),
                at=self.world.at if at is None else at,
                reply_to=None if quoting is None else self.world.graph.id_of(quoting),
            )
        )

    def taps(self, title: str) -> Json:
        """Tap the button or choose the row with this title in the newest message that has one."""
        shown, last, option = next(
            (message, message["interactive"], option)
            for message in reversed(self.heard)
            if message["type"] == "interactive"
            for option in options_of(message["interactive"])
            if option["title"].startswith(title)
        )
        make: Any = webhooks.button_reply if last["type"] == "button" else webhooks.list_reply
        key = "button_id" if last["type"] == "button" else "row_id"
        named = {key: option["id"], "title": option["title"]}
        reply_to = self.world.graph.id_of(shown)
        return self.sends(
            make(self.person, **named, message_id=self.world.new_id(), at=self.world.at, reply_to=reply_to)
        )

    def sends_proof(
        self, content: bytes = PNG, *, quoting: Json | None = None, at: float | None = None, caption: str | None = None
    ) -> Json:
        media_id = f"{len(self.world.graph.files) + 1}"
        self.world.graph.files[media_id] = content
        digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
        file = webhooks.File(media_id=media_id, mime_type="image/png", sha256=digest, caption=caption)
        return self.sends(
            webhooks.image(
                self.person,
                file,
                message_id=self.world.new_id(),
                at=self.world.at if at is None else at,
                reply_to=None if quoting is None else self.world.graph.id_of(quoting),
            )
        )

    def sends(self, body: Json) -> Json:
        self.world.deliver(body)
        return self.heard[-1] if self.heard else {}

    @property
    def heard(self) -> list[Json]:
        """All messages to this person, oldest first."""
        return [
            message for message in self.world.graph.sent if message.get("to", message.get("recipient")) in self.names
        ]

    @property
    def names(self) -> tuple[str | None, ...]:
        return self.person.phone, self.person.user_id


@dataclass(kw_only=True)
class World:
    container: Container
    clock: Clock
    graph: FakeGraph
    client: Client
    stack: Stack
    ids: int = 0
    answers: list[int] = field(default_factory=list)  # HTTP status of each webhook

    @property
    def at(self) -> float:
        return self.clock.now.timestamp()

    @cached_property
    def sqs(self) -> Any:
        return boto3.client("sqs", region_name="us-east-1")

    def new_id(self) -> str:
        self.ids += 1
        return f"wamid.IN{self.ids}"

    def buyer(self, name: str = "Lucía", number: int = 1) -> Buyer:
        return Buyer(
            world=self, person=webhooks.Person(name=name, phone=f"+5025550{number:04}", user_id=f"GT.77{number:04}")
        )

    def organiser(self) -> Buyer:
        return Buyer(world=self, person=ORGANISER)

    def deliver(self, body: Json) -> int:
        """Post a signed webhook, and let the queue's function handle what it queued."""
        status = self.post_webhook(webhooks.encode(body))
        self.work()
        return status

    def post_webhook(self, raw: bytes, signature: str | None = None) -> int:
        signature = signature or webhooks.sign(raw, self.container.secrets.app_secret)
        headers = {"Content-Type": "application/json", "X-Hub-Signature-256": signature}
        status = self.client.http.post("/whatsapp/webhook", headers=headers, body=raw).status_code
        self.answers.append(status)
        return int(status)

    def work(self) -> None:
        """Hand every message in the queue to its function, as Lambda does."""
        sqs = self.sqs
        while messages := sqs.receive_message(
            QueueUrl=self.stack.queue_url, MaxNumberOfMessages=10, AttributeNames=["All"]
        ).get("Messages"):
            for message in messages:
                functions.converse(sqs_event(message), Context("converse"))
                sqs.delete_message(QueueUrl=self.stack.queue_url, ReceiptHandle=message["ReceiptHandle"])
        self.work_on_decisions()

    def work_on_decisions(self) -> None:
        """Hand every decision of an organiser to its function, as Lambda does."""
        sqs, url = self.sqs, self.stack.decisions_url
        while messages := sqs.receive_message(QueueUrl=url, AttributeNames=["All"]).get("Messages"):
            for message in messages:
                functions.decide_on_proof(sqs_event(message, url), Context("decide_on_proof"))
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])

    def work_on_exports(self) -> None:
        """Hand every export that waits to its function, as Lambda does; what it raises stays in the queue."""
        sqs, url = self.sqs, self.stack.exports_url
        while messages := sqs.receive_message(QueueUrl=url, AttributeNames=["All"]).get("Messages"):
            for message in messages:
                functions.export(sqs_event(message, url), Context("export"))
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])

    def queued(self) -> int:
        names = ["ApproximateNumberOfMessages"]
        found = self.sqs.get_queue_attributes(QueueUrl=self.stack.queue_url, AttributeNames=names)["Attributes"]
        return int(found["ApproximateNumberOfMessages"])

    def minute(self) -> None:
        """What the schedules do every minute."""
        functions.expire_reservations(schedule_event(self.clock.now), Context("expire_reservations"))
        functions.deliver_messages(schedule_event(self.clock.now), Context("deliver_messages"))

    def api(self, method: str, path: str, body: Any = None, *, token: str | None = TOKEN, **headers: str) -> "Answer":
        if token is not None:
            headers["Authorization"] = f"Token {token}"
        raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        headers.setdefault("Content-Type", "application/json")
        found = self.client.http.request(method, path, headers=headers, body=raw)
        zipped = found.headers.get("Content-Encoding") == "gzip"
        text = (decompress(found.body) if zipped else found.body).decode()
        parsed = json.loads(text) if text and "json" in found.headers.get("Content-Type", "") else text
        return Answer(found.status_code, parsed, found.headers)

    def raffle(self, *, active: bool = True, limited: bool = False, **fields: Any) -> Json:
        """Make a raffle; only a `limited` one limits what somebody may hold unpaid (H9 to H11, P10)."""
        limits = {} if limited else NO_LIMITS
        values = {
            "title": "Bicycle", "unit_amount": 2500, "currency": "GTQ", "first_number": 1, "last_number": 100,
            "code": "BIKE", "payment_instructions": "Bank X, account 123", **limits, **fields,
        }  # fmt: skip
        made = self.api("POST", "/api/raffles", values)
        assert made.status == 201, made.body
        if active:
            made = self.api("POST", f"/api/raffles/{made.body['id']}/activate")
            assert made.status == 200, made.body
        return dict(made.body)

    def availability(self, raffle: Json) -> tuple[int, int, int]:
        """(available, reserved, sold); their sum is checked."""
        found = self.api("GET", f"/api/raffles/{raffle['id']}/availability").body
        assert found["total"] == found["available"] + found["reserved"] + found["sold"]
        return found["available"], found["reserved"], found["sold"]

    def order(self, order_id: str) -> Json:
        return dict(self.api("GET", f"/api/orders/{order_id}").body)


@dataclass(frozen=True)
class Answer:
    status: int
    body: Any
    headers: Mapping[str, str]


def options_of(interactive: Json) -> list[Json]:
    """Return the buttons and rows that somebody can tap."""
    buttons = [button["reply"] for button in interactive["action"].get("buttons", ())]
    return buttons + [row for section in interactive["action"].get("sections", ()) for row in section["rows"]]


def text_of(message: Json) -> str:
    """What a person reads of a message."""
    if message["type"] == "text":
        return str(message["text"]["body"])
    if message["type"] == "image":
        return str(message["image"]["caption"])
    if message["type"] == "template":
        values = [part["text"] for part in message["template"]["components"][0]["parameters"]]
        return " ".join((message["template"]["name"], message["template"]["language"]["code"], *values))
    return str(message["interactive"]["body"]["text"])


def buttons_of(message: Json) -> list[str]:
    return [button["reply"]["title"] for button in message["interactive"]["action"]["buttons"]]


def rows_of(message: Json) -> list[str]:
    return [row["title"] for section in message["interactive"]["action"]["sections"] for row in section["rows"]]


def make_world(stack: Stack) -> World:
    clock, graph = Clock(), FakeGraph()
    loaded = load(local_environment({}, Ports(api=1, phone=2, aws=3), stack))
    container = replace(Container(*loaded), clock=clock, random=Random(7), sleep=lambda _: None, expire_workers=1)
    vars(container)["graph"], vars(container)["_clients"] = graph, CLIENTS
    return World(container=container, clock=clock, graph=graph, client=Client(functions.app), stack=stack)
