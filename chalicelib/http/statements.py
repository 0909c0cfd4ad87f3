"""Bank statements: match their payments with orders. Nothing of a file is stored."""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from chalicelib.domain import refusals
from chalicelib.domain.orders import Order, OrderStatus
from chalicelib.domain.statements import MEANINGS, DoubtReason, MatchedPayment, ReturnedPayment, Suggestion, Why
from chalicelib.http.dispatch import Call
from chalicelib.http.problems import FieldInvalid
from chalicelib.http.schemas import CurrencyCode, Moment, Query, View
from chalicelib.services.bank_statements import StatementReview
from chalicelib.statements.options import DateOrder, ParseOptions, StatementFormat
from chalicelib.whatsapp.text import shorten

SHOWN_TEXT = 140  # characters of a payment's text
HOW = "Its heading, or its number counted from 1."

Column = Annotated[str, Field(max_length=100)]


class StatementQuery(Query):
    """How to read the file. Whatever is absent is detected."""

    raffle: (
        Annotated[str, Field(pattern="^[0-9a-z]{1,32}$", description="Leave out payments for other raffles.")] | None
    ) = None
    format: Annotated[StatementFormat | None, Field(description="The file format.")] = None
    encoding: Annotated[
        Literal["utf-8", "utf-16", "windows-1252", "latin-1"] | None, Field(description="The character encoding.")
    ] = None
    currency: (
        Annotated[CurrencyCode, Field(description="The currency of all amounts, if the file names none.")] | None
    ) = None
    delimiter: Annotated[
        Literal[";", ",", "|", "tab"] | None, Field(description="The character between the columns of a CSV file.")
    ] = None
    decimal: Annotated[Literal[",", "."], Field(description="The decimal separator.")] | None = None
    date_order: Annotated[DateOrder | None, Field(description="The order of day, month and year in dates.")] = None
    date: Annotated[Column, Field(description=f"The column with the date. {HOW}")] | None = None
    amount: Annotated[Column, Field(description=f"The column with the amount. {HOW}")] | None = None
    credit: Annotated[Column, Field(description=f"The column with incoming amounts. {HOW}")] | None = None
    debit: Annotated[Column, Field(description=f"The column with outgoing amounts. {HOW}")] | None = None
    sign: (
        Annotated[Column, Field(description=f"The column that says whether money came in or went out. {HOW}")] | None
    ) = None
    currency_column: Annotated[Column, Field(description=f"The column with the currency. {HOW}")] | None = None
    text: (
        Annotated[
            str,
            Field(
                max_length=1000,
                description="The columns with the payer's text, separated by commas: headings or numbers.",
            ),
        ]
        | None
    ) = None

    @property
    def options(self) -> ParseOptions:
        return ParseOptions(
            format=self.format,
            encoding=self.encoding,
            currency=self.currency,
            delimiter="\t" if self.delimiter == "tab" else self.delimiter,
            decimal=self.decimal,
            date_order=self.date_order,
            date=self.date,
            amount=self.amount,
            credit=self.credit,
            debit=self.debit,
            sign=self.sign,
            money=self.currency_column,
            text=tuple(name.strip() for name in (self.text or "").split(",") if name.strip()),
        )


class MeantView(View):
    """An order that a payment may be for."""

    id: str
    raffle: str
    status: OrderStatus
    amount: int
    currency: str
    paid_at: Moment | None


class ReasonView(View):
    """Why a payment is not certain.

    `by` is how much more was paid than the order costs, `lines` names some similar payments, and `together` is the sum
    of those payments or orders.
    """

    code: Why
    text: str
    by: int | None
    lines: list[int] | None
    together: int | None


class SuggestionView(View):
    """An order of the same amount whose buyer is named in the payment's text."""

    order: str
    contact: str
    buyer: str
    by: Literal["phone", "name"]


class PaymentView(View):
    """An incoming payment. `line` is its line in the file (in XML its entry). `sure`: it is for this order."""

    line: int
    date: date
    amount: int
    currency: str
    text: str
    sure: bool
    orders: list[MeantView]
    reasons: list[ReasonView]
    suggestions: list[SuggestionView]


