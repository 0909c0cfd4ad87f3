"""Structured logs, metrics and alerts. None of them may contain a phone number, name, text, token or message id."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from hashlib import sha256
from logging import LogRecord, StreamHandler
from pathlib import PurePath
from threading import Lock
from traceback import extract_tb
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter
from aws_lambda_powertools.metrics import MetricUnit, single_metric

FRAMES = 8  # of a traceback, the innermost


class RedactingFormatter(LambdaPowertoolsFormatter):
    """Log only the class of an exception and where it was raised: its text and notes may quote a person."""

    def _extract_log_exception(self, log_record: LogRecord) -> Any:
        exception, _, trace = log_record.exc_info or (None, None, None)
        if exception is None:
            return None, None, None
        frames = extract_tb(trace)[-FRAMES:]
        places = [f"{PurePath(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames]
        return " > ".join(places), exception.__name__, None


# The level is set with the other settings, so that a wrong one does not break the import. Powertools' serialised stack
# trace would contain the exception's text.
logger = Logger(service="tombola", level="INFO", logger_formatter=RedactingFormatter(serialize_stacktrace=False))


@contextmanager
def only_errors_to_stderr() -> Iterator[None]:
    """Log only errors, and to stderr: stdout belongs to what a command prints."""
    handler = logger.registered_handler
    assert isinstance(handler, StreamHandler)
    stream = handler.stream
    level = handler.level
    handler.setStream(sys.stderr)
    handler.setLevel("ERROR")
    try:
        yield
    finally:
        handler.setStream(stream)
        handler.setLevel(level)


metrics = Metrics(namespace="Tombola")  # the service is the stack: POWERTOOLS_SERVICE_NAME


_lock = Lock()  # several threads add metrics while they expire holds


def count(name: str, value: int = 1) -> None:
    """Add to a metric. It is flushed when the function ends."""
    with _lock:
        metrics.add_metric(name=name, unit=MetricUnit.Count, value=value)


def count_refusal(code: int) -> None:
    """Count a message that WhatsApp refused, as a metric with the dimension `code`."""
    with (
        _lock,
        single_metric(
            name="MessagesRefusedByCode", unit=MetricUnit.Count, value=1, namespace=metrics.namespace
        ) as metric,
    ):
        metric.add_dimension("service", metrics.service or "tombola")
        metric.add_dimension("code", str(code))


def count_not_understood(language: str, stage: str) -> None:
    """Count a message of which the bot could make nothing, as a metric with the dimensions `language` and `state`."""
    with (
        _lock,
        single_metric(name="not_understood", unit=MetricUnit.Count, value=1, namespace=metrics.namespace) as metric,
    ):
        metric.add_dimension("service", metrics.service or "tombola")
        metric.add_dimension("language", language)
        metric.add_dimension("state", stage)


def measure(name: str, time: timedelta) -> None:
    """Record how long something took or waited."""
    with _lock:
        metrics.add_metric(name=name, unit=MetricUnit.Seconds, value=time.total_seconds())


def pseudonym(name: str) -> str:
    """Return the hash that replaces a token's name in the log. Anyone who knows the name can find its lines."""
    return sha256(name.encode()).hexdigest()[:8]


def alert(problem: str, **extra: object) -> None:
    """Report a problem that needs attention at once: log an error, and count the metric that raises an alarm."""
    logger.error(problem, extra=extra)
    count("Alerts")
