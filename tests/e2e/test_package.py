"""`chalice package` of a clean copy, without a secret: what it makes can be deployed, and imports anywhere."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.e2e.running import copy_of_the_project

pytestmark = pytest.mark.slow

LARGEST_ZIP = 22_000_000
SECONDS = 180
# On Lambda these come with the machine; here they say where Python and pip find what any process needs.
BARE = {
    name: os.environ[name] for name in ("PATH", "HOME", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE") if name in os.environ
}
PIP = {name: value for name, value in os.environ.items() if name.startswith("PIP_") or name.lower().endswith("_proxy")}


def test_the_deployment_is_packaged_without_secrets_and_imports_by_itself(tmp_path: Path) -> None:
    project = copy_of_the_project(tmp_path / "project")
    chalice = str(Path(sys.executable).with_name("chalice"))
    command = [chalice, "package", "--stage", "prod", "--merge-template", "infra/resources.json", "out/"]
    # Chalice asks boto3 for a region, although nothing in the template depends on it.
    environment = {**BARE, **PIP, "AWS_DEFAULT_REGION": "us-east-1"}

    packaged = subprocess.run(
        command, cwd=project, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
    )

    assert packaged.returncode == 0, packaged.stdout + packaged.stderr
    resources = json.loads((project / "out" / "sam.json").read_text(encoding="utf-8"))["Resources"]
    assert [name for name, resource in resources.items() if "Type" not in resource] == []
    assert {"Table", "Bucket", "Inbox", "DeadLetters", "APIHandler", "Converse"} <= resources.keys()

    lint = Path(sys.executable).with_name("cfn-lint")
    linted = subprocess.run(
        [lint, "--regions", "us-east-1", "--", "out/sam.json"],
        cwd=project, capture_output=True, text=True, timeout=SECONDS, check=False,
    )  # fmt: skip
    assert linted.returncode == 0, linted.stdout

    deployment = project / "out" / "deployment.zip"
    assert deployment.stat().st_size <= LARGEST_ZIP
    with zipfile.ZipFile(deployment) as archive:
        wheels = {name: archive.read(name) for name in archive.namelist() if name.endswith(".dist-info/WHEEL")}
        assert wheels
        assert [name for name, wheel in wheels.items() if b"linux_x86_64" in wheel.replace(b"manylinux", b"")] == []
        archive.extractall(tmp_path / "lambda")

    # No environment at all, nothing but what is in the zip (-S: no site-packages), and no socket.
    code = (
        "import socket, sys\n"
        "def refuse(*_): raise AssertionError('a connection at import')\n"
        "socket.socket.connect = refuse\n"
        "import app\n"
        "print(len(app.app.routes), app.__file__)"
    )
    imported = subprocess.run(
        [sys.executable, "-S", "-c", code],
        cwd=tmp_path / "lambda",
        env={},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert imported.returncode == 0, imported.stderr
    assert int(imported.stdout.split()[0]) > 10
    assert str(tmp_path / "lambda") in imported.stdout
