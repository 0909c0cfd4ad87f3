"""Who may import what, and that nothing happens at import."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

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


def importers_of(package: str) -> set[str]:
    return {
        name
        for name, path in zip(NAMES, PRODUCT, strict=True)
        if any(module.split(".")[0] == package for module in imported(path))
    }


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


def test_only_the_store_imports_pynamodb() -> None:
    assert importers_of("pynamodb")
    assert {name for name in importers_of("pynamodb") if not name.startswith("chalicelib/store/")} == set()


def test_only_app_and_the_http_modules_import_chalice() -> None:
    assert "app.py" in importers_of("chalice")
    assert {
        name for name in importers_of("chalice") if name != "app.py" and not name.startswith("chalicelib/http/")
    } == set()


def test_the_store_and_whatsapp_know_nothing_of_http_and_each_use_case() -> None:
    inner = [name for name in NAMES if name.startswith(("chalicelib/store/", "chalicelib/whatsapp/"))]
    outer = (
        "chalicelib.http",
        "chalicelib.container",
        "chalicelib.lambdas",
        "chalicelib.services.orders.holds",
        "chalicelib.services.chat.handler",
    )
    for name in inner:
        assert not [module for module in imported(ROOT / name) if module.startswith(outer)], name


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
