"""The webhook: its calls to the queue, and its own time."""

from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import replace
from functools import partial
from io import StringIO
from statistics import median
from typing import Any
from unittest.mock import patch

import app
from bench.dynamodb_meter import timed
from bench.figures import Figure, spread
from bench.testbed import START, Testbed
from chalicelib import container as composition
from chalicelib.telemetry import metrics
from local.worker import Context
from whatsapp_sandbox import webhooks

Json = dict[str, Any]
UPDATES = 1000
RUNS = 200


class CountingQueue:
    """A queue that counts the calls and accepts everything."""

    def __init__(self) -> None:
        self.calls = 0

    def send_message_batch(self, **_: Any) -> Json:
        self.calls += 1
        return {}


def webhook(testbed: Testbed) -> Iterator[Figure]:
    """Measure signed bodies as API Gateway passes them to the function, including logs and metrics."""
    with _queueing(testbed) as queue:
        _post(testbed, [_status(number) for number in range(UPDATES)])
        calls = queue.calls
        runs = testbed.runs(RUNS)
        yield Figure(f"webhook: queue calls for {UPDATES:,} updates", calls, "calls", "<= 100")
        seconds = [timed(partial(_call, _event(testbed, [_message(run)]))) for run in range(runs)]
        assert queue.calls == calls + runs, "not every message was queued"
        milliseconds = round(1000 * median(seconds), 2)
        yield Figure("webhook: own time, one message", milliseconds, "ms", "<= 15", spread(seconds))


@contextmanager
def _queueing(testbed: Testbed) -> Iterator[CountingQueue]:
    """Run the application with this testbed's container and a counting queue."""
    queue = CountingQueue()
    container = testbed.container
    vars(container)["inbox"] = replace(container.inbox, sqs=lambda: queue)
    count: Callable[..., None] = partial(type(metrics).add_metric, metrics)  # undo the testbed's patch
    composition.container.cache_clear()
    with (
        patch.object(composition, "make", lambda _: container),
        patch.object(metrics, "add_metric", count),
        redirect_stdout(StringIO()),
    ):
        yield queue
    composition.container.cache_clear()


def _post(testbed: Testbed, values: list[Json]) -> None:
    _call(_event(testbed, values))


def _call(event: Json) -> None:
    response = app.app(event, Context("api_handler"))
    assert response["statusCode"] == 200, response


def _event(testbed: Testbed, values: list[Json]) -> Json:
    """Return API Gateway's event for one body with one change per value."""
    changes = [{"field": "messages", "value": value} for value in values]
    entry = {"id": webhooks.OUR_BUSINESS.account_id, "changes": changes}
    raw = webhooks.encode({"object": "whatsapp_business_account", "entry": [entry]})
    headers = {
        "content-type": "application/json",
        "x-hub-signature-256": webhooks.sign(raw, testbed.container.secrets.app_secret),
    }
    return {
        "requestContext": {"resourcePath": "/whatsapp/webhook", "httpMethod": "POST", "identity": {}},
        "httpMethod": "POST", "headers": headers, "multiValueQueryStringParameters": None, "pathParameters": None,
        "stageVariables": None, "body": b64encode(raw).decode(), "isBase64Encoded": True,
    }  # fmt: skip


def _message(number: int) -> Json:
    person = webhooks.Person(name="Ana García", phone=f"+502{number:08}", user_id=f"GT.{number:015}")
    message_id = webhooks.new_message_id(person.phone or "", "in")
    return _value(webhooks.text_message(person, "5, 12, 99", message_id=message_id, at=START.timestamp()))


def _status(number: int) -> Json:
    person = webhooks.Person(name="Ana García", phone=f"+502{number:08}", user_id=f"GT.{number:015}")
    message_id = webhooks.new_message_id(person.phone or "", "out")
    return _value(webhooks.status(person, message_id, "delivered", at=START.timestamp(), tracking=f"{number:024}/1"))


def _value(body: Json) -> Json:
    value: Json = body["entry"][0]["changes"][0]["value"]
    return value
