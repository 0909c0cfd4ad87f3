"""Orders over REST."""

from typing import Annotated, ClassVar

from pydantic import ConfigDict, Field, model_validator

from chalicelib.domain.orders import MAX_NUMBERS, Order, OrderStatus, Proof
from chalicelib.http.dispatch import Call
from chalicelib.http.schemas import Form, Listed, Moment, PageQuery, Search, Text, View, only_if
from chalicelib.services.search import OrderFilter, find_orders
from chalicelib.store import orders as stored

Number = Annotated[int, Field(ge=0, le=9_999_999)]
WAITING = (OrderStatus.IN_REVIEW, OrderStatus.PENDING_PAYMENT)
SEARCH = (
    "an order's code, perhaps with a mistake; the buyer's phone number in any form; "
    "a name, or the beginning of one; with `raffle`, a number of it"
)


class ProofView(View):
    """The newest payment proof. P6: earlier orders that the same file, or a picture like it, came with."""

    mime_type: str
    size: int
    sha256: str
    received_at: Moment
    same_file_as: str | None
    looks_like: str | None


class OrderView(View):
    """An order. Amounts are in minor units of the currency."""

    IS: ClassVar = "order_id"

    id: str
    raffle: str
    contact: str
    numbers: list[int]
    quantity: int
    unit_amount: int
    amount: int
    currency: str
    status: OrderStatus
    reserved_until: Moment | None
    proof: ProofView | None
    created_at: Moment
    updated_at: Moment
    paid_at: Moment | None
    late: Annotated[bool, Field(description="a proof came when the numbers were not its own any more; stays so")]
    rejected_at: Annotated[Moment | None, Field(description="when a proof was rejected last; another may be in since")]
    rejected_reason: str | None
    reassigned_at: Annotated[Moment | None, Field(description="when a late order got the numbers that it has now")]
    refunded_at: Moment | None
    refund_reason: str | None


class ReasonBody(Form):
    """Why. The buyer is told, and the order keeps it."""

    reason: Annotated[Text, Field(min_length=1, max_length=300, examples=["the amount cannot be read"])]


class RejectionBody(ReasonBody):
    """Why a proof won't do, and which one was looked at."""

    proof: (
        Annotated[str, Field(pattern="^[0-9a-f]{64}$", description="its sha256; without it the newest is meant")] | None
    ) = None


class ReassignBody(Form):
    """Which numbers a late order gets: as many as it had, by name or by chance."""

    model_config = ConfigDict(
        json_schema_extra=only_if(
            {"random": {"const": True}}, then={"numbers": {"type": "null"}}, otherwise={"numbers": {"type": "array"}}
        )
    )

    numbers: Annotated[list[Number], Field(min_length=1, max_length=MAX_NUMBERS, examples=[[20, 21]])] | None = None
    random: bool = False
    paid: Annotated[bool, Field(description="the money was seen; otherwise the order is IN_REVIEW")] = True

    @model_validator(mode="after")
    def _one_of_both(self) -> "ReassignBody":
        if (self.numbers is None) is not self.random:
            raise ValueError("numbers: expected numbers, or random: true, and not both")
        return self


class PendingQuery(PageQuery):
    raffle: Annotated[str, Field(pattern="^[0-9a-z]{1,32}$", description="of this raffle")] | None = None


class OrdersQuery(PendingQuery):
    status: OrderStatus | None = None
    contact: Annotated[str, Field(pattern="^[0-9a-f]{1,64}$", description="of this contact")] | None = None
    search: Annotated[Search, Field(description=SEARCH)] | None = None


def list_orders(call: Call, query: OrdersQuery) -> Listed[OrderView]:
    """Orders, newest first; with `search` the likeliest first. A page may be short, or empty, and not be the last."""
    wanted = OrderFilter(status=query.status, raffle_id=query.raffle, contact_id=query.contact)
    text, limit = query.search, query.page_size
    if text is not None:
        return call.forwards(query, lambda after: find_orders(text, wanted, limit=limit, after=after), present)
    return call.page(
        query,
        lambda after, backwards: stored.listed(**vars(wanted), limit=limit, after=after, backwards=backwards),
        present,
    )


def list_pending_payment(call: Call, query: PendingQuery) -> Listed[OrderView]:
    """Orders that wait for money: proofs in review first, the longest waiting first; then those still to be paid."""
    return call.forwards(
        query,
        lambda after: stored.waiting(WAITING, raffle_id=query.raffle, limit=query.page_size, after=after),
        present,
    )


def read_order(call: Call, order_id: str) -> OrderView:
    """One order, by its code."""
    return present(stored.get(order_id.upper()))


def confirm_payment(call: Call, order_id: str) -> OrderView:
    """The money is there: the numbers are sold, and the buyer is told. Twice is once."""
    return present(call.container.settlement.confirm_payment(order_id.upper(), by=call.by))


def cancel_order(call: Call, order_id: str) -> OrderView:
    """Free the numbers of an order that is not paid; the buyer is told. Twice is once."""
    return present(call.container.settlement.cancel(order_id.upper(), by=call.by))


def reject_proof(call: Call, order_id: str, body: RejectionBody) -> OrderView:
    """Ask for another proof: the order waits for its payment again, with a fresh hold; the buyer is told why.

    Twice within ten minutes is once. Name the proof that was looked at, so that none that has come since is rejected.
    """
    settlement = call.container.settlement
    return present(settlement.reject_proof(order_id.upper(), reason=body.reason, proof=body.proof, by=call.by))


def refund_order(call: Call, order_id: str, body: ReasonBody) -> OrderView:
    """Note that the money goes back, of an order that is paid or has ended: its numbers are free. Twice is once.

    Tombola moves no money itself. The buyer is told how much, and why.
    """
    return present(call.container.settlement.refund(order_id.upper(), reason=body.reason, by=call.by))


def reassign_order(call: Call, order_id: str, body: ReassignBody) -> OrderView:
    """Give an order that is LATE, EXPIRED or CANCELLED numbers, as many and at its price; the buyer is told which.

    Its own ones, too, if they are free again. Numbers that are taken are named, with free ones nearby.
    """
    return present(call.container.settlement.reassign(order_id.upper(), body.numbers, paid=body.paid, by=call.by))


def present(order: Order) -> OrderView:
    return OrderView(
        id=order.id,
        raffle=order.raffle_id,
        contact=order.contact_id,
        numbers=list(order.numbers),
        quantity=order.quantity,
        unit_amount=order.unit_amount,
        amount=order.amount,
        currency=order.currency,
        status=order.status,
        reserved_until=order.reserved_until,
        proof=_newest(order.proofs),
        created_at=order.created_at,
        updated_at=order.updated_at,
        paid_at=order.paid_at,
        late=order.late,
        rejected_at=order.rejected_at,
        rejected_reason=order.rejected_reason,
        reassigned_at=order.reassigned_at,
        refunded_at=order.refunded_at,
        refund_reason=order.refund_reason,
    )


def _newest(proofs: tuple[Proof, ...]) -> ProofView | None:
    return ProofView.model_validate(proofs[-1]) if proofs else None
