"""Orders: look them up, settle their payments, free or reassign their numbers."""

from collections.abc import Collection, Sequence
from typing import Annotated, ClassVar, Literal

from pydantic import ConfigDict, Field, model_validator

from chalicelib.domain.filters import OrderFilter
from chalicelib.domain.orders import MAX_NUMBERS, Order, OrderReview, OrderStatus, Proof
from chalicelib.domain.raffles import RaffleStatus
from chalicelib.http.dispatch import Call
from chalicelib.http.schemas import (
    Form,
    GivenMoment,
    Listed,
    Listing,
    Moment,
    PageQuery,
    Query,
    Search,
    Text,
    View,
    only_if,
)
from chalicelib.services.search import find_orders
from chalicelib.store import contacts, order_reviews, raffles
from chalicelib.store import orders as stored

Number = Annotated[int, Field(ge=0, le=9_999_999)]
WAITING = (OrderStatus.IN_REVIEW, OrderStatus.PENDING_PAYMENT)
SEARCH = (
    "An order code, even with a typing mistake; the buyer's phone number in any notation; the buyer's name or the "
    "beginning of it; a number of one of the newest 50 raffles, or of `raffle` (one of six digits or more only with "
    "`raffle`). The best matches come first."
)


class ProofView(View):
    """The newest payment proof, and the earlier orders for which the same file or a similar picture was sent."""

    mime_type: str
    size: int
    sha256: str
    received_at: Moment
    same_file_as: Annotated[str | None, Field(description="An earlier order for which the very same file was sent.")]
    looks_like: Annotated[str | None, Field(description="An earlier order for which a similar picture was sent.")]


class RaffleBrief(View):
    """What one wants to know of an order's raffle at a glance."""

    id: str
    code: str
    title: str
    status: RaffleStatus
    first_number: int
    last_number: int


class ContactBrief(View):
    """What one wants to know of an order's buyer at a glance."""

    id: str
    name: str
    phone: str | None


class ExpandedView(View):
    """The raffle and the buyer of an order, as far as `expand` asked for them."""

    raffle: RaffleBrief | None
    contact: Annotated[ContactBrief | None, Field(description="Without a name and a number if they were erased.")]


class OrderView(View):
    """An order. Amounts are in minor units of the currency."""

    ID_PARAMETER: ClassVar = "order_id"

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
    late: Annotated[bool, Field(description="A proof came after the order had lost its numbers. Stays true.")]
    extended_at: Annotated[Moment | None, Field(description="When the buyer got ten more minutes during this hold.")]
    rejected_at: Annotated[Moment | None, Field(description="When a proof was last rejected; a newer one may be in.")]
    rejected_reason: str | None
    rejections: Annotated[int, Field(description="How many proofs were rejected.")]
    in_review_since: Annotated[Moment | None, Field(description="When the review began that is going on.")]
    reassigned_at: Annotated[Moment | None, Field(description="When a late order got its current numbers.")]
    refunded_at: Moment | None
    refund_reason: str | None
    hold_was_over: Annotated[bool, Field(description="The payment was confirmed after the hold had ended. Stays true.")]
    reviewer: Annotated[
        str | None,
        Field(
            description="Who has it open for review: the name of their token. Only where orders are read; null in "
            "answers to changes.",
            examples=["Olga's laptop"],
        ),
    ] = None
    reviewing_until: Annotated[Moment | None, Field(description="Until when, unless they say so again.")] = None
    expanded: Annotated[ExpandedView | None, Field(description="What `expand` asked for.")] = None


class ReasonBody(Form):
    """The reason. It is sent to the buyer and stored with the order."""

    reason: Annotated[Text, Field(min_length=1, max_length=300, examples=["the amount cannot be read"])]


class RejectionBody(ReasonBody):
    """The reason for rejecting a proof, and which proof it is about."""

    proof: (
        Annotated[
            str,
            Field(
                pattern="^[0-9a-f]{64}$", description="The sha256 of the proof that was reviewed; the newest if absent."
            ),
        ]
        | None
    ) = None


