"""M10: a picture goes with the text that it shows, and never keeps that text from arriving."""

from dataclasses import replace
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from chalicelib.domain.orders import Order
from chalicelib.domain.pictures import TicketPicture
from chalicelib.domain.raffles import Raffle
from chalicelib.pictures import ticket
from chalicelib.services.messaging.texts import Texts, texts_in
from chalicelib.store import channel as channels
from chalicelib.store import messages, orders
from chalicelib.store import raffles as stored_raffles
from chalicelib.store.records import OutboundRecord
from chalicelib.whatsapp.graph import GraphError, NotSent, OutcomeUnknown
from chalicelib.whatsapp.limits import CAPTION
from tests.support.deliveries import EVERY_TEMPLATE, pass_time, refused
from tests.support.steps import SPREAD, buy, confirm_payment, hold, hold_and_prove, late, outbounds, reassign
from tests.support.world import PNG, Buyer, World, text_of
from whatsapp_sandbox import webhooks

Json = dict[str, Any]
CONFIRMED = "Your payment for order *{code}* is confirmed."


def confirmation(buyer: Buyer) -> OutboundRecord:
    """What is stored of the message that the payment is confirmed."""
    found: list[OutboundRecord] = [record for record in outbounds(buyer) if record.reply == "paid"]
    [record] = found
    return record


def fails_late(buyer: Buyer, code: int, message_id: str) -> None:
    """WhatsApp took the confirmation, and says now that it failed."""
    stored = confirmation(buyer)
    tag = f"{stored.contact_id}/{stored.sk.removeprefix('MSG#')}"
    errors = [(code, "failed")]
    failed = webhooks.status(buyer.person, message_id, "failed", at=buyer.world.at, tracking=tag, errors=errors)
    buyer.world.deliver(failed)


