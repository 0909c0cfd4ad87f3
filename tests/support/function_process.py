"""`python -m tests.support.function_process FILE …`: take each file as a proof, in a process like the function's.

Prints a line of JSON for each file: whether it was kept, whether it has a look, the most memory of the process in
megabytes, and its processor time in seconds. Each file has a process of its own, forked from one that has loaded all
that the function loads.
"""

import hashlib
import json
import os
import resource
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
from PIL import Image

import app
from chalicelib.domain.messages import Media
from chalicelib.services.chat import handler
from chalicelib.services.orders.proofs import Proofs, ProofUnfit
from chalicelib.whatsapp.graph import Graph, MediaFile

LOADED = (app, handler, Image)
FAILED, KEPT, KEPT_WITHOUT_LOOK, REFUSED = 9, 10, 11, 12
MAX_SECONDS, MAX_BYTES = 20, 3 * 2**30  # so that a failing test harms nobody


class Gives(Graph):
    """Gives one file, whatever is asked for."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    def fetch_media(self, media_id: str, *, limit_bytes: int = 0) -> MediaFile:
        assert len(self.content) <= limit_bytes
        digest = hashlib.sha256(self.content).hexdigest()
        return MediaFile(content=self.content, mime_type="", sha256=digest)


class Bucket:
    stored: bytes | None = None

    def put_object(self, *, Body: bytes, **_: Any) -> None:  # noqa: N803 - boto3's name
        self.stored = Body


def take(path: Path) -> int:
    """Take the file as a proof, and return what became of it."""
    resource.setrlimit(resource.RLIMIT_CPU, (MAX_SECONDS, MAX_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MAX_BYTES, MAX_BYTES))
    content = path.read_bytes()
    bucket = Bucket()
    proofs = Proofs(graph=Gives(content), s3=lambda: bucket, bucket="bucket", clock=lambda: datetime.now(UTC))
    try:
        proof = proofs.keep(Media(id="1"), contact_id="contact", message_id="message")
    except ProofUnfit:
        return REFUSED
    assert bucket.stored == content
    return KEPT_WITHOUT_LOOK if proof.image_hash is None else KEPT


def main() -> None:
    Image.init()
    clients = [boto3.client(name, region_name="us-east-1") for name in ("dynamodb", "s3")]
    assert clients  # the function has them, too
    for name in sys.argv[1:]:
        child = os.fork()
        if not child:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # it logs
            outcome = FAILED
            try:
                outcome = take(Path(name))
            finally:
                os._exit(outcome)
        _, status, usage = os.wait4(child, 0)
        outcome = os.waitstatus_to_exitcode(status)
        found = {
            "kept": outcome in (KEPT, KEPT_WITHOUT_LOOK),
            "refused": outcome == REFUSED,
            "judged": outcome == KEPT,
            "megabytes": usage.ru_maxrss / 1024,
            "seconds": usage.ru_utime + usage.ru_stime,
        }
        print(json.dumps(found), flush=True)  # noqa: T201 - a command


if __name__ == "__main__":
    main()
