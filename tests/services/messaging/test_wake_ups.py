"""M3: whoever waits for a message is looked at as soon as it may go, in order, and nothing is sent twice."""

from datetime import timedelta

import pytest
from botocore.exceptions import EndpointConnectionError

from chalicelib.services.messaging.wake_ups import WakeUp
from chalicelib.whatsapp.graph import NotSent, OutcomeUnknown
from tests.support.deliveries import pass_time, refused, texts
from tests.support.updates import tag_of
from tests.support.wake_ups import WishQueue, look, wishes_of
from tests.support.world import Buyer, World
from whatsapp_sandbox import webhooks


@pytest.fixture
def wishes(world: World) -> WishQueue:
    return wishes_of(world)


def first_words(buyer: Buyer) -> list[str]:
    return [text.split()[0] for text in texts(buyer)]


@pytest.mark.parametrize(
    ("failure", "seconds"),
    [
        (NotSent("no connection"), 2),
        (refused(131000), 2),
        (refused(131056), 1),
        (refused(130429), 2),
        (refused(2, 7), 7),
    ],
)
def test_m3_a_message_goes_as_soon_as_it_may(
    world: World, wishes: WishQueue, lucia: Buyer, failure: Exception, seconds: float
) -> None:
    world.graph.refuses = [failure]  # type: ignore[list-item] # each is one of WhatsApp's
    lucia.says("menu")
    wishes.pass_time(seconds=seconds - 0.5)
    assert lucia.heard == []
    wishes.pass_time(seconds=0.5)
    assert len(lucia.heard) == 1
    wishes.pass_time(seconds=3600)
    assert len(lucia.heard) == 1


def test_m3_after_an_unknown_outcome_the_status_has_a_minute(world: World, wishes: WishQueue, lucia: Buyer) -> None:
    world.graph.refuses = [OutcomeUnknown("ReadTimeout")]
    lucia.says("menu")
    wishes.pass_time(seconds=59)
    assert lucia.heard == []
    wishes.pass_time(seconds=1)
    assert len(lucia.heard) == 1


def test_m3_what_is_said_meanwhile_follows_at_once_and_in_order(world: World, wishes: WishQueue, lucia: Buyer) -> None:
    world.graph.refuses = [refused(131000), refused(131000)]
    for what in ("menu", "help", "menu"):
        lucia.says(what)
        wishes.pass_time(seconds=0.1)
    wishes.pass_time(seconds=6.6)
    assert lucia.heard == []
    wishes.pass_time(seconds=0.1)
    assert first_words(lucia) == ["Welcome!", "How", "Welcome!"]


def test_m3_when_a_status_ends_the_wait_the_next_message_goes_at_once(
    world: World, wishes: WishQueue, lucia: Buyer
) -> None:
    world.graph.refuses = [OutcomeUnknown("ReadTimeout")]
    lucia.says("menu")
    tag = tag_of(lucia)
    wishes.pass_time(seconds=1)
    lucia.says("help")
    wishes.pass_time(seconds=10)
    assert lucia.heard == []
    world.deliver(webhooks.status(lucia.person, "wamid.Z", "delivered", at=world.at, tracking=tag))
    wishes.pass_time(seconds=0)
    assert first_words(lucia) == ["How"]


def test_m3_after_a_pause_everybody_is_told(world: World, wishes: WishQueue, lucia: Buyer, marco: Buyer) -> None:
    world.graph.refuses = [refused(130429)]
    lucia.says("menu")
    marco.says("menu")
    assert (lucia.heard, marco.heard) == ([], [])
    wishes.pass_time(seconds=2)
    assert (len(lucia.heard), len(marco.heard)) == (1, 1)


def test_m3_more_than_a_persons_pace_goes_at_its_pace(world: World, wishes: WishQueue, lucia: Buyer) -> None:
    for _ in range(48):
        lucia.says("menu")
    assert len(lucia.heard) == 45
    wishes.pass_time(seconds=18)
    assert len(lucia.heard) == 48


def test_m3_a_wish_that_comes_twice_or_too_soon_sends_nothing_more(
    world: World, wishes: WishQueue, lucia: Buyer
) -> None:
    world.graph.refuses = [NotSent("no connection")]
    lucia.says("menu")
    [(_, body)] = wishes.waiting
    look(body)  # too soon: it is put into the queue again
    assert lucia.heard == []
    wishes.pass_time(seconds=2)
    look(body)
    pass_time(world, minutes=1)
    assert len(lucia.heard) == 1


def test_a_wish_for_later_than_the_queue_can_wait_is_put_into_it_again(
    world: World, wishes: WishQueue, lucia: Buyer
) -> None:
    world.graph.refuses = [refused(2, 2000)]
    lucia.says("menu")
    wishes.pass_time(seconds=1999)
    assert lucia.heard == []
    wishes.pass_time(seconds=1)
    assert len(lucia.heard) == 1


def test_a_wish_that_cannot_be_queued_is_left_to_the_schedule(
    world: World, wishes: WishQueue, lucia: Buyer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(**_: object) -> None:
        raise EndpointConnectionError(endpoint_url="https://queue")

    monkeypatch.setattr(wishes, "send_message", fails)
    world.graph.refuses = [NotSent("no connection")]
    lucia.says("menu")
    wishes.pass_time(seconds=10)
    assert lucia.heard == []
    pass_time(world, minutes=1)
    assert len(lucia.heard) == 1


def test_a_wish_for_nobody_or_of_no_sense_harms_nothing(world: World) -> None:
    look(WakeUp("nobody", "nothing", world.clock.now - timedelta(minutes=1)).to_json())
    look("{}")
    look("no JSON")
