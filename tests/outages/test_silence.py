"""M3: after hours in which no send had an answer, what matters is sent once more, and the rest is shown."""

from typing import Any

import pytest

from chalicelib.whatsapp.graph import OutcomeUnknown
from tests.support.deliveries import pass_time, texts
from tests.support.steps import confirm_payment, hold_and_prove, outbounds, reject
from tests.support.world import Buyer, World
from whatsapp_sandbox import webhooks

Json = dict[str, Any]


class Outage:
    """WhatsApp takes no message, and gives no answer either; `end` it."""

    def __init__(self, world: World, patch: pytest.MonkeyPatch) -> None:
        self.world, self.patch, self.tried = world, patch, list[Json]()

    def begin(self) -> None:
        self.patch.setattr(self.world.graph, "send", self._send)

    def end(self) -> None:
        self.patch.undo()

    def _send(self, message: Json) -> None:
        self.tried.append(message)
        raise OutcomeUnknown("ReadTimeout")

    def lasts(self, hours: float, *, somebody: Buyer) -> None:
        """The schedule comes by each minute; somebody writes every ten minutes."""
        for minute in range(int(hours * 60)):
            if minute % 10 == 0:
                body = webhooks.text_message(somebody.person, "help", message_id=self.world.new_id(), at=self.world.at)
                somebody.sends(body)
            pass_time(self.world, minutes=1)


@pytest.fixture
def outage(world: World, monkeypatch: pytest.MonkeyPatch) -> Outage:
    return Outage(world, monkeypatch)


def heard(buyer: Buyer, words: str) -> int:
    return sum(words in text for text in texts(buyer))


def test_m3_after_hours_of_silence_what_matters_is_sent_once_more(
    world: World, lucia: Buyer, marco: Buyer, outage: Outage
) -> None:
    world.raffle()
    confirmed, rejected, confirmed_too = (
        hold_and_prove(buyer, number) for buyer, number in ((lucia, "5"), (marco, "6"), (world.buyer("Ana", 3), "7"))
    )
    ana = world.buyer("Ana", 3)
    outage.begin()
    confirm_payment(world, confirmed)
    confirm_payment(world, confirmed_too)
    reject(world, rejected)
    eva = world.buyer("Eva", 4)
    outage.lasts(3, somebody=eva)
    tags = [message["biz_opaque_callback_data"] for message in outage.tried]
    assert max(map(tags.count, tags)) == 2  # as in any weather
    outage.end()
    assert (heard(lucia, "is confirmed"), heard(marco, "could not accept"), heard(ana, "is confirmed")) == (0, 0, 0)
    eva.says("menu")  # WhatsApp answers again
    pass_time(world, minutes=1)
    # It had taken one of them after all, and says so now.
    [taken] = [stored for stored in outbounds(ana) if stored.queue_key == "OUTBOUND#UNDELIVERED" or stored.once_more]
    tag = f"{taken.contact_id}/{taken.sk.removeprefix('MSG#')}"
    world.deliver(webhooks.status(ana.person, "wamid.Z", "delivered", at=world.at, tracking=tag))
    for _ in range(10):
        pass_time(world, minutes=1)
    assert (heard(lucia, "is confirmed"), heard(marco, "could not accept"), heard(ana, "is confirmed")) == (1, 1, 0)
    left = [stored for stored in outbounds(eva) if stored.queue_key == "OUTBOUND#UNDELIVERED"]
    assert len(left) > 5  # answers to somebody who has asked again since: organisers see them


def test_m3_a_message_is_sent_once_more_once(world: World, lucia: Buyer, outage: Outage) -> None:
    world.raffle()
    order_id = hold_and_prove(lucia, "5")
    eva = world.buyer("Eva", 4)
    outage.begin()
    confirm_payment(world, order_id)
    for _ in range(3):
        outage.lasts(2, somebody=eva)
        outage.end()
        eva.says("menu")
        outage.begin()  # before anything else is sent
    tags = [message["biz_opaque_callback_data"] for message in outage.tried]
    assert sorted({tags.count(tag) for tag in tags}) == [2, 3]
    [of_lucia] = [stored for stored in outbounds(lucia) if stored.once_more]
    assert tags.count(f"{of_lucia.contact_id}/{of_lucia.sk.removeprefix('MSG#')}") == 3


def test_m3_after_one_unknown_outcome_in_a_quiet_night_nothing_is_sent_a_third_time(
    world: World, lucia: Buyer, outage: Outage
) -> None:
    world.raffle()
    order_id = hold_and_prove(lucia, "5")
    outage.begin()
    confirm_payment(world, order_id)
    for _ in range(5):
        pass_time(world, minutes=1)
    outage.end()
    pass_time(world, hours=8)
    world.buyer("Eva", 4).says("menu")
    for _ in range(5):
        pass_time(world, minutes=1)
    assert heard(lucia, "is confirmed") == 0
    assert len(outage.tried) == 2
