"""Access to the AWS account through boto3: the stack, its uploads, its secrets, and the data that outlives it."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from hashlib import sha256
from http import HTTPStatus
from os import environ
from pathlib import Path
from time import sleep
from typing import Any, NamedTuple

import boto3
from botocore.exceptions import BotoCoreError, ClientError, WaiterError

CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]
NO_CHANGES = ("didn't contain changes", "No updates are to be performed", "No changes")
POLL_SECONDS = 2.0
NO_STACK = (None, "DELETE_COMPLETE", "REVIEW_IN_PROGRESS")  # no resources, at most a name with change sets
MUST_BE_DELETED = ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "DELETE_FAILED")
MIN_UNRESERVED = 100  # concurrent executions that AWS keeps unreserved in each account


class CloudFailed(Exception):
    """AWS refused a request or cannot be reached. The message is meant for the terminal."""


class Change(NamedTuple):
    """A planned change of one resource."""

    action: str  # Add, Modify or Remove
    name: str
    kind: str
    replaced: str  # True, False, Conditional or empty


class Event(NamedTuple):
    """An event of one resource of the stack."""

    at: datetime
    name: str
    kind: str
    status: str
    reason: str


@dataclass(frozen=True)
class Cloud:
    """A stack in one account and region, with the credentials of the session."""

    session: boto3.Session
    stack: str

    @cached_property
    def account(self) -> str:
        """Return the account's number. Raises CloudFailed if there are no valid credentials."""
        try:
            return str(self.client("sts").get_caller_identity()["Account"])
        except (BotoCoreError, ClientError) as failure:
            raise CloudFailed(
                f"There are no valid AWS credentials: {failure}\n"
                "Run `aws sso login`, or set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
            ) from None

    @property
    def region(self) -> str:
        """Return the region. Raises CloudFailed if none is set."""
        if not self.session.region_name:
            raise CloudFailed("No AWS region is set. Set one, for example AWS_REGION=us-east-1.")
        return str(self.session.region_name)

    # The stack

    def status(self) -> str | None:
        """Return the stack's status, or None if there is no stack."""
        description = self._describe()
        return None if description is None else str(description["StackStatus"])

    def outputs(self) -> dict[str, str]:
        """Return the stack's outputs. Raises CloudFailed if there is no stack."""
        description = self._describe()
        if description is None:
            raise CloudFailed(f"There is no stack {self.stack} in {self.region}.")
        return {output["OutputKey"]: output["OutputValue"] for output in description.get("Outputs", [])}

    def parameters(self) -> dict[str, str]:
        parameters = (self._describe() or {}).get("Parameters", [])
        return {parameter["ParameterKey"]: parameter.get("ParameterValue", "") for parameter in parameters}

    def _describe(self) -> dict[str, Any] | None:
        try:
            stacks: list[dict[str, Any]] = self.client("cloudformation").describe_stacks(StackName=self.stack)["Stacks"]
        except ClientError as failure:
            if "does not exist" in str(failure):
                return None
            raise CloudFailed(str(failure)) from None
        return stacks[0]

    def prepare(self, template_url: str, parameters: Mapping[str, str], declared: Mapping[str, Any]) -> list[Change]:
        """Create the change set and return its changes: none if the stack is up to date. Raises CloudFailed.

        Args:
            parameters: the values to set. Other declared parameters keep their current values.
            declared: the parameters of the template.
        """
        client = self.client("cloudformation")
        unchanged = {name for name in self.parameters() if name in declared and name not in parameters}
        values: list[dict[str, Any]] = [
            {"ParameterKey": name, "ParameterValue": value} for name, value in sorted(parameters.items())
        ]
        values += [{"ParameterKey": name, "UsePreviousValue": True} for name in sorted(unchanged)]
        try:
            client.create_change_set(
                StackName=self.stack,
                ChangeSetName=self._change_set,
                ChangeSetType="CREATE" if self.status() in NO_STACK else "UPDATE",
                TemplateURL=template_url,
                Parameters=values,
                Capabilities=CAPABILITIES,
                Tags=[{"Key": "tombola", "Value": self.stack}],
            )
            return self._changes()
        except ClientError as failure:
            raise CloudFailed(str(failure)) from None

    def _changes(self) -> list[Change]:
        client = self.client("cloudformation")
        names = {"StackName": self.stack, "ChangeSetName": self._change_set}
        while (page := client.describe_change_set(**names))["Status"] in ("CREATE_PENDING", "CREATE_IN_PROGRESS"):
            sleep(POLL_SECONDS)
        if page["Status"] == "FAILED":
            client.delete_change_set(**names)
            if any(text in page.get("StatusReason", "") for text in NO_CHANGES):
                return []
            raise CloudFailed(f"The change set failed: {page.get('StatusReason', 'AWS gave no reason')}")
        changes = list(page["Changes"])
        while page.get("NextToken"):
            page = client.describe_change_set(**names, NextToken=page["NextToken"])
            changes += page["Changes"]
        if not changes:
            client.delete_change_set(**names)
        return sorted(_change(change["ResourceChange"]) for change in changes)

    @cached_property
    def _change_set(self) -> str:
        return f"deploy-{datetime.now(UTC):%Y%m%d-%H%M%S}"

    def check_prepared(self) -> None:
        """Check that the change set is still valid. Raises CloudFailed.

        While the user was deciding, somebody else may have changed the stack. That ends all older change sets.
        """
        names = {"StackName": self.stack, "ChangeSetName": self._change_set}
        try:
            execution = self.client("cloudformation").describe_change_set(**names)["ExecutionStatus"]
        except ClientError as failure:
            raise CloudFailed(str(failure)) from None
        status = self.status()
        busy = status not in NO_STACK and str(status).endswith("_IN_PROGRESS")
        if busy or execution != "AVAILABLE":
            raise CloudFailed(f"The stack {self.stack} was changed in the meantime. Run the same command again.")

    def discard(self) -> None:
        """Delete the change set, and the stack's name if the change set would have created it."""
        client = self.client("cloudformation")
        new = self.status() == "REVIEW_IN_PROGRESS"
        client.delete_change_set(StackName=self.stack, ChangeSetName=self._change_set)
        if new:
            client.delete_stack(StackName=self.stack)

    def execute(self) -> Iterator[Event]:
        """Execute the change set. Yields the events as they happen, until the stack is stable. Raises CloudFailed."""
        started_at = datetime.now(UTC)
        try:
            self.client("cloudformation").execute_change_set(StackName=self.stack, ChangeSetName=self._change_set)
        except ClientError as failure:
            raise CloudFailed(f"The change cannot be executed. Is another one running? {failure}") from None
        yield from self._events(started_at)

    def remove(self) -> Iterator[Event]:
        """Delete the stack, but not its table and bucket. Yields the events as they happen."""
        started_at = datetime.now(UTC)
        self.client("cloudformation").delete_stack(StackName=self.stack)
        yield from self._events(started_at)

    def _events(self, started_at: datetime) -> Iterator[Event]:
        seen: set[str] = set()
        while True:
            status = self.status()
            for event_id, event in self._events_since(started_at):
                if event_id not in seen:
                    seen.add(event_id)
                    yield event
            if status is None or not status.endswith("_IN_PROGRESS"):
                return
            sleep(POLL_SECONDS)

    def _events_since(self, started_at: datetime) -> list[tuple[str, Event]]:
        pages = self.client("cloudformation").get_paginator("describe_stack_events").paginate(StackName=self.stack)
        events: list[tuple[str, Event]] = []
        try:
            for page in pages:
                for item in page["StackEvents"]:
                    if item["Timestamp"].replace(microsecond=0) < started_at.replace(microsecond=0):
                        return events[::-1]
                    events.append((item["EventId"], _event(item)))
        except ClientError:  # a deleted stack has no events
            return []
        return events[::-1]

    def wait_until_removed(self) -> None:
        try:
            self.client("cloudformation").get_waiter("stack_delete_complete").wait(StackName=self.stack)
        except WaiterError as failure:
            raise CloudFailed(f"The stack {self.stack} could not be deleted: {failure}") from None

    # Uploads

    def upload(self, folder: Path) -> str:
        """Upload zip and template, each under the hash of its content. Return the template's URL."""
        s3 = self.client("s3")
        self._ensure_bucket(s3)
        code = (folder / "deployment.zip").read_bytes()
        code_key = f"{self.stack}/{sha256(code).hexdigest()}.zip"
        template = (folder / "sam.json").read_text(encoding="utf-8")
        location = json.dumps({"Bucket": self.uploads, "Key": code_key}, separators=(",", ":"))
        template = template.replace('"CodeUri":"./deployment.zip"', f'"CodeUri":{location}')
        template_key = f"{self.stack}/{sha256(template.encode()).hexdigest()}.json"
        self._put(s3, code_key, code)
        self._put(s3, template_key, template.encode())
        if endpoint := environ.get("AWS_ENDPOINT_URL", ""):
            return f"{endpoint.rstrip('/')}/{self.uploads}/{template_key}"
        return f"https://{self.uploads}.s3.{self.region}.amazonaws.com/{template_key}"

    @property
    def uploads(self) -> str:
        """The name of the bucket from which CloudFormation reads."""
        return f"tombola-deployments-{self.account}-{self.region}"

    def _ensure_bucket(self, s3: Any) -> None:
        try:  # the name can be guessed, so refuse a bucket that belongs to another account
            s3.head_bucket(Bucket=self.uploads, ExpectedBucketOwner=self.account)
        except ClientError as failure:
            if failure.response["ResponseMetadata"]["HTTPStatusCode"] == HTTPStatus.FORBIDDEN:
                raise CloudFailed(f"The bucket {self.uploads} is not yours, or you have no access to it.") from None
            constraint = {"CreateBucketConfiguration": {"LocationConstraint": self.region}}
            options = {} if self.region == "us-east-1" else constraint
            try:
                s3.create_bucket(Bucket=self.uploads, **options)
                s3.put_public_access_block(
                    Bucket=self.uploads,
                    PublicAccessBlockConfiguration={
                        "BlockPublicAcls": True, "IgnorePublicAcls": True,
                        "BlockPublicPolicy": True, "RestrictPublicBuckets": True,
                    },
                )  # fmt: skip
            except ClientError as failure:
                raise CloudFailed(f"The bucket {self.uploads} cannot be created: {failure}") from None

    def _put(self, s3: Any, key: str, content: bytes) -> None:
        try:
            s3.head_object(Bucket=self.uploads, Key=key, ExpectedBucketOwner=self.account)
        except ClientError:
            s3.put_object(Bucket=self.uploads, Key=key, Body=content, ExpectedBucketOwner=self.account)

    # Secrets, in the Parameter Store

    def secrets(self) -> dict[str, str]:
        """Return the stored secrets by the setting's name. Raises CloudFailed."""
        pages = self.client("ssm").get_paginator("get_parameters_by_path")
        try:
            return {
                parameter["Name"].rsplit("/", 1)[-1]: parameter["Value"]
                for page in pages.paginate(Path=f"/{self.stack}/", WithDecryption=True)
                for parameter in page["Parameters"]
            }
        except ClientError as failure:
            raise CloudFailed(f"The secrets under /{self.stack}/ cannot be read: {failure}") from None

    def put_secret(self, name: str, value: str) -> None:
        """Store a secret. Raises CloudFailed, without the value."""
        path = f"/{self.stack}/{name}"
        try:
            self.client("ssm").put_parameter(Name=path, Value=value, Type="SecureString", Overwrite=True)
        except ClientError as failure:
            raise CloudFailed(f"The secret {path} cannot be stored: {failure.response['Error']['Code']}") from None

    def delete_secrets(self) -> None:
        for name in self.secrets():
            self.client("ssm").delete_parameter(Name=f"/{self.stack}/{name}")

    # Data that outlives the stack

    def tables(self) -> list[str]:
        """Return all tables that were created or restored for the stack, in use or not."""
        pages = self.client("dynamodb").get_paginator("list_tables").paginate()
        pattern = re.compile(rf"{re.escape(self.stack)}-(Table-[^-]+|\d{{8}}-\d{{6}})")
        return [name for page in pages for name in page["TableNames"] if pattern.fullmatch(name)]

    def buckets(self) -> list[str]:
        """Return all buckets that were created for the stack, in use or not."""
        pattern = re.compile(rf"{re.escape(self.stack)}-bucket-[^-]+")
        names = [bucket["Name"] for bucket in self.client("s3").list_buckets()["Buckets"]]
        return [name for name in names if pattern.fullmatch(name)]

    def delete_table(self, name: str) -> None:
        """Delete a table with all its data, even if it has deletion protection."""
        dynamodb = self.client("dynamodb")
        dynamodb.update_table(TableName=name, DeletionProtectionEnabled=False)
        dynamodb.get_waiter("table_exists").wait(TableName=name)
        dynamodb.delete_table(TableName=name)

    def delete_bucket(self, name: str) -> None:
        """Delete a bucket with all versions of all its files."""
        bucket = boto3.resource("s3", region_name=self.region).Bucket(name)
        bucket.object_versions.delete()
        bucket.delete()

    def can_reserve(self, executions: int) -> bool:
        """Return whether the account's limit allows reserving so many concurrent executions."""
        try:
            limit = self.client("lambda").get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"]
        except (BotoCoreError, ClientError, KeyError):
            return False
        return int(limit) - executions >= MIN_UNRESERVED

    def client(self, service: str) -> Any:
        if service not in self._clients:
            self._clients[service] = self.session.client(service, region_name=self.region)
        return self._clients[service]

    @cached_property
    def _clients(self) -> dict[str, Any]:
        return {}


def _change(resource: Mapping[str, Any]) -> Change:
    replaced = str(resource.get("Replacement") or "")
    return Change(resource["Action"], resource["LogicalResourceId"], resource["ResourceType"], replaced)


def _event(item: Mapping[str, Any]) -> Event:
    return Event(
        item["Timestamp"],
        item.get("LogicalResourceId", ""),
        item.get("ResourceType", ""),
        item.get("ResourceStatus", ""),
        item.get("ResourceStatusReason", ""),
    )
