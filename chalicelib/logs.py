"""Structured logs and metrics. Neither ever holds a phone number, a name, a text, a token or a message id."""

from datetime import timedelta
from threading import Lock

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

# The level is set with the other settings: one that is wrong must not stop the import.
logger = Logger(service="tombola", level="INFO")
metrics = Metrics(namespace="Tombola", service="tombola")


_adding = Lock()  # metrics are added by several threads where holds are ended


def count(name: str, value: int = 1) -> None:
    """Add to a metric; flushed at the end of the function's call."""
    with _adding:
        metrics.add_metric(name=name, unit=MetricUnit.Count, value=value)


def measure(name: str, time: timedelta) -> None:
    """Note how long something took or waited."""
    with _adding:
        metrics.add_metric(name=name, unit=MetricUnit.Seconds, value=time.total_seconds())


def alert(what: str, **extra: object) -> None:
    """Say that somebody must look at once: an error in the log, and a metric that raises an alarm (infra/)."""
    logger.error(what, extra=extra)
    count("Alerts")
