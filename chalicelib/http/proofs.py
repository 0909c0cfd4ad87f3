"""Payment proofs over REST: links to files in the private bucket, which live minutes (P6)."""

from typing import Annotated

from pydantic import Field

from chalicelib.container import Container
from chalicelib.domain.orders import Proof
from chalicelib.domain.refusals import ProofNotFound
from chalicelib.http.dispatch import Call
from chalicelib.http.schemas import Moment, View
from chalicelib.store import orders as stored


class LinkView(View):
    """A proof, with a link that opens its file until `url_expires_at`."""

    url: str
    url_expires_at: Moment
    mime_type: str
    size: int
    sha256: str
    received_at: Moment
    same_file_as: Annotated[str | None, Field(description="an earlier order that the very same file came with")]
    looks_like: Annotated[str | None, Field(description="an earlier order that a picture like it came with")]


class ProofsView(LinkView):
    """The newest proof of an order, and those that came before it, newest first."""

    earlier: list[LinkView]


def read_proof(call: Call, order_id: str) -> ProofsView:
    """The payment proofs of an order, with links to the files."""
    order = stored.get(order_id.upper())
    if not order.proofs:
        raise ProofNotFound(order.id)
    newest, *earlier = [linked(call.container, proof) for proof in reversed(order.proofs)]
    return ProofsView(**dict(newest), earlier=earlier)


def linked(container: Container, proof: Proof) -> LinkView:
    url, expires_at = container.proofs.link(proof)
    told = {name: value for name, value in vars(proof).items() if name in LinkView.model_fields}
    return LinkView(url=url, url_expires_at=expires_at, **told)
