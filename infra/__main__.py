"""Tombola on AWS: deployed, described, taken down and restored. `make deploy STAGE=prod` calls this."""

import argparse
import json
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from getpass import getpass
from os import environ
from pathlib import Path
from secrets import token_urlsafe
from typing import Any

import boto3

from chalicelib.container import Container, make
from chalicelib.domain.organisers import COMMAND_LINE, Role
from chalicelib.settings import EnvironmentSecrets
from chalicelib.store import tokens
from chalicelib.whatsapp.error_codes import remedy
from chalicelib.whatsapp.graph import Graph
from chalicelib.whatsapp.graph_errors import GraphError, SendRefused
from infra import restoring, screen
from infra.cloud import FAILED_AT_FIRST, GONE, Cloud, CloudFailed, Event
from infra.plan import MADE_UP, SECRETS, Plan, PlanInvalid, check_secrets, plan, stack_of
from infra.smoke import Smoke
from tools import package

SCHEDULES = 2  # functions that have one place of the account's concurrency each
VALUE_ONLY = "--query Parameter.Value --output text"
OUT = Path("out")
TOKEN = "WHATSAPP_ACCESS_TOKEN"  # noqa: S105 - its name
FIRST_TOKEN = "first organiser"  # noqa: S105 - its name


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status: 0 done, 1 it failed or was not agreed to, 2 called wrongly."""
    given = _parser().parse_args(arguments)
    try:
        return int(given.command(given))
    except (PlanInvalid, CloudFailed) as failure:
        screen.complain(str(failure))
        return 2 if isinstance(failure, PlanInvalid) else 1
    except KeyboardInterrupt:
        screen.complain("Stopped. What was begun on AWS goes on; run the same command again to see.")
        return 1


def deploy(given: argparse.Namespace) -> int:
    """From a checkout to a stack that works, or to what is wrong. Running it again changes nothing."""
    cloud = _cloud(given.stage)
    status = cloud.status()
    _check_status(cloud, status)
    wanted = plan(given.stage, environ, new=status in GONE)
    screen.done(f"Account {cloud.account}, region {cloud.region}, stack {cloud.stack}: {_told(status)}")
    secrets, changed = _secrets(cloud)
    _check_number(cloud, wanted, secrets, changed)
    template = _packaged(given.stage)
    parameters = _parameters(cloud, wanted, status)
    origin = str(parameters.get("ConsoleOrigin", cloud.parameters().get("ConsoleOrigin", "")))
    (OUT / "sam.json").write_text(json.dumps(for_console(template, origin), separators=(",", ":")), encoding="utf-8")
    with screen.step(f"Upload to {cloud.uploads}"):
        url = cloud.upload(OUT)
    declared = template["Parameters"]
    with screen.step("Ask AWS what would change"):
        changes = cloud.prepare(url, parameters, declared)
    if changes:
        screen.table(
            f"What changes in {cloud.stack}",
            ["", "what", "kind", "replaced"],
            [(one.action, one.name, one.kind, one.replaced.replace("False", "")) for one in changes],
        )
        if not given.yes and not screen.agreed("Change it?"):
            cloud.drop()
            screen.complain("Nothing was changed. (Where nobody can be asked: make deploy STAGE=... YES=1)")
            return 1
        cloud.check_prepared()  # before anything is changed
    _keep(cloud, secrets, changed)  # before the functions that need them
    if not changes:
        screen.done("Nothing to change")
    elif not _carried_out(cloud, cloud.execute()):
        return 1
    return _open(cloud, secrets, rotated=bool(changed) and status not in GONE)


def _check_status(cloud: Cloud, status: str | None) -> None:
    if status in FAILED_AT_FIRST:
        raise CloudFailed(
            f"The stack {cloud.stack} is {status}: its first deployment failed, or deleting it did. "
            f"Delete it (`make destroy STAGE={cloud.stack.removeprefix('tombola-')}`), then deploy again."
        )
    if status == "UPDATE_ROLLBACK_FAILED":
        raise CloudFailed(
            f"The stack {cloud.stack} could not go back to what it was. See docs/operations.md#a-deployment-failed."
        )
    if status not in GONE and str(status).endswith("_IN_PROGRESS"):
        raise CloudFailed(f"The stack {cloud.stack} is being changed ({status}): wait until that is over.")


def _told(status: str | None) -> str:
    return "new" if status in GONE else str(status)


def _parameters(cloud: Cloud, wanted: Plan, status: str | None) -> dict[str, str]:
    """What is asked for; at first with what follows from the account."""
    found = dict(wanted.parameters)
    if status in GONE:
        found.setdefault("ReserveConcurrency", "yes" if cloud.can_reserve(SCHEDULES) else "no")
    return found


def _secrets(cloud: Cloud) -> tuple[dict[str, str], list[str]]:
    """Those of the stack, and what the environment gives anew; asked for where neither has them and somebody is there.
    And the names of those that the stack has not.

    Raises PlanInvalid, with the name of each that is missing.
    """
    stored = cloud.secrets()
    given = {name: environ[name].strip() for name in SECRETS if environ.get(name, "").strip()}
    found = {**stored, **given}
    if sys.stdin.isatty():
        for name, field in EnvironmentSecrets.model_fields.items():
            if field.is_required() and name not in found and name != MADE_UP:
                found[name] = getpass(f"{name}: ").strip()
    found.setdefault(MADE_UP, token_urlsafe(24))
    check_secrets(found)
    return found, [name for name, value in found.items() if name in SECRETS and stored.get(name) != value]


def _check_number(cloud: Cloud, wanted: Plan, secrets: Mapping[str, str], changed: Sequence[str]) -> None:
    """Ask WhatsApp whether the token may use the number. One of before that it refuses by now stands in the way of
    nothing: what is deployed may be the cure.

    Raises PlanInvalid where number or token is new, so that a right one is not put away for a wrong one.
    """
    known = cloud.parameters()
    settings = wanted.settings(known)
    try:
        shown = Graph(
            base_url=settings.WHATSAPP_GRAPH_URL,
            version=settings.WHATSAPP_GRAPH_VERSION,
            phone_number_id=settings.WHATSAPP_PHONE_NUMBER_ID,
            access_token=lambda: secrets[TOKEN],
        ).number()
    except SendRefused as failure:
        if not remedy(failure.code).delays:
            refused = (
                f"WhatsApp refuses WHATSAPP_PHONE_NUMBER_ID={settings.WHATSAPP_PHONE_NUMBER_ID} with the given "
                f"WHATSAPP_ACCESS_TOKEN (code {failure.code}): expected the id of a number (not the number), and the "
                "token of a system user who may use it, with whatsapp_business_messaging."
            )
            if TOKEN in changed or known.get("WhatsAppPhoneNumberId") != settings.WHATSAPP_PHONE_NUMBER_ID:
                raise PlanInvalid(refused) from None
            screen.complain(f"{refused} Both are as before: going on. See docs/operations.md#sending-is-stopped.")
            return
        trouble = str(failure)
    except GraphError as failure:
        trouble = str(failure)
    else:
        screen.done(f"WhatsApp has the number {shown}, and takes the token for it")
        return
    screen.complain(f"WhatsApp could not be asked about number and token ({trouble}): going on.")


def _keep(cloud: Cloud, secrets: Mapping[str, str], changed: Sequence[str]) -> None:
    for name in changed:
        cloud.keep_secret(name, secrets[name])
    screen.done(f"Secrets in the Parameter Store, under /{cloud.stack}/: {_told_changes(changed)}")


def _told_changes(changed: Sequence[str]) -> str:
    return f"{', '.join(changed)} kept" if changed else "as they were"


def _packaged(stage: str) -> dict[str, Any]:
    """Raises CloudFailed where something in the package can't run there, or the template is wrong."""
    with screen.step("Package"):
        try:
            package.main(stage, str(OUT), quiet=True)
        except package.Unfit as unfit:
            raise CloudFailed(str(unfit)) from None
    with screen.step("Check the template"):
        lint = Path(sys.executable).with_name("cfn-lint")
        linted = subprocess.run(  # noqa: S603 - our own words, and no shell
            [lint, "--non-zero-exit-code", "error", "--", OUT / "sam.json"],
            capture_output=True,
            text=True,
            check=False,
            env=package.without_secrets(),
        )
        if linted.returncode:
            raise CloudFailed(f"The template is wrong:\n{linted.stdout.strip() or linted.stderr.strip()}")
    found: dict[str, Any] = json.loads((OUT / "sam.json").read_text(encoding="utf-8"))
    return found


