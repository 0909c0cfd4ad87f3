"""Files that are shown above the buttons of a message: read from the bucket, and uploaded when the message is sent."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from chalicelib.domain.delivery import Outbound
from chalicelib.domain.messages import StoredFile
from chalicelib.services.messaging.pictures import PATIENCE
from chalicelib.telemetry import count, logger
from chalicelib.whatsapp.file_types import is_showable
from chalicelib.whatsapp.graph import Graph
from chalicelib.whatsapp.messages import has_buttons, with_header

MAX_KNOWN = 20  # uploads whose ids a process remembers


@dataclass(kw_only=True)
class HeaderFiles:
    """Adds its file to a message. Without the file, the message is sent all the same.

    Attributes:
        s3: makes a boto3 S3 client that gives up soon.
        latest: key and content of the file that this process stored last. So the function that takes proofs shows them
            without a right to read any.
        uploaded: key → WhatsApp's id, of the files that this process uploaded last. An id can be used for 30 days, so
            one upload will do for all organisers, or for all who open a raffle.
    """

    graph: Graph
    s3: Callable[[], Any]
    bucket: str
    latest: tuple[str, bytes] = field(default=("", b""))
    uploaded: dict[str, str] = field(default_factory=dict)

    def remember(self, key: str, content: bytes) -> None:
        """Keep a file that was stored just now, to be shown by this process."""
        self.latest = key, content

    def add(self, message: Outbound) -> dict[str, Any]:
        """Return the request of a message, with its file above the text if that can be had. Raises nothing.

        An upload tells nobody anything, so it may be made again.
        """
        file = message.header
        if file is None or not has_buttons(message.body):
            return message.body
        try:
            media_id = self._upload(file)
            return with_header(message.body, media_id, file.mime_type, file.name) if media_id else message.body
        except Exception as failure:  # noqa: BLE001 - whatever it is, the text says all without the file
            logger.warning("a file is not shown", extra={"reason": type(failure).__name__})
            count("FilesNotShown")
            return message.body

    def _upload(self, file: StoredFile) -> str:
        """Return WhatsApp's id of a file; "" if WhatsApp does not show such files. Raises what S3 and Graph raise."""
        if file.key in self.uploaded:
            return self.uploaded[file.key]
        content = self._read(file)
        if not is_showable(content, file.mime_type):
            return ""
        media_id = self.graph.upload(content, file.mime_type, file.name, timeout=PATIENCE)
        if len(self.uploaded) >= MAX_KNOWN:
            self.uploaded.clear()
        self.uploaded[file.key] = media_id
        return media_id

    def _read(self, file: StoredFile) -> bytes:
        key, content = self.latest
        if key != file.key:
            content = self.s3().get_object(Bucket=self.bucket, Key=file.key)["Body"].read()
        return content
