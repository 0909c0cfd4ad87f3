"""Each condition of the store by itself, where others usually stand before it: what it alone keeps from happening."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.choices import pick_number_choice
from chalicelib.domain.delivery import DeliveryState, Outbound, Queue
from chalicelib.domain.messages import Identity, IncomingMessage, MessageKind
from chalicelib.domain.organisers import COMMAND_LINE
from chalicelib.domain.refusals import KeyUsedOtherwise
from chalicelib.lambdas import deliver_messages
from chalicelib.store import contacts, fingerprints, idempotency, messages, orders
from chalicelib.store.contact_ids import contact_ids_of
from chalicelib.store.idempotency import IdempotencyKey
from chalicelib.store.records import FingerprintRecord, OutboundRecord, stored_in
from chalicelib.store.transaction import ConditionsFailed, Transaction
from chalicelib.whatsapp.graph import Accepted, NotSent
from chalicelib.whatsapp.inbound import Message, Status
from tests.support.outbound_records import outbound_records
from tests.support.request_counts import Requests
from tests.support.steps import assert_board_is_exact, hold_and_confirm, hold_and_prove
from tests.support.world import ORGANISER, Buyer, World

Json = dict[str, Any]
PHONE, USER = Identity(phone="50255557777"), Identity(user_id="GT.7777")


def message(world: World, sender: Identity, heard: IncomingMessage, number: int = 1) -> Message:
    return Message(
        id=f"wamid.{number}", phone_number_id="1", sender=sender, name="", sent_at=world.clock.now, incoming=heard,
        kind=heard.kind.value,
    )  # fmt: skip


def taps(world: World, sender: Identity, raffle: Json, number: int) -> None:
    """Somebody takes a number with a button that they were sent by a friend: their first message."""
    choice = IncomingMessage(kind=MessageKind.CHOICE, choice=pick_number_choice(raffle["id"], number))
    world.container.chat.answer(message(world, sender, choice, number))


def held(sender: Identity) -> int:
    contact = contacts.get(contact_ids_of(sender)[0])
    return sum(contact.held.values()) if contact else 0


def test_m2_two_first_messages_at_once_make_one_contact_who_has_both_numbers(world: World, requests: Requests) -> None:
    raffle = world.raffle()
    requests.before_the_next_commit(lambda: taps(world, USER, raffle, 6))
    taps(world, USER, raffle, 5)
    assert held(USER) == 2
    assert_board_is_exact(world, raffle)


def test_m2_an_id_that_has_just_become_a_contact_is_not_made_an_alias(world: World, requests: Requests) -> None:
    """The phone alone writes while a message of the same person with both names is under way."""
    raffle = world.raffle()
    requests.before_the_next_commit(lambda: taps(world, PHONE, raffle, 6))
    taps(world, Identity(user_id=USER.user_id, phone=PHONE.phone), raffle, 5)
    assert held(PHONE) == 2
    assert_board_is_exact(world, raffle)


def test_m1_a_message_is_stored_once_whoever_it_is_taken_for(world: World) -> None:
    for attempt in range(2):
        transaction = Transaction()
        messages.record_inbound(
            transaction, f"contact {attempt}", IncomingMessage(kind=MessageKind.TEXT, text="menu"), inbound_id="1",
            form="text", sent_at=None, now=world.clock.now,
        )  # fmt: skip
        if not attempt:
            transaction.commit()
    with pytest.raises(ConditionsFailed) as raised:
        transaction.commit()
    assert raised.value.named(messages.INBOUND)


def test_waiting_for_an_organiser_who_never_wrote_leaves_no_half_a_contact(
    world: World, lucia: Buyer, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.raffle()
    hold_and_confirm(lucia)
    send = world.graph.send

    def refuses_organisers(body: Mapping[str, Any]) -> Accepted:
        if body.get("to") == ORGANISER.phone:
            raise NotSent("no connection")
        return send(body)

    monkeypatch.setattr(world.graph, "send", refuses_organisers)
    lucia.sends_proof()
    monkeypatch.undo()
    organiser = Identity(phone=str(ORGANISER.phone).removeprefix("+"))
    assert [record.state for record in outbound_records(contact_ids_of(organiser)[0], limit=5)] == ["PENDING"]
    world.container.chat.answer(message(world, organiser, IncomingMessage(kind=MessageKind.TEXT, text="menu")))
    assert contacts.get(contact_ids_of(organiser)[0])


def waiting(world: World, buyer: Buyer) -> Outbound:
    """A reply that could not be sent, and is due by now."""
    world.graph.refuses = [NotSent("no connection")]
    buyer.says("menu")
    world.clock.pass_minutes(2)
    (found,) = messages.waiting(Queue.DUE, until=world.clock.now, limit=5)
    return found


def stored(outbound: Outbound) -> OutboundRecord:
    return next(iter(outbound_records(outbound.contact_id, limit=1)))


def test_m3_a_message_that_whatsapp_reports_while_our_try_seems_to_fail_is_not_sent_again(
    world: World, lucia: Buyer, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = waiting(world, lucia)

    def is_delivered_and_breaks(body: Mapping[str, Any]) -> Accepted:
        tag = body["biz_opaque_callback_data"]
        told = Status(message_id="wamid.OUT1", state="delivered", at=None, tag=tag, recipient=None)
        world.container.sender.update_status(told)
        raise NotSent("the connection broke")

    monkeypatch.setattr(world.graph, "send", is_delivered_and_breaks)
    deliver_messages()
    assert stored(found).state == "DELIVERED"
    assert stored(found).queue_key is None


def test_m3_a_message_that_was_delivered_meanwhile_no_longer_waits(world: World, lucia: Buyer) -> None:
    claimed = messages.claim(waiting(world, lucia), world.clock.now)
    assert claimed
    messages.advance(claimed.tag, DeliveryState.DELIVERED, world.clock.now)
    messages.postpone(claimed, world.clock.now + timedelta(minutes=1), "an earlier one")
    assert stored(claimed).queue_at is None


def test_nothing_is_recorded_about_a_message_that_is_no_longer_stored(world: World, lucia: Buyer) -> None:
    gone = replace(waiting(world, lucia), contact_id="gone")
    messages.mark_accepted(gone, "wamid.OUT1", world.clock.now)
    assert list(stored_in("CONTACT#gone")) == []


def test_an_idempotency_key_stands_for_one_thing(world: World) -> None:
    key = IdempotencyKey("1", "fingerprint")
    for made in ("one", "other"):
        making = Transaction()
        idempotency.record_result(making, key, COMMAND_LINE, made, world.clock.now)
        if made == "one":
            making.commit()
    with pytest.raises(ConditionsFailed):
        making.commit()
    assert idempotency.find_result(key, COMMAND_LINE) == "one"
    with pytest.raises(KeyUsedOtherwise):
        idempotency.find_result(IdempotencyKey("1", "another fingerprint"), COMMAND_LINE)


def test_v2_an_erasure_leaves_a_fingerprint_that_is_somebody_elses_by_now(world: World, lucia: Buyer) -> None:
    world.raffle()
    order = orders.get(hold_and_prove(lucia))
    [fingerprint] = fingerprints.noted(order.proofs, order.contact_id)
    record = FingerprintRecord(*fingerprint.key)
    record.update([FingerprintRecord.contact_id.set("somebody else")])
    fingerprints.forget(fingerprint)
    record.refresh()
    assert record.contact_id == "somebody else"


def test_n3_a_raffle_that_is_activated_at_that_moment_is_not_deleted(world: World, requests: Requests) -> None:
    path = f"/api/raffles/{world.raffle(active=False)['id']}"
    world.clock.pass_minutes(1)
    requests.before_the_next_commit(lambda: world.api("POST", f"{path}/activate"))
    assert world.api("DELETE", path).status in (409, 429)
    assert world.api("GET", path).body["status"] == "ACTIVE"
