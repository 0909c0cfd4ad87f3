"""Reads fields of an untrusted JSON object and refuses them as Meta does: missing, of the wrong type, too long."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from whatsapp_sandbox.graph_errors import Refused

Json = dict[str, Any]


def require_text(owner: Json, name: str, low: int, high: int, field: str = "") -> str:
    """Return a text of `low` to `high` characters. Raises Refused."""
    field = field or name
    value = owner.get(name)
    if value is None:
        raise Refused(131008, field)
    if not isinstance(value, str):
        raise Refused(131009, f"{field} must be a string")
    if not low <= len(value) <= high or (low and not value.strip()):
        raise Refused(131009, f"{field} length invalid. Min length: {low}, Max length: {high}")
    return value


def optional_text(owner: Json, name: str, high: int, field: str = "") -> str | None:
    """Return a text of at most `high` characters, or None when it is absent."""
    return None if owner.get(name) is None else require_text(owner, name, 0, high, field)


def require_object(owner: Json, name: str, field: str = "") -> Json:
    """Return the object under `name`. Raises Refused."""
    value = owner.get(name)
    if value is None:
        raise Refused(131008, field or name)
    if not isinstance(value, dict):
        raise Refused(131009, f"{field or name} must be an object")
    return value


def iterate_objects(owner: Json, name: str, field: str, *, required: bool = True) -> Iterator[tuple[str, Json]]:
    """Yield the objects of a list, each with its path, e.g. `action.buttons[0]`. Raises Refused."""
    values = owner.get(name)
    if values is None:
        if required:
            raise Refused(131008, field)
        return
    if not isinstance(values, list):
        raise Refused(131009, f"{field} must be a list")
    for index, value in enumerate(values):
        path = f"{field}[{index}]"
        if not isinstance(value, dict):
            raise Refused(131009, f"{path} must be an object")
        yield path, value


def require_unique(values: list[str], field: str) -> None:
    """Raise Refused if a value occurs twice."""
    if len(set(values)) < len(values):
        raise Refused(131009, f"{field} must be unique")
