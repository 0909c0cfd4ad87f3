"""Answers that the Graph stand-in was told to give instead of its own: a recorded error, silence, a broken line."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

RECORDED = Path(__file__).parent / "responses"
LONGEST_HANG = 600  # seconds
OPERATIONS = ("send", "read", "upload", "lookup", "download", "any")
# What a recorded answer is about, where its name says so; all others are about sending.
ABOUT = {"media_404_expired": "download", "ok_media_lookup": "lookup", "ok_upload": "upload", "ok_read": "read"}


class BadAnswer(Exception):
    """The stand-in was told something that it does not understand."""


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """A file of `responses/`."""

    http_status: int
    headers: dict[str, str]
    body: Any
    body_text: str | None


@dataclass(frozen=True, kw_only=True)
class Told:
    """One order: what to answer, how many more times, to which operation, and whether to do the work all the same."""

    times: int
    operation: str
    response: str | None = None
    hang_seconds: float = 0
    drop_connection: bool = False
    # With True the message goes out although the caller sees a failure: the outcome that no client can know.
    accept: bool = False


@cache
def recorded(name: str) -> Recorded:
    """Read a file of `responses/` by name, with or without `.json`."""
    path = RECORDED / f"{Path(name).name.removesuffix('.json')}.json"
    if not path.is_file():
        raise BadAnswer(f"there is no response {name!r}; there are {', '.join(names())}")
    data = json.loads(path.read_text("utf-8"))
    return Recorded(
        http_status=data["http_status"],
        headers=data.get("headers", {}),
        body=data.get("body"),
        body_text=data.get("body_text"),
    )


def names() -> list[str]:
    """The names that `response` may have."""
    return sorted(path.stem for path in RECORDED.glob("*.json"))


def parse(order: object) -> Told:
    """Read an order from JSON. Raises BadAnswer."""
    if not isinstance(order, dict):
        raise BadAnswer("the order must be a JSON object")
    allowed = {"response", "times", "operation", "hang_seconds", "drop_connection", "accept"}
    if unknown := set(order) - allowed:
        raise BadAnswer(f"unknown: {', '.join(sorted(unknown))}; known: {', '.join(sorted(allowed))}")
    response, hang, drop = order.get("response"), order.get("hang_seconds", 0), order.get("drop_connection", False)
    if response is not None:
        recorded(str(response))
        response = Path(str(response)).name.removesuffix(".json")
    if not (isinstance(hang, (int, float)) and 0 <= hang <= LONGEST_HANG):
        raise BadAnswer(f"hang_seconds must lie between 0 and {LONGEST_HANG}")
    if response is None and not hang and not drop:
        raise BadAnswer("say response, hang_seconds or drop_connection")
    times, operation = order.get("times", 1), order.get("operation", ABOUT.get(response or "", "send"))
    if not isinstance(times, int) or isinstance(times, bool) or times < 1:
        raise BadAnswer("times must be a whole number from 1")
    if operation not in OPERATIONS:
        raise BadAnswer(f"operation must be one of {', '.join(OPERATIONS)}")
    # Who only hangs, answers as usual in the end.
    accept = bool(order.get("accept", response is None and not drop))
    return Told(
        times=times,
        operation=operation,
        response=response,
        hang_seconds=hang,
        drop_connection=bool(drop),
        accept=accept,
    )


class Answers:
    """The orders that are still to be carried out, first come first served."""

    def __init__(self) -> None:
        self._told: list[Told] = []

    def tell(self, order: Told) -> None:
        self._told.append(order)

    def clear(self) -> None:
        self._told.clear()

    def show(self) -> list[dict[str, Any]]:
        return [asdict(order) for order in self._told]

    def take(self, operation: str) -> Told | None:
        """Return the order for this operation, if there is one, and count it down."""
        for index, order in enumerate(self._told):
            if order.operation in (operation, "any"):
                if order.times > 1:
                    self._told[index] = replace(order, times=order.times - 1)
                else:
                    del self._told[index]
                return order
        return None
