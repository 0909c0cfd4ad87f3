"""Writes docs/licences.md, the packages in the Lambda functions with their licences: `make licences`."""

import json
import re
from collections.abc import Iterator
from importlib.metadata import Distribution, distribution
from pathlib import Path
from typing import NamedTuple

from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent
CONSOLE_LOCK = ROOT / "console" / "package-lock.json"
PAGE = ROOT / "docs" / "licences.md"
# Licences under which a package may be distributed together with our code (Apache-2.0). MPL-2.0: unmodified only.
ALLOWED = frozenset(
    {"Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "MIT", "MIT-CMU", "MPL-2.0", "PSF-2.0", "Public Domain"}
)
# The SPDX name of a licence that a package calls differently.
SPDX_NAME = {
    "Apache License 2.0": "Apache-2.0", "PSFL": "PSF-2.0", "Dual License": "Apache-2.0",  # dateutil: or BSD
    "BSD License": "BSD-3-Clause",  # segno
    "MIT License": "MIT",  # multipart
}  # fmt: skip
HEAD = """# Licences

The packages in the Lambda functions, listed by `make licences`. Tombola itself is Apache-2.0.

The web page of the API contains [OpenAPI Explorer](https://github.com/Authress-Engineering/openapi-explorer) 2.4.820
(Apache-2.0), unchanged from npm: `chalicelib/http/explorer`.

| package | version | licence |
| --- | --- | --- |
"""


CONSOLE_HEAD = """
The organisers' console is built of these packages from npm, and contains parts of them.

| package | version | licence |
| --- | --- | --- |
"""
# What npm's packages may have besides.
ALLOWED_IN_CONSOLE = ALLOWED | {"0BSD", "BSD", "ISC", "(MPL-2.0 OR Apache-2.0)"}


class Package(NamedTuple):
    name: str
    version: str
    licence: str


def deployed() -> Iterator[Package]:
    """Yield all packages of requirements.txt, and Chalice, which `chalice package` adds."""
    for name in sorted([*pinned(), "chalice"]):
        package = distribution(name)
        yield Package(name, package.version, licence_of(package))


def pinned() -> list[str]:
    text = (ROOT / "requirements.txt").read_text("utf-8")
    return re.findall(r"^([a-z0-9-]+)==", text, re.MULTILINE)


def needed_by(name: str) -> set[str]:
    """Return the packages that a package requires on this machine, without its extras."""
    requirements = [Requirement(line) for line in distribution(name).requires or ()]
    applicable = [item for item in requirements if not item.marker or item.marker.evaluate({"extra": ""})]
    return {requirement.name.lower().replace("_", "-") for requirement in applicable}


def licence_of(package: Distribution) -> str:
    for name in ("License-Expression", "License"):
        for value in package.metadata.get_all(name, []):
            return SPDX_NAME.get(str(value), str(value))
    for value in package.metadata.get_all("Classifier", []):
        if value.startswith("License :: "):
            name = str(value.rsplit(" :: ", 1)[-1])
            return SPDX_NAME.get(name, name)
    return "unknown"


def in_console() -> Iterator[Package]:
    """Yield the npm packages that the console needs when it runs, without those of other machines."""
    packages = json.loads(CONSOLE_LOCK.read_text("utf-8"))["packages"]
    for path, package in sorted(packages.items()):
        if path and not any(package.get(kind) for kind in ("dev", "devOptional", "optional", "peer")):
            yield Package(path.rpartition("node_modules/")[2], package["version"], package.get("license", "unknown"))


def page() -> str:
    return HEAD + _rows(deployed()) + CONSOLE_HEAD + _rows(in_console())


def _rows(packages: Iterator[Package]) -> str:
    return "".join(f"| {package.name} | {package.version} | {package.licence} |\n" for package in packages)


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
