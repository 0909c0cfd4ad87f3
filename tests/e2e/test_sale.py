"""The sale, word for word, over HTTP against `make run`'s own parts; and what must not disturb it."""

import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.order_codes import code_in
from tests.support.running import Elsewhere, OnThePhone, Run, options_of
from tests.support.running_sales import DOCUMENT, PHOTO, buy, choose, new_code
from tests.support.world import text_of
from whatsapp_sandbox import webhooks

SMALLEST, LARGEST = 100, 1_000_000
TIMES, RATIO = 9, 1.5


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

    # Eight answers each, one notice each, and nothing twice.
    buyer.says("help")
    assert len(buyer.heard()) == heard + 17
    assert len(organiser.heard()) == noticed + 2


def test_o11_an_organiser_decides_on_the_phone(run: Run, lucia: OnThePhone, organiser: OnThePhone) -> None:
    organiser.says("español")  # from now on their notices are in it
    raffle = run.raffle(new_code(), last_number=100)
    lucia.says(raffle["code"])
    order_id = code_in(text_of(lucia.says("7")))
    lucia.says("confirm")
    lucia.sends(PHOTO.content, PHOTO.mime_type, PHOTO.name)
    notice = organiser.hears()
    assert order_id in text_of(notice) and notice["interactive"]["header"]["type"] == "image"
    assert [option["title"] for option in options_of(notice)] == ["Aprobar", "Rechazar", "Abrir"]
    assert order_id in text_of(organiser.taps("Aprobar"))
    assert run.order(order_id)["status"] == "PAID"


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
    # Side by side, so that whatever else this machine does meets both alike. The fastest of each counts: what the work
    # itself takes is in every one of them, and whatever makes the others slower is not the work. That both make
    # the very same requests is counted in tests/services/test_raffles.py.
    times = [(make(SMALLEST), make(LARGEST)) for _ in range(TIMES)]
    small, large = (min(took) for took in zip(*times, strict=True))
    assert large / small <= RATIO, f"{large * 1000:.0f} ms against {small * 1000:.0f} ms"


def test_every_choice_fits_metas_limits(run: Run, lucia: OnThePhone) -> None:
    """The stand-in refuses what Meta refuses; a refusal would show here as a message that is missing."""
    for words in ("menu", "raffles", "help", "my orders", "cancel"):
        answer = lucia.says(words)
        assert options_of(answer)
