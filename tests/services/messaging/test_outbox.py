"""M3 to M5: what WhatsApp says about a message, at once or late, decides what becomes of it and of those behind it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.channel import Channel, Stop
from chalicelib.domain.contacts import Contact
from chalicelib.domain.messages import Identity
from chalicelib.store import channel as channels
from chalicelib.store import contacts
from chalicelib.store.contact_ids import contact_ids_of
from chalicelib.telemetry import metrics
from chalicelib.whatsapp.error_codes import REMEDIES, Action, remedy
from chalicelib.whatsapp.graph import GraphError, NotSent, OutcomeUnknown
from tests.support.deliveries import EVERY_TEMPLATE, fails_late, pass_time, refused, texts
from tests.support.steps import cancel, confirm_payment, hold, hold_and_confirm, hold_and_prove, outbounds, refund
from tests.support.updates import tag_of
from tests.support.world import PNG, Buyer, World, text_of
from whatsapp_sandbox import webhooks

Json = dict[str, Any]
OUTSIDE = 131047


def codes_of(*actions: Action) -> list[int]:
    return [codes[0] for codes, remedy in REMEDIES if remedy.action in actions]


# Failures that come late follow the same table


RETRIED = [(codes[0], remedy.delays[0]) for codes, remedy in REMEDIES if remedy.delays]
FINAL = [
    codes[0]
    for codes, remedy in REMEDIES
    if not remedy.delays and remedy.action not in (Action.STOP_ALL, Action.TEMPLATE)
]


@pytest.mark.parametrize(("code", "delay"), RETRIED)
def test_m3_a_temporary_late_failure_is_sent_again_once_after_its_delay(
    world: World, lucia: Buyer, code: int, delay: int
) -> None:
    lucia.says("menu")
    for _ in range(2):  # WhatsApp says so twice
        fails_late(lucia, code, message_id="wamid.OUT1")
    assert outbounds(lucia)[-1].state == "PENDING"
    pass_time(world, seconds=delay - 0.001)
    assert len(lucia.heard) == 1
    pass_time(world, seconds=0.001)
    assert len(lucia.heard) == 2
    fails_late(lucia, code, message_id="wamid.OUT1")  # and days later, of the first try
    pass_time(world, hours=2)
    assert len(lucia.heard) == 2
    stored = outbounds(lucia)[-1]
    assert (stored.state, stored.message_id) == ("ACCEPTED", "wamid.OUT2")


@pytest.mark.parametrize("code", [*FINAL, 999_999])
def test_m3_a_permanent_late_failure_is_kept_for_the_organisers(world: World, lucia: Buyer, code: int) -> None:
    lucia.says("menu")
    fails_late(lucia, code)
    stored = outbounds(lucia)[-1]
    assert (stored.state, stored.queue_key, int(stored.error_code)) == ("FAILED", "OUTBOUND#UNDELIVERED", code)
    pass_time(world, hours=2)
    assert len(lucia.heard) == 1


def test_m3_a_failure_without_a_code_is_kept_too(world: World, lucia: Buyer) -> None:
    lucia.says("menu")
    world.deliver(webhooks.status(lucia.person, "wamid.OUT1", "failed", at=world.at, tracking=tag_of(lucia)))
    assert outbounds(lucia)[-1].state == "FAILED"


def test_m3_a_late_failure_ends_after_the_last_delay(world: World, lucia: Buyer) -> None:
    lucia.says("menu")
    delays = remedy(131000).delays
    for delay in delays:
        fails_late(lucia, 131000)
        pass_time(world, seconds=delay)
    fails_late(lucia, 131000)
    assert outbounds(lucia)[-1].state == "FAILED"
    assert len(lucia.heard) == 1 + len(delays)


def test_m3_a_failure_may_come_before_we_recorded_that_whatsapp_took_the_message(
    world: World, lucia: Buyer, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = world.graph.send

    def fails_at_once(message: Json) -> object:
        accepted = send(message)
        monkeypatch.setattr(world.graph, "send", send)
        fails_late(lucia, 131000, message_id=accepted.message_id)
        return accepted

    monkeypatch.setattr(world.graph, "send", fails_at_once)
    lucia.says("menu")
    assert outbounds(lucia)[-1].state == "PENDING"
    pass_time(world, seconds=10)
    assert len(lucia.heard) == 2
    assert outbounds(lucia)[-1].message_id == "wamid.OUT2"


@pytest.mark.parametrize("state", ["sent", "delivered", "read"])
def test_m3_a_status_may_come_before_we_recorded_that_whatsapp_took_the_message(
    world: World, lucia: Buyer, monkeypatch: pytest.MonkeyPatch, state: webhooks.State
) -> None:
    send = world.graph.send

    def tells_at_once(message: Json) -> object:
        accepted = send(message)
        tag = message["biz_opaque_callback_data"]
        world.deliver(webhooks.status(lucia.person, accepted.message_id, state, at=world.at, tracking=tag))
        return accepted

    monkeypatch.setattr(world.graph, "send", tells_at_once)
    lucia.says("menu")
    stored = outbounds(lucia)[-1]
    assert (stored.state, stored.message_id) == (state.upper(), "wamid.OUT1")


def test_m3_a_report_about_a_failed_try_does_not_count_for_the_next_one(world: World, lucia: Buyer) -> None:
    lucia.says("menu")
    fails_late(lucia, 131000)
    world.deliver(webhooks.status(lucia.person, "wamid.OUT1", "sent", at=world.at, tracking=tag_of(lucia)))
    assert outbounds(lucia)[-1].state == "PENDING"
    pass_time(world, seconds=10)
    assert len(lucia.heard) == 2


def test_m3_a_delivered_message_stays_delivered_whatever_fails_later(world: World, lucia: Buyer) -> None:
    lucia.says("menu")
    world.deliver(webhooks.status(lucia.person, "wamid.OUT1", "delivered", at=world.at, tracking=tag_of(lucia)))
    fails_late(lucia, 131000)
    pass_time(world, hours=1)
    assert len(lucia.heard) == 1


def test_m3_a_message_that_was_given_up_has_arrived_if_whatsapp_says_so(world: World, lucia: Buyer) -> None:
    """Another try than the one that failed."""
    lucia.says("menu")
    tag = tag_of(lucia)
    fails_late(lucia, FINAL[0])
    assert outbounds(lucia)[-1].state == "FAILED"
    world.deliver(webhooks.status(lucia.person, "wamid.OTHER", "delivered", at=world.at, tracking=tag))
    stored = outbounds(lucia)[-1]
    assert (stored.state, stored.queue_key) == ("DELIVERED", None)


def test_a_stop_that_whatsapp_reports_again_days_later_stops_nothing(world: World, lucia: Buyer) -> None:
    lucia.says("menu")
    fails_late(lucia, 190, message_id="wamid.OUT1")
    channels.resume(world.clock.now)
    pass_time(world, minutes=1)
    assert len(lucia.heard) == 2
    fails_late(lucia, 190, message_id="wamid.OUT1")
    assert channels.read().stopped is None


def test_m3_two_tries_of_unknown_outcome_are_the_last_whatever_was_between(world: World, lucia: Buyer) -> None:
    world.graph.refuses = [OutcomeUnknown("ReadTimeout"), refused(131000), OutcomeUnknown("ReadTimeout")]
    lucia.says("menu")
    for _ in range(60):
        pass_time(world, minutes=1)
    assert world.graph.refuses == [] and lucia.heard == []
    assert outbounds(lucia)[-1].state == "UNKNOWN"


def test_an_hour_without_a_connection_to_whatsapp_loses_no_message(world: World, lucia: Buyer) -> None:
    world.graph.refuses = [NotSent("ConnectTimeout") for _ in range(10)]
    lucia.says("menu")
    for _ in range(120):
        pass_time(world, minutes=1)
    assert len(lucia.heard) == 1


def test_messages_behind_another_go_as_soon_as_a_status_reports_that_one(world: World, lucia: Buyer) -> None:
    world.graph.refuses = [OutcomeUnknown("ReadTimeout")]
    lucia.says("menu")
    tag = tag_of(lucia)
    pass_time(world, seconds=1)
    lucia.says("help")
    assert lucia.heard == []
    world.deliver(webhooks.status(lucia.person, "wamid.Z", "delivered", at=world.at, tracking=tag))
    pass_time(world, minutes=1)
    assert [text.split()[0] for text in texts(lucia)] == ["How"]
    lucia.says("menu")
    assert len(lucia.heard) == 2  # at once


def test_a_later_message_never_overtakes_one_that_was_refused_twice(world: World, lucia: Buyer) -> None:
    world.graph.refuses = [refused(131000), refused(131000)]
    lucia.says("menu")
    pass_time(world, seconds=5)
    lucia.says("help")
    for _ in range(8):
        pass_time(world, seconds=20)
    assert [text.split()[0] for text in texts(lucia)] == ["Welcome!", "How"]


def test_messages_that_waited_for_our_number_are_not_overtaken_afterwards(
    world: World, lucia: Buyer, marco: Buyer
) -> None:
    world.graph.refuses = [refused(130429)]
    marco.says("menu")
    pass_time(world, seconds=1)
    lucia.says("menu")
    world.clock.now += timedelta(seconds=10)  # the schedule has not come by yet
    lucia.says("help")
    pass_time(world, minutes=1)
    assert [text.split()[0] for text in texts(lucia)] == ["Welcome!", "How"]


def test_a_damaged_message_does_not_keep_others_from_being_sent(
    world: World, lucia: Buyer, marco: Buyer, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.graph.refuses = [refused(131000), refused(131000)]
    lucia.says("menu")
    marco.says("menu")
    read = contacts.with_channel
    lucias = contact_of(lucia).id

    def damaged(contact_id: str) -> tuple[Contact | None, Channel]:
        if contact_id == lucias:
            raise ValueError("what was stored has no meaning")
        return read(contact_id)

    monkeypatch.setattr(contacts, "with_channel", damaged)
    pass_time(world, minutes=1)
    assert (len(lucia.heard), len(marco.heard)) == (0, 1)


# M4: the 24-hour window


def told_a_day_later(world: World, lucia: Buyer, news: str) -> str:
    """An order, a day without a word of hers, and the news."""
    world.raffle(hold_minutes=60 * 24 if news == "expired" else 15)
    reach = hold_and_confirm if news == "expired" else hold_and_prove
    order_id = reach(lucia)
    pass_time(world, hours=24)
    if news == "paid":
        confirm_payment(world, order_id)
    elif news == "cancelled":
        cancel(world, order_id)
    return order_id


# The template, and what it says after the numbers.
NEWS = {
    "paid": ("payment_confirmed_2", " to be announced"),
    "cancelled": ("order_cancelled", ""),
    "expired": ("hold_expired", ""),
}


@pytest.mark.parametrize("news", NEWS)
def test_m4_after_a_day_of_silence_news_goes_by_template(world: World, lucia: Buyer, news: str) -> None:
    channels.approve(EVERY_TEMPLATE, approved=True)
    order_id = told_a_day_later(world, lucia, news)
    said = lucia.heard[-1]
    assert said["type"] == "template"
    template, more = NEWS[news]
    assert text_of(said) == f"tombola_{template} en {order_id} Bicycle 005, 012{more}"


@pytest.mark.parametrize("news", NEWS)
def test_m4_without_an_approved_template_nothing_is_sent_and_organisers_see_it(
    world: World, lucia: Buyer, news: str
) -> None:
    told_a_day_later(world, lucia, news)
    before = len(lucia.heard)
    pass_time(world, hours=1)
    assert len(lucia.heard) == before
    stored = outbounds(lucia)[-1]
    assert (stored.state, stored.queue_key, int(stored.error_code)) == ("FAILED", "OUTBOUND#UNDELIVERED", OUTSIDE)


def test_m4_a_message_opens_the_window_for_a_day_from_when_it_was_written(world: World, lucia: Buyer) -> None:
    channels.approve(EVERY_TEMPLATE, approved=True)
    world.raffle()
    order_id = hold_and_prove(lucia)
    pass_time(world, hours=23)
    late = webhooks.text_message(lucia.person, "hello", message_id=world.new_id(), at=world.at)
    pass_time(world, hours=23)
    world.deliver(late)  # 23 hours old
    assert text_of(lucia.heard[-1]).startswith("Welcome")
    pass_time(world, hours=1)
    confirm_payment(world, order_id)
    assert lucia.heard[-1]["type"] == "template"


def test_m4_a_message_that_reaches_us_a_day_late_takes_effect_and_is_not_answered(world: World, lucia: Buyer) -> None:
    raffle = world.raffle()
    lucia.says("BIKE")
    late = webhooks.text_message(lucia.person, "5", message_id=world.new_id(), at=world.at)
    pass_time(world, hours=25)
    world.deliver(late)
    assert len(lucia.heard) == 1
    assert outbounds(lucia)[-1].state == "FAILED"
    assert world.availability(raffle) == (99, 1, 0)


@pytest.mark.parametrize("late", [False, True])
def test_m4_when_only_whatsapp_knows_that_the_window_is_over_the_template_follows(
    world: World, lucia: Buyer, late: bool
) -> None:
    channels.approve(EVERY_TEMPLATE, approved=True)
    world.raffle()
    order_id = hold_and_prove(lucia)
    world.clock.now += timedelta(milliseconds=1)  # so that the news is the newest message
    if not late:
        world.graph.refuses = [refused(OUTSIDE)]
    confirm_payment(world, order_id)
    before = len(lucia.heard)
    if late:
        for _ in range(2):
            fails_late(lucia, OUTSIDE, message_id=f"wamid.OUT{len(world.graph.sent)}")
    pass_time(world, minutes=1)
    assert len(lucia.heard) == before + 1
    assert text_of(lucia.heard[-1]).startswith("tombola_payment_confirmed")
    assert outbounds(lucia)[-1].state == "ACCEPTED"


@pytest.mark.parametrize(
    ("version", "end"),
    [("tombola_payment_confirmed", "005, 012"), ("tombola_payment_confirmed_2", "Fri 25 Dec 2026, 02:00")],
)
def test_m4_the_version_that_is_approved_is_sent(world: World, lucia: Buyer, version: str, end: str) -> None:
    channels.approve([f"{version}/en"], approved=True)
    world.raffle(draws_at="2026-12-25T02:00:00Z")
    order_id = hold_and_prove(lucia)
    pass_time(world, hours=25)
    confirm_payment(world, order_id)
    said = text_of(lucia.heard[-1])
    assert said.startswith(f"{version} en {order_id}") and said.endswith(end)


def test_m4_a_template_that_is_refused_for_the_same_reason_is_given_up(world: World, lucia: Buyer) -> None:
    channels.approve(EVERY_TEMPLATE, approved=True)
    world.raffle()
    order_id = hold_and_prove(lucia)
    world.clock.now += timedelta(milliseconds=1)  # so that the news is the newest message
    world.graph.refuses = [refused(OUTSIDE), refused(OUTSIDE)]
    confirm_payment(world, order_id)
    pass_time(world, minutes=1)
    pass_time(world, hours=1)
    assert outbounds(lucia)[-1].state == "FAILED"
    assert "payment" not in text_of(lucia.heard[-1]) or "tombola" not in text_of(lucia.heard[-1])


@pytest.mark.parametrize("code", [132001, 132015, 132016])
def test_m4_a_template_that_no_longer_exists_is_not_used(world: World, lucia: Buyer, code: int) -> None:
    channels.approve(["tombola_payment_confirmed/en", "tombola_payment_confirmed/es"], approved=True)
    world.raffle()
    order_id = hold_and_prove(lucia)
    pass_time(world, hours=24)
    world.graph.refuses = [refused(code)]
    confirm_payment(world, order_id)
    assert channels.read().approved == {"tombola_payment_confirmed/es"}


def test_m4_organisers_who_never_wrote_are_notified_by_template(world: World, lucia: Buyer) -> None:
    channels.approve(EVERY_TEMPLATE, approved=True)
    world.raffle()
    hold_and_confirm(lucia)
    send = world.graph.send

    def only_templates(message: Json) -> object:
        if message["to"] == world.organiser().person.phone and message["type"] != "template":
            raise refused(OUTSIDE)
        return send(message)

    vars(world.graph)["send"] = only_templates
    lucia.sends_proof()
    pass_time(world, minutes=1)
    [said] = world.organiser().heard
    assert text_of(said).startswith("tombola_proof_came en")


@pytest.mark.parametrize("settle", [confirm_payment, refund])
def test_m4_organisers_hear_of_a_further_file_by_template(
    world: World, lucia: Buyer, settle: Callable[[World, str], object]
) -> None:
    channels.approve(EVERY_TEMPLATE, approved=True)
    world.raffle()
    order_id = hold_and_prove(lucia)
    confirm_payment(world, order_id)
    settle(world, order_id)
    send = world.graph.send

    def only_templates(message: Json) -> object:
        if message["to"] == world.organiser().person.phone and message["type"] != "template":
            raise refused(OUTSIDE)
        return send(message)

    vars(world.graph)["send"] = only_templates
    world.clock.pass_minutes(5)
    lucia.sends_proof(PNG + b"2")
    pass_time(world, minutes=1)
    assert text_of(world.organiser().heard[-1]) == f"tombola_file_came en {order_id} Bicycle Lucía"


@pytest.mark.usefixtures("countries")
def test_m9_an_organiser_who_never_wrote_gets_the_template_in_the_language_of_their_phone(
    world: World, lucia: Buyer
) -> None:
    channels.approve(EVERY_TEMPLATE, approved=True)
    world.raffle()
    hold_and_confirm(lucia)
    send = world.graph.send

    def only_templates(message: Json) -> object:
        if message["to"] == world.organiser().person.phone and message["type"] != "template":
            raise refused(OUTSIDE)
        return send(message)

    vars(world.graph)["send"] = only_templates
    lucia.sends_proof()
    pass_time(world, minutes=1)
    [said] = world.organiser().heard
    assert text_of(said).startswith("tombola_proof_came es")
    assert "Q 50.00" in text_of(said)


# Stops


def every_send(world: World, monkeypatch: pytest.MonkeyPatch) -> list[Json]:
    """All that is tried, refused or not."""
    tried, send = list[Json](), world.graph.send

    def note(message: Json) -> object:
        tried.append(message)
        return send(message)

    monkeypatch.setattr(world.graph, "send", note)
    return tried


@pytest.mark.parametrize("code", codes_of(Action.STOP_ALL))
@pytest.mark.parametrize("late", [False, True])
def test_nothing_is_sent_after_a_stop_until_it_is_resumed_and_then_all_in_its_order(
    world: World, lucia: Buyer, marco: Buyer, monkeypatch: pytest.MonkeyPatch, code: int, late: bool
) -> None:
    world.raffle()
    tried = every_send(world, monkeypatch)
    if not late:
        world.graph.refuses = [refused(code)]
    lucia.says("help")
    if late:
        fails_late(lucia, code)
    assert len(tried) == 1
    lucia.says("raffles")
    marco.says("BIKE")
    marco.says("5")
    for _ in range(3):
        pass_time(world, minutes=1)
    assert len(tried) == 1
    assert channels.read().stopped is Stop.ALL and channels.read().code == code
    channels.resume(world.clock.now)
    for _ in range(3):
        pass_time(world, minutes=1)
    assert [text.split()[0] for text in texts(lucia)][-2:] == ["How", "Which"]
    assert [text.split()[0] for text in texts(marco)][:2] == ["*Bicycle*", "I"]


@pytest.mark.parametrize("code", codes_of(Action.STOP_BUSINESS_INITIATED))
def test_after_spam_reports_answers_go_on_and_news_waits_until_it_is_resumed(
    world: World, lucia: Buyer, marco: Buyer, code: int
) -> None:
    world.raffle()
    order_id = hold_and_prove(lucia)
    world.graph.refuses = [refused(code)]
    confirm_payment(world, order_id)
    order_of_marco = hold_and_prove(marco, "7,8")
    assert "Your numbers are" in text_of(marco.heard[-1])
    confirm_payment(world, order_of_marco)
    for _ in range(5):
        pass_time(world, minutes=1)
    assert not [text for text in texts(lucia) + texts(marco) if "Good luck" in text]
    assert world.organiser().heard  # of before the stop
    channels.resume(world.clock.now)
    for _ in range(3):
        pass_time(world, minutes=1)
    for buyer in (lucia, marco):
        assert sum("Good luck" in text for text in texts(buyer)) == 1


def test_a_stop_raises_an_alert_every_minute_until_it_is_resumed(
    world: World, lucia: Buyer, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[str] = []
    monkeypatch.setattr(metrics, "add_metric", lambda name, unit, value: counted.append(name))
    world.graph.refuses = [refused(190)]
    lucia.says("menu")
    assert counted.count("Alerts") == 1 and counted.count("SendingStopped") == 1
    pass_time(world, minutes=1)
    assert counted.count("Alerts") == 2
    channels.resume(world.clock.now)
    pass_time(world, minutes=1)
    assert counted.count("Alerts") == 2


@pytest.mark.parametrize("code", [190, 131042, 368, 131031, 131048, 132001, 100, 200, 4])
def test_a_failure_that_needs_a_person_raises_an_alert_at_once_or_late(
    world: World, lucia: Buyer, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    counted: list[str] = []
    monkeypatch.setattr(metrics, "add_metric", lambda name, unit, value: counted.append(name))
    world.graph.refuses = [refused(code)]
    lucia.says("menu")
    assert counted.count("Alerts") == 1
    channels.resume(world.clock.now)
    pass_time(world, hours=1)
    lucia.says("help")
    before = counted.count("Alerts")
    fails_late(lucia, code)
    assert counted.count("Alerts") == before + 1


def test_the_wider_of_two_stops_holds_and_the_first_reason_is_kept(world: World) -> None:
    channels.stop(Stop.BUSINESS_INITIATED, world.clock.now, code=131048)
    channels.stop(Stop.ALL, world.clock.now, code=368)
    channels.stop(Stop.BUSINESS_INITIATED, world.clock.now, code=131064)
    channels.stop(Stop.ALL, world.clock.now + timedelta(hours=1), code=190)
    assert channels.read() == Channel(stopped=Stop.ALL, code=368, since=world.clock.now)


# Pauses


@pytest.mark.parametrize("code", codes_of(Action.WAIT_ALL, Action.WAIT_NUMBER))
@pytest.mark.parametrize("retry_after", [None, 200.0])
def test_while_the_number_must_wait_nothing_is_sent_to_anybody(
    world: World, lucia: Buyer, marco: Buyer, monkeypatch: pytest.MonkeyPatch, code: int, retry_after: float | None
) -> None:
    delay = retry_after or next(remedy.delays[0] for codes, remedy in REMEDIES if code in codes)
    tried = every_send(world, monkeypatch)
    world.graph.refuses = [refused(code, retry_after)]
    lucia.says("menu")
    marco.says("menu")
    pass_time(world, seconds=delay - 0.001)
    assert len(tried) == 1
    pass_time(world, seconds=0.001)
    assert (len(lucia.heard), len(marco.heard)) == (1, 1)


def test_a_number_that_must_wait_for_long_loses_no_message(world: World, lucia: Buyer) -> None:
    world.graph.refuses = [refused(130429) for _ in range(12)]
    lucia.says("menu")
    for _ in range(120):
        pass_time(world, minutes=1)
    assert len(lucia.heard) == 1


def test_retry_after_overrides_the_delay_at_each_try(world: World, lucia: Buyer) -> None:
    world.graph.refuses = [refused(130429, 90), refused(130429, 90)]
    lucia.says("menu")
    for _ in range(2):
        assert lucia.heard == []
        pass_time(world, seconds=89)
        assert lucia.heard == []
        pass_time(world, seconds=1)
    assert len(lucia.heard) == 1


# WhatsApp's pace


def test_a_person_gets_45_answers_at_once_and_then_one_every_six_seconds_in_order(world: World, lucia: Buyer) -> None:
    for said in ["menu", "help"] * 27:  # of more, those that wait would not all be answered (M8)
        lucia.says(said)
        world.clock.now += timedelta(milliseconds=1)
    assert len(lucia.heard) == 45
    for _ in range(3):
        pass_time(world, minutes=1)
    assert len(lucia.heard) == 54
    assert [text.split()[0] for text in texts(lucia)] == ["Welcome!", "How"] * 27


def test_a_process_spaces_what_it_sends(world: World, lucia: Buyer) -> None:
    pauses: list[float] = []
    world.container.sender.sleep = pauses.append
    for _ in range(3):
        lucia.says("menu")
    a_second = world.container.settings.WHATSAPP_SENDS_A_SECOND
    assert pauses == pytest.approx([1 / a_second, 2 / a_second], abs=1e-5)


# What waits for the organisers, and for nobody


@pytest.mark.parametrize("failure", [lambda: OutcomeUnknown("HTTP 500"), lambda: NotSent("ConnectTimeout")])
def test_waiting_news_is_not_sent_after_an_opt_out(
    world: World, lucia: Buyer, failure: Callable[[], GraphError]
) -> None:
    world.raffle()
    order_id = hold_and_prove(lucia)
    world.graph.refuses = [failure()]
    confirm_payment(world, order_id)
    lucia.says("stop")
    for _ in range(10):
        pass_time(world, minutes=1)
    assert not [text for text in texts(lucia) if "Good luck" in text]


def contact_of(buyer: Buyer) -> Contact:
    found = contacts.get(contact_ids_of(Identity(user_id=buyer.person.user_id, phone=buyer.person.wa_id))[0])
    assert found is not None
    return found


def test_the_window_is_known_for_each_contact(world: World, lucia: Buyer) -> None:
    hold(lucia) if world.raffle() else None
    assert contact_of(lucia).last_heard_at == world.clock.now
