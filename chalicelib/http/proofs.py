"""Payment proofs: short-lived links to the files that buyers sent."""

from typing import Annotated

from pydantic import Field

from chalicelib.container import Container
from chalicelib.domain.orders import Proof
from chalicelib.domain.refusals import ProofNotFound
from chalicelib.http.dispatch import Call
from chalicelib.http.schemas import Moment, View
from chalicelib.store import orders as stored


class LinkView(View):
    """A payment proof with a link to its file, valid until `url_expires_at`."""

    url: str
    url_expires_at: Moment
    mime_type: str
    size: int
    sha256: str
    received_at: Moment
    same_file_as: Annotated[str | None, Field(description="An earlier order for which the very same file was sent.")]
    looks_like: Annotated[str | None, Field(description="An earlier order for which a similar picture was sent.")]


class ProofsView(LinkView):
    """The newest payment proof of an order, and the earlier ones, newest first."""

    earlier: list[LinkView]


def read_proof(call: Call, order_id: str) -> ProofsView:
    """Get the payment proofs of an order.

    Each comes with a link that opens its file for a few minutes.
    """
    order = stored.get(order_id.upper())
    if not order.proofs:
        raise ProofNotFound(order.id)
    if order.has_unseen_proof:
        stored.mark_looked_at(order)
    newest, *earlier = [present_link(call.container, proof) for proof in reversed(order.proofs)]
    return ProofsView(**dict(newest), earlier=earlier)


def present_link(container: Container, proof: Proof) -> LinkView:
    """Return a proof with a new link to its file."""
    url, expires_at = container.proofs.link(proof)
    fields = {name: value for name, value in vars(proof).items() if name in LinkView.model_fields}
    return LinkView(url=url, url_expires_at=expires_at, **fields)
