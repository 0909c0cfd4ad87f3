"""The heads of the audit log, signed and kept where nobody can change them (O9): in a locked bucket, and in log lines.

Whoever can write to the table can forge a whole chain. They can't forge what was kept of it before.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from chalicelib.domain.audit import KeptHeads
from chalicelib.store import audit
from chalicelib.telemetry import count, logger

FOLDER = "audit-heads/"
LOG_KEY = "audit_heads"


@dataclass(kw_only=True)
class AuditHeads:
    """Keeps the heads, and reads them again.

    Attributes:
        s3: makes a boto3 S3 client.
        bucket: the locked bucket; "": there is none, and the log alone has them.
        key: returns the key that signs; b"" if there is none, and then nothing is kept.
    """

    s3: Callable[[], Any]
    bucket: str
    key: Callable[[], bytes]
    clock: Callable[[], datetime]
    _hour: datetime | None = None

    def keep_hourly(self) -> None:
        """Keep the heads once an hour. The schedule calls this every minute.

        A process that starts within an hour leaves that hour to the one before it.
        """
        now = self.clock()
        hour = now.replace(minute=0, second=0, microsecond=0)
        is_due = hour != self._hour if self._hour is not None else now.minute == 0
        if is_due:
            self.keep()
        self._hour = hour

    def keep(self) -> None:
        """Sign the newest entry of each chain, and put it into the log and the bucket. One request to each store."""
        key = self.key()
        if not key:
            logger.warning("the heads of the audit log are not kept: TOMBOLA_AUDIT_KEY is missing")
            return
        kept = KeptHeads(at=self.clock(), heads=audit.all_heads()).signed(key)
        logger.info("heads of the audit log", extra={LOG_KEY: kept.as_json()})
        if self.bucket:
            name = f"{FOLDER}{kept.at:%Y/%m/%dT%H%M%S.%fZ}.json"
            body = json.dumps(kept.as_json()).encode()
            # An object that is to be locked needs a checksum.
            self.s3().put_object(Bucket=self.bucket, Key=name, Body=body, ChecksumAlgorithm="SHA256")
            count("AuditHeadsKept")

    def read(self) -> Iterator[KeptHeads]:
        """Yield what the bucket has, in every version: who covers a file with another changes nothing.

        One request for each file, and one for each thousand. A file that is none of ours is yielded without heads.
        """
        s3 = self.s3()
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=self.bucket, Prefix=FOLDER):
            for version in page.get("Versions", ()):
                stored = s3.get_object(Bucket=self.bucket, Key=version["Key"], VersionId=version["VersionId"])
                yield _read_heads(stored["Body"].read())

    @staticmethod
    def in_lines(lines: Iterable[str]) -> Iterator[KeptHeads]:
        """Yield what log lines have. A line may have something before its JSON; lines without heads are left out."""
        for line in lines:
            start = line.find("{")
            if start < 0 or "heads" not in line:
                continue
            try:
                found = json.loads(line[start:])
            except ValueError:
                continue
            if isinstance(found, dict) and ("signature" in found or LOG_KEY in found):
                yield _read_heads(json.dumps(found.get(LOG_KEY, found)))


def _read_heads(text: str | bytes) -> KeptHeads:
    """Return the heads; without any, and unsigned, if the text is none of ours."""
    try:
        return KeptHeads.from_json(json.loads(text))
    except ValueError:
        return KeptHeads(at=datetime.min.replace(tzinfo=UTC), heads=())
