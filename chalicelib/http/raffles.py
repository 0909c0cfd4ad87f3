"""Raffles: set them up, start and stop their sale, look at their numbers."""

from dataclasses import asdict
from typing import Annotated, Any, ClassVar, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator, model_validator

from chalicelib.domain.conversation import is_raffle_code, is_reserved
from chalicelib.domain.filters import RaffleFilter
from chalicelib.domain.languages import LanguageCode
from chalicelib.domain.raffles import (
    HOLD_MINUTES,
    MAX_FAQ,
    MAX_IN_REVIEW,
    MAX_NEWCOMER_PERCENT,
    MAX_NUMBERS,
    MAX_REJECTIONS,
    MAX_UNPAID_HOLDS,
    MAX_UNPAID_NUMBERS,
    MAX_UNPAID_ORDERS,
    NO_LIMIT_PERCENT,
    REVIEW_HOURS,
    Faq,
    Permit,
    Raffle,
    RaffleEvent,
    RaffleOrganiser,
    RaffleStatus,
    TicketStatus,
    has_stray_backtick,
)
from chalicelib.http.dispatch import Call, Patch
from chalicelib.http.problems import FieldInvalid
from chalicelib.http.schemas import (
    CurrencyCode,
    Form,
    GivenMoment,
    Listed,
    Listing,
    Matching,
    Moment,
    PageQuery,
    SomeLine,
    SomeText,
    Text,
    View,
)
from chalicelib.services.raffles import Ticket
from chalicelib.store import raffles as stored

CODE = Matching("^[A-Za-z][A-Za-z0-9-]{1,15}$")
READ_ONLY = frozenset(("id", "status", "picture", "created_at", "updated_at", "expanded"))


def usable_code(value: str | None) -> str | None:
    """Return a code in capital letters. Raises ValueError for what can't open a raffle in the chat."""
    if value is None:
        return None
    if not value.isascii() or not is_raffle_code(value.upper()):
        raise ValueError("expected 2 to 16 letters, digits or hyphens, with a letter first")
    if is_reserved(value):
        raise ValueError("expected a word that is not a command of the bot")
    return value.upper()


class OrganiserForm(Form):
    """Who runs a raffle, as buyers see it."""

    name: Annotated[SomeLine, Field(min_length=1, max_length=100, examples=["Lincoln Primary School"])]
    contact: (
        Annotated[
            SomeLine,
            Field(
                min_length=1,
                max_length=200,
                description="A telephone number, an address or a page.",
                examples=["+502 5555 0000"],
            ),
        ]
        | None
    ) = None


class PermitForm(Form):
    """The permission to run a raffle."""

    authority: Annotated[SomeLine, Field(min_length=1, max_length=100, examples=["Ministry of the Interior"])]
    number: Annotated[SomeLine, Field(min_length=1, max_length=60, examples=["2026-0123"])]


class FaqForm(Form):
    """An answer that the bot gives to a question with any of these words."""

    words: Annotated[
        tuple[Annotated[SomeLine, Field(min_length=1, max_length=40)], ...],
        Field(strict=False, min_length=1, max_length=10, examples=[["delivery", "pick up"]]),
    ]
    answer: Annotated[
        SomeText, Field(min_length=1, max_length=500, examples=["You can pick it up at the school office."])
    ]


