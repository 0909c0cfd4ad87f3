"""Makes the deployment: Chalice's template and zip, without what no function of ours ever opens.

    python tools/package.py STAGE FOLDER

botocore brings a description of each of AWS's services, 15 MB of them in the zip, and opens those of which a client is
made. We keep the ones below. Whoever makes a client of another service adds it here: without its description there is
no such client (`UnknownServiceError`), as tests/e2e/test_package.py shows.
"""

import json
import os
import py_compile
import subprocess
import sys
from collections.abc import Iterator
from email.parser import BytesHeaderParser
from importlib.metadata import version
from importlib.util import cache_from_source
from pathlib import Path, PurePosixPath
from py_compile import PycInvalidationMode
from tempfile import TemporaryDirectory
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from packaging.tags import Tag, compatible_tags, cpython_tags, parse_tag

# The last two: whose credentials these are, and where secrets are kept.
SERVICES = frozenset({"dynamodb", "s3", "sqs", "sts", "ssm"})
DESCRIPTIONS = ("botocore", "data")
DASHBOARD = Path("infra/dashboard.json")
# What runs there: Python 3.11 on Amazon Linux 2, whose glibc is 2.26.
PYTHON, GLIBC, MACHINE = (3, 11), 26, "x86_64"
PLATFORMS = [f"manylinux_2_{minor}_{MACHINE}" for minor in range(GLIBC, 4, -1)]
PLATFORMS += [f"manylinux{name}_{MACHINE}" for name in ("2014", "2010", "1")]
ELF_MACHINE = 62  # x86-64, in the header of a shared library
REGION = "us-east-1"  # `chalice package` wants one, although nothing in the template depends on it


# Prints which files a function has imported when it is about to give its first answer.
LOADED = """
import sys
folder, *services = sys.argv[1:]
sys.path.insert(0, folder)
import app, boto3, chalicelib.services.exports.service, aws_lambda_powertools.utilities.parameters
from chalicelib.http.routes import ROUTES
for route in ROUTES: route.view
for service in services: boto3.client(service)
for module in list(sys.modules.values()):
    file = getattr(module, "__file__", None) or ""
    if file.startswith(folder) and file.endswith(".py"): print(file)
"""


class Unfit(Exception):
    """What was packaged may not run on Lambda. The message names it."""


def without_secrets() -> dict[str, str]:
    """The environment for programs that are not ours."""
    return {name: value for name, value in os.environ.items() if not name.startswith("WHATSAPP_")}


def main(stage: str, folder: str, *, quiet: bool = False) -> None:
    """Raises Unfit."""
    chalice = Path(sys.executable).with_name("chalice")
    subprocess.run(  # noqa: S603 - our own words, and no shell
        [chalice, "package", "--stage", stage, "--merge-template", "infra/resources.json", folder],
        check=True,
        stdout=subprocess.DEVNULL if quiet else None,
        env={"AWS_DEFAULT_REGION": REGION, **without_secrets()},
    )
    finish(Path(folder) / "sam.json")
    deployment = Path(folder) / "deployment.zip"
    slim(deployment)
    if found := list(unfit(deployment)):
        raise Unfit("\n".join(found))
    write_bill(Path(folder) / "sbom.json")
    if sys.version_info[:2] == PYTHON:
        compile_ahead(deployment)
    else:
        sys.stderr.write("Packaged by another Python than 3.11: without bytecode, so that functions start slower.\n")


def finish(template: Path) -> None:
    """Put in the dashboard, whose text CloudFormation wants as one string, and leave out all blanks: with them the
    template comes near to the largest that CloudFormation takes, 1 MB."""
    made = json.loads(template.read_text(encoding="utf-8"))
    dashboard = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    table = made["Globals"]["Function"]["Environment"]["Variables"]["TOMBOLA_TABLE"]
    made["Resources"]["Dashboard"]["Properties"]["DashboardBody"] = {
        "Fn::Sub": [json.dumps(dashboard, separators=(",", ":")), {"TableName": table}]
    }
    template.write_text(json.dumps(made, separators=(",", ":")), encoding="utf-8")


