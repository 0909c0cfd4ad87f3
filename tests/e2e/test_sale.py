"""The sale, word for word, over HTTP against `make run`'s own parts; and what must not disturb it."""

import json
import re
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from statistics import median
from zoneinfo import ZoneInfo

import pytest

from chalicelib.domain.picks import padded
from tests.support.running import Elsewhere, Json, OnThePhone, Run, options_of
from tests.support.world import PNG, buttons_of, rows_of, text_of
from whatsapp_sandbox import webhooks

pytestmark = [pytest.mark.engine, pytest.mark.slow]

FIRST_NAMES = {"ana": "Ana", "marco": "Marco", "lucia": "Lucía"}
PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\n%%EOF\n"
SMALLEST, LARGEST = 100, 1_000_000
TIMES, RATIO = 9, 1.5

_letters = count()


@dataclass(frozen=True)
class File:
    name: str
    mime_type: str
    content: bytes


PHOTO = File("receipt.png", "image/png", PNG)
DOCUMENT = File("receipt.pdf", "application/pdf", PDF)


def code_in(text: str) -> str:
    found = re.search(r"\b[2346789BCDFGHJKMPQRTVWXY]{8}\b", text)
    assert found, text
    return found[0]


def new_code() -> str:
    return f"TEST-{next(_letters)}"


def position_of(raffle: Json, shown: Json) -> str:
    """The number that the list gives the raffle, as the buyer reads it."""
    found = re.search(rf"\*(\d+)\.\* {re.escape(raffle['title'])}", text_of(shown))
    assert found, text_of(shown)
    return found[1]


def choose(buyer: OnThePhone, raffle: Json, how: str) -> Json:
    """menu → raffles → this raffle."""
    answer = buyer.says("menu")
    assert buttons_of(answer) == ["Browse raffles", "My orders", "Help"]
    # As a word and as a button.
    answer = buyer.taps("Browse raffles") if how == "row" else buyer.says("raffles")
    position = position_of(raffle, answer)
    assert any(row.startswith(f"{position}. {raffle['title'][:10]}") for row in rows_of(answer))
    assert "GTQ" in text_of(answer) and " free" in text_of(answer)
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
    price = f"GTQ {raffle['unit_amount'] * quantity / 100:,.2f}"
    assert order["status"] == "DRAFT"
    assert shown in text_of(answer) and price in text_of(answer)
    until = datetime.fromisoformat(order["reserved_until"]).astimezone(ZoneInfo(raffle["time_zone"]))
    assert f"until {until:%H:%M} (15 minutes)" in text_of(answer)
    assert buttons_of(answer) == ["Confirm", "Cancel"]
    assert set(order["numbers"]) <= run.tickets(raffle, "RESERVED").keys()
    assert run.availability(raffle) == (free - quantity, reserved + quantity, sold)

    answer = buyer.says("confirm")
    assert run.order(order["id"])["status"] == "PENDING_PAYMENT"
    for part in (order["id"], raffle["payment_instructions"].splitlines()[0], "photo or PDF"):
        assert part in text_of(answer)

    answer = buyer.sends(file.content, file.mime_type, file.name)
    assert "The clock has stopped" in text_of(answer)
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


@pytest.fixture
def buyer(run: Run, code: str) -> OnThePhone:
    """One for each raffle: the tests are faster than WhatsApp lets us talk to one person."""
    return OnThePhone(run, {"BIKE": "ana", "MOTO": "marco", "HOUSE": "lucia"}[code])


@pytest.mark.parametrize("how", ["number", "code", "row"])
@pytest.mark.parametrize("code", ["BIKE", "MOTO", "HOUSE"])
def test_a_raffle_is_chosen_by_number_code_or_row(run: Run, buyer: OnThePhone, code: str, how: str) -> None:
    raffle = run.raffles()[code]
    answer = choose(buyer, raffle, how)
    assert raffle["title"] in text_of(answer)
    assert "Which numbers" in text_of(answer)


