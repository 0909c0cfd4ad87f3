"""The quickened client of a local engine answers as botocore's does."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, HTTPClientError

from local.engines import ministack
from tests.support.quick_client import quicken

Json = dict[str, Any]
TABLE = "items"
KEY = {"pk": {"S": "ñ"}}
ITEM = {**KEY, "B": {"B": b"\x00\xff"}, "list": {"L": [{"B": b"\x01"}, {"N": "1.5"}]}, "none": {"NULL": True}}
ONLY_NEW = {"ConditionExpression": "attribute_not_exists(pk)"}


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with ministack() as endpoint:
        client_of(endpoint).create_table(
            TableName=TABLE,
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        yield endpoint


def client_of(endpoint: str) -> Any:
    return boto3.client(
        "dynamodb", "us-east-1", endpoint_url=endpoint, aws_access_key_id="test", aws_secret_access_key="test"
    )


def answers(client: Any) -> list[Json]:
    """What these requests are answered, by a table without the item."""
    put = {"TableName": TABLE, "Item": ITEM}
    requests: list[tuple[str, Json]] = [
        ("PutItem", put),
        ("PutItem", {**put, **ONLY_NEW}),
        ("GetItem", {"TableName": TABLE, "Key": KEY}),
        ("TransactWriteItems", {"TransactItems": [{"Put": {**put, **ONLY_NEW}}]}),
        (
            "Query",
            {"TableName": "none", "KeyConditionExpression": "pk = :pk", "ExpressionAttributeValues": {":pk": {}}},
        ),
        ("DeleteItem", {"TableName": TABLE, "Key": KEY}),
    ]
    found = []
    for operation, request in requests:
        try:
            answer = client._make_api_call(operation, request)
        except ClientError as refused:
            answer = refused.response
            answer.pop("message", None)
            answer.pop("Message", None)
            answer.pop("__type", None)
            assert answer["ResponseMetadata"]["HTTPStatusCode"] >= 400
        answer.pop("ResponseMetadata", None)
        found.append(answer)
    return found


def test_quick_client_answers_as_botocore_does(endpoint: str) -> None:
    client = client_of(endpoint)
    plain = answers(client)
    quicken(client, timeout_seconds=60)
    assert answers(client) == plain
    assert plain[2]["Item"] == ITEM
    assert [answer["Error"]["Code"] for answer in plain if "Error" in answer][:2] == [
        "ConditionalCheckFailedException",
        "TransactionCanceledException",
    ]


def test_an_engine_that_is_gone_is_an_error_of_botocore() -> None:
    client = client_of("http://127.0.0.1:1")
    quicken(client, timeout_seconds=1)
    with pytest.raises(HTTPClientError):
        client._make_api_call("ListTables", {})
