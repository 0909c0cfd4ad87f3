"""What AWS says between two steps is listened to: faults and changes that a stand-in does not bring about by itself."""

from http import HTTPStatus
from typing import Any

import boto3
import pytest
from botocore.exceptions import WaiterError
from botocore.stub import Stubber

from infra.cloud import Cloud, CloudFailed
from infra.table_restore import back_up

STACK = "tombola-dev"
BACKUPS = {"TableName": "table", "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True}}


@pytest.fixture
def cloud() -> Cloud:
    session = boto3.Session(aws_access_key_id="none", aws_secret_access_key="none", region_name="us-east-1")
    return Cloud(session, STACK)


def answer(stack: str, change_set: str, cloud: Cloud) -> Stubber:
    answers = Stubber(cloud.client("cloudformation"))
    about: dict[str, Any] = {"StackName": STACK, "ChangeSetName": cloud._change_set}
    answers.add_response("describe_change_set", {"ExecutionStatus": change_set}, about)
    described = {"StackName": STACK, "CreationTime": "2026-11-24T00:00:00Z", "StackStatus": stack}
    answers.add_response("describe_stacks", {"Stacks": [described]}, {"StackName": STACK})
    return answers


@pytest.mark.parametrize("stack", ["REVIEW_IN_PROGRESS", "CREATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"])
def test_a_change_set_that_was_shown_can_be_executed(cloud: Cloud, stack: str) -> None:
    with answer(stack, "AVAILABLE", cloud):
        cloud.check_prepared()


@pytest.mark.parametrize(
    ("stack", "change_set"), [("UPDATE_COMPLETE", "OBSOLETE"), ("UPDATE_IN_PROGRESS", "AVAILABLE")]
)
def test_a_concurrent_deployment_stops_this_one_before_a_secret_is_stored(
    cloud: Cloud, stack: str, change_set: str
) -> None:
    with answer(stack, change_set, cloud), pytest.raises(CloudFailed, match="changed in the meantime"):
        cloud.check_prepared()


def test_backups_are_requested_until_the_new_table_accepts_them(cloud: Cloud) -> None:
    with Stubber(cloud.client("dynamodb")) as answers:
        for _ in range(2):
            answers.add_client_error(
                "update_continuous_backups", "ContinuousBackupsUnavailableException", expected_params=BACKUPS
            )
        done: Any = {"ResponseMetadata": {"HTTPStatusCode": HTTPStatus.OK}}
        answers.add_response("update_continuous_backups", done, BACKUPS)
        back_up(cloud.client("dynamodb"), "table", delay_seconds=0)
        answers.assert_no_pending_responses()


def test_backups_that_are_refused_for_good_are_reported(cloud: Cloud) -> None:
    dynamodb = cloud.client("dynamodb")
    with Stubber(dynamodb) as answers:
        answers.add_client_error("update_continuous_backups", "AccessDeniedException", "AccessDenied")
        with pytest.raises(WaiterError, match="AccessDenied"):
            back_up(dynamodb, "table", delay_seconds=0)