def ticket_links(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The links in the codes of the tickets that are drawn from now on."""
    links: list[str] = []
    make = ticket._qr_code

    def noted(link: str) -> Image.Image:
        links.append(link)
        return make(link)

    monkeypatch.setattr(ticket, "_qr_code", noted)
    return links


def test_m10_the_confirmation_of_a_payment_is_the_ticket(
    world: World, lucia: Buyer, monkeypatch: pytest.MonkeyPatch
) -> None:
    links = ticket_links(monkeypatch)
    world.raffle(draws_at="2026-12-24T20:00:00Z")
    code = buy(lucia)
    sent = lucia.heard[-1]
    assert sent["type"] == "image"
    assert text_of(sent).startswith(CONFIRMED.format(code=code)) and "005, 012" in text_of(sent)
    [(media_id, content)] = world.graph.uploads.items()
    assert sent["image"]["id"] == media_id
    assert Image.open(BytesIO(content)).format == "PNG"
    assert links == [f"https://wa.me/16315551181?text={code}"]
    assert confirmation(lucia).state == "ACCEPTED"


def facts_of(texts: Texts, raffle: Raffle, order: Order, name: str) -> dict[str, str]:
    picture = texts.payment_confirmed(raffle, order, name).picture
    assert isinstance(picture, TicketPicture)
    return dict(picture.facts)


def test_p13_a_ticket_says_all_that_its_owner_may_have_to_prove(world: World, lucia: Buyer) -> None:
    raffle = stored_raffles.get(
        world.raffle(
            prize="A bicycle", draws_at="2027-01-02T20:00:00Z", organiser={"name": "Lincoln School"},
            permit={"authority": "Ministry", "number": "2026-0123"},
        )["id"]
    )  # fmt: skip
    order = orders.get(buy(lucia))
    assert facts_of(texts_in("en"), raffle, order, "Lucía") == {
        "Name": "Lucía", "Prize": "A bicycle", "Draw": "Sat 2 Jan 2027, 20:00", "Amount": "GTQ 50.00",
        "Organiser": "Lincoln School", "Permit": "2026-0123 (Ministry)",
    }  # fmt: skip


@pytest.mark.parametrize("name", ["", "+502 5555 0001", "50255550001", "🎉"])
def test_p13_a_ticket_has_no_phone_number_for_a_name(world: World, lucia: Buyer, name: str) -> None:
    """WhatsApp shows it as the name of who has none, and a ticket is shown to others."""
    raffle = stored_raffles.get(world.raffle()["id"])
    assert "Name" not in facts_of(texts_in("en"), raffle, orders.get(buy(lucia)), name)


def test_m10_a_whole_purchase_takes_at_most_six_messages_with_the_ticket(world: World, lucia: Buyer) -> None:
    world.raffle(payment_instructions="Bank X, account\n`0123456789`")
    confirm_payment(world, hold_and_prove(lucia))
    assert [message["type"] for message in lucia.heard] == [
        "interactive",
        "interactive",
        "interactive",
        "text",
        "text",
        "image",
    ]


def test_m10_a_reassigned_order_that_is_paid_gets_its_ticket(world: World, lucia: Buyer) -> None:
    world.raffle()
    reassign(world, late(lucia, world.buyer("Marco", 2)), [20, 21])
    assert lucia.heard[-1]["type"] == "image" and "020, 021" in text_of(lucia.heard[-1])


@pytest.mark.parametrize(
    "failure", [NotSent("no connection"), OutcomeUnknown("no answer"), refused(131053), refused(190), refused(4)]
)
def test_m10_without_an_upload_the_text_is_sent_at_once(world: World, lucia: Buyer, failure: GraphError) -> None:
    """Even after a refusal that concerns all messages: whether the text is taken decides what is done about that."""
    world.raffle()
    world.graph.refuses_uploads = [failure]
    before = len(world.graph.sent)
    code = buy(lucia)
    assert lucia.heard[-1]["type"] == "text" and text_of(lucia.heard[-1]).startswith(CONFIRMED.format(code=code))
    pass_time(world, hours=2)
    assert sum("is confirmed" in text_of(message) for message in world.graph.sent[before:]) == 1
    assert channels.read().stopped is None


def test_m10_what_fails_while_drawing_leaves_the_text(
    world: World, lucia: Buyer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ticket, "new_canvas", lambda *_: 1 / 0)
    world.raffle()
    buy(lucia)
    assert lucia.heard[-1]["type"] == "text" and not world.graph.uploads


def test_m10_without_our_number_the_ticket_has_no_code_to_scan(
    world: World, lucia: Buyer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(**_: object) -> str:
        raise NotSent("no connection")

    links = ticket_links(monkeypatch)
    monkeypatch.setattr(world.graph, "number", unknown)
    world.raffle()
    buy(lucia)
    assert lucia.heard[-1]["type"] == "image" and not links


def test_m10_a_picture_of_which_nothing_is_known_is_sent_once_more_after_a_minute(world: World, lucia: Buyer) -> None:
    """As a text is: an upload is no send."""
    world.raffle()
    code = hold(lucia)
    world.graph.refuses = [OutcomeUnknown("no answer")]
    confirm_payment(world, code)
    assert confirmation(lucia).state == "UNKNOWN"
    pass_time(world, seconds=59)
    assert lucia.heard[-1]["type"] == "interactive"
    world.graph.refuses = [OutcomeUnknown("no answer")]
    pass_time(world, seconds=1)
    pass_time(world, hours=2)
    assert lucia.heard[-1]["type"] == "interactive" and len(world.graph.uploads) == 2
    assert confirmation(lucia).queue_key == "OUTBOUND#UNDELIVERED"


PICTURE_REFUSED = [33, 100, 131009, 131053]


@pytest.mark.parametrize("code", PICTURE_REFUSED)
def test_m10_a_picture_that_whatsapp_refuses_is_followed_by_the_text(world: World, lucia: Buyer, code: int) -> None:
    world.raffle()
    order_id = hold(lucia)
    world.graph.refuses = [refused(code)]
    confirm_payment(world, order_id)
    pass_time(world, seconds=1)
    assert lucia.heard[-1]["type"] == "text" and "is confirmed" in text_of(lucia.heard[-1])
    assert confirmation(lucia).state == "ACCEPTED" and confirmation(lucia).picture is None


@pytest.mark.parametrize("code", PICTURE_REFUSED)
def test_m10_a_picture_that_fails_late_is_followed_by_the_text_once(world: World, lucia: Buyer, code: int) -> None:
    world.raffle()
    buy(lucia)
    first = confirmation(lucia).message_id
    for _ in range(2):  # WhatsApp says so twice
        fails_late(lucia, code, first)
    pass_time(world, seconds=1)
    assert [message["type"] for message in lucia.heard[-2:]] == ["image", "text"]
    fails_late(lucia, code, confirmation(lucia).message_id)  # the text has no picture to leave out
    pass_time(world, hours=2)
    assert lucia.heard[-1]["type"] == "text" and len(lucia.heard) == 4
    assert confirmation(lucia).state == "FAILED"


@pytest.mark.parametrize("code", [131000, 131056])
def test_m10_a_picture_is_tried_again_like_a_text(world: World, lucia: Buyer, code: int) -> None:
    world.raffle()
    order_id = hold(lucia)
    world.graph.refuses = [refused(code)]
    confirm_payment(world, order_id)
    pass_time(world, seconds=2)
    assert lucia.heard[-1]["type"] == "image"


def test_m10_the_third_try_has_no_picture(world: World, lucia: Buyer) -> None:
    """If drawing should end the process, the message must not be lost with it."""
    world.raffle()
    order_id = hold(lucia)
    world.graph.refuses = [refused(131000), refused(131000)]
    confirm_payment(world, order_id)
    pass_time(world, seconds=2)
    pass_time(world, seconds=5)
    assert lucia.heard[-1]["type"] == "text" and len(world.graph.uploads) == 2


@pytest.mark.parametrize("approved", [True, False])
def test_m10_after_a_day_nothing_is_drawn(world: World, lucia: Buyer, approved: bool) -> None:
    channels.approve(EVERY_TEMPLATE if approved else [], approved=True)
    world.raffle()
    code = hold_and_prove(lucia)
    heard = len(lucia.heard)
    world.clock.now += timedelta(hours=25)
    confirm_payment(world, code)
    assert list(world.graph.uploads.values()) == [PNG]  # the proof, for the organiser
    assert [message["type"] for message in lucia.heard[heard:]] == ["template"] * approved


def test_m10_a_picture_that_is_refused_for_the_day_becomes_a_template(world: World, lucia: Buyer) -> None:
    channels.approve(EVERY_TEMPLATE, approved=True)
    world.raffle()
    code = hold(lucia)
    world.graph.refuses = [refused(131047)]
    confirm_payment(world, code)
    pass_time(world, seconds=1)
    assert lucia.heard[-1]["type"] == "template" and confirmation(lucia).picture is None


def test_m10_a_text_that_is_too_long_for_a_caption_is_sent_alone(world: World, lucia: Buyer) -> None:
    world.raffle(title="W" * 100, last_number=1_000_000)
    buy(lucia, SPREAD)
    assert lucia.heard[-1]["type"] == "image" and len(text_of(lucia.heard[-1])) <= CAPTION
    message = messages.as_outbound(confirmation(lucia))
    too_long = {**message.body, "text": {"body": "W" * (CAPTION + 1)}}
    request = world.container.pictures.request_for(replace(message, body=too_long))
    assert request == too_long and len(world.graph.uploads) == 1


def test_m10_a_stored_picture_that_cannot_be_read_leaves_the_text(world: World, lucia: Buyer) -> None:
    """Another version of the program may have stored it."""
    world.raffle()
    order_id = hold(lucia)
    world.graph.refuses = [refused(131000)]
    confirm_payment(world, order_id)
    confirmation(lucia).update(actions=[OutboundRecord.picture.set('{"kind":"film"}')])
    pass_time(world, seconds=2)
    assert lucia.heard[-1]["type"] == "text"
