"""The account that is deployed to, through boto3: its stack, what is uploaded for it, and its secrets."""

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
NOTHING = ("didn't contain changes", "No updates are to be performed", "No changes")
POLL_SECONDS = 2.0
GONE = (None, "DELETE_COMPLETE", "REVIEW_IN_PROGRESS")  # there is no stack: only its name, and change sets
FAILED_AT_FIRST = ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "DELETE_FAILED")
LEAST_UNRESERVED = 100  # AWS keeps so many of an account's concurrent executions unreserved


class CloudFailed(Exception):
    """AWS says no, or cannot be reached. The message is for the person who deploys."""


class Change(NamedTuple):
    """What would happen to one resource."""

    action: str  # Add, Modify, Remove
    name: str
    kind: str
    replaced: str  # True, False, Conditional or nothing


class Event(NamedTuple):
    """Something that happened to one resource of the stack."""

    at: datetime
    name: str
    kind: str
    status: str
    reason: str


@dataclass(frozen=True)
class Cloud:
    """One account and region, by the credentials of whoever runs the command."""

    session: boto3.Session
    stack: str

    @cached_property
    def account(self) -> str:
        """Raises CloudFailed where there are no credentials that work."""
        try:
            return str(self.client("sts").get_caller_identity()["Account"])
        except (BotoCoreError, ClientError) as failure:
            raise CloudFailed(
                f"AWS does not know who you are: {failure}\n"
                "Sign in (`aws sso login`, or AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY)."
            ) from None

    @property
    def region(self) -> str:
        """Raises CloudFailed where none was chosen."""
        if not self.session.region_name:
            raise CloudFailed("No region: set AWS_REGION, for example AWS_REGION=us-east-1.")
        return str(self.session.region_name)

    # The stack

    def status(self) -> str | None:
        """None where there is no such stack."""
        found = self._described()
        return None if found is None else str(found["StackStatus"])

    def outputs(self) -> dict[str, str]:
        """Raises CloudFailed where there is no such stack."""
        found = self._described()
        if found is None:
            raise CloudFailed(f"There is no stack {self.stack} in {self.region}.")
        return {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", [])}

    def parameters(self) -> dict[str, str]:
        found = self._described() or {}
        return {one["ParameterKey"]: one.get("ParameterValue", "") for one in found.get("Parameters", [])}

    def _described(self) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = self.client("cloudformation").describe_stacks(StackName=self.stack)["Stacks"][0]
        except ClientError as failure:
            if "does not exist" in str(failure):
                return None
            raise CloudFailed(str(failure)) from None
        return found

    def prepare(self, template_url: str, parameters: Mapping[str, str], declared: Mapping[str, Any]) -> list[Change]:
        """Make the change set, and say what it would change: nothing if all is as it should be. Raises CloudFailed."""
        client, known = self.client("cloudformation"), self.parameters()
        kept = {name for name in known if name in declared and name not in parameters}
        given: list[dict[str, Any]] = [
            {"ParameterKey": name, "ParameterValue": value} for name, value in sorted(parameters.items())
        ]
        given += [{"ParameterKey": name, "UsePreviousValue": True} for name in sorted(kept)]
        try:
            client.create_change_set(
                StackName=self.stack,
                ChangeSetName=self._change_set,
                ChangeSetType="CREATE" if self.status() in GONE else "UPDATE",
                TemplateURL=template_url,
                Parameters=given,
                Capabilities=CAPABILITIES,
                Tags=[{"Key": "tombola", "Value": self.stack}],
            )
            return self._changes()
        except ClientError as failure:
            raise CloudFailed(str(failure)) from None

    def _changes(self) -> list[Change]:
        client, about = self.client("cloudformation"), {"StackName": self.stack, "ChangeSetName": self._change_set}
        while (found := client.describe_change_set(**about))["Status"] in ("CREATE_PENDING", "CREATE_IN_PROGRESS"):
            sleep(POLL_SECONDS)
        if found["Status"] == "FAILED":
            client.delete_change_set(**about)
            if any(words in found.get("StatusReason", "") for words in NOTHING):
                return []
            raise CloudFailed(f"The change set failed: {found.get('StatusReason', 'no reason was given')}")
        changes = list(found["Changes"])
        while found.get("NextToken"):
            found = client.describe_change_set(**about, NextToken=found["NextToken"])
            changes += found["Changes"]
        if not changes:
            client.delete_change_set(**about)
        resources = [change["ResourceChange"] for change in changes]
        return sorted(
            Change(one["Action"], one["LogicalResourceId"], one["ResourceType"], str(one.get("Replacement") or ""))
            for one in resources
        )

    @cached_property
    def _change_set(self) -> str:
        return f"deploy-{datetime.now(UTC):%Y%m%d-%H%M%S}"

    def check_prepared(self) -> None:
        """Raises CloudFailed where the change set can't be carried out any more: while somebody was asked, others may
        have changed the stack, which ends all change sets that were made before."""
        about = {"StackName": self.stack, "ChangeSetName": self._change_set}
        try:
            found = self.client("cloudformation").describe_change_set(**about)["ExecutionStatus"]
        except ClientError as failure:
            raise CloudFailed(str(failure)) from None
        status = self.status()
        busy = status not in GONE and str(status).endswith("_IN_PROGRESS")
        if busy or found != "AVAILABLE":
            raise CloudFailed(f"The stack {self.stack} was changed meanwhile: run the same command again.")

    def drop(self) -> None:
        """Leave the change set unused."""
        client, new = self.client("cloudformation"), self.status() == "REVIEW_IN_PROGRESS"
        client.delete_change_set(StackName=self.stack, ChangeSetName=self._change_set)
        if new:
            client.delete_stack(StackName=self.stack)

    def execute(self) -> Iterator[Event]:
        """Carry the change set out; what happens, as it happens, until the stack is settled."""
        begun = datetime.now(UTC)
        try:
            self.client("cloudformation").execute_change_set(StackName=self.stack, ChangeSetName=self._change_set)
        except ClientError as failure:
            raise CloudFailed(f"The change can't be carried out, perhaps since another is: {failure}") from None
        yield from self._events(begun)

    def remove(self) -> Iterator[Event]:
        """Delete the stack. Its table and its bucket are kept."""
        begun = datetime.now(UTC)
        self.client("cloudformation").delete_stack(StackName=self.stack)
        yield from self._events(begun)

    def _events(self, begun: datetime) -> Iterator[Event]:
        told: set[str] = set()
        while True:
            status = self.status()
            for event_id, event in self._since(begun):
                if event_id not in told:
                    told.add(event_id)
                    yield event
            if status is None or not status.endswith("_IN_PROGRESS"):
                return
            sleep(POLL_SECONDS)

    def _since(self, begun: datetime) -> list[tuple[str, Event]]:
        pages = self.client("cloudformation").get_paginator("describe_stack_events").paginate(StackName=self.stack)
        found: list[tuple[str, Event]] = []
        try:
            for page in pages:
                for one in page["StackEvents"]:
                    if one["Timestamp"].replace(microsecond=0) < begun.replace(microsecond=0):
                        return found[::-1]
                    event = Event(
                        one["Timestamp"], one.get("LogicalResourceId", ""), one.get("ResourceType", ""),
                        one.get("ResourceStatus", ""), one.get("ResourceStatusReason", ""),
                    )  # fmt: skip
                    found.append((one["EventId"], event))
        except ClientError:  # a stack that is gone has no events
            return []
        return found[::-1]

    def wait_until_removed(self) -> None:
        try:
            self.client("cloudformation").get_waiter("stack_delete_complete").wait(StackName=self.stack)
        except WaiterError as failure:
            raise CloudFailed(f"The stack {self.stack} could not be deleted: {failure}") from None

    # What is uploaded

    def upload(self, folder: Path) -> str:
        """Bring the zip and the template to AWS, each under the hash of what it holds. The template's URL."""
        s3 = self.client("s3")
        self._make_bucket(s3)
        code = (folder / "deployment.zip").read_bytes()
        code_key = f"{self.stack}/{sha256(code).hexdigest()}.zip"
        template = (folder / "sam.json").read_text(encoding="utf-8")
        where = json.dumps({"Bucket": self.uploads, "Key": code_key}, separators=(",", ":"))
        template = template.replace('"CodeUri":"./deployment.zip"', f'"CodeUri":{where}')
        template_key = f"{self.stack}/{sha256(template.encode()).hexdigest()}.json"
        self._put(s3, code_key, code)
        self._put(s3, template_key, template.encode())
        if endpoint := environ.get("AWS_ENDPOINT_URL", ""):
            return f"{endpoint.rstrip('/')}/{self.uploads}/{template_key}"
        return f"https://{self.uploads}.s3.{self.region}.amazonaws.com/{template_key}"

    @property
    def uploads(self) -> str:
        """The bucket for what CloudFormation reads."""
        return f"tombola-deployments-{self.account}-{self.region}"

    def _make_bucket(self, s3: Any) -> None:
        try:  # its name can be guessed: what somebody else made under it is refused
            s3.head_bucket(Bucket=self.uploads, ExpectedBucketOwner=self.account)
        except ClientError as failure:
            if failure.response["ResponseMetadata"]["HTTPStatusCode"] == HTTPStatus.FORBIDDEN:
                raise CloudFailed(f"The bucket {self.uploads} is somebody else's, or closed to you.") from None
            where = {} if self.region == "us-east-1" else {"LocationConstraint": self.region}
            more = {"CreateBucketConfiguration": where} if where else {}
            try:
                s3.create_bucket(Bucket=self.uploads, **more)
                s3.put_public_access_block(
                    Bucket=self.uploads,
                    PublicAccessBlockConfiguration={
                        "BlockPublicAcls": True, "IgnorePublicAcls": True,
                        "BlockPublicPolicy": True, "RestrictPublicBuckets": True,
                    },
                )  # fmt: skip
            except ClientError as failure:
                raise CloudFailed(f"The bucket {self.uploads} can't be made: {failure}") from None

    def _put(self, s3: Any, key: str, content: bytes) -> None:
        try:
            s3.head_object(Bucket=self.uploads, Key=key, ExpectedBucketOwner=self.account)
        except ClientError:
            s3.put_object(Bucket=self.uploads, Key=key, Body=content, ExpectedBucketOwner=self.account)

    # Secrets, in the Parameter Store

    def secrets(self) -> dict[str, str]:
        """Those that are stored, by the setting's name."""
        pages = self.client("ssm").get_paginator("get_parameters_by_path")
        try:
            return {
                one["Name"].rsplit("/", 1)[-1]: one["Value"]
                for page in pages.paginate(Path=f"/{self.stack}/", WithDecryption=True)
                for one in page["Parameters"]
            }
        except ClientError as failure:
            raise CloudFailed(f"The secrets under /{self.stack}/ can't be read: {failure}") from None

    def keep_secret(self, name: str, value: str) -> None:
        where = f"/{self.stack}/{name}"
        try:
            self.client("ssm").put_parameter(Name=where, Value=value, Type="SecureString", Overwrite=True)
        except ClientError as failure:
            raise CloudFailed(f"The secret {where} can't be put: {failure.response['Error']['Code']}") from None

    def forget_secrets(self) -> None:
        for name in self.secrets():
            self.client("ssm").delete_parameter(Name=f"/{self.stack}/{name}")

    # What is kept when the stack goes

    def tables(self) -> list[str]:
        """Those that were made for the stack, or restored for it, whether it uses them or not."""
        pages = self.client("dynamodb").get_paginator("list_tables").paginate()
        made = re.compile(rf"{re.escape(self.stack)}-(Table-[^-]+|\d{{8}}-\d{{6}})")
        return [name for page in pages for name in page["TableNames"] if made.fullmatch(name)]

    def buckets(self) -> list[str]:
        """Likewise."""
        made = re.compile(rf"{re.escape(self.stack)}-bucket-[^-]+")
        return [one["Name"] for one in self.client("s3").list_buckets()["Buckets"] if made.fullmatch(one["Name"])]

    def delete_table(self, name: str) -> None:
        """The table and all that is in it, protected or not."""
        dynamodb = self.client("dynamodb")
        dynamodb.update_table(TableName=name, DeletionProtectionEnabled=False)
        dynamodb.get_waiter("table_exists").wait(TableName=name)
        dynamodb.delete_table(TableName=name)

    def delete_bucket(self, name: str) -> None:
        """The bucket and all versions of all that is in it."""
        bucket = boto3.resource("s3", region_name=self.region).Bucket(name)
        bucket.object_versions.delete()
        bucket.delete()

    def can_reserve(self, places: int) -> bool:
        """Whether the account's concurrency lets functions have some of it for themselves."""
        try:
            limit = self.client("lambda").get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"]
        except (BotoCoreError, ClientError, KeyError):
            return False
        return int(limit) - places >= LEAST_UNRESERVED

    def client(self, service: str) -> Any:
        if service not in self._clients:
            self._clients[service] = self.session.client(service, region_name=self.region)
        return self._clients[service]

    @cached_property
    def _clients(self) -> dict[str, Any]:
        return {}