class RaffleBody(Form):
    """The fields of a raffle that an organiser can set.

    Read-only fields are accepted and ignored, except that a PATCH must not change the status: use activate, deactivate,
    close and cancel.
    """

    title: Annotated[SomeLine, Field(min_length=1, max_length=100, examples=["Summer fair"])]
    description: Annotated[Text, Field(max_length=2000)] = ""
    prize: Annotated[Text, Field(max_length=200, examples=["A bicycle"])] = ""
    unit_amount: Annotated[
        int, Field(ge=0, le=1_000_000_000_000, description="The price of a number in minor units.", examples=[2500])
    ]
    currency: Annotated[CurrencyCode, Field(description="ISO 4217 code.", examples=["GTQ"])]
    first_number: Annotated[int, Field(ge=0, le=9_999_999)] = 1
    last_number: Annotated[int, Field(ge=0, le=9_999_999, examples=[1000])]
    hold_minutes: Annotated[int, Field(ge=1, le=43_200)] | None = HOLD_MINUTES
    max_per_contact: Annotated[int, Field(ge=1, le=MAX_NUMBERS)] | None = None
    max_unpaid_orders: Annotated[
        int, Field(ge=1, le=1000, description="How many unpaid orders a person may have, those in review included.")
    ] = MAX_UNPAID_ORDERS
    max_unpaid_numbers: Annotated[
        int, Field(ge=1, le=MAX_NUMBERS, description="How many numbers these orders may have together.")
    ] = MAX_UNPAID_NUMBERS
    max_in_review: Annotated[
        int, Field(ge=1, le=1000, description="How many orders of somebody who never paid may be in review.")
    ] = MAX_IN_REVIEW
    max_newcomer_percent: Annotated[
        int,
        Field(
            ge=1,
            le=NO_LIMIT_PERCENT,
            description="The share of the numbers that all people who never paid may hold together; 100: no limit.",
        ),
    ] = MAX_NEWCOMER_PERCENT
    max_unpaid_holds: Annotated[
        int, Field(ge=1, le=1000, description="After so many holds that ended unpaid, a person has to wait.")
    ] = MAX_UNPAID_HOLDS
    max_rejections: Annotated[
        int, Field(ge=1, le=1000, description="After so many rejected proofs, an order gets no fresh hold.")
    ] = MAX_REJECTIONS
    review_hours: Annotated[int, Field(ge=1, le=8760, description="After this long, a review may be ended.")] = (
        REVIEW_HOURS
    )
    draws_at: Annotated[GivenMoment, Field(description="When the numbers are drawn.")] | None = None
    draw_method: Annotated[
        Text, Field(max_length=300, description="How they are drawn.", examples=["With the national lottery"])
    ] = ""
    organiser: OrganiserForm | None = None
    permit: PermitForm | None = None
    rules_url: (
        Annotated[str, Field(pattern="^https://[!-~]{3,490}$", description="A page with the rules, with https.")] | None
    ) = None
    minimum_age: Annotated[int, Field(ge=1, le=120, description="How old buyers must be, in years.")] | None = None
    faq: Annotated[tuple[FaqForm, ...], Field(strict=False, max_length=MAX_FAQ)] = ()
    language: (
        Annotated[
            LanguageCode,
            Field(description="In which the bot talks to people of whom it knows no language; null: in English."),
        ]
        | None
    ) = None
    payment_instructions: Annotated[
        Text,
        Field(
            max_length=2000,
            description="How to pay. One line of its own between backticks, such as an account number or a key, comes "
            "in a message of its own, so that buyers can copy it. Backticks anywhere else are refused.",
            examples=["Bank X, Lincoln Primary School\n`0123456789`"],
        ),
    ] = ""
    code: (
        Annotated[str, CODE, Field(description="The word that opens the raffle in chat.", examples=["MOTO"])] | None
    ) = None
    opens_at: GivenMoment | None = None
    closes_at: GivenMoment | None = None
    time_zone: Annotated[str, Field(description="IANA time zone.", examples=["America/Guatemala"])] = "UTC"

    @model_validator(mode="before")
    @classmethod
    def _without_read_only(cls, values: Any) -> Any:
        return (
            {name: value for name, value in values.items() if name not in READ_ONLY}
            if isinstance(values, dict)
            else values
        )

    _usable_code = field_validator("code")(usable_code)

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
            known = value == "UTC" or "/" in value  # "localtime" and such mean something else on each machine
        except (ZoneInfoNotFoundError, ValueError, OSError):
            known = False
        if not known:
            raise ValueError("expected an IANA time zone, like America/Guatemala")
        return value

    @model_validator(mode="after")
    def _consistent(self) -> "RaffleBody":
        if self.last_number < self.first_number:
            raise ValueError("last_number: expected at least first_number")
        if self.last_number - self.first_number + 1 > MAX_NUMBERS:
            raise ValueError(f"last_number: expected at most {MAX_NUMBERS:,} numbers in a raffle")
        if self.opens_at and self.closes_at and self.closes_at <= self.opens_at:
            raise ValueError("closes_at: expected a time after opens_at")
        return self


class OrganiserView(View):
    """Who runs a raffle, as buyers see it."""

    name: str
    contact: str | None


class PermitView(View):
    """The permission to run a raffle."""

    authority: str
    number: str


class PictureView(View):
    """The picture of a raffle, of which GET /api/raffles/{id}/picture gives a link."""

    mime_type: str
    size: Annotated[int, Field(description="In bytes.")]


class FaqView(View):
    """An answer that the bot gives to a question with any of these words."""

    words: list[str]
    answer: str


class AvailabilityView(View):
    """How many numbers are in each state: available + reserved + sold = total."""

    total: int
    available: int
    reserved: int
    sold: int


class ExpandedRaffleView(View):
    """What `expand` asked for of a raffle."""

    availability: AvailabilityView


