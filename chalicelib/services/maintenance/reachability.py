"""Whether the parts that Tombola needs can be reached: table, queues, bucket, and WhatsApp's Graph API."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.store import channel
from chalicelib.telemetry import logger
from chalicelib.whatsapp.graph import Graph, SendRefused

REACHABLE = "ok"
MAX_SECONDS = 5.0  # for all parts together


@dataclass(frozen=True, kw_only=True)
class Reachability:
    """Asks each part for something small that changes nothing."""

    graph: Graph
    sqs: Callable[[], Any]
    s3: Callable[[], Any]
    bucket: str
    inbox_queue: str
    exports_queue: str

    def check(self) -> dict[str, str]:
        """Return for each part "ok", or what failed: never an address, a secret, or somebody else's words.

        All are asked at once. One that has not answered after MAX_SECONDS is not waited for.
        """
        questions: dict[str, Callable[[], object]] = {
            "table": channel.read,
            "queue": lambda: self._ask_queue(self.inbox_queue),
            "exports_queue": lambda: self._ask_queue(self.exports_queue),
            "bucket": self._ask_bucket,
            "graph": self.graph.number,
        }
        pool = ThreadPoolExecutor(max_workers=len(questions))
        asked = {part: pool.submit(question) for part, question in questions.items()}
        wait(asked.values(), timeout=MAX_SECONDS)
        pool.shutdown(wait=False, cancel_futures=True)
        found = {part: _outcome(answer) for part, answer in asked.items()}
        if failed := {part: outcome for part, outcome in found.items() if outcome != REACHABLE}:
            logger.warning("not everything is reachable", extra={"failed": failed})
        return found

    def _ask_queue(self, url: str) -> object:
        return self.sqs().get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])

    def _ask_bucket(self) -> object:
        # HeadBucket would need the right to list everything. The API may list proofs.
        return self.s3().list_object_versions(Bucket=self.bucket, Prefix="proofs/", MaxKeys=1)


def _outcome(answer: Future[object]) -> str:
    if not answer.done():
        return f"no answer within {MAX_SECONDS:g} seconds"
    match error := answer.exception():
        case None:
            return REACHABLE
        case ClientError():
            return f"refused: {error.response['Error']['Code']}"
        case SendRefused():
            return f"refused: WhatsApp's code {error.code}"
        case _:
            return f"failed: {type(error).__name__}"
