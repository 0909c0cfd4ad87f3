"""Creates the deployment package: Chalice's template and zip, without files that no function uses.

    python tools/package.py STAGE FOLDER

botocore contains a description of every AWS service, 15 MB in the zip. A client needs only the one of its own service,
so the zip keeps those in SERVICES. For a client of another service, add it there. Without its description, boto3 raises
UnknownServiceError, as tests/e2e/test_package.py shows.
"""

import json
import os
import py_compile
import shutil
import subprocess
import sys
from collections.abc import Iterator
from email.parser import BytesHeaderParser
from hashlib import sha256
from importlib.metadata import version
from importlib.util import cache_from_source
from pathlib import Path, PurePosixPath
from py_compile import PycInvalidationMode
from tempfile import TemporaryDirectory
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from packaging.tags import Tag, compatible_tags, cpython_tags, parse_tag

SERVICES = frozenset({"dynamodb", "s3", "sqs", "sts", "ssm"})  # sts for credentials, ssm for secrets
DESCRIPTIONS = ("botocore", "data")
FINISHED = Path(".chalice/deployments")  # where Chalice keeps its own zips
DASHBOARD = Path("infra/dashboard.json")
CONSOLE = Path("chalicelib/http/console_files/index.html")
SECRETS = ("WHATSAPP_", "TOMBOLA_AUDIT_KEY")  # how the names of secrets begin
PAGES = "chalicelib/http/pages"
# The web page of the API is built here, and contains its renderer. Powertools comes with another one.
RENDERERS = ("chalicelib/http/explorer/openapi-explorer", "aws_lambda_powertools/event_handler/openapi/swagger_ui/")
# Lambda runs Python 3.11 on Amazon Linux 2, whose glibc is 2.26.
PYTHON = (3, 11)
GLIBC = 26
MACHINE = "x86_64"
PLATFORMS = [f"manylinux_2_{minor}_{MACHINE}" for minor in range(GLIBC, 4, -1)]
PLATFORMS += [f"manylinux{name}_{MACHINE}" for name in ("2014", "2010", "1")]
ELF_MACHINE = 62  # x86-64, in the header of a shared library
REGION = "us-east-1"  # `chalice package` requires one, although nothing in the template depends on it


# Prints the files that a function has imported by the time it answers its first request.
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
    """Something in the package would not run on Lambda. The message names it."""


def without_secrets() -> dict[str, str]:
    """Return the environment for third-party programs: without our secrets."""
    return {name: value for name, value in os.environ.items() if not name.startswith(SECRETS)}


def main(stage: str, folder: str, *, quiet: bool = False) -> None:
    """Write template, zip and bill of materials to the folder. Raises Unfit."""
    chalice = Path(sys.executable).with_name("chalice")
    subprocess.run(  # noqa: S603 - our own arguments, no shell
        [chalice, "package", "--stage", stage, "--merge-template", "infra/resources.json", folder],
        check=True,
        stdout=subprocess.DEVNULL if quiet else None,
        env={"AWS_DEFAULT_REGION": REGION, **without_secrets()},
    )
    finish(Path(folder) / "sam.json")
    deployment = Path(folder) / "deployment.zip"
    add_pages(deployment)
    finished = FINISHED / f"finished-{fingerprint(deployment)}.zip"
    if finished.exists():
        shutil.copyfile(finished, deployment)
    else:
        finish_zip(deployment)
        keep(deployment, finished)
    if sys.version_info[:2] != PYTHON:
        sys.stderr.write(
            "Not packaged with Python 3.11: the zip contains no bytecode, so functions start more slowly.\n"
        )
    if not CONSOLE.is_file():
        sys.stderr.write("Packaged without the organisers' console: `make console` builds it, with Node.js.\n")
    write_bill(Path(folder) / "sbom.json")


def add_pages(deployment: Path) -> None:
    """Add the API's description and its web page, so that no function has to build them. Reproducible."""
    with TemporaryDirectory() as name:
        build = [sys.executable, "-m", "chalicelib.http.prebuilt", name]
        subprocess.run(build, check=True, env=without_secrets())  # noqa: S603 - our own arguments, no shell
        with ZipFile(deployment, "a") as archive:
            for page in sorted(Path(name).iterdir()):
                entry = ZipInfo(f"{PAGES}/{page.name}")
                entry.external_attr = 0o644 << 16
                archive.writestr(entry, page.read_bytes())


def fingerprint(deployment: Path) -> str:
    """Return what decides how Chalice's zip is finished, as one hash: the needed files, this program, the interpreter.

    The zip itself differs each time, because pip's bytecode names the folder in which it was made.
    """
    digest = sha256(f"{sys.version} {sorted(SERVICES)}".encode() + Path(__file__).read_bytes())
    with ZipFile(deployment) as archive:
        for name in sorted(archive.namelist()):
            if is_needed(PurePosixPath(name)):
                digest.update(sha256(name.encode()).digest() + sha256(archive.read(name)).digest())
    return digest.hexdigest()[:32]


def finish_zip(deployment: Path) -> None:
    """Slim and check the zip, and add bytecode. Raises Unfit."""
    slim(deployment)
    if problems := list(unfit(deployment)):
        raise Unfit("\n".join(problems))
    if sys.version_info[:2] == PYTHON:
        compile_ahead(deployment)