class RaffleView(View):
    """A raffle. Send its ETag back in If-Match so that your change does not overwrite somebody else's."""

    ID_PARAMETER: ClassVar = "raffle_id"

    id: str
    title: str
    description: str
    prize: str
    unit_amount: int
    currency: str
    first_number: int
    last_number: int
    hold_minutes: int | None
    max_per_contact: int | None
    max_unpaid_orders: int
    max_unpaid_numbers: int
    max_in_review: int
    max_newcomer_percent: int
    max_unpaid_holds: int
    max_rejections: int
    review_hours: int
    draws_at: Moment | None
    draw_method: str
    organiser: OrganiserView | None
    permit: PermitView | None
    rules_url: str | None
    minimum_age: int | None
    picture: Annotated[PictureView | None, Field(description="Shown above its details in the chat; see /picture.")]
    faq: list[FaqView]
    language: LanguageCode | None
    payment_instructions: str
    code: str
    status: RaffleStatus
    opens_at: Moment | None
    closes_at: Moment | None
    time_zone: str
    created_at: Moment
    updated_at: Moment
    expanded: Annotated[ExpandedRaffleView | None, Field(description="What `expand` asked for.")] = None


class TicketView(View):
    """A number, its state and its owner."""

    number: int
    status: TicketStatus
    order: str | None
    contact: str | None


class RafflesQuery(PageQuery):
    status: Annotated[RaffleStatus | None, Field(description="Only raffles with this status.")] = None
    code: Annotated[
        str | None,
        Field(min_length=1, max_length=16, description="Only the raffle with this code, upper or lower case."),
    ] = None
    created_after: Annotated[GivenMoment, Field(description="Only raffles made at this time or later.")] | None = None
    created_before: Annotated[GivenMoment, Field(description="Only raffles made before this time.")] | None = None
    updated_after: Annotated[GivenMoment, Field(description="Only raffles changed at this time or later.")] | None = (
        None
    )
    updated_before: (
        Annotated[GivenMoment, Field(description="Only raffles whose last change was before this time.")] | None
    ) = None

    expand: Annotated[
        tuple[Literal["availability"], ...],
        Field(min_length=1, max_length=1, description="What `expanded` is to show of each raffle: availability."),
        Listing,
    ] = ()

    @property
    def wanted(self) -> RaffleFilter:
        return RaffleFilter(
            status=self.status,
            created_after=self.created_after,
            created_before=self.created_before,
            updated_after=self.updated_after,
            updated_before=self.updated_before,
        )


class TicketsQuery(PageQuery):
    status: Annotated[TicketStatus | None, Field(description="Only numbers in this state.")] = None
    number: Annotated[int | None, Field(ge=0, le=9_999_999, description="Only this number.")] = None


class ForceBody(Form):
    """An option of generate-tickets."""

    force: Annotated[bool, Field(description="Has no further effect: the numbers are always exact.")] = False


def list_raffles(call: Call, query: RafflesQuery) -> Listed[RaffleView]:
    """List raffles.

    Newest first. A page may be short or even empty without being the last one: follow `next` until it is null.
    """
    wanted = query.wanted
    found = list[Raffle]()

    def keep(raffle: Raffle) -> RaffleView:
        found.append(raffle)
        return RaffleView.model_validate(raffle)

    if query.code is not None:
        named = [raffle for raffle in stored.get_all([stored.id_of(query.code)]) if wanted.matches(raffle)]
        listed = Listed[RaffleView].model_construct(results=list(map(keep, named)), next=None, previous=None)
    else:
        listed = call.page(
            query,
            lambda after, backwards: stored.listed(wanted, limit=query.page_size, after=after, backwards=backwards),
            keep,
        )
    if query.expand:
        for view, board in zip(listed.results, stored.boards(found), strict=True):
            view.expanded = ExpandedRaffleView(availability=AvailabilityView(**board.availability._asdict()))
    return listed


def create_raffle(call: Call, body: RaffleBody) -> RaffleView:
    """Create a raffle.

    It starts as a DRAFT; nothing is sold until it is activated.
    """
    check_payment_instructions(body.payment_instructions)
    return present(
        call, call.container.raffles.create(values_of(body), by=call.by, idempotency_key=call.idempotency_key)
    )


def read_raffle(call: Call, raffle_id: str) -> RaffleView:
    """Get a raffle."""
    return present(call, stored.get(raffle_id))


def replace_raffle(call: Call, raffle_id: str, body: RaffleBody) -> RaffleView:
    """Replace a raffle.

    Fields that are absent get their default.
    """
    values = values_of(body)

    def replace(raffle: Raffle) -> dict[str, Any]:
        check_payment_instructions(body.payment_instructions, before=raffle.payment_instructions)
        return values

    return present(call, call.container.raffles.change(raffle_id, replace, by=call.by, expected=call.expected))


