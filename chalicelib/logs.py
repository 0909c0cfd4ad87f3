"""Structured logs and metrics. Neither ever holds a phone number, a name, a text, a token or a message id."""

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

# The level is set with the other settings: one that is wrong must not stop the import.
logger = Logger(service="tombola", level="INFO")
metrics = Metrics(namespace="Tombola", service="tombola")


def count(name: str, value: int = 1) -> None:
    """Add to a metric; flushed at the end of the function's call."""
    metrics.add_metric(name=name, unit=MetricUnit.Count, value=value)
