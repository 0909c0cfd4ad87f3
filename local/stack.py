"""Creates the data resources of `infra/resources.json` on a stand-in for AWS."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

DATA = ("AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::SQS::Queue")
TEMPLATE = Path(__file__).parent.parent / "infra" / "resources.json"
STACK_NAME = "tombola-local"
REGION = "us-east-1"


@dataclass(frozen=True, kw_only=True)
class Stack:
    """The physical names of the resources. Without a `wake_ups_url`, what waits is left to the schedule."""

    table: str
    bucket: str
    queue_url: str
    exports_url: str
    audit_bucket: str = ""
    wake_ups_url: str = ""
    decisions_url: str = ""


class StackFailed(Exception):
    """CloudFormation could not create, update or describe the stack."""


def create(endpoint_url: str | None, name: str = STACK_NAME) -> Stack:
    """Create the stack, or update it to the template. Existing data is kept.

    Credentials come from the environment. Raises StackFailed.
    """
    cloudformation = _client("cloudformation", endpoint_url)
    template = json.dumps(data_template())
    waiter = "stack_create_complete"
    try:
        try:
            cloudformation.create_stack(StackName=name, TemplateBody=template)
        except cloudformation.exceptions.AlreadyExistsException:
            waiter = "stack_update_complete"
            cloudformation.update_stack(StackName=name, TemplateBody=template)
    except (BotoCoreError, ClientError) as failure:
        if "No updates are to be performed" not in str(failure):
            raise StackFailed(str(failure)) from None
    status = _final_status(cloudformation, waiter, name)
    if status not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
        raise StackFailed(f"stack {name} is {status}")
    return read(endpoint_url, name)


def read(endpoint_url: str | None, name: str = STACK_NAME) -> Stack:
    """Return the physical names of an existing stack. Raises StackFailed if there is none."""
    try:
        resources = _client("cloudformation", endpoint_url).describe_stack_resources(StackName=name)["StackResources"]
        physical = {resource["LogicalResourceId"]: str(resource["PhysicalResourceId"]) for resource in resources}
        # The queue's URL contains the port at the time of its creation, so ask for the current one.
        queues = {name: physical[name].rsplit("/", 1)[-1] for name in ("Inbox", "Exports", "WakeUps", "Decisions")}
        sqs = _client("sqs", endpoint_url)
        urls = {name: sqs.get_queue_url(QueueName=queue)["QueueUrl"] for name, queue in queues.items()}
    except (BotoCoreError, ClientError, KeyError) as failure:
        raise StackFailed(f"stack {name} cannot be read: {failure}") from None
    return Stack(
        table=physical["Table"],
        bucket=physical["Bucket"],
        queue_url=urls["Inbox"],
        exports_url=urls["Exports"],
        audit_bucket=physical["AuditBucket"],
        wake_ups_url=urls["WakeUps"],
        decisions_url=urls["Decisions"],
    )


def data_template() -> dict[str, Any]:
    """Return the template with only its table, buckets and queues.

    Alarms are left out, since nobody would receive them. Overrides of functions are left out, since they have no `Type`
    until Chalice adds one.
    """
    template: dict[str, Any] = json.loads(TEMPLATE.read_text(encoding="utf-8"))
    data = {name: body for name, body in template["Resources"].items() if body.get("Type") in DATA}
    return {"Parameters": template["Parameters"], "Conditions": template["Conditions"], "Resources": data}


def _final_status(cloudformation: Any, waiter: str, name: str) -> str:
    def status() -> str:
        return str(cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"])

    if status().endswith("_IN_PROGRESS"):
        cloudformation.get_waiter(waiter).wait(StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    return status()


def _client(service: str, endpoint_url: str | None) -> Any:
    return boto3.client(service, endpoint_url=endpoint_url, region_name=REGION)
