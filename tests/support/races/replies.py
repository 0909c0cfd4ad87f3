"""What the texts that people are sent say to them: read as a person reads them, in English."""

import re
from typing import NamedTuple

from chalicelib.domain.orders import TRANSITIONS, OrderEvent, OrderStatus

HELD = re.compile(r"I am holding th\w+ numbers? for you:\n\*([0-9, ]+)\*\n[^?]*Shall I confirm your order (\w{8})\?")
REASSIGNED = re.compile(r"numbers for your late payment of order \*(\w{8})\*[.]\n[^\n]*\n\*([0-9, ]+)\*\n")
FEW_LEFT = re.compile(r"is sold out, sorry|Only (\d+) numbers? (?:is|are) free")

# What a wish for numbers may be answered with, other than with a hold.
REFUSALS = {
    "numbers_taken": re.compile(r"numbers? (?:is|are) taken:|Already yours:"),
    "too_few_free": FEW_LEFT,
    "too_many_for_contact": re.compile(r"each person may have at most"),
}

# Every step of an order is told to its buyer. A proof that is "received" may have brought back a hold that was over.
STEPS: dict[re.Pattern[str], tuple[OrderEvent, ...]] = {
    re.compile(r"Done! Your order code is \*(\w{8})\*"): (OrderEvent.CONFIRMED,),
    re.compile(r"I have your payment proof for order \*(\w{8})\*"): (OrderEvent.PROOF_RECEIVED, OrderEvent.REVIVED),
    re.compile(r"Your payment for order \*(\w{8})\* is confirmed"): (OrderEvent.PAYMENT_CONFIRMED,),
    re.compile(r"The time for order (\w{8}) is over"): (OrderEvent.DEADLINE_PASSED,),
    re.compile(r"Order (\w{8}) is cancelled"): (OrderEvent.DROPPED,),
    re.compile(r"An organiser has cancelled your order (\w{8})"): (OrderEvent.CANCELLED,),
    re.compile(r"Your payment proof for order \*(\w{8})\* came after"): (OrderEvent.PROOF_TOO_LATE,),
    re.compile(r"Order \*(\w{8})\* has no numbers any more"): (OrderEvent.PROOF_TOO_LATE,),
    re.compile(r"I could not accept your payment proof for order \*(\w{8})\*"): (OrderEvent.PROOF_REJECTED,),
    re.compile(r"The money for your order \*(\w{8})\* goes back"): (OrderEvent.REFUNDED,),
    re.compile(r"numbers for your late payment of order \*(\w{8})\*"): (OrderEvent.REASSIGNED,),
    re.compile(r"Order \*(\w{8})\* was cancelled, so its numbers are not held"): (OrderEvent.PROOF_TOO_LATE,),
}

# Why a file is on no order.
NO_PROOF = re.compile(
    r"I can't see an order of yours that is waiting|I can only take a photo|I could not fetch your file"
)

NO_WISH = "none"
CHANGED = re.compile(r"Your order now has th[^\n]+\n\*([0-9, ]+)\*.*?([2-9A-HJ-NP-Z]{8})", re.DOTALL)


class Held(NamedTuple):
    order_id: str
    numbers: tuple[int, ...]


class Told(NamedTuple):
    order_id: str
    events: tuple[OrderEvent, ...]

    @property
    def status(self) -> OrderStatus:
        """Where the order is after this."""
        target = TRANSITIONS[self.events[0]].target
        assert target is not None
        return target


def held_in(text: str) -> Held | None:
    found = HELD.match(text)
    return Held(found[2], tuple(map(int, found[1].split(", ")))) if found else None


def changed_in(text: str) -> Held | None:
    """The numbers that an order has after its buyer changed it (H15)."""
    found = CHANGED.search(text)
    return Held(found[2], tuple(map(int, found[1].split(", ")))) if found else None


def reassigned_in(text: str) -> Held | None:
    found = REASSIGNED.search(text)
    return Held(found[1], tuple(map(int, found[2].split(", ")))) if found else None


def told_in(text: str) -> Told | None:
    for pattern, events in STEPS.items():
        if found := pattern.search(text):
            return Told(found[1], events)
    return None


def left_in(text: str) -> int | None:
    """How many numbers are free, when they are fewer than were asked for."""
    found = FEW_LEFT.search(text)
    return int(found[1] or 0) if found else None


def outcome(text: str) -> str:
    """What became of a wish for numbers: "held", the code of a refusal, or NO_WISH if it was not taken for one."""
    if held_in(text):
        return "held"
    return next((code for code, pattern in REFUSALS.items() if pattern.search(text)), NO_WISH)
