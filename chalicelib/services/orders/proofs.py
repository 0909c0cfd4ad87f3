"""Payment proofs: fetch them from WhatsApp, check their content, and keep them in the private bucket."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from chalicelib.adapters.image_hash import compute_image_hash
from chalicelib.domain.messages import Media
from chalicelib.domain.orders import Proof
from chalicelib.telemetry import logger
from chalicelib.whatsapp.file_types import sniff
from chalicelib.whatsapp.graph import Graph, GraphError, MediaTooLarge

MAX_BYTES = 16 * 2**20  # P6
LINK_LIFETIME = timedelta(minutes=5)


class ProofUnfit(Exception):
    """The file is too large, or not a JPEG, PNG, WebP or PDF."""


class ProofMissing(Exception):
    """The file could not be fetched from WhatsApp."""


@dataclass(frozen=True, kw_only=True)
class Proofs:
    """Keeps payment proofs.

    Attributes:
        s3: makes a boto3 S3 client.
    """

    graph: Graph
    s3: Callable[[], Any]
    bucket: str
    clock: Callable[[], datetime]
    random_hex: Callable[[], str]

    def link(self, proof: Proof) -> tuple[str, datetime]:
        """Return a link that opens the file without a token, and when the link expires."""
        url = self.s3().generate_presigned_url(
            "get_object", Params={"Bucket": self.bucket, "Key": proof.key}, ExpiresIn=int(LINK_LIFETIME.total_seconds())
        )
        return str(url), self.clock() + LINK_LIFETIME

    def keep(self, media: Media) -> Proof:
        """Fetch a file from WhatsApp and store it under a random key. Raises ProofUnfit, ProofMissing."""
        try:
            file = self.graph.fetch_media(media.id, limit_bytes=MAX_BYTES)
        except MediaTooLarge:
            raise ProofUnfit from None
        except GraphError as failure:
            logger.warning("proof not fetched", extra={"reason": str(failure)})
            raise ProofMissing from None
        mime_type = sniff(file.content)
        if mime_type is None:
            raise ProofUnfit
        now = self.clock()
        key = f"proofs/{now:%Y/%m}/{self.random_hex()}"
        self.s3().put_object(Bucket=self.bucket, Key=key, Body=file.content, ContentType=mime_type)
        return Proof(
            key=key,
            mime_type=mime_type,
            sha256=file.sha256,
            size=len(file.content),
            received_at=now,
            image_hash=compute_image_hash(file.content, mime_type),
        )

    def erase(self, proof: Proof) -> None:
        """Delete a file with all its versions, which the bucket would otherwise keep for 30 days."""
        s3 = self.s3()
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=self.bucket, Prefix=proof.key):
            for version in (*page.get("Versions", ()), *page.get("DeleteMarkers", ())):
                s3.delete_object(Bucket=self.bucket, Key=version["Key"], VersionId=version["VersionId"])
