"""M8: nobody, person or machine, makes the bot answer without end."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from itertools import cycle

import pytest

from chalicelib.domain.channel import Stop
from chalicelib.domain.orders import MAX_PROOFS, Order, Proof
from chalicelib.domain.reply_limits import MAX_FILES, MAX_REPLIES, MAX_SAME, MAX_WAITING
from chalicelib.store import channel, fingerprints, orders
from chalicelib.store.transaction import Transaction
from tests.support.request_counts import Requests
from tests.support.steps import hold_and_confirm, outbounds, reject
from tests.support.world import PNG, Buyer, World, text_of
from whatsapp_sandbox import webhooks

MESSAGES = 300


def writes(buyer: Buyer, text: str, at: float) -> None:
    buyer.sends(webhooks.text_message(buyer.person, text, message_id=buyer.world.new_id(), at=at))


def pass_hour(world: World) -> None:
    for _ in range(60):
        world.clock.pass_minutes(1)
        world.minute()


def notices(world: World) -> list[str]:
    return [text_of(message) for message in world.organiser().heard]


# Floods


def test_m8_of_300_messages_that_wait_only_the_newest_is_answered(
    world: World, lucia: Buyer, requests: Requests
) -> None:
    """Twelve come in a second, and three are handled."""
    start = handled = world.clock.now
    for number in range(MESSAGES):
        written = start + timedelta(seconds=number / 12)
        handled = max(handled, written) + timedelta(seconds=1 / 3)
        world.clock.now = handled
        last = "my orders" if number == MESSAGES - 1 else "menu"
        operations = requests.during(partial(writes, lucia, last, written.timestamp()))
        assert len(operations) <= 4
    world.clock.pass_minutes(1)
    world.minute()
    assert len(lucia.heard) <= 2 * MAX_WAITING
    assert "no orders yet" in text_of(lucia.heard[-1])
    said = len(lucia.heard)
    pass_hour(world)
    assert len(lucia.heard) == said
    world.clock.pass_minutes(1)
    assert "Welcome" in text_of(lucia.says("menu")) and len(lucia.heard) == said + 1


def test_m8_a_flood_that_does_not_end_is_answered_now_and_then(world: World, lucia: Buyer) -> None:
    start = world.clock.now
    for number in range(MESSAGES):
        world.clock.now = start + timedelta(seconds=number / 3 + 5)
        writes(lucia, "menu", (start + timedelta(seconds=number / 3)).timestamp())
        if number % 180 == 179:
            world.minute()
    assert MAX_WAITING < len(lucia.heard) <= 2 * MAX_WAITING + 2


def test_m8_300_messages_at_one_moment_are_answered_in_two_minutes(world: World, lucia: Buyer) -> None:
    """So many that WhatsApp's rate for one person is used up: further answers would wait for 25 minutes."""
    for _ in range(MESSAGES - 1):
        lucia.says("menu")
    lucia.says("my orders")
    for _ in range(2):
        world.clock.pass_minutes(1)
        world.minute()
    assert len(lucia.heard) <= 45 + MAX_WAITING + 1
    assert "no orders yet" in text_of(lucia.heard[-1])
    said = len(lucia.heard)
    pass_hour(world)
    assert len(lucia.heard) == said


def test_m8_after_an_outage_of_ours_the_newest_of_many_is_answered(world: World, lucia: Buyer) -> None:
    channel.stop(Stop.ALL, world.clock.now, code=190)
    for number in range(3 * MAX_WAITING):
        world.clock.pass_minutes(1)
        lucia.says("my orders" if number == 3 * MAX_WAITING - 1 else "menu")
    channel.resume(world.clock.now)
    for _ in range(5):
        world.clock.pass_minutes(1)
        world.minute()
    assert len(lucia.heard) <= MAX_WAITING + 1
    assert "no orders yet" in text_of(lucia.heard[-1])


