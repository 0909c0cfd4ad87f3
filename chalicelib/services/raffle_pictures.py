"""The picture of a raffle, which buyers see above its details: uploaded to the bucket, checked, and taken.

It comes in two steps, since a picture may be larger than a request to the API: the organiser gets an address for the
upload, and names the upload when it is done.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, NamedTuple

from botocore.exceptions import ClientError

from chalicelib.domain.organisers import Actor
from chalicelib.domain.raffles import Raffle, RafflePicture
from chalicelib.domain.refusals import PictureNotFound, PictureUnusable, UploadNotFound, Versions
from chalicelib.services.orders.proofs import LINK_LIFETIME, FileLink
from chalicelib.services.raffles import Raffles
from chalicelib.store import raffles as stored
from chalicelib.whatsapp.file_types import MAX_IMAGE, is_showable, sniff

FOLDER = "raffle-pictures/"
UPLOADS = f"{FOLDER}uploads/"  # the bucket's lifecycle deletes what is not taken within a day
UPLOAD_LIFETIME = timedelta(minutes=10)


class Upload(NamedTuple):
    """Where to post a picture, as a form with these fields and the file as `file`."""

    id: str
    url: str
    fields: dict[str, str]
    expires_at: datetime


@dataclass(frozen=True, kw_only=True)
class RafflePictures:
    """Keeps the pictures of raffles.

    Attributes:
        s3: makes a boto3 S3 client.
        random_id: returns a new id of an upload.
    """

    raffles: Raffles
    s3: Callable[[], Any]
    bucket: str
    random_id: Callable[[], str]
    clock: Callable[[], datetime]

    def offer(self, raffle_id: str, mime_type: str) -> Upload:
        """Return where to upload a picture for a raffle. One request. Raises RaffleNotFound."""
        raffle = stored.get(raffle_id)
        upload_id = self.random_id()
        form = self.s3().generate_presigned_post(
            self.bucket,
            _key_of_upload(raffle, upload_id),
            Fields={"Content-Type": mime_type},
            Conditions=[{"Content-Type": mime_type}, ["content-length-range", 1, MAX_IMAGE]],
            ExpiresIn=int(UPLOAD_LIFETIME.total_seconds()),
        )
        return Upload(upload_id, form["url"], form["fields"], self.clock() + UPLOAD_LIFETIME)

    def take(self, raffle_id: str, upload_id: str, *, by: Actor, expected: Versions = None) -> Raffle:
        """Make an upload the picture of a raffle.

        Raises UploadNotFound, PictureUnusable, and as `Raffles.change`.
        """
        raffle = stored.get(raffle_id)
        return self._keep(raffle, self._read(_key_of_upload(raffle, upload_id)), by=by, expected=expected)

    def put(self, raffle_id: str, content: bytes, *, by: Actor, expected: Versions = None) -> Raffle:
        """Make a file the picture of a raffle. Raises PictureUnusable, and as `Raffles.change`."""
        return self._keep(stored.get(raffle_id), content, by=by, expected=expected)

    def _keep(self, raffle: Raffle, content: bytes, *, by: Actor, expected: Versions) -> Raffle:
        mime_type = sniff(content) or ""
        if not (mime_type.startswith("image/") and is_showable(content, mime_type)):
            raise PictureUnusable
        # Named by its content: the same picture has the same key, and a new one is never taken for an old one.
        key = f"{FOLDER}{raffle.id}/{sha256(content).hexdigest()[:32]}"
        self.s3().put_object(Bucket=self.bucket, Key=key, Body=content, ContentType=mime_type)
        picture = RafflePicture(key=key, mime_type=mime_type, size=len(content))
        return self.raffles.change(raffle.id, lambda _: {"picture": picture}, by=by, expected=expected)

    def remove(self, raffle_id: str, *, by: Actor, expected: Versions = None) -> Raffle:
        """Take the picture of a raffle away, if it has one. Raises as `Raffles.change`.

        The file stays: messages that wait to be sent may show it.
        """
        return self.raffles.change(raffle_id, lambda _: {"picture": None}, by=by, expected=expected)

    def link(self, raffle_id: str) -> FileLink:
        """Return a link to the picture of a raffle. One request. Raises RaffleNotFound, PictureNotFound."""
        picture = stored.get(raffle_id).picture
        if picture is None:
            raise PictureNotFound(raffle_id)
        url = self.s3().generate_presigned_url(
            "get_object",
            Params={"Bucket": self.bucket, "Key": picture.key, "ResponseContentType": picture.mime_type},
            ExpiresIn=int(LINK_LIFETIME.total_seconds()),
        )
        return FileLink(url, self.clock() + LINK_LIFETIME)

    def _read(self, key: str) -> bytes:
        try:
            found = self.s3().get_object(Bucket=self.bucket, Key=key)
        except ClientError as failure:
            if failure.response["Error"]["Code"] in ("NoSuchKey", "AccessDenied"):  # without the right to list: denied
                raise UploadNotFound from None
            raise
        content: bytes = found["Body"].read(MAX_IMAGE + 1)
        return content


def _key_of_upload(raffle: Raffle, upload_id: str) -> str:
    """Return the key of an upload. It names the raffle, so that no raffle takes what was uploaded for another."""
    safe = upload_id if re.fullmatch("[0-9a-z]{1,32}", upload_id) else "-"
    return f"{UPLOADS}{raffle.id}/{safe}"
