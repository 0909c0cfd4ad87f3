"""Payment proofs: fetched from WhatsApp, judged by their content, kept in the private bucket."""

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

LIMIT_BYTES = 16 * 2**20  # P6
LINK_LIVES = timedelta(minutes=5)


class ProofUnfit(Exception):
    """The file is too large, or neither JPEG, PNG, WebP nor PDF."""


class ProofMissing(Exception):
    """WhatsApp does not give us the file."""


@dataclass(frozen=True, kw_only=True)
class Proofs:
    """Keeps proofs. `s3` is a boto3 S3 client, made when it is first needed."""

    graph: Graph
    s3: Callable[[], Any]
    bucket: str
    clock: Callable[[], datetime]
    random_hex: Callable[[], str]

    def link(self, proof: Proof) -> tuple[str, datetime]:
        """A link that opens the file for whoever has it, and until when it does."""
        url = self.s3().generate_presigned_url(
            "get_object", Params={"Bucket": self.bucket, "Key": proof.key}, ExpiresIn=int(LINK_LIVES.total_seconds())
        )
        return str(url), self.clock() + LINK_LIVES

    def keep(self, media: Media) -> Proof:
        """Fetch the file and store it under a random key. Raises ProofUnfit, ProofMissing."""
        try:
            file = self.graph.fetch_media(media.id, limit_bytes=LIMIT_BYTES)
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
        """Delete the file with all of its versions: the bucket would keep them for 30 days."""
        s3 = self.s3()
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=self.bucket, Prefix=proof.key):
            for version in (*page.get("Versions", ()), *page.get("DeleteMarkers", ())):
                s3.delete_object(Bucket=self.bucket, Key=version["Key"], VersionId=version["VersionId"])