def patch_raffle(call: Call, raffle_id: str, body: Patch[RaffleBody]) -> RaffleView:
    """Update a raffle.

    Only the named fields change. null resets a field to its default, or to null where that is allowed.
    """

    def merge(raffle: Raffle) -> dict[str, Any]:
        if body.changes.get("status", raffle.status) != raffle.status:
            raise FieldInvalid("status", "expected no change: use activate, deactivate, close or cancel")
        current = asdict(raffle)
        changed = body.apply_to({name: current[name] for name in RaffleBody.model_fields})
        check_payment_instructions(changed.payment_instructions, before=raffle.payment_instructions)
        return values_of(changed)

    return present(call, call.container.raffles.change(raffle_id, merge, by=call.by, expected=call.expected))


def delete_raffle(call: Call, raffle_id: str) -> None:
    """Delete a draft.

    A raffle that has ever been active can only be deactivated, closed or cancelled.
    """
    call.container.raffles.delete(raffle_id, by=call.by, expected=call.expected)


def activate_raffle(call: Call, raffle_id: str) -> RaffleView:
    """Start or resume selling a raffle."""
    return _moved(call, raffle_id, RaffleEvent.ACTIVATED)


def deactivate_raffle(call: Call, raffle_id: str) -> RaffleView:
    """Pause selling a raffle.

    Numbers that are held can still be paid.
    """
    return _moved(call, raffle_id, RaffleEvent.DEACTIVATED)


def close_raffle(call: Call, raffle_id: str) -> RaffleView:
    """Stop selling a raffle for good.

    Numbers that are held can still be paid.
    """
    return _moved(call, raffle_id, RaffleEvent.CLOSED)


def cancel_raffle(call: Call, raffle_id: str) -> RaffleView:
    """Call a raffle off.

    It must not be active, and all its orders must be cancelled or refunded.
    """
    return present(call, call.container.raffles.cancel(raffle_id, by=call.by, expected=call.expected))


def generate_tickets(call: Call, raffle_id: str, body: ForceBody) -> AvailabilityView:
    """Confirm that the numbers of an unsold raffle are ready.

    Refused once a number is reserved or sold. Numbers need no preparation: this is for programs written for the system
    before this one.
    """
    availability = call.container.raffles.generate_tickets(raffle_id, by=call.by, force=body.force)
    return AvailabilityView(**availability._asdict())


def raffle_availability(call: Call, raffle_id: str) -> AvailabilityView:
    """Count the free, reserved and sold numbers of a raffle."""
    return AvailabilityView(**stored.board(raffle_id).availability._asdict())


def raffle_tickets(call: Call, raffle_id: str, query: TicketsQuery) -> Listed[TicketView]:
    """List the numbers of a raffle.

    In order, with their state and owner.
    """
    raffles = call.container.raffles
    if query.number is not None:
        ticket = raffles.ticket(raffle_id, query.number)
        wanted = [one for one in (ticket,) if one is not None and query.status in (None, one.status)]
        return Listed.model_construct(results=[_ticket(one) for one in wanted], next=None, previous=None)
    return call.forwards(
        query,
        lambda after: raffles.tickets(raffle_id, status=query.status, limit=query.page_size, cursor=after),
        _ticket,
    )


def _moved(call: Call, raffle_id: str, event: RaffleEvent) -> RaffleView:
    return present(call, call.container.raffles.move(raffle_id, event, by=call.by, expected=call.expected))


def check_payment_instructions(instructions: str, *, before: str = "") -> None:
    """Refuse new instructions with a backtick that would mean nothing. Those of before stay as they are.

    Raises FieldInvalid.
    """
    if instructions != before and has_stray_backtick(instructions):
        raise FieldInvalid(
            "payment_instructions", "expected backticks only around one line of its own, which buyers can then copy"
        )


def values_of(body: RaffleBody) -> dict[str, Any]:
    """Return the fields of a raffle that a body sets."""
    values = body.model_dump()
    values["organiser"] = RaffleOrganiser(**values["organiser"]) if body.organiser else None
    values["permit"] = Permit(**values["permit"]) if body.permit else None
    values["faq"] = tuple(Faq(**entry) for entry in values["faq"])
    return values


def present(call: Call, raffle: Raffle) -> RaffleView:
    """Return a raffle as the API shows it, with its ETag."""
    call.tag(raffle.version)
    return RaffleView.model_validate(raffle)


def _ticket(ticket: Ticket) -> TicketView:
    order, contact = ticket.owner or (None, None)
    return TicketView(number=ticket.number, status=ticket.status, order=order, contact=contact)
