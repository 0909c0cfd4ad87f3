"""Deploy Tombola to AWS, print its settings, restore its table, or delete the stack. `make deploy` calls this."""

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
from infra import table_restore, terminal
from infra.cloud import MUST_BE_DELETED, NO_STACK, Cloud, CloudFailed, Event
from infra.plan import AUDIT_KEY, GENERATED, SECRETS, Plan, PlanInvalid, check_secrets, plan, stack_of
from infra.smoke import Smoke
from tools import package

RESERVED = 14  # concurrent executions: twelve of `converse`, and one of each schedule
VALUE_ONLY = "--query Parameter.Value --output text"
OUT = Path("out")
TOKEN = "WHATSAPP_ACCESS_TOKEN"  # noqa: S105 - only its name
FIRST_TOKEN = "first organiser"  # noqa: S105 - only its name


def main(arguments: Sequence[str] | None = None) -> int:
    """Return the exit status: 0 done, 1 failed or not confirmed, 2 wrong settings or arguments."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.command(options))
    except (PlanInvalid, CloudFailed) as failure:
        terminal.error(str(failure))
        return 2 if isinstance(failure, PlanInvalid) else 1
    except KeyboardInterrupt:
        terminal.error("Interrupted. AWS continues what was started. Run the same command again to see the state.")
        return 1


def deploy(options: argparse.Namespace) -> int:
    """Deploy the checkout and test the result. Repeating it changes nothing."""
    cloud = _cloud(options.stage)
    status = cloud.status()
    _check_status(cloud, status)
    new_plan = plan(options.stage, environ, new=status in NO_STACK)
    terminal.done(f"Account {cloud.account}, region {cloud.region}, stack {cloud.stack}: {_describe(status)}")
    secrets, changed = _secrets(cloud)
    _check_number(cloud, new_plan, secrets, changed)
    template = _package(options.stage)
    parameters = _parameters(cloud, new_plan, status)
    origin = str(parameters.get("ConsoleOrigin", cloud.parameters().get("ConsoleOrigin", "")))
    (OUT / "sam.json").write_text(json.dumps(for_console(template, origin), separators=(",", ":")), encoding="utf-8")
    with terminal.step(f"Upload to {cloud.uploads}"):
        url = cloud.upload(OUT)
    with terminal.step("Compare with the current stack"):
        changes = cloud.prepare(url, parameters, template["Parameters"])
    if changes:
        terminal.table(
            f"Changes to {cloud.stack}",
            ["action", "resource", "type", "replaced"],
            [(change.action, change.name, change.kind, change.replaced.replace("False", "")) for change in changes],
        )
        if not options.yes and not terminal.confirmed("Apply these changes?"):
            cloud.discard()
            terminal.error("Nothing was changed. To deploy without a prompt: make deploy STAGE=... YES=1")
            return 1
        cloud.check_prepared()  # before anything is changed
    _store_secrets(cloud, secrets, changed)  # before the functions that need them
    if not changes:
        terminal.done("Nothing to change")
    elif not _follow(cloud, cloud.execute()):
        return 1
    return _finish(cloud, secrets, rotated=bool(changed) and status not in NO_STACK)


def _check_status(cloud: Cloud, status: str | None) -> None:
    if status in MUST_BE_DELETED:
        raise CloudFailed(
            f"The stack {cloud.stack} is in the state {status}: its first deployment or its deletion failed. "
            f"Delete it with `make destroy STAGE={cloud.stack.removeprefix('tombola-')}`, then deploy again."
        )
    if status == "UPDATE_ROLLBACK_FAILED":
        raise CloudFailed(
            f"The last update of {cloud.stack} failed and could not be rolled back. "
            "See docs/deploy.md#a-deployment-failed."
        )
    if status not in NO_STACK and str(status).endswith("_IN_PROGRESS"):
        raise CloudFailed(f"The stack {cloud.stack} is being changed ({status}). Wait until that has finished.")


def _describe(status: str | None) -> str:
    return "new" if status in NO_STACK else str(status)


def _parameters(cloud: Cloud, new_plan: Plan, status: str | None) -> dict[str, str]:
    """Return the plan's parameters. For a new stack, add a default that depends on the account."""
    parameters = dict(new_plan.parameters)
    if status in NO_STACK:
        parameters.setdefault("ReserveConcurrency", "yes" if cloud.can_reserve(RESERVED) else "no")
    return parameters


