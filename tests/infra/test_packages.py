"""Deployed packages are pinned with hashes, in use, and may be distributed with our code."""

import ast
import re
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

from tools import licences

ROOT = Path(__file__).parents[2]
BUNDLED = "tzdata"  # zoneinfo's data, which Python reads by itself where the machine has none
LOCKED = (ROOT / "requirements.txt").read_text(encoding="utf-8")


def imported() -> set[str]:
    """Return the packages that the deployed code imports."""
    distributions = packages_distributions()
    packages: set[str] = set()
    for path in (ROOT / "app.py", *(ROOT / "chalicelib").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module:
                modules = [node.module]
            for module in modules:
                packages |= {name.lower().replace("_", "-") for name in distributions.get(module.split(".")[0], ())}
    return packages


def unused(pinned: list[str]) -> set[str]:
    """Return the packages that neither our code nor a package in use requires."""
    used = {*imported(), BUNDLED}
    visited: set[str] = set()
    while used - visited:
        name = (used - visited).pop()
        visited.add(name)
        if name in pinned or name == "chalice":
            used |= licences.needed_by(name)
    return set(pinned) - used


def test_each_package_is_in_use() -> None:
    assert unused(licences.pinned()) == set()


def test_an_unused_package_is_found() -> None:
    assert unused([*licences.pinned(), "hypothesis"]) == {"hypothesis"}


def test_each_package_is_pinned_with_the_hashes_of_all_its_files() -> None:
    blocks = re.split(r"\n(?=\S)", LOCKED.strip())
    blocks = [block for block in blocks if not block.startswith("#")]
    requirements = (ROOT / "requirements.in").read_text(encoding="utf-8")
    assert {block.split(" ")[0] for block in blocks} == set(re.findall(r"^\S+==\S+", requirements, re.MULTILINE))
    assert all(re.fullmatch(r"\S+==\S+( \\\n    --hash=sha256:[0-9a-f]{64})+", block) for block in blocks)


def test_the_installed_packages_are_the_pinned_ones() -> None:
    assert {item.name: item.version for item in licences.deployed() if item.name != "chalice"} == dict(
        re.findall(r"^([a-z0-9-]+)==(\S+)", LOCKED, re.MULTILINE)
    )


def test_each_licence_allows_distribution_with_ours() -> None:
    assert {item.licence for item in licences.deployed()} <= licences.ALLOWED
    assert {item.licence for item in licences.in_console()} <= licences.ALLOWED_IN_CONSOLE


def test_the_page_lists_every_licence() -> None:
    assert licences.PAGE.read_text(encoding="utf-8") == licences.page(), f"{sys.executable} -m tools.licences"
