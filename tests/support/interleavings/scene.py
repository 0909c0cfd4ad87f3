"""A small Tombola on moto whose whole state can be kept, put back and read in no time."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from io import BytesIO
from json import dumps, loads
from random import Random
from typing import Any
from zlib import crc32

import pytest
from moto import mock_aws
from moto.backends import get_backend

from chalicelib.container import Container
from chalicelib.domain.messages import Identity, IncomingMessage, Media, MessageKind
from chalicelib.domain.organisers import COMMAND_LINE
from chalicelib.domain.raffles import Raffle, RaffleEvent
from chalicelib.settings import load
from chalicelib.store import contact_ids, transaction
from chalicelib.store.contact_ids import contact_ids_of
from chalicelib.store.records import Record
from chalicelib.telemetry import logger, metrics
from chalicelib.whatsapp.graph import Accepted
from chalicelib.whatsapp.inbound import Message, read
from chalicelib.whatsapp.webhook import Update
from local.environment import Ports, local_environment
from local.in_process import NO_LIMITS, TABLE, make_table
from local.stack import REGION, Stack
from tests.support.quick_moto import quicken_moto, shelves
from tests.support.world import ORGANISER, PNG, Clock, FakeGraph, text_of
from whatsapp_sandbox import webhooks

Json = dict[str, Any]
BUSINESS = "112233445566778"
ACCOUNT = "123456789012"  # moto's

# What the bot says, by words that say nothing else.
KINDS = {
    "notice of a late proof": "(?s)^Payment proof for order.*has no numbers any more",
    "notice": "^Payment proof for order",
    "newer proof": "^Nothing is decided yet",
    "decided": "^Order .* is confirmed: |^The proof of order|is not to be checked any more",
    "why": "^Why do you reject",
    "held": "I am holding|^Your order now has",
    "not in order": "not in your order",
    "taken": "(is|are) taken:|Already yours:",
    "too few": "^Only [0-9,]+ number|is sold out, sorry",
    "limit": "each person may have at most",
    "not on sale": "is not on sale just now",
    "unclear": "not sure which numbers|The numbers go from|That is too many|didn't get that|I don't know the answer",
    "passed on": "^I can't work this out",
    "raffle": "Which numbers would you like[?] For example",
    "pay": "Done! Your order code is",
    "still to pay": "^Order .* is waiting for your payment",
    "still held": "is waiting for your OK",
    "in review": "I have your payment proof",
    "being checked": "Your payment for order .* is being checked[.] You",
    "late": "came after the hold had ended|^Order .* has no numbers any more",
    "kept": "was cancelled, so its numbers are not held",
    "no order waits": "an order of yours that is waiting for a payment[.] Which",
    "file kept": "I have kept your file",
    "enough files": "files for order .* already",
    "more time": "ten more minutes|can't hold them longer",
    "cancelled": "^Order .* is cancelled, and its numbers",
    "cancelled by organiser": "An organiser has cancelled your order",
    "shall I": "Shall I cancel it",
    "not cancelled": "is paid[.] If something|only an organiser can cancel|is over already|There is no order to cancel",
    "expired": "^The time for order",
    "paid": "is confirmed[.] Thank you",
    "rejected": "^I could not accept your payment proof",
    "refunded": "^The money for your order",
    "was refunded": "^The money for order",
    "reassigned": "^An organiser has found numbers",
    "already paid": "your ticket is valid",
    "reminder": "^Your hold ends soon",
    "orders": "^Your latest orders|You have no orders yet",
    "not understood": "^I did not understand that[.]\n",
    "menu": "What would you like to do",
}


def kind_of(message: Json) -> str:
    text = text_of(message)
    return next((kind for kind, words in KINDS.items() if re.search(words, text)), text)


class Bucket:
    """As much of S3 as proofs need."""

    def __init__(self) -> None:
        self.keys: list[str] = []

    def put_object(self, *, Key: str, **_: Any) -> None:  # noqa: N803 - boto3's name
        self.keys.append(Key)

    def get_object(self, **_: Any) -> Json:
        return {"Body": BytesIO(PNG)}


class Queue:
    """As much of SQS as the webhook and organisers' decisions need.

    It drops no duplicates, as the real one does not after five minutes.
    """

    def __init__(self) -> None:
        self.bodies: list[str] = []
        self.decisions: list[str] = []

    def send_message_batch(self, *, Entries: list[Json], **_: Any) -> Json:  # noqa: N803 - boto3's name
        self.bodies += [entry["MessageBody"] for entry in Entries]
        return {}

    def send_message(self, *, MessageBody: str, **_: Any) -> None:  # noqa: N803 - boto3's name
        self.decisions.append(MessageBody)

    def decided(self) -> list[str]:
        decisions, self.decisions = self.decisions, []
        return decisions

    def emptied(self) -> list[str]:
        bodies, self.bodies = self.bodies, []
        return bodies


class Meta(FakeGraph):
    """Gives a message and a file ids that do not depend on how many others came before."""

    def send(self, message: Mapping[str, Any]) -> Accepted:
        super().send(message)
        return Accepted(message_id=f"wamid.{message['biz_opaque_callback_data']}")

    def upload(
        self, content: bytes, mime_type: str, filename: str, *, timeout: tuple[float, float] | None = None
    ) -> str:
        return f"upload-{crc32(content)}"


@dataclass(frozen=True)
class Kept:
    """The state at a moment. The items are never changed, only replaced."""

    items: dict[Any, dict[Any, Any]]
    clock: Any
    sent: int
    keys: int
    said: dict[str, int]
    name_key: bytes | None  # what the process has read of the table


@dataclass(frozen=True)
class Stored:
    """What the table says about a raffle, read past the product."""

    orders: dict[str, Json]
    tickets: dict[int, str]
    taken: set[int]
    sold: set[int]
    counted: tuple[int, int]  # taken and sold, summed over the tallies
    held: dict[str, int]  # contact → numbers


@dataclass(kw_only=True)
class Scene:
    container: Container
    clock: Clock
    graph: Meta
    bucket: Bucket
    queue: Queue
    said: dict[str, int] = field(default_factory=dict)
    raffle: Raffle = field(init=False)

    def open(self, *, numbers: int = 12, code: str = "BIKE", **fields: Any) -> Raffle:
        """A raffle `1..numbers` on sale."""
        values = {
            "title": "Bicycle", "description": "", "prize": "", "unit_amount": 2500, "currency": "GTQ",
            "first_number": 1, "last_number": numbers, "hold_minutes": 15, "max_per_contact": None,
            "payment_instructions": "", "code": code, "opens_at": None, "closes_at": None, "time_zone": "UTC",
            **NO_LIMITS, **fields,
        }  # fmt: skip
        made = self.container.raffles.create(values, by=COMMAND_LINE)
        self.raffle = self.container.raffles.move(made.id, RaffleEvent.ACTIVATED, by=COMMAND_LINE)
        return self.raffle

    def visitor(self, name: str) -> "Visitor":
        return Visitor(scene=self, name=name, identity=Identity(user_id=f"GT.{name}"))

    def pass_time(self, **much: float) -> None:
        self.clock.now += timedelta(**much)

    def receive(self, body: Json) -> list[Message]:
        """What the webhook makes of a signed body: messages to answer, in order, duplicates and all."""
        raw = webhooks.encode(body)
        assert self.container.inbox.accept(raw, webhooks.sign(raw, self.container.secrets.app_secret))
        found = [read(Update.from_json(update)) for update in self.queue.emptied()]
        return [message for message in found if isinstance(message, Message)]

    # The state

    @property
    def table(self) -> Any:
        return get_backend("dynamodb")[ACCOUNT][REGION].tables[TABLE]

    def keep(self) -> Kept:
        return Kept(
            shelves(self.table.items), self.clock.now, len(self.graph.sent), len(self.bucket.keys), dict(self.said),
            Record.Meta.name_key,
        )  # fmt: skip

    def put_items(self, items: Mapping[Any, Mapping[Any, Any]]) -> None:
        self.table.items = shelves(items)

    def put_back(self, kept: Kept) -> None:
        self.put_items(kept.items)
        self.said = dict(kept.said)
        self.clock.now = kept.clock
        Record.Meta.name_key = kept.name_key
        del self.graph.sent[kept.sent :], self.bucket.keys[kept.keys :]
        metrics.clear_metrics()

    def items(self, prefix: str = "") -> list[Json]:
        """All items whose partition begins so, as plain values."""
        shelves = self.table.items.items()
        return [
            {name: _plain(value) for name, value in item.attrs.items()}
            for partition, shelf in shelves
            if partition.value.startswith(prefix)
            for item in shelf.values()
        ]

    def text(self) -> str:
        """All that is stored or was sent."""
        items = sorted(self.items(), key=lambda item: (item["pk"], item["sk"]))
        sent = sorted(dumps(message, sort_keys=True) for message in self.graph.sent)
        return dumps([items, sent, sorted(self.bucket.keys)], sort_keys=True)

    def stored(self, raffle: Raffle) -> Stored:
        """Only for raffles of one page of up to 64 numbers, whose board is one word of bits."""
        found = {item["id"]: item for item in self.items("ORDER#") if item["raffle_id"] == raffle.id}
        leaves = self.items(f"LEAVES#{raffle.id}")
        tallies = [item for item in self.items(f"BOARD#{raffle.id}") if item["kind"] == "tally"]
        contacts = [item for item in self.items("CONTACT#") if item["kind"] == "contact"]
        return Stored(
            orders=found,
            tickets={int(item["sk"]): item["order_id"] for item in self.items(f"TICKETS#{raffle.id}")},
            taken=_bits(raffle, leaves, "t0"),
            sold=_bits(raffle, leaves, "s0"),
            counted=(sum(tally.get("p0", 0) for tally in tallies), sum(tally.get("sold", 0) for tally in tallies)),
            held={item["id"]: held for item in contacts if (held := _held(item).get(raffle.id))},
        )


@dataclass(kw_only=True)
class Visitor:
    """A person with WhatsApp, whose messages go straight to the use case behind the queue."""

    scene: Scene
    name: str
    identity: Identity

    @property
    def contact_id(self) -> str:
        return contact_ids_of(self.identity)[0]

    def says(self, text: str) -> None:
        self.sends(self.message(IncomingMessage(kind=MessageKind.TEXT, text=text)))

    def taps(self, choice: str) -> None:
        self.sends(self.message(IncomingMessage(kind=MessageKind.CHOICE, choice=choice)))

    def sends_proof(self, caption: str = "", file: str = "proof") -> None:
        self.sends(self.message(IncomingMessage(kind=MessageKind.MEDIA, text=caption, media=Media(id=file))))

    def sends(self, message: Message) -> None:
        self.scene.container.chat.answer(message)

    def new_id(self) -> str:
        said = self.scene.said
        said[self.name] = said.get(self.name, 0) + 1
        return f"wamid.{self.name}.{said[self.name]}"

    def message(self, heard: IncomingMessage) -> Message:
        return Message(
            id=self.new_id(), phone_number_id=BUSINESS, sender=self.identity, name=self.name,
            sent_at=None, incoming=heard, kind="text",
        )  # fmt: skip

    @property
    def heard(self) -> list[Json]:
        return [message for message in self.scene.graph.sent if message.get("recipient") == self.identity.user_id]

    @property
    def last_order(self) -> str:
        """The id of their newest order."""
        own = [item for item in self.scene.items("ORDER#") if item["contact_id"] == self.contact_id]
        return str(max(own, key=lambda item: str(item["contact_at"]))["id"])


@contextmanager
def scene(random: Random) -> Iterator[Scene]:
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
            patch.delenv(name, raising=False)
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "test")
        patch.setenv("AWS_DEFAULT_REGION", REGION)
        patch.setattr(Record, "_connection", None)  # the process may have spoken to an engine before
        patch.setattr(transaction, "sleep", lambda seconds: None)
        patch.setattr(contact_ids, "token_bytes", lambda size: b"k" * size)
        quicken_moto(patch)
        make_table()
        yield _scene(random)
        logger.setLevel("INFO")


def _scene(random: Random) -> Scene:
    url = "http://127.0.0.1/none"
    stack = Stack(table=TABLE, bucket="bucket", queue_url=url, exports_url=url, decisions_url=url)
    base = {"LOG_LEVEL": "CRITICAL", "WHATSAPP_ORGANISERS": str(ORGANISER.phone)}
    clock, graph, bucket, queue = Clock(), Meta(), Bucket(), Queue()
    container = replace(
        Container(*load(local_environment(base, Ports(api=1, phone=2, aws=3), stack))),
        clock=clock,
        random=random,
        sleep=lambda _: None,
        expire_workers=1,
    )
    graph.files["proof"] = PNG
    vars(container)["graph"] = graph
    vars(container)["_clients"] = {"s3": bucket, "sqs": queue}
    return Scene(container=container, clock=clock, graph=graph, bucket=bucket, queue=queue)


def _plain(value: Any) -> Any:
    """A DynamoType as Python has it."""
    if value.type == "N":
        return int(value.value)
    if value.type == "L":
        return [_plain(element) for element in value.value]
    if value.type == "M":
        return {name: _plain(element) for name, element in value.value.items()}
    if value.type == "B":
        return value.value.hex()
    return value.value


def _held(contact: Json) -> Json:
    held = contact.get("held")
    return dict(loads(held)) if held else {}


def _bits(raffle: Raffle, leaves: list[Json], word: str) -> set[int]:
    bits = sum(leaf.get(word, 0) for leaf in leaves)
    return {raffle.first_number + bit for bit in range(64) if bits >> bit & 1}