def _secrets(cloud: Cloud) -> tuple[dict[str, str], list[str]]:
    """Return all secrets, and the names of those that are new or changed.

    A secret comes from the environment, else from the stack, else from a prompt if there is a terminal.
    Raises PlanInvalid, with the name of each that is missing.
    """
    stored = cloud.secrets()
    from_environment = {name: environ[name].strip() for name in SECRETS if environ.get(name, "").strip()}
    secrets = {**stored, **from_environment}
    if sys.stdin.isatty():
        for name, field in EnvironmentSecrets.model_fields.items():
            if field.is_required() and name not in secrets and name != GENERATED:
                secrets[name] = getpass(f"{name}: ").strip()
    secrets.setdefault(GENERATED, token_urlsafe(24))
    secrets.setdefault(AUDIT_KEY, token_urlsafe(32))
    check_secrets(secrets)
    return secrets, [name for name, value in secrets.items() if name in SECRETS and stored.get(name) != value]


def _check_number(cloud: Cloud, new_plan: Plan, secrets: Mapping[str, str], changed: Sequence[str]) -> None:
    """Check with WhatsApp that the token may use the number.

    Raises PlanInvalid if WhatsApp refuses a new token or number, so that a working one is not overwritten. If it
    refuses those that are already in use, only print so, because the deployment may be the fix.
    """
    current = cloud.parameters()
    settings = new_plan.settings(current)
    try:
        number = Graph(
            base_url=settings.WHATSAPP_GRAPH_URL,
            version=settings.WHATSAPP_GRAPH_VERSION,
            phone_number_id=settings.WHATSAPP_PHONE_NUMBER_ID,
            access_token=lambda: secrets[TOKEN],
        ).number()
    except SendRefused as failure:
        if not remedy(failure.code).delays:
            refusal = (
                f"WhatsApp refuses WHATSAPP_PHONE_NUMBER_ID={settings.WHATSAPP_PHONE_NUMBER_ID} with this "
                f"WHATSAPP_ACCESS_TOKEN (code {failure.code}). Expected: the id of a number (not the number itself), "
                "and the token of a system user who may use it, with the permission whatsapp_business_messaging."
            )
            if TOKEN in changed or current.get("WhatsAppPhoneNumberId") != settings.WHATSAPP_PHONE_NUMBER_ID:
                raise PlanInvalid(refusal) from None
            terminal.error(
                f"{refusal} Neither has changed, so the deployment continues. See docs/recover.md#sending-is-stopped."
            )
            return
        trouble = str(failure)
    except GraphError as failure:
        trouble = str(failure)
    else:
        terminal.done(f"WhatsApp has the number {number} and accepts the token")
        return
    terminal.error(f"WhatsApp could not be asked about number and token ({trouble}). The deployment continues.")


def _store_secrets(cloud: Cloud, secrets: Mapping[str, str], changed: Sequence[str]) -> None:
    for name in changed:
        cloud.put_secret(name, secrets[name])
    state = f"stored {', '.join(changed)}" if changed else "unchanged"
    terminal.done(f"Secrets in the Parameter Store under /{cloud.stack}/: {state}")


def _package(stage: str) -> dict[str, Any]:
    """Package the functions and return the template. Raises CloudFailed if either would not work on AWS."""
    with terminal.step("Package"):
        try:
            package.main(stage, str(OUT), quiet=True)
        except package.Unfit as failure:
            raise CloudFailed(str(failure)) from None
    with terminal.step("Check the template"):
        lint = Path(sys.executable).with_name("cfn-lint")
        linted = subprocess.run(  # noqa: S603 - our own arguments, no shell
            [lint, "--non-zero-exit-code", "error", "--", OUT / "sam.json"],
            capture_output=True,
            text=True,
            check=False,
            env=package.without_secrets(),
        )
        if linted.returncode:
            raise CloudFailed(f"The template has errors:\n{linted.stdout.strip() or linted.stderr.strip()}")
    template: dict[str, Any] = json.loads((OUT / "sam.json").read_text(encoding="utf-8"))
    return template