class ReassignBody(Form):
    """The numbers that an order gets, as many as it had: chosen or random."""

    model_config = ConfigDict(
        json_schema_extra=only_if(
            {"random": {"const": True}}, then={"numbers": {"type": "null"}}, otherwise={"numbers": {"type": "array"}}
        )
    )

    numbers: Annotated[list[Number], Field(min_length=1, max_length=MAX_NUMBERS, examples=[[20, 21]])] | None = None
    random: bool = False
    paid: Annotated[bool, Field(description="Whether the payment is confirmed; if not, the order is IN_REVIEW.")] = True

    @model_validator(mode="after")
    def _numbers_or_random(self) -> "ReassignBody":
        if (self.numbers is None) is not self.random:
            raise ValueError("numbers: expected either numbers or random: true, not both")
        return self


class PendingQuery(PageQuery):
    raffle: Annotated[str, Field(pattern="^[0-9a-z]{1,32}$", description="Only orders of this raffle.")] | None = None


Expansion = Literal["raffle", "contact"]


class ExpandQuery(Query):
    expand: Annotated[
        tuple[Expansion, ...],
        Field(
            min_length=1,
            max_length=2,
            description="What `expanded` is to show of each order: raffle, contact, or both.",
        ),
        Listing,
    ] = ()


class WaitingQuery(PendingQuery, ExpandQuery):
    """Which waiting orders to list."""


class OrdersQuery(PendingQuery, ExpandQuery):
    status: Annotated[
        tuple[OrderStatus, ...],
        Field(min_length=1, max_length=8, description="Only orders with one of these statuses."),
        Listing,
    ] = ()
    created_after: Annotated[GivenMoment, Field(description="Only orders made at this time or later.")] | None = None
    created_before: Annotated[GivenMoment, Field(description="Only orders made before this time.")] | None = None
    updated_after: Annotated[GivenMoment, Field(description="Only orders changed at this time or later.")] | None = None
    updated_before: (
        Annotated[GivenMoment, Field(description="Only orders whose last change was before this time.")] | None
    ) = None
    flagged: Annotated[
        Literal["true"] | None,
        Field(description="Only orders with a proof that another order had before, or that looks like one of those."),
    ] = None
    contact: Annotated[str, Field(pattern="^[0-9a-f]{1,64}$", description="Only orders of this contact.")] | None = None
    search: Annotated[Search, Field(description=SEARCH)] | None = None


def list_orders(call: Call, query: OrdersQuery) -> Listed[OrderView]:
    """List orders.

    Newest first, unless `search` is used. A page may be short or even empty without being the last one: follow `next`
    until it is null.
    """
    wanted = OrderFilter(
        statuses=tuple(dict.fromkeys(query.status)),
        raffle_id=query.raffle,
        contact_id=query.contact,
        created_after=query.created_after,
        created_before=query.created_before,
        updated_after=query.updated_after,
        updated_before=query.updated_before,
        flagged=query.flagged is not None,
    )
    text = query.search
    limit = query.page_size
    if text is not None:
        listed = call.forwards(query, lambda after: find_orders(text, wanted, limit=limit, after=after), present)
    else:
        listed = call.page(
            query,
            lambda after, backwards: stored.listed(wanted, limit=limit, after=after, backwards=backwards),
            present,
        )
    return _with_more(call, listed, query.expand)


def _with_more(call: Call, listed: Listed[OrderView], expand: Collection[Expansion]) -> Listed[OrderView]:
    """Add to each order who has it open, and its raffle and its buyer if they are asked for. One request for each."""
    if not listed.results:
        return listed
    reviews = order_reviews.all_open(call.container.clock())
    for order in listed.results:
        _add_review(order, reviews.get(order.id))
    _expand(listed.results, expand)
    return listed


def _add_review(view: OrderView, review: OrderReview | None) -> None:
    if review is not None:
        view.reviewer = review.reviewer
        view.reviewing_until = review.until


def _expand(orders: Sequence[OrderView], expand: Collection[Expansion]) -> None:
    if not expand:
        return
    raffle_ids = {order.raffle for order in orders if "raffle" in expand}
    contact_ids = {order.contact for order in orders if "contact" in expand}
    raffle_by_id = {raffle.id: raffle for raffle in raffles.get_all(raffle_ids)}
    contact_by_id = contacts.get_all(contact_ids) if contact_ids else {}
    for order in orders:
        raffle, contact = raffle_by_id.get(order.raffle), contact_by_id.get(order.contact)
        order.expanded = ExpandedView(
            raffle=None if raffle is None else RaffleBrief.model_validate(raffle),
            contact=None
            if contact is None
            else ContactBrief(id=contact.id, name=contact.name, phone=contact.phone and f"+{contact.phone}"),
        )