@pytest.mark.parametrize(("code", "how"), [("BIKE", "number"), ("MOTO", "code"), ("HOUSE", "row")])
def test_the_sale_word_for_word(run: Run, buyer: OnThePhone, organiser: OnThePhone, code: str, how: str) -> None:
    raffle = run.raffles()[code]
    heard, noticed = len(buyer.heard()), len(organiser.heard())

    choose(buyer, raffle, how)
    order = buy(run, buyer, organiser, raffle, "5,12,99", PHOTO)
    assert order["numbers"] == [5, 12, 99]

    choose(buyer, raffle, how)
    order = buy(run, buyer, organiser, raffle, "random 3", DOCUMENT)
    assert order["quantity"] == 3 == len(set(order["numbers"]) - {5, 12, 99})

    # Seven answers each, one notice each, and nothing twice.
    buyer.says("help")
    assert len(buyer.heard()) == heard + 15
    assert len(organiser.heard()) == noticed + 2


def test_m1_one_body_delivered_five_times_at_once_has_one_effect_and_one_reply(run: Run, nadie: Elsewhere) -> None:
    raffle = run.raffle(new_code(), last_number=1000)
    nadie.says(raffle["code"])
    raw = nadie.writes("random 3")
    signature = webhooks.sign(raw, nadie.SECRET)

    with ThreadPoolExecutor(5) as pool:
        answers = list(pool.map(lambda _: run.post_webhook(raw, signature), range(5)))

    assert answers == [200] * 5
    order = run.order(code_in(text_of(nadie.hears())))
    # A person's messages are answered in order: with this one answered, the five are done with.
    nadie.says("help")
    assert len(nadie.heard()) == 3
    assert run.availability(raffle) == (997, 3, 0)
    assert [found["id"] for found in run.api("GET", f"/api/orders?raffle={raffle['id']}")["results"]] == [order["id"]]
    # Nor does it matter later, by itself or within another delivery.
    assert run.post_webhook(raw, signature) == 200
    nadie.says("help")
    assert len(nadie.heard()) == 4
    assert run.availability(raffle) == (997, 3, 0)


def spaced(raw: bytes) -> bytes:
    """The same JSON, written by somebody else."""
    return json.dumps(json.loads(raw), ensure_ascii=False).encode()


@pytest.mark.parametrize("forgery", ["wrong", "missing", "empty", "sha1", "re-serialised", "one byte more"])
def test_a_body_that_meta_did_not_sign_gets_401_and_leaves_nothing(run: Run, nadie: Elsewhere, forgery: str) -> None:
    before = run.items().keys()
    raw = nadie.writes("raffles")
    right = webhooks.sign(raw, nadie.SECRET)
    sent, signature = {
        "wrong": (raw, webhooks.sign(raw, "another secret")),
        "missing": (raw, None),
        "empty": (raw, ""),
        "sha1": (raw, right.replace("sha256=", "sha1=")),
        "re-serialised": (spaced(raw), right),
        "one byte more": (raw + b"\n", right),
    }[forgery]

    assert run.post_webhook(sent, signature) == 401

    # Had it been queued, it would be answered before what the same person writes now.
    assert run.items().keys() == before
    assert "Welcome" in text_of(nadie.says("menu"))
    nadie.says("help")
    assert len(nadie.heard()) == 2
    added = [item for key, item in run.items().items() if key not in before]
    assert "raffles" not in [item.get("text", {}).get("S") for item in added]


def test_n2_the_largest_raffle_takes_as_long_as_the_smallest(run: Run) -> None:
    def make(numbers: int) -> float:
        began = time.perf_counter()
        raffle = run.raffle(new_code(), first_number=1, last_number=numbers)
        took = time.perf_counter() - began
        run.api("POST", f"/api/raffles/{raffle['id']}/deactivate", {})
        return took

    for numbers in (SMALLEST, LARGEST):  # the first of a process is another matter
        make(numbers)
    # Side by side, so that whatever else this machine does meets both alike.
    times = [(make(SMALLEST), make(LARGEST)) for _ in range(TIMES)]
    small, large = (median(took) for took in zip(*times, strict=True))
    assert large / small <= RATIO, f"{large * 1000:.0f} ms against {small * 1000:.0f} ms"


def test_every_choice_fits_what_meta_takes(run: Run, lucia: OnThePhone) -> None:
    """The stand-in refuses what Meta refuses; a refusal would show here as a message that is missing."""
    for words in ("menu", "raffles", "help", "my orders", "cancel"):
        answer = lucia.says(words)
        assert options_of(answer)
