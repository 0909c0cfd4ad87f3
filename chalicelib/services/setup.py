"""What of Tombola is set up, and what is missing: settings by name, never their values, and templates."""

from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple

from chalicelib.domain.channel import Channel, approval
from chalicelib.services.messaging.templates import own_versions
from chalicelib.settings import Settings
from chalicelib.store import channel as channels


class SetupCode(StrEnum):
    """The values are part of the API."""

    ORGANISERS = "organisers"
    TEMPLATES = "templates"
    ACCOUNT_ID = "account_id"
    DECISIONS_QUEUE = "decisions_queue"
    WAKE_UPS_QUEUE = "wake_ups_queue"
    AUDIT_BUCKET = "audit_bucket"


class SetupCheck(NamedTuple):
    """A part of the set-up. `setting` is the variable that it depends on, `text` says what it is good for."""

    code: SetupCode
    is_done: bool
    setting: str | None
    text: str


class TemplateApproval(NamedTuple):
    """A message template in one of WhatsApp's languages, and whether it may be sent."""

    name: str
    language: str
    is_approved: bool


class Setup(NamedTuple):
    """`organisers`: how many people are notified in WhatsApp."""

    organisers: int
    channel: Channel
    checks: list[SetupCheck]
    templates: list[TemplateApproval]


def read_setup(settings: Settings) -> Setup:
    """Return what is set up. One request; WhatsApp is not asked."""
    channel = channels.read()
    templates = [
        TemplateApproval(name, language, approval(name, language) in channel.approved)
        for name, language in own_versions()
    ]
    return Setup(len(settings.WHATSAPP_ORGANISERS), channel, list(_checks(settings, templates)), templates)


def _checks(settings: Settings, templates: list[TemplateApproval]) -> Iterator[SetupCheck]:
    yield SetupCheck(
        SetupCode.ORGANISERS, bool(settings.WHATSAPP_ORGANISERS), "WHATSAPP_ORGANISERS",
        "Nobody is notified of proofs and of people who want to talk to somebody.",
    )  # fmt: skip
    yield SetupCheck(
        SetupCode.TEMPLATES, all(template.is_approved for template in templates), None,
        "Outside the 24 hours, people get only what WhatsApp has approved: python -m chalicelib templates --submit.",
    )  # fmt: skip
    yield SetupCheck(
        SetupCode.ACCOUNT_ID, bool(settings.WHATSAPP_ACCOUNT_ID), "WHATSAPP_ACCOUNT_ID",
        "Without it, templates can't be submitted.",
    )  # fmt: skip
    yield SetupCheck(
        SetupCode.DECISIONS_QUEUE, bool(settings.TOMBOLA_DECISIONS_QUEUE), "TOMBOLA_DECISIONS_QUEUE",
        "Without it, organisers can't decide about proofs in the chat.",
    )  # fmt: skip
    yield SetupCheck(
        SetupCode.WAKE_UPS_QUEUE, bool(settings.TOMBOLA_WAKE_UPS_QUEUE), "TOMBOLA_WAKE_UPS_QUEUE",
        "Without it, messages that have to wait go out by the minute.",
    )  # fmt: skip
    yield SetupCheck(
        SetupCode.AUDIT_BUCKET, bool(settings.TOMBOLA_AUDIT_BUCKET), "TOMBOLA_AUDIT_BUCKET",
        "Without it, nobody can tell whether the audit log was forged.",
    )  # fmt: skip
