"""M3 to M5 where it is hard: what comes in the middle of a run, twice, late, under other names, or is damaged."""

from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.channel import Stop
from chalicelib.domain.contacts import Contact
from chalicelib.domain.messages import Identity
from chalicelib.domain.rate_limit import RateLimit
from chalicelib.services.messaging.outbox import RUN_TIME
from chalicelib.store import channel as channels
from chalicelib.store import contacts
from chalicelib.store import messages as stored
from chalicelib.store.transaction import Busy
from chalicelib.whatsapp.graph import GraphError, NotSent, OutcomeUnknown
from tests.support.deliveries import EVERY_TEMPLATE, fails_late, pass_time, refused, texts
from tests.support.identities import NEW_PHONE, NEW_USER_ID, PHONE, USER_ID, moves, person, writes
from tests.support.steps import confirm_payment, hold, hold_and_confirm, hold_and_prove, outbounds
from tests.support.updates import tag_of
from tests.support.world import Buyer, World, text_of
from whatsapp_sandbox import webhooks

Json = dict[str, Any]


def script(world: World, *outcomes: GraphError | None) -> list[Json]:
    """What WhatsApp says to each coming send (None: takes it), and all that is tried."""
    tried, send, left = list[Json](), world.graph.send, list(outcomes)

    def act(message: Json) -> object:
        tried.append(message)
        if left and (outcome := left.pop(0)) is not None:
            raise outcome
        return send(message)

    vars(world.graph)["send"] = act
    return tried


def failed(world: World, buyer: Buyer, tag: str, message_id: str, code: int) -> None:
    world.deliver(
        webhooks.status(buyer.person, message_id, "failed", at=world.at, tracking=tag, errors=[(code, "failed")])
    )


