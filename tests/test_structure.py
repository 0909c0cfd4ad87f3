"""Who may import what, and that nothing happens at import."""

import ast
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from shutil import copy as shutil_copy
from shutil import copytree, ignore_patterns

import pytest

ROOT = Path(__file__).parents[1]
PRODUCT = sorted([ROOT / "app.py", *(ROOT / "chalicelib").rglob("*.py")])
NAMES = [str(path.relative_to(ROOT)) for path in PRODUCT]
TESTS = {str(path.relative_to(ROOT)): path for path in sorted((ROOT / "tests").rglob("*.py"))}


def imported(path: Path) -> Iterator[str]:
    """The modules that a file imports, those inside functions included."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module or ""


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("chalicelib/domain/")])
def test_the_domain_imports_the_standard_library_alone(name: str) -> None:
    for module in imported(ROOT / name):
        assert module.split(".")[0] in sys.stdlib_module_names or module.startswith("chalicelib.domain."), module


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("chalicelib/domain/")])
def test_the_domain_knows_no_clock_no_chance_and_no_environment(name: str) -> None:
    tree = ast.parse((ROOT / name).read_text(encoding="utf-8"))
    used = {
        f"{node.value.id}.{node.attr}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    }
    assert not used & {"datetime.now", "datetime.utcnow", "date.today", "time.time", "os.environ", "random.seed"}
    assert not {"os", "time", "socket", "secrets", "subprocess"} & {
        module.split(".")[0] for module in imported(ROOT / name)
    }


# A wrong import for each contract of pyproject.toml: the file that gets it, and the import.
PLANTED = {
    "layers": ("chalicelib/store/orders.py", "import chalicelib.services.raffles"),
    "services": ("chalicelib/services/messaging/outbox.py", "import chalicelib.services.orders.holds"),
    "pynamodb": ("chalicelib/services/raffles.py", "import pynamodb.models"),
    "records": ("chalicelib/services/raffles.py", "import chalicelib.store.records"),
    "chalice": ("chalicelib/services/raffles.py", "import chalice"),
    "domain": ("chalicelib/domain/orders.py", "import pydantic"),
    "sandbox": ("whatsapp_sandbox/server.py", "import chalicelib.domain.orders"),
    "product": ("chalicelib/container.py", "import local.worker"),
}


def lint_imports(root: Path, *contracts: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache", "--no-logo"]
    command += [argument for contract in contracts for argument in ("--contract", contract)]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    return subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packages of the contracts, to plant imports in."""
    root = tmp_path_factory.mktemp("structure")
    for package in ("chalicelib", "whatsapp_sandbox", "local"):
        copytree(ROOT / package, root / package, ignore=ignore_patterns("__pycache__", "static", "responses", "locale"))
    shutil_copy(ROOT / "pyproject.toml", root / "pyproject.toml")
    return root


def test_every_contract_has_a_wrong_import_below() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    contracts = settings["contracts"]
    assert {contract["id"] for contract in contracts} == set(PLANTED)


def test_imports_go_one_way(copy: Path) -> None:
    done = lint_imports(copy)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("contract", PLANTED)
def test_a_wrong_import_breaks_its_contract(copy: Path, contract: str) -> None:
    name, line = PLANTED[contract]
    path = copy / name
    text = path.read_text(encoding="utf-8")
    path.write_text(f"{text}\n{line}\n", encoding="utf-8")
    try:
        done = lint_imports(copy, contract)
    finally:
        path.write_text(text, encoding="utf-8")
    assert done.returncode == 1, done.stdout
    assert "BROKEN" in done.stdout


@pytest.mark.parametrize("name", TESTS)
def test_tests_import_no_test_module_and_no_conftest(name: str) -> None:
    tree = ast.parse(TESTS[name].read_text(encoding="utf-8"))
    froms = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    modules = {*imported(TESTS[name]), *(f"{node.module}.{alias.name}" for node in froms for alias in node.names)}
    for module in modules:
        assert not re.match(r"tests\.(.+\.)?(test_\w+|conftest)$", module), module


def test_the_helpers_of_tests_live_in_support() -> None:
    helpers = [name for name in TESTS if not Path(name).name.startswith(("test_", "conftest.", "__init__."))]
    assert [name for name in helpers if not name.startswith("tests/support/")] == []


BARE = """
import socket
def no(*arguments, **named):
    raise AssertionError("something happened at import")
socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = no
import botocore.session
botocore.session.Session.create_client = no
import boto3
boto3.client = boto3.resource = no
import app
print("imported", len(app.app.routes))
"""


def test_app_is_imported_without_environment_connection_or_client() -> None:
    done = subprocess.run([sys.executable, "-c", BARE], cwd=ROOT, env={}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("imported")
    assert done.stderr == ""
