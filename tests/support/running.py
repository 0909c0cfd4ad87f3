"""`make run`'s own parts, started and stopped as a person does, and the people who use them. Nothing here is faked."""

import contextlib
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import boto3
import requests
from pynamodb.attributes import UTCDateTimeAttribute

from chalicelib.store import orders
from chalicelib.store.records import stamp
from local.environment import API_TOKEN, HOST, Ports, aws_settings
from local.in_process import NO_LIMITS
from local.stack import STACK_NAME
from tests.support.log_watch import leaks_in
from whatsapp_sandbox import webhooks

Json = dict[str, Any]
T = TypeVar("T")

ROOT = Path(__file__).parent.parent.parent
READY = "Ctrl-C stops everything"
START_SECONDS = 600.0  # these three only end a run that hangs, so they are long enough for any busy machine
STOP_SECONDS = 300.0
ANSWER_SECONDS = 300.0
POLL_SECONDS = 0.03
# What would make the run another one than a fresh machine's.
OURS = ("AWS_", "WHATSAPP_", "TOMBOLA_", "POWERTOOLS_", "LOG_LEVEL", "API_PORT", "PHONE_PORT")

_starts = count(1)


class NotInTime(AssertionError):
    """A condition did not come true before its deadline."""


def until(find: Callable[[], T], what: str, seconds: float = ANSWER_SECONDS) -> T:
    """The first truthy result of `find`; NotInTime when there is none within `seconds`."""
    deadline = time.monotonic() + seconds
    while not (found := find()):
        if time.monotonic() > deadline:
            raise NotInTime(f"not within {seconds:g} s: {what}")
        time.sleep(POLL_SECONDS)
    return found


def free_ports() -> Ports:
    """Three ports that nobody listens on, from below those that the system hands to clients."""
    found: list[int] = []
    with contextlib.ExitStack() as held:
        while len(found) < 3:
            probe = held.enter_context(socket.socket())
            port = random.randrange(15_000, 32_000)
            with contextlib.suppress(OSError):
                probe.bind((HOST, port))
                found.append(port)
    return Ports(api=found[0], phone=found[1], aws=found[2])