def test_a_failure_recorded_between_claim_and_postponement_stays_a_failure(
    world: World, lucia: Buyer, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(world, NotSent("x"), None, OutcomeUnknown("x"))
    lucia.says("menu")  # X, not sent
    world.clock.now += timedelta(milliseconds=1)
    lucia.says("help")  # Y, behind X
    pass_time(world, minutes=1)  # X taken; of Y nobody knows
    x, y = outbounds(lucia)
    assert (x.state, y.state, y.behind is not None) == ("ACCEPTED", "UNKNOWN", True)
    world.clock.now += timedelta(minutes=5)
    x_tag, y_tag = (f"{r.contact_id}/{r.sk.removeprefix('MSG#')}" for r in (x, y))
    failed(world, lucia, x_tag, x.message_id, 131000)  # X is to be sent again: Y waits behind it
    read = contacts.with_channel

    def while_reading(contact_id: str) -> object:
        monkeypatch.setattr(contacts, "with_channel", read)
        failed(world, lucia, y_tag, "wamid.Y1", 131026)  # the first try of Y: they are not on WhatsApp
        return read(contact_id)

    monkeypatch.setattr(contacts, "with_channel", while_reading)
    world.minute()
    before = len(world.graph.sent)
    for _ in range(10):
        pass_time(world, minutes=1.1)
    y = outbounds(lucia)[-1]
    assert (len(world.graph.sent) - before, y.state, y.queue_key) == (1, "FAILED", "OUTBOUND#UNDELIVERED")


@pytest.mark.parametrize("code", [131048, 190, 130429])
def test_what_closes_the_channel_closes_it_for_the_rest_of_the_run(
    world: World, lucia: Buyer, marco: Buyer, code: int
) -> None:
    world.raffle()
    order_id, other = hold_and_prove(lucia), hold_and_prove(marco, "7,8")
    channels.stop(Stop.BUSINESS_INITIATED, world.clock.now, code=None)
    confirm_payment(world, order_id)  # STOPPED
    channels.resume(world.clock.now)
    world.graph.refuses = [NotSent("x")]
    confirm_payment(world, other)  # DUE
    tried = script(world, refused(code))
    pass_time(world, minutes=1)
    assert len(tried) == 1


def test_a_stop_by_hand_holds_in_the_middle_of_a_run(world: World) -> None:
    buyers = [world.buyer(f"B{n}", n + 10) for n in range(60)]
    world.graph.refuses = [NotSent("x") for _ in buyers]
    for buyer in buyers:
        buyer.says("menu")
    send, tried = world.graph.send, list[Json]()

    def stops_at_once(message: Json) -> object:
        tried.append(message)
        channels.stop(Stop.ALL, world.clock.now, code=None)
        return send(message)

    vars(world.graph)["send"] = stops_at_once
    pass_time(world, minutes=1)
    assert len(tried) <= 2


def test_a_run_claims_no_more_messages_than_it_has_time_for(world: World) -> None:
    buyers = [world.buyer(f"B{n}", n + 10) for n in range(5)]
    world.graph.refuses = [NotSent("x") for _ in buyers]
    for buyer in buyers:
        buyer.says("menu")
    send, tried = world.graph.send, list[Json]()

    def takes_time(message: Json) -> object:
        tried.append(message)
        world.clock.now += RUN_TIME * 0.4
        return send(message)

    vars(world.graph)["send"] = takes_time
    pass_time(world, minutes=1)
    assert len(tried) == 3
    pass_time(world, minutes=1)
    assert len(tried) == len(buyers)


@pytest.mark.parametrize("hiccup", [refused(131000), refused(131056), refused(2), NotSent("ConnectTimeout")])
def test_waiting_for_our_number_does_not_use_up_the_tries_of_a_message(
    world: World, lucia: Buyer, hiccup: GraphError
) -> None:
    world.graph.refuses = [*(refused(130429) for _ in range(6)), hiccup]
    lucia.says("menu")
    for _ in range(90):
        pass_time(world, minutes=1)
    assert len(lucia.heard) == 1


def test_a_message_of_unknown_outcome_is_sent_twice_at_most(world: World, lucia: Buyer) -> None:
    unknown = OutcomeUnknown("x")
    tried = script(world, unknown, NotSent("x"), unknown, NotSent("x"), unknown, NotSent("x"), unknown)
    lucia.says("menu")
    for _ in range(60):
        pass_time(world, minutes=1)
    assert len(tried) - 3 <= 2, "perhaps sent so often"


def test_an_organisers_opt_out_reported_by_whatsapp_is_kept(world: World, lucia: Buyer) -> None:
    world.raffle()
    organiser = Buyer(world=world, person=webhooks.Person(name="Olga", phone="+50255550000", user_id="GT.770099"))
    organiser.says("menu")
    organiser_id = known(stored_contact(organiser)).id
    world.clock.now += timedelta(seconds=1)
    hold_and_confirm(lucia)
    script(world, None, refused(131050))
    lucia.sends_proof()
    assert known(organiser_id).opted_out


def known(contact_id: str) -> Contact:
    found = contacts.get(contact_id)
    assert found is not None
    return found


def stored_contact(buyer: Buyer) -> str:
    return str(outbounds(buyer)[-1].contact_id)


def test_an_opt_out_reported_for_a_merged_contact_counts(world: World) -> None:
    world.raffle()
    before, after = person(PHONE, USER_ID), person(NEW_PHONE, NEW_USER_ID)
    order_id = hold_and_prove(writes(world, before))
    new = writes(world, after)
    new.says("menu")
    said = outbounds(new)[-1]
    world.deliver(moves(world, before, NEW_PHONE))
    tag = f"{said.contact_id}/{said.sk.removeprefix('MSG#')}"
    failed(world, new, tag, said.message_id, 131050)
    count = len(world.graph.sent)
    confirm_payment(world, order_id)
    assert len(world.graph.sent) == count


def test_an_opt_out_under_the_new_name_survives_the_merge(world: World) -> None:
    world.raffle()
    before, after = person(PHONE, USER_ID), person(NEW_PHONE, NEW_USER_ID)
    order_id = hold_and_prove(writes(world, before))
    writes(world, after).says("STOP")
    world.deliver(moves(world, before, NEW_PHONE))
    count = len(world.graph.sent)
    confirm_payment(world, order_id)
    assert len(world.graph.sent) == count


def test_an_open_window_under_the_new_name_survives_the_merge(world: World) -> None:
    world.raffle()
    before, after = person(PHONE, USER_ID), person(NEW_PHONE, NEW_USER_ID)
    order_id = hold_and_prove(writes(world, before))
    body = webhooks.envelope(
        {"user_id_update": [{"wa_id": None, "user_id": {"previous": USER_ID, "current": NEW_USER_ID}}]}
    )
    body["entry"][0]["changes"][0]["field"] = "user_id_update"
    pass_time(world, hours=25)
    writes(world, after).says("hello")
    world.deliver(body)
    count = len(world.graph.sent)
    confirm_payment(world, order_id)
    assert len(world.graph.sent) == count + 1


def test_waiting_messages_go_to_the_persons_present_number(world: World) -> None:
    world.raffle()
    before = person(PHONE, USER_ID)
    order_id = hold_and_prove(writes(world, before))
    world.graph.refuses = [NotSent("x")]
    confirm_payment(world, order_id)
    world.deliver(moves(world, before, NEW_PHONE))
    pass_time(world, minutes=1)
    assert "Good luck" in text_of(world.graph.sent[-1])
    assert world.graph.sent[-1]["to"] == NEW_PHONE


def test_a_delayed_reminder_does_not_come_after_the_news_that_the_hold_ended(world: World, lucia: Buyer) -> None:
    world.raffle()
    hold(lucia)
    world.clock.pass_minutes(9.9)
    world.graph.refuses = [OutcomeUnknown("x")]
    lucia.says("help")
    unknown = outbounds(lucia)[-1]
    pass_time(world, minutes=0.5)  # the reminder waits behind the answer
    world.deliver(webhooks.status(lucia.person, "wamid.H", "delivered", at=world.at, tracking=tag_of_record(unknown)))
    for _ in range(10):
        pass_time(world, minutes=0.95)
    said = [text for text in texts(lucia) if "ends soon" in text or "is over" in text]
    assert ["ends soon" in text for text in said] in ([True, False], [False]), said


def tag_of_record(record: Any) -> str:
    return f"{record.contact_id}/{record.sk.removeprefix('MSG#')}"


@pytest.mark.parametrize("kind", [Stop.BUSINESS_INITIATED, Stop.ALL])
def test_a_reminder_that_was_stopped_is_not_sent_hours_after_the_hold(world: World, lucia: Buyer, kind: Stop) -> None:
    world.raffle()
    hold(lucia)
    channels.stop(kind, world.clock.now, code=None)
    pass_time(world, minutes=11)
    pass_time(world, minutes=5)
    pass_time(world, hours=5)
    channels.resume(world.clock.now)
    for _ in range(3):
        pass_time(world, minutes=1)
    assert not [text for text in texts(lucia) if "ends soon" in text]


def test_messages_held_back_by_a_pause_go_out_within_two_minutes_of_resuming(
    world: World, lucia: Buyer, marco: Buyer
) -> None:
    world.graph.refuses = [refused(80007, 86_400.0)]
    lucia.says("menu")
    marco.says("menu")
    pass_time(world, minutes=5)
    channels.resume(world.clock.now)
    for _ in range(3):
        pass_time(world, minutes=1)
    marco.says("help")
    assert (len(lucia.heard), len(marco.heard)) == (1, 2)


@pytest.mark.parametrize("closed", ["stopped", "paused"])
def test_whatsapp_gets_no_request_at_all_while_it_wants_us_to_wait(world: World, lucia: Buyer, closed: str) -> None:
    world.graph.refuses = [refused(190 if closed == "stopped" else 80007, None)]
    lucia.says("menu")
    before = len(world.graph.read)
    lucia.says("help")
    assert len(world.graph.read) == before


def test_a_buyers_message_that_ends_many_holds_is_done_in_time(world: World, lucia: Buyer) -> None:
    """`converse` has 30 seconds, and sends two a second (infra/resources.json)."""
    world.raffle(last_number=100)
    for n in range(25):
        hold(world.buyer(f"B{n}", n + 100), f"#{n * 4 + 1},{n * 4 + 2},{n * 4 + 3},{n * 4 + 4}")
    world.clock.pass_minutes(16)
    begun = world.clock.now
    sender = world.container.sender
    sender.rate_limit, sender.used_until = RateLimit(interval=timedelta(seconds=0.5), burst=1), None

    def sleep(seconds: float) -> None:
        world.clock.now += timedelta(seconds=seconds)

    sender.sleep = sleep
    lucia.says("BIKE")
    assert world.clock.now - begun < timedelta(seconds=30)


def test_a_proof_is_done_in_time_while_whatsapp_does_not_answer(world: World, lucia: Buyer) -> None:
    world.raffle()
    hold_and_confirm(lucia)
    object.__setattr__(world.container.chat, "organisers", [Identity(phone=f"5025555000{n}") for n in range(4)])
    begun = world.clock.now

    def silent(*_: object, **__: object) -> object:
        world.clock.now += timedelta(seconds=6)
        raise OutcomeUnknown("ReadTimeout")

    vars(world.graph)["send"] = silent
    vars(world.graph)["mark_read"] = silent
    lucia.sends_proof()
    assert world.clock.now - begun < timedelta(seconds=30)


def test_a_failure_from_before_resuming_does_not_stop_again(world: World, lucia: Buyer, marco: Buyer) -> None:
    lucia.says("menu")
    marco.says("menu")
    late = webhooks.status(
        marco.person, outbounds(marco)[-1].message_id, "failed", at=world.at, tracking=tag_of(marco),
        errors=[(131031, "locked")],
    )  # fmt: skip
    fails_late(lucia, 131031)
    pass_time(world, hours=5)
    channels.resume(world.clock.now)
    pass_time(world, hours=1)
    world.deliver(late)  # it is six hours old
    assert channels.read().stopped is None


def test_a_message_that_cannot_be_sent_is_given_up_eventually(world: World, lucia: Buyer) -> None:
    tried = list[Json]()

    def breaks(message: Json) -> object:
        tried.append(message)
        raise ValueError("unforeseen")

    vars(world.graph)["send"] = breaks
    lucia.says("menu")
    for _ in range(60):
        pass_time(world, minutes=1.01)
    assert len(tried) < 20


def test_a_delivered_message_is_not_shown_as_failed(
    world: World, lucia: Buyer, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(world, OutcomeUnknown("x"))
    lucia.says("menu")
    tag, send = tag_of(lucia), world.graph.send

    def meanwhile(message: Json) -> object:
        failed(world, lucia, tag, "wamid.FIRST", 131026)
        return send(message)

    vars(world.graph)["send"] = meanwhile
    pass_time(world, minutes=5)
    newest = outbounds(lucia)[-1]
    world.deliver(webhooks.status(lucia.person, newest.message_id, "delivered", at=world.at, tracking=tag))
    assert outbounds(lucia)[-1].state == "DELIVERED"


def test_an_old_131047_while_the_window_is_open_again_changes_nothing(world: World, lucia: Buyer) -> None:
    world.raffle()
    order_id = hold_and_prove(lucia)
    world.clock.now += timedelta(milliseconds=1)  # so that the news is the newest message
    confirm_payment(world, order_id)
    paid = outbounds(lucia)[-1]
    world.clock.now += timedelta(seconds=5)
    lucia.says("help")
    failed(world, lucia, tag_of_record(paid), paid.message_id, 131047)
    for _ in range(3):
        pass_time(world, minutes=1)
    assert sum("Good luck" in text for text in texts(lucia)) == 2


def test_a_cycle_of_two_that_wait_for_each_other_does_not_last(world: World, lucia: Buyer) -> None:
    """Y behind Z by `send`, Z behind Y since it was made."""
    world.graph.refuses = [NotSent("x")]
    lucia.says("menu")
    world.clock.now += timedelta(milliseconds=1)
    lucia.says("help")  # behind the first
    y, z = outbounds(lucia)
    found = stored.get(tag_of_record(y))
    assert found is not None
    stored.postpone(found, world.clock.now + timedelta(seconds=1), z.sk.removeprefix("MSG#"))
    for _ in range(30):
        pass_time(world, minutes=1)
    assert len(lucia.heard) == 2


def test_one_damaged_message_does_not_keep_all_others_from_being_sent(world: World, lucia: Buyer, marco: Buyer) -> None:
    world.graph.refuses = [NotSent("x"), NotSent("x")]
    lucia.says("menu")
    marco.says("menu")
    record = outbounds(lucia)[0]
    record.template = {"name": "a", "values": {}, "header": "of a later version of ours"}
    record.save()
    for _ in range(10):
        pass_time(world, minutes=1.1)
    assert len(marco.heard) == 1


@pytest.mark.parametrize("event", ["FLAGGED", "REINSTATED", "UNPAUSED"])
def test_a_template_that_may_still_be_used_is_used(world: World, event: str) -> None:
    """Meta: FLAGGED is a warning, and a REINSTATED one can be sent again."""
    channels.approve(EVERY_TEMPLATE, approved=True)
    world.container.templates.update_approval("tombola_hold_expired", "en", event, at=world.clock.now)
    assert "tombola_hold_expired/en" in channels.read().approved


def test_stopped_messages_do_not_hide_those_that_wait_before_them(world: World, lucia: Buyer) -> None:
    world.raffle()
    order_id = hold_and_prove(lucia)
    channels.stop(Stop.BUSINESS_INITIATED, world.clock.now, code=131048)
    world.graph.refuses = [OutcomeUnknown("x")]
    lucia.says("help")  # waits
    world.clock.now += timedelta(seconds=1)
    confirm_payment(world, order_id)  # STOPPED, behind it
    world.clock.now += timedelta(seconds=1)
    before = len(lucia.heard)
    lucia.says("raffles")
    for _ in range(7):
        pass_time(world, minutes=1)
    assert [text.split()[0] for text in texts(lucia)[before:]] == ["How", "Which"]


def test_one_request_that_fails_does_not_end_the_run(
    world: World, lucia: Buyer, marco: Buyer, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.graph.refuses = [NotSent("x"), NotSent("x")]
    lucia.says("menu")
    world.clock.now += timedelta(milliseconds=1)
    marco.says("menu")
    claim = stored.claim

    def busy(outbound: Any, now: Any) -> object:
        monkeypatch.setattr(stored, "claim", claim)
        raise Busy("ThrottlingException")

    monkeypatch.setattr(stored, "claim", busy)
    pass_time(world, minutes=1)
    assert len(marco.heard) == 1


def test_an_opt_out_leaves_a_message_of_unknown_outcome_unknown(world: World, lucia: Buyer) -> None:
    """UNKNOWN, then not reached, then opted out: what was perhaps sent is not called WITHHELD."""
    world.raffle()
    order_id = hold_and_prove(lucia)
    world.clock.now += timedelta(milliseconds=1)  # so that the news is the newest message
    script(world, OutcomeUnknown("x"), NotSent("x"))
    confirm_payment(world, order_id)
    paid = tag_of_record(outbounds(lucia)[-1])
    pass_time(world, minutes=5)
    lucia.says("STOP")
    for _ in range(15):
        pass_time(world, minutes=1)
    found = stored.get(paid)
    assert found is not None and found.state == "UNKNOWN"


def test_an_unforeseen_error_keeps_the_order(world: World, lucia: Buyer) -> None:
    send, broken = world.graph.send, [True]

    def breaks(message: Json) -> object:
        if broken:
            broken.pop()
            raise ValueError("unforeseen")
        return send(message)

    vars(world.graph)["send"] = breaks
    lucia.says("menu")
    world.clock.now += timedelta(seconds=1)
    lucia.says("help")
    for _ in range(3):
        pass_time(world, minutes=1)
    assert [text.split()[0] for text in texts(lucia)] == ["Welcome!", "How"]


def test_a_stop_while_resumed_messages_go_out_ends_that_run(
    world: World, lucia: Buyer, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.raffle()
    order_id = hold_and_prove(lucia)
    channels.stop(Stop.BUSINESS_INITIATED, world.clock.now, code=None)
    confirm_payment(world, order_id)  # STOPPED
    channels.resume(world.clock.now)
    read, looked = contacts.with_channel, list[str]()

    def stopped_again(contact_id: str) -> object:
        looked.append(contact_id)
        assert len(looked) < 3
        channels.stop(Stop.BUSINESS_INITIATED, world.clock.now, code=131048)
        return read(contact_id)

    monkeypatch.setattr(contacts, "with_channel", stopped_again)
    before = len(lucia.heard)
    pass_time(world, minutes=1)
    assert (len(looked), len(lucia.heard)) == (1, before)
    monkeypatch.undo()
    pass_time(world, minutes=1)  # put back to what is stopped
    channels.resume(world.clock.now)
    for _ in range(3):
        pass_time(world, minutes=1)
    assert len(lucia.heard) == before + 1
