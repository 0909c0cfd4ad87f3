"""Writes docs/licences.md, what the Lambda functions carry and under which licences: `make licences`."""

import re
from collections.abc import Iterator
from importlib.metadata import Distribution, distribution
from pathlib import Path
from typing import NamedTuple

from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "licences.md"
# Which may be handed on together with ours, Apache-2.0. Those of MPL-2.0 are handed on unchanged.
ALLOWED = frozenset(
    {"Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "MIT", "MIT-CMU", "MPL-2.0", "PSF-2.0", "Public Domain"}
)
# What packages call them that do not use SPDX's words yet.
SAME = {
    "Apache License 2.0": "Apache-2.0", "PSFL": "PSF-2.0", "Dual License": "Apache-2.0",  # dateutil's: or BSD
}  # fmt: skip
HEAD = """# Licences

What the Lambda functions carry, by `make licences`. Tombola itself is Apache-2.0.

| package | version | licence |
| --- | --- | --- |
"""


class Package(NamedTuple):
    name: str
    version: str
    licence: str


def deployed() -> Iterator[Package]:
    """All of requirements.txt, and Chalice, which `chalice package` adds."""
    for name in sorted([*pinned(), "chalice"]):
        found = distribution(name)
        yield Package(name, found.version, licence_of(found))


def pinned() -> list[str]:
    text = (ROOT / "requirements.txt").read_text("utf-8")
    return re.findall(r"^([a-z0-9-]+)==", text, re.MULTILINE)


def needed_by(name: str) -> set[str]:
    """The packages that a package asks for here, without its extras."""
    all_of_them = (Requirement(one) for one in distribution(name).requires or ())
    wanted = (one for one in all_of_them if not one.marker or one.marker.evaluate({"extra": ""}))
    return {one.name.lower().replace("_", "-") for one in wanted}


def licence_of(found: Distribution) -> str:
    for name in ("License-Expression", "License"):
        for said in found.metadata.get_all(name, []):
            return SAME.get(str(said), str(said))
    return "unknown"


def page() -> str:
    return HEAD + "".join(f"| {one.name} | {one.version} | {one.licence} |\n" for one in deployed())


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
