"""Counts requests and capacity units, and replays requests with bare botocore."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import boto3
from botocore import xform_name
from botocore.config import Config

from chalicelib.store.records import low_level

Json = dict[str, Any]


@dataclass
class Request:
    """One request to DynamoDB, and the units that the engine says it took."""

    operation: str
    parameters: Json
    consumed: list[Json]

    @property
    def write_units(self) -> float:
        """Of the table and its indexes; 0 for what only reads."""
        reads = self.operation in ("GetItem", "BatchGetItem", "Query")
        return 0 if reads else sum(one["CapacityUnits"] for one in self.consumed)

    @property
    def read_units(self) -> float:
        reads = self.operation in ("GetItem", "BatchGetItem", "Query")
        return sum(one["CapacityUnits"] for one in self.consumed) if reads else 0


class Meter:
    """Listens to the product's client. While `listening` is off, it costs nothing that a measured time would show."""

    def __init__(self) -> None:
        self.made: list[Request] = []
        events = low_level().client.meta.events
        events.register("provide-client-params.dynamodb.*", self._asked)
        events.register("after-call.dynamodb.*", self._answered)
        self.listening = False

    def during(self, do: Callable[[], object]) -> list[Request]:
        self.made, self.listening = [], True
        try:
            do()
        finally:
            self.listening = False
        return self.made

    def _asked(self, params: Json, model: Any, **_: Any) -> Json | None:
        if not self.listening:
            return None
        asked = {**params, "ReturnConsumedCapacity": "INDEXES"}
        self.made.append(Request(model.name, asked, []))
        return asked

    def _answered(self, parsed: Json, **_: Any) -> None:
        if self.listening:
            consumed = parsed.get("ConsumedCapacity") or []
            self.made[-1].consumed = consumed if isinstance(consumed, list) else [consumed]


class Bare:
    """botocore without anything on top: the floor that times are compared with."""

    def __init__(self) -> None:
        self._client = boto3.client("dynamodb", config=Config(parameter_validation=False))

    def replay(self, requests: Iterable[Request], names: Mapping[str, str]) -> float:
        """Send the same requests with other names (ids of raffle, contact, order, message). Seconds taken."""
        prepared = [(xform_name(request.operation), _renamed(request.parameters, names)) for request in requests]
        begun = perf_counter()
        for operation, parameters in prepared:
            getattr(self._client, operation)(**parameters)
        return perf_counter() - begun


def _renamed(parameters: Json, names: Mapping[str, str]) -> Json:
    text = json.dumps({name: value for name, value in parameters.items() if name != "ClientRequestToken"})
    for ours, other in names.items():
        text = text.replace(ours, other)
    found: Json = json.loads(text)
    return found


def timed(do: Callable[[], object]) -> float:
    """Seconds that `do` takes."""
    begun = perf_counter()
    do()
    return perf_counter() - begun
