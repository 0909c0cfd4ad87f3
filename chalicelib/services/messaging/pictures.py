"""Draw the picture of a message and upload it to WhatsApp, just before the message is sent.

A picture never keeps its message from arriving: whatever goes wrong, the text is sent alone. An upload sends nothing,
so it may fail, or happen twice, without any harm.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from re import sub
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.domain.delivery import Outbound
from chalicelib.domain.pictures import BoardPicture, MapPicture, Picture, TicketPicture, is_for_all, version_of
from chalicelib.telemetry import count, logger
from chalicelib.whatsapp.graph import Graph, GraphError
from chalicelib.whatsapp.identities import Json
from chalicelib.whatsapp.messages import with_picture

FOLDER = "boards/"
MEDIA_ID = "media-id"  # the metadata of a kept picture that names its upload
# WhatsApp keeps uploads for 30 days. The bucket's lifecycle deletes kept pictures after 20.
UPLOAD_LIFETIME = timedelta(days=20)
# Seconds to connect and to read. Whoever sends has seconds only, most of which the sending itself may need.
PATIENCE = (1.5, 3.0)
# If drawing should ever end the process, the message is tried again, and the third time without its picture.
MAX_ATTEMPTS = 2
PNG = "image/png"
ANY_ID = "-"  # of an upload, to see whether a request can have a picture at all


@dataclass(kw_only=True)
class Pictures:
    """Turns messages that have a picture into pictures with a caption.

    Attributes:
        s3: makes a boto3 S3 client that gives up soon.
        phone_number_id: our number, which alone can send what it uploaded.
    """

    graph: Graph
    phone_number_id: str
    s3: Callable[[], Any]
    bucket: str
    clock: Callable[[], datetime]
    _number: str = field(default="", init=False)

    def request_for(self, message: Outbound) -> Json:
        """Return the request that sends a message: with its picture, or its text alone if that can't be. Never raises.

        Nothing is drawn for a request that can't have a picture, such as a template.
        """
        picture = message.picture
        if picture is None or message.attempts - message.paused > MAX_ATTEMPTS:
            return message.body
        try:
            caption = picture.caption if isinstance(picture, BoardPicture) else ""
            request = with_picture(message.body, ANY_ID, caption)
            if request is not None:
                request = with_picture(message.body, self._media_id(picture), caption)
        except Exception as failure:  # noqa: BLE001 - the text says the same, and must arrive
            reason = str(failure) if isinstance(failure, GraphError) else type(failure).__name__
            logger.warning("a picture could not be made", extra={"reason": reason, "reply": message.reply})
            count("PicturesFailed")
            return message.body
        return request or message.body

    def _media_id(self, picture: Picture) -> str:
        """Return the id of a picture's upload. What everybody may see is uploaded once, and kept."""
        if not is_for_all(picture):
            return self._upload(self._draw(picture))
        key = f"{FOLDER}{self.phone_number_id}/{version_of(picture)}.png"
        kept = self._find_kept(key)
        if kept is not None:
            return kept
        content = self._draw(picture)
        media_id = self._upload(content)
        try:
            self.s3().put_object(
                Bucket=self.bucket, Key=key, Body=content, ContentType=PNG, Metadata={MEDIA_ID: media_id}
            )
        except Exception as failure:  # noqa: BLE001 - it is drawn once more, next time
            logger.warning("a picture could not be kept", extra={"reason": type(failure).__name__})
        return media_id

    def _find_kept(self, key: str) -> str | None:
        """Return the id of the upload of a picture that was drawn before, while WhatsApp has it."""
        try:
            found = self.s3().head_object(Bucket=self.bucket, Key=key)
        except ClientError:  # there is none. Without the right to list the bucket, S3 says "forbidden"
            return None
        except Exception as failure:  # noqa: BLE001 - it can be drawn
            logger.warning("a kept picture could not be looked for", extra={"reason": type(failure).__name__})
            return None
        is_fresh = self.clock() < found["LastModified"] + UPLOAD_LIFETIME
        return found["Metadata"].get(MEDIA_ID) if is_fresh else None

    def _upload(self, content: bytes) -> str:
        media_id = self.graph.upload(content, PNG, "tombola.png", timeout=PATIENCE)
        count("PicturesUploaded")
        return media_id

    def _draw(self, picture: Picture) -> bytes:
        # Most messages have no picture, so what draws is imported on first use.
        from chalicelib.pictures.board import draw_board, draw_map  # noqa: PLC0415
        from chalicelib.pictures.ticket import draw_ticket  # noqa: PLC0415

        match picture:
            case TicketPicture():
                return draw_ticket(picture, self._link(picture.code))
            case BoardPicture():
                return draw_board(picture)
            case MapPicture():
                return draw_map(picture)

    def _link(self, code: str) -> str:
        """Return a link that opens the chat with an order's code; "" if our number is not known."""
        if not self._number:
            try:
                self._number = sub("[^0-9]", "", self.graph.number(within=PATIENCE[1]))
            except GraphError as failure:
                logger.warning("our number is not known", extra={"reason": str(failure)})
        return f"https://wa.me/{self._number}?text={code}" if self._number else ""
