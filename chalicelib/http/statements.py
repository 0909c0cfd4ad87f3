"""Bank statements over REST: what a file says about our orders. Nothing of it is stored."""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, field_validator

from chalicelib.domain import refusals
from chalicelib.domain.orders import Order, OrderStatus
from chalicelib.domain.statements import MEANINGS, DoubtReason, Judged, Suggestion, Why
from chalicelib.http.dispatch import Call
from chalicelib.http.problems import FieldInvalid
from chalicelib.http.schemas import Moment, Query, View
from chalicelib.services.bank_statements import StatementReview
from chalicelib.statements.options import DateOrder, ParseOptions, StatementFormat

SHOWN = 140  # characters of a payment's text

Column = Annotated[str, Field(max_length=100, description="a column's heading, or its number, counted from 1")]


class StatementQuery(Query):
    """What is not said is found out from the file."""

    raffle: (
        Annotated[str, Field(pattern="^[0-9a-z]{1,32}$", description="leave out payments for other raffles")] | None
    ) = None
    format: StatementFormat | None = None
    encoding: Literal["utf-8", "utf-16", "windows-1252", "latin-1"] | None = None
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$", description="of all amounts, if the file has none")] | None = (
        None
    )
    delimiter: Literal[";", ",", "|", "tab"] | None = None
    decimal: Annotated[Literal[",", "."], Field(description="the mark before the decimals")] | None = None
    date_order: DateOrder | None = None
    date: Column | None = None
    amount: Column | None = None
    credit: Column | None = None
    debit: Column | None = None
    sign: Annotated[Column, Field(description="the column that says whether money came in or went out")] | None = None
    currency_column: Column | None = None
    text: Annotated[str, Field(max_length=1000, description="columns with the payers' words, with commas")] | None = (
        None
    )

    @field_validator("currency")
    @classmethod
    def _known_currency(cls, value: str | None) -> str | None:
        from chalicelib.statements.values import is_currency  # noqa: PLC0415 - only where a statement comes in

        if value is not None and not is_currency(value):
            raise ValueError("expected an ISO 4217 currency code, like GTQ")
        return value

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
    """Why a payment is not sure. `by`: how much more came in than the order costs; `lines`: some others like it;
    `together`: what those payments, or those orders, come to."""

    code: Why
    text: str
    by: int | None
    lines: list[int] | None
    together: int | None


class SuggestionView(View):
    """An order of that amount whose buyer the text names."""

    order: str
    contact: str
    buyer: str
    by: Literal["phone", "name"]


class PaymentView(View):
    """Money that came in. `line`: of the file, or in XML which entry it is. `sure`: it is for the one order."""

    line: int
    date: date
    amount: int
    currency: str
    text: str
    sure: bool
    orders: list[MeantView]
    reasons: list[ReasonView]
    suggestions: list[SuggestionView]


class SumsView(View):
    """Of the payments in one currency, in minor units."""

    payments: int
    amount: int
    sure: int


class SummaryView(View):
    """`debits` went out and `pending` has not come in yet; `ignored` are lines that are no bookings; `elsewhere` are
    payments for other raffles. `read_as`: how the file was read. `is_complete`: all orders to be paid were compared
    with mistyped codes and names."""

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
    """`sure_ids` is what `POST /api/orders/bulk` takes to confirm the payments. Nothing is confirmed by this."""

    summary: SummaryView
    sure_ids: list[str]
    payments: list[PaymentView]


def read_statement(call: Call, query: StatementQuery, body: bytes) -> SettlementView:
    """Which payment of a bank's statement is for which order: CSV, MT940 or camt.053. Nothing is stored or changed."""
    try:
        return _shown(call.container.bank_statements.settle(body, query.options, raffle_id=query.raffle))
    except refusals.StatementUnreadable as refusal:
        if refusal.option is None:
            raise
        raise FieldInvalid(refusal.option, str(refusal)) from None


def _shown(settled: StatementReview) -> SettlementView:
    statement, sure = settled.statement, settled.sure_ids
    summary = SummaryView.model_construct(
        lines=statement.lines,
        credits=len(settled.found),
        debits=statement.debits,
        pending=statement.pending,
        ignored=list(statement.ignored),
        elsewhere=settled.elsewhere,
        sure=len(sure),
        unsure=len(settled.found) - len(sure),
        sums={currency: SumsView.model_construct(**sums._asdict()) for currency, sums in settled.sums().items()},
        reasons=dict(settled.reasons),
        is_complete=settled.is_complete,
        read_as=dict(statement.read_as),
    )
    return SettlementView.model_construct(
        summary=summary, sure_ids=sure, payments=[_payment(one) for one in settled.found]
    )


def _payment(one: Judged) -> PaymentView:
    payment = one.payment
    return PaymentView.model_construct(
        line=payment.line,
        date=payment.on,
        amount=payment.amount,
        currency=payment.currency,
        text=_printable(payment.text),
        sure=one.is_sure,
        orders=[_meant(order) for order in one.orders],
        reasons=[_reason(reason) for reason in one.reasons],
        suggestions=[_suggestion(suggestion) for suggestion in one.suggestions],
    )


def _printable(text: str) -> str:
    short = text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"
    return "".join(character if character.isprintable() else " " for character in short)


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
        code=reason.why,
        text=MEANINGS[reason.why],
        by=reason.by,
        lines=list(reason.lines) or None,
        together=reason.together,
    )


def _suggestion(suggestion: Suggestion) -> SuggestionView:
    order = suggestion.buyer.order
    return SuggestionView.model_construct(
        order=order.id,
        contact=order.contact_id,
        buyer=suggestion.buyer.name,
        by="phone" if suggestion.by_phone else "name",
    )