def write_bill(to: Path) -> None:
    """The bill of materials in CycloneDX's form: what the zip carries, by hash. The same packages give the same."""
    bill = Path(sys.executable).with_name("cyclonedx-py")
    carried = Path("requirements.txt").read_text(encoding="utf-8")
    carried += f"chalice=={version('chalice')}\n"  # which `chalice package` adds
    subprocess.run(  # noqa: S603 - our own words, and no shell
        [bill, "requirements", "-", "--output-reproducible", "--of", "JSON", "-o", str(to)],
        input=carried, check=True, capture_output=True, text=True,
    )  # fmt: skip


def slim(deployment: Path) -> None:
    """Take out what is not needed. The same packages give the same bytes: Chalice sets all dates to 1980."""
    slimmed = deployment.with_suffix(".slim")
    with ZipFile(deployment) as whole, ZipFile(slimmed, "w") as part:
        for entry in sorted(whole.infolist(), key=lambda entry: entry.filename):
            if is_needed(PurePosixPath(entry.filename)):
                part.writestr(entry, whole.read(entry), ZIP_DEFLATED, compresslevel=9)
    slimmed.replace(deployment)


def compile_ahead(deployment: Path) -> None:
    """Add the bytecode of all modules that a function imports before its first answer. A function cannot write any, so
    that it would compile them in each cold start: that takes twice as long as all the rest of it.

    The bytecode is never compared with its source, which is beside it and has no date. The same packages give the same.
    """
    with TemporaryDirectory() as name:
        folder = Path(name)
        with ZipFile(deployment) as archive:
            archive.extractall(folder)
        command = [sys.executable, "-I", "-S", "-B", "-c", LOADED, str(folder), *sorted(SERVICES)]
        environment = {"AWS_DEFAULT_REGION": REGION}
        loaded = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)  # noqa: S603
        wanted = {Path(line) for line in loaded.stdout.splitlines()} | set((folder / "chalicelib").rglob("*.py"))
        with ZipFile(deployment, "a") as archive:
            for source in sorted(wanted):
                inside = source.relative_to(folder)
                made = Path(cache_from_source(str(source)))
                py_compile.compile(
                    str(source), dfile=str(inside), doraise=True, invalidation_mode=PycInvalidationMode.UNCHECKED_HASH
                )
                entry = ZipInfo(str(made.relative_to(folder)))
                entry.external_attr = 0o644 << 16
                archive.writestr(entry, made.read_bytes(), ZIP_DEFLATED, compresslevel=9)


def is_needed(path: PurePosixPath) -> bool:
    """Files beside the descriptions, like endpoints.json, are about all services. Bytecode that lay beside our sources
    is bound to their dates, which Chalice changes."""
    if path.suffix == ".pyc":
        return False
    in_a_service = path.parts[:2] == DESCRIPTIONS and len(path.parts) > 3
    return not in_a_service or path.parts[2] in SERVICES


def unfit(deployment: Path) -> Iterator[str]:
    """What is in the zip and does not run on Lambda, a sentence each: wheels for another Python, system or machine
    (Chalice builds one on this machine where it finds none), and libraries for another machine."""
    there = runs_on_lambda()
    with ZipFile(deployment) as archive:
        for name in sorted(archive.namelist()):
            if name.endswith(".dist-info/WHEEL"):
                tags = BytesHeaderParser().parsebytes(archive.read(name)).get_all("Tag", [])
                if not any(tag in there for text in tags for tag in parse_tag(text)):
                    package = name.split("/")[0].removesuffix(".dist-info")
                    yield f"{package} is for {', '.join(tags) or 'nothing that is named'}, and does not run on Lambda"
            elif name.endswith(".so") or ".so." in name:
                with archive.open(name) as library:
                    start = library.read(20)
                if start[:4] != b"\x7fELF" or int.from_bytes(start[18:20], "little") != ELF_MACHINE:
                    yield f"{name} is no library for {MACHINE}"


def runs_on_lambda() -> frozenset[Tag]:
    found = {*cpython_tags(PYTHON, platforms=PLATFORMS), *compatible_tags(PYTHON, "cp311", PLATFORMS)}
    return frozenset(found)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except Unfit as failure:
        sys.exit(str(failure))
