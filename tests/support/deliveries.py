"""What becomes of messages that WhatsApp takes, refuses or fails to deliver."""

from datetime import timedelta

from chalicelib.whatsapp.graph import SendRefused
from chalicelib.whatsapp.templates import DEFINITIONS
from tests.support.steps import outbounds
from tests.support.updates import tag_of
from tests.support.world import Buyer, World, text_of
from whatsapp_sandbox import webhooks

EVERY_TEMPLATE = [f"{one.name}/{language}" for one in DEFINITIONS for language in one.texts]


def refused(code: int, retry_after: float | None = None) -> SendRefused:
    return SendRefused(code, "", 400, retry_after)


def fails_late(buyer: Buyer, code: int, *, message_id: str | None = None) -> None:
    """WhatsApp took the newest message to them, and says now that it failed."""
    stored = outbounds(buyer)[-1]
    body = webhooks.status(
        buyer.person, message_id or stored.message_id, "failed", at=buyer.world.at, tracking=tag_of(buyer),
        errors=[(code, "failed")],
    )  # fmt: skip
    buyer.world.deliver(body)


def pass_time(world: World, *, seconds: float = 0, minutes: float = 0, hours: float = 0) -> None:
    world.clock.now += timedelta(seconds=seconds, minutes=minutes, hours=hours)
    world.minute()


def texts(buyer: Buyer) -> list[str]:
    return [text_of(said) for said in buyer.heard]