def environment(ports: Ports, state: Path, settings: Mapping[str, str]) -> dict[str, str]:
    """Return this process's environment with our settings replaced by these ports, state directory and `settings`."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    chosen = {"API_PORT": str(ports.api), "PHONE_PORT": str(ports.phone), "AWS_PORT": str(ports.aws)}
    return {**clean, **chosen, "TOMBOLA_STATE": str(state), **settings}


@dataclass
class Run:
    """One `make run`: its addresses, its screen, and what an organiser and the AWS stand-in say."""

    ports: Ports
    state: Path
    process: subprocess.Popen[bytes]
    screen: Path  # what it prints to standard output
    errors: Path  # and to standard error

    token = API_TOKEN
    stack_name = STACK_NAME

    @property
    def api_url(self) -> str:
        return self.ports.api_url

    @cached_property
    def organiser(self) -> requests.Session:
        session = requests.Session()
        session.trust_env = False
        session.headers["Authorization"] = f"Token {self.token}"
        return session

    @cached_property
    def meta(self) -> requests.Session:
        """Whoever posts webhooks and looks at phones: no token."""
        session = requests.Session()
        session.trust_env = False
        return session

    def wait_until_ready(self) -> None:
        def ready() -> bool:
            if self.process.poll() is not None:
                raise AssertionError(f"make run stopped unexpectedly: {self.said()}{self.complained()}")
            return READY in self.said()

        until(ready, "make run is ready", START_SECONDS)

    def said(self) -> str:
        return self.screen.read_text(encoding="utf-8")

    def complained(self) -> str:
        return self.errors.read_text(encoding="utf-8")

    def leaks(self) -> list[str]:
        """What the product's own processes have logged of persons and secrets; the stand-ins may say what they like."""
        logs = [self.state / "logs" / f"{part}.log" for part in ("api", "worker")]
        return [leak for log in logs for leak in leaks_in(log)]

    def stop(self) -> int:
        """Ctrl-C. Returns the exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(STOP_SECONDS)

    # An organiser

    def api(self, method: str, path: str, body: Json | None = None) -> Json:
        answer = self.organiser.request(method, f"{self.api_url}{path}", json=body, timeout=ANSWER_SECONDS)
        assert answer.ok, f"{method} {path}: {answer.status_code} {answer.text}"
        found: Json = answer.json()
        return found

    def raffles(self) -> dict[str, Json]:
        """All raffles by code."""
        return {raffle["code"]: raffle for raffle in self.api("GET", "/api/raffles?page_size=200")["results"]}

    def raffle(self, code: str, **fields: Any) -> Json:
        """A new, active raffle."""
        values = {"title": f"Raffle {code}", "unit_amount": 100, "currency": "GTQ", "last_number": 100}
        values |= NO_LIMITS | fields
        made = self.api("POST", "/api/raffles", {"code": code, **values})
        return self.api("POST", f"/api/raffles/{made['id']}/activate", {})

    def availability(self, raffle: Json) -> tuple[int, int, int]:
        """(available, reserved, sold); their sum is checked."""
        found = self.api("GET", f"/api/raffles/{raffle['id']}/availability")
        assert found["total"] == found["available"] + found["reserved"] + found["sold"]
        return found["available"], found["reserved"], found["sold"]

    def tickets(self, raffle: Json, status: str) -> dict[int, str]:
        """Which numbers have this status, and the order of each."""
        found = self.api("GET", f"/api/raffles/{raffle['id']}/tickets?status={status}&page_size=200")["results"]
        return {ticket["number"]: ticket["order"] for ticket in found}

    def order(self, order_id: str) -> Json:
        return self.api("GET", f"/api/orders/{order_id}")

    # Meta

    def post_webhook(self, raw: bytes, signature: str | None) -> int:
        """Deliver these bytes; `None`: unsigned. Returns the HTTP status."""
        headers = {"Content-Type": "application/json"}
        if signature is not None:
            headers["X-Hub-Signature-256"] = signature
        url = f"{self.api_url}/whatsapp/webhook"
        return requests.post(url, data=raw, headers=headers, timeout=ANSWER_SECONDS).status_code

    def phone(self, method: str, path: str, **arguments: Any) -> Json:
        url = f"{self.ports.phone_url}{path}"
        answer = self.meta.request(method, url, timeout=ANSWER_SECONDS, **arguments)
        assert answer.ok, f"{method} {path}: {answer.status_code} {answer.text}"
        found: Json = answer.json() if answer.content else {}
        return found

    # AWS

    def items(self) -> dict[tuple[str, str], Json]:
        """Every item of the table by its keys."""
        pages = (
            self._aws("dynamodb").get_paginator("scan").paginate(TableName=self._named("Table"), ConsistentRead=True)
        )
        return {(item["pk"]["S"], item["sk"]["S"]): item for page in pages for item in page["Items"]}

    def dead_letters(self) -> int:
        """How many updates were given up."""
        sqs, attribute = self._aws("sqs"), "ApproximateNumberOfMessages"
        url = sqs.get_queue_url(QueueName=self._named("DeadLetters").rsplit("/", 1)[-1])["QueueUrl"]
        found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[attribute])
        return int(found["Attributes"][attribute]) + sum(pk.startswith("LETTER#") for pk, _ in self.items())

    def end_hold(self, order_id: str) -> None:
        """Set the deadline of a hold to now."""
        (pk, sk), now = orders.key(order_id), datetime.now(UTC)
        values = {":until": UTCDateTimeAttribute().serialize(now), ":queued": stamp(now, order_id)}
        self._aws("dynamodb").update_item(
            TableName=self._named("Table"), Key={"pk": {"S": pk}, "sk": {"S": sk}},
            UpdateExpression="SET reserved_until = :until, queue_at = :queued",
            ExpressionAttributeValues={name: {"S": value} for name, value in values.items()},
        )  # fmt: skip

    def _named(self, resource: str) -> str:
        """The physical name of a resource of `infra/`."""
        stack = self._aws("cloudformation").describe_stack_resources(StackName=self.stack_name)["StackResources"]
        return next(str(found["PhysicalResourceId"]) for found in stack if found["LogicalResourceId"] == resource)

    def _aws(self, service: str) -> Any:
        values = aws_settings(self.ports)
        return boto3.client(
            service,
            endpoint_url=self.ports.aws_url,
            region_name=values["AWS_REGION"],
            aws_access_key_id=values["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=values["AWS_SECRET_ACCESS_KEY"],
        )


def start(state: Path, ports: Ports | None = None, **settings: str) -> Run:
    """`python -m local`, which is all that `make run` does once everything is installed. Wait with wait_until_ready."""
    state.parent.mkdir(parents=True, exist_ok=True)
    ports, turn = ports or free_ports(), next(_starts)
    screen, errors = (state.with_name(f"{state.name}.{turn}.{stream}") for stream in ("out", "err"))
    with screen.open("wb") as out, errors.open("wb") as err:
        process = subprocess.Popen(
            [sys.executable, "-m", "local"],
            cwd=ROOT,
            env=environment(ports, state, settings),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            start_new_session=True,
        )
    return Run(ports, state, process, screen, errors)


@contextmanager
def running(state: Path, ports: Ports | None = None, **settings: str) -> Iterator[Run]:
    """A run that is ready. At the end it is stopped by Ctrl-C, which must be clean, with nothing to complain about."""
    run = start(state, ports, **settings)
    try:
        run.wait_until_ready()
        yield run
        code = run.stop()
    finally:
        if run.process.poll() is None:  # its guardian stops the children
            run.process.terminate()
            run.process.wait(STOP_SECONDS)
    assert (code, run.complained()) == (0, "")
    assert run.leaks() == []
    assert run.said().rstrip().endswith("Stopped.")
    assert not is_listening(run.ports)


def is_listening(ports: Ports) -> bool:
    """Whether anything answers on one of the ports."""
    for port in (ports.api, ports.phone, ports.aws):
        with socket.socket() as probe:
            if probe.connect_ex((HOST, port)) == 0:
                return True
    return False


@dataclass
class Somebody:
    """A person with WhatsApp. What they do returns what they are answered."""

    run: Run
    name: str  # as `?contact=` of the phone knows them: an id, a phone or a BSUID
    _read: int = field(default=-1)  # how many messages they know; -1: all that there are

    def __post_init__(self) -> None:
        if self._read < 0:
            self._read = len(self.heard())

    def says(self, text: str) -> Json:
        self._says(text)
        return self.hears()

    def taps(self, title: str) -> Json:
        """Tap the button or choose the row that begins with this, in what was said to them last."""
        last = self.heard()[self._read - 1]
        option = next(option for option in options_of(last["request"]) if option["title"].startswith(title))
        self._taps(last, option)
        return self.hears()

    def hears(self) -> Json:
        """The next message to them, which must come soon, as our request to Meta."""
        self._read += 1
        place = self._read
        until(lambda: len(self.heard()) >= place, f"{self.name} hears message {place}")
        request: Json = self.heard()[place - 1]["request"]
        return request

    def heard(self) -> list[Json]:
        """All messages that were accepted for them, oldest first."""
        found: list[Json] = self.run.phone("GET", "/stand-in/messages", params={"contact": self.name})["messages"]
        return found

    def _says(self, text: str) -> None:
        raise NotImplementedError

    def _taps(self, message: Json, option: Json) -> None:
        raise NotImplementedError


class OnThePhone(Somebody):
    """Somebody whose phone lies on the phone page: `lucia`, `marco`, `ana`, `organiser`."""

    def chat(self) -> list[Json]:
        """What their phone shows, oldest first."""
        found: list[Json] = self.run.phone("GET", f"{self._chat}/messages")["messages"]
        return found

    def sends(self, content: bytes, mime_type: str, filename: str = "") -> Json:
        """Attach a file."""
        headers = {"Content-Type": mime_type}
        self.run.phone(
            "POST", f"{self._chat}/attachments", params={"filename": filename}, data=content, headers=headers
        )
        return self.hears()

    @property
    def _chat(self) -> str:
        return f"/phone/contacts/{self.name}"

    def _says(self, text: str) -> None:
        self.run.phone("POST", f"{self._chat}/messages", json={"text": text})

    def _taps(self, message: Json, option: Json) -> None:
        self.run.phone("POST", f"{self._chat}/messages", json={"choice": option["id"], "reply_to": message["id"]})


class Elsewhere(Somebody):
    """Somebody from Belize, so that they read English, whose webhooks the test makes itself."""

    SECRET = "local-app-secret"
    _numbers = count(random.randrange(10**6))

    def __init__(self, run: Run) -> None:
        number = next(self._numbers)
        self.person = webhooks.Person(name="Nadie", phone=f"+5014{number:07}", user_id=f"BZ.99{number:07}")
        super().__init__(run, self.person.phone or "")

    def writes(self, text: str) -> bytes:
        """The body of the webhook for a text that they write now."""
        message_id = webhooks.new_message_id(self.name, "in")
        return webhooks.encode(webhooks.text_message(self.person, text, message_id=message_id, at=time.time()))

    def _says(self, text: str) -> None:
        raw = self.writes(text)
        assert self.run.post_webhook(raw, webhooks.sign(raw, self.SECRET)) == requests.codes.ok


def options_of(message: Json) -> list[Json]:
    """The buttons or rows that a message offers: id and title."""
    action = message["interactive"]["action"]
    buttons = [button["reply"] for button in action.get("buttons", ())]
    return buttons + [row for section in action.get("sections", ()) for row in section["rows"]]


def copy_of_the_project(target: Path) -> Path:
    """What a clone would hold, and what was changed since, without anything that was made here."""
    made = (
        ".*_cache",
        "__pycache__",
        ".venv",
        ".cloud",
        ".local",
        ".git",
        ".hypothesis",
        "out",
        "ci-output",
        "node_modules",
    )
    made_in_chalice = ("deployed", "deployments")
    return Path(shutil.copytree(ROOT, target, ignore=shutil.ignore_patterns(*made, *made_in_chalice)))
