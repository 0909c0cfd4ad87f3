"""The one template makes what tests, `make run` and production need, and making it again loses nothing."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from chalicelib.lambdas import LAST_TRY
from local import stack
from local.stack import StackFailed, create, data_template, read

TABLE_KEY = {"pk": {"S": "raffle#1"}, "sk": {"S": "raffle"}}


@pytest.fixture(autouse=True)
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        yield


def client(service: str) -> Any:
    return boto3.client(service, region_name=stack.REGION)


def test_the_template_makes_a_table_a_bucket_and_a_fifo_inbox_with_dead_letters() -> None:
    stack_names = create(None)

    table = client("dynamodb").describe_table(TableName=stack_names.table)["Table"]
    inbox = client("sqs").get_queue_attributes(QueueUrl=stack_names.queue_url, AttributeNames=["All"])["Attributes"]
    client("s3").head_bucket(Bucket=stack_names.bucket)
    assert [key["AttributeName"] for key in table["KeySchema"]] == ["pk", "sk"]
    assert stack_names.queue_url.endswith(".fifo")
    assert json.loads(inbox["RedrivePolicy"])["maxReceiveCount"] == 5


def test_making_it_again_gives_the_same_names_and_keeps_the_data() -> None:
    first = create(None)
    client("dynamodb").put_item(TableName=first.table, Item=TABLE_KEY)

    assert create(None) == first
    assert client("dynamodb").get_item(TableName=first.table, Key=TABLE_KEY)["Item"] == TABLE_KEY


def test_a_changed_template_updates_the_stack_in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    first = create(None)
    client("dynamodb").put_item(TableName=first.table, Item=TABLE_KEY)
    changed = data_template()
    changed["Resources"]["Inbox"]["Properties"]["VisibilityTimeout"] = 300
    monkeypatch.setattr(stack, "data_template", lambda: changed)

    assert create(None) == first
    assert client("dynamodb").get_item(TableName=first.table, Key=TABLE_KEY)["Item"] == TABLE_KEY


def test_two_stacks_live_beside_each_other() -> None:
    one = create(None, "tombola-one")
    other = create(None, "tombola-other")

    assert one.table != other.table
    assert one.bucket != other.bucket
    assert one.queue_url != other.queue_url


def test_a_missing_stack_is_one_clear_error() -> None:
    with pytest.raises(StackFailed, match="tombola-local cannot be read"):
        read(None)


def test_overrides_of_functions_wait_for_chalice() -> None:
    whole = json.loads(stack.TEMPLATE.read_text(encoding="utf-8"))["Resources"]

    data = {
        "Table",
        "Bucket",
        "AuditBucket",
        "Inbox",
        "DeadLetters",
        "Exports",
        "ExportsGivenUp",
        "WakeUps",
        "Decisions",
    }
    assert set(data_template()["Resources"]) == data
    assert {
        "APIHandler", "AdminToken", "Converse", "Export", "ExpireReservations", "DeliverMessages", "DeliverToPerson",
        "DecideOnProof",
    } <= set(whole)  # fmt: skip


def test_the_queue_and_its_function_agree_on_the_last_try() -> None:
    """What fails at it is kept with its reason; the queue would give it up without one."""
    assert data_template()["Resources"]["Inbox"]["Properties"]["RedrivePolicy"]["maxReceiveCount"] == LAST_TRY


def test_a_message_is_hidden_for_six_times_its_functions_time_out() -> None:
    """As AWS advises for a queue that feeds a function."""
    config = json.loads((stack.TEMPLATE.parent.parent / ".chalice" / "config.json").read_text(encoding="utf-8"))

    for queue, function in (("Inbox", "converse"), ("WakeUps", "deliver_to_person"), ("Decisions", "decide_on_proof")):
        hidden = data_template()["Resources"][queue]["Properties"]["VisibilityTimeout"]
        assert hidden >= 6 * config["lambda_functions"][function]["lambda_timeout"]
