"""`chalice package` of a clean copy, without a secret: what it makes can be deployed, and imports anywhere."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

from tests.support.running import copy_of_the_project
from tools import package

LARGEST_ZIP = 22_000_000
SECONDS = 1800
# On Lambda these come with the machine; here they say where Python and pip find what any process needs.
BARE = {
    name: os.environ[name] for name in ("PATH", "HOME", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE") if name in os.environ
}
PIP = {name: value for name, value in os.environ.items() if name.startswith("PIP_") or name.lower().endswith("_proxy")}


def test_the_deployment_is_packaged_without_secrets_and_imports_by_itself(tmp_path: Path) -> None:
    project = copy_of_the_project(tmp_path / "project")
    command = [sys.executable, "tools/package.py", "prod", "out/"]
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
        check_bytecode(archive)
        check_pages(archive)
        check_console(archive)

    # No environment at all, nothing but what is in the zip (-S: no site-packages), and no socket.
    routes, where = alone(tmp_path / "lambda", IMPORT).split()
    assert int(routes) > 10
    assert str(tmp_path / "lambda") in where
    assert alone(tmp_path / "lambda", CLIENTS).split() == [
        "dynamodb",
        "s3",
        "sqs",
        "ssm",
        "sts",
        "640",
    ]
    assert "UnknownServiceError" in alone(tmp_path / "lambda", NOT_OURS)
    assert alone(tmp_path / "lambda", DESCRIBED) == ""
    assert alone(tmp_path / "lambda", STATEMENT).split() == ["2500"]


def check_bytecode(archive: zipfile.ZipFile) -> None:
    """Made ahead for whatever is imported at a cold start, and never compared with dates, which say nothing there."""
    names = archive.namelist()
    made = {name for name in names if name.endswith(".pyc")}
    assert len(set(names)) == len(names)
    assert all(archive.read(name)[4:8] == b"\x01\0\0\0" for name in made)  # PEP 552: a hash that is not checked
    for source in names:
        if source == "app.py" or (source.startswith(("chalicelib/", "pydantic/main")) and source.endswith(".py")):
            folder, _, file = source.rpartition("/")
            compiled = f"__pycache__/{file.removesuffix('.py')}.cpython-311.pyc"
            assert (f"{folder}/{compiled}" if folder else compiled) in made


def check_pages(archive: zipfile.ZipFile) -> None:
    """The API's page and its descriptions are there, each of them small. What the page was made of is not."""
    pages = {name: archive.getinfo(name).file_size for name in archive.namelist() if "chalicelib/http/pages/" in name}
    assert len(pages) == 3 and sum(pages.values()) < 300_000
    assert [name for name in archive.namelist() if "swagger-ui" in name or "explorer.min" in name] == []


def check_console(archive: zipfile.ZipFile) -> None:
    """The console is there, each file compressed twice and nothing as it was."""
    files = [name for name in archive.namelist() if "/console_files/" in name]
    assert "chalicelib/http/console_files/index.html" in files
    assets = {name for name in files if "/assets/" in name}
    assert len(assets) > 10 and {name.rpartition(".")[2] for name in assets} == {"br", "gz"}
    assert [name for name in archive.namelist() if name.startswith("console/") or "node_modules" in name] == []


REFUSE = """
import socket, sys
def refuse(*_): raise AssertionError('a connection')
socket.socket.connect = refuse
"""
IMPORT = f"""{REFUSE}
import app
print(len(app.app.routes), app.__file__)
"""
# Clients as they are made in Lambda, and a look at a picture: what comes with its own shared libraries.
CLIENTS = f"""{REFUSE}
import boto3
given = dict(region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test")
for name in ("dynamodb", "s3", "sqs", "ssm", "sts"):
    print(boto3.client(name, **given).meta.service_model.service_name)
from io import BytesIO
from PIL import Image
from chalicelib.adapters.image_hash import compute_image_hash
found = [BytesIO(), BytesIO(), BytesIO()]
for file, form in zip(found, ("JPEG", "PNG", "WEBP")):
    Image.effect_mandelbrot((600, 800), (-2, -1, 1, 1), 50).save(file, form)
hashes = [compute_image_hash(file.getvalue(), f"image/{{form}}") for file, form in zip(found, ("jpeg", "png", "webp"))]
print(*{{len(each) for each in hashes}})
"""
NOT_OURS = """
import boto3
try: boto3.client("ec2", region_name="us-east-1")
except Exception as failure: print(type(failure).__name__)
"""
# Nothing of the description is built on Lambda.
DESCRIBED = """
import sys, app
from chalicelib.http import prebuilt
from chalicelib.http.routes import ROUTES
for page in (prebuilt.page(), prebuilt.description(ROUTES, ""), prebuilt.description(ROUTES, "/api")):
    assert page.content[:2] == bytes.fromhex("1f8b")
assert "chalicelib.http.openapi" not in sys.modules
"""
# A statement is read by words that are data beside the code.
STATEMENT = f"""{REFUSE}
from chalicelib.statements.detect import read
from chalicelib.statements.options import ParseOptions
file = "Fecha;Concepto;Importe GTQ\\n20.11.2026;Luz;25,00\\n"
print(*(payment.amount for payment in read(file.encode(), ParseOptions()).payments))
"""


def alone(folder: Path, code: str) -> str:
    """What the code prints when there is nothing but what is in the zip."""
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        cwd=folder, env={}, capture_output=True, text=True, timeout=SECONDS, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_same_packages_make_the_same_zip(tmp_path: Path) -> None:
    for name, order in (("one.zip", 1), ("two.zip", -1)):
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            for entry in ("app.py", "botocore/data/ec2/1/service-2.json.gz", "botocore/data/endpoints.json",
                          "botocore/data/s3/1/service-2.json.gz")[::order]:  # fmt: skip
                archive.writestr(zipfile.ZipInfo(entry), entry * 100)
        package.slim(tmp_path / name)
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "one.zip") as archive:
        assert archive.namelist() == ["app.py", "botocore/data/endpoints.json", "botocore/data/s3/1/service-2.json.gz"]
