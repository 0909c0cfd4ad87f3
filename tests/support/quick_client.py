"""Requests to a local DynamoDB engine without what only AWS needs, in a third of the processor time.

botocore signs each request, looks for its endpoint, and passes it through dozens of hooks. Thousands of them, from
processes that share the cores with the engine, would take most of the time of the races.
"""

import json
from base64 import b64decode, b64encode
from typing import Any
from uuid import uuid4

from botocore.exceptions import ClientError, HTTPClientError
from urllib3 import HTTPConnectionPool, connection_from_url
from urllib3.exceptions import HTTPError

Json = dict[str, Any]
HEADERS = {
    "Content-Type": "application/x-amz-json-1.0",
    # An engine reads the region and the account from it, and does not check it.
    "Authorization": "AWS4-HMAC-SHA256 Credential=test/20261123/us-east-1/dynamodb/aws4_request, "
    "SignedHeaders=host, Signature=none",
    "X-Amz-Date": "20261123T120000Z",
}
CONNECTIONS = 64
OK = 200


def quicken(client: Any, *, timeout_seconds: float) -> None:
    """Send this DynamoDB client's requests directly. Its hooks are no longer called."""
    pool = connection_from_url(client.meta.endpoint_url, maxsize=CONNECTIONS, timeout=timeout_seconds, retries=False)

    def call(operation: str, request: Json) -> Json:
        return _call(pool, operation, request)

    vars(client)["_make_api_call"] = call


def _call(pool: HTTPConnectionPool, operation: str, request: Json) -> Json:
    """Return the answer in botocore's form. Raises ClientError and HTTPClientError, as botocore does."""
    if operation == "TransactWriteItems":
        request.setdefault("ClientRequestToken", str(uuid4()))
    headers = {**HEADERS, "X-Amz-Target": f"DynamoDB_20120810.{operation}"}
    try:
        response = pool.urlopen("POST", "/", body=json.dumps(request, default=_as_text), headers=headers)
    except HTTPError as failure:
        raise HTTPClientError(error=failure) from failure
    answer: Json = json.loads(response.data, object_hook=_with_bytes)
    if response.status == OK:
        return answer
    code = str(answer.get("__type", response.status)).rpartition("#")[2]
    error = {"Code": code, "Message": answer.get("message") or answer.get("Message", "")}
    metadata = {"HTTPStatusCode": response.status, "HTTPHeaders": {}, "RetryAttempts": 0}
    refusal: Any = {**answer, "Error": error, "ResponseMetadata": metadata}
    raise ClientError(refusal, operation)


def _as_text(value: bytes) -> str:
    return b64encode(value).decode()


def _with_bytes(value: Json) -> Json:
    """Binary values come as text."""
    binary = value.get("B")
    return {"B": b64decode(binary)} if isinstance(binary, str) and len(value) == 1 else value
