"""Sell over WhatsApp on a Tombola that runs: `make run`, or what was deployed."""

import re
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from zoneinfo import ZoneInfo

from chalicelib.domain.picks import padded
from tests.support.order_codes import code_in
from tests.support.running import Json, OnThePhone, Run
from tests.support.world import PNG, buttons_of, rows_of, text_of

FIRST_NAMES = {"ana": "Ana", "marco": "Marco", "lucia": "Lucía"}
PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\n%%EOF\n"
_letters = count()


@dataclass(frozen=True)
class File:
    name: str
    mime_type: str
    content: bytes


PHOTO = File("receipt.png", "image/png", PNG)
DOCUMENT = File("receipt.pdf", "application/pdf", PDF)


def new_code() -> str:
    return f"TEST-{next(_letters)}"


def position_of(raffle: Json, shown: Json) -> str:
    """The number that the list gives the raffle, as the buyer reads it."""
    found = re.search(rf"\*(\d+)\.\* {re.escape(raffle['title'])}", text_of(shown))
    assert found, text_of(shown)
    return found[1]


def choose(buyer: OnThePhone, raffle: Json, how: str) -> Json:
    """hi → raffles → this raffle. Their phones are Guatemalan: the greeting is what makes the bot write English."""
    buyer.says("hi")
    answer = buyer.says("menu")
    assert buttons_of(answer) == ["Browse raffles", "My orders", "Help"]
    # As a word and as a button.
    answer = buyer.taps("Browse raffles") if how == "row" else buyer.says("raffles")
    position = position_of(raffle, answer)
    assert any(row.startswith(f"{position}. {raffle['title'][:10]}") for row in rows_of(answer))
    assert "Q " in text_of(answer) and " free" in text_of(answer)
    match how:
        case "number":
            return buyer.says(position)
        case "code":
            return buyer.says(raffle["code"].lower())
        case _:
            return buyer.taps(f"{position}.")


def buy(run: Run, buyer: OnThePhone, organiser: OnThePhone, raffle: Json, pick: str, file: File) -> Json:
    """From the question for numbers to the buyer being told that they are theirs. Returns the order."""
    free, reserved, sold = run.availability(raffle)
    answer = buyer.says(pick)
    order = run.order(code_in(text_of(answer)))
    quantity = order["quantity"]
    shown = ", ".join(padded(number, raffle["last_number"]) for number in order["numbers"])
    price = f"Q {raffle['unit_amount'] * quantity / 100:,.2f}"
    assert order["status"] == "DRAFT"
    assert shown in text_of(answer) and price in text_of(answer)
    until = datetime.fromisoformat(order["reserved_until"]).astimezone(ZoneInfo(raffle["time_zone"]))
    assert f"until {until:%H:%M} (15 minutes)" in text_of(answer)
    assert buttons_of(answer) == ["Confirm", "Change", "Cancel"]
    assert set(order["numbers"]) <= run.tickets(raffle, "RESERVED").keys()
    assert run.availability(raffle) == (free - quantity, reserved + quantity, sold)

    answer = buyer.says("confirm")
    assert run.order(order["id"])["status"] == "PENDING_PAYMENT"
    for part in (order["id"], raffle["payment_instructions"].splitlines()[0], "photo or PDF"):
        assert part in text_of(answer)

    answer = buyer.sends(file.content, file.mime_type, file.name)
    assert "Your numbers are safe" in text_of(answer)
    in_review = run.order(order["id"])
    assert (in_review["status"], in_review["reserved_until"]) == ("IN_REVIEW", None)
    assert (in_review["proof"]["mime_type"], in_review["proof"]["size"]) == (file.mime_type, len(file.content))
    notice = text_of(organiser.hears())
    assert order["id"] in notice and shown in notice and FIRST_NAMES[buyer.name] in notice

    assert run.api("POST", f"/api/orders/{order['id']}/confirm-payment")["status"] == "PAID"
    answer = buyer.hears()
    assert "is confirmed" in text_of(answer) and shown in text_of(answer)
    assert set(order["numbers"]) <= run.tickets(raffle, "SOLD").keys()
    assert run.availability(raffle) == (free - quantity, reserved, sold + quantity)
    return order