def test_m8_what_a_flood_changes_it_changes_all_the_same(world: World, lucia: Buyer) -> None:
    world.raffle()
    start = world.clock.now
    for number in range(50):
        world.clock.now = start + timedelta(seconds=number / 3 + 5)
        text = {30: "BIKE", 31: "5, 12"}.get(number, "menu")
        writes(lucia, text, (start + timedelta(seconds=number / 3)).timestamp())
    [order] = world.api("GET", "/api/orders").body["results"]
    assert order["numbers"] == [5, 12]


def test_m8_news_of_an_order_is_not_replaced_in_a_flood(world: World, lucia: Buyer) -> None:
    world.raffle()
    order_id = hold_and_confirm(lucia)
    start = world.clock.now
    for number in range(50):
        world.clock.now = start + timedelta(seconds=number / 3 + 5)
        if number == 30:
            world.api("POST", f"/api/orders/{order_id}/confirm-payment")
        writes(lucia, "menu", (start + timedelta(seconds=number / 3)).timestamp())
    for _ in range(3):
        world.clock.pass_minutes(1)
        world.minute()
    assert sum("is confirmed" in text_of(message) for message in lucia.heard) == 1


def test_m8_an_answer_that_is_being_sent_is_not_taken_back(world: World, lucia: Buyer, requests: Requests) -> None:
    """The schedule takes the waiting answer just before a newer one would take its place."""
    start = world.clock.now
    for number in range(60):
        world.clock.now = start + timedelta(seconds=number / 3 + 5)
        if number == 59:
            said = len(lucia.heard)
            requests.before_the_next_commit(world.minute)
        writes(lucia, "menu", (start + timedelta(seconds=number / 3)).timestamp())
    assert len(lucia.heard) == said + 1
    withheld = {f"{record.contact_id}/{record.sk[4:]}" for record in outbounds(lucia) if record.state == "WITHHELD"}
    assert withheld and not withheld & {message["biz_opaque_callback_data"] for message in lucia.heard}
    world.clock.pass_minutes(1)
    world.minute()
    assert len(lucia.heard) == said + 2


def test_m8_a_fast_person_whose_messages_do_not_wait_is_answered(world: World, lucia: Buyer) -> None:
    for _ in range(30):
        world.clock.now += timedelta(milliseconds=500)
        assert "Welcome" in text_of(lucia.says("menu"))
    assert len(lucia.heard) == 30


# Bots


def parrot(heard: str) -> str:
    return heard


def automatic(_heard: str) -> str:
    return "Gracias por escribirnos. En breve le atendemos."


def polite(_heard: str) -> str:
    return "thanks"


def impatient(_heard: str) -> str:
    return "human"


def alternating() -> Callable[[str], str]:
    words: Iterator[str] = cycle(("menu", "raffles", "what?", "help", "my orders", "BIKE"))
    return lambda _heard: next(words)


@pytest.mark.parametrize(
    ("bot", "most"),
    [
        (parrot, 1 + MAX_SAME + 1),
        (automatic, 1 + MAX_SAME + 1),
        (impatient, 1 + MAX_SAME + 1),
        (polite, MAX_REPLIES),
        (alternating(), MAX_REPLIES),
    ],
    ids=["parrot", "automatic", "impatient", "polite", "alternating"],
)
def test_m8_two_bots_fall_silent(world: World, lucia: Buyer, bot: Callable[[str], str], most: int) -> None:
    world.raffle()
    heard = text_of(lucia.says("help"))
    for _ in range(2 * MAX_REPLIES):
        said = len(lucia.heard)
        world.clock.now += timedelta(seconds=5)
        lucia.says(bot(heard))
        if len(lucia.heard) == said:
            break
        heard = text_of(lucia.heard[-1])
    assert len(lucia.heard) <= most
    assert len(notices(world)) == 1  # somebody has been told


