"""The quickened moto answers as moto does."""

from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from tests.support.quick_moto import quicken_moto

Json = dict[str, Any]
TABLE = "items"
KEYS = [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}]
BY_RANK = [{"AttributeName": "kind", "KeyType": "HASH"}, {"AttributeName": "rank", "KeyType": "RANGE"}]
TYPES = {"pk": "S", "sk": "S", "kind": "S", "rank": "N"}


def item(pk: str, sk: str, rank: int, **more: Json) -> Json:
    return {"pk": {"S": pk}, "sk": {"S": sk}, "kind": {"S": "k"}, "rank": {"N": str(rank)}, **more}


MANY: Json = {
    "text": {"S": "ñ"},
    "empty": {"S": ""},
    "number": {"N": "1.50"},
    "yes": {"BOOL": True},
    "none": {"NULL": True},
    "bytes": {"B": b"\x00\xff"},
    "words": {"SS": ["a", "b"]},
    "numbers": {"NS": ["1", "2"]},
    "list": {"L": [{"S": "x"}, {"L": [{"B": b"\x01"}]}, {"M": {}}]},
    "map": {"M": {"S": {"S": "x"}, "B": {"B": b"\x02"}}},
}
VALUES = {":one": {"N": "1"}, ":word": {"S": "w"}}


def key(pk: str, sk: str) -> Json:
    return {"pk": {"S": pk}, "sk": {"S": sk}}


def query(**more: Any) -> tuple[str, Json]:
    return "query", {
        "KeyConditionExpression": "pk = :pk",
        "ExpressionAttributeValues": {":pk": {"S": "a"}},
        **more,
    }


def update(expression: str, *, names: Json | None = None, values: Json = VALUES) -> tuple[str, Json]:
    used = {name: value for name, value in values.items() if name in expression}
    return "update_item", {
        "Key": key("a", "1"),
        "UpdateExpression": expression,
        **({"ExpressionAttributeNames": names} if names else {}),
        **({"ExpressionAttributeValues": used} if used else {}),
        "ReturnValues": "ALL_NEW",
    }


def transaction(*steps: Json) -> tuple[str, Json]:
    return "transact_write_items", {
        "TransactItems": [{kind: {"TableName": TABLE, **step}} for entry in steps for kind, step in entry.items()]
    }