def for_console(template: dict[str, Any], origin: str) -> dict[str, Any]:
    """The template for a console there. API Gateway's own errors name it, and are deployed anew only when the text of
    the definition is another: SAM does not look at parameters for that."""
    if origin:
        template["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]["info"]["description"] = f"Console: {origin}"
    return template


def _carried_out(cloud: Cloud, events: Iterator[Event]) -> bool:
    """Whether it succeeded; each resource is named when it is settled, and what failed with its reason."""
    failed = list[Event]()
    for event in events:
        if event.status.endswith("_FAILED") and "cancelled" not in event.reason.lower():
            failed.append(event)
            screen.complain(f"  {event.name}: {event.reason or event.status}")
        elif event.status.endswith("_COMPLETE"):
            screen.say(f"  {event.status.removesuffix('_COMPLETE').lower():<8} {event.name}")
    status = cloud.status()
    if status in ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"):
        screen.done(f"The stack is {status}")
        return True
    screen.complain(f"The deployment failed, and AWS took it back: the stack is {status}.")
    for event in failed[:3]:
        screen.complain(f"  because of {event.name}: {event.reason}")
    return False


def _open(cloud: Cloud, secrets: Mapping[str, str], *, rotated: bool) -> int:
    """Make the first token, ask whether all works, and say where everything is."""
    url, container = _url(cloud), _container(cloud)
    key: str | None = None
    if not tokens.listed(limit=1).items:
        key = container.tokens.create(FIRST_TOKEN, Role.MANAGER, by=COMMAND_LINE).key
    wrong = 0
    if rotated:
        screen.say("A secret is new. The functions know it within five minutes; until then, it is tried again ...")
    for check in Smoke(url, secrets, rotated).checks(key):
        if check.right:
            screen.done(check.what)
        else:
            wrong += 1
            screen.complain(f"✗ {check.what}: expected {check.expected}, got {check.found or 'no answer'}")
    where = f"/{cloud.stack}/{MADE_UP}"
    rows = [("Webhook", f"{url}/whatsapp/webhook"), ("API", f"{url}/api/"), ("Description", f"{url}/api/docs")]
    rows.append(("Verify token", f"aws ssm get-parameter --with-decryption --name {where} {VALUE_ONLY}"))
    if key is not None:
        rows.append(("Organiser token", f"{key}  (a manager's; shown this once)"))
    screen.summary(cloud.stack, rows)
    screen.say("Give webhook and verify token to Meta: your app, WhatsApp, Configuration; subscribe to `messages`.")
    screen.say("What else it takes until the first message: docs/operations.md#until-the-first-message")
    if wrong:
        screen.complain(f"{wrong} of the questions got a wrong answer: see docs/operations.md#a-deployment-failed.")
    return 1 if wrong else 0


def _url(cloud: Cloud) -> str:
    outputs = cloud.outputs()
    if endpoint := environ.get("AWS_ENDPOINT_URL", ""):  # a stand-in, which knows the API by its id
        return f"{endpoint.rstrip('/')}/_aws/execute-api/{outputs['RestAPIId']}/api"
    return outputs["EndpointURL"].rstrip("/")


def _container(cloud: Cloud) -> Container:
    return make({**_environment(cloud), "LOG_LEVEL": "CRITICAL"})  # the terminal is no log


def _environment(cloud: Cloud) -> dict[str, str]:
    outputs, parameters = cloud.outputs(), cloud.parameters()
    return {
        "AWS_REGION": cloud.region,
        "TOMBOLA_TABLE": outputs["Table"],
        "TOMBOLA_BUCKET": outputs["Bucket"],
        "TOMBOLA_INBOX_QUEUE": outputs["Inbox"],
        "TOMBOLA_EXPORTS_QUEUE": outputs["ExportsQueue"],
        "TOMBOLA_SECRETS": outputs["Secrets"],
        "WHATSAPP_PHONE_NUMBER_ID": parameters["WhatsAppPhoneNumberId"],
        "WHATSAPP_ACCOUNT_ID": parameters["WhatsAppAccountId"],
        "WHATSAPP_GRAPH_URL": parameters["WhatsAppGraphUrl"],
        "WHATSAPP_ORGANISERS": parameters["WhatsAppOrganisers"],
    }


def environment(given: argparse.Namespace) -> int:
    """Print what `python -m chalicelib` needs to work on a stack: eval "$(make -s environment STAGE=prod)"."""
    for name, value in _environment(_cloud(given.stage)).items():
        print(f"export {name}={shlex.quote(value)}")
    return 0


def destroy(given: argparse.Namespace) -> int:
    """Take a stack down. Table, bucket and secrets are kept, unless told twice to delete them."""
    cloud = _cloud(given.stage)
    outputs = cloud.outputs() if cloud.status() not in GONE else {}  # a stack that failed at first has none
    parameters = cloud.parameters()
    data = {
        "table": outputs.get("Table") or parameters.get("UseTable", ""),
        "bucket": outputs.get("Bucket") or parameters.get("UseBucket", ""),
    }
    if given.data and given.confirm != cloud.stack:
        raise PlanInvalid(
            f"All raffles, orders, payments and proofs of {cloud.stack} would be deleted, for good. "
            f"If that is meant, say it twice: make destroy STAGE={given.stage} DATA=delete CONFIRM={cloud.stack}"
        )
    tables = sorted({*cloud.tables(), data["table"]} - {""}) if given.data else []
    buckets = sorted({*cloud.buckets(), data["bucket"]} - {""}) if given.data else []
    what = f"the stack {cloud.stack}"
    if given.data:
        named = [*(f"table {name}" for name in tables), *(f"bucket {name}" for name in buckets), "secrets"]
        what += f" and ALL ITS DATA ({', '.join(named)})"
    if not given.yes and not screen.agreed(f"Delete {what}?"):
        screen.complain("Nothing was deleted. (Where nobody can be asked: YES=1)")
        return 1
    for event in cloud.remove():
        if event.status.endswith("_FAILED"):
            screen.complain(f"  {event.name}: {event.reason or event.status}")
    cloud.wait_until_removed()
    screen.done(f"The stack {cloud.stack} is deleted")
    if not given.data:
        screen.say("Kept: " + ", ".join(f"{kind} {name}" for kind, name in data.items() if name) + ", and the secrets.")
        screen.say(f"To use them again: make deploy STAGE={given.stage} with USE_TABLE and USE_BUCKET set to these.")
        screen.say(f"And WHATSAPP_PHONE_NUMBER_ID={parameters.get('WhatsAppPhoneNumberId', '')}.")
        return 0
    for table in tables:
        cloud.delete_table(table)
        screen.done(f"The table {table} is deleted")
    for bucket in buckets:
        cloud.delete_bucket(bucket)
        screen.done(f"The bucket {bucket} is deleted")
    cloud.forget_secrets()
    screen.done(f"The secrets under /{cloud.stack}/ are deleted")
    return 0


def restore(given: argparse.Namespace) -> int:
    """The table as it was at a moment, as a new table beside the one that is used."""
    cloud = _cloud(given.stage)
    source = cloud.outputs()["Table"]
    made = restoring.restore(cloud, source, given.to, screen.say)
    screen.done(f"The table {made} is as {source} was")
    screen.say("Look whether it is what you want:")
    screen.say(f"  TOMBOLA_TABLE={made} python -m chalicelib check")
    screen.say("Then use it, and the old one is kept as it is:")
    screen.say(f"  USE_TABLE={made} make deploy STAGE={given.stage}")
    return 0


def _cloud(stage: str) -> Cloud:
    cloud = Cloud(boto3.Session(region_name=environ.get("AWS_REGION") or None), stack_of(stage))
    _ = cloud.region, cloud.account
    return cloud


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m infra", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, do: Callable[[argparse.Namespace], int], what: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=what, description=what)
        made.add_argument("stage", metavar="STAGE", help="dev, prod or another name; the stack is tombola-STAGE")
        made.set_defaults(command=do)
        return made

    deploying = command("deploy", deploy, "check, package, show what changes, deploy, try it out")
    destroying = command("destroy", destroy, "take the stack down; table, bucket and secrets are kept")
    command("environment", environment, "print the settings with which `python -m chalicelib` works on the stack")
    restored = command("restore", restore, "make a new table of what the table was at a moment")
    for asking in (deploying, destroying):
        asking.add_argument("--yes", action="store_true", help="do not ask")
    destroying.add_argument("--data", action="store_true", help="delete table, bucket and secrets, too")
    destroying.add_argument("--confirm", default="", metavar="STACK", help="with --data: the name of the stack")
    restored.add_argument("--to", metavar="TIME", help="RFC 3339, as 2026-11-24T03:00:00Z; without it, the latest")
    return parser


if __name__ == "__main__":
    sys.exit(main())
