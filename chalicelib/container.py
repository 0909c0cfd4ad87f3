"""The composition root: builds each service once per process, on first use. Tests substitute parts here."""

# ruff: noqa: PLC0415 - services that only organisers or commands use are imported on first use, to shorten cold starts

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache, cached_property
from os import environ
from random import Random, SystemRandom
from secrets import token_hex
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config

from chalicelib.adapters.parameter_store import ParameterStore
from chalicelib.domain.messages import Identity
from chalicelib.domain.rate_limit import RateLimit
from chalicelib.services.chat.handler import ChatHandler
from chalicelib.services.maintenance.clock_check import ClockCheck
from chalicelib.services.messaging.dead_letters import DeadLetters
from chalicelib.services.messaging.header_files import HeaderFiles
from chalicelib.services.messaging.inbox import Inbox
from chalicelib.services.messaging.outbox import Outbox
from chalicelib.services.messaging.pictures import Pictures
from chalicelib.services.messaging.sender import Sender
from chalicelib.services.messaging.wake_ups import WakeUps
from chalicelib.services.orders.changes import OrderChanges
from chalicelib.services.orders.decision_queue import DecisionQueue
from chalicelib.services.orders.expiry import Expiry
from chalicelib.services.orders.holds import Holds
from chalicelib.services.orders.proofs import Proofs
from chalicelib.services.tokens import Tokens
from chalicelib.settings import EnvironmentSecrets, Secrets, Settings, load
from chalicelib.store.records import bind
from chalicelib.telemetry import logger
from chalicelib.whatsapp.graph import META_MEDIA_HOSTS, Graph

