"""The worker hands over what Lambda would, keeps what failed, and keeps the order within a contact."""

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import boto3
import pytest
from chalice.app import CloudWatchEvent, SQSEvent
from moto import mock_aws

from local import stack
from local.worker import Context, Event, handle_one, schedule_event, sqs_event, tick

NOW = datetime(2026, 11, 23, 12, 0, 5, tzinfo=timezone(timedelta(hours=-6)))


class Inbox:
    """A FIFO queue, and a function that remembers what it was given."""

    def __init__(self) -> None:
        self.client: Any = boto3.client("sqs", region_name=stack.REGION)
        self.url = stack.create(None).queue_url
        self.heard: list[str] = []
        self.fails = False

    def send(self, body: str, *, contact: str = "ana") -> None:
        self.client.send_message(
            QueueUrl=self.url, MessageBody=body, MessageGroupId=contact, MessageDeduplicationId=f"wamid.{body}"
        )

    def converse(self, event: Event, context: Any) -> None:
        self.heard += [record.body for record in SQSEvent(event, context)]
        if self.fails:
            raise ValueError("told to fail")

    def handle_one(self) -> bool | None:
        return handle_one(self.client, self.url, self.converse, wait_seconds=0)

    def attribute(self, name: str) -> int:
        return int(
            self.client.get_queue_attributes(QueueUrl=self.url, AttributeNames=[name])["Attributes"][name],
        )


@pytest.fixture
def inbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Inbox]:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        yield Inbox()


def test_a_message_is_handed_over_and_removed(inbox: Inbox) -> None:
    inbox.send("menu")

    assert inbox.handle_one() is True
    assert inbox.handle_one() is None
    assert inbox.heard == ["menu"]
    assert inbox.attribute("ApproximateNumberOfMessagesNotVisible") == 0


def test_m2_a_contacts_messages_come_one_after_another(inbox: Inbox) -> None:
    for body in ("raffles", "1", "5,12,99"):
        inbox.send(body)
        inbox.send(f"{body} of bea", contact="bea")

    while inbox.handle_one():
        pass
    assert [body for body in inbox.heard if "bea" not in body] == ["raffles", "1", "5,12,99"]


def test_a_message_that_fails_stays_for_another_try(inbox: Inbox) -> None:
    inbox.fails = True
    inbox.send("menu")

    assert inbox.handle_one() is False
    assert inbox.attribute("ApproximateNumberOfMessagesNotVisible") == 1


def test_the_queues_event_has_lambdas_form(inbox: Inbox) -> None:
    inbox.send("menu", contact="ana")
    received = inbox.client.receive_message(QueueUrl=inbox.url, AttributeNames=["All"])["Messages"][0]

    record = sqs_event(received, inbox.url)["Records"][0]

    assert record["body"] == "menu"
    assert record["messageId"]
    assert record["receiptHandle"]
    assert record["attributes"]["MessageGroupId"] == "ana"
    assert record["attributes"]["MessageDeduplicationId"] == "wamid.menu"
    assert record["attributes"]["ApproximateReceiveCount"] == "1"
    assert record["eventSource"] == "aws:sqs"
    assert record["eventSourceARN"] == "arn:aws:sqs:us-east-1:000000000000:tombola-local-inbox.fifo"


def test_a_ticks_event_tells_the_time_in_utc() -> None:
    event = CloudWatchEvent(schedule_event(NOW), None)

    assert event.time == "2026-11-23T18:00:05Z"
    assert event.source == "aws.events"
    assert event.detail_type == "Scheduled Event"


def test_a_schedule_that_fails_does_not_stop_the_next(caplog: pytest.LogCaptureFixture) -> None:
    ran: list[str] = []

    def fails(event: Event, context: Any) -> None:
        raise ValueError("told to fail")

    tick({"expire_reservations": fails, "deliver_messages": lambda event, context: ran.append(event["time"])}, NOW)

    assert ran == ["2026-11-23T18:00:05Z"]
    assert "expire_reservations failed" in caplog.text


def test_each_call_has_a_request_id_of_its_own() -> None:
    one = Context("converse")
    other = Context("converse")

    assert one.aws_request_id != other.aws_request_id
    assert one.invoked_function_arn.endswith(":function:converse")