@pytest.mark.parametrize("text", ["which colour was it?", "la roja"])
def test_m8_not_understood_is_said_twice_in_a_row_then_the_organisers_are_told_once(
    world: World, lucia: Buyer, text: str
) -> None:
    for _ in range(10):
        world.clock.pass_minutes(2)
        lucia.says(text)
    *unclear, last = map(text_of, lucia.heard)
    assert len(unclear) == MAX_SAME
    assert all(heard.startswith(("I did not understand", "I don't know the answer")) for heard in unclear)
    assert "a person will write to you" in last
    [notice] = notices(world)
    assert "keeps writing" in notice
    waiting = world.api("GET", "/api/contacts?person_wanted=true").body["results"]
    assert [contact["name"] for contact in waiting] == [lucia.person.name]
    assert "Welcome" in text_of(lucia.says("menu"))  # what it understands, it answers
    assert text_of(lucia.says(text)) == unclear[0]


@pytest.mark.parametrize("reach", ["numbers", "order", "list"])
def test_m8_a_question_is_repeated_twice_in_a_row_whatever_it_is(world: World, lucia: Buyer, reach: str) -> None:
    world.raffle()
    if reach == "numbers":
        lucia.says("BIKE")
    elif reach == "order":
        hold_and_confirm(lucia)
    else:
        lucia.says("raffles")
    said = len(lucia.heard)
    for _ in range(5):
        lucia.says("what do you mean?")
    assert len(lucia.heard) == said + MAX_SAME + 1
    assert len(notices(world)) == 1


def test_m8_after_an_hour_of_silence_it_says_again_that_it_does_not_understand(world: World, lucia: Buyer) -> None:
    for _ in range(5):
        lucia.says("what?")
    said = len(lucia.heard)
    world.clock.pass_minutes(59)
    lucia.says("what?")
    assert len(lucia.heard) == said
    world.clock.pass_minutes(61)
    assert "did not understand" in text_of(lucia.says("what?"))


def test_m8_a_message_that_gets_no_answer_is_not_marked_as_read(world: World, lucia: Buyer) -> None:
    for _ in range(5):
        lucia.says("what?")
    assert len(world.graph.read) == MAX_SAME + 1


def test_m8_the_next_day_begins_anew(world: World, lucia: Buyer) -> None:
    for _ in range(MAX_REPLIES + 10):
        world.clock.now += timedelta(seconds=5)
        lucia.says("thanks")
    assert len(lucia.heard) == MAX_REPLIES and len(notices(world)) == 1
    world.clock.now += timedelta(hours=24)
    assert "welcome" in text_of(lucia.says("thanks")) and len(lucia.heard) == MAX_REPLIES + 1


# Files


def proofs_of(world: World, order_id: str) -> int:
    answer = world.api("GET", f"/api/orders/{order_id}/proof").body
    return 1 + len(answer["earlier"])


def files(world: World) -> int:
    found = world.container.proofs.s3().list_objects_v2(Bucket=world.container.proofs.bucket)
    return int(found["KeyCount"])


def test_m8_60_pictures_make_ten_proofs_and_one_notice(world: World, lucia: Buyer) -> None:
    world.raffle()
    order_id = hold_and_confirm(lucia)
    said = len(lucia.heard)
    for _ in range(60):
        world.clock.now += timedelta(seconds=5)
        lucia.sends_proof()
    assert files(world) == MAX_PROOFS
    assert len(lucia.heard) == said + 1 + MAX_SAME  # further files of an album get no answer
    assert order_id in text_of(lucia.heard[-1]) and "10 files" in text_of(lucia.heard[-1])
    assert sum("Payment proof for order" in notice for notice in notices(world)) == 1
    assert proofs_of(world, order_id) == MAX_PROOFS


def test_m8_a_contact_sends_at_most_20_files_a_day(world: World, lucia: Buyer) -> None:
    world.raffle()
    for numbers in ("1", "2", "3"):
        hold_and_confirm(lucia, f"#{numbers}")
        for _ in range(MAX_PROOFS):
            world.clock.now += timedelta(seconds=5)
            lucia.sends_proof()
    assert files(world) == MAX_FILES
    assert "20 files today" in text_of(lucia.heard[-1])
    world.clock.now += timedelta(hours=24)
    world.clock.pass_minutes(1)
    hold_and_confirm(lucia, "#4")
    lucia.sends_proof()
    assert files(world) == MAX_FILES + 1


