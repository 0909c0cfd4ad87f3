"""Makes the deployment: Chalice's template and zip, without what no function of ours ever opens.

    python tools/package.py STAGE FOLDER

botocore brings a description of each of AWS's services, 15 MB of them in the zip, and opens those of which a client is
made. We keep the ones below. Whoever makes a client of another service adds it here: without its description there is
no such client (`UnknownServiceError`), as tests/e2e/test_package.py shows.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from zipfile import ZIP_DEFLATED, ZipFile

# The last two: whose credentials these are, and where secrets are kept.
SERVICES = frozenset({"dynamodb", "s3", "sqs", "sts", "ssm"})
DESCRIPTIONS = ("botocore", "data")
DASHBOARD = Path("infra/dashboard.json")
REGION = "us-east-1"  # `chalice package` wants one, although nothing in the template depends on it


class Unfit(Exception):
    """What was packaged may not run on Lambda. The message names it."""


def main(stage: str, folder: str, *, quiet: bool = False) -> None:
    """Raises Unfit."""
    chalice = Path(sys.executable).with_name("chalice")
    subprocess.run(  # noqa: S603 - our own words, and no shell
        [chalice, "package", "--stage", stage, "--merge-template", "infra/resources.json", folder],
        check=True,
        stdout=subprocess.DEVNULL if quiet else None,
        env={"AWS_DEFAULT_REGION": REGION, **os.environ},
    )
    finish(Path(folder) / "sam.json")
    deployment = Path(folder) / "deployment.zip"
    slim(deployment)
    if unfit := list(built_here(deployment)):
        raise Unfit("\n".join(f"{name} was built on this machine and may not run on Lambda" for name in unfit))


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


def slim(deployment: Path) -> None:
    """Take out what is not needed. The same packages give the same bytes: Chalice sets all dates to 1980."""
    slimmed = deployment.with_suffix(".slim")
    with ZipFile(deployment) as whole, ZipFile(slimmed, "w") as part:
        for entry in sorted(whole.infolist(), key=lambda entry: entry.filename):
            if is_needed(PurePosixPath(entry.filename)):
                part.writestr(entry, whole.read(entry), ZIP_DEFLATED, compresslevel=9)
    slimmed.replace(deployment)


def is_needed(path: PurePosixPath) -> bool:
    """Files beside the descriptions, like endpoints.json, are about all services."""
    in_a_service = path.parts[:2] == DESCRIPTIONS and len(path.parts) > 3
    return not in_a_service or path.parts[2] in SERVICES


def built_here(deployment: Path) -> Iterator[str]:
    """The packages for which Chalice found no wheel for Lambda."""
    with ZipFile(deployment) as archive:
        for name in archive.namelist():
            if name.endswith(".dist-info/WHEEL") and b"linux_x86_64" in archive.read(name):
                yield name


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except Unfit as unfit:
        sys.exit(str(unfit))
