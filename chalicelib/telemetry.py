"""Structured logs and metrics. Neither ever holds a phone number, a name, a text, a token or a message id."""

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
    """Of an exception only its kind and where it was raised: its text and its notes may quote a person."""

    def _extract_log_exception(self, log_record: LogRecord) -> Any:
        kind, _, trace = log_record.exc_info or (None, None, None)
        if kind is None:
            return None, None, None
        frames = extract_tb(trace)[-FRAMES:]
        places = [f"{PurePath(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames]
        return " > ".join(places), kind.__name__, None


# The level is set with the other settings: one that is wrong must not stop the import. A stack trace as Powertools
# serialises it would hold the exception's text after all.
logger = Logger(service="tombola", level="INFO", logger_formatter=RedactingFormatter(serialize_stacktrace=False))


@contextmanager
def in_a_terminal() -> Iterator[None]:
    """Meanwhile only errors are logged, beside what a command prints and not among it."""
    handler = logger.registered_handler
    assert isinstance(handler, StreamHandler)
    stream, level = handler.stream, handler.level
    handler.setStream(sys.stderr)
    handler.setLevel("ERROR")
    try:
        yield
    finally:
        handler.setStream(stream)
        handler.setLevel(level)


metrics = Metrics(namespace="Tombola")  # the service is the stack: POWERTOOLS_SERVICE_NAME


_adding = Lock()  # metrics are added by several threads where holds are ended


def count(name: str, value: int = 1) -> None:
    """Add to a metric; flushed at the end of the function's call."""
    with _adding:
        metrics.add_metric(name=name, unit=MetricUnit.Count, value=value)


def count_refusal(code: int) -> None:
    """Add to the refusals of WhatsApp by its error code: a metric of its own for each, with the dimension `code`."""
    with (
        _adding,
        single_metric(
            name="MessagesRefusedByCode", unit=MetricUnit.Count, value=1, namespace=metrics.namespace
        ) as metric,
    ):
        metric.add_dimension("service", metrics.service or "tombola")
        metric.add_dimension("code", str(code))


def measure(name: str, time: timedelta) -> None:
    """Note how long something took or waited."""
    with _adding:
        metrics.add_metric(name=name, unit=MetricUnit.Seconds, value=time.total_seconds())


def pseudonym(name: str) -> str:
    """Stands for an organiser in the log: whoever knows the name of the token can find its lines."""
    return sha256(name.encode()).hexdigest()[:8]


def alert(what: str, **extra: object) -> None:
    """Say that somebody must look at once: an error in the log, and a metric that raises an alarm (infra/)."""
    logger.error(what, extra=extra)
    count("Alerts")
