"""H9 to H11: a script with one contact, or with a hundred, keeps numbers from people who would pay.

The clock moves for thirty minutes. Whatever the script does, at most four fifths of the raffle are out of reach, and
`hold_minutes` after it stops nothing is; ten minutes later if it asks for more time (H14). With a hundred contacts of
forty numbers each, raffles of more than 5,000 numbers are out of its reach anyway.
"""

from collections.abc import Sequence

import pytest

from chalicelib.domain.choices import more_time_choice, pick_random_choice
from chalicelib.domain.messages import Identity, IncomingMessage, Media, MessageKind
from chalicelib.whatsapp.inbound import Message
from tests.support.identities import contact_of
from tests.support.steps import assert_board_is_exact, buy, hold
from tests.support.world import PNG, Buyer, World, text_of

SIZES = (100, 200, 500)
GIVES_UP_AFTER = 3  # refusals in a row: what refuses these refuses the others, too


class Script:
    """Contacts that one program writes for."""

    def __init__(self, world: World, raffle_id: str, contacts: int) -> None:
        self.world = world
        self.raffle_id = raffle_id
        self.contacts = [world.buyer(f"Bot {number}", 1000 + number) for number in range(contacts)]
        self.peak = 0

    def takes_all_it_can(self, *, proofs: bool = False, more_time: bool = False) -> None:
        """Each contact holds as much as it may; with `proofs`, it also sends any picture, or asks for `more_time`."""
        refused = 0
        for contact in self.contacts:
            before = self.reserved
            for quantity in (40, 20, 5):
                if self.reserved == before:
                    self.taps(contact, pick_random_choice(self.raffle_id, quantity))
            if proofs:
                self.sends_picture(contact)
            for order_id in contact_of(contact.person).unpaid if more_time else ():
                self.taps(contact, more_time_choice(order_id))
            self.peak = max(self.peak, self.reserved)
            refused = 0 if self.reserved > before else refused + 1
            if refused == GIVES_UP_AFTER:
                return

    @property
    def reserved(self) -> int:
        return self.world.availability({"id": self.raffle_id})[1]

    def taps(self, contact: Buyer, choice: str) -> None:
        self._writes(contact, IncomingMessage(kind=MessageKind.CHOICE, choice=choice))

    def sends_picture(self, contact: Buyer) -> None:
        self.world.graph.files["any"] = PNG
        self._writes(contact, IncomingMessage(kind=MessageKind.MEDIA, media=Media(id="any")))

    def _writes(self, contact: Buyer, incoming: IncomingMessage) -> None:
        message = Message(
            id=self.world.new_id(),
            phone_number_id=self.world.container.settings.WHATSAPP_PHONE_NUMBER_ID,
            sender=Identity(user_id=contact.person.user_id, phone=contact.person.wa_id),
            name=contact.person.name,
            sent_at=self.world.clock.now,
            incoming=incoming,
            kind="interactive",
        )
        self.world.container.chat.answer(message)


def regulars(world: World) -> Sequence[Buyer]:
    """People who have bought before, in another raffle."""
    world.raffle(limited=True, code="CAR")
    people = [world.buyer("Ana", 1), world.buyer("Beto", 2)]
    for number, person in enumerate(people, start=1):
        buy(person, f"#{number}", "CAR")
    return people


@pytest.mark.parametrize("size", SIZES)
def test_h9_one_contact_takes_forty_numbers_and_soon_has_to_wait(world: World, size: int) -> None:
    raffle = world.raffle(limited=True, last_number=size)
    script = Script(world, raffle["id"], 1)
    free_minutes = 0
    for _ in range(20):
        script.takes_all_it_can()
        free_minutes += 5 * (script.reserved == 0)
        world.clock.pass_minutes(5)
        world.minute()
    assert script.peak == 40
    assert free_minutes >= 15, "after the third hold it waits for 5 minutes, after the fourth for 10"
    world.clock.pass_minutes(15)
    world.minute()
    assert world.availability(raffle) == (size, 0, 0)
    assert_board_is_exact(world, raffle)


@pytest.mark.parametrize("size", SIZES)
def test_h10_a_hundred_contacts_leave_a_fifth_of_the_raffle_and_all_of_it_once_they_stop(
    world: World, size: int
) -> None:
    ana, beto = regulars(world)
    raffle = world.raffle(limited=True, last_number=size)
    script = Script(world, raffle["id"], 100)
    for minutes in (0, 7, 7, 1, 7, 8):
        world.clock.pass_minutes(minutes)
        world.minute()
        script.takes_all_it_can()
    assert size * 60 // 100 < script.peak <= size * 80 // 100
    hold(ana, "random 10")  # there is room for who has paid before, while the script holds all it can
    hold(beto, "random 10")
    world.clock.pass_minutes(15)
    world.minute()
    assert world.availability(raffle) == (size, 0, 0)
    assert "holding" in text_of((world.buyer("New", 3).says("BIKE"), world.buyer("New", 3).says("random 40"))[1])
    assert_board_is_exact(world, raffle)


@pytest.mark.parametrize("size", SIZES)
def test_h14_more_time_for_all_keeps_no_more_numbers_and_ends_ten_minutes_later(world: World, size: int) -> None:
    ana, beto = regulars(world)
    raffle = world.raffle(limited=True, last_number=size)
    script = Script(world, raffle["id"], 100)
    for minutes in (0, 7, 7, 1, 7, 8):
        world.clock.pass_minutes(minutes)
        world.minute()
        script.takes_all_it_can(more_time=True)
    assert size * 60 // 100 < script.peak <= size * 80 // 100
    hold(ana, "random 10")
    hold(beto, "random 10")
    world.clock.pass_minutes(15)
    world.minute()
    assert world.availability(raffle)[1] <= size * 80 // 100
    world.clock.pass_minutes(10)
    world.minute()
    assert world.availability(raffle) == (size, 0, 0)
    assert_board_is_exact(world, raffle)


def test_h10_pictures_keep_no_more_and_end_with_one_act_for_each_contact(world: World) -> None:
    ana, beto = regulars(world)
    raffle = world.raffle(limited=True)
    script = Script(world, raffle["id"], 100)
    for minutes in (0, 7, 7, 1, 15):
        world.clock.pass_minutes(minutes)
        world.minute()
        script.takes_all_it_can(proofs=True)
    assert script.peak == 80
    hold(ana, "random 10")
    hold(beto, "random 10")
    world.clock.pass_minutes(15)
    world.minute()
    reviewed = world.api("GET", "/api/orders/pending-payment").body["results"]
    assert sum(order["quantity"] for order in reviewed) == script.reserved <= 80
    for contact_id in {order["contact"] for order in reviewed}:
        assert world.api("PATCH", f"/api/contacts/{contact_id}", {"blocked": True}).status == 200
    assert world.availability(raffle) == (100, 0, 0)
    script.takes_all_it_can(proofs=True)
    assert_board_is_exact(world, raffle)
    assert not any(contact_of(contact.person).unpaid for contact in script.contacts[:2])
