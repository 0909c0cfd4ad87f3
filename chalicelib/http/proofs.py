"""Payment proofs: short-lived links to the files that buyers sent."""

from typing import Annotated

from pydantic import Field

from chalicelib.http.dispatch import Call
from chalicelib.http.schemas import Moment, View
from chalicelib.services.orders.proofs import ProofLink


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

    Each comes with a link that saves its file, valid for a few minutes. The audit log records who asked.
    """
    _, links = call.container.proofs.open(order_id.upper(), by=call.by)
    newest, *earlier = map(present_link, links)
    return ProofsView(**dict(newest), earlier=earlier)


def present_link(link: ProofLink) -> LinkView:
    """Return a proof with a link as the API shows it."""
    fields = {name: value for name, value in vars(link.proof).items() if name in LinkView.model_fields}
    return LinkView(url=link.url, url_expires_at=link.url_expires_at, **fields)
