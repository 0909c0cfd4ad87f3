"""Puts the parts together, once a process and only when first asked. The one place where tests substitute them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache, cached_property
from os import environ
from random import Random, SystemRandom
from secrets import token_hex
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from chalicelib.adapters.parameter_store import Vault
from chalicelib.domain.messages import Identity
from chalicelib.domain.rate_limit import Pace
from chalicelib.services.chat.handler import Conversing
from chalicelib.services.messaging.dead_letters import Letters
from chalicelib.services.messaging.inbox import Receiving
from chalicelib.services.messaging.outbox import Delivering
from chalicelib.services.orders.expiry import Expiring
from chalicelib.services.orders.holds import Selling
from chalicelib.services.orders.proofs import Proofs
from chalicelib.services.tokens import Access
from chalicelib.settings import Given, Secrets, Settings, load
from chalicelib.store.records import bind
from chalicelib.telemetry import logger
from chalicelib.whatsapp.graph import META_MEDIA_HOSTS, Graph

if TYPE_CHECKING:
    from chalicelib.services.bank_statements import Banking
    from chalicelib.services.bulk import Bulk
    from chalicelib.services.contacts import Attending
    from chalicelib.services.exports.service import Exporting
    from chalicelib.services.maintenance.consistency import Checking
    from chalicelib.services.maintenance.contact_index import Filing
    from chalicelib.services.messaging.templates import Templating
    from chalicelib.services.orders.settlement import Settling
    from chalicelib.services.privacy import Privacy
    from chalicelib.services.raffles import Organising
    from chalicelib.services.reports import Reporting


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Runtime:
    """Everything that runs. `clock` and `random` are arguments: tests decide what time it is and what is drawn."""

    settings: Settings
    given: Given | None  # those of the environment; None where they are in the Parameter Store
    clock: Callable[[], datetime] = utc_now
    random: Random = field(default_factory=SystemRandom)
    sleep: Callable[[float], None] = sleep
    expire_workers: int = 8  # moto, which tests use in this process, takes one request at a time only

    def __post_init__(self) -> None:
        logger.setLevel(self.settings.LOG_LEVEL)
        bind(self.settings.TOMBOLA_TABLE, self.settings.region)

    @property
    def secrets(self) -> Secrets:
        return self.given or self._vault

    @cached_property
    def _vault(self) -> Vault:
        return Vault(self.settings.TOMBOLA_SECRETS, self.settings.region, monotonic)

    @cached_property
    def graph(self) -> Graph:
        return Graph(
            base_url=self.settings.WHATSAPP_GRAPH_URL,
            version=self.settings.WHATSAPP_GRAPH_VERSION,
            phone_number_id=self.settings.WHATSAPP_PHONE_NUMBER_ID,
            access_token=lambda: self.secrets.access_token,
            media_hosts=self.settings.WHATSAPP_MEDIA_HOSTS or META_MEDIA_HOSTS,
        )

    @cached_property
    def delivering(self) -> Delivering:
        pace = Pace(interval=timedelta(seconds=1 / self.settings.WHATSAPP_SENDS_A_SECOND), burst=1)
        return Delivering(graph=self.graph, clock=self.clock, random=self.random, pace=pace, sleep=self.sleep)

    @cached_property
    def selling(self) -> Selling:
        return Selling(delivering=self.delivering, clock=self.clock, random=self.random)

    @cached_property
    def settling(self) -> "Settling":
        from chalicelib.services.orders.settlement import Settling  # noqa: PLC0415 - what only organisers use is loaded for them

        return Settling(selling=self.selling, delivering=self.delivering, clock=self.clock)

    @cached_property
    def expiring(self) -> Expiring:
        return Expiring(selling=self.selling, delivering=self.delivering, clock=self.clock, workers=self.expire_workers)

    @cached_property
    def organising(self) -> "Organising":
        from chalicelib.services.raffles import Organising  # noqa: PLC0415 - likewise

        return Organising(clock=self.clock, random=self.random)

    @cached_property
    def access(self) -> Access:
        return Access(clock=self.clock)

    @cached_property
    def bulk(self) -> "Bulk":
        from chalicelib.services.bulk import Bulk  # noqa: PLC0415 - likewise

        return Bulk(settling=self.settling, organising=self.organising, clock=self.clock)

    @cached_property
    def attending(self) -> "Attending":
        from chalicelib.services.contacts import Attending  # noqa: PLC0415 - likewise

        return Attending(delivering=self.delivering, clock=self.clock)

    @cached_property
    def privacy(self) -> "Privacy":
        from chalicelib.services.privacy import Privacy  # noqa: PLC0415 - likewise

        return Privacy(proofs=self.proofs, random_id=lambda: token_hex(12), clock=self.clock)

    @cached_property
    def banking(self) -> "Banking":
        from chalicelib.services.bank_statements import Banking  # noqa: PLC0415 - likewise

        return Banking(clock=self.clock)

    @cached_property
    def reporting(self) -> "Reporting":
        from chalicelib.services.reports import Reporting  # noqa: PLC0415 - likewise

        return Reporting(clock=self.clock)

    @cached_property
    def checking(self) -> "Checking":
        from chalicelib.services.maintenance.consistency import Checking  # noqa: PLC0415 - a command's, which no Lambda function waits for

        return Checking()

    @cached_property
    def filing(self) -> "Filing":
        from chalicelib.services.maintenance.contact_index import Filing  # noqa: PLC0415 - likewise

        return Filing(clock=self.clock)

    @cached_property
    def exporting(self) -> "Exporting":
        from chalicelib.services.exports.service import Exporting  # noqa: PLC0415 - what writes sheets is loaded when one is asked for

        return Exporting(
            s3=lambda: self._client("s3"),
            sqs=lambda: self._client("sqs"),
            bucket=self.settings.TOMBOLA_BUCKET,
            queue_url=self.settings.TOMBOLA_EXPORTS_QUEUE,
            clock=self.clock,
            random_hex=lambda: token_hex(16),
        )

    @cached_property
    def conversing(self) -> Conversing:
        return Conversing(
            selling=self.selling,
            delivering=self.delivering,
            proofs=self.proofs,
            graph=self.graph,
            organisers=[Identity(phone=phone.removeprefix("+")) for phone in self.settings.WHATSAPP_ORGANISERS],
            clock=self.clock,
        )

    @cached_property
    def proofs(self) -> Proofs:
        return Proofs(
            graph=self.graph,
            s3=lambda: self._client("s3"),
            bucket=self.settings.TOMBOLA_BUCKET,
            clock=self.clock,
            random_hex=lambda: token_hex(16),
        )

    @cached_property
    def receiving(self) -> Receiving:
        return Receiving(
            sqs=lambda: self._client("sqs"),
            queue_url=self.settings.TOMBOLA_INBOX_QUEUE,
            app_secrets=lambda: self.secrets.app_secrets,
            phone_number_id=self.settings.WHATSAPP_PHONE_NUMBER_ID,
        )

    @cached_property
    def templating(self) -> "Templating":
        from chalicelib.services.messaging.templates import Templating  # noqa: PLC0415 - likewise

        return Templating(graph=self.graph, account_id=self.settings.WHATSAPP_ACCOUNT_ID)

    @cached_property
    def letters(self) -> Letters:
        return Letters(receiving=self.receiving, sqs=lambda: self._client("sqs"), clock=self.clock)

    def _client(self, service: str) -> Any:
        if service not in self._clients:
            config = Config(signature_version="s3v4") if service == "s3" else None
            self._clients[service] = boto3.client(service, region_name=self.settings.region, config=config)
        return self._clients[service]

    @cached_property
    def _clients(self) -> dict[str, Any]:
        return {}


def make(environment: Mapping[str, str]) -> Runtime:
    """Raises SettingsInvalid."""
    return Runtime(*load(environment))


@cache
def runtime() -> Runtime:
    """The process's parts. Raises SettingsInvalid."""
    return make(environ)
