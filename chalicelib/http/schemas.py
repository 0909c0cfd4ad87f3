"""The forms of requests and answers. Requests are checked here; what is wrong is said field by field."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from iso4217 import Currency
from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from chalicelib.domain.conversation import is_raffle_code, is_reserved
from chalicelib.domain.orders import Order, OrderStatus
from chalicelib.domain.raffles import HOLD_MINUTES, MOST_NUMBERS, Raffle, RaffleStatus
from chalicelib.organising import TICKET_STATUSES, Ticket

Json = dict[str, Any]
READ_ONLY = frozenset(("id", "status", "created_at", "updated_at"))


def _printable(text: Any) -> Any:
    if isinstance(text, str):
        if any(character != "\n" and not character.isprintable() for character in text.replace("\r\n", "\n")):
            raise ValueError("expected text without control characters")
        return text.replace("\r\n", "\n").strip()
    return text


Text = Annotated[str, BeforeValidator(_printable)]


# Built when they are first asked for: most functions never see a request.


class RaffleBody(BaseModel):
    """What an organiser gives of a raffle. Fields that only the server sets are accepted and left alone."""

    model_config = ConfigDict(extra="forbid", strict=True, defer_build=True)

    title: Annotated[Text, Field(min_length=1, max_length=100)]
    description: Annotated[Text, Field(max_length=2000)] = ""
    prize: Annotated[Text, Field(max_length=200)] = ""
    unit_amount: Annotated[int, Field(ge=0, le=1_000_000_000_000)]
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")]
    first_number: Annotated[int, Field(ge=0, le=9_999_999)] = 1
    last_number: Annotated[int, Field(ge=0, le=9_999_999)]
    hold_minutes: Annotated[int, Field(ge=1, le=43_200)] | None = HOLD_MINUTES
    max_per_contact: Annotated[int, Field(ge=1, le=MOST_NUMBERS)] | None = None
    payment_instructions: Annotated[Text, Field(max_length=2000)] = ""
    code: str | None = None
    opens_at: Annotated[AwareDatetime, Field(strict=False)] | None = None
    closes_at: Annotated[AwareDatetime, Field(strict=False)] | None = None
    time_zone: str = "UTC"

    @model_validator(mode="before")
    @classmethod
    def _without_read_only(cls, values: Any) -> Any:
        return (
            {name: value for name, value in values.items() if name not in READ_ONLY}
            if isinstance(values, dict)
            else values
        )

    @field_validator("currency")
    @classmethod
    def _known_currency(cls, value: str) -> str:
        try:
            Currency(value)
        except ValueError:
            raise ValueError("expected an ISO 4217 currency code, like GTQ") from None
        return value

    @field_validator("code")
    @classmethod
    def _usable_code(cls, value: str | None) -> str | None:
        if value is None:
            return None
        if not is_raffle_code(value.upper()):
            raise ValueError("expected 2 to 16 letters, digits or hyphens, with a letter first")
        if is_reserved(value):
            raise ValueError("expected a word that the bot does not use itself")
        return value.upper()

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
            known = value == "UTC" or "/" in value  # "localtime" and the like mean something else elsewhere
        except (ZoneInfoNotFoundError, ValueError, OSError):
            known = False
        if not known:
            raise ValueError("expected an IANA time zone, like America/Guatemala")
        return value

    @field_validator("opens_at", "closes_at")
    @classmethod
    def _in_utc(cls, value: datetime | None) -> datetime | None:
        try:
            return None if value is None else value.astimezone(UTC)
        except OverflowError:
            raise ValueError("expected a time between the years 1 and 9999") from None

    @model_validator(mode="after")
    def _range(self) -> "RaffleBody":
        if self.last_number < self.first_number:
            raise ValueError("last_number: expected at least first_number")
        if self.last_number - self.first_number + 1 > MOST_NUMBERS:
            raise ValueError(f"last_number: expected at most {MOST_NUMBERS:,} numbers in a raffle")
        if self.opens_at and self.closes_at and self.closes_at <= self.opens_at:
            raise ValueError("closes_at: expected a time after opens_at")
        return self


class PageQuery(BaseModel):
    model_config = ConfigDict(extra="forbid", defer_build=True)

    page_size: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: Annotated[str, Field(max_length=600)] | None = None


class RafflesQuery(PageQuery):
    status: RaffleStatus | None = None


class OrdersQuery(PageQuery):
    status: OrderStatus | None = None
    raffle: Annotated[str, Field(pattern="^[0-9a-z]{1,32}$")] | None = None
    contact: Annotated[str, Field(pattern="^[0-9a-f]{1,64}$")] | None = None


class TicketsQuery(PageQuery):
    status: Literal[TICKET_STATUSES] | None = None  # type: ignore[valid-type]  # the one list of them


class ForceBody(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, defer_build=True)

    force: bool = False


def raffle_body(raffle: Raffle) -> Json:
    """What a client could have sent to get this raffle."""
    return {name: getattr(raffle, name) for name in RaffleBody.model_fields}


def present_raffle(raffle: Raffle) -> Json:
    return {
        "id": raffle.id,
        **{name: value for name, value in raffle_body(raffle).items() if not isinstance(value, datetime)},
        "status": raffle.status.value,
        "opens_at": moment(raffle.opens_at),
        "closes_at": moment(raffle.closes_at),
        "created_at": moment(raffle.created_at),
        "updated_at": moment(raffle.updated_at),
    }


def present_order(order: Order) -> Json:
    latest = order.proofs[-1] if order.proofs else None
    return {
        "id": order.id,
        "raffle": order.raffle_id,
        "contact": order.contact_id,
        "numbers": list(order.numbers),
        "quantity": order.quantity,
        "unit_amount": order.unit_amount,
        "amount": order.amount,
        "currency": order.currency,
        "status": order.status.value,
        "reserved_until": moment(order.reserved_until),
        "proof": latest
        and {
            "mime_type": latest.mime_type,
            "size": latest.size,
            "sha256": latest.sha256,
            "received_at": moment(latest.received_at),
            "same_file_as": latest.same_file_as,
            "looks_like": latest.looks_like,
        },
        "created_at": moment(order.created_at),
        "updated_at": moment(order.updated_at),
        "paid_at": moment(order.paid_at),
    }


def present_ticket(ticket: Ticket) -> Json:
    order, contact = ticket.owner or (None, None)
    return {"number": ticket.number, "status": ticket.status, "order": order, "contact": contact}


def moment(value: datetime | None) -> str | None:
    return None if value is None else value.astimezone(UTC).isoformat().replace("+00:00", "Z")
