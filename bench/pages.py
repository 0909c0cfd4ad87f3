"""The pages that are open to everybody: what a view of them transfers, and the processor time of an answer."""

from base64 import b64decode
from collections.abc import Iterator
from contextlib import redirect_stdout
from io import StringIO
from statistics import median
from time import process_time
from typing import Any
from unittest.mock import patch

import app
from bench.figures import Figure, spread
from bench.testbed import Testbed
from chalicelib import container as composition
from local.worker import Context

PATHS = ("/api/docs", "/api/openapi.json")
RUNS = 200


def pages(testbed: Testbed) -> Iterator[Figure]:
    """Measure both as a browser asks for them. Here, the first request builds what packaging builds ahead."""
    composition.container.cache_clear()
    with patch.object(composition, "make", lambda _: testbed.container), redirect_stdout(StringIO()):
        figures = [_answer_time(path, testbed.runs(RUNS)) for path in PATHS]
        transferred = sum(len(b64decode(_fetch(path))) for path in PATHS)
    composition.container.cache_clear()
    yield Figure("pages: a view of /api/docs transfers", round(transferred / 1000, 1), "KB", "<= 300")
    yield from figures


def _answer_time(path: str, runs: int) -> Figure:
    _fetch(path)
    seconds: list[float] = []
    for _ in range(runs):
        before = process_time()
        _fetch(path)
        seconds.append(process_time() - before)
    return Figure(f"pages: processor time, {path}", round(1000 * median(seconds), 2), "ms", "<= 5", spread(seconds))


def _fetch(path: str) -> str:
    """Return the answer's body in base64, as API Gateway gets it."""
    event: dict[str, Any] = {
        "requestContext": {"resourcePath": path, "path": path, "httpMethod": "GET", "identity": {}},
        "httpMethod": "GET", "headers": {"accept-encoding": "gzip, deflate, br"}, "pathParameters": None,
        "multiValueQueryStringParameters": None, "stageVariables": None, "body": None, "isBase64Encoded": False,
    }  # fmt: skip
    response = app.app(event, Context("api_handler"))
    assert response["statusCode"] == 200, response
    return str(response["body"])
