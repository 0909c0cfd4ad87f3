"""A table as it was at a moment (point-in-time recovery): a new one, set up as the stack's own."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError, WaiterError
from botocore.waiter import WaiterModel, create_waiter_with_client

from infra.cloud import Cloud, CloudFailed
from infra.plan import PlanInvalid

PATIENCE = {"Delay": 20, "MaxAttempts": 540}  # three hours: large tables take long
TTL = {"Enabled": True, "AttributeName": "vanishes_at"}
BACKED_UP = "BackedUp"


def restore(cloud: Cloud, source: str, to: str | None, say: Callable[[str], None]) -> str:
    """The name of the new table. Raises CloudFailed, PlanInvalid.

    Args:
        to: RFC 3339; None for the latest moment there is.
    """
    dynamodb, target = cloud.client("dynamodb"), f"{cloud.stack}-{datetime.now(UTC):%Y%m%d-%H%M%S}"
    when: dict[str, Any] = {"UseLatestRestorableTime": True}
    if to is not None:
        when = {"RestoreDateTime": _moment(to)}
    try:
        dynamodb.restore_table_to_point_in_time(SourceTableName=source, TargetTableName=target, **when)
        say(f"AWS makes {target}; this takes minutes to hours.")
        dynamodb.get_waiter("table_exists").wait(TableName=target, WaiterConfig=PATIENCE)
        # What AWS does not take over from the source.
        dynamodb.update_table(TableName=target, DeletionProtectionEnabled=True)
        dynamodb.get_waiter("table_exists").wait(TableName=target, WaiterConfig=PATIENCE)
        dynamodb.update_time_to_live(TableName=target, TimeToLiveSpecification=TTL)
        back_up(dynamodb, target)
    except (ClientError, WaiterError) as failure:
        raise CloudFailed(_told(cloud, source, target, failure)) from None
    return target


def back_up(dynamodb: Any, table: str, *, delay_seconds: int = 20) -> None:
    """Turn point-in-time recovery on. A table that is new, or was restored, refuses it for its first minutes.
    Raises WaiterError."""
    asking = {
        "operation": "UpdateContinuousBackups",
        "delay": delay_seconds,
        "maxAttempts": 45,  # a quarter of an hour
        "acceptors": [
            {"matcher": "error", "expected": "ContinuousBackupsUnavailableException", "state": "retry"},
            {"matcher": "status", "expected": 200, "state": "success"},
        ],
    }
    waiter = create_waiter_with_client(BACKED_UP, WaiterModel({"version": 2, "waiters": {BACKED_UP: asking}}), dynamodb)
    waiter.wait(TableName=table, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True})


def _told(cloud: Cloud, source: str, target: str, failure: Exception) -> str:
    if target not in cloud.tables():
        return f"The table {source} can't be restored: {failure}"
    return (
        f"The table {target} is there, but not all of its settings are: {failure}\n"
        "Set these by hand before it is used: deletion protection, time to live (vanishes_at), point-in-time recovery."
    )


def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise PlanInvalid(f"TO={text} is no time: expected RFC 3339, as 2026-11-24T03:00:00Z") from None
    if found.tzinfo is None:
        raise PlanInvalid(f"TO={text} has no zone: expected RFC 3339, as 2026-11-24T03:00:00Z")
    return found