def keep(deployment: Path, finished: Path) -> None:
    """Keep the finished zip in place of the one before, so that deploying the same code again takes seconds."""
    finished.parent.mkdir(parents=True, exist_ok=True)
    earlier = [path for path in finished.parent.glob("finished-*.zip") if path != finished]
    copy = finished.with_suffix(f".{os.getpid()}")
    shutil.copyfile(deployment, copy)
    copy.replace(finished)  # at once, since two may package at the same time
    for path in earlier:
        path.unlink(missing_ok=True)


def finish(template: Path) -> None:
    """Add the dashboard, which CloudFormation expects as one string, and remove all whitespace.

    With whitespace, the template comes close to CloudFormation's limit of 1 MB.
    """
    content = json.loads(template.read_text(encoding="utf-8"))
    dashboard = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    table = content["Globals"]["Function"]["Environment"]["Variables"]["TOMBOLA_TABLE"]
    content["Resources"]["Dashboard"]["Properties"]["DashboardBody"] = {
        "Fn::Sub": [json.dumps(dashboard, separators=(",", ":")), {"TableName": table}]
    }
    template.write_text(json.dumps(content, separators=(",", ":")), encoding="utf-8")


def write_bill(to: Path) -> None:
    """Write the bill of materials in CycloneDX format: the packages in the zip with their hashes. Reproducible."""
    bill = Path(sys.executable).with_name("cyclonedx-py")
    requirements = Path("requirements.txt").read_text(encoding="utf-8")
    requirements += f"chalice=={version('chalice')}\n"  # `chalice package` adds it
    subprocess.run(  # noqa: S603 - our own arguments, no shell
        [bill, "requirements", "-", "--output-reproducible", "--of", "JSON", "-o", str(to)],
        input=requirements, check=True, capture_output=True, text=True,
    )  # fmt: skip


def slim(deployment: Path) -> None:
    """Remove the files that are not needed. Reproducible, since Chalice sets all dates to 1980."""
    slimmed = deployment.with_suffix(".slim")
    with ZipFile(deployment) as original, ZipFile(slimmed, "w") as smaller:
        for entry in sorted(original.infolist(), key=lambda entry: entry.filename):
            if is_needed(PurePosixPath(entry.filename)):
                smaller.writestr(entry, original.read(entry), ZIP_DEFLATED, compresslevel=9)
    slimmed.replace(deployment)


def compile_ahead(deployment: Path) -> None:
    """Add the bytecode of all modules that a function imports before its first response.

    A function cannot write bytecode, so it would compile them in each cold start. That takes twice as long as
    everything else. Python does not compare this bytecode with its source. Reproducible.
    """
    with TemporaryDirectory() as name:
        folder = Path(name)
        with ZipFile(deployment) as archive:
            archive.extractall(folder)
        command = [sys.executable, "-I", "-S", "-B", "-c", LOADED, str(folder), *sorted(SERVICES)]
        environment = {"AWS_DEFAULT_REGION": REGION}
        loaded = subprocess.run(  # noqa: S603 - our own arguments, no shell
            command, env=environment, capture_output=True, text=True, check=True
        )
        sources = {Path(line) for line in loaded.stdout.splitlines()} | set((folder / "chalicelib").rglob("*.py"))
        with ZipFile(deployment, "a") as archive:
            for source in sorted(sources):
                inside = source.relative_to(folder)
                bytecode = Path(cache_from_source(str(source)))
                py_compile.compile(
                    str(source), dfile=str(inside), doraise=True, invalidation_mode=PycInvalidationMode.UNCHECKED_HASH
                )
                entry = ZipInfo(str(bytecode.relative_to(folder)))
                entry.external_attr = 0o644 << 16
                archive.writestr(entry, bytecode.read_bytes(), ZIP_DEFLATED, compresslevel=9)


def is_needed(path: PurePosixPath) -> bool:
    """Return whether the zip needs a file.

    Files next to the service descriptions, like endpoints.json, apply to all services. Existing bytecode is useless,
    because it depends on the dates of its sources, which Chalice changes.
    """
    if path.suffix == ".pyc" or str(path).startswith(RENDERERS):
        return False
    in_a_service = path.parts[:2] == DESCRIPTIONS and len(path.parts) > 3
    return not in_a_service or path.parts[2] in SERVICES


def unfit(deployment: Path) -> Iterator[str]:
    """Yield a sentence for each part of the zip that does not run on Lambda.

    That is a wheel for another Python, system or machine (where Chalice finds no wheel, it builds one on this machine),
    or a library for another machine.
    """
    supported = supported_tags()
    with ZipFile(deployment) as archive:
        for name in sorted(archive.namelist()):
            if name.endswith(".dist-info/WHEEL"):
                tags = BytesHeaderParser().parsebytes(archive.read(name)).get_all("Tag", [])
                if not any(tag in supported for text in tags for tag in parse_tag(text)):
                    package = name.split("/")[0].removesuffix(".dist-info")
                    yield f"{package} is for {', '.join(tags) or 'an unknown platform'}, and does not run on Lambda"
            elif name.endswith(".so") or ".so." in name:
                with archive.open(name) as library:
                    start = library.read(20)
                if start[:4] != b"\x7fELF" or int.from_bytes(start[18:20], "little") != ELF_MACHINE:
                    yield f"{name} is not a library for {MACHINE}"


def supported_tags() -> frozenset[Tag]:
    """Return the tags of all wheels that run on Lambda."""
    tags = {*cpython_tags(PYTHON, platforms=PLATFORMS), *compatible_tags(PYTHON, "cp311", PLATFORMS)}
    return frozenset(tags)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except Unfit as failure:
        sys.exit(str(failure))