REQUESTS: list[tuple[str, Json]] = [
    ("put_item", {"Item": item("a", "1", 3, **MANY)}),
    ("put_item", {"Item": item("a", "1", 3, **MANY), "ReturnValues": "ALL_OLD"}),
    ("put_item", {"Item": item("a", "1", 3), "ConditionExpression": "attribute_not_exists(pk)"}),
    ("get_item", {"Key": key("a", "1")}),
    ("get_item", {"Key": key("a", "none")}),
    (
        "get_item",
        {"Key": key("a", "1"), "ProjectionExpression": "#l[1], yes", "ExpressionAttributeNames": {"#l": "list"}},
    ),
    ("get_item", {"Key": key("", "1")}),
    (
        "update_item",
        {
            "Key": key("a", "1"),
            "UpdateExpression": "SET #t = :word ADD rank :one",
            "ReturnValues": "ALL_NEW",
            "ExpressionAttributeNames": {"#t": "text"},
            "ExpressionAttributeValues": VALUES,
        },
    ),
    (
        "update_item",
        {
            "Key": key("a", "1"),
            "UpdateExpression": "ADD rank :one",
            "ConditionExpression": "rank < :one",
            "ExpressionAttributeValues": {":one": {"N": "1"}},
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        },
    ),
    (
        "update_item",
        {
            "Key": key("b", "new"),
            "UpdateExpression": "SET kind = :word",
            "ExpressionAttributeValues": {":word": {"S": "w"}},
        },
    ),
    update(
        "SET #l[0] = :word, #m.S = if_not_exists(#m.none, :word), kind = if_not_exists(kind, :word) "
        "ADD words :words, rank :one REMOVE #l[1], yes DELETE #n :numbers",
        names={"#l": "list", "#m": "map", "#n": "numbers"},
        values=VALUES | {":words": {"SS": ["b", "c"]}, ":numbers": {"NS": ["1"]}},
    ),
    update(
        "SET #l = list_append(#l, :more), rank = rank - :one",
        names={"#l": "list"},
        values={
            ":more": {"L": [{"S": "y"}]},
            ":one": {"N": "1"},
        },
    ),
    ("get_item", {"Key": key("a", "1")}),
    update("SET kind = :word, kind = :word"),
    update("SET kind = :word SET rank = :word"),
    update("SET sk = :word"),
    update("SET kind.word = :word"),
    update("SET kind = other"),
    update("SET kind = :unknown"),
    update("ADD kind :one"),
    update("SET #t = :large", names={"#t": "text"}, values={":large": {"S": "x" * 409_000}}),
    ("put_item", {"Item": item("a", "large", 1, text={"S": "x" * 409_000})}),
    ("put_item", {"Item": item("a", "large", 1, text={"S": "x" * 400_000})}),
    ("delete_item", {"Key": key("a", "large")}),
    transaction(
        {
            "Update": {
                "Key": key("a", "1"),
                "UpdateExpression": "ADD words :words SET #m.S = :word",
                "ExpressionAttributeNames": {"#m": "map"},
                "ExpressionAttributeValues": {":words": {"SS": ["z"]}, ":word": {"S": "never"}},
            }
        },
        {"ConditionCheck": {"Key": key("a", "1"), "ConditionExpression": "attribute_not_exists(pk)"}},
    ),
    ("get_item", {"Key": key("a", "1")}),
    transaction(
        {"Put": {"Item": item("a", "2", 2)}},
        {"Put": {"Item": item("a", "10", 1)}},
        {"Put": {"Item": item("b", "1", 9)}},
        {
            "Update": {
                "Key": key("a", "1"),
                "UpdateExpression": "SET rank = :one",
                "ExpressionAttributeValues": {":one": {"N": "7"}},
            }
        },
        {"Delete": {"Key": key("b", "new")}},
    ),
    transaction(
        {"Put": {"Item": item("a", "3", 2)}},
        {
            "Update": {
                "Key": key("a", "1"),
                "UpdateExpression": "SET rank = :one",
                "ExpressionAttributeValues": {":one": {"N": "8"}},
            }
        },
        {
            "ConditionCheck": {
                "Key": key("a", "2"),
                "ConditionExpression": "attribute_not_exists(pk)",
                "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            }
        },
    ),
    ("get_item", {"Key": key("a", "1"), "ConsistentRead": True}),
    ("batch_get_item", {"RequestItems": {TABLE: {"Keys": [key("a", "1"), key("b", "1"), key("c", "1")]}}}),
    query(),
    query(ScanIndexForward=False, Limit=2),
    query(ExclusiveStartKey=key("a", "10")),
    query(Select="COUNT"),
    query(
        KeyConditionExpression="pk = :pk AND begins_with(sk, :sk)",
        ExpressionAttributeValues={":pk": {"S": "a"}, ":sk": {"S": "1"}},
    ),
    query(
        FilterExpression="(rank > :low AND attribute_exists(kind)) OR NOT size(kind) < :low",
        ExpressionAttributeValues={":pk": {"S": "a"}, ":low": {"N": "1"}},
    ),
    query(
        IndexName="by_rank",
        KeyConditionExpression="kind = :k AND rank BETWEEN :low AND :high",
        ExpressionAttributeValues={":k": {"S": "k"}, ":low": {"N": "1"}, ":high": {"N": "9"}},
    ),
    query(KeyConditionExpression="pk = :pk AND unknown = :pk"),
    ("scan", {}),
    (
        "batch_write_item",
        {
            "RequestItems": {
                TABLE: [{"PutRequest": {"Item": item("d", "1", 1)}}, {"DeleteRequest": {"Key": key("a", "2")}}]
            },
        },
    ),
    ("delete_item", {"Key": key("d", "1"), "ReturnValues": "ALL_OLD"}),
    ("scan", {"Limit": 1}),
]


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[Any]]:
    """What each request is answered, in a new account."""
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)

    def ask() -> list[Any]:
        with mock_aws():
            client = boto3.client("dynamodb", "us-east-1", aws_access_key_id="test", aws_secret_access_key="test")
            client.create_table(
                TableName=TABLE,
                KeySchema=KEYS,
                BillingMode="PAY_PER_REQUEST",
                AttributeDefinitions=[{"AttributeName": name, "AttributeType": type_} for name, type_ in TYPES.items()],
                GlobalSecondaryIndexes=[
                    {"IndexName": "by_rank", "KeySchema": BY_RANK, "Projection": {"ProjectionType": "ALL"}}
                ],
            )
            return [answer(client, operation, asked) for operation, asked in REQUESTS]

    return ask


def answer(client: Any, operation: str, asked: Json) -> Json:
    of_one_table = operation not in ("transact_write_items", "batch_get_item", "batch_write_item")
    try:
        found = dict(getattr(client, operation)(**({"TableName": TABLE} if of_one_table else {}), **asked))
    except ClientError as refused:
        found = dict(refused.response)
    found["status"] = found.pop("ResponseMetadata")["HTTPStatusCode"]
    return found


def test_quick_moto_answers_as_moto_does(answers: Callable[[], list[Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    plain = answers()
    assert {answer["status"] for answer in plain} == {200, 400}
    quicken_moto(monkeypatch)
    for asked, expected, found in zip(REQUESTS, plain, answers(), strict=True):
        assert found == expected, asked


def test_quick_moto_queues_as_moto_does(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)

    def ask() -> list[Any]:
        with mock_aws():
            client = boto3.client("sqs", "us-east-1", aws_access_key_id="test", aws_secret_access_key="test")
            url = client.create_queue(QueueName="inbox")["QueueUrl"]
            entries = [{"Id": str(n), "MessageBody": f"ñ{n}", "DelaySeconds": 60 * n} for n in range(2)]
            sent = client.send_message_batch(QueueUrl=url, Entries=entries)
            received = client.receive_message(QueueUrl=url, MaxNumberOfMessages=10, AttributeNames=["All"])
            again = client.receive_message(QueueUrl=url)
            gone = client.delete_message(QueueUrl=url, ReceiptHandle=received["Messages"][0]["ReceiptHandle"])
            with pytest.raises(ClientError) as refused:
                client.delete_message(QueueUrl=url, ReceiptHandle="none")
            return [alike(answer) for answer in (sent, received, again, gone, refused.value.response)]

    plain = ask()
    quicken_moto(monkeypatch)
    assert ask() == plain


def alike(answer: Any) -> Any:
    """The answer without what differs each time: ids, times, and how it came."""
    if isinstance(answer, dict):
        differs = {"ResponseMetadata", "MessageId", "ReceiptHandle"}
        return {
            name: type(value) if name in differs or name.endswith("Timestamp") else alike(value)
            for name, value in answer.items()
        }
    return [alike(part) for part in answer] if isinstance(answer, list) else answer
