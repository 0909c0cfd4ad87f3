"""The stack of an earlier version is updated in place: CloudFormation replaces nothing that holds data or messages.

Each file in stacks/ has what a version's template named. It is never made anew: where template and file no longer fit,
a deployment would throw away a queue, or ask for a setting that nobody has.
"""

import json
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
Json = dict[str, Any]
TEMPLATE: Json = json.loads((ROOT / "infra" / "resources.json").read_text(encoding="utf-8"))
VERSIONS = [
    json.loads(path.read_text(encoding="utf-8")) for path in sorted((Path(__file__).parent / "stacks").iterdir())
]


@pytest.fixture(params=VERSIONS)
def before(request: pytest.FixtureRequest) -> Json:
    found: Json = request.param
    return found


def test_no_resource_is_removed_or_replaced(before: Json) -> None:
    """A resource with another logical ID, type or name is a new one, and the old one is deleted."""
    for name, old in before["resources"].items():
        new = TEMPLATE["Resources"][name]
        assert new.get("Type") == old.get("type"), name
        for property_, value in old.get("identity", {}).items():
            assert new["Properties"][property_] == value, f"{name}.{property_}"


def test_no_new_parameter_is_required_and_no_old_one_unknown(before: Json) -> None:
    parameters = TEMPLATE["Parameters"]
    assert set(before["parameters"]) <= parameters.keys()
    assert all("Default" in parameters[name] for name in parameters.keys() - set(before["parameters"]))


def test_what_commands_read_of_a_stack_is_still_there(before: Json) -> None:
    assert set(before["outputs"]) <= TEMPLATE["Outputs"].keys()