@pytest.mark.parametrize("look", ["at the proof", "by rejecting it"])
def test_m8_there_is_another_notice_once_somebody_has_looked(world: World, lucia: Buyer, look: str) -> None:
    world.raffle()
    order_id = hold_and_confirm(lucia)
    for number in (1, 2):
        for _ in range(3):
            world.clock.pass_minutes(1)
            lucia.sends_proof()
        assert len(notices(world)) == number
        world.clock.pass_minutes(1)
        if look == "at the proof":
            world.api("GET", f"/api/orders/{order_id}")  # which does not show it
            proofs_of(world, order_id)
        else:
            reject(world, order_id, proof=world.order(order_id)["proof"]["sha256"])


def test_m8_a_late_proof_is_reported_although_nobody_has_looked(world: World, lucia: Buyer) -> None:
    """An organiser cancels without a look. Then another proof comes: money may be lost."""
    world.raffle()
    order_id = hold_and_confirm(lucia)
    lucia.sends_proof()
    world.api("POST", f"/api/orders/{order_id}/cancel")
    for _ in range(3):
        lucia.sends_proof()
    assert world.order(order_id)["status"] == "LATE"
    assert len(notices(world)) == 2 and "has no numbers any more" in notices(world)[-1]


def test_m8_a_look_at_the_proof_is_stored_once(world: World, lucia: Buyer, requests: Requests) -> None:
    world.raffle()
    order_id = hold_and_confirm(lucia)
    lucia.sends_proof()
    audited = ["BatchGetItem", "TransactWriteItems"]  # O9
    assert requests.during(lambda: proofs_of(world, order_id)) == ["GetItem", "GetItem", "UpdateItem", *audited]
    assert requests.during(lambda: proofs_of(world, order_id)) == ["GetItem", "GetItem", *audited]


def test_m8_a_proof_that_comes_during_a_look_is_shown_with_it(
    world: World, lucia: Buyer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is no notice of it, so whoever looks must see it."""
    world.raffle()
    order_id = hold_and_confirm(lucia)
    lucia.sends_proof()
    mark = orders.mark_looked_at

    def another_comes_first(order: Order) -> bool:
        monkeypatch.setattr(orders, "mark_looked_at", mark)
        world.clock.pass_minutes(1)
        lucia.sends_proof(PNG + b"another")
        return mark(order)

    monkeypatch.setattr(orders, "mark_looked_at", another_comes_first)
    assert proofs_of(world, order_id) == 2
    assert len(notices(world)) == 1
    assert not orders.get(order_id).has_unseen_proof


def test_m8_a_look_while_a_proof_comes_does_not_keep_its_notice_back(
    world: World, lucia: Buyer, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.raffle()
    order_id = hold_and_confirm(lucia)
    lucia.sends_proof()
    world.clock.pass_minutes(1)
    compare = fingerprints.compare

    def they_look_first(transaction: Transaction, proof: Proof, order: Order) -> Proof:
        monkeypatch.setattr(fingerprints, "compare", compare)
        proofs_of(world, order_id)
        return compare(transaction, proof, order)

    monkeypatch.setattr(fingerprints, "compare", they_look_first)
    lucia.sends_proof(PNG + b"another")
    assert len(notices(world)) == 2
    assert orders.get(order_id).has_unseen_proof


def test_m8_pictures_without_an_order_are_answered_once_and_kept_up_to_the_days_limit(
    world: World, lucia: Buyer
) -> None:
    for _ in range(MAX_FILES + 5):
        lucia.sends_proof()
    assert files(world) == MAX_FILES
    assert len(lucia.heard) == 1 + MAX_SAME and "files today" in text_of(lucia.heard[-1])
    assert len(notices(world)) == 1
