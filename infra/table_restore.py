"""Restores the table to a point in time, as a new table with the same settings as the stack's own."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError, WaiterError
from botocore.waiter import WaiterModel, create_waiter_with_client

from infra.cloud import Cloud, CloudFailed
from infra.plan import PlanInvalid

WAIT = {"Delay": 20, "MaxAttempts": 540}  # three hours, because large tables take long
TTL = {"Enabled": True, "AttributeName": "vanishes_at"}
BACKED_UP = "BackedUp"


def restore(cloud: Cloud, source: str, to: str | None, say: Callable[[str], None]) -> str:
    """Restore the table and return the name of the new one. Raises CloudFailed, PlanInvalid.

    Args:
        to: a time in RFC 3339, or None for the latest possible one.
    """
    dynamodb = cloud.client("dynamodb")
    target = f"{cloud.stack}-{datetime.now(UTC):%Y%m%d-%H%M%S}"
    when: dict[str, Any] = {"UseLatestRestorableTime": True}
    if to is not None:
        when = {"RestoreDateTime": _parse_time(to)}
    try:
        dynamodb.restore_table_to_point_in_time(SourceTableName=source, TargetTableName=target, **when)
        say(f"AWS is restoring the table as {target}. This takes minutes to hours.")
        dynamodb.get_waiter("table_exists").wait(TableName=target, WaiterConfig=WAIT)
        # AWS does not copy these settings from the source.
        dynamodb.update_table(TableName=target, DeletionProtectionEnabled=True)
        dynamodb.get_waiter("table_exists").wait(TableName=target, WaiterConfig=WAIT)
        dynamodb.update_time_to_live(TableName=target, TimeToLiveSpecification=TTL)
        back_up(dynamodb, target)
    except (ClientError, WaiterError) as failure:
        raise CloudFailed(_explain(cloud, source, target, failure)) from None
    return target


def back_up(dynamodb: Any, table: str, *, delay_seconds: int = 20) -> None:
    """Enable point-in-time recovery. Raises WaiterError.

    A new or restored table refuses this for its first minutes, so retry.
    """
    waiter_config = {
        "operation": "UpdateContinuousBackups",
        "delay": delay_seconds,
        "maxAttempts": 45,  # a quarter of an hour
        "acceptors": [
            {"matcher": "error", "expected": "ContinuousBackupsUnavailableException", "state": "retry"},
            {"matcher": "status", "expected": 200, "state": "success"},
        ],
    }
    model = WaiterModel({"version": 2, "waiters": {BACKED_UP: waiter_config}})
    waiter = create_waiter_with_client(BACKED_UP, model, dynamodb)
    waiter.wait(TableName=table, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True})


def _explain(cloud: Cloud, source: str, target: str, failure: Exception) -> str:
    if target not in cloud.tables():
        return f"The table {source} cannot be restored: {failure}"
    return (
        f"The table {target} was created, but some of its settings are missing: {failure}\n"
        "Set these by hand before you use it: deletion protection, time to live (vanishes_at), point-in-time recovery."
    )


def _parse_time(text: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise PlanInvalid(f"TO={text} is not a time: expected RFC 3339, e.g. 2026-11-24T03:00:00Z") from None
    if time.tzinfo is None:
        raise PlanInvalid(f"TO={text} has no time zone: expected RFC 3339, e.g. 2026-11-24T03:00:00Z")
    return time
