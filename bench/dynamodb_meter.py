"""Counts requests to DynamoDB and their capacity units, and replays requests with bare botocore."""

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
    """A request to DynamoDB, with the capacity units that the engine reported for it."""

    operation: str
    parameters: Json
    consumed: list[Json]

    @property
    def write_units(self) -> float:
        """Write units of the table and its indexes. 0 for a request that only reads."""
        return 0 if self._only_reads else self._units

    @property
    def read_units(self) -> float:
        """Read units. 0 for a request that writes."""
        return self._units if self._only_reads else 0

    @property
    def _only_reads(self) -> bool:
        return self.operation in ("GetItem", "BatchGetItem", "Query")

    @property
    def _units(self) -> float:
        return float(sum(consumed["CapacityUnits"] for consumed in self.consumed))


class RequestMeter:
    """Records the requests of the application's client. Its cost is negligible while `recording` is off."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        events = low_level().client.meta.events
        events.register("provide-client-params.dynamodb.*", self._before)
        events.register("after-call.dynamodb.*", self._after)
        self.recording = False

    def during(self, action: Callable[[], object]) -> list[Request]:
        """Return the requests that are made during `action`."""
        self.requests = []
        self.recording = True
        try:
            action()
        finally:
            self.recording = False
        return self.requests

    def _before(self, params: Json, model: Any, **_: Any) -> Json | None:
        if not self.recording:
            return None
        parameters = {**params, "ReturnConsumedCapacity": "INDEXES"}
        self.requests.append(Request(model.name, parameters, []))
        return parameters

    def _after(self, parsed: Json, **_: Any) -> None:
        if self.recording:
            consumed = parsed.get("ConsumedCapacity") or []
            self.requests[-1].consumed = consumed if isinstance(consumed, list) else [consumed]


class BareClient:
    """botocore without any library on top: the baseline for times."""

    def __init__(self) -> None:
        self._client = boto3.client("dynamodb", config=Config(parameter_validation=False))

    def replay(self, requests: Iterable[Request], names: Mapping[str, str]) -> float:
        """Send the same requests again with other ids of raffle, contact, order and message. Return the seconds."""
        prepared = [(xform_name(request.operation), _renamed(request.parameters, names)) for request in requests]
        started_at = perf_counter()
        for operation, parameters in prepared:
            getattr(self._client, operation)(**parameters)
        return perf_counter() - started_at


def _renamed(parameters: Json, names: Mapping[str, str]) -> Json:
    text = json.dumps({name: value for name, value in parameters.items() if name != "ClientRequestToken"})
    for original, other in names.items():
        text = text.replace(original, other)
    renamed: Json = json.loads(text)
    return renamed


def timed(action: Callable[[], object]) -> float:
    """Return how many seconds `action` takes."""
    started_at = perf_counter()
    action()
    return perf_counter() - started_at