def list_pending_payment(call: Call, query: WaitingQuery) -> Listed[OrderView]:
    """List orders that wait for a payment.

    Orders with a proof to review come first, then those without a proof; within both, the longest wait first. So the
    reviews that have taken longer than the raffle's `review_hours` lead the list.
    """
    listed = call.forwards(
        query,
        lambda after: stored.waiting(WAITING, raffle_id=query.raffle, limit=query.page_size, after=after),
        present,
    )
    return _with_more(call, listed, query.expand)


def read_order(call: Call, order_id: str, query: ExpandQuery) -> OrderView:
    """Get an order."""
    order, review = order_reviews.read_with_order(order_id.upper(), call.container.clock())
    call.tag(order.version)
    return present_one(order, review, query.expand)


def present_one(order: Order, review: OrderReview | None, expand: Collection[Expansion]) -> OrderView:
    """Return an order with who has it open, and its raffle and its buyer if they are asked for."""
    view = present(order)
    _add_review(view, review)
    _expand([view], expand)
    return view


def confirm_payment(call: Call, order_id: str) -> OrderView:
    """Confirm an order's payment.

    The order is PAID, its numbers are sold and the buyer is notified. `hold_was_over` says if its hold had ended by
    then. Repeating the request has no further effect.
    """
    return _shown(call, call.container.settlement.confirm_payment(order_id.upper(), by=call.by, expected=call.expected))


def cancel_order(call: Call, order_id: str) -> OrderView:
    """Cancel an unpaid order.

    Its numbers become free and the buyer is notified. Repeating the request has no further effect. A paid order can
    only be refunded.
    """
    return _shown(call, call.container.settlement.cancel(order_id.upper(), by=call.by, expected=call.expected))


def reject_proof(call: Call, order_id: str, body: RejectionBody) -> OrderView:
    """Reject an order's payment proof.

    The order waits for its payment again, with a new hold on its numbers, and the buyer is told why. After the raffle's
    `max_rejections` there is no new hold: the order is EXPIRED, and its numbers are free. Name the proof
    that you reviewed, so that a newer one is not rejected by mistake. Repeating the request within ten minutes has no
    further effect.
    """
    settlement = call.container.settlement
    order = settlement.reject_proof(
        order_id.upper(), reason=body.reason, proof=body.proof, by=call.by, expected=call.expected
    )
    return _shown(call, order)


def refund_order(call: Call, order_id: str, body: ReasonBody) -> OrderView:
    """Mark an order as refunded.

    For orders that are paid or have ended. The numbers become free, and the buyer is told the amount and the reason.
    Tombola itself transfers no money. Repeating the request has no further effect.
    """
    return _shown(
        call, call.container.settlement.refund(order_id.upper(), reason=body.reason, by=call.by, expected=call.expected)
    )


def reassign_order(call: Call, order_id: str, body: ReassignBody) -> OrderView:
    """Give new numbers to a late, expired or cancelled order.

    It gets as many as it had, at its price: its own ones if they are free again, or others. The buyer is told which. If
    some are taken, the answer names them and free ones nearby.
    """
    order = call.container.settlement.reassign(
        order_id.upper(), body.numbers, paid=body.paid, by=call.by, expected=call.expected
    )
    return _shown(call, order)


def _shown(call: Call, order: Order) -> OrderView:
    """Return an order as the API shows it, with its ETag."""
    call.tag(order.version)
    return present(order)


def present(order: Order) -> OrderView:
    """Return an order as the API shows it."""
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
        extended_at=order.extended_at,
        rejected_at=order.rejected_at,
        rejected_reason=order.rejected_reason,
        rejections=order.rejections,
        in_review_since=order.in_review_since,
        reassigned_at=order.reassigned_at,
        refunded_at=order.refunded_at,
        refund_reason=order.refund_reason,
        hold_was_over=order.hold_was_over,
    )


def _newest(proofs: tuple[Proof, ...]) -> ProofView | None:
    return ProofView.model_validate(proofs[-1]) if proofs else None
