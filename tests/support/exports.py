"""Ask for exports and fetch what came of them."""

from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import boto3

from chalicelib.domain.exports import ExportRequest, Format, Of
from chalicelib.domain.organisers import Actor, Role
from chalicelib.domain.raffles import TicketStatus
from tests.support.world import World

Json = dict[str, Any]
OLGA, PIA = Actor("Olga", Role.VIEWER, "t1"), Actor("Pia", Role.VIEWER, "t2")


def request_for(
    raffle: Json, of: Of = Of.TICKETS, form: Format = Format.CSV, status: TicketStatus | None = None
) -> ExportRequest:
    return ExportRequest(raffle["id"], of, form, status)


def fetched(world: World, export_id: str) -> bytes:
    """The file behind the link."""
    shown = world.container.exports.get(export_id, by=OLGA)
    assert shown.url is not None
    parts = urlsplit(shown.url)
    bucket, key = world.stack.bucket, parts.path.rpartition(f"{world.stack.bucket}/")[2].lstrip("/")
    return bytes(boto3.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read())


def objects(world: World) -> list[str]:
    found = boto3.client("s3").list_objects_v2(Bucket=world.stack.bucket, Prefix="exports/").get("Contents", [])
    return [entry["Key"] for entry in found]


def ticking(world: World, *, minutes: float) -> Any:
    """A clock that moves each time somebody looks at it."""

    def tick() -> datetime:
        world.clock.pass_minutes(minutes)
        return world.clock.now

    return tick
