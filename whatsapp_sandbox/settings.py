"""The settings from the environment, with defaults that fit `make run`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from whatsapp_sandbox.webhooks import OUR_BUSINESS, Business

E164 = re.compile(r"\+[1-9]\d{6,14}")


class InvalidSetting(Exception):
    """A variable has an unusable value. The message names the variable."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All settings. The application under test must have the same token, secret and number id."""

    access_token: str = "local-access-token"  # noqa: S105 - opens nothing but the sandbox
    app_secret: str = "local-app-secret"  # noqa: S105 - likewise
    webhook_url: str = "http://127.0.0.1:8000/whatsapp/webhook"
    organisers: tuple[str, ...] = ("+50255550000",)
    business: Business = OUR_BUSINESS
    state: Path = Path(".local/phone")


def from_environment(environ: Mapping[str, str], state: Path) -> Settings:
    """Read the settings. An empty variable counts as unset. Raises InvalidSetting."""

    def value(name: str, default: str) -> str:
        return environ.get(name, "").strip() or default

    default = Settings()
    webhook_url = value("TOMBOLA_WEBHOOK_URL", default.webhook_url)
    if not webhook_url.startswith(("http://", "https://")):
        raise InvalidSetting(f"TOMBOLA_WEBHOOK_URL must be an http(s) address, not {webhook_url!r}")
    return Settings(
        access_token=value("WHATSAPP_ACCESS_TOKEN", default.access_token),
        app_secret=value("WHATSAPP_APP_SECRET", default.app_secret),
        webhook_url=webhook_url,
        organisers=_organisers(value("WHATSAPP_ORGANISERS", ",".join(default.organisers))),
        business=Business(phone_number_id=value("WHATSAPP_PHONE_NUMBER_ID", default.business.phone_number_id)),
        state=state,
    )


def _organisers(text: str) -> tuple[str, ...]:
    numbers = tuple(dict.fromkeys(re.sub(r"[ ()-]", "", part) for part in re.split(r"[,;]", text) if part.strip()))
    for number in numbers:
        if not E164.fullmatch(number):
            raise InvalidSetting(f"WHATSAPP_ORGANISERS must contain numbers like +50255550000, not {number!r}")
    return numbers
