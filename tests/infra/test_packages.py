"""What is deployed is pinned, hashed, used, and may be handed on."""

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
    """The packages that our deployed code imports."""
    known, found = packages_distributions(), set[str]()
    for path in (ROOT / "app.py", *(ROOT / "chalicelib").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            modules = [one.name for one in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module:
                modules = [node.module]
            for module in modules:
                found |= {name.lower().replace("_", "-") for name in known.get(module.split(".")[0], ())}
    return found


def unused(pinned: list[str]) -> set[str]:
    """Those that neither our code nor a package of those asks for."""
    used, left = {*imported(), BUNDLED}, set[str]()
    while used - left:
        name = (used - left).pop()
        left.add(name)
        if name in pinned or name == "chalice":
            used |= licences.needed_by(name)
    return set(pinned) - used


def test_each_package_is_one_that_is_used() -> None:
    assert unused(licences.pinned()) == set()


def test_one_that_is_not_would_be_found() -> None:
    assert unused([*licences.pinned(), "hypothesis"]) == {"hypothesis"}


def test_each_package_is_pinned_with_the_hashes_of_all_its_files() -> None:
    blocks = re.split(r"\n(?=\S)", LOCKED.strip())
    blocks = [block for block in blocks if not block.startswith("#")]
    wanted = (ROOT / "requirements.in").read_text(encoding="utf-8")
    assert {block.split(" ")[0] for block in blocks} == set(re.findall(r"^\S+==\S+", wanted, re.MULTILINE))
    assert all(re.fullmatch(r"\S+==\S+( \\\n    --hash=sha256:[0-9a-f]{64})+", block) for block in blocks)


def test_what_is_installed_here_is_what_is_pinned() -> None:
    assert {one.name: one.version for one in licences.deployed() if one.name != "chalice"} == dict(
        re.findall(r"^([a-z0-9-]+)==(\S+)", LOCKED, re.MULTILINE)
    )


def test_each_licence_may_be_handed_on_with_ours() -> None:
    assert {one.licence for one in licences.deployed()} <= licences.ALLOWED


def test_the_page_has_them_all() -> None:
    assert licences.PAGE.read_text(encoding="utf-8") == licences.page(), f"{sys.executable} -m tools.licences"
