"""Payment proofs: fetch them from WhatsApp, check their content, and keep them in the private bucket."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NamedTuple

from botocore.exceptions import ClientError

from chalicelib.adapters.image_hash import compute_image_hash
from chalicelib.domain.contacts import Contact
from chalicelib.domain.messages import Media
from chalicelib.domain.orders import Order, Proof
from chalicelib.domain.organisers import Actor
from chalicelib.domain.refusals import FileNotKept, ProofNotFound
from chalicelib.services.messaging.header_files import HeaderFiles
from chalicelib.store import audit, history, orders
from chalicelib.store.transaction import Busy, ConditionsFailed, Transaction, retry
from chalicelib.telemetry import logger
from chalicelib.whatsapp.file_types import is_heif, sniff
from chalicelib.whatsapp.graph import Graph, GraphError, MediaTooLarge

MAX_BYTES = 16 * 2**20  # P6
FOLDER = "proofs/"
LOOKS = 3  # at an order of which further proofs come at that moment
LINK_LIFETIME = timedelta(minutes=5)


class ProofLink(NamedTuple):
    """A proof, and a temporary link to its file."""

    proof: Proof
    url: str
    url_expires_at: datetime


class FileLink(NamedTuple):
    """A temporary link to a file."""

    url: str
    url_expires_at: datetime


class ProofUnfit(Exception):
    """The file is not a JPEG, PNG, WebP or PDF."""


class ProofIsHeif(ProofUnfit):
    """It is a photo as phones keep it (HEIC). WhatsApp makes a JPEG of it if it is sent as a photo."""


class ProofTooLarge(ProofUnfit):
    """The file has more than MAX_BYTES."""


class ProofMissing(Exception):
    """The file could not be fetched from WhatsApp."""


@dataclass(frozen=True, kw_only=True)
class Proofs:
    """Keeps payment proofs.

    Attributes:
        s3: makes a boto3 S3 client.
        header_files: shows a proof to the organisers without reading it again.
    """

    graph: Graph
    s3: Callable[[], Any]
    bucket: str
    clock: Callable[[], datetime]
    header_files: HeaderFiles | None = None

    def open(self, order_id: str, *, by: Actor) -> tuple[Order, list[ProofLink]]:
        """Return an order and its proofs with links, as `links` does. From now on they count as looked at (M8).

        Raises OrderNotFound, ProofNotFound, TryAgain.
        """
        order = orders.get(order_id)
        for _ in range(LOOKS):
            if not order.has_unseen_proof or orders.mark_looked_at(order):
                break
            order = orders.get(order.id)  # with one more, which came in the meantime
        return order, self.links(order, by=by)

    def links(self, order: Order, *, by: Actor) -> list[ProofLink]:
        """Return the order's proofs, newest first, with links. The audit log records who got them. Two requests.

        Raises ProofNotFound, TryAgain.
        """
        if not order.proofs:
            raise ProofNotFound(order.id)
        record = partial(self._record, by, "proof.read", f"order:{order.id}", {"proofs": len(order.proofs)})
        retry(record, again_on=(Busy, ConditionsFailed))
        return [self.link(order, proof) for proof in reversed(order.proofs)]

    def link(self, order: Order, proof: Proof) -> ProofLink:
        """Return a link that saves the file without a token. The caller records in the audit log who got it.

        A stranger made the file, so a browser must not open it as a page. S3 cannot answer `nosniff`; it answers with
        the type that we found in the content, and as an attachment, which no browser opens.
        """
        return ProofLink(proof, *self._link(proof.key, proof.mime_type, name=order.id))

    def file_link(self, contact: Contact, message_id: str, *, by: Actor) -> FileLink:
        """Return a link to the file that was sent with a message. The audit log records who got it. Two requests.

        One more to S3 if the file belongs to an order. Raises FileNotKept, TryAgain.
        """
        message = history.get_received(contact, message_id)
        if message is None or message.media_id is None:
            raise FileNotKept(message_id)
        key = f"{_folder_of(message.contact_id)}{message_id}"
        mime_type = message.file_type or self._stored_type(key)
        if mime_type is None:
            raise FileNotKept(message_id)
        retry(
            lambda: self._record(by, "file.read", f"contact:{contact.id}", {"message": message_id}),
            again_on=(Busy, ConditionsFailed),
        )
        return self._link(key, mime_type, name=message_id[:8])

    def _stored_type(self, key: str) -> str | None:
        """Return the type of a stored file, as it was found in its content; None if there is no such file."""
        try:
            found = self.s3().head_object(Bucket=self.bucket, Key=key)
        except ClientError as failure:
            if failure.response["Error"]["Code"] in ("404", "403"):  # without the right to list, S3 says 403
                return None
            raise
        return str(found["ContentType"])

    def _link(self, key: str, mime_type: str, *, name: str) -> FileLink:
        parameters = {
            "Bucket": self.bucket,
            "Key": key,
            "ResponseContentType": mime_type,
            "ResponseContentDisposition": f'attachment; filename="{name}.{mime_type.rpartition("/")[2]}"',
        }
        seconds = int(LINK_LIFETIME.total_seconds())
        url = self.s3().generate_presigned_url("get_object", Params=parameters, ExpiresIn=seconds)
        return FileLink(url, self.clock() + LINK_LIFETIME)

    def _record(self, by: Actor, action: str, target: str, after: dict[str, Any]) -> None:
        transaction = Transaction()
        audit.record(transaction, action=action, target=target, by=by, at=self.clock(), before={}, after=after)
        transaction.commit()

    def keep(self, media: Media, *, contact_id: str, message_id: str) -> Proof:
        """Fetch a file from WhatsApp and store it. A second try at the same message overwrites what the first stored.

        Raises ProofUnfit, ProofIsHeif, ProofTooLarge, ProofMissing.

        Args:
            contact_id: who sent it. Their files lie together, so that an erasure finds those too that no order names.
            message_id: our id of the message, a hash.
        """
        try:
            file = self.graph.fetch_media(media.id, limit_bytes=MAX_BYTES)
        except MediaTooLarge:
            raise ProofTooLarge from None
        except GraphError as failure:
            logger.warning("proof not fetched", extra={"reason": str(failure)})
            raise ProofMissing from None
        mime_type = sniff(file.content)
        if mime_type is None:
            raise ProofIsHeif if is_heif(file.content) else ProofUnfit
        # Before the file is stored: if this should ever end the process, nothing stays behind.
        image_hash = compute_image_hash(file.content, mime_type)
        key = f"{_folder_of(contact_id)}{message_id}"
        self.s3().put_object(Bucket=self.bucket, Key=key, Body=file.content, ContentType=mime_type)
        if self.header_files is not None:
            self.header_files.remember(key, file.content)
        return Proof(
            key=key,
            mime_type=mime_type,
            sha256=file.sha256,
            size=len(file.content),
            received_at=self.clock(),
            image_hash=image_hash,
        )

    def erase(self, proof: Proof) -> None:
        """Delete a file with all its versions, which the bucket would otherwise keep for 30 days."""
        self._delete_versions(proof.key)

    def erase_of(self, contact_id: str) -> None:
        """Delete all files of a contact, with all their versions, whether or not an order names them.

        Files that were stored by versions before this one are not found here, but by their orders alone.
        """
        self._delete_versions(_folder_of(contact_id))

    def named_keys(self) -> Iterator[str]:
        """Yield the key of each file that an order or a message names, by reading the whole table twice."""
        yield from orders.scan_proof_keys()
        yield from (f"{_folder_of(message.contact_id)}{message.id}" for message in history.scan_kept_files())

    def stored_before(self, moment: datetime) -> Iterator[str]:
        """Yield the keys of the files that were stored before `moment`. One request for each 1,000 files."""
        for page in self.s3().get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=FOLDER):
            yield from (file["Key"] for file in page.get("Contents", ()) if file["LastModified"] < moment)

    def remove_stored_before(self, moment: datetime, key: str) -> bool:
        """Remove a file unless it was stored again since `moment`. Return whether it is removed.

        Its versions can be brought back for 30 days, which is how long the bucket keeps what was deleted.
        """
        s3 = self.s3()
        # The listing is old by now. As a prefix, the key leads to the file as it is at this moment, or to none.
        found = s3.list_objects_v2(Bucket=self.bucket, Prefix=key).get("Contents", ())
        is_old = any(file["Key"] == key and file["LastModified"] < moment for file in found)
        if is_old:
            s3.delete_object(Bucket=self.bucket, Key=key)
        return is_old

    def _delete_versions(self, prefix: str) -> None:
        s3 = self.s3()
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=self.bucket, Prefix=prefix):
            for version in (*page.get("Versions", ()), *page.get("DeleteMarkers", ())):
                s3.delete_object(Bucket=self.bucket, Key=version["Key"], VersionId=version["VersionId"])


def _folder_of(contact_id: str) -> str:
    return f"{FOLDER}{contact_id}/"
