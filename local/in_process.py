"""Tombola inside this process on a real DynamoDB engine, for races and measurements. Meta and S3 are faked."""

import hashlib
import os
from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from random import Random
from typing import Any

import boto3

from chalicelib.container import Container
from chalicelib.domain.organisers import COMMAND_LINE
from chalicelib.domain.raffles import MAX_NUMBERS, Raffle, RaffleEvent
from chalicelib.settings import load
from chalicelib.store.records import Record
from chalicelib.whatsapp.graph import Accepted, Graph, MediaFile
from local.environment import Ports, local_environment
from local.stack import Stack, data_template

TABLE = "tombola-lab"
READ_TIMEOUT_SECONDS = 60
PNG = b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")


def make_table(name: str = TABLE) -> None:
    """Create the table of `infra/` on an engine that has no CloudFormation."""
    properties = data_template()["Resources"]["Table"]["Properties"]
    names = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode")
    boto3.client("dynamodb").create_table(TableName=name, **{part: properties[part] for part in names})


def open_container(endpoint: str, *, clock: Callable[[], datetime], seed: int | str, table: str = TABLE) -> Container:
    """Return the container for the engine at `endpoint`. From now on, the process uses this engine."""
    os.environ.update(
        AWS_ENDPOINT_URL=endpoint,
        AWS_ACCESS_KEY_ID="test",
        AWS_SECRET_ACCESS_KEY="test",  # noqa: S106 - not a real secret
        AWS_DEFAULT_REGION="us-east-1",
    )
    # DynamoDB handles a thousand requests at once. A local engine handles them one by one on shared cores, so wait for
    # it: a retry would only add to its work.
    Record.Meta.read_timeout_seconds = READ_TIMEOUT_SECONDS
    Record._connection = None  # noqa: SLF001 - the process may have used another engine before
    stack = Stack(table=table, bucket="bucket", queue_url="http://127.0.0.1/none", exports_url="http://127.0.0.1/none")
    loaded = load(local_environment({"LOG_LEVEL": "ERROR"}, Ports(api=1, phone=2, aws=3), stack))
    container = replace(Container(*loaded), clock=clock, random=Random(seed), sleep=_no_sleep)  # noqa: S311 - repeatable on purpose
    vars(container)["graph"] = QuietGraph()
    vars(container)["_clients"] = {"s3": _NoBucket()}
    return container


def _no_sleep(_seconds: float) -> None:
    """Skip the pauses between messages: the fake Meta has no rate limit."""


# Whole raffles are sold to people who never paid: what is measured is the sale, and not who may hold how much.
NO_LIMITS = {
    "max_unpaid_orders": 1000, "max_unpaid_numbers": MAX_NUMBERS, "max_in_review": 1000, "max_newcomer_percent": 100,
    "max_unpaid_holds": 1000, "max_rejections": 1000,
}  # fmt: skip


def make_raffle(container: Container, *, numbers: int, **fields: Any) -> Raffle:
    """Create and activate a raffle with the numbers 0 to `numbers - 1`."""
    values = {
        "title": "Bicycle", "description": "", "prize": "A bicycle", "unit_amount": 2500, "currency": "GTQ",
        "first_number": 0, "last_number": numbers - 1, "hold_minutes": 15, "max_per_contact": None,
        "payment_instructions": "Bank X, account 123", "code": None, "opens_at": None, "closes_at": None,
        "time_zone": "UTC", **NO_LIMITS, **fields,
    }  # fmt: skip
    raffle = container.raffles.create(values, by=COMMAND_LINE)
    return container.raffles.move(raffle.id, RaffleEvent.ACTIVATED, by=COMMAND_LINE)


class QuietGraph(Graph):
    """A Meta that accepts everything at once. Every media file is the same small picture."""

    def __init__(self) -> None:
        super().__init__(
            base_url="http://meta.invalid", version="v26.0", phone_number_id="1", access_token=lambda: "none"
        )
        self.sent: list[Mapping[str, Any]] = []

    def send(self, message: Mapping[str, Any]) -> Accepted:
        self.sent.append(message)
        return Accepted(message_id=f"wamid.{id(message)}")

    def upload(self, content: bytes, mime_type: str, filename: str) -> str:
        return "00001"

    def mark_read(self, message_id: str, typing: bool = True) -> None:  # noqa: FBT001, FBT002 - as in Graph
        pass

    def fetch_media(self, media_id: str, *, limit_bytes: int = 0) -> MediaFile:
        return MediaFile(content=PNG, mime_type="image/png", sha256=hashlib.sha256(PNG).hexdigest())


class _NoBucket:
    def put_object(self, **_: Any) -> None:
        """Store nothing: DynamoDB Local comes without S3."""
