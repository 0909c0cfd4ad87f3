"""List what to check before a raffle is activated. Only its life cycle can block it."""

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from chalicelib.domain.raffles import TRANSITIONS, Raffle, RaffleEvent


class Severity(StrEnum):
    """How much an open check matters. The values are part of the API."""

    BLOCKS = "blocks"  # the raffle can't be activated
    WARNS = "warns"  # buyers can't do something, or read something wrong
    ADVISES = "advises"


class CheckCode(StrEnum):
    """The points of the checklist. The values are part of the API."""

    STATUS = "status"
    PAYMENT_INSTRUCTIONS = "payment_instructions"
    PAYMENT_ACCOUNT = "payment_account"
    PRICE = "price"
    PRIZE = "prize"
    CLOSES_LATER = "closes_later"
    DRAWS_LATER = "draws_later"
    HAS_OPENED = "has_opened"
    DRAW_DATE = "draw_date"
    DRAW_METHOD = "draw_method"
    ORGANISER = "organiser"
    PERMIT = "permit"
    PICTURE = "picture"
    TIME_ZONE = "time_zone"


class Check(NamedTuple):
    """A point of the checklist.

    Attributes:
        field: the raffle's field that it is about.
        text: what is to be done, or why it matters.
    """

    code: CheckCode
    severity: Severity
    is_done: bool
    field: str
    text: str


def checklist(raffle: Raffle, now: datetime) -> list[Check]:
    """Return all points, those that are done included, the most important first."""
    return list(_checks(raffle, now))


def _checks(raffle: Raffle, now: datetime) -> Iterator[Check]:
    sources = TRANSITIONS[RaffleEvent.ACTIVATED].sources
    allowed = ", ".join(sources)
    yield Check(
        CheckCode.STATUS, Severity.BLOCKS, raffle.status in sources, "status",
        f"Only a raffle that is {allowed} can be activated, and this one is {raffle.status}.",
    )  # fmt: skip
    yield Check(
        CheckCode.PAYMENT_INSTRUCTIONS, Severity.WARNS, bool(raffle.payment_instructions or not raffle.unit_amount),
        "payment_instructions", "Without them, buyers are not told how to pay.",
    )  # fmt: skip
    yield Check(
        CheckCode.PRIZE, Severity.WARNS, bool(raffle.prize), "prize", "Say what is won: buyers see it first.",
    )  # fmt: skip
    yield Check(
        CheckCode.CLOSES_LATER, Severity.WARNS, raffle.closes_at is None or raffle.closes_at > now, "closes_at",
        "The sale has ended by this time, so nothing is sold. Choose a later one.",
    )  # fmt: skip
    yield Check(
        CheckCode.DRAWS_LATER, Severity.WARNS,
        raffle.draws_at is None or raffle.draws_at > max(now, raffle.closes_at or now), "draws_at",
        "The draw is in the past, or before the sale ends. Choose a later time.",
    )  # fmt: skip
    yield Check(
        CheckCode.HAS_OPENED, Severity.ADVISES, raffle.opens_at is None or raffle.opens_at <= now, "opens_at",
        "The sale begins later: until then, buyers are told that the raffle is not on sale.",
    )  # fmt: skip
    yield Check(
        CheckCode.PRICE, Severity.ADVISES, raffle.unit_amount > 0, "unit_amount", "The numbers cost nothing.",
    )  # fmt: skip
    yield Check(
        CheckCode.DRAW_DATE, Severity.ADVISES, raffle.draws_at is not None, "draws_at",
        "Buyers ask when the draw is.",
    )  # fmt: skip
    yield Check(
        CheckCode.DRAW_METHOD, Severity.ADVISES, bool(raffle.draw_method), "draw_method",
        "Buyers ask how the numbers are drawn.",
    )  # fmt: skip
    yield Check(
        CheckCode.ORGANISER, Severity.ADVISES, raffle.organiser is not None, "organiser",
        "Buyers ask who is behind the raffle.",
    )  # fmt: skip
    yield Check(
        CheckCode.PERMIT, Severity.ADVISES, raffle.permit is not None, "permit",
        "Many countries require a permit for each raffle.",
    )  # fmt: skip
    yield Check(
        CheckCode.PICTURE, Severity.ADVISES, raffle.picture is not None, "picture",
        "A picture is shown above the details in the chat.",
    )  # fmt: skip
    yield Check(
        CheckCode.PAYMENT_ACCOUNT, Severity.ADVISES,
        raffle.payment_account is not None or not raffle.payment_instructions, "payment_instructions",
        "A line of its own between backticks, such as an account number, comes in a message that buyers can copy.",
    )  # fmt: skip
    yield Check(
        CheckCode.TIME_ZONE, Severity.ADVISES, raffle.time_zone != "UTC", "time_zone",
        "Buyers read times in UTC, unless you choose their time zone.",
    )  # fmt: skip
