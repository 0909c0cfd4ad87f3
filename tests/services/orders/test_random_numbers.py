"""H5 where the board is older than its pages, or damaged, or changes while numbers are drawn from it."""

from collections.abc import Callable, Collection
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.board import LeafKey
from chalicelib.domain.messages import Identity, IncomingMessage, MessageKind
from chalicelib.domain.raffles import Raffle
from chalicelib.services.orders.holds import RandomNumbers
from chalicelib.store import board, raffles, retries, transaction
from chalicelib.store.records import LeafRecord, TallyRecord, low_level
from chalicelib.store.transaction import Busy, Transaction
from chalicelib.whatsapp.inbound import Message
from tests.support.order_codes import code_in
from tests.support.request_counts import Requests, tickets_asked_for
from tests.support.steps import everything, hold
from tests.support.world import Buyer, World, text_of

Json = dict[str, Any]
FULL = (1 << 64) - 1


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transaction, "sleep", lambda _: None)


def fill(raffle: Raffle, pages: Collection[int], *, counted: bool = True) -> None:
    """Show all numbers of the pages as taken; or only the leaves, and not the tallies."""
    if counted:
        tally = TallyRecord(f"BOARD#{raffle.id}", "TALLY#00")
        tally.update([TallyRecord.kind.set(TallyRecord), *(TallyRecord.page(page).set(128) for page in pages)])
    for page in pages:
        set_words(raffle, page, FULL, FULL)


def set_words(raffle: Raffle, page: int, *words: int) -> None:
    leaf = LeafRecord(*board.leaf_key(raffle.id, LeafKey(page, 0)))
    taken = [LeafRecord.word("t", at).set(bits) for at, bits in enumerate(words)]
    leaf.update([LeafRecord.kind.set(LeafRecord), *taken])


@pytest.mark.parametrize("last", [700, 2100])  # six pages and seventeen
def test_h5_numbers_taken_since_the_board_was_read_are_not_drawn(
    world: World, lucia: Buyer, requests: Requests, last: int
) -> None:
    raffle = world.raffle(last_number=last)
    found = raffles.board(raffle["id"])
    for start in range(1, 641, 40):
        hold(lucia, f"{start}-{start + 39}")
    for _ in range(20):
        before = len(requests.made)
        drawn = RandomNumbers(random=world.container.random).choose(found, 40)
        assert len(requests.made) - before <= (1 if last == 700 else 2)
        assert len(set(drawn)) == 40
        assert set(drawn) <= set(range(641, last + 1))


def test_h5_numbers_taken_since_the_board_was_read_do_not_change_the_likelihoods(world: World) -> None:
    """All but one number of a page went: that one is not the likelier to be drawn."""
    raffle = world.raffle(last_number=2176)
    found = raffles.board(raffle["id"])
    set_words(found.raffle, 0, FULL - 1, FULL)
    assert sum(RandomNumbers(random=world.container.random).choose(found, 1) == [1] for _ in range(400)) < 5


@pytest.mark.parametrize(
    ("free_before", "full_now", "answer"),
    [
        ({0: 128}, set(range(17)) - {1}, "random numbers are held"),
        ({0: 128} | dict.fromkeys(range(1, 17), 1), set(range(17)), "sold out"),
    ],
)
def test_h5_random_numbers_go_by_what_is_free_now(
    world: World,
    lucia: Buyer,
    monkeypatch: pytest.MonkeyPatch,
    free_before: dict[int, int],
    full_now: set[int],
    answer: str,
) -> None:
    raffle = world.raffle(last_number=2176)
    lucia.says("BIKE")
    real = raffles.board
    now = real(raffle["id"])
    fill(now.raffle, full_now)
    before = [now._replace(taken={page: 128 - free_before.get(page, 0) for page in range(17)})]
    monkeypatch.setattr(raffles, "board", lambda raffle_id: before.pop() if before else real(raffle_id))
    said = text_of(lucia.says("random 40"))
    if answer == "sold out":
        assert answer in said
    else:
        assert set(world.order(code_in(said))["numbers"]) <= set(range(129, 257))


