"""The wire between botocore and DynamoDB, where a test says what the stand-ins never do on their own."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import ConnectionClosedError, EndpointConnectionError, ReadTimeoutError
from moto.core.models import botocore_stubber

from chalicelib.store.records import low_level

Json = dict[str, Any]
URL = "https://dynamodb.invalid"


@dataclass(frozen=True)
class Asked:
    """A request as it is on its way: `operation`, `body`, and how to let it pass."""

    operation: str
    body: Json
    request: AWSPreparedRequest = field(repr=False)
    send: Callable[[AWSPreparedRequest], AWSResponse] = field(repr=False)

    def passed(self, **changed: Any) -> AWSResponse:
        """What the engine answers, to the request as it is or with some of its parameters changed (None: left out)."""
        body = {name: value for name, value in {**self.body, **changed}.items() if value is not None}
        self.request.body = json.dumps(body).encode()
        self.request.headers["Content-Length"] = str(len(self.request.body))
        return self.send(self.request)


Effect = Callable[[Asked], AWSResponse]  # answers, or raises what botocore's HTTP session would


class Wire:
    """Every request goes through `send`: it is noted, and then the effect that fits it happens, or it passes."""

    def __init__(self, engine: Callable[[AWSPreparedRequest], AWSResponse], *, minds_tokens: bool) -> None:
        self.asked: list[Asked] = []
        self.effect: Callable[[int, Asked], Effect | None] = nothing
        self._engine = engine
        self.minds_tokens = minds_tokens  # knows a transaction by its token, as DynamoDB does and moto does not
        self._tokens: dict[str, Json] = {}

    def send(self, request: AWSPreparedRequest) -> AWSResponse:
        target = request.headers["X-Amz-Target"]
        operation = (target.decode() if isinstance(target, bytes) else target).rpartition(".")[2]
        asked = Asked(operation, json.loads(request.body), request, self._pass)
        effect = self.effect(len(self.asked), asked)
        self.asked.append(asked)
        return effect(asked) if effect else self._pass(request)

    def operations(self) -> list[str]:
        return [asked.operation for asked in self.asked]

    def rests(self) -> None:
        """From now on everything passes; what was asked is forgotten."""
        self.effect = nothing
        self.asked.clear()

    def _pass(self, request: AWSPreparedRequest) -> AWSResponse:
        body = json.loads(request.body)
        token = body.get("ClientRequestToken")
        if not self.minds_tokens or token is None:
            return self._engine(request)
        if token in self._tokens:
            return answer({}) if self._tokens[token] == body else error("IdempotentParameterMismatchException")
        answered = self._engine(request)
        if answered.status_code == 200:
            self._tokens[token] = body
        return answered


def nothing(_number: int, _asked: Asked) -> None:
    """No effect."""


@contextmanager
def tapped(*, moto: bool) -> Iterator[Wire]:
    """The wire of the store's own client, in front of moto or of an engine outside this process."""
    client = low_level().client
    endpoint = client._endpoint
    plain = endpoint._send
    wire = Wire(through_moto if moto else plain, minds_tokens=moto)
    if moto:  # it would answer before the request reaches the wire
        client.meta.events.unregister("before-send", botocore_stubber)
    endpoint._send = wire.send
    try:
        yield wire
    finally:
        endpoint._send = plain
        if moto:
            client.meta.events.register("before-send", botocore_stubber)


def through_moto(request: AWSPreparedRequest) -> AWSResponse:
    return botocore_stubber("before-send", request)


# Answers


class _Raw(BytesIO):
    def stream(self) -> Iterator[bytes]:
        yield self.getvalue()


def answer(body: Json, status: int = 200) -> AWSResponse:
    return AWSResponse(URL, status, {"Content-Type": "application/x-amz-json-1.0"}, _Raw(json.dumps(body).encode()))


def error(code: str, status: int = 400, **more: Any) -> AWSResponse:
    body = {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": "stubbed", **more}
    return answer(body, status)


def body_of(response: AWSResponse) -> Json:
    return dict(json.loads(response.content))


# Effects


def answers(code: str, status: int = 400) -> Effect:
    """An error; nothing was done."""
    return lambda asked: error(code, status)


def cancels(code: str) -> Effect:
    """A transaction is cancelled because of its last item; nothing is wrong with the others."""

    def effect(asked: Asked) -> AWSResponse:
        reasons = [{"Code": "None"} for _ in asked.body["TransactItems"]]
        reasons[-1] = {"Code": code, "Message": "stubbed"}
        return error("TransactionCanceledException", Message="stubbed", CancellationReasons=reasons)

    return effect


def cannot_connect(asked: Asked) -> AWSResponse:
    raise EndpointConnectionError(endpoint_url=URL)


def resets_before(asked: Asked) -> AWSResponse:
    """The connection breaks; the request was never seen."""
    raise ConnectionClosedError(endpoint_url=URL)


def resets_after(asked: Asked) -> AWSResponse:
    """The connection breaks; the request was done."""
    asked.passed()
    raise ConnectionClosedError(endpoint_url=URL)


def times_out_after(asked: Asked) -> AWSResponse:
    """No answer comes; the request was done."""
    asked.passed()
    raise ReadTimeoutError(endpoint_url=URL)


def fails_after(asked: Asked) -> AWSResponse:
    """A 500, though the request was done."""
    asked.passed()
    return error("InternalServerError", 500)


def leaves_out(done: int) -> Effect:
    """A batch read brings only so many of its keys and leaves the others for later."""

    def effect(asked: Asked) -> AWSResponse:
        ((table, wanted),) = asked.body["RequestItems"].items()
        now, later = wanted["Keys"][:done], wanted["Keys"][done:]
        left = {table: {**wanted, "Keys": later}} if later else {}
        if not now:
            return answer({"Responses": {table: []}, "UnprocessedKeys": left})
        found = body_of(asked.passed(RequestItems={table: {**wanted, "Keys": now}}))
        return answer({**found, "UnprocessedKeys": left})

    return effect


def short_page(asked: Asked) -> AWSResponse:
    """A query reads one item and says that there is more: a page may be short, or empty where a filter applies."""
    return asked.passed(Limit=1)


EMPTY = {"pk": {"S": "nothing yet"}, "sk": {"S": "nothing yet"}}


def empty_page(asked: Asked) -> AWSResponse:
    """A query brings nothing and says that there is more; asked on, it brings everything."""
    if asked.body.get("ExclusiveStartKey") == EMPTY:
        return asked.passed(ExclusiveStartKey=None)
    if "ExclusiveStartKey" in asked.body:
        return asked.passed()
    return answer({"Items": [], "Count": 0, "ScannedCount": 0, "LastEvaluatedKey": EMPTY})


# When


def once(number: int, effect: Effect, operations: Sequence[str] = ()) -> Callable[[int, Asked], Effect | None]:
    """The effect on request `number`, counted from 0, if it is one of the operations (none given: any)."""
    return lambda at, asked: effect if at == number and _fits(asked, operations) else None


def from_then_on(number: int, effect: Effect, operations: Sequence[str] = ()) -> Callable[[int, Asked], Effect | None]:
    """The effect on every such request from `number` on."""
    return lambda at, asked: effect if at >= number and _fits(asked, operations) else None


def always(effect: Effect, *operations: str) -> Callable[[int, Asked], Effect | None]:
    return from_then_on(0, effect, operations)


def _fits(asked: Asked, operations: Sequence[str]) -> bool:
    return not operations or asked.operation in operations
