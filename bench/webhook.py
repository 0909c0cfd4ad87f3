"""The webhook: how often it asks the queue, and how long it takes by itself."""

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
from bench.figure import Figure, spread
from bench.meter import timed
from bench.stage import START, Stage
from chalicelib import container as composition
from chalicelib.telemetry import metrics
from local.worker import Context
from whatsapp_sandbox import webhooks

Json = dict[str, Any]
UPDATES = 1000
RUNS = 200


class NoQueue:
    """Counts the calls, and takes everything at once."""

    def __init__(self) -> None:
        self.calls = 0

    def send_message_batch(self, **_: Any) -> Json:
        self.calls += 1
        return {}


def webhook(stage: Stage) -> Iterator[Figure]:
    """Signed bodies as API Gateway hands them to the function, through its route, with its logs and metrics."""
    with _queueing(stage) as queue:
        _post(stage, [_status(number) for number in range(UPDATES)])
        calls, runs = queue.calls, stage.runs(RUNS)
        yield Figure(f"webhook: queue calls for {UPDATES:,} updates", calls, "calls", "<= 100")
        seconds = [timed(partial(_call, _event(stage, [_message(run)]))) for run in range(runs)]
        assert queue.calls == calls + runs, "not every message was queued"
        milliseconds = round(1000 * median(seconds), 2)
        yield Figure("webhook: own time, one message", milliseconds, "ms", "<= 15", spread(seconds))


@contextmanager
def _queueing(stage: Stage) -> Iterator[NoQueue]:
    """The application on this stage's parts, without a queue."""
    queue, container = NoQueue(), stage.container
    vars(container)["inbox"] = replace(container.inbox, sqs=lambda: queue)
    count: Callable[..., None] = partial(type(metrics).add_metric, metrics)  # the stage has switched it off
    composition.container.cache_clear()
    with (
        patch.object(composition, "make", lambda _: container),
        patch.object(metrics, "add_metric", count),
        redirect_stdout(StringIO()),
    ):
        yield queue
    composition.container.cache_clear()


def _post(stage: Stage, values: list[Json]) -> None:
    _call(_event(stage, values))


def _call(event: Json) -> None:
    answer = app.app(event, Context("api_handler"))
    assert answer["statusCode"] == 200, answer


def _event(stage: Stage, values: list[Json]) -> Json:
    """API Gateway's event for one body that holds these values, in one change each."""
    changes = [{"field": "messages", "value": value} for value in values]
    entry = {"id": webhooks.OUR_BUSINESS.account_id, "changes": changes}
    raw = webhooks.encode({"object": "whatsapp_business_account", "entry": [entry]})
    headers = {
        "content-type": "application/json",
        "x-hub-signature-256": webhooks.sign(raw, stage.container.secrets.app_secret),
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