@pytest.mark.parametrize("last", [2048, 10_000])
def test_h5_wrong_counts_take_a_bounded_number_of_requests(
    world: World, lucia: Buyer, requests: Requests, monkeypatch: pytest.MonkeyPatch, last: int
) -> None:
    """Damage: all is taken, and nothing is counted. Each request takes a second, and an answer is there in time."""
    raffle = raffles.board(world.raffle(last_number=last)["id"]).raffle
    fill(raffle, range(raffle.layout.pages), counted=False)
    lucia.says("BIKE")
    now = [0.0]
    monkeypatch.setattr(retries, "monotonic", lambda: now[0])
    events = low_level().client.meta.events
    events.register("before-call.dynamodb", lambda **_: now.__setitem__(0, now[0] + 1), unique_id="slow")
    try:
        operations = requests.during(lambda: lucia.says("random 5"))
    finally:
        events.unregister("before-call.dynamodb", unique_id="slow")
    assert "sold out" in text_of(lucia.heard[-1])
    assert len(operations) <= 10


def test_h5_a_number_that_only_seems_free_is_not_drawn_again_and_again(
    world: World, lucia: Buyer, marco: Buyer
) -> None:
    """Damage: a number has a ticket, and the board lost its bit."""
    raffle = raffles.board(world.raffle(last_number=42)["id"]).raffle
    hold(lucia, "1-40")
    hold(world.buyer(number=9), "41")
    set_words(raffle, 0, (1 << 40) - 1)
    marco.says("BIKE")
    assert "Only 1 number is free" in text_of(marco.says("random 2"))


def test_h5_counts_that_are_too_low_do_not_prevent_the_refusal(world: World, lucia: Buyer, marco: Buyer) -> None:
    raffle = world.raffle(last_number=42)
    hold(lucia, "1-40")
    TallyRecord(f"BOARD#{raffle['id']}", "TALLY#00").update([TallyRecord.page(0).set(20)])
    marco.says("BIKE")
    assert "Only 2 numbers are free" in text_of(marco.says("random 5"))


# What changes while somebody draws


def deactivated(world: World, path: str) -> None:
    assert world.api("POST", f"{path}/deactivate").status == 200


def dearer(world: World, path: str) -> None:
    assert world.api("PATCH", path, {"unit_amount": 9999}).status == 200


def rationed(world: World, path: str) -> None:
    assert world.api("PATCH", path, {"max_per_contact": 1}).status == 200


@pytest.mark.parametrize("change", [deactivated, dearer, rationed])
def test_a_second_try_uses_the_raffles_new_terms(
    world: World, lucia: Buyer, marco: Buyer, requests: Requests, change: Callable[[World, str], None]
) -> None:
    raffle = world.raffle()
    lucia.says("BIKE")
    marco.says("BIKE")
    world.clock.pass_minutes(1)

    def meanwhile() -> None:
        marco.says(f"#{tickets_asked_for(requests)[0]}")
        change(world, f"/api/raffles/{raffle['id']}")

    requests.before_the_next_commit(meanwhile)
    lucia.says("random 3")
    amounts = [order["amount"] for order in everything(world, "/api/orders") if order["quantity"] == 3]
    assert amounts == ([3 * 9999] if change is dearer else [])


@pytest.mark.parametrize("busy", [1, 6])
def test_a_try_after_the_raffle_closes_holds_nothing(
    world: World, lucia: Buyer, monkeypatch: pytest.MonkeyPatch, busy: int
) -> None:
    closes = world.clock.now + timedelta(minutes=5)
    world.raffle(closes_at=closes.isoformat())
    lucia.says("BIKE")
    left, real = [busy], Transaction.commit

    def commit(transaction: Transaction) -> None:
        if left[0]:
            left[0] -= 1
            world.clock.pass_minutes(6)
            raise Busy("TransactionConflict")
        real(transaction)

    monkeypatch.setattr(Transaction, "commit", commit)
    lucia.says("random 3")
    assert everything(world, "/api/orders") == []


def test_numbers_drawn_in_one_raffle_are_not_used_in_another(world: World, lucia: Buyer, requests: Requests) -> None:
    """Two messages of one person at once: the second opens another raffle, in which the first is tried again."""
    world.raffle(last_number=64)
    world.raffle(code="CAR", last_number=5)
    lucia.says("BIKE")
    other = Message(
        id="wamid.other", phone_number_id="112233445566778", name="Lucía", sent_at=world.clock.now, kind="text",
        sender=Identity(user_id=lucia.person.user_id, phone=lucia.person.wa_id),
        incoming=IncomingMessage(kind=MessageKind.TEXT, text="CAR"),
    )  # fmt: skip
    requests.before_the_next_commit(lambda: world.container.chat.answer(other))
    lucia.says("random 5")
    [order] = everything(world, "/api/orders")
    assert order["numbers"] == [1, 2, 3, 4, 5]
