"""What `make deploy` is told on the stand-in for AWS, and what comes of it."""

import json
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess

from tests.support.deployed.account import SECRETS, Account

CONSOLE = "https://console.example.org"
STAGE, STACK = "test", "tombola-test"
# What the stand-in does not know: budgets, and alarms that calculate. And it speaks HTTP only, which the buckets'
# policies refuse there as they should. tests/infra/ looks at them all in the template.
UNKNOWN_THERE = (
    "Spending", "FunctionsFail", "FunctionsThrottled", "TableThrottled", "BucketPolicy", "AuditBucketPolicy",
)  # fmt: skip


@dataclass(frozen=True)
class Deployment:
    """What came of `make deploy`, and all that is needed to do it again."""

    account: Account
    project: Path
    first: CompletedProcess[str]

    def deploy(self) -> "CompletedProcess[str]":
        return self.account.make("deploy", STAGE, "--yes", project=self.project, **settings(self.account))

    def template(self) -> Path:
        return self.project / "infra" / "resources.json"


def settings(on: Account) -> dict[str, str]:
    return {
        "WHATSAPP_PHONE_NUMBER_ID": "112233445566778", "WHATSAPP_GRAPH_URL": on.ports.phone_url,
        "WHATSAPP_ORGANISERS": "+50255550000", "ALARM_EMAIL": "who@example.org",
        "TOMBOLA_CONSOLE_ORIGIN": CONSOLE, **SECRETS,
    }  # fmt: skip


def known_there(project: Path) -> None:
    """Leave out of the template what the stand-in does not know; and name an action as it does: AWS asks for
    `sqs:SendMessage` also where messages are sent in batches."""
    path, board = project / "infra" / "resources.json", project / "infra" / "dashboard.json"
    template, dashboard = json.loads(path.read_text(encoding="utf-8")), json.loads(board.read_text(encoding="utf-8"))
    for name in UNKNOWN_THERE:
        del template["Resources"][name]
    for widget in dashboard["widgets"]:
        if widget["type"] == "alarm":
            shown = widget["properties"]["alarms"]
            shown[:] = [alarm for alarm in shown if not any(f"{{{name}." in alarm for name in UNKNOWN_THERE)]
    named = json.dumps(template).replace('"sqs:SendMessage"', '"sqs:SendMessage", "sqs:SendMessageBatch"')
    path.write_text(named, encoding="utf-8")
    board.write_text(json.dumps(dashboard), encoding="utf-8")
