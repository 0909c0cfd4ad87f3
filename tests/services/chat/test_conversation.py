"""What is answered to what, as in the table of the sale, and what works in every state."""

from collections.abc import Callable

import pytest

from chalicelib.store.records import ContactRecord
from tests.support.steps import cancel, everything, hold, hold_and_confirm, hold_and_prove
from tests.support.world import Buyer, World, buttons_of, rows_of, text_of
from whatsapp_sandbox import webhooks

MENU = ["Browse raffles", "My orders", "Help"]
Reach = Callable[[Buyer], object]


def nothing(buyer: Buyer) -> None:
    buyer.says("menu")


def browsing(buyer: Buyer) -> None:
    buyer.says("raffles")


def selecting(buyer: Buyer) -> None:
    buyer.says("BIKE")


STATES: list[Reach] = [nothing, browsing, selecting, hold, hold_and_confirm, hold_and_prove]


@pytest.mark.parametrize(
    "said", ["menu", "hi", "ola", "good morning", "Hi, good afternoon 👋🏽", "gibberish", "MENU", "¿?"]
)
def test_a_greeting_or_unknown_text_leads_to_the_menu(world: World, lucia: Buyer, said: str) -> None:
    assert buttons_of(lucia.says(said)) == MENU


@pytest.mark.parametrize("way", ["1", "bike", "BIKE", "Bike.", "tap"])
def test_a_raffle_is_opened_by_its_place_its_code_or_its_row(world: World, lucia: Buyer, way: str) -> None:
    world.raffle(prize="A red one", description="With bell")
    lucia.says("raffles")
    answer = text_of(lucia.taps("1. Bicycle") if way == "tap" else lucia.says(way))
    for part in ("*Bicycle*", "A red one", "With bell", "GTQ 25.00", "001 to 100", "Which numbers"):
        assert part in answer


@pytest.mark.parametrize("way", ["confirm", "Yes", "tap"])
def test_confirm_says_how_to_pay(world: World, lucia: Buyer, way: str) -> None:
    world.raffle()
    order_id = hold(lucia)
    answer = text_of(lucia.taps("Confirm") if way == "tap" else lucia.says(way))
    assert "Bank X, account 123" in answer and order_id in answer and "photo or PDF" in answer
    assert world.order(order_id)["status"] == "PENDING_PAYMENT"


@pytest.mark.parametrize("way", ["cancel", "no", "tap"])
def test_cancel_frees_the_numbers(world: World, lucia: Buyer, way: str) -> None:
    raffle = world.raffle()
    hold(lucia)
    answer = text_of(lucia.taps("Cancel") if way == "tap" else lucia.says(way))
    assert "is cancelled" in answer
    assert world.availability(raffle) == (100, 0, 0)


def test_after_fifteen_minutes_the_buyer_is_told_that_the_hold_ended_and_may_choose_again(
    world: World, lucia: Buyer
) -> None:
    world.raffle()
    hold(lucia)
    world.clock.pass_minutes(15)
    world.minute()
    assert "is over" in text_of(lucia.heard[-1])
    assert "Which numbers" in text_of(lucia.taps("Choose again"))


@pytest.mark.parametrize("reach", STATES, ids=lambda reach: reach.__name__)
def test_help_my_orders_and_menu_work_in_every_state_and_harm_nothing(world: World, lucia: Buyer, reach: Reach) -> None:
    world.raffle()
    reach(lucia)
    before = everything(world, "/api/orders")
    assert "How it works" in text_of(lucia.says("help"))
    answer = text_of(lucia.says("my orders"))
    assert all(order["id"] in answer for order in before) and (before or "no orders yet" in answer)
    assert buttons_of(lucia.says("menu")) == MENU
    assert everything(world, "/api/orders") == before


@pytest.mark.parametrize(
    ("reach", "answer", "left"),
    [
        (nothing, "no order to cancel", 0),
        (browsing, "no order to cancel", 0),
        (selecting, "no order to cancel", 0),
        (hold, "is cancelled", 0),
        (hold_and_confirm, "is cancelled", 0),
        (hold_and_prove, "only an organiser", 2),
    ],
)
@pytest.mark.parametrize("after", [(), ("menu",), ("raffles",), ("raffles", "1"), ("help",), ("my orders",)])
def test_cancel_works_in_every_state_also_after_looking_around(
    world: World, lucia: Buyer, reach: Reach, answer: str, left: int, after: tuple[str, ...]
) -> None:
    raffle = world.raffle()
    reach(lucia)
    for said in after:
        lucia.says(said)
    assert answer in text_of(lucia.says("cancel"))
    assert world.availability(raffle)[1] == left


@pytest.mark.parametrize(
    ("count", "pages"), [(0, []), (1, [1]), (10, [10]), (11, [9, 2]), (19, [9, 10]), (25, [9, 9, 7])]
)
@pytest.mark.parametrize("way", ["taps", "says"])
def test_long_lists_have_pages(world: World, lucia: Buyer, count: int, pages: list[int], way: str) -> None:
    for number in range(count):
        world.clock.now = world.clock.now.replace(second=number)
        world.raffle(title=f"Raffle {number:02} with a rather long title indeed", code=f"CODE-{number:02}")
    lucia.says("raffles")
    if not pages:
        assert "No raffle is open" in text_of(lucia.heard[-1])
        return
    shown = []
    for page, length in enumerate(pages):
        if page:
            lucia.taps("More raffles") if way == "taps" else lucia.says("more")
        rows = [row for row in rows_of(lucia.heard[-1]) if not row.startswith("More")]
        assert len(rows) == length
        assert len(rows_of(lucia.heard[-1])) <= 10
        shown += [row.split()[2] for row in rows]
    assert shown == [f"{number:02}" for number in range(count)]
    assert f"Raffle {count - 1:02}" in text_of(lucia.says(str(pages[-1])))


