"""Plays the part of Lambda's triggers: passes queue messages and minute ticks to the functions of `app.py`."""

import logging
import os
import signal
import sys
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from local.stack import REGION

Event = dict[str, Any]
Function = Callable[[Event, Any], object]

THREADS = 4
TICK_SECONDS = float(os.environ.get("TOMBOLA_TICK_SECONDS") or 60)  # on AWS the schedules run every minute
RETRY_SECONDS = 1.0
ACCOUNT = "000000000000"
WATCHED = ("app.py", "chalicelib")

log = logging.getLogger("local.worker")


@dataclass(frozen=True)
class Context:
    """The attributes of Lambda's context object that Powertools and Chalice read."""

    function_name: str
    memory_limit_in_mb: int = 1024
    function_version: str = "$LATEST"
    aws_request_id: str = field(default_factory=lambda: str(uuid.uuid4()))

    @property
    def invoked_function_arn(self) -> str:
        return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{self.function_name}"

    def get_remaining_time_in_millis(self) -> int:
        return 30_000


def sqs_event(message: Mapping[str, Any], queue_url: str = "inbox.fifo") -> Event:
    """Return the event that Lambda makes of a message from boto3's `receive_message`."""
    return {
        "Records": [
            {
                "messageId": message["MessageId"],
                "receiptHandle": message["ReceiptHandle"],
                "body": message["Body"],
                "attributes": dict(message.get("Attributes", {})),
                "messageAttributes": {},
                "md5OfBody": message.get("MD5OfBody", ""),
                "eventSource": "aws:sqs",
                "eventSourceARN": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{queue_url.rsplit('/', 1)[-1]}",
                "awsRegion": REGION,
            }
        ]
    }


def schedule_event(now: datetime, rule: str = "tombola-local-minute") -> Event:
    """Return the event of a schedule that fires at `now`, an aware datetime."""
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": ACCOUNT,
        "time": now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": REGION,
        "resources": [f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{rule}"],
        "detail": {},
    }


def handle_one(sqs: Any, queue_url: str, function: Function, wait_seconds: int = 1) -> bool | None:
    """Pass one message to `function`. Return True if it succeeded, False if it failed, None if there was none.

    A message that fails stays in the queue, as on AWS: it is delivered again after the visibility timeout, and moved to
    the dead-letter queue after the maximum number of tries.
    """
    response = sqs.receive_message(
        QueueUrl=queue_url, MaxNumberOfMessages=1, WaitTimeSeconds=wait_seconds, AttributeNames=["All"]
    )
    for message in response.get("Messages", []):
        if not _run(_name(function), function, sqs_event(message, queue_url)):
            return False
        sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])
        return True
    return None


def tick(functions: Mapping[str, Function], now: datetime) -> None:
    """Run each scheduled function once. If one fails, the others still run."""
    for name, function in functions.items():
        _run(name, function, schedule_event(now, f"tombola-local-{name}"))


def _name(function: Function) -> str:
    name: str = getattr(function, "func", function).__name__  # Chalice wraps the functions of app.py
    return name


def _run(name: str, function: Function, event: Event) -> bool:
    try:
        function(event, Context(name))
    except Exception:  # like Lambda, survive whatever a function raises
        log.exception("%s failed", name)
        return False
    return True


def _serve_until(stop: threading.Event, queue_url: str, function: Function) -> None:
    sqs = boto3.client("sqs", config=Config(retries={"total_max_attempts": 1}))
    while not stop.is_set():
        try:
            handle_one(sqs, queue_url, function)
        except (BotoCoreError, ClientError) as failure:
            log.warning("The queue does not answer: %s", failure)
            stop.wait(RETRY_SECONDS)


def work() -> None:
    """Serve the queues and the schedules until the process is told to stop, then finish the current messages.

    A message that is abandoned would block its contact's later messages for the visibility timeout.
    """
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    logging.basicConfig(stream=sys.stdout, level=logging.WARNING, format="%(levelname)s %(message)s")
    import app  # noqa: PLC0415 - the reloader must survive an app.py that cannot be imported

    inbox = os.environ["TOMBOLA_INBOX_QUEUE"]
    exports = os.environ["TOMBOLA_EXPORTS_QUEUE"]
    threads = [
        threading.Thread(target=_serve_until, args=(stop, inbox, app.converse), daemon=True) for _ in range(THREADS)
    ]
    others = {"TOMBOLA_DECISIONS_QUEUE": app.decide_on_proof, "TOMBOLA_WAKE_UPS_QUEUE": app.deliver_to_person}
    threads += [
        threading.Thread(target=_serve_until, args=(stop, os.environ[name], function), daemon=True)
        for name, function in others.items()
        if os.environ.get(name)
    ]
    # An export may take minutes, so do not wait for it at the end. Its message is delivered again later.
    exporter = threading.Thread(target=_serve_until, args=(stop, exports, app.export), daemon=True)
    for thread in (*threads, exporter):
        thread.start()
    scheduled = {"expire_reservations": app.expire_reservations, "deliver_messages": app.deliver_messages}
    while not stop.is_set():
        started = time.monotonic()
        tick(scheduled, datetime.now(UTC))
        stop.wait(max(0.0, TICK_SECONDS - (time.monotonic() - started)))
    for thread in threads:
        thread.join()


def main() -> None:
    """Work, and restart when the code changes."""
    from watchfiles import PythonFilter, run_process  # noqa: PLC0415 - tests use this module without the reloader

    run_process(*WATCHED, target=work, watch_filter=PythonFilter(), grace_period=1.0)


if __name__ == "__main__":
    main()
