"""What the roles in the template allow and deny a function to do in the table, as IAM decides it."""

import json
from collections.abc import Iterable
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

Json = dict[str, Any]
ROOT = Path(__file__).parents[2]


@cache
def template() -> Json:
    """The template's own part, without what Chalice adds."""
    parsed: Json = json.loads((ROOT / "infra" / "resources.json").read_text(encoding="utf-8"))
    return parsed


def statements(role: str) -> list[Json]:
    """The statements of a role's policy, without those that depend on a parameter."""
    [policy] = template()["Resources"][role]["Properties"]["Policies"]
    return [statement for statement in policy["PolicyDocument"]["Statement"] if "Fn::If" not in statement]


def allows(role: str, action: str, key: str) -> bool:
    """Whether the role may do this with items of this partition: something allows it, and nothing denies it."""
    return any(_applies(statement, action, key) for statement in _with_effect(role, "Allow")) and not denies(
        role, action, key
    )


def denies(role: str, action: str, key: str) -> bool:
    return any(_applies(statement, action, key) for statement in _with_effect(role, "Deny"))


def _with_effect(role: str, effect: str) -> Iterable[Json]:
    return (statement for statement in statements(role) if statement["Effect"] == effect)


def _applies(statement: Json, action: str, key: str) -> bool:
    actions = statement["Action"]
    named = any(fnmatchcase(action, pattern) for pattern in ([actions] if isinstance(actions, str) else actions))
    keys = [keys.get("dynamodb:LeadingKeys", "*") for keys in statement.get("Condition", {}).values()]
    return named and all(any(fnmatchcase(key, pattern) for pattern in patterns) for patterns in keys)
