"""A file that is written into the bucket piece by piece, and is there as a whole or not at all."""

from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from botocore.exceptions import BotoCoreError, ClientError

# S3 takes parts of 5 MB or more (but the last), at most 10,000 of them: up to 80 GB so, one part in memory.
PART = 8 * 2**20


class Upload:
    """Write into it; when the context ends without an error, the object is there. `s3` is a boto3 client.

    One key names one object, however often it is written: whoever reads it gets a whole one, the old or the new.
    """

    def __init__(self, s3: Any, *, bucket: str, key: str, content_type: str) -> None:
        self._s3, self._place, self._type = s3, {"Bucket": bucket, "Key": key}, content_type
        self._buffer = bytearray()
        self._upload_id: str | None = None
        self._parts: list[dict[str, Any]] = []
        self.size = 0

    def write(self, data: bytes) -> None:
        self.size += len(data)
        self._buffer += data
        while len(self._buffer) >= PART:
            self._send(bytes(self._buffer[:PART]))
            del self._buffer[:PART]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, failure: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._abort()
            return
        try:
            self._finish()
        except Exception:
            self._abort()
            raise

    def _send(self, part: bytes) -> None:
        if self._upload_id is None:
            begun = self._s3.create_multipart_upload(**self._place, ContentType=self._type)
            self._upload_id = begun["UploadId"]
        number = len(self._parts) + 1
        sent = self._s3.upload_part(**self._place, UploadId=self._upload_id, PartNumber=number, Body=part)
        self._parts.append({"PartNumber": number, "ETag": sent["ETag"]})

    def _finish(self) -> None:
        if self._upload_id is None:
            self._s3.put_object(**self._place, Body=bytes(self._buffer), ContentType=self._type)
            return
        if self._buffer:
            self._send(bytes(self._buffer))
        self._s3.complete_multipart_upload(
            **self._place, UploadId=self._upload_id, MultipartUpload={"Parts": self._parts}
        )

    def _abort(self) -> None:
        """Free the parts. What is not freed here vanishes after a day, as infra/resources.json says."""
        if self._upload_id is not None:
            with suppress(BotoCoreError, ClientError):
                self._s3.abort_multipart_upload(**self._place, UploadId=self._upload_id)