def tap(buyer: Buyer, choice: str) -> str:
    world = buyer.world
    body = webhooks.button_reply(
        buyer.person, button_id=choice, title="Tap", message_id=world.new_id(), at=world.at, reply_to="wamid.X"
    )
    return text_of(buyer.sends(body))


@pytest.mark.parametrize("wish", ["confirm", "cancel"])
@pytest.mark.parametrize("reach", [nothing, hold])
def test_another_persons_order_cannot_be_touched(
    world: World, marco: Buyer, lucia: Buyer, wish: str, reach: Reach
) -> None:
    world.raffle()
    order_id = hold(lucia, "50")
    reach(marco)
    answer = tap(marco, f"{wish}:{order_id}")
    assert order_id not in answer and "050" not in answer
    assert world.order(order_id)["status"] == "DRAFT"
    assert len(lucia.heard) == 2
    if reach is hold:  # and one's own order is still at hand
        assert "is cancelled" in text_of(marco.says("cancel"))


def test_an_old_button_does_what_can_still_be_done(world: World, lucia: Buyer) -> None:
    world.raffle()
    order_id = hold(lucia)
    cancel(world, order_id)
    tap(lucia, f"confirm:{order_id}")
    assert world.order(order_id)["status"] == "CANCELLED"


@pytest.mark.parametrize("move", ["deactivate"])
def test_a_raffle_that_closes_while_numbers_are_chosen_sells_nothing(world: World, lucia: Buyer, move: str) -> None:
    raffle = world.raffle()
    lucia.says("BIKE")
    world.api("POST", f"/api/raffles/{raffle['id']}/{move}")
    assert "not on sale" in text_of(lucia.says("5"))
    assert world.availability(raffle) == (100, 0, 0)


@pytest.mark.parametrize(
    "name", ['*Admin*\n=HYPERLINK("http://x")<script>{{1}} \u202e', "\u3164\u200b", "", "{code}%s{0}", "a" * 5000]
)
def test_a_hostile_profile_name_has_no_power_over_what_is_said(world: World, name: str) -> None:
    world.raffle()
    buyer = world.buyer(name)
    hold_and_prove(buyer)
    notice = text_of(world.organiser().heard[-1])
    assert "*Admin*" not in notice and "\u202e" not in notice
    assert len(notice.splitlines()) == 4
    assert len(notice) < 400


def person(*, phone: bool, user_id: bool) -> webhooks.Person:
    return webhooks.Person(
        name="Lucía", phone="+50255501234" if phone else None, user_id="GT.7700112233445566" if user_id else None
    )


def test_a_person_without_a_phone_is_answered_by_their_user_id(world: World) -> None:
    raffle = world.raffle()
    buyer = Buyer(world=world, person=person(phone=False, user_id=True))
    hold_and_prove(buyer)
    assert all(said["recipient"] == "GT.7700112233445566" and "to" not in said for said in buyer.heard)
    assert world.availability(raffle) == (98, 2, 0)


@pytest.mark.parametrize(
    "names",
    [
        [(True, False), (True, True), (False, True)],
        [(False, True), (True, True), (True, False)],
        [(True, True), (True, False), (False, True)],
    ],
)
def test_one_person_by_phone_by_both_and_by_user_id_is_one_contact(
    world: World, names: list[tuple[bool, bool]]
) -> None:
    world.raffle()
    order_id = ""
    for phone, user_id in names:
        buyer = Buyer(world=world, person=person(phone=phone, user_id=user_id))
        if order_id:
            assert order_id in text_of(buyer.says("my orders"))
        else:
            order_id = hold(buyer)
    contacts = list(ContactRecord.scan())
    assert len(contacts) == 1
    assert (contacts[0].phone, contacts[0].user_id) == ("50255501234", "GT.7700112233445566")


@pytest.mark.parametrize(
    "word",
    [
        "persona",
        "Humano",
        "asesor",
        "AGENTE",
        "human",
        "person!",
        "pessoa",
        "Quiero hablar con alguien",
        "Can I talk to a human please?",
    ],
)
def test_asking_for_a_person_does_not_end_what_the_bot_was_asking(world: World, lucia: Buyer, word: str) -> None:
    world.raffle()
    order_id = hold(lucia)
    lucia.says("english")
    assert "An organiser has been told" in text_of(lucia.says(word))
    [notice] = world.organiser().heard
    assert "Lucía would like to talk to a person" in text_of(notice) and "https://wa.me/50255500001" in text_of(notice)
    assert order_id in text_of(lucia.says("confirm"))


def test_organisers_are_notified_once_an_hour_that_somebody_wants_a_person(world: World, lucia: Buyer) -> None:
    for _ in range(3):
        lucia.says("human")
    assert (len(lucia.heard), len(world.organiser().heard)) == (2, 1)
    world.clock.pass_minutes(60)
    lucia.says("human")
    assert len(world.organiser().heard) == 2