if TYPE_CHECKING:
    from chalicelib.services.bank_statements import BankStatements
    from chalicelib.services.bulk import Bulk
    from chalicelib.services.contacts import Contacts
    from chalicelib.services.exports.service import Exports
    from chalicelib.services.maintenance.audit_heads import AuditHeads
    from chalicelib.services.maintenance.consistency import ConsistencyCheck
    from chalicelib.services.maintenance.contact_index import ContactIndexCheck
    from chalicelib.services.maintenance.proof_files import ProofFilesCheck
    from chalicelib.services.maintenance.reachability import Reachability
    from chalicelib.services.messaging.sending_stops import SendingStops
    from chalicelib.services.messaging.templates import Templates
    from chalicelib.services.orders.decisions import Decisions
    from chalicelib.services.orders.reviews import OrderReviews
    from chalicelib.services.orders.settlement import Settlement
    from chalicelib.services.payment_changes import PaymentChanges
    from chalicelib.services.privacy import Privacy
    from chalicelib.services.raffle_pictures import RafflePictures
    from chalicelib.services.raffles import Raffles
    from chalicelib.services.reports import Reports
    from chalicelib.services.sign_in_links import SignInLinks


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Container:
    """The parts of the application. Tests replace `clock` and `random` to decide the time and what is drawn."""

    settings: Settings
    environment_secrets: EnvironmentSecrets | None  # None if they are in the Parameter Store
    clock: Callable[[], datetime] = utc_now
    random: Random = field(default_factory=SystemRandom)
    sleep: Callable[[float], None] = sleep
    expire_workers: int = 8  # in-process tests use 1: moto handles one request at a time

    def __post_init__(self) -> None:
        logger.setLevel(self.settings.LOG_LEVEL)
        bind(self.settings.TOMBOLA_TABLE, self.settings.region)

    # Settings and clients

    @property
    def secrets(self) -> Secrets:
        return self.environment_secrets or self._parameter_store

    @cached_property
    def _parameter_store(self) -> ParameterStore:
        return ParameterStore(self.settings.TOMBOLA_SECRETS, self.settings.region, monotonic)

    @cached_property
    def graph(self) -> Graph:
        return Graph(
            base_url=self.settings.WHATSAPP_GRAPH_URL,
            version=self.settings.WHATSAPP_GRAPH_VERSION,
            phone_number_id=self.settings.WHATSAPP_PHONE_NUMBER_ID,
            access_token=lambda: self.secrets.access_token,
            media_hosts=self.settings.WHATSAPP_MEDIA_HOSTS or META_MEDIA_HOSTS,
        )

    def _client(self, service: str, *, hurried: bool = False) -> Any:
        """Return the client of a service. A hurried one tries once, and gives up after seconds."""
        name = f"hurried {service}" if hurried else service
        if name not in self._clients:
            options: dict[str, Any] = {"signature_version": "s3v4"} if service == "s3" else {}
            if hurried:
                options |= {"connect_timeout": 1, "read_timeout": 2, "retries": {"total_max_attempts": 1}}
            config = Config(**options) if options else None
            self._clients[name] = boto3.client(service, region_name=self.settings.region, config=config)
        return self._clients[name]

    @cached_property
    def _clients(self) -> dict[str, Any]:
        return {}

    @cached_property
    def bucket_origin(self) -> str:
        """Return scheme and host of every link to a file in the bucket."""
        parameters = {"Bucket": self.settings.TOMBOLA_BUCKET, "Key": "any"}
        link = urlsplit(self._client("s3").generate_presigned_url("get_object", Params=parameters))
        return f"{link.scheme}://{link.netloc}"

    # For the chat and the schedules

    @cached_property
    def inbox(self) -> Inbox:
        return Inbox(
            sqs=lambda: self._client("sqs"),
            queue_url=self.settings.TOMBOLA_INBOX_QUEUE,
            app_secrets=lambda: self.secrets.app_secrets,
            phone_number_id=self.settings.WHATSAPP_PHONE_NUMBER_ID,
        )

    @cached_property
    def outbox(self) -> Outbox:
        return Outbox(sender=self.sender, wake_ups=self.wake_ups, clock=self.clock, random=self.random)

    @cached_property
    def sender(self) -> Sender:
        rate_limit = RateLimit(interval=timedelta(seconds=1 / self.settings.WHATSAPP_SENDS_A_SECOND), burst=1)
        return Sender(
            graph=self.graph,
            header_files=self.header_files,
            pictures=self.pictures,
            wake_ups=self.wake_ups,
            clock=self.clock,
            rate_limit=rate_limit,
            sleep=self.sleep,
        )

    @cached_property
    def pictures(self) -> Pictures:
        return Pictures(
            graph=self.graph,
            phone_number_id=self.settings.WHATSAPP_PHONE_NUMBER_ID,
            s3=lambda: self._client("s3", hurried=True),
            bucket=self.settings.TOMBOLA_BUCKET,
            clock=self.clock,
        )

    @cached_property
    def header_files(self) -> HeaderFiles:
        return HeaderFiles(
            graph=self.graph, s3=lambda: self._client("s3", hurried=True), bucket=self.settings.TOMBOLA_BUCKET
        )

    @cached_property
    def wake_ups(self) -> WakeUps:
        return WakeUps(
            sqs=lambda: self._client("sqs"), queue_url=self.settings.TOMBOLA_WAKE_UPS_QUEUE, clock=self.clock
        )

    @cached_property
    def decision_queue(self) -> DecisionQueue:
        return DecisionQueue(sqs=lambda: self._client("sqs"), queue_url=self.settings.TOMBOLA_DECISIONS_QUEUE)

    @cached_property
    def dead_letters(self) -> DeadLetters:
        return DeadLetters(inbox=self.inbox, sqs=lambda: self._client("sqs"), clock=self.clock)

    @cached_property
    def chat(self) -> ChatHandler:
        return ChatHandler(
            holds=self.holds,
            expiry=self.expiry,
            outbox=self.outbox,
            proofs=self.proofs,
            graph=self.graph,
            decision_queue=self.decision_queue,
            organisers=self.organisers,
            random=self.random,
            clock=self.clock,
        )

    @property
    def organisers(self) -> list[Identity]:
        """Return the people who are notified in WhatsApp."""
        return [Identity(phone=phone.removeprefix("+")) for phone in self.settings.WHATSAPP_ORGANISERS]

    @cached_property
    def holds(self) -> Holds:
        return Holds(clock=self.clock, random=self.random)

    @cached_property
    def order_changes(self) -> OrderChanges:
        return OrderChanges(outbox=self.outbox, clock=self.clock)

    @cached_property
    def expiry(self) -> Expiry:
        return Expiry(changes=self.order_changes, clock=self.clock, workers=self.expire_workers)

    @cached_property
    def clock_check(self) -> ClockCheck:
        return ClockCheck(self.clock)

    @cached_property
    def proofs(self) -> Proofs:
        return Proofs(
            graph=self.graph,
            s3=lambda: self._client("s3"),
            bucket=self.settings.TOMBOLA_BUCKET,
            header_files=self.header_files,
            clock=self.clock,
        )

    @cached_property
    def tokens(self) -> Tokens:
        return Tokens(clock=self.clock)

    @cached_property
    def sign_in_links(self) -> SignInLinks:
        from chalicelib.services.sign_in_links import SignInLinks

        return SignInLinks(tokens=self.tokens, clock=self.clock)

    @cached_property
    def audit_heads(self) -> AuditHeads:
        from chalicelib.services.maintenance.audit_heads import AuditHeads

        return AuditHeads(
            s3=lambda: self._client("s3"),
            bucket=self.settings.TOMBOLA_AUDIT_BUCKET,
            key=lambda: self.secrets.audit_key,
            clock=self.clock,
        )

    # For organisers

    @cached_property
    def raffles(self) -> Raffles:
        from chalicelib.services.raffles import Raffles

        return Raffles(clock=self.clock, random=self.random, outbox=self.outbox, organisers=self.organisers)

    @cached_property
    def raffle_pictures(self) -> RafflePictures:
        from chalicelib.services.raffle_pictures import RafflePictures

        return RafflePictures(
            raffles=self.raffles,
            s3=lambda: self._client("s3"),
            bucket=self.settings.TOMBOLA_BUCKET,
            random_id=lambda: token_hex(12),
            clock=self.clock,
        )

    @cached_property
    def payment_changes(self) -> PaymentChanges:
        from chalicelib.services.payment_changes import PaymentChanges

        return PaymentChanges(raffles=self.raffles, clock=self.clock)

    @cached_property
    def settlement(self) -> Settlement:
        from chalicelib.services.orders.settlement import Settlement

        return Settlement(changes=self.order_changes, expiry=self.expiry, random=self.random)

    @cached_property
    def decisions(self) -> Decisions:
        from chalicelib.services.orders.decisions import Decisions

        return Decisions(
            changes=self.order_changes,
            outbox=self.outbox,
            proofs=self.proofs,
            organisers=self.organisers,
            clock=self.clock,
        )

    @cached_property
    def order_reviews(self) -> OrderReviews:
        from chalicelib.services.orders.reviews import OrderReviews

        return OrderReviews(clock=self.clock)

    @cached_property
    def bulk(self) -> Bulk:
        from chalicelib.services.bulk import Bulk

        return Bulk(settlement=self.settlement, raffles=self.raffles, clock=self.clock)

    @cached_property
    def contacts(self) -> Contacts:
        from chalicelib.services.contacts import Contacts

        return Contacts(outbox=self.outbox, settlement=self.settlement, clock=self.clock)

    @cached_property
    def privacy(self) -> Privacy:
        from chalicelib.services.privacy import Privacy

        return Privacy(proofs=self.proofs, random_id=lambda: token_hex(12), clock=self.clock)

    @cached_property
    def bank_statements(self) -> BankStatements:
        from chalicelib.services.bank_statements import BankStatements

        return BankStatements(clock=self.clock)

    @cached_property
    def reports(self) -> Reports:
        from chalicelib.services.reports import Reports

        return Reports(clock=self.clock)

    @cached_property
    def exports(self) -> Exports:
        from chalicelib.services.exports.service import Exports

        return Exports(
            s3=lambda: self._client("s3"),
            sqs=lambda: self._client("sqs"),
            bucket=self.settings.TOMBOLA_BUCKET,
            queue_url=self.settings.TOMBOLA_EXPORTS_QUEUE,
            clock=self.clock,
            random_hex=lambda: token_hex(16),
        )

    @cached_property
    def sending_stops(self) -> SendingStops:
        from chalicelib.services.messaging.sending_stops import SendingStops

        return SendingStops(clock=self.clock)

    @cached_property
    def templates(self) -> Templates:
        from chalicelib.services.messaging.templates import Templates

        return Templates(graph=self.graph, account_id=self.settings.WHATSAPP_ACCOUNT_ID, clock=self.clock)

    @cached_property
    def reachability(self) -> Reachability:
        from chalicelib.services.maintenance.reachability import Reachability

        # One try with little patience: somebody waits for the answer.
        config = Config(connect_timeout=1, read_timeout=3, retries={"total_max_attempts": 1})
        return Reachability(
            graph=self.graph,
            sqs=lambda: boto3.client("sqs", region_name=self.settings.region, config=config),
            s3=lambda: boto3.client("s3", region_name=self.settings.region, config=config),
            bucket=self.settings.TOMBOLA_BUCKET,
            inbox_queue=self.settings.TOMBOLA_INBOX_QUEUE,
            exports_queue=self.settings.TOMBOLA_EXPORTS_QUEUE,
        )

    # For commands

    @cached_property
    def consistency(self) -> ConsistencyCheck:
        from chalicelib.services.maintenance.consistency import ConsistencyCheck

        return ConsistencyCheck()

    @cached_property
    def contact_index(self) -> ContactIndexCheck:
        from chalicelib.services.maintenance.contact_index import ContactIndexCheck

        return ContactIndexCheck(clock=self.clock)

    @cached_property
    def proof_files(self) -> ProofFilesCheck:
        from chalicelib.services.maintenance.proof_files import ProofFilesCheck

        return ProofFilesCheck(proofs=self.proofs, clock=self.clock)


def make(environment: Mapping[str, str]) -> Container:
    """Build a container from environment variables. Raises SettingsInvalid."""
    return Container(*load(environment))


@cache
def container() -> Container:
    """Return the container of this process. Raises SettingsInvalid."""
    return make(environ)