def for_console(template: dict[str, Any], origin: str) -> dict[str, Any]:
    """Return the template for a console at `origin`.

    API Gateway's own error responses contain the origin. SAM deploys them again only if the text of the API definition
    changes, not if a parameter does. So write the origin into the text.
    """
    if origin:
        template["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]["info"]["description"] = f"Console: {origin}"
    return template


def _follow(cloud: Cloud, events: Iterator[Event]) -> bool:
    """Print the events of an update as they happen. Return whether the update succeeded."""
    failed: list[Event] = []
    for event in events:
        if event.status.endswith("_FAILED") and "cancelled" not in event.reason.lower():
            failed.append(event)
            terminal.error(f"  {event.name}: {event.reason or event.status}")
        elif event.status.endswith("_COMPLETE"):
            terminal.say(f"  {event.status.removesuffix('_COMPLETE').lower():<8} {event.name}")
    status = cloud.status()
    if status in ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"):
        terminal.done(f"The stack is in the state {status}")
        return True
    terminal.error(f"The deployment failed and was rolled back. The stack is in the state {status}.")
    for event in failed[:3]:
        terminal.error(f"  cause: {event.name}: {event.reason}")
    return False


def _finish(cloud: Cloud, secrets: Mapping[str, str], *, rotated: bool) -> int:
    """Create the first API token, run the smoke test, and print all addresses. Return the exit status."""
    url = _url(cloud)
    container = _container(cloud)
    key: str | None = None
    if not tokens.listed(limit=1).items:
        key = container.tokens.create(FIRST_TOKEN, Role.MANAGER, by=COMMAND_LINE).key
    failures = 0
    if rotated:
        terminal.say("A secret is new. The functions use it within five minutes, so failing checks are retried ...")
    for check in Smoke(url, secrets, rotated).checks(key):
        if check.passed:
            terminal.done(check.name)
        else:
            failures += 1
            terminal.error(f"✗ {check.name}: expected {check.expected}, got {check.actual or 'no response'}")
    path = f"/{cloud.stack}/{GENERATED}"
    rows = [("Webhook", f"{url}/whatsapp/webhook"), ("API", f"{url}/api/"), ("Description", f"{url}/api/docs")]
    rows.append(("Verify token", f"aws ssm get-parameter --with-decryption --name {path} {VALUE_ONLY}"))
    if key is not None:
        rows.append(("Organiser token", f"{key}  (role: manager; shown only once)"))
    terminal.summary(cloud.stack, rows)
    terminal.say("Next, in Meta's app dashboard under WhatsApp, Configuration: enter webhook and verify token, and")
    terminal.say("subscribe to `messages`. All steps until the first message: docs/deploy.md#until-the-first-message")
    if failures:
        terminal.error(f"{failures} checks failed. See docs/deploy.md#a-deployment-failed.")
    return 1 if failures else 0


def _url(cloud: Cloud) -> str:
    outputs = cloud.outputs()
    if endpoint := environ.get("AWS_ENDPOINT_URL", ""):  # a stand-in for AWS finds the API by its id
        return f"{endpoint.rstrip('/')}/_aws/execute-api/{outputs['RestAPIId']}/api"
    return outputs["EndpointURL"].rstrip("/")


def _container(cloud: Cloud) -> Container:
    return make({**_environment(cloud), "LOG_LEVEL": "CRITICAL"})  # keep logs off the terminal


def _environment(cloud: Cloud) -> dict[str, str]:
    outputs = cloud.outputs()
    parameters = cloud.parameters()
    return {
        "AWS_REGION": cloud.region,
        "TOMBOLA_TABLE": outputs["Table"],
        "TOMBOLA_BUCKET": outputs["Bucket"],
        "TOMBOLA_AUDIT_BUCKET": outputs.get("AuditBucket", ""),  # stacks of before have none
        "TOMBOLA_INBOX_QUEUE": outputs["Inbox"],
        "TOMBOLA_EXPORTS_QUEUE": outputs["ExportsQueue"],
        "TOMBOLA_DECISIONS_QUEUE": outputs.get("DecisionsQueue", ""),  # likewise
        "TOMBOLA_WAKE_UPS_QUEUE": outputs.get("WakeUpsQueue", ""),  # a stack of an earlier version has none
        "TOMBOLA_SECRETS": outputs["Secrets"],
        "WHATSAPP_PHONE_NUMBER_ID": parameters["WhatsAppPhoneNumberId"],
        "WHATSAPP_ACCOUNT_ID": parameters["WhatsAppAccountId"],
        "WHATSAPP_GRAPH_URL": parameters["WhatsAppGraphUrl"],
        "WHATSAPP_ORGANISERS": parameters["WhatsAppOrganisers"],
    }


def environment(options: argparse.Namespace) -> int:
    """Print the settings that `python -m chalicelib` needs for a stack: eval "$(make -s environment STAGE=prod)"."""
    for name, value in _environment(_cloud(options.stage)).items():
        print(f"export {name}={shlex.quote(value)}")
    return 0


def destroy(options: argparse.Namespace) -> int:
    """Delete a stack. Table, bucket and secrets are kept, unless --data and --confirm say otherwise."""
    cloud = _cloud(options.stage)
    outputs = cloud.outputs() if cloud.status() not in NO_STACK else {}  # none after a failed first deployment
    parameters = cloud.parameters()
    number_id = parameters.get("WhatsAppPhoneNumberId", "")
    data = {
        "table": outputs.get("Table") or parameters.get("UseTable", ""),
        "bucket": outputs.get("Bucket") or parameters.get("UseBucket", ""),
    }
    if options.data and options.confirm != cloud.stack:
        raise PlanInvalid(
            f"This deletes all raffles, orders, payments and proofs of {cloud.stack} for good. "
            f"If you are sure, confirm it: make destroy STAGE={options.stage} DATA=delete CONFIRM={cloud.stack}"
        )
    tables = sorted({*cloud.tables(), data["table"]} - {""}) if options.data else []
    buckets = sorted({*cloud.buckets(), data["bucket"]} - {""}) if options.data else []
    target = f"the stack {cloud.stack}"
    if options.data:
        parts = [*(f"table {name}" for name in tables), *(f"bucket {name}" for name in buckets), "secrets"]
        target += f" and ALL ITS DATA ({', '.join(parts)})"
    if not options.yes and not terminal.confirmed(f"Delete {target}?"):
        terminal.error("Nothing was deleted. To delete without a prompt, add YES=1.")
        return 1
    for event in cloud.remove():
        if event.status.endswith("_FAILED"):
            terminal.error(f"  {event.name}: {event.reason or event.status}")
    cloud.wait_until_removed()
    terminal.done(f"Deleted the stack {cloud.stack}")
    if not options.data:
        terminal.say(
            "Kept: " + ", ".join(f"{kind} {name}" for kind, name in data.items() if name) + ", and the secrets."
        )
        terminal.say(f"To use them again, set USE_TABLE, USE_BUCKET and WHATSAPP_PHONE_NUMBER_ID={number_id},")
        terminal.say(f"then run make deploy STAGE={options.stage}.")
        return 0
    for table in tables:
        cloud.delete_table(table)
        terminal.done(f"Deleted the table {table}")
    for bucket in buckets:
        cloud.delete_bucket(bucket)
        terminal.done(f"Deleted the bucket {bucket}")
    cloud.delete_secrets()
    terminal.done(f"Deleted the secrets under /{cloud.stack}/")
    return 0


def restore(options: argparse.Namespace) -> int:
    """Restore the table to a point in time, as a new table. The current one stays in use."""
    cloud = _cloud(options.stage)
    source = cloud.outputs()["Table"]
    target = table_restore.restore(cloud, source, options.to, terminal.say)
    terminal.done(f"Restored the table {source} as {target}")
    terminal.say("Check the new table:")
    terminal.say(f"  TOMBOLA_TABLE={target} python -m chalicelib check")
    terminal.say("Then switch to it. The old table is kept unchanged:")
    terminal.say(f"  USE_TABLE={target} make deploy STAGE={options.stage}")
    return 0


def _cloud(stage: str) -> Cloud:
    cloud = Cloud(boto3.Session(region_name=environ.get("AWS_REGION") or None), stack_of(stage))
    _ = cloud.region, cloud.account  # raise now if there is no region, or no credentials
    return cloud


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m infra", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: Callable[[argparse.Namespace], int], summary: str) -> argparse.ArgumentParser:
        subparser = commands.add_parser(name, help=summary, description=summary)
        subparser.add_argument("stage", metavar="STAGE", help="dev, prod or another name; the stack is tombola-STAGE")
        subparser.set_defaults(command=run)
        return subparser

    deploy_parser = command("deploy", deploy, "check the settings, package, show the changes, deploy, run a smoke test")
    destroy_parser = command("destroy", destroy, "delete the stack; table, bucket and secrets are kept")
    command("environment", environment, "print the settings that `python -m chalicelib` needs for the stack")
    restore_parser = command("restore", restore, "restore the table to a point in time, as a new table")
    for prompting_parser in (deploy_parser, destroy_parser):
        prompting_parser.add_argument("--yes", action="store_true", help="do not ask for confirmation")
    destroy_parser.add_argument("--data", action="store_true", help="also delete table, bucket and secrets")
    destroy_parser.add_argument("--confirm", default="", metavar="STACK", help="with --data: the name of the stack")
    restore_parser.add_argument("--to", metavar="TIME", help="RFC 3339, e.g. 2026-11-24T03:00:00Z (default: latest)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