class ReturnedView(View):
    """Outgoing money that names orders which are paid: the bank may have taken their payment back.

    `line` is its line in the file (in XML its entry). Nothing is changed: if the payment did come back, refund the
    order.
    """

    line: int
    text: str
    orders: list[MeantView]


class SumsView(View):
    """The sums of payments in one currency, in minor units."""

    payments: int
    amount: int
    sure: int


class SummaryView(View):
    """What the file contains.

    `debits` counts outgoing payments, `pending` those not booked yet, `elsewhere` those for other raffles. `ignored`
    names lines that are no bookings. `read_as` says how the file was read. `is_complete` is true if mistyped codes and
    names were compared with all unpaid orders, and all outgoing money with codes.
    """

    lines: int
    credits: int
    debits: int
    pending: int
    ignored: list[int]
    elsewhere: int
    sure: int
    unsure: int
    sums: dict[str, SumsView]
    reasons: dict[Why, int]
    is_complete: bool
    read_as: dict[str, str]


class SettlementView(View):
    """The matches. Nothing is confirmed yet: send `sure_ids` to `POST /api/orders/bulk` to confirm these payments."""

    summary: SummaryView
    sure_ids: list[str]
    payments: list[PaymentView]
    returned: list[ReturnedView]


def read_statement(call: Call, query: StatementQuery, body: bytes) -> SettlementView:
    """Match a bank statement's payments with orders.

    Takes CSV, MT940, camt.053 or OFX. Nothing is stored or changed.
    """
    try:
        return _present(call.container.bank_statements.review(body, query.options, raffle_id=query.raffle))
    except refusals.StatementUnreadable as refusal:
        if refusal.option is None:
            raise
        raise FieldInvalid(refusal.option, str(refusal)) from None


def _present(review: StatementReview) -> SettlementView:
    statement = review.statement
    sure = review.sure_ids
    summary = SummaryView.model_construct(
        lines=statement.lines,
        credits=len(review.matches),
        debits=statement.debits,
        pending=statement.pending,
        ignored=list(statement.ignored),
        elsewhere=review.elsewhere,
        sure=len(sure),
        unsure=len(review.matches) - len(sure),
        sums={currency: SumsView.model_construct(**sums._asdict()) for currency, sums in review.sums().items()},
        reasons=dict(review.reasons),
        is_complete=review.is_complete,
        read_as=dict(statement.read_as),
    )
    return SettlementView.model_construct(
        summary=summary,
        sure_ids=sure,
        payments=[_payment(match) for match in review.matches],
        returned=[_returned(returned) for returned in review.returned],
    )


def _returned(returned: ReturnedPayment) -> ReturnedView:
    return ReturnedView.model_construct(
        line=returned.line, text=_printable(returned.text), orders=[_meant(order) for order in returned.orders]
    )


def _payment(match: MatchedPayment) -> PaymentView:
    payment = match.payment
    return PaymentView.model_construct(
        line=payment.line,
        date=payment.on,
        amount=payment.amount,
        currency=payment.currency,
        text=_printable(payment.text),
        sure=match.is_sure,
        orders=[_meant(order) for order in match.orders],
        reasons=[_reason(reason) for reason in match.reasons],
        suggestions=[_suggestion(suggestion) for suggestion in match.suggestions],
    )


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in shorten(text, SHOWN_TEXT))


def _meant(order: Order) -> MeantView:
    return MeantView.model_construct(
        id=order.id,
        raffle=order.raffle_id,
        status=order.status,
        amount=order.amount,
        currency=order.currency,
        paid_at=order.paid_at,
    )


def _reason(reason: DoubtReason) -> ReasonView:
    return ReasonView.model_construct(
        code=reason.code,
        text=MEANINGS[reason.code],
        by=reason.difference,
        lines=list(reason.lines) or None,
        together=reason.total,
    )


def _suggestion(suggestion: Suggestion) -> SuggestionView:
    order = suggestion.buyer.order
    return SuggestionView.model_construct(
        order=order.id,
        contact=order.contact_id,
        buyer=suggestion.buyer.name,
        by="phone" if suggestion.by_phone else "name",
    )
